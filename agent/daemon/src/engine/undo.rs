//! The way back: everything an open transaction may have touched returns to what was there before it.

use std::borrow::Cow;
use std::io;

use thiserror::Error;
use tracing::info;
use tracing::warn;
use trimtab_core::address::Address;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Followed;
use trimtab_core::journal::Outcome;
use trimtab_core::journal::Record;
use trimtab_core::kind::rules_of;
use trimtab_core::plan::Answer;
use trimtab_core::plan::Change;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::fault;
use trimtab_kernel::state::Sync;

use super::execute::link_of;
use super::execute::shown;
use super::follow::Seen;
use super::follow::follow_on;
use super::observe::Host;
use super::observe::observe;
use super::store::Store;
use super::store::StoreError;

/// So often is walked anew because an interface was renamed meanwhile.
const RENAMES: usize = 3;

/// How far the way back led.
#[derive(Debug, Default)]
pub struct Undone {
    /// Addresses whose old value is back by a write of ours.
    pub restored: Vec<Address>,
    /// Values somebody else has changed meanwhile, which stay.
    pub conflicts: Vec<Finding>,
    /// Values that are still ours because the kernel refused the old one.
    pub failed: Vec<(Address, String)>,
}

impl Undone {
    /// Whether everything is as it was.
    pub fn is_complete(&self) -> bool {
        self.conflicts.is_empty() && self.failed.is_empty()
    }
}

/// Why a transaction was not undone; it stays open, and the next run finishes it.
#[derive(Debug, Error)]
pub enum UndoError {
    /// The state on disk cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whose values are to go back is not known.
    #[error("cannot tell the network interfaces apart: {0}")]
    Interfaces(#[source] io::Error),
}

/// Undoes the open transaction, if there is one, gives `applied` back to the set before it, and ends it in the journal.
/// Doing it twice does no harm: what is back already is not written again.
///
/// # Errors
/// [`UndoError`]; the transaction then stays open, and the next run finishes it.
pub fn undo_open(kernel: &mut dyn Kernel, store: &mut Store, host: &Host) -> Result<Undone, UndoError> {
    let undone = undo_values(kernel, store, host).map_err(UndoError::Interfaces)?;
    record_end(store, &undone)?;
    Ok(undone)
}

/// The part of an undo that concerns the kernel.
///
/// # Errors
/// If the kernel does not tell interfaces apart; nothing was written then.
pub fn undo_values(kernel: &mut dyn Kernel, store: &mut Store, host: &Host) -> io::Result<Undone> {
    if store.history.open.is_none() {
        return Ok(Undone::default());
    }
    let mut undone = Undone::default();
    let mut host = Cow::Borrowed(host);
    let (mut walk, mut renames) = (0, RENAMES);
    // Each walk plans from what is there now. The second mends what the first could not: halves of a pair that the
    // kernel checks against each other, values that an unforeseen effect moved.
    loop {
        let plan = match plan_of_undo(kernel, store, &mut host, walk) {
            Ok(plan) => plan,
            Err(error) if walk == 0 => return Err(error),
            // As far as the first walk led.
            Err(error) => {
                warn!(%error, "interfaces cannot be told apart, so what could not be undone is not tried again");
                break;
            }
        };
        undone.failed.clear();
        undone.conflicts.clear();
        for finding in &plan.findings {
            match (finding.class, &finding.address) {
                (Class::Conflict, _) => undone.conflicts.push(finding.clone()),
                // Still ours, and out of reach now.
                (Class::Pending | Class::Blocked, Some(address)) => {
                    undone.failed.push((address.clone(), format!("{address}: {}", finding.message)));
                }
                (Class::Pending | Class::Blocked, None) | (Class::Note, _) => {}
            }
        }
        for change in &plan.changes {
            back(kernel, change, &plan.links, &host, &mut undone);
        }
        walk += 1;
        // What was read under a name that went to another meanwhile was not what is to go back.
        if renames > 0 && follow_on(kernel, store, &mut host).is_ok_and(|seen| seen.followed != Followed::Nothing) {
            renames -= 1;
        } else if undone.failed.is_empty() || walk >= 2 {
            break;
        }
    }
    fault::point("undone");
    for (address, why) in &undone.failed {
        warn!(%address, why, "could not be undone");
    }
    Ok(undone)
}

/// What is to be done now to undo what is open. That an interface was renamed may be why there is something to undo, and why
/// the first walk did not end well.
fn plan_of_undo(kernel: &mut dyn Kernel, store: &mut Store, host: &mut Cow<'_, Host>, walk: usize) -> io::Result<Plan> {
    let Seen { followed, links } = follow_on(kernel, store, host)?;
    if walk > 0
        && followed == Followed::Nothing
        && let Ok(now) = host.with_interfaces_of_now(kernel)
    {
        *host = Cow::Owned(now);
    }
    let goals = store.history.open.as_ref().map(goal::of_undo).unwrap_or_default();
    Ok(host.look_and_plan(kernel, &goals, links)?.plan)
}

/// The part of an undo that concerns the state on disk.
///
/// # Errors
/// If the end cannot be recorded; the transaction then stays open, and the next run finishes it.
pub fn record_end(store: &mut Store, undone: &Undone) -> Result<(), StoreError> {
    let Some(id) = store.history.open.as_ref().map(|open| open.begin.id.clone()) else { return Ok(()) };
    // What it kept is told by the names of now, which the journal must know.
    store.keep_followed()?;
    let kept: Vec<Address> = undone.failed.iter().map(|(address, _)| address.clone()).collect();
    store.give_back_applied(&id)?;
    let left: Vec<Address> = undone.conflicts.iter().filter_map(|conflict| conflict.address.clone()).collect();
    let outcome = if undone.is_complete() { Outcome::Undone } else { Outcome::Incomplete { kept, left } };
    store.append(Record::Done { id, outcome }, Sync::No)
}

fn back(kernel: &mut dyn Kernel, change: &Change, links: &InterfaceIds, host: &Host, undone: &mut Undone) {
    let names = change.cells.iter().map(|cell| cell.address.clone());
    let found = observe(kernel, names, &host.facts);
    let mut writes: Vec<(Address, Value)> = Vec::new();
    for cell in &change.cells {
        let value = found.get(&cell.address).and_then(|observed| observed.value());
        match value.map_or(Answer::Stale, |value| cell.answer(value, &host.facts)) {
            Answer::Leave => {}
            Answer::Write(to) => writes.push((cell.address.clone(), to.clone())),
            Answer::Stale => undone.failed.push((cell.address.clone(), "it moved while it was undone".to_owned())),
        }
    }
    if writes.is_empty() {
        return;
    }
    fault::point("undo");
    let outcome = kernel.write(&writes, link_of(&writes, links));
    let after = observe(kernel, writes.iter().map(|(address, _)| address.clone()), &host.facts);
    for (address, to) in writes {
        let now = after.get(&address).and_then(|observed| observed.value());
        let is_back = now.is_some_and(|now| rules_of(&address).equivalent(&address, &to, now, &host.facts));
        if is_back {
            info!(%address, %to, "undid");
            if !undone.restored.contains(&address) {
                undone.restored.push(address);
            }
        } else {
            let why = match &outcome {
                Err(error) => error.to_string(),
                Ok(()) => format!("{address}: the kernel accepted {to} but holds {}", shown(now)),
            };
            undone.failed.push((address, why));
        }
    }
}
