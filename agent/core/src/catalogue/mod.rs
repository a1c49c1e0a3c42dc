//! The sysctl catalogue: what is known of each key before any kernel is asked.
//!
//! The data is `keys.tsv`, one line a key pattern, read from the sources of Linux 6.12 and 7.2. It says how a value is
//! spelt, which values make sense, and what a write moves. It never says what a host should have, and the kernel always
//! has the last word: a key that is absent here is still readable and writable.

mod index;
mod parse;

use std::sync::OnceLock;

use crate::address::SysctlKey;
use crate::address::name_of;

/// How the kernel reads and prints the value of a key; decides the canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueKind {
    /// One integer.
    Int,
    /// A switch: 0 or 1 by meaning, even where the kernel stores more.
    Bool,
    /// Seconds that the kernel keeps in jiffies (`proc_dointvec_jiffies`): exact.
    Jiffies,
    /// Milliseconds that the kernel keeps in jiffies (`proc_dointvec_ms_jiffies`): rounded up to a tick.
    Ms,
    /// Hundredths of a second kept in jiffies (`proc_dointvec_userhz_jiffies`): rounded down to a tick.
    UserHz,
    /// This many `int`s.
    Vector(usize),
    /// This many `unsigned long`s.
    UlongVector(usize),
    /// A set of small numbers (`proc_do_large_bitmap`).
    Ports,
    /// One name, e.g. of a congestion control algorithm.
    Word,
    /// A set of names.
    Words,
    /// A mask of CPUs in hexadecimal groups.
    CpuMask,
    /// Free text.
    Text,
    /// Never read, shown or written.
    Secret,
    /// Writing does something and leaves no state, e.g. `route.flush`.
    Action,
}

impl ValueKind {
    /// How many integers the value has, if it is made of integers.
    pub fn arity(self) -> Option<usize> {
        match self {
            ValueKind::Int | ValueKind::Bool | ValueKind::Jiffies | ValueKind::Ms | ValueKind::UserHz => Some(1),
            ValueKind::Vector(n) | ValueKind::UlongVector(n) => Some(n),
            ValueKind::Ports
            | ValueKind::Word
            | ValueKind::Words
            | ValueKind::CpuMask
            | ValueKind::Text
            | ValueKind::Secret
            | ValueKind::Action => None,
        }
    }

    /// What people call a value of this kind in messages, e.g. `an integer`.
    pub fn words(self) -> String {
        match self {
            ValueKind::Int => "an integer".to_owned(),
            ValueKind::Bool => "0 or 1".to_owned(),
            ValueKind::Jiffies => "whole seconds".to_owned(),
            ValueKind::Ms => "whole milliseconds".to_owned(),
            ValueKind::UserHz => "hundredths of a second".to_owned(),
            ValueKind::Vector(n) | ValueKind::UlongVector(n) => format!("{n} integers"),
            ValueKind::Ports => "numbers and ranges such as 80,8080-8082".to_owned(),
            ValueKind::Word => "one name".to_owned(),
            ValueKind::Words => "names".to_owned(),
            ValueKind::CpuMask => "a CPU mask in hexadecimal".to_owned(),
            ValueKind::Text => "text".to_owned(),
            ValueKind::Secret => "a secret".to_owned(),
            ValueKind::Action => "an action".to_owned(),
        }
    }
}

/// Inclusive bounds of a value, or of each element of a vector. No bound means that none is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// The least value.
    pub min: Option<i64>,
    /// The greatest value.
    pub max: Option<i64>,
}

impl Range {
    /// Whether the number is within the known bounds.
    pub fn contains(self, number: i64) -> bool {
        self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max)
    }
}

/// `0..255`, `at least 1`, `at most 7` or `any`.
impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min}..{max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any"),
        }
    }
}

/// Who may do what with a key, by its file mode in the initial namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Readable and writable.
    ReadWrite,
    /// Read only.
    ReadOnly,
    /// Write only.
    WriteOnly,
}

