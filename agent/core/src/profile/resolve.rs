//! From every statement to one winner for each address, on one host.
//!
//! The stronger layer wins: a profile over what it includes, the host file over profiles, `--set` over all. Within a
//! layer the more exact pattern wins. What is then still equal must agree, or one of it must say `override = true`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::bundle::Bundle;
use super::bundle::Speaker;
use super::candidates::Candidate;
use super::candidates::Exactness;
use super::candidates::Spoken;
use super::candidates::candidates;
use super::draft;
use super::draft::Context;
use super::link;
use super::queues;
use super::statement::Statement;
use super::sysctl;
use crate::address::Address;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::address::link::LinkAttribute;
use crate::catalogue;
use crate::desired::Desired;
use crate::desired::Layer;
use crate::desired::Loser;
use crate::desired::Setting;
use crate::desired::Want;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
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

/// A candidate evaluated.
struct Judged<'a> {
    candidate: Candidate<'a>,
    /// What it wants, or nothing if that could not be worked out.
    want: Option<Want>,
    problems: Vec<Diagnostic>,
}

pub(super) fn resolve(bundle: &Bundle, facts: Facts, interfaces: &BTreeSet<String>) -> Resolved {
    let facts = bundle.with_declared(facts);
    let mut settling = Settling { bundle, facts: &facts, desired: Desired::default(), diagnostics: Vec::new() };
    let mut candidates = candidates(bundle, &facts, interfaces);
    let is_queue = |object: &Object| match object {
        Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => false,
        Object::Link(key) => matches!(key.attribute(), LinkAttribute::Queue(_)),
    };
    // Those of queues come last: how many there are depends on the others.
    let by_object = std::mem::take(&mut candidates.by_object);
    let (of_queues, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        by_object.into_iter().partition(|(object, _)| is_queue(object));
    settling.settle_all(others);
    candidates.by_object = of_queues;
    let desired = &settling.desired;
    candidates.queues(|interface, attribute| queues::count(desired, &facts, interface, attribute.direction()));
    settling.settle_all(candidates.by_object);
    let Settling { desired, diagnostics, bundle: _, facts: _ } = settling;
    Resolved {
        desired,
        diagnostics: without_repeats(diagnostics),
        skipped: candidates.skipped.into_iter().collect(),
        unnamed: candidates.unnamed,
        facts,
    }
}

/// What has been settled so far.
struct Settling<'a> {
    bundle: &'a Bundle,
    facts: &'a Facts,
    desired: Desired,
    diagnostics: Vec<Diagnostic>,
}

impl Settling<'_> {
    fn settle_all(&mut self, by_object: BTreeMap<Object, Vec<Spoken<'_>>>) {
        for (object, spoken) in by_object {
            let judged = spoken.into_iter().map(|spoken| judge(self.bundle, self.facts, spoken, &object)).collect();
            let setting = settle(self.bundle, &object, judged, &mut self.diagnostics);
            if let Some(setting) = setting {
                self.desired.settings.insert(Address { netns: None, object }, setting);
            }
        }
    }
}

