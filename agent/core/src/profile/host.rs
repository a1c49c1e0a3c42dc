//! The host file: which roles this host plays, and what the host decides itself.

use std::time::Duration;

use super::conntrack;
use super::file::File;
use super::glob::Pattern;
use super::leaf;
use super::link;
use super::nft;
use super::params;
use super::params::Param;
use super::params::Raw;
use super::sections;
use super::sections::Named;
use super::statement::Statement;
use super::syntax::Entry;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;
use super::sysctl;
use crate::address::is_netns_name;
use crate::diagnostic::suggest;
use crate::facts::FactValue;
use crate::facts::KNOWN;
use crate::facts::Unit;
use crate::facts::known;
use crate::policy::OnDrift;
use crate::units;

/// Whether trimtab may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Put in force what is wanted.
    #[default]
    Enforce,
    /// Report, never write.
    Observe,
}

/// What becomes of what is in force when the daemon is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStop {
    /// It stays.
    #[default]
    Keep,
    /// What was there before trimtab comes back.
    Revert,
}

/// How often one address may be put back before trimtab stops fighting over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// So many times
    pub reverts: u32,
    /// within this time.
    pub within: Duration,
}

/// Where the metrics are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A unix socket at this absolute path.
    Unix(String),
    /// An address and port.
    Tcp(std::net::SocketAddr),
}

/// What the host file says of the daemon; settings, parameters and facts are resolved by the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Enforce or observe.
    pub mode: Mode,
    /// What happens on drift where neither the setting nor its profile says.
    pub on_drift: OnDrift,
    /// The interfaces that globs leave alone, as written; none means the default of the namespace.
    pub unmanaged: Option<Vec<String>>,
    /// The time between two full read-backs.
    pub read_back: Duration,
    /// When to stop reverting; none is `off`.
    pub breaker: Option<Breaker>,
    /// Where metrics are served; none is the default in the runtime folder.
    pub metrics: Option<Listen>,
    /// What the end of the daemon means.
    pub on_stop: OnStop,
    /// The namespaces that the host file speaks of, sorted.
    pub namespaces: Vec<String>,
}

impl Default for HostConfig {
    fn default() -> HostConfig {
        HostConfig {
            mode: Mode::default(),
            on_drift: OnDrift::default(),
            unmanaged: None,
            read_back: Duration::from_secs(30),
            breaker: Some(Breaker { reverts: 3, within: Duration::from_secs(600) }),
            metrics: None,
            on_stop: OnStop::default(),
            namespaces: Vec::new(),
        }
    }
}

/// Everything that the host file says of one namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub(super) profiles: Vec<Named>,
    pub(super) mode: Option<Mode>,
    pub(super) on_drift: Option<OnDrift>,
    pub(super) unmanaged: Option<Vec<Pattern>>,
    pub(super) params: Vec<Param>,
    pub(super) facts: Vec<Declared>,
    pub(super) statements: Vec<Statement>,
}

/// A fact that the host file declares.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declared {
    /// The interface, for `link.NAME.FACT`.
    pub(super) link: Option<String>,
    /// The name as [`crate::facts::Facts`] has it.
    pub(super) name: String,
    pub(super) value: FactValue,
    pub(super) source: String,
}

/// What a host file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct HostFile {
    pub(super) config: HostConfig,
    pub(super) own: Section,
    pub(super) namespaces: std::collections::BTreeMap<String, Section>,
}

const KEYS: [&str; 15] = [
    "profiles",
    "mode",
    "on-drift",
    "unmanaged",
    "params",
    "facts",
    "drift",
    "metrics",
    "on-stop",
    "namespace",
    "sysctl",
    "link",
    "conntrack",
    nft::NOTRACK,
    nft::MSS_CLAMP,
];
const NAMESPACE_KEYS: [&str; 11] = [
    "profiles",
    "mode",
    "on-drift",
    "unmanaged",
    "params",
    "facts",
    "sysctl",
    "link",
    "conntrack",
    nft::NOTRACK,
    nft::MSS_CLAMP,
];

