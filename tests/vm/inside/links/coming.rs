//! Devices that come later, go in between, and come by another name.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::Stdio;

use super::bench::Bench;
use super::bench::ethtool;
use super::bench::sysfs;
use crate::machine::sh;
use crate::machine::unload;
use crate::machine::wait_until;
use crate::nics::nic;

/// A NIC that its driver can be taken from: virtio's, as QEMU's others come back with other settings.
struct Pluggable {
    driver: &'static str,
    device: String,
    name: String,
}

impl Pluggable {
    #[track_caller]
    fn new() -> Pluggable {
        let name = nic("virtio_net");
        let device = std::fs::read_link(format!("/sys/class/net/{name}/device")).unwrap();
        let device = device.file_name().unwrap().to_str().unwrap().to_owned();
        Pluggable { driver: "/sys/bus/virtio/drivers/virtio_net", device, name }
    }

    fn unplug(&self) {
        sh(&format!("echo {} >{}/unbind", self.device, self.driver));
        wait_until("the device is gone", &|| !std::path::Path::new("/sys/class/net").join(&self.name).exists());
    }

    /// Plugs it in again, under its old name.
    fn plug(&self) {
        sh(&format!("echo {} >{}/bind", self.device, self.driver));
        let name = nic("virtio_net");
        if name != self.name {
            sh(&format!("ip link set {name} name {}", self.name));
        }
    }
}

impl Drop for Pluggable {
    fn drop(&mut self) {
        // Another test may need it though this one has failed.
        if std::thread::panicking() {
            let _ = std::fs::File::options()
                .write(true)
                .open(format!("{}/bind", self.driver))
                .and_then(|mut file| std::io::Write::write_all(&mut file, self.device.as_bytes()));
        }
    }
}

const RINGS: &str = "[[link]]\nmatch = { driver = \"virtio_net\" }\nrings = { rx = 128 }\ntxqueuelen = 500\n";

fn by_name(name: &str) -> String {
    format!("[[link]]\nmatch = \"{name}\"\nrings = {{ rx = 128 }}\ntxqueuelen = 500\n")
}

#[test]
fn a_device_that_comes_with_its_module_is_pending_until_then() {
    unload("dummy");
    let bench = Bench::with("[[link]]\nmatch = \"dummy0\"\nmtu = 1400\ntxqueuelen = 77\n");
    bench.trimtab(&["plan", "set"]).exits(3).says(&["pending", "dummy0"]);
    bench.trimtab(&["apply", "set"]).exits(3).says(&["pending", "dummy0"]);
    sh("modprobe dummy numdummies=1");
    bench.trimtab(&["plan", "set"]).exits(2).says(&["link dummy0", "1500 -> 1400"]);
    bench.applies();
    assert_eq!((sysfs("dummy0", "mtu"), sysfs("dummy0", "tx_queue_len")), ("1400".into(), "77".into()));
    bench.trimtab(&["revert"]).exits(0);
    assert_eq!((sysfs("dummy0", "mtu"), sysfs("dummy0", "tx_queue_len")), ("1500".into(), "1000".into()));
    unload("dummy");
    bench.is_as_before();
}

#[test]
fn a_nic_that_is_plugged_in_late() {
    let pluggable = Pluggable::new();
    let bench = Bench::with(&by_name(&pluggable.name));
    pluggable.unplug();
    bench.trimtab(&["apply", "set"]).exits(3).says(&["pending", &pluggable.name]);
    pluggable.plug();
    bench.applies();
    assert_eq!(ethtool("-g", &pluggable.name, "RX"), "128");
    bench.reverts();
}

/// Plugged out and in again it is as it was before all of it, and what was asked of it is not in force.
#[test]
fn a_nic_that_is_plugged_in_again_is_seen_as_it_is() {
    let pluggable = Pluggable::new();
    for profile in [RINGS.to_owned(), by_name(&pluggable.name)] {
        let bench = Bench::with(&profile);
        bench.applies();
        pluggable.unplug();
        let gone = bench.trimtab(&["verify"]);
        assert!([2, 3].contains(&gone.code), "{gone:?}");
        assert!(gone.out.contains(&pluggable.name), "{gone:?}");
        pluggable.plug();
        bench.trimtab(&["verify"]).exits(2).says(&["want 128, found 256"]);
        bench.applies();
        bench.reverts();
    }
}

#[test]
fn a_nic_that_left_before_the_revert_leaves_nothing_to_undo() {
    let pluggable = Pluggable::new();
    let bench = Bench::with(RINGS);
    bench.applies();
    pluggable.unplug();
    bench.trimtab(&["revert"]).exits(3).says(&["nothing written", "is put back by a revert once it is"]);
    // It may only be in another namespace, so what was there before trimtab is not forgotten.
    assert_ne!(bench.status()["away"], 0);
    pluggable.plug();
    // What it comes back with is its own: nothing is done to it.
    bench.trimtab(&["revert"]).exits(0);
    assert_eq!(bench.status()["away"], 0);
    bench.is_as_before();
}

