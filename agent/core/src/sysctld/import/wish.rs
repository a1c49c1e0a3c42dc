//! What each line of sysctl.d wants, as settings of a profile, and which of them win.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::Entry as Known;
use crate::catalogue::ValueKind;

use super::super::boot::Entry;
use super::super::boot::Options;
use super::super::boot::Speaker;
use super::super::glob;
use super::super::glob::Segment;
use super::super::glob::is_glob;

/// A line, by the index of its file and its number.
pub(super) type Place = (usize, u32);

/// One setting that a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// The path as a profile spells it; in the place of the interface may stand a glob.
    pub(super) segments: Vec<String>,
    /// The key, or any one of those that the glob stands for: what the catalogue can look up.
    pub(super) key: SysctlKey,
    pub(super) ask: Ask,
    /// Why it stands there, if the line says it in other words.
    pub(super) remark: Option<String>,
}

/// What is asked of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// This text, as sysctl.d spells it.
    Text(String),
    /// To be left alone, although a glob matches.
    Keep,
}

/// What became of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The settings to write down at this place.
    pub(super) wishes: Vec<Wish>,
    /// What to say instead or besides.
    pub(super) remarks: Vec<String>,
}

/// A wish with what decides between wishes for the same value: the later write stays, and what is only to be left
/// alone gives way to every write.
#[derive(Debug)]
struct Candidate {
    turn: Option<usize>,
    place: Place,
    wish: Wish,
}

/// How a pattern for interfaces became one of a profile.
struct Spread {
    /// Which value, whatever the interface: `net.ipv4.conf.*.rp_filter`.
    value: String,
    written: String,
    specificity: (usize, usize),
    turn: usize,
    place: Place,
}

/// Works out every line that has something to say. Lines are found by [`Place`].
pub(super) fn outcomes(options: &Options<'_>, file_of: &BTreeMap<&str, usize>) -> BTreeMap<Place, Outcome> {
    let mut resolver = Resolver {
        options,
        file_of,
        candidates: BTreeMap::new(),
        added: 0,
        spreads: Vec::new(),
        outcomes: BTreeMap::new(),
    };
    let mut entries: Vec<(&String, &Entry<'_>)> = options.entries.iter().collect();
    entries.sort_by_key(|(_, entry)| entry.turn);
    for (path, entry) in entries {
        resolver.entry(path, entry);
    }
    resolver.contradicting_globs();
    resolver.settle()
}

/// A line with a glob, one of its alternatives at a time.
#[derive(Clone, Copy)]
struct GlobLine<'a> {
    pattern: &'a str,
    text: &'a str,
    turn: usize,
    place: Place,
}

struct Resolver<'a> {
    options: &'a Options<'a>,
    file_of: &'a BTreeMap<&'a str, usize>,
    candidates: BTreeMap<String, Vec<Candidate>>,
    /// How many wishes there were so far.
    added: usize,
    spreads: Vec<Spread>,
    outcomes: BTreeMap<Place, Outcome>,
}

