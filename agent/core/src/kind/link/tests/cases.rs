//! What is said and done in the cases that people meet.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::machine::Machine;
use super::machine::at;
use super::machine::is;
use super::machine::setting;
use super::machine::told;
use crate::address::Address;
use crate::address::link::LinkAttribute;
use crate::desired::Setting;
use crate::facts::FactValue;
use crate::kind::Decision;
use crate::kind::TakeBack;
use crate::kind::rules_of;
use crate::observed::Observed;
use crate::plan::Goal;
use crate::plan::Plan;
use crate::plan::goal::Part;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;
use crate::value::Value;

fn want(wishes: &[(&str, Policy)]) -> BTreeMap<Address, Setting> {
    wishes.iter().map(|(address, policy)| (at(address), setting(policy.clone()))).collect()
}

fn plan(machine: &Machine, wishes: &[(&str, Policy)]) -> Plan {
    machine.plan_of(&want(wishes))
}

fn messages(plan: &Plan) -> Vec<String> {
    plan.findings.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
}

fn nic(driver: &str) -> Machine {
    Machine::new()
        .device("eth0", &format!("driver={driver} kind=physical rx_queues=4 tx_queues=4"))
        .with("eth0/ring/rx", Value::Int(512))
        .with("eth0/ring/rx-max", Value::Int(4096))
        .with("eth0/channel/combined", Value::Int(2))
        .with("eth0/channel/combined-max", Value::Int(4))
}

#[test]
fn what_is_past_the_maximum_is_told_before_anything_is_written() {
    let plan = plan(&nic("igb"), &[("eth0/ring/rx", is(8192)), ("eth0/channel/combined", is(5))]);
    assert!(plan.changes.is_empty());
    assert_eq!(
        messages(&plan),
        [
            "refused-value: the kernel refuses 5: the device takes at most 4",
            "refused-value: the kernel refuses 8192: the device takes at most 4096",
        ]
    );
}

#[test]
fn max_is_what_the_device_tells() {
    let plan = plan(&nic("igb"), &[("eth0/ring/rx", is("max"))]);
    assert_eq!(told(&plan), "link:eth0/ring/rx 512 -> 4096  moves ");
    let cell = plan.changes[0].cells.first().unwrap();
    assert_eq!(cell.most, Some(4096));
    assert_eq!(plan.changes[0].disrupts.as_deref(), Some("resets the link"));
}

#[test]
fn the_first_that_the_device_takes_is_preferred() {
    let candidates = [9000, 8192, 2048].map(|number| Wanted::One(Scalar::Int(number))).to_vec();
    let machine = nic("igb");
    for policy in [Policy::Prefer(candidates.clone()), Policy::OneOf(candidates)] {
        let plan = plan(&machine, &[("eth0/ring/rx", policy)]);
        assert_eq!(told(&plan), "link:eth0/ring/rx 512 -> 2048  moves ");
    }
    let none = Policy::Prefer(vec![Wanted::One(Scalar::Int(9000))]);
    let plan = plan(&machine, &[("eth0/ring/rx", none)]);
    assert_eq!(messages(&plan), ["unavailable: none of them can be had: 9000 because the device takes at most 4096"]);
}

