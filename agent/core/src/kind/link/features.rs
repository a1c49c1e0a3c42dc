//! How the features of one device depend on each other.
//!
//! What is asked for and what the kernel makes of it differ: net/core/dev.c `netdev_fix_features` takes away what cannot
//! work without something else, and gives it back once that is on again (measured on 6.18 with veth). Drivers take away
//! more; what several of them do is foretold as what may move.

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

/// The features that steps speak of, in order, each with a bit of its own.
const NAMES: &[&str] = &[
    RX_CSUM,
    FCS,
    GRO,
    GRO_HW,
    LRO,
    TLS_RX,
    TLS_TX,
    CSUM,
    CSUM4,
    CSUM6,
    GSO,
    "tx-gre-csum-segmentation",
    "tx-gre-segmentation",
    PARTIAL,
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    SG,
    ECN,
    MANGLEID,
    TSO,
    TSO6,
    USO,
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
];
const SENDING_NAMES: &[&str] = &[SG, CSUM, CSUM4, CSUM6, TSO, TSO6, MANGLEID, ECN, GSO, PARTIAL, USO, TLS_TX];
const RECEIVING_NAMES: &[&str] = &[RX_CSUM, GRO, GRO_HW, LRO, FCS, TLS_RX];

/// A set of features, one bit each: worked out for every feature of every device, several times.
type Bits = u32;

