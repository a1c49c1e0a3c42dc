//! What a write moves along comes back with it, exactly; what it never moved is left alone.

use trimtab::engine::transaction::Finished;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::address;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::key;
use super::bench::values;

const FORWARD: &str = "net.ipv4.ip_forward";
const DEFAULT_RP: &str = "net.ipv4.conf.default.rp_filter";
const ETH0: &str = "net.ipv4.conf.eth0.forwarding";
const ETH1: &str = "net.ipv4.conf.eth1.forwarding";
const REDIRECTS: &str = "net.ipv4.conf.all.accept_redirects";

#[test]
fn forwarding_comes_back_on_every_interface() {
    let mut bench = Bench::new();
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    assert_eq!((bench.text(ETH0), bench.text(REDIRECTS)), ("1", "0"));
    assert_eq!(bench.written(), [FORWARD]);
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
    // The effects came back with their cause.
    assert_eq!(bench.written(), [FORWARD, FORWARD]);
}

#[test]
fn an_interface_that_forwarded_by_itself_forwards_again() {
    let mut bench = Bench::new();
    bench.set(ETH0, "1");
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn an_interface_that_did_not_forward_by_itself_is_off_again() {
    let mut bench = Bench::new();
    bench.foreign(FORWARD, "1");
    bench.foreign(ETH0, "0");
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(FORWARD, is("0"))]));
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn redirects_refused_before_are_refused_afterwards() {
    let mut bench = Bench::new();
    bench.foreign(REDIRECTS, "0");
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.take_back();
    assert_eq!(bench.text(REDIRECTS), "0");
}

#[test]
fn what_stood_by_itself_survives_a_failure_and_a_crash_too() {
    let set = desired([(FORWARD, is("1")), ("net.core.somaxconn", is("8192"))]);
    let mut bench = Bench::new();
    bench.set(ETH0, "1");
    bench.foreign(REDIRECTS, "0");
    let before = values(&bench.kernel);
    bench.kernel.fault_at_write(2, Fault::Fail(libc::EIO));
    assert!(matches!(bench.apply(&set), Finished::Undone(_)));
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn what_somebody_switched_meanwhile_stays_when_forwarding_goes_back() {
    // Off where trimtab's cascade had switched it on: a foreign value that the way back happens to agree with.
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.foreign(ETH0, "0");
    bench.revert();
    assert_eq!((bench.text(FORWARD), bench.text(ETH0), bench.text(ETH1)), ("0", "0", "0"));

    // A value of somebody else that the kernel would sweep away with the cause.
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.foreign(ETH0, "2");
    let (plan, _) = bench.revert();
    assert!(plan.is_held_up());
    assert_eq!((bench.text(FORWARD), bench.text(ETH0), bench.text(ETH1)), ("0", "2", "0"));

    // Off where it had been on by itself: no business of ours.
    let mut bench = Bench::new();
    bench.set(ETH0, "1");
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.foreign(ETH0, "0");
    let (plan, _) = bench.revert();
    assert!(!plan.is_held_up(), "{:?}", plan.findings);
    assert_eq!(bench.text(ETH0), "0");
}

#[test]
fn an_interface_that_came_meanwhile_follows() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    bench.kernel.add_interface("veth9");
    assert_eq!(bench.text("net.ipv4.conf.veth9.forwarding"), "1");
    bench.take_back();
    assert_eq!(bench.text("net.ipv4.conf.veth9.forwarding"), "0");
}

#[test]
fn an_interface_that_went_meanwhile_is_no_conflict() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(FORWARD, is("1")), ("net.ipv4.conf.eth1.rp_filter", is("2"))]));
    bench.kernel.remove_interface("eth1");
    bench.take_back();
}

