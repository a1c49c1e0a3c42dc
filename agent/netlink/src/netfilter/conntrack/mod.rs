//! Connection tracking (ctnetlink): how full the table of a network namespace is, and what each CPU counted.
//!
//! ```no_run
//! use trimtab_netlink::netfilter::conntrack;
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//!
//! let mut socket = RequestSocket::open(Protocol::Netfilter)?;
//! let table = conntrack::table(&mut socket)?;
//! let lost: u64 = conntrack::counters(&mut socket)?.iter().map(|cpu| u64::from(cpu.drop)).sum();
//! println!("{} of {:?} connections, {lost} packets lost", table.entries, table.max);
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```
//!
//! The first message to this part of the kernel has it load the module `nf_conntrack_netlink`, and with it `nf_conntrack`, where
//! they are modules and not loaded (net/netfilter/nfnetlink.c `nfnetlink_rcv_msg`): who must change nothing looks whether
//! they are there first. Loading them tracks nothing yet; the first rule that asks for it does.

mod decode;
#[cfg(test)]
mod tests;

use super::header::Header;
use super::header::kind;
use crate::error::Error;
use crate::socket::Request;
use crate::socket::RequestSocket;

#[cfg(any(test, feature = "decoders"))]
pub(crate) use decode::any;

/// include/uapi/linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h
mod number {
    use super::kind;

    /// `NFNL_SUBSYS_CTNETLINK`
    const SUBSYSTEM: u8 = 1;
    /// `IPCTNL_MSG_CT_GET_STATS_CPU`
    pub(super) const GET_COUNTERS: u16 = kind(SUBSYSTEM, 4);
    /// `IPCTNL_MSG_CT_GET_STATS`
    pub(super) const GET_TABLE: u16 = kind(SUBSYSTEM, 5);

    /// `CTA_STATS_GLOBAL_*`
    pub(super) mod table {
        pub(in super::super) const ENTRIES: u16 = 1;
        pub(in super::super) const MAX_ENTRIES: u16 = 2;
    }

    /// `CTA_STATS_*`. The kernel has not counted those left out for years: 1, 3, 5, 6 and 7.
    pub(super) mod counter {
        pub(in super::super) const FOUND: u16 = 2;
        pub(in super::super) const INVALID: u16 = 4;
        pub(in super::super) const INSERT: u16 = 8;
        pub(in super::super) const INSERT_FAILED: u16 = 9;
        pub(in super::super) const DROP: u16 = 10;
        pub(in super::super) const EARLY_DROP: u16 = 11;
        pub(in super::super) const ERROR: u16 = 12;
        pub(in super::super) const SEARCH_RESTART: u16 = 13;
        pub(in super::super) const CLASH_RESOLVE: u16 = 14;
        pub(in super::super) const CHAIN_TOO_LONG: u16 = 15;
    }
}

/// The table of connections of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Connections that are tracked now, those among them that are new and not yet confirmed.
    pub entries: u32,
    /// The most that there may be: `net.netfilter.nf_conntrack_max`, one number for the whole host, compared with each
    /// namespace's own connections. Told since Linux 4.18.
    pub max: Option<u32>,
}

/// What one CPU has counted in a namespace since that was made. Each counter has 32 bits and wraps around.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of the CPU. Those that may ever be there are all told.
    pub cpu: u16,
    /// Look-ups that found an entry while a new connection was made.
    pub found: u32,
    /// Packets that belong to no connection and can make none.
    pub invalid: u32,
    /// Entries put into the table by ctnetlink.
    pub insert: u32,
    /// Entries that could not be put in, because the same connection was there already: packets lost to a race.
    pub insert_failed: u32,
    /// Packets lost because the table was full.
    pub drop: u32,
    /// Connections forgotten to make room for others.
    pub early_drop: u32,
    /// ICMP errors that were malformed.
    pub error: u32,
    /// Look-ups begun anew because the table changed meanwhile.
    pub search_restart: u32,
    /// Races that were settled in favour of the entry that was there. Told since Linux 5.9.
    pub clash_resolve: Option<u32>,
    /// Packets lost because a chain of the hash table was too long. Told since Linux 5.15.
    pub chain_too_long: Option<u32>,
}

/// How full the table of the socket's namespace is.
///
/// # Errors
/// [`Error::Refused`]: without `CAP_NET_ADMIN`, or where the kernel has no ctnetlink.
pub fn table(socket: &mut RequestSocket) -> Result<Table, Error> {
    let request = Request::new("size of the table of connections", number::GET_TABLE, Header::of(0).writer());
    socket.one(request, decode::table).map(|(table, _)| table)
}

/// The counters of each CPU, in the order of their numbers.
///
/// # Errors
/// As [`table`].
pub fn counters(socket: &mut RequestSocket) -> Result<Vec<Counters>, Error> {
    let request = Request::new("counters of connection tracking", number::GET_COUNTERS, Header::of(0).writer());
    let mut counters = socket.dump(request, |message| decode::counters(message).map(Some))?;
    counters.sort_by_key(|counters| counters.cpu);
    Ok(counters)
}
