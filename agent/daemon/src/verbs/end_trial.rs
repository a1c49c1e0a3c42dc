//! `trimtab end-trial`: the process that waits for a trial to run out and undoes it, whatever became of its caller.

use std::time::Duration;

use tracing::info;
use trimtab_kernel::switch;
use trimtab_kernel::timer;

use crate::cli;
use crate::cli::Common;
use crate::cli::Wait;
use crate::engine::transaction;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// How long to wait for the lock before giving up: longer than any apply takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs the verb.
///
/// # Errors
/// If the trial cannot be undone.
pub fn run(common: &Common, options: &cli::EndTrial) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    timer::sleep_until(Duration::from_millis(options.at))
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot wait: {error}")))?;
    let (_lock, mut store) = session.locked_store(Wait { wait: PATIENCE })?;
    let is_open = store.history.open.as_ref().is_some_and(|open| open.begin.id == options.transaction);
    if !is_open {
        return Ok(Exit::Good);
    }
    if let Some(why) = switch::disabled() {
        return Err(Failure::new(Exit::Failed, format!("the trial is not undone: trimtab is disabled by {why}")));
    }
    // Interfaces may have come and gone while it slept.
    session.relearn()?;
    let now = session.now();
    match transaction::recover(session.kernel.as_mut(), &mut store, &session.host, &now, Trials::End)? {
        Recovered::Undone(undone) if !undone.is_complete() => {
            Err(Failure::new(Exit::Incomplete, "the trial was undone, but not completely"))
        }
        Recovered::Undone(undone) => {
            info!(restored = undone.restored.len(), "nobody confirmed the trial; it was undone");
            Ok(Exit::Good)
        }
        Recovered::Nothing | Recovered::Ended | Recovered::Awaiting { .. } => Ok(Exit::Good),
    }
}
