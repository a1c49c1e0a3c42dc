//! The rules of sysctls, as the engine asks for them.

use super::combine;
use super::effects;
use super::memory;
use super::obstacle;
use super::order;
use crate::address::Address;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::catalogue;
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
use crate::observed::Reading;
use crate::policy::Policy;
use crate::value::Value;

/// [`Rules`] for everything below `/proc/sys`.
pub struct SysctlRules;

/// The key of an address of this kind. Of another kind there is nothing to say here, and nobody asks.
fn key(address: &Address) -> Option<&SysctlKey> {
    match &address.object {
        Object::Sysctl(key) => Some(key),
        Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
    }
}

impl Rules for SysctlRules {
    fn canonical(&self, address: &Address) -> Address {
        let canonical = key(address).map(catalogue::canonical_key);
        let object = canonical.map_or_else(|| address.object.clone(), Object::Sysctl);
        Address { netns: address.netns.clone(), object }
    }

    fn observe(&self, address: &Address, reading: &Reading, facts: &Facts) -> Observed {
        key(address).map_or(Observed::Absent, |key| super::observe(key, reading, facts))
    }

    fn decide(&self, address: &Address, policy: &Policy, current: &Value, world: &World) -> Decision {
        key(address).map_or(Decision::Satisfied, |key| decide(key, policy, current, world))
    }

    fn equivalent(&self, address: &Address, left: &Value, right: &Value, facts: &Facts) -> bool {
        key(address).map_or(left == right, |key| super::equivalent(key, left, right, facts))
    }

    fn take_back(&self, address: &Address, before: &Value, ours: &[Value], now: &Value, facts: &Facts) -> TakeBack {
        take_back::take_back(before, ours, now, &|left, right| self.equivalent(address, left, right, facts))
    }

    fn object(&self, address: &Address) -> String {
        key(address).map(SysctlKey::path).unwrap_or_default().to_owned()
    }

    fn rank(&self, address: &Address, _facts: &Facts) -> u16 {
        key(address).map_or(u16::MAX, order::rank)
    }

    fn partner(&self, address: &Address) -> Option<Address> {
        key(address).and_then(order::partner).map(Address::sysctl)
    }

    fn refusal(&self, address: &Address, to: &Value, world: &World) -> Option<String> {
        let key = key(address)?;
        order::pair_refusal(key, to, world)
            .or_else(|| kernel_version(world).and_then(|version| super::check_for_kernel(key, to, version)))
    }

    fn closure(&self, address: &Address, around: &Surroundings) -> Vec<Address> {
        let Some(key) = key(address) else { return Vec::new() };
        let mut closure = reach(key, around);
        closure.extend(order::partner(key).map(Address::sysctl));
        closure.extend(combine::decider(key).map(Address::sysctl));
        closure.extend(combine::forwarding_of(key).map(Address::sysctl));
        closure.extend(availability_keys(key));
        closure
    }

    fn reach(&self, address: &Address, around: &Surroundings) -> Vec<Address> {
        key(address).map(|key| reach(key, around)).unwrap_or_default()
    }

    fn effects(&self, address: &Address, to: &Value, world: &World) -> Effects {
        key(address).map(|key| effects::effects(key, to, world)).unwrap_or_default()
    }

    fn disrupts(&self, address: &Address, from: &Value, to: &Value, _facts: &Facts) -> Option<String> {
        if from == to {
            return None;
        }
        catalogue::find(key(address)?).and_then(|entry| entry.disrupts).map(str::to_owned)
    }

    fn obstacle(&self, address: &Address, observed: &Observed, world: &World) -> Option<Obstacle> {
        obstacle::obstacle(key(address)?, observed, world)
    }

    fn meaning(&self, address: &Address) -> Option<&'static str> {
        catalogue::find(key(address)?).map(|entry| entry.meaning)
    }

    fn remarks(&self, address: &Address, _policy: &Policy, world: &World) -> Vec<Remark> {
        let Some(key) = key(address) else { return Vec::new() };
        let remarks = [combine::remark(key, world), stray_forwarding(key, world), memory::remark(key, world)];
        remarks.into_iter().flatten().collect()
    }
}

/// Of devices, only those that somebody has asked about: a plan of sysctls alone needs no netlink.
fn reach(key: &SysctlKey, around: &Surroundings) -> Vec<Address> {
    let mut reached = effects::reach(key, around.interfaces);
    reached.extend(effects::merging(key, around.facts.links.keys().filter(|name| around.interfaces.contains(*name))));
    reached
}

fn decide(key: &SysctlKey, policy: &Policy, current: &Value, world: &World) -> Decision {
    let listed = super::availability_key(key, world.facts);
    let available = listed.and_then(|list| match world.likely(&Address::sysctl(list))? {
        Value::Words(words) => Some(words.as_slice()),
        Value::Int(_)
        | Value::Ints(_)
        | Value::Ports(_)
        | Value::Text(_)
        | Value::Switch { .. }
        | Value::Cpus(_)
        | Value::Tree(_)
        | Value::Secret => None,
    });
    let context = super::DecideContext { facts: world.facts, kernel_version: kernel_version(world), available };
    match super::decide(key, policy, Some(current), &context) {
        super::Decision::Satisfied => Decision::Satisfied,
        super::Decision::Write(value) => Decision::Write(value),
        super::Decision::Unavailable { candidates: _, why } => Decision::Blocked(why),
        super::Decision::NeedsCurrent => Decision::Blocked("its live value cannot be read".to_owned()),
        super::Decision::Invalid(why) => Decision::Blocked(why),
    }
}

fn kernel_version(world: &World) -> Option<(u32, u32)> {
    let version = u32::try_from(world.facts.int("host.kernel_version")?).ok()?;
    Some((version / 1000, version % 1000))
}

/// The lists that tell which names a key takes, in whichever namespace.
fn availability_keys(key: &SysctlKey) -> impl Iterator<Item = Address> {
    let lists: &[&str] = match key.name() {
        "tcp_congestion_control" => {
            &["net.ipv4.tcp_available_congestion_control", "net.ipv4.tcp_allowed_congestion_control"]
        }
        "tcp_allowed_congestion_control" => &["net.ipv4.tcp_available_congestion_control"],
        "scheduler" => &["net.mptcp.available_schedulers"],
        "path_manager" => &["net.mptcp.available_path_managers"],
        _ => &[],
    };
    lists.iter().filter_map(|list| list.parse().ok()).map(Address::sysctl)
}

/// Writing `ip_forward=0` where it is 0 already does nothing, so an interface that forwards by itself goes on
/// forwarding (net/ipv4/devinet.c, `devinet_sysctl_forward`).
fn stray_forwarding(key: &SysctlKey, world: &World) -> Option<Remark> {
    let off = |key: &SysctlKey| world.likely(&Address::sysctl(key.clone())) == Some(&Value::Int(0));
    if !key.is("net.ipv4.ip_forward") || !off(key) {
        return None;
    }
    let strays: Vec<&str> = effects::reach(key, world.interfaces)
        .iter()
        .filter(|address| {
            address.local_name().ends_with(".forwarding") && world.likely(address) == Some(&Value::Int(1))
        })
        .filter_map(|address| world.interfaces.iter().find(|name| address.interface() == Some(name.as_str())))
        .map(String::as_str)
        .collect();
    (!strays.is_empty()).then(|| Remark {
        code: "stray-forwarding",
        message: format!("net.ipv4.ip_forward = 0, but these interfaces forward by themselves: {}", strays.join(", ")),
        advice: Some("set net.ipv4.conf.\"*\".forwarding = 0 too".to_owned()),
    })
}
