//! Modules that settings ask for are loaded first, and what they bring is planned as it is then.

use trimtab::cli::Wanted;
use trimtab::verbs::modules;
use trimtab::verbs::plan;
use trimtab_core::plan::Class;
use trimtab_core::plan::Plan;
use trimtab_kernel::fake::Class as Key;
use trimtab_kernel::fake::FakeKernel;

use super::sessions::session;

const MAX: &str = "net.netfilter.nf_conntrack_max";
const BUCKETS: &str = "net.netfilter.nf_conntrack_buckets";

/// The plan before anything is loaded, and the one behind.
fn plans(kernel: FakeKernel, host_file: &str) -> (Plan, Plan) {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(kernel, folder.path(), host_file);
    let mut store = session.store().unwrap();
    let mut intent = session.intend(&Wanted::default()).unwrap();
    let before = plan::make(&mut session, &mut intent, &mut store.history).unwrap().plan;
    let after = modules::load_and_plan(&mut session, &mut intent, &mut store, before.clone()).unwrap();
    (before, after)
}

fn codes(plan: &Plan) -> Vec<(Class, &str)> {
    plan.findings.iter().map(|finding| (finding.class, finding.code.as_str())).collect()
}

const TABLE: &str = "[facts]\nuplink.speed = '1gbit'\n[conntrack]\nload-module = true\nmax = { at-least = 300000 }\nbuckets = { at-least = 70000 }\n";

#[test]
fn what_a_module_brings_is_planned_from_its_own_values() {
    let mut kernel = FakeKernel::new();
    // The one is more than is asked for already: a floor never lowers.
    kernel.add_module("nf_conntrack", &[(MAX, Key::INT, "262144"), (BUCKETS, Key::INT, "262144")]);
    let (before, after) = plans(kernel, TABLE);
    assert!(before.changes.is_empty());
    assert_eq!(before.loads.len(), 1);
    assert_eq!(before.loads[0].module, "nf_conntrack");
    assert_eq!(before.loads[0].addresses.len(), 2);
    assert_eq!(codes(&before), [(Class::Pending, "module-to-load"); 2]);
    assert!(after.loads.is_empty());
    let changed: Vec<String> = after
        .changes
        .iter()
        .flat_map(|change| &change.cells)
        .map(|cell| format!("{} {} {}", cell.address.local_name(), cell.from, cell.to()))
        .collect();
    assert_eq!(changed, [format!("{MAX} 262144 300000")]);
    assert_eq!(after.as_wanted.len(), 1);
    assert!(codes(&after).contains(&(Class::Note, "module-loaded")), "{:?}", after.findings);
}

#[test]
fn a_module_that_cannot_be_loaded_holds_up_its_settings_only() {
    let host_file = format!("{TABLE}[sysctl]\nnet.core.somaxconn = 5000\n");
    let (_, after) = plans(FakeKernel::new(), &host_file);
    assert!(after.loads.is_empty(), "it is not promised again");
    assert_eq!(after.changes.len(), 1);
    let refused: Vec<_> = after.findings.iter().filter(|finding| finding.code == "module-refused").collect();
    assert_eq!(refused.len(), 2);
    for finding in refused {
        assert_eq!(finding.class, Class::Blocked);
        assert_eq!(finding.message, "nf_conntrack cannot be loaded: modprobe said: module nf_conntrack not found");
    }
}

#[test]
fn a_module_without_the_key_is_told_and_not_asked_for_again() {
    let mut kernel = FakeKernel::new();
    kernel.add_module("nf_conntrack", &[(MAX, Key::INT, "262144")]);
    let (_, after) = plans(kernel, TABLE);
    assert!(after.loads.is_empty());
    let buckets: Vec<_> = after
        .findings
        .iter()
        .filter(|finding| finding.address.as_ref().is_some_and(|address| address.local_name() == BUCKETS))
        .collect();
    assert_eq!(buckets.len(), 1, "{:?}", after.findings);
    assert_eq!(buckets[0].message, "nf_conntrack cannot be loaded: this kernel's does not bring the key");
}

#[test]
fn nothing_is_loaded_that_nobody_asks_for() {
    let mut kernel = FakeKernel::new();
    kernel.add_module("nf_conntrack", &[(MAX, Key::INT, "262144")]);
    let (before, _) = plans(kernel, "[conntrack]\nmax = 300000\n");
    assert!(before.loads.is_empty());
    assert_eq!(codes(&before), [(Class::Pending, "module-not-loaded")]);
}
