//! What writing one value of a link moves besides itself.

use super::driver;
use super::features;
use super::mtu;
use super::queues;
use super::topology;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::SysctlKey;
use crate::address::link::Device;
use crate::address::link::FeatureName;
use crate::address::link::LinkAttribute;
use crate::address::link::Ring;
use crate::facts::Facts;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::kind::Effects;
use crate::kind::World;
use crate::value::Value;

/// Up to this size IPv4 follows (net/core/dev.h `netif_set_gso_max_size`, `netif_set_gro_max_size`; measured on 6.18).
const LEGACY_MOST: i64 = 65_536;

/// The addresses that a write to this value could move.
pub fn reach(key: &LinkKey, facts: &Facts) -> Vec<Address> {
    match key.attribute() {
        LinkAttribute::Device(Device::Mtu) => {
            mtu::reached(key.interface(), facts).into_iter().filter_map(mtu::address).collect()
        }
        LinkAttribute::Ring(ring) if refits(key, *ring, facts) => vec![rx_ring(key)],
        LinkAttribute::Device(device) => follower(*device).map(|other| beside(key, other)).into_iter().collect(),
        LinkAttribute::Channel(_) => queues::all(key, facts),
        LinkAttribute::Feature(name) => {
            let mut reached = features::related(key, name.as_str());
            if name.as_str() == features::LRO {
                reached.extend(topology::ports(facts, key.interface()).filter_map(features::lro_of));
            }
            reached
        }
        LinkAttribute::Ring(_) | LinkAttribute::Coalesce(_) | LinkAttribute::Pause(_) | LinkAttribute::Queue(_) => {
            Vec::new()
        }
    }
}

/// The addresses that decide over a write to this value.
pub fn deciders(key: &LinkKey, facts: &Facts) -> Vec<Address> {
    let mut deciders: Vec<Address> = Vec::new();
    deciders.extend(super::limit(key.attribute()).map(|limit| Address::link(key.with(limit))));
    match key.attribute() {
        LinkAttribute::Device(Device::Mtu) => {
            deciders.push(beside(key, Device::MtuMin));
            deciders.extend(mtu::deciders(key.interface(), facts).into_iter().filter_map(mtu::address));
            let limit = |port: &str| LinkKey::new(port, LinkAttribute::Device(Device::MtuMax)).ok().map(Address::link);
            if matches!(topology::kind(facts, key.interface()), "bond" | "team") {
                deciders.extend(topology::ports(facts, key.interface()).filter_map(limit));
            }
        }
        LinkAttribute::Channel(channel) => {
            deciders.extend(queues::channels(key));
            deciders.extend(
                queues::alternative(*channel).map(|other| Address::link(key.with(LinkAttribute::Channel(other)))),
            );
        }
        LinkAttribute::Feature(name) if name.as_str() == features::LRO => {
            deciders.extend(topology::master(facts, key.interface()).and_then(features::lro_of));
            deciders.extend(forwarding(key.interface()));
        }
        LinkAttribute::Ring(ring) if refits(key, *ring, facts) => deciders.push(beside(key, Device::Mtu)),
        LinkAttribute::Queue(_) => deciders.extend(queues::channels(key)),
        LinkAttribute::Device(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Feature(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_) => {}
    }
    deciders
}

/// Whether an interface forwards IPv4.
pub fn forwarding(interface: &str) -> Option<Address> {
    SysctlKey::from_segments(["net", "ipv4", "conf", interface, "forwarding"]).ok().map(Address::sysctl)
}

/// What a write of `to` moves in this world.
pub fn effects(key: &LinkKey, to: &Value, world: &World) -> Effects {
    let moves = match (key.attribute(), to) {
        (LinkAttribute::Device(Device::Mtu), Value::Int(to)) => return mtu::effects(key.interface(), *to, world),
        (LinkAttribute::Ring(ring), _) if refits(key, *ring, world.facts) => refitted(key, world).into_iter().collect(),
        (LinkAttribute::Device(device), Value::Int(to)) if *to <= LEGACY_MOST => {
            follower(*device).and_then(|other| moved(beside(key, other), Value::Int(*to), world)).into_iter().collect()
        }
        (LinkAttribute::Channel(_), to) => queues::effects(key, to, world),
        (LinkAttribute::Feature(name), to) => feature(key, name, to, world),
        (
            LinkAttribute::Device(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_),
            _,
        ) => Vec::new(),
    };
    Effects { moves, stays: Vec::new() }
}

/// Whether the driver rounds the receive ring anew where this one is set.
fn refits(key: &LinkKey, ring: Ring, facts: &Facts) -> bool {
    matches!(ring, Ring::RxMini | Ring::RxJumbo | Ring::Tx)
        && driver::refits_rings(topology::driver(facts, key.interface()))
}

fn rx_ring(key: &LinkKey) -> Address {
    Address::link(key.with(LinkAttribute::Ring(Ring::Rx)))
}

/// It may, since the driver knows of an MTU only once the device is up.
fn refitted(key: &LinkKey, world: &World) -> Option<Effect> {
    let address = rx_ring(key);
    let from = world.likely(&address)?.clone();
    let mtu = world.likely(&beside(key, Device::Mtu))?.as_int()?;
    let to = Value::Int(driver::refitted(from.as_int()?, mtu));
    (from != to).then_some(Effect { address, from, to: Some(to), certainty: Certainty::MayMove })
}

fn feature(key: &LinkKey, name: &FeatureName, to: &Value, world: &World) -> Vec<Effect> {
    let mut moves = features::effects(key, name.as_str(), to, world);
    // What is off above is not even asked for any more below (net/core/dev.c `netdev_sync_lower_features`).
    if name.as_str() == features::LRO && matches!(to, Value::Switch { active: false, .. }) {
        let below: Vec<Address> = features::below_with_lro(key, world).collect();
        let merges = |address: &Address| matches!(world.likely(address), Some(Value::Switch { active: true, .. }));
        moves
            .extend(below.into_iter().filter(merges).filter_map(|address| moved(address, Value::switch(false), world)));
    }
    moves
}

fn moved(address: Address, to: Value, world: &World) -> Option<Effect> {
    let from = world.likely(&address).filter(|from| **from != to)?.clone();
    Some(Effect { address, from, to: Some(to), certainty: Certainty::Moves })
}

fn beside(key: &LinkKey, device: Device) -> Address {
    Address::link(key.with(LinkAttribute::Device(device)))
}

fn follower(device: Device) -> Option<Device> {
    match device {
        Device::GsoMaxSize => Some(Device::GsoIpv4MaxSize),
        Device::GroMaxSize => Some(Device::GroIpv4MaxSize),
        Device::MtuMin
        | Device::MtuMax
        | Device::Mtu
        | Device::Txqueuelen
        | Device::TsoMaxSize
        | Device::TsoMaxSegs
        | Device::GsoMaxSegs
        | Device::GsoIpv4MaxSize
        | Device::GroIpv4MaxSize => None,
    }
}
