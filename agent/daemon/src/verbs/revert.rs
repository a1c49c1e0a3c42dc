//! `trimtab revert`: what was there before trimtab comes back.

use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::kind;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::render::plan::Detail;
use trimtab_core::value::Value;
use trimtab_kernel::WriteError;

use super::apply;
use crate::cli;
use crate::cli::Common;
use crate::engine::Store;
use crate::engine::execute;
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

/// Runs the verb.
///
/// # Errors
/// Everything that fails before the first write.
pub fn run(common: &Common, options: &cli::Revert) -> Result<Exit, Failure> {
    apply::refuse_if_disabled()?;
    let mut addresses =
        options.addresses.iter().map(|text| parse_address(text)).collect::<Result<Vec<Address>, Failure>>()?;
    let common = enter_named(common, &mut addresses)?;
    let mut session = Session::open(&common)?;
    let (_lock, mut store) = session.locked_store(options.wait)?;
    let now = session.now();
    // A trial that still runs ends here: its values go back first, then everything else.
    let recovered = super::recover(&mut session, &mut store, &now, Trials::End)?;
    apply::tell_recovery(&recovered);
    let only = (!addresses.is_empty()).then_some(addresses.as_slice());
    for address in only.into_iter().flatten() {
        if !store.history.held.contains_key(address) && !wanted(&store, address) {
            let message =
                format!("{address}: trimtab has not changed it in this boot, so there is nothing to put back");
            return Err(Failure::new(Exit::Failed, message));
        }
    }
    let set = remaining(&store, only);
    let mut refused: Vec<Refused> = Vec::new();
    let (plan, finished) = loop {
        let mut goals = goal::of_revert(&store.history.held, only);
        goals.retain(|address, _| !refused.iter().any(|refused| refused.concerns(address, &store)));
        let plan = session.host.plan(session.kernel.as_mut(), &goals);
        let job = Job { plan: &plan, set: &set, verb: "revert", trial: None };
        match transaction::run(session.kernel.as_mut(), &mut store, &session.host, job, &now)? {
            // One value that the kernel does not take back keeps no other from going back.
            Finished::Undone(failure) => match Refused::of(failure) {
                Ok(one) if goals.contains_key(&one.address) => refused.push(one),
                Ok(Refused { failure, .. }) | Err(failure) => break (plan, Finished::Undone(failure)),
            },
            other @ (Finished::Nothing
            | Finished::InForce { .. }
            | Finished::Awaiting { .. }
            | Finished::Stale(_)
            | Finished::Incomplete(..)) => break (plan, other),
        }
    };
    if let Finished::Nothing | Finished::InForce { .. } = &finished {
        let kept: Vec<Address> = refused.iter().map(|refused| refused.address.clone()).collect();
        release(&mut session, &mut store, only.is_none(), &kept)?;
    }
    let document =
        SavedPlan::new(plan, set.desired, session.host.id.clone(), set.roles, set.profiles, String::new(), now.at);
    apply::report(&common, "trimtab.revert", document, without(finished, refused), Detail::Full, None)
}

/// A value that the kernel did not take back.
struct Refused {
    address: Address,
    failure: execute::Failure,
}

impl Refused {
    /// The value that a failure is about, if it is about one.
    fn of(failure: execute::Failure) -> Result<Refused, execute::Failure> {
        let address = match &failure {
            execute::Failure::Refused(WriteError::Refused { address, .. } | WriteError::Short { address, .. })
            | execute::Failure::Differs { address, .. } => address.clone(),
            execute::Failure::Stale { .. } | execute::Failure::State(_) => return Err(failure),
        };
        Ok(Refused { address, failure })
    }

    /// Whether it is about this address, or about one that moved it.
    fn concerns(&self, address: &Address, store: &Store) -> bool {
        let cause = store.history.held.get(address).and_then(|held| held.cause.as_ref());
        self.address == *address || cause == Some(&self.address)
    }
}

/// The end of a revert from which some values had to be left out.
fn without(finished: Finished, refused: Vec<Refused>) -> Finished {
    let failed = refused.iter().map(|refused| (refused.address.clone(), refused.failure.to_string())).collect();
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

/// What is back at its original is not held any more, by whichever way it came back. After a whole revert nothing is:
/// what somebody else has changed was reported, and is theirs.
fn release(session: &mut Session, store: &mut Store, whole: bool, kept: &[Address]) -> Result<(), Failure> {
    let held = store.history.held.clone();
    let now = observe(session.kernel.as_mut(), held.keys().cloned(), &session.host.facts);
    let is_back = |address: &Address, original: &Value| {
        now.get(address)
            .and_then(|observed| observed.value())
            .is_none_or(|value| kind::rules_of(address).equivalent(address, original, value, &session.host.facts))
    };
    let gone: Vec<Address> = held
        .iter()
        .filter(|(address, entry)| {
            // A guarded value is at its original all the time, and is guarded as long as its cause is held.
            let is_guarded = |cause| held.contains_key(cause) && (!whole || kept.contains(cause));
            let guarded = entry.ours == entry.original && entry.cause.as_ref().is_some_and(is_guarded);
            !guarded && ((whole && !kept.contains(address)) || is_back(address, &entry.original))
        })
        .map(|(address, _)| address.clone())
        .collect();
    Ok(store.let_go(&gone)?)
}

/// The options for the namespace that addresses name (`sysctl@blue:…`), which is as good as `--netns`; the addresses are
/// then as that namespace sees them.
///
/// # Errors
/// If they do not all name the same.
pub fn enter_named(common: &Common, addresses: &mut [Address]) -> Result<Common, Failure> {
    let mut common = common.clone();
    for address in addresses {
        let Some(name) = address.netns.take() else { continue };
        match &common.netns {
            Some(other) if *other != name => {
                let message = format!("one command acts on one network namespace, not on `{other}` and `{name}`");
                return Err(Failure::new(Exit::Usage, message));
            }
            Some(_) | None => common.netns = Some(name),
        }
    }
    Ok(common)
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
