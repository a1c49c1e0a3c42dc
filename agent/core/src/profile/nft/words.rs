//! What the sections of rules have in common: interfaces, prefixes, ports, and the words beside them.

use super::super::file::File;
use super::super::leaf;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Tree;
use crate::diagnostic::suggest;
use crate::policy::OnDrift;
use crate::prefix::Prefix;
use crate::value::Ports;

/// `IFNAMSIZ`, its NUL apart.
const LONGEST_INTERFACE: usize = 15;

/// The words that may stand in any section.
pub(crate) const SIDE: [&str; 4] = ["on-drift", "reason", "override", "if-supported"];

/// What is said beside the rules.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) on_drift: Option<OnDrift>,
    pub(super) reason: Option<String>,
    pub(super) overrides: bool,
    pub(super) if_supported: bool,
}

impl Side {
    /// Takes an entry over, if it is one of these words; whether it is.
    pub(super) fn take(&mut self, file: &mut File<'_>, entry: &Entry) -> bool {
        match entry.key.as_str() {
            "on-drift" => self.drift(file, entry),
            "reason" => {
                let more = leaf::text(file, &entry.node, "`reason`");
                self.reason = match (self.reason.take(), more) {
                    (Some(before), Some(more)) => Some(format!("{before}; {more}")),
                    (before, more) => before.or(more),
                };
            }
            "override" => self.overrides |= leaf::boolean(file, &entry.node, "`override`").unwrap_or(false),
            "if-supported" => self.if_supported |= leaf::boolean(file, &entry.node, "`if-supported`").unwrap_or(false),
            _ => return false,
        }
        true
    }

    fn drift(&mut self, file: &mut File<'_>, entry: &Entry) {
        let said = leaf::on_drift(file, &entry.node);
        if let (Some(before), Some(now)) = (self.on_drift, said)
            && before != now
        {
            let message = "the rules of a file drift together, and another of its sections says otherwise";
            file.error("conflict", message, entry.node.span.clone()).help = Some("say on-drift once".to_owned());
        }
        self.on_drift = self.on_drift.or(said);
    }
}

/// Reports a key that a section does not have.
pub(super) fn unknown(file: &mut File<'_>, section: &str, entry: &Entry, keys: &[&str]) {
    let known = || keys.iter().chain(&SIDE).copied();
    let help = match (suggest(&entry.key, known()), entry.key.as_str()) {
        // What nft(8), iptables(8) and other sections call it.
        (_, "interface" | "iif" | "iifname" | "oif" | "oifname" | "match") if keys.contains(&"interfaces") => {
            "did you mean `interfaces`?".to_owned()
        }
        (_, "source" | "src" | "saddr") if keys.contains(&"from") => "did you mean `from`?".to_owned(),
        (_, "destination" | "dst" | "daddr") if keys.contains(&"to") => "did you mean `to`?".to_owned(),
        (_, "dport" | "dports" | "destination-ports") if keys.contains(&"ports") => "did you mean `ports`?".to_owned(),
        (_, "sport" | "sports") if keys.contains(&"source-ports") => "did you mean `source-ports`?".to_owned(),
        (_, "mss" | "value" | "max") if keys.contains(&"size") => "did you mean `size`?".to_owned(),
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, _) => format!("known here: {}", leaf::words(&known().collect::<Vec<_>>())),
    };
    let message = format!("`{section}` has no `{}`", entry.key.escape_debug());
    file.error("unknown-key", message, entry.key_span.clone()).help = Some(help);
}

/// One or an array of them.
pub(super) fn members(node: &Node) -> &[Node] {
    match &node.tree {
        Tree::Array(nodes) => nodes,
        Tree::Int(_)
        | Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Text(_)
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_)
        | Tree::Broken => std::slice::from_ref(node),
    }
}