/// In which network namespaces a key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only in the initial namespace; elsewhere there is no such file.
    Global,
    /// One value for the host, shown read-only elsewhere.
    GlobalReadOnly,
    /// One value per namespace.
    Netns,
}

/// What a write moves besides the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectClass {
    /// Nothing.
    None,
    /// `net.ipv4.ip_forward`: all, default and every interface follow; `conf.all.accept_redirects` becomes its opposite.
    ForwardingV4,
    /// `net.ipv6.conf.all.forwarding`: default and every interface follow; 0 also clears `force_forwarding`.
    ForwardingV6,
    /// `net.ipv4.conf.default.X` reaches interfaces whose X was never set.
    ConfDefaultV4,
    /// `net.ipv4.conf.default.X` reaches new interfaces only.
    ConfDefaultV4NoFan,
    /// `net.ipv6.conf.all.X` is copied to default and every interface.
    ConfAllFansV6,
    /// Makes the algorithm appear in `tcp_allowed_congestion_control` when written in the initial namespace.
    CongestionControl,
}

/// A key that is another name of the same kernel variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The canonical pattern.
    pub pattern: &'static str,
    /// What a value is multiplied by to become one of the canonical key, e.g. 1000 from seconds to milliseconds.
    pub scale: i64,
}

/// One line of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key in dots; `*` stands for one segment, usually an interface, `all` or `default`.
    pub pattern: &'static str,
    /// How its value is spelt.
    pub kind: ValueKind,
    /// What it is measured in, if in anything.
    pub unit: Option<&'static str>,
    /// Zero means no limit, so that no floor may replace it.
    pub zero_is_unlimited: bool,
    /// The values that 6.12 and older take and give a meaning to; none if 6.12 has no such key.
    pub range_6_12: Option<Range>,
    /// The same of 7.2 and newer.
    pub range_7_2: Option<Range>,
    /// The first release that has it, if later than 6.12.
    pub since: Option<(u32, u32)>,
    /// The first release without it.
    pub removed: Option<(u32, u32)>,
    /// Its file mode.
    pub access: Access,
    /// Where it lives. For `neigh` ask [`scope`], which knows that `neigh.default` is global.
    pub scope: Scope,
    /// The canonical name of the same value.
    pub alias_of: Option<Alias>,
    /// The module that brings the key.
    pub module: Option<&'static str>,
    /// What else moves when exactly this key is written. For keys of a `*` line ask [`effect`].
    pub effect: EffectClass,
    /// What else moves when this key is written for `default` (IPv4) or `all` (IPv6) in the place of the `*`.
    pub effect_of_template: EffectClass,
    /// What a write does to traffic, if anything worth a warning.
    pub disrupts: Option<&'static str>,
    /// What the key does.
    pub meaning: &'static str,
    /// What to do instead, or what to mind.
    pub advice: Option<&'static str>,
}

static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();

/// Every line, sorted by pattern.
pub fn entries() -> &'static [Entry] {
    ENTRIES.get_or_init(|| {
        let mut entries: Vec<Entry> = parse::lines().filter_map(|(_, line)| parse::entry(line).ok()).collect();
        entries.sort_unstable_by_key(|entry| entry.pattern);
        entries
    })
}

/// What is known of a key: by its exact name first, else by the pattern with a star in one place.
pub fn find(key: &SysctlKey) -> Option<&'static Entry> {
    key.entry()
}

/// The same of a path below `/proc/sys`: for the key itself.
pub(crate) fn look_up(path: &str) -> Option<&'static Entry> {
    index::entry_of(path, name_of(path))
}

/// The key under which a value is compared and undone: another name of the same kernel variable becomes the canonical
/// one. A twin in another unit folds too; see [`alias`] for what that does to its values.
#[must_use]
pub fn canonical_key(key: &SysctlKey) -> SysctlKey {
    alias(key).map_or_else(|| key.clone(), |(canonical, _)| canonical)
}

