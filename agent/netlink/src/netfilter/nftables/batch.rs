//! Many requests as one: all or nothing.

use super::number;
use crate::error::Error;
use crate::netfilter::header::Header;
use crate::socket::Request;
use crate::socket::RequestSocket;

/// Sends requests that the kernel carries out all at once or not at all: no packet sees a part of them. Nothing else changes the rules of
/// the namespace meanwhile.
///
/// With the number of a [generation](super::Generation) they are refused (`ERESTART`) if the rules are no longer those of that generation:
/// so what was read and what is changed belong together.
///
/// ```no_run
/// use trimtab_netlink::netfilter::nftables::{chain, commit, rule, table};
/// use trimtab_netlink::netfilter::nftables::{Base, Expression, Family};
/// use trimtab_netlink::socket::{Protocol, RequestSocket};
///
/// let mut socket = RequestSocket::open(Protocol::Netfilter)?;
/// let before_tracking = Base::filter(chain::hooks::PREROUTING, chain::priorities::RAW);
/// let requests = vec![
///     table::add(Family::Inet, "example", Some("made by an example"))?,
///     chain::add(Family::Inet, "example", "raw", Some(&before_tracking))?,
///     rule::append(Family::Inet, "example", "raw", &[Expression::Notrack], None)?,
/// ];
/// commit(&mut socket, requests, None)?;
/// # Ok::<(), trimtab_netlink::Error>(())
/// ```
///
/// # Errors
/// [`Error::Refused`] of the first that the kernel refuses, named; [`Error::NoAnswer`] if it cannot be known whether it was done.
pub fn commit(socket: &mut RequestSocket, requests: Vec<Request>, generation: Option<u32>) -> Result<(), Error> {
    if requests.is_empty() {
        return Ok(());
    }
    // The resource is the subsystem that the batch is for.
    let edge = || Header { family: 0, resource: number::SUBSYSTEM.into() }.writer();
    let mut begin = edge();
    if let Some(generation) = generation {
        begin.be32(number::BATCH_GENERATION, generation);
    }
    let begin = Request::new("change nftables", number::BATCH_BEGIN, begin);
    let end = Request::new("change nftables", number::BATCH_END, edge());
    socket.atomic(begin, requests, end)
}
