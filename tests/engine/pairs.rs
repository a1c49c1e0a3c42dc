//! Values that the kernel checks against each other: both move in one apply, up and down, and back.

use trimtab_core::desired::Desired;
use trimtab_kernel::fake::Class;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::key;
use super::bench::values;

const RANGE: &str = "net.ipv4.ip_local_port_range";
const START: &str = "net.ipv4.ip_unprivileged_port_start";

fn ports(range: &str, start: &str) -> Desired {
    desired([(RANGE, is(range)), (START, is(start))])
}

#[test]
fn ports_go_up_and_down_together_and_back() {
    let mut bench = Bench::new();
    let before = values(&bench.kernel);
    for (range, start) in
        [("50000 60000", "40000"), ("10240 65535", "1024"), ("60000 60999", "60000"), ("2000 3000", "0")]
    {
        bench.put_in_force(&ports(range, start));
        assert_eq!(bench.text(START), start);
    }
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_failure_behind_a_pair_takes_both_back_in_the_right_order() {
    for (range, start) in [("50000 60000", "40000"), ("10240 65535", "512")] {
        for nth in 1..=3 {
            let mut bench = Bench::new();
            let before = values(&bench.kernel);
            let mut set = ports(range, start);
            set.settings.extend(desired([("net.ipv4.tcp_sack", is("0"))]).settings);
            bench.kernel.fault_at_write(nth, Fault::Fail(libc::EIO));
            bench.apply(&set);
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "{range}, {start}, write {nth}");
            assert!(bench.store().history.open.is_none());
        }
    }
}

#[test]
fn a_pair_that_contradicts_itself_is_blocked_and_nothing_of_it_is_written() {
    let mut bench = Bench::new();
    let set = ports("2000 3000", "4000");
    let plan = bench.plan(&set);
    assert!(plan.is_held_up(), "{plan:?}");
}

/// Pairs of which the fake kernel has no law: which half is written first is seen in its log.
#[test]
fn thresholds_are_written_the_way_round_that_the_kernel_takes() {
    for (low, high) in [
        ("net.ipv4.ipfrag_low_thresh", "net.ipv4.ipfrag_high_thresh"),
        ("net.ipv4.tcp_reordering", "net.ipv4.tcp_max_reordering"),
    ] {
        let mut bench = Bench::new();
        for (name, text) in [(low, "300"), (high, "400")] {
            bench.kernel.add(key(name), Class::NATURAL, text, true);
        }
        bench.put_in_force(&desired([(low, is("3000")), (high, is("4000"))]));
        bench.put_in_force(&desired([(low, is("30")), (high, is("40"))]));
        bench.put_in_force(&desired([(low, is("41")), (high, is("41"))]));
        bench.take_back();
        // Up: the upper one first. Down: the lower one first.
        assert_eq!(bench.written(), [high, low, low, high, high, low, high, low]);
    }
}
