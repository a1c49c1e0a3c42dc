//! The fake devices against the real kernel's, of the kinds that any kernel can make; and the laws of those that it cannot
//! make here, as their drivers have them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::address::LinkKey;
use trimtab_core::facts::Asked;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::LinkFacts;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;

use super::Device;
use super::Rounding;
use super::features;
use crate::Kernel;
use crate::WriteError;
use crate::fake::Event;
use crate::fake::FakeKernel;
use crate::fake::Fault;
use crate::live::LiveKernel;
use crate::testing::in_new_netns;
use crate::testing::run;

fn key(text: &str) -> LinkKey {
    text.parse().unwrap()
}

fn address(text: &str) -> Address {
    Address::link(key(text))
}

fn cpus(text: &str) -> Value {
    Value::Cpus(Ports::parse(text).unwrap())
}

fn on(wanted: bool) -> Value {
    Value::switch(wanted)
}

/// How a write went: the errno, and the kernel's words where it said any.
fn outcome(outcome: Result<(), WriteError>) -> Result<(), (Option<i32>, Option<String>)> {
    match outcome {
        Ok(()) => Ok(()),
        Err(WriteError::Refused { source, .. }) => Err((source.raw_os_error(), None)),
        Err(WriteError::Netlink { source, .. }) => match *source {
            trimtab_netlink::Error::Refused(refusal) => Err((Some(refusal.errno), refusal.message)),
            trimtab_netlink::Error::NoName { name, .. } => Err((None, Some(name))),
            other @ (trimtab_netlink::Error::Malformed { .. }
            | trimtab_netlink::Error::Overrun { .. }
            | trimtab_netlink::Error::Interrupted { .. }
            | trimtab_netlink::Error::NoAnswer { .. }
            | trimtab_netlink::Error::NoFamily { .. }
            | trimtab_netlink::Error::NoGroup { .. }
            | trimtab_netlink::Error::NoCommand { .. }
            | trimtab_netlink::Error::Oversize { .. }
            | trimtab_netlink::Error::Io { .. }) => panic!("{other}"),
        },
        Err(other @ (WriteError::Elsewhere { .. } | WriteError::Short { .. } | WriteError::CarrierLost { .. })) => {
            panic!("{other}")
        }
    }
}

/// A fake and a real kernel that are told the same things.
struct Pair {
    fake: FakeKernel,
    live: LiveKernel,
    said: Vec<String>,
}

impl Pair {
    fn new() -> Pair {
        let mut live = LiveKernel::open(None).unwrap();
        let mut fake = FakeKernel::child("blue");
        fake.set_identity(live.identity().clone());
        let facts = live.facts();
        for name in ["host.hz", "host.cpus", "host.cpus_possible"] {
            fake.set_fact(name, facts.get(name).unwrap().clone());
        }
        Pair { fake, live, said: Vec::new() }
    }

    fn ip(&mut self, arguments: &str) {
        self.said.push(format!("ip {arguments}"));
        run("ip", &arguments.split(' ').collect::<Vec<_>>());
    }

    fn veth(&mut self, one: &str, other: &str, queues: u16) {
        let of = format!("numrxqueues {queues} numtxqueues {queues}");
        self.ip(&format!("link add {one} {of} type veth peer name {other} {of}"));
        // The kernel makes the peer first.
        self.fake.add_device(other, Device::veth(queues));
        self.fake.add_device(one, Device::veth(queues));
    }

    fn add(&mut self, arguments: &str, name: &str, device: Device) {
        self.ip(&format!("link add {arguments}"));
        self.fake.add_device(name, device);
    }

    /// One message to both, and everything compared.
    fn write(&mut self, cells: &[(&str, Value)]) -> bool {
        let told: Vec<String> = cells.iter().map(|(text, value)| format!("{text} = {value}")).collect();
        self.said.push(told.join(", "));
        let cells: Vec<(Address, Value)> = cells.iter().map(|(text, value)| (address(text), value.clone())).collect();
        let (fake, live) = (outcome(self.fake.write(&cells, None)), outcome(self.live.write(&cells, None)));
        assert_eq!(fake, live, "fake, real after {:#?}", self.said);
        self.compare();
        fake.is_ok()
    }

