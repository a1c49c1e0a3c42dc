//! Default routes (rtnetlink(7) `RTM_GETROUTE`).
//!
//! ```no_run
//! use trimtab_netlink::{IpFamily, route};
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! let routes = route::defaults(&mut socket, IpFamily::V4)?;
//! let uplink = routes.iter().find_map(|route| route.usable_hops().next()).and_then(|hop| hop.interface);
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

use std::net::IpAddr;

use crate::error::Error;
use crate::ip;
use crate::ip::IpFamily;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// include/uapi/linux/rtnetlink.h
mod number {
    pub(super) const NEW: u16 = 24;
    pub(super) const GET: u16 = 26;

    pub(super) const INTERFACE: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const PRIORITY: u16 = 6;
    pub(super) const MULTIPATH: u16 = 9;
    pub(super) const TABLE: u16 = 15;
    pub(super) const VIA: u16 = 18;

    pub(super) const MAIN_TABLE: u8 = 254;
    /// `RTM_F_CLONED`: what was learnt of one destination, an exception and no route.
    pub(super) const CLONED: u32 = 0x200;
    /// `struct rtnexthop`
    pub(super) const HOP_HEADER: usize = 8;
    pub(super) const DEAD: u32 = 1;
    pub(super) const LINK_DOWN: u32 = 16;
}

/// A route for all destinations that have no other, from the main table, for any source and any kind of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRoute {
    /// Whose traffic it is for.
    pub family: IpFamily,
    /// The less, the better. Absent is 0, as it is for IPv4.
    pub metric: u32,
    /// What becomes of the traffic.
    pub kind: RouteKind,
    /// `RTPROT_*`, who made it: 2 the kernel, 3 somebody at boot, 4 an administrator, 9 from an IPv6 router, 16 DHCP.
    pub protocol: u8,
    /// Ways out; more than one share the traffic. None if the kernel names its next hops by number only
    /// (net.ipv4.nexthop_compat_mode=0), and none for a route that leads nowhere.
    pub hops: Vec<Hop>,
}

impl DefaultRoute {
    /// The hops that traffic takes now: none if the route refuses it.
    pub fn usable_hops(&self) -> impl Iterator<Item = &Hop> {
        let unicast = self.kind == RouteKind::Unicast;
        self.hops.iter().filter(move |hop| unicast && !hop.is_dead)
    }
}

/// `RTN_*`: what becomes of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// It goes out.
    Unicast,
    /// It is dropped.
    Blackhole,
    /// It is refused as unreachable.
    Unreachable,
    /// It is refused as prohibited.
    Prohibit,
    /// Something that is not in this list.
    Other(u8),
}

impl RouteKind {
    fn of(number: u8) -> RouteKind {
        match number {
            1 => RouteKind::Unicast,
            6 => RouteKind::Blackhole,
            7 => RouteKind::Unreachable,
            8 => RouteKind::Prohibit,
            other => RouteKind::Other(other),
        }
    }
}

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// Index of the interface.
    pub interface: Option<u32>,
    /// The router; none if all are on the link. One of IPv6 may serve IPv4.
    pub gateway: Option<IpAddr>,
    /// Its share of the traffic among others', at least 1.
    pub weight: u16,
    /// `RTNH_F_DEAD`: its interface is down.
    pub is_dead: bool,
    /// `RTNH_F_LINKDOWN`: its interface has no carrier.
    pub is_link_down: bool,
}

/// The default routes of a family in the main table of the socket's namespace, that of the least metric first.
///
/// The kernel can filter by table and not by destination, so it tells of all routes of that table, and the others are
/// passed over here. Where there may be a million of them, ask rarely.
///
/// # Errors
/// [`Error::Interrupted`] if routes come and go faster than they can be listed.
pub fn defaults(socket: &mut RequestSocket, family: IpFamily) -> Result<Vec<DefaultRoute>, Error> {
    // `struct rtmsg`
    let body = Writer::with_header(&[family.number(), 0, 0, 0, number::MAIN_TABLE, 0, 0, 0, 0, 0, 0, 0]);
    let request = Request::new("list routes", number::GET, body);
    let routes =
        socket.dump(request, |message| if message.header.kind == number::NEW { parse(message) } else { Ok(None) });
    let no_table = rustix::io::Errno::NOENT.raw_os_error();
    let mut routes = match routes {
        // There is no table before its first route.
        Err(error) if error.refusal_errno() == Some(no_table) => Vec::new(),
        routes => routes?,
    };
    routes.sort_by_key(|route| route.metric);
    Ok(routes)
}

