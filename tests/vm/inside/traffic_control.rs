//! Traffic control as the library speaks it: all its tests are here too, below `tc`, for these kernels have every kind.

use crate::machine::in_the_vm;
use crate::machine::sh;
use crate::namespace::in_new_netns;
use crate::tc::cases;
use crate::tc::filter;
use crate::world::World;

#[test]
fn nothing_that_tc_tests_do_without_is_missing_here() {
    in_the_vm();
    in_new_netns("nothing_that_tc_tests_do_without_is_missing_here", || {
        sh("ip link add tt-a numtxqueues 4 numrxqueues 4 type ifb && ip link set tt-a up");
        for (line, _) in cases::roots() {
            sh(&format!("tc qdisc add dev tt-a root handle 1: {line} && tc qdisc delete dev tt-a root"));
        }
        sh("ip link add tt-b type ifb && tc qdisc add dev tt-a root handle 1: htb");
        for (line, handle, _) in filter::cases(0) {
            let place = "dev tt-a parent 1: protocol ip prio 5";
            sh(&format!("tc filter add {place} handle {handle} {line} && tc filter delete dev tt-a parent 1:"));
        }
    });
}

/// What a profile says of the root, and what tc(8) then says of it.
const ROOTS: &[(&str, &[&str])] = &[
    ("fq = { maxrate = \"10mbit\", flow_limit = 50 }", &["qdisc fq 7474: root", "flow_limit 50p", "maxrate 10Mbit"]),
    (
        "fq_codel = { target = \"10ms\", flows = 256, ecn = false }",
        &["qdisc fq_codel 7474: root", "flows 256", "target 10ms"],
    ),
    (
        "cake = { bandwidth = \"20mbit\", rtt = \"50ms\", diffserv = \"besteffort\" }",
        &["qdisc cake 7474: root", "bandwidth 20Mbit", "besteffort", "rtt 50ms"],
    ),
    ("sfq = { limit = 64, perturb = \"10s\" }", &["qdisc sfq 7474: root", "limit 64p", "perturb 10sec"]),
    ("netem = { delay = \"10ms\", loss = \"1%\" }", &["qdisc netem 7474: root", "delay 10ms", "loss 1%"]),
    ("prio = { bands = 4, class = { 2 = { leaf = \"fq\" } } }", &["qdisc prio 7474: root", "bands 4", "parent 7474:2"]),
    ("mq = { class = { 3 = { leaf = \"fq_codel\" } } }", &["qdisc mq 7474: root", "parent 7474:3"]),
    (
        "prio = { filter = [{ class = 1, dscp = \"ef\" }, { class = 3, mark = \"0x10/0xf0\", protocol = \"tcp\", dport = \"80-89\" }] }",
        &["qdisc prio 7474: root", "flowid 7474:1", "flowid 7474:3", "mark 0x0010 0x00f0"],
    ),
    ("prefer = [\"cake\", \"fq_codel\"]", &["qdisc cake 7474: root"]),
];

#[test]
fn every_kind_comes_by_profile_and_goes_again() {
    in_the_vm();
    let world = World::new().unwrap();
    world.sh("ip link add tt0 numtxqueues 4 numrxqueues 4 type ifb && ip link set tt0 up");
    let shown = || world.sh("tc -d qdisc show dev tt0; tc -d class show dev tt0; tc -d filter show dev tt0");
    let before = shown();
    for (root, says) in ROOTS {
        world.profile("role", &format!("[[link]]\nmatch = \"tt0\"\nqdisc = {{ {root} }}\n"));
        world.trimtab(&["apply", "role"]).exits(0);
        let found = shown();
        for part in *says {
            assert!(found.contains(part), "{root}: no {part}: {found}");
        }
        let again = world.trimtab(&["apply", "role"]).exits(0);
        assert!(again.out.contains("nothing written"), "{root}: {}", again.out);
        world.trimtab(&["verify"]).exits(0);
        world.trimtab(&["revert"]).exits(0);
        assert_eq!(shown(), before, "{root}");
    }
}
