//! One value of a sysctl.d file as a profile spells it.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::ValueKind;
use crate::diagnostic::Severity;
use crate::kind;
use crate::kind::sysctl::number;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;

/// A value that a profile can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelt {
    /// As the profile's own types have it.
    pub(super) wanted: Wanted,
    /// What the author may not have known about it.
    pub(super) remarks: Vec<String>,
}

/// What the kernel would make of the text, or why a profile cannot ask for it. The reason never shows a secret.
pub(super) fn spell(key: &SysctlKey, text: &str) -> Result<Spelt, String> {
    let entry = catalogue::find(key);
    if let Some(entry) = entry {
        match (entry.kind, entry.access) {
            (ValueKind::Secret, _) => return Err("a secret does not belong into a profile".to_owned()),
            (ValueKind::Action, _) | (_, Access::WriteOnly) => {
                return Err("writing it does something and leaves no value to keep".to_owned());
            }
            (_, Access::ReadOnly) => return Err("it is read-only".to_owned()),
            (_, Access::ReadWrite) => {}
        }
        if let Some((major, minor)) = entry.removed {
            let advice = entry.advice.map(|advice| format!(": {advice}")).unwrap_or_default();
            return Err(format!("it is gone since Linux {major}.{minor}{advice}"));
        }
    }
    if text.contains('\u{fffd}') {
        return Err("the value is no UTF-8".to_owned());
    }
    let spelt = match entry {
        None => unknown(text),
        Some(entry) => {
            let spelt = known(entry.kind, text)?;
            let problems = kind::sysctl::check(key, &Policy::Value(spelt.wanted.clone()));
            match problems.into_iter().find(|problem| problem.severity == Severity::Error) {
                Some(problem) => return Err(problem.message),
                None => spelt,
            }
        }
    };
    let elements = match &spelt.wanted {
        Wanted::One(scalar) => vec![scalar],
        Wanted::Many(elements) => elements.iter().filter_map(scalar_of).collect(),
        Wanted::Tree(tree) => tree.every_scalar(),
    };
    elements.into_iter().try_for_each(sayable)?;
    Ok(spelt)
}

fn scalar_of(element: &Element) -> Option<&Scalar> {
    match element {
        Element::Is(scalar) => Some(scalar),
        Element::Keep => None,
    }
}

/// What means something else in a profile, or nothing.
fn sayable(scalar: &Scalar) -> Result<(), String> {
    match scalar {
        Scalar::Text(text) if text == "keep" => Err("a profile takes `keep` for what is to stay as it is".to_owned()),
        Scalar::Text(text) if text.chars().any(|c| c.is_control() && c != '\t') => {
            Err("the value has a control character".to_owned())
        }
        Scalar::Text(_) | Scalar::Int(_) => Ok(()),
    }
}

fn known(kind: ValueKind, text: &str) -> Result<Spelt, String> {
    let plain = |wanted| Spelt { wanted, remarks: Vec::new() };
    if let Some(arity) = kind.arity() {
        return numbers(arity, text);
    }
    Ok(match kind {
        ValueKind::Ports => {
            let ports = Ports::parse(text).map_err(|part| format!("`{part}` is no number and no range"))?;
            plain(Wanted::One(Scalar::Text(ports.to_string())))
        }
        ValueKind::Words => plain(Wanted::Many(
            text.split_whitespace().map(|word| Element::Is(Scalar::Text(word.to_owned()))).collect(),
        )),
        ValueKind::Word | ValueKind::CpuMask | ValueKind::Text => plain(Wanted::One(Scalar::Text(text.to_owned()))),
        ValueKind::Int
        | ValueKind::Bool
        | ValueKind::Jiffies
        | ValueKind::Ms
        | ValueKind::UserHz
        | ValueKind::Vector(_)
        | ValueKind::UlongVector(_)
        | ValueKind::Secret
        | ValueKind::Action => return Err(format!("it takes {}", kind.words())),
    })
}

/// Integers as the kernel's parser takes them: in three bases, too few leave the others alone, too many are cut off
/// (lib/kstrtox.c, kernel/sysctl.c `proc_get_long`).
fn numbers(arity: usize, text: &str) -> Result<Spelt, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err("there is no value".to_owned());
    }
    let mut remarks = Vec::new();
    let mut elements = Vec::with_capacity(arity);
    for word in words.iter().take(arity) {
        let number = number::base0(word).ok_or_else(|| format!("the kernel refuses `{}`", word.escape_debug()))?;
        if number.to_string() != **word {
            remarks.push(format!("the kernel reads `{word}` as {number}"));
        }
        elements.push(Element::Is(Scalar::Int(number)));
    }
    if let Some(ignored) = words.get(arity..).filter(|ignored| !ignored.is_empty()) {
        let ignored = super::super::line::shorten(&ignored.join(" "));
        remarks.push(format!("the kernel ignores `{ignored}` behind the value"));
    }
    if elements.len() < arity {
        remarks.push(format!("{} of {arity} values: the kernel leaves the others as they are", elements.len()));
        elements.resize(arity, Element::Keep);
    }
    let wanted = match elements.as_slice() {
        [Element::Is(scalar)] if arity == 1 => Wanted::One(scalar.clone()),
        _ => Wanted::Many(elements),
    };
    Ok(Spelt { wanted, remarks })
}

/// Of a key that is in no catalogue only a plain decimal is surely a number.
fn unknown(text: &str) -> Spelt {
    let number = number::decimal(text).filter(|number| number.to_string() == text);
    let scalar = number.map_or_else(|| Scalar::Text(text.to_owned()), Scalar::Int);
    Spelt { wanted: Wanted::One(scalar), remarks: Vec::new() }
}