/// One or an array of them, of which there must be some; nothing if one is wrong.
fn some<T>(
    file: &mut File<'_>,
    entry: &Entry,
    mut each: impl FnMut(&mut File<'_>, &Node) -> Option<T>,
) -> Option<Vec<T>> {
    let nodes = members(&entry.node);
    if nodes.is_empty() {
        file.error(
            "wrong-value",
            format!("`{}` is empty, so nothing could match", entry.key),
            entry.node.span.clone(),
        )
        .help = Some("leave it out if it does not matter".to_owned());
        return None;
    }
    let read: Vec<Option<T>> = nodes.iter().map(|node| each(file, node)).collect();
    read.into_iter().collect()
}

/// Prefixes of either version of IP.
pub(super) fn prefixes(file: &mut File<'_>, entry: &Entry) -> Option<Vec<Prefix>> {
    let what = format!("`{}`", entry.key);
    some(file, entry, |file, node| {
        let text = leaf::text(file, node, &what)?;
        text.parse()
            .map_err(|error| {
                file.error("prefix", format!("{error}"), node.span.clone()).help =
                    Some("as in \"10.0.0.0/8\", \"192.0.2.1\" or \"2001:db8::/32\"".to_owned());
            })
            .ok()
    })
}

/// Names of interfaces, or the beginning of names with a star behind it.
pub(super) fn interfaces(file: &mut File<'_>, entry: &Entry) -> Option<Vec<String>> {
    let what = format!("`{}`", entry.key);
    some(file, entry, |file, node| {
        let text = leaf::text(file, node, &what)?;
        let (stem, starred) = text.strip_suffix('*').map_or((text.as_str(), false), |stem| (stem, true));
        let shown = text.escape_debug();
        let (message, help) = if text.contains(['?', '[', '!', '\\']) || stem.contains('*') {
            let help = "write a name, or the beginning of names with one star behind it, as in \"wg*\"";
            (format!("`{shown}`: nftables matches no such pattern"), help)
        } else if stem.is_empty() {
            (format!("`{shown}` matches every interface"), "leave it out if the interface does not matter")
        } else if stem.len() > LONGEST_INTERFACE
            || matches!(stem, "." | "..") && !starred
            || stem.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control())
        {
            (
                format!("no interface could have the name `{shown}`"),
                "a name has 15 bytes at most, and no slash, colon or blank",
            )
        } else {
            return Some(text);
        };
        file.error("interface", message, node.span.clone()).help = Some(help.to_owned());
        None
    })
}

/// Ports and ranges of them.
pub(super) fn ports(file: &mut File<'_>, entry: &Entry) -> Option<Ports> {
    let read = some(file, entry, |file, node| {
        let problem = match &node.tree {
            Tree::Int(number) => match u16::try_from(*number) {
                Ok(port) if port > 0 => return Some(Ports::from_ranges([(port, port)])),
                Ok(_) | Err(_) => format!("{number} is no port: they go from 1 to 65535"),
            },
            Tree::Text(text) => match Ports::parse(text) {
                Ok(ports) if ports.ranges().is_empty() => "an empty text is no port".to_owned(),
                Ok(ports) if ports.ranges().first().is_some_and(|(low, _)| *low == 0) => {
                    "0 is no port: they go from 1 to 65535".to_owned()
                }
                Ok(ports) => return Some(ports),
                Err(part) => wrong_part(&part),
            },
            Tree::Huge
            | Tree::Bool(_)
            | Tree::Float(_)
            | Tree::Date
            | Tree::Array(_)
            | Tree::Inline(_)
            | Tree::Table(_)
            | Tree::Tables(_)
            | Tree::Broken => {
                leaf::wrong_type(
                    file,
                    node,
                    &format!("`{}`", entry.key),
                    "ports: numbers, or texts such as \"8000-8100\"",
                );
                return None;
            }
        };
        file.error("port", problem, node.span.clone()).help =
            Some("as in 53, \"8000-8100\" or [53, \"8000-8100\"]".to_owned());
        None
    })?;
    Some(read.iter().fold(Ports::default(), |all, one| all.union(one)))
}

fn wrong_part(part: &str) -> String {
    let shown = part.escape_debug();
    let ends = part.split_once('-').map(|(low, high)| (low.trim().parse::<u16>(), high.trim().parse::<u16>()));
    match ends {
        Some((Ok(low), Ok(high))) if low > high => {
            format!("`{shown}` ends before it begins: did you mean {high}-{low}?")
        }
        Some(_) => format!("`{shown}` is no range of ports: they go from 1 to 65535"),
        None => format!("`{shown}` is no port: they go from 1 to 65535, and have no names here"),
    }
}
