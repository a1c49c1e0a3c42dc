//! A profile file: its top level, each section handed to the module that knows it.

use super::conntrack;
use super::file::File;
use super::leaf;
use super::link;
use super::nft;
use super::params;
use super::params::Param;
use super::statement::Statement;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;
use super::sysctl;
use crate::diagnostic::Place;
use crate::diagnostic::suggest;
use crate::policy::OnDrift;

/// What one profile says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Profile {
    pub(super) include: Vec<Named>,
    pub(super) on_drift: Option<OnDrift>,
    pub(super) params: Vec<Param>,
    pub(super) statements: Vec<Statement>,
}

/// The name of a profile and where it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) place: Place,
}

const KEYS: [&str; 9] =
    ["description", "include", "on-drift", "params", "sysctl", "link", "conntrack", nft::NOTRACK, nft::MSS_CLAMP];
/// Sections of kinds that later versions know.
const LATER: [&str; 2] = ["tc", "nft"];
const HOST_ONLY: [&str; 8] = ["profiles", "mode", "unmanaged", "facts", "drift", "metrics", "on-stop", "namespace"];

/// Reads the top level of a profile.
pub(super) fn profile(file: &mut File<'_>, table: &Table) -> Profile {
    let mut profile = Profile::default();
    for entry in table {
        match entry.key.as_str() {
            // For people who read the file; nothing is made of it.
            "description" => drop(leaf::text(file, &entry.node, "`description`")),
            "include" => profile.include = names(file, &entry.node, "`include`"),
            "on-drift" => profile.on_drift = leaf::on_drift(file, &entry.node),
            "params" => profile.params = params::section(file, &entry.node),
            "sysctl" => profile.statements.extend(sysctl::section(file, &entry.node)),
            "conntrack" => profile.statements.extend(conntrack::section(file, &entry.node)),
            "link" => profile.statements.extend(link::sections(file, &entry.node)),
            nft::NOTRACK => profile.statements.extend(nft::notrack(file, &entry.node, entry.key_span.clone())),
            nft::MSS_CLAMP => profile.statements.extend(nft::mss_clamp(file, &entry.node, entry.key_span.clone())),
            key if HOST_ONLY.contains(&key) => {
                let message = format!("`{key}` belongs into the host file, not into a profile");
                file.error("unknown-key", message, entry.key_span.clone());
            }
            key => unknown(file, key, entry.key_span.clone(), &KEYS),
        }
    }
    report_twins(file, &profile.statements);
    profile
}

/// Reports every sysctl of which two places of one file speak, in whichever sections.
pub(super) fn report_twins(file: &mut File<'_>, statements: &[Statement]) {
    for problem in sysctl::twins(statements) {
        file.report(problem);
    }
}

/// Reports a key of the top level that this version does not know.
pub(super) fn unknown(file: &mut File<'_>, key: &str, span: std::ops::Range<usize>, known: &[&str]) {
    if LATER.contains(&key) {
        let message = format!("this version of trimtab does not know `{key}` yet");
        file.error("unsupported", message, span);
        return;
    }
    let help = if ["net", "kernel", "vm", "fs"].contains(&key) {
        "sysctls stand below a line [sysctl]".to_owned()
    } else {
        match suggest(key, known.iter().chain(&LATER).copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", leaf::words(known)),
        }
    };
    file.error("unknown-key", format!("unknown key `{}`", key.escape_debug()), span).help = Some(help);
}

/// An array of names of profiles.
pub(super) fn names(file: &mut File<'_>, node: &Node, what: &str) -> Vec<Named> {
    let Tree::Array(nodes) = &node.tree else {
        leaf::wrong_type(file, node, what, "an array of names");
        return Vec::new();
    };
    let mut names: Vec<Named> = Vec::new();
    for node in nodes {
        let Some(name) = leaf::text(file, node, what) else { continue };
        let place = file.place(node.span.clone());
        if let Some(first) = names.iter().find(|named| named.name == name) {
            let related = (first.place.clone(), "the first one".to_owned());
            let message = format!("`{}` is named twice", name.escape_debug());
            file.error("duplicate", message, node.span.clone()).related.push(related);
            continue;
        }
        names.push(Named { name, place });
    }
    names
}
