//! Classes, asked for, made and deleted.

use super::Class;
use super::HtbClass;
use super::Kind;
use super::decode;
use crate::error::Error;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::tc::Handle;
use crate::tc::header::Header;
use crate::tc::number;
use crate::text::whole;
use crate::wire;

/// All classes of an interface, in one request; none if there is no such interface, for the kernel does not say. It has no
/// request for those of all interfaces.
///
/// # Errors
/// [`Error::Malformed`] above all.
pub fn dump(socket: &mut RequestSocket, interface: u32) -> Result<Vec<Class>, Error> {
    let body = Header { interface, handle: 0, parent: Handle::NONE, info: 0 }.writer();
    let request = Request::new(format!("interface {interface}: list classes"), number::GET_CLASS, body);
    socket.dump(request, |message| match message.header.kind {
        number::NEW_CLASS => decode::class(message).map(Some),
        _ => Ok(None),
    })
}

/// A class to make, or as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClass {
    /// Index of its interface.
    pub interface: u32,
    /// The class above it, or the discipline.
    pub parent: Handle,
    /// Its name, of the major of the discipline.
    pub handle: Handle,
    /// What it shall be.
    pub kind: Kind,
}

impl NewClass {
    /// One of `htb`.
    #[must_use]
    pub const fn htb(interface: u32, parent: Handle, handle: Handle, htb: HtbClass) -> NewClass {
        NewClass { interface, parent, handle, kind: Kind::Htb(htb) }
    }

    /// As the kernel showed it, so that it can be put back.
    #[must_use]
    pub fn of(shown: &Class) -> NewClass {
        let Class { interface, parent, handle, leaf: _, kind, statistics: _ } = shown.clone();
        // To be below no class is said by naming the discipline.
        let parent = if parent == Handle::ROOT { handle.qdisc() } else { parent };
        NewClass { interface, parent, handle, kind }
    }

    /// Makes it. A class that had none below it is a leaf no longer, and the discipline that was attached to it is gone.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name. The kernel refuses what is there already: `EEXIST`.
    pub fn add(&self) -> Result<Request, Error> {
        self.request("add", wire::Header::CREATE | wire::Header::EXCLUSIVE)
    }

    /// Makes it, or changes what is there to be so; its place in the tree stays, whatever the parent.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name.
    pub fn replace(&self) -> Result<Request, Error> {
        self.request("replace", wire::Header::CREATE | wire::Header::REPLACE)
    }

    /// Changes one that is there.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name. The kernel refuses what is not there: `ENOENT`.
    pub fn change(&self) -> Result<Request, Error> {
        self.request("change", 0)
    }

    fn request(&self, verb: &str, flags: u16) -> Result<Request, Error> {
        let NewClass { interface, parent, handle, kind } = self;
        let name = kind.name();
        let what = format!("interface {interface}: {verb} {} class {handle} below {parent}", name.escape_debug());
        whole(&what, name)?;
        let mut body = Header { interface: *interface, handle: handle.0, parent: *parent, info: 0 }.writer();
        kind.write(&mut body);
        Ok(Request::new(what, number::NEW_CLASS, body).with_flags(flags))
    }
}

/// Deletes a class, and the discipline that is attached to it. The kernel refuses: `EBUSY` while there are classes below it or
/// filters that lead to it, `ENOENT` if there is none.
#[must_use]
pub fn delete(interface: u32, handle: Handle) -> Request {
    let body = Header { interface, handle: handle.0, parent: Handle::NONE, info: 0 }.writer();
    Request::new(format!("interface {interface}: delete class {handle}"), number::DELETE_CLASS, body)
}
