//! Who speaks of which address on one host: every statement spread over the interfaces that it is about.
//!
//! Settings of queues wait: how many queues a device will have may itself be a setting.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::bundle::Bundle;
use super::glob::Glob;
use super::glob::Pattern;
use super::glob::Specificity;
use super::host::UNMANAGED_BY_DEFAULT;
use super::link::LinkTarget;
use super::link::Matcher;
use super::link::Named;
use super::link::Subject;
use super::resolve::Skipped;
use super::statement::Statement;
use super::statement::SysctlTarget;
use super::statement::Target;
use super::statement::TcTarget;
use crate::address::LinkKey;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::address::TcKey;
use crate::address::link::LinkAttribute;
use crate::address::link::Queue;
use crate::address::link::QueueAttribute;
use crate::catalogue;
use crate::facts::FactValue;
use crate::facts::Facts;

/// A statement that speaks of an address.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) speaker: usize,
    pub(super) statement: &'a Statement,
    pub(super) exactness: Exactness,
}

/// How exactly a statement names an address: first the interface, then the queue, then the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exactness {
    interface: Specificity,
    queue: Specificity,
    named: Named,
}

impl Exactness {
    fn of(interface: Specificity) -> Exactness {
        Exactness { interface, queue: Specificity::Exact, named: Named::Own }
    }
}

/// A candidate for one address.
pub(super) struct Spoken<'a> {
    pub(super) candidate: Candidate<'a>,
    /// The sysctl as it is written, which may be an alias.
    pub(super) spelled: Option<SysctlKey>,
}

/// Every statement, spread.
#[derive(Default)]
pub(super) struct Candidates<'a> {
    pub(super) by_object: BTreeMap<Object, Vec<Spoken<'a>>>,
    queues: Vec<OfQueues<'a>>,
    /// Interfaces that only a glob matches and that are left alone.
    pub(super) skipped: BTreeSet<Skipped>,
    /// Interfaces whose names cannot stand in an address.
    pub(super) unnamed: BTreeSet<String>,
}

/// A glob over the queues of one interface.
struct OfQueues<'a> {
    candidate: Candidate<'a>,
    interface: &'a str,
    queues: &'a Glob,
    attribute: QueueAttribute,
}

/// The interfaces of a host, and the globs over them that have been looked through already.
struct Around<'a> {
    facts: &'a Facts,
    all: &'a BTreeSet<String>,
    managed: Vec<&'a str>,
    unmanaged: BTreeMap<&'a str, String>,
}

/// The interfaces that the matcher of a section is about.
type Matched<'a> = Vec<(&'a str, Specificity)>;

pub(super) fn candidates<'a>(bundle: &'a Bundle, facts: &'a Facts, interfaces: &'a BTreeSet<String>) -> Candidates<'a> {
    let patterns = unmanaged(bundle, facts);
    let mut around = Around { facts, all: interfaces, managed: Vec::new(), unmanaged: BTreeMap::new() };
    for interface in interfaces {
        match patterns.iter().find(|pattern| pattern.matches(interface)) {
            Some(pattern) => drop(around.unmanaged.insert(interface, pattern.to_string())),
            None => around.managed.push(interface),
        }
    }
    let mut candidates = Candidates::default();
    for (speaker, words) in bundle.speakers.iter().enumerate() {
        // The settings of a section stand together, so one answer serves them all.
        let mut last: Option<(&Arc<Matcher>, Matched<'a>)> = None;
        for statement in &words.statements {
            let candidate = Candidate { speaker, statement, exactness: Exactness::of(Specificity::Exact) };
            match &statement.target {
                Target::Sysctl(target) => candidates.sysctl(candidate, target, &around),
                Target::Nft(key) => candidates.add(Object::Nft(*key), candidate, None),
                Target::Link(LinkTarget { matcher, .. }) | Target::Tc(TcTarget { matcher, .. }) => {
                    let fresh = last.as_ref().is_none_or(|(other, _)| !Arc::ptr_eq(other, matcher));
                    if fresh {
                        last = Some((matcher, candidates.matched(matcher, &around)));
                    }
                    let matched = last.as_ref().map(|(_, matched)| matched.as_slice()).unwrap_or_default();
                    match &statement.target {
                        Target::Link(target) => candidates.link(candidate, target, matched),
                        Target::Tc(target) => candidates.tc(candidate, target, matched),
                        Target::Sysctl(_) | Target::Nft(_) => {}
                    }
                }
            }
        }
    }
    candidates
}

impl<'a> Candidates<'a> {
    fn add(&mut self, object: Object, candidate: Candidate<'a>, spelled: Option<SysctlKey>) {
        self.by_object.entry(object).or_default().push(Spoken { candidate, spelled });
    }

    fn skip(&mut self, interface: &str, around: &Around<'a>) {
        if let Some(pattern) = around.unmanaged.get(interface) {
            self.skipped.insert(Skipped { interface: interface.to_owned(), unmanaged: pattern.clone() });
        }
    }