#[test]
fn a_plan_for_a_nic_that_left_is_stale() {
    let pluggable = Pluggable::new();
    let bench = Bench::with(RINGS);
    let plan = bench.path("plan").to_str().unwrap().to_owned();
    bench.trimtab(&["plan", "set", "--out", &plan]).exits(2);
    pluggable.unplug();
    bench.trimtab(&["apply", "--plan", &plan]).exits(4).complains(&["nothing was written", &pluggable.name]);
    pluggable.plug();
    bench.trimtab(&["apply", "--plan", &plan]);
    bench.trimtab(&["revert"]).exits(0);
    bench.is_as_before();
}

/// Stopped before its second write, with the device gone when it goes on.
#[test]
fn a_nic_that_leaves_amid_an_apply() {
    let pluggable = Pluggable::new();
    let other = nic("vmxnet3");
    let bench =
        Bench::with(&format!("{RINGS}\n[[link]]\nmatch = \"{other}\"\ntxqueuelen = 300\nrings = {{ rx = 512 }}\n"));
    let mut command = bench.trimtab_command(&["apply", "set"]);
    command.env("TRIMTAB_FAULT", "write:2").env("TRIMTAB_FAULT_SIGNAL", libc::SIGSTOP.to_string());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it has stopped", &|| stopped(&child));
    pluggable.unplug();
    sh(&format!("kill -CONT {}", child.id()));
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.signal(), None, "{out}\n{err}");
    // What was written is taken back, on the device that is still there.
    assert_eq!(output.status.code(), Some(6), "{out}\n{err}");
    for part in [&format!("failed: link:{}", pluggable.name), "everything is as it was before"] {
        assert!(out.contains(part), "{out}\n{err}");
    }
    assert_eq!(sysfs(&other, "tx_queue_len"), "1000", "{out}\n{err}");
    assert_eq!(bench.status()["unfinished"], false, "{out}\n{err}");
    pluggable.plug();
    bench.trimtab(&["revert"]).exits(0);
    bench.is_as_before();
}

fn stopped(child: &Child) -> bool {
    let stat = std::fs::File::open(format!("/proc/{}/stat", child.id())).and_then(std::io::read_to_string).unwrap();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// By number and permanent address the device is the same.
#[test]
fn a_new_name_is_followed() {
    for driver in ["virtio_net", "e1000e"] {
        let name = nic(driver);
        let bench = Bench::with(&format!(
            "[[link]]\nmatch = {{ driver = \"{driver}\" }}\nrings = {{ rx = 128 }}\nfeatures = {{ tso = false }}\n"
        ));
        bench.applies();
        sh(&format!("ip link set {name} name tt-new"));
        bench.trimtab(&["verify"]).exits(0).says(&["0 not comparable"]);
        bench.trimtab(&["apply", "set"]).exits(0);
        bench.trimtab(&["verify"]).exits(0);
        assert_eq!(ethtool("-g", "tt-new", "RX"), "128");
        bench.trimtab(&["revert"]).exits(0);
        sh(&format!("ip link set tt-new name {name}"));
        bench.is_as_before();
    }
}

/// The one that has a permanent address and can be in another namespace, from where it comes by another name and number.
#[test]
fn a_nic_that_was_in_another_namespace_is_waited_for() {
    for driver in ["e1000e", "virtio_net"] {
        let name = nic(driver);
        let bench = Bench::with(&format!(
            "[[link]]\nmatch = {{ driver = \"{driver}\" }}\nrings = {{ rx = 128 }}\nfeatures = {{ tso = false }}\n"
        ));
        bench.applies();
        let number = sysfs(&name, "ifindex");
        sh("ip netns add tt-far");
        sh(&format!("ip link set {name} netns tt-far; ip -n tt-far link set {name} name far"));
        bench.trimtab(&["revert"]).exits(3).says(&["nothing written", "is put back by a revert once it is"]);
        bench.trimtab(&["status"]).exits(0).says(&["away: "]);
        sh(&format!(
            "ip link add tt-taken index {number} type veth peer name tt-other; ip -n tt-far link set far netns 1"
        ));
        assert_ne!(sysfs("far", "ifindex"), number);
        assert_eq!(ethtool("-g", "far", "RX"), "128", "it brought its settings along");
        bench.trimtab(&["revert"]).exits(0).says(&["written and read back"]);
        sh(&format!("ip link delete tt-taken; ip netns delete tt-far; ip link set far name {name}"));
        bench.is_as_before();
        assert_eq!(bench.status()["away"], 0);
    }
}
