//! Where an MTU goes besides the device that it is set on.
//!
//! A VLAN or macvlan is cut back with what it lies upon (net/8021q/vlan.c `vlan_device_event`, drivers/net/macvlan.c
//! `macvlan_device_event`), an ipvlan follows it (`ipvlan_adjust_mtu`), a bond or team gives its own to its members
//! (`bond_change_mtu`, `team_change_mtu`), a bridge takes the least of its ports until somebody sets it
//! (net/bridge/br_if.c `br_mtu_auto_adjust`). Bridge, macvlan and the loss of IPv6 were measured on 6.18.

use std::collections::BTreeMap;

use super::topology;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::facts::Facts;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::kind::Effects;
use crate::kind::World;
use crate::value::Value;

/// Below this an interface has no IPv6 (include/uapi/linux/ipv6.h `IPV6_MIN_MTU`).
const IPV6_LEAST: i64 = 1280;
/// Of a bridge with more ports than this, nobody computes the least.
const PORTS_COUNTED: usize = 64;
/// Devices stacked deeper than this are not followed.
const DEEPEST: usize = 8;

/// The MTU of an interface.
pub fn address(interface: &str) -> Option<Address> {
    LinkKey::new(interface, LinkAttribute::Device(Device::Mtu)).ok().map(Address::link)
}

/// Every device whose MTU a change of this one's may move.
pub fn reached<'a>(interface: &'a str, facts: &'a Facts) -> Vec<&'a str> {
    let mut reached: Vec<&str> = Vec::new();
    let mut edge = vec![interface];
    for _ in 0..DEEPEST {
        edge = edge.iter().flat_map(|one| next(one, facts)).filter(|one| *one != interface).collect();
        edge.sort_unstable();
        edge.dedup();
        edge.retain(|one| !reached.contains(one));
        if edge.is_empty() {
            break;
        }
        reached.extend(&edge);
    }
    reached
}

fn next<'a>(interface: &'a str, facts: &'a Facts) -> Vec<&'a str> {
    let follows = |upper: &&str| {
        matches!(topology::kind(facts, upper), "vlan" | "macvlan" | "macvtap" | "ipvlan" | "ipvtap" | "macsec")
    };
    let mut next: Vec<&str> = topology::uppers(facts, interface).filter(follows).collect();
    if gives(interface, facts) {
        next.extend(topology::ports(facts, interface));
    }
    next.extend(bridge_of(interface, facts));
    next
}

/// Whether it gives its MTU to its ports.
fn gives(interface: &str, facts: &Facts) -> bool {
    matches!(topology::kind(facts, interface), "bond" | "team")
}

fn bridge_of<'a>(interface: &str, facts: &'a Facts) -> Option<&'a str> {
    topology::master(facts, interface).filter(|master| topology::kind(facts, master) == "bridge")
}

/// What decides over a change besides the device's own limits: the device below, the ports beside it.
pub fn deciders<'a>(interface: &'a str, facts: &'a Facts) -> Vec<&'a str> {
    let mut deciders: Vec<&str> = topology::lower(facts, interface).into_iter().collect();
    for bridge in bridge_of(interface, facts)
        .into_iter()
        .chain(reached(interface, facts).into_iter().filter_map(|reached| bridge_of(reached, facts)))
    {
        let ports: Vec<&str> = topology::ports(facts, bridge).take(PORTS_COUNTED + 1).collect();
        if ports.len() <= PORTS_COUNTED {
            deciders.extend(ports);
        }
    }
    deciders.sort_unstable();
    deciders.dedup();
    deciders
}

/// What a write of `to` moves.
pub fn effects(interface: &str, to: i64, world: &World) -> Effects {
    let mut walk = Walk { world, now: BTreeMap::new(), effects: Effects::default() };
    walk.change(interface, to, 0);
    walk.effects
}

struct Walk<'w, 'a> {
    world: &'w World<'a>,
    /// What the walk has changed so far.
    now: BTreeMap<String, i64>,
    effects: Effects,
}

impl Walk<'_, '_> {
    fn mtu(&self, interface: &str) -> Option<i64> {
        let moved = self.now.get(interface).copied();
        moved.or_else(|| self.world.likely(&address(interface)?)?.as_int())
    }

    /// Whether a device may have this MTU by now.
    fn may_be(&self, interface: &str, mtu: i64) -> bool {
        let moved = self.now.get(interface) == Some(&mtu);
        moved || address(interface).is_some_and(|address| self.world.possible(&address).contains(&Value::Int(mtu)))
    }

