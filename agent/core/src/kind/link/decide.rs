//! Whether a policy holds for a value of a link, and what to write if it does not.
//!
//! What a driver would round to the live value is satisfied: a second apply would find the same again.

use super::limit;
use super::refusal;
use super::same::satisfies;
use crate::address::LinkKey;
use crate::kind::Decision;
use crate::kind::World;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;
use crate::value::Value;

/// The word for whatever the device allows at most.
const MAX: &str = "max";

/// See [`crate::kind::Rules::decide`].
pub fn decide(key: &LinkKey, policy: &Policy, current: &Value, world: &World) -> Decision {
    Case { key, current, world }.decide(policy).unwrap_or_else(Decision::Blocked)
}

/// One value, what it is now, and the world around it.
struct Case<'a> {
    key: &'a LinkKey,
    current: &'a Value,
    world: &'a World<'a>,
}

impl Case<'_> {
    fn decide(&self, policy: &Policy) -> Result<Decision, String> {
        match policy {
            Policy::Value(wanted) => Ok(self.reach(self.value(wanted)?)),
            Policy::AtLeast(floor) => self.clamped(Some(floor), None),
            Policy::AtMost(ceiling) => self.clamped(None, Some(ceiling)),
            Policy::Between(floor, ceiling) => self.clamped(Some(floor), Some(ceiling)),
            Policy::OneOf(candidates) => {
                let values = self.values(candidates)?;
                if values.iter().any(|value| self.holds(value)) {
                    return Ok(Decision::Satisfied);
                }
                self.first_possible(values)
            }
            Policy::Prefer(candidates) => self.first_possible(self.values(candidates)?),
            Policy::Includes(members) => self.including(members),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        satisfies(self.key, value, self.current, self.world.facts)
    }

    fn reach(&self, to: Value) -> Decision {
        if self.holds(&to) { Decision::Satisfied } else { Decision::Write(to) }
    }

    fn values(&self, candidates: &[Wanted]) -> Result<Vec<Value>, String> {
        candidates.iter().map(|candidate| self.value(candidate)).collect()
    }

    /// The first that the device takes.
    fn first_possible(&self, values: Vec<Value>) -> Result<Decision, String> {
        let mut why = "there is nothing to choose from".to_owned();
        for value in values {
            if self.holds(&value) {
                return Ok(Decision::Satisfied);
            }
            match refusal::refusal(self.key, &value, self.world) {
                None => return Ok(Decision::Write(value)),
                Some(refused) => why = format!("none of them can be had: {value} because {refused}"),
            }
        }
        Err(why)
    }

    fn clamped(&self, floor: Option<&Wanted>, ceiling: Option<&Wanted>) -> Result<Decision, String> {
        let live = self.current.as_int().ok_or_else(|| format!("a bound needs a number, found {}", self.current))?;
        let bound = |wanted: Option<&Wanted>| wanted.map(|wanted| self.number(wanted)).transpose();
        let (low, high) = (bound(floor)?, bound(ceiling)?);
        if let (Some(low), Some(high)) = (low, high)
            && low > high
        {
            return Err(format!("between {low} and {high} lies nothing"));
        }
        let to = live.max(low.unwrap_or(i64::MIN)).min(high.unwrap_or(i64::MAX));
        Ok(if to == live { Decision::Satisfied } else { self.reach(Value::Int(to)) })
    }

    fn number(&self, wanted: &Wanted) -> Result<i64, String> {
        let value = self.value(wanted)?;
        value.as_int().ok_or_else(|| format!("a bound must be a number, found {value}"))
    }

    fn including(&self, members: &[Scalar]) -> Result<Decision, String> {
        let Value::Cpus(live) = self.current else {
            return Err(format!("includes is for sets of CPUs, found {}", self.current));
        };
        let mut whole = live.clone();
        for member in members {
            whole = whole.union(&cpus(member, self.world)?);
        }
        Ok(if whole == *live { Decision::Satisfied } else { Decision::Write(Value::Cpus(whole)) })
    }

    /// The value that is wanted, in the shape of the live one.
    fn value(&self, wanted: &Wanted) -> Result<Value, String> {
        let Wanted::One(scalar) = wanted else { return Err("one value is wanted, not a list".to_owned()) };
        match self.current {
            Value::Switch { .. } => on(scalar).map(Value::switch),
            Value::Cpus(_) => cpus(scalar, self.world).map(Value::Cpus),
            Value::Int(_)
            | Value::Ints(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Tree(_)
            | Value::Secret => self.int(scalar).map(Value::Int),
        }
    }

    fn int(&self, scalar: &Scalar) -> Result<i64, String> {
        match scalar {
            Scalar::Int(number) => Ok(*number),
            Scalar::Text(text) if text == MAX => limit::most(self.key, self.world)
                .ok_or_else(|| format!("{} does not tell the most it takes", self.key.interface())),
            Scalar::Text(text) => {
                text.trim().parse().map_err(|_| format!("it is a number, not `{}`", text.escape_debug()))
            }
        }
    }
}

fn on(scalar: &Scalar) -> Result<bool, String> {
    match scalar {
        Scalar::Int(0) => Ok(false),
        Scalar::Int(1) => Ok(true),
        Scalar::Text(text) if text == "off" => Ok(false),
        Scalar::Text(text) if text == "on" => Ok(true),
        Scalar::Int(other) => Err(format!("it is on or off, not {other}")),
        Scalar::Text(other) => Err(format!("it is on or off, not `{}`", other.escape_debug())),
    }
}

/// `0-3,8`, `all` or `none`.
fn cpus(scalar: &Scalar, world: &World) -> Result<Ports, String> {
    let text = match scalar {
        Scalar::Int(one) => one.to_string(),
        Scalar::Text(text) => text.trim().to_owned(),
    };
    match text.as_str() {
        "none" => Ok(Ports::default()),
        "all" => {
            let count = world.facts.int("host.cpus").ok_or("the number of CPUs is not known")?;
            let last = count.checked_sub(1).and_then(|last| u16::try_from(last).ok());
            last.map(|last| Ports::from_ranges([(0, last)])).ok_or_else(|| format!("a host of {count} CPUs"))
        }
        list => Ports::parse(list).map_err(|part| format!("`{}` is no CPU", part.escape_debug())),
    }
}
