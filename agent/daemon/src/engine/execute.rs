//! One run through a plan: at each turn re-read, write once, read back, record.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::io;

use tracing::info;
use tracing::warn;
use trimtab_core::address::Address;
use trimtab_core::facts::Facts;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Begin;
use trimtab_core::journal::Record;
use trimtab_core::journal::Role;
use trimtab_core::kind::rules_of;
use trimtab_core::plan::Answer;
use trimtab_core::plan::Change;
use trimtab_core::plan::Plan;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::WriteError;
use trimtab_kernel::fault;
use trimtab_kernel::state::Sync;

use super::observe::interpret;
use super::observe::look;
use super::observe::observe;
use super::store::Store;
use super::store::StoreError;

/// Why a change did not come to be.
#[derive(Debug)]
pub enum Failure {
    /// Something else is there than the plan expects at this turn.
    Stale {
        /// Where.
        address: Address,
        /// What is there, or how it cannot be read.
        found: String,
        /// What the plan expects.
        expected: String,
    },
    /// The kernel refused the write.
    Refused(WriteError),
    /// The kernel took the write and holds something else.
    Differs {
        /// Where.
        address: Address,
        /// What was written.
        wrote: Value,
        /// What is there.
        found: String,
    },
    /// It cannot be written now, so it stays as it is.
    HeldUp {
        /// Where.
        address: Address,
        /// Why.
        why: String,
    },
    /// The journal or another state file could not be written.
    State(StoreError),
}

impl Failure {
    /// Whether the kernel refused for want of a right (EPERM, EACCES).
    pub fn is_denied(&self) -> bool {
        match self {
            Failure::Refused(WriteError::Refused { source, .. }) => source.kind() == io::ErrorKind::PermissionDenied,
            Failure::Refused(WriteError::Netlink { source, .. }) => source.is_denied(),
            Failure::Refused(
                WriteError::Elsewhere { .. } | WriteError::CarrierLost { .. } | WriteError::Short { .. },
            )
            | Failure::Stale { .. }
            | Failure::Differs { .. }
            | Failure::HeldUp { .. }
            | Failure::State(_) => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stale { address, found, expected } => {
                write!(f, "{address}: the plan is stale: expected {expected} at this turn, found {found}")
            }
            Failure::Refused(error) => error.fmt(f),
            Failure::Differs { address, wrote, found } => {
                write!(f, "{address}: the kernel accepted {wrote} but holds {found}")
            }
            Failure::HeldUp { address, why } => write!(f, "{address}: {why}"),
            Failure::State(error) => error.fmt(f),
        }
    }
}

/// What a run has done so far.
#[derive(Debug, Default)]
pub struct Run {
    /// Values written, those of failed writes included.
    pub writes: usize,
    /// What was written, or may have been by a write that failed.
    pub attempted: BTreeSet<Address>,
    /// What was read back behind each write.
    found: Vec<(Address, Value)>,
}

/// Makes every change of the plan.
///
/// # Errors
/// The first failure; changes before it have been made and recorded.
pub fn execute(
    kernel: &mut dyn Kernel,
    store: &mut Store,
    id: &str,
    plan: &Plan,
    facts: &Facts,
    run: &mut Run,
) -> Result<(), Failure> {
    let outcome = plan.changes.iter().try_for_each(|change| turn(kernel, change, &plan.links, facts, run));
    // Not behind each write: whoever finds the run broken off takes back what the intent wanted, wherever it is. Only a
    // value that differs from that must be on record, and such a one ends the run.
    let found = std::mem::take(&mut run.found);
    let recorded = if found.is_empty() {
        Ok(())
    } else {
        store.append(Record::Wrote { id: id.to_owned(), found }, Sync::No).map_err(Failure::State)
    };
    outcome.and(recorded)
}

