//! Rings of real drivers: what they round, what they refuse, and what is put back.

use super::bench::Bench;
use super::bench::Up;
use super::bench::ethtool;
use crate::machine::sh;
use crate::nics::nic;

fn section(interface: &str, rings: &str) -> String {
    format!("[[link]]\nmatch = \"{interface}\"\nrings = {{ {rings} }}\n")
}

/// What is asked for and what the driver makes of it, for receiving and sending.
fn go_there_and_back(interface: &str, rings: &str, rx: &str, tx: &str) {
    let bench = Bench::with(&section(interface, rings));
    bench.applies();
    assert_eq!((ethtool("-g", interface, "RX"), ethtool("-g", interface, "TX")), (rx.into(), tx.into()), "{rings}");
    bench.reverts();
}

#[test]
fn e1000e_rounds_up_to_eight() {
    let name = nic("e1000e");
    let up = Up::new(&name);
    go_there_and_back(&name, "rx = 500, tx = 1001", "504", "1008");
    up.carries();
    go_there_and_back(&name, "rx = \"max\", tx = { at-least = 300 }", "4096", "304");
}

#[test]
fn vmxnet3_rounds_up_to_thirty_two() {
    let name = nic("vmxnet3");
    let _up = Up::new(&name);
    go_there_and_back(&name, "rx = 500, tx = \"max\"", "512", "4096");
    go_there_and_back(&name, "rx = { at-least = 1500 }, tx = { at-most = 100 }", "1504", "128");
}

/// With large packets each takes three buffers: the driver rounds the receive ring to 96, whenever it is told of any ring.
#[test]
fn vmxnet3_rounds_otherwise_with_a_large_mtu() {
    let name = nic("vmxnet3");
    // Of another MTU it learns only while it is up, and when it comes up.
    let _up = Up::new(&name);
    for (rings, found) in [
        ("", "1024"),
        ("rx = 2000", "2016"),
        ("rx = \"max\"", "4032"),
        ("tx = 1000", "1056"),
        ("rx = 2000, tx = 64", "2016"),
    ] {
        let bench = Bench::with(&format!("[[link]]\nmatch = \"{name}\"\nmtu = 9000\nrings = {{ {rings} }}\n"));
        bench.applies();
        assert_eq!(ethtool("-g", &name, "RX"), found, "{rings}");
        bench.reverts();
    }
}

/// Set while it was down, with another MTU than the one that it was last up with.
#[test]
fn what_vmxnet3_rounded_for_another_mtu_is_as_wanted() {
    let name = nic("vmxnet3");
    sh(&format!(
        "ip link set {name} mtu 9000; ip link set {name} up; ip link set {name} down; ip link set {name} mtu 1500"
    ));
    let bench = Bench::with(&section(&name, "rx = 512"));
    bench.applies();
    assert_eq!(ethtool("-g", &name, "RX"), "576");
    let up = Up::new(&name);
    bench.holds();
    bench.reverts();
    drop(up);
}

#[test]
fn virtio_takes_what_it_is_told() {
    let name = nic("virtio_net");
    go_there_and_back(&name, "rx = 128, tx = 64", "128", "64");
    // As long as they are, and no longer.
    let bench = Bench::with(&section(&name, "rx = \"max\", tx = { at-least = 100 }"));
    bench.is_content();
}

#[test]
fn more_than_the_device_takes_is_found_before_anything_is_written() {
    for (driver, most) in [("e1000e", "4096"), ("vmxnet3", "4096"), ("virtio_net", "256")] {
        let bench = Bench::with(&section(&nic(driver), "rx = 8192"));
        let told = [&format!("the device takes at most {most}"), "blocked"];
        bench.trimtab(&["plan", "set"]).exits(3).says(&told);
        bench.trimtab(&["apply", "set"]).exits(3).says(&told);
        bench.is_as_before();
    }
}

/// All NICs in one section: each rounds in its own way, and the device that cannot keeps the others from nothing.
#[test]
fn one_section_for_every_driver() {
    let bench = Bench::with("[[link]]\nmatch = { kind = \"physical\" }\nrings = { tx = 128 }\n");
    bench.applies();
    for (driver, tx) in [("e1000e", "128"), ("vmxnet3", "128"), ("virtio_net", "128")] {
        assert_eq!(ethtool("-g", &nic(driver), "TX"), tx, "{driver}");
    }
    bench.reverts();
}

/// Settings made by ethtool(8) behind our back are seen, and survive the revert.
#[test]
fn what_ethtool_8_sets_is_seen() {
    let name = nic("e1000e");
    let original = ethtool("-g", &name, "RX");
    let bench = Bench::with(&section(&name, "rx = 512"));
    bench.applies();
    sh(&format!("ethtool -G {name} rx 1024"));
    bench.trimtab(&["verify"]).exits(2).says(&["want 512, found 1024"]);
    bench.trimtab(&["revert"]).exits(3).says(&["conflict: found 1024"]);
    assert_eq!(ethtool("-g", &name, "RX"), "1024");
    sh(&format!("ethtool -G {name} rx {original}"));
    bench.is_as_before();
}
