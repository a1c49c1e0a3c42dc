//! `trimtab confirm`: keep what is on trial.

use schemars::JsonSchema;
use serde::Serialize;

use super::recovery;
use crate::cli;
use crate::cli::Common;
use crate::control::client;
use crate::control::protocol::Ask;
use crate::control::protocol::Manner;
use crate::engine::transaction;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `confirm --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// What was confirmed.
    pub outcome: Outcome,
}

/// What was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A trial that runs: it stays in force.
    Kept,
    /// A set whose trial an earlier boot ended: an apply may put it in force again.
    Accepted,
}

/// Runs the verb.
///
/// # Errors
/// If there is nothing to confirm, or it cannot be recorded.
pub fn run(common: &Common, options: &cli::Confirm) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    let netns = session.host.id.netns.clone();
    let ask = || Ask::Confirm { manner: Manner::of(common, options.wait) };
    match client::forward(common, &netns, ask)? {
        Some(exit) => Ok(exit),
        None => perform(common, &mut session, options.wait),
    }
}

/// Confirms, and tells it.
///
/// # Errors
/// As [`run`].
pub fn perform(common: &Common, session: &mut Session, wait: cli::Wait) -> Result<Exit, Failure> {
    let (_lock, mut store) = session.locked_store(wait)?;
    let now = session.now();
    let recovered = recovery::recover(session, &mut store, &now, Trials::Respect)?;
    let outcome = match recovered {
        Recovered::Awaiting { .. } => {
            transaction::confirm(&mut store, &mut recovery::end_timer)?;
            Outcome::Kept
        }
        Recovered::Nothing | Recovered::Ended | Recovered::Undone(_) => {
            let Some(refused) = &store.unconfirmed else {
                return Err(Failure::new(Exit::Failed, "nothing awaits a confirmation"));
            };
            if refused.boot_id == session.host.id.boot_id {
                let message = "too late: the trial is over and what it had changed was undone; `trimtab apply` puts it in force for good";
                return Err(Failure::new(Exit::Failed, message));
            }
            store.put_unconfirmed(None)?;
            Outcome::Accepted
        }
    };
    if common.json {
        super::print_json(&Report { document: "trimtab.confirm", version: 1, outcome })?;
    } else {
        super::print(match outcome {
            Outcome::Kept => "confirmed: the trial stays in force\n",
            Outcome::Accepted => "confirmed: the set that was on trial is accepted; `trimtab apply` puts it in force\n",
        })?;
    }
    Ok(Exit::Good)
}
