//! Devices upon devices: what an MTU takes along, and what a bond lives through.

use super::bench::Bench;
use super::bench::Up;
use super::bench::ethtool;
use super::bench::sysfs;
use crate::machine::sh;
use crate::machine::unload;
use crate::machine::wait_until;
use crate::nics::DRIVERS;
use crate::nics::nic;

#[test]
fn a_vlan_and_a_macvlan_are_cut_back_and_restored() {
    for driver in DRIVERS {
        let name = nic(driver);
        sh(&format!(
            "ip link set {name} mtu 4000; ip link add link {name} name tt-vlan type vlan id 5; ip link add link {name} name tt-mac type macvlan; ip link set tt-vlan mtu 3000"
        ));
        let bench = Bench::with(&format!("[[link]]\nmatch = \"{name}\"\nmtu = 2000\n"));
        bench.trimtab(&["plan", "set"]).exits(2).says(&["moves: ", "tt-vlan", "tt-mac"]);
        bench.applies();
        assert_eq!((sysfs("tt-vlan", "mtu"), sysfs("tt-mac", "mtu")), ("2000".into(), "2000".into()), "{driver}");
        bench.reverts();
        // A VLAN can have no more than what it lies upon, except once that has more.
        bench.profile(
            "set",
            &format!("[[link]]\nmatch = \"{name}\"\nmtu = 5000\n[[link]]\nmatch = {{ kind = \"vlan\" }}\nmtu = 5000\n"),
        );
        bench.applies();
        assert_eq!(sysfs("tt-vlan", "mtu"), "5000");
        bench.reverts();
        bench.profile("set", "[[link]]\nmatch = \"tt-vlan\"\nmtu = 4500\n");
        bench.trimtab(&["plan", "set"]).exits(3).says(&[format!("{name}, which it lies upon, has an MTU of 4000")]);
        sh(&format!("ip link del tt-vlan; ip link del tt-mac; ip link set {name} mtu 1500"));
    }
    unload("macvlan");
    unload("8021q");
}

/// Two NICs in a bond. Each is reset, one behind the other: the bond always carries, and its own count of changes says so.
#[test]
fn a_bond_stays_up_while_its_members_are_changed() {
    let members = [nic("e1000e"), nic("vmxnet3")];
    let list = members
        .iter()
        .map(|name| format!("ip link set {name} down; ip link set {name} master tt-bond; ip link set {name} up;"));
    sh(&format!(
        "modprobe bonding max_bonds=0; ip link add tt-bond type bond mode active-backup miimon 50; {}",
        list.collect::<String>()
    ));
    {
        let _up = Up::new("tt-bond");
        let both = || members.iter().all(|name| sysfs(name, "bonding_slave/mii_status") == "up");
        wait_until("both members carry", &both);
        let changes =
            || ["tt-bond", &members[0], &members[1]].map(|name| sysfs(name, "carrier_changes").parse::<u32>().unwrap());
        let bench = Bench::with(
            "[[link]]\nmatch = { master = \"tt-bond\" }\nrings = { rx = 512, tx = 1024 }\nfeatures = { tso = false }\n",
        );
        let before = changes();
        bench.trimtab(&["apply", "set"]).exits(0);
        let after = changes();
        assert_eq!(before[0], after[0], "the bond lost its carrier");
        assert!(before[1] < after[1], "e1000e is reset, or this shows nothing: {before:?} {after:?}");
        wait_until("both members carry", &both);
        bench.holds();
        assert_eq!(members.each_ref().map(|name| ethtool("-g", name, "RX")), ["512", "512"]);
        bench.trimtab(&["revert"]).exits(0);
        assert_eq!(before[0], changes()[0], "the bond lost its carrier at the revert");
        wait_until("both members carry", &both);
        bench.is_as_before();

        // It gives its MTU to its members, and gets it back from nobody.
        bench.profile("set", "[[link]]\nmatch = { kind = \"bond\" }\nmtu = 3000\n");
        bench.trimtab(&["plan", "set"]).exits(2).says(&members.each_ref().map(|name| name.as_str()));
        bench.trimtab(&["apply", "set"]).exits(0);
        assert_eq!(members.each_ref().map(|name| sysfs(name, "mtu")), ["3000", "3000"]);
        bench.trimtab(&["revert"]).exits(0);
        wait_until("both members carry", &both);
        bench.is_as_before();
    }
    sh(&format!("ip link del tt-bond; ip link set {} down; ip link set {} down", members[0], members[1]));
    unload("bonding");
}