    /// Every value of every device that the fake has laws for.
    fn compare(&mut self) {
        let mut addresses: BTreeSet<Address> = self.fake.list(Kind::Link).unwrap().into_iter().collect();
        addresses.extend(self.live.list(Kind::Link).unwrap());
        let addresses: Vec<Address> = addresses.into_iter().collect();
        let (fake, live) = (self.fake.read(&addresses), self.live.read(&addresses));
        let mut differ = Vec::new();
        for ((address, fake), live) in addresses.iter().zip(fake).zip(live) {
            if fake != live && !(fake == Reading::Absent && self.has_features_of_others(address)) {
                differ.push(format!("{address}: fake {fake:?}, real {live:?}"));
            }
        }
        assert!(differ.is_empty(), "{differ:#?} after {:#?}", self.said);
        assert!(addresses.len() > 60, "{}", addresses.len());
        self.compare_keys();
    }

    fn has_features_of_others(&self, address: &Address) -> bool {
        let name = address.interface().unwrap_or_default();
        address.local_name().contains("/feature/") && (name.starts_with("br") || name.starts_with("mv"))
    }

    /// Which interfaces have IPv6.
    fn compare_keys(&mut self) {
        let names = self.live.interfaces().unwrap();
        assert_eq!(self.fake.interfaces().unwrap(), names);
        let keys: Vec<Address> = names
            .iter()
            .map(|name| format!("sysctl:net.ipv6.conf.{}.accept_ra", name.replace('.', "/")).parse().unwrap())
            .collect();
        assert_eq!(self.fake.read(&keys), self.live.read(&keys), "{names:?} after {:#?}", self.said);
    }

    fn compare_facts(&mut self) {
        let names = self.live.interfaces().unwrap();
        for asked in [Asked::All, Asked::for_rules(), Asked::Only(["master".to_owned()].into())] {
            self.compare_facts_asked(&names, &asked);
        }
        let plain = |mut links: InterfaceIds| {
            for link in links.values_mut() {
                (link.permanent_address, link.node) = (None, None);
            }
            links
        };
        assert_eq!(plain(self.fake.links().unwrap().unwrap()), plain(self.live.links().unwrap().unwrap()));
    }

    fn compare_facts_asked(&mut self, names: &BTreeSet<String>, asked: &Asked) {
        let fake = self.fake.link_facts(names, asked);
        let live = self.live.link_facts(names, asked);
        // What nobody can foretell, or the fake does not tell.
        let told = |facts: &LinkFacts| -> BTreeMap<String, FactValue> {
            let kept = facts.iter().filter(|(name, _)| {
                !["carrier", "default_route", "permanent_address", "speed"].contains(&name.as_ref())
            });
            kept.map(|(name, fact)| (name.to_string(), fact.value.clone())).collect()
        };
        for name in names {
            assert_eq!(told(&fake[name]), told(&live[name]), "{name}, asked for {asked:?}");
        }
    }
}

fn against_the_real_kernel(test: &str, script: fn(&mut Pair)) {
    in_new_netns(test, move || script(&mut Pair::new()));
}

#[test]
fn devices_are_born_alike() {
    against_the_real_kernel("devices_are_born_alike", |pair| {
        pair.compare();
        pair.veth("v0", "v1.7", 4);
        pair.veth("w0", "w1", 1);
        pair.compare();
        pair.add("br0 type bridge", "br0", Device::bridge());
        pair.add("mv0 link v0 type macvlan", "mv0", Device::macvlan_on("v0"));
        pair.compare();
        pair.compare_facts();
        pair.ip("link set v0 name lan0");
        pair.fake.rename_interface("v0", "lan0");
        pair.compare();
        pair.compare_facts();
        pair.ip("link delete lan0");
        pair.fake.remove_interface("lan0");
        pair.fake.remove_interface("v1.7");
        pair.compare();
        // A name that comes again has another number.
        pair.veth("lan0", "v1.7", 2);
        pair.compare_facts();
    });
}

#[test]
fn features_fall_and_rise_alike() {
    against_the_real_kernel("features_fall_and_rise_alike", |pair| {
        pair.veth("v0", "v1", 2);
        for name in features::NAMES {
            pair.write(&[(&format!("v0/feature/{name}"), on(false))]);
            pair.write(&[(&format!("v0/feature/{name}"), on(true))]);
        }
        // Of several, what is fixed is not taken and the rest is; of what is unknown, nothing.
        pair.write(&[("v0/feature/rx-lro", on(true)), ("v0/feature/rx-gro", on(true))]);
        pair.write(&[("v0/feature/rx-lro", on(true))]);
        pair.write(&[("v0/feature/tx-warp-drive", on(true)), ("v0/feature/rx-gro", on(false))]);
        pair.write(&[("lo/feature/tx-scatter-gather", on(false)), ("lo/feature/rx-gro", on(false))]);
        for name in features::NAMES.iter().rev() {
            pair.write(&[(&format!("v1/feature/{name}"), on(false)), ("v1/feature/rx-gro", on(true))]);
        }
        for name in features::NAMES {
            pair.write(&[(&format!("v1/feature/{name}"), on(true))]);
        }
    });
}

