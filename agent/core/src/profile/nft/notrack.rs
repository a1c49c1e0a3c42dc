//! The sections `[[notrack]]`.

use super::super::file::File;
use super::super::leaf;
use super::super::repeated;
use super::super::statement::Statement;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Table;
use super::super::syntax::Tree;
use super::NOTRACK;
use super::Span;
use super::statement;
use super::words;
use super::words::Side;
use crate::address::NftKey;
use crate::diagnostic::suggest;
use crate::kind::nft;
use crate::kind::nft::Action;
use crate::kind::nft::Chain;
use crate::kind::nft::Hook;
use crate::kind::nft::Rule;
use crate::prefix::Prefix;
use crate::prefix::Version;
use crate::value::Ports;

/// The keys of a section, those of every section apart.
pub(crate) const KEYS: [&str; 8] =
    ["interfaces", "from", "to", "protocol", "ports", "source-ports", "both-directions", "hooks"];
/// The hooks that rules may stand at.
pub(crate) const HOOKS: [(&str, Hook); 2] = [("prerouting", Hook::Prerouting), ("output", Hook::Output)];
/// More rules than any table should have; one section makes a rule for each interface, protocol, version, direction and hook.
const MOST_RULES: usize = 4096;

/// What one section matches.
struct Match {
    interfaces: Vec<String>,
    from: Vec<Prefix>,
    to: Vec<Prefix>,
    protocols: Vec<u8>,
    ports: Ports,
    source_ports: Ports,
    both_directions: bool,
    hooks: Vec<Hook>,
}

/// The one statement of all sections.
pub(in crate::profile) fn notrack(file: &mut File<'_>, node: &Node, key_span: Span) -> Vec<Statement> {
    let mut side = Side::default();
    let read = |file: &mut File<'_>, node: &Node, table: &Table| {
        section(file, table, &mut side, repeated::header(node, NOTRACK))
    };
    // Part of the rules would be other rules: they are read all or not at all.
    let matches = repeated::sections(file, node, NOTRACK, "what is not tracked", read);
    let matches: Option<Vec<Match>> = matches.into_iter().collect();
    let Some(matches) = matches else { return Vec::new() };
    let chains: Vec<Chain> = HOOKS
        .iter()
        .map(|(_, hook)| Chain { hook: *hook, rules: rules(*hook, &matches) })
        .filter(|chain| !chain.rules.is_empty())
        .collect();
    let count: usize = chains.iter().map(|chain| chain.rules.len()).sum();
    if count > MOST_RULES {
        let message =
            format!("these sections make {count} rules, more than the {MOST_RULES} that every packet should pass");
        file.error("too-large", message, key_span).help = Some(
            "match interfaces by a common beginning, as in \"eth*\", or leave out what does not matter".to_owned(),
        );
        return Vec::new();
    }
    statement(file, NftKey::Notrack, &nft::shown(&chains), side, key_span, node.span.clone())
}

fn section(file: &mut File<'_>, table: &Table, side: &mut Side, header: Span) -> Option<Match> {
    let mut sound = true;
    let mut one = Match {
        interfaces: Vec::new(),
        from: Vec::new(),
        to: Vec::new(),
        protocols: Vec::new(),
        ports: Ports::default(),
        source_ports: Ports::default(),
        both_directions: true,
        hooks: HOOKS.iter().map(|(_, hook)| *hook).collect(),
    };
    for entry in table {
        let read = match entry.key.as_str() {
            "interfaces" => words::interfaces(file, entry).map(|read| one.interfaces = read),
            "from" => words::prefixes(file, entry).map(|read| one.from = read),
            "to" => words::prefixes(file, entry).map(|read| one.to = read),
            "protocol" => protocols(file, entry).map(|read| one.protocols = read),
            "ports" => words::ports(file, entry).map(|read| one.ports = read),
            "source-ports" => words::ports(file, entry).map(|read| one.source_ports = read),
            "both-directions" => {
                leaf::boolean(file, &entry.node, "`both-directions`").map(|read| one.both_directions = read)
            }
            "hooks" => hooks(file, entry).map(|read| one.hooks = read),
            _ if side.take(file, entry) => Some(()),
            _ => {
                words::unknown(file, NOTRACK, entry, &KEYS);
                None
            }
        };
        sound &= read.is_some();
    }
    (sound && is_sound(file, table, &one, header)).then_some(one)
}

