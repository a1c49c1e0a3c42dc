//! Policies against live values: is it good enough, and if not, what to write.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Entry;
use crate::catalogue::ValueKind;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;
use crate::value::Value;

use super::canonical::number_of;
use super::canonical::parse_wanted;
use super::canonical::words;
use super::canonical::wrong_length;
use super::stored::equivalent;

/// What a policy makes of a live value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Good enough: nothing is written.
    Satisfied,
    /// Write this.
    Write(Value),
    /// None of the candidates is to be had on this kernel.
    Unavailable {
        /// The candidates as written.
        candidates: Vec<String>,
        /// Why not, in words.
        why: String,
    },
    /// The policy depends on the live value, which could not be read.
    NeedsCurrent,
    /// The policy makes no sense for this key.
    Invalid(String),
}

/// What a decision depends on besides the key, the policy and the live value.
#[derive(Debug, Clone, Copy)]
pub struct DecideContext<'a> {
    /// The host. `host.hz`, `host.page_size`, `host.initial_netns` and `module.NAME` (whether the module NAME is loaded,
    /// built in, or on disk for this kernel) are used where known.
    pub facts: &'a Facts,
    /// Major and minor release, where known.
    pub kernel_version: Option<(u32, u32)>,
    /// What the key of [`availability_key`] lists, where it could be read.
    pub available: Option<&'a [String]>,
}

/// Whether this kernel has an algorithm or a discipline of some name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Availability {
    /// It lists it, or its module is there to be loaded.
    Listed,
    /// It does not list it, but might load it when asked: nobody looked for its module.
    Maybe,
    /// It refuses it.
    No,
}

/// The key that lists what may be written to `key`, if the kernel has one.
///
/// In the initial namespace these are all loaded algorithms. Elsewhere only the allowed ones can be made the default:
/// the others are refused with EPERM (net/ipv4/tcp_cong.c `tcp_set_default_congestion_control`).
pub fn availability_key(key: &SysctlKey, facts: &Facts) -> Option<SysctlKey> {
    // Nearly every key ends here, and every decision asks.
    if !["tcp_congestion_control", "tcp_allowed_congestion_control", "scheduler", "path_manager"].contains(&key.name())
    {
        return None;
    }
    let list = match key.to_string().as_str() {
        "net.ipv4.tcp_congestion_control" if is_initial(facts) => "net.ipv4.tcp_available_congestion_control",
        "net.ipv4.tcp_congestion_control" => "net.ipv4.tcp_allowed_congestion_control",
        "net.ipv4.tcp_allowed_congestion_control" => "net.ipv4.tcp_available_congestion_control",
        "net.mptcp.scheduler" => "net.mptcp.available_schedulers",
        "net.mptcp.path_manager" => "net.mptcp.available_path_managers",
        _ => return None,
    };
    list.parse().ok()
}

/// The initial namespace unless the facts say otherwise.
fn is_initial(facts: &Facts) -> bool {
    !matches!(facts.get("host.initial_netns"), Some(FactValue::Bool(false)))
}

/// Whether this kernel has `name` for `key`.
pub fn availability(key: &SysctlKey, name: &str, current: Option<&Value>, ctx: &DecideContext<'_>) -> Availability {
    let spelled = key.to_string();
    let prefix = match spelled.as_str() {
        "net.ipv4.tcp_congestion_control" => "tcp_",
        "net.core.default_qdisc" => "sch_",
        "net.mptcp.scheduler" | "net.mptcp.path_manager" => "",
        // Nothing is known to be missing of what is no name of an algorithm.
        _ => return Availability::Listed,
    };
    let in_force = matches!(current, Some(Value::Text(text)) if text == name);
    if in_force
        || (prefix == "sch_" && BUILT_IN_QDISCS.contains(&name))
        || ctx.available.is_some_and(|list| list.iter().any(|known| known == name))
    {
        return Availability::Listed;
    }
    let loadable = prefix == "sch_" || (prefix == "tcp_" && is_initial(ctx.facts));
    if !loadable {
        return if ctx.available.is_some() { Availability::No } else { Availability::Maybe };
    }
    match ctx.facts.get(&format!("module.{prefix}{name}")) {
        Some(FactValue::Bool(true)) => Availability::Listed,
        Some(FactValue::Bool(false)) => Availability::No,
        Some(FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_)) | None => Availability::Maybe,
    }
}

/// Disciplines that come with the scheduler itself and are no modules (net/sched/sch_generic.c, sch_fifo.c).
const BUILT_IN_QDISCS: &[&str] = &["pfifo_fast", "pfifo", "bfifo", "noqueue"];

