//! `trimtab revert`: what was there before trimtab comes back.

use std::collections::BTreeSet;

use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::journal::Followed;
use trimtab_core::journal::Held;
use trimtab_core::kind;
use trimtab_core::observed::Observed;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::render::plan::Detail;
use trimtab_core::value::Value;

use super::address::enter_named;
use super::address::parse_address;
use super::recovery;
use super::report;
use super::trial;
use crate::cli;
use crate::cli::Common;
use crate::control::client;
use crate::control::protocol::Ask;
use crate::control::protocol::Manner;
use crate::engine::Store;
use crate::engine::observe::Planned;
use crate::engine::observe::observe;
use crate::engine::transaction;
use crate::engine::transaction::Finished;
use crate::engine::transaction::Job;
use crate::engine::transaction::Set;
use crate::engine::transaction::Trials;
use crate::engine::undo::Undone;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

mod named;

use named::Named;
use named::Refused;

/// So often is a plan made anew because an interface was renamed meanwhile.
const RENAMES: usize = 3;

/// Runs the verb.
///
/// # Errors
/// Everything that fails before the first write.
pub fn run(common: &Common, options: &cli::Revert) -> Result<Exit, Failure> {
    recovery::refuse_if_disabled()?;
    let mut addresses =
        options.addresses.iter().map(|text| parse_address(text)).collect::<Result<Vec<Address>, Failure>>()?;
    let common = enter_named(common, &mut addresses)?;
    let mut session = Session::open(&common)?;
    let order = Order { addresses, trial: options.trial, wait: options.wait };
    let netns = session.host.id.netns.clone();
    if let Some(exit) = client::forward(&common, &netns, || order.clone().ask(&common))? {
        return Ok(exit);
    }
    perform(&common, &mut session, &order)
}

/// What is to be taken back.
#[derive(Debug, Clone)]
pub struct Order {
    /// Only these; everything if there is none.
    pub addresses: Vec<Address>,
    /// Only end the trial.
    pub trial: bool,
    /// How long to wait for another trimtab.
    pub wait: cli::Wait,
}

impl Order {
    /// The same, for the daemon.
    fn ask(self, common: &Common) -> Ask {
        let Order { addresses, trial, wait } = self;
        Ask::Revert { manner: Manner::of(common, wait), addresses, trial }
    }
}

/// Takes back, and tells what came of it.
///
/// # Errors
/// As [`run`].
pub fn perform(common: &Common, session: &mut Session, order: &Order) -> Result<Exit, Failure> {
    recovery::refuse_if_disabled()?;
    if order.trial {
        let (_lock, mut store) = session.locked_store(order.wait)?;
        // It may have been switched off while it waited for the lock.
        recovery::refuse_if_disabled()?;
        let now = session.now();
        return trial::end(common, session, &mut store, &now);
    }
    let (document, finished) = take_back(session, &order.addresses, order.wait)?;
    report::report(common, "trimtab.revert", document, finished, Detail::Full, None)
}