/// The canonical key of an alias, and what its values are multiplied by.
pub fn alias(key: &SysctlKey) -> Option<(SysctlKey, i64)> {
    let alias = find(key)?.alias_of?;
    let canonical = fill(alias.pattern, key)?;
    Some((canonical, alias.scale))
}

/// The pattern with its stars replaced by the segments that stand there in `key`.
fn fill(pattern: &str, key: &SysctlKey) -> Option<SysctlKey> {
    let parts: Vec<&str> = pattern.split('.').collect();
    let segments = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if *part == "*" { key.segments().nth(index).unwrap_or(part) } else { part });
    SysctlKey::from_segments(segments).ok()
}

/// Where a key lives; unknown keys are taken to be per namespace.
pub fn scope(key: &SysctlKey) -> Scope {
    match key.parts().as_slice() {
        // The tables' defaults are registered for the initial namespace alone (net/core/neighbour.c).
        ["net", _, "neigh", "default", _] => Scope::Global,
        _ => find(key).map_or(Scope::Netns, |entry| entry.scope),
    }
}

/// What else moves when this key is written.
pub fn effect(key: &SysctlKey) -> EffectClass {
    let Some(entry) = find(key) else { return EffectClass::None };
    let template = match (entry.effect_of_template, key.interface()) {
        (EffectClass::ConfDefaultV4 | EffectClass::ConfDefaultV4NoFan, Some("default")) => true,
        (EffectClass::ConfAllFansV6, Some("all")) => true,
        (
            EffectClass::None
            | EffectClass::ForwardingV4
            | EffectClass::ForwardingV6
            | EffectClass::ConfDefaultV4
            | EffectClass::ConfDefaultV4NoFan
            | EffectClass::ConfAllFansV6
            | EffectClass::CongestionControl,
            _,
        ) => false,
    };
    if template { entry.effect_of_template } else { entry.effect }
}

/// Whether the value must never be read, shown or written.
pub fn is_secret(key: &SysctlKey) -> bool {
    // Asked before every read: the names alone rule out nearly all.
    NAMES_OF_SECRETS.contains(&key.name()) && find(key).is_some_and(|entry| entry.kind == ValueKind::Secret)
}

/// The last parts of the names of all secrets; a test holds it against the catalogue.
const NAMES_OF_SECRETS: &[&str] = &["tcp_fastopen_key", "stable_secret", "netdev_rss_key"];

/// The nearest known key in the spelling of procps, with the interface of `key`, if one is near enough to be meant.
/// A right name in the wrong folder counts as near.
pub fn suggest(key: &SysctlKey) -> Option<String> {
    let wanted = key.to_string();
    let limit = (wanted.len() / 6).clamp(1, 4);
    let known = || entries().iter().filter(|entry| entry.removed.is_none());
    let measured = |entry: &Entry| {
        let candidate = fill(entry.pattern, key)?.to_string();
        Some((strsim::damerau_levenshtein(&wanted, &candidate), candidate))
    };
    // What is of quite another length cannot be near. A star stands for the segment that the key has there.
    let segments: Vec<&str> = key.segments().collect();
    let length = |pattern: &str| {
        let starred = pattern.split('.').zip(&segments).filter(|(part, _)| *part == "*");
        starred.fold(pattern.len(), |length, (_, segment)| length + segment.len() - 1)
    };
    let similar = |entry: &&Entry| length(entry.pattern).abs_diff(wanted.len()) <= limit;
    let near = known().filter(similar).filter_map(measured).filter(|(distance, _)| (1..=limit).contains(distance));
    let elsewhere = || known().filter(|entry| entry.pattern.rsplit('.').next() == Some(key.name()));
    near.min_by_key(|(distance, _)| *distance)
        .or_else(|| elsewhere().filter_map(measured).min_by_key(|(distance, _)| *distance))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
