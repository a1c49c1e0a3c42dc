//! `trimtab end-trial`: the process that waits for a trial to run out and undoes it, whatever became of its caller.
//!
//! It is the last resort of somebody who has cut off their own way to the host, so nothing that may pass makes it give up:
//! it tries again until the trial is undone, or over in some other way.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tracing::info;
use tracing::warn;
use trimtab_kernel::netns;
use trimtab_kernel::switch;
use trimtab_kernel::timer;

use crate::cli;
use crate::cli::Common;
use crate::cli::Wait;
use crate::engine::Store;
use crate::engine::transaction;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// How long each try waits for the lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// The pause after the first try that failed; each one is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the verb.
///
/// # Errors
/// If the trial was not undone completely, if trimtab is disabled, or if the namespace is gone.
pub fn run(common: &Common, options: &cli::EndTrial) -> Result<Exit, Failure> {
    let mut retries = Retries { told: BTreeSet::new(), pause: FIRST_PAUSE };
    let mut session = loop {
        match Session::open(common) {
            Ok(session) => break session,
            Err(failure) if is_gone(common) => return Err(failure),
            Err(failure) => retries.after(&Hindrance { step: Step::Open, failure })?,
        }
    };
    sleep_until(Duration::from_millis(options.at))?;
    retries.pause = FIRST_PAUSE;
    loop {
        match end(&mut session, &options.transaction) {
            Ok(End::Over) => return Ok(Exit::Good),
            Ok(End::Undone { restored }) => {
                info!(restored, "nobody confirmed the trial; it was undone");
                return Ok(Exit::Good);
            }
            Ok(End::Incomplete) => {
                return Err(Failure::new(Exit::Incomplete, "the trial was undone, but not completely"));
            }
            Ok(End::Disabled { why }) => {
                let message = format!("the trial is not undone: trimtab is disabled by {why}");
                return Err(Failure::new(Exit::Failed, message));
            }
            Err(hindrance) => retries.after(&hindrance)?,
        }
    }
}

/// What became of the trial.
enum End {
    /// It had ended before.
    Over,
    /// It was undone.
    Undone {
        /// Settings that went back.
        restored: usize,
    },
    /// It is over, but not everything went back.
    Incomplete,
    /// Nobody may write.
    Disabled {
        /// By what.
        why: String,
    },
}

/// Where a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Open,
    Lock,
    State,
    Interfaces,
    Undo,
}

/// Why a try failed; the next one may not.
struct Hindrance {
    step: Step,
    failure: Failure,
}

impl Hindrance {
    fn at<E: Into<Failure>>(step: Step) -> impl FnOnce(E) -> Hindrance {
        move |error| Hindrance { step, failure: error.into() }
    }
}

/// One try.
fn end(session: &mut Session, transaction: &str) -> Result<End, Hindrance> {
    // Interfaces may have come and gone while it slept. Before the state is read, which says what to learn of them.
    session.relearn().map_err(Hindrance::at(Step::Interfaces))?;
    let (_locked, mut store) = match session.locked_store(Wait { wait: LOCK_WAIT }) {
        Ok(locked) => locked,
        // A trial that is over does not begin again: that can be seen without the lock.
        Err(_) if is_over(session, transaction) => return Ok(End::Over),
        Err(failure) => {
            let step = if failure.exit == Exit::Locked { Step::Lock } else { Step::State };
            return Err(Hindrance { step, failure });
        }
    };
    if !is_open(&store, transaction) {
        return Ok(End::Over);
    }
    if let Some(why) = switch::disabled() {
        return Ok(End::Disabled { why });
    }
    let now = session.now();
    let recovered = transaction::recover(session.kernel.as_mut(), &mut store, &session.host, &now, Trials::End)
        .map_err(Hindrance::at(Step::Undo))?;
    Ok(match recovered {
        Recovered::Undone(undone) if !undone.is_complete() => End::Incomplete,
        Recovered::Undone(undone) => End::Undone { restored: undone.restored.len() },
        Recovered::Nothing | Recovered::Ended | Recovered::Awaiting { .. } => End::Over,
    })
}

/// Whether the state, as far as it can be relied upon, knows of no such trial.
fn is_over(session: &mut Session, transaction: &str) -> bool {
    session.look().is_ok_and(|(store, unreliable)| unreliable.is_empty() && !is_open(&store, transaction))
}

fn is_open(store: &Store, transaction: &str) -> bool {
    store.history.open.as_ref().is_some_and(|open| open.begin.id == transaction)
}

/// Whether the namespace that was entered by name is no more: its settings went with it.
fn is_gone(common: &Common) -> bool {
    common.netns.as_ref().is_some_and(|name| !Path::new(netns::FOLDER).join(name).exists())
}

/// The pauses between tries, and what was told of their failures.
struct Retries {
    told: BTreeSet<Step>,
    pause: Duration,
}

impl Retries {
    /// Tells of a failure, the first of its kind, and sleeps until the next try.
    fn after(&mut self, hindrance: &Hindrance) -> Result<(), Failure> {
        let Hindrance { step, failure } = hindrance;
        if self.told.insert(*step) {
            warn!(error = failure.message, "the trial is not undone yet; trying again until it is");
        }
        sleep_until(timer::now_boottime() + self.pause)?;
        self.pause = longer(self.pause);
        Ok(())
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

fn sleep_until(deadline: Duration) -> Result<(), Failure> {
    timer::sleep_until(deadline).map_err(|error| Failure::new(Exit::Failed, format!("cannot wait: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_each_kind_of_failure_is_told_once() {
        let mut retries = Retries { told: BTreeSet::new(), pause: Duration::from_millis(2) };
        for step in [Step::Lock, Step::Lock, Step::State] {
            retries.after(&Hindrance { step, failure: Failure::new(Exit::Failed, "no") }).unwrap();
        }
        assert_eq!(retries.pause, Duration::from_millis(16));
        assert_eq!(retries.told, BTreeSet::from([Step::Lock, Step::State]));
        assert_eq!(longer(LONGEST_PAUSE - Duration::from_millis(1)), LONGEST_PAUSE);
        assert_eq!(longer(LONGEST_PAUSE), LONGEST_PAUSE);
    }
}