/// Takes back everything that is held, or these addresses and what they moved: what was planned, and how it ended.
///
/// # Errors
/// As [`run`].
pub fn take_back(
    session: &mut Session,
    addresses: &[Address],
    wait: cli::Wait,
) -> Result<(SavedPlan, Finished), Failure> {
    let (_lock, mut store) = session.locked_store(wait)?;
    recovery::refuse_if_disabled()?;
    let now = session.now();
    let only = (!addresses.is_empty()).then_some(addresses);
    if only.is_some() && store.history.open.as_ref().is_some_and(|open| open.awaiting.is_some()) {
        let message =
            "refused: a trial awaits its confirmation; `trimtab confirm` keeps it, `trimtab revert --trial` ends it";
        return Err(Failure::new(Exit::Awaiting, message));
    }
    // A trial that still runs ends here: its values go back first, then everything else.
    let recovered = recovery::recover(session, &mut store, &now, Trials::End)?;
    recovery::tell(&recovered);
    if store.journal_is_lost() {
        let message = "the journal of this boot is gone, so trimtab cannot tell what to put back; nothing was written";
        return Err(Failure::new(Exit::Incomplete, message));
    }
    let mut refused: Vec<Refused> = Vec::new();
    let mut named: Vec<Named> = Vec::new();
    for address in only.into_iter().flatten() {
        if let Some(away) = away(&store, address, &session.host.interfaces) {
            refused.push(away);
        } else if store.history.held.contains_key(address) || wanted(&store, address) {
            named.push(Named::of(address, &store));
        } else {
            let message =
                format!("{address}: trimtab has not changed it in this boot, so there is nothing to put back");
            return Err(Failure::new(Exit::Failed, message));
        }
    }
    let mut renames = RENAMES;
    let (mut changes, mut total) = (Vec::new(), 0);
    let (plan, set, finished) = loop {
        let now_only: Option<Vec<Address>> = only.map(|_| named.iter().map(|named| named.address.clone()).collect());
        let set = remaining(&store, now_only.as_deref());
        let mut goals = goal::of_revert(&store.history.held, now_only.as_deref());
        goals.retain(|address, _| !refused.iter().any(|refused| refused.concerns(address, &store)));
        let Planned { plan, gone } = session.look_and_plan(&goals)?;
        if !gone.is_empty() && renames > 0 {
            renames -= 1;
            session.follow_and_learn(&mut store)?;
        } else {
            let job = Job { plan: &plan, set: &set, verb: "revert", trial: None };
            match transaction::run(session.kernel.as_mut(), &mut store, &session.host, job, &now)? {
                // One value that the kernel does not take back keeps no other from going back.
                Finished::Undone(failure) => match Refused::of(failure, &plan.links) {
                    Ok(mut one) if goals.contains_key(&one.named.address) => {
                        session.follow_on(&mut store)?;
                        // What was renamed before it was read back has refused nothing.
                        let was_renamed = session.links().is_some_and(|links| {
                            let then = one.named.address.clone();
                            one.named.follow(links).is_err() || one.named.address != then
                        });
                        if was_renamed && renames > 0 {
                            renames -= 1;
                        } else {
                            refused.push(one);
                        }
                    }
                    Ok(Refused { failure, .. }) | Err(failure) => break (plan, set, Finished::Undone(failure)),
                },
                Finished::Stale(failure) => {
                    if renames == 0 || session.follow_on(&mut store)? == Followed::Nothing {
                        break (plan, set, Finished::Stale(failure));
                    }
                    renames -= 1;
                }
                done @ (Finished::Nothing | Finished::InForce { .. }) => {
                    if let Finished::InForce { writes } = done {
                        total += writes;
                        changes.extend(plan.changes.iter().cloned());
                    }
                    // What was read, and left alone for what it was, may have been another's by then.
                    if session.follow_on(&mut store)? == Followed::Nothing {
                        refused.extend(held_up(&plan, &store));
                        release(session, &mut store, &plan, &refused)?;
                        break (plan, set, done);
                    }
                    if renames == 0 {
                        refused.extend(held_up(&plan, &store));
                        break (plan, set, done);
                    }
                    renames -= 1;
                }
                other @ (Finished::Awaiting { .. } | Finished::Incomplete(..)) => break (plan, set, other),
            }
        }
        // What was meant by a name is still meant, whatever is called so by now.
        if let Some(links) = session.links() {
            refused.iter_mut().for_each(|refused| drop(refused.named.follow(links)));
            let lost = named.iter_mut().find_map(|named| named.follow(links).err());
            if let Some(lost) = lost {
                break (plan, set, Finished::Stale(lost));
            }
        }
    };
    let mut plan = plan;
    let finished = match finished {
        Finished::Nothing | Finished::InForce { .. } if total > 0 => {
            plan.changes = changes;
            Finished::InForce { writes: total }
        }
        other @ (Finished::Nothing
        | Finished::InForce { .. }
        | Finished::Awaiting { .. }
        | Finished::Stale(_)
        | Finished::Undone(_)
        | Finished::Incomplete(..)) => other,
    };
    if only.is_none() {
        plan.findings.extend(store.history.away.iter().map(|(address, held)| awaited(address, &held.original)));
    }
    plan.findings.extend(recovery::findings(recovered));
    let document =
        SavedPlan::new(plan, set.desired, session.host.id.clone(), set.roles, set.profiles, String::new(), now.at);
    Ok((document, without(finished, refused)))
}

/// A value of an interface that is not here.
fn awaited(address: &Address, original: &Value) -> Finding {
    let name = address.interface().unwrap_or_default();
    let message = format!("what was called {name} is not here; {original} is put back by a revert once it is");
    Finding::about(Class::Pending, "away", address, message)
}

/// What is held of this address on interfaces that are not here, unless another one that has the name is held as well.
fn away(store: &Store, address: &Address, interfaces: &BTreeSet<String>) -> Option<Refused> {
    let originals: Vec<String> = store.history.away_of(address).map(|held| held.original.to_string()).collect();
    let name = address.interface()?;
    if originals.is_empty() || store.history.held.contains_key(address) {
        return None;
    }
    let other = if interfaces.contains(name) {
        format!(", and what is called {name} now is another, of which trimtab holds nothing")
    } else {
        String::new()
    };
    let original = originals.join(" or ");
    let why = format!("its interface is not here{other}; {original} is put back by a revert once it is");
    Some(Refused::held_up(address, why))
}