#[test]
fn channels_take_their_queues_along_alike() {
    against_the_real_kernel("channels_take_their_queues_along_alike", |pair| {
        pair.veth("v0", "v1", 4);
        pair.write(&[("v0/queue/rx-0/rps-cpus", cpus("0"))]);
        pair.write(&[("v0/queue/rx-3/rps-cpus", cpus("0-1"))]);
        pair.write(&[("v0/queue/rx-3/rps-flow-cnt", Value::Int(1000))]);
        pair.write(&[("v0/queue/tx-1/xps-cpus", cpus("1"))]);
        pair.write(&[("v0/queue/tx-3/xps-cpus", cpus("0-1"))]);
        pair.write(&[("v0/queue/tx-2/xps-rxqs", cpus("0,3"))]);
        pair.write(&[("v0/channel/rx", Value::Int(4))]);
        pair.write(&[("v0/channel/rx", Value::Int(2)), ("v0/channel/tx", Value::Int(3))]);
        pair.write(&[("v0/channel/rx", Value::Int(4)), ("v0/channel/tx", Value::Int(4))]);
        pair.write(&[("v0/channel/tx", Value::Int(1))]);
        for refused in [
            vec![("v0/channel/rx", Value::Int(5))],
            vec![("v0/channel/rx", Value::Int(1)), ("v0/channel/tx", Value::Int(5))],
            vec![("v0/channel/rx", Value::Int(0))],
            vec![("v0/channel/combined", Value::Int(1))],
            vec![("v0/channel/rx-max", Value::Int(1))],
            vec![("v0/channel/rx", Value::Int(-1))],
            vec![("v0/channel/rx", on(true))],
            vec![("v0/channel/rx", Value::Int(1)), ("v1/channel/rx", Value::Int(1))],
            vec![("v0/channel/rx", Value::Int(1)), ("v0/mtu", Value::Int(1400))],
            vec![("br7/channel/rx", Value::Int(1))],
            vec![("lo/channel/rx", Value::Int(1))],
            vec![("v0/ring/rx", Value::Int(512))],
            vec![("v0/coalesce/rx-usecs", Value::Int(5))],
            vec![("v0/pause/rx", on(true))],
            vec![("v0/queue/tx-3/xps-cpus", cpus("0"))],
            vec![("v0/queue/rx-0/rps-cpus", cpus("5000"))],
            vec![("v0/queue/tx-0/xps-rxqs", cpus("4"))],
            vec![("lo/queue/tx-0/xps-cpus", cpus("0"))],
        ] {
            assert!(!pair.write(&refused), "{refused:?}");
        }
        for count in [0, 1, 2, 3, 5, 4096, 4097] {
            pair.write(&[("v0/queue/rx-0/rps-flow-cnt", Value::Int(count))]);
        }
        for set in ["", "0", "1", "0-1"] {
            pair.write(&[("v0/queue/rx-1/rps-cpus", cpus(set))]);
            pair.write(&[("v0/queue/tx-0/xps-cpus", cpus(set))]);
            pair.write(&[("v0/queue/tx-0/xps-rxqs", cpus(set))]);
        }
    });
}

