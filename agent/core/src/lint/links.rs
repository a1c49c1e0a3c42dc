//! Rules about interfaces.
//!
//! Sources: Documentation/networking/segmentation-offloads.rst and scaling.rst, include/linux/netdev_features.h, and what
//! net/core/dev.c `dev_disable_lro` does where packets are forwarded.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Lint;
use super::View;
use super::bounds::least;
use super::bounds::most;
use super::bounds::only;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::desired::Want;
use crate::features;
use crate::policy::Policy;

/// So many families of offloads turned off together are a recipe, not a measure against a faulty one.
const MANY: usize = 3;
/// Longer queues than any link empties in a time that somebody would wait.
const LONG_QUEUE: i64 = 10_000;
/// The least MTU of IPv6 (RFC 8200 section 5; net/ipv6/addrconf.c takes IPv6 from an interface below it).
const IPV6_LEAST: i64 = 1280;
/// The families of offloads, by ethtool's names. LRO is not among them: it is off where packets are forwarded.
const FAMILIES: [&str; 6] = ["rx", "tx", "sg", "tso", "gso", "gro"];

/// The families that are turned off on each device, and the first of the settings that do it.
type Off<'a> = BTreeMap<(&'a Option<String>, &'a str), (&'a Address, BTreeSet<&'static str>)>;

/// Advice on all wanted values of interfaces.
pub(super) fn check(view: &View<'_>, lints: &mut Vec<Lint>) {
    let mut off = Off::new();
    for (address, setting) in &view.desired.settings {
        let (Object::Link(key), Want::Decided(policy)) = (&address.object, &setting.want) else { continue };
        lints.extend(one(view, address, key, policy));
        if only(policy, &[0])
            && let Some(family) = family(key)
        {
            let of_device = off.entry((&address.netns, key.interface())).or_insert_with(|| (address, BTreeSet::new()));
            of_device.1.insert(family);
        }
    }
    for ((_, interface), (address, families)) in off {
        if families.len() < MANY {
            continue;
        }
        let names: Vec<&str> = families.into_iter().collect();
        lints.push(Lint {
            code: "cargo-cult",
            address: address.clone(),
            message: format!(
                "{} are all turned off on {interface}, so that the CPU does the device's work",
                names.join(", ")
            ),
            advice: "turn off only the one that a measurement blames".to_owned(),
        });
    }
}

/// The family of offloads that a feature belongs to.
fn family(key: &LinkKey) -> Option<&'static str> {
    let LinkAttribute::Feature(name) = key.attribute() else { return None };
    FAMILIES.into_iter().find(|family| features::members(family).is_some_and(|all| all.contains(&name.as_str())))
}

fn one(view: &View<'_>, address: &Address, key: &LinkKey, policy: &Policy) -> Option<Lint> {
    let lint = |code, message: &str, advice: &str| Lint {
        code,
        address: address.clone(),
        message: message.to_owned(),
        advice: advice.to_owned(),
    };
    match key.attribute() {
        LinkAttribute::Device(Device::Txqueuelen) if least(policy, 0)? >= LONG_QUEUE => Some(lint(
            "cargo-cult",
            "so long a queue delays packets where one is used, and fq, fq_codel and noqueue do not look at it",
            "leave the kernel's 1000",
        )),
        LinkAttribute::Device(Device::Mtu) if most(policy, 0)? < IPV6_LEAST => Some(lint(
            "no-ipv6",
            "an interface below 1280 bytes loses IPv6",
            "take 1280 or more, or clamp the segment size of TCP instead",
        )),
        LinkAttribute::Feature(name) if name.as_str() == "rx-lro" && only(policy, &[1]) => {
            let forward = SysctlKey::from_segments(["net", "ipv4", "ip_forward"]).ok()?;
            let forward = Address { netns: address.netns.clone(), object: Object::Sysctl(forward) };
            (view.coming(&forward)? != 0).then(|| {
                lint(
                    "forwarding-lro",
                    "net.ipv4.ip_forward is on, and what LRO has merged cannot be forwarded as it came: the kernel turns it off",
                    "turn it off; rx-gro merges what can be taken apart again",
                )
            })
        }
        LinkAttribute::Device(_)
        | LinkAttribute::Channel(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Feature(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_)
        | LinkAttribute::Queue(_) => None,
    }
}