#[test]
fn a_setting_that_becomes_the_cascade_of_another_stays_in_force() {
    let mut bench = Bench::new();
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(ETH0, is("1"))]));
    bench.put_in_force(&desired([(FORWARD, is("1"))]));
    assert_eq!((bench.text(ETH0), bench.text(ETH1)), ("1", "1"), "a router with a hole");
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_default_moves_only_interfaces_nobody_set_and_comes_back() {
    let mut bench = Bench::new();
    bench.foreign("net.ipv4.conf.eth0.rp_filter", "0");
    bench.kernel.add_interface("eth2");
    bench.kernel.add_ipv4_address("eth2");
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(DEFAULT_RP, is("2"))]));
    assert_eq!(bench.text("net.ipv4.conf.eth0.rp_filter"), "0");
    assert_eq!(bench.text("net.ipv4.conf.eth1.rp_filter"), "2");
    assert_eq!(bench.text("net.ipv4.conf.eth2.rp_filter"), "0");
    let held = bench.store().history.held;
    assert!(held.contains_key(&address("net.ipv4.conf.eth1.rp_filter")));
    assert!(!held.contains_key(&address("net.ipv4.conf.eth0.rp_filter")));
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn nobody_is_pinned_by_a_needless_write() {
    for fails in [false, true] {
        let mut bench = Bench::new();
        let set = desired([(DEFAULT_RP, is("2")), ("net.core.somaxconn", is("8192"))]);
        if fails {
            bench.kernel.fault_at_write(2, Fault::Fail(libc::EIO));
        }
        bench.apply(&set);
        bench.revert();
        assert!(!bench.written().iter().any(|key| key.contains("eth")), "{:?}", bench.written());
        // The kernel's hidden bit shows here: who was never set follows the default.
        bench.foreign(DEFAULT_RP, "1");
        assert_eq!(bench.text("net.ipv4.conf.eth1.rp_filter"), "1", "fails: {fails}");
    }
}

#[test]
fn an_interface_that_got_its_address_on_trial_is_written_back() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(DEFAULT_RP, is("2"))]));
    // From now on the default moves nothing there.
    bench.kernel.add_ipv4_address("eth1");
    bench.take_back();
    assert_eq!(bench.text("net.ipv4.conf.eth1.rp_filter"), "0");
    assert_eq!(bench.text("net.ipv4.conf.eth0.rp_filter"), "0");
}

#[test]
fn ipv6_forwarding_takes_forced_forwarding_along_only_for_a_while() {
    let mut bench = Bench::new();
    let forced = "net.ipv6.conf.eth0.force_forwarding";
    bench.foreign(forced, "1");
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([("net.ipv6.conf.all.forwarding", is("1"))]));
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_wanted_value_that_an_effect_brings_is_not_written() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(FORWARD, is("1")), (ETH0, is("1")), (REDIRECTS, is("0"))]));
    assert_eq!(bench.written(), [FORWARD]);
}

#[test]
fn a_wanted_value_against_an_effect_is_written_behind_its_cause() {
    let mut bench = Bench::new();
    let set = desired([(FORWARD, is("1")), (ETH0, is("0")), (REDIRECTS, is("1"))]);
    let before = values(&bench.kernel);
    bench.put_in_force(&set);
    assert_eq!((bench.text(FORWARD), bench.text(ETH0), bench.text(REDIRECTS)), ("1", "0", "1"));
    assert!(bench.plan(&set).changes.is_empty());
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn global_keys_are_written_in_the_initial_namespace_and_noted_elsewhere() {
    let set = desired([("net.core.netdev_max_backlog", is("5000")), ("net.core.rmem_max", is("8388608"))]);
    let mut bench = Bench::new();
    bench.put_in_force(&set);
    assert_eq!(bench.text("net.core.netdev_max_backlog"), "5000");
    bench.take_back();
    assert_eq!((bench.text("net.core.netdev_max_backlog"), bench.text("net.core.rmem_max")), ("1000", "4194304"));

    let mut bench = Bench::with(FakeKernel::child("blue"));
    let plan = bench.plan(&set);
    assert!(!plan.is_held_up() && plan.findings.len() == 2, "{:?}", plan.findings);
    assert!(matches!(bench.apply(&set), Finished::Nothing));
    assert_eq!(bench.kernel.writes(), 0);
}

#[test]
fn an_algorithm_that_becomes_allowed_on_the_way_is_not_held_against_anybody() {
    let mut bench = Bench::new();
    bench.kernel.set(&key("net.ipv4.tcp_available_congestion_control"), "reno cubic bbr");
    bench.put_in_force(&desired([("net.ipv4.tcp_congestion_control", is("bbr"))]));
    bench.take_back();
    assert_eq!(bench.text("net.ipv4.tcp_congestion_control"), "cubic");
}
