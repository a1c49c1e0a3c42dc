//! One look: everything that is in force is read and compared, and what drifted is put back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::desired::Want;
use trimtab_core::drift;
use trimtab_core::drift::Action;
use trimtab_core::drift::Attempt;
use trimtab_core::drift::Event;
use trimtab_core::drift::Seen;
use trimtab_core::drift::Told;
use trimtab_core::drift::What;
use trimtab_core::kind::rules_of;
use trimtab_core::observed::Observed;
use trimtab_core::plan::Class;
use trimtab_core::plan::Goal;
use trimtab_core::plan::compare::Comparison;
use trimtab_core::policy::OnDrift;
use trimtab_core::profile::HostConfig;
use trimtab_core::profile::Mode;
use trimtab_kernel::switch;
use trimtab_kernel::timer;

use crate::cli::Wait;
use crate::engine::Store;
use crate::engine::lease;
use crate::engine::observe::observe;
use crate::engine::transaction;
use crate::engine::transaction::Finished;
use crate::engine::transaction::Job;
use crate::engine::transaction::Now;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Set;
use crate::engine::transaction::Trials;
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::verbs::recovery;

use super::hearing::Hearing;
use super::sources::Sources;
use super::writes::Write;

/// What a look needs.
pub struct Look<'a> {
    /// The namespace.
    pub session: &'a mut Session,
    /// What the host file says.
    pub config: &'a HostConfig,
    /// What is wanted on a host that only observes.
    pub observed: Option<&'a Desired>,
    /// The interfaces that the roles were applied to.
    pub planned_for: &'a BTreeSet<String>,
    /// What this daemon put in force last.
    pub mine: Option<&'a Desired>,
    /// Whether that is in force; filled with each look.
    pub is_mine: &'a mut bool,
    /// What has drifted and is not put back; filled with each look.
    pub left: &'a mut BTreeMap<Address, Want>,
    /// What others were heard to write.
    pub hearing: &'a mut Hearing,
    /// When this look began.
    pub began: Instant,
    /// What changes are heard by.
    pub sources: &'a mut Sources,
    /// What is known of earlier drifts.
    pub drift: &'a mut drift::State,
    /// Where it is told.
    pub events: &'a mut Events,
    /// How many settings were compared; filled with each look.
    pub compared: &'a mut usize,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Everything that is in force was compared.
    Everything,
    /// It was, and other interfaces are there than when the roles were applied: what they mean must be worked out anew.
    Interfaces,
    /// Another trimtab is at work, or a trial awaits its confirmation.
    Busy,
}

