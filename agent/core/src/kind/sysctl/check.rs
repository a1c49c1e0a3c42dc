//! What may stand in a profile, before any host is asked.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::Entry;
use crate::catalogue::Range;
use crate::catalogue::ValueKind;
use crate::diagnostic::Severity;
use crate::facts::Facts;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Value;

use super::canonical::number_of;
use super::canonical::parse_wanted;
use super::canonical::wrong_length;
use super::decide::DecideContext;
use super::decide::Decision;
use super::decide::decide;

/// One thing wrong with a policy for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Errors refuse the profile, warnings do not.
    pub severity: Severity,
    /// A stable code, e.g. `out-of-range`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    fn error(code: &'static str, message: String) -> Problem {
        Problem { severity: Severity::Error, code, message, help: None }
    }

    fn warning(code: &'static str, message: String) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(code, message) }
    }

    fn with_help(mut self, help: Option<String>) -> Problem {
        self.help = help;
        self
    }
}

/// Everything wrong with wanting this of this key, on any kernel.
pub fn check(key: &SysctlKey, policy: &Policy) -> Vec<Problem> {
    let Some(entry) = catalogue::find(key) else {
        let help = catalogue::suggest(key).map(|known| format!("did you mean `{known}`?"));
        return vec![Problem::warning("unknown-key", format!("no listed kernel has {key}")).with_help(help)];
    };
    let advice = || entry.advice.map(str::to_owned);
    match (entry.kind, entry.access) {
        (ValueKind::Secret, _) => {
            return vec![Problem::error("secret", format!("{key} is a secret and is never set by a profile"))];
        }
        (ValueKind::Action, _) | (_, Access::WriteOnly) => {
            return vec![Problem::error("action", format!("{key} is an action, not a state"))];
        }
        (_, Access::ReadOnly) => {
            return vec![Problem::error("read-only", format!("{key} is read-only")).with_help(advice())];
        }
        (_, Access::ReadWrite) => {}
    }
    let mut problems = Vec::new();
    if let Some((major, minor)) = entry.removed {
        let message = format!("{key} is gone since Linux {major}.{minor}");
        problems.push(Problem::warning("removed-key", message).with_help(advice()));
    }
    problems.extend(policy_problem(key, entry, policy));
    for wanted in wanteds(policy) {
        problems.extend(wanted_problems(key, entry, wanted));
    }
    if let Policy::Includes(members) = policy {
        for member in members {
            problems.extend(wanted_problems(key, entry, &Wanted::One(member.clone())));
        }
    }
    if problems.is_empty() {
        problems.extend(nothing_between(key, entry, policy));
    }
    problems
}

/// Bounds between which no value lies, whatever the kernel holds.
fn nothing_between(key: &SysctlKey, entry: &Entry, policy: &Policy) -> Option<Problem> {
    let (Policy::Between(_, _), Some(arity)) = (policy, entry.kind.arity()) else { return None };
    let any = if arity == 1 { Value::Int(0) } else { Value::Ints(vec![0; arity]) };
    let context = DecideContext { facts: &Facts::default(), kernel_version: None, available: None };
    match decide(key, policy, Some(&any), &context) {
        Decision::Invalid(message) => Some(Problem::error("empty-range", message)),
        Decision::Satisfied | Decision::Write(_) | Decision::Unavailable { .. } | Decision::NeedsCurrent => None,
    }
}

fn wanteds(policy: &Policy) -> Vec<&Wanted> {
    match policy {
        Policy::Value(one) | Policy::AtLeast(one) | Policy::AtMost(one) => vec![one],
        Policy::Between(low, high) => vec![low, high],
        Policy::OneOf(many) | Policy::Prefer(many) => many.iter().collect(),
        Policy::Includes(_) => Vec::new(),
    }
}

/// A policy that the kind has no order, no members or no choice for.
fn policy_problem(key: &SysctlKey, entry: &Entry, policy: &Policy) -> Option<Problem> {
    let word = policy.word();
    let set = matches!(entry.kind, ValueKind::Ports | ValueKind::Words);
    match policy {
        Policy::AtLeast(_) | Policy::AtMost(_) | Policy::Between(_, _) if entry.kind.arity().is_none() => {
            let help = set.then(|| format!("`includes` asks for members: {key} = {{ includes = [...] }}"));
            let message = format!("{key} takes {}, which {word} cannot compare", entry.kind.words());
            Some(Problem::error("wrong-type", message).with_help(help))
        }
        Policy::Includes(_) if !set => {
            Some(Problem::error("wrong-type", format!("{key} takes {}, not a list for {word}", entry.kind.words())))
        }
        Policy::OneOf(candidates) | Policy::Prefer(candidates) if candidates.is_empty() => {
            Some(Problem::error("wrong-type", format!("{key}: {word} names no candidate")))
        }
        Policy::Value(_)
        | Policy::AtLeast(_)
        | Policy::AtMost(_)
        | Policy::Between(_, _)
        | Policy::OneOf(_)
        | Policy::Prefer(_)
        | Policy::Includes(_) => None,
    }
}

