//! A write that fails, a kernel that lies, somebody else who writes at the same time.

use trimtab::engine::execute::Failure;
use trimtab::engine::transaction::Finished;
use trimtab_core::value::Value;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::address;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::key;
use super::bench::values;

const SOMAXCONN: &str = "net.core.somaxconn";
const RMEM: &str = "net.ipv4.tcp_rmem";
const FIN: &str = "net.ipv4.tcp_fin_timeout";
const RATE: &str = "net.ipv4.icmp_ratelimit";

fn set() -> trimtab_core::desired::Desired {
    desired([
        (SOMAXCONN, is("8192")),
        ("net.ipv4.ip_forward", is("1")),
        ("net.ipv4.conf.default.rp_filter", is("2")),
        (RMEM, is("8192 262144 16777216")),
        (FIN, is("30")),
        (RATE, is("1001")),
    ])
}

#[test]
fn whichever_write_fails_everything_is_as_before() {
    for nth in 1..=6 {
        for fault in [Fault::Fail(libc::EINVAL), Fault::Ignore, Fault::Short(1)] {
            let mut bench = Bench::new();
            let before = values(&bench.kernel);
            bench.kernel.fault_at_write(nth, fault.clone());
            let finished = bench.apply(&set());
            assert!(matches!(finished, Finished::Undone(_)), "write {nth}, {fault:?}: {finished:?}");
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "write {nth}, {fault:?}");
            let store = bench.store();
            assert!(store.history.open.is_none() && store.history.held.is_empty() && store.applied.is_none());
        }
    }
}

#[test]
fn a_value_accepted_and_not_held_is_told_with_both() {
    let mut bench = Bench::new();
    bench.kernel.fault_at_write(1, Fault::Store("9000".into()));
    let Finished::Undone(failure) = bench.apply(&desired([(SOMAXCONN, is("8192"))])) else { panic!() };
    assert_eq!(failure.to_string(), format!("{}: the kernel accepted 8192 but holds 9000", address(SOMAXCONN)));
    assert_eq!(bench.text(SOMAXCONN), "4096");
}

#[test]
fn a_vector_that_the_kernel_shortened_in_silence_is_undone() {
    let mut bench = Bench::new();
    bench.kernel.fault_at_write(1, Fault::Store("8192".into()));
    let finished = bench.apply(&desired([(RMEM, is("8192 262144 16777216"))]));
    assert!(matches!(finished, Finished::Undone(Failure::Differs { .. })), "{finished:?}");
    assert_eq!(bench.text(RMEM), "4096\t131072\t33554432");
}

#[test]
fn a_vector_stored_in_part_by_a_refused_write_is_undone() {
    let mut bench = Bench::new();
    // The kernel stores what stands before the wrong number.
    bench.kernel.fault_at_write(1, Fault::Store("8192 262144 x".into()));
    let finished = bench.apply(&desired([(RMEM, is("8192 262144 16777216"))]));
    assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
    assert_eq!(bench.text(RMEM), "4096\t131072\t33554432");
}

#[test]
fn a_foreign_write_before_the_first_of_ours_is_stale_and_nothing_is_written() {
    let mut bench = Bench::new();
    // Reads of the plan come first; the turn's own re-read sees it.
    let set = desired([(SOMAXCONN, is("8192"))]);
    bench.plan(&set);
    let reads = bench.kernel.reads();
    bench.kernel.foreign_before_read(2 * reads + 1, &key(SOMAXCONN), "1000");
    let finished = bench.apply(&set);
    assert!(matches!(finished, Finished::Stale(_)), "{finished:?}");
    assert_eq!((bench.text(SOMAXCONN), bench.kernel.writes()), ("1000", 0));
    assert!(bench.store().history.held.is_empty());
    // The next one takes it for the original.
    bench.put_in_force(&set);
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "1000");
}

#[test]
fn a_foreign_write_between_ours_is_never_trampled() {
    let set = desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]);
    let mut bench = Bench::new();
    // While somaxconn is written, somebody changes what is to be written next.
    bench.kernel.foreign_before_write(1, &key(FIN), "17");
    let finished = bench.apply(&set);
    assert!(matches!(finished, Finished::Undone(Failure::Stale { .. })), "{finished:?}");
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("4096", "17"));
    assert!(bench.store().history.held.is_empty());
}

#[test]
fn a_foreign_value_behind_ours_is_a_conflict_and_stays() {
    let set = desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]);
    let mut bench = Bench::new();
    // somaxconn is ours already when somebody changes it, and the next write fails.
    bench.kernel.foreign_before_write(2, &key(SOMAXCONN), "77");
    bench.kernel.fault_at_write(2, Fault::Fail(libc::EIO));
    let finished = bench.apply(&set);
    let Finished::Incomplete(_, undone) = finished else { panic!("{finished:?}") };
    assert_eq!(undone.conflicts.len(), 1);
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("77", "60"));
}

