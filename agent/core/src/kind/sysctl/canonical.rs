//! From text to canonical values and back: what the kernel prints, what people write, what write(2) gets.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::ValueKind;
use crate::facts::Facts;
use crate::observed::Observed;
use crate::observed::Reading;
use crate::policy::Scalar;
use crate::value::Ports;
use crate::value::Value;

use super::number;

/// What a reading says about a key, in canonical form. The kernel's own text is decimal and decides the shape where the
/// catalogue does not know the key or the text is not what it expects.
///
/// No fact changes how a text reads today; the facts stand here because a kind may need the host to tell.
pub fn observe(key: &SysctlKey, reading: &Reading, _facts: &Facts) -> Observed {
    match reading {
        Reading::Text { text, writable } => {
            let kind = catalogue::find(key).map(|entry| entry.kind);
            Observed::Value { value: from_kernel(kind, text), writable: *writable }
        }
        Reading::Typed { value, writable } => Observed::Value { value: value.clone(), writable: *writable },
        Reading::Absent => Observed::Absent,
        Reading::Unsupported => Observed::Unsupported,
        Reading::Denied => Observed::Denied,
        Reading::WriteOnly => Observed::WriteOnly,
        Reading::Withheld => Observed::Withheld,
        Reading::Failed { errno } => Observed::Failed { errno: *errno },
    }
}

fn from_kernel(kind: Option<ValueKind>, text: &str) -> Value {
    let Some(kind) = kind else { return guess(text) };
    match kind {
        ValueKind::Int
        | ValueKind::Bool
        | ValueKind::Jiffies
        | ValueKind::Ms
        | ValueKind::UserHz
        | ValueKind::Vector(_)
        | ValueKind::UlongVector(_) => match number::all(text, number::decimal) {
            Some(numbers) => integers(kind, numbers),
            None => Value::Text(fold(text)),
        },
        ValueKind::Ports => Ports::parse(text).map_or_else(|_| Value::Text(fold(text)), Value::Ports),
        ValueKind::Words => words(text.split_whitespace()),
        ValueKind::CpuMask => Value::Text(cpumask(text).unwrap_or_else(|| fold(text))),
        ValueKind::Word | ValueKind::Text => Value::Text(fold(text)),
        ValueKind::Secret | ValueKind::Action => Value::Secret,
    }
}

/// A scalar key holds an `Int`, a vector key `Ints`, whatever their number.
fn integers(kind: ValueKind, numbers: Vec<i64>) -> Value {
    match (kind.arity(), numbers.as_slice()) {
        (Some(1), [number]) => Value::Int(*number),
        _ => Value::Ints(numbers),
    }
}

/// The conservative reading of a key that nobody described: integers only where the text is exactly what the kernel
/// would print for them.
fn guess(text: &str) -> Value {
    let folded = fold(text);
    let numbers: Option<Vec<i64>> =
        folded.split(' ').map(|word| number::decimal(word).filter(|number| number.to_string() == word)).collect();
    match numbers.as_deref() {
        Some([number]) => Value::Int(*number),
        Some(numbers) => Value::Ints(numbers.to_vec()),
        None => Value::Text(folded),
    }
}

/// The text with every run of white space as one blank, none at the ends.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A set of names: sorted, because the kernel prints them in the order in which it registered them.
pub(super) fn words<I: IntoIterator<Item = S>, S: Into<String>>(names: I) -> Value {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    names.sort_unstable();
    names.dedup();
    Value::Words(names)
}

/// A CPU mask as groups of eight hexadecimal digits without leading zeros, e.g. `f,ffffffff` (`bitmap_parse`).
fn cpumask(text: &str) -> Option<String> {
    let text = text.trim();
    let mut digits = String::new();
    for group in text.split(',') {
        if group.is_empty() || group.len() > 8 || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        digits.push_str(&format!("{group:0>8}"));
    }
    let digits = digits.trim_start_matches('0').to_ascii_lowercase();
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(8) {
            shown.push(',');
        }
        shown.push(digit);
    }
    Some(shown)
}

