//! The devices of random worlds, and what anybody may want of them or write to them.

use proptest::prelude::*;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;
use trimtab_kernel::fake::Device;
use trimtab_kernel::fake::FakeKernel;

use super::bench::is;
use super::bench::link;

const MTUS: &[&str] =
    &["link:eth0/mtu", "link:eth1/mtu", "link:eth1.5/mtu", "link:bond0/mtu", "link:bond0.7/mtu", "link:v0/mtu"];

/// Not what this card's driver keeps from being had: `tx-vlan-hw-insert` goes with the other direction.
const FEATURES: &[&str] = &[
    "link:v0/feature/tx-scatter-gather",
    "link:v0/feature/tx-checksum-ip-generic",
    "link:v0/feature/tx-tcp-segmentation",
    "link:v0/feature/tx-tcp-mangleid-segmentation",
    "link:v0/feature/tx-generic-segmentation",
    "link:v0/feature/tx-udp-segmentation",
    "link:v0/feature/rx-gro",
    "link:eth0/feature/rx-checksum",
    "link:eth0/feature/rx-vlan-hw-parse",
    "link:eth0/feature/tx-scatter-gather",
    "link:eth0/feature/tx-tcp6-segmentation",
    "link:eth0/feature/highdma",
    "link:eth0/feature/rx-lro",
    "link:eth1/feature/rx-gro-hw",
    "link:eth1/feature/rx-checksum",
];

const CHANNELS: &[(&str, i64)] = &[
    ("link:v0/channel/rx", 4),
    ("link:v0/channel/tx", 4),
    ("link:eth0/channel/combined", 8),
    ("link:eth1/channel/combined", 8),
];

const QUEUES: &[&str] = &[
    "link:v0/queue/rx-0/rps-cpus",
    "link:v0/queue/rx-3/rps-cpus",
    "link:v0/queue/tx-2/xps-cpus",
    "link:eth0/queue/rx-1/rps-cpus",
    "link:eth0/queue/rx-6/rps-cpus",
    "link:eth0/queue/tx-5/xps-cpus",
    "link:eth1/queue/rx-2/rps-cpus",
    "link:eth1/queue/tx-1/xps-cpus",
];

const NUMBERS: &[(&str, &[i64])] = &[
    ("link:eth0/ring/rx", &[64, 512, 1001, 1008, 4096]),
    ("link:eth0/ring/tx", &[512, 700, 4096]),
    ("link:eth1/ring/rx", &[64, 256]),
    ("link:eth0/coalesce/rx-usecs", &[0, 4, 50]),
    ("link:eth0/txqueuelen", &[1000, 77]),
    ("link:v0/gso-max-size", &[30_000, 65_536, 200_000]),
    ("link:v0/gso-ipv4-max-size", &[20_000, 65_536]),
    ("link:v0/gro-max-size", &[30_000, 65_536, 200_000]),
    ("link:v0/queue/rx-1/rps-flow-cnt", &[0, 1000, 4096]),
];

/// A card with rings that are rounded and a switch for both directions of tags, a card whose driver sets XPS, a VLAN, a bond of
/// two with a VLAN, a veth.
pub fn add(kernel: &mut FakeKernel) {
    for (name, device) in [
        ("eth0", Device::physical("igb")),
        ("eth1", Device::virtio()),
        ("eth1.5", Device::vlan_on("eth1")),
        ("bond0", Device::bond()),
        ("m0", Device::physical("ena").member_of("bond0")),
        ("m1", Device::physical("ena").member_of("bond0")),
        ("bond0.7", Device::vlan_on("bond0")),
        ("v0", Device::veth(4)),
    ] {
        kernel.add_device(name, device);
    }
    // A plan that speaks of no link asks nothing of links, and does not know what forwarding takes from them.
    kernel.set_link(&link("bond0/feature/rx-lro"), Value::switch(false));
}

fn numbers() -> impl Strategy<Value = (&'static str, i64)> {
    prop_oneof![
        3 => (prop::sample::select(MTUS), prop::sample::select(&[1280_i64, 1400, 1500, 4000, 9000])),
        2 => prop::sample::select(CHANNELS).prop_flat_map(|(name, most)| (Just(name), 1..=most)),
        3 => prop::sample::select(NUMBERS).prop_flat_map(|(name, numbers)| (Just(name), prop::sample::select(numbers))),
    ]
}

fn features() -> impl Strategy<Value = (&'static str, bool)> {
    (prop::sample::select(FEATURES), any::<bool>())
}

fn queues() -> impl Strategy<Value = (&'static str, &'static str)> {
    (prop::sample::select(QUEUES), prop::sample::select(&["", "0", "1-3", "0-3"]))
}

/// A value that somebody writes, by the name of the device's value.
pub fn value() -> impl Strategy<Value = (&'static str, Value)> {
    let bare = |name: &'static str| name.strip_prefix("link:").unwrap_or(name);
    prop_oneof![
        numbers().prop_map(move |(name, number)| (bare(name), Value::Int(number))),
        features().prop_map(move |(name, on)| (bare(name), Value::switch(on))),
        queues().prop_map(move |(name, set)| (bare(name), Value::Cpus(Ports::parse(set).unwrap()))),
    ]
}

/// A setting that somebody wants.
pub fn setting() -> impl Strategy<Value = (&'static str, Policy)> {
    prop_oneof![
        4 => numbers().prop_map(|(name, number)| (name, is(&number.to_string()))),
        1 => numbers().prop_map(|(name, number)| (name, Policy::AtLeast(Wanted::One(Scalar::Int(number))))),
        4 => features().prop_map(|(name, on)| (name, is(if on { "on" } else { "off" }))),
        3 => queues().prop_map(|(name, set)| (name, is(if set.is_empty() { "none" } else { set }))),
        1 => prop::sample::select(&["link:eth0/ring/rx", "link:eth0/channel/combined", "link:v0/channel/rx"])
            .prop_map(|name| (name, is("max"))),
    ]
}
