//! `trimtab verify`: is what was applied still there?

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::host::HostId;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::compare::Mismatch;
use trimtab_core::render;
use trimtab_core::render::paint::Tone;
use trimtab_core::state::tell_gone;

use super::hold;
use super::hold::Running;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `verify --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The exit code.
    pub exit: u8,
    /// The host, boot and namespace.
    pub host: HostId,
    /// The generation of the applied set.
    pub generation: u64,
    /// Every value that is not as wanted.
    pub mismatches: Vec<Mismatch>,
    /// Settings that cannot be compared.
    pub findings: Vec<Finding>,
    /// What is tuned by hand: it is no drift until its lease ends.
    pub leases: Vec<Running>,
    /// How many settings hold.
    pub as_wanted: usize,
}

/// Runs the verb.
///
/// # Errors
/// If nothing is applied, or the state cannot be relied upon.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    let store = session.store()?;
    if store.history.open.as_ref().is_some_and(|open| open.awaiting.is_none()) {
        let message = "an apply or revert was killed half-way, so there is nothing to hold the kernel against; the next one undoes it first";
        return Err(Failure::new(Exit::Failed, message));
    }
    let Some(applied) = store.in_force().filter(|applied| !applied.desired.settings.is_empty()) else {
        return Err(Failure::new(
            Exit::Failed,
            "nothing is applied in this boot; `trimtab plan` compares with the profiles",
        ));
    };
    let mut comparison = session.host.compare(session.kernel.as_mut(), &applied.desired);
    if let Some(links) = session.links() {
        tell_gone(&mut comparison, applied, &store.gave_way, links);
    }
    let held_up = comparison.findings.iter().any(|finding| finding.class != Class::Note);
    let leases = hold::running(&session);
    let is_on_lease = |mismatch: &Mismatch| leases.iter().any(|lease| lease.address == mismatch.address);
    let exit = if !comparison.mismatches.iter().all(is_on_lease) {
        Exit::Differs
    } else if held_up || !comparison.mismatches.is_empty() {
        Exit::HeldUp
    } else {
        Exit::Good
    };
    let report = Report {
        document: "trimtab.verify",
        version: 1,
        exit: exit.code(),
        host: session.host.id.clone(),
        generation: applied.generation,
        mismatches: comparison.mismatches,
        findings: comparison.findings,
        leases,
        as_wanted: comparison.as_wanted.len(),
    };
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&text(&report))?;
    }
    Ok(exit)
}

fn text(report: &Report) -> String {
    let paint = super::paint();
    let mut text = String::new();
    for Mismatch { address, policy, wanted, found, origin } in &report.mismatches {
        let sigil = paint.tone(Tone::Alarm, "!");
        let word = match policy {
            trimtab_core::policy::Policy::AtLeast(_) => "at least ",
            trimtab_core::policy::Policy::AtMost(_) => "at most ",
            trimtab_core::policy::Policy::Value(_)
            | trimtab_core::policy::Policy::Between(_, _)
            | trimtab_core::policy::Policy::OneOf(_)
            | trimtab_core::policy::Policy::Prefer(_)
            | trimtab_core::policy::Policy::Includes(_) => "",
        };
        let place = paint.tone(Tone::Quiet, &origin.to_string());
        let below = render::tree::below(found, wanted, paint);
        let (found, wanted) = render::tree::heads(found, wanted);
        let _ = writeln!(text, "  {sigil} {address}: want {word}{wanted}, found {found}  {place}");
        text.push_str(&below);
        if let Some(lease) = report.leases.iter().find(|lease| lease.address == *address) {
            let _ = writeln!(text, "      {}", lease.text());
        }
    }
    text.push_str(&render::plan::findings(report.findings.iter(), paint));
    let _ = writeln!(
        text,
        "{} not as wanted, {} not comparable, {} as wanted (generation {})",
        report.mismatches.len(),
        report.findings.iter().filter(|finding| finding.class != Class::Note).count(),
        report.as_wanted,
        report.generation
    );
    text
}