/// What somebody wrote for a key, as the canonical value it asks for. Integers are read in the kernel's bases.
///
/// # Errors
/// Why the text can be no value of this key, in words.
pub fn parse_wanted(key: &SysctlKey, wanted: &Scalar) -> Result<Value, String> {
    let Some(entry) = catalogue::find(key) else { return Ok(guess_wanted(wanted)) };
    match entry.kind {
        ValueKind::Int | ValueKind::Bool | ValueKind::Jiffies | ValueKind::Ms | ValueKind::UserHz => {
            number_of(wanted).map(Value::Int).ok_or_else(|| wrong(key, entry.kind, wanted))
        }
        ValueKind::Vector(n) | ValueKind::UlongVector(n) => vector(key, entry.kind, n, wanted),
        ValueKind::Ports => match wanted {
            Scalar::Int(port) => u16::try_from(*port)
                .map(|port| Value::Ports(Ports::from_ranges([(port, port)])))
                .map_err(|_| format!("{key}: {port} is not between 0 and 65535")),
            Scalar::Text(text) => Ports::parse(text)
                .map(Value::Ports)
                .map_err(|part| format!("{key}: `{part}` is no number and no range")),
        },
        ValueKind::Word => match wanted {
            Scalar::Text(text) if text.split_whitespace().count() == 1 => Ok(Value::Text(fold(text))),
            Scalar::Int(_) | Scalar::Text(_) => Err(wrong(key, entry.kind, wanted)),
        },
        ValueKind::Words => match wanted {
            Scalar::Text(text) => Ok(words(text.split_whitespace())),
            Scalar::Int(_) => Err(wrong(key, entry.kind, wanted)),
        },
        ValueKind::CpuMask => {
            // A TOML integer is the number itself; the text form is what the kernel reads: always hexadecimal.
            let text = match wanted {
                Scalar::Int(mask) if *mask >= 0 => grouped(*mask),
                Scalar::Int(_) => return Err(wrong(key, entry.kind, wanted)),
                Scalar::Text(text) => text.clone(),
            };
            cpumask(&text).map(Value::Text).ok_or_else(|| wrong(key, entry.kind, wanted))
        }
        ValueKind::Text => Ok(Value::Text(match wanted {
            Scalar::Int(number) => number.to_string(),
            Scalar::Text(text) => fold(text),
        })),
        ValueKind::Secret => Err(format!("{key} is a secret and is never set by a profile")),
        ValueKind::Action => Err(format!("{key} is an action, not a state")),
    }
}

fn grouped(mask: i64) -> String {
    format!("{:x},{:08x}", mask >> 32, mask & 0xffff_ffff)
}

fn guess_wanted(wanted: &Scalar) -> Value {
    match wanted {
        Scalar::Int(number) => Value::Int(*number),
        Scalar::Text(text) => guess(text),
    }
}

/// The integer that a scalar spells, if it spells one.
pub(super) fn number_of(wanted: &Scalar) -> Option<i64> {
    match wanted {
        Scalar::Int(number) => Some(*number),
        Scalar::Text(text) => number::base0(text),
    }
}

fn vector(key: &SysctlKey, kind: ValueKind, n: usize, wanted: &Scalar) -> Result<Value, String> {
    let numbers = match wanted {
        Scalar::Int(number) => vec![*number],
        Scalar::Text(text) => number::all(text, number::base0).ok_or_else(|| wrong(key, kind, wanted))?,
    };
    // A vector of one element is a scalar to people and to the kernel alike.
    if numbers.len() == n { Ok(integers(kind, numbers)) } else { Err(wrong_length(key, n, numbers.len())) }
}

/// The message for a vector of the wrong length.
pub(super) fn wrong_length(key: &SysctlKey, n: usize, found: usize) -> String {
    let example = vec!["\"keep\""; n].join(", ");
    format!("{key} takes {n} values, found {found}: name each, \"keep\" for one to leave alone, as in [{example}]")
}

fn wrong(key: &SysctlKey, kind: ValueKind, wanted: &Scalar) -> String {
    let found = match wanted {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => text.escape_debug().to_string(),
    };
    format!("{key} takes {}, found `{found}`", kind.words())
}

