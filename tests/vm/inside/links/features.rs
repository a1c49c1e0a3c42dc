//! Features of real drivers: what is asked for, what the kernel makes of it, and what nobody can change.

use super::bench::Bench;
use super::bench::Up;
use crate::machine::sh;
use crate::nics::DRIVERS;
use crate::nics::nic;

fn section(interface: &str, features: &str) -> String {
    format!("[[link]]\nmatch = \"{interface}\"\nfeatures = {{ {features} }}\n")
}

/// What ethtool(8) says of a feature: `on`, `off [fixed]`, `off [requested on]`.
#[track_caller]
fn feature(interface: &str, name: &str) -> String {
    super::bench::ethtool("-k", interface, name)
}

/// A list of tests that need a feature on, and cannot have it without scatter-gather.
#[test]
fn what_needs_scatter_gather_goes_and_comes_with_it() {
    for driver in DRIVERS {
        let name = nic(driver);
        if feature(&name, "tx-tcp-segmentation") != "on" {
            continue;
        }
        let bench = Bench::with(&section(&name, "sg = false"));
        bench.trimtab(&["plan", "set"]).exits(2).says(&["moves: ", "feature/tx-tcp-segmentation"]);
        bench.applies();
        assert_eq!(feature(&name, "tx-tcp-segmentation"), "off [requested on]", "{driver}");
        // Nobody has asked for this to be off, and it is not.
        bench.reverts();
        assert_eq!(feature(&name, "tx-tcp-segmentation"), "on", "{driver}");

        let bench = Bench::with(&section(&name, "sg = false, tx-tcp-segmentation = true"));
        bench.trimtab(&["plan", "set"]).exits(2).says(&["tx-scatter-gather"]);
        bench.is_as_before();
    }
    let with_it = |driver: &&str| feature(&nic(driver), "tx-tcp-segmentation") == "on";
    assert!(DRIVERS.iter().filter(|driver| with_it(driver)).count() >= 2);
}

#[test]
fn merging_of_vmxnet3_is_switched_off_and_on() {
    let name = nic("vmxnet3");
    for up in [false, true] {
        let _up = up.then(|| Up::new(&name));
        let (original, other) =
            if feature(&name, "large-receive-offload") == "on" { (true, false) } else { (false, true) };
        let bench = Bench::with(&section(&name, &format!("lro = {other}")));
        bench.applies();
        bench.reverts();
        let bench = Bench::with(&section(&name, &format!("rx-lro = {original}")));
        bench.is_content();
    }
}

#[test]
fn segmentation_of_virtio_is_switched_off_and_on() {
    let name = nic("virtio_net");
    let _up = Up::new(&name);
    let bench = Bench::with(&section(
        &name,
        "tso = false, gso = false, gro = false, tx-udp-segmentation = { value = false, if-supported = true }",
    ));
    bench.applies();
    assert_eq!(feature(&name, "tcp-segmentation-offload"), "off");
    bench.reverts();
}

#[test]
fn what_is_fixed_is_named_and_keeps_nothing_else() {
    let name = nic("e1000e");
    assert_eq!(feature(&name, "large-receive-offload"), "off [fixed]");
    let bench = Bench::with(&section(&name, "lro = true, gro = false"));
    bench.trimtab(&["apply", "set"]).exits(3).says(&["feature/rx-lro", "the driver cannot change it"]);
    assert_eq!(feature(&name, "generic-receive-offload"), "off");
    bench.reverts();
    // What is off for good is off as wanted.
    let bench = Bench::with(&section(&name, "lro = false"));
    bench.is_content();
    let bench = Bench::with(&section(&name, "rx-gro-lits = true"));
    let told = bench.trimtab(&["plan", "set"]);
    assert!(told.code == 3 || told.code == 1, "{told:?}");
    assert!(format!("{}{}", told.out, told.err).contains("did you mean rx-gro-list"), "{told:?}");
}

/// One switch of the device for both directions, which the driver moves together.
#[test]
fn vlan_tags_of_e1000e_go_together() {
    let name = nic("e1000e");
    let _up = Up::new(&name);
    let bench = Bench::with(&section(&name, "rxvlan = false"));
    bench.trimtab(&["apply", "set"]).exits(0);
    bench.holds();
    bench.reverts();
}

/// The driver resets the device for these; the rest of its settings survive that.
#[test]
fn everything_of_a_device_at_once() {
    let name = nic("e1000e");
    let up = Up::new(&name);
    let all = "match = { driver = \"e1000e\" }\nmtu = 4000\ntxqueuelen = 700\nrings = { rx = 1024, tx = 1024 }\n\
               features = { rx-fcs = true, rxhash = false, tso = false }\ncoalesce = { rx-usecs = 50 }\n";
    let bench = Bench::with(&format!("[[link]]\n{all}"));
    bench.applies();
    up.carries();
    assert_eq!(feature(&name, "rx-fcs"), "on");
    assert_eq!(sh(&format!("cat /sys/class/net/{name}/tx_queue_len")), "700");
    bench.reverts();
    up.carries();
}