/// The bit of a name. For one that is not in [`NAMES`] this does not compile.
const fn bit(name: &str) -> Bits {
    let mut at = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses what is out of range")]
    while !same(NAMES[at], name) {
        at += 1;
    }
    1 << at
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses what is out of range")]
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// What a feature depends on.
enum Condition {
    /// All features of one of these sets must be on.
    Needs(&'static [Bits]),
    /// None of these may be on.
    Excluded(Bits),
}

/// One step of the kernel's, in its order.
struct Step {
    feature: Bits,
    condition: Condition,
    certainty: Certainty,
    /// What goes along where the feature goes.
    along: Bits,
}

const fn needs(feature: Bits, of: &'static [Bits]) -> Step {
    Step { feature, condition: Condition::Needs(of), certainty: Certainty::Moves, along: 0 }
}

const fn excluded(feature: Bits, by: Bits) -> Step {
    Step { feature, condition: Condition::Excluded(by), certainty: Certainty::Moves, along: 0 }
}

/// What some drivers do and others do not.
const fn may_need(feature: Bits, of: &'static [Bits]) -> Step {
    Step { feature, condition: Condition::Needs(of), certainty: Certainty::MayMove, along: 0 }
}

const SENDING: &[Step] = &[
    excluded(bit(CSUM4), bit(CSUM)),
    excluded(bit(CSUM6), bit(CSUM)),
    needs(bit(TSO), &[bit(SG)]),
    needs(bit(TSO6), &[bit(SG)]),
    needs(bit(MANGLEID), &[bit(SG)]),
    needs(bit(ECN), &[bit(SG)]),
    Step { along: bit(ECN), ..needs(bit(TSO), &[bit(CSUM), bit(CSUM4)]) },
    needs(bit(TSO6), &[bit(CSUM), bit(CSUM6)]),
    needs(bit(MANGLEID), &[bit(TSO)]),
    needs(bit(ECN), &[bit(TSO), bit(TSO6), bit(MANGLEID)]),
    needs(bit(GSO), &[bit(SG)]),
    may_need(bit("tx-gre-csum-segmentation"), &[bit(PARTIAL)]),
    may_need(bit("tx-gre-segmentation"), &[bit(PARTIAL)]),
    may_need(bit("tx-ipxip4-segmentation"), &[bit(PARTIAL)]),
    may_need(bit("tx-ipxip6-segmentation"), &[bit(PARTIAL)]),
    may_need(bit("tx-udp_tnl-csum-segmentation"), &[bit(PARTIAL)]),
    may_need(bit("tx-udp_tnl-segmentation"), &[bit(PARTIAL)]),
    needs(bit(TLS_TX), &[bit(CSUM), bit(CSUM4) | bit(CSUM6)]),
    needs(bit(USO), &[bit(CSUM), bit(CSUM4) | bit(CSUM6)]),
];

const RECEIVING: &[Step] = &[
    needs(bit(GRO_HW), &[bit(RX_CSUM)]),
    excluded(bit(LRO), bit(FCS)),
    excluded(bit(GRO_HW), bit(FCS)),
    excluded(bit(LRO), bit(GRO_HW)),
    needs(bit(TLS_RX), &[bit(RX_CSUM)]),
    // `ixgbe_fix_features`, `vmxnet3_fix_features`; `bnxt_fix_features`, `mlx5e_fix_features`.
    may_need(bit(LRO), &[bit(RX_CSUM)]),
    may_need(bit(GRO_HW), &[bit(GRO)]),
];

/// The steps that a feature has a part in, with the features that decide in them.
fn group(name: &str) -> Option<(&'static [Step], &'static [&'static str])> {
    if SENDING_NAMES.contains(&name) || GSO_PARTIAL.contains(&name) {
        Some((SENDING, SENDING_NAMES))
    } else if RECEIVING_NAMES.contains(&name) {
        Some((RECEIVING, RECEIVING_NAMES))
    } else {
        None
    }
}

/// The bit of a name, if steps speak of it.
fn bit_of(name: &str) -> Option<Bits> {
    NAMES.iter().position(|known| *known == name).map(|at| 1 << at)
}

/// The names of a set.
fn names(set: Bits) -> Vec<&'static str> {
    NAMES.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, name)| *name).collect()
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
    if let (Some((steps, _)), Some(own)) = (group(name), bit_of(name)) {
        let now = asked(key, world);
        let then = if *wanted { now.on | own } else { now.on & !own };
        let before = Fixed::of(now.on, steps);
        let after = Fixed::of(then, steps);
        // Where a driver may hold it back, nobody can be sure.
        let surely = (before.kernel ^ after.kernel) & !(after.kernel ^ after.drivers);
        let changed = (before.kernel ^ after.kernel) | (before.drivers ^ after.drivers);
        for other in names(changed & now.present & !own) {
            let bit = bit_of(other).unwrap_or_default();
            let certainty = if surely & bit == 0 { Certainty::MayMove } else { Certainty::Moves };
            let by_kernel = (before.kernel ^ after.kernel) & bit != 0;
            let active = if by_kernel { after.kernel } else { after.drivers } & bit != 0;
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

/// What is asked of the features of a device.
struct Asked {
    /// Those that the device has.
    present: Bits,
    /// Those that are asked to be on; of one that cannot be changed, whether it is.
    on: Bits,
}

fn asked(key: &LinkKey, world: &World) -> Asked {
    let mut asked = Asked { present: 0, on: 0 };
    // The features of one device stand together, so that one look-up finds them all.
    for (address, likely, observed) in world.between(&before_features(key), &behind_features(key)) {
        let Object::Link(other) = &address.object else { continue };
        let (LinkAttribute::Feature(name), Some(Value::Switch { wanted, active })) = (other.attribute(), likely) else {
            continue;
        };
        let Some(bit) = bit_of(name.as_str()) else { continue };
        let writable = matches!(observed, Observed::Value { writable: true, .. });
        asked.present |= bit;
        if if writable { *wanted } else { *active } {
            asked.on |= bit;
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

/// What becomes of what is asked.
struct Fixed {
    /// By what every kernel does.
    kernel: Bits,
    /// By what some drivers do too.
    drivers: Bits,
}

impl Fixed {
    fn of(asked: Bits, steps: &[Step]) -> Fixed {
        let mut fixed = Fixed { kernel: asked, drivers: asked };
        for step in steps {
            let gone = |on: Bits| {
                if holds(&step.condition, on) || on & step.feature == 0 { 0 } else { step.feature | step.along }
            };
            fixed.drivers &= !gone(fixed.drivers);
            if step.certainty == Certainty::Moves {
                fixed.kernel &= !gone(fixed.kernel);
            }
        }
        fixed
    }
}

fn holds(condition: &Condition, on: Bits) -> bool {
    match condition {
        Condition::Needs(of) => of.iter().any(|all| on & all == *all),
        Condition::Excluded(by) => on & by == 0,
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
    let own = bit_of(name)?;
    let on = Fixed::of(asked(key, world).on | own, steps).kernel;
    if on & own != 0 {
        return None;
    }
    let mine = |step: &&Step| step.feature == own && step.certainty == Certainty::Moves;
    let Some(broken) = steps.iter().filter(mine).find(|step| !holds(&step.condition, on)) else {
        return Some("the kernel keeps it off together with what it belongs to".to_owned());
    };
    Some(match broken.condition {
        Condition::Needs(of) => {
            let missing: Vec<String> = of.iter().map(|all| names(all & !on).join(" and ")).collect();
            let several = of.iter().map(|all| all.count_ones()).sum::<u32>() > 1;
            format!("it needs {}, which {} off", missing.join(" or "), if several { "are" } else { "is" })
        }
        Condition::Excluded(by) => format!("{} is on, which excludes it", names(by & on).join(" and ")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_bit_of_its_own() {
        assert!(NAMES.is_sorted() && NAMES.len() <= 32);
        for name in SENDING_NAMES.iter().chain(RECEIVING_NAMES).chain(GSO_PARTIAL) {
            assert_eq!(names(bit_of(name).unwrap()), [*name]);
        }
        assert_eq!(bit(TSO), bit_of(TSO).unwrap());
    }
}
