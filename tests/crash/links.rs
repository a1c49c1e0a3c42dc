//! Links, killed: a veth of four queues loses queues with their steering, offloads with what depends on them, and MTU.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::Kind;
use trimtab_core::address::Object;
use trimtab_core::observed::Reading;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::live::LiveKernel;

use crate::bench::End;
use crate::bench::status;
use crate::bench::with_fault;
use crate::world::World;

const SET: &[&str] = &[
    "link:veth0/channel/rx=2",
    "link:veth0/channel/tx=1",
    "link:veth0/feature/tx-scatter-gather=off",
    "link:veth0/feature/rx-gro=on",
    "link:veth0/mtu=1400",
    "link:veth0/queue/rx-0/rps-cpus=0",
    "link:veth1/gso-max-size=32768",
    "net.ipv4.conf.veth0.rp_filter=2",
];

fn host() -> Option<World> {
    let world = World::new()?;
    let queues = "numrxqueues 4 numtxqueues 4";
    world.sh(&format!("ip link add veth0 {queues} type veth peer name veth1 {queues}"));
    world.sh("ip link set veth1 gso_max_segs 1000");
    // What goes with the queues and must come back with them. /sys would show another namespace.
    world
        .thread(|| {
            let mut kernel = LiveKernel::open(None).unwrap();
            for (name, cpus) in [("rx-3/rps-cpus", "0"), ("tx-2/xps-cpus", "0")] {
                let address = format!("link:veth0/queue/{name}").parse().unwrap();
                let set = Ports::parse(cpus).unwrap();
                kernel.write(&[(address, Value::Cpus(set))], None).unwrap();
            }
        })
        .join()
        .unwrap();
    Some(world)
}

/// Every value of every device, and of the keys of the two.
fn values(world: &World) -> BTreeMap<String, Reading> {
    let reader = world.thread(|| {
        let mut kernel = LiveKernel::open(None).unwrap();
        let mut addresses = kernel.list(Kind::Link).unwrap();
        let keys = kernel.list(Kind::Sysctl).unwrap();
        addresses.extend(keys.into_iter().filter(|address| match &address.object {
            Object::Sysctl(key) => key.interface().is_some_and(|interface| interface.starts_with("veth")),
            Object::Link(_) | Object::Tc(_) | Object::Nft(_) => false,
        }));
        let readings = kernel.read(&addresses);
        addresses.iter().map(ToString::to_string).zip(readings).collect()
    });
    reader.join().unwrap()
}

#[track_caller]
fn is_as(world: &World, before: &BTreeMap<String, Reading>, what: &str) {
    let after = values(world);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ: Vec<String> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {:?} -> {:?}", before.get(name), after.get(name)))
        .collect();
    assert_eq!(differ, Vec::<String>::new(), "{what}");
}

fn arguments(verb: &'static str) -> Vec<&'static str> {
    std::iter::once(verb).chain(SET.iter().flat_map(|set| ["--set", *set])).collect()
}

/// Kills a command at each of its fault points, and reverts.
fn each_point(world: &World, what: &[&str], prepare: &dyn Fn(), before: &BTreeMap<String, Reading>) -> u32 {
    for hit in 1.. {
        prepare();
        let point = format!("{} killed at *:{hit}", what[0]);
        let end = with_fault(world, &format!("*:{hit}"), what);
        status(world);
        world.trimtab(&["revert"]).exits(0);
        is_as(world, before, &point);
        assert_eq!(status(world)["held"], 0, "{point}");
        if let End::Told(told) = end {
            assert_eq!(told.code, 0, "{told:?}");
            return hit - 1;
        }
    }
    0
}

#[test]
fn links_that_an_apply_left_half_changed_are_reverted_whole() {
    let Some(world) = host() else { return };
    let before = values(&world);
    assert!(before.len() > 150, "{}", before.len());
    let points = each_point(&world, &arguments("apply"), &|| {}, &before);
    // Two for each message, and more around them.
    assert!(points > 15, "only {points} points");
}

#[test]
fn a_revert_of_links_killed_anywhere_is_reverted_whole() {
    let Some(world) = host() else { return };
    let before = values(&world);
    let prepare = || {
        world.trimtab(&arguments("apply")).exits(0);
        world.trimtab(&arguments("apply")).exits(0).says(&["nothing written"]);
    };
    let points = each_point(&world, &["revert"], &prepare, &before);
    assert!(points > 10, "only {points} points");
}