    fn change(&mut self, interface: &str, to: i64, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let facts = self.world.facts;
        let bridge = bridge_of(interface, facts).map(|bridge| (bridge, self.least(bridge)));
        self.now.insert(interface.to_owned(), to);
        if gives(interface, facts) {
            let ports: Vec<&str> = topology::ports(facts, interface).collect();
            for port in ports {
                self.moves(port, to, depth);
            }
        }
        let uppers: Vec<&str> = topology::uppers(facts, interface).collect();
        for upper in uppers {
            match topology::kind(facts, upper) {
                "vlan" | "macvlan" | "macvtap" if self.mtu(upper).is_some_and(|mtu| mtu > to) => {
                    self.moves(upper, to, depth);
                }
                "ipvlan" | "ipvtap" => self.moves(upper, to, depth),
                // Less by what its headers take.
                "macsec" if self.mtu(upper).is_some_and(|mtu| mtu > to - 32) => self.may_move(upper, None),
                _ => {}
            }
        }
        if let Some((bridge, least)) = bridge {
            self.bridge(bridge, least);
        }
    }

    /// The kernel keeps to itself whether anybody ever set the MTU of a bridge. It was set if it is not the least of its
    /// ports.
    fn bridge(&mut self, bridge: &str, before: Option<i64>) {
        let follows = before.is_none_or(|least| self.may_be(bridge, least));
        let after = self.least(bridge);
        if follows && (after.is_none() || after != before) {
            self.may_move(bridge, after);
        } else if !follows {
            self.effects.stays.extend(address(bridge));
        }
    }

    /// The least MTU of the ports of a bridge, if they are few enough to ask.
    fn least(&self, bridge: &str) -> Option<i64> {
        let ports: Vec<&str> = topology::ports(self.world.facts, bridge).take(PORTS_COUNTED + 1).collect();
        if ports.len() > PORTS_COUNTED {
            return None;
        }
        ports.into_iter().map(|port| self.mtu(port)).collect::<Option<Vec<i64>>>()?.into_iter().min()
    }

    fn moves(&mut self, interface: &str, to: i64, depth: usize) {
        let Some(from) = self.mtu(interface).filter(|from| *from != to) else { return };
        self.effect(interface, from, Some(to), Certainty::Moves);
        self.change(interface, to, depth + 1);
    }

    fn may_move(&mut self, interface: &str, to: Option<i64>) {
        if let Some(from) = self.mtu(interface) {
            self.effect(interface, from, to, Certainty::MayMove);
        }
    }

    fn effect(&mut self, interface: &str, from: i64, to: Option<i64>, certainty: Certainty) {
        let Some(address) = address(interface) else { return };
        self.effects.moves.retain(|effect| effect.address != address);
        self.effects.moves.push(Effect { address, from: Value::Int(from), to: to.map(Value::Int), certainty });
    }
}

/// Why an MTU cannot be had in this world although the device itself would take it.
pub fn refusal(key: &LinkKey, to: i64, world: &World) -> Option<String> {
    let facts = world.facts;
    let interface = key.interface();
    let mtu = |interface: &str| world.likely(&address(interface)?)?.as_int();
    let cut = matches!(topology::kind(facts, interface), "vlan" | "macvlan" | "macvtap");
    if let Some(lower) = topology::lower(facts, interface).filter(|_| cut)
        && let Some(most) = mtu(lower).filter(|most| to > *most)
    {
        return Some(format!("{lower}, which it lies upon, has an MTU of {most}"));
    }
    if let Some(team) = topology::master(facts, interface).filter(|master| topology::kind(facts, master) == "team") {
        return Some(format!("{team} gives its MTU to its ports: set link:{team}/mtu"));
    }
    if !gives(interface, facts) {
        return None;
    }
    topology::ports(facts, interface).find_map(|port| {
        let limit = LinkKey::new(port, LinkAttribute::Device(Device::MtuMax)).ok()?;
        let most = world.likely(&Address::link(limit))?.as_int().filter(|most| *most > 0 && to > *most)?;
        Some(format!("it gives its MTU to {port}, which takes at most {most}"))
    })
}

/// What a new MTU does to traffic.
pub fn disrupts(from: i64, to: i64) -> Option<&'static str> {
    (from >= IPV6_LEAST && to < IPV6_LEAST)
        .then_some("below 1280 bytes the interface loses IPv6: its addresses, its routes and its settings")
}
