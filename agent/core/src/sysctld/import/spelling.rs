//! The spelling of TOML.

use crate::policy::Element;
use crate::policy::Scalar;
use crate::policy::Wanted;

/// Segments as a dotted key.
pub(super) fn dotted(segments: &[String]) -> String {
    let spelt: Vec<String> = segments.iter().map(|segment| bare_or_quoted(segment)).collect();
    spelt.join(".")
}

fn bare_or_quoted(segment: &str) -> String {
    let bare = !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { segment.to_owned() } else { string(segment) }
}

/// A basic string.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value, arrays included.
pub(super) fn value(wanted: &Wanted) -> String {
    match wanted {
        Wanted::One(one) => scalar(one),
        Wanted::Many(elements) => {
            let spelt: Vec<String> = elements
                .iter()
                .map(|element| match element {
                    Element::Keep => "\"keep\"".to_owned(),
                    Element::Is(one) => scalar(one),
                })
                .collect();
            format!("[{}]", spelt.join(", "))
        }
        // No sysctl is one; as good a text as any.
        Wanted::Tree(tree) => string(&tree.to_string()),
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Int(number) => number.to_string(),
        Scalar::Text(text) => string(text),
    }
}

/// A comment: one line, without what TOML forbids in one.
pub(super) fn comment(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    if text.is_empty() { "#".to_owned() } else { format!("# {text}") }
}
