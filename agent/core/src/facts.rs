//! Facts: what is known of a host, by dotted name, for expressions and for the kinds.
//!
//! A fact that is not known is not in the table; that a name is no fact at all is decided by [`KNOWN`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The value of one fact, quantities as plain numbers: bytes, bit/s, seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, e.g. seconds.
    Float(f64),
    /// A word.
    Text(String),
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            FactValue::Bool(yes) => yes.to_string(),
            FactValue::Int(number) => number.to_string(),
            FactValue::Float(number) => number.to_string(),
            FactValue::Text(text) => text.clone(),
        };
        f.pad(&text)
    }
}

/// A fact with the place it was learnt from, e.g. `/proc/meminfo MemTotal` or `host.toml:12`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// The value.
    pub value: FactValue,
    /// Where it was learnt.
    pub source: Cow<'static, str>,
}

/// The facts of one interface by name.
pub type LinkFacts = BTreeMap<Cow<'static, str>, Fact>;

/// What is known of one host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Host-wide facts by dotted name, e.g. `host.memory`, `uplink.speed`.
    pub values: BTreeMap<String, Fact>,
    /// Facts of each interface by its name; the inner names have no prefix: `mtu`, `speed`.
    pub links: BTreeMap<String, LinkFacts>,
}

impl Facts {
    /// A host-wide fact.
    pub fn get(&self, name: &str) -> Option<&FactValue> {
        self.values.get(name).map(|fact| &fact.value)
    }

    /// A whole number among the host-wide facts.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            FactValue::Int(number) => Some(*number),
            FactValue::Bool(_) | FactValue::Float(_) | FactValue::Text(_) => None,
        }
    }

    /// Records a fact, replacing what was known.
    pub fn insert(&mut self, name: &str, value: FactValue, source: &str) {
        self.values.insert(name.to_owned(), Fact { value, source: source.to_owned().into() });
    }

    /// Records a fact of one interface.
    pub fn insert_link(&mut self, link: &str, name: &str, value: FactValue, source: &str) {
        self.links
            .entry(link.to_owned())
            .or_default()
            .insert(name.to_owned().into(), Fact { value, source: source.to_owned().into() });
    }

    /// Records what was asked of interfaces. Of what was known already, this is the newer word; all else stays known.
    pub fn extend_links(&mut self, known: BTreeMap<String, LinkFacts>) {
        for (link, facts) in known {
            self.links.entry(link).or_default().extend(facts);
        }
    }

    /// Records what is not known of interfaces yet. What is, e.g. by the host file's word, stays.
    pub fn fill_links(&mut self, known: BTreeMap<String, LinkFacts>) {
        for (link, facts) in known {
            let own = self.links.entry(link).or_default();
            for (name, fact) in facts {
                own.entry(name).or_insert(fact);
            }
        }
    }
}

/// Which facts of interfaces are asked for, by inner name: some cost more to gather than others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Whatever there is to know.
    All,
    /// These; others may be told too.
    Only(BTreeSet<String>),
}

impl Asked {
    /// What the rules of the kinds look at: which interface lies above which, what drives it, whether it is connected.
    pub const FOR_RULES: [&'static str; 8] =
        ["driver", "kind", "master", "lower", "uppers", "carrier", "rx_queues", "tx_queues"];

    /// What the rules of the kinds look at.
    pub fn for_rules() -> Asked {
        Asked::Only(Asked::FOR_RULES.map(str::to_owned).into())
    }

    /// Whether this fact is asked for.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Asked::All => true,
            Asked::Only(names) => names.contains(name),
        }
    }
}

/// What a fact is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count or a plain number.
    Number,
    /// Bytes.
    Bytes,
    /// Bits per second.
    BitsPerSecond,
    /// Seconds.
    Seconds,
    /// A word.
    Text,
    /// Yes or no.
    Bool,
}

/// One fact that expressions may name.
#[derive(Debug, Clone, Copy)]
pub struct KnownFact {
    /// The dotted name; `link.*` stands for the interface that a setting is about.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What it means.
    pub meaning: &'static str,
}

