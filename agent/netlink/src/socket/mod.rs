//! Sockets: one kind that asks, one that listens. They are kept apart because news in between the answers would have to
//! be held somewhere, and because a flood of news must never cost an answer.

mod ack;
mod atomic;
mod batch;
mod descriptor;
mod event;
mod news;
mod request;

pub use ack::Ack;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use ack::read as read_ack;
pub use event::Event;
pub use event::EventSocket;
pub use news::News;
pub(crate) use news::waits;
pub use request::Request;
pub use request::RequestSocket;

use neli::consts::socket::NlFamily;

/// Which part of the kernel is at the other end: include/uapi/linux/netlink.h `NETLINK_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `NETLINK_ROUTE`: links, addresses, queueing disciplines.
    Route,
    /// `NETLINK_GENERIC`: families by name, see [`crate::generic`].
    Generic,
    /// `NETLINK_NETFILTER`: connection tracking, nftables.
    Netfilter,
    /// `NETLINK_SOCK_DIAG`: the sockets of the namespace.
    SocketDiag,
}

impl Protocol {
    fn family(self) -> NlFamily {
        match self {
            Protocol::Route => NlFamily::Route,
            Protocol::Generic => NlFamily::Generic,
            Protocol::Netfilter => NlFamily::Netfilter,
            Protocol::SocketDiag => NlFamily::SockOrInetDiag,
        }
    }
}
