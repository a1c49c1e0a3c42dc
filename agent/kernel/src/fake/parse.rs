//! How the kernel's handlers parse what is written (kernel/sysctl.c, kernel/time/sysctl handlers, net/ipv4).

use trimtab_core::value::Ports;

/// The handler behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// `proc_dointvec_minmax` of so many ints; stores them one after the other until one is wrong.
    Ints {
        /// How many.
        length: usize,
        /// The least that is accepted.
        min: i64,
        /// The most that is accepted.
        max: i64,
    },
    /// `proc_dou8vec_minmax`, `proc_douintvec_minmax`: one number; what stands behind it is passed over.
    Unsigned {
        /// The least that is accepted.
        min: i64,
        /// The most that is accepted.
        max: i64,
    },
    /// `proc_dointvec_jiffies`: seconds, kept as ticks.
    Seconds,
    /// `proc_dointvec_ms_jiffies`: milliseconds, kept as ticks and so rounded up to one.
    Millis,
    /// `proc_do_large_bitmap`.
    Ports,
    /// `ipv4_local_port_range`.
    PortRange,
    /// `ipv4_ping_group_range`.
    GroupRange,
    /// `proc_tcp_congestion_control`.
    Algorithm,
    /// `proc_dostring`.
    Text,
    /// Mode 0200: writing it does something.
    Action,
    /// Never shown.
    Secret,
}

impl Class {
    /// One int of any size.
    pub const INT: Class = Class::Ints { length: 1, min: i32::MIN as i64, max: i32::MAX as i64 };

    /// One int that is not negative.
    pub const NATURAL: Class = Class::Ints { length: 1, min: 0, max: i32::MAX as i64 };

    /// A byte of any size: the switches of TCP.
    pub const BYTE: Class = Class::Unsigned { min: 0, max: 255 };
}

/// What an int handler did: the values as far as they were stored, then how it ended.
pub struct Stored {
    /// The values now.
    pub values: Vec<i64>,
    /// Bytes taken, or the errno.
    pub outcome: Result<usize, i32>,
}

/// `do_proc_dointvec` for writing: each number is converted (or refused) and stored before the next is looked at.
pub fn int_vector(text: &str, old: &[i64], convert: impl Fn(i64) -> Option<i64>) -> Stored {
    let mut values = old.to_vec();
    let mut rest = text;
    let mut first = true;
    let refused = |values: Vec<i64>| Stored { values, outcome: Err(libc::EINVAL) };
    for index in 0..values.len() {
        rest = skip_spaces(rest);
        if rest.is_empty() {
            break;
        }
        let Some((number, behind)) = number(rest, BLANKS) else { return refused(values) };
        rest = behind;
        let Some(stored) = convert(number) else { return refused(values) };
        if let Some(slot) = values.get_mut(index) {
            *slot = stored;
        }
        first = false;
    }
    if first {
        return refused(values);
    }
    rest = skip_spaces(rest);
    Stored { values, outcome: Ok(text.len() - rest.len()) }
}

/// `do_proc_douintvec_w`: one number that is not negative; all bytes count as taken.
pub fn unsigned(text: &str, min: i64, max: i64) -> Result<i64, i32> {
    let (number, _) = number(skip_spaces(text), BLANKS).ok_or(libc::EINVAL)?;
    // A minus sign is refused, also before zero.
    let negative = skip_spaces(text).starts_with('-');
    if negative || number < min || number > max { Err(libc::EINVAL) } else { Ok(number) }
}

/// `proc_do_large_bitmap`: numbers and ranges, each with a comma or line end behind it; the new set replaces the old.
pub fn ports(text: &str) -> Result<Ports, i32> {
    let port = |rest: &mut &str, follow: &[char]| {
        let negative = rest.starts_with('-');
        let (port, behind) = number(rest, follow).filter(|_| !negative).ok_or(libc::EINVAL)?;
        // Whatever stands behind it is stepped over.
        let mut behind = behind.chars();
        let separator = behind.next();
        *rest = behind.as_str();
        u16::try_from(port).map(|port| (port, separator)).map_err(|_| libc::EINVAL)
    };
    let mut rest = text.trim_start_matches('\n');
    let mut ranges = Vec::new();
    while !rest.is_empty() {
        let (low, separator) = port(&mut rest, &['-', ',', '\n'])?;
        let high = match separator {
            Some('-') => port(&mut rest, &[',', '\n', '\0'])?.0,
            Some(_) | None => low,
        };
        if high < low {
            return Err(libc::EINVAL);
        }
        ranges.push((low, high));
        rest = rest.trim_start_matches('\n');
    }
    Ok(Ports::from_ranges(ranges))
}

/// What may follow a number, besides the end.
const BLANKS: &[char] = &[' ', '\t', '\n', '\0'];

/// `proc_get_long`: a number, its base as in C, then the end or one of `follow`.
fn number<'a>(text: &'a str, follow: &[char]) -> Option<(i64, &'a str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (base, body) = match digits.get(..2) {
        Some("0x" | "0X") if digits.get(2..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())) => {
            (16, digits.get(2..)?)
        }
        Some(_) | None if digits.starts_with('0') => (8, digits),
        Some(_) | None => (10, digits),
    };
    let end = body.find(|c: char| !c.is_digit(base)).unwrap_or(body.len());
    let (body, behind) = (body.get(..end)?, body.get(end..)?);
    if !(behind.is_empty() || behind.starts_with(follow)) {
        return None;
    }
    // TMPBUFLEN of kernel/sysctl.c: what fills the buffer may go on behind it, and is refused.
    if text.len() - behind.len() >= 21 {
        return None;
    }
    let magnitude = i64::from_str_radix(body, base).ok()?;
    Some((if negative { -magnitude } else { magnitude }, behind))
}

fn skip_spaces(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}
