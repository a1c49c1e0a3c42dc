//! Reads `keys.tsv`. Only the shape is checked here; the catalogue's tests hold the committed file to it.

use super::Access;
use super::Alias;
use super::EffectClass;
use super::Entry;
use super::Range;
use super::Scope;
use super::ValueKind;

const TEXT: &str = include_str!("keys.tsv");

/// The lines that hold an entry, with their numbers from 1.
pub(super) fn lines() -> impl Iterator<Item = (usize, &'static str)> {
    let entry = |line: &str| !line.is_empty() && !line.starts_with('#');
    TEXT.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(move |(_, line)| entry(line))
}

/// The pattern that a line is about.
pub(super) fn pattern(line: &'static str) -> &'static str {
    Columns { rest: Some(line) }.next().unwrap_or(line)
}

/// One line as an entry.
///
/// # Errors
/// The column that is missing or wrong.
pub(super) fn entry(line: &'static str) -> Result<Entry, String> {
    let mut columns = Columns { rest: Some(line) };
    let mut next = |name: &str| columns.next().filter(|text| !text.is_empty()).ok_or_else(|| format!("no {name}"));
    let pattern = next("key")?;
    let mut entry = Entry {
        pattern,
        kind: kind(next("kind")?)?,
        unit: optional(next("unit")?),
        zero_is_unlimited: match next("zero")? {
            "unlimited" => true,
            "-" => false,
            other => return Err(format!("zero `{other}`")),
        },
        range_6_12: range(next("6.12")?)?,
        range_7_2: range(next("7.2")?)?,
        since: version(next("since")?)?,
        removed: version(next("removed")?)?,
        access: access(next("access")?)?,
        scope: scope(next("scope")?)?,
        alias_of: alias(next("alias")?)?,
        module: optional(next("module")?),
        effect: effect(next("effect")?)?,
        effect_of_template: EffectClass::None,
        disrupts: optional(next("disrupts")?),
        meaning: next("meaning")?,
        advice: optional(next("advice")?),
    };
    if pattern.contains('*') {
        std::mem::swap(&mut entry.effect, &mut entry.effect_of_template);
    }
    match columns.next() {
        None => Ok(entry),
        Some(extra) => Err(format!("`{extra}` behind the last column")),
    }
}

/// The parts between tabs. Byte by byte, because the fields are short: a searcher set up for each costs more.
struct Columns {
    rest: Option<&'static str>,
}

impl Iterator for Columns {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let rest = self.rest?;
        let Some(tab) = rest.bytes().position(|byte| byte == b'\t') else { return self.rest.take() };
        let (column, behind) = rest.split_at_checked(tab)?;
        self.rest = behind.get(1..);
        Some(column)
    }
}

fn optional(text: &'static str) -> Option<&'static str> {
    (text != "-").then_some(text)
}

fn kind(text: &str) -> Result<ValueKind, String> {
    let (word, count) = text.split_once(':').unwrap_or((text, ""));
    let count = || count.parse::<usize>().map_err(|_| format!("kind `{text}`"));
    Ok(match word {
        "int" => ValueKind::Int,
        "bool" => ValueKind::Bool,
        "jiffies" => ValueKind::Jiffies,
        "ms" => ValueKind::Ms,
        "userhz" => ValueKind::UserHz,
        "vector" => ValueKind::Vector(count()?),
        "ulong-vector" => ValueKind::UlongVector(count()?),
        "ports" => ValueKind::Ports,
        "word" => ValueKind::Word,
        "words" => ValueKind::Words,
        "cpumask" => ValueKind::CpuMask,
        "text" => ValueKind::Text,
        "secret" => ValueKind::Secret,
        "action" => ValueKind::Action,
        _ => return Err(format!("kind `{text}`")),
    })
}

/// `-` no such key, `?` unknown, `1..`, `..7`, `0..2`, or the name of a C type.
fn range(text: &str) -> Result<Option<Range>, String> {
    let between = |min, max| Ok(Some(Range { min: Some(min), max: Some(max) }));
    match text {
        "-" => return Ok(None),
        "?" => return Ok(Some(Range::default())),
        "u8" => return between(0, 255),
        "int" => return between(i64::from(i32::MIN), i64::from(i32::MAX)),
        "nat" => return between(0, i64::from(i32::MAX)),
        "pos" => return between(1, i64::from(i32::MAX)),
        "uint" => return between(0, i64::from(u32::MAX)),
        "ulong" => return between(0, i64::MAX),
        // Seconds times HZ must fit an int; HZ is 100 at least.
        "sec" => return between(0, i64::from(i32::MAX) / 100),
        _ => {}
    }
    let (min, max) = text.split_once("..").ok_or_else(|| format!("range `{text}`"))?;
    let bound = |text: &str| match text {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| format!("bound `{digits}`")),
    };
    Ok(Some(Range { min: bound(min)?, max: bound(max)? }))
}

fn version(text: &str) -> Result<Option<(u32, u32)>, String> {
    if text == "-" {
        return Ok(None);
    }
    let wrong = || format!("version `{text}`");
    let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
    Ok(Some((major.parse().map_err(|_| wrong())?, minor.parse().map_err(|_| wrong())?)))
}

fn access(text: &str) -> Result<Access, String> {
    Ok(match text {
        "rw" => Access::ReadWrite,
        "ro" => Access::ReadOnly,
        "wo" => Access::WriteOnly,
        _ => return Err(format!("access `{text}`")),
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    Ok(match text {
        "global" => Scope::Global,
        "global-ro" => Scope::GlobalReadOnly,
        "netns" => Scope::Netns,
        _ => return Err(format!("scope `{text}`")),
    })
}

/// `-`, a pattern, or a pattern and a factor such as `x1000`.
fn alias(text: &'static str) -> Result<Option<Alias>, String> {
    if text == "-" {
        return Ok(None);
    }
    let (pattern, scale) = match text.split_once(" x") {
        None => (text, 1),
        Some((pattern, factor)) => (pattern, factor.parse().map_err(|_| format!("factor `{factor}`"))?),
    };
    Ok(Some(Alias { pattern, scale }))
}

fn effect(text: &str) -> Result<EffectClass, String> {
    Ok(match text {
        "none" => EffectClass::None,
        "forwarding-v4" => EffectClass::ForwardingV4,
        "forwarding-v6" => EffectClass::ForwardingV6,
        "conf-default-v4" => EffectClass::ConfDefaultV4,
        "conf-default-v4-no-fan" => EffectClass::ConfDefaultV4NoFan,
        "conf-all-fans-v6" => EffectClass::ConfAllFansV6,
        "congestion-control" => EffectClass::CongestionControl,
        _ => return Err(format!("effect `{text}`")),
    })
}
