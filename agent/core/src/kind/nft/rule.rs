//! One rule for packets, and as a node of a tree.

use std::collections::BTreeMap;

use crate::policy::Scalar;
use crate::prefix;
use crate::prefix::Prefix;
use crate::prefix::Version;
use crate::tree::Tree;
use crate::value::Ports;

/// More prefixes than these stand below the rule, one in a line.
const MOST_IN_LINE: usize = 3;

/// What a rule matches, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The interface that packets come in by or go out of: a name, or the beginning of one with a star behind it.
    pub interface: Option<(Side, String)>,
    /// The version of IP; one where there are prefixes.
    pub version: Option<Version>,
    /// Where packets come from, if it matters: prefixes of that version, merged.
    pub from: Vec<Prefix>,
    /// Where they go to, the same.
    pub to: Vec<Prefix>,
    /// The protocol inside IP.
    pub protocol: Option<u8>,
    /// The ports that they come from; none for all.
    pub source_ports: Ports,
    /// The ports that they go to; none for all.
    pub ports: Ports,
    /// What becomes of them.
    pub action: Action,
}

/// Which of a packet's interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// That which it came in by.
    In,
    /// That which it goes out of.
    Out,
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Their connection is not tracked.
    Notrack,
    /// Those that open a connection of TCP ask for segments of this size at most.
    Clamp(Mss),
}

/// The size of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mss {
    /// What fits the path, by the MTU of its route both ways.
    Path,
    /// So many bytes.
    Bytes(u16),
}

/// Protocols with a name, as nft(8) and /etc/protocols have them.
const PROTOCOLS: [(&str, u8); 10] = [
    ("tcp", 6),
    ("udp", 17),
    ("icmp", 1),
    ("icmpv6", 58),
    ("sctp", 132),
    ("dccp", 33),
    ("udplite", 136),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
];

/// The number of a protocol, of one with a name.
pub fn protocol_number(name: &str) -> Option<u8> {
    PROTOCOLS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The names of protocols.
pub fn protocol_names() -> impl Iterator<Item = &'static str> {
    PROTOCOLS.iter().map(|(name, _)| *name)
}

/// Whether a protocol has ports where TCP has them.
pub fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 33 | 132 | 136)
}

impl Rule {
    /// A rule that matches every packet.
    pub fn new(action: Action) -> Rule {
        Rule {
            interface: None,
            version: None,
            from: Vec::new(),
            to: Vec::new(),
            protocol: None,
            source_ports: Ports::default(),
            ports: Ports::default(),
            action,
        }
    }

    /// The node that stands for it.
    pub fn to_tree(&self) -> Tree {
        let Rule { interface, version, from, to, protocol, source_ports, ports, action } = self;
        let text = |text: &dyn ToString| Scalar::Text(text.to_string());
        let mut scalars = BTreeMap::new();
        let mut children = Vec::new();
        let word = match action {
            Action::Notrack => "notrack",
            Action::Clamp(size) => {
                let size = match size {
                    Mss::Path => Scalar::Text("path".to_owned()),
                    Mss::Bytes(bytes) => Scalar::Int((*bytes).into()),
                };
                scalars.insert("size".to_owned(), size);
                "clamp"
            }
        };
        if let Some((side, name)) = interface {
            scalars.insert(side.word().to_owned(), text(name));
        }
        if from.is_empty()
            && to.is_empty()
            && let Some(version) = version
        {
            scalars.insert("version".to_owned(), Scalar::Int(if *version == Version::V4 { 4 } else { 6 }));
        }
        if let Some(number) = protocol {
            let named = PROTOCOLS.iter().find(|(_, known)| known == number);
            let scalar = named.map_or_else(|| Scalar::Int((*number).into()), |(name, _)| text(name));
            scalars.insert("protocol".to_owned(), scalar);
        }
        for (name, ports) in [("source-ports", source_ports), ("ports", ports)] {
            if !ports.ranges().is_empty() {
                scalars.insert(name.to_owned(), text(ports));
            }
        }
        for (name, prefixes) in [("from", from), ("to", to)] {
            if prefixes.len() > MOST_IN_LINE {
                children.extend(prefixes.iter().map(|prefix| Tree::new(format!("{name} {prefix}"))));
            } else if !prefixes.is_empty() {
                let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
                scalars.insert(name.to_owned(), text(&prefixes.join(", ")));
            }
        }
        Tree { word: word.to_owned(), scalars, children }
    }

    /// The rule that a node stands for; none if it stands for something else.
    pub fn of_tree(tree: &Tree) -> Option<Rule> {
        let Tree { word, scalars, children } = tree;
        let mut rule = Rule::new(match word.as_str() {
            "notrack" => Action::Notrack,
            "clamp" => Action::Clamp(match scalars.get("size")? {
                Scalar::Text(text) => (text == "path").then_some(Mss::Path)?,
                Scalar::Int(bytes) => Mss::Bytes(u16::try_from(*bytes).ok()?),
            }),
            _ => return None,
        });
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for (name, scalar) in scalars {
            match (name.as_str(), scalar) {
                ("size", _) if word == "clamp" => {}
                ("in", Scalar::Text(name)) => rule.interface = Some((Side::In, name.clone())),
                ("out", Scalar::Text(name)) => rule.interface = Some((Side::Out, name.clone())),
                ("version", Scalar::Int(4)) => rule.version = Some(Version::V4),
                ("version", Scalar::Int(6)) => rule.version = Some(Version::V6),
                ("protocol", Scalar::Text(name)) => rule.protocol = Some(protocol_number(name)?),
                ("protocol", Scalar::Int(number)) => rule.protocol = Some(u8::try_from(*number).ok()?),
                ("source-ports", Scalar::Text(ports)) => rule.source_ports = Ports::parse(ports).ok()?,
                ("ports", Scalar::Text(ports)) => rule.ports = Ports::parse(ports).ok()?,
                ("from", Scalar::Text(list)) => from.extend(list.split(", ")),
                ("to", Scalar::Text(list)) => to.extend(list.split(", ")),
                _ => return None,
            }
        }
        for child in children {
            match child.word.split_once(' ')? {
                ("from", prefix) => from.push(prefix),
                ("to", prefix) => to.push(prefix),
                _ => return None,
            }
        }
        let parsed = |list: Vec<&str>| list.into_iter().map(|one| one.parse().ok()).collect::<Option<Vec<Prefix>>>();
        rule.from = parsed(from)?;
        rule.to = parsed(to)?;
        let mut versions = rule.from.iter().chain(&rule.to).map(Prefix::version);
        if let Some(version) = versions.next() {
            if versions.any(|other| other != version) {
                return None;
            }
            rule.version = Some(version);
        }
        // There is one node for each rule.
        (rule.to_tree() == *tree).then_some(rule)
    }

    /// The rule with its prefixes and ports in their one form. All addresses of a version are that version and no prefix.
    #[must_use]
    pub fn canonical(mut self) -> Rule {
        for prefixes in [&mut self.from, &mut self.to] {
            *prefixes = prefix::merged(prefixes);
            if let [all] = prefixes.as_slice()
                && all.length() == 0
            {
                prefixes.clear();
            }
        }
        self
    }

    /// The rule for the packets that answer those of this one.
    #[must_use]
    pub fn turned(mut self) -> Rule {
        std::mem::swap(&mut self.from, &mut self.to);
        std::mem::swap(&mut self.source_ports, &mut self.ports);
        self
    }
}

impl Side {
    /// Its word in a node.
    pub fn word(self) -> &'static str {
        match self {
            Side::In => "in",
            Side::Out => "out",
        }
    }
}
