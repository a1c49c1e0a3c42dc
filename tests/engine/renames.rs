//! Interfaces that get another name while a plan is made, as udev(7) does it while a host boots.

use trimtab::cli::Wanted;
use trimtab::verbs::plan;
use trimtab_core::journal::Followed;
use trimtab_core::journal::Held;
use trimtab_core::journal::History;
use trimtab_core::plan::Class;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::fake::Event;
use trimtab_kernel::fake::FakeKernel;

use super::bench::Bench;
use super::bench::address;
use super::bench::desired;
use super::bench::is;
use super::sessions::session;

/// A kernel whose eth0 is called lan0 from the first read on.
fn renaming() -> FakeKernel {
    let mut kernel = FakeKernel::new();
    kernel.add_interface("eth0");
    kernel.before_read(1, Event::Rename("eth0".to_owned(), "lan0".to_owned()));
    kernel
}

/// The plan of a command that wants this, and what it holds then.
fn planned(kernel: FakeKernel, set: &[&str], mut history: History) -> (Plan, Followed, History) {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(kernel, folder.path(), "");
    let wanted = Wanted { set: set.iter().map(|text| (*text).to_owned()).collect(), ..Wanted::default() };
    let mut intent = session.intend(&wanted).unwrap();
    let made = plan::make(&mut session, &mut intent, &mut history).unwrap();
    (made.plan, made.followed, history)
}

fn changed(plan: &Plan) -> Vec<String> {
    plan.changed().map(ToString::to_string).collect()
}

#[test]
fn an_interface_that_went_while_it_was_read_is_pending_and_not_blocked() {
    let mut bench = Bench::new();
    let host = bench.host(&std::collections::BTreeSet::new());
    bench.kernel.before_read(1, Event::Rename("eth0".to_owned(), "lan0".to_owned()));
    let set = desired([
        ("net.ipv4.conf.eth0.rp_filter", is("2")),
        ("net.ipv6.conf.eth0.accept_ra", is("0")),
        ("link:eth0/mtu", is("1400")),
        ("net.ipv4.conf.eth1.rp_filter", is("2")),
    ]);
    let goals = goal::of_apply(&set, &std::collections::BTreeMap::new());
    let planned = host.look_and_plan(&mut bench.kernel, &goals, None).unwrap();
    assert_eq!(planned.gone.iter().collect::<Vec<_>>(), ["eth0"]);
    let told: Vec<_> = planned.plan.findings.iter().map(|finding| (finding.class, finding.code.as_str())).collect();
    assert_eq!(told, [(Class::Pending, "no-interface"); 3], "{:#?}", planned.plan.findings);
    assert_eq!(changed(&planned.plan), ["sysctl:net.ipv4.conf.eth1.rp_filter"]);
}

#[test]
fn what_is_only_absent_is_not_taken_for_gone() {
    let mut bench = Bench::new();
    let host = bench.host(&std::collections::BTreeSet::new());
    let set = desired([("net.ipv4.conf.eth0.no_such", is("2"))]);
    let goals = goal::of_apply(&set, &std::collections::BTreeMap::new());
    let planned = host.look_and_plan(&mut bench.kernel, &goals, None).unwrap();
    assert!(planned.gone.is_empty());
    assert_eq!(planned.plan.findings[0].code, "absent-key");
}

#[test]
fn the_new_name_is_tuned_at_once() {
    let set = ["net.ipv4.conf.*.rp_filter=2"];
    let (plan, followed, _) = planned(renaming(), &set, History::default());
    let changed = changed(&plan);
    assert_eq!(changed, ["sysctl:net.ipv4.conf.lan0.rp_filter", "sysctl:net.ipv4.conf.lo.rp_filter"], "{plan:#?}");
    assert!(!plan.is_held_up(), "{:#?}", plan.findings);
    assert_eq!(followed, Followed::Nothing);
}

#[test]
fn a_name_that_is_asked_for_and_gone_is_pending() {
    let (plan, ..) = planned(renaming(), &["net.ipv4.conf.eth0.rp_filter=2"], History::default());
    assert_eq!(changed(&plan), [""; 0]);
    assert_eq!(plan.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["no-interface"]);
}

/// Else what trimtab had left there would be taken for the original.
#[test]
fn what_is_held_follows_to_the_new_name() {
    let mut kernel = renaming();
    let link = kernel.links().unwrap().unwrap().remove("eth0");
    let held = Held { original: Value::Int(0), ours: Value::Int(1), cause: None, interface: link };
    let held = [(address("net.ipv4.conf.eth0.rp_filter"), held)].into();
    let history = History { held, ..History::default() };
    let (_, followed, history) = planned(kernel, &["net.ipv4.conf.*.rp_filter=2"], history);
    assert_eq!(followed, Followed::Something { returned: [].into() });
    assert_eq!(history.held.keys().collect::<Vec<_>>(), [&address("net.ipv4.conf.lan0.rp_filter")]);
}
