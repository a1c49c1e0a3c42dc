//! Laws of links: whatever is wanted of whatever is found, a plan that is executed reaches it, a second one has nothing to
//! do, and the way back leads to where it began.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::machine::Machine;
use super::machine::at;
use super::machine::back;
use super::machine::is;
use super::machine::setting;
use super::machine::told;
use crate::address::Address;
use crate::desired::Setting;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::plan::Class;
use crate::value::Value;

const FEATURES: &[&str] = &[
    "tx-scatter-gather",
    "tx-checksum-ip-generic",
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-generic-segmentation",
    "tx-udp-segmentation",
    "tls-hw-tx-offload",
    "tls-hw-rx-offload",
    "rx-checksum",
    "rx-gro",
    "rx-gro-hw",
    "rx-lro",
    "rx-fcs",
    "rx-hashing",
];

/// Asks of each feature what it is to be, lets the kernel make of it what it will, and has some that nobody can change.
fn features() -> impl Strategy<Value = Machine> {
    proptest::collection::vec((any::<bool>(), prop_oneof![5 => Just(false), 1 => Just(true)]), FEATURES.len()).prop_map(
        |bits| {
            let mut machine = Machine::new().device("eth0", "driver=igb");
            for (name, (on, fixed)) in FEATURES.iter().zip(&bits) {
                let address = format!("eth0/feature/{name}");
                machine = match fixed {
                    // What is fixed on could be taken away and never come back: no such device is known.
                    true => machine.with_fixed(&address, Value::switch(false)),
                    false => machine.with(&address, Value::switch(*on)),
                };
            }
            machine.settle("eth0");
            machine
        },
    )
}

fn wanted_features() -> impl Strategy<Value = BTreeMap<Address, Setting>> {
    proptest::collection::vec(proptest::option::weighted(0.4, any::<bool>()), FEATURES.len()).prop_map(|wanted| {
        let wishes = FEATURES.iter().zip(wanted).filter_map(|(name, on)| Some((name, on?)));
        wishes.map(|(name, on)| (at(&format!("eth0/feature/{name}")), setting(is(i64::from(on))))).collect()
    })
}

/// Bonds, VLANs, a bridge; each MTU one of a few.
fn stacks() -> impl Strategy<Value = Machine> {
    proptest::collection::vec(mtu(), 9).prop_map(|mtus| {
        let mut machine = Machine::new()
            .device("bond0", "kind=bond uppers=bond0.5")
            .device("eth0", "driver=igb master=bond0")
            .device("eth1", "driver=igb master=bond0")
            .device("bond0.5", "kind=vlan lower=bond0 uppers=mac0,ipv0")
            .device("mac0", "kind=macvlan lower=bond0.5")
            .device("ipv0", "kind=ipvlan lower=bond0.5")
            .device("br0", "kind=bridge uppers=br0.7")
            .device("eth2", "driver=igb master=br0")
            .device("eth3", "driver=igb master=br0")
            .device("br0.7", "kind=vlan lower=br0");
        let names = ["bond0", "eth0", "eth1", "bond0.5", "mac0", "ipv0", "eth2", "eth3", "br0.7"];
        for name in names.iter().chain(&["br0"]) {
            machine = machine.with(&format!("{name}/mtu"), Value::Int(9000));
        }
        for (name, mtu) in names.iter().zip(mtus) {
            let _ = machine.write(&[(at(&format!("{name}/mtu")), Value::Int(mtu))]);
        }
        machine
    })
}

fn mtu() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1280), Just(1400), Just(1500), Just(4000), Just(9000)]
}

fn wanted_mtus() -> impl Strategy<Value = BTreeMap<Address, Setting>> {
    let names = ["bond0", "bond0.5", "mac0", "ipv0", "eth2", "eth3"];
    proptest::collection::vec(proptest::option::of(mtu()), names.len()).prop_map(move |wanted| {
        let wishes = names.iter().zip(wanted).filter_map(|(name, mtu)| Some((name, mtu?)));
        wishes.map(|(name, mtu)| (at(&format!("{name}/mtu")), setting(is(mtu)))).collect()
    })
}

