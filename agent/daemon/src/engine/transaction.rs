//! The order of things: recover, begin, execute, put in force, end.
//!
//! A transaction is in force from the moment that `applied` names it, or, where `applied` does not change, from its end
//! in the journal; a trial (`--confirm-within`) only from its confirmation. Whatever is found open otherwise is undone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use thiserror::Error;
use tracing::warn;
use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::journal::Begin;
use trimtab_core::journal::Caller;
use trimtab_core::journal::Entry;
use trimtab_core::journal::Outcome;
use trimtab_core::journal::Record;
use trimtab_core::journal::Role;
use trimtab_core::kind::Effect;
use trimtab_core::kind::rules_of;
use trimtab_core::plan::Action;
use trimtab_core::plan::Plan;
use trimtab_core::state;
use trimtab_core::state::Applied;
use trimtab_core::state::SetIdentity;
use trimtab_core::state::Unconfirmed;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::fault;
use trimtab_kernel::state::Sync;
use trimtab_kernel::timer::Armed;

use super::execute;
use super::execute::Failure;
use super::execute::Run;
use super::observe::Host;
use super::store::Store;
use super::store::StoreError;
use super::undo::UndoError;
use super::undo::Undone;
use super::undo::record_end;
use super::undo::undo_open;
use super::undo::undo_values;

/// The moment and the person of a command.
#[derive(Debug, Clone)]
pub struct Now {
    /// Seconds since 1970.
    pub at: u64,
    /// Time on CLOCK_BOOTTIME.
    pub boottime: Duration,
    /// Who runs it.
    pub caller: Caller,
}

/// What is to be put in force.
#[derive(Debug, Clone)]
pub struct Set {
    /// The settings; none for a revert.
    pub desired: Desired,
    /// The roles, as named.
    pub roles: Vec<String>,
    /// Every profile that took part.
    pub profiles: Vec<String>,
}

/// A trial: in force only if it is confirmed in time.
pub struct Trial<'a> {
    /// How long.
    pub within: Duration,
    /// What identifies the set.
    pub set: SetIdentity,
    /// Starts the process that undoes it.
    pub arm: &'a mut dyn FnMut(&Begin) -> io::Result<Armed>,
}

/// One transaction to be made.
pub struct Job<'a> {
    /// The changes.
    pub plan: &'a Plan,
    /// What is in force afterwards.
    pub set: &'a Set,
    /// `apply` or `revert`, for the journal.
    pub verb: &'a str,
    /// If it is a trial.
    pub trial: Option<Trial<'a>>,
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Finished {
    /// There was nothing to write.
    Nothing,
    /// Everything is in force.
    InForce {
        /// Values written.
        writes: usize,
    },
    /// Everything is in force until the deadline.
    Awaiting {
        /// Values written.
        writes: usize,
        /// Milliseconds on CLOCK_BOOTTIME.
        confirm_by: u64,
    },
    /// Reality had moved before the first write.
    Stale(Failure),
    /// A change failed, and everything is as it was before.
    Undone(Failure),
    /// A change failed, and not everything could be taken back.
    Incomplete(Failure, Undone),
}

impl Finished {
    /// Why it is not in force, if it is not.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Finished::Nothing | Finished::InForce { .. } | Finished::Awaiting { .. } => None,
            Finished::Stale(failure) | Finished::Undone(failure) | Finished::Incomplete(failure, _) => Some(failure),
        }
    }
}

/// Why a transaction was not begun; nothing was written.
#[derive(Debug, Error)]
pub enum BeginError {
    /// The state folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The trial's timer.
    #[error("cannot arm the timer that would undo the trial: {0}; nothing was written")]
    Arm(#[source] io::Error),
}

/// What an unfinished transaction turned out to be.
#[derive(Debug)]
pub enum Recovered {
    /// There was none.
    Nothing,
    /// It had been put in force; only its end was missing.
    Ended,
    /// It was undone.
    Undone(Undone),
    /// It is a trial whose time has not run out.
    Awaiting {
        /// Milliseconds on CLOCK_BOOTTIME.
        confirm_by: u64,
    },
}

/// Whether a trial that still runs is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trials {
    /// It goes on.
    Respect,
    /// It ends now.
    End,
}

