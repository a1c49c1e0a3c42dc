//! Scalars of traffic control in their one spelling: `10gbit`, `5ms`, `0.1%`, `on`.
//!
//! What people write, what formulas give and what the kernel shows all become this spelling, so that equal things look
//! equal, in a plan as in the journal. Counts and bytes are numbers; rates, times, chances and switches are texts.

use crate::facts::FactValue;
use crate::policy::Scalar;
use crate::prefix::Prefix;
use crate::units;

/// What may stand for an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A number within bounds.
    Count {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// Bytes within bounds: `1514`, `15kb`.
    Bytes {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// Bits per second: `10gbit`, `1mbps`; at least one byte per second, at most so many bytes.
    Rate {
        /// The most, bytes per second.
        max: u64,
    },
    /// A time in steps: `5ms`.
    Time {
        /// The step, nanoseconds.
        step: i64,
        /// The most, nanoseconds.
        max: i64,
    },
    /// On or off.
    Switch,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// How often of all times: `0.1%`. The kernel counts in 2^32 - 1.
    Chance,
    /// So many numbers: `1 2 2 2`.
    Numbers {
        /// How many.
        count: usize,
        /// The most of each.
        max: i64,
    },
    /// The minor number of a class, hexadecimal as tc(8) has it: `10`, `fff`.
    Minor,
    /// The mark of a packet and, after a slash, the bits of it that count: `0x10`, `0x10/0xf0`.
    Mark,
    /// A class of service in the header: `ef`, `af41`, `12`.
    Dscp,
    /// A protocol above IP: `tcp`, `89`.
    Protocol,
    /// A prefix of IP: `10.0.0.0/8`.
    Prefix,
    /// A port, or the first and the last of several: `443`, `8000-8100`.
    Ports,
    /// What only the kernel understands, as it showed it, in hexadecimal.
    Opaque,
}

const SECOND: i64 = 1_000_000_000;
/// What always happens.
const ALWAYS: u32 = u32::MAX;

impl Shape {
    /// The one spelling of a scalar, whoever wrote it. A bare number in the place of a time is a number of seconds, as
    /// formulas give it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn canonical(self, scalar: &Scalar) -> Result<Scalar, String> {
        match self {
            Shape::Count { min, max } => int(scalar).and_then(|number| within(number, min, max)).map(Scalar::Int),
            Shape::Bytes { min, max } => bytes(scalar).and_then(|number| within(number, min, max)).map(Scalar::Int),
            Shape::Rate { max } => {
                let bits = rate(scalar)?;
                if bits < 8 {
                    return Err("a rate of zero lets nothing through".to_owned());
                }
                if bits / 8 > max {
                    return Err(format!("the kernel takes at most {}", of_rate(max)));
                }
                Ok(of_rate(bits / 8))
            }
            Shape::Time { step, max } => {
                let nanoseconds = time(scalar)?;
                if nanoseconds > max {
                    return Err(format!("the kernel takes at most {}", of_time(max)));
                }
                Ok(of_time(nanoseconds - nanoseconds % step))
            }
            Shape::Switch => switch(scalar).map(of_switch),
            Shape::Word(words) => word(scalar, words).map(|word| Scalar::Text(word.to_owned())),
            Shape::Chance => chance(scalar).map(of_chance),
            Shape::Numbers { count, max } => numbers(scalar, count, max).map(|all| of_numbers(&all)),
            Shape::Minor => minor(scalar).map(of_minor),
            Shape::Mark => mark(scalar).map(|(value, mask)| of_mark(value, mask)),
            Shape::Dscp => dscp(scalar).map(of_dscp),
            Shape::Protocol => protocol(scalar).map(of_protocol),
            Shape::Prefix => match scalar.to_string().trim().parse::<Prefix>() {
                Ok(prefix) => Ok(Scalar::Text(prefix.to_string())),
                Err(error) => Err(error.to_string()),
            },
            Shape::Ports => ports(scalar).map(|(first, last)| of_ports(first, last)),
            Shape::Opaque => match scalar {
                Scalar::Text(text) if as_bytes(scalar).is_some() => Ok(Scalar::Text(text.clone())),
                Scalar::Text(_) | Scalar::Int(_) => Err("it is no text of hexadecimal digits".to_owned()),
            },
        }
    }
}

fn within(number: i64, min: i64, max: i64) -> Result<i64, String> {
    if (min..=max).contains(&number) { Ok(number) } else { Err(format!("{number} is outside {min}..{max}")) }
}