fn channels() -> impl Strategy<Value = (Machine, BTreeMap<Address, Setting>)> {
    let masks = || proptest::collection::vec(proptest::option::of(0..4_i64), 8);
    (1..9_i64, 1..9_i64, masks(), masks(), any::<bool>()).prop_map(|(before, after, live, wanted, told)| {
        let driver = if told { "driver=veth rx_queues=8 tx_queues=8" } else { "driver=ixgbe rx_queues=8 tx_queues=8" };
        let mut machine = Machine::new()
            .device("eth0", driver)
            .with("eth0/channel/combined", Value::Int(before))
            .with("eth0/channel/combined-max", Value::Int(8));
        machine.settle("eth0");
        let mut settings = BTreeMap::new();
        settings.insert(at("eth0/channel/combined"), setting(is(after)));
        for (index, (live, wanted)) in live.into_iter().zip(wanted).enumerate() {
            for queue in [format!("eth0/queue/rx-{index}/rps-cpus"), format!("eth0/queue/tx-{index}/xps-cpus")] {
                let cpu = |cpu: i64| Value::Cpus(crate::value::Ports::parse(&cpu.to_string()).unwrap());
                if let Some(value) = live.filter(|_| machine.values.contains_key(&at(&queue))) {
                    machine = machine.with(&queue, cpu(value));
                }
                if let Some(value) = wanted {
                    settings.insert(at(&queue), setting(is(value)));
                }
            }
        }
        (machine, settings)
    })
}

fn reaches_and_returns(machine: &Machine, settings: &BTreeMap<Address, Setting>) -> Result<(), TestCaseError> {
    let plan = machine.plan_of(settings);
    let mut after = machine.clone();
    after.execute(&plan).map_err(|why| TestCaseError::fail(format!("{why}\n{}", told(&plan))))?;
    for change in &plan.changes {
        prop_assert!(!change.cells.is_empty());
    }
    let again = after.plan_of(settings);
    prop_assert!(again.changes.is_empty(), "not at once:\n{}\nagain:\n{}", told(&plan), told(&again));
    let held_up = |plan: &crate::plan::Plan| -> Vec<String> {
        let serious = plan.findings.iter().filter(|finding| finding.class != Class::Note);
        serious.filter_map(|finding| Some(finding.address.as_ref()?.to_string())).collect()
    };
    prop_assert_eq!(held_up(&plan), held_up(&again));
    // What the kernel moved besides was foretold.
    let reach: Vec<&Address> = plan.changed().chain(plan.effects().map(|(_, effect)| &effect.address)).collect();
    for (address, before) in &machine.values {
        let moved = after.values.get(address).is_some_and(|now| now != before);
        prop_assert!(!moved || reach.contains(&address), "{address} moved unforeseen:\n{}", told(&plan));
    }
    let last: BTreeMap<&Address, &Effect> = plan.effects().map(|(_, effect)| (&effect.address, effect)).collect();
    for effect in last.into_values().filter(|effect| effect.certainty == Certainty::Moves) {
        if !plan.changed().any(|address| *address == effect.address) {
            prop_assert_eq!(after.values.get(&effect.address), effect.to.as_ref(), "{}", effect.address);
        }
    }
    let goals = back(&plan, &after);
    for _ in 0..2 {
        let way = after.plan(&goals);
        // A queue that has gone cannot be given anything: the second walk knows.
        for change in &way.changes {
            let _ = after.execute(&crate::plan::Plan { changes: vec![change.clone()], ..Default::default() });
        }
    }
    let lost: Vec<String> = after
        .values
        .iter()
        .filter(|(address, value)| machine.values.get(address) != Some(value))
        .map(|(address, value)| format!("{address} is {value}, was {:?}", machine.values.get(address)))
        .collect();
    prop_assert!(lost.is_empty(), "not back: {lost:#?}\n{}\n{}", told(&plan), told(&after.plan(&goals)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn features_are_reached_at_once_and_taken_back(machine in features(), settings in wanted_features()) {
        reaches_and_returns(&machine, &settings)?;
    }

    #[test]
    fn mtus_are_reached_at_once_and_taken_back(machine in stacks(), settings in wanted_mtus()) {
        reaches_and_returns(&machine, &settings)?;
    }

    #[test]
    fn queues_are_reached_at_once_and_taken_back((machine, settings) in channels()) {
        reaches_and_returns(&machine, &settings)?;
    }
}