/// Finishes what a killed command left open, in a store whose interfaces were [followed](super::follow::follow).
///
/// # Errors
/// If the state on disk cannot be written, or interfaces cannot be told apart: what is open stays so.
pub fn recover(
    kernel: &mut dyn Kernel,
    store: &mut Store,
    host: &Host,
    now: &Now,
    trials: Trials,
) -> Result<Recovered, UndoError> {
    store.forget_confirmed()?;
    store.prepare()?;
    let Some(open) = store.history.open.clone() else { return Ok(Recovered::Nothing) };
    if let Some(confirm_by) = open.begin.confirm_by {
        if trials == Trials::Respect && open.awaiting.is_some() && millis(now.boottime) < confirm_by {
            return Ok(Recovered::Awaiting { confirm_by });
        }
    } else if store.applied.as_ref().is_some_and(|applied| applied.transaction == open.begin.id) {
        let moved = match execute::settle(kernel, &open.begin, &BTreeMap::new(), &host.facts) {
            Ok(moved) => moved,
            Err(failure) => {
                warn!(%failure, "found while ending a transaction");
                Vec::new()
            }
        };
        store.append(Record::Done { id: open.begin.id, outcome: Outcome::Committed { moved } }, Sync::No)?;
        return Ok(Recovered::Ended);
    }
    let undone = undo_open(kernel, store, host)?;
    Ok(Recovered::Undone(undone))
}

/// Whether [`recover`] would write to the kernel.
pub fn would_undo(store: &Store, now: &Now, trials: Trials) -> bool {
    store.history.open.as_ref().is_some_and(|open| match open.begin.confirm_by {
        Some(confirm_by) => trials == Trials::End || open.awaiting.is_none() || millis(now.boottime) >= confirm_by,
        None => store.applied.as_ref().is_none_or(|applied| applied.transaction != open.begin.id),
    })
}

/// Makes the changes of a plan and puts the set in force, or leaves everything as it was.
///
/// # Errors
/// [`BeginError`] before the first write; afterwards the answer is in [`Finished`].
pub fn run(
    kernel: &mut dyn Kernel,
    store: &mut Store,
    host: &Host,
    job: Job,
    now: &Now,
) -> Result<Finished, BeginError> {
    let Job { plan, set, verb, trial } = job;
    // Unique although a set that changes nothing takes a name and leaves no record, and though two may come in a second.
    let generation = store.applied.as_ref().map_or(0, |applied| applied.generation);
    let id = format!("{:x}-{:x}-{}-{generation}", now.at, now.caller.pid, store.history.records);
    if plan.changes.is_empty() {
        put_in_force(store, host, set, &plan.links, &id, now)?;
        return Ok(Finished::Nothing);
    }
    let confirm_by = trial.as_ref().map(|trial| millis(now.boottime + trial.within));
    let begin = Begin {
        id: id.clone(),
        at: now.at,
        verb: verb.to_owned(),
        caller: now.caller.clone(),
        confirm_by,
        entries: entries(plan, store, host),
    };
    let refused = store.unconfirmed.clone();
    store.append(Record::Begin(begin.clone()), Sync::Yes)?;
    if let Some(trial) = trial
        && let Err(error) = begin_trial(store, host, &begin, trial, now)
    {
        // Best effort: one that stays open has written nothing, and the next command finds that out.
        let _ = call_off(store, &begin, refused);
        return Err(error);
    }
    fault::point("begun");

    let mut progress = Run::default();
    let outcome = execute::execute(kernel, store, &id, plan, &host.facts, &mut progress)
        .and_then(|()| finish(kernel, store, host, set, &plan.links, &begin, now));
    match outcome {
        Ok(()) => Ok(match confirm_by {
            Some(confirm_by) => Finished::Awaiting { writes: progress.writes, confirm_by },
            None => Finished::InForce { writes: progress.writes },
        }),
        Err(failure) => {
            let finished = give_up(kernel, store, host, &begin, failure, &progress);
            if let (Finished::Stale(_) | Finished::Undone(_), Some(_)) = (&finished, confirm_by)
                && let Err(error) = put_back_unconfirmed(store, refused)
            {
                warn!(%error, "a trial that failed is still on record as unconfirmed");
            }
            Ok(finished)
        }
    }
}

