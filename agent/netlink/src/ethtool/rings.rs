//! Rings: how many descriptors the queues of a device hold, and how they are filled.

use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::Payload;
use super::settings::settings;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `ETHTOOL_TCP_DATA_SPLIT_*`: whether headers and data of TCP packets go into separate buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpDataSplit {
    /// As the driver thinks best; as an answer, unknown.
    Auto,
    /// No.
    Disabled,
    /// Yes.
    Enabled,
    /// A number that a newer kernel has.
    Other(u8),
}

impl Payload for TcpDataSplit {
    fn read(attribute: &Attribute<'_>) -> Result<TcpDataSplit, Malformed> {
        Ok(match attribute.u8()? {
            0 => TcpDataSplit::Auto,
            1 => TcpDataSplit::Disabled,
            2 => TcpDataSplit::Enabled,
            other => TcpDataSplit::Other(other),
        })
    }

    fn write(&self, writer: &mut Writer, kind: u16) {
        let number = match self {
            TcpDataSplit::Auto => 0,
            TcpDataSplit::Disabled => 1,
            TcpDataSplit::Enabled => 2,
            TcpDataSplit::Other(other) => *other,
        };
        writer.u8(kind, number);
    }
}

settings! {
    /// `ETHTOOL_MSG_RINGS_GET`. Sizes are in descriptors unless they say bytes; `max` is what the device can do.
    Rings = "get rings", to_kernel::RINGS_GET => from_kernel::RINGS_GET_REPLY;
    told {
        /// Most that `rx` can be.
        2 rx_max: u32,
        /// Most that `rx_mini` can be.
        3 rx_mini_max: u32,
        /// Most that `rx_jumbo` can be.
        4 rx_jumbo_max: u32,
        /// Most that `tx` can be.
        5 tx_max: u32,
        /// Most that `tx_push_buf_len` can be. Since Linux 6.4.
        16 tx_push_buf_len_max: u32,
        /// Most that `hds_thresh` can be. Since Linux 6.14.
        18 hds_thresh_max: u32,
    }
    /// `ETHTOOL_MSG_RINGS_SET`; fields as in [`Rings`]. Drivers may round, up or down: read back.
    set RingsChange {
        /// Size of each receive ring.
        6 rx: u32,
        /// Size of each receive ring for small packets.
        7 rx_mini: u32,
        /// Size of each receive ring for jumbo packets.
        8 rx_jumbo: u32,
        /// Size of each transmit ring.
        9 tx: u32,
        /// Size of a receive buffer, in bytes.
        10 rx_buf_len: u32,
        /// Whether headers and data of TCP packets are split; can be set since Linux 6.6.
        11 tcp_data_split: TcpDataSplit,
        /// Size of a completion event, in bytes.
        12 cqe_size: u32,
        /// Whether descriptors are pushed to the device on transmit.
        13 tx_push: bool,
        /// Whether descriptors are pushed to the device on receive. Since Linux 6.3.
        14 rx_push: bool,
        /// Size of the buffer for pushing, in bytes. Since Linux 6.4.
        15 tx_push_buf_len: u32,
        /// From which size on packets are split, in bytes. Since Linux 6.14.
        17 hds_thresh: u32,
    }
}
