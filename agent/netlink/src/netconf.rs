//! What the kernel tells of `net.ipv4.conf` and `net.ipv6.conf` (`RTM_GETNETCONF`): few of the sysctls that there are, but of
//! all interfaces at once, and with news of changes, whoever made them and by whatever way.
//!
//! ```no_run
//! use trimtab_netlink::IpFamily;
//! use trimtab_netlink::netconf::{self, Conf};
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! let all = netconf::dump(&mut socket, IpFamily::V4)?;
//! let forwarding = all.iter().find(|netconf| netconf.of == Conf::All).and_then(|all| all.forwarding);
//! println!("net.ipv4.conf.all.forwarding = {forwarding:?}");
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

use crate::error::Error;
use crate::ip::IpFamily;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// include/uapi/linux/netconf.h and rtnetlink.h
mod number {
    pub(super) const NEW: u16 = 80;
    pub(super) const DELETE: u16 = 81;
    pub(super) const GET: u16 = 82;

    pub(super) const INDEX: u16 = 1;
    pub(super) const FORWARDING: u16 = 2;
    pub(super) const RP_FILTER: u16 = 3;
    pub(super) const MC_FORWARDING: u16 = 4;
    pub(super) const PROXY_NEIGH: u16 = 5;
    pub(super) const IGNORE_ROUTES_WITH_LINKDOWN: u16 = 6;
    pub(super) const BC_FORWARDING: u16 = 8;
    pub(super) const FORCE_FORWARDING: u16 = 9;

    pub(super) const ALL: i32 = -1;
    pub(super) const DEFAULT: i32 = -2;
}

/// Whose sysctls: what stands in the place of `*` in `net.ipv4.conf.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conf {
    /// `all`
    All,
    /// `default`
    Default,
    /// An interface, by index.
    Interface(u32),
}

/// Values of one folder of `net.ipv4.conf` or `net.ipv6.conf`. A dump has all that the kernel tells of the family; news
/// have the one that has changed, or all if an interface is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Netconf {
    /// `net.ipv4` or `net.ipv6`.
    pub family: IpFamily,
    /// Which folder.
    pub of: Conf,
    /// `forwarding`
    pub forwarding: Option<i32>,
    /// `rp_filter`. IPv4.
    pub rp_filter: Option<i32>,
    /// `mc_forwarding`
    pub mc_forwarding: Option<i32>,
    /// `proxy_arp` of IPv4, `proxy_ndp` of IPv6.
    pub proxy_neigh: Option<i32>,
    /// `ignore_routes_with_linkdown`
    pub ignore_routes_with_linkdown: Option<i32>,
    /// `bc_forwarding`. IPv4, since Linux 5.0; no kernel up to 6.18 tells of its changes.
    pub bc_forwarding: Option<i32>,
    /// `force_forwarding`. IPv6, since Linux 6.17.
    pub force_forwarding: Option<i32>,
}

impl Netconf {
    /// Nothing known of a folder.
    #[must_use]
    pub fn unknown(family: IpFamily, of: Conf) -> Netconf {
        Netconf {
            family,
            of,
            forwarding: None,
            rp_filter: None,
            mc_forwarding: None,
            proxy_neigh: None,
            ignore_routes_with_linkdown: None,
            bc_forwarding: None,
            force_forwarding: None,
        }
    }
}

/// News of a folder. Not even of those that one's own requests caused does the kernel say whose they are
/// (net/ipv4/devinet.c `inet_netconf_notify_devconf`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// These have these values now.
    Set(Netconf),
    /// The folder is gone; so it is too before one of another name comes when an interface is renamed.
    Gone {
        /// `net.ipv4` or `net.ipv6`.
        family: IpFamily,
        /// Which folder.
        of: Conf,
    },
}

impl Change {
    /// The news that a message holds; none if it is of another kind, or of neither family.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        let kind = message.header.kind;
        if kind != number::NEW && kind != number::DELETE {
            return Ok(None);
        }
        let netconf = parse(message)?;
        Ok(netconf.map(|netconf| match kind {
            number::DELETE => Change::Gone { family: netconf.family, of: netconf.of },
            _ => Change::Set(netconf),
        }))
    }
}

/// All folders of a family: `all`, `default` and each interface of the socket's namespace.
///
/// # Errors
/// [`Error::Refused`], of which [`Error::is_unsupported`] is true where the kernel does not have the family.
pub fn dump(socket: &mut RequestSocket, family: IpFamily) -> Result<Vec<Netconf>, Error> {
    // `struct netconfmsg`: the family.
    let body = Writer::with_header(&[family.number()]);
    let request = Request::new("list netconf", number::GET, body);
    socket.dump(request, |message| if message.header.kind == number::NEW { parse(message) } else { Ok(None) })
}

fn parse(message: &Message<'_>) -> Result<Option<Netconf>, Malformed> {
    let ([family], attributes) = message.split::<1>()?;
    let Some(family) = IpFamily::of(*family) else { return Ok(None) };
    let mut netconf = Netconf::unknown(family, Conf::All);
    let mut of = None;
    for attribute in attributes {
        let attribute = attribute?;
        let value = match attribute.kind {
            number::INDEX => &mut of,
            number::FORWARDING => &mut netconf.forwarding,
            number::RP_FILTER => &mut netconf.rp_filter,
            number::MC_FORWARDING => &mut netconf.mc_forwarding,
            number::PROXY_NEIGH => &mut netconf.proxy_neigh,
            number::IGNORE_ROUTES_WITH_LINKDOWN => &mut netconf.ignore_routes_with_linkdown,
            number::BC_FORWARDING => &mut netconf.bc_forwarding,
            number::FORCE_FORWARDING => &mut netconf.force_forwarding,
            _ => continue,
        };
        *value = Some(attribute.i32()?);
    }
    netconf.of = match of.ok_or(Malformed::Missing { what: "NETCONFA_IFINDEX" })? {
        number::ALL => Conf::All,
        number::DEFAULT => Conf::Default,
        index => Conf::Interface(index.cast_unsigned()),
    };
    Ok(Some(netconf))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::damaged;
    use crate::testing::dumped;
    use crate::testing::message;

    proptest! {
        #[test]
        fn any_bytes_are_survived(kind in 80_u16..82, body in vec(any::<u8>(), 0..100)) {
            let _ = Change::read(&message(kind, &body));
        }

        #[test]
        fn damaged_messages_are_survived(body in damaged(dumped(number::GET, Writer::with_header(&[2])))) {
            let _ = Change::read(&message(number::NEW, &body));
        }
    }

    #[test]
    fn a_folder_without_a_name_is_an_error_and_another_family_is_none_of_ours() {
        let read = |family| parse(&message(number::NEW, &Writer::with_header(&[family]).finish().unwrap()));
        assert_eq!(read(2), Err(Malformed::Missing { what: "NETCONFA_IFINDEX" }));
        // AF_MPLS
        assert_eq!(read(28), Ok(None));
    }
}