/// None if it is no default route.
pub(crate) fn parse(message: &Message<'_>) -> Result<Option<DefaultRoute>, Malformed> {
    let (fixed, attributes) = message.split::<12>()?;
    let [family, to, from, service, table, protocol, _, kind, f0, f1, f2, f3] = *fixed;
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let Some(family) = IpFamily::of(family) else { return Ok(None) };
    if (to, from, service) != (0, 0, 0) || flags & number::CLONED != 0 {
        return Ok(None);
    }
    let (mut metric, mut table) = (0, u32::from(table));
    let mut hop = Hop::new(1, flags);
    let mut hops = Vec::new();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::PRIORITY => metric = attribute.u32()?,
            number::TABLE => table = attribute.u32()?,
            number::MULTIPATH => multipath(&attribute, &mut hops)?,
            _ => hop.take(&attribute)?,
        }
    }
    if table != u32::from(number::MAIN_TABLE) {
        return Ok(None);
    }
    if hops.is_empty() && hop.interface.is_some() {
        hops.push(hop);
    }
    Ok(Some(DefaultRoute { family, metric, kind: RouteKind::of(kind), protocol, hops }))
}

/// `RTA_MULTIPATH`: headers of their own, each with attributes after it.
fn multipath(attribute: &Attribute<'_>, hops: &mut Vec<Hop>) -> Result<(), Malformed> {
    let mut rest = attribute.payload;
    while !rest.is_empty() {
        let wrong = || Malformed::Payload {
            offset: attribute.offset,
            kind: attribute.kind,
            want: "whole next hops",
            found: attribute.payload.len(),
        };
        let (header, _) = rest.split_first_chunk::<{ number::HOP_HEADER }>().ok_or_else(wrong)?;
        let [l0, l1, flags, less_one, i0, i1, i2, i3] = *header;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let inside = rest.get(number::HOP_HEADER..length).ok_or_else(wrong)?;
        let mut hop = Hop::new(u16::from(less_one).saturating_add(1), flags.into());
        hop.interface = Some(u32::from_ne_bytes([i0, i1, i2, i3]));
        for attribute in Attributes::at(inside, attribute.offset) {
            hop.take(&attribute?)?;
        }
        hops.push(hop);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(())
}

impl Hop {
    fn new(weight: u16, flags: u32) -> Hop {
        let has = |flag| flags & flag != 0;
        let (is_dead, is_link_down) = (has(number::DEAD), has(number::LINK_DOWN));
        Hop { interface: None, gateway: None, weight, is_dead, is_link_down }
    }

    fn take(&mut self, attribute: &Attribute<'_>) -> Result<(), Malformed> {
        match attribute.kind {
            number::INTERFACE => self.interface = Some(attribute.u32()?),
            number::GATEWAY => self.gateway = Some(ip::address(attribute)?),
            // `struct rtvia`: the family, and an address of it.
            number::VIA => self.gateway = attribute.payload.get(2..).and_then(ip::address_of),
            _ => (),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::damaged;
    use crate::testing::message;

    fn shared(destination_bits: u8, hops: &[u8]) -> Vec<u8> {
        let mut body = Writer::with_header(&[2, destination_bits, 0, 0, 254, 16, 0, 1, 0, 0, 0, 0]);
        body.u32(number::TABLE, 254).u32(number::PRIORITY, 100).attribute(number::MULTIPATH, hops);
        body.finish().unwrap()
    }

    const TWO: [u8; 24] = [16, 0, 1, 0, 7, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1, 8, 0, 16, 4, 9, 0, 0, 0];

    #[test]
    fn several_hops_share() {
        let route = parse(&message(number::NEW, &shared(0, &TWO))).unwrap().unwrap();
        assert_eq!((route.metric, route.protocol, route.kind), (100, 16, RouteKind::Unicast));
        let gateway = Some([10, 0, 0, 1].into());
        let first = Hop { interface: Some(7), gateway, weight: 1, is_dead: true, is_link_down: false };
        let second = Hop { interface: Some(9), gateway: None, weight: 5, is_dead: false, is_link_down: true };
        assert_eq!(route.hops, [first, second]);
        assert_eq!(route.usable_hops().collect::<Vec<_>>(), [&second]);
        assert_eq!(parse(&message(number::NEW, &shared(8, &TWO))), Ok(None));
    }

    #[test]
    fn hops_whose_lengths_lie_are_an_error() {
        for hops in [&TWO[..20], &[0; 8], &[7, 0, 0, 0, 0, 0, 0, 0], &[9, 0, 0, 0, 0, 0, 0, 0]] {
            let error = parse(&message(number::NEW, &shared(0, hops))).unwrap_err();
            assert!(error.to_string().contains("where whole next hops were expected"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(body in vec(any::<u8>(), 0..100), hops in vec(any::<u8>(), 0..64)) {
            let _ = parse(&message(number::NEW, &body));
            let _ = parse(&message(number::NEW, &shared(0, &hops)));
        }

        #[test]
        fn damaged_messages_are_survived(body in damaged(vec![shared(0, &TWO)])) {
            let _ = parse(&message(number::NEW, &body));
        }
    }
}
