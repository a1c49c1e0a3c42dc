//! Following interfaces: what the state says of them by the names that they had is told by the names that they have.

use std::borrow::Cow;

use tracing::debug;
use trimtab_core::interface_id::Links;
use trimtab_core::journal::Followed;
use trimtab_core::journal::History;
use trimtab_kernel::Kernel;

use super::observe::Host;
use super::observe::observe;
use super::store::Store;

/// Follows interfaces to the names of now, in the journal and in `applied`, as they are in memory: [`Store::keep_followed`]
/// puts it on disk.
pub fn follow(kernel: &mut dyn Kernel, store: &mut Store, host: &Host) -> Followed {
    if !store.speaks_of_links() {
        return Followed::Nothing;
    }
    let Some(links) = kernel.links() else { return Followed::Nothing };
    if store.in_force().is_some()
        && let Some(applied) = &mut store.applied
    {
        applied.follow(&links);
    }
    let followed = follow_to(kernel, &mut store.history, &links, host);
    if followed != Followed::Nothing {
        store.followed();
    }
    followed
}

/// Follows interfaces to the names of now in what trimtab holds.
pub fn follow_history(kernel: &mut dyn Kernel, history: &mut History, host: &Host) -> Followed {
    if !history.speaks_of_links() {
        return Followed::Nothing;
    }
    match kernel.links() {
        Some(links) => follow_to(kernel, history, &links, host),
        None => Followed::Nothing,
    }
}

fn follow_to(kernel: &mut dyn Kernel, history: &mut History, links: &Links, host: &Host) -> Followed {
    let followed = history.follow(links);
    if let Followed::Something { returned } = &followed {
        debug!("interfaces were renamed, went or came back since the journal was written");
        if !returned.is_empty() {
            let now = observe(kernel, returned.iter().cloned(), &host.facts);
            history.let_go_of_lost(returned, &now, &host.facts);
        }
    }
    followed
}

/// Follows interfaces in a store that is being written to, and the host with them: the names that it was learnt with may be
/// others by now.
pub fn follow_on<'a>(kernel: &mut dyn Kernel, store: &mut Store, host: &'a Host) -> Cow<'a, Host> {
    if follow(kernel, store, host) == Followed::Nothing {
        return Cow::Borrowed(host);
    }
    if let Err(error) = store.keep_followed() {
        // Whoever reads the journal follows once more.
        tracing::warn!(%error, "the new names of interfaces are not on record");
    }
    host.with_interfaces_of_now(kernel).map_or(Cow::Borrowed(host), Cow::Owned)
}
