//! How much connection tracking is used in the namespace of the calling thread.
//!
//! The kernel loads a module for whoever asks ctnetlink first, and to look must change nothing: it is asked only where it is
//! there already. Else the sysctls tell entries and limit, and nobody tells what was lost.

use std::path::Path;

use trimtab_core::conntrack::ConntrackCounters;
use trimtab_core::conntrack::ConntrackUsage;
use trimtab_netlink::Error;
use trimtab_netlink::netfilter::conntrack;
use trimtab_netlink::netfilter::conntrack::Counters;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use super::modules;
use crate::file;

/// The module that tracks connections.
pub(crate) const BASE: &str = "nf_conntrack";
const MODULE: &str = "nf_conntrack_netlink";
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

/// How much of it is used; nothing where the kernel tracks no connections.
pub(crate) fn usage() -> Option<ConntrackUsage> {
    let entries = number(COUNT)?;
    if modules::is_present(MODULE) {
        match ask() {
            Ok(usage) => return Some(usage),
            Err(error) => tracing::debug!(%error, "connection tracking tells no counters"),
        }
    }
    Some(ConntrackUsage { entries, max: number(MAX), source: COUNT.to_owned(), cpus: Vec::new() })
}

/// Has the kernel load connection tracking, as it does for any program that asks for it: that takes `CAP_NET_ADMIN` and
/// not the right to load modules. Whether it is there now.
pub(crate) fn load() -> bool {
    let answer = RequestSocket::open(Protocol::Netfilter).and_then(|mut socket| conntrack::table(&mut socket));
    if let Err(error) = &answer {
        tracing::debug!(%error, "connection tracking does not come by asking for it");
    }
    Path::new(COUNT).exists()
}

fn ask() -> Result<ConntrackUsage, Error> {
    let mut socket = RequestSocket::open(Protocol::Netfilter)?;
    let table = conntrack::table(&mut socket)?;
    let cpus = conntrack::counters(&mut socket)?;
    Ok(ConntrackUsage {
        entries: table.entries.into(),
        max: table.max.map(u64::from),
        source: "ctnetlink".to_owned(),
        cpus: cpus.into_iter().map(counters).collect(),
    })
}

fn counters(counters: Counters) -> ConntrackCounters {
    let Counters {
        cpu,
        found,
        invalid,
        insert,
        insert_failed,
        drop,
        early_drop,
        error,
        search_restart,
        clash_resolve,
        chain_too_long,
    } = counters;
    ConntrackCounters {
        cpu: cpu.into(),
        drop: drop.into(),
        early_drop: early_drop.into(),
        insert_failed: insert_failed.into(),
        chain_too_long: chain_too_long.map(u64::from),
        invalid: invalid.into(),
        clash_resolve: clash_resolve.map(u64::from),
        found: found.into(),
        insert: insert.into(),
        error: error.into(),
        search_restart: search_restart.into(),
    }
}

fn number(path: &str) -> Option<u64> {
    let bytes = file::read(Path::new(path), 64).ok()?;
    String::from_utf8_lossy(&bytes).trim().parse().ok()
}
