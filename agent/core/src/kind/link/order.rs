//! The order in which values of links are written.

use crate::address::LinkKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::facts::FactValue;
use crate::facts::Facts;

/// Before the sysctls, so that IPv6 is there when its keys are written (net/ipv6/addrconf.c `addrconf_notify` takes it
/// from an interface below 1280 bytes).
const MTU: u16 = 1;
/// Behind the sysctls. All of one device together and device by device, so that of a bond only one member resets at a
/// time; within a device the order of [`LinkAttribute`] decides.
const DEVICE: u16 = 100;
/// Devices stacked deeper than this share a rank.
const DEEPEST: u16 = 7;

/// The place of a value in the order of writes. A VLAN can have no larger MTU than what it lies upon, and is cut back
/// with it (net/8021q/vlan.c `vlan_device_event`), so the lower device comes first; a bond gives its MTU to its members.
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
        let bond = text(facts, current, "master").filter(|master| text(facts, master, "kind") == Some("bond"));
        let Some(below) = bond.or_else(|| text(facts, current, "lower")) else { break };
        depth += 1;
        current = below;
    }
    depth
}

/// A word among the facts of an interface.
pub(super) fn text<'a>(facts: &'a Facts, interface: &str, name: &str) -> Option<&'a str> {
    match &facts.links.get(interface)?.get(name)?.value {
        FactValue::Text(text) => Some(text),
        FactValue::Bool(_) | FactValue::Int(_) | FactValue::Float(_) => None,
    }
}