/// `vmxnet3_set_ringparam`: with any ring it sets them all, by the MTU that is there then.
#[test]
fn a_ring_may_move_another_where_the_driver_sets_them_all() {
    let moves = |driver: &str, mtu: i64| {
        let machine = nic(driver).with("eth0/mtu", Value::Int(1500)).with("eth0/ring/tx", Value::Int(512));
        let plan = plan(&machine, &[("eth0/mtu", is(mtu)), ("eth0/ring/tx", is(1024))]);
        let shown = plan.effects().map(|(_, effect)| format!("{} {:?}", effect.address, effect.to));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(moves("vmxnet3", 9000), ["link:eth0/ring/rx Some(Int(576))"]);
    assert_eq!(moves("vmxnet3", 1500), [""; 0]);
    assert_eq!(moves("igb", 9000), [""; 0]);
}

#[test]
fn a_ring_that_the_driver_rounds_is_as_wanted_and_comes_back_whole() {
    for (driver, round, asked) in [
        ("igb", (|ring| (ring + 7) / 8 * 8) as fn(i64) -> i64, 1001),
        ("ice", |ring| (ring + 31) / 32 * 32, 1001),
        ("mlx5_core", |ring| i64::try_from(u64::try_from(ring).unwrap().next_power_of_two()).unwrap(), 1001),
        ("ena", |ring| 1 << ring.ilog2(), 1001),
        ("virtio_net", |ring| ring, 1001),
        ("nobody_knows", |ring| (ring + 31) / 32 * 32, 1001),
    ] {
        let mut machine = nic(driver);
        machine.rings = round;
        for policy in [is(asked), Policy::AtLeast(Wanted::One(Scalar::Int(asked)))] {
            let settings = want(&[("eth0/ring/rx", policy)]);
            let first = machine.plan_of(&settings);
            let mut after = machine.clone();
            after.execute(&first).unwrap();
            assert_eq!(after.value("eth0/ring/rx"), Value::Int(round(asked)), "{driver}");
            assert!(after.plan_of(&settings).changes.is_empty(), "{driver}");
            let back = super::machine::back(&first, &after);
            let way = after.plan(&back);
            after.execute(&way).unwrap();
            assert_eq!(after.value("eth0/ring/rx"), Value::Int(512), "{driver}");
        }
    }
}

#[test]
fn what_was_there_comes_back_even_where_it_would_be_rounded_to_ours() {
    let mut machine = nic("nobody_knows").with("eth0/ring/rx", Value::Int(1024));
    let goal = Goal::TakeBack { before: Value::Int(1000), ours: vec![Value::Int(1024)], part: Part::Written };
    let goals = BTreeMap::from([(at("eth0/ring/rx"), goal)]);
    let way = machine.plan(&goals);
    machine.execute(&way).unwrap();
    assert_eq!(machine.value("eth0/ring/rx"), Value::Int(1000));
    assert!(machine.plan(&goals).changes.is_empty());
}

#[test]
fn a_feature_without_what_it_needs_is_refused_by_name() {
    let machine = nic("igb")
        .with("eth0/feature/tx-scatter-gather", Value::switch(false))
        .with("eth0/feature/tx-checksum-ipv4", Value::switch(true))
        .with("eth0/feature/tx-tcp-segmentation", Value::switch(false));
    let tso = ("eth0/feature/tx-tcp-segmentation", is(1));
    assert_eq!(
        messages(&plan(&machine, std::slice::from_ref(&tso))),
        ["refused-value: the kernel refuses on: it needs tx-scatter-gather, which is off"]
    );
    let both = plan(&machine, &[tso, ("eth0/feature/tx-scatter-gather", is(1))]);
    assert_eq!(both.changes.len(), 1, "one message: {}", told(&both));
    assert!(both.findings.is_empty());
    let fixed = nic("igb").with_fixed("eth0/feature/rx-lro", Value::switch(true));
    let plan = plan(&fixed, &[("eth0/feature/rx-lro", is(0))]);
    assert_eq!(messages(&plan), ["fixed: the driver cannot change it"]);
}

#[test]
fn what_a_feature_takes_along_is_told() {
    let machine = nic("igb")
        .with("eth0/feature/tx-scatter-gather", Value::switch(true))
        .with("eth0/feature/tx-checksum-ip-generic", Value::switch(true))
        .with("eth0/feature/tx-tcp-segmentation", Value::switch(true))
        .with("eth0/feature/tx-generic-segmentation", Value::switch(true));
    let plan = plan(&machine, &[("eth0/feature/tx-scatter-gather", is(0))]);
    let moved: Vec<String> = plan.effects().map(|(_, effect)| effect.address.to_string()).collect();
    assert_eq!(moved, ["link:eth0/feature/tx-generic-segmentation", "link:eth0/feature/tx-tcp-segmentation"]);
}

#[test]
fn obstacles_are_told_apart() {
    let world = nic("igb");
    let messages_of = |address: &str, observed: Observed| {
        let mut machine = world.clone();
        machine.extra.insert(at(address), observed);
        messages(&plan(&machine, &[(address, is(1))])).join("\n")
    };
    for (address, observed, said) in [
        ("eth0/ring/tx", Observed::Unsupported, "unsupported: the driver does not support it"),
        (
            "eth0/ring/tx",
            Observed::Failed { errno: 100 },
            "needs-link-up: the driver tells it only while the link is up",
        ),
        ("eth0/ring/tx", Observed::Denied, "permission: this user may not read it"),
        ("eth9/ring/tx", Observed::Absent, "no-interface: there is no interface eth9"),
        ("eth0/ring/tx", Observed::Failed { errno: 19 }, "no-interface: there is no interface eth0"),
        ("eth0/feature/rx-grow", Observed::Absent, "unknown-feature: no feature of this kernel has that name"),
        ("eth0/feature/hsr-dup-offload", Observed::Absent, "newer-kernel: this kernel has no such feature"),
        ("eth0/queue/rx-3/rps-cpus", Observed::Absent, "no-queue: there is no queue rx-3: eth0 does not have it now"),
        (
            "eth0/queue/tx-0/xps-cpus",
            Observed::Unsupported,
            "single-queue: the device sends from one queue, so there is nothing to choose",
        ),
    ] {
        assert_eq!(messages_of(address, observed), said, "{address}");
    }
}

#[test]
fn a_queue_that_comes_with_the_plan_is_set_in_the_same_plan() {
    let mut machine = nic("ixgbe");
    machine.settle("eth0");
    let settings = want(&[("eth0/channel/combined", is(4)), ("eth0/queue/rx-3/rps-cpus", is("0-1"))]);
    let plan = machine.plan_of(&settings);
    machine.execute(&plan).unwrap();
    assert_eq!(machine.value("eth0/queue/rx-3/rps-cpus"), Value::Cpus(Ports::parse("0-1").unwrap()));
    let gone = machine.plan_of(&want(&[("eth0/channel/combined", is(2)), ("eth0/queue/rx-3/rps-cpus", is("1"))]));
    assert_eq!(messages(&gone), ["no-queue: there is no queue rx-3: eth0 will have 2"]);
}

#[test]
fn a_queue_that_goes_when_its_number_goes_back_is_nothing_to_put_right() {
    let mut machine = nic("veth");
    machine.settle("eth0");
    let settings = want(&[("eth0/channel/combined", is(4)), ("eth0/queue/rx-3/rps-cpus", is("0-1"))]);
    let plan = machine.plan_of(&settings);
    machine.execute(&plan).unwrap();
    let way = machine.plan(&super::machine::back(&plan, &machine));
    assert!(way.findings.is_empty(), "{}", told(&way));
    machine.execute(&way).unwrap();
    assert_eq!(machine.value("eth0/channel/combined"), Value::Int(2));
}

#[test]
fn sets_of_cpus_have_words() {
    let machine = nic("ixgbe").with("eth0/queue/rx-0/rps-cpus", Value::Cpus(Ports::parse("1").unwrap()));
    let to = |policy: Policy| {
        let plan = plan(&machine, &[("eth0/queue/rx-0/rps-cpus", policy)]);
        plan.changes.first().map(|change| change.cells[0].to().to_string())
    };
    assert_eq!(to(is("all")).as_deref(), Some("0-3"));
    assert_eq!(to(is("none")).as_deref(), Some("none"));
    assert_eq!(to(is("2,3")).as_deref(), Some("2-3"));
    assert_eq!(to(Policy::Includes(vec![Scalar::Int(3)])).as_deref(), Some("1,3"));
    assert_eq!(to(Policy::Includes(vec![Scalar::Int(1)])), None);
}

#[test]
fn an_mtu_is_refused_where_what_lies_below_has_a_smaller_one() {
    let machine = Machine::new()
        .device("eth0", "driver=igb kind=physical uppers=eth0.5")
        .device("eth0.5", "kind=vlan lower=eth0")
        .device("team0", "kind=team")
        .device("eth1", "driver=igb kind=physical master=team0")
        .with("eth0/mtu", Value::Int(1500))
        .with("eth0/mtu-min", Value::Int(68))
        .with("eth1/mtu", Value::Int(1500))
        .with("team0/mtu", Value::Int(1500))
        .with("eth1/mtu-max", Value::Int(9710))
        .with("eth0.5/mtu", Value::Int(1500));
    let said = |address: &str, mtu: i64| messages(&plan(&machine, &[(address, is(mtu))])).join("\n");
    assert_eq!(
        said("eth0.5/mtu", 9000),
        "refused-value: the kernel refuses 9000: eth0, which it lies upon, has an MTU of 1500"
    );
    assert_eq!(said("eth0/mtu", 60), "refused-value: the kernel refuses 60: the device takes at least 68");
    assert_eq!(
        said("eth1/mtu", 9000),
        "refused-value: the kernel refuses 9000: team0 gives its MTU to its ports: set link:team0/mtu"
    );
    assert_eq!(
        said("team0/mtu", 9800),
        "refused-value: the kernel refuses 9800: it gives its MTU to eth1, which takes at most 9710"
    );
    let both = plan(&machine, &[("eth0.5/mtu", is(9000)), ("eth0/mtu", is(9000))]);
    let order: Vec<String> = both.changed().map(Address::to_string).collect();
    assert_eq!(order, ["link:eth0/mtu", "link:eth0.5/mtu"]);
    let small = plan(&machine, &[("eth0/mtu", is(1200))]);
    assert!(small.changes[0].disrupts.as_deref().unwrap().contains("IPv6"));
}

#[test]
fn gso_for_ipv4_follows_up_to_64_kilobytes() {
    let machine = nic("igb")
        .with("eth0/gso-max-size", Value::Int(65_536))
        .with("eth0/gso-ipv4-max-size", Value::Int(65_536))
        .with("eth0/tso-max-size", Value::Int(524_280));
    let moves = |to: i64| plan(&machine, &[("eth0/gso-max-size", is(to))]).effects().count();
    assert_eq!((moves(60_000), moves(100_000)), (1, 0));
    let over = plan(&machine, &[("eth0/gso-max-size", is(600_000))]);
    assert_eq!(messages(&over), ["refused-value: the kernel refuses 600000: the device takes at most 524280"]);
}

#[test]
fn steering_where_every_cpu_has_a_queue_is_remarked_upon() {
    let mut machine = nic("ixgbe").with("eth0/channel/combined", Value::Int(4));
    machine.settle("eth0");
    let plan = plan(&machine, &[("eth0/queue/rx-0/rps-cpus", is("all"))]);
    assert_eq!(
        messages(&plan),
        ["needless-rps: it receives on 4 queues and 4 CPUs are online: steering in software adds work"]
    );
}

#[test]
fn every_attribute_has_a_meaning() {
    for attribute in LinkAttribute::fixed() {
        let meaning = attribute.meaning().unwrap();
        assert!(meaning.ends_with('.') && !meaning.starts_with(' '), "{attribute}: {meaning}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        proptest::collection::vec(any::<i64>(), 0..3).prop_map(Value::Ints),
        any::<(u16, u16)>().prop_map(|range| Value::Cpus(Ports::from_ranges([range]))),
        any::<(u16, u16)>().prop_map(|range| Value::Ports(Ports::from_ranges([range]))),
        "[a-z]{0,3}".prop_map(Value::Text),
        any::<(bool, bool)>().prop_map(|(wanted, active)| Value::Switch { wanted, active }),
        Just(Value::Secret),
    ]
}

fn attributes() -> impl Strategy<Value = Address> {
    let mut addresses: Vec<Address> =
        LinkAttribute::fixed().map(|attribute| at(&format!("eth0/{attribute}"))).collect();
    for more in ["feature/rx-lro", "feature/tx-tcp-segmentation", "queue/rx-0/rps-cpus", "queue/tx-65535/xps-cpus"] {
        addresses.push(at(&format!("eth0/{more}")));
    }
    proptest::sample::select(addresses)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_of_any_shape_makes_it_panic(
        address in attributes(), found in values(), other in values(), number in any::<i64>(), text in ".{0,8}",
        cpus in any::<i64>(),
    ) {
        let mut machine = nic("igb");
        machine.facts.insert("host.cpus", FactValue::Int(cpus), "test");
        machine.values.insert(address.clone(), found.clone());
        for scalar in [Scalar::Int(number), Scalar::Text(text), Scalar::from("max"), Scalar::from("all")] {
            let one = Wanted::One(scalar.clone());
            for policy in [
                Policy::Value(one.clone()), Policy::AtLeast(one.clone()), Policy::AtMost(one.clone()),
                Policy::Between(one.clone(), Wanted::One(Scalar::Int(5))), Policy::OneOf(vec![one.clone()]),
                Policy::Prefer(vec![one]), Policy::OneOf(vec![]), Policy::Includes(vec![scalar]),
            ] {
                let plan = machine.plan_of(&BTreeMap::from([(address.clone(), setting(policy))]));
                prop_assert!(plan.changes.iter().all(|change| !change.cells.is_empty()));
            }
        }
        let rules = rules_of(&address);
        let _ = rules.take_back(&address, &found, std::slice::from_ref(&other), &other, &machine.facts);
        prop_assert_eq!(rules.take_back(&address, &found, &[other], &found, &machine.facts), TakeBack::Done);
    }

    #[test]
    fn what_is_held_as_told_is_satisfied(address in attributes(), told in 0..10_000_i64, found in 0..10_000_i64) {
        let machine = nic("nobody_knows");
        let rules = rules_of(&address);
        if rules.equivalent(&address, &Value::Int(told), &Value::Int(found), &machine.facts) {
            let host = super::machine::host();
            let (nothing, observed) = (std::collections::BTreeSet::new(), BTreeMap::new());
            let world = crate::kind::World::new(&host, &machine.facts, &nothing, &nothing, &observed);
            for policy in [is(told), Policy::AtLeast(Wanted::One(Scalar::Int(told)))] {
                prop_assert_eq!(rules.decide(&address, &policy, &Value::Int(found), &world), Decision::Satisfied);
            }
        }
    }
}
