//! Settings that leave return to their originals; vectors and sets go back by element and by member.

use trimtab::engine::transaction::Finished;
use trimtab_core::plan::Class;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::value::Value;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::address;
use super::bench::at_least;
use super::bench::desired;
use super::bench::differences;
use super::bench::elements;
use super::bench::is;
use super::bench::values;

const SOMAXCONN: &str = "net.core.somaxconn";
const RMEM: &str = "net.ipv4.tcp_rmem";
const FIN: &str = "net.ipv4.tcp_fin_timeout";
const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";

#[test]
fn a_setting_that_leaves_returns_to_its_original() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]));
    bench.put_in_force(&desired([(FIN, is("30"))]));
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("4096", "30"));
    let held = bench.store().history.held;
    assert_eq!(held.keys().collect::<Vec<_>>(), [&address(FIN)]);
}

#[test]
fn a_failure_goes_back_to_the_set_before_and_a_revert_to_the_originals() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(SOMAXCONN, is("8192"))]));
    let first = bench.store().applied;
    bench.kernel.fault_at_write(3, Fault::Fail(libc::EINVAL));
    let finished = bench.apply(&desired([(SOMAXCONN, is("9000")), (FIN, is("30"))]));
    assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
    assert_eq!(bench.text(SOMAXCONN), "8192");
    let store = bench.store();
    assert_eq!((&store.applied, store.applied.as_ref().map(|applied| applied.generation)), (&first, Some(1)));
    assert_eq!(store.history.held[&address(SOMAXCONN)].original, Value::Int(4096));
    bench.put_in_force(&desired([(SOMAXCONN, is("9000"))]));
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "4096");
    assert!(bench.store().applied.unwrap().desired.settings.is_empty());
}

#[test]
fn a_change_of_somebody_else_between_two_applies_is_before_and_not_original() {
    let mut bench = Bench::new();
    let set = desired([(SOMAXCONN, is("8192"))]);
    bench.put_in_force(&set);
    bench.foreign(SOMAXCONN, "77");
    bench.kernel.fault_at_write(2, Fault::Ignore);
    assert!(matches!(bench.apply(&set), Finished::Undone(_)));
    assert_eq!(bench.text(SOMAXCONN), "77");
    bench.put_in_force(&set);
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "4096");
}

#[test]
fn a_foreign_value_survives_a_revert_and_is_named() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]));
    bench.foreign(SOMAXCONN, "77");
    let (plan, finished) = bench.revert();
    assert!(matches!(finished, Finished::InForce { writes: 1 }), "{finished:?}");
    let conflicts: Vec<_> = plan.findings.iter().filter(|finding| finding.class == Class::Conflict).collect();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].address, Some(address(SOMAXCONN)));
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("77", "60"));
}

#[test]
fn a_value_back_by_itself_is_not_written_again() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(SOMAXCONN, is("8192"))]));
    bench.foreign(SOMAXCONN, "4096");
    bench.take_back();
    assert_eq!(bench.kernel.writes(), 1);
}

#[test]
fn an_element_that_was_kept_is_left_to_others() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(RMEM, elements(&[None, None, Some(67_108_864)]))]));
    assert_eq!(bench.text(RMEM), "4096\t131072\t67108864");
    bench.foreign(RMEM, "8192 131072 67108864");
    bench.take_back();
    assert_eq!(bench.text(RMEM), "8192\t131072\t33554432");
}

#[test]
fn an_element_of_ours_that_others_changed_is_a_conflict() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(RMEM, elements(&[None, None, Some(67_108_864)]))]));
    bench.foreign(RMEM, "4096 131072 1000000");
    let (plan, _) = bench.revert();
    assert_eq!(plan.count(Class::Conflict), 1);
    assert_eq!(bench.text(RMEM), "4096\t131072\t1000000");
}

#[test]
fn ports_of_others_stay_and_ours_leave() {
    let mut bench = Bench::new();
    bench.set(RESERVED, "22,8080");
    let ours = Policy::Includes(vec![Scalar::Int(8080), Scalar::Int(9000)]);
    bench.put_in_force(&desired([(RESERVED, ours)]));
    assert_eq!(bench.text(RESERVED), "22,8080,9000");
    bench.foreign(RESERVED, "22,443,8080,9000");
    bench.take_back();
    // 8080 was there before trimtab.
    assert_eq!(bench.text(RESERVED), "22,443,8080");
}

#[test]
fn what_stayed_at_a_return_belongs_to_others_from_then_on() {
    let mut bench = Bench::new();
    let fin = || (FIN, is("30"));
    let (ports, vector) = (Policy::Includes(vec![Scalar::Int(9000)]), elements(&[None, None, Some(67_108_864)]));
    bench.put_in_force(&desired([(RESERVED, ports), (RMEM, vector), fin()]));
    bench.foreign(RESERVED, "443,9000");
    bench.foreign(RMEM, "8192 131072 67108864");
    bench.put_in_force(&desired([fin()]));
    assert_eq!((bench.text(RESERVED), bench.text(RMEM)), ("443", "8192\t131072\t33554432"));
    assert!(matches!(bench.apply(&desired([fin()])), Finished::Nothing));
    bench.take_back();
    assert_eq!((bench.text(RESERVED), bench.text(RMEM)), ("443", "8192\t131072\t33554432"));
}

#[test]
fn the_last_reserved_port_leaves_too() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(RESERVED, is("9000-9010"))]));
    bench.take_back();
    assert_eq!(bench.text(RESERVED), "");
}

#[test]
fn a_floor_that_holds_is_neither_written_nor_held() {
    let mut bench = Bench::new();
    let finished = bench.apply(&desired([(SOMAXCONN, at_least(1024))]));
    assert!(matches!(finished, Finished::Nothing));
    assert_eq!(bench.kernel.writes(), 0);
    assert!(bench.store().history.held.is_empty());
    // Somebody raises it; that stays theirs.
    bench.foreign(SOMAXCONN, "5000");
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "5000");
}

#[test]
fn a_floor_lowered_by_others_is_mended_and_goes_back_to_what_they_left() {
    let mut bench = Bench::new();
    let set = desired([(SOMAXCONN, at_least(1024))]);
    bench.apply(&set);
    bench.foreign(SOMAXCONN, "128");
    bench.put_in_force(&set);
    assert_eq!(bench.text(SOMAXCONN), "1024");
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "128");
}

#[test]
fn a_long_history_is_compacted_and_loses_no_original() {
    let mut bench = Bench::new();
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([(FIN, is("30"))]));
    for round in 0..80 {
        let value = (5000 + round).to_string();
        bench.put_in_force(&desired([(FIN, is("30")), (SOMAXCONN, is(&value))]));
    }
    let length = std::fs::metadata(bench.journal()).unwrap().len();
    assert!(length < 80_000, "{length} bytes");
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}
