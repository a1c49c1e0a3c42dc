//! Interfaces, made.

use super::Settings;
use super::header::Header;
use super::number;
use super::number::attribute;
use super::number::data;
use super::number::info;
use crate::error::Error;
use crate::socket::Ack;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire;
use crate::wire::Oversize;
use crate::wire::Writer;

/// An interface to make.
///
/// ```no_run
/// use trimtab_netlink::link::{self, Kind, NewLink, Settings};
/// use trimtab_netlink::socket::{Protocol, RequestSocket};
///
/// let mut socket = RequestSocket::open(Protocol::Route)?;
/// let settings = Settings { mtu: Some(9000), up: Some(true), ..Settings::default() };
/// let new = NewLink { settings, ..NewLink::named("tt-a", Kind::Veth { peer: "tt-b" }) };
/// link::add(&mut socket, &new)?;
/// # Ok::<(), trimtab_netlink::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it shall be.
    pub kind: Kind<'a>,
    /// Receive queues to make room for, at both ends of a veth.
    pub num_rx_queues: Option<u32>,
    /// Transmit queues to make room for, at both ends of a veth.
    pub num_tx_queues: Option<u32>,
    /// What it shall have from the start; a name in here is not looked at.
    pub settings: Settings,
}

impl<'a> NewLink<'a> {
    /// One as its kind is by default.
    #[must_use]
    pub fn named(name: &'a str, kind: Kind<'a>) -> NewLink<'a> {
        NewLink { name, kind, num_rx_queues: None, num_tx_queues: None, settings: Settings::default() }
    }
}

/// What an interface that is made shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Two that are joined like by a cable.
    Veth {
        /// Name of the other.
        peer: &'a str,
    },
    /// One that swallows all.
    Dummy,
    /// A bridge.
    Bridge {
        /// Whether it looks at VLANs.
        vlan_filtering: bool,
    },
    /// A bond, still without members.
    Bond {
        /// How it uses them.
        mode: BondMode,
    },
    /// A VLAN of another interface.
    Vlan {
        /// Index of the interface below.
        lower: u32,
        /// Its number, below 4095.
        id: u16,
    },
    /// Another address on an interface.
    Macvlan {
        /// Index of the interface below.
        lower: u32,
        /// What it may speak with.
        mode: MacvlanMode,
    },
    /// One that takes what is redirected to it, for shaping.
    Ifb,
    /// A kind that is not in this list, without settings of its own.
    Other(&'a str),
}

/// `BOND_MODE_*` (include/uapi/linux/if_bonding.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum BondMode {
    /// `balance-rr`
    RoundRobin = 0,
    /// `active-backup`
    ActiveBackup = 1,
    /// `balance-xor`
    Xor = 2,
    /// `broadcast`
    Broadcast = 3,
    /// `802.3ad`, LACP
    Ieee8023ad = 4,
    /// `balance-tlb`
    TransmitBalance = 5,
    /// `balance-alb`
    AdaptiveBalance = 6,
}

/// `MACVLAN_MODE_*` (include/uapi/linux/if_link.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum MacvlanMode {
    /// With none of its siblings.
    Private = 1,
    /// With its siblings by way of a switch outside.
    Vepa = 2,
    /// With its siblings directly.
    Bridge = 4,
    /// The only one.
    Passthru = 8,
}

impl Kind<'_> {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Kind::Veth { .. } => "veth",
            Kind::Dummy => "dummy",
            Kind::Bridge { .. } => "bridge",
            Kind::Bond { .. } => "bond",
            Kind::Vlan { .. } => "vlan",
            Kind::Macvlan { .. } => "macvlan",
            Kind::Ifb => "ifb",
            Kind::Other(name) => name,
        }
    }

    fn lower(&self) -> Option<u32> {
        match self {
            Kind::Vlan { lower, .. } | Kind::Macvlan { lower, .. } => Some(*lower),
            Kind::Veth { .. } | Kind::Dummy | Kind::Bridge { .. } | Kind::Bond { .. } | Kind::Ifb | Kind::Other(_) => {
                None
            }
        }
    }

    fn peer(&self) -> Option<&str> {
        if let Kind::Veth { peer } = self { Some(peer) } else { None }
    }

    /// What goes into `IFLA_INFO_DATA`.
    fn write(&self, queues: impl FnOnce(&mut Writer), body: &mut Writer) -> Result<(), Oversize> {
        match *self {
            Kind::Veth { peer } => {
                // A message in a message.
                let mut other = Header::default().writer();
                other.text(attribute::NAME, peer);
                queues(&mut other);
                body.attribute(data::VETH_PEER, &other.finish()?);
            }
            // Off by default; a kernel that was built without it refuses even that.
            Kind::Bridge { vlan_filtering: false } => (),
            Kind::Bridge { vlan_filtering: true } => {
                body.bool(data::BRIDGE_VLAN_FILTERING, true);
            }
            Kind::Bond { mode } => {
                body.u8(data::BOND_MODE, mode as u8);
            }
            Kind::Vlan { id, .. } => {
                body.u16(data::VLAN_ID, id);
            }
            Kind::Macvlan { mode, .. } => {
                body.u32(data::MACVLAN_MODE, mode as u32);
            }
            Kind::Dummy | Kind::Ifb | Kind::Other(_) => (),
        }
        Ok(())
    }
}

/// Makes an interface.
///
/// # Errors
/// [`Error::Refused`]: a name that is taken, no right to; [`Error::is_unsupported`] if the kernel has no such kind.
/// [`Error::NoName`] of a name with a NUL.
pub fn add(socket: &mut RequestSocket, new: &NewLink<'_>) -> Result<Ack, Error> {
    let NewLink { name, kind, num_rx_queues, num_tx_queues, settings } = new;
    let what = format!("{}: make", name.escape_debug());
    for text in [Some(*name), Some(kind.name()), kind.peer(), settings.alias.as_deref()].into_iter().flatten() {
        whole(&what, text)?;
    }
    let queues = |body: &mut Writer| {
        for (kind, number) in [(attribute::NUM_RX_QUEUES, num_rx_queues), (attribute::NUM_TX_QUEUES, num_tx_queues)] {
            if let Some(number) = number {
                body.u32(kind, *number);
            }
        }
    };
    let mut body = settings.header(0).writer();
    body.text(attribute::NAME, name);
    Settings { name: None, ..settings.clone() }.write(&mut body);
    queues(&mut body);
    if let Some(lower) = kind.lower() {
        body.u32(attribute::LINK, lower);
    }
    let mut inside = Ok(());
    body.nest(attribute::LINK_INFO, |link_info| {
        link_info.text(info::KIND, kind.name());
        link_info.nest(info::DATA, |data| inside = kind.write(queues, data));
    });
    if let Err(source) = inside {
        return Err(Error::Oversize { request: what.into(), source });
    }
    let request = Request::new(what, number::NEW, body);
    socket.acknowledged(request.with_flags(wire::Header::CREATE | wire::Header::EXCLUSIVE))
}
