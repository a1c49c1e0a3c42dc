//! The system calls that neither std nor rustix offers. All unsafe code of the crate outside tests lives here, and
//! nothing else does.

#![expect(unsafe_code, reason = "getsockopt(SO_NETNS_COOKIE) and a pre-exec hook have no safe wrapper")]

use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

/// `SO_NETNS_COOKIE` of a socket: the number of the network namespace it was made in, unique until reboot
/// (net/core/sock.c `sk_getsockopt`).
///
/// # Errors
/// `ENOPROTOOPT` before Linux 5.14.
pub(crate) fn netns_cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie: u64 = 0;
    let mut length = mem::size_of::<u64>() as libc::socklen_t;
    // SAFETY: both pointers are to live locals, and `length` holds the size of the first.
    let rc = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    if length as usize != mem::size_of::<u64>() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a cookie of {length} bytes")));
    }
    Ok(cookie)
}
