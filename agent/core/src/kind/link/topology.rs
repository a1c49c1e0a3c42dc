//! What the facts tell of a device: who drives it, what it lies upon, what lies upon it.

use crate::facts::FactValue;
use crate::facts::Facts;

/// A word among the facts of an interface.
pub fn text<'a>(facts: &'a Facts, interface: &str, name: &str) -> Option<&'a str> {
    match &facts.links.get(interface)?.get(name)?.value {
        FactValue::Text(text) if !text.is_empty() => Some(text),
        FactValue::Text(_) | FactValue::Bool(_) | FactValue::Int(_) | FactValue::Float(_) => None,
    }
}

/// A number among the facts of an interface.
pub fn number(facts: &Facts, interface: &str, name: &str) -> Option<i64> {
    match &facts.links.get(interface)?.get(name)?.value {
        FactValue::Int(number) => Some(*number),
        FactValue::Text(_) | FactValue::Bool(_) | FactValue::Float(_) => None,
    }
}

/// What kind of device it is: `bond`, `vlan`, `veth`, `physical`.
pub fn kind<'a>(facts: &'a Facts, interface: &str) -> &'a str {
    text(facts, interface, "kind").unwrap_or_default()
}

/// The name of its driver.
pub fn driver<'a>(facts: &'a Facts, interface: &str) -> &'a str {
    text(facts, interface, "driver").unwrap_or_default()
}

/// The device it lies upon, e.g. that of a VLAN.
pub fn lower<'a>(facts: &'a Facts, interface: &str) -> Option<&'a str> {
    text(facts, interface, "lower").filter(|lower| *lower != interface)
}

/// The bridge or bond that it is a port of.
pub fn master<'a>(facts: &'a Facts, interface: &str) -> Option<&'a str> {
    text(facts, interface, "master").filter(|master| *master != interface)
}

/// The devices that lie upon it: VLANs, macvlans.
pub fn uppers<'a>(facts: &'a Facts, interface: &'a str) -> impl Iterator<Item = &'a str> {
    let names = text(facts, interface, "uppers").unwrap_or_default();
    names.split_whitespace().filter(move |upper| lower(facts, upper) == Some(interface))
}

/// The ports of a bridge or bond.
pub fn ports<'a>(facts: &'a Facts, master_name: &'a str) -> impl Iterator<Item = &'a str> {
    facts.links.keys().map(String::as_str).filter(move |port| master(facts, port) == Some(master_name))
}

/// Whether there is hardware behind it, as far as anybody knows: a paravirtual device counts, a VLAN or a veth does not.
pub fn is_hardware(facts: &Facts, interface: &str) -> bool {
    matches!(kind(facts, interface), "" | "physical") && !matches!(driver(facts, interface), "veth" | "tun" | "dummy")
}
