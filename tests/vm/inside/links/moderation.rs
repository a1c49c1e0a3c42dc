//! Coalescing and flow control.

use super::bench::Bench;
use super::bench::Up;
use super::bench::ethtool;
use crate::machine::sh;
use crate::nics::nic;

fn section(interface: &str, settings: &str) -> String {
    format!("[[link]]\nmatch = \"{interface}\"\n{settings}\n")
}

#[test]
fn interrupts_of_e1000e_are_moderated() {
    let name = nic("e1000e");
    let _up = Up::new(&name);
    // It keeps interrupts per second, so some numbers come back a little different.
    for (asked, found) in [("30", "30"), ("1500", "1506"), ("{ at-least = 100 }", "100")] {
        let bench = Bench::with(&section(&name, &format!("coalesce = {{ rx-usecs = {asked} }}")));
        bench.applies();
        assert_eq!(ethtool("-c", &name, "rx-usecs"), found, "{asked}");
        bench.reverts();
    }
}

#[test]
fn what_a_driver_does_not_coalesce_is_named() {
    let bench = Bench::with(&section(&nic("e1000e"), "coalesce = { tx-usecs = 50, rx-usecs = 60 }"));
    bench.trimtab(&["plan", "set"]).exits(2).says(&["coalesce/tx-usecs", "the driver does not support it"]);
    bench.trimtab(&["apply", "set"]).exits(3).says(&["coalesce/tx-usecs", "the driver does not support it"]);
    assert_eq!(ethtool("-c", &nic("e1000e"), "rx-usecs"), "60");
    bench.reverts();
}

/// `e1000_set_coalesce` takes 0 to 4 as modes, and then nothing below 10.
#[test]
fn a_driver_that_refuses_is_quoted_and_nothing_stays() {
    let bench = Bench::with(&section(&nic("e1000e"), "coalesce = { rx-usecs = 7 }\nmtu = 4000\nrings = { rx = 512 }"));
    let told = bench.trimtab(&["apply", "set"]);
    assert_eq!(told.code, 6, "{told:?}");
    let all = format!("{}{}", told.out, told.err);
    assert!(all.contains("coalesce/rx-usecs") && all.contains("Invalid argument"), "{told:?}");
    bench.is_as_before();
}

#[test]
fn flow_control_of_e1000e() {
    let name = nic("e1000e");
    let up = Up::new(&name);
    let bench = Bench::with(&section(&name, "pause = { autoneg = false, rx = true, tx = false }"));
    bench.applies();
    assert_eq!(["Autonegotiate", "RX", "TX"].map(|part| ethtool("-a", &name, part)), ["off", "on", "off"]);
    up.carries();
    bench.trimtab(&["revert"]).exits(0);
    up.carries();
    bench.is_as_before();
    let bench = Bench::with(&section(&nic("virtio_net"), "pause = { rx = true }"));
    bench.trimtab(&["plan", "set"]).exits(3).says(&["pause/rx", "the driver does not support it"]);
}

#[test]
fn virtio_moderates_sending_while_it_is_down() {
    let name = nic("virtio_net");
    let shown = sh(&format!("ethtool -c {name}"));
    let bench = Bench::with(&section(&name, "coalesce = { tx-frames = 0 }"));
    let told = bench.trimtab(&["apply", "set"]);
    assert_eq!(told.code, 0, "{shown}\n{told:?}");
    bench.holds();
    bench.reverts();
}
