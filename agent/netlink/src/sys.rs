//! The one thing that the compiler cannot check: neli lends its descriptor as a bare number.

#![expect(unsafe_code, reason = "BorrowedFd::borrow_raw: NlSocket is AsRawFd and not AsFd")]

use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use neli::socket::NlSocket;

/// The descriptor of a socket, for as long as the socket lives.
pub(crate) fn descriptor(socket: &NlSocket) -> BorrowedFd<'_> {
    // SAFETY: a socket of neli owns its descriptor from `connect` until it is dropped, and is borrowed here so long.
    unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) }
}
