//! Rules for packets under the apply protocol: one batch for all of them, what somebody else does to the table, kernels that
//! have none.

use trimtab::engine::transaction::Finished;
use trimtab_core::address::NftKey;
use trimtab_core::kind::nft;
use trimtab_core::kind::nft::Action;
use trimtab_core::kind::nft::Chain;
use trimtab_core::kind::nft::Hook;
use trimtab_core::kind::nft::Mss;
use trimtab_core::kind::nft::Rule;
use trimtab_core::plan::Class;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Wanted;
use trimtab_core::value::Value;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::desired;
use super::bench::is;

const NOTRACK: &str = "nft:trimtab/notrack";
const CLAMP: &str = "nft:trimtab/mss-clamp";

fn notrack(protocol: u8) -> Value {
    let rule = Rule { protocol: Some(protocol), ..Rule::new(Action::Notrack) };
    nft::shown(&[
        Chain { hook: Hook::Prerouting, rules: vec![rule.clone()] },
        Chain { hook: Hook::Output, rules: vec![rule] },
    ])
}

fn clamp() -> Value {
    nft::shown(&[Chain { hook: Hook::Forward, rules: vec![Rule::new(Action::Clamp(Mss::Path))] }])
}

fn exactly(value: &Value) -> Policy {
    Policy::Value(Wanted::Tree(Box::new(value.as_tree().unwrap().clone())))
}

fn bench() -> Bench {
    Bench::with(FakeKernel::new())
}

#[test]
fn both_sections_are_one_batch_behind_everything_else() {
    let mut bench = bench();
    let set = desired([
        (NOTRACK, exactly(&notrack(47))),
        (CLAMP, exactly(&clamp())),
        ("net.ipv4.ip_forward", is("1")),
        ("link:lo/txqueuelen", is("500")),
    ]);
    bench.put_in_force(&set);
    assert_eq!((bench.kernel.batches(), bench.kernel.writes()), (1, 3));
    assert_eq!(bench.kernel.rules(NftKey::Notrack), Some(&notrack(47)));
    assert!(matches!(bench.apply(&set), Finished::Nothing));
    assert_eq!(bench.kernel.batches(), 1);
    bench.take_back();
    assert_eq!(bench.kernel.batches(), 2);
    assert_eq!((bench.kernel.rules(NftKey::Notrack), bench.kernel.rules(NftKey::MssClamp)), (None, None));
}

#[test]
fn a_section_that_leaves_the_profile_goes_and_the_other_stays() {
    let mut bench = bench();
    bench.put_in_force(&desired([(NOTRACK, exactly(&notrack(47))), (CLAMP, exactly(&clamp()))]));
    bench.put_in_force(&desired([(CLAMP, exactly(&clamp()))]));
    assert_eq!((bench.kernel.rules(NftKey::Notrack), bench.kernel.rules(NftKey::MssClamp)), (None, Some(&clamp())));
    bench.put_in_force(&desired([(CLAMP, exactly(&clamp())), (NOTRACK, exactly(&notrack(50)))]));
    bench.put_in_force(&desired([(CLAMP, exactly(&clamp())), (NOTRACK, exactly(&notrack(51)))]));
    assert_eq!(bench.kernel.rules(NftKey::Notrack), Some(&notrack(51)));
    bench.take_back();
    assert_eq!(bench.kernel.rules(NftKey::Notrack), None);
}

#[test]
fn a_failure_behind_the_rules_takes_them_back_too() {
    for fault in [Fault::Fail(22), Fault::Ignore] {
        let mut bench = bench();
        bench.put_in_force(&desired([(NOTRACK, exactly(&notrack(47)))]));
        let writes = bench.kernel.writes();
        // The rules come last, so it is they that fail, behind a sysctl that has been written.
        bench.kernel.fault_at_write(writes + 2, fault);
        let set =
            desired([(NOTRACK, exactly(&notrack(50))), (CLAMP, exactly(&clamp())), ("net.ipv4.ip_forward", is("1"))]);
        let finished = bench.apply(&set);
        assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
        assert_eq!(
            (bench.kernel.rules(NftKey::Notrack), bench.kernel.rules(NftKey::MssClamp)),
            (Some(&notrack(47)), None)
        );
    }
}

#[test]
fn what_somebody_changes_in_the_table_is_put_back_and_goes_with_revert() {
    let mut bench = bench();
    let set = desired([(NOTRACK, exactly(&notrack(47)))]);
    bench.put_in_force(&set);
    bench.kernel.set_rules(NftKey::Notrack, notrack(6));
    bench.put_in_force(&set);
    assert_eq!(bench.kernel.rules(NftKey::Notrack), Some(&notrack(47)));
    bench.kernel.set_rules(NftKey::Notrack, notrack(6));
    bench.take_back();
    assert_eq!(bench.kernel.rules(NftKey::Notrack), None);
}

#[test]
fn somebody_elses_table_is_a_conflict_and_stays() {
    let mut bench = bench();
    bench.kernel.set_foreign_table(true);
    let set = desired([(NOTRACK, exactly(&notrack(47)))]);
    let plan = bench.plan(&set);
    let finding = &plan.findings[0];
    assert_eq!((finding.class, finding.code.as_str(), plan.changes.len()), (Class::Blocked, "foreign-table", 0));
    // One that took the place of trimtab's is not touched by revert.
    bench.kernel.set_foreign_table(false);
    bench.put_in_force(&set);
    bench.kernel.set_foreign_table(true);
    let batches = bench.kernel.batches();
    let _ = bench.revert();
    assert_eq!(bench.kernel.batches(), batches);
}

#[test]
fn a_kernel_without_nf_tables_blocks_unless_that_is_fine() {
    let mut bench = bench();
    bench.kernel.lack_nf_tables();
    let mut set = desired([(CLAMP, exactly(&clamp()))]);
    let plan = bench.plan(&set);
    let finding = &plan.findings[0];
    assert_eq!((finding.class, finding.code.as_str()), (Class::Blocked, "no-nf-tables"));
    assert!(finding.advice.as_deref().is_some_and(|advice| advice.contains("modprobe nf_tables")));
    set.settings.values_mut().for_each(|setting| setting.if_supported = true);
    let plan = bench.plan(&set);
    assert_eq!((plan.findings[0].class, plan.changes.len()), (Class::Note, 0));
}
