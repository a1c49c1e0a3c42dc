//! From every statement to one winner for each address, on one host.
//!
//! The stronger layer wins: a profile over what it includes, the host file over profiles, `--set` over all. Within a
//! layer the more exact pattern wins. What is then still equal must agree, or one of it must say `override = true`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::bundle::Bundle;
use super::bundle::Speaker;
use super::draft;
use super::draft::Context;
use super::glob::Pattern;
use super::glob::Specificity;
use super::host::UNMANAGED_BY_DEFAULT;
use super::sysctl;
use super::sysctl::Statement;
use crate::address::Address;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::desired::Desired;
use crate::desired::Layer;
use crate::desired::Loser;
use crate::desired::Setting;
use crate::desired::Want;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Element;
use crate::policy::OnDrift;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

/// What a bundle means on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Every setting that could be resolved. Not to be acted upon if [`Resolved::failed`].
    pub desired: Desired,
    /// The facts with those of the host file put in.
    pub facts: Facts,
    /// What only shows on a host: conflicts, formulas that fail, values out of range.
    pub diagnostics: Vec<Diagnostic>,
    /// Interfaces that a glob matches and that are left alone all the same, sorted by name.
    pub skipped: Vec<Skipped>,
    /// Interfaces that a glob matches and whose names cannot stand in an address.
    pub unnamed: BTreeSet<String>,
}

/// An interface that globs leave alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its name.
    pub interface: String,
    /// The pattern of `unmanaged` that says so.
    pub unmanaged: String,
}

impl Resolved {
    /// Whether any diagnostic is an error.
    pub fn failed(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// A statement that speaks of an address.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    speaker: usize,
    statement: &'a Statement,
    /// How exactly it names the interface, if it names one.
    specificity: Specificity,
}

/// A candidate evaluated.
struct Judged<'a> {
    candidate: Candidate<'a>,
    /// What it wants, or nothing if that could not be worked out.
    want: Option<Want>,
    problems: Vec<Diagnostic>,
}