impl Resolver<'_> {
    fn place(&self, speaker: &Speaker<'_>) -> Place {
        (self.file_of.get(speaker.path).copied().unwrap_or_default(), speaker.line)
    }

    fn shown(&self, (file, line): Place) -> String {
        let path = self.file_of.iter().find(|(_, index)| **index == file).map_or("", |(path, _)| path);
        format!("{path}:{line}")
    }

    fn outcome(&mut self, place: Place) -> &mut Outcome {
        self.outcomes.entry(place).or_default()
    }

    fn say(&mut self, place: Place, remark: impl Into<String>) {
        self.outcome(place).remarks.push(remark.into());
    }

    fn entry(&mut self, path: &str, entry: &Entry<'_>) {
        let Some((last, earlier)) = entry.speakers.split_last() else { return };
        let place = self.place(last);
        for speaker in earlier {
            let earlier = self.place(speaker);
            self.say(earlier, format!("spoken of again at {}:{}", last.path, last.line));
        }
        self.outcome(place);
        match (entry.glob, last.value) {
            (None, Some(text)) => self.named(path, text, entry.turn, place),
            (None, None) => self.excluded(path, place),
            (Some(_), None) => self.say(place, "excludes nothing: an exclusion names one key, without a glob"),
            (Some(glob), Some(text)) => {
                let before = self.added;
                let alternatives: Vec<String> = glob.alternatives().map(str::to_owned).collect();
                for pattern in alternatives {
                    self.pattern(GlobLine { pattern: &pattern, text, turn: entry.turn, place });
                }
                if self.added == before && self.outcome(place).remarks.is_empty() {
                    self.say(place, "matches no key that trimtab knows");
                }
            }
        }
    }

    fn add(&mut self, turn: Option<usize>, place: Place, wish: Wish) {
        self.added += 1;
        let canonical = catalogue::canonical_key(&wish.key);
        let mut segments = canonical.segments().map(str::to_owned).collect::<Vec<String>>();
        // Patterns are told apart as written; the rest by the one name of the value.
        if let (Some(index), Some(interface)) = (wish.key.interface_index(), wish.segments.get(3))
            && let Some(slot) = segments.get_mut(index)
        {
            interface.clone_into(slot);
        }
        self.candidates.entry(segments.join("/")).or_default().push(Candidate { turn, place, wish });
    }

    fn named(&mut self, path: &str, text: &str, turn: usize, place: Place) {
        let Some(key) = key_of(path) else { return };
        let wish = Wish { segments: spelt(&key), key, ask: Ask::Text(text.to_owned()), remark: None };
        self.add(Some(turn), place, wish);
    }

    /// A key that globs must leave alone. Where no glob would reach it there is nothing to say in a profile.
    fn excluded(&mut self, path: &str, place: Place) {
        let Some(key) = key_of(path) else { return };
        let reached = self
            .options
            .entries
            .values()
            .any(|entry| entry.glob.is_some_and(|glob| glob.matches(&key)) && said(entry).is_some());
        let interface = key.interface().filter(|name| *name != "all" && *name != "default");
        if !reached || interface.is_none() {
            self.say(place, "left alone: no setting below speaks of it");
            return;
        }
        if catalogue::find(&key).and_then(|known| known.kind.arity()).is_none() {
            self.say(place, "a profile cannot except this key from a glob: whatever the glob says reaches it");
            return;
        }
        let remark = Some("left as it is, although a glob matches".to_owned());
        self.add(None, place, Wish { segments: spelt(&key), key, ask: Ask::Keep, remark });
    }

    /// A pattern becomes what it stands for: every known key, and below interfaces a pattern for interfaces.
    fn pattern(&mut self, line: GlobLine<'_>) {
        let parts: Vec<Segment<'_>> = line.pattern.split('/').map(Segment::parse).collect();
        for known in catalogue::entries() {
            if known.pattern.split('.').count() != parts.len() || !is_setting(known) {
                continue;
            }
            match overlay(known, &parts) {
                None => {}
                Some(Overlay::Key(key)) => self.reached(line, key),
                Some(Overlay::Interfaces { segments, index, interface }) => {
                    self.interfaces(line, &segments, index, interface);
                }
                Some(Overlay::Other) => self.say(line.place, "a profile has globs for interfaces only"),
            }
        }
    }

    /// A pattern for interfaces, and `all` and `default` beside it.
    fn interfaces(&mut self, line: GlobLine<'_>, segments: &[String], index: usize, interface: &Segment<'_>) {
        let with = |name: &str| {
            let mut segments = segments.to_vec();
            if let Some(slot) = segments.get_mut(index) {
                name.clone_into(slot);
            }
            segments
        };
        // sysctl.d takes `all` and `default` for interfaces, a profile does not.
        for name in ["all", "default"] {
            if interface.matches(name)
                && let Ok(key) = SysctlKey::from_segments(with(name))
            {
                self.reached(line, key);
            }
        }
        let GlobLine { pattern: _, text, turn, place } = line;
        let Some((spelling, specificity)) = glob::profile_spelling(interface.text) else {
            self.say(place, format!("a profile has no glob like `{}`", interface.text));
            return;
        };
        let (Ok(key), Ok(_)) = (SysctlKey::from_segments(with("eth0")), SysctlKey::from_segments(with(&spelling)))
        else {
            self.say(place, format!("no interface has a name like `{}`", interface.text));
            return;
        };
        let value = with("*").join(".");
        self.spreads.push(Spread { value, written: spelling.clone(), specificity, turn, place });
        let wish = Wish { segments: with(&spelling), key, ask: Ask::Text(text.to_owned()), remark: None };
        self.add(Some(turn), place, wish);
    }

    /// One key that a glob reaches, unless some line names it.
    fn reached(&mut self, line: GlobLine<'_>, key: SysctlKey) {
        let GlobLine { pattern, text, turn, place } = line;
        let named = self.options.entries.get(key.path()).is_some_and(|entry| entry.glob.is_none());
        if named {
            return;
        }
        let remark = Some(format!("from `{}`", pattern.replace('/', ".")));
        let wish = Wish { segments: spelt(&key), key, ask: Ask::Text(text.to_owned()), remark };
        self.add(Some(turn), place, wish);
    }

    /// sysctl.d writes globs in order, a profile lets the more exact one win. Where the two disagree, it is said.
    fn contradicting_globs(&mut self) {
        let mut values: BTreeMap<&str, Vec<&Spread>> = BTreeMap::new();
        for spread in &self.spreads {
            values.entry(&spread.value).or_default().push(spread);
        }
        let mut remarks: BTreeSet<(Place, String)> = BTreeSet::new();
        for mut spreads in values.into_values() {
            spreads.sort_by_key(|spread| spread.turn);
            for (index, late) in spreads.iter().enumerate() {
                let contradicted = spreads.iter().take(index).find(|early| {
                    early.written != late.written && early.specificity >= late.specificity && early.turn < late.turn
                });
                if let Some(early) = contradicted {
                    let remark = format!(
                        "an interface that matches both `{0}` and `{1}` gets the value of `{1}` from sysctl.d, and that of \
                         the more exact one from a profile",
                        early.written, late.written
                    );
                    remarks.insert((late.place, remark));
                }
            }
        }
        for (place, remark) in remarks {
            self.say(place, remark);
        }
    }

    /// Of the wishes for one value the strongest is written down, the others are spoken of.
    fn settle(mut self) -> BTreeMap<Place, Outcome> {
        for mut candidates in std::mem::take(&mut self.candidates).into_values() {
            candidates.sort_by_key(|candidate| candidate.turn);
            let Some(winner) = candidates.pop() else { continue };
            for loser in candidates {
                if loser.place != winner.place {
                    let name = winner.wish.key.to_string();
                    let shown = if loser.wish.segments == winner.wish.segments { "it" } else { name.as_str() };
                    let remark = format!("{} sets {shown} instead", self.shown(winner.place));
                    self.say(loser.place, remark);
                }
            }
            self.outcome(winner.place).wishes.push(winner.wish);
        }
        self.outcomes
    }
}

