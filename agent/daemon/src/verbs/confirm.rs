//! `trimtab confirm`: keep what is on trial.

use serde_json::json;

use crate::cli;
use crate::cli::Common;
use crate::engine::transaction;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Runs the verb.
///
/// # Errors
/// If there is nothing to confirm, or it cannot be recorded.
pub fn run(common: &Common, options: &cli::Confirm) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    let (_lock, mut store) = session.locked_store(options.wait)?;
    let now = session.now();
    let recovered = super::recover(&mut session, &mut store, &now, Trials::Respect)?;
    let words = match recovered {
        Recovered::Awaiting { .. } => {
            transaction::confirm(&mut store, &mut super::end_timer)?;
            "confirmed: the trial stays in force"
        }
        Recovered::Nothing | Recovered::Ended | Recovered::Undone(_) => {
            let refused = store.unconfirmed.take();
            if refused.is_none() {
                return Err(Failure::new(Exit::Failed, "nothing awaits a confirmation"));
            }
            let ended_now = matches!(recovered, Recovered::Undone(_));
            if ended_now {
                store.unconfirmed = refused;
                return Err(Failure::new(Exit::Failed, "too late: the time of the trial was up, and it was undone"));
            }
            store.put_unconfirmed(None)?;
            "confirmed: the set that was on trial is accepted; `trimtab apply` puts it in force"
        }
    };
    if common.json {
        super::print_json(&json!({ "document": "trimtab.confirm", "version": 1, "outcome": words }))?;
    } else {
        super::print(&format!("{words}\n"))?;
    }
    Ok(Exit::Good)
}
