//! How the features of one device depend on each other.
//!
//! What is asked for and what the kernel makes of it differ: net/core/dev.c `netdev_fix_features` takes away what cannot
//! work without something else, and gives it back once that is on again (measured on 6.18 with veth). Drivers take away
//! more; what several of them do is foretold as what may move.

use std::collections::BTreeMap;

use super::driver;
use super::topology;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::link::Coalesce;
use crate::address::link::FeatureName;
use crate::address::link::LinkAttribute;
use crate::address::link::Ring;
use crate::address::link::feature::GSO_PARTIAL;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::kind::World;
use crate::observed::Observed;
use crate::value::Value;

const SG: &str = "tx-scatter-gather";
const CSUM: &str = "tx-checksum-ip-generic";
const CSUM4: &str = "tx-checksum-ipv4";
const CSUM6: &str = "tx-checksum-ipv6";
const TSO: &str = "tx-tcp-segmentation";
const TSO6: &str = "tx-tcp6-segmentation";
const MANGLEID: &str = "tx-tcp-mangleid-segmentation";
const ECN: &str = "tx-tcp-ecn-segmentation";
const GSO: &str = "tx-generic-segmentation";
const PARTIAL: &str = "tx-gso-partial";
const USO: &str = "tx-udp-segmentation";
const TLS_TX: &str = "tls-hw-tx-offload";
const TLS_RX: &str = "tls-hw-rx-offload";
const RX_CSUM: &str = "rx-checksum";
const GRO: &str = "rx-gro";
const GRO_HW: &str = "rx-gro-hw";
/// Large receive offload.
pub const LRO: &str = "rx-lro";
const FCS: &str = "rx-fcs";
const VLAN_RX: &str = "rx-vlan-hw-parse";
const VLAN_TX: &str = "tx-vlan-hw-insert";

/// What a feature depends on.
enum Condition {
    /// All features of one of these lists must be on.
    Needs(&'static [&'static [&'static str]]),
    /// None of these may be on.
    Excluded(&'static [&'static str]),
}

/// One step of the kernel's, in its order.
struct Step {
    feature: &'static str,
    condition: Condition,
    certainty: Certainty,
    /// What goes along where the feature goes.
    along: Option<&'static str>,
}

const fn needs(feature: &'static str, of: &'static [&'static [&'static str]]) -> Step {
    Step { feature, condition: Condition::Needs(of), certainty: Certainty::Moves, along: None }
}

const fn excluded(feature: &'static str, by: &'static [&'static str]) -> Step {
    Step { feature, condition: Condition::Excluded(by), certainty: Certainty::Moves, along: None }
}

/// What some drivers do and others do not.
const fn may_need(feature: &'static str, of: &'static [&'static [&'static str]]) -> Step {
    Step { feature, condition: Condition::Needs(of), certainty: Certainty::MayMove, along: None }
}

const SENDING: &[Step] = &[
    excluded(CSUM4, &[CSUM]),
    excluded(CSUM6, &[CSUM]),
    needs(TSO, &[&[SG]]),
    needs(TSO6, &[&[SG]]),
    needs(MANGLEID, &[&[SG]]),
    needs(ECN, &[&[SG]]),
    Step { along: Some(ECN), ..needs(TSO, &[&[CSUM], &[CSUM4]]) },
    needs(TSO6, &[&[CSUM], &[CSUM6]]),
    needs(MANGLEID, &[&[TSO]]),
    needs(ECN, &[&[TSO], &[TSO6], &[MANGLEID]]),
    needs(GSO, &[&[SG]]),
    may_need("tx-gre-csum-segmentation", &[&[PARTIAL]]),
    may_need("tx-gre-segmentation", &[&[PARTIAL]]),
    may_need("tx-ipxip4-segmentation", &[&[PARTIAL]]),
    may_need("tx-ipxip6-segmentation", &[&[PARTIAL]]),
    may_need("tx-udp_tnl-csum-segmentation", &[&[PARTIAL]]),
    may_need("tx-udp_tnl-segmentation", &[&[PARTIAL]]),
    needs(TLS_TX, &[&[CSUM], &[CSUM4, CSUM6]]),
    needs(USO, &[&[CSUM], &[CSUM4, CSUM6]]),
];

const RECEIVING: &[Step] = &[
    needs(GRO_HW, &[&[RX_CSUM]]),
    excluded(LRO, &[FCS]),
    excluded(GRO_HW, &[FCS]),
    excluded(LRO, &[GRO_HW]),
    needs(TLS_RX, &[&[RX_CSUM]]),
    // `ixgbe_fix_features`, `vmxnet3_fix_features`; `bnxt_fix_features`, `mlx5e_fix_features`.
    may_need(LRO, &[&[RX_CSUM]]),
    may_need(GRO_HW, &[&[GRO]]),
];

