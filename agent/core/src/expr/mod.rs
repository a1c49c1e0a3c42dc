//! Expressions: formulas over facts and parameters, in CEL.
//!
//! The text is CEL, parsed by the `cel` crate; the meaning is the part of CEL that a formula needs, evaluated here so
//! that three things hold which no general interpreter gives:
//! - whole numbers and doubles mix (`params.rtt * 2`), and whatever does not fit is an error, never a wrapped number;
//! - a fact that this host does not know is *unknown* rather than an error, and only if the formula really needs it:
//!   `known(a, b)` is `b` where `a` is unknown, `x ? a : b` needs the branch taken, `&&` and `||` what decides them;
//! - no text makes it panic, recurse deeply or run long: the limits are below.
//!
//! | written | means |
//! |---|---|
//! | `host.*`, `uplink.*`, `link.*` | facts, see [`crate::facts::KNOWN`]; bytes, bit/s and seconds as plain numbers |
//! | `params.*` | parameters that the profile declares |
//! | `+ - * / %` | arithmetic; `/` of two whole numbers is whole, as in CEL |
//! | `== != < <= > >=`, `&& \|\| !`, `x ? a : b` | as in CEL |
//! | `bdp(rate, rtt)` | bytes in flight on a path of `rate` bit/s and `rtt` seconds, rounded to whole bytes |
//! | `pow2(x)` | the least power of two that is `x` or more |
//! | `clamp(x, low, high)`, `min(a, b, …)`, `max(a, b, …)` | whole if all arguments are, else double |
//! | `known(a, b)` | `a`, or `b` where a fact that `a` needs is unknown |
//! | `int(x)`, `double(x)` | conversion; `int` cuts the fraction off |
//!
//! Limits, checked before the parser sees the text: [`LONGEST`] bytes of ASCII, [`DEEPEST`] levels of nesting,
//! [`MOST_OPERATORS`] operators and calls; no lists, maps, indexing, methods, comprehensions or string escapes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Scalar;

mod check;
mod evaluate;
mod functions;
mod lower;
mod number;
mod samples;
mod scan;

#[cfg(test)]
mod tests;

pub use samples::sample_hosts;
pub use scan::DEEPEST;
pub use scan::LONGEST;
pub use scan::MOST_OPERATORS;

/// Why a text is no expression, or why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong, lower case, naming wanted and found.
    pub message: String,
    /// The byte of the expression's text that it is about, if one can be blamed.
    pub offset: Option<usize>,
}

impl ExprError {
    fn at(offset: usize, message: impl Into<String>) -> ExprError {
        ExprError { message: message.into(), offset: Some(offset) }
    }
}

/// A checked formula. It holds no host and can be evaluated for any number of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: lower::Node,
    references: References,
}

/// The names that a formula mentions, in whatever branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Facts by full name, e.g. `uplink.speed`.
    pub facts: BTreeSet<&'static str>,
    /// Parameters without the `params.` in front.
    pub params: BTreeSet<String>,
}

impl References {
    /// Whether the value depends on the interface that the setting is about.
    pub fn needs_link(&self) -> bool {
        self.facts.iter().any(|name| name.starts_with("link."))
    }
}

/// What a formula is evaluated for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// What is known of the host.
    pub facts: &'a Facts,
    /// The interface that the setting is about, if it is about one: what `link.*` speaks of.
    pub link: Option<&'a str>,
    /// The declared parameters with their values.
    pub params: &'a BTreeMap<String, FactValue>,
}

/// The value of a formula on one host.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The value. A double is finite.
    Known(FactValue),
    /// It needs a fact that this host does not know.
    Unknown {
        /// The fact, e.g. `uplink.speed`.
        fact: String,
    },
}

/// Checks a text and makes it an expression.
///
/// # Errors
/// [`ExprError`] for a text past the limits, one that is no CEL, one with names or functions that do not exist, and
/// one that can have no value on any host because its types do not fit.
pub fn compile(text: &str) -> Result<Expression, ExprError> {
    scan::scan(text)?;
    let mut references = References::default();
    let root = lower::parse(text, &mut references)?;
    check::check(&root)?;
    Ok(Expression { text: text.to_owned(), root, references })
}

impl Expression {
    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names it mentions, taken branch or not.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// The value on one host. The same scope always gives the same outcome.
    ///
    /// # Errors
    /// [`ExprError`] for an undeclared parameter, `link.*` in a setting that is about no interface, operands of the
    /// wrong type, division by zero, and numbers past 64 bits.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Outcome, ExprError> {
        evaluate::evaluate(&self.root, scope)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The scalar that a setting takes from a value: booleans are 1 and 0, and a double must be whole.
///
/// # Errors
/// [`ExprError`] for a double with a fraction: whether to cut, to round up or to scale is the author's to say.
pub fn scalar(value: &FactValue) -> Result<Scalar, ExprError> {
    match value {
        FactValue::Bool(yes) => Ok(Scalar::Int(i64::from(*yes))),
        FactValue::Int(number) => Ok(Scalar::Int(*number)),
        FactValue::Text(text) => Ok(Scalar::Text(text.clone())),
        FactValue::Float(number) => match number::whole(*number) {
            Some(whole) if number.fract() == 0.0 => Ok(Scalar::Int(whole)),
            Some(_) => Err(ExprError {
                message: format!("the value {number} is no whole number: write `int(…)` to cut the fraction off"),
                offset: None,
            }),
            None => Err(ExprError { message: format!("the value {number} does not fit 64 bits"), offset: None }),
        },
    }
}