fn begin_trial(store: &mut Store, host: &Host, begin: &Begin, trial: Trial, now: &Now) -> Result<(), BeginError> {
    let mut unconfirmed = Unconfirmed {
        version: state::VERSION,
        transaction: begin.id.clone(),
        set: trial.set,
        boot_id: host.id.boot_id.clone(),
        confirm_by: begin.confirm_by.unwrap_or_default(),
        at: now.at,
        caller: now.caller.clone(),
        timer_pid: None,
        timer_unit: None,
        previous: last_confirmed(store),
    };
    store.put_unconfirmed(Some(unconfirmed.clone()))?;
    fault::point("unarmed");
    // Before the first write: if this process dies at any point from here on, the timer undoes what it did.
    match (trial.arm)(begin).map_err(BeginError::Arm)? {
        Armed::Process { pid } => unconfirmed.timer_pid = Some(pid),
        Armed::Unit(unit) => unconfirmed.timer_unit = Some(unit),
    }
    fault::point("armed");
    Ok(store.put_unconfirmed(Some(unconfirmed))?)
}

/// A trial that never began. Its timer, if it was armed, finds it over and does nothing.
fn call_off(store: &mut Store, begin: &Begin, refused: Option<Unconfirmed>) -> Result<(), StoreError> {
    store.append(Record::Done { id: begin.id.clone(), outcome: Outcome::Undone }, Sync::No)?;
    put_back_unconfirmed(store, refused)
}

/// A trial that was never in force says nothing about its set; what was known of an earlier one holds again.
fn put_back_unconfirmed(store: &mut Store, refused: Option<Unconfirmed>) -> Result<(), StoreError> {
    if store.unconfirmed == refused { Ok(()) } else { store.put_unconfirmed(refused) }
}

/// The set to go back to. What a trial left in `applied` when its host died was never confirmed either: the set before
/// it is.
pub fn last_confirmed(store: &Store) -> Option<Applied> {
    let tried = store.unconfirmed.as_ref().zip(store.applied.as_ref());
    match tried.filter(|(trial, applied)| trial.transaction == applied.transaction) {
        Some((trial, _)) => trial.previous.clone(),
        None => store.applied.clone(),
    }
}

/// Everything written holds: put the set in force and end the transaction, or begin to wait.
fn finish(
    kernel: &mut dyn Kernel,
    store: &mut Store,
    host: &Host,
    set: &Set,
    links: &InterfaceIds,
    begin: &Begin,
    now: &Now,
) -> Result<(), Failure> {
    let wrote = store.history.open.as_ref().map(|open| open.wrote.clone()).unwrap_or_default();
    let moved = execute::settle(kernel, begin, &wrote, &host.facts)?;
    fault::point("settled");
    put_in_force(store, host, set, links, &begin.id, now).map_err(Failure::State)?;
    fault::point("in-force");
    let id = begin.id.clone();
    if begin.confirm_by.is_some() {
        return store.append(Record::Awaiting { id, moved }, Sync::No).map_err(Failure::State);
    }
    let ended = store.append(Record::Done { id: id.clone(), outcome: Outcome::Committed { moved } }, Sync::No);
    match ended {
        // `applied` names it: the next command writes the missing end.
        Err(error) if store.applied.as_ref().is_some_and(|applied| applied.transaction == id) => {
            warn!(%error, "in force, but its end is not in the journal yet");
            Ok(())
        }
        other => other.map_err(Failure::State),
    }
}

