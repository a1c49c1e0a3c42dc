//! Queueing disciplines under the apply protocol: what fails is undone, what is somebody else's stays.

use trimtab::engine::transaction::Finished;
use trimtab_core::plan::Class;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::tree::Tree;
use trimtab_kernel::fake::Device;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::fake::Fault;

use super::bench::Bench;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::values;

fn bench() -> Bench {
    let mut kernel = FakeKernel::new().without_qdisc("cake");
    for name in ["eth0", "eth1"] {
        kernel.add_device(name, Device::physical("igb"));
    }
    Bench::with(kernel)
}

fn tree(kind: &str, scalars: &[(&str, i64)]) -> Tree {
    let scalars = scalars.iter().map(|(name, number)| ((*name).to_owned(), Scalar::Int(*number))).collect();
    Tree { scalars, ..Tree::new(kind) }
}

fn root(kind: &str, scalars: &[(&str, i64)]) -> Policy {
    Policy::Value(Wanted::Tree(Box::new(tree(kind, scalars))))
}

#[test]
fn roots_come_change_and_go() {
    let mut bench = bench();
    let before = values(&bench.kernel);
    let first = desired([("tc:eth0/root", root("fq", &[("limit", 500)])), ("tc:eth1/root", root("fq_codel", &[]))]);
    bench.put_in_force(&first);
    assert_eq!(bench.kernel.root("eth0").unwrap().to_string(), "fq flow_limit 100 handle 7474: limit 500");
    assert!(matches!(bench.apply(&first), Finished::Nothing));
    bench.put_in_force(&desired([("tc:eth0/root", root("fq", &[("limit", 600)]))]));
    assert_eq!(bench.kernel.root("eth0").unwrap().to_string(), "fq flow_limit 100 handle 7474: limit 600");
    assert_eq!(bench.kernel.root("eth1").unwrap().to_string(), "noqueue", "nobody wants it any more");
    bench.put_in_force(&desired([("tc:eth0/root", root("fq_codel", &[]))]));
    assert!(bench.kernel.root("eth0").unwrap().to_string().contains("handle 7475:"));
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn whatever_becomes_of_a_write_all_is_as_before() {
    for fault in [Fault::Fail(libc::EINVAL), Fault::Ignore, Fault::Store("7".to_owned())] {
        for nth in 1..=3 {
            let mut bench = bench();
            bench.kernel.attach("eth1", Some(foreign()));
            let before = values(&bench.kernel);
            bench.kernel.fault_at_write(nth, fault.clone());
            let set = desired([
                ("link:eth0/mtu", is("1400")),
                ("tc:eth0/root", root("fq", &[("limit", 500)])),
                ("tc:eth1/root", Policy::Value(Wanted::Tree(Box::new(taking(tree("pfifo", &[("limit", 9)])))))),
            ]);
            let finished = bench.apply(&set);
            // An MTU of 7 is refused by no law of this device.
            assert!(matches!(finished, Finished::Undone(_)), "{fault:?} at {nth}: {finished:?}");
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "{fault:?} at {nth}");
        }
    }
}

fn foreign() -> Tree {
    let mut tree = tree("pfifo", &[("limit", 3)]);
    tree.scalars.insert("handle".to_owned(), Scalar::Text("8001:".to_owned()));
    tree
}

fn taking(mut tree: Tree) -> Tree {
    tree.scalars.insert("take".to_owned(), Scalar::Text("on".to_owned()));
    tree
}

#[test]
fn somebody_elses_root_is_a_conflict_and_what_is_lacking_is_blocked() {
    let mut bench = bench();
    bench.kernel.attach("eth0", Some(foreign()));
    let before = values(&bench.kernel);
    let plan = bench.plan(&desired([("tc:eth0/root", root("fq", &[])), ("tc:eth1/root", root("cake", &[]))]));
    assert_eq!((plan.changes.len(), plan.count(Class::Conflict), plan.count(Class::Blocked)), (0, 1, 1), "{plan:?}");
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_root_that_somebody_replaced_is_left_and_named() {
    let mut bench = bench();
    bench.put_in_force(&desired([("tc:eth0/root", root("fq", &[("limit", 500)]))]));
    bench.kernel.attach("eth0", Some(foreign()));
    let (plan, _) = bench.revert();
    assert_eq!(plan.not_ours().len(), 1, "{plan:?}");
    assert!(plan.changes.is_empty());
}

#[test]
fn an_interface_that_goes_to_another_namespace_comes_back_without_it() {
    let mut bench = bench();
    let set = desired([("tc:eth0/root", root("fq", &[("limit", 500)]))]);
    bench.put_in_force(&set);
    bench.kernel.move_away("eth0");
    bench.kernel.come_back("eth0", 7);
    assert_eq!(bench.kernel.root("eth0").unwrap().to_string(), "noqueue");
    bench.put_in_force(&set);
    assert!(bench.kernel.root("eth0").unwrap().to_string().starts_with("fq "));
    bench.take_back();
    assert_eq!(bench.kernel.root("eth0").unwrap().to_string(), "noqueue");
}
