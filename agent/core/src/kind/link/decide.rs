//! Whether a policy holds for a value of a link, and what to write if it does not.

use crate::address::Address;
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
    decision(key, policy, current, world).unwrap_or_else(Decision::Blocked)
}

fn decision(key: &LinkKey, policy: &Policy, current: &Value, world: &World) -> Result<Decision, String> {
    let value = |wanted: &Wanted| value(key, wanted, current, world);
    let holds = |value: &Value| super::rules::holds(key, value, current, world.facts);
    let number = |wanted: &Wanted| {
        let value = value(wanted)?;
        value.as_int().ok_or_else(|| format!("a bound must be a number, found {value}"))
    };
    let live = current.as_int().ok_or_else(|| format!("a bound needs a number, found {current}"));
    let clamped = |low: i64, high: i64| {
        let to = Value::Int(live.clone()?.clamp(low, high.max(low)));
        Ok(if holds(&to) { Decision::Satisfied } else { Decision::Write(to) })
    };
    match policy {
        Policy::Value(wanted) => {
            let to = value(wanted)?;
            Ok(if holds(&to) { Decision::Satisfied } else { Decision::Write(to) })
        }
        Policy::AtLeast(wanted) => clamped(number(wanted)?, i64::MAX),
        Policy::AtMost(wanted) => clamped(i64::MIN, number(wanted)?),
        Policy::Between(low, high) => {
            let (low, high) = (number(low)?, number(high)?);
            if low > high { Err(format!("between {low} and {high} lies nothing")) } else { clamped(low, high) }
        }
        Policy::OneOf(candidates) | Policy::Prefer(candidates) => {
            let values = candidates.iter().map(value).collect::<Result<Vec<Value>, String>>()?;
            let any = matches!(policy, Policy::OneOf(_)) && values.iter().any(holds);
            match values.into_iter().next() {
                Some(first) if !any && !holds(&first) => Ok(Decision::Write(first)),
                Some(_) => Ok(Decision::Satisfied),
                None => Err("there is nothing to choose from".to_owned()),
            }
        }
        Policy::Includes(_) => Err("`includes` is for lists".to_owned()),
    }
}

/// The value that is wanted, in the shape of the live one.
fn value(key: &LinkKey, wanted: &Wanted, current: &Value, world: &World) -> Result<Value, String> {
    let Wanted::One(scalar) = wanted else { return Err(format!("{}: one value is wanted", key.attribute())) };
    match (current, scalar) {
        (Value::Switch { .. }, scalar) => on(scalar).map(Value::switch),
        (Value::Cpus(_), scalar) => cpus(scalar, world).map(Value::Cpus),
        (_, Scalar::Int(number)) => Ok(Value::Int(*number)),
        (_, Scalar::Text(text)) if text == MAX => {
            let limit = super::limit(key.attribute()).map(|limit| Address::link(key.with(limit)));
            match limit.and_then(|limit| world.likely(&limit).cloned()) {
                Some(Value::Int(most)) if most > 0 => Ok(Value::Int(most)),
                Some(_) | None => Err(format!("{} does not tell the most it takes", key.interface())),
            }
        }
        (_, Scalar::Text(text)) => {
            text.trim().parse().map(Value::Int).map_err(|_| format!("`{}` is no number", text.escape_debug()))
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
            let last = u16::try_from(count - 1).map_err(|_| format!("{count} CPUs"))?;
            Ok(Ports::from_ranges([(0, last)]))
        }
        list => Ports::parse(list).map_err(|part| format!("`{}` is no CPU", part.escape_debug())),
    }
}
