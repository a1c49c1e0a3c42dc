//! Writes that came to nothing: attempted, or undone before anybody looked.

use super::What;
use super::Writer;
use crate::address::Address;
use crate::facts::Facts;
use crate::kind::rules_of;
use crate::observed::Observed;
use crate::observed::Reading;
use crate::value::Value;

/// A write that came to nothing: the address holds what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Where.
    pub address: Address,
    /// [`What::Attempted`] or [`What::Transient`].
    pub what: What,
    /// What it holds.
    pub found: Value,
    /// What was written, as it was written, where that may be known.
    pub wrote: Option<String>,
    /// Who wrote last.
    pub writer: Writer,
}

impl Attempt {
    /// What writes to an address came to that is at `found` behind them; nothing if nobody wanted anything else. `wrote` are
    /// the texts that were written, in their order.
    pub fn of(address: &Address, wrote: &[String], found: &Value, writer: &Writer, facts: &Facts) -> Option<Attempt> {
        let other = |text: &&String| value(address, text, facts).as_ref() != Some(found);
        let first_other = wrote.iter().find(other)?;
        let last_other = wrote.last().filter(other);
        Some(Attempt {
            address: address.clone(),
            what: if last_other.is_some() { What::Attempted } else { What::Transient },
            found: found.clone(),
            wrote: Some(last_other.unwrap_or(first_other).clone()),
            writer: writer.clone(),
        })
    }
}

/// The value that a text stands for, if it stands for any.
fn value(address: &Address, text: &str, facts: &Facts) -> Option<Value> {
    let text = integer(text.trim()).map_or_else(|| text.trim().to_owned(), |number| number.to_string());
    let reading = Reading::Text { text, writable: true };
    match rules_of(address).observe(address, &reading, facts) {
        Observed::Value { value, .. } => Some(value),
        Observed::Absent
        | Observed::Unsupported
        | Observed::Denied
        | Observed::WriteOnly
        | Observed::Withheld
        | Observed::Failed { .. } => None,
    }
}

/// A number as the kernel reads it, which takes other bases than it shows (lib/vsprintf.c `simple_strtoul` with base 0).
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let number = if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(digits, 16)
    } else if let Some(digits) = digits.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    number.ok().and_then(|number| number.checked_mul(sign))
}