/// Every fact there is. A name in an expression that is not in this list is an error, not an unknown fact.
pub const KNOWN: &[KnownFact] = &[
    KnownFact { name: "host.name", unit: Unit::Text, meaning: "the host name" },
    KnownFact { name: "host.kernel", unit: Unit::Text, meaning: "the kernel release, as uname -r" },
    KnownFact { name: "host.kernel_version", unit: Unit::Number, meaning: "major * 1000 + minor, e.g. 6012 for 6.12" },
    KnownFact { name: "host.memory", unit: Unit::Bytes, meaning: "MemTotal of /proc/meminfo" },
    KnownFact { name: "host.cpus", unit: Unit::Number, meaning: "CPUs online" },
    KnownFact {
        name: "host.cpus_possible",
        unit: Unit::Number,
        meaning: "CPUs that may ever be there: masks have so many bits",
    },
    KnownFact {
        name: "host.cores",
        unit: Unit::Number,
        meaning: "cores online: fewer than CPUs where a core runs several threads",
    },
    KnownFact { name: "host.page_size", unit: Unit::Bytes, meaning: "the size of a page" },
    KnownFact { name: "host.hz", unit: Unit::Number, meaning: "timer ticks a second, from the coarse clock" },
    KnownFact {
        name: "host.initial_netns",
        unit: Unit::Bool,
        meaning: "whether this is the initial network namespace",
    },
    KnownFact {
        name: "uplink.name",
        unit: Unit::Text,
        meaning: "interface of the lowest-metric default route, IPv4 then IPv6",
    },
    KnownFact { name: "uplink.speed", unit: Unit::BitsPerSecond, meaning: "link speed of the uplink" },
    KnownFact { name: "uplink.mtu", unit: Unit::Bytes, meaning: "MTU of the uplink" },
    KnownFact { name: "link.name", unit: Unit::Text, meaning: "the interface that the setting is about" },
    KnownFact { name: "link.speed", unit: Unit::BitsPerSecond, meaning: "its link speed" },
    KnownFact { name: "link.mtu", unit: Unit::Bytes, meaning: "its MTU" },
    KnownFact { name: "link.driver", unit: Unit::Text, meaning: "its driver, as ethtool -i tells it" },
    KnownFact {
        name: "link.kind",
        unit: Unit::Text,
        meaning: "its kind, as ip -d link tells it; physical and loopback for what has none",
    },
    KnownFact { name: "link.bus", unit: Unit::Text, meaning: "its place on its bus, e.g. 0000:01:00.0" },
    KnownFact {
        name: "link.permanent_address",
        unit: Unit::Text,
        meaning: "the address that its maker gave it, in lower case with colons",
    },
    KnownFact { name: "link.master", unit: Unit::Text, meaning: "the bond, bridge or other device it is a member of" },
    KnownFact { name: "link.master_kind", unit: Unit::Text, meaning: "the kind of its master, e.g. bond" },
    KnownFact { name: "link.lower", unit: Unit::Text, meaning: "the device it lies upon, as a VLAN does" },
    KnownFact {
        name: "link.uppers",
        unit: Unit::Text,
        meaning: "the devices that lie upon it, names separated by blanks",
    },
    KnownFact { name: "link.default_route", unit: Unit::Bool, meaning: "whether a default route leads through it" },
    KnownFact { name: "link.carrier", unit: Unit::Bool, meaning: "whether it is connected" },
    KnownFact { name: "link.rx_queues", unit: Unit::Number, meaning: "receive queues allocated when it was made" },
    KnownFact { name: "link.tx_queues", unit: Unit::Number, meaning: "transmit queues allocated when it was made" },
    KnownFact { name: "link.channels_rx", unit: Unit::Number, meaning: "receive queues in use now, combined ones too" },
    KnownFact {
        name: "link.channels_tx",
        unit: Unit::Number,
        meaning: "transmit queues in use now, combined ones too",
    },
    KnownFact { name: "link.ring_rx_max", unit: Unit::Number, meaning: "the longest receive ring it takes" },
    KnownFact { name: "link.ring_tx_max", unit: Unit::Number, meaning: "the longest transmit ring it takes" },
    KnownFact { name: "link.channels_rx_max", unit: Unit::Number, meaning: "the most receive queues it takes" },
    KnownFact { name: "link.channels_tx_max", unit: Unit::Number, meaning: "the most transmit queues it takes" },
    KnownFact { name: "link.channels_combined_max", unit: Unit::Number, meaning: "the most combined queues it takes" },
];

/// The fact of this name, if there is one.
pub fn known(name: &str) -> Option<&'static KnownFact> {
    KNOWN.iter().find(|fact| fact.name == name)
}

/// How the host file names a fact under `[facts]`: one of `link` with the interface that is meant.
pub fn declared(fact: &str, interface: Option<&str>) -> String {
    let Some((inner, interface)) = fact.strip_prefix("link.").zip(interface) else { return fact.to_owned() };
    let is_bare = interface.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { format!("link.{interface}.{inner}") } else { format!("link.\"{interface}\".{inner}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_declared_of_its_interface() {
        assert_eq!(declared("uplink.speed", Some("eth0")), "uplink.speed");
        assert_eq!(declared("link.speed", Some("eth0")), "link.eth0.speed");
        assert_eq!(declared("link.speed", Some("eth0.100")), "link.\"eth0.100\".speed");
        assert_eq!(declared("link.speed", None), "link.speed");
    }
}