/// The exact bytes for one write(2).
///
/// Integers are decimal and complete. What is empty becomes a newline, because a write of no bytes changes nothing and
/// still succeeds (fs/proc/proc_sysctl.c). A secret encodes to nothing: it is never written.
pub fn encode(_key: &SysctlKey, value: &Value) -> String {
    let text = match value {
        Value::Int(number) => number.to_string(),
        Value::Ints(numbers) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "),
        Value::Ports(ports) => ports.to_string(),
        Value::Words(words) => words.join(" "),
        Value::Text(text) => text.clone(),
        Value::Switch { .. } | Value::Cpus(_) | Value::Tree(_) | Value::Secret => return String::new(),
    };
    if text.is_empty() { "\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SysctlKey {
        text.parse().unwrap()
    }

    fn read(name: &str, text: &str) -> Value {
        let reading = Reading::Text { text: text.to_owned(), writable: true };
        observe(&key(name), &reading, &Facts::default()).value().unwrap().clone()
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    #[test]
    fn tabs_of_a_vector_do_not_matter() {
        assert_eq!(read("net.ipv4.tcp_rmem", "4096\t131072\t33554432"), Value::Ints(vec![4096, 131_072, 33_554_432]));
        assert_eq!(
            parse_wanted(&key("net.ipv4.tcp_rmem"), &text("4096 131072 33554432")).unwrap(),
            Value::Ints(vec![4096, 131_072, 33_554_432])
        );
    }

    #[test]
    fn wanted_integers_are_read_in_the_kernels_bases() {
        let somaxconn = key("net.core.somaxconn");
        assert_eq!(parse_wanted(&somaxconn, &text("010")), Ok(Value::Int(8)));
        assert_eq!(parse_wanted(&somaxconn, &text("0x10")), Ok(Value::Int(16)));
        assert_eq!(parse_wanted(&somaxconn, &Scalar::Int(4096)), Ok(Value::Int(4096)));
        assert_eq!(
            parse_wanted(&somaxconn, &text("1 abc")).unwrap_err(),
            "net.core.somaxconn takes an integer, found `1 abc`"
        );
    }

    #[test]
    fn a_partial_vector_is_refused_with_the_word_that_helps() {
        let error = parse_wanted(&key("net.ipv4.tcp_rmem"), &text("4096 131072")).unwrap_err();
        assert!(error.contains("takes 3 values, found 2") && error.contains("\"keep\""), "{error}");
        assert!(parse_wanted(&key("net.ipv4.tcp_rmem"), &Scalar::Int(4096)).is_err());
    }

    #[test]
    fn reserved_ports_are_a_set_and_can_be_emptied() {
        let ports = key("net.ipv4.ip_local_reserved_ports");
        assert_eq!(parse_wanted(&ports, &text("5,4,3")), Ok(read("net.ipv4.ip_local_reserved_ports", "3-5")));
        assert_eq!(parse_wanted(&ports, &Scalar::Int(80)), Ok(read("net.ipv4.ip_local_reserved_ports", "80")));
        assert_eq!(encode(&ports, &read("net.ipv4.ip_local_reserved_ports", "")), "\n");
        assert_eq!(encode(&ports, &parse_wanted(&ports, &text("80, 8080-8082")).unwrap()), "80,8080-8082");
        assert!(parse_wanted(&ports, &text("80-x")).is_err());
        assert!(parse_wanted(&ports, &Scalar::Int(70_000)).is_err());
    }

    #[test]
    fn one_name_is_one_name() {
        let cc = key("net.ipv4.tcp_congestion_control");
        assert_eq!(parse_wanted(&cc, &text("bbr ")), Ok(Value::Text("bbr".into())));
        assert!(parse_wanted(&cc, &text("bbr cubic")).is_err());
        assert!(parse_wanted(&cc, &Scalar::Int(1)).is_err());
    }

    #[test]
    fn a_list_of_names_is_a_set() {
        let allowed = key("net.ipv4.tcp_allowed_congestion_control");
        assert_eq!(
            parse_wanted(&allowed, &text("reno cubic reno")),
            Ok(read("net.ipv4.tcp_allowed_congestion_control", "cubic reno"))
        );
    }

    #[test]
    fn cpu_masks_lose_their_padding() {
        assert_eq!(read("net.core.rps_default_mask", "00000000,0000000f"), Value::Text("f".into()));
        assert_eq!(read("net.core.rps_default_mask", "000f,ffffffff"), Value::Text("f,ffffffff".into()));
        assert_eq!(read("net.core.rps_default_mask", "0"), Value::Text("0".into()));
        let mask = key("net.core.rps_default_mask");
        assert_eq!(parse_wanted(&mask, &Scalar::Int(0x1_0000_0003)), Ok(Value::Text("1,00000003".into())));
        assert!(parse_wanted(&mask, &text("0-3")).is_err());
        assert!(parse_wanted(&mask, &Scalar::Int(-1)).is_err());
    }

    #[test]
    fn secrets_and_actions_are_never_wanted_nor_shown() {
        assert_eq!(read("net.ipv4.tcp_fastopen_key", "00000000-00000000-00000000-00000001"), Value::Secret);
        assert!(parse_wanted(&key("net.ipv4.tcp_fastopen_key"), &text("x")).is_err());
        assert!(parse_wanted(&key("net.ipv4.route.flush"), &Scalar::Int(1)).is_err());
    }

    #[test]
    fn an_unknown_key_is_read_conservatively() {
        assert_eq!(read("net.vendor.x", "5"), Value::Int(5));
        assert_eq!(read("net.vendor.x", "5\t6"), Value::Ints(vec![5, 6]));
        assert_eq!(read("net.vendor.x", "007"), Value::Text("007".into()));
        assert_eq!(read("net.vendor.x", "a \t b"), Value::Text("a b".into()));
        assert_eq!(read("net.vendor.x", ""), Value::Text(String::new()));
    }

    #[test]
    fn what_is_no_value_stays_a_fact() {
        let facts = Facts::default();
        let somaxconn = key("net.core.somaxconn");
        assert_eq!(observe(&somaxconn, &Reading::Absent, &facts), Observed::Absent);
        assert_eq!(observe(&somaxconn, &Reading::Failed { errno: 5 }, &facts), Observed::Failed { errno: 5 });
    }
}
