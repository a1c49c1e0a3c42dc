//! Quantities with units, as tc(8) and people write them.
//!
//! A quantity becomes a plain number: bytes and bit/s as whole numbers, seconds with a fraction. The units are those of
//! tc(8) ("PARAMETERS: RATES, TIMES, SIZES"), so that a rate in a profile means what it means on a tc command line:
//!
//! | written | means |
//! |---|---|
//! | `bit` `kbit` `mbit` `gbit` `tbit` (also `…/s`) | bit/s, steps of 1000 |
//! | `kibit` `mibit` `gibit` `tibit` (also `…/s`) | bit/s, steps of 1024 |
//! | `bps` `kbps` `mbps` `gbps` `tbps` | **bytes** a second, steps of 1000; the result is bit/s |
//! | `kibps` `mibps` `gibps` `tibps` | **bytes** a second, steps of 1024; the result is bit/s |
//! | `b` `k` `kb` `kib` `mb` `mib` `gb` `gib` `tb` `tib` | bytes, steps of 1024 throughout |
//! | `ns` `us` `ms` `s` `min` (`m`) `h` `d` | seconds |
//!
//! Case does not count, blanks may stand before the unit, and a number without a unit is that number. It never guesses:
//! a lone `g` or `t` is refused, and `m` is minutes, as everywhere else in trimtab.

use thiserror::Error;

use crate::diagnostic::suggest;
use crate::facts::FactValue;
use crate::facts::Unit;

/// Why a text is no quantity. Each variant carries what was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// It does not begin with a digit.
    #[error("`{0}` does not begin with a number")]
    NoNumber(String),
    /// Below zero: no size, rate or time is.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Two points, or a point without digits.
    #[error("`{0}` is no number")]
    BadNumber(String),
    /// More places than a quantity needs.
    #[error("`{0}` has more than 9 digits behind the point")]
    TooFine(String),
    /// The unit is not known.
    #[error("unknown unit `{unit}` in `{text}`{}", hint.as_ref().map(|unit| format!(": did you mean `{unit}`?")).unwrap_or_default())]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// What stands behind the number.
        unit: String,
        /// The nearest unit there is.
        hint: Option<&'static str>,
    },
    /// More than 2^63 - 1 bytes or bit/s.
    #[error("`{0}` is more than a whole number of 64 bits holds")]
    Overflow(String),
}

/// What the digits in front of a unit are to be multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// Bytes or bit/s, a whole number of them.
    Whole(i128),
    /// Seconds, as numerator and denominator.
    Seconds(i128, i128),
}

const K: i128 = 1000;
const KI: i128 = 1024;

/// Every unit, in lower case.
const UNITS: &[(&str, Scale)] = &[
    ("bit", Scale::Whole(1)),
    ("kbit", Scale::Whole(K)),
    ("mbit", Scale::Whole(K * K)),
    ("gbit", Scale::Whole(K * K * K)),
    ("tbit", Scale::Whole(K * K * K * K)),
    ("kibit", Scale::Whole(KI)),
    ("mibit", Scale::Whole(KI * KI)),
    ("gibit", Scale::Whole(KI * KI * KI)),
    ("tibit", Scale::Whole(KI * KI * KI * KI)),
    ("bps", Scale::Whole(8)),
    ("kbps", Scale::Whole(8 * K)),
    ("mbps", Scale::Whole(8 * K * K)),
    ("gbps", Scale::Whole(8 * K * K * K)),
    ("tbps", Scale::Whole(8 * K * K * K * K)),
    ("kibps", Scale::Whole(8 * KI)),
    ("mibps", Scale::Whole(8 * KI * KI)),
    ("gibps", Scale::Whole(8 * KI * KI * KI)),
    ("tibps", Scale::Whole(8 * KI * KI * KI * KI)),
    ("b", Scale::Whole(1)),
    ("k", Scale::Whole(KI)),
    ("kb", Scale::Whole(KI)),
    ("kib", Scale::Whole(KI)),
    ("mb", Scale::Whole(KI * KI)),
    ("mib", Scale::Whole(KI * KI)),
    ("gb", Scale::Whole(KI * KI * KI)),
    ("gib", Scale::Whole(KI * KI * KI)),
    ("tb", Scale::Whole(KI * KI * KI * KI)),
    ("tib", Scale::Whole(KI * KI * KI * KI)),
    ("ns", Scale::Seconds(1, 1_000_000_000)),
    ("us", Scale::Seconds(1, 1_000_000)),
    ("µs", Scale::Seconds(1, 1_000_000)),
    ("ms", Scale::Seconds(1, 1_000)),
    ("s", Scale::Seconds(1, 1)),
    ("min", Scale::Seconds(60, 1)),
    ("m", Scale::Seconds(60, 1)),
    ("h", Scale::Seconds(3600, 1)),
    ("d", Scale::Seconds(86400, 1)),
];

