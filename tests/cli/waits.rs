//! Who waits for the lock of somebody else: a command can be ended, the timer of a trial never gives up.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::world::World;

/// Longer than anything here takes on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody else who holds the lock of a world that has been applied to before; must be killed.
fn holder(world: &World) -> Child {
    let mut locks = std::fs::read_dir(world.path("run")).unwrap();
    let lock = locks.next().unwrap().unwrap().path();
    let mut command = world.command("flock");
    let holder = command.arg("-F").arg(lock).args(["sh", "-c", "echo; exec sleep 600"]);
    let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
    // It says so once it has it.
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    holder
}

fn end(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_command_that_waits_for_the_lock_can_be_ended() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
    let holder = holder(&world);
    let mut command = world.trimtab_command(&["apply", "--set", "net.ipv4.tcp_sack=0", "--wait", "10m"]);
    let mut waiting = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // It has the lock file open once it waits; a signal before that would prove nothing.
    let folder = format!("/proc/{}/fd", waiting.id());
    let start = Instant::now();
    let waits = || {
        let mut open =
            std::fs::read_dir(&folder).unwrap().filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        open.any(|path| path.extension().is_some_and(|ending| ending == "lock"))
    };
    while !waits() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&waiting);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = loop {
        if let Some(status) = waiting.try_wait().unwrap() {
            break status;
        }
        assert!(start.elapsed() < PATIENCE, "it waits on");
        std::thread::sleep(Duration::from_millis(5));
    };
    end(holder);
    assert_eq!(status.signal(), Some(15), "{status}");
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

/// The process that waits for the world's trial to run out, as long as it lives.
fn timer(world: &World) -> Option<u32> {
    let state = world.path("state").to_str().unwrap().to_owned();
    let ids = std::fs::read_dir("/proc").unwrap();
    let mut ids = ids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| {
        let path = format!("/proc/{id}/cmdline");
        let line = trimtab_kernel::file::read(std::path::Path::new(&path), 1 << 16).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("end-trial") && line.contains(&state)
    })
}

/// A trial of three seconds, whose timer finds something in its way.
fn trial() -> Option<World> {
    let world = World::new()?;
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "3s"]).exits(5);
    Some(world)
}

#[track_caller]
fn ends(world: &World) {
    let start = Instant::now();
    while timer(world).is_some() {
        assert!(start.elapsed() < PATIENCE, "the timer does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_trial_is_undone_as_soon_as_the_lock_is_free() {
    let Some(world) = trial() else { return };
    let holder = holder(&world);
    // More than one try.
    std::thread::sleep(Duration::from_secs(6));
    assert!(timer(&world).is_some(), "it gave up");
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    end(holder);
    ends(&world);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn a_trial_is_undone_as_soon_as_its_state_can_be_read() {
    let Some(world) = trial() else { return };
    let good = world.journal();
    let path = world.state().unwrap().join("journal");
    let damaged: Vec<u8> = good.iter().map(|byte| if *byte == b'"' { b'\'' } else { *byte }).collect();
    std::fs::write(&path, damaged).unwrap();
    std::thread::sleep(Duration::from_secs(5));
    assert!(timer(&world).is_some(), "it gave up");
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    std::fs::write(&path, good).unwrap();
    ends(&world);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn a_timer_whose_trial_is_over_waits_for_no_lock() {
    let Some(world) = trial() else { return };
    let holder = holder(&world);
    std::thread::sleep(Duration::from_secs(4));
    assert!(timer(&world).is_some(), "it gave up");
    // As the message on a damaged journal has it: to give up the undo.
    std::fs::remove_file(world.state().unwrap().join("journal")).unwrap();
    ends(&world);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    end(holder);
}