/// Replaces `applied`, but only if it differs. `links` are the interfaces that the plan was about.
fn put_in_force(
    store: &mut Store,
    host: &Host,
    set: &Set,
    links: &InterfaceIds,
    id: &str,
    now: &Now,
) -> Result<(), StoreError> {
    let Set { desired, roles, profiles } = set;
    let named: BTreeSet<&str> = desired.settings.keys().filter_map(Address::interface).collect();
    // What a revert leaves in force is nothing that its plan is about.
    let mut known = store.in_force().map(|applied| applied.links.clone()).unwrap_or_default();
    known.retain(|name, _| host.interfaces.contains(name));
    let mut links: InterfaceIds = known.into_iter().chain(links.clone()).collect();
    links.retain(|name, _| named.contains(name.as_str()));
    let same = store.in_force().is_some_and(|applied| {
        applied.desired == *desired
            && applied.roles == *roles
            && applied.profiles == *profiles
            && applied.links == links
            // Else the file speaks of more.
            && store.gave_way.is_empty()
    });
    if same {
        return Ok(());
    }
    if store.applied.is_none() && desired.settings.is_empty() {
        return Ok(());
    }
    let applied = Applied {
        version: state::VERSION,
        generation: store.applied.as_ref().map_or(0, |applied| applied.generation) + 1,
        transaction: id.to_owned(),
        host: host.id.clone(),
        at: now.at,
        caller: now.caller.clone(),
        roles: roles.clone(),
        profiles: profiles.clone(),
        desired: desired.clone(),
        links,
    };
    store.put_applied(Some(applied))
}

fn give_up(
    kernel: &mut dyn Kernel,
    store: &mut Store,
    host: &Host,
    begin: &Begin,
    failure: Failure,
    progress: &Run,
) -> Finished {
    if progress.attempted.is_empty() {
        // Nothing is ours, so there is nothing to take back, whatever is there now.
        let over = Record::Done { id: begin.id.clone(), outcome: Outcome::Undone };
        if let Err(error) = store.append(over, Sync::No) {
            warn!(%error, "nothing was written, but the end is not in the journal yet");
        }
        return match failure {
            Failure::Stale { .. } => Finished::Stale(failure),
            Failure::Refused(_) | Failure::Differs { .. } | Failure::HeldUp { .. } | Failure::State(_) => {
                Finished::Undone(failure)
            }
        };
    }
    let mut undone = match undo_values(kernel, store, host) {
        Ok(undone) => undone,
        Err(error) => {
            // It stays open, and the next command undoes it.
            let why = format!("not undone yet: {error}");
            let failed = progress.attempted.iter().map(|address| (address.clone(), format!("{address}: {why}")));
            return Finished::Incomplete(failure, Undone { failed: failed.collect(), ..Undone::default() });
        }
    };
    if let Err(error) = record_end(store, &undone) {
        // The next command looks again, which does no harm. Only of a trial more than the end is missing: `applied`.
        warn!(%error, "it was undone, but that is not on record yet");
        if begin.confirm_by.is_some() {
            let address = begin.entries.first().map(|entry| entry.address.clone());
            undone.failed.extend(address.map(|address| (address, error.to_string())));
        }
    }
    // What was not reached before the failure was never ours: whatever is there is no conflict.
    let unreached = |address: &Address| {
        // What is not in the intent was renamed since, and is told in any case.
        begin.entries.iter().any(|entry| entry.address == *address) && !was_reached(address, begin, progress)
    };
    undone.conflicts.retain(|conflict| !conflict.address.as_ref().is_some_and(unreached));
    if undone.is_complete() { Finished::Undone(failure) } else { Finished::Incomplete(failure, undone) }
}

