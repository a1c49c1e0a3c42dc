//! Tables: what all else is in.

use super::Family;
use super::number;
use super::number::table as is;
use super::userdata;
use crate::became::Became;
use crate::error::Error;
use crate::netfilter::header::Header;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire::Malformed;
use crate::wire::Message;

/// `NFT_TABLE_F_DORMANT`
const DORMANT: u32 = 1;

/// A table as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which packets it sees.
    pub family: Family,
    /// Its name among those of its family.
    pub name: String,
    /// A number that no other table of the namespace has or had, until the kernel starts anew.
    pub handle: u64,
    /// How many things are in it: chains, sets, objects and flow tables. Rules do not count.
    pub uses: u32,
    /// Whether its chains see no packets for now.
    pub is_dormant: bool,
    /// The [port](RequestSocket::port) of the socket that alone may change it, if it was made so.
    pub owner: Option<u32>,
    /// Its comment, in the form of nft(8). Kernels before 5.10 keep none.
    pub comment: Option<String>,
}

/// News of a table. One that is gone took all that was in it along.
pub type Change = Became<Table>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_TABLE, number::DELETE_TABLE], table)
    }
}

/// All tables of a family, of all families if it is none.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn dump(socket: &mut RequestSocket, family: Option<Family>) -> Result<Vec<Table>, Error> {
    let body = Header::of(family.map_or(0, Family::number)).writer();
    socket.dump(Request::new("list nftables tables", number::GET_TABLE, body), |message| {
        Ok(match message.header.kind {
            number::NEW_TABLE => Some(table(message)?),
            _ => None,
        })
    })
}

/// One table; none if there is none.
///
/// # Errors
/// [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn get(socket: &mut RequestSocket, family: Family, name: &str) -> Result<Option<Table>, Error> {
    let request = request("get", number::GET_TABLE, family, name)?;
    match socket.one(request, table) {
        Ok((table, _)) => Ok(Some(table)),
        Err(error) if error.refusal_errno() == Some(rustix::io::Errno::NOENT.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a table, or has the chains of one that is there see packets again if they do not; a comment counts only if it is made.
///
/// # Errors
/// [`Error::NoName`] if the name has a NUL in it.
pub fn add(family: Family, name: &str, comment: Option<&str>) -> Result<Request, Error> {
    let mut request = request("add", number::NEW_TABLE, family, name)?;
    request.body.be32(is::FLAGS, 0);
    if let Some(comment) = comment {
        request.body.attribute(is::USERDATA, &userdata::of_comment(comment));
    }
    Ok(request.with_flags(crate::wire::Header::CREATE))
}

/// As [`add`], but refused (`EEXIST`) if there is such a table.
///
/// # Errors
/// [`Error::NoName`] if the name has a NUL in it.
pub fn create(family: Family, name: &str, comment: Option<&str>) -> Result<Request, Error> {
    Ok(add(family, name, comment)?.with_flags(crate::wire::Header::EXCLUSIVE))
}

/// Deletes a table with all that is in it.
///
/// # Errors
/// [`Error::NoName`] if the name has a NUL in it. The kernel refuses: `ENOENT` if there is none.
pub fn delete(family: Family, name: &str) -> Result<Request, Error> {
    request("delete", number::DELETE_TABLE, family, name)
}

/// As [`delete`], but only the one with this [handle](Table::handle), whatever it is called.
#[must_use]
pub fn delete_handle(family: Family, handle: u64) -> Request {
    let mut body = Header::of(family.number()).writer();
    body.be64(is::HANDLE, handle);
    Request::new(format!("delete table {} handle {handle}", family.name()), number::DELETE_TABLE, body)
}

fn request(verb: &str, kind: u16, family: Family, name: &str) -> Result<Request, Error> {
    let what = format!("{verb} table {} {}", family.name(), name.escape_debug());
    whole(&what, name)?;
    let mut body = Header::of(family.number()).writer();
    body.text(is::NAME, name);
    Ok(Request::new(what, kind, body))
}

fn table(message: &Message<'_>) -> Result<Table, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut name, mut handle, mut uses, mut flags, mut owner, mut comment) = (None, 0, 0, 0, None, None);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::NAME => name = Some(attribute.text_lossy().into_owned()),
            is::HANDLE => handle = attribute.be64()?,
            is::USES => uses = attribute.be32()?,
            is::FLAGS => flags = attribute.be32()?,
            is::OWNER => owner = Some(attribute.be32()?),
            is::USERDATA => comment = userdata::comment(attribute.payload),
            _ => (),
        }
    }
    Ok(Table {
        family: Family::of(header.family),
        name: name.ok_or(Malformed::Missing { what: "NFTA_TABLE_NAME" })?,
        handle,
        uses,
        is_dormant: flags & DORMANT != 0,
        owner,
        comment,
    })
}
