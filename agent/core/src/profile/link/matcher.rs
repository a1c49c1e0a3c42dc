//! `match` of a section `[[link]]`: which interfaces it is about.
//!
//! All conditions must hold. A condition that looks at a fact which is not known of an interface does not hold for it.

use std::collections::BTreeSet;

use super::super::glob::Glob;
use super::super::glob::Pattern;
use super::super::glob::Specificity;
use crate::facts::Fact;
use crate::facts::FactValue;
use crate::facts::Facts;

/// The conditions of one section.
///
/// ```toml
/// match = { driver = ["virtio_net", "ena"], name = ["eth*", "!eth9"], default-route = true }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub(in crate::profile) struct Matcher {
    pub(super) conditions: Vec<Condition>,
    /// For people: `eth*`, `driver=virtio_net`.
    pub(super) written: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// Its word about this is one of these.
    Word { property: Property, some: Words, none: Words },
    /// A default route leads through it, or none does.
    DefaultRoute(bool),
}

/// Names and globs, the names looked up and not compared one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Words {
    exact: BTreeSet<String>,
    globs: Vec<Glob>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    Name,
    Driver,
    Kind,
    PermanentMac,
    Bus,
    Master,
    MasterKind,
}

/// The least exact way to speak of an interface.
const LEAST: Specificity = Specificity::Glob { literal: 0, single: 0 };

impl Matcher {
    /// The one interface of this name, or those of this pattern.
    pub(in crate::profile) fn of_name(pattern: Pattern) -> Matcher {
        let written = pattern.to_string();
        let mut some = Words::default();
        some.add(pattern);
        Matcher {
            conditions: vec![Condition::Word { property: Property::Name, some, none: Words::default() }],
            written,
        }
    }

    /// The conditions as people know them.
    pub(in crate::profile) fn written(&self) -> &str {
        &self.written
    }

    /// How exactly an interface is meant, if it is.
    pub(in crate::profile) fn matches(&self, interface: &str, facts: &Facts) -> Option<Specificity> {
        let known = facts.links.get(interface);
        self.conditions.iter().try_fold(LEAST, |exactest, condition| {
            let one = match condition {
                Condition::DefaultRoute(wanted) => match known?.get("default_route")?.value {
                    FactValue::Bool(is) => (is == *wanted).then_some(LEAST)?,
                    FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_) => return None,
                },
                Condition::Word { property, some, none } => {
                    let word = match property {
                        Property::Name => interface,
                        Property::Driver => text(known?.get("driver"))?,
                        Property::Kind => text(known?.get("kind"))?,
                        Property::PermanentMac => text(known?.get("permanent_address"))?,
                        Property::Bus => text(known?.get("bus"))?,
                        Property::Master => text(known?.get("master"))?,
                        Property::MasterKind => text(known?.get("master_kind"))
                            .or_else(|| text(facts.links.get(text(known?.get("master"))?)?.get("kind")))?,
                    };
                    if none.matches(word).is_some() {
                        return None;
                    }
                    property.exactness(if some.is_empty() { LEAST } else { some.matches(word)? })
                }
            };
            Some(exactest.max(one))
        })
    }

    /// The very names it is about, if it asks for nothing else: of them it speaks even while they are not there.
    pub(in crate::profile) fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self.conditions.as_slice() {
            [Condition::Word { property: Property::Name, some, none }] => Some((&some.exact, none)),
            _ => None,
        };
        names
            .into_iter()
            .flat_map(|(some, none)| some.iter().map(String::as_str).filter(|name| none.matches(name).is_none()))
    }

    /// Whether it asks for very names and nothing else, so that no other interface can match.
    pub(in crate::profile) fn is_names(&self) -> bool {
        matches!(
            self.conditions.as_slice(),
            [Condition::Word { property: Property::Name, some, none: _ }] if some.globs.is_empty() && !some.is_empty()
        )
    }

    /// Whether it is one name and nothing else, so that an address says the same.
    pub(in crate::profile) fn is_one_name(&self) -> bool {
        self.is_names()
            && matches!(
                self.conditions.as_slice(),
                [Condition::Word { property: _, some, none }] if some.exact.len() == 1 && none.is_empty()
            )
    }

    /// The facts of interfaces that it looks at, by inner name.
    pub(in crate::profile) fn facts(&self) -> impl Iterator<Item = &'static str> {
        self.conditions.iter().flat_map(|condition| {
            let facts: &'static [&'static str] = match condition {
                Condition::DefaultRoute(_) => &["default_route"],
                Condition::Word { property, some: _, none: _ } => match property {
                    Property::Name => &[],
                    Property::Driver => &["driver"],
                    Property::Kind => &["kind"],
                    Property::PermanentMac => &["permanent_address"],
                    Property::Bus => &["bus"],
                    Property::Master => &["master"],
                    Property::MasterKind => &["master_kind", "master", "kind"],
                },
            };
            facts.iter().copied()
        })
    }
}

impl Property {
    /// Names, addresses and places of a bus belong to one device; a driver or a kind never does.
    fn exactness(self, found: Specificity) -> Specificity {
        match (self, found) {
            (Property::Name, found) => found,
            (Property::PermanentMac | Property::Bus, Specificity::Exact) => Specificity::Exact,
            (
                Property::PermanentMac
                | Property::Bus
                | Property::Driver
                | Property::Kind
                | Property::Master
                | Property::MasterKind,
                _,
            ) => LEAST,
        }
    }
}

impl Words {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }

    pub(super) fn add(&mut self, pattern: Pattern) {
        match pattern {
            Pattern::Exact(word) => drop(self.exact.insert(word)),
            Pattern::Glob(glob) => self.globs.push(glob),
        }
    }

    /// How exactly a word is meant, if it is.
    fn matches(&self, word: &str) -> Option<Specificity> {
        if self.exact.contains(word) {
            return Some(Specificity::Exact);
        }
        self.globs.iter().filter(|glob| glob.matches(word)).map(Glob::specificity).max()
    }
}

fn text(fact: Option<&Fact>) -> Option<&str> {
    match &fact?.value {
        FactValue::Text(text) => Some(text),
        FactValue::Bool(_) | FactValue::Int(_) | FactValue::Float(_) => None,
    }
}
