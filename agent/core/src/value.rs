//! Values in canonical form: what the kernel stores, not how somebody spelt it.
//!
//! Two values are the same for trimtab exactly if they are equal here. How a text becomes a value is a matter of its
//! kind (`kind::sysctl::canonical`); this module only knows the shapes.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;

use crate::tree::Tree;

/// What one kernel object holds, in canonical form.
///
/// In JSON: a number, an array of numbers, an array of strings, a string, `{"ports": "80,8080-8082"}`, `{"cpus": "0-3"}`,
/// `true`, `false`, `{"wanted": true, "active": false}`, `{"tree": {"word": "fq"}}` or `{"secret": true}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// One integer.
    Int(i64),
    /// A vector of integers, in order.
    Ints(Vec<i64>),
    /// A set of small numbers that the kernel keeps as a bitmap, e.g. reserved ports.
    Ports(Ports),
    /// Names in order, e.g. congestion control algorithms.
    Words(Vec<String>),
    /// Anything else, white space folded.
    Text(String),
    /// On or off, e.g. an offload. Where something else keeps the kernel from it, what was asked for and what is so differ
    /// (Documentation/networking/netdev-features.rst).
    Switch {
        /// What was asked for.
        wanted: bool,
        /// What is so.
        active: bool,
    },
    /// A set of CPUs or of queues.
    Cpus(Ports),
    /// What has a shape of its own, e.g. a queueing discipline with its classes.
    Tree(Box<Tree>),
    /// Something that must never be shown. All secrets are equal: they are neither compared nor written.
    Secret,
}

/// A set of numbers below 65536 (ports, CPUs) as the kernel prints it: sorted, disjoint, non-adjacent ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// The canonical set of these inclusive ranges, in any order, overlapping or not. A range whose ends are swapped is
    /// empty.
    pub fn from_ranges<I: IntoIterator<Item = (u16, u16)>>(ranges: I) -> Ports {
        let mut sorted: Vec<(u16, u16)> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(sorted.len());
        for (low, high) in sorted {
            match merged.last_mut() {
                Some((_, last)) if u32::from(low) <= u32::from(*last) + 1 => *last = (*last).max(high),
                Some(_) | None => merged.push((low, high)),
            }
        }
        Ports(merged)
    }

    /// Reads `80,8080-8082`; an empty text is the empty set.
    ///
    /// # Errors
    /// The part that is no port and no range.
    pub fn parse(text: &str) -> Result<Ports, String> {
        let mut ranges = Vec::new();
        for part in text.trim().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            match (low.trim().parse::<u16>(), high.trim().parse::<u16>()) {
                (Ok(low), Ok(high)) if low <= high => ranges.push((low, high)),
                _ => return Err(part.to_owned()),
            }
        }
        Ok(Ports::from_ranges(ranges))
    }

    /// The ranges, sorted, disjoint and non-adjacent.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Whether every port of `other` is in this set.
    pub fn contains_all(&self, other: &Ports) -> bool {
        other.0.iter().all(|(low, high)| self.0.iter().any(|(from, to)| from <= low && high <= to))
    }

    /// This set without the members of `other`.
    #[must_use]
    pub fn minus(&self, other: &Ports) -> Ports {
        let mut left = self.0.clone();
        for (from, to) in &other.0 {
            left = left
                .into_iter()
                .flat_map(|(low, high)| {
                    let below = (low < *from).then(|| (low, high.min(from - 1)));
                    let above = (high > *to).then(|| (low.max(to + 1), high));
                    [below, above].into_iter().flatten()
                })
                .collect();
        }
        Ports::from_ranges(left)
    }

    /// The union of both sets.
    #[must_use]
    pub fn union(&self, other: &Ports) -> Ports {
        Ports::from_ranges(self.0.iter().chain(&other.0).copied())
    }
}