fn int(scalar: &Scalar) -> Result<i64, String> {
    match scalar {
        Scalar::Int(number) => Ok(*number),
        Scalar::Text(text) => text.trim().parse().map_err(|_| format!("`{}` is no number", text.escape_debug())),
    }
}

/// What kind of quantity the unit of a text makes it.
fn is_rate(text: &str) -> bool {
    let lower = text.trim().trim_end_matches("/s").to_ascii_lowercase();
    lower.ends_with("bit") || lower.ends_with("bps")
}

fn bytes(scalar: &Scalar) -> Result<i64, String> {
    let Scalar::Text(text) = scalar else { return int(scalar) };
    match units::parse(text) {
        Ok(FactValue::Int(number)) if !is_rate(text) => Ok(number),
        Ok(_) => Err(format!("`{}` is no number of bytes: write 1514 or \"15kb\"", text.escape_debug())),
        Err(error) => Err(error.to_string()),
    }
}

/// Bits per second.
fn rate(scalar: &Scalar) -> Result<u64, String> {
    let number = match scalar {
        Scalar::Int(number) => *number,
        Scalar::Text(text) => match units::parse(text) {
            Ok(FactValue::Int(number)) if is_rate(text) || text.trim().bytes().all(|byte| byte.is_ascii_digit()) => {
                number
            }
            Ok(_) => return Err(format!("`{}` is no rate: write \"10mbit\" or \"1mbps\"", text.escape_debug())),
            Err(error) => return Err(error.to_string()),
        },
    };
    u64::try_from(number).map_err(|_| format!("{number} is no rate"))
}

/// Nanoseconds.
fn time(scalar: &Scalar) -> Result<i64, String> {
    let seconds = match scalar {
        Scalar::Int(seconds) => *seconds as f64,
        Scalar::Text(text) => match units::parse(text) {
            Ok(FactValue::Float(seconds)) => seconds,
            Ok(FactValue::Int(seconds)) if text.trim().bytes().all(|byte| byte.is_ascii_digit()) => seconds as f64,
            Ok(_) => return Err(format!("`{}` is no time: write \"5ms\"", text.escape_debug())),
            Err(error) => return Err(error.to_string()),
        },
    };
    if !(0.0..1e9).contains(&seconds) {
        return Err(format!("{seconds} s is no time that packets could wait"));
    }
    // Through the text, because a cast would clamp silently.
    format!("{:.0}", seconds * SECOND as f64).parse().map_err(|_| format!("{seconds} s is no time"))
}

fn switch(scalar: &Scalar) -> Result<bool, String> {
    match scalar {
        Scalar::Int(0) => Ok(false),
        Scalar::Int(1) => Ok(true),
        Scalar::Text(text) if matches!(text.trim(), "off" | "false" | "0") => Ok(false),
        Scalar::Text(text) if matches!(text.trim(), "on" | "true" | "1") => Ok(true),
        Scalar::Int(_) | Scalar::Text(_) => Err(format!("it is on or off, not `{scalar}`")),
    }
}

fn word(scalar: &Scalar, words: &[&'static str]) -> Result<&'static str, String> {
    let text = scalar.to_string();
    words.iter().find(|word| **word == text.trim()).copied().ok_or_else(|| {
        let near = crate::diagnostic::suggest(text.trim(), words.iter().copied());
        let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        format!("it is one of {}, not `{}`{near}", words.join(", "), text.escape_debug())
    })
}

/// Of 2^32 - 1.
fn chance(scalar: &Scalar) -> Result<u32, String> {
    let text = scalar.to_string();
    let bad = || format!("`{}` is no chance: write \"0.1%\"", text.escape_debug());
    let percent: f64 = text.trim().strip_suffix('%').ok_or_else(bad)?.trim().parse().map_err(|_| bad())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(format!("{percent}% is outside 0%..100%"));
    }
    format!("{:.0}", percent / 100.0 * f64::from(ALWAYS)).parse().map_err(|_| bad())
}

fn numbers(scalar: &Scalar, count: usize, max: i64) -> Result<Vec<i64>, String> {
    let text = scalar.to_string();
    let all: Option<Vec<i64>> = text.split_whitespace().map(|part| part.parse().ok()).collect();
    let all = all.ok_or_else(|| format!("`{}` is no list of numbers", text.escape_debug()))?;
    if all.len() != count {
        return Err(format!("it is {count} numbers, found {}", all.len()));
    }
    match all.iter().find(|number| !(0..=max).contains(*number)) {
        Some(number) => Err(format!("{number} is outside 0..{max}")),
        None => Ok(all),
    }
}

fn minor(scalar: &Scalar) -> Result<u16, String> {
    // Digits are hexadecimal, quoted or not.
    let text = scalar.to_string();
    let digits = text.trim().trim_start_matches(':');
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten();
    number.ok_or_else(|| format!("`{}` is no minor number of a class: 1 to ffff", text.escape_debug()))
}

/// A number, decimal or after `0x` hexadecimal.
fn either(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        None => None,
    }
}

