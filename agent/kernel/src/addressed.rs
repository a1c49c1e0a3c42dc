//! Which interfaces have an IPv4 address: one dump over a routing netlink socket (rtnetlink(7) `RTM_GETADDR`).
//!
//! Adding an address sets the kernel's "was ever set" bit of every IPv4 `conf` value of the interface
//! (net/ipv4/devinet.c `ipv4_devconf_setall`); the bits themselves cannot be read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::RecvFlags;
use rustix::net::SendFlags;
use rustix::net::SocketFlags;
use rustix::net::SocketType;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
/// Something changed under the dump, which may have missed an address.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// `NLMSG_GOODSIZE` is at most 8 KiB; a dump may fill 32 KiB where the reader offers it.
const LONGEST: usize = 64 << 10;

/// The interfaces with an IPv4 address in the calling thread's namespace.
///
/// # Errors
/// The system's; `WouldBlock` if addresses change faster than they can be listed.
pub(crate) fn addressed() -> io::Result<BTreeSet<String>> {
    // No protocol is protocol 0, NETLINK_ROUTE.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    for sequence in 1..=10 {
        if let Some(indexes) = dump(&socket, sequence)? {
            return names(&socket, &indexes);
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "addresses change faster than they can be listed"))
}

/// The numbers of those of these interfaces that are in the calling thread's namespace.
///
/// # Errors
/// The system's.
pub(crate) fn indexes(names: &BTreeSet<String>) -> io::Result<BTreeMap<String, u32>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut indexes = BTreeMap::new();
    for name in names {
        match rustix::net::netdevice::name_to_index(&socket, name) {
            Ok(index) => {
                indexes.insert(name.clone(), index);
            }
            Err(Errno::NODEV | Errno::NXIO) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(indexes)
}

/// The names of those of these numbers that are in the calling thread's namespace.
///
/// # Errors
/// The system's.
pub(crate) fn names_of(numbers: &BTreeSet<u32>) -> io::Result<BTreeMap<u32, String>> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut names = BTreeMap::new();
    for number in numbers {
        match rustix::net::netdevice::index_to_name(&socket, *number) {
            Ok(name) => {
                names.insert(*number, name);
            }
            Err(Errno::NODEV | Errno::NXIO) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(names)
}

/// The interface numbers, or `None` if the dump was interrupted.
fn dump(socket: &OwnedFd, sequence: u32) -> io::Result<Option<BTreeSet<u32>>> {
    rustix::net::send(socket, &request(sequence), SendFlags::empty())?;
    let mut indexes = BTreeSet::new();
    let mut whole = true;
    let mut buffer = vec![0; LONGEST];
    loop {
        let (count, length) = match rustix::net::recv(socket, &mut buffer, RecvFlags::TRUNC) {
            Ok(answer) => answer,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if length > count || count == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a cut answer from rtnetlink"));
        }
        for message in messages(buffer.get(..count).unwrap_or_default()) {
            if message.sequence != sequence {
                // Of a dump that was given up.
                continue;
            }
            whole &= message.flags & NLM_F_DUMP_INTR == 0;
            match message.kind {
                NLMSG_DONE => return Ok(whole.then_some(indexes)),
                NLMSG_ERROR => return Err(error(message.body)),
                // `struct ifaddrmsg`: family, prefix length, flags, scope, then the index.
                RTM_NEWADDR => indexes.extend(word(message.body, 4)),
                _ => {}
            }
        }
    }
}

fn request(sequence: u32) -> Vec<u8> {
    let family = [libc::AF_INET as u8, 0, 0, 0, 0, 0, 0, 0];
    let mut bytes = Vec::with_capacity(HEADER + family.len());
    bytes.extend_from_slice(&(HEADER as u32 + 8).to_ne_bytes());
    bytes.extend_from_slice(&RTM_GETADDR.to_ne_bytes());
    bytes.extend_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&family);
    bytes
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of one datagram; ends at the first that does not fit.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(word(bytes, 0)?).ok()?;
        let body = bytes.get(HEADER..length)?;
        let message = Message { kind: half(bytes, 4)?, flags: half(bytes, 6)?, sequence: word(bytes, 8)?, body };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

fn error(body: &[u8]) -> io::Error {
    let errno = word(body, 0).map_or(libc::EBADMSG, |code| code.cast_signed().wrapping_neg());
    io::Error::from_raw_os_error(errno)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn names(socket: &OwnedFd, indexes: &BTreeSet<u32>) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for index in indexes {
        match rustix::net::netdevice::index_to_name(socket, *index) {
            Ok(name) => {
                names.insert(name);
            }
            // Gone since, or a name that is no UTF-8, which no address can spell.
            Err(Errno::NODEV | Errno::NXIO | Errno::ILSEQ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_new_netns;
    use crate::testing::run;

    #[test]
    fn those_with_an_ipv4_address_and_no_others() {
        in_new_netns("those_with_an_ipv4_address_and_no_others", || {
            assert_eq!(addressed().unwrap(), BTreeSet::new());
            run("ip", &["link", "add", "vp0.100", "type", "veth", "peer", "name", "vp1"]);
            run("ip", &["link", "set", "lo", "up"]);
            run("ip", &["address", "add", "2001:db8::1/64", "dev", "vp1"]);
            assert_eq!(addressed().unwrap(), BTreeSet::from(["lo".to_owned()]));
            // More than one datagram holds.
            let many =
                "for net in 1 2 3 4; do seq -f \"address add 10.1.$net.%g/32 dev vp0.100\" 1 250; done | ip -batch -";
            run("sh", &["-c", many]);
            assert_eq!(addressed().unwrap(), BTreeSet::from(["lo".to_owned(), "vp0.100".to_owned()]));
        });
    }

    #[test]
    fn any_bytes_are_survived() {
        use proptest::prelude::*;
        proptest!(|(bytes in prop::collection::vec(any::<u8>(), 0..200))| {
            for message in messages(&bytes) {
                prop_assert!(message.body.len() <= bytes.len());
            }
        });
        // A length below that of a header would never get on.
        assert_eq!(messages(&[0; 64]).count(), 0);
        assert_eq!(messages(&request(7)).next().map(|message| message.sequence), Some(7));
    }
}
