//! Coalescing: how long a device waits for more before it interrupts.

use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::Payload;
use super::settings::settings;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

const STEP: u16 = 1;
const USECS: u16 = 1;
const PACKETS: u16 = 2;
const COMPLETIONS: u16 = 3;

/// `ETHTOOL_A_IRQ_MODERATION_*`: a step of adaptive moderation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moderation {
    /// Longest wait before an interrupt, in microseconds.
    pub usecs: Option<u32>,
    /// Most packets before an interrupt.
    pub packets: Option<u32>,
    /// Most completions before an interrupt.
    pub completions: Option<u32>,
}

impl Payload for Vec<Moderation> {
    fn read(attribute: &Attribute<'_>) -> Result<Vec<Moderation>, Malformed> {
        let mut steps = Vec::new();
        for step in attribute.nested() {
            let mut moderation = Moderation::default();
            for attribute in step?.nested() {
                let attribute = attribute?;
                match attribute.kind {
                    USECS => moderation.usecs = Some(attribute.u32()?),
                    PACKETS => moderation.packets = Some(attribute.u32()?),
                    COMPLETIONS => moderation.completions = Some(attribute.u32()?),
                    _ => (),
                }
            }
            steps.push(moderation);
        }
        Ok(steps)
    }

    fn write(&self, writer: &mut Writer, kind: u16) {
        writer.nest(kind, |steps| {
            for Moderation { usecs, packets, completions } in self {
                steps.nest(STEP, |step| {
                    for (kind, value) in [(USECS, usecs), (PACKETS, packets), (COMPLETIONS, completions)] {
                        if let Some(value) = value {
                            step.u32(kind, *value);
                        }
                    }
                });
            }
        });
    }
}

settings! {
    /// `ETHTOOL_MSG_COALESCE_GET`. What the driver does not have is none.
    Coalesce = "get coalescing", to_kernel::COALESCE_GET => from_kernel::COALESCE_GET_REPLY;
    told {}
    /// `ETHTOOL_MSG_COALESCE_SET`; fields as in [`Coalesce`]. What the driver does not have, and so is none there, is refused
    /// with `EINVAL`, and nothing else is done.
    set CoalesceChange {
        /// Longest wait before an interrupt after a packet was received, in microseconds.
        2 rx_usecs: u32,
        /// Most packets received before an interrupt.
        3 rx_max_frames: u32,
        /// As `rx_usecs`, while an interrupt is being served.
        4 rx_usecs_irq: u32,
        /// As `rx_max_frames`, while an interrupt is being served.
        5 rx_max_frames_irq: u32,
        /// Longest wait before an interrupt after a packet was sent, in microseconds.
        6 tx_usecs: u32,
        /// Most packets sent before an interrupt.
        7 tx_max_frames: u32,
        /// As `tx_usecs`, while an interrupt is being served.
        8 tx_usecs_irq: u32,
        /// As `tx_max_frames`, while an interrupt is being served.
        9 tx_max_frames_irq: u32,
        /// Time between updates of statistics in memory, in microseconds.
        10 stats_block_usecs: u32,
        /// Whether the driver adapts what is received.
        11 use_adaptive_rx: bool,
        /// Whether the driver adapts what is sent.
        12 use_adaptive_tx: bool,
        /// Packets per second below which the `low` values apply.
        13 pkt_rate_low: u32,
        /// As `rx_usecs`, at a low rate.
        14 rx_usecs_low: u32,
        /// As `rx_max_frames`, at a low rate.
        15 rx_max_frames_low: u32,
        /// As `tx_usecs`, at a low rate.
        16 tx_usecs_low: u32,
        /// As `tx_max_frames`, at a low rate.
        17 tx_max_frames_low: u32,
        /// Packets per second above which the `high` values apply.
        18 pkt_rate_high: u32,
        /// As `rx_usecs`, at a high rate.
        19 rx_usecs_high: u32,
        /// As `rx_max_frames`, at a high rate.
        20 rx_max_frames_high: u32,
        /// As `tx_usecs`, at a high rate.
        21 tx_usecs_high: u32,
        /// As `tx_max_frames`, at a high rate.
        22 tx_max_frames_high: u32,
        /// Time between measurements of the rate, in seconds.
        23 rate_sample_interval: u32,
        /// Whether the time starts anew with each completion sent.
        24 use_cqe_mode_tx: bool,
        /// Whether the time starts anew with each completion received.
        25 use_cqe_mode_rx: bool,
        /// Most bytes of packets sent as one block. Since Linux 6.3.
        26 tx_aggr_max_bytes: u32,
        /// Most packets sent as one block. Since Linux 6.3.
        27 tx_aggr_max_frames: u32,
        /// Longest wait for a block to fill, in microseconds. Since Linux 6.3.
        28 tx_aggr_time_usecs: u32,
        /// The steps between which the driver adapts what is received. Since Linux 6.11.
        29 rx_profile: Vec<Moderation>,
        /// The steps between which the driver adapts what is sent. Since Linux 6.11.
        30 tx_profile: Vec<Moderation>,
    }
}