/// What the policy makes of the live value.
///
/// A floor never lowers, a ceiling never raises, `keep` writes back what is there, and a value that the kernel would
/// round to the live one is satisfied.
pub fn decide(key: &SysctlKey, policy: &Policy, current: Option<&Value>, ctx: &DecideContext<'_>) -> Decision {
    if catalogue::is_secret(key) || current == Some(&Value::Secret) {
        return Decision::Invalid(format!("{key} is a secret and is never set by a profile"));
    }
    let case = Case { key, entry: catalogue::find(key), current, ctx };
    match policy {
        Policy::Value(wanted) => case.exactly(wanted),
        Policy::AtLeast(floor) => case.bounded(Some(floor), None),
        Policy::AtMost(ceiling) => case.bounded(None, Some(ceiling)),
        Policy::Between(floor, ceiling) => case.bounded(Some(floor), Some(ceiling)),
        Policy::OneOf(candidates) => case.one_of(candidates),
        Policy::Prefer(candidates) => case.prefer(candidates),
        Policy::Includes(members) => case.includes(members),
    }
}

/// One key, its live value and its host.
struct Case<'a> {
    key: &'a SysctlKey,
    entry: Option<&'static Entry>,
    current: Option<&'a Value>,
    ctx: &'a DecideContext<'a>,
}

/// Why a wanted value could not be made whole.
enum Unresolved {
    NeedsCurrent,
    Invalid(String),
}

impl From<Unresolved> for Decision {
    fn from(unresolved: Unresolved) -> Decision {
        match unresolved {
            Unresolved::NeedsCurrent => Decision::NeedsCurrent,
            Unresolved::Invalid(why) => Decision::Invalid(why),
        }
    }
}

