//! Signals at every point of the commands that write: what was begun is finished, and then the signal takes effect.

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use crate::bench::is_as;
use crate::bench::is_open;
use crate::bench::router;
use crate::bench::status;
use crate::bench::values;
use crate::timers::timers;
use crate::world::World;

/// Runs the binary, which sends itself a signal at a fault point.
fn signalled(world: &World, fault: &str, signal: i32, arguments: &[&str]) -> Output {
    let mut command = world.trimtab_command(arguments);
    command.env("TRIMTAB_FAULT", fault).env("TRIMTAB_FAULT_SIGNAL", signal.to_string());
    command.output().unwrap()
}

/// A command signalled at each point in turn has done all its work, and is ended by the signal.
#[track_caller]
fn finishes_at_each_point(world: &World, what: &[&str], prepare: &dyn Fn(), done: &dyn Fn(&str)) {
    let mut points = 0;
    for hit in 1.. {
        prepare();
        let signal = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP][hit % 3];
        let output = signalled(world, &format!("*:{hit}"), signal, what);
        let point = format!("{} got signal {signal} at *:{hit}", what[0]);
        if output.status.signal().is_none() {
            assert_eq!(output.status.code(), Some(0), "{point}: {output:?}");
            break;
        }
        points += 1;
        assert_eq!(output.status.signal(), Some(signal), "{point}");
        assert!(!is_open(world), "{point}: half done");
        done(&point);
    }
    assert!(points >= 20, "only {points} points");
}

#[test]
fn an_apply_signalled_anywhere_finishes_first() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow"]).exits(0);
    let wanted = values(&world);
    let prepare = || {
        world.trimtab(&["revert"]).exits(0);
        is_as(&world, &before, "reverted");
    };
    finishes_at_each_point(&world, &["apply", "narrow"], &prepare, &|point| {
        is_as(&world, &wanted, point);
        world.trimtab(&["verify"]).exits(0);
    });
}

#[test]
fn a_revert_signalled_anywhere_finishes_first() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let prepare = || {
        world.trimtab(&["apply", "narrow"]).exits(0);
    };
    finishes_at_each_point(&world, &["revert"], &prepare, &|point| is_as(&world, &before, point));
}

#[test]
fn an_apply_that_is_signalled_and_then_fails_is_undone_first() {
    let Some(world) = router() else { return };
    let before = values(&world);
    // More than the interface's own MTU, which only shows when it is written.
    world.profile("fails", "[sysctl]\nnet.ipv4.ip_forward = 1\nnet.ipv6.conf.lo.mtu = 100000\n");
    let output = signalled(&world, "written:1", libc::SIGTERM, &["apply", "fails"]);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not written"), "{output:?}");
    assert!(!is_open(&world));
    is_as(&world, &before, "undone");
}

#[test]
fn a_trial_that_is_signalled_is_on_trial_and_its_timer_can_be_ended() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let output = signalled(&world, "written:1", libc::SIGTERM, &["apply", "narrow", "--confirm-within", "10m"]);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    assert!(status(&world)["trial"]["seconds_left"].is_u64());
    let [timer] = timers(&world)[..] else { panic!("{:?}", timers(&world)) };
    let told = world.sh(&format!("grep SigBlk /proc/{timer}/status"));
    assert_eq!(told.split_whitespace().last(), Some("0000000000000000"), "{told}");
    world.trimtab(&["revert"]).exits(0);
    is_as(&world, &before, "reverted");
    crate::timers::none_is_left(&world);
}
