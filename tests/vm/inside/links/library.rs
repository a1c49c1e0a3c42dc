//! The tests of the netlink library, on this kernel and its drivers.

use crate::machine::Machine;
use crate::machine::sh;

/// Parts of the names of those that are left out: what is about great numbers of devices says nothing new here and takes
/// long, traffic control is a matter of tests of its own, there is no nft(8) here to hold rules against, and connection tracking is
/// a module that others load and unload.
const LEFT_OUT: &str =
    "--skip hundreds_of_devices --skip a_thousand_interfaces --skip tc:: --skip nftables:: --skip conntrack::";

#[test]
fn the_librarys_own_tests_pass_here_too() {
    // Without the first there is no /dev/net/tun; the others would come with devices of their own.
    sh("modprobe tun; modprobe bonding max_bonds=0; modprobe dummy numdummies=0; modprobe ifb numifbs=0");
    let machine = Machine::new();
    // None of them may be skipped: here is everything that they need.
    let told = sh(&format!("TRIMTAB_NO_SKIP=1 /vm/netlink-tests --test-threads=1 {LEFT_OUT} 2>&1 || echo FAILED"));
    assert!(told.contains("test result: ok. ") && !told.contains("FAILED"), "{told}");
    machine.is_as_before();
}
