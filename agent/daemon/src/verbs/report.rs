//! How an apply or a revert is told: one document, one text, one exit code.

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::plan::Finding;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::render;
use trimtab_core::render::plan::Detail;

use crate::cli::Common;
use crate::engine::transaction::Finished;
use crate::engine::undo::Undone;
use crate::exit::Exit;
use crate::failure::Failure;

/// The document that `apply --json` and `revert --json` print.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The exit code.
    pub exit: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// Values written.
    pub writes: usize,
    /// Why it failed.
    pub failure: Option<String>,
    /// Seconds left to confirm.
    pub confirm_within: Option<u64>,
    /// Values of somebody else that were left alone.
    pub conflicts: Vec<Finding>,
    /// What could not be undone, and why.
    pub not_undone: Vec<String>,
    /// What was planned.
    pub plan: SavedPlan,
}

/// How an apply or a revert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything is written and read back.
    InForce,
    /// Everything was as wanted.
    NothingToDo,
    /// The host only observes; nothing was written.
    Observed,
    /// Everything is written, and undone unless it is confirmed.
    Awaiting,
    /// Reality had moved since the plan; nothing was written.
    Stale,
    /// It failed, and everything is as it was before.
    Undone,
    /// It failed, and not everything could be taken back.
    Incomplete,
}

/// Tells how it ended, and gives the exit code.
///
/// # Errors
/// If it cannot be told.
pub fn report(
    common: &Common,
    document: &'static str,
    planned: SavedPlan,
    finished: Finished,
    detail: Detail,
    within: Option<u64>,
) -> Result<Exit, Failure> {
    let held_up = planned.plan.is_held_up();
    let (exit, outcome, writes, failure, undone) = match finished {
        Finished::Nothing => (held(held_up, Exit::Good), Outcome::NothingToDo, 0, None, Undone::default()),
        Finished::InForce { writes } => (held(held_up, Exit::Good), Outcome::InForce, writes, None, Undone::default()),
        Finished::Awaiting { writes, confirm_by: _ } => {
            (Exit::Awaiting, Outcome::Awaiting, writes, None, Undone::default())
        }
        Finished::Stale(failure) => (Exit::Stale, Outcome::Stale, 0, Some(failure), Undone::default()),
        Finished::Undone(failure) => {
            // Nothing is changed, and not for want of trying: who runs it is what must change.
            let exit = if failure.is_denied() { Exit::Permission } else { Exit::Undone };
            (exit, Outcome::Undone, 0, Some(failure), Undone::default())
        }
        Finished::Incomplete(failure, undone) => (Exit::Incomplete, Outcome::Incomplete, 0, Some(failure), undone),
    };
    let report = Report {
        document,
        version: 1,
        exit: exit.code(),
        outcome,
        writes,
        failure: failure.map(|failure| failure.to_string()),
        confirm_within: within.filter(|_| exit == Exit::Awaiting),
        conflicts: undone.conflicts,
        not_undone: undone.failed.into_iter().map(|(_, why)| why).collect(),
        plan: planned,
    };
    if let Err(failure) = tell(common, &report, detail) {
        // What was done is done, and the exit code says it.
        tracing::warn!("{}", failure.message);
    }
    super::forget(report);
    Ok(exit)
}

pub(super) fn tell(common: &Common, report: &Report, detail: Detail) -> Result<(), Failure> {
    if common.json { super::print_json(report) } else { super::print(&text(report, detail)) }
}

fn held(held_up: bool, otherwise: Exit) -> Exit {
    if held_up { Exit::HeldUp } else { otherwise }
}

fn text(report: &Report, detail: Detail) -> String {
    let mut text = render::plan::text(&report.plan, detail, super::paint());
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    if let Some(failure) = &report.failure {
        line(format!("failed: {failure}"));
    }
    line(match report.outcome {
        Outcome::NothingToDo => "nothing written".to_owned(),
        Outcome::InForce => {
            let word = if report.document == "trimtab.revert" { "restored" } else { "in force" };
            format!("{word}: {} written and read back", report.writes)
        }
        Outcome::Observed => {
            "this host only observes (mode = \"observe\" in the host file): nothing written".to_owned()
        }
        Outcome::Awaiting => format!(
            "on trial: {} written and read back; undone in {} s unless `trimtab confirm` follows",
            report.writes,
            report.confirm_within.unwrap_or_default()
        ),
        Outcome::Stale => "nothing was written".to_owned(),
        Outcome::Undone => "everything is as it was before".to_owned(),
        Outcome::Incomplete => "not everything could be undone:".to_owned(),
    });
    for conflict in &report.conflicts {
        let name = conflict.address.as_ref().map(ToString::to_string).unwrap_or_default();
        line(format!("  ! {name}: {}", conflict.message));
    }
    for why in &report.not_undone {
        line(format!("  ! {why}"));
    }
    text
}
