//! Queueing disciplines, asked for, made and deleted.

use super::Kind;
use super::Qdisc;
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

/// Numbers of refusals (include/uapi/asm-generic/errno-base.h).
const ENOENT: i32 = 2;
const EINVAL: i32 = 22;

/// All queueing disciplines of the socket's namespace, those of all interfaces in one request, and also those that tc(8)
/// does not show unless it is asked for `invisible` ones: what the kernel put into classes by itself.
///
/// The kernel does not say if something changed meanwhile (net/sched/sch_api.c `tc_dump_qdisc`): who has to know listens as well.
///
/// # Errors
/// [`Error::Malformed`] above all; there is none of kinds that are not known here.
pub fn dump(socket: &mut RequestSocket) -> Result<Vec<Qdisc>, Error> {
    let mut body = Header { interface: 0, handle: 0, parent: Handle::NONE, info: 0 }.writer();
    body.flag(attribute::DUMP_INVISIBLE);
    let request = Request::new("list queueing disciplines", number::GET_QDISC, body);
    socket.dump(request, |message| match message.header.kind {
        number::NEW_QDISC => decode::qdisc(message).map(Some),
        _ => Ok(None),
    })
}

/// What is attached at one place of one interface; nothing if there is nothing, or what the kernel does not show, as the
/// `noop` of an interface that was never up (net/sched/sch_api.c `tc_qdisc_dump_ignore`).
///
/// The kernel tells all who listen to [news](super::Change) as well, as if it had changed (`qdisc_notify`): it is for those who are
/// about to change something. Those at classes of what the kernel attached by itself cannot be asked for.
///
/// # Errors
/// [`Error::Refused`], of which [`Error::is_gone`] is true if there is no such interface.
pub fn get(socket: &mut RequestSocket, interface: u32, parent: Handle) -> Result<Option<Qdisc>, Error> {
    let body = Header { interface, handle: 0, parent, info: 0 }.writer();
    let request =
        Request::new(format!("interface {interface}: look up the qdisc at {parent}"), number::GET_QDISC, body)
            // Or nobody would be told but those who listen.
            .with_flags(wire::Header::ECHO);
    let mut found = None;
    let answer = socket.exchange(request, |message| {
        if message.header.kind == number::NEW_QDISC {
            found = Some(decode::qdisc(message)?);
        }
        Ok(())
    });
    match answer {
        Ok(_) => Ok(found),
        // Of one that it does not show the kernel says that the request is invalid.
        Err(error) if matches!(error.refusal_errno(), Some(ENOENT | EINVAL)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A queueing discipline to make, or as it shall be.
///
/// ```no_run
/// use trimtab_netlink::socket::{Protocol, RequestSocket};
/// use trimtab_netlink::tc::qdisc::{Fq, Kind, NewQdisc};
/// use trimtab_netlink::tc::Handle;
///
/// let mut socket = RequestSocket::open(Protocol::Route)?;
/// let fq = Fq { maxrate: Some(125_000_000), ..Fq::default() };
/// let new = NewQdisc::at(2, Handle::ROOT, Handle::new(0x4e54, 0), Kind::Fq(fq));
/// socket.acknowledged(new.replace()?)?;
/// # Ok::<(), trimtab_netlink::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQdisc {
    /// Index of its interface.
    pub interface: u32,
    /// Where it shall be attached.
    pub parent: Handle,
    /// What it shall be called; [`Handle::NONE`] leaves that to the kernel.
    pub handle: Handle,
    /// What it shall do.
    pub kind: Kind,
    /// The block of filters that it shall share with others.
    pub ingress_block: Option<u32>,
    /// The same of `clsact`, for what goes out.
    pub egress_block: Option<u32>,
}

impl NewQdisc {
    /// One with filters of its own.
    #[must_use]
    pub fn at(interface: u32, parent: Handle, handle: Handle, kind: Kind) -> NewQdisc {
        NewQdisc { interface, parent, handle, kind, ingress_block: None, egress_block: None }
    }

    /// As the kernel showed it, so that it can be put back. What the kernel does not show is not in it:
    /// [tables of sizes](Qdisc::has_size_table), and delays of `netem` by table.
    #[must_use]
    pub fn of(shown: &Qdisc) -> NewQdisc {
        let Qdisc {
            interface,
            parent,
            handle,
            kind,
            ingress_block,
            egress_block,
            is_offloaded: _,
            has_size_table: _,
            statistics: _,
        } = shown.clone();
        NewQdisc { interface, parent, handle, kind, ingress_block, egress_block }
    }

    /// Makes it where there is none but a default.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name. The kernel refuses what is there already: `EEXIST`.
    pub fn add(&self) -> Result<Request, Error> {
        self.request("add", wire::Header::CREATE | wire::Header::EXCLUSIVE)
    }

    /// Makes it, or makes what is there to be so: one of the same kind and handle is changed in place, one of another handle gives
    /// way with all below it. Of the same handle and another kind the kernel refuses it: delete that first, or take another handle. So it
    /// does of a kind that [cannot change](Kind::can_change) and is there.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name.
    pub fn replace(&self) -> Result<Request, Error> {
        self.request("replace", wire::Header::CREATE | wire::Header::REPLACE)
    }

    /// Changes one that is there, if its kind can.
    ///
    /// # Errors
    /// [`Error::NoName`] of a kind with a NUL in its name. The kernel refuses what is not there: `ENOENT`.
    pub fn change(&self) -> Result<Request, Error> {
        self.request("change", 0)
    }

    fn request(&self, verb: &str, flags: u16) -> Result<Request, Error> {
        let NewQdisc { interface, parent, handle, kind, ingress_block, egress_block } = self;
        let name = kind.name();
        let what = format!("interface {interface}: {verb} {} {handle} at {parent}", name.escape_debug());
        whole(&what, name)?;
        let mut body = Header { interface: *interface, handle: handle.0, parent: *parent, info: 0 }.writer();
        kind.write(&mut body);
        for (kind, block) in [(attribute::INGRESS_BLOCK, ingress_block), (attribute::EGRESS_BLOCK, egress_block)] {
            if let Some(block) = block {
                body.u32(kind, *block);
            }
        }
        Ok(Request::new(what, number::NEW_QDISC, body).with_flags(flags))
    }
}

/// Deletes what is attached there, with all below it; the kernel puts its default there. With [`Handle::NONE`] whatever is there; with
/// another handle only that.
///
/// The kernel refuses: `ENOENT` if there is none but the default, `EINVAL` if it is called otherwise.
#[must_use]
pub fn delete(interface: u32, parent: Handle, handle: Handle) -> Request {
    let body = Header { interface, handle: handle.0, parent, info: 0 }.writer();
    Request::new(format!("interface {interface}: delete qdisc {handle} at {parent}"), number::DELETE_QDISC, body)
}