/// Reads a host file.
pub(super) fn host_file(file: &mut File<'_>, table: &Table) -> HostFile {
    let mut host = HostFile::default();
    for entry in table {
        match entry.key.as_str() {
            "drift" => drift(file, &entry.node, &mut host.config),
            "metrics" => metrics(file, &entry.node, &mut host.config),
            "on-stop" => {
                let policies = [("keep", OnStop::Keep), ("revert", OnStop::Revert)];
                host.config.on_stop = leaf::choice(file, &entry.node, "`on-stop`", &policies).unwrap_or_default();
            }
            "namespace" => namespaces(file, &entry.node, &mut host),
            _ => section_entry(file, entry, &mut host.own, &KEYS),
        }
    }
    sections::report_twins(file, &host.own.statements);
    host.config.namespaces = host.namespaces.keys().cloned().collect();
    host
}

fn section_entry(file: &mut File<'_>, entry: &Entry, section: &mut Section, known: &[&str]) {
    let node = &entry.node;
    match entry.key.as_str() {
        "profiles" => section.profiles = sections::names(file, node, "`profiles`"),
        "mode" => {
            let modes = [("enforce", Mode::Enforce), ("observe", Mode::Observe)];
            section.mode = leaf::choice(file, node, "`mode`", &modes);
        }
        "on-drift" => section.on_drift = leaf::on_drift(file, node),
        "unmanaged" => section.unmanaged = patterns(file, node),
        "params" => section.params = params::section(file, node),
        "facts" => section.facts = facts(file, node),
        "sysctl" => section.statements.extend(sysctl::section(file, node)),
        "conntrack" => section.statements.extend(conntrack::section(file, node)),
        "link" => section.statements.extend(link::sections(file, node)),
        nft::NOTRACK => section.statements.extend(nft::notrack(file, node, entry.key_span.clone())),
        nft::MSS_CLAMP => section.statements.extend(nft::mss_clamp(file, node, entry.key_span.clone())),
        "include" => {
            let message = "`include` belongs into a profile, not into the host file";
            file.error("unknown-key", message, entry.key_span.clone()).help =
                Some("name the roles of this host in `profiles`".to_owned());
        }
        key => sections::unknown(file, key, entry.key_span.clone(), known),
    }
}

fn namespaces(file: &mut File<'_>, node: &Node, host: &mut HostFile) {
    let Tree::Table(table) = &node.tree else {
        leaf::wrong_type(file, node, "`namespace`", "sections `[namespace.NAME]`");
        return;
    };
    for entry in table {
        if !is_netns_name(&entry.key) {
            let message = format!("`{}` is no name of a network namespace", entry.key.escape_debug());
            file.error("bad-name", message, entry.key_span.clone());
            continue;
        }
        let Tree::Table(inner) = &entry.node.tree else {
            let wanted = format!("a section `[namespace.{}]`", entry.key);
            leaf::wrong_type(file, &entry.node, "a namespace", &wanted);
            continue;
        };
        let mut section = Section::default();
        for entry in inner {
            section_entry(file, entry, &mut section, &NAMESPACE_KEYS);
        }
        sections::report_twins(file, &section.statements);
        host.namespaces.insert(entry.key.clone(), section);
    }
}

fn patterns(file: &mut File<'_>, node: &Node) -> Option<Vec<Pattern>> {
    let Tree::Array(nodes) = &node.tree else {
        leaf::wrong_type(file, node, "`unmanaged`", "an array of interface names or globs");
        return None;
    };
    let mut patterns = Vec::new();
    for node in nodes {
        let Some(text) = leaf::text(file, node, "`unmanaged`") else { continue };
        match Pattern::parse(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                file.error("glob", format!("`{}`: {error}", text.escape_debug()), node.span.clone());
            }
        }
    }
    Some(patterns)
}