/// What is held and cannot be written now: it stays held, for a later revert.
fn held_up(plan: &Plan, store: &Store) -> Vec<Refused> {
    let stuck = plan.findings.iter().filter(|finding| match finding.class {
        Class::Pending | Class::Blocked => true,
        Class::Conflict | Class::Note => false,
    });
    stuck
        .filter_map(|finding| {
            let address = finding.address.clone().filter(|address| store.history.held.contains_key(address))?;
            let why = format!("cannot be put back now: {}", finding.message);
            Some(Refused::held_up(&address, why))
        })
        .collect()
}

/// The end of a revert from which some values had to be left out.
fn without(finished: Finished, refused: Vec<Refused>) -> Finished {
    let failed = refused.iter().map(|refused| (refused.named.address.clone(), refused.failure.to_string())).collect();
    match (finished, refused.into_iter().next()) {
        (Finished::Nothing | Finished::InForce { .. }, Some(first)) => {
            Finished::Incomplete(first.failure, Undone { failed, ..Undone::default() })
        }
        (finished, _) => finished,
    }
}

/// What stays in force: nothing, or all but the addresses that are reverted.
fn remaining(store: &Store, only: Option<&[Address]>) -> Set {
    let Some((only, applied)) = only.zip(store.in_force()) else {
        return Set { desired: Desired::default(), roles: Vec::new(), profiles: Vec::new() };
    };
    let mut desired = applied.desired.clone();
    desired.settings.retain(|address, _| !only.contains(address));
    Set { desired, roles: applied.roles.clone(), profiles: applied.profiles.clone() }
}

fn wanted(store: &Store, address: &Address) -> bool {
    store.in_force().is_some_and(|applied| applied.desired.settings.contains_key(address))
}

/// What is back at its original is not held any more, by whichever way it came back; neither is what went with what it
/// belonged to, nor what somebody else has changed: that was reported, and is theirs. What is kept is, and what belongs to an
/// interface that has another name.
fn release(session: &mut Session, store: &mut Store, plan: &Plan, refused: &[Refused]) -> Result<(), Failure> {
    let theirs = plan.not_ours();
    let kept: BTreeSet<&Address> = refused.iter().map(|refused| &refused.named.address).collect();
    let held = store.history.held.clone();
    let now = observe(session.kernel.as_mut(), held.keys().cloned(), &session.host.facts);
    let has_link = held.values().any(|entry| entry.interface.is_some());
    // Who cannot be told apart now is let go of by a later revert.
    let links = if has_link { session.kernel.links().unwrap_or_default() } else { None };
    let links = links.unwrap_or_default();
    // Renamed a moment ago it is absent under its old name, and not gone.
    let is_called_so = |address: &Address, entry: &Held| {
        let meant = address.interface().zip(entry.interface.as_ref());
        meant.is_none_or(|(name, meant)| links.get(name).is_some_and(|there| meant.is_no_other_than(there)))
    };
    let is_back = |address: &Address, entry: &Held| match now.get(address) {
        _ if !is_called_so(address, entry) => false,
        Some(Observed::Value { value, .. }) => {
            kind::rules_of(address).equivalent(address, &entry.original, value, &session.host.facts)
        }
        Some(Observed::Absent | Observed::Unsupported) | None => true,
        Some(Observed::Denied | Observed::WriteOnly | Observed::Withheld | Observed::Failed { .. }) => false,
    };
    let is_guard = |entry: &Held| entry.ours == entry.original && entry.cause.is_some();
    let gone: BTreeSet<&Address> = held
        .iter()
        .filter(|(address, entry)| {
            !is_guard(entry) && !kept.contains(address) && (theirs.contains(address) || is_back(address, entry))
        })
        .map(|(address, _)| address)
        .collect();
    // A guarded value is at its original all the time, and is guarded as long as its cause is held.
    let is_held = |cause: &Address| held.contains_key(cause) && !gone.contains(cause);
    let unguarded = held
        .iter()
        .filter(|(address, entry)| is_guard(entry) && !kept.contains(address))
        .filter(|(_, entry)| !entry.cause.as_ref().is_some_and(is_held))
        .map(|(address, _)| address);
    let gone: Vec<Address> = gone.iter().copied().chain(unguarded).cloned().collect();
    Ok(store.let_go(&gone)?)
}
