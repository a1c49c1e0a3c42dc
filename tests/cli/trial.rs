//! Trials: `--confirm-within`, `confirm`, and what happens if nobody does.

use std::time::Duration;
use std::time::Instant;

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
