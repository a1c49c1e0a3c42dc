//! `netem`: delay, loss and other misfortunes of a network.

use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_NETEM_*`
mod number {
    pub(super) const CORRELATION: u16 = 1;
    pub(super) const REORDER: u16 = 3;
    pub(super) const CORRUPT: u16 = 4;
    pub(super) const LOSS: u16 = 5;
    pub(super) const RATE: u16 = 6;
    pub(super) const ECN: u16 = 7;
    pub(super) const RATE64: u16 = 8;
    pub(super) const LATENCY: u16 = 10;
    pub(super) const JITTER: u16 = 11;
    pub(super) const SLOT: u16 = 12;

    pub(super) const FOUR_STATES: u16 = 1;
    pub(super) const GILBERT_ELLIOTT: u16 = 2;
}

/// How often something happens, and how much that depends on the packet before. Both of 2^32 - 1, which is always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chance {
    /// How often.
    pub probability: u32,
    /// How much it depends.
    pub correlation: u32,
}

/// Parameters of `netem`. All of them are written at once. Tables for the distribution of the delay the kernel takes and does not
/// show, so they are not here, and one that somebody gave it stays until the queue is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Netem {
    /// Nanoseconds that packets are delayed.
    pub delay: i64,
    /// Nanoseconds that the delay varies up and down, at most 2^31 - 1.
    pub jitter: i64,
    /// How much the delay depends on that of the packet before, of 2^32 - 1.
    pub delay_correlation: u32,
    /// Most packets that wait.
    pub limit: u32,
    /// Packets that are lost, unless `loss_model` says it.
    pub loss: Chance,
    /// Packets that are lost, by a model with memory.
    pub loss_model: Option<LossModel>,
    /// Packets that come twice.
    pub duplicate: Chance,
    /// Packets that are sent at once, ahead of those that are delayed.
    pub reorder: Chance,
    /// With `reorder`: every so many packets; 0 for none, whatever `reorder` is.
    pub gap: u32,
    /// Packets of which a bit is changed.
    pub corrupt: Chance,
    /// Bytes per second; 0 for no limit.
    pub rate: u64,
    /// Bytes that each packet counts for besides its own.
    pub packet_overhead: i32,
    /// Bytes of the cells that packets are cut into; 0 for none.
    pub cell_size: u32,
    /// Bytes that each cell counts for besides its own.
    pub cell_overhead: i32,
    /// Whether packets are marked by ECN where they can be, rather than lost.
    pub ecn: bool,
    /// Times at which packets are sent together.
    pub slot: Option<Slot>,
}

impl Default for Netem {
    /// One that does nothing, with the limit of tc(8).
    fn default() -> Netem {
        Netem {
            delay: 0,
            jitter: 0,
            delay_correlation: 0,
            limit: 1000,
            loss: Chance::default(),
            loss_model: None,
            duplicate: Chance::default(),
            reorder: Chance::default(),
            gap: 0,
            corrupt: Chance::default(),
            rate: 0,
            packet_overhead: 0,
            cell_size: 0,
            cell_overhead: 0,
            ecn: false,
            slot: None,
        }
    }
}

/// `NETEM_LOSS_*`: how packets are lost. Probabilities are of 2^32 - 1 (tc-netem(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossModel {
    /// Four states: the probabilities p13, p31, p32, p14, p23 of going from one to another.
    FourStates([u32; 5]),
    /// Gilbert and Elliott: p, r, h and 1-k. tc(8) takes 1-h in the place of h.
    GilbertElliott([u32; 4]),
}

/// `struct tc_netem_slot`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slot {
    /// Nanoseconds between slots, at least.
    pub min_delay: i64,
    /// Nanoseconds between slots, at most.
    pub max_delay: i64,
    /// Most packets in a slot; 0 for any.
    pub max_packets: i32,
    /// Most bytes in a slot; 0 for any.
    pub max_bytes: i32,
    /// Nanoseconds between slots as a rule, with `dist_jitter`.
    pub dist_delay: i64,
    /// Nanoseconds that it varies.
    pub dist_jitter: i64,
}

impl Netem {
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Netem, Malformed> {
        let mut fields = Fields::of(attribute, "struct tc_netem_qopt");
        let mut netem = Netem::default();
        let _ticks = fields.u32()?;
        netem.limit = fields.u32()?;
        netem.loss.probability = fields.u32()?;
        netem.gap = fields.u32()?;
        netem.duplicate.probability = fields.u32()?;
        let _ticks = fields.u32()?;
        let rest = fields.rest();
        let before = attribute.payload.len().saturating_sub(rest.len());
        let mut rate64 = None;
        for attribute in Attributes::at(rest, attribute.offset.saturating_add(4).saturating_add(before)) {
            let attribute = attribute?;
            let mut fields = Fields::of(&attribute, "a struct of netem");
            match attribute.kind {
                number::CORRELATION => {
                    netem.delay_correlation = fields.u32()?;
                    netem.loss.correlation = fields.u32()?;
                    netem.duplicate.correlation = fields.u32()?;
                }
                number::REORDER => netem.reorder = chance(&mut fields)?,
                number::CORRUPT => netem.corrupt = chance(&mut fields)?,
                number::LOSS => netem.loss_model = loss_model(&attribute)?,
                number::RATE => {
                    netem.rate = fields.u32()?.into();
                    netem.packet_overhead = fields.i32()?;
                    netem.cell_size = fields.u32()?;
                    netem.cell_overhead = fields.i32()?;
                }
                number::RATE64 => rate64 = Some(attribute.u64()?),
                number::ECN => netem.ecn = attribute.u32()? != 0,
                number::LATENCY => netem.delay = attribute.u64()?.cast_signed(),
                number::JITTER => netem.jitter = attribute.u64()?.cast_signed(),
                number::SLOT => {
                    let mut wide = || fields.u64().map(u64::cast_signed);
                    let (min_delay, max_delay) = (wide()?, wide()?);
                    let (max_packets, max_bytes) = (fields.i32()?, fields.i32()?);
                    let mut wide = || fields.u64().map(u64::cast_signed);
                    let (dist_delay, dist_jitter) = (wide()?, wide()?);
                    let slot = Slot { min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter };
                    // Without any of these there are no slots.
                    netem.slot = Some(slot).filter(|_| (min_delay, max_delay, dist_jitter) != (0, 0, 0));
                }
                _ => (),
            }
        }
        netem.rate = netem.rate.max(rate64.unwrap_or_default());
        Ok(netem)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Netem {
            delay,
            jitter,
            delay_correlation,
            limit,
            loss,
            loss_model,
            duplicate,
            reorder,
            gap,
            corrupt,
            rate,
            packet_overhead,
            cell_size,
            cell_overhead,
            ecn,
            slot,
        } = *self;
        // Delay and jitter in ticks, which attributes below say better. Linux has those since 4.14.
        writer.fixed(&words(&[0, limit, loss.probability, gap, duplicate.probability, 0]));
        writer.u64(number::LATENCY, delay.cast_unsigned()).u64(number::JITTER, jitter.cast_unsigned());
        let correlation = [delay_correlation, loss.correlation, duplicate.correlation];
        writer.attribute(number::CORRELATION, &words(&correlation));
        writer.attribute(number::REORDER, &words(&[reorder.probability, reorder.correlation]));
        writer.attribute(number::CORRUPT, &words(&[corrupt.probability, corrupt.correlation]));
        let rate32 = u32::try_from(rate).unwrap_or(u32::MAX);
        let (packet_overhead, cell_overhead) = (packet_overhead.cast_unsigned(), cell_overhead.cast_unsigned());
        writer.attribute(number::RATE, &words(&[rate32, packet_overhead, cell_size, cell_overhead]));
        if u64::from(rate32) != rate {
            writer.u64(number::RATE64, rate);
        }
        writer.u32(number::ECN, ecn.into());
        match loss_model {
            // Without the attribute the kernel goes back to plain loss.
            None => (),
            Some(LossModel::FourStates(states)) => {
                writer.nest(number::LOSS, |model| {
                    model.attribute(number::FOUR_STATES, &words(&states));
                });
            }
            Some(LossModel::GilbertElliott(states)) => {
                writer.nest(number::LOSS, |model| {
                    model.attribute(number::GILBERT_ELLIOTT, &words(&states));
                });
            }
        }
        // Unlike the model, slots stay unless they are set to nothing.
        let Slot { min_delay, max_delay, max_packets, max_bytes, dist_delay, dist_jitter } = slot.unwrap_or_default();
        let wide = |numbers: [i64; 2]| numbers.into_iter().flat_map(i64::to_ne_bytes);
        let mut bytes: Vec<u8> = wide([min_delay, max_delay]).collect();
        bytes.extend([max_packets, max_bytes].into_iter().flat_map(i32::to_ne_bytes));
        bytes.extend(wide([dist_delay, dist_jitter]));
        writer.attribute(number::SLOT, &bytes);
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Netem) -> Vec<&'static str> {
        macro_rules! compared {
            ($($field:ident,)*) => {{
                let Netem { $($field),* } = asked;
                super::those_that_are_not(&[$((stringify!($field), *$field == self.$field),)*])
            }};
        }
        compared! {
            delay, jitter, delay_correlation, limit, loss, loss_model, duplicate, reorder, gap, corrupt, rate,
            packet_overhead, cell_size, cell_overhead, ecn, slot,
        }
    }
}

fn chance(fields: &mut Fields<'_>) -> Result<Chance, Malformed> {
    Ok(Chance { probability: fields.u32()?, correlation: fields.u32()? })
}

/// None for a model of a newer kernel.
fn loss_model(attribute: &Attribute<'_>) -> Result<Option<LossModel>, Malformed> {
    let mut read = None;
    for model in attribute.nested() {
        let model = model?;
        let mut fields = Fields::of(&model, "a loss model");
        match model.kind {
            number::FOUR_STATES => {
                let mut states = [0; 5];
                for state in &mut states {
                    *state = fields.u32()?;
                }
                read = Some(LossModel::FourStates(states));
            }
            number::GILBERT_ELLIOTT => {
                let mut states = [0; 4];
                for state in &mut states {
                    *state = fields.u32()?;
                }
                read = Some(LossModel::GilbertElliott(states));
            }
            _ => (),
        }
    }
    Ok(read)
}
