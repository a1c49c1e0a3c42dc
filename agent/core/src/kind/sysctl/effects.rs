//! What writing one sysctl moves besides itself.
//!
//! The kernel sends no event for these and no other tool shows them. Facts: net/ipv4/devinet.c
//! (`inet_forward_change`, `devinet_copy_dflt_conf`), net/ipv6/addrconf.c (`addrconf_fixup_forwarding`,
//! `addrconf_disable_ipv6`, `addrconf_sysctl_ignore_routes_with_linkdown`), checked on 6.18.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::EffectClass;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::kind::Effects;
use crate::kind::World;
use crate::kind::link;
use crate::observed::Observed;
use crate::value::Value;

/// The addresses that a write to `key` could move.
pub fn reach(key: &SysctlKey, interfaces: &BTreeSet<String>) -> Vec<Address> {
    let mut reached = Vec::new();
    let everywhere = |reached: &mut Vec<Address>, of: Option<SysctlKey>| {
        let Some(of) = of else { return };
        reached.extend(interfaces.iter().filter_map(|name| of.with_interface(name)).map(Address::sysctl));
    };
    match class(key) {
        EffectClass::None | EffectClass::ConfDefaultV4NoFan => {}
        EffectClass::ForwardingV4 => {
            reached.extend(conf("ipv4", "default", "forwarding").map(Address::sysctl));
            reached.extend(conf("ipv4", "all", "accept_redirects").map(Address::sysctl));
            everywhere(&mut reached, conf("ipv4", "all", "forwarding"));
        }
        EffectClass::ForwardingV6 => {
            reached.extend(conf("ipv6", "default", "forwarding").map(Address::sysctl));
            everywhere(&mut reached, Some(key.clone()));
            everywhere(&mut reached, conf("ipv6", "all", "force_forwarding"));
        }
        EffectClass::ConfAllFansV6 => {
            if !key.is(FORCE_FORWARDING) {
                reached.extend(key.with_interface("default").map(Address::sysctl));
            }
            everywhere(&mut reached, Some(key.clone()));
        }
        EffectClass::ConfDefaultV4 => everywhere(&mut reached, Some(key.clone())),
        EffectClass::CongestionControl => reached.extend(allowed_algorithms()),
    }
    reached
}

/// The features that go off for good where forwarding goes on: what a device has merged cannot be sent on as it came
/// (net/core/dev.c `dev_disable_lro`, called by `inet_forward_change`, `devinet_sysctl_forward` and `dev_forward_change`).
pub fn merging<'a>(key: &SysctlKey, interfaces: impl IntoIterator<Item = &'a String>) -> Vec<Address> {
    let everywhere = matches!(class(key), EffectClass::ForwardingV4 | EffectClass::ForwardingV6);
    if !everywhere && key.name() != "forwarding" {
        return Vec::new();
    }
    let own = |name: &&String| everywhere || key.interface() == Some(name.as_str());
    interfaces.into_iter().filter(own).filter_map(|name| link::lro_of(name)).collect()
}

/// What a write of `to` moves in this world.
pub fn effects(key: &SysctlKey, to: &Value, world: &World) -> Effects {
    let mut effects = Effects::default();
    match class(key) {
        EffectClass::None | EffectClass::ConfDefaultV4NoFan => {}
        EffectClass::ForwardingV4 => {
            for address in reach(key, world.interfaces) {
                let after = if address.local_name().ends_with(".accept_redirects") { inverse(to) } else { to.clone() };
                moves(&mut effects, world, address, after);
            }
        }
        EffectClass::ForwardingV6 => {
            for address in reach(key, world.interfaces) {
                let forced = address.local_name().ends_with(".force_forwarding");
                if forced && *to != Value::Int(0) {
                    continue;
                }
                moves(&mut effects, world, address, to.clone());
            }
        }
        EffectClass::ConfAllFansV6 => {
            for address in reach(key, world.interfaces) {
                moves(&mut effects, world, address, to.clone());
            }
        }
        EffectClass::ConfDefaultV4 => fan_out(&mut effects, key, to, world),
        EffectClass::CongestionControl => allow_algorithm(&mut effects, to, world),
    }
    if *to != Value::Int(0) {
        for address in merging(key, world.interfaces) {
            stops_merging(&mut effects, address, world);
        }
    }
    effects
}

