//! What comes before anything is written: the kill switch, and what a killed command or a trial left behind.

use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::state::Unconfirmed;
use trimtab_kernel::switch;
use trimtab_kernel::timer;
use trimtab_kernel::timer::Armed;

use crate::engine::Store;
use crate::engine::transaction;
use crate::engine::transaction::Now;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The kill switch.
///
/// # Errors
/// If it is on.
pub fn refuse_if_disabled() -> Result<(), Failure> {
    match switch::disabled() {
        Some(why) => Err(Failure::new(Exit::Failed, format!("disabled by {why}: nothing is written"))),
        None => Ok(()),
    }
}

/// Finishes what a killed command left open, and ends the process that waits for a trial which is over by that: it would
/// find nothing to undo, there is just no need for it to wait.
///
/// # Errors
/// If the state on disk cannot be written.
pub fn recover(session: &mut Session, store: &mut Store, now: &Now, trials: Trials) -> Result<Recovered, Failure> {
    let boot_id = &session.host.id.boot_id;
    let has_timer = |trial: &Unconfirmed| trial.timer_pid.is_some() || trial.timer_unit.is_some();
    let mut waits = store.unconfirmed.clone().filter(|trial| trial.boot_id == *boot_id && has_timer(trial));
    // Before as well: what is on record of a trial that was confirmed goes with the recovery.
    end_if_over(store, &mut waits);
    if transaction::would_undo(store, now, trials) {
        refuse_if_disabled()?;
    }
    let recovered = transaction::recover(session.kernel.as_mut(), store, &session.host, now, trials)?;
    match &recovered {
        // That took its time.
        Recovered::Undone(_) => drop(session.follow_on(store)?),
        Recovered::Nothing | Recovered::Ended | Recovered::Awaiting { .. } => {}
    }
    end_if_over(store, &mut waits);
    Ok(recovered)
}

/// Ends what waits for a trial if the trial is over, once.
fn end_if_over(store: &mut Store, waits: &mut Option<Unconfirmed>) {
    if store.history.open.is_some() {
        return;
    }
    let Some(trial) = waits.take() else { return };
    end_timer(&trial);
    if store.unconfirmed.as_ref() == Some(&trial) {
        // It stays on record, and nobody waits for it any more.
        let ended = Unconfirmed { timer_pid: None, timer_unit: None, ..trial };
        if let Err(error) = store.put_unconfirmed(Some(ended)) {
            tracing::debug!(%error, "the timer of a trial that is over is still on record");
        }
    }
}

/// Ends what waits for a trial which is over.
pub fn end_timer(trial: &Unconfirmed) {
    let process = trial.timer_pid.map(|pid| Armed::Process { pid });
    let unit = trial.timer_unit.clone().map(Armed::Unit);
    for armed in process.iter().chain(&unit) {
        timer::end(armed, &trial.transaction);
    }
}

/// Says on standard error what a killed command had left behind.
pub fn tell(recovered: &Recovered) {
    let Recovered::Undone(undone) = recovered else { return };
    tracing::warn!(
        restored = undone.restored.len(),
        conflicts = undone.conflicts.len(),
        failed = undone.failed.len(),
        "an earlier apply had not finished, or nobody confirmed it in time; it was undone first"
    );
}

/// What an undo that came first could not take back.
pub fn findings(recovered: Recovered) -> Vec<Finding> {
    let Recovered::Undone(undone) = recovered else { return Vec::new() };
    let failed = undone.failed.into_iter().map(|(address, why)| {
        Finding::about(Class::Blocked, "not-undone", &address, format!("an earlier change could not be undone: {why}"))
    });
    undone.conflicts.into_iter().chain(failed).collect()
}
