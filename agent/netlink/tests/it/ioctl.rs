//! The older way to change settings, ethtool.h `SIOCETHTOOL`: its changes must be heard as well.
#![expect(unsafe_code, reason = "ioctl(2)")]

use std::os::fd::AsRawFd;

/// `ETHTOOL_SGRO`, `struct ethtool_value`.
const SET_GRO: u32 = 0x2c;

/// Turns generic receive offload on or off.
pub fn set_gro(device: &str, on: bool) {
    let mut value = [SET_GRO, on.into()];
    // SAFETY: all zeros is a valid `struct ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(device.bytes()) {
        *slot = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
    let (family, kind) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM);
    let socket = rustix::net::socket(family, kind, None).unwrap();
    // SAFETY: `request` is live and points to a live value of the length that the command wants.
    let rc = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    assert_eq!(rc, 0, "{}", std::io::Error::last_os_error());
}
