//! Channels: how many queues a device uses.

use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::settings;

settings! {
    /// `ETHTOOL_MSG_CHANNELS_GET`; `max` is what the device can do.
    Channels = "get channels", to_kernel::CHANNELS_GET => from_kernel::CHANNELS_GET_REPLY;
    told {
        /// Most that `rx` can be.
        2 rx_max: u32,
        /// Most that `tx` can be.
        3 tx_max: u32,
        /// Most that `other` can be.
        4 other_max: u32,
        /// Most that `combined` can be.
        5 combined_max: u32,
    }
    /// `ETHTOOL_MSG_CHANNELS_SET`; fields as in [`Channels`].
    set ChannelsChange {
        /// Channels that only receive.
        6 rx: u32,
        /// Channels that only transmit.
        7 tx: u32,
        /// Channels for other things: link interrupts, say.
        8 other: u32,
        /// Channels that receive and transmit.
        9 combined: u32,
    }
}
