//! A network namespace for a test, and skips that are seen.
#![expect(unsafe_code, reason = "unshare(2)")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;
use std::thread;

use rustix::thread::UnshareFlags;

/// Runs a test on a thread with a network namespace of its own; it vanishes with the thread. Without root the test is
/// skipped and says so, and fails if `TRIMTAB_NO_SKIP` is set.
pub fn in_new_netns<T: Send + 'static>(test: &str, body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let worker = thread::spawn(move || {
        // SAFETY: only FILES could hurt other threads, and it is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }.map(|()| body())
    });
    match worker.join() {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            let why = format!("no namespace of its own: {error}");
            assert!(std::env::var_os("TRIMTAB_NO_SKIP").is_none(), "{test} would be skipped: {why}");
            eprintln!("SKIPPED {test}: {why}");
            None
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs a command in the namespaces of the calling thread; it must succeed.
pub fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
