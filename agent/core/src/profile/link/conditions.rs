//! Reading `match`: every condition with everything that is wrong with it.

use super::super::file::File;
use super::super::glob::Pattern;
use super::super::leaf;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Tree;
use super::matcher::Condition;
use super::matcher::Matcher;
use super::matcher::Property;
use super::matcher::Words;
use crate::address::link::is_interface_name;
use crate::diagnostic::suggest;

const PROPERTIES: [(&str, Property); 7] = [
    ("name", Property::Name),
    ("driver", Property::Driver),
    ("kind", Property::Kind),
    ("permanent-mac", Property::PermanentMac),
    ("bus", Property::Bus),
    ("master", Property::Master),
    ("master-kind", Property::MasterKind),
];
const DEFAULT_ROUTE: &str = "default-route";

/// Every key of a `match`.
pub(crate) const KEYS: [&str; 8] =
    ["name", "driver", "kind", "permanent-mac", "bus", "master", "master-kind", DEFAULT_ROUTE];

/// Kinds as the kernel names them (rtnetlink(7) `IFLA_INFO_KIND`), and those of devices that have none.
pub(crate) const KINDS: [&str; 41] = [
    "physical",
    "loopback",
    "bareudp",
    "batadv",
    "bond",
    "bridge",
    "dummy",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "hsr",
    "ifb",
    "ip6erspan",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipoib",
    "ipvlan",
    "ipvtap",
    "macsec",
    "macvlan",
    "macvtap",
    "netdevsim",
    "netkit",
    "nlmon",
    "ovpn",
    "ppp",
    "rmnet",
    "sit",
    "team",
    "tun",
    "vcan",
    "veth",
    "vlan",
    "vrf",
    "vxlan",
    "wireguard",
    "xfrm",
];

/// More patterns than these are not repeated wherever a setting is shown.
const MOST_SHOWN: usize = 3;

/// Reads a `match`.
pub(super) fn matcher(file: &mut File<'_>, node: &Node) -> Option<Matcher> {
    let (conditions, shown) = match &node.tree {
        Tree::Text(_) | Tree::Array(_) => {
            let (condition, shown) = words(file, "name", Property::Name, node)?;
            (vec![condition], vec![shown])
        }
        Tree::Inline(table) | Tree::Table(table) => {
            let read: Vec<Option<(Condition, String)>> = table.iter().map(|entry| condition(file, entry)).collect();
            let only_name = matches!(table.as_slice(), [entry] if entry.key == "name");
            let read: Option<Vec<(Condition, String)>> = read.into_iter().collect();
            let (conditions, shown): (Vec<Condition>, Vec<String>) = read?.into_iter().unzip();
            let keyed = |(entry, shown): (&Entry, String)| format!("{}={shown}", entry.key);
            (conditions, if only_name { shown } else { table.iter().zip(shown).map(keyed).collect() })
        }
        Tree::Int(_) | Tree::Huge | Tree::Bool(_) | Tree::Float(_) | Tree::Date | Tree::Tables(_) | Tree::Broken => {
            leaf::wrong_type(file, node, "`match`", "a name or conditions as in { driver = \"virtio_net\" }");
            return None;
        }
    };
    if conditions.is_empty() {
        file.error("match", "an empty `match` would be every interface there is", node.span.clone()).help =
            Some(HELP.to_owned());
        return None;
    }
    Some(Matcher { conditions, written: shown.join(" ") })
}

/// How to say which interfaces are meant.
pub(super) const HELP: &str = "say which interfaces are meant: match = \"eth0\", match = { driver = \"virtio_net\" }, \
                               or match = { name = \"*\" } for all of them";

fn condition(file: &mut File<'_>, entry: &Entry) -> Option<(Condition, String)> {
    if entry.key == DEFAULT_ROUTE {
        let Tree::Bool(wanted) = entry.node.tree else {
            leaf::wrong_type(file, &entry.node, "`default-route`", "true or false");
            return None;
        };
        return Some((Condition::DefaultRoute(wanted), wanted.to_string()));
    }
    let Some((key, property)) = PROPERTIES.iter().find(|(key, _)| *key == entry.key) else {
        let message = format!("`match` has no condition `{}`", entry.key.escape_debug());
        file.error("unknown-key", message, entry.key_span.clone()).help =
            Some(match suggest(&entry.key, KEYS.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", leaf::words(&KEYS)),
            });
        return None;
    };
    words(file, key, *property, &entry.node)
}

