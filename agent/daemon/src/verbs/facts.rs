//! `trimtab facts`: what is known of this host, and where from.

use std::fmt::Write;

use serde_json::json;
use trimtab_core::facts::KNOWN;
use trimtab_core::facts::KnownFact;
use trimtab_core::render::paint::Tone;

use crate::cli::Common;
use crate::cli::Wanted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Runs the verb.
///
/// # Errors
/// If the host file has errors.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    // For what the host file declares under [facts].
    let intent = session.intend(&Wanted::default())?;
    super::warn(&intent.loaded);
    if common.json {
        super::print_json(&json!({
            "document": "trimtab.facts",
            "version": 1,
            "host": session.host.id,
            "facts": session.host.facts,
            "interfaces": session.host.interfaces,
        }))?;
    } else {
        super::print(&text(&session))?;
    }
    Ok(Exit::Good)
}

fn text(session: &Session) -> String {
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
    text
}