pub(super) fn resolve(bundle: &Bundle, facts: &Facts, interfaces: &BTreeSet<String>) -> Resolved {
    let facts = bundle.with_declared(facts);
    let unmanaged = unmanaged(bundle, &facts);
    let mut skipped = BTreeSet::new();
    let mut managed: Vec<&str> = Vec::new();
    for interface in interfaces {
        match unmanaged.iter().find(|pattern| pattern.matches(interface)) {
            Some(pattern) => {
                skipped.insert(Skipped { interface: interface.clone(), unmanaged: pattern.to_string() });
            }
            None => managed.push(interface),
        }
    }
    let mut by_address: BTreeMap<SysctlKey, Vec<(Candidate<'_>, SysctlKey)>> = BTreeMap::new();
    let mut globbed = BTreeSet::new();
    let mut unnamed = BTreeSet::new();
    for (speaker, words) in bundle.speakers.iter().enumerate() {
        for statement in &words.statements {
            let candidate = Candidate { speaker, statement, specificity: statement.specificity() };
            let mut add = |key: SysctlKey| {
                by_address.entry(catalogue::canonical_key(&key)).or_default().push((candidate, key));
            };
            match (&statement.glob, statement.key.interface_index()) {
                (Some(glob), Some(_)) => {
                    for name in managed.iter().filter(|name| glob.matches(name)) {
                        match statement.key.with_interface(name) {
                            Some(key) => add(key),
                            None => drop(unnamed.insert((*name).to_owned())),
                        }
                    }
                    globbed.extend(interfaces.iter().filter(|name| glob.matches(name)));
                }
                (Some(_) | None, _) => add(statement.key.clone()),
            }
        }
    }
    skipped.retain(|skipped| globbed.contains(&skipped.interface));

    let mut desired = Desired::default();
    let mut diagnostics = Vec::new();
    for (key, candidates) in by_address {
        let judged = candidates.into_iter().map(|(candidate, key)| judge(bundle, &facts, candidate, &key)).collect();
        if let Some(setting) = settle(bundle, &key, judged, &mut diagnostics) {
            desired.settings.insert(Address::sysctl(key), setting);
        }
    }
    Resolved {
        desired,
        facts,
        diagnostics: without_repeats(diagnostics),
        skipped: skipped.into_iter().collect(),
        unnamed,
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

fn judge<'a>(bundle: &Bundle, facts: &Facts, candidate: Candidate<'a>, key: &SysctlKey) -> Judged<'a> {
    let statement = candidate.statement;
    let link = key.interface().filter(|name| *name != "all" && *name != "default");
    let context = Context { facts, params: &bundle.values, link };
    let mut problems = Vec::new();
    let want = match draft::evaluate(&statement.draft.policy, &context) {
        Ok(Want::Undecided { fact, expression }) => Some(Want::Undecided { fact, expression }),
        Ok(Want::Decided(policy)) => {
            // Constants were checked when they were loaded.
            if !statement.draft.policy.formulas().is_empty() {
                problems.extend(sysctl::check(key, &policy, &statement.value_place));
            }
            let sound = problems.iter().all(|problem: &Diagnostic| problem.severity != Severity::Error);
            let scale = catalogue::alias(key).map_or(1, |(_, scale)| scale);
            match draft::scaled(policy, scale) {
                Some(policy) => sound.then_some(Want::Decided(policy)),
                None => {
                    let canonical = catalogue::canonical_key(key);
                    let message = format!("the value of `{key}` cannot be turned into one of `{canonical}`");
                    problems.push(Diagnostic::error("wrong-value", message, statement.value_place.clone()));
                    None
                }
            }
        }
        Err(problem) => {
            problems.push(*problem);
            None
        }
    };
    Judged { candidate, want, problems }
}

/// The winner of one address with everybody who lost to it; nothing if the strongest fail or disagree.
fn settle(
    bundle: &Bundle,
    key: &SysctlKey,
    mut judged: Vec<Judged<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Setting> {
    // Strongest first and the same whatever the order of roles: ties are broken by name and line.
    judged.sort_by(|a, b| strength(bundle, a).cmp(&strength(bundle, b)));
    let strongest = strongest(bundle, &judged);
    for (index, one) in judged.iter_mut().enumerate() {
        let won = strongest.contains(&index);
        diagnostics.extend(one.problems.drain(..).map(|problem| match (won, problem.severity) {
            // What lost may fail on this host: the stronger layer is how its administrator mends that.
            (false, Severity::Error) => Diagnostic { severity: Severity::Warning, ..problem },
            (true, Severity::Error) | (_, Severity::Warning) => problem,
        }));
    }
    let first = *strongest.first()?;
    let contenders: Vec<&Judged<'_>> = strongest.iter().filter_map(|index| judged.get(*index)).collect();
    if contenders.iter().any(|one| one.want.is_none()) {
        return None;
    }
    if let Some(conflict) = conflict(bundle, key, &contenders) {
        diagnostics.push(conflict);
        return None;
    }
    let mut winner = None;
    let mut losers = Vec::new();
    for (index, one) in judged.into_iter().enumerate() {
        let Judged { candidate, want, problems: _ } = one;
        let Some(want) = want else { continue };
        if index == first {
            winner = Some((candidate, want));
        } else {
            losers.push(Loser { origin: candidate.statement.origin.clone(), want });
        }
    }
    let (candidate, want) = winner?;
    Some(Setting {
        want,
        on_drift: on_drift(bundle, &candidate),
        if_supported: candidate.statement.draft.if_supported,
        reason: candidate.statement.draft.reason.clone(),
        origin: candidate.statement.origin.clone(),
        losers,
    })
}

type Strength<'a> = (std::cmp::Reverse<Layer>, usize, std::cmp::Reverse<Specificity>, &'a str, u32, usize, usize);

fn strength<'a>(bundle: &'a Bundle, judged: &Judged<'a>) -> Strength<'a> {
    let Candidate { speaker, statement, specificity } = judged.candidate;
    let depth = bundle.speakers.get(speaker).map_or(usize::MAX, |speaker| speaker.depth);
    (
        std::cmp::Reverse(statement.origin.layer),
        depth,
        std::cmp::Reverse(specificity),
        &statement.origin.file,
        statement.origin.line,
        statement.key_place.source.0,
        statement.key_place.span.start,
    )
}

/// The indexes of those that nobody beats; if one of several overrides, only those that do.
fn strongest(bundle: &Bundle, judged: &[Judged<'_>]) -> Vec<usize> {
    let Some(layer) = judged.iter().map(|one| one.candidate.statement.origin.layer).max() else { return Vec::new() };
    let speakers: BTreeSet<usize> = judged.iter().map(|one| one.candidate.speaker).collect();
    let beaten: BTreeSet<usize> = speakers
        .iter()
        .filter_map(|speaker| bundle.speakers.get(*speaker))
        .flat_map(|speaker: &Speaker| speaker.beats.iter().copied())
        .collect();
    let unbeaten =
        |one: &Judged<'_>| one.candidate.statement.origin.layer == layer && !beaten.contains(&one.candidate.speaker);
    let Some(exactest) = judged.iter().filter(|one| unbeaten(one)).map(|one| one.candidate.specificity).max() else {
        return Vec::new();
    };
    let contenders: Vec<usize> = judged
        .iter()
        .enumerate()
        .filter(|(_, one)| unbeaten(one) && one.candidate.specificity == exactest)
        .map(|(index, _)| index)
        .collect();
    let overriding: Vec<usize> = contenders
        .iter()
        .copied()
        .filter(|index| judged.get(*index).is_some_and(|one| one.candidate.statement.draft.overrides))
        .collect();
    if overriding.is_empty() { contenders } else { overriding }
}

fn on_drift(bundle: &Bundle, candidate: &Candidate<'_>) -> OnDrift {
    let speaker = bundle.speakers.get(candidate.speaker);
    let of_speaker = speaker.and_then(|speaker| speaker.on_drift);
    candidate.statement.draft.on_drift.or(of_speaker).unwrap_or(bundle.host.on_drift)
}

/// The disagreement of equals, told at every place that takes part.
fn conflict(bundle: &Bundle, key: &SysctlKey, contenders: &[&Judged<'_>]) -> Option<Diagnostic> {
    let (first, rest) = contenders.split_first()?;
    let wants = |one: &Judged<'_>| one.want.as_ref().map(normal);
    let says = |one: &Judged<'_>| {
        let want = one.want.as_ref().map_or_else(String::new, draft::show);
        format!("{} wants {want}", one.candidate.statement.origin)
    };
    let differing = |one: &&&Judged<'_>| wants(one) != wants(first);
    let drifting = |one: &&&Judged<'_>| on_drift(bundle, &one.candidate) != on_drift(bundle, &first.candidate);
    let place = |one: &Judged<'_>| one.candidate.statement.value_place.clone();
    if rest.iter().any(|one| differing(&one)) {
        let all: Vec<String> = contenders.iter().map(|one| says(one)).collect();
        let mut problem = Diagnostic::error(
            "conflict",
            format!("{key}: equals disagree: {}", all.join(", ")),
            place(first),
        )
        .with_help(
            "say override = true in one of them, or settle it in the host file or in a profile that includes both",
        );
        for other in rest.iter().filter(differing) {
            problem = problem.with_related(place(other), "the other one");
        }
        return Some(problem);
    }
    let other = rest.iter().find(drifting)?;
    let problem =
        Diagnostic::error("conflict", format!("{key}: equals disagree on what happens on drift"), place(first))
            .with_help("say on-drift in both settings, or override = true in one of them")
            .with_related(place(other), "the other one");
    Some(problem)
}

/// A want with its texts taken apart, so that `"1"` agrees with `1` and `"1 2"` with `[1, 2]`.
fn normal(want: &Want) -> Want {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Int(number) => Scalar::Int(*number),
        Scalar::Text(text) => text.trim().parse().map_or_else(|_| Scalar::Text(text.trim().to_owned()), Scalar::Int),
    };
    let element = |element: &Element| match element {
        Element::Keep => Element::Keep,
        Element::Is(one) => Element::Is(scalar(one)),
    };
    let wanted = |wanted: &Wanted| match wanted {
        Wanted::One(Scalar::Text(text)) if text.split_whitespace().nth(1).is_some() => Wanted::Many(
            text.split_whitespace().map(|part| Element::Is(scalar(&Scalar::Text(part.to_owned())))).collect(),
        ),
        Wanted::One(one) => Wanted::One(scalar(one)),
        Wanted::Many(elements) => Wanted::Many(elements.iter().map(element).collect()),
    };
    let policy = match want {
        Want::Undecided { .. } => return want.clone(),
        Want::Decided(policy) => policy,
    };
    Want::Decided(match policy {
        Policy::Value(one) => Policy::Value(wanted(one)),
        Policy::AtLeast(one) => Policy::AtLeast(wanted(one)),
        Policy::AtMost(one) => Policy::AtMost(wanted(one)),
        Policy::Between(low, high) => Policy::Between(wanted(low), wanted(high)),
        Policy::OneOf(all) => Policy::OneOf(all.iter().map(wanted).collect()),
        Policy::Prefer(all) => Policy::Prefer(all.iter().map(wanted).collect()),
        Policy::Includes(all) => Policy::Includes(all.iter().map(scalar).collect()),
    })
}

/// One glob may fail in the same way for every interface: once is enough.
fn without_repeats(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    diagnostics
        .into_iter()
        .filter(|diagnostic| {
            let place = diagnostic.place.as_ref().map(|place| (place.source, place.span.start, place.span.end));
            let related: Vec<_> =
                diagnostic.related.iter().map(|(place, _)| (place.source, place.span.start)).collect();
            seen.insert((place, diagnostic.code, diagnostic.severity, related))
        })
        .collect()
}