fn judge<'a>(bundle: &Bundle, facts: &Facts, spoken: Spoken<'a>, object: &Object) -> Judged<'a> {
    let Spoken { candidate, spelled } = spoken;
    let statement = candidate.statement;
    let link = match (object, &spelled) {
        (Object::Link(key), _) => Some(key.interface()),
        (Object::Tc(key), _) => key.interface(),
        (Object::Sysctl(_), Some(key)) => key.interface().filter(|name| *name != "all" && *name != "default"),
        (Object::Sysctl(_), None) | (Object::Nft(_), _) => None,
    };
    let context = Context { facts, params: &bundle.values, link };
    let mut problems = Vec::new();
    let want = match draft::evaluate(&statement.draft.policy, &context) {
        Ok(Want::Undecided { fact, expression }) => Some(Want::Undecided { fact, expression }),
        Ok(Want::Decided(policy)) => {
            let policy = match (object, &spelled) {
                (Object::Link(key), _) => {
                    link::normal(key.attribute(), &policy, &statement.value_place).map_err(|problem| vec![*problem])
                }
                (Object::Tc(_), _) => {
                    link::normal_qdisc(&policy, &statement.value_place).map_err(|problem| vec![*problem])
                }
                // Its section has said all there is to say.
                (Object::Nft(_), _) => Ok(policy),
                (Object::Sysctl(canonical), spelled) => {
                    sysctl_policy(spelled.as_ref().unwrap_or(canonical), canonical, policy, statement, &mut problems)
                }
            };
            match policy {
                Ok(policy) => Some(Want::Decided(policy)),
                Err(more) => {
                    problems.extend(more);
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

/// The policy of a sysctl in the unit of its canonical key; warnings go to `warnings`.
///
/// # Errors
/// What is wrong with it.
fn sysctl_policy(
    key: &SysctlKey,
    canonical: &SysctlKey,
    policy: Policy,
    statement: &Statement,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Policy, Vec<Diagnostic>> {
    // Constants were checked when they were loaded.
    if !statement.draft.policy.formulas().is_empty() {
        let problems = sysctl::check(key, &policy, &statement.value_place);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        warnings.extend(problems);
    }
    let scale = catalogue::alias(key).map_or(1, |(_, scale)| scale);
    draft::scaled(policy, scale).ok_or_else(|| {
        let message = format!("the value of `{key}` cannot be turned into one of `{canonical}`");
        vec![Diagnostic::error("wrong-value", message, statement.value_place.clone())]
    })
}

/// The winner of one address with everybody who lost to it; nothing if the strongest fail or disagree.
fn settle(
    bundle: &Bundle,
    object: &Object,
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
    if let Some(conflict) = conflict(bundle, object, &contenders) {
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
        load_module: candidate.statement.draft.load_module.unwrap_or(false),
        reason: candidate.statement.draft.reason.clone(),
        origin: candidate.statement.origin.clone(),
        losers,
    })
}

type Strength<'a> = (std::cmp::Reverse<Layer>, usize, std::cmp::Reverse<Exactness>, &'a str, u32, usize, usize);

fn strength<'a>(bundle: &'a Bundle, judged: &Judged<'a>) -> Strength<'a> {
    let Candidate { speaker, statement, exactness } = judged.candidate;
    let depth = bundle.speakers.get(speaker).map_or(usize::MAX, |speaker| speaker.depth);
    (
        std::cmp::Reverse(statement.origin.layer),
        depth,
        std::cmp::Reverse(exactness),
        &statement.origin.file,
        statement.origin.line,
        statement.key_place.source.0,
        statement.key_place.span.start,
    )
}

/// The indexes of those that nobody beats; if one of several overrides, only those that do.
fn strongest(bundle: &Bundle, judged: &[Judged<'_>]) -> Vec<usize> {
    // Nearly always nobody else speaks of it.
    if judged.len() == 1 {
        return vec![0];
    }
    let Some(layer) = judged.iter().map(|one| one.candidate.statement.origin.layer).max() else { return Vec::new() };
    let speakers: BTreeSet<usize> = judged.iter().map(|one| one.candidate.speaker).collect();
    let beaten: BTreeSet<usize> = speakers
        .iter()
        .filter_map(|speaker| bundle.speakers.get(*speaker))
        .flat_map(|speaker: &Speaker| speaker.beats.iter().copied())
        .collect();
    let unbeaten =
        |one: &Judged<'_>| one.candidate.statement.origin.layer == layer && !beaten.contains(&one.candidate.speaker);
    let Some(exactest) = judged.iter().filter(|one| unbeaten(one)).map(|one| one.candidate.exactness).max() else {
        return Vec::new();
    };
    let contenders: Vec<usize> = judged
        .iter()
        .enumerate()
        .filter(|(_, one)| unbeaten(one) && one.candidate.exactness == exactest)
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
    candidate.statement.draft.on_drift.or(of_speaker).unwrap_or(match bundle.host.on_drift {
        // What disturbs traffic is put back only where a profile says so.
        OnDrift::Revert => OnDrift::RevertUnlessDisruptive,
        other @ (OnDrift::RevertUnlessDisruptive | OnDrift::Report | OnDrift::Ignore) => other,
    })
}

/// The disagreement of equals, told at every place that takes part.
fn conflict(bundle: &Bundle, object: &Object, contenders: &[&Judged<'_>]) -> Option<Diagnostic> {
    let (first, rest) = contenders.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let key = match object {
        Object::Sysctl(key) => key.to_string(),
        Object::Link(key) => format!("link:{key}"),
        Object::Tc(key) => format!("tc:{key}"),
        Object::Nft(key) => format!("nft:{key}"),
    };
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
        // Its kind has one spelling for each.
        Wanted::Tree(tree) => Wanted::Tree(tree.clone()),
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
