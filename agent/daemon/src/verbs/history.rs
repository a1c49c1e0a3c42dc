//! `trimtab history`: what the daemon told of drift.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::drift::Told;
use trimtab_core::drift::What;
use trimtab_core::journal::Caller;
use trimtab_core::render::paint::Tone;

use super::address::enter_named;
use super::address::parse_address;
use super::status::when;
use super::status::who;
use crate::cli;
use crate::cli::Common;
use crate::events::Events;
use crate::events::Line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `history --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// What was told, oldest first.
    pub events: Vec<Line>,
    /// Lines of the log that cannot be read: of a newer trimtab, or torn.
    pub unread: usize,
}

/// Runs the verb.
///
/// # Errors
/// If the log is there and cannot be read.
pub fn run(common: &Common, options: &cli::History) -> Result<Exit, Failure> {
    let mut only: Vec<_> = options.addresses.iter().map(|text| parse_address(text)).collect::<Result<_, _>>()?;
    let common = enter_named(common, &mut only)?;
    let session = Session::open(&common)?;
    let log = Events::open(&common, &session.host.id);
    let (mut events, unread) =
        log.read().map_err(|error| Failure::new(Exit::Failed, format!("cannot read the events: {error}")))?;
    events.retain(|line| only.is_empty() || only.contains(&line.told.address));
    let report = Report { document: "trimtab.history", version: 1, events, unread };
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&text(&report))?;
    }
    Ok(Exit::Good)
}

fn by_caller(caller: Option<&Caller>) -> String {
    caller.map(|caller| format!(" by {}", who(caller))).unwrap_or_default()
}

/// What somebody wrote may be anything.
fn quoted(wrote: Option<&str>) -> String {
    wrote.map_or_else(|| "something".to_owned(), |wrote| format!("{wrote:?}"))
}

fn text(report: &Report) -> String {
    let paint = super::paint();
    let mut text = String::new();
    for Line { at, told, .. } in &report.events {
        let Told { address, what, found, wanted, disrupts, retry_in, reason, caller, wrote, after_us, writer } = told;
        let when = paint.tone(Tone::Quiet, &when(*at));
        let _ = write!(text, "{when}  {address}  ");
        let wanted = wanted.as_ref().map(|wanted| format!(", want {wanted}")).unwrap_or_default();
        let by = writer.as_ref().map(|writer| format!(", by {writer}")).unwrap_or_default();
        let _ = match what {
            What::Drifted => writeln!(text, "drifted: found {found}{wanted}{by}"),
            What::Reported => {
                let why = disrupts.as_ref().map(|why| format!(" (it {why})")).unwrap_or_default();
                writeln!(text, "drifted and is left{why}: found {found}{wanted}{by}")
            }
            What::PutBack => {
                let after = after_us.map(|after| format!(" after {after} µs")).unwrap_or_default();
                writeln!(text, "put back from {found}{after}")
            }
            What::NotPutBack => writeln!(text, "cannot be put back: found {found}"),
            What::Contended => {
                let left = retry_in.unwrap_or_default();
                writeln!(text, "contended: found {found}{wanted}{by}; tried again after {left} s")
            }
            What::LeaseBegan => {
                let left = retry_in.unwrap_or_default();
                let (who, reason) = (by_caller(caller.as_deref()), reason.as_deref().unwrap_or_default());
                writeln!(text, "on lease for {left} s{who}, found {found}: {reason}")
            }
            What::LeaseEnded => writeln!(text, "the lease has ended{}: found {found}", by_caller(caller.as_deref())),
            What::HoldsAgain => writeln!(text, "holds again, was {found}"),
            What::Attempted => writeln!(text, "written in vain: {} for {found}{by}", quoted(wrote.as_deref())),
            What::Transient => writeln!(text, "written and written back: {} for {found}{by}", quoted(wrote.as_deref())),
        };
    }
    if report.events.is_empty() {
        text.push_str("nothing has been told of drift\n");
    }
    if report.unread > 0 {
        let _ = writeln!(text, "{} lines of the log cannot be read", report.unread);
    }
    text
}
