//! Following interfaces: what the state says of them by the names that they had is told by the names that they have.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;

use tracing::debug;
use trimtab_core::address::Address;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Followed;
use trimtab_core::journal::History;
use trimtab_kernel::Kernel;

use super::observe::Host;
use super::observe::observe;
use super::store::Store;

/// So often is looked at what came back, as long as it gets other names meanwhile.
const LOOKS: usize = 3;

/// Where interfaces were found.
#[derive(Debug)]
pub struct Seen {
    /// Whether that changed what is known.
    pub followed: Followed,
    /// The interfaces of this moment, if they were asked for.
    pub links: Option<InterfaceIds>,
}

impl Seen {
    const NOTHING: Seen = Seen { followed: Followed::Nothing, links: None };
}

/// Follows interfaces to the names of now, in the journal and in `applied`, as they are in memory: [`Store::keep_followed`]
/// puts it on disk.
///
/// # Errors
/// If the kernel does not tell interfaces apart: what the state says of them is then not to be acted upon.
pub fn follow(kernel: &mut dyn Kernel, store: &mut Store, host: &Host) -> io::Result<Seen> {
    if !store.speaks_of_links() {
        return Ok(Seen::NOTHING);
    }
    let Some(links) = kernel.links()? else { return Ok(Seen::NOTHING) };
    let (followed, links) = follow_to(kernel, &mut store.history, links, host)?;
    if followed != Followed::Nothing {
        store.mark_followed();
    }
    if store.in_force().is_some()
        && let Some(applied) = &mut store.applied
    {
        let gave_way = applied.follow(&links);
        store.gave_way.extend(gave_way);
    }
    Ok(Seen { followed, links: Some(links) })
}

/// Follows interfaces to the names of now in what trimtab holds.
///
/// # Errors
/// As [`follow`].
pub fn follow_history(kernel: &mut dyn Kernel, history: &mut History, host: &Host) -> io::Result<Seen> {
    if !history.speaks_of_links() {
        return Ok(Seen::NOTHING);
    }
    let Some(links) = kernel.links()? else { return Ok(Seen::NOTHING) };
    let (followed, links) = follow_to(kernel, history, links, host)?;
    Ok(Seen { followed, links: Some(links) })
}

/// Follows interfaces in a history to the names of now, and looks at those that have come back. The names of now are those of
/// `links` unless somebody gives others while it looks.
fn follow_to(
    kernel: &mut dyn Kernel,
    history: &mut History,
    mut links: InterfaceIds,
    host: &Host,
) -> io::Result<(Followed, InterfaceIds)> {
    let followed = history.follow(&links);
    let Followed::Something { returned } = &followed else { return Ok((followed, links)) };
    debug!("interfaces were renamed, went or came back since the journal was written");
    let mut returned = returned.clone();
    for look in 1..=LOOKS {
        if returned.is_empty() {
            break;
        }
        let now = observe(kernel, returned.iter().cloned(), &host.facts);
        // udev(7) may have renamed what it looked at: what was not found under the old name is not lost by that.
        let Some(after) = kernel.links()? else { break };
        let is_the_same = |address: &Address| {
            let there = |links: &InterfaceIds| address.interface().and_then(|name| links.get(name)).cloned();
            there(&links).is_some_and(|interface| there(&after) == Some(interface))
        };
        let (seen, unclear): (BTreeSet<Address>, BTreeSet<Address>) = returned.into_iter().partition(is_the_same);
        if unclear.is_empty() || look == LOOKS {
            // What is unclear to the end stays on record.
            history.let_go_of_lost(&seen, &now, &host.facts);
            break;
        }
        links = after;
        let all = seen.into_iter().chain(unclear).collect();
        returned = match history.follow_again(&links, &all) {
            Followed::Something { returned } => returned,
            Followed::Nothing => BTreeSet::new(),
        };
    }
    Ok((followed, links))
}

/// Follows interfaces in a store that is being written to, and the host with them: the names that it was learnt with may be
/// others by now.
///
/// # Errors
/// As [`follow`].
pub fn follow_on(kernel: &mut dyn Kernel, store: &mut Store, host: &mut Cow<'_, Host>) -> io::Result<Seen> {
    let seen = follow(kernel, store, host)?;
    if seen.followed != Followed::Nothing {
        if let Err(error) = store.keep_followed() {
            // Whoever reads the journal follows once more.
            tracing::warn!(%error, "the new names of interfaces are not on record");
        }
        if let Ok(now) = host.with_interfaces_of_now(kernel) {
            *host = Cow::Owned(now);
        }
    }
    Ok(seen)
}