impl Value {
    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Ints(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Tree(_)
            | Value::Secret => None,
        }
    }

    /// The numbers, if it is one or several.
    pub fn as_ints(&self) -> Option<&[i64]> {
        match self {
            Value::Int(number) => Some(std::slice::from_ref(number)),
            Value::Ints(numbers) => Some(numbers),
            Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Tree(_)
            | Value::Secret => None,
        }
    }

    /// The tree, if it is one.
    pub fn as_tree(&self) -> Option<&Tree> {
        match self {
            Value::Tree(tree) => Some(tree),
            Value::Int(_)
            | Value::Ints(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Secret => None,
        }
    }

    /// A switch that is as it was asked to be.
    pub fn switch(on: bool) -> Value {
        Value::Switch { wanted: on, active: on }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (low, high)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if low == high {
                write!(f, "{low}")?;
            } else {
                write!(f, "{low}-{high}")?;
            }
        }
        Ok(())
    }
}

/// The text people read: vectors by blanks, secrets masked, an empty value as `""`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Value::Int(number) => number.to_string(),
            Value::Ints(numbers) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "),
            Value::Ports(ports) => ports.to_string(),
            Value::Words(words) => words.join(" "),
            Value::Text(text) => text.clone(),
            Value::Switch { wanted, active } => match (active, wanted) {
                (true, true) => "on".to_owned(),
                (false, false) => "off".to_owned(),
                (true, false) => "on (off was asked for)".to_owned(),
                (false, true) => "off (on was asked for)".to_owned(),
            },
            Value::Cpus(cpus) if cpus.ranges().is_empty() => "none".to_owned(),
            Value::Cpus(cpus) => cpus.to_string(),
            Value::Tree(tree) => tree.to_string(),
            Value::Secret => "<secret>".to_owned(),
        };
        f.pad(if text.is_empty() { "\"\"" } else { &text })
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Ints(numbers) => numbers.serialize(serializer),
            Value::Words(words) => words.serialize(serializer),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Switch { wanted, active } if wanted == active => serializer.serialize_bool(*active),
            Value::Switch { wanted, active } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("wanted", wanted)?;
                map.serialize_entry("active", active)?;
                map.end()
            }
            Value::Cpus(cpus) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("cpus", &cpus.to_string())?;
                map.end()
            }
            Value::Ports(ports) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("ports", &ports.to_string())?;
                map.end()
            }
            Value::Tree(tree) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("tree", tree)?;
                map.end()
            }
            Value::Secret => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("secret", &true)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tree = generator.subschema_for::<Tree>();
        json_schema!({
            "description": "What one kernel object holds, in canonical form.",
            "anyOf": [
                { "type": "integer", "format": "int64" },
                {
                    "description": "A vector of numbers, in order.",
                    "type": "array",
                    "items": { "type": "integer", "format": "int64" },
                },
                {
                    "description": "Names in order, e.g. congestion control algorithms.",
                    "type": "array",
                    "items": { "type": "string" },
                },
                { "description": "Any other text, white space folded.", "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "ports": {
                            "description": "A set of numbers as the kernel prints it: `80,8080-8082`.",
                            "type": "string",
                            "pattern": "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$",
                        },
                    },
                    "required": ["ports"],
                },
                { "description": "On or off.", "type": "boolean" },
                {
                    "description": "A switch that something else keeps from what was asked for.",
                    "type": "object",
                    "properties": { "wanted": { "type": "boolean" }, "active": { "type": "boolean" } },
                    "required": ["wanted", "active"],
                },
                {
                    "type": "object",
                    "properties": {
                        "cpus": {
                            "description": "A set of CPUs or of queues: `0-3,8`.",
                            "type": "string",
                            "pattern": "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$",
                        },
                    },
                    "required": ["cpus"],
                },
                {
                    "description": "What has a shape of its own, e.g. a queueing discipline with its classes.",
                    "type": "object",
                    "properties": { "tree": tree },
                    "required": ["tree"],
                },
                {
                    "description": "Something that must never be shown.",
                    "type": "object",
                    "properties": { "secret": { "const": true } },
                    "required": ["secret"],
                },
            ],
        })
    }
}

struct ValueVisitor;

