//! Trials: `--confirm-within`, `confirm`, and what happens if nobody does.

use std::time::Duration;
use std::time::Instant;

use crate::netns::Named;
use crate::world::World;

const SET: [&str; 3] = ["apply", "--set", "net.ipv4.tcp_sack=0"];

fn begin(world: &World, within: &str, more: &[&str]) {
    world
        .trimtab(&[&SET[..], &["--confirm-within", within], more].concat())
        .exits(5)
        .says(&["on trial: 1 written and read back; undone in", "unless `trimtab confirm` follows"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
}

fn wait_for(world: &World, key: &str, value: &str) {
    let start = Instant::now();
    while world.sysctl(key) != value {
        assert!(start.elapsed() < Duration::from_secs(60), "{key} never became {value}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn confirmed_in_time_it_stays() {
    let Some(world) = World::new() else { return };
    begin(&world, "60s", &[]);
    world.trimtab(&["status"]).exits(0).says(&["? on trial by uid 0", "unless `trimtab confirm` follows"]);
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    assert!(status["trial"]["seconds_left"].as_u64().unwrap() <= 60);
    world.trimtab(&["confirm"]).exits(0).says(&["confirmed: the trial stays in force"]);
    world.trimtab(&["confirm"]).exits(1).complains(&["nothing awaits a confirmation"]);
    world.trimtab(&["verify"]).exits(0);
    let told = world.trimtab(&["status"]).exits(0).says(&["1 settings"]);
    assert!(!told.out.contains("trial"), "{}", told.out);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn nobody_confirms_and_it_is_undone() {
    let Some(world) = World::new() else { return };
    let earlier = ["--set", "net.ipv4.tcp_syn_retries=3"];
    world.trimtab(&["apply", earlier[0], earlier[1]]).exits(0);
    begin(&world, "1s", &earlier);
    wait_for(&world, "net.ipv4.tcp_sack", "1");
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "3", "the set before it is in force again");
    let start = Instant::now();
    // The values are back a moment before that is on record.
    while world.trimtab(&["verify"]).code != 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", world.trimtab(&["verify"]));
    }
    world.trimtab(&["plan", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
    world.trimtab(&["status"]).exits(0).says(&["never confirmed"]);
}

#[test]
fn others_wait_until_it_is_over() {
    let Some(world) = World::new() else { return };
    begin(&world, "60s", &[]);
    let refused = world.trimtab(&["apply", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(5);
    assert!(refused.err.contains("refused: a trial awaits its confirmation"), "{}", refused.err);
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "6");
    // Who reverts ends it, whoever began it.
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
}

#[test]
fn nothing_to_change_needs_no_confirmation() {
    let Some(world) = World::new() else { return };
    world.trimtab(&SET).exits(0);
    world.trimtab(&[&SET[..], &["--confirm-within", "60s"]].concat()).exits(0).says(&["nothing written"]);
    world.trimtab(&["confirm"]).exits(1);
}

/// Where process 1 is systemd as far as can be seen, with programs of ours in place of its own, which note what they are
/// told. What a real one makes of it is seen in the VM.
#[test]
fn a_trial_that_is_over_ends_the_unit_that_waits_for_it() {
    let Some(world) = World::new() else { return };
    let named = Named::new();
    assert!(
        std::process::Command::new("ip").args(["-n", &named.0, "link", "set", "lo", "up"]).status().unwrap().success()
    );
    std::fs::create_dir(world.path("bin")).unwrap();
    std::fs::create_dir(world.path("netns")).unwrap();
    for program in ["systemd-run", "systemctl"] {
        let path = world.write(
            &format!("bin/{program}"),
            format!("#!/bin/sh\necho \"{program} $*\" >>{}\n", world.path("told").display()),
        );
        world.sh(&format!("chmod +x {path}"));
    }
    let systemd = "mount --rbind /run/netns netns; mount -t tmpfs none /run; mkdir -p /run/systemd/system /run/netns; \
                   mount --rbind netns /run/netns; export PATH=$PWD/bin:$PATH";
    let run = |arguments: &[&str]| world.mounted(systemd, &[&["--netns", named.0.as_str()], arguments].concat());
    let told = || {
        let text = world.sh("cat told; rm told");
        text.lines().map(str::to_owned).collect::<Vec<String>>()
    };
    for end in [&["confirm"][..], &["revert", "--trial"], &["revert"]] {
        run(&[&SET[..], &["--confirm-within", "6h"]].concat()).exits(5);
        let armed = told();
        let [armed] = armed.as_slice() else { panic!("{armed:?}") };
        let unit = armed.split_whitespace().find_map(|word| word.strip_prefix("--unit=")).unwrap().to_owned();
        run(end).exits(0);
        assert_eq!(told(), [format!("systemctl --quiet --no-block stop -- {unit}.service")], "{end:?}");
        run(&["revert"]).exits(0);
    }
    // A trial that fails is over at once.
    run(&["apply", "--set", "net.ipv4.tcp_sack=0", "--set", "net.ipv6.conf.lo.mtu=100000", "--confirm-within", "6h"])
        .exits(6);
    assert_eq!(told().len(), 2);
}
