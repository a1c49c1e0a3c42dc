//! What the tests of this crate share: a network namespace of their own, and skips that are seen.

#![expect(unsafe_code, reason = "unshare(2)")]

use std::process::Command;
use std::thread;

use rustix::thread::UnshareFlags;

/// Runs a test on a thread with a network namespace of its own; it vanishes with the thread. Without root the test is
/// skipped and says so, and fails if `TRIMTAB_NO_SKIP` is set.
pub fn in_new_netns<T: Send + 'static>(test: &str, body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    in_new(test, UnshareFlags::NEWNET, body)
}

/// As [`in_new_netns`], with private mounts too.
pub fn in_new_netns_and_mounts<T: Send + 'static>(test: &str, body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    in_new(test, UnshareFlags::NEWNET | UnshareFlags::NEWNS, move || {
        use rustix::mount::MountPropagationFlags;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        rustix::mount::mount_change("/", private).unwrap();
        body()
    })
}

fn in_new<T: Send + 'static>(test: &str, flags: UnshareFlags, body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let worker = thread::spawn(move || {
        // SAFETY: only FILES could hurt other threads, and it is not among the flags.
        match unsafe { rustix::thread::unshare_unsafe(flags) } {
            Ok(()) => Ok(body()),
            Err(error) => Err(error),
        }
    });
    match worker.join() {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            skip(test, &format!("no namespace of its own: {error}"));
            None
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Says that a test did not run.
pub fn skip(test: &str, why: &str) {
    assert!(std::env::var_os("TRIMTAB_NO_SKIP").is_none(), "{test} would be skipped: {why}");
    eprintln!("SKIPPED {test}: {why}");
}

/// Runs a command in the namespaces of the calling thread; it must succeed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
