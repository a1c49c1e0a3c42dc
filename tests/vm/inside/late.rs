//! Modules that come after the profile: their keys are pending, and a matter of the next apply once they are there.

use rustix::thread::CapabilitySet;

use crate::machine::Machine;
use crate::machine::has;
use crate::machine::raw;
use crate::machine::sh;
use crate::machine::unload;

const TABLE: &str = "[sysctl]\nnet.netfilter.nf_conntrack_max = 300000\nnet.core.somaxconn = 5000\n";

#[test]
fn keys_of_an_absent_module_are_pending_until_it_is_loaded() {
    unload("nf_conntrack");
    let machine = Machine::new();
    machine.profile("table", TABLE);
    assert!(!has("net.netfilter.nf_conntrack_max"));
    machine.trimtab(&["plan", "table"]).exits(2).says(&["nf_conntrack_max", "pending"]);
    // What can be done is done, and the rest named.
    machine.trimtab(&["apply", "table"]).exits(3).says(&["nf_conntrack_max", "pending"]);
    assert_eq!(raw("net.core.somaxconn"), "5000");
    machine.trimtab(&["plan", "table"]).exits(3);
    assert!(!has("net.netfilter.nf_conntrack_max"), "a plan loads no module");

    sh("modprobe nf_conntrack");
    let original = raw("net.netfilter.nf_conntrack_max");
    machine.trimtab(&["plan", "table"]).exits(2).says(&["net.netfilter.nf_conntrack_max", "-> 300000", "1 to change"]);
    machine.trimtab(&["apply", "table"]).exits(0);
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
    machine.writes_nothing(&["apply", "table"], 0);
    machine.trimtab(&["revert"]).exits(0);
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), original);
    unload("nf_conntrack");
    machine.is_as_before();
}

/// The module takes its keys along; when it comes back they are the kernel's again, and nobody's undo is due.
#[test]
fn keys_that_left_with_their_module_leave_nothing_to_undo() {
    unload("nf_conntrack");
    sh("modprobe nf_conntrack");
    let machine = Machine::new();
    machine.profile("table", TABLE);
    machine.trimtab(&["apply", "table"]).exits(0);
    unload("nf_conntrack");
    let told = machine.trimtab(&["verify"]);
    assert!([2, 3].contains(&told.code), "{told:?}");
    assert!(told.out.contains("nf_conntrack_max"), "{told:?}");
    sh("modprobe nf_conntrack");
    machine.trimtab(&["verify"]).exits(2).says(&["net.netfilter.nf_conntrack_max: want 300000"]);
    machine.trimtab(&["apply", "table"]).exits(0);
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
    unload("nf_conntrack");
}

#[test]
fn the_preferred_congestion_control_is_taken_when_the_kernel_has_it() {
    unload("tcp_bbr");
    let machine = Machine::new();
    machine.profile("bbr", "[sysctl]\nnet.ipv4.tcp_congestion_control = { prefer = [\"bbr\", \"cubic\"] }\n");
    let before = raw("net.ipv4.tcp_congestion_control");
    assert_eq!(before, "cubic");
    assert!(!raw("net.ipv4.tcp_available_congestion_control").contains("bbr"));
    let facts = machine.trimtab(&["facts"]).exits(0);
    // The module is there to be loaded, and the kernel loads it when it is asked for.
    machine.trimtab(&["apply", "bbr"]).exits(0);
    assert_eq!(raw("net.ipv4.tcp_congestion_control"), "bbr", "{}", facts.out);
    machine.writes_nothing(&["apply", "bbr"], 0);
    machine.trimtab(&["revert"]).exits(0);
    assert_eq!(raw("net.ipv4.tcp_congestion_control"), before);
    unload("tcp_bbr");
    machine.is_as_before();
}