#[test]
fn sizes_are_bounded_alike() {
    against_the_real_kernel("sizes_are_bounded_alike", |pair| {
        pair.veth("v0", "v1", 1);
        for name in ["gso-max-size", "gso-ipv4-max-size", "gro-max-size", "gro-ipv4-max-size"] {
            for size in [0, 1, 100, 400, 1000, 65_535, 65_536, 65_537, 524_280, 524_281, 32_768, 4_294_967_295] {
                pair.write(&[(&format!("v0/{name}"), Value::Int(size))]);
            }
        }
        for segments in [0, 1, 100, 65_535, 65_536] {
            pair.write(&[("v0/gso-max-segs", Value::Int(segments))]);
        }
        for length in [0, 1, 77, 1_000_000, 4_294_967_295, 4_294_967_296, -1] {
            pair.write(&[("v0/txqueuelen", Value::Int(length))]);
        }
        for mtu in [67, 68, 1279, 1280, 576, 1400, 1400, 65_535, 65_536, 1500, 0] {
            pair.write(&[("v0/mtu", Value::Int(mtu))]);
        }
        for mtu in [0, 1, 1000, 1500, 65_536, 100_000] {
            pair.write(&[("lo/mtu", Value::Int(mtu))]);
        }
        for name in ["mtu-min", "mtu-max", "tso-max-size", "tso-max-segs"] {
            assert!(!pair.write(&[(&format!("v0/{name}"), Value::Int(1000))]));
        }
        // One after the other, up to the first that is refused.
        pair.write(&[("v1/mtu", Value::Int(1400)), ("v1/gso-max-segs", Value::Int(70_000))]);
    });
}

#[test]
fn an_mtu_goes_up_and_down_a_stack_alike() {
    against_the_real_kernel("an_mtu_goes_up_and_down_a_stack_alike", |pair| {
        pair.veth("v0", "v1", 1);
        pair.veth("w0", "w1", 1);
        pair.add("mv0 link v0 type macvlan", "mv0", Device::macvlan_on("v0"));
        pair.add("mv1 link v0 type macvlan", "mv1", Device::macvlan_on("v0"));
        for (name, mtu) in [
            ("v0", 1400),
            ("v0", 1500),
            ("mv0", 1450),
            ("mv0", 1600),
            ("v0", 9000),
            ("mv0", 5000),
            ("v0", 4000),
            ("v0", 1000),
            ("v0", 1500),
            ("mv0", 1500),
        ] {
            pair.write(&[(&format!("{name}/mtu"), Value::Int(mtu))]);
        }
        pair.add("br0 type bridge", "br0", Device::bridge());
        for port in ["v1", "w0"] {
            pair.ip(&format!("link set {port} master br0"));
        }
        // The same devices, as ports: their MTU is 1500 still.
        pair.fake.enslave("v1", "br0");
        pair.fake.enslave("w0", "br0");
        for (name, mtu) in
            [("v1", 1400), ("w0", 1300), ("w0", 9000), ("v1", 9000), ("br0", 2000), ("v1", 1500), ("br0", 70_000)]
        {
            pair.write(&[(&format!("{name}/mtu"), Value::Int(mtu))]);
        }
    });
}

#[test]
fn any_sequence_of_messages_leaves_both_alike() {
    use proptest::prelude::*;
    use proptest::test_runner::Config;
    use proptest::test_runner::RngAlgorithm;
    use proptest::test_runner::TestRng;
    use proptest::test_runner::TestRunner;
    in_new_netns("any_sequence_of_messages_leaves_both_alike", || {
        let feature = (prop::sample::select(features::NAMES), any::<bool>())
            .prop_map(|(name, wanted)| (format!("feature/{name}"), on(wanted)));
        let features = prop::collection::vec(feature, 1..6);
        let channel = (prop::sample::select(&["rx", "tx"]), 0..6_i64)
            .prop_map(|(name, count)| (format!("channel/{name}"), Value::Int(count)));
        let channels = prop::collection::vec(channel, 1..3);
        let queue = (prop::sample::select(&["rx-N/rps-cpus", "tx-N/xps-cpus"]), 0..4_u8, 0..4_u8).prop_map(
            |(name, index, set)| {
                let set = ["", "0", "1", "0-1"][usize::from(set)];
                (format!("queue/{}", name.replace('N', &index.to_string())), cpus(set))
            },
        );
        let size = (
            prop::sample::select(&["mtu", "txqueuelen", "gso-max-size", "gro-max-size", "gso-ipv4-max-size"]),
            prop_oneof![Just(1000_i64), Just(1280), Just(1500), Just(65_536), Just(65_537), 0..70_000_i64],
        )
            .prop_map(|(name, size)| (name.to_owned(), Value::Int(size)));
        let message = prop_oneof![
            3 => features,
            3 => channels,
            3 => queue.prop_map(|cell| vec![cell]),
            2 => size.prop_map(|cell| vec![cell]),
        ];
        let step = (prop::sample::select(&["v0", "v1"]), message);
        // The same cases at every run; PROPTEST_CASES widens the search.
        let cases = std::env::var("PROPTEST_CASES").map_or(24, |text| text.parse().unwrap());
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        runner
            .run(&prop::collection::vec(step, 1..12), |steps| {
                let alike = in_new_netns("case", move || {
                    let mut pair = Pair::new();
                    pair.veth("v0", "v1", 4);
                    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        for (name, cells) in &steps {
                            // No message says one thing twice.
                            let cells: BTreeMap<String, Value> =
                                cells.iter().map(|(rest, value)| (format!("{name}/{rest}"), value.clone())).collect();
                            let cells: Vec<(&str, Value)> =
                                cells.iter().map(|(text, value)| (text.as_str(), value.clone())).collect();
                            pair.write(&cells);
                        }
                    }));
                    told.map_err(|_| pair.said.join("; "))
                });
                prop_assert_eq!(alike.unwrap(), Ok(()));
                Ok(())
            })
            .unwrap();
    });
}

