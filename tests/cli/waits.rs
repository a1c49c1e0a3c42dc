//! Who waits for the lock of somebody else: can be ended, and goes on as soon as it is free.

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
