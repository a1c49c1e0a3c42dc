//! Rules for packets, in trimtab's own table: read and written whole, by netlink alone.
//!
//! A table of that name is trimtab's if its comment says so, and is never touched if it does not. What else is in trimtab's table is
//! left where it is, and so is the table then.

mod compile;
mod decompile;
mod read;
#[cfg(test)]
mod tests;
mod write;

use trimtab_core::address::nft::TABLE;
use trimtab_core::kind::nft::Hook;
use trimtab_netlink::netfilter::nftables::Base;
use trimtab_netlink::netfilter::nftables::Content;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::chain::hooks;
use trimtab_netlink::netfilter::nftables::chain::priorities;

pub(crate) use read::read;
pub(crate) use read::reading;
pub(crate) use write::write;

const FAMILY: Family = Family::Inet;
/// What the comment of a table says that is trimtab's.
const MARK: &str = "managed by trimtab, which puts back what is changed here";

fn is_ours(content: &Content) -> bool {
    content.table.comment.as_deref() == Some(MARK)
}

/// Where the kernel comes to a chain of trimtab's.
fn base(hook: Hook) -> Base {
    match hook {
        Hook::Prerouting => Base::filter(hooks::PREROUTING, priorities::RAW),
        Hook::Output => Base::filter(hooks::OUTPUT, priorities::RAW),
        Hook::Forward => Base::filter(hooks::FORWARD, priorities::MANGLE),
    }
}