/// The steps that a feature has a part in, with all the features they speak of.
fn group(name: &str) -> Option<(&'static [Step], &'static [&'static str])> {
    const SENDING_NAMES: &[&str] = &[SG, CSUM, CSUM4, CSUM6, TSO, TSO6, MANGLEID, ECN, GSO, PARTIAL, USO, TLS_TX];
    const RECEIVING_NAMES: &[&str] = &[RX_CSUM, GRO, GRO_HW, LRO, FCS, TLS_RX];
    if SENDING_NAMES.contains(&name) || GSO_PARTIAL.contains(&name) {
        Some((SENDING, SENDING_NAMES))
    } else if RECEIVING_NAMES.contains(&name) {
        Some((RECEIVING, RECEIVING_NAMES))
    } else {
        None
    }
}

/// The address of another feature of the same device.
pub fn address(key: &LinkKey, name: &str) -> Option<Address> {
    Some(Address::link(key.with(LinkAttribute::Feature(FeatureName::new(name)?))))
}

/// Every feature of the device that decides, or is moved by, what happens to this one.
pub fn related(key: &LinkKey, name: &str) -> Vec<Address> {
    let mut names: Vec<&str> = Vec::new();
    if let Some((_, group)) = group(name) {
        names.extend(group);
        if name == PARTIAL {
            names.extend(GSO_PARTIAL);
        }
    }
    if name == VLAN_RX {
        names.push(VLAN_TX);
    }
    names.into_iter().filter(|other| *other != name).filter_map(|other| address(key, other)).collect()
}

/// What a write moves besides itself.
pub fn effects(key: &LinkKey, name: &str, to: &Value, world: &World) -> Vec<Effect> {
    let Value::Switch { wanted, .. } = to else { return Vec::new() };
    let mut effects = Vec::new();
    if let Some((steps, _)) = group(name) {
        let now = asked(key, steps, world);
        let mut then = now.clone();
        then.insert(name, *wanted);
        let [kernel, drivers] = [Certainty::Moves, Certainty::MayMove]
            .map(|certainty| (fixed(&now, steps, certainty), fixed(&then, steps, certainty)));
        for other in then.keys().filter(|other| **other != name) {
            let changed = |(before, after): &(BTreeMap<&str, bool>, BTreeMap<&str, bool>)| {
                after.get(other).copied().filter(|active| before.get(other) != Some(active))
            };
            let (active, certainty) = match (changed(&kernel), changed(&drivers)) {
                // Where a driver may hold it back, nobody can be sure.
                (Some(active), _) if drivers.1.get(other) != Some(&active) => (active, Certainty::MayMove),
                (Some(active), _) => (active, Certainty::Moves),
                (None, Some(active)) => (active, Certainty::MayMove),
                (None, None) => continue,
            };
            effects.extend(moved(key, other, active, certainty, world));
        }
    }
    if name == VLAN_RX && driver::couples_vlan_tags(topology::driver(world.facts, key.interface())) {
        effects.extend(moved(key, VLAN_TX, *wanted, Certainty::MayMove, world));
    }
    effects
}

fn moved(key: &LinkKey, name: &str, active: bool, certainty: Certainty, world: &World) -> Option<Effect> {
    let address = address(key, name)?;
    // What no driver lets anybody change, it does not change itself.
    let writable = matches!(world.read(&address), Observed::Value { writable: true, .. });
    let possible = world.possible(&address);
    let from = possible.first().filter(|_| writable)?.clone();
    let Value::Switch { wanted, .. } = from else { return None };
    let to = Value::Switch { wanted, active };
    possible.iter().any(|value| *value != to).then_some(Effect { address, from, to: Some(to), certainty })
}

/// What is asked of every feature of these steps that the device has; of one that cannot be changed, what it is.
fn asked<'a>(key: &LinkKey, steps: &'a [Step], world: &World) -> BTreeMap<&'a str, bool> {
    let mut names: Vec<&'a str> = Vec::with_capacity(4 * steps.len());
    for step in steps {
        names.push(step.feature);
        match step.condition {
            Condition::Needs(of) => names.extend(of.iter().copied().flatten()),
            Condition::Excluded(by) => names.extend(by),
        }
    }
    let mut asked = BTreeMap::new();
    // The features of one device stand together, so that one look-up finds them all.
    for (address, likely, observed) in world.between(&before_features(key), &behind_features(key)) {
        let Object::Link(other) = &address.object else { continue };
        let (LinkAttribute::Feature(name), Some(Value::Switch { wanted, active })) = (other.attribute(), likely) else {
            continue;
        };
        if let Some(name) = names.iter().find(|known| **known == name.as_str()) {
            let writable = matches!(observed, Observed::Value { writable: true, .. });
            asked.insert(*name, if writable { *wanted } else { *active });
        }
    }
    asked
}