fn said<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    entry.speakers.last().and_then(|last| last.value)
}

fn key_of(path: &str) -> Option<SysctlKey> {
    SysctlKey::from_segments(path.split('/')).ok()
}

/// The segments of a key as a profile has them: an interface's name is taken for a glob unless escaped.
fn spelt(key: &SysctlKey) -> Vec<String> {
    let interface = key.interface_index();
    key.segments()
        .enumerate()
        .map(
            |(index, segment)| {
                if Some(index) == interface { segment.chars().map(glob::escaped).collect() } else { segment.to_owned() }
            },
        )
        .collect()
}

/// Whether a glob can mean this key: it has a value, and it is the value's own name.
fn is_setting(known: &Known) -> bool {
    known.removed.is_none()
        && known.alias_of.is_none()
        && known.access == Access::ReadWrite
        && !matches!(known.kind, ValueKind::Secret | ValueKind::Action)
}

/// What a pattern leaves of a line of the catalogue.
enum Overlay<'a> {
    Key(SysctlKey),
    Interfaces {
        segments: Vec<String>,
        index: usize,
        interface: &'a Segment<'a>,
    },
    /// A wildcard where profiles have none, e.g. for the protocol of `nf_log`.
    Other,
}

fn overlay<'a>(known: &Known, parts: &'a [Segment<'a>]) -> Option<Overlay<'a>> {
    let mut segments = Vec::with_capacity(parts.len());
    let mut open = None;
    for (index, (name, part)) in known.pattern.split('.').zip(parts).enumerate() {
        if name != "*" {
            if !part.matches(name) {
                return None;
            }
            segments.push(name.to_owned());
        } else if is_glob(part.text) {
            open = Some((index, part));
            segments.push("eth0".to_owned());
        } else {
            segments.push(part.text.to_owned());
        }
    }
    let key = SysctlKey::from_segments(segments.iter().map(String::as_str)).ok()?;
    Some(match open {
        None => Overlay::Key(key),
        Some((index, interface)) if key.interface_index() == Some(index) => {
            Overlay::Interfaces { segments, index, interface }
        }
        Some(_) => Overlay::Other,
    })
}
