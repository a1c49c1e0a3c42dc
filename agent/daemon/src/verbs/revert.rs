//! `trimtab revert`: what was there before trimtab comes back.

use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::kind;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::render::plan::Detail;
use trimtab_core::value::Value;

use super::apply;
use crate::cli;
use crate::cli::Common;
use crate::engine::Store;
use crate::engine::observe::observe;
use crate::engine::transaction;
use crate::engine::transaction::Finished;
use crate::engine::transaction::Job;
use crate::engine::transaction::Set;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Runs the verb.
///
/// # Errors
/// Everything that fails before the first write.
pub fn run(common: &Common, options: &cli::Revert) -> Result<Exit, Failure> {
    apply::refuse_if_disabled()?;
    let addresses =
        options.addresses.iter().map(|text| parse_address(text)).collect::<Result<Vec<Address>, Failure>>()?;
    let mut session = Session::open(common)?;
    let (_lock, mut store) = session.locked_store(options.wait)?;
    let now = session.now();
    // A trial that still runs ends here: its values go back first, then everything else.
    let recovered = transaction::recover(session.kernel.as_mut(), &mut store, &session.host, &now, Trials::End)?;
    apply::tell_recovery(&recovered);
    let only = (!addresses.is_empty()).then_some(addresses.as_slice());
    for address in only.into_iter().flatten() {
        if !store.history.held.contains_key(address) && !wanted(&store, address) {
            let message =
                format!("{address}: trimtab has not changed it in this boot, so there is nothing to put back");
            return Err(Failure::new(Exit::Failed, message));
        }
    }
    let goals = goal::of_revert(&store.history.held, only);
    let plan = session.host.plan(session.kernel.as_mut(), &goals);
    let set = remaining(&store, only);
    let job = Job { plan: &plan, set: &set, verb: "revert", trial: None };
    let finished = transaction::run(session.kernel.as_mut(), &mut store, &session.host, job, &now)?;
    if let Finished::Nothing | Finished::InForce { .. } = &finished {
        release(&mut session, &mut store, only.is_none())?;
    }
    let document = SavedPlan::new(plan, set.desired, session.host.id.clone(), set.roles, set.profiles, now.at);
    apply::report(common, "trimtab.revert", document, finished, Detail::Full, None)
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

/// What is back at its original is not held any more, by whichever way it came back. After a whole revert nothing is:
/// what somebody else has changed was reported, and is theirs.
fn release(session: &mut Session, store: &mut Store, whole: bool) -> Result<(), Failure> {
    let held = store.history.held.clone();
    let now = observe(session.kernel.as_mut(), held.keys().cloned(), &session.host.facts);
    let is_back = |address: &Address, original: &Value| {
        now.get(address)
            .and_then(|observed| observed.value())
            .is_none_or(|value| kind::rules_of(address).equivalent(address, original, value, &session.host.facts))
    };
    let gone: Vec<Address> = held
        .iter()
        .filter(|(address, held)| whole || is_back(address, &held.original))
        .map(|(address, _)| address.clone())
        .collect();
    Ok(store.let_go(&gone)?)
}

/// An address, in its canonical spelling; `sysctl:` may be left out.
///
/// # Errors
/// If it is none.
pub fn parse_address(text: &str) -> Result<Address, Failure> {
    let parsed = if text.contains(':') { text.parse() } else { format!("sysctl:{text}").parse() };
    let address: Address = parsed.map_err(|error| Failure::new(Exit::Usage, format!("`{text}`: {error}")))?;
    Ok(kind::rules_of(&address).canonical(&address))
}
