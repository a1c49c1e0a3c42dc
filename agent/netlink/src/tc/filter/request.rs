//! Filters, asked for, made and deleted.

use std::num::NonZeroU32;

use super::Filter;
use super::Kind;
use super::decode;
use crate::error::Error;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::tc::Handle;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute;
use crate::text::whole;
use crate::wire;
use crate::wire::Writer;

/// All filters at a discipline, a class or a place of `clsact`, in one request and in the order of their priorities, with what each
/// priority has in common before them. None if there is no such place: the kernel does not say.
///
/// Of `u32` the kernel lists, with every priority, all filters and tables that have this priority anywhere at the same discipline, and
/// says of each that it is at the place that was asked for (net/sched/cls_u32.c `u32_walk`): at the places of one `clsact` those
/// of both. Whoever gives each place priorities of its own is not misled.
///
/// # Errors
/// [`Error::Malformed`] above all.
pub fn dump(socket: &mut RequestSocket, interface: u32, parent: Handle) -> Result<Vec<Filter>, Error> {
    let body = Header { interface, handle: 0, parent, info: 0 }.writer();
    let request = Request::new(format!("interface {interface}: list filters at {parent}"), number::GET_FILTER, body);
    socket.dump(request, |message| match message.header.kind {
        number::NEW_FILTER => decode::filter(message).map(Some),
        _ => Ok(None),
    })
}

/// A filter to make, or as it shall be, in the chain where all begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFilter {
    /// Index of its interface.
    pub interface: u32,
    /// Where it shall hang.
    pub parent: Handle,
    /// The smaller, the sooner it is asked; at least 1, or the kernel takes one of its own.
    pub priority: u16,
    /// `ETH_P_*` of the packets that it is for. Of one priority all filters have the same.
    pub protocol: u16,
    /// Its name among those of the same place, priority and protocol: any of `matchall`, the mark of `fw`, of `u32` one of
    /// [`U32::handle`](super::U32::handle).
    pub handle: NonZeroU32,
    /// How it shall find packets, and what shall become of them.
    pub kind: Kind,
}

impl NewFilter {
    /// As the kernel showed it, so that it can be put back; none of what comes by itself, and of what is in another chain.
    #[must_use]
    pub fn of(shown: &Filter) -> Option<NewFilter> {
        let Filter { interface, parent, priority, protocol, chain, handle, kind } = shown.clone();
        let is_made = chain == 0 && !matches!(kind, Kind::Head { .. });
        let handle = NonZeroU32::new(handle).filter(|_| is_made)?;
        Some(NewFilter { interface, parent, priority, protocol, handle, kind })
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`Error::NoName`] of a name with a NUL. The kernel refuses what is there already: `EEXIST`.
    pub fn add(&self) -> Result<Request, Error> {
        self.request("add", wire::Header::CREATE | wire::Header::EXCLUSIVE)
    }

    /// Makes it, or makes what is there to be so.
    ///
    /// # Errors
    /// [`Error::NoName`] of a name with a NUL.
    pub fn replace(&self) -> Result<Request, Error> {
        self.request("replace", wire::Header::CREATE)
    }

    /// Changes one that is there.
    ///
    /// # Errors
    /// [`Error::NoName`] of a name with a NUL. The kernel refuses what is not there: `ENOENT`.
    pub fn change(&self) -> Result<Request, Error> {
        self.request("change", 0)
    }

    fn request(&self, verb: &str, flags: u16) -> Result<Request, Error> {
        let NewFilter { interface, parent, priority, protocol, handle, kind } = self;
        let name = kind.name();
        let what = format!(
            "interface {interface}: {verb} filter {} {handle:x} of priority {priority} at {parent}",
            name.escape_debug()
        );
        whole(&what, name)?;
        let input = match kind {
            Kind::U32(filter) => filter.input.as_deref(),
            Kind::Fw(fw) => fw.input.as_deref(),
            Kind::Matchall(_) | Kind::Head { .. } | Kind::U32Table { .. } | Kind::Other { .. } => None,
        };
        if let Some(input) = input {
            whole(&what, input)?;
        }
        let mut body = header(*interface, *parent, *priority, *protocol, handle.get());
        kind.write(*handle, &mut body);
        Ok(Request::new(what, number::NEW_FILTER, body).with_flags(flags))
    }
}

fn header(interface: u32, parent: Handle, priority: u16, protocol: u16, handle: u32) -> Writer {
    // The protocol is in the order of the network.
    let info = Handle::new(priority, protocol.to_be()).0;
    Header { interface, handle, parent, info }.writer()
}

/// Deletes the filter of that name. The kernel refuses if there is none: `ENOENT`.
///
/// # Errors
/// [`Error::NoName`] of a kind with a NUL in its name.
pub fn delete(filter: &NewFilter) -> Result<Request, Error> {
    let NewFilter { interface, parent, priority, protocol, handle, kind } = filter;
    let name = kind.name();
    let what = format!(
        "interface {interface}: delete filter {} {handle:x} of priority {priority} at {parent}",
        name.escape_debug()
    );
    whole(&what, name)?;
    let mut body = header(*interface, *parent, *priority, *protocol, handle.get());
    body.text(attribute::KIND, name);
    Ok(Request::new(what, number::DELETE_FILTER, body))
}

/// Deletes all filters of a priority, of whichever kind and protocol. The kernel refuses if there are none: `ENOENT`.
#[must_use]
pub fn delete_priority(interface: u32, parent: Handle, priority: u16) -> Request {
    let body = header(interface, parent, priority, 0, 0);
    let what = format!("interface {interface}: delete the filters of priority {priority} at {parent}");
    Request::new(what, number::DELETE_FILTER, body)
}

/// Deletes all filters at a discipline, a class or a place of `clsact`, in the chain where all begins. The kernel agrees if
/// there are none.
#[must_use]
pub fn delete_all(interface: u32, parent: Handle) -> Request {
    let body = header(interface, parent, 0, 0, 0);
    Request::new(format!("interface {interface}: delete all filters at {parent}"), number::DELETE_FILTER, body)
}
