//! Pause: flow control of Ethernet, IEEE 802.3 annex 31B.

use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::settings;

settings! {
    /// `ETHTOOL_MSG_PAUSE_GET`
    Pause = "get pause", to_kernel::PAUSE_GET => from_kernel::PAUSE_GET_REPLY;
    told {}
    /// `ETHTOOL_MSG_PAUSE_SET`; fields as in [`Pause`].
    set PauseChange {
        /// Whether it is negotiated with the other end.
        2 autoneg: bool,
        /// Whether pause frames that are received are obeyed.
        3 rx: bool,
        /// Whether pause frames are sent.
        4 tx: bool,
    }
}
