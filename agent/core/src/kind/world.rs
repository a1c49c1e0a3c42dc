//! The world in which a plan is simulated: what each address may hold at a given turn.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::Certainty;
use super::Effect;
use super::rules_of;
use crate::address::Address;
use crate::facts::Facts;
use crate::host::HostId;
use crate::observed::Observed;
use crate::value::Value;

/// What the planner believes about a host at one turn of the simulation.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// The host, boot and namespace.
    pub host: &'a HostId,
    /// What is known of it.
    pub facts: &'a Facts,
    /// The interfaces of the namespace.
    pub interfaces: &'a BTreeSet<String>,
    /// Those of them that have an IPv4 address now.
    pub addressed: &'a BTreeSet<String>,
    observed: &'a BTreeMap<Address, Observed>,
    /// What simulated writes and effects have changed: the values that may be found, most likely first.
    moved: BTreeMap<Address, Vec<Value>>,
    /// Where the kernel has chosen a value that nobody could foretell.
    unforeseen: BTreeSet<Address>,
}

impl<'a> World<'a> {
    /// The world as it was read.
    pub fn new(
        host: &'a HostId,
        facts: &'a Facts,
        interfaces: &'a BTreeSet<String>,
        addressed: &'a BTreeSet<String>,
        observed: &'a BTreeMap<Address, Observed>,
    ) -> World<'a> {
        World { host, facts, interfaces, addressed, observed, moved: BTreeMap::new(), unforeseen: BTreeSet::new() }
    }

    /// What was read at an address, whatever has been simulated since. An address nobody read is absent.
    pub fn read(&self, address: &Address) -> &Observed {
        self.observed.get(address).unwrap_or(&Observed::Absent)
    }

    /// The values that may be found at an address now, most likely first; empty if it has none.
    pub fn possible(&self, address: &Address) -> &[Value] {
        match self.moved.get(address) {
            Some(values) => values,
            None => self.read(address).value().map_or(&[], std::slice::from_ref),
        }
    }

    /// The most likely value.
    pub fn likely(&self, address: &Address) -> Option<&Value> {
        self.possible(address).first()
    }

    /// What was read between two addresses, themselves left out, each with its most likely value now.
    pub fn between<'w>(
        &'w self,
        low: &Address,
        high: &Address,
    ) -> impl Iterator<Item = (&'w Address, Option<&'w Value>, &'w Observed)> {
        // A range that ends before it begins is a panic.
        let bounds = (low < high).then_some((Bound::Excluded(low), Bound::Excluded(high)));
        let moved: Vec<(&Address, &Vec<Value>)> =
            bounds.into_iter().flat_map(|bounds| self.moved.range::<Address, _>(bounds)).collect();
        bounds.into_iter().flat_map(|bounds| self.observed.range::<Address, _>(bounds)).map(
            move |(address, observed)| {
                let now = moved.iter().find(|(other, _)| *other == address).map(|(_, values)| values.first());
                (address, now.unwrap_or_else(|| observed.value()), observed)
            },
        )
    }

    /// Whether the kernel is older than `major.minor`; false if its version is not known.
    pub fn kernel_before(&self, major: i64, minor: i64) -> bool {
        self.facts.int("host.kernel_version").is_some_and(|version| version < major * 1000 + minor)
    }

    /// A write that is assumed to succeed.
    pub fn write(&mut self, address: &Address, value: Value) {
        self.unforeseen.remove(address);
        self.moved.insert(address.clone(), vec![value]);
    }

    /// Whether an earlier write lets the kernel choose what is found here.
    pub fn is_unforeseen(&self, address: &Address) -> bool {
        self.unforeseen.contains(address)
    }

    /// A value that comes with an earlier write. What exactly is found then is the kernel's choice.
    pub fn appear(&mut self, address: &Address, value: Value) {
        self.unforeseen.insert(address.clone());
        self.moved.insert(address.clone(), vec![value]);
    }

    /// An effect of a write.
    pub fn apply(&mut self, effect: &Effect) {
        let before = self.possible(&effect.address).to_vec();
        let after = match (&effect.to, effect.certainty) {
            (Some(to), Certainty::Moves) => vec![to.clone()],
            (Some(to), Certainty::MayMove) => {
                let rules = rules_of(&effect.address);
                // Only if either stands for the other is there nothing new to be found.
                let same = |left, right| rules.equivalent(&effect.address, left, right, self.facts);
                let known = before.iter().any(|value| value == to || (same(value, to) && same(to, value)));
                let mut after = before;
                if !known {
                    after.push(to.clone());
                }
                after
            }
            // What the kernel chooses is not foretold: the old value stays the best guess.
            (None, Certainty::Moves | Certainty::MayMove) => {
                self.unforeseen.insert(effect.address.clone());
                before
            }
        };
        self.moved.insert(effect.address.clone(), after);
    }
}
