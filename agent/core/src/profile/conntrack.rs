//! The section `[conntrack]`: sysctls of connection tracking by names of their own.
//!
//! ```toml
//! [conntrack]
//! load-module = true
//! buckets = { at-least = { expr = "pow2(params.concurrent_flows)" } }
//! max = { at-least = { expr = "pow2(2 * params.concurrent_flows)" } }
//! acct = true
//! tcp-loose = false
//!
//! [conntrack.timeouts]
//! tcp-established = { between = ["7440s", "1d"] }
//! udp-stream = "5min"
//! ```
//!
//! Each name resolves to the sysctl that it is, so that what is said of `max` here and of `net.netfilter.nf_conntrack_max`
//! elsewhere is said of one address. The names come from the catalogue: the kernel's without `nf_conntrack_`, hyphens for
//! underscores, and timeouts below `timeouts` without the word (Documentation/networking/nf_conntrack-sysctl.rst). Times may
//! have a unit.

use super::draft::Draft;
use super::draft::DraftElement;
use super::draft::DraftPolicy;
use super::draft::DraftWanted;
use super::draft::Term;
use super::file::File;
use super::leaf;
use super::statement::Statement;
use super::statement::SysctlTarget;
use super::syntax::Entry as Line;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;
use super::sysctl;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::Entry;
use crate::catalogue::ValueKind;
use crate::diagnostic::suggest;
use crate::facts::FactValue;
use crate::policy::OnDrift;
use crate::policy::Scalar;
use crate::units;

/// The table of times.
pub(crate) const TIMEOUTS: &str = "timeouts";
const ON_DRIFT: &str = "on-drift";

/// A sysctl that has a name here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The name, e.g. `max`, or `tcp-established` below [`TIMEOUTS`].
    pub(crate) name: String,
    /// Whether it stands below [`TIMEOUTS`].
    pub(crate) is_timeout: bool,
    /// What it is.
    pub(crate) entry: &'static Entry,
}

/// Every name, those of the table of times among them, in the order of the catalogue.
pub(crate) fn words() -> impl Iterator<Item = Word> {
    catalogue::entries()
        .iter()
        .filter(|entry| entry.access == Access::ReadWrite && entry.alias_of.is_none())
        .filter_map(|entry| word(entry, &entry.pattern.strip_prefix("net.netfilter.")?.replace('-', "_")))
}

/// The name of a file in `/proc/sys/net/netfilter`, if it is one of connection tracking.
fn word(entry: &'static Entry, file: &str) -> Option<Word> {
    let parts = file
        .strip_prefix("nf_conntrack_")
        .or_else(|| file.strip_prefix("nf_").filter(|rest| rest.starts_with("flowtable_")))?;
    let is_timeout = entry.kind == ValueKind::Jiffies;
    let name: Vec<&str> = parts.split('_').filter(|part| !is_timeout || *part != "timeout").collect();
    Some(Word { name: name.join("-"), is_timeout, entry })
}

/// Every statement of a section.
pub(super) fn section(file: &mut File<'_>, node: &Node) -> Vec<Statement> {
    let Some(table) = node.tree.entries() else {
        leaf::wrong_type(file, node, "`conntrack`", "a section `[conntrack]`");
        return Vec::new();
    };
    let words: Vec<Word> = words().collect();
    let of_all = OfAll {
        on_drift: table.iter().find(|line| line.key == ON_DRIFT).and_then(|line| leaf::on_drift(file, &line.node)),
        load_module: table
            .iter()
            .find(|line| line.key == leaf::LOAD_MODULE)
            .and_then(|line| leaf::load_module(file, &line.node)),
    };
    let mut statements = Vec::new();
    for line in table {
        match (line.key.as_str(), line.node.tree.entries()) {
            (ON_DRIFT | leaf::LOAD_MODULE, _) => {}
            (TIMEOUTS, Some(table)) => {
                for line in table {
                    statements.extend(setting(file, &words, Place::Timeouts, line, of_all));
                }
            }
            (TIMEOUTS, None) => leaf::wrong_type(file, &line.node, "`timeouts`", "a table as in [conntrack.timeouts]"),
            (_, _) => statements.extend(setting(file, &words, Place::Section, line, of_all)),
        }
    }
    statements
}

/// What the section says of those settings that do not say it themselves.
#[derive(Debug, Clone, Copy)]
struct OfAll {
    on_drift: Option<OnDrift>,
    load_module: Option<bool>,
}

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Section,
    Timeouts,
}

fn setting(file: &mut File<'_>, words: &[Word], at: Place, line: &Line, of_all: OfAll) -> Option<Statement> {
    let here = |word: &&Word| word.is_timeout == (at == Place::Timeouts);
    let Some(word) = words.iter().filter(here).find(|word| word.name == line.key) else {
        unknown(file, words, at, line);
        return None;
    };
    if let Tree::Table(inner) = &line.node.tree {
        // A policy without braces, or a name that goes on where there is nothing.
        unbraced(file, line, inner);
        return None;
    }
    let key: SysctlKey = word.entry.pattern.parse().ok()?;
    let mut draft = leaf::draft(file, &line.node)?;
    draft.on_drift = draft.on_drift.or(of_all.on_drift);
    draft.load_module = draft.load_module.or(of_all.load_module);
    if word.is_timeout && !in_seconds(file, &key, &line.node, &mut draft) {
        return None;
    }
    let written = written(word);
    let target = SysctlTarget { key, glob: None };
    Some(sysctl::finish(file, target, draft, Some(written), line.key_span.clone(), line.node.span.clone()))
}