fn mark(scalar: &Scalar) -> Result<(u32, u32), String> {
    let text = scalar.to_string();
    let bad = || format!("`{}` is no mark: write \"0x10\" or \"0x10/0xf0\"", text.escape_debug());
    let (value, mask) = match text.split_once('/') {
        None => (either(&text).ok_or_else(bad)?, u32::MAX),
        Some((value, mask)) => (either(value).ok_or_else(bad)?, either(mask).ok_or_else(bad)?),
    };
    if mask == 0 || value & !mask != 0 {
        return Err(format!("no mark is `{}`: bits are set that its mask leaves out", text.escape_debug()));
    }
    Ok((value, mask))
}

/// Classes of service by their names (RFC 2474, 2597, 3246, 5865, 8622).
const DSCP: [(&str, u8); 23] = [
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("voice-admit", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// Protocols by their names (the registry of IANA).
const PROTOCOLS: [(&str, u8); 9] = [
    ("icmp", 1),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("sctp", 132),
    ("udplite", 136),
];

fn named(scalar: &Scalar, names: &[(&'static str, u8)], most: u8, what: &str) -> Result<u8, String> {
    let text = scalar.to_string();
    let text = text.trim();
    let by_name = names.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    let number = by_name.or_else(|| either(text).and_then(|number| u8::try_from(number).ok()));
    number.filter(|number| *number <= most).ok_or_else(|| {
        let near = crate::diagnostic::suggest(text, names.iter().map(|(name, _)| *name));
        let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        format!("`{}` is no {what}, and no number up to {most}{near}", text.escape_debug())
    })
}

fn dscp(scalar: &Scalar) -> Result<u8, String> {
    named(scalar, &DSCP, 63, "class of service")
}

fn protocol(scalar: &Scalar) -> Result<u8, String> {
    named(scalar, &PROTOCOLS, u8::MAX, "protocol")
}

fn ports(scalar: &Scalar) -> Result<(u16, u16), String> {
    let text = scalar.to_string();
    let port = |text: &str| {
        let text = text.trim();
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
        number.filter(|number| *number != 0).ok_or_else(|| format!("`{}` is no port: 1 to 65535", text.escape_debug()))
    };
    let (first, last) = match text.split_once('-') {
        None => (port(&text)?, port(&text)?),
        Some((first, last)) => (port(first)?, port(last)?),
    };
    if first > last { Err(format!("{first}-{last} begins behind its end")) } else { Ok((first, last)) }
}

/// A mark of which the bits of a mask count.
pub fn of_mark(value: u32, mask: u32) -> Scalar {
    Scalar::Text(if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") })
}

fn of_name(number: u8, names: &[(&'static str, u8)]) -> Scalar {
    let name = names.iter().find(|(_, known)| *known == number);
    Scalar::Text(name.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned()))
}

/// A class of service.
pub fn of_dscp(number: u8) -> Scalar {
    of_name(number, &DSCP)
}

/// A protocol above IP.
pub fn of_protocol(number: u8) -> Scalar {
    of_name(number, &PROTOCOLS)
}

/// Ports from the first to the last.
pub fn of_ports(first: u16, last: u16) -> Scalar {
    if first == last { Scalar::Int(first.into()) } else { Scalar::Text(format!("{first}-{last}")) }
}

/// A mark and the bits of it that count.
pub fn as_mark(scalar: &Scalar) -> Option<(u32, u32)> {
    mark(scalar).ok()
}

/// The number of a class of service.
pub fn as_dscp(scalar: &Scalar) -> Option<u8> {
    dscp(scalar).ok()
}

/// The number of a protocol.
pub fn as_protocol(scalar: &Scalar) -> Option<u8> {
    protocol(scalar).ok()
}

/// The first and the last port.
pub fn as_ports(scalar: &Scalar) -> Option<(u16, u16)> {
    ports(scalar).ok()
}

/// A rate of so many bytes per second, in the largest unit that loses nothing.
pub fn of_rate(bytes_per_second: u64) -> Scalar {
    let bits = u128::from(bytes_per_second) * 8;
    let units = [("tbit", 1_000_000_000_000), ("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1000)];
    let unit = units.iter().find(|(_, size)| bits != 0 && bits % size == 0);
    Scalar::Text(unit.map_or_else(|| format!("{bits}bit"), |(unit, size)| format!("{}{unit}", bits / size)))
}

/// A time of so many nanoseconds, in the largest unit that loses nothing.
pub fn of_time(nanoseconds: i64) -> Scalar {
    let units = [("s", SECOND), ("ms", 1_000_000), ("us", 1000)];
    let unit = units.iter().find(|(_, size)| nanoseconds % size == 0);
    Scalar::Text(
        unit.map_or_else(|| format!("{nanoseconds}ns"), |(unit, size)| format!("{}{unit}", nanoseconds / size)),
    )
}

/// On or off.
pub fn of_switch(on: bool) -> Scalar {
    Scalar::Text(if on { "on" } else { "off" }.to_owned())
}

/// A chance of so many of 2^32 - 1, in the fewest digits that say it.
pub fn of_chance(probability: u32) -> Scalar {
    let percent = f64::from(probability) / f64::from(ALWAYS) * 100.0;
    let mut spelt = (0..10).map(|places| format!("{percent:.places$}%"));
    let exact = |text: &String| chance(&Scalar::Text(text.clone())) == Ok(probability);
    Scalar::Text(spelt.clone().find(exact).or_else(|| spelt.next_back()).unwrap_or_default())
}

/// Numbers, by blanks.
pub fn of_numbers(numbers: &[i64]) -> Scalar {
    Scalar::Text(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}

/// The minor number of a class.
pub fn of_minor(minor: u16) -> Scalar {
    Scalar::Text(format!("{minor:x}"))
}

/// Bytes that only the kernel understands.
pub fn of_bytes(bytes: &[u8]) -> Scalar {
    Scalar::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The bytes per second of a rate.
pub fn as_rate(scalar: &Scalar) -> Option<u64> {
    rate(scalar).ok().map(|bits| bits / 8)
}

/// The nanoseconds of a time.
pub fn as_time(scalar: &Scalar) -> Option<i64> {
    time(scalar).ok()
}

/// Whether a switch is on.
pub fn as_switch(scalar: &Scalar) -> Option<bool> {
    switch(scalar).ok()
}

/// A chance, of 2^32 - 1.
pub fn as_chance(scalar: &Scalar) -> Option<u32> {
    chance(scalar).ok()
}

/// Numbers.
pub fn as_numbers(scalar: &Scalar) -> Option<Vec<i64>> {
    scalar.to_string().split_whitespace().map(|part| part.parse().ok()).collect()
}

/// The minor number of a class.
pub fn as_minor(scalar: &Scalar) -> Option<u16> {
    minor(scalar).ok()
}

/// Bytes that only the kernel understands.
pub fn as_bytes(scalar: &Scalar) -> Option<Vec<u8>> {
    let text = scalar.to_string();
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2))
        .map(|pair| u8::from_str_radix(pair?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    const RATE: Shape = Shape::Rate { max: u64::MAX };
    const TIME: Shape = Shape::Time { step: 1, max: i64::MAX };
    const BYTES: Shape = Shape::Bytes { min: 0, max: 1 << 31 };

    #[test]
    fn units_are_those_of_tc() {
        for (shape, written, spelt) in [
            (RATE, text("10mbit"), text("10mbit")),
            (RATE, text("10mbps"), text("80mbit")),
            (RATE, text("2.5Gbit"), text("2500mbit")),
            (RATE, Scalar::Int(10_000_000), text("10mbit")),
            (RATE, text("9bit"), text("8bit")),
            (TIME, text("5ms"), text("5ms")),
            (TIME, text("0.005s"), text("5ms")),
            (TIME, text("0.08"), text("80ms")),
            (TIME, Scalar::Int(2), text("2s")),
            (BYTES, text("15kb"), Scalar::Int(15360)),
            (Shape::Switch, Scalar::Int(1), text("on")),
            (Shape::Chance, text("0.1%"), text("0.1%")),
            (Shape::Minor, Scalar::Int(10), text("10")),
            (Shape::Minor, text(":FFF"), text("fff")),
            (Shape::Numbers { count: 2, max: 5 }, text(" 1  2 "), text("1 2")),
            (Shape::Mark, text("16/0xf0"), text("0x10/0xf0")),
            (Shape::Mark, Scalar::Int(16), text("0x10")),
            (Shape::Dscp, Scalar::Int(46), text("ef")),
            (Shape::Dscp, text("0x3f"), text("63")),
            (Shape::Protocol, Scalar::Int(6), text("tcp")),
            (Shape::Prefix, text("10.1.2.3/32"), text("10.1.2.3")),
            (Shape::Ports, text("443"), Scalar::Int(443)),
            (Shape::Ports, text("80 - 81"), text("80-81")),
        ] {
            assert_eq!(shape.canonical(&written), Ok(spelt), "{shape:?} {written}");
        }
    }

    #[test]
    fn one_quantity_is_not_another() {
        for (shape, written) in [
            (RATE, text("15kb")),
            (RATE, text("5ms")),
            (RATE, text("0mbit")),
            (RATE, Scalar::Int(-1)),
            (RATE, Scalar::Int(7)),
            (BYTES, text("1mbit")),
            (BYTES, text("1ms")),
            (BYTES, text("4gb")),
            (TIME, text("1mbit")),
            (TIME, text("-1s")),
            (Shape::Switch, Scalar::Int(2)),
            (Shape::Chance, text("101%")),
            (Shape::Chance, text("0.1")),
            (Shape::Minor, text("10000")),
            (Shape::Minor, text("+1")),
            (Shape::Numbers { count: 2, max: 5 }, text("1 6")),
            (Shape::Numbers { count: 2, max: 5 }, text("1")),
            (Shape::Opaque, text("0")),
            (Shape::Mark, text("0x11/0xf0")),
            (Shape::Mark, text("0/0")),
            (Shape::Mark, text("0x1ffffffff")),
            (Shape::Dscp, text("eff")),
            (Shape::Dscp, Scalar::Int(64)),
            (Shape::Protocol, text("256")),
            (Shape::Prefix, text("10.1.2.3/8")),
            (Shape::Prefix, text("10.0.0.0/33")),
            (Shape::Ports, Scalar::Int(0)),
            (Shape::Ports, text("65536")),
            (Shape::Ports, text("9-8")),
        ] {
            assert!(shape.canonical(&written).is_err(), "{shape:?} {written}");
        }
    }

    proptest! {
        #[test]
        fn what_the_kernel_shows_has_a_spelling_that_says_it(
            bytes in 1_u64..1 << 59, nanoseconds in 0_i64..1 << 40, chance: u32, minor: u16, blob: Vec<u8>,
        ) {
            prop_assert_eq!(as_rate(&of_rate(bytes)), Some(bytes));
            prop_assert_eq!(RATE.canonical(&of_rate(bytes)), Ok(of_rate(bytes)));
            prop_assert_eq!(as_time(&of_time(nanoseconds)), Some(nanoseconds));
            prop_assert_eq!(TIME.canonical(&of_time(nanoseconds)), Ok(of_time(nanoseconds)));
            prop_assert_eq!(as_chance(&of_chance(chance)), Some(chance));
            prop_assert_eq!(Shape::Chance.canonical(&of_chance(chance)), Ok(of_chance(chance)));
            prop_assert_eq!(as_minor(&of_minor(minor)), Some(minor));
            prop_assert_eq!(as_bytes(&of_bytes(&blob)), Some(blob));
        }

        #[test]
        fn any_scalar_is_survived(written in ".{0,20}", number: i64) {
            for scalar in [Scalar::Text(written), Scalar::Int(number)] {
                for shape in [RATE, TIME, BYTES, Shape::Switch, Shape::Chance, Shape::Minor, Shape::Opaque, Shape::Mark,
                    Shape::Dscp, Shape::Protocol, Shape::Prefix, Shape::Ports,
                    Shape::Numbers { count: 3, max: 9 }, Shape::Count { min: 0, max: 9 }, Shape::Word(&["a"])] {
                    if let Ok(canonical) = shape.canonical(&scalar) {
                        prop_assert_eq!(shape.canonical(&canonical), Ok(canonical.clone()));
                    }
                }
            }
        }
    }
}
