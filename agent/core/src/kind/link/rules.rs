//! The rules of links, as the engine asks for them.

use super::decide;
use super::driver;
use super::effects;
use super::limit;
use super::mtu;
use super::obstacle;
use super::order;
use super::queues;
use super::refusal;
use super::remarks;
use super::same;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::link::Device;
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
use crate::kind::take_back;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::value::Value;

/// [`Rules`] for the values of network interfaces.
pub struct LinkRules;

/// The key of an address of this kind. Of another kind there is nothing to say here, and nobody asks.
fn key(address: &Address) -> Option<&LinkKey> {
    match &address.object {
        Object::Link(key) => Some(key),
        Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => None,
    }
}

impl Rules for LinkRules {
    fn decide(&self, address: &Address, policy: &Policy, current: &Value, world: &World) -> Decision {
        key(address).map_or(Decision::Satisfied, |key| decide::decide(key, policy, current, world))
    }

    fn equivalent(&self, address: &Address, left: &Value, right: &Value, facts: &Facts) -> bool {
        key(address).map_or(left == right, |key| same::same(key, left, right, facts))
    }

    fn take_back(&self, address: &Address, before: &Value, ours: &[Value], now: &Value, facts: &Facts) -> TakeBack {
        // What was read is as it is, however a driver would round it: 1000 is not back where 1024 is found.
        let number = |value: &Value| matches!(value, Value::Int(_));
        if number(now) && before != now && ours.contains(now) {
            return TakeBack::Write(before.clone());
        }
        take_back::take_back(before, ours, now, &|left, right| self.equivalent(address, left, right, facts))
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

    fn refusal(&self, address: &Address, to: &Value, world: &World) -> Option<String> {
        refusal::refusal(key(address)?, to, world)
    }

    fn closure(&self, address: &Address, around: &Surroundings) -> Vec<Address> {
        key(address).map(|key| effects::deciders(key, around.facts)).unwrap_or_default()
    }

    fn reach(&self, address: &Address, around: &Surroundings) -> Vec<Address> {
        key(address).map(|key| effects::reach(key, around.facts)).unwrap_or_default()
    }

    fn needs_link_facts(&self) -> bool {
        true
    }

    fn effects(&self, address: &Address, to: &Value, world: &World) -> Effects {
        key(address).map(|key| effects::effects(key, to, world)).unwrap_or_default()
    }

    fn disrupts(&self, address: &Address, from: &Value, to: &Value, facts: &Facts) -> Option<String> {
        let key = key(address).filter(|_| from != to)?;
        if let (LinkAttribute::Device(Device::Mtu), Value::Int(from), Value::Int(to)) = (key.attribute(), from, to) {
            return mtu::disrupts(*from, *to).map(str::to_owned);
        }
        driver::disrupts(key.attribute(), key.interface(), facts).map(str::to_owned)
    }

    fn appears(&self, address: &Address, world: &World) -> Option<Value> {
        let key = key(address)?;
        match key.attribute() {
            LinkAttribute::Queue(queue) => queues::appears(key, *queue, world),
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_) => None,
        }
    }

    fn vanishes(&self, address: &Address, world: &World) -> bool {
        key(address).is_some_and(|key| obstacle::leaving(key, world).is_some())
    }

    fn most(&self, address: &Address, world: &World) -> Option<i64> {
        limit::most(key(address)?, world)
    }

    fn obstacle(&self, address: &Address, observed: &Observed, world: &World) -> Option<Obstacle> {
        obstacle::obstacle(key(address)?, observed, world)
    }

    fn meaning(&self, address: &Address) -> Option<&'static str> {
        key(address)?.attribute().meaning()
    }

    fn remarks(&self, address: &Address, _policy: &Policy, world: &World) -> Vec<Remark> {
        key(address).map(|key| remarks::remarks(key, world)).unwrap_or_default()
    }
}