/// Whether a write of ours went to this address, or to one that moves it.
fn was_reached(address: &Address, begin: &Begin, progress: &Run) -> bool {
    progress.attempted.contains(address)
        || begin.entries.iter().any(|entry| match &entry.role {
            Role::Effect { cause } => entry.address == *address && progress.attempted.contains(cause),
            Role::Set | Role::Return | Role::Guard { .. } => false,
        })
}

/// Confirms the trial that waits. `end_timer` ends the process that would have undone it; it is told apart by what is on
/// record, so its turn comes before that goes.
///
/// # Errors
/// If the end cannot be recorded: the trial then still runs.
pub fn confirm(store: &mut Store, end_timer: &mut dyn FnMut(&Unconfirmed)) -> Result<Option<Unconfirmed>, StoreError> {
    let Some(open) = store.history.open.clone() else { return Ok(None) };
    let Some(moved) = open.awaiting else { return Ok(None) };
    store.append(Record::Done { id: open.begin.id, outcome: Outcome::Committed { moved } }, Sync::Yes)?;
    fault::point("confirmed");
    let trial = store.unconfirmed.clone();
    if let Some(trial) = &trial {
        end_timer(trial);
    }
    store.put_unconfirmed(None)?;
    Ok(trial)
}

/// What is to change and what may move, each address once, with what to go back to.
fn entries(plan: &Plan, store: &Store, host: &Host) -> Vec<Entry> {
    let mut movers: BTreeMap<Address, &Address> = BTreeMap::new();
    for cause in plan.changed().chain(store.history.held.keys()) {
        for reached in rules_of(cause).reach(cause, &host.surroundings()) {
            movers.entry(reached).or_insert(cause);
        }
    }
    let original = |address: &Address, before: Value| {
        store.history.held.get(address).map_or_else(|| before, |held| held.original.clone())
    };
    let interface = |address: &Address| address.interface().and_then(|name| plan.links.get(name)).cloned();
    let mut entries: Vec<Entry> = Vec::new();
    let mut index: BTreeMap<Address, usize> = BTreeMap::new();
    for change in &plan.changes {
        let role = match change.action {
            Action::Set => Role::Set,
            Action::Return => Role::Return,
        };
        for cell in &change.cells {
            index.insert(cell.address.clone(), entries.len());
            entries.push(Entry {
                address: cell.address.clone(),
                role: role.clone(),
                before: cell.from.clone(),
                original: original(&cell.address, cell.from.clone()),
                wanted: cell.wanted(),
                unforeseen: false,
                moved_by: movers.get(&cell.address).map(|cause| (*cause).clone()),
                interface: interface(&cell.address),
            });
        }
    }
    for (cause, effect) in plan.effects() {
        let wanted: Vec<Value> = effect.to.iter().cloned().collect();
        if let Some(at) = index.get(&effect.address) {
            if let Some(entry) = entries.get_mut(*at) {
                entry.unforeseen |= effect.to.is_none();
                entry
                    .wanted
                    .extend(wanted.into_iter().filter(|value| !entry.wanted.contains(value)).collect::<Vec<_>>());
            }
            continue;
        }
        index.insert(effect.address.clone(), entries.len());
        entries.push(entry_of(effect, Role::Effect { cause: cause.clone() }, interface(&effect.address), &original));
    }
    for (cause, guard) in plan.guards() {
        if index.insert(guard.address.clone(), entries.len()).is_none() {
            entries.push(entry_of(guard, Role::Guard { cause: cause.clone() }, interface(&guard.address), &original));
        }
    }
    entries
}

fn entry_of(
    effect: &Effect,
    role: Role,
    interface: Option<InterfaceId>,
    original: &dyn Fn(&Address, Value) -> Value,
) -> Entry {
    Entry {
        address: effect.address.clone(),
        role,
        before: effect.from.clone(),
        original: original(&effect.address, effect.from.clone()),
        wanted: effect.to.iter().cloned().collect(),
        unforeseen: false,
        moved_by: None,
        interface,
    }
}

/// A time on a clock in whole milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
