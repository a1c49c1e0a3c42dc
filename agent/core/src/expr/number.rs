//! Numbers of formulas: whole ones of 64 bits and finite doubles, which mix. What does not fit is an error.

use std::cmp::Ordering;

use super::lower::Operator;
use crate::facts::FactValue;

/// A number. A double here is always finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// 2^63, the first double past the whole numbers.
const PAST: f64 = 9_223_372_036_854_775_808.0;

/// The whole part of a double, if 64 bits hold it.
pub(super) fn whole(number: f64) -> Option<i64> {
    let cut = number.trunc();
    // The comparison refuses NaN too; -2^63 itself is a whole number of 64 bits.
    if (-PAST..PAST).contains(&cut) { Some(cut as i64) } else { None }
}

impl Number {
    /// A finite double, or the reason why it is none.
    pub(super) fn finite(number: f64, what: &str) -> Result<Number, String> {
        if number.is_finite() { Ok(Number::Float(number)) } else { Err(format!("{what} does not fit a double")) }
    }

    pub(super) fn as_double(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    pub(super) fn value(self) -> FactValue {
        match self {
            Number::Int(number) => FactValue::Int(number),
            Number::Float(number) => FactValue::Float(number),
        }
    }

    pub(super) fn negate(self) -> Result<Number, String> {
        match self {
            Number::Int(number) => number.checked_neg().map(Number::Int).ok_or_else(|| overflow(&format!("-{number}"))),
            Number::Float(number) => Ok(Number::Float(-number)),
        }
    }

    pub(super) fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Int(_) | Number::Float(_), Number::Int(_) | Number::Float(_)) => {
                let (a, b) = (self.as_double(), other.as_double());
                // Finite doubles always compare; -0.0 and 0.0 are equal.
                a.partial_cmp(&b).unwrap_or(Ordering::Equal)
            }
        }
    }

    /// The result of arithmetic; for a comparison, nothing.
    pub(super) fn arithmetic(self, operator: Operator, other: Number) -> Result<Option<Number>, String> {
        let shown = || format!("{} {} {}", self.value(), operator.word(), other.value());
        let by_zero = matches!(operator, Operator::Divide | Operator::Remainder) && other.as_double() == 0.0;
        if by_zero {
            return Err(format!("`{}` divides by zero", shown()));
        }
        if let (Number::Int(a), Number::Int(b)) = (self, other) {
            let result = match operator {
                Operator::Add => a.checked_add(b),
                Operator::Subtract => a.checked_sub(b),
                Operator::Multiply => a.checked_mul(b),
                Operator::Divide => a.checked_div(b),
                Operator::Remainder => a.checked_rem(b),
                Operator::Equal
                | Operator::NotEqual
                | Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual => return Ok(None),
            };
            return result.map(|number| Some(Number::Int(number))).ok_or_else(|| overflow(&shown()));
        }
        let (a, b) = (self.as_double(), other.as_double());
        let result = match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            Operator::Remainder => a % b,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => return Ok(None),
        };
        Number::finite(result, &format!("`{}`", shown())).map(Some)
    }
}

fn overflow(shown: &str) -> String {
    format!("`{shown}` does not fit 64 bits")
}
