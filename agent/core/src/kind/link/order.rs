//! The order in which values of links are written.

use super::topology;
use crate::address::LinkKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::facts::Facts;

/// Before the sysctls, so that IPv6 is there when its keys are written (net/ipv6/addrconf.c `addrconf_notify` takes it
/// from an interface below 1280 bytes).
const MTU: u16 = 1;
/// Behind the sysctls. All of one device together and device by device, so that of a bond only one member resets at a
/// time; within a device the order of [`LinkAttribute`] decides.
const DEVICE: u16 = 100;
/// A bridge takes the least MTU of its ports, so it comes behind a VLAN upon a VLAN.
const BRIDGE: u16 = 3;
/// Devices stacked deeper than this share a rank.
const DEEPEST: u16 = 7;

/// The place of a value in the order of writes. A VLAN can have no larger MTU than what it lies upon, and is cut back
/// with it (net/8021q/vlan.c `vlan_device_event`), so the lower device comes first; a bond or team gives its MTU to its
/// members.
pub fn rank(key: &LinkKey, facts: &Facts) -> u16 {
    match key.attribute() {
        LinkAttribute::Device(Device::Mtu) => MTU + depth(key.interface(), facts),
        LinkAttribute::Device(_)
        | LinkAttribute::Channel(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Feature(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_)
        | LinkAttribute::Queue(_) => DEVICE,
    }
}

fn depth(interface: &str, facts: &Facts) -> u16 {
    let mut depth = 0;
    let mut current = interface;
    while depth < DEEPEST {
        if topology::kind(facts, current) == "bridge" {
            depth += BRIDGE;
        }
        let gives = |master: &&str| matches!(topology::kind(facts, master), "bond" | "team");
        let giver = topology::master(facts, current).filter(gives);
        let Some(below) = giver.or_else(|| topology::lower(facts, current)) else { break };
        depth += 1;
        current = below;
    }
    depth.min(DEEPEST)
}
