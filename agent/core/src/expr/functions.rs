//! The functions of formulas.

use std::cmp::Ordering;

use super::number::Number;
use super::number::whole;

/// Every function there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Bdp,
    Pow2,
    Clamp,
    Min,
    Max,
    Known,
    Int,
    Double,
}

impl Function {
    pub(super) const ALL: &[Function] = &[
        Function::Bdp,
        Function::Pow2,
        Function::Clamp,
        Function::Min,
        Function::Max,
        Function::Known,
        Function::Int,
        Function::Double,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Function::Bdp => "bdp",
            Function::Pow2 => "pow2",
            Function::Clamp => "clamp",
            Function::Min => "min",
            Function::Max => "max",
            Function::Known => "known",
            Function::Int => "int",
            Function::Double => "double",
        }
    }

    pub(super) fn of(name: &str) -> Option<Function> {
        Function::ALL.iter().copied().find(|function| function.word() == name)
    }

    fn usage(self) -> &'static str {
        match self {
            Function::Bdp => "bdp(rate, rtt)",
            Function::Pow2 => "pow2(x)",
            Function::Clamp => "clamp(x, low, high)",
            Function::Min => "min(a, b, …)",
            Function::Max => "max(a, b, …)",
            Function::Known => "known(fact, otherwise)",
            Function::Int => "int(x)",
            Function::Double => "double(x)",
        }
    }

    /// Whether it can be called with so many arguments.
    pub(super) fn check_count(self, found: usize) -> Result<(), String> {
        let fits = match self {
            Function::Bdp | Function::Known => found == 2,
            Function::Pow2 | Function::Int | Function::Double => found == 1,
            Function::Clamp => found == 3,
            Function::Min | Function::Max => found >= 2,
        };
        if fits {
            Ok(())
        } else {
            let plural = if found == 1 { "" } else { "s" };
            Err(format!("`{}` has {found} argument{plural}: write `{}`", self.word(), self.usage()))
        }
    }

    /// The value for these arguments, all of which are numbers. `known` is no function of numbers: see `evaluate`.
    pub(super) fn apply(self, args: &[Number]) -> Result<Number, String> {
        match (self, args) {
            (Function::Bdp, [rate, rtt]) => bdp(*rate, *rtt),
            (Function::Pow2, [number]) => pow2(*number),
            (Function::Clamp, [number, low, high]) => clamp(*number, *low, *high),
            (Function::Min, numbers) => pick(numbers, Ordering::Less),
            (Function::Max, numbers) => pick(numbers, Ordering::Greater),
            (Function::Int, [number]) => int(*number),
            (Function::Double, [number]) => Ok(Number::Float(number.as_double())),
            (
                Function::Bdp | Function::Pow2 | Function::Clamp | Function::Known | Function::Int | Function::Double,
                _,
            ) => Err(format!("write `{}`", self.usage())),
        }
    }
}

fn int(number: Number) -> Result<Number, String> {
    match number {
        Number::Int(_) => Ok(number),
        Number::Float(double) => {
            whole(double).map(Number::Int).ok_or_else(|| format!("`int({double})` does not fit 64 bits"))
        }
    }
}

/// Bytes in flight on a path: rate / 8 * rtt. Rounded to the nearest byte, since a double of seconds such as 0.08 is
/// a hair off and a formula should not be.
fn bdp(rate: Number, rtt: Number) -> Result<Number, String> {
    let shown = || format!("`bdp({}, {})`", rate.value(), rtt.value());
    let (rate, rtt) = (rate.as_double(), rtt.as_double());
    if rate < 0.0 || rtt < 0.0 {
        return Err(format!("{}: neither a rate nor a round trip is negative", shown()));
    }
    whole((rate * rtt / 8.0).round()).map(Number::Int).ok_or_else(|| format!("{} does not fit 64 bits", shown()))
}

fn pow2(number: Number) -> Result<Number, String> {
    let ceiling = match number {
        Number::Int(int) => Some(int),
        Number::Float(double) => whole(double.ceil()),
    };
    ceiling
        .map(|int| u64::try_from(int).unwrap_or(0).max(1).next_power_of_two())
        .and_then(|power| i64::try_from(power).ok())
        .map(Number::Int)
        .ok_or_else(|| format!("`pow2({})` does not fit 64 bits", number.value()))
}

fn clamp(number: Number, low: Number, high: Number) -> Result<Number, String> {
    if low.compare(high) == Ordering::Greater {
        return Err(format!("`clamp`: the lower bound {} is above the upper bound {}", low.value(), high.value()));
    }
    let chosen = if number.compare(low) == Ordering::Less {
        low
    } else if number.compare(high) == Ordering::Greater {
        high
    } else {
        number
    };
    Ok(same_type(chosen, &[number, low, high]))
}

/// The least or the greatest.
fn pick(numbers: &[Number], wanted: Ordering) -> Result<Number, String> {
    let mut best: Option<Number> = None;
    for number in numbers {
        match best {
            Some(so_far) if number.compare(so_far) != wanted => {}
            Some(_) | None => best = Some(*number),
        }
    }
    let best = best.ok_or_else(|| "no argument to choose from".to_owned())?;
    Ok(same_type(best, numbers))
}

/// The choice, whole if all of them are: the type of a choice never depends on the values.
fn same_type(chosen: Number, among: &[Number]) -> Number {
    let all_whole = among.iter().all(|number| matches!(number, Number::Int(_)));
    if all_whole { chosen } else { Number::Float(chosen.as_double()) }
}