fn stops_merging(effects: &mut Effects, address: Address, world: &World) {
    let changeable = matches!(world.read(&address), Observed::Value { writable: true, .. });
    if changeable && let Some(from @ Value::Switch { active: true, .. }) = world.likely(&address) {
        let (from, to) = (from.clone(), Some(Value::switch(false)));
        effects.moves.push(Effect { address, from, to, certainty: Certainty::Moves });
    }
}

/// The class of the catalogue. Of `conf.default` keys that it does not know, all are taken to fan out, as most do.
fn class(key: &SysctlKey) -> EffectClass {
    if key.is(FORCE_FORWARDING) {
        return EffectClass::ConfAllFansV6;
    }
    let unknown_default =
        key.interface() == Some("default") && key.segments().nth(1) == Some("ipv4") && catalogue::find(key).is_none();
    if unknown_default { EffectClass::ConfDefaultV4 } else { catalogue::effect(key) }
}

/// Reaches every interface but not `default`, unlike its siblings (measured on 6.18).
const FORCE_FORWARDING: &str = "net.ipv6.conf.all.force_forwarding";

fn conf(family: &str, interface: &str, name: &str) -> Option<SysctlKey> {
    SysctlKey::from_segments(["net", family, "conf", interface, name]).ok()
}

fn allowed_algorithms() -> Option<Address> {
    SysctlKey::from_segments(["net", "ipv4", "tcp_allowed_congestion_control"]).ok().map(Address::sysctl)
}

fn inverse(value: &Value) -> Value {
    Value::Int(i64::from(*value == Value::Int(0)))
}

/// Something that certainly becomes `after`; nothing, if it is that already or does not exist.
fn moves(effects: &mut Effects, world: &World, address: Address, after: Value) {
    let possible = world.possible(&address);
    let Some(from) = possible.first() else { return };
    if possible.iter().all(|value| *value == after) {
        return;
    }
    effects.moves.push(Effect { from: from.clone(), address, to: Some(after), certainty: Certainty::Moves });
}

/// The kernel copies a new default to every interface whose own value was never set. It was set if it differs from the
/// old default, or if the interface ever had an IPv4 address (`ipv4_devconf_setall`); otherwise nobody can tell.
fn fan_out(effects: &mut Effects, key: &SysctlKey, to: &Value, world: &World) {
    let old_defaults = world.possible(&Address::sysctl(key.clone()));
    for name in world.interfaces {
        let Some(address) = key.with_interface(name).map(Address::sysctl) else { continue };
        let possible = world.possible(&address);
        let Some(from) = possible.first() else { continue };
        let was_set = world.addressed.contains(name) || !possible.iter().any(|value| old_defaults.contains(value));
        if was_set {
            effects.stays.push(address);
        } else if possible.iter().any(|value| value != to) {
            let effect = Effect { from: from.clone(), address, to: Some(to.clone()), certainty: Certainty::MayMove };
            effects.moves.push(effect);
        }
    }
}

/// An algorithm that becomes the default of the initial namespace becomes allowed for everybody
/// (net/ipv4/tcp_cong.c, `tcp_set_default_congestion_control`).
fn allow_algorithm(effects: &mut Effects, to: &Value, world: &World) {
    let (Value::Text(algorithm), Some(address)) = (to, allowed_algorithms()) else { return };
    let Some(Value::Words(allowed)) = world.likely(&address) else { return };
    if !world.host.netns.initial || allowed.contains(algorithm) {
        return;
    }
    let from = Value::Words(allowed.clone());
    // The kernel lists them in the order of its own registry.
    effects.moves.push(Effect { address, from, to: None, certainty: Certainty::Moves });
}
