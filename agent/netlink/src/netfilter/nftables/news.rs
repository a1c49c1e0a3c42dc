//! News of nftables.

use super::Elements;
use super::Generation;
use super::chain;
use super::generation;
use super::number;
use super::rule;
use super::set;
use super::table;
use crate::error::Error;
use crate::socket;
use crate::socket::EventSocket;
use crate::socket::Protocol;
use crate::wire::Malformed;
use crate::wire::Message;

/// `NFNLGRP_NFTABLES`
const GROUP: u32 = 7;

/// Something that happened. A batch is told of request by request, and ends with its generation, which names who it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To a table.
    Table(table::Change),
    /// To a chain.
    Chain(chain::Change),
    /// To a rule.
    Rule(rule::Change),
    /// To a set.
    Set(set::Change),
    /// Elements of a set came.
    ElementsSet(Elements),
    /// Elements of a set went.
    ElementsGone(Elements),
    /// All before it is in force, and this process did it.
    Generation(Generation),
}

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Ok(match message.header.kind {
            number::NEW_ELEMENTS => Some(Change::ElementsSet(set::read_elements(message)?)),
            number::DELETE_ELEMENTS => Some(Change::ElementsGone(set::read_elements(message)?)),
            number::NEW_GENERATION => Some(Change::Generation(generation::generation(message)?)),
            _ => {
                if let Some(change) = table::Change::read(message)? {
                    return Ok(Some(Change::Table(change)));
                }
                if let Some(change) = chain::Change::read(message)? {
                    return Ok(Some(Change::Chain(change)));
                }
                if let Some(change) = rule::Change::read(message)? {
                    return Ok(Some(Change::Rule(change)));
                }
                set::Change::read(message)?.map(Change::Set)
            }
        })
    }
}

impl Change {
    /// The name of the table that it was in, or was; none of a generation.
    pub fn table(&self) -> Option<&str> {
        match self {
            Change::Table(change) => Some(&change.object().name),
            Change::Chain(change) => Some(&change.object().table),
            Change::Rule(change) => Some(&change.object().table),
            Change::Set(change) => Some(&change.object().table),
            Change::ElementsSet(elements) | Change::ElementsGone(elements) => Some(&elements.table),
            Change::Generation(_) => None,
        }
    }
}

/// Something that happened, and by whose request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The [port](crate::socket::RequestSocket::port) of the socket whose request caused it; none if the kernel does not say.
    pub requester: Option<u32>,
    /// What happened.
    pub change: Change,
}

/// What a [`Monitor`] has to tell.
pub type News = socket::News<Heard>;

/// Listens to what becomes of the rules of the namespace of the thread that opened it.
#[derive(Debug)]
pub struct Monitor {
    socket: EventSocket,
}

impl Monitor {
    /// Opens a socket in the network namespace of the calling thread, with room for so many bytes of changes that wait to
    /// be read; see [`EventSocket::open`].
    ///
    /// # Errors
    /// [`Error::Io`]: `EPERM` without `CAP_NET_ADMIN`.
    pub fn open(buffer: usize) -> Result<Monitor, Error> {
        let socket = EventSocket::open(Protocol::Netfilter, buffer)?;
        socket.join(GROUP)?;
        Ok(Monitor { socket })
    }

    /// What has come, without waiting. Call it until it is [`News::Idle`] before waiting again.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn read(&mut self) -> Result<News, Error> {
        self.socket.news(|message| {
            let requester = Some(message.header.port).filter(|port| *port != 0);
            Ok(Change::read(message)?.map(|change| Heard { requester, change }))
        })
    }
}

socket::waits!(Monitor);