impl<'de> de::Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number, a string, an array of one of these, true, false, {\"ports\": …}, {\"cpus\": …}, \
             {\"wanted\": …, \"active\": …}, {\"tree\": …} or {\"secret\": true}",
        )
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Value, E> {
        Ok(Value::switch(on))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| E::custom("number past 2^63"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut numbers = Vec::new();
        let mut words = Vec::new();
        while let Some(element) = seq.next_element::<Value>()? {
            match element {
                Value::Int(number) => numbers.push(number),
                Value::Text(word) => words.push(word),
                Value::Ints(_)
                | Value::Ports(_)
                | Value::Words(_)
                | Value::Switch { .. }
                | Value::Cpus(_)
                | Value::Tree(_)
                | Value::Secret => {
                    return Err(de::Error::custom("a nested value"));
                }
            }
        }
        match (numbers.is_empty(), words.is_empty()) {
            (false, true) => Ok(Value::Ints(numbers)),
            (true, _) => Ok(Value::Words(words)),
            (false, false) => Err(de::Error::custom("numbers and strings in one array")),
        }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::custom("an empty object"));
        };
        let value = match name.as_str() {
            "ports" => {
                let text: String = map.next_value()?;
                Value::Ports(Ports::parse(&text).map_err(|part| de::Error::custom(format!("`{part}` is no port")))?)
            }
            "cpus" => {
                let text: String = map.next_value()?;
                Value::Cpus(Ports::parse(&text).map_err(|part| de::Error::custom(format!("`{part}` is no CPU")))?)
            }
            first @ ("wanted" | "active") => {
                let one: bool = map.next_value()?;
                let second = map.next_key::<String>()?;
                let other: bool = map.next_value()?;
                match (first, second.as_deref()) {
                    ("wanted", Some("active")) => Value::Switch { wanted: one, active: other },
                    ("active", Some("wanted")) => Value::Switch { wanted: other, active: one },
                    _ => return Err(de::Error::custom("a switch needs `wanted` and `active`")),
                }
            }
            "tree" => Value::Tree(map.next_value()?),
            "secret" => {
                let _: bool = map.next_value()?;
                Value::Secret
            }
            other => {
                return Err(de::Error::unknown_field(other, &["ports", "cpus", "wanted", "active", "tree", "secret"]));
            }
        };
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(extra) => Err(de::Error::custom(format!("`{extra}` beside the value"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Scalar;

    #[test]
    fn ports_merge_as_the_kernel_prints_them() {
        assert_eq!(Ports::parse("9002,8080,9000-9001,8081").unwrap().to_string(), "8080-8081,9000-9002");
        assert_eq!(Ports::parse("5,4,3").unwrap().to_string(), "3-5");
        assert_eq!(Ports::parse("65535,65534").unwrap().to_string(), "65534-65535");
        assert_eq!(Ports::parse("\n").unwrap(), Ports::default());
        assert_eq!(Ports::parse("80,x").unwrap_err(), "x");
        assert_eq!(Ports::parse("9-8").unwrap_err(), "9-8");
    }

    #[test]
    fn minus_cuts_ranges() {
        let ports = |text| Ports::parse(text).unwrap();
        assert_eq!(ports("1-10").minus(&ports("3-4,10")), ports("1-2,5-9"));
        assert_eq!(ports("1-10,65535").minus(&ports("0-65535")), ports(""));
        assert_eq!(ports("5").minus(&ports("6")), ports("5"));
    }

    #[test]
    fn json_round_trips() {
        for value in [
            Value::Int(-5),
            Value::Ints(vec![1, 2]),
            Value::Words(vec!["bbr".into(), "cubic".into()]),
            Value::Words(vec![]),
            Value::Text("pfifo_fast".into()),
            Value::Ports(Ports::parse("80,8080-8082").unwrap()),
            Value::Cpus(Ports::parse("0-3,8").unwrap()),
            Value::Cpus(Ports::default()),
            Value::switch(true),
            Value::switch(false),
            Value::Switch { wanted: true, active: false },
            Value::Tree(Box::new(Tree {
                scalars: [("rate".to_owned(), Scalar::Int(5)), ("handle".to_owned(), Scalar::Text("1:".into()))].into(),
                children: vec![Tree::new("class"), Tree { children: vec![Tree::new("fq")], ..Tree::new("class") }],
                ..Tree::new("htb")
            })),
            Value::Secret,
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
        }
    }
}