fn kernel(devices: &[(&str, Device)]) -> FakeKernel {
    let mut kernel = FakeKernel::new();
    for (name, device) in devices {
        kernel.add_device(name, device.clone());
    }
    kernel
}

fn write(kernel: &mut FakeKernel, cells: &[(&str, Value)]) -> Result<(), (Option<i32>, Option<String>)> {
    let cells: Vec<(Address, Value)> = cells.iter().map(|(text, value)| (address(text), value.clone())).collect();
    outcome(kernel.write(&cells, None))
}

fn value(kernel: &FakeKernel, text: &str) -> Value {
    kernel.link(&key(text)).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn drivers_round_and_refuse_rings() {
    for (rounding, told, held) in [
        (Rounding::Exact, 1000, 1000),
        (Rounding::Up { step: 8, least: 80 }, 1001, 1008),
        (Rounding::Up { step: 8, least: 80 }, 3, 80),
        (Rounding::UpToPower, 1000, 1024),
        (Rounding::UpToPower, 4096, 4096),
        (Rounding::DownToPower, 1000, 512),
        (Rounding::DownToPower, 0, 1),
        (Rounding::Buffers, 1000, 1024),
    ] {
        let mut kernel = kernel(&[("eth0", Device::physical("other").rounding(rounding))]);
        write(&mut kernel, &[("eth0/ring/rx", Value::Int(told)), ("eth0/ring/tx", Value::Int(1024))]).unwrap();
        assert_eq!(value(&kernel, "eth0/ring/rx"), Value::Int(held), "{rounding:?}");
        let past = write(&mut kernel, &[("eth0/ring/tx", Value::Int(512)), ("eth0/ring/rx", Value::Int(4097))]);
        let words = "requested ring size exceeds maximum".to_owned();
        assert_eq!(past, Err((Some(libc::EINVAL), Some(words))));
        assert_eq!(value(&kernel, "eth0/ring/tx"), Value::Int(1024));
    }
}

#[test]
fn vlans_are_cut_back_and_bonds_give() {
    let mut kernel = kernel(&[
        ("bond0", Device::bond()),
        ("eth0", Device::physical("igb").member_of("bond0")),
        ("eth1", Device::physical("igb").member_of("bond0")),
        ("bond0.5", Device::vlan_on("bond0")),
    ]);
    let mtu = |to| [("bond0/mtu", Value::Int(to))];
    write(&mut kernel, &mtu(9000)).unwrap();
    assert_eq!(value(&kernel, "eth1/mtu"), Value::Int(9000));
    assert_eq!(value(&kernel, "bond0.5/mtu"), Value::Int(1500));
    write(&mut kernel, &[("bond0.5/mtu", Value::Int(9000))]).unwrap();
    assert_eq!(write(&mut kernel, &[("bond0.5/mtu", Value::Int(9001))]), Err((Some(libc::ERANGE), None)));
    // What one member refuses, none has.
    write(&mut kernel, &mtu(9500)).unwrap_err();
    assert_eq!(value(&kernel, "eth0/mtu"), Value::Int(9000));
    write(&mut kernel, &mtu(1500)).unwrap();
    assert_eq!(value(&kernel, "bond0.5/mtu"), Value::Int(1500));
    write(&mut kernel, &mtu(9000)).unwrap();
    assert_eq!(value(&kernel, "bond0.5/mtu"), Value::Int(1500));
    kernel.remove_interface("bond0");
    assert_eq!(kernel.interfaces().unwrap(), ["eth0", "eth1", "lo"].map(str::to_owned).into());
}

#[test]
fn what_forwards_merges_nothing() {
    let mut kernel = kernel(&[
        ("bond0", Device::bond()),
        ("eth0", Device::physical("ixgbe").member_of("bond0")),
        ("eth1", Device::physical("ixgbe")),
    ]);
    let merges = |kernel: &FakeKernel, name: &str| value(kernel, &format!("{name}/feature/rx-lro"));
    assert_eq!(merges(&kernel, "eth0"), on(true));
    write(&mut kernel, &[("bond0/feature/rx-lro", on(false))]).unwrap();
    assert_eq!(merges(&kernel, "eth0"), on(false));
    write(&mut kernel, &[("eth0/feature/rx-lro", on(true))]).unwrap();
    assert_eq!(merges(&kernel, "eth0"), Value::Switch { wanted: true, active: false });
    write(&mut kernel, &[("eth1/feature/rx-checksum", on(false))]).unwrap();
    assert_eq!(merges(&kernel, "eth1"), Value::Switch { wanted: true, active: false });
    write(&mut kernel, &[("eth1/feature/rx-checksum", on(true))]).unwrap();
    kernel.foreign_write(&"net.ipv4.ip_forward".parse().unwrap(), "1").unwrap();
    kernel.foreign_write(&"net.ipv4.ip_forward".parse().unwrap(), "0").unwrap();
    assert_eq!(merges(&kernel, "eth1"), on(false));
}

#[test]
fn drivers_of_many_queues_set_xps_themselves() {
    let mut kernel = kernel(&[("eth0", Device::virtio())]);
    assert_eq!(value(&kernel, "eth0/queue/tx-3/xps-cpus"), cpus("3"));
    write(&mut kernel, &[("eth0/queue/tx-0/xps-cpus", cpus("0-3"))]).unwrap();
    write(&mut kernel, &[("eth0/queue/rx-0/rps-cpus", cpus("0-3"))]).unwrap();
    write(&mut kernel, &[("eth0/channel/combined", Value::Int(2))]).unwrap();
    assert_eq!(value(&kernel, "eth0/queue/tx-0/xps-cpus"), cpus("0-1"));
    assert_eq!(value(&kernel, "eth0/queue/tx-1/xps-cpus"), cpus("2-3"));
    assert_eq!(value(&kernel, "eth0/queue/rx-0/rps-cpus"), cpus("0-3"));
    assert_eq!(kernel.link(&key("eth0/queue/rx-2/rps-cpus")), None);
}

#[test]
fn faults_and_others_strike_messages_too() {
    let mut kernel = kernel(&[("eth0", Device::physical("igb"))]);
    let mtu = |to| [("eth0/mtu", Value::Int(to))];
    kernel.fault_at_write(1, Fault::Fail(libc::EBUSY));
    kernel.fault_at_write(2, Fault::Ignore);
    kernel.fault_at_write(3, Fault::Store("1300".into()));
    kernel.before_write(4, Event::Link(key("eth0/txqueuelen"), Value::Int(5)));
    assert_eq!(write(&mut kernel, &mtu(1400)), Err((Some(libc::EBUSY), None)));
    assert_eq!(write(&mut kernel, &mtu(1400)), Ok(()));
    assert_eq!(value(&kernel, "eth0/mtu"), Value::Int(1500));
    assert_eq!(write(&mut kernel, &mtu(1400)), Ok(()));
    assert_eq!(value(&kernel, "eth0/mtu"), Value::Int(1300));
    assert_eq!(write(&mut kernel, &mtu(1400)), Ok(()));
    assert_eq!(value(&kernel, "eth0/txqueuelen"), Value::Int(5));
    kernel.refuse_link(&key("eth0/mtu"), libc::EPERM);
    assert_eq!(write(&mut kernel, &mtu(1500)), Err((Some(libc::EPERM), None)));
    let taken: Vec<(bool, bool)> = kernel.messages().iter().map(|message| (message.taken, message.foreign)).collect();
    assert_eq!(taken, [(false, false), (true, false), (true, false), (true, true), (true, false), (false, false)]);
    assert_eq!(kernel.writes(), 5);
    let nth = kernel.reads() + 1;
    kernel.before_read(nth, Event::Rename("eth0".into(), "lan0".into()));
    kernel.before_read(nth + 1, Event::Vanish("lan0".into()));
    let read = kernel.read(&[address("eth0/mtu"), address("lan0/mtu")]);
    assert_eq!(read, [Reading::Absent, Reading::Absent]);
    assert_eq!(write(&mut kernel, &mtu(1500)), Err((Some(libc::EPERM), None)));
}
