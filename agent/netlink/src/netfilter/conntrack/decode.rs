//! From messages to values.

use super::Counters;
use super::Header;
use super::Table;
use super::number::counter;
use super::number::table as number;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Message;

fn number(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
    attribute.u32().map(u32::from_be)
}

pub(super) fn table(message: &Message<'_>) -> Result<Table, Malformed> {
    let (_, attributes) = Header::split(message)?;
    let mut table = Table { entries: 0, max: None };
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::ENTRIES => table.entries = number(&attribute)?,
            number::MAX_ENTRIES => table.max = Some(number(&attribute)?),
            // A newer kernel may tell more.
            _ => {}
        }
    }
    Ok(table)
}

pub(super) fn counters(message: &Message<'_>) -> Result<Counters, Malformed> {
    let (header, attributes) = Header::split(message)?;
    // net/netfilter/nf_conntrack_netlink.c `ctnetlink_ct_stat_cpu_fill_info` puts the CPU there.
    let mut counters = Counters { cpu: header.resource, ..Counters::default() };
    for attribute in attributes {
        let attribute = attribute?;
        let slot = match attribute.kind {
            counter::FOUND => &mut counters.found,
            counter::INVALID => &mut counters.invalid,
            counter::INSERT => &mut counters.insert,
            counter::INSERT_FAILED => &mut counters.insert_failed,
            counter::DROP => &mut counters.drop,
            counter::EARLY_DROP => &mut counters.early_drop,
            counter::ERROR => &mut counters.error,
            counter::SEARCH_RESTART => &mut counters.search_restart,
            counter::CLASH_RESOLVE => counters.clash_resolve.get_or_insert_default(),
            counter::CHAIN_TOO_LONG => counters.chain_too_long.get_or_insert_default(),
            // What the kernel counts no more, and what a newer one may tell.
            _ => continue,
        };
        *slot = number(&attribute)?;
    }
    Ok(counters)
}

/// Any message as each of them.
#[cfg(any(test, feature = "decoders"))]
pub(crate) fn any(message: &Message<'_>) {
    let _ = (table(message), counters(message));
}