/// The most digits before the point: those of 2^63.
const MOST_DIGITS: usize = 19;
/// The most digits behind it.
const MOST_PLACES: usize = 9;

/// The quantity of a text, if it is one: bytes and bit/s as `Int`, seconds as `Float`, a bare number as itself.
///
/// [`parse`] says why a text is none.
pub fn parse_quantity(text: &str) -> Option<FactValue> {
    parse(text).ok()
}

/// The quantity of a text: bytes and bit/s as `Int` (a fraction of one is cut off, as tc does), seconds as `Float`, a
/// bare number as `Int` or `Float`.
///
/// # Errors
/// [`QuantityError`] if the text is no number with a unit, or too large.
pub fn parse(text: &str) -> Result<FactValue, QuantityError> {
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(QuantityError::Negative(text.to_owned()));
    }
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let number = Decimal::parse(digits, text)?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Ok(number.bare());
    }
    match scale(unit).ok_or_else(|| unknown_unit(text, unit))? {
        Scale::Whole(factor) => {
            // What leaves 128 bits here, with at most 10^9 below the line, is far past 2^63.
            let whole = number.mantissa.checked_mul(factor).and_then(|product| product.checked_div(number.divisor));
            whole
                .and_then(|whole| i64::try_from(whole).ok())
                .map(FactValue::Int)
                .ok_or_else(|| QuantityError::Overflow(text.to_owned()))
        }
        Scale::Seconds(numerator, denominator) => {
            // One division of two exact numbers: "80ms" is the same double as the literal 0.08.
            let seconds = (number.mantissa * numerator) as f64 / (number.divisor * denominator) as f64;
            Ok(FactValue::Float(seconds))
        }
    }
}

fn scale(unit: &str) -> Option<Scale> {
    let lower = unit.to_lowercase();
    let lower = match lower.strip_suffix("/s") {
        Some(rate) if rate.ends_with("bit") => rate,
        Some(_) | None => lower.as_str(),
    };
    UNITS.iter().find(|(name, _)| *name == lower).map(|(_, scale)| *scale)
}

fn unknown_unit(text: &str, unit: &str) -> QuantityError {
    let lower = unit.to_lowercase();
    let hint = match lower.as_str() {
        "g" => Some("GiB"),
        "t" => Some("TiB"),
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "hour" | "hours" => Some("h"),
        "day" | "days" => Some("d"),
        "minute" | "minutes" => Some("min"),
        other => suggest(other, UNITS.iter().map(|(name, _)| *name)),
    };
    QuantityError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned(), hint }
}

/// Digits as an exact fraction: `2.5` is 25 / 10.
struct Decimal {
    mantissa: i128,
    divisor: i128,
}