fn wanted_problems(key: &SysctlKey, entry: &Entry, wanted: &Wanted) -> Vec<Problem> {
    let wrong_type = |message: String| vec![Problem::error("wrong-type", message)];
    let elements = match wanted {
        Wanted::One(scalar) => {
            return match parse_wanted(key, scalar) {
                Ok(value) => outside(key, entry, &value).into_iter().collect(),
                Err(message) => wrong_type(message),
            };
        }
        Wanted::Many(elements) => elements,
        Wanted::Tree(_) => return wrong_type("a sysctl is no tree".to_owned()),
    };
    if matches!(entry.kind, ValueKind::Ports | ValueKind::Words) {
        return elements.iter().flat_map(|element| member_problems(key, entry, element)).collect();
    }
    let Some(arity) = entry.kind.arity() else {
        return wrong_type(format!("{key} takes {}, not a list", entry.kind.words()));
    };
    if elements.len() != arity {
        return wrong_type(wrong_length(key, arity, elements.len()));
    }
    let mut problems = Vec::new();
    for element in elements {
        let Element::Is(scalar) = element else { continue };
        match number_of(scalar) {
            Some(number) => problems.extend(outside(key, entry, &Value::Int(number))),
            None => problems
                .extend(wrong_type(format!("{key}: an element is an integer or \"keep\", found {}", show(scalar)))),
        }
    }
    problems
}

fn member_problems(key: &SysctlKey, entry: &Entry, element: &Element) -> Vec<Problem> {
    match element {
        Element::Is(scalar) => wanted_problems(key, entry, &Wanted::One(scalar.clone())),
        Element::Keep => {
            let message = format!("{key} is a set, in which \"keep\" has no meaning");
            let help = "`includes` keeps what is there and adds members".to_owned();
            vec![Problem::error("wrong-type", message).with_help(Some(help))]
        }
    }
}

fn show(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => format!("`{}`", text.escape_debug()),
    }
}

/// A value that no listed kernel takes.
fn outside(key: &SysctlKey, entry: &Entry, value: &Value) -> Option<Problem> {
    let ranges: Vec<Range> = [entry.range_6_12, entry.range_7_2].into_iter().flatten().collect();
    let message = if entry.kind == ValueKind::Bool && !fits(Range { min: Some(0), max: Some(1) }, value) {
        format!("{key} takes 0 or 1, found {value}")
    } else if !ranges.is_empty() && ranges.iter().all(|range| !fits(*range, value)) {
        format!("{key} takes {}, found {value}", spell(&ranges))
    } else {
        return table_length(key, value);
    };
    Some(Problem::error("out-of-range", message))
}

/// The one key whose handler wants a power of two (net/core/sysctl_net_core.c flow_limit_table_len_sysctl).
fn table_length(key: &SysctlKey, value: &Value) -> Option<Problem> {
    let Value::Int(number) = value else { return None };
    let power = u64::try_from(*number).is_ok_and(u64::is_power_of_two);
    (key.name() == "flow_limit_table_len" && !power)
        .then(|| Problem::error("out-of-range", format!("{key} takes a power of two, found {number}")))
}

fn spell(ranges: &[Range]) -> String {
    let mut texts: Vec<String> = ranges.iter().map(Range::to_string).collect();
    texts.dedup();
    texts.join(" or ")
}

fn fits(range: Range, value: &Value) -> bool {
    match value {
        Value::Int(number) => range.contains(*number),
        Value::Ints(numbers) => numbers.iter().all(|number| range.contains(*number)),
        Value::Ports(ports) => {
            ports.ranges().iter().all(|(low, high)| range.contains(i64::from(*low)) && range.contains(i64::from(*high)))
        }
        Value::Words(_) | Value::Text(_) | Value::Switch { .. } | Value::Cpus(_) | Value::Tree(_) | Value::Secret => {
            true
        }
    }
}

/// Why this kernel refuses the value, if it surely does. Between 6.12 and 7.2 only what both refuse is sure: there the
/// kernel decides, and reading back tells.
pub fn check_for_kernel(key: &SysctlKey, value: &Value, (major, minor): (u32, u32)) -> Option<String> {
    let entry = catalogue::find(key)?;
    let ranges: Vec<Range> = if (major, minor) <= (6, 12) {
        entry.range_6_12.into_iter().collect()
    } else if (major, minor) >= (7, 2) {
        entry.range_7_2.into_iter().collect()
    } else {
        [entry.range_6_12, entry.range_7_2].into_iter().flatten().collect()
    };
    let refused = !ranges.is_empty() && ranges.iter().all(|range| !fits(*range, value));
    refused.then(|| format!("{key} takes {} on Linux {major}.{minor}, wanted {value}", spell(&ranges)))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
