//! IP addresses of interfaces (rtnetlink(7) `RTM_GETADDR`).
//!
//! ```no_run
//! use trimtab_netlink::{IpFamily, address};
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! for one in address::dump(&mut socket, IpFamily::V4)? {
//!     println!("interface {}: {}/{}", one.interface, one.local, one.prefix_length);
//! }
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

use std::net::IpAddr;

use crate::error::Error;
use crate::ip;
use crate::ip::IpFamily;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// include/uapi/linux/rtnetlink.h and if_addr.h
mod number {
    pub(super) const NEW: u16 = 20;
    pub(super) const DELETE: u16 = 21;
    pub(super) const GET: u16 = 22;

    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const FLAGS: u16 = 8;
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub interface: u32,
    /// The interface's own address.
    pub local: IpAddr,
    /// The address at the other end, if the interface was given one.
    pub peer: Option<IpAddr>,
    /// How many leading bits are those of the network.
    pub prefix_length: u8,
    /// `RT_SCOPE_*` (include/uapi/linux/rtnetlink.h): 0 universe, 253 link, 254 host.
    pub scope: u8,
    /// `IFA_F_*` (include/uapi/linux/if_addr.h): 0x80 permanent, 0x40 tentative.
    pub flags: u32,
}

/// News of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is there, newly or with other properties.
    Set(Address),
    /// It is gone.
    Gone(Address),
}

impl Change {
    /// The news that a message holds; none if it is of another kind, or of neither family.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Ok(match message.header.kind {
            number::NEW => parse(message)?.map(Change::Set),
            number::DELETE => parse(message)?.map(Change::Gone),
            _ => None,
        })
    }
}

/// All addresses of a family, of all interfaces of the socket's namespace.
///
/// # Errors
/// [`Error::Interrupted`] if addresses come and go faster than they can be listed.
pub fn dump(socket: &mut RequestSocket, family: IpFamily) -> Result<Vec<Address>, Error> {
    let body = Writer::with_header(&[family.number(), 0, 0, 0, 0, 0, 0, 0]);
    let request = Request::new("list addresses", number::GET, body);
    socket.dump(request, |message| if message.header.kind == number::NEW { parse(message) } else { Ok(None) })
}

fn parse(message: &Message<'_>) -> Result<Option<Address>, Malformed> {
    // `struct ifaddrmsg`
    let ([family, prefix_length, short_flags, scope, i0, i1, i2, i3], attributes) = message.split::<8>()?;
    if IpFamily::of(*family).is_none() {
        return Ok(None);
    }
    let (mut local, mut address, mut flags) = (None, None, u32::from(*short_flags));
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::LOCAL => local = Some(ip::address(&attribute)?),
            number::ADDRESS => address = Some(ip::address(&attribute)?),
            number::FLAGS => flags = attribute.u32()?,
            _ => (),
        }
    }
    // IPv6 says `IFA_LOCAL` only if there is a peer, IPv4 always, and `IFA_ADDRESS` is then the peer or the same.
    let local_or_address = local.or(address).ok_or(Malformed::Missing { what: "IFA_LOCAL" })?;
    Ok(Some(Address {
        interface: u32::from_ne_bytes([*i0, *i1, *i2, *i3]),
        local: local_or_address,
        peer: address.filter(|address| *address != local_or_address),
        prefix_length: *prefix_length,
        scope: *scope,
        flags,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::damaged;
    use crate::testing::message;

    fn whole() -> Vec<u8> {
        let mut body = Writer::with_header(&[2, 8, 0x80, 254, 1, 0, 0, 0]);
        body.attribute(number::ADDRESS, &[127, 0, 0, 2]).attribute(number::LOCAL, &[127, 0, 0, 1]);
        body.text(3, "lo").u32(number::FLAGS, 0x280);
        body.finish().unwrap()
    }

    #[test]
    fn the_own_address_is_told_from_the_peers() {
        let Some(Change::Set(address)) = Change::read(&message(number::NEW, &whole())).unwrap() else { panic!() };
        assert_eq!((address.local, address.peer), ([127, 0, 0, 1].into(), Some([127, 0, 0, 2].into())));
        assert_eq!((address.interface, address.prefix_length, address.flags), (1, 8, 0x280));
    }

    #[test]
    fn an_address_of_another_length_is_an_error() {
        let mut body = Writer::with_header(&[2, 8, 0, 0, 1, 0, 0, 0]);
        body.attribute(number::LOCAL, &[127, 0, 0]);
        let error = parse(&message(number::NEW, &body.finish().unwrap())).unwrap_err();
        assert!(error.to_string().ends_with("3 bytes where 4 or 16 were expected"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(kind in 20_u16..22, body in vec(any::<u8>(), 0..100)) {
            let _ = Change::read(&message(kind, &body));
        }

        #[test]
        fn damaged_messages_are_survived(body in damaged(vec![whole()])) {
            let _ = Change::read(&message(number::DELETE, &body));
        }
    }
}
