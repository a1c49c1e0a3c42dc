//! Interfaces, asked for.

use super::Link;
use super::decode;
use super::header::Header;
use super::number;
use super::number::attribute;
use crate::error::Error;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire::Writer;

/// All interfaces of the socket's namespace: one request, however many there are. The kernel leaves their statistics out.
///
/// # Errors
/// [`Error::Interrupted`] if interfaces come and go faster than they can be listed.
pub fn dump(socket: &mut RequestSocket) -> Result<Vec<Link>, Error> {
    let request = Request::new("list interfaces", number::GET, body(0));
    socket.dump(request, |message| match message.header.kind {
        number::NEW => decode::link(message).map(Some),
        _ => Ok(None),
    })
}

/// The interface of this index.
///
/// # Errors
/// [`Error::Refused`], of which [`Error::is_gone`] is true if there is none.
pub fn get(socket: &mut RequestSocket, index: u32) -> Result<Link, Error> {
    let request = Request::new(format!("interface {index}: look up"), number::GET, body(index));
    socket.one(request, decode::link).map(|(link, _)| link)
}

/// The interface of this name, or of this alternative name.
///
/// # Errors
/// [`Error::Refused`], of which [`Error::is_gone`] is true if there is none; [`Error::NoName`] of a name with a NUL.
pub fn get_by_name(socket: &mut RequestSocket, name: &str) -> Result<Link, Error> {
    let what = format!("{}: look up", name.escape_debug());
    whole(&what, name)?;
    let mut body = body(0);
    // Alternative names may be longer. Under either attribute the kernel looks for both (net/core/dev.c
    // `netdev_name_node_lookup`).
    let kind = if name.len() < number::NAME_SIZE { attribute::NAME } else { attribute::ALTERNATIVE_NAME };
    body.text(kind, name);
    let request = Request::new(what, number::GET, body);
    socket.one(request, decode::link).map(|(link, _)| link)
}

fn body(index: u32) -> Writer {
    let mut body = Header::of(index).writer();
    body.u32(attribute::EXTENDED_MASK, number::SKIP_STATISTICS);
    body
}
