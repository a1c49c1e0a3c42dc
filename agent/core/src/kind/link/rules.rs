//! The rules of links, as the engine asks for them.

use super::decide;
use super::limit;
use super::obstacle;
use super::order;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::link::LinkAttribute;
use crate::facts::Facts;
use crate::kind::Decision;
use crate::kind::Effects;
use crate::kind::Obstacle;
use crate::kind::Remark;
use crate::kind::Rules;
use crate::kind::Surroundings;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::observed::Observed;
use crate::observed::Reading;
use crate::policy::Policy;
use crate::value::Value;

/// [`Rules`] for the values of network interfaces.
pub struct LinkRules;

/// The key of an address of this kind. Of another kind there is nothing to say here, and nobody asks.
fn key(address: &Address) -> Option<&LinkKey> {
    match &address.object {
        Object::Link(key) => Some(key),
        Object::Sysctl(_) => None,
    }
}

/// Whether the kernel, told `told`, would hold `found`.
///
/// A switch must be active as it was asked to be; where what was asked for was not to be had then either, only the asking
/// counts (an undo gives back what was asked for, and the kernel the rest).
pub(super) fn holds(_key: &LinkKey, told: &Value, found: &Value, _facts: &Facts) -> bool {
    match (told, found) {
        (Value::Switch { wanted, active }, Value::Switch { wanted: asked, active: is }) => {
            wanted == asked && (active == is || active != wanted)
        }
        (told, found) => told == found,
    }
}

impl Rules for LinkRules {
    fn canonical(&self, address: &Address) -> Address {
        address.clone()
    }

    fn observe(&self, _address: &Address, reading: &Reading, _facts: &Facts) -> Observed {
        match reading {
            Reading::Typed { value, writable } => Observed::Value { value: value.clone(), writable: *writable },
            // No link is read as text.
            Reading::Text { .. } | Reading::Absent => Observed::Absent,
            Reading::Unsupported => Observed::Unsupported,
            Reading::Denied => Observed::Denied,
            Reading::WriteOnly => Observed::WriteOnly,
            Reading::Withheld => Observed::Withheld,
            Reading::Failed { errno } => Observed::Failed { errno: *errno },
        }
    }

    fn decide(&self, address: &Address, policy: &Policy, current: &Value, world: &World) -> Decision {
        key(address).map_or(Decision::Satisfied, |key| decide::decide(key, policy, current, world))
    }

    fn equivalent(&self, address: &Address, left: &Value, right: &Value, facts: &Facts) -> bool {
        key(address).map_or(left == right, |key| holds(key, left, right, facts))
    }

    fn take_back(&self, address: &Address, before: &Value, ours: &[Value], now: &Value, facts: &Facts) -> TakeBack {
        if self.equivalent(address, before, now, facts) {
            TakeBack::Done
        } else if ours.iter().any(|ours| self.equivalent(address, ours, now, facts)) {
            TakeBack::Write(before.clone())
        } else {
            TakeBack::Foreign
        }
    }

    fn object(&self, address: &Address) -> String {
        let Some(key) = key(address) else { return String::new() };
        match key.attribute() {
            LinkAttribute::Channel(_) => format!("{} channel", key.interface()),
            LinkAttribute::Ring(_) => format!("{} ring", key.interface()),
            LinkAttribute::Feature(_) => format!("{} feature", key.interface()),
            LinkAttribute::Coalesce(_) => format!("{} coalesce", key.interface()),
            LinkAttribute::Pause(_) => format!("{} pause", key.interface()),
            LinkAttribute::Device(_) | LinkAttribute::Queue(_) => key.to_string(),
        }
    }

    fn rank(&self, address: &Address, facts: &Facts) -> u16 {
        key(address).map_or(u16::MAX, |key| order::rank(key, facts))
    }

    fn partner(&self, _address: &Address) -> Option<Address> {
        None
    }

    fn refusal(&self, address: &Address, to: &Value, world: &World) -> Option<String> {
        let key = key(address)?;
        let limit = Address::link(key.with(limit(key.attribute())?));
        match (to, world.likely(&limit)) {
            (Value::Int(to), Some(Value::Int(most))) if *most > 0 && to > most => {
                Some(format!("{} takes at most {most}", key.interface()))
            }
            _ => None,
        }
    }

    fn closure(&self, address: &Address, _around: &Surroundings) -> Vec<Address> {
        let limit = key(address).and_then(|key| Some(Address::link(key.with(limit(key.attribute())?))));
        limit.into_iter().collect()
    }

    fn reach(&self, _address: &Address, _around: &Surroundings) -> Vec<Address> {
        Vec::new()
    }

    fn needs_link_facts(&self) -> bool {
        true
    }

    fn effects(&self, _address: &Address, _to: &Value, _world: &World) -> Effects {
        Effects::default()
    }

    fn disrupts(&self, address: &Address, from: &Value, to: &Value) -> Option<String> {
        let key = key(address).filter(|_| from != to)?;
        match key.attribute() {
            LinkAttribute::Channel(_) | LinkAttribute::Ring(_) => Some("most drivers reset the link".to_owned()),
            LinkAttribute::Device(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_) => None,
        }
    }

    fn obstacle(&self, address: &Address, observed: &Observed, world: &World) -> Option<Obstacle> {
        obstacle::obstacle(key(address)?, observed, world)
    }

    fn meaning(&self, _address: &Address) -> Option<&'static str> {
        None
    }

    fn remarks(&self, _address: &Address, _policy: &Policy, _world: &World) -> Vec<Remark> {
        Vec::new()
    }
}
