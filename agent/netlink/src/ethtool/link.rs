//! The state of a link: speed, duplex, carrier.

use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::Payload;
use super::settings::settings;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// include/uapi/linux/ethtool.h `DUPLEX_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplex {
    /// One direction at a time.
    Half,
    /// Both at once.
    Full,
    /// The driver does not say, 255, or a number that a newer kernel has.
    Unknown(u8),
}

impl Payload for Duplex {
    fn read(attribute: &Attribute<'_>) -> Result<Duplex, Malformed> {
        Ok(match attribute.u8()? {
            0 => Duplex::Half,
            1 => Duplex::Full,
            other => Duplex::Unknown(other),
        })
    }

    fn write(&self, writer: &mut Writer, kind: u16) {
        let number = match self {
            Duplex::Half => 0,
            Duplex::Full => 1,
            Duplex::Unknown(other) => *other,
        };
        writer.u8(kind, number);
    }
}

settings! {
    /// `ETHTOOL_MSG_LINKMODES_GET`, without the lists of modes.
    LinkModes = "get link modes", to_kernel::LINKMODES_GET => from_kernel::LINKMODES_GET_REPLY;
    told {
        /// Whether it is negotiated with the other end.
        2 autoneg: bool,
        /// Megabits per second as the driver says it; see [`LinkModes::known_speed`].
        5 speed: u32,
        /// Whether both directions go at once.
        6 duplex: Duplex,
        /// Lanes. Since Linux 6.1, of few drivers.
        9 lanes: u32,
    }
}

impl LinkModes {
    /// Megabits per second, none if the driver does not know: `SPEED_UNKNOWN`.
    #[must_use]
    pub fn known_speed(&self) -> Option<u32> {
        self.speed.filter(|speed| *speed != u32::MAX)
    }
}

settings! {
    /// `ETHTOOL_MSG_LINKSTATE_GET`
    LinkState = "get link state", to_kernel::LINKSTATE_GET => from_kernel::LINKSTATE_GET_REPLY;
    told {
        /// Whether there is a link.
        2 link: bool,
        /// Quality of the signal.
        3 sqi: u32,
        /// Most that `sqi` can be.
        4 sqi_max: u32,
        /// How often the link was lost. Since Linux 6.9.
        7 ext_down_cnt: u32,
    }
}
