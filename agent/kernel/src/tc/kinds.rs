//! Which queueing disciplines this kernel has, found out by trying: no list names those of a kernel without modules.
//!
//! They are tried on the loopback of a network namespace that exists for as long as that takes and that nobody else sees. It is
//! only done where there are no lists of modules, so nothing is loaded by it.

use std::io;
use std::num::NonZeroU32;

use trimtab_core::kind::tc::U32;
use trimtab_core::kind::tc::qdiscs;
use trimtab_core::tree::Tree;
use trimtab_netlink::Error;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::filter::Selector;
use trimtab_netlink::tc::filter::U32 as U32Filter;
use trimtab_netlink::tc::qdisc::Kind;
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

/// Whether it has filters of `u32`: one that finds everything, at the place where packets come in.
fn filters_are_there(socket: &mut RequestSocket) -> Result<bool, Error> {
    let ingress = NewQdisc::at(LOOPBACK, Handle::INGRESS, Handle::INGRESS_QDISC, Kind::Ingress);
    if socket.acknowledged(ingress.replace()?).is_err() {
        // Nobody can tell, and a write finds out.
        return Ok(true);
    }
    let filter = NewFilter {
        interface: LOOPBACK,
        parent: Handle::INGRESS_QDISC,
        priority: 1,
        protocol: filter::ANY_PROTOCOL,
        handle: NonZeroU32::MIN,
        kind: filter::Kind::U32(U32Filter { selector: Selector::of(Vec::new()), ..U32Filter::default() }),
    };
    Ok(match socket.acknowledged(filter.add()?) {
        Ok(_) => true,
        Err(error) => error.refusal_errno() != Some(libc::ENOENT),
    })
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
    if filters_are_there(&mut socket).map_err(failed)? {
        kinds.push(U32.to_owned());
    }
    kinds.sort();
    Ok(kinds)
}