#[test]
fn a_foreign_value_found_by_the_last_look_is_a_conflict_and_stays() {
    let set = desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]);
    let mut bench = Bench::new();
    bench.kernel.foreign_before_write(2, &key(SOMAXCONN), "77");
    let finished = bench.apply(&set);
    let Finished::Incomplete(Failure::Differs { .. }, undone) = finished else { panic!("{finished:?}") };
    assert_eq!(undone.conflicts.len(), 1);
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("77", "60"));
}

#[test]
fn what_a_refused_write_finds_there_is_not_taken_for_ours() {
    let mut bench = Bench::new();
    bench.kernel.foreign_before_write(1, &key(SOMAXCONN), "77");
    bench.kernel.fault_at_write(1, Fault::Fail(libc::EIO));
    let finished = bench.apply(&desired([(SOMAXCONN, is("8192"))]));
    assert!(matches!(finished, Finished::Incomplete(..)), "{finished:?}");
    assert_eq!(bench.text(SOMAXCONN), "77");
}

#[test]
fn a_foreign_value_that_an_effect_would_have_had_is_not_ours() {
    let mut bench = Bench::new();
    let eth1 = "net.ipv4.conf.eth1.rp_filter";
    // Between the write that moves eth1 and the last look.
    bench.kernel.foreign_before_write(2, &key(eth1), "1");
    bench.put_in_force(&desired([("net.ipv4.conf.default.rp_filter", is("2")), (SOMAXCONN, is("8192"))]));
    assert!(!bench.store().history.held.contains_key(&address(eth1)));
    bench.revert();
    assert_eq!((bench.text(eth1), bench.text("net.ipv4.conf.eth0.rp_filter")), ("1", "0"));
}

#[test]
fn an_undo_that_the_kernel_refuses_is_kept_for_a_later_revert() {
    let mut bench = Bench::new();
    bench.kernel.fault_at_write(2, Fault::Fail(libc::EIO));
    for nth in 3..=4 {
        bench.kernel.fault_at_write(nth, Fault::Fail(libc::EPERM));
    }
    let finished = bench.apply(&desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]));
    let Finished::Incomplete(_, undone) = finished else { panic!("{finished:?}") };
    assert_eq!(undone.failed.len(), 1, "{undone:?}");
    assert_eq!(bench.text(SOMAXCONN), "8192");
    assert_eq!(bench.store().history.held[&address(SOMAXCONN)].original, Value::Int(4096));
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "4096");
}

#[test]
fn what_became_read_only_is_kept_for_a_later_revert() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]));
    bench.kernel.set_writable(&key(SOMAXCONN), false);
    let (plan, _) = bench.revert();
    assert!(plan.is_held_up());
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("8192", "60"));
}

#[test]
fn what_became_read_only_half_way_is_kept_for_a_later_revert() {
    let mut bench = Bench::new();
    let set = desired([(SOMAXCONN, is("8192")), (FIN, is("30"))]);
    // Killed between the two writes: the journal has the first.
    let whole = bench.journal();
    bench.put_in_force(&set);
    let text = String::from_utf8(trimtab_kernel::file::read(&whole, 1 << 20).unwrap()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(&whole, lines[..3].concat()).unwrap();
    std::fs::remove_file(whole.with_file_name("applied")).unwrap();
    bench.kernel.set_writable(&key(SOMAXCONN), false);
    bench.recover(trimtab::engine::transaction::Trials::Respect).unwrap();
    assert_eq!((bench.text(SOMAXCONN), bench.text(FIN)), ("8192", "60"));
    bench.kernel.set_writable(&key(SOMAXCONN), true);
    bench.take_back();
    assert_eq!(bench.text(SOMAXCONN), "4096");
}

#[test]
fn a_value_that_the_kernel_rounds_is_ours_though_the_journal_ends_before_its_reading() {
    let mut bench = Bench::new();
    bench.put_in_force(&desired([(RATE, is("1001"))]));
    assert_eq!(bench.text(RATE), "1004");
    let whole = bench.journal();
    let text = String::from_utf8(trimtab_kernel::file::read(&whole, 1 << 20).unwrap()).unwrap();
    // Opened and begun, nothing else.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(&whole, lines[..2].concat()).unwrap();
    std::fs::remove_file(whole.with_file_name("applied")).unwrap();
    bench.recover(trimtab::engine::transaction::Trials::Respect).unwrap();
    assert_eq!(bench.text(RATE), "1000");
}