fn turn(
    kernel: &mut dyn Kernel,
    change: &Change,
    links: &InterfaceIds,
    facts: &Facts,
    run: &mut Run,
) -> Result<(), Failure> {
    let addresses: Vec<Address> = change.cells.iter().map(|cell| cell.address.clone()).collect();
    let found = interpret(&addresses, kernel.read_before_write(&addresses), facts);
    let mut froms: Vec<Option<&Value>> = Vec::new();
    let mut writes: Vec<(Address, Value)> = Vec::new();
    for (cell, observed) in change.cells.iter().zip(&found) {
        let value = observed.value();
        let answer = value.map_or(Answer::Stale, |value| cell.answer(value, facts));
        let to = match answer {
            Answer::Leave => continue,
            Answer::Write(to) => to,
            Answer::Stale => {
                return Err(Failure::Stale {
                    address: cell.address.clone(),
                    found: value.map_or_else(|| "no readable value".to_owned(), ToString::to_string),
                    expected: cell.cases.iter().map(|case| case.found.to_string()).collect::<Vec<_>>().join(" or "),
                });
            }
        };
        froms.push(value);
        writes.push((cell.address.clone(), to.clone()));
    }
    if writes.is_empty() {
        return Ok(());
    }
    fault::point("write");
    let outcome = kernel.write(&writes, link_of(&writes, links));
    if let Err(WriteError::Elsewhere { address }) = &outcome {
        return Err(Failure::Stale {
            address: address.clone(),
            found: "another interface of this name, or none".to_owned(),
            expected: "the interface that was planned for".to_owned(),
        });
    }
    run.writes += writes.len();
    run.attempted.extend(writes.iter().map(|(address, _)| address.clone()));
    fault::point("written");
    let written: Vec<Address> = writes.iter().map(|(address, _)| address.clone()).collect();
    let after = look(kernel, &written, facts);
    for (((address, wrote), from), observed) in writes.iter().zip(froms).zip(&after) {
        let now = observed.value();
        // Not of a write that failed: what is there then may be somebody else's. What such a write stored of a vector is a
        // mix of old and wanted, and found out as one.
        if let (Some(now), Ok(())) = (now, &outcome) {
            run.found.push((address.clone(), now.clone()));
        }
        let (from, found) = (from.map(tracing::field::display), now.map(tracing::field::display));
        match &outcome {
            Ok(()) => info!(%address, from, to = %wrote, found, "wrote"),
            Err(error) => warn!(%address, from, to = %wrote, found, %error, "not written"),
        }
    }
    outcome.map_err(Failure::Refused)?;
    for ((address, wrote), observed) in writes.into_iter().zip(&after) {
        let now = observed.value();
        if !now.is_some_and(|now| rules_of(&address).equivalent(&address, &wrote, now, facts)) {
            return Err(Failure::Differs { address, wrote, found: shown(now) });
        }
    }
    Ok(())
}

/// The interface that a write was planned for, if it is one's.
pub(super) fn link_of<'a>(writes: &[(Address, Value)], links: &'a InterfaceIds) -> Option<&'a InterfaceId> {
    writes.first().and_then(|(address, _)| address.interface()).and_then(|name| links.get(name))
}

/// What was read back, for messages.
pub(super) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing readable".to_owned(), ToString::to_string)
}

/// Reads everything once more behind the last write: that each change still holds, and which effects came.
///
/// # Errors
/// A change that does not hold any more, because another one moved it unforeseen or somebody else wrote it.
pub fn settle(
    kernel: &mut dyn Kernel,
    begin: &Begin,
    wrote: &BTreeMap<Address, Value>,
    facts: &Facts,
) -> Result<Vec<(Address, Value)>, Failure> {
    let now = observe(kernel, begin.entries.iter().map(|entry| entry.address.clone()), facts);
    let mut moved = Vec::new();
    for entry in &begin.entries {
        let value = now.get(&entry.address).and_then(|observed| observed.value());
        let same =
            |other: &Value, value: &Value| rules_of(&entry.address).equivalent(&entry.address, other, value, facts);
        match &entry.role {
            Role::Set | Role::Return => {
                let Some(left) = wrote.get(&entry.address) else {
                    // An effect of another change had brought it at its turn: ours to take back all the same.
                    moved.extend(
                        value
                            .filter(|value| entry.before != **value)
                            .map(|value| (entry.address.clone(), value.clone())),
                    );
                    continue;
                };
                if !value.is_some_and(|value| same(left, value)) {
                    let (address, wrote) = (entry.address.clone(), left.clone());
                    return Err(Failure::Differs { address, wrote, found: shown(value) });
                }
            }
            Role::Effect { .. } => {
                // A value that no plan foretold is somebody else's, unless the kernel has the choice.
                let foretold = |value: &Value| entry.wanted.is_empty() || entry.wanted.iter().any(|to| same(to, value));
                match value {
                    Some(value) if entry.before != *value && foretold(value) => {
                        moved.push((entry.address.clone(), value.clone()));
                    }
                    Some(_) => {}
                    // It went with what it belonged to, and nothing of ours is there. As long as the cause is held so is its
                    // original: the way back of the cause brings it back, but not what it held.
                    None => moved.push((entry.address.clone(), entry.original.clone())),
                }
            }
            Role::Guard { .. } => {}
        }
    }
    Ok(moved)
}
