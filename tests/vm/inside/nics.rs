//! The NICs of the machine by their drivers, and what ethtool(8) and ip(8) say of them: the ground for tests of links.

use std::collections::BTreeMap;

use crate::machine::in_the_vm;
use crate::machine::sh;

/// A NIC of the machine for each driver that QEMU can talk to.
pub const DRIVERS: [&str; 3] = ["e1000e", "virtio_net", "vmxnet3"];

/// The interfaces that have a device, by the name of its driver.
pub fn by_driver() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::path::Path::new("/sys/class/net").read_dir().unwrap() {
        let entry = entry.unwrap();
        let Ok(driver) = entry.path().join("device/driver").read_link() else { continue };
        let driver = driver.file_name().unwrap().to_str().unwrap().to_owned();
        let other = found.insert(driver.clone(), entry.file_name().to_str().unwrap().to_owned());
        assert_eq!(other, None, "two NICs of {driver}: say here which is meant");
    }
    found
}

/// The interface of this driver.
#[track_caller]
pub fn nic(driver: &str) -> String {
    in_the_vm();
    by_driver().remove(driver).unwrap_or_else(|| panic!("no NIC of {driver}"))
}

#[test]
fn there_is_one_of_each_driver_and_its_link_comes_up() {
    in_the_vm();
    assert_eq!(by_driver().keys().collect::<Vec<_>>(), DRIVERS);
    for driver in DRIVERS {
        let name = nic(driver);
        assert!(sh(&format!("ethtool -i {name}")).contains(&format!("driver: {driver}")));
        sh(&format!("ip link set {name} up"));
        crate::machine::wait_until(&format!("{name} has a link"), &|| crate::links::sysfs(&name, "carrier") == "1");
        sh(&format!("ip link set {name} down"));
    }
}

#[test]
fn they_have_rings_and_queues_to_speak_of() {
    for driver in DRIVERS {
        let rings = sh(&format!("ethtool -g {}", nic(driver)));
        assert!(rings.contains("Pre-set maximums"), "{driver}: {rings}");
    }
    let channels: serde_json::Value = channels(&nic("virtio_net"));
    assert!(channels["maximum"].as_u64() >= Some(4), "{channels}");
    // What the library is held against: a table of queues with its key, and switches of a driver.
    let scaling = sh(&format!("ethtool -x {}", nic("virtio_net")));
    assert!(scaling.contains("    0: ") && !scaling.contains("key:\nOperation"), "{scaling}");
    let flags = sh(&format!("ethtool --show-priv-flags {}", nic("e1000e")));
    assert!(flags.contains("s0ix-enabled"), "{flags}");
}

/// The combined channels of an interface, by ethtool(8).
fn channels(name: &str) -> serde_json::Value {
    let text = sh(&format!("ethtool -l {name}"));
    let mut combined =
        text.lines().filter_map(|line| line.strip_prefix("Combined:")).map(|count| count.trim().parse::<u64>());
    let mut next = || combined.next().unwrap().unwrap();
    serde_json::json!({ "maximum": next(), "current": next() })
}
