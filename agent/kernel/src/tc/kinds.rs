//! Which queueing disciplines this kernel has, found out by trying: no list names those of a kernel without modules.
//!
//! They are tried on the loopback of a network namespace that exists for as long as that takes and that nobody else sees. It is
//! only done where there are no lists of modules, so nothing is loaded by it.

use std::io;

use trimtab_core::kind::tc::qdiscs;
use trimtab_core::tree::Tree;
use trimtab_netlink::Error;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::qdisc::NewQdisc;

use super::make;
use crate::sys;

/// The loopback is the first interface of each namespace (net/core/net_namespace.c, drivers/net/loopback.c).
const LOOPBACK: u32 = 1;

/// The kinds that there are, in order.
///
/// # Errors
/// If no namespace may be made, or the kernel does not answer.
pub(super) fn tried() -> io::Result<Vec<String>> {
    // A thread of its own: it does not come back from that namespace.
    std::thread::spawn(try_all).join().map_err(|_| io::Error::other("the thread that tries them has ended"))?
}

fn try_all() -> io::Result<Vec<String>> {
    sys::leave_network_namespace()?;
    let failed = |error: Error| io::Error::other(error.to_string());
    let mut socket = RequestSocket::open(Protocol::Route).map_err(failed)?;
    let mut kinds = Vec::new();
    for (number, qdisc) in (1_u16..).zip(qdiscs::ALL) {
        // One that lacks what it needs is refused as well, but not as unknown.
        let Ok(kind) = make::kind(&Tree::new(qdisc.kind)) else { continue };
        let new = NewQdisc::at(LOOPBACK, Handle::ROOT, Handle::new(number, 0), kind);
        match new.replace().and_then(|request| socket.acknowledged(request)) {
            Ok(_) => kinds.push(qdisc.kind.to_owned()),
            Err(error) if error.refusal_errno() == Some(libc::ENOENT) => {}
            Err(error) if error.refusal_errno().is_some() => kinds.push(qdisc.kind.to_owned()),
            Err(error) => return Err(failed(error)),
        }
    }
    kinds.sort();
    Ok(kinds)
}
