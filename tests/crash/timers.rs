//! `apply --confirm-within`: the timer outlives its caller, does its work alone, and leaves nothing behind.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::bench::is_as;
use crate::bench::killed;
use crate::bench::router;
use crate::bench::status;
use crate::bench::values;
use crate::world::World;

/// Longer than anything here takes, so that a test of a machine under load does not fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// The timers of a world: processes whose arguments name its folder.
pub fn timers(world: &World) -> Vec<u32> {
    let folder = world.path("state").to_str().unwrap().to_owned();
    let processes = std::path::Path::new("/proc").read_dir().unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let path = format!("/proc/{id}/cmdline");
        let Ok(line) = trimtab_kernel::file::read(std::path::Path::new(&path), 1 << 16) else { return false };
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("end-trial") && line.contains(&folder)
    })
    .collect()
}

#[track_caller]
fn wait_until(what: &str, holds: &dyn Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Every timer of this world ends.
#[track_caller]
pub fn none_is_left(world: &World) {
    wait_until("no timer is left", &|| timers(world).is_empty());
}

#[test]
fn a_trial_that_nobody_confirms_is_undone_by_its_own_process() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "wide", "--confirm-within", "1s"]).exits(5).says(&["on trial"]);
    wait_until("the trial is undone", &|| status(&world)["trial"].is_null() && timers(&world).is_empty());
    is_as(&world, &before, "after the deadline");
    let told = status(&world);
    assert!(told["in_force"].is_null() && told["unfinished"] == false && told["held"] == 0, "{told:#}");
    assert!(!told["unconfirmed"].is_null(), "{told:#}");
    let left: Vec<_> = world.state().unwrap().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| ["boot", "journal", "unconfirmed"].iter().any(|known| name == known)), "{left:?}");
}

#[test]
fn a_confirmed_trial_stays_and_its_process_ends() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow", "--confirm-within", "10m"]).exits(5);
    assert_eq!(timers(&world).len(), 1);
    assert_eq!(status(&world)["trial"]["caller"]["uid"], 0);
    world.trimtab(&["confirm"]).exits(0);
    none_is_left(&world);
    world.trimtab(&["verify"]).exits(0);
    assert!(status(&world)["unconfirmed"].is_null());
    world.trimtab(&["confirm"]).exits(1);
    world.trimtab(&["revert"]).exits(0);
    is_as(&world, &before, "after the revert");
}

#[test]
fn a_second_apply_is_refused_while_a_trial_runs_and_a_revert_ends_it() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow", "--confirm-within", "10m"]).exits(5);
    let on_trial = values(&world);
    world.trimtab(&["apply", "wide"]).exits(5).complains(&["a trial awaits its confirmation"]);
    world.trimtab(&["apply", "narrow", "--confirm-within", "1m"]).exits(5);
    is_as(&world, &on_trial, "refused");
    world.trimtab(&["revert"]).exits(0);
    is_as(&world, &before, "reverted");
    none_is_left(&world);
}

/// As a terminal that closes does it: the caller leads a session of its own, and the whole of it gets SIGHUP.
#[test]
fn the_timer_outlives_a_killed_caller_and_a_closed_session() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let mut command = world.trimtab_command(&["apply", "narrow", "--confirm-within", "2s"]);
    command.env("TRIMTAB_FAULT", "written:2").stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec it makes one system call and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
    let mut caller = command.spawn().unwrap();
    let session = rustix::process::Pid::from_raw(caller.id().try_into().unwrap()).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&caller.wait().unwrap()), Some(libc::SIGKILL));
    // Nobody may be left in its session.
    let _ = rustix::process::kill_process_group(session, rustix::process::Signal::HUP);
    assert_eq!(timers(&world).len(), 1);
    assert_eq!(status(&world)["unfinished"], true);
    none_is_left(&world);
    is_as(&world, &before, "after the deadline");
    assert_eq!(status(&world)["unfinished"], false);
}

#[test]
fn a_trial_killed_anywhere_is_undone_by_its_timer() {
    let faults = ["armed:1", "begun:1", "write:1", "written:1", "write:2", "written:3", "settled:1", "in-force:1"];
    let mut worlds = Vec::new();
    for fault in faults {
        let Some(world) = router() else { return };
        let before = values(&world);
        // Named points that the timer's process, which inherits the fault, does not pass.
        killed(&world, fault, &["apply", "narrow", "--confirm-within", "2s"]);
        assert_eq!(status(&world)["unfinished"], true, "{fault}");
        worlds.push((fault, world, before));
    }
    for (fault, world, before) in worlds {
        none_is_left(&world);
        is_as(&world, &before, fault);
        let told = status(&world);
        assert!(told["in_force"].is_null() && told["unfinished"] == false, "{fault}: {told:#}");
    }
}

#[test]
fn a_timer_killed_at_its_work_leaves_the_rest_to_the_next_command() {
    let Some(world) = router() else { return };
    let before = values(&world);
    for fault in ["undo:1", "undo:2", "undone:1"] {
        // The caller does not pass these points, the timer does.
        let mut command = world.trimtab_command(&["apply", "narrow", "--confirm-within", "1s"]);
        crate::world::Told::of({
            command.env("TRIMTAB_FAULT", fault);
            command
        })
        .exits(5);
        none_is_left(&world);
        assert_eq!(status(&world)["unfinished"].as_bool(), Some(false), "{fault}: on trial until somebody looks");
        world.trimtab(&["revert"]).exits(0);
        is_as(&world, &before, fault);
    }
}

#[test]
fn a_set_never_confirmed_is_not_applied_by_the_next_boot() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow", "--confirm-within", "1s"]).exits(5);
    none_is_left(&world);
    // This boot may try it as often as it likes.
    let unconfirmed = world.state().unwrap().join("unconfirmed");
    let text = String::from_utf8(trimtab_kernel::file::read(&unconfirmed, 1 << 20).unwrap()).unwrap();
    let boot = status(&world)["host"]["boot_id"].as_str().unwrap().to_owned();
    std::fs::write(&unconfirmed, text.replace(&boot, "00000000-0000-4000-8000-000000000000")).unwrap();
    world.trimtab(&["apply", "narrow"]).exits(3).says(&["nobody confirmed it"]);
    is_as(&world, &before, "refused");
    world.trimtab(&["confirm"]).exits(0).says(&["accepted"]);
    world.trimtab(&["apply", "narrow"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
    is_as(&world, &before, "reverted");
}