fn before_features(key: &LinkKey) -> Address {
    Address::link(key.with(LinkAttribute::Ring(Ring::TxPushBufLen)))
}

fn behind_features(key: &LinkKey) -> Address {
    Address::link(key.with(LinkAttribute::Coalesce(Coalesce::AdaptiveRx)))
}

/// What becomes of it, by what every kernel does, or by what some drivers do too.
fn fixed<'a>(asked: &BTreeMap<&'a str, bool>, steps: &'a [Step], certainty: Certainty) -> BTreeMap<&'a str, bool> {
    let mut on = asked.clone();
    for step in steps.iter().filter(|step| step.certainty == Certainty::Moves || certainty == Certainty::MayMove) {
        let goes = !holds(&step.condition, &on) && on.get(step.feature).copied().unwrap_or_default();
        for gone in [Some(step.feature), step.along].into_iter().flatten().filter(|_| goes) {
            if let Some(active) = on.get_mut(gone) {
                *active = false;
            }
        }
    }
    on
}

fn holds(condition: &Condition, on: &BTreeMap<&str, bool>) -> bool {
    let is_on = |name: &&str| on.get(*name).copied().unwrap_or_default();
    match condition {
        Condition::Needs(of) => of.iter().any(|all| all.iter().all(is_on)),
        Condition::Excluded(by) => !by.iter().any(is_on),
    }
}

/// Why a feature cannot be on in this world.
pub fn refusal(key: &LinkKey, name: &str, to: &Value, world: &World) -> Option<String> {
    // An undo may ask for what was not to be had before either.
    if !matches!(to, Value::Switch { wanted: true, active: true }) {
        return None;
    }
    if name == LRO
        && let Some(upper) = above_without_lro(key, world)
    {
        return Some(format!("{upper} above it has {LRO} off"));
    }
    let (steps, _) = group(name)?;
    let mut then = asked(key, steps, world);
    then.insert(name, true);
    let on = fixed(&then, steps, Certainty::Moves);
    if on.get(name).copied().unwrap_or_default() {
        return None;
    }
    let mine = |step: &&Step| step.feature == name && step.certainty == Certainty::Moves;
    let Some(broken) = steps.iter().filter(mine).find(|step| !holds(&step.condition, &on)) else {
        return Some("the kernel keeps it off together with what it belongs to".to_owned());
    };
    Some(match broken.condition {
        Condition::Needs(of) => {
            let missing: Vec<String> = of
                .iter()
                .map(|all| all.iter().filter(|name| !on.get(**name).copied().unwrap_or_default()).copied())
                .map(|missing| missing.collect::<Vec<&str>>().join(" and "))
                .collect();
            format!("it needs {}, which {} off", missing.join(" or "), if of.concat().len() > 1 { "are" } else { "is" })
        }
        Condition::Excluded(by) => {
            let on: Vec<&str> = by.iter().filter(|name| on.get(**name).copied().unwrap_or_default()).copied().collect();
            format!("{} is on, which excludes it", on.join(" and "))
        }
    })
}

/// The bridge, bond or team above that keeps it off: `NETIF_F_UPPER_DISABLES`.
fn above_without_lro<'a>(key: &LinkKey, world: &World<'a>) -> Option<&'a str> {
    let facts = world.facts;
    let upper = topology::master(facts, key.interface())?;
    let off = matches!(world.likely(&lro_of(upper)?), Some(Value::Switch { wanted: false, .. }));
    off.then_some(upper)
}

/// Large receive offload of a device.
pub fn lro_of(interface: &str) -> Option<Address> {
    let key = LinkKey::new(interface, LinkAttribute::Feature(FeatureName::new(LRO)?)).ok()?;
    Some(Address::link(key))
}

/// The devices below that lose large receive offload with this one.
pub fn below_with_lro<'a>(key: &'a LinkKey, world: &World<'a>) -> impl Iterator<Item = Address> {
    topology::ports(world.facts, key.interface()).filter_map(lro_of)
}
