//! The rules of traffic control, as the engine asks for them.

use super::decide;
use super::handle;
use super::same;
use crate::address::Address;
use crate::address::Object;
use crate::address::TcKey;
use crate::facts::Facts;
use crate::kind::Decision;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::Rules;
use crate::kind::Surroundings;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::tree::Tree;
use crate::value::Value;

/// [`Rules`] for what is attached to interfaces.
pub struct TcRules;

/// Behind links and sysctls: an MTU decides over bursts, and what `net.core.default_qdisc` says over what comes when ours
/// goes.
const RANK: u16 = 200;

/// The key of an address of this kind. Of another kind there is nothing to say here, and nobody asks.
fn key(address: &Address) -> Option<&TcKey> {
    match &address.object {
        Object::Tc(key) => Some(key),
        Object::Sysctl(_) | Object::Link(_) | Object::Nft(_) => None,
    }
}

/// Whether the kernel, told the one, would hold the other.
fn same_root(left: &Tree, right: &Tree) -> bool {
    // To attach the default is to delete ours; which it is, the kernel chooses.
    let both_default = handle::is_default(left) && handle::is_default(right);
    both_default || (handle::of(left) == handle::of(right) && same::holds(left, right))
}

impl Rules for TcRules {
    fn decide(&self, address: &Address, policy: &Policy, current: &Value, world: &World) -> Decision {
        match key(address) {
            Some(key @ TcKey::At { .. }) => decide::decide(key, policy, current, world),
            Some(TcKey::Kinds) => Decision::Blocked("it only tells, and cannot be set".to_owned()),
            None => Decision::Satisfied,
        }
    }

    fn equivalent(&self, _address: &Address, left: &Value, right: &Value, _facts: &Facts) -> bool {
        match (left, right) {
            (Value::Tree(left), Value::Tree(right)) => same_root(left, right),
            (left, right) => left == right,
        }
    }

    fn take_back(&self, address: &Address, before: &Value, ours: &[Value], now: &Value, facts: &Facts) -> TakeBack {
        if self.equivalent(address, before, now, facts) {
            return TakeBack::Done;
        }
        // Half built, or changed by somebody since: what bears our handle is ours.
        let is_ours = now.as_tree().is_some_and(handle::is_ours);
        if is_ours || ours.iter().any(|value| self.equivalent(address, value, now, facts)) {
            return TakeBack::Write(before.clone());
        }
        TakeBack::Foreign
    }

    fn object(&self, address: &Address) -> String {
        key(address).map(ToString::to_string).unwrap_or_default()
    }

    fn rank(&self, _address: &Address, _facts: &Facts) -> u16 {
        RANK
    }

    fn refusal(&self, _address: &Address, to: &Value, world: &World) -> Option<String> {
        let to = to.as_tree().filter(|tree| !handle::is_default(tree))?;
        (decide::has(&to.word, world) == Some(false)).then(|| format!("it has no {}", to.word))
    }

    fn closure(&self, address: &Address, around: &Surroundings) -> Vec<Address> {
        let Some(key @ TcKey::At { .. }) = key(address) else { return Vec::new() };
        let kinds = decide::needs_trying(around.facts).then(|| Address::tc(TcKey::Kinds));
        decide::mtu_of(key).into_iter().chain(kinds).collect()
    }

    fn disrupts(&self, _address: &Address, from: &Value, to: &Value, _facts: &Facts) -> Option<String> {
        let (from, to) = (from.as_tree()?, to.as_tree()?);
        if !same::is_in_place(from, to) {
            let waits = from.word != "noqueue";
            return waits.then(|| "made anew: what waits in the old one is lost".to_owned());
        }
        same::loses_below(from, to).then(|| "what waits in the classes that go or are made anew is lost".to_owned())
    }

    fn obstacle(&self, address: &Address, observed: &Observed, world: &World) -> Option<Obstacle> {
        let interface = key(address)?.interface().unwrap_or_default();
        let new = |class, code, message: String| Some(Obstacle { class, code, message, advice: None, module: None });
        match observed {
            Observed::Value { writable: true, .. } => None,
            Observed::Value { writable: false, .. } => {
                new(ObstacleClass::Blocked, "read-only", "it only tells, and cannot be set".to_owned())
            }
            Observed::Absent if !world.interfaces.contains(interface) => {
                new(ObstacleClass::Pending, "no-interface", format!("there is no interface {interface}"))
            }
            Observed::Absent | Observed::Unsupported => {
                new(ObstacleClass::Lacking, "unsupported", "this kernel has no traffic control".to_owned())
            }
            Observed::Denied => new(ObstacleClass::Blocked, "permission", "this user may not read it".to_owned()),
            Observed::Failed { errno } => new(
                ObstacleClass::Blocked,
                "unreadable",
                format!("reading it fails with errno {errno}; without its value nothing can be undone"),
            ),
            Observed::WriteOnly | Observed::Withheld => {
                new(ObstacleClass::Blocked, "unreadable", "it cannot be read".to_owned())
            }
        }
    }

    fn meaning(&self, address: &Address) -> Option<&'static str> {
        Some(match key(address)? {
            TcKey::Kinds => "The kinds of queueing disciplines that this kernel has.",
            TcKey::At { .. } => "What queues and shapes the packets that go out.",
        })
    }
}
