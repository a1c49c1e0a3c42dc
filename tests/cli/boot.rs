//! What `/etc`, `/run` and the kernel command line have to say: the next boot and the kill switch. Each run has mounts of
//! its own; the machine's files stay as they are.

use std::process::Command;

use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

/// An `/etc` and a `/run` of this run only; the world's `etc` and `run.d` folders lie there.
const FOLDERS: &str = "mkdir -p etc/sysctl.d etc/trimtab r/sysctl.d; mount --bind etc /etc; mount --bind r /run";

/// Only looks, and so may look at the machine's own namespace, where boot settings matter.
fn look_at_this_machine(world: &World, arguments: &[&str]) -> Told {
    assert!(matches!(arguments[0], "plan" | "explain"), "nothing else may run here");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", &format!("{FOLDERS}\nexec \"$@\""), "sh", TRIMTAB]);
    command.args(world.options()).args(arguments).current_dir(world.path("."));
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Told::of(command)
}

/// Whether the tests run in the initial namespace, by the key that only it has.
fn in_initial_netns() -> bool {
    let initial = std::path::Path::new("/proc/sys/net/core/netdev_max_backlog").exists();
    if !initial {
        crate::world::skip("the initial network namespace is out of reach");
    }
    initial
}

#[test]
fn next_boot_names_file_and_line() {
    let Some(world) = World::new() else { return };
    if !in_initial_netns() {
        return;
    }
    world.sh("mkdir -p etc/sysctl.d r/sysctl.d");
    world.write("etc/sysctl.d/60-old.conf", "# wisdom of 2009\n\nnet.ipv4.tcp_fin_timeout = 15\n");
    world.write("r/sysctl.d/50-vendor.conf", "net.ipv4.tcp_fin_timeout = 45\n");
    let told = look_at_this_machine(&world, &["explain", "net.ipv4.tcp_fin_timeout"]).exits(0);
    told.says(&["next boot  15  /etc/sysctl.d/60-old.conf:3", "over 45  /run/sysctl.d/50-vendor.conf:1"]);
    let document = look_at_this_machine(&world, &["explain", "net.ipv4.tcp_fin_timeout", "--json"]).exits(0).json();
    assert_eq!(document["next_boot"]["line"], 3);
    look_at_this_machine(&world, &["explain", "net.ipv4.tcp_sack"])
        .exits(0)
        .says(&["no line of sysctl.d speaks of it"]);
    // A line that sets something else than what is wanted is a trap, and a note.
    let told = look_at_this_machine(&world, &["plan", "--set", "net.ipv4.tcp_fin_timeout={at-least=50}"]);
    told.says(&["note: the next boot sets 15 first, by /etc/sysctl.d/60-old.conf:3"]);
    // The same files say nothing about a namespace that dies with the boot.
    let told = world.mounted(FOLDERS, &["plan", "--set", "net.ipv4.tcp_fin_timeout={at-least=50}"]).exits(0);
    assert!(!told.out.contains("next boot"), "{}", told.out);
}

#[test]
fn kill_switch_file_stops_every_write() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    let journal = world.journal();
    world.sh("mkdir -p etc/trimtab; echo 'storm on the uplink' >etc/trimtab/disabled");
    let why = "disabled by /etc/trimtab/disabled exists: storm on the uplink: nothing is written";
    world.mounted(FOLDERS, &["apply", "--set", "net.ipv4.tcp_sack=1"]).exits(1).complains(&[why]);
    world.mounted(FOLDERS, &["revert"]).exits(1).complains(&[why]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    assert_eq!(world.journal(), journal);
    // Looking is free, and status says so.
    world.mounted(FOLDERS, &["status"]).exits(0).says(&["! disabled by /etc/trimtab/disabled"]);
    world.mounted(FOLDERS, &["plan", "--set", "net.ipv4.tcp_sack=1"]).exits(2);
    world.mounted(FOLDERS, &["verify"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
}

#[test]
fn kill_switch_on_the_kernel_command_line_stops_every_write() {
    let Some(world) = World::new() else { return };
    let switched = "echo 'quiet trimtab=off panic=1' >cmdline; mount --bind cmdline /proc/cmdline";
    let why = "disabled by `trimtab=off` is on the kernel command line";
    world.mounted(switched, &["apply", "base"]).exits(1).complains(&[why]);
    let failure = world.mounted(switched, &["apply", "base", "--json"]).exits(1).json();
    assert!(failure["error"].as_str().unwrap().contains(why), "{failure}");
    world.mounted(switched, &["status"]).exits(0).says(&[why]);
    assert!(!world.path("state").exists());
    let similar = "echo 'trimtab=office nottrimtab=off' >cmdline; mount --bind cmdline /proc/cmdline";
    world.mounted(similar, &["apply", "base"]).exits(0);
}

#[test]
fn a_trial_is_not_undone_while_the_switch_is_on_but_reported() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "60s"]).exits(5);
    world.sh("mkdir -p etc/trimtab; touch etc/trimtab/disabled");
    world.mounted(FOLDERS, &["status"]).exits(0).says(&["! disabled by", "? on trial"]);
    world.trimtab(&["confirm"]).exits(0);
}