impl Look<'_> {
    /// Looks once.
    ///
    /// # Errors
    /// If the state on disk cannot be relied upon.
    pub fn look(&mut self, now: Duration) -> Result<Looked, Failure> {
        let interfaces = self.session.kernel.interfaces().map_err(|error| super::cannot("list interfaces", &error))?;
        if interfaces != self.session.host.interfaces {
            self.session.relearn()?;
        }
        let others = interfaces != *self.planned_for;
        let at_once = Wait { wait: Duration::ZERO };
        let (_locked, mut store) = match self.session.locked_store(at_once) {
            Err(failure) if failure.exit == Exit::Locked => return Ok(Looked::Busy),
            answer => answer?,
        };
        let moment = self.session.now();
        self.end_leases(now);
        match recovery::recover(self.session, &mut store, &moment, Trials::Respect)? {
            Recovered::Awaiting { .. } => return Ok(Looked::Busy),
            recovered @ (Recovered::Nothing | Recovered::Ended | Recovered::Undone(_)) => recovery::tell(&recovered),
        }
        let desired = match self.config.mode {
            Mode::Enforce => store.in_force().map(|applied| applied.desired.clone()),
            Mode::Observe => self.observed.cloned(),
        };
        let desired = desired.unwrap_or_default();
        self.session.kernel.hold(&mut desired.settings.keys());
        let comparison = self.session.host.compare(self.session.kernel.as_mut(), &desired);
        *self.compared = desired.settings.len();
        self.take_interest(&desired);
        // Not before: nothing was read that is not told of by now.
        self.hearing.catch_up(self.session.host.id.netns.cookie, self.drift, self.sources);
        let settled = self.hearing.settled(self.began);
        let holds = comparison.as_wanted.iter().cloned().collect();
        let attempts = if settled { self.attempts(&holds) } else { Vec::new() };
        let seen = self.seen(&desired, comparison);
        let drifted: BTreeSet<Address> = seen.keys().cloned().collect();
        self.account_for(&drifted, settled);
        let looked = Event::Looked { seen, holds, attempts };
        let actions = drift::step(self.drift, looked, self.config.breaker.as_ref(), now);
        let back = self.tell(actions);
        let left = drifted.difference(&back);
        *self.left =
            left.filter_map(|address| Some((address.clone(), desired.settings.get(address)?.want.clone()))).collect();
        if !back.is_empty() {
            for event in self.put_all_back(&mut store, &back, &moment) {
                let now = timer::now_boottime();
                let actions = drift::step(self.drift, event, self.config.breaker.as_ref(), now);
                self.tell(actions);
            }
        }
        // Whoever has put nothing in force yet may.
        *self.is_mine = self.mine.is_none() || store.in_force().map(|applied| &applied.desired) == self.mine;
        // Not before: what drifted at the same time is told and put back as a drift.
        Ok(if others { Looked::Interfaces } else { Looked::Everything })
    }

    /// Ends the leases that are over, and tells it. What the disk does not take is ended all the same, and told with each look.
    fn end_leases(&mut self, now: Duration) {
        let over = self.session.leases.end_over(now);
        if over.is_empty() {
            return;
        }
        if let Err(error) = lease::put(&self.session.state_dir(), &self.session.leases) {
            tracing::warn!(%error, "leases that have ended are still on disk");
        }
        let observed = observe(self.session.kernel.as_mut(), over.keys().cloned(), &self.session.host.facts);
        for (address, lease) in over {
            let found = match observed.get(&address) {
                Some(Observed::Value { value, .. }) => value.clone(),
                Some(
                    Observed::Absent
                    | Observed::Unsupported
                    | Observed::Denied
                    | Observed::WriteOnly
                    | Observed::Withheld
                    | Observed::Failed { .. },
                )
                | None => lease.found,
            };
            self.events.tell(Told::new(&address, What::LeaseEnded, found));
        }
    }

    /// What drifted, with what is wanted to be done about it here and now.
    fn seen(&self, desired: &Desired, comparison: Comparison) -> BTreeMap<Address, Seen> {
        let may_write = self.config.mode == Mode::Enforce && switch::disabled().is_none();
        let mut seen = BTreeMap::new();
        for mismatch in comparison.mismatches {
            let Some(setting) = desired.settings.get(&mismatch.address) else { continue };
            let is_on_lease = self.session.leases.leases.contains_key(&mismatch.address);
            let on_drift = match setting.on_drift {
                // Whoever tunes it knows.
                OnDrift::Revert | OnDrift::RevertUnlessDisruptive | OnDrift::Report if is_on_lease => OnDrift::Ignore,
                OnDrift::Ignore => OnDrift::Ignore,
                OnDrift::Revert | OnDrift::RevertUnlessDisruptive | OnDrift::Report if !may_write => OnDrift::Report,
                on_drift @ (OnDrift::Revert | OnDrift::RevertUnlessDisruptive | OnDrift::Report) => on_drift,
            };
            let address = mismatch.address.clone();
            let rules = rules_of(&address);
            let disrupts = rules.disrupts(&address, &mismatch.found, &mismatch.wanted, &self.session.host.facts);
            let write = self.write_of(&address);
            let (writer, written_at) = (write.map(|write| write.writer.clone()), write.and_then(|write| write.at));
            seen.insert(address, Seen { mismatch, on_drift, disrupts, writer, written_at });
        }
        seen
    }

    /// What was heard to be written there or, if nothing was, to something that moves it.
    fn write_of(&self, address: &Address) -> Option<&Write> {
        let causes = || rules_of(address).closure(address, &self.session.host.surroundings());
        let heard = |address: &Address| self.hearing.heard.get(address).filter(|write| !write.has_told);
        heard(address).or_else(|| causes().iter().find_map(heard))
    }

    /// What came of all writes is known once they are done. Until then what has drifted by one may do so once more: the next one
    /// may have been told of, and come behind the put-back.
    fn account_for(&mut self, drifted: &BTreeSet<Address>, settled: bool) {
        if settled {
            self.hearing.heard.clear();
        }
        for address in drifted {
            if let Some(write) = self.hearing.heard.get_mut(address) {
                write.has_told = true;
            }
        }
    }

    /// Which sysctls it matters who writes to.
    fn take_interest(&mut self, desired: &Desired) {
        let mut of_interest = BTreeSet::new();
        for address in desired.settings.keys() {
            of_interest.insert(address.clone());
            of_interest.extend(rules_of(address).closure(address, &self.session.host.surroundings()));
        }
        self.hearing.of_interest = Some(of_interest);
    }

    /// What was written to what holds all the same.
    fn attempts(&mut self, holds: &BTreeSet<Address>) -> Vec<Attempt> {
        let addresses: Vec<Address> =
            self.hearing.heard.keys().filter(|address| holds.contains(*address)).cloned().collect();
        let facts = &self.session.host.facts;
        let found = observe(self.session.kernel.as_mut(), addresses, facts);
        let attempt = |(address, found): (Address, Observed)| {
            let write = self.hearing.heard.get(&address).filter(|write| !write.has_told)?;
            Attempt::of(&address, &write.texts, found.value()?, &write.writer, facts)
        };
        found.into_iter().filter_map(attempt).collect()
    }

    /// Tells what is to be told; what is to be put back is left.
    fn tell(&mut self, actions: Vec<Action>) -> BTreeSet<Address> {
        let mut back = BTreeSet::new();
        for action in actions {
            match action {
                Action::PutBack(addresses) => back.extend(addresses),
                Action::Tell(told) => self.events.tell(*told),
            }
        }
        back
    }

    /// Puts back what drifted, in one transaction; if that fails, one by one, so that none keeps another from it.
    fn put_all_back(&mut self, store: &mut Store, addresses: &BTreeSet<Address>, now: &Now) -> Vec<Event> {
        match self.put_back(store, addresses, &BTreeSet::new(), now) {
            Event::NotPutBack(_) if addresses.len() > 1 => {
                let alone = |address: &Address| {
                    let one = BTreeSet::from([address.clone()]);
                    let others = addresses.difference(&one).cloned().collect();
                    self.put_back(store, &one, &others, now)
                };
                addresses.iter().map(alone).collect()
            }
            event @ (Event::NotPutBack(_) | Event::PutBack(_) | Event::Looked { .. }) => vec![event],
        }
    }

    /// Puts back what drifted, in one transaction, but for `others`. What that moves of what is in force is put back with it,
    /// and nothing else: what drifts meanwhile is looked at first.
    fn put_back(
        &mut self,
        store: &mut Store,
        addresses: &BTreeSet<Address>,
        others: &BTreeSet<Address>,
        now: &Now,
    ) -> Event {
        let Some(applied) = store.in_force().cloned() else { return Event::NotPutBack(addresses.clone()) };
        let leases = self.session.leases.leases.clone();
        let is_left = |address: &Address| {
            self.left.contains_key(address) || others.contains(address) || leases.contains_key(address)
        };
        let goals_of = |wanted: &BTreeSet<Address>| -> BTreeMap<Address, Goal<'_>> {
            let settings = applied.desired.settings.iter();
            let wanted = settings.filter(|(address, _)| wanted.contains(address) && !is_left(address));
            wanted.map(|(address, setting)| (address.clone(), Goal::Hold(setting))).collect()
        };
        // What is put back may move others, and these others again.
        let mut goals = goals_of(addresses);
        let planned = loop {
            let plan = match self.session.plan(&goals) {
                Ok(plan) => plan,
                Err(failure) => break Err(failure),
            };
            let moved = plan.changes.iter().flat_map(|change| &change.effects).map(|effect| effect.address.clone());
            let more = goals_of(&goals.keys().cloned().chain(moved).collect());
            if more.len() == goals.len() {
                break Ok(plan);
            }
            goals = more;
        };
        let plan = match planned {
            Ok(plan) => plan,
            Err(failure) => {
                tracing::warn!(error = failure.message, "not put back");
                return Event::NotPutBack(addresses.clone());
            }
        };
        let set = Set { desired: applied.desired.clone(), roles: applied.roles, profiles: applied.profiles };
        let job = Job { plan: &plan, set: &set, verb: "drift", trial: None };
        let finished = transaction::run(self.session.kernel.as_mut(), store, &self.session.host, job, now);
        let held_up = plan.findings.iter().filter(|finding| finding.class != Class::Note);
        let held_up: BTreeSet<&Address> = held_up.filter_map(|finding| finding.address.as_ref()).collect();
        let left = addresses.iter().any(|address| held_up.contains(address));
        match finished {
            Ok(Finished::Nothing | Finished::InForce { .. } | Finished::Awaiting { .. }) if !left => {
                Event::PutBack(addresses.clone())
            }
            Ok(finished) => {
                tracing::warn!(failure = finished.failure().map(ToString::to_string), "not put back");
                Event::NotPutBack(addresses.clone())
            }
            Err(error) => {
                tracing::warn!(%error, "not put back");
                Event::NotPutBack(addresses.clone())
            }
        }
    }
}
