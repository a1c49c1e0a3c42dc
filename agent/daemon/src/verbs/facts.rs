//! `trimtab facts`: what is known of this host, and where from.

use std::collections::BTreeSet;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::conntrack::ConntrackUsage;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::facts::KNOWN;
use trimtab_core::facts::KnownFact;
use trimtab_core::host::HostId;
use trimtab_core::render::paint::Tone;

use crate::cli::Common;
use crate::cli::Wanted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `facts --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The host, boot and namespace.
    pub host: &'a HostId,
    /// What is known, and where from.
    pub facts: &'a Facts,
    /// The interfaces of the namespace.
    pub interfaces: &'a BTreeSet<String>,
    /// How much connection tracking is used; nothing where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<&'a ConntrackUsage>,
}

/// Runs the verb.
///
/// # Errors
/// If the host file has errors.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    // For what the host file declares under [facts].
    let intent = session.intend(&Wanted::default())?;
    super::warn(&intent.loaded);
    let known = session.kernel.link_facts(&session.host.interfaces, &Asked::All);
    session.host.facts.fill_links(known);
    let conntrack = session.kernel.conntrack();
    if common.json {
        super::print_json(&Report {
            document: "trimtab.facts",
            version: 1,
            host: &session.host.id,
            facts: &session.host.facts,
            interfaces: &session.host.interfaces,
            conntrack: conntrack.as_ref(),
        })?;
    } else {
        super::print(&text(&session, conntrack.as_ref()))?;
    }
    Ok(Exit::Good)
}

fn text(session: &Session, conntrack: Option<&ConntrackUsage>) -> String {
    let paint = super::paint();
    let mut text = String::new();
    for KnownFact { name, unit: _, meaning } in KNOWN.iter().filter(|fact| !fact.name.starts_with("link.")) {
        match session.host.facts.values.get(*name) {
            Some(fact) => {
                let source = paint.tone(Tone::Quiet, &fact.source);
                let _ = writeln!(text, "{name:20} {:24} {source}", fact.value);
            }
            None => {
                let _ = writeln!(text, "{name:20} {:24} {}", "unknown", paint.tone(Tone::Quiet, meaning));
            }
        }
    }
    if let Some(usage) = conntrack {
        let _ = writeln!(text, "{}", paint.tone(Tone::Heading, "conntrack"));
        let source = paint.tone(Tone::Quiet, &usage.source);
        let _ = writeln!(text, "  {:22} {:20} {source}", "entries", usage.entries_of_max());
        for (name, total, shares) in usage.totals() {
            let row = format!("  {name:22} {total:<20} {}", paint.tone(Tone::Quiet, &shares));
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }
    for (link, facts) in &session.host.facts.links {
        let _ = writeln!(text, "{}", paint.tone(Tone::Heading, &format!("link {link}")));
        for (name, fact) in facts.iter().filter(|(name, _)| *name != "name") {
            let _ = writeln!(text, "  {name:22} {:20} {}", fact.value, paint.tone(Tone::Quiet, &fact.source));
        }
    }
    text
}
