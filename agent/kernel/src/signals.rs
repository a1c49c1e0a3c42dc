//! Signals that would end this process, held back while it must not end.
//!
//! A transaction that a Ctrl-C, a `systemctl stop` or a terminal that closes ends half way would stay half applied until the
//! next command. Held back, the signal takes effect when the transaction is over. SIGKILL cannot be held back; the
//! journal is there for that.

use std::marker::PhantomData;

use crate::sys;
use crate::sys::SignalMask;

/// What people and service managers end processes with.
const ENDING: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Signals are held back as long as this lives. What arrived meanwhile takes effect when it is dropped, as if it came then.
/// A mask belongs to a thread, so this stays on the thread that made it.
#[derive(Debug)]
#[must_use = "signals are held back only as long as this lives"]
pub struct Held {
    before: Option<SignalMask>,
    of_this_thread: PhantomData<*const ()>,
}

/// Holds back SIGINT, SIGTERM, SIGHUP and SIGQUIT on this thread. A process with other threads would get them there.
/// Programs that are started meanwhile inherit it, except for the timer of a trial (`sys::start_detached`).
pub fn hold() -> Held {
    let before = sys::block_signals(&ENDING);
    if let Err(error) = &before {
        // A seccomp filter, at most: the transaction is made all the same, and its journal outlives the signal.
        tracing::debug!(%error, "signals are not held back");
    }
    Held { before: before.ok(), of_this_thread: PhantomData }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Held { before, of_this_thread: PhantomData } = self;
        if let Some(before) = before {
            sys::set_signal_mask(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::process::Stdio;

    use rustix::process::Signal;

    use super::*;

    /// The blocked signals of this thread, and those that wait, bit n - 1 for signal n.
    fn mask(name: &str) -> u64 {
        let status = crate::file::read(std::path::Path::new("/proc/thread-self/status"), 1 << 16).unwrap();
        let status = String::from_utf8(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
    }

    #[test]
    fn the_mask_from_before_comes_back() {
        let all = ENDING.iter().fold(0, |mask, signal| mask | 1u64 << (signal - 1));
        let before = mask("SigBlk");
        let outer = hold();
        assert_eq!(mask("SigBlk"), before | all);
        let inner = hold();
        drop(inner);
        assert_eq!(mask("SigBlk"), before | all, "the outer one still lives");
        drop(outer);
        assert_eq!(mask("SigBlk"), before);
    }

    #[test]
    fn a_signal_that_was_held_back_takes_effect_at_the_end() {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("out");
            let status = Command::new("/proc/self/exe")
                .args(["--exact", "signals::tests::one_that_is_signalled", "--ignored", "--test-threads=1"])
                .env("TRIMTAB_TEST_OUT", &out)
                .env("TRIMTAB_TEST_SIGNAL", signal.as_raw().to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
            assert_eq!(crate::file::read(&out, 100).unwrap(), b"held");
        }
    }

    #[test]
    #[ignore = "the process in a_signal_that_was_held_back_takes_effect_at_the_end"]
    fn one_that_is_signalled() {
        let (Ok(out), Ok(signal)) = (std::env::var("TRIMTAB_TEST_OUT"), std::env::var("TRIMTAB_TEST_SIGNAL")) else {
            return;
        };
        // SIGQUIT leaves a core file otherwise.
        let no_size = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        rustix::process::setrlimit(rustix::process::Resource::Core, no_size).unwrap();
        let held = hold();
        // Not to the process: a test has a thread of its own, and another one would take the signal.
        sys::signal_this_thread(signal.parse().unwrap());
        std::fs::write(&out, "held").unwrap();
        drop(held);
        std::fs::write(&out, "lived on").unwrap();
    }
}