/// The kernel is asked for the one by netlink; the other takes modprobe(8), and is not there.
#[test]
fn a_module_that_a_setting_asks_for_is_loaded_by_apply_and_stays() {
    unload("nf_conntrack");
    let machine = Machine::new();
    machine.profile(
        "table",
        "[conntrack]\nload-module = true\nmax = { at-least = 300000 }\ntimeouts.udp = '45s'\n\
         [sysctl]\nnet.core.somaxconn = 5000\nnet.ipv4.vs.conntrack = { value = 1, load-module = true }\n",
    );
    machine.trimtab(&["plan", "table"]).exits(2).says(&[
        "+ nf_conntrack  to be loaded",
        "nf_conntrack is not loaded; apply loads it first",
        "2 modules to load",
    ]);
    machine.trimtab(&["facts"]).exits(0);
    machine.trimtab(&["snapshot"]).exits(0);
    assert!(!has("net.netfilter.nf_conntrack_max"), "to look loads no module");
    machine.trimtab(&["apply", "table"]).exits(3).says(&[
        "nf_conntrack was loaded; it stays when this is reverted",
        "ip_vs cannot be loaded",
        "-> 300000",
    ]);
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
    assert_eq!(raw("net.netfilter.nf_conntrack_udp_timeout"), "45");
    assert_eq!(raw("net.core.somaxconn"), "5000");
    machine.trimtab(&["facts"]).exits(0).says(&["0 of 300000 (0.0 %)", "ctnetlink", "early_drop"]);
    machine.trimtab(&["revert"]).exits(0);
    assert!(has("net.netfilter.nf_conntrack_max"), "others may have come to rely on it");
    assert_eq!(raw("net.netfilter.nf_conntrack_udp_timeout"), "30");
    // What modprobe(8) takes away with a module depends on which of them it is told first.
    sh("modprobe -r nf_conntrack_netlink; modprobe -r nf_conntrack nf_defrag_ipv6 nf_defrag_ipv4");
    machine.is_as_before();
}

/// modprobe(8) does it where the kernel has no reason of its own.
#[test]
fn modprobe_loads_what_netlink_does_not() {
    unload("br_netfilter");
    let machine = Machine::new();
    machine.profile("bridge", "[sysctl]\nnet.bridge.bridge-nf-call-iptables = { value = 0, load-module = true }\n");
    machine.trimtab(&["apply", "bridge"]).exits(0).says(&["br_netfilter was loaded"]);
    assert_eq!(raw("net.bridge.bridge-nf-call-iptables"), "0");
    machine.trimtab(&["revert"]).exits(0);
    unload("br_netfilter");
    sh("modprobe -r bridge");
    machine.is_as_before();
}

/// With the one capability that `trimtab-apply.service` has: the kernel loads connection tracking for whoever asks it by
/// netlink, and modprobe(8) is refused.
#[test]
fn one_capability_is_enough_to_have_connection_tracking_loaded() {
    unload("nf_conntrack");
    unload("br_netfilter");
    let machine = Machine::new();
    machine.profile(
        "table",
        "[conntrack]\nload-module = true\nmax = 300000\n\
         [sysctl]\nnet.bridge.bridge-nf-call-iptables = { value = 0, load-module = true }\n",
    );
    std::thread::scope(|scope| {
        let apply = || {
            // For this thread, and what it starts, for good.
            for capability in CapabilitySet::all().iter().filter(|one| *one != CapabilitySet::NET_ADMIN) {
                // A kernel that is older than one of them refuses.
                let _ = rustix::thread::remove_capability_from_bounding_set(capability);
            }
            machine.trimtab(&["apply", "table"])
        };
        let told = scope.spawn(apply).join().unwrap();
        told.exits(3).says(&[
            "nf_conntrack was loaded",
            "-> 300000",
            "br_netfilter cannot be loaded",
            "modprobe said:",
        ]);
    });
    assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
    assert!(!has("net.bridge.bridge-nf-call-iptables"));
    machine.trimtab(&["revert"]).exits(0);
    sh("modprobe -r nf_conntrack_netlink; modprobe -r nf_conntrack nf_defrag_ipv6 nf_defrag_ipv4");
    machine.is_as_before();
}