fn drift(file: &mut File<'_>, node: &Node, config: &mut HostConfig) {
    let Tree::Table(table) = &node.tree else {
        leaf::wrong_type(file, node, "`drift`", "a section `[drift]`");
        return;
    };
    for entry in table {
        match entry.key.as_str() {
            "read-back" => {
                let Some(text) = leaf::text(file, &entry.node, "`read-back`") else { continue };
                match duration(&text) {
                    Some(time) if (1..=86_400).contains(&time.as_secs()) => config.read_back = time,
                    Some(_) | None => {
                        let message =
                            format!("`read-back` wants a time from 1s to 24h, found `{}`", text.escape_debug());
                        file.error("wrong-value", message, entry.node.span.clone());
                    }
                }
            }
            "breaker" => {
                let Some(text) = leaf::text(file, &entry.node, "`breaker`") else { continue };
                match breaker(&text) {
                    Some(breaker) => config.breaker = breaker,
                    None => {
                        let message = format!(
                            "`breaker` wants \"off\" or reverts/time as in \"3/10m\", found `{}`",
                            text.escape_debug()
                        );
                        file.error("wrong-value", message, entry.node.span.clone());
                    }
                }
            }
            key => sections::unknown(file, key, entry.key_span.clone(), &["read-back", "breaker"]),
        }
    }
}

/// `off`, or reverts/time.
fn breaker(text: &str) -> Option<Option<Breaker>> {
    if text == "off" {
        return Some(None);
    }
    let (reverts, within) = text.split_once('/')?;
    let reverts: u32 = reverts.trim().parse().ok().filter(|reverts| *reverts > 0)?;
    let within = duration(within.trim()).filter(|time| (1..=86_400).contains(&time.as_secs()))?;
    Some(Some(Breaker { reverts, within }))
}

/// A time with its unit; a bare number could be anything.
fn duration(text: &str) -> Option<Duration> {
    let bare = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match units::parse_quantity(text)? {
        FactValue::Float(seconds) if !bare => Duration::try_from_secs_f64(seconds).ok(),
        FactValue::Float(_) | FactValue::Int(_) | FactValue::Bool(_) | FactValue::Text(_) => None,
    }
}

fn metrics(file: &mut File<'_>, node: &Node, config: &mut HostConfig) {
    let Tree::Table(table) = &node.tree else {
        leaf::wrong_type(file, node, "`metrics`", "a section `[metrics]`");
        return;
    };
    for entry in table {
        if entry.key != "listen" {
            sections::unknown(file, &entry.key, entry.key_span.clone(), &["listen"]);
            continue;
        }
        let Some(text) = leaf::text(file, &entry.node, "`listen`") else { continue };
        let unix = text.strip_prefix("unix:").filter(|path| path.starts_with('/') && !path.contains('\0'));
        match (unix, text.parse()) {
            (Some(path), _) => config.metrics = Some(Listen::Unix(path.to_owned())),
            (None, Ok(address)) => config.metrics = Some(Listen::Tcp(address)),
            (None, Err(_)) => {
                let message =
                    format!("`listen` wants \"unix:/path\" or \"address:port\", found `{}`", text.escape_debug());
                file.error("wrong-value", message, entry.node.span.clone());
            }
        }
    }
}

fn facts(file: &mut File<'_>, node: &Node) -> Vec<Declared> {
    let mut facts = Vec::new();
    match &node.tree {
        Tree::Table(table) => fact_table(file, table, &mut Vec::new(), &mut facts),
        Tree::Int(_)
        | Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Text(_)
        | Tree::Array(_)
        | Tree::Inline(_)
        | Tree::Tables(_)
        | Tree::Broken => leaf::wrong_type(file, node, "`facts`", "a section `[facts]`"),
    }
    facts
}

fn fact_table<'a>(file: &mut File<'_>, table: &'a Table, path: &mut Vec<&'a str>, facts: &mut Vec<Declared>) {
    for entry in table {
        path.push(&entry.key);
        if let Tree::Table(inner) = &entry.node.tree {
            fact_table(file, inner, path, facts);
        } else {
            facts.extend(fact(file, path, entry));
        }
        path.pop();
    }
}

