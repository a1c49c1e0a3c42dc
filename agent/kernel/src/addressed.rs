//! Which interfaces have an IPv4 address (rtnetlink(7) `RTM_GETADDR`), and which number goes with which name.
//!
//! Adding an address sets the kernel's "was ever set" bit of every IPv4 `conf` value of the interface
//! (net/ipv4/devinet.c `ipv4_devconf_setall`); the bits themselves cannot be read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::net::netdevice;
use trimtab_netlink::IpFamily;
use trimtab_netlink::address;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

/// The interfaces with an IPv4 address in the calling thread's namespace.
///
/// # Errors
/// The kernel's; also if addresses change faster than they can be listed.
pub(crate) fn addressed() -> io::Result<BTreeSet<String>> {
    let addresses =
        RequestSocket::open(Protocol::Route).and_then(|mut socket| address::dump(&mut socket, IpFamily::V4));
    let addresses = addresses.map_err(|error| io::Error::other(error.to_string()))?;
    let numbers = addresses.into_iter().map(|address| address.interface).collect();
    let names = of_each(&numbers, |socket, number| match netdevice::index_to_name(socket, *number) {
        // A name that is no UTF-8, which no address can spell.
        Err(Errno::ILSEQ) => Err(Errno::NODEV),
        name => name,
    });
    Ok(names?.into_values().collect())
}

/// The numbers of those of these interfaces that are in the calling thread's namespace.
///
/// # Errors
/// The system's.
pub(crate) fn indexes(names: &BTreeSet<String>) -> io::Result<BTreeMap<String, u32>> {
    of_each(names, |socket, name| netdevice::name_to_index(socket, name))
}

/// The names of those of these numbers that are in the calling thread's namespace.
///
/// # Errors
/// The system's.
pub(crate) fn names_of(numbers: &BTreeSet<u32>) -> io::Result<BTreeMap<u32, String>> {
    of_each(numbers, |socket, number| netdevice::index_to_name(socket, *number))
}

/// What the kernel answers of each, without those that are not there.
fn of_each<K: Ord + Clone, V>(
    wanted: &BTreeSet<K>,
    ask: impl Fn(&OwnedFd, &K) -> rustix::io::Result<V>,
) -> io::Result<BTreeMap<K, V>> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut answers = BTreeMap::new();
    for one in wanted {
        match ask(&socket, one) {
            Ok(answer) => {
                answers.insert(one.clone(), answer);
            }
            Err(Errno::NODEV | Errno::NXIO) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answers)
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
}
