//! News of links, addresses, netconf and traffic control from one socket, in the order in which they happened.
//!
//! ```no_run
//! use std::time::Duration;
//! use trimtab_netlink::IpFamily;
//! use trimtab_netlink::monitor::{Monitor, News, Topic};
//!
//! let mut monitor = Monitor::open(1 << 20, &[Topic::Links, Topic::Netconf(IpFamily::V4)])?;
//! while monitor.wait(Duration::from_secs(60))? {
//!     match monitor.read()? {
//!         News::Idle => (),
//!         News::Overrun => println!("something was lost: everything is to be read anew"),
//!         News::Changes(changes) => println!("{changes:?}"),
//!     }
//! }
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

use crate::address;
use crate::error::Error;
use crate::ip::IpFamily;
use crate::link;
use crate::netconf;
use crate::socket;
use crate::socket::EventSocket;
use crate::socket::Protocol;
use crate::tc;
use crate::wire::Malformed;
use crate::wire::Message;

/// What to listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Interfaces.
    Links,
    /// Addresses of interfaces.
    Addresses(IpFamily),
    /// `net.ipv4.conf` or `net.ipv6.conf`.
    Netconf(IpFamily),
    /// Queueing disciplines and what belongs to them.
    TrafficControl,
}

impl Topic {
    /// `RTNLGRP_*` (include/uapi/linux/rtnetlink.h).
    fn group(self) -> u32 {
        match self {
            Topic::Links => 1,
            Topic::TrafficControl => 4,
            Topic::Addresses(IpFamily::V4) => 5,
            Topic::Addresses(IpFamily::V6) => 9,
            Topic::Netconf(IpFamily::V4) => 24,
            Topic::Netconf(IpFamily::V6) => 25,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To an interface.
    Link(link::Change),
    /// To an address.
    Address(address::Change),
    /// To a folder of `net.ipv4.conf` or `net.ipv6.conf`.
    Netconf(netconf::Change),
    /// To traffic control.
    TrafficControl(tc::Change),
}

/// Something that happened, and by whose request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The [port](crate::socket::RequestSocket::port) of the socket whose request caused it; none if none did or if the
    /// kernel does not say. It says for IPv4 addresses, traffic control and, since Linux 6.2, for interfaces that are made or
    /// deleted; not for changes of an interface, IPv6 addresses and netconf.
    pub requester: Option<u32>,
    /// What happened.
    pub change: Change,
}

impl Heard {
    /// What a message tells; none if it is about nothing that is known here.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Heard>, Malformed> {
        let change = if let Some(change) = link::Change::read(message)? {
            Change::Link(change)
        } else if let Some(change) = address::Change::read(message)? {
            Change::Address(change)
        } else if let Some(change) = netconf::Change::read(message)? {
            Change::Netconf(change)
        } else if let Some(change) = tc::Change::read(message)? {
            Change::TrafficControl(change)
        } else {
            return Ok(None);
        };
        let requester = Some(message.header.port).filter(|port| *port != 0);
        Ok(Some(Heard { requester, change }))
    }
}

/// What a [`Monitor`] has to tell.
pub type News = socket::News<Heard>;

/// Listens to what happens in the namespace of the thread that opened it.
#[derive(Debug)]
pub struct Monitor {
    socket: EventSocket,
}

impl Monitor {
    /// Opens a socket in the network namespace of the calling thread, with room for so many bytes of changes that wait to
    /// be read; see [`EventSocket::open`].
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn open(buffer: usize, topics: &[Topic]) -> Result<Monitor, Error> {
        let socket = EventSocket::open(Protocol::Route, buffer)?;
        for topic in topics {
            socket.join(topic.group())?;
        }
        Ok(Monitor { socket })
    }

    /// What has come, without waiting. Call it until it is [`News::Idle`] before waiting again.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn read(&mut self) -> Result<News, Error> {
        self.socket.news(Heard::read)
    }
}

socket::waits!(Monitor);