/// A word, or an array of which any may hold; those with a `!` in front must not.
fn words(file: &mut File<'_>, key: &str, property: Property, node: &Node) -> Option<(Condition, String)> {
    let nodes: &[Node] = match &node.tree {
        Tree::Array(nodes) => nodes,
        Tree::Text(_) => std::slice::from_ref(node),
        Tree::Int(_)
        | Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_)
        | Tree::Broken => {
            leaf::wrong_type(file, node, &format!("`{key}`"), "a string or an array of strings");
            return None;
        }
    };
    if nodes.is_empty() {
        file.error("match", format!("`{key}` lists nothing, so that no interface would match"), node.span.clone());
        return None;
    }
    let (mut some, mut none) = (Words::default(), Words::default());
    let mut shown = Vec::new();
    let mut sound = true;
    for node in nodes {
        match word(file, key, property, node) {
            Some((pattern, negated)) => {
                if shown.len() < MOST_SHOWN {
                    shown.push(if negated { format!("!{pattern}") } else { pattern.to_string() });
                } else if shown.len() == MOST_SHOWN {
                    shown.push("…".to_owned());
                }
                if negated { none.add(pattern) } else { some.add(pattern) }
            }
            None => sound = false,
        }
    }
    sound.then(|| (Condition::Word { property, some, none }, shown.join(",")))
}

fn word(file: &mut File<'_>, key: &str, property: Property, node: &Node) -> Option<(Pattern, bool)> {
    let text = leaf::text(file, node, &format!("`{key}`"))?;
    let (text, negated) = text.strip_prefix('!').map_or((text.as_str(), false), |rest| (rest, true));
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            file.error("glob", format!("`{}`: {error}", text.escape_debug()), node.span.clone());
            return None;
        }
    };
    match (&pattern, property) {
        (Pattern::Exact(word), _) if word.is_empty() => {
            file.error("match", format!("`{key}` is empty"), node.span.clone());
            None
        }
        (Pattern::Exact(word), Property::Name | Property::Master) if !is_interface_name(word) => {
            let message = format!("no interface could have the name `{}`", word.escape_debug());
            file.error("match", message, node.span.clone()).help =
                Some("a name has 1 to 15 bytes, no blank, no slash and no colon".to_owned());
            None
        }
        (Pattern::Exact(word), Property::PermanentMac) => {
            let Some(mac) = hardware_address(word) else {
                let message = format!("`{}` is no hardware address", word.escape_debug());
                file.error("match", message, node.span.clone()).help =
                    Some("as ip -d link shows it behind permaddr: \"52:54:00:12:34:56\"".to_owned());
                return None;
            };
            Some((Pattern::Exact(mac), negated))
        }
        (Pattern::Glob(_), Property::PermanentMac) => {
            Pattern::parse(&text.to_ascii_lowercase()).ok().map(|pattern| (pattern, negated))
        }
        (Pattern::Exact(word), Property::Kind | Property::MasterKind) => {
            if !KINDS.contains(&word.as_str()) {
                let message = format!("no kind of interface that trimtab knows is called `{}`", word.escape_debug());
                file.warning("unknown-kind", message, node.span.clone()).help =
                    suggest(word, KINDS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            }
            Some((pattern, negated))
        }
        (
            Pattern::Exact(_) | Pattern::Glob(_),
            Property::Name
            | Property::Driver
            | Property::Kind
            | Property::Bus
            | Property::Master
            | Property::MasterKind,
        ) => Some((pattern, negated)),
    }
}

/// Pairs of hexadecimal digits in lower case with colons, as the kernel shows them; 32 bytes are its most
/// (include/linux/netdevice.h `MAX_ADDR_LEN`).
fn hardware_address(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase().replace('-', ":");
    let is_byte = |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    (text.split(':').all(is_byte) && (2..=32).contains(&text.split(':').count())).then_some(text)
}