    fn sysctl(&mut self, candidate: Candidate<'a>, target: &'a SysctlTarget, around: &Around<'a>) {
        let candidate = Candidate { exactness: Exactness::of(target.specificity()), ..candidate };
        let add = |candidates: &mut Candidates<'a>, key: SysctlKey| {
            candidates.add(Object::Sysctl(catalogue::canonical_key(&key)), candidate, Some(key));
        };
        match (&target.glob, target.key.interface_index()) {
            (Some(glob), Some(_)) => {
                for name in around.managed.iter().filter(|name| glob.matches(name)) {
                    match target.key.with_interface(name) {
                        Some(key) => add(self, key),
                        None => drop(self.unnamed.insert((*name).to_owned())),
                    }
                }
                for name in around.unmanaged.keys().filter(|name| glob.matches(name)) {
                    self.skip(name, around);
                }
            }
            (Some(_) | None, _) => add(self, target.key.clone()),
        }
    }

    /// The interfaces that match, without those that are managed by others and not meant by name.
    fn matched(&mut self, matcher: &'a Matcher, around: &Around<'a>) -> Matched<'a> {
        let facts = around.facts;
        // Very names need no look at all the others, and speak of interfaces that are not there too.
        let mut matched: Matched<'a> = matcher.names().map(|name| (name, Specificity::Exact)).collect();
        if matcher.is_names() {
            return matched;
        }
        let absent = matched.extract_if(.., |(name, _)| !around.all.contains(*name)).collect();
        let mut found: Matched<'a> = absent;
        let present = around.managed.iter().map(|name| (*name, true));
        let present = present.chain(around.unmanaged.keys().map(|name| (*name, false)));
        for (name, managed) in present {
            match matcher.matches(name, facts) {
                Some(specificity) if managed || specificity == Specificity::Exact => found.push((name, specificity)),
                Some(_) => self.skip(name, around),
                None => {}
            }
        }
        found
    }

    fn link(&mut self, candidate: Candidate<'a>, target: &'a LinkTarget, matched: &[(&'a str, Specificity)]) {
        for (interface, specificity) in matched {
            let exactness = Exactness { named: target.named, ..Exactness::of(*specificity) };
            let candidate = Candidate { exactness, ..candidate };
            match &target.subject {
                Subject::One(attribute) => match LinkKey::new(interface, attribute.clone()) {
                    Ok(key) => self.add(Object::Link(key), candidate, None),
                    Err(_) => drop(self.unnamed.insert((*interface).to_owned())),
                },
                Subject::Queues { queues, attribute } => {
                    self.queues.push(OfQueues { candidate, interface, queues, attribute: *attribute });
                }
            }
        }
    }

    fn tc(&mut self, candidate: Candidate<'a>, target: &TcTarget, matched: &[(&'a str, Specificity)]) {
        for (interface, specificity) in matched {
            let candidate = Candidate { exactness: Exactness::of(*specificity), ..candidate };
            match TcKey::new(interface, target.hook) {
                Ok(key) => self.add(Object::Tc(key), candidate, None),
                Err(_) => drop(self.unnamed.insert((*interface).to_owned())),
            }
        }
    }

    /// The settings of queues, when it is known how many of them each interface will have: `count` of an interface and a
    /// value of its queues.
    pub(super) fn queues(&mut self, count: impl Fn(&str, QueueAttribute) -> u16) {
        // The interfaces of one statement stand together, so that each name of a queue is made and matched once for all.
        let mut last: Option<&Glob> = None;
        let mut matching: Vec<bool> = Vec::new();
        for OfQueues { candidate, interface, queues, attribute } in std::mem::take(&mut self.queues) {
            let exactness = Exactness { queue: queues.specificity(), ..candidate.exactness };
            let candidate = Candidate { exactness, ..candidate };
            if !last.is_some_and(|last| std::ptr::eq(last, queues)) {
                matching.clear();
                last = Some(queues);
            }
            let count = count(interface, attribute);
            for index in matching.len()..usize::from(count) {
                matching.push(queues.matches(&format!("{}-{index}", attribute.direction().word())));
            }
            for (index, _) in (0..count).zip(&matching).filter(|(_, matches)| **matches) {
                match LinkKey::new(interface, LinkAttribute::Queue(Queue { index, attribute })) {
                    Ok(key) => self.add(Object::Link(key), candidate, None),
                    Err(_) => drop(self.unnamed.insert(interface.to_owned())),
                }
            }
        }
    }
}

fn unmanaged(bundle: &Bundle, facts: &Facts) -> Vec<Pattern> {
    if let Some(patterns) = &bundle.unmanaged {
        return patterns.clone();
    }
    // Where nobody can tell, the cautious answer: a container's interfaces are not ours to tune.
    if facts.get("host.initial_netns") == Some(&FactValue::Bool(false)) {
        return Vec::new();
    }
    UNMANAGED_BY_DEFAULT.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
}
