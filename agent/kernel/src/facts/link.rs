//! What an interface says of itself, asked through a socket of the namespace: `/sys/class/net` shows the namespace that
//! sysfs was mounted in, which need not be the thread's.
//!
//! By ioctl(2), not by netlink: each command asks this of its uplink, and one socket answers all of it, where netlink takes two
//! more and the number of a family first.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use crate::netns;
use crate::sys;

/// `SPEED_UNKNOWN` of include/uapi/linux/ethtool.h.
const SPEED_UNKNOWN: u32 = u32::MAX;

/// Drivers, and kinds of interfaces, whose speed is a constant in the source rather than a property of a link
/// (drivers/net/veth.c `veth_get_link_ksettings`, drivers/net/tun.c `tun_default_link_ksettings`). A formula is better off
/// with the bandwidth that the operator states.
pub(crate) const MADE_UP_SPEEDS: &[&str] = &["veth", "tun"];

/// The interfaces of one namespace.
pub(super) struct Links {
    socket: OwnedFd,
}

impl Links {
    /// Those of the calling thread's namespace.
    pub(super) fn open() -> io::Result<Links> {
        Ok(Links { socket: netns::socket()? })
    }

    /// The MTU in bytes; `None` if there is no such interface.
    pub(super) fn mtu(&self, name: &str) -> Option<i64> {
        sys::link_mtu(self.socket.as_fd(), name).ok().map(i64::from)
    }

    /// The link speed in bit/s, where a link has one and knows it now: not while it is down, and not on virtual devices.
    pub(super) fn speed(&self, name: &str) -> Option<i64> {
        let megabits = sys::link_speed(self.socket.as_fd(), name).ok()?;
        if megabits == 0 || megabits == SPEED_UNKNOWN {
            return None;
        }
        let driver = sys::link_driver(self.socket.as_fd(), name).ok();
        if driver.is_some_and(|driver| MADE_UP_SPEEDS.contains(&driver.name.as_str())) {
            return None;
        }
        Some(i64::from(megabits) * 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_new_netns;
    use crate::testing::run;

    #[test]
    fn asks_the_driver_and_believes_no_constant() {
        in_new_netns("asks_the_driver_and_believes_no_constant", || {
            run("ip", &["link", "add", "one", "type", "veth", "peer", "name", "two"]);
            run("ip", &["link", "add", "bridge0", "type", "bridge"]);
            let links = Links::open().unwrap();
            let socket = links.socket.as_fd();
            assert_eq!(sys::link_speed(socket, "one").unwrap(), 10_000);
            assert_eq!(sys::link_driver(socket, "one").unwrap().name, "veth");
            assert_eq!(sys::link_speed(socket, "bridge0").unwrap(), SPEED_UNKNOWN);
            assert_eq!(links.speed("one"), None);
            assert_eq!(links.speed("bridge0"), None);
            assert_eq!(links.speed("lo"), None);
        });
    }

    #[test]
    fn a_name_that_no_interface_can_have_is_no_interface() {
        let links = Links::open().unwrap();
        for name in ["", "a-name-that-is-too-long", "a\0b", "../lo", "лo"] {
            assert_eq!(links.mtu(name), None, "{name}");
            assert_eq!(links.speed(name), None, "{name}");
        }
        assert_eq!(links.mtu("lo"), Some(65536));
    }
}
