//! `trimtab revert --trial`: only the trial ends, and what was in force before it comes back.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::plan::Finding;

use super::recovery;
use crate::cli::Common;
use crate::engine::Store;
use crate::engine::transaction::Now;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Trials;
use crate::engine::undo::Undone;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `revert --trial --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The exit code.
    pub exit: u8,
    /// What is back by a write.
    pub restored: Vec<Address>,
    /// Values of somebody else that were left alone.
    pub conflicts: Vec<Finding>,
    /// What could not be undone, and why.
    pub not_undone: Vec<String>,
}

/// Ends the trial of a store that is locked.
///
/// # Errors
/// If there is no trial, or its end cannot be recorded.
pub fn end(common: &Common, session: &mut Session, store: &mut Store, now: &Now) -> Result<Exit, Failure> {
    let no_trial = || Failure::new(Exit::Failed, "there is no trial to end");
    if store.history.open.as_ref().is_none_or(|open| open.begin.confirm_by.is_none()) {
        return Err(no_trial());
    }
    let Recovered::Undone(Undone { restored, conflicts, failed }) =
        recovery::recover(session, store, now, Trials::End)?
    else {
        return Err(no_trial());
    };
    let exit = match (failed.is_empty(), conflicts.is_empty()) {
        (false, _) => Exit::Incomplete,
        (true, false) => Exit::HeldUp,
        (true, true) => Exit::Good,
    };
    let not_undone = failed.into_iter().map(|(_, why)| why).collect();
    let report = Report { document: "trimtab.trial", version: 1, exit: exit.code(), restored, conflicts, not_undone };
    if common.json {
        super::print_json(&report)?
    } else {
        super::print(&text(&report))?
    }
    Ok(exit)
}

fn text(report: &Report) -> String {
    let mut text = format!("the trial is over: {} restored and read back\n", report.restored.len());
    for conflict in &report.conflicts {
        let name = conflict.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "  ! {name}: {}", conflict.message);
    }
    for why in &report.not_undone {
        let _ = writeln!(text, "  ! {why}");
    }
    text
}