impl Decimal {
    fn parse(digits: &str, text: &str) -> Result<Decimal, QuantityError> {
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(QuantityError::NoNumber(text.to_owned()));
        }
        let bad = || QuantityError::BadNumber(text.to_owned());
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let point_without_digits = fraction.is_empty() && digits.ends_with('.');
        if point_without_digits || fraction.contains('.') {
            return Err(bad());
        }
        if whole.trim_start_matches('0').len() > MOST_DIGITS {
            return Err(QuantityError::Overflow(text.to_owned()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > MOST_PLACES {
            return Err(QuantityError::TooFine(text.to_owned()));
        }
        // At most 28 digits: below 10^28, which leaves 128 bits room for every time unit.
        let mut mantissa: i128 = 0;
        let mut divisor: i128 = 1;
        for digit in whole.chars().chain(fraction.chars()) {
            mantissa = mantissa * 10 + i128::from(digit.to_digit(10).ok_or_else(bad)?);
        }
        for _ in fraction.chars() {
            divisor *= 10;
        }
        Ok(Decimal { mantissa, divisor })
    }

    fn bare(&self) -> FactValue {
        match i64::try_from(self.mantissa) {
            Ok(whole) if self.divisor == 1 => FactValue::Int(whole),
            Ok(_) | Err(_) => FactValue::Float(self.mantissa as f64 / self.divisor as f64),
        }
    }
}

/// A value as people read it, in the largest unit that loses nothing: `32 MiB`, `25 Gbit/s`, `80 ms`.
pub fn describe(value: &FactValue, unit: Unit) -> String {
    match (value, unit) {
        (FactValue::Int(bytes), Unit::Bytes) => {
            whole(*bytes, &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)], "B")
        }
        (FactValue::Int(rate), Unit::BitsPerSecond) => whole(
            *rate,
            &[("Tbit/s", 1_000_000_000_000), ("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000)],
            "bit/s",
        ),
        (FactValue::Float(seconds), Unit::Seconds) if *seconds > 0.0 && *seconds < 1.0 => {
            let (number, unit) =
                if *seconds < 0.001 { (seconds * 1_000_000.0, "us") } else { (seconds * 1_000.0, "ms") };
            format!("{} {unit}", (number * 1_000.0).round() / 1_000.0)
        }
        (FactValue::Float(_) | FactValue::Int(_), Unit::Seconds) => format!("{value} s"),
        (
            FactValue::Bool(_) | FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_),
            Unit::Number | Unit::Bytes | Unit::BitsPerSecond | Unit::Seconds | Unit::Text | Unit::Bool,
        ) => value.to_string(),
    }
}

fn whole(number: i64, steps: &[(&str, i64)], base: &str) -> String {
    match steps.iter().find(|(_, step)| number != 0 && number % step == 0) {
        Some((unit, step)) => format!("{} {unit}", number / step),
        None => format!("{number} {base}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn int(text: &str) -> i64 {
        match parse(text) {
            Ok(FactValue::Int(number)) => number,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn seconds(text: &str) -> f64 {
        match parse(text) {
            Ok(FactValue::Float(number)) => number,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn rates_are_those_of_tc() {
        assert_eq!(int("1bit"), 1);
        assert_eq!(int("10gbit"), 10_000_000_000);
        assert_eq!(int("2.5Gbit"), 2_500_000_000);
        assert_eq!(int("25 Gbit/s"), 25_000_000_000);
        assert_eq!(int("1mibit"), 1 << 20);
        assert_eq!(int("1mbps"), 8_000_000, "bps is bytes a second in tc(8)");
        assert_eq!(int("1kibps"), 8192);
    }

    #[test]
    fn sizes_step_by_1024_as_tc_reads_them() {
        assert_eq!(int("4096B"), 4096);
        assert_eq!(int("1k"), 1024);
        assert_eq!(int("1kb"), 1024);
        assert_eq!(int("64MiB"), 64 << 20);
        assert_eq!(int("1.5 GiB"), 3 << 29);
        assert_eq!(int("2tb"), 2 << 40);
        assert_eq!(int("1.1KiB"), 1126, "a fraction of a byte is cut off");
    }

    #[test]
    fn times_are_seconds_and_equal_the_literal() {
        assert_eq!(seconds("80ms"), 0.08);
        assert_eq!(seconds("2.5s"), 2.5);
        assert_eq!(seconds("100us"), 0.0001);
        assert_eq!(seconds("100µs"), 0.0001);
        assert_eq!(seconds("7ns"), 7e-9);
        assert_eq!(seconds("10m"), 600.0);
        assert_eq!(seconds("10min"), 600.0);
        assert_eq!(seconds("2h"), 7200.0);
        assert_eq!(seconds("1d"), 86400.0);
    }

    #[test]
    fn a_bare_number_is_itself() {
        assert_eq!(int("2000"), 2000);
        assert_eq!(int(" 9223372036854775807 "), i64::MAX);
        assert_eq!(seconds("0.5"), 0.5);
    }

    #[test]
    fn says_why_a_text_is_no_quantity() {
        let reason = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(reason("10furlongs"), "unknown unit `furlongs` in `10furlongs`");
        assert_eq!(reason("10gbti"), "unknown unit `gbti` in `10gbti`: did you mean `gbit`?");
        assert_eq!(reason("4g"), "unknown unit `g` in `4g`: did you mean `GiB`?");
        assert_eq!(reason("-1s"), "`-1s` is negative");
        assert_eq!(reason("fast"), "`fast` does not begin with a number");
        assert_eq!(reason("1.2.3s"), "`1.2.3s` is no number");
        assert_eq!(reason("0.1234567891s"), "`0.1234567891s` has more than 9 digits behind the point");
        assert_eq!(reason("9999999999999tbit"), "`9999999999999tbit` is more than a whole number of 64 bits holds");
        assert_eq!(parse_quantity(""), None);
        assert_eq!(parse_quantity("1.s"), None);
        assert_eq!(parse_quantity(".5s"), None);
    }

    #[test]
    fn describes_for_people() {
        assert_eq!(describe(&FactValue::Int(32 << 20), Unit::Bytes), "32 MiB");
        assert_eq!(describe(&FactValue::Int(25_000_000_000), Unit::BitsPerSecond), "25 Gbit/s");
        assert_eq!(describe(&FactValue::Int(2_500_000_000), Unit::BitsPerSecond), "2500 Mbit/s");
        assert_eq!(describe(&FactValue::Float(0.08), Unit::Seconds), "80 ms");
        assert_eq!(describe(&FactValue::Float(0.0001), Unit::Seconds), "100 us");
        assert_eq!(describe(&FactValue::Int(1500), Unit::Bytes), "1500 B");
        assert_eq!(describe(&FactValue::Int(0), Unit::Bytes), "0 B");
        assert_eq!(describe(&FactValue::Text("eth0".into()), Unit::Text), "eth0");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_none_gives_a_negative_or_infinite_quantity(text in "\\PC{0,40}") {
            match parse(&text) {
                Ok(FactValue::Int(number)) => prop_assert!(number >= 0),
                Ok(FactValue::Float(number)) => prop_assert!(number.is_finite() && number >= 0.0),
                Ok(other) => prop_assert!(false, "{other:?}"),
                Err(_) => {}
            }
        }

        #[test]
        fn no_number_with_a_unit_panics(digits in "[0-9]{1,30}(\\.[0-9]{0,30})?", index in 0..UNITS.len()) {
            let _ = parse(&format!("{digits}{}", UNITS[index].0));
        }

        #[test]
        fn what_is_described_parses_to_the_same(bytes in 0..i64::MAX, shift in 0..40u32) {
            for unit in [Unit::Bytes, Unit::BitsPerSecond] {
                let value = FactValue::Int(bytes >> shift << shift);
                prop_assert_eq!(parse(&describe(&value, unit)), Ok(value));
            }
        }
    }
}