impl Case<'_> {
    fn exactly(&self, wanted: &Wanted) -> Decision {
        match self.resolve(wanted) {
            Ok(value) if self.in_force(&value) => Decision::Satisfied,
            // An attempt that is known to fail would undo the whole apply.
            Ok(Value::Text(name)) if self.lacks(&name) => self.unavailable(std::slice::from_ref(wanted)),
            Ok(value) => Decision::Write(value),
            Err(unresolved) => unresolved.into(),
        }
    }

    fn lacks(&self, name: &str) -> bool {
        availability(self.key, name, self.current, self.ctx) == Availability::No
    }

    fn in_force(&self, value: &Value) -> bool {
        self.current.is_some_and(|current| equivalent(self.key, value, current, self.ctx.facts))
    }

    /// The wanted value made whole: elements to keep come from the live one.
    fn resolve(&self, wanted: &Wanted) -> Result<Value, Unresolved> {
        let elements = match wanted {
            Wanted::One(scalar) => return parse_wanted(self.key, scalar).map_err(Unresolved::Invalid),
            Wanted::Many(elements) => elements,
            Wanted::Tree(_) => return Err(self.invalid("it is no tree")),
        };
        match self.entry.map(|entry| entry.kind) {
            Some(ValueKind::Ports | ValueKind::Words) => self.members(elements.iter()),
            None if elements.iter().any(is_word) => self.sentence(elements),
            Some(
                ValueKind::Int
                | ValueKind::Bool
                | ValueKind::Jiffies
                | ValueKind::Ms
                | ValueKind::UserHz
                | ValueKind::Vector(_)
                | ValueKind::UlongVector(_)
                | ValueKind::Word
                | ValueKind::CpuMask
                | ValueKind::Text
                | ValueKind::Secret
                | ValueKind::Action,
            )
            | None => {
                let bounds = self.numbers(wanted)?;
                let live = self.live_numbers();
                let whole: Option<Vec<i64>> = bounds
                    .iter()
                    .enumerate()
                    .map(|(index, bound)| bound.or_else(|| live.and_then(|live| live.get(index)).copied()))
                    .collect();
                whole.map(|numbers| self.shape(numbers)).ok_or(Unresolved::NeedsCurrent)
            }
        }
    }

    /// An array of names for a key that nobody described: one text.
    fn sentence(&self, elements: &[Element]) -> Result<Value, Unresolved> {
        let mut texts = Vec::new();
        for element in elements {
            match element {
                Element::Keep => return Err(self.invalid("\"keep\" stands for a number")),
                Element::Is(Scalar::Int(number)) => texts.push(number.to_string()),
                Element::Is(Scalar::Text(text)) => texts.push(text.clone()),
            }
        }
        Ok(Value::Text(super::canonical::fold(&texts.join(" "))))
    }

    /// An array of members for a key that holds a set.
    fn members<'e, I: Iterator<Item = &'e Element>>(&self, elements: I) -> Result<Value, Unresolved> {
        let mut ports = Ports::default();
        let mut names = Vec::new();
        for element in elements {
            let Element::Is(scalar) = element else {
                return Err(self.invalid("\"keep\" has no meaning in a set; use includes"));
            };
            match parse_wanted(self.key, scalar).map_err(Unresolved::Invalid)? {
                Value::Ports(more) => ports = ports.union(&more),
                Value::Words(more) => names.extend(more),
                Value::Int(_)
                | Value::Ints(_)
                | Value::Text(_)
                | Value::Switch { .. }
                | Value::Cpus(_)
                | Value::Tree(_)
                | Value::Secret => {
                    return Err(self.invalid("a set holds ports or names"));
                }
            }
        }
        match self.entry.map(|entry| entry.kind) {
            Some(ValueKind::Ports) => Ok(Value::Ports(ports)),
            _ => Ok(words(names)),
        }
    }

    /// The elements as numbers, none where one is to be kept; as many as the key has.
    fn numbers(&self, wanted: &Wanted) -> Result<Vec<Option<i64>>, Unresolved> {
        let elements = match wanted {
            Wanted::One(scalar) => match parse_wanted(self.key, scalar).map_err(Unresolved::Invalid)? {
                Value::Int(number) => return Ok(vec![Some(number)]),
                Value::Ints(numbers) => return Ok(numbers.into_iter().map(Some).collect()),
                Value::Text(text) if self.entry.is_none() => {
                    let numbers = super::number::all(&text, super::number::base0);
                    return numbers
                        .map(|numbers| numbers.into_iter().map(Some).collect())
                        .ok_or_else(|| self.invalid("a bound must be a number"));
                }
                Value::Text(_)
                | Value::Ports(_)
                | Value::Words(_)
                | Value::Switch { .. }
                | Value::Cpus(_)
                | Value::Tree(_)
                | Value::Secret => {
                    return Err(self.invalid("a bound must be a number"));
                }
            },
            Wanted::Many(elements) => elements,
            Wanted::Tree(_) => return Err(self.invalid("it is no tree")),
        };
        let arity = match self.entry.map(|entry| entry.kind.arity()) {
            Some(Some(arity)) => arity,
            Some(None) => return Err(self.invalid("it holds no numbers")),
            None => self.live_numbers().map_or(elements.len(), <[i64]>::len),
        };
        if elements.len() != arity {
            return Err(Unresolved::Invalid(wrong_length(self.key, arity, elements.len())));
        }
        elements
            .iter()
            .map(|element| match element {
                Element::Keep => Ok(None),
                Element::Is(scalar) => {
                    number_of(scalar).map(Some).ok_or_else(|| self.invalid("an element must be a number or \"keep\""))
                }
            })
            .collect()
    }

    fn live_numbers(&self) -> Option<&[i64]> {
        self.current?.as_ints()
    }

    fn shape(&self, numbers: Vec<i64>) -> Value {
        let scalar = match self.entry {
            Some(entry) => entry.kind.arity() == Some(1),
            None => numbers.len() == 1,
        };
        match numbers.as_slice() {
            [number] if scalar => Value::Int(*number),
            _ => Value::Ints(numbers),
        }
    }

    fn bounded(&self, floor: Option<&Wanted>, ceiling: Option<&Wanted>) -> Decision {
        self.bounded_or(floor, ceiling).unwrap_or_else(Decision::from)
    }

    fn bounded_or(&self, floor: Option<&Wanted>, ceiling: Option<&Wanted>) -> Result<Decision, Unresolved> {
        let floor = floor.map(|wanted| self.numbers(wanted)).transpose()?;
        let ceiling = ceiling.map(|wanted| self.numbers(wanted)).transpose()?;
        let bound =
            |side: &Option<Vec<Option<i64>>>, index: usize| side.as_ref().and_then(|s| s.get(index)).copied()?;
        let length = floor.as_ref().or(ceiling.as_ref()).map_or(0, Vec::len);
        if floor.as_ref().zip(ceiling.as_ref()).is_some_and(|(floor, ceiling)| floor.len() != ceiling.len()) {
            return Err(self.invalid("both bounds must have as many elements"));
        }
        for index in 0..length {
            if let (Some(low), Some(high)) = (bound(&floor, index), bound(&ceiling, index))
                && self.rank(low) > self.rank(high)
            {
                return Err(self.invalid(&format!("between {low} and {high} lies nothing")));
            }
        }
        let Some(current) = self.current else { return Err(Unresolved::NeedsCurrent) };
        let Some(live) = self.live_numbers() else {
            return Err(self.invalid(&format!("a bound needs a number, found `{current}`")));
        };
        if live.len() != length {
            return Err(Unresolved::Invalid(wrong_length(self.key, live.len(), length)));
        }
        let mut target = live.to_vec();
        for (index, number) in target.iter_mut().enumerate() {
            if let Some(low) = bound(&floor, index)
                && self.rank(*number) < self.rank(low)
            {
                *number = low;
            }
            if let Some(high) = bound(&ceiling, index)
                && self.rank(*number) > self.rank(high)
            {
                *number = high;
            }
        }
        let target = if target == live { return Ok(Decision::Satisfied) } else { self.shape(target) };
        Ok(if self.in_force(&target) { Decision::Satisfied } else { Decision::Write(target) })
    }

    /// How much a number allows: no limit is more than any limit.
    fn rank(&self, number: i64) -> i64 {
        let unlimited = number == 0 && self.entry.is_some_and(|entry| entry.zero_is_unlimited);
        if unlimited { i64::MAX } else { number }
    }

    fn one_of(&self, candidates: &[Wanted]) -> Decision {
        for candidate in candidates {
            match self.resolve(candidate) {
                Ok(value) if self.in_force(&value) => return Decision::Satisfied,
                Ok(_) => {}
                Err(unresolved) => return unresolved.into(),
            }
        }
        self.prefer(candidates)
    }

    fn prefer(&self, candidates: &[Wanted]) -> Decision {
        let mut possible = None;
        for candidate in candidates {
            let value = match self.resolve(candidate) {
                Ok(value) => value,
                Err(unresolved) => return unresolved.into(),
            };
            match self.has(&value) {
                Availability::Listed if self.in_force(&value) => return Decision::Satisfied,
                Availability::Listed => return Decision::Write(value),
                // What is only possible must not push out what is certain: an attempt that fails undoes the whole apply.
                Availability::Maybe => possible = possible.or(Some(value)),
                Availability::No => {}
            }
        }
        match possible {
            Some(value) => Decision::Write(value),
            None => self.unavailable(candidates),
        }
    }

    fn has(&self, value: &Value) -> Availability {
        let listed = match value {
            Value::Text(name) => availability(self.key, name, self.current, self.ctx),
            Value::Words(names) => match self.ctx.available {
                Some(list) if names.iter().any(|name| !list.contains(name)) => Availability::Maybe,
                Some(_) | None => Availability::Listed,
            },
            Value::Int(_)
            | Value::Ints(_)
            | Value::Ports(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Tree(_)
            | Value::Secret => Availability::Listed,
        };
        let refused = self
            .ctx
            .kernel_version
            .is_some_and(|version| super::check::check_for_kernel(self.key, value, version).is_some());
        if refused { Availability::No } else { listed }
    }

    fn unavailable(&self, candidates: &[Wanted]) -> Decision {
        let names: Vec<String> = candidates.iter().map(shown).collect();
        let why = match self.ctx.available {
            Some(list) => format!("this kernel has {}", list.join(" ")),
            None => "this kernel has none of them".to_owned(),
        };
        Decision::Unavailable { candidates: names, why }
    }

    fn includes(&self, members: &[Scalar]) -> Decision {
        self.includes_or(members).unwrap_or_else(Decision::from)
    }

    fn includes_or(&self, members: &[Scalar]) -> Result<Decision, Unresolved> {
        let set = matches!(self.entry.map(|entry| entry.kind), Some(ValueKind::Ports | ValueKind::Words));
        if !set {
            return Err(self.invalid("includes is for lists: ports and names"));
        }
        let elements: Vec<Element> = members.iter().cloned().map(Element::Is).collect();
        let wanted = self.members(elements.iter())?;
        let whole = match (self.current, wanted) {
            (None, _) => return Err(Unresolved::NeedsCurrent),
            (Some(Value::Ports(live)), Value::Ports(more)) if live.contains_all(&more) => {
                return Ok(Decision::Satisfied);
            }
            (Some(Value::Ports(live)), Value::Ports(more)) => Value::Ports(live.union(&more)),
            (Some(Value::Words(live)), Value::Words(more)) if more.iter().all(|name| live.contains(name)) => {
                return Ok(Decision::Satisfied);
            }
            (Some(Value::Words(live)), Value::Words(more)) => words(live.iter().cloned().chain(more)),
            (Some(found), _) => return Err(self.invalid(&format!("includes needs a list, found `{found}`"))),
        };
        Ok(Decision::Write(whole))
    }

    fn invalid(&self, why: &str) -> Unresolved {
        Unresolved::Invalid(format!("{}: {why}", self.key))
    }
}

fn is_word(element: &Element) -> bool {
    matches!(element, Element::Is(scalar) if number_of(scalar).is_none())
}

fn shown(wanted: &Wanted) -> String {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => text.clone(),
    };
    match wanted {
        Wanted::One(one) => scalar(one),
        Wanted::Many(elements) => {
            let texts: Vec<String> = elements
                .iter()
                .map(|element| match element {
                    Element::Keep => "keep".to_owned(),
                    Element::Is(one) => scalar(one),
                })
                .collect();
            texts.join(" ")
        }
        Wanted::Tree(tree) => tree.to_string(),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