fn fact(file: &mut File<'_>, path: &[&str], entry: &Entry) -> Option<Declared> {
    // `link.eth0.speed` is the fact `link.speed` of one interface.
    let (link, name) = match path {
        ["link", interface, name] => (Some((*interface).to_owned()), format!("link.{name}")),
        ["link", name] if known(&format!("link.{name}")).is_some() => {
            let message = format!("`link.{name}` names no interface");
            file.error("unknown-fact", message, entry.key_span.clone()).help =
                Some(format!("write link.eth0.{name} = … for the interface eth0"));
            return None;
        }
        _ => (None, path.join(".")),
    };
    let Some(fact) = known(&name).filter(|fact| fact.name != "link.name") else {
        let near = suggest(&name, KNOWN.iter().map(|fact| fact.name));
        let message = format!("there is no fact `{}`", name.escape_debug());
        file.error("unknown-fact", message, entry.key_span.clone()).help =
            near.map(|near| format!("did you mean `{near}`?"));
        return None;
    };
    let raw = params::raw(file, &entry.node, fact.name)?;
    let Some(value) = typed(&raw, fact.unit) else {
        let message = format!("`{}` wants {}, found `{}`", fact.name, unit_words(fact.unit), raw.show().escape_debug());
        file.error("wrong-type", message, entry.node.span.clone());
        return None;
    };
    let local = if link.is_some() { name.trim_start_matches("link.").to_owned() } else { name };
    let source = file.origin(entry.key_span.start, None).to_string();
    Some(Declared { link, name: local, value, source })
}

/// The value of a fact in its unit.
fn typed(raw: &Raw, unit: Unit) -> Option<FactValue> {
    let quantity = |raw: &Raw| match raw {
        Raw::Int(number) => Some(FactValue::Int(*number)),
        Raw::Float(number) => Some(FactValue::Float(*number)),
        Raw::Text(text) => units::parse_quantity(text),
        Raw::Bool(_) => None,
    };
    let whole = |value: FactValue| match value {
        FactValue::Int(number) if number >= 0 => Some(FactValue::Int(number)),
        FactValue::Int(_) | FactValue::Float(_) | FactValue::Bool(_) | FactValue::Text(_) => None,
    };
    match (unit, raw) {
        (Unit::Bool, Raw::Bool(yes)) => Some(FactValue::Bool(*yes)),
        (Unit::Text, Raw::Text(text)) => Some(FactValue::Text(text.clone())),
        (Unit::Number, Raw::Int(_)) | (Unit::Bytes | Unit::BitsPerSecond, _) => quantity(raw).and_then(whole),
        (Unit::Seconds, _) => match quantity(raw)? {
            #[expect(clippy::cast_precision_loss, reason = "a number of seconds is far below 2^53")]
            FactValue::Int(seconds) if seconds >= 0 => Some(FactValue::Float(seconds as f64)),
            FactValue::Float(seconds) if seconds >= 0.0 => Some(FactValue::Float(seconds)),
            FactValue::Int(_) | FactValue::Float(_) | FactValue::Bool(_) | FactValue::Text(_) => None,
        },
        (Unit::Bool | Unit::Text | Unit::Number, _) => None,
    }
}

fn unit_words(unit: Unit) -> &'static str {
    match unit {
        Unit::Number => "a whole number",
        Unit::Bytes => "bytes as in \"64GiB\"",
        Unit::BitsPerSecond => "a rate as in \"10gbit\"",
        Unit::Seconds => "a time as in \"80ms\"",
        Unit::Text => "a string",
        Unit::Bool => "true or false",
    }
}

/// The interfaces that globs leave alone in the initial namespace unless the host file says otherwise: those that
/// container runtimes make and tune themselves.
pub(super) const UNMANAGED_BY_DEFAULT: [&str; 5] = ["lxc*", "cali*", "veth*", "docker*", "cni*"];