/// Whether what is said goes together.
fn is_sound(file: &mut File<'_>, table: &Table, one: &Match, header: Span) -> bool {
    let says = |key: &str| table.iter().find(|entry| entry.key == key);
    let matches = ["interfaces", "from", "to", "protocol", "ports", "source-ports"];
    if !matches.iter().any(|key| says(key).is_some()) {
        file.error("match", "the section matches every packet, so that nothing would be tracked", header).help = Some(
            "say which by interfaces, from, to, protocol or ports; from = [\"0.0.0.0/0\", \"::/0\"] if all are meant"
                .to_owned(),
        );
        return false;
    }
    if let Some(entry) = says("ports").or(says("source-ports")) {
        let message = match one.protocols.iter().find(|protocol| !nft::has_ports(**protocol)) {
            Some(other) => Some(format!("`{}` beside protocol {other}, which has no ports", entry.key)),
            None if one.protocols.is_empty() => Some(format!("`{}` without a protocol that has ports", entry.key)),
            None => None,
        };
        if let Some(message) = message {
            file.error("port", message, entry.key_span.clone()).help =
                Some("say protocol = \"tcp\", \"udp\", or [\"tcp\", \"udp\"] beside it".to_owned());
            return false;
        }
    }
    for (key, other, own, others) in [("from", "to", &one.from, &one.to), ("to", "from", &one.to, &one.from)] {
        for version in [Version::V4, Version::V6] {
            let has = |prefixes: &[Prefix]| prefixes.iter().any(|prefix| prefix.version() == version);
            if !others.is_empty() && has(own) && !has(others) {
                let name = if version == Version::V4 { "IPv4" } else { "IPv6" };
                let Some(entry) = says(key) else { continue };
                let message = format!("`{key}` has prefixes of {name} and `{other}` has none, so those match nothing");
                file.error("prefix", message, entry.node.span.clone()).help =
                    Some(format!("name the {name} prefixes in `{other}` too, or make a section of each version"));
                return false;
            }
        }
    }
    true
}

fn protocols(file: &mut File<'_>, entry: &Entry) -> Option<Vec<u8>> {
    let mut protocols = Vec::new();
    for node in words::members(&entry.node) {
        let number = match &node.tree {
            Tree::Int(number) => u8::try_from(*number).ok(),
            Tree::Text(name) => nft::protocol_number(name).or_else(|| name.parse().ok()),
            Tree::Huge
            | Tree::Bool(_)
            | Tree::Float(_)
            | Tree::Date
            | Tree::Array(_)
            | Tree::Inline(_)
            | Tree::Table(_)
            | Tree::Tables(_)
            | Tree::Broken => {
                leaf::wrong_type(file, node, "`protocol`", "names or numbers of protocols");
                return None;
            }
        };
        let Some(number) = number else {
            let written = file.written(node.span.clone()).trim_matches(['"', '\'']).to_owned();
            let names: Vec<&str> = nft::protocol_names().collect();
            let help = match suggest(&written, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("a number from 0 to 255, or one of {}", leaf::words(&names)),
            };
            file.error(
                "wrong-value",
                format!("`{}` is no protocol of IP", written.escape_debug()),
                node.span.clone(),
            )
            .help = Some(help);
            return None;
        };
        if !protocols.contains(&number) {
            protocols.push(number);
        }
    }
    if protocols.is_empty() {
        file.error("wrong-value", "`protocol` is empty, so nothing could match", entry.node.span.clone());
        return None;
    }
    Some(protocols)
}

fn hooks(file: &mut File<'_>, entry: &Entry) -> Option<Vec<Hook>> {
    let nodes = words::members(&entry.node);
    if nodes.is_empty() {
        file.error("wrong-value", "without a hook nothing could match", entry.node.span.clone());
        return None;
    }
    nodes.iter().map(|node| leaf::choice(file, node, "a hook", &HOOKS)).collect()
}

/// The rules at one hook, each once.
fn rules(hook: Hook, matches: &[Match]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for one in matches.iter().filter(|one| one.hooks.contains(&hook)) {
        for rule in rules_of(hook, one) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
            // One more than may be is enough to be refused.
            if rules.len() > MOST_RULES {
                return rules;
            }
        }
    }
    rules
}

fn rules_of(hook: Hook, one: &Match) -> Vec<Rule> {
    let side = if hook == Hook::Output { nft::Side::Out } else { nft::Side::In };
    let interfaces: Vec<Option<&String>> =
        if one.interfaces.is_empty() { vec![None] } else { one.interfaces.iter().map(Some).collect() };
    let protocols: Vec<Option<u8>> =
        if one.protocols.is_empty() { vec![None] } else { one.protocols.iter().copied().map(Some).collect() };
    let versions: Vec<Option<Version>> = if one.from.is_empty() && one.to.is_empty() {
        vec![None]
    } else {
        let has = |version: &Version| one.from.iter().chain(&one.to).any(|prefix| prefix.version() == *version);
        [Version::V4, Version::V6].into_iter().filter(has).map(Some).collect()
    };
    let mut rules = Vec::new();
    for interface in &interfaces {
        for version in &versions {
            let of = |prefixes: &[Prefix]| {
                prefixes.iter().filter(|prefix| Some(prefix.version()) == *version).copied().collect()
            };
            for protocol in &protocols {
                let there = Rule {
                    interface: interface.map(|name| (side, name.clone())),
                    version: *version,
                    from: of(&one.from),
                    to: of(&one.to),
                    protocol: *protocol,
                    source_ports: one.source_ports.clone(),
                    ports: one.ports.clone(),
                    action: Action::Notrack,
                }
                .canonical();
                let back = one.both_directions.then(|| there.clone().turned());
                rules.push(there);
                rules.extend(back);
            }
        }
    }
    rules
}
