//! Settings that other programs make, by ioctl(2) as older ones do.

use std::os::fd::AsRawFd;

use super::bench::Bench;
use super::bench::ethtool;
use crate::nics::nic;

/// `struct ethtool_ringparam` of include/uapi/linux/ethtool.h: the command, four maxima, four lengths.
#[repr(C)]
#[derive(Default)]
struct RingParam {
    command: u32,
    most: [u32; 4],
    rx: u32,
    rx_mini: u32,
    rx_jumbo: u32,
    tx: u32,
}

const SIOCETHTOOL: u64 = 0x8946;
const ETHTOOL_GRINGPARAM: u32 = 0x10;
const ETHTOOL_SRINGPARAM: u32 = 0x11;

#[track_caller]
fn ioctl(interface: &str, rings: &mut RingParam) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // SAFETY: all of it is integers and arrays of them, and a pointer that is set below.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = i8::try_from(from).unwrap();
    }
    request.ifr_ifru.ifru_data = std::ptr::from_mut(rings).cast();
    // SAFETY: both live until it returns, and are of the layouts that it takes.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &mut request) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

fn set_rx(interface: &str, rx: u32) {
    let mut rings = RingParam { command: ETHTOOL_GRINGPARAM, ..RingParam::default() };
    ioctl(interface, &mut rings);
    rings.command = ETHTOOL_SRINGPARAM;
    rings.rx = rx;
    ioctl(interface, &mut rings);
}

#[test]
fn rings_set_by_ioctl_are_seen() {
    let name = nic("e1000e");
    let original = ethtool("-g", &name, "RX").parse().unwrap();
    let bench = Bench::with(&format!("[[link]]\nmatch = \"{name}\"\nrings = {{ rx = 512 }}\n"));
    bench.applies();
    set_rx(&name, 1024);
    bench.trimtab(&["verify"]).exits(2).says(&["want 512, found 1024"]);
    bench.applies();
    bench.reverts();
    set_rx(&name, original);
    bench.is_as_before();
}