/// How a name is written in full.
fn written(word: &Word) -> String {
    if word.is_timeout { format!("conntrack.{TIMEOUTS}.{}", word.name) } else { format!("conntrack.{}", word.name) }
}

fn unbraced(file: &mut File<'_>, line: &Line, inner: &Table) {
    let words: Vec<String> = inner.iter().map(|entry| format!("{} = …", entry.key)).collect();
    let message = format!("`{}` is a setting, and what stands below it needs braces", line.key);
    file.error("policy-without-braces", message, line.key_span.clone()).help =
        Some(format!("write {} = {{ {} }}", line.key, words.join(", ")));
}

/// A name that is none here: the kernel's own, one of the other table, or a misspelt one.
fn unknown(file: &mut File<'_>, words: &[Word], at: Place, line: &Line) {
    let key = line.key.as_str();
    let spelt = key.replace('-', "_");
    let file_of = |word: &Word| word.entry.pattern.rsplit('.').next().unwrap_or_default();
    let bare = |word: &Word| file_of(word).trim_start_matches("nf_conntrack_").to_owned();
    let meant = words
        .iter()
        // `nf_conntrack_max`, `tcp_timeout_established`, or a name of the other table.
        .find(|word| file_of(word) == spelt || bare(word) == spelt || word.name == key)
        // `loose` and `be-liberal` are of TCP alone.
        .or_else(|| words.iter().find(|word| !word.is_timeout && word.name.strip_prefix("tcp-") == Some(key)))
        .or_else(|| {
            let here: Vec<&Word> = words.iter().filter(|word| word.is_timeout == (at == Place::Timeouts)).collect();
            let near = suggest(key, here.iter().map(|word| word.name.as_str()))?;
            here.into_iter().find(|word| word.name == near)
        });
    let help = match meant {
        Some(word) => format!("did you mean `{}`?", written(word)),
        None => {
            let known: Vec<&str> = words
                .iter()
                .filter(|word| word.is_timeout == (at == Place::Timeouts) && word.entry.removed.is_none())
                .map(|word| word.name.as_str())
                .collect();
            format!("known here: {}", leaf::words(&known))
        }
    };
    let what = match at {
        Place::Section => "connection tracking has no setting",
        Place::Timeouts => "connection tracking has no timeout",
    };
    file.error("unknown-key", format!("{what} `{}`", key.escape_debug()), line.key_span.clone()).help = Some(help);
}

/// Turns times with a unit into the whole seconds that the kernel keeps; false if one is none.
fn in_seconds(file: &mut File<'_>, key: &SysctlKey, node: &Node, draft: &mut Draft) -> bool {
    let mut sound = true;
    let mut turn = |term: &mut Term| {
        let Term::Plain(Scalar::Text(text)) = term else { return };
        match seconds(text) {
            Ok(Some(number)) => *term = Term::Plain(Scalar::Int(number)),
            // A bare number is read as the kernel reads it.
            Ok(None) => {}
            Err(why) => {
                sound = false;
                file.error("wrong-value", format!("{key}: {why}"), node.span.clone()).help =
                    Some("write whole seconds, or a time such as \"30s\", \"5min\", \"2h\" or \"5d\"".to_owned());
            }
        }
    };
    match &mut draft.policy {
        DraftPolicy::Value(one) | DraftPolicy::AtLeast(one) | DraftPolicy::AtMost(one) => each(one, &mut turn),
        DraftPolicy::Between(low, high) => [low, high].into_iter().for_each(|one| each(one, &mut turn)),
        DraftPolicy::OneOf(all) | DraftPolicy::Prefer(all) => all.iter_mut().for_each(|one| each(one, &mut turn)),
        DraftPolicy::Includes(members) => members.iter_mut().for_each(&mut turn),
    }
    sound
}

fn each(wanted: &mut DraftWanted, turn: &mut impl FnMut(&mut Term)) {
    match wanted {
        DraftWanted::One(term) => turn(term),
        DraftWanted::Many(elements) => elements.iter_mut().for_each(|element| match element {
            DraftElement::Keep => {}
            DraftElement::Is(term) => turn(term),
        }),
        // No file writes a sysctl as one.
        DraftWanted::Tree(_) => {}
    }
}

/// The seconds of a time with a unit; nothing for a text without one.
fn seconds(text: &str) -> Result<Option<i64>, String> {
    let trimmed = text.trim();
    if !trimmed.contains(|c: char| c.is_alphabetic()) || trimmed.starts_with("0x") || trimmed.starts_with("0X") {
        return Ok(None);
    }
    match units::parse(trimmed).map_err(|error| error.to_string())? {
        FactValue::Float(seconds) if seconds.fract() == 0.0 => format!("{seconds:.0}")
            .parse()
            .map(Some)
            .map_err(|_| format!("`{}` is more than a whole number of 64 bits holds", trimmed.escape_debug())),
        FactValue::Float(_) => {
            Err(format!("`{}` is no whole number of seconds, and the kernel keeps no less", trimmed.escape_debug()))
        }
        FactValue::Int(_) | FactValue::Bool(_) | FactValue::Text(_) => {
            Err(format!("`{}` is no time", trimmed.escape_debug()))
        }
    }
}
