//! Drift: what to do about values that are no longer as they were put in force.
//!
//! [`step`] is a state machine: what was seen and what came of putting values back go in, what to put back and what to
//! tell come out. Time is an argument, from a clock that also counts while the host sleeps. Whether a value drifted at all
//! is decided by [`crate::plan::compare`]; who was heard to write is only told.
//!
//! Two who fight over one value end it here: once an address was put back as often as the breaker allows, it is
//! *contended*, which is told, and left to the other for a time that grows with each retry.

mod attempt;
mod breaker;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::journal::Caller;
use crate::plan::compare::Mismatch;
use crate::policy::OnDrift;
use crate::profile::Breaker;
use crate::value::Value;

pub use attempt::Attempt;
pub use writer::Writer;

use breaker::Attempts;

/// What is known of every address that has drifted of late.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    courses: BTreeMap<Address, Course>,
}

/// The course of one address since it drifted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Course {
    /// What was told of it last, and of which value.
    told: Option<(What, Value)>,
    /// When the write was heard of that it drifted by.
    written_at: Option<Duration>,
    /// When it was told last that somebody wrote in vain.
    in_vain: Option<Duration>,
    attempts: Attempts,
}

/// How often, at most, it is told of an address that somebody wrote in vain.
const IN_VAIN: Duration = Duration::from_secs(60);

/// A value that was seen not to be as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What differs.
    pub mismatch: Mismatch,
    /// What the setting wants done.
    pub on_drift: OnDrift,
    /// What putting it back would do to traffic, if it does anything.
    pub disrupts: Option<String>,
    /// Who wrote, where that was heard of.
    pub writer: Option<Writer>,
    /// When that was, on the clock of [`step`].
    pub written_at: Option<Duration>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Everything that is in force was compared.
    Looked {
        /// What does not hold. What may not be written now, as in observe mode, is among it with a policy that leaves it alone.
        seen: BTreeMap<Address, Seen>,
        /// What holds. Of what is in neither nothing is known: it has left the set, or its interface has gone.
        holds: BTreeSet<Address>,
        /// Writes that came to nothing.
        attempts: Vec<Attempt>,
    },
    /// These were put back, and read back.
    PutBack(BTreeSet<Address>),
    /// These could not be put back.
    NotPutBack(BTreeSet<Address>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put these back, in one transaction.
    PutBack(BTreeSet<Address>),
    /// Tell this.
    Tell(Box<Told>),
}

/// Something to be told of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Where.
    pub address: Address,
    /// What.
    pub what: What,
    /// What is there; what was there last, if it holds again.
    pub found: Value,
    /// What is wanted; none if it holds again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Value>,
    /// What putting it back would do to traffic, where that is why it is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disrupts: Option<String>,
    /// Seconds until it is tried again, where it is contended; until the lease ends, where one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in: Option<u64>,
    /// What a lease is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who took a lease or ended it; none if it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Box<Caller>>,
    /// What was written in vain, as it was written; never of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<String>,
    /// Microseconds from the write until it was put back, where the write was heard of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_us: Option<u64>,
    /// Who wrote, where that was heard of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Writer>,
}

impl Told {
    /// The bare fact.
    pub fn new(address: &Address, what: What, found: Value) -> Told {
        let address = address.clone();
        Told {
            address,
            what,
            found,
            wanted: None,
            disrupts: None,
            retry_in: None,
            reason: None,
            caller: None,
            wrote: None,
            after_us: None,
            writer: None,
        }
    }
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It drifted and is being put back.
    Drifted,
    /// It drifted and is left: the setting says `report`, or putting it back would disturb traffic and nobody asked for that.
    Reported,
    /// It was put back.
    PutBack,
    /// It could not be put back.
    NotPutBack,
    /// It was put back too often and is left to whoever moves it, for a while.
    Contended,
    /// It holds again.
    HoldsAgain,
    /// Somebody took a lease: until it ends nothing of it is put back or told.
    LeaseBegan,
    /// A lease has ended.
    LeaseEnded,
    /// Somebody wrote another value, and the kernel did not take it or nothing came of it. It held all the time.
    Attempted,
    /// Somebody wrote another value and, before anything was put back, the wanted one.
    Transient,
}

/// An address that has drifted and is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Open {
    /// Where.
    pub address: Address,
    /// What was told of it last.
    pub what: What,
    /// What was found then.
    pub found: Value,
}

/// An address that is left to another who keeps changing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contended {
    /// Where.
    pub address: Address,
    /// Seconds until it is tried again.
    pub retry_in: u64,
}

/// Takes one event into account. `breaker` is none where it is off.
pub fn step(state: &mut State, event: Event, breaker: Option<&Breaker>, now: Duration) -> Vec<Action> {
    match event {
        Event::Looked { seen, holds, attempts } => {
            let mut actions = looked(state, seen, &holds, breaker, now);
            actions.extend(attempts.into_iter().filter_map(|attempt| in_vain(state, attempt, now)));
            actions
        }
        Event::PutBack(addresses) => told_of(state, addresses, What::PutBack, now),
        Event::NotPutBack(addresses) => told_of(state, addresses, What::NotPutBack, now),
    }
}

