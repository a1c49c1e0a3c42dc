//! What a command learns of the host before it plans.

use std::path::Path;

use trimtab::cli::Common;
use trimtab::cli::Wanted;
use trimtab::session::Session;
use trimtab::verbs::plan;
use trimtab_core::value::Value;
use trimtab_kernel::fake::Device;
use trimtab_kernel::fake::FakeKernel;

use super::bench::Bench;
use super::bench::desired;
use super::bench::is;

/// A command on this kernel with this host file, its folders below `folder`.
pub fn session(kernel: FakeKernel, folder: &Path, host_file: &str) -> Session {
    let config = folder.join("host.toml");
    std::fs::write(&config, host_file).unwrap();
    let common = Common {
        config,
        profile_path: Vec::new(),
        state_dir: folder.join("state"),
        runtime_dir: folder.join("run"),
        netns: None,
        json: false,
        verbose: 0,
    };
    Session::with_kernel(&common, Box::new(kernel)).unwrap()
}

/// The state asks what drives an interface, the profile only whose member it is: what one has learnt, the other must not lose.
/// Without its driver, a ring that this rounded was written again by every apply.
#[test]
fn what_the_state_has_learnt_of_interfaces_stays_known_to_profiles() {
    let mut kernel = FakeKernel::new();
    kernel.add_device("bond0", Device::bond());
    kernel.add_device("eth0", Device::physical("ena").member_of("bond0"));
    let mut bench = Bench::with(kernel);
    let set = desired([("link:eth0/ring/rx", is("3000"))]);
    bench.put_in_force(&set);
    assert_eq!(bench.link("eth0/ring/rx"), Value::Int(2048));

    let folder = tempfile::tempdir().unwrap();
    let host_file = "[[link]]\nmatch = { master = \"bond0\" }\nrings = { rx = 3000 }\n";
    let mut session = session(bench.kernel.clone(), folder.path(), host_file);
    bench.folder().clone_into(&mut session.common.state_dir);
    let mut store = session.store().unwrap();
    assert!(!store.history.held.is_empty());
    let mut intent = session.intend(&Wanted::default()).unwrap();
    let plan = plan::make(&mut session, &mut intent, &mut store.history).unwrap().plan;
    assert!(plan.changes.is_empty() && plan.as_wanted.len() == 1, "{plan:#?}");
}
