//! Channels of virtio_net, and the steering of its queues, which goes with them.

use super::bench::Bench;
use super::bench::Up;
use super::bench::ethtool;
use super::bench::sysfs;
use crate::machine::sh;
use crate::nics::nic;

fn combined(name: &str) -> String {
    ethtool("-l", name, "Combined")
}

fn set(name: &str, number: &str, more: &str) -> String {
    format!("[[link]]\nmatch = \"{name}\"\nchannels = {{ combined = {number} }}\n{more}")
}

#[test]
fn they_shrink_and_grow() {
    let name = nic("virtio_net");
    let _up = Up::new(&name);
    let original = combined(&name);
    let other = if original == "1" { "2" } else { "1" };
    for (number, found) in [("\"max\"", "4"), (other, other), ("3", "3")] {
        let bench = Bench::with(&set(&name, number, ""));
        if found == original {
            bench.is_content();
        } else {
            bench.applies();
        }
        assert_eq!(combined(&name), found);
        bench.reverts();
    }
    let bench = Bench::with(&set(&name, "5", ""));
    bench.trimtab(&["plan", "set"]).exits(3).says(&["the device takes at most 4"]);
}

/// The driver sets XPS of all queues when their number changes: what is wanted of it is written behind that.
#[test]
fn steering_is_set_again_behind_them() {
    let name = nic("virtio_net");
    let _up = Up::new(&name);
    let steering =
        "[link.queues.\"rx-*\"]\nrps-cpus = \"all\"\nrps-flow-cnt = 512\n[link.queues.\"tx-*\"]\nxps-cpus = \"1\"\n";
    let bench = Bench::with(&set(&name, "4", steering));
    bench.trimtab(&["apply", "set"]).exits(0);
    // Queues that came with the first apply are all spoken of.
    for queue in 0..4 {
        assert_eq!(sysfs(&name, &format!("queues/rx-{queue}/rps_cpus")), "3", "rx-{queue}");
        assert_eq!(sysfs(&name, &format!("queues/rx-{queue}/rps_flow_cnt")), "512", "rx-{queue}");
        assert_eq!(sysfs(&name, &format!("queues/tx-{queue}/xps_cpus")), "2", "tx-{queue}");
    }
    bench.holds();
    // Shrunk, what is left is as it was wanted.
    bench.profile("set", &set(&name, "2", steering));
    bench.applies();
    assert_eq!(sysfs(&name, "queues/tx-1/xps_cpus"), "2");
    assert_eq!(sysfs(&name, "queues/rx-1/rps_cpus"), "3");
    bench.profile("set", &set(&name, "4", steering));
    bench.applies();
    assert_eq!(sysfs(&name, "queues/tx-3/xps_cpus"), "2");
    bench.reverts();
}

/// What somebody else had set is given back, though the driver forgot it in between.
#[test]
fn steering_of_others_is_given_back() {
    let name = nic("virtio_net");
    let _up = Up::new(&name);
    let original = combined(&name);
    sh(&format!(
        "ethtool -L {name} combined 4; cd /sys/class/net/{name}/queues; echo 1 >tx-3/xps_cpus; echo 2 >tx-0/xps_cpus; echo 2 >rx-3/rps_cpus"
    ));
    let bench = Bench::with(&set(&name, "2", ""));
    bench.trimtab(&["apply", "set"]).exits(0);
    bench.reverts();
    sh(&format!("echo 0 >/sys/class/net/{name}/queues/rx-3/rps_cpus; ethtool -L {name} combined {original}"));
}