impl State {
    /// The addresses that are left to another for now, and for how long still.
    pub fn contended(&self, now: Duration) -> impl Iterator<Item = (&Address, Duration)> {
        let courses = self.courses.iter().filter(|(_, course)| course.is_contended());
        courses.filter_map(move |(address, course)| Some((address, course.attempts.pause_left(now)?)))
    }

    /// What has drifted and is left, or could not be put back.
    pub fn open(&self) -> impl Iterator<Item = Open> {
        self.courses.iter().filter_map(|(address, course)| {
            let (what, found) = course.told.as_ref()?;
            let is_open = match what {
                What::Drifted | What::Reported | What::NotPutBack | What::Contended => true,
                What::PutBack
                | What::HoldsAgain
                | What::LeaseBegan
                | What::LeaseEnded
                | What::Attempted
                | What::Transient => false,
            };
            is_open.then(|| Open { address: address.clone(), what: *what, found: found.clone() })
        })
    }

    /// When a look is due before the next regular one: the end of the first pause.
    pub fn next_retry(&self) -> Option<Duration> {
        let contended = self.courses.values().filter(|course| course.is_contended());
        contended.filter_map(|course| course.attempts.paused_until()).min()
    }
}

impl Course {
    fn is_contended(&self) -> bool {
        self.told.as_ref().is_some_and(|(what, _)| *what == What::Contended)
    }
}

fn looked(
    state: &mut State,
    seen: BTreeMap<Address, Seen>,
    holds: &BTreeSet<Address>,
    breaker: Option<&Breaker>,
    now: Duration,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for (address, course) in &mut state.courses {
        if seen.contains_key(address) {
            continue;
        }
        if let Some((what, found)) = course.told.take()
            && what != What::PutBack
            && holds.contains(address)
        {
            actions.push(tell(Told::new(address, What::HoldsAgain, found)));
        }
    }
    let mut back = BTreeSet::new();
    for (address, Seen { mismatch, on_drift, disrupts, writer, written_at }) in seen {
        let what = match on_drift {
            OnDrift::Ignore => {
                // What was told of it before, such as a fight, is over.
                if let Some(course) = state.courses.get_mut(&address) {
                    course.told = None;
                }
                continue;
            }
            OnDrift::Report => What::Reported,
            OnDrift::RevertUnlessDisruptive if disrupts.is_some() => What::Reported,
            OnDrift::Revert | OnDrift::RevertUnlessDisruptive => What::Drifted,
        };
        let course = state.courses.entry(address.clone()).or_default();
        let what = if what != What::Drifted {
            what
        } else if course.attempts.may(breaker, now) {
            back.insert(address.clone());
            // Each is news: it was as wanted in between, or the last attempt failed and said so.
            course.told = None;
            What::Drifted
        } else {
            What::Contended
        };
        let news = (what, mismatch.found.clone());
        // A fight is told of once for each pause, whatever value the other is at.
        let known = course.told.as_ref().is_some_and(|old| *old == news || (old.0 == what && what == What::Contended));
        if known {
            continue;
        }
        course.told = Some(news);
        course.written_at = written_at;
        let retry_in = (what == What::Contended).then(|| course.attempts.pause_left(now)).flatten();
        actions.push(tell(Told {
            wanted: Some(mismatch.wanted),
            disrupts: disrupts.filter(|_| what == What::Reported && on_drift != OnDrift::Report),
            retry_in: retry_in.map(|left| left.as_secs()),
            writer,
            ..Told::new(&address, what, mismatch.found)
        }));
    }
    state.courses.retain(|_, course| {
        // What is over is forgotten in any case.
        let are_of_late = course.attempts.are_of_late(breaker, now);
        let was_in_vain = course.in_vain.is_some_and(|at| now.saturating_sub(at) < IN_VAIN);
        course.told.is_some() || are_of_late || was_in_vain
    });
    if !back.is_empty() {
        actions.push(Action::PutBack(back));
    }
    actions
}

fn told_of(state: &mut State, addresses: BTreeSet<Address>, what: What, now: Duration) -> Vec<Action> {
    let mut actions = Vec::new();
    for address in addresses {
        let Some(course) = state.courses.get_mut(&address) else { continue };
        // Only what is being put back can have been.
        let Some((What::Drifted, found)) = &course.told else { continue };
        let found = found.clone();
        course.told = Some((what, found.clone()));
        let after = course.written_at.take().filter(|_| what == What::PutBack).map(|at| now.saturating_sub(at));
        let after_us = after.and_then(|after| u64::try_from(after.as_micros()).ok());
        actions.push(tell(Told { after_us, ..Told::new(&address, what, found) }));
    }
    actions
}

/// A write in vain is told, and not each one of a storm.
fn in_vain(state: &mut State, attempt: Attempt, now: Duration) -> Option<Action> {
    let Attempt { address, what, found, wrote, writer } = attempt;
    let course = state.courses.entry(address.clone()).or_default();
    if course.told.is_some() || course.in_vain.is_some_and(|at| now.saturating_sub(at) < IN_VAIN) {
        return None;
    }
    course.in_vain = Some(now);
    Some(tell(Told { wrote, writer: Some(writer), ..Told::new(&address, what, found) }))
}

fn tell(told: Told) -> Action {
    Action::Tell(Box::new(told))
}
