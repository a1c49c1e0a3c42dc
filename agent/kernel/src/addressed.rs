//! Which interfaces have an IPv4 address (rtnetlink(7) `RTM_GETADDR`), and which number goes with which name.
//!
//! Adding an address sets the kernel's "was ever set" bit of every IPv4 `conf` value of the interface
//! (net/ipv4/devinet.c `ipv4_devconf_setall`); the bits themselves cannot be read.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netdevice;
use trimtab_netlink::IpFamily;
use trimtab_netlink::address;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::netns;

/// The interfaces with an IPv4 address in the calling thread's namespace.
///
/// # Errors
/// The kernel's; also if addresses change faster than they can be listed.
pub(crate) fn addressed() -> io::Result<BTreeSet<String>> {
    let addresses =
        RequestSocket::open(Protocol::Route).and_then(|mut socket| address::dump(&mut socket, IpFamily::V4));
    let addresses = addresses.map_err(|error| io::Error::other(error.to_string()))?;
    let numbers: BTreeSet<u32> = addresses.into_iter().map(|address| address.interface).collect();
    if numbers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let socket = netns::socket()?;
    let name_of = |number: u32| match netdevice::index_to_name(&socket, number) {
        // A name that is no UTF-8, which no address can spell.
        Err(Errno::ILSEQ) => Ok(None),
        name => there(name),
    };
    numbers.into_iter().filter_map(|number| name_of(number).transpose()).collect()
}

/// Asks for the numbers of interfaces, over one socket.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    socket: Option<OwnedFd>,
}

impl Numbers {
    /// The number of the interface of this name, if there is one.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn of(&mut self, name: &str) -> io::Result<Option<u32>> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(netns::socket()?),
        };
        there(netdevice::name_to_index(socket, name))
    }
}

/// What the kernel answers, unless the interface is not there.
fn there<T>(answer: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Errno::NODEV | Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
