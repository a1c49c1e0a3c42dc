//! Parameters: what only the operator knows, declared with a default in profiles.

use super::file::File;
use super::leaf;
use super::syntax::Node;
use super::syntax::Tree;
use crate::desired::Origin;
use crate::diagnostic::Place;
use crate::facts::FactValue;
use crate::units;

/// A parameter with its value in one file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) raw: Raw,
    pub(super) place: Place,
    pub(super) key_place: Place,
    pub(super) origin: Origin,
}

/// A value as written, before anybody knows whether a text is a quantity.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// The entries of a section `[params]`.
pub(super) fn section(file: &mut File<'_>, node: &Node) -> Vec<Param> {
    let Tree::Table(table) = &node.tree else {
        leaf::wrong_type(file, node, "`params`", "a section `[params]`");
        return Vec::new();
    };
    let mut params = Vec::new();
    for entry in table {
        if !is_name(&entry.key) {
            let message = format!("`{}` is no name of a parameter", entry.key.escape_debug());
            file.error("bad-name", message, entry.key_span.clone()).help =
                Some("use lower case letters, digits and underscores, as in `params.round_trip`".to_owned());
            continue;
        }
        if let Some(raw) = raw(file, &entry.node, &entry.key) {
            params.push(Param {
                name: entry.key.clone(),
                raw,
                place: file.place(entry.node.span.clone()),
                key_place: file.place(entry.key_span.clone()),
                origin: file.origin(entry.key_span.start, None),
            });
        }
    }
    params
}

/// A name that an expression can speak of as `params.NAME`.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 64
}

/// A scalar that a parameter or a fact may have.
pub(super) fn raw(file: &mut File<'_>, node: &Node, name: &str) -> Option<Raw> {
    match &node.tree {
        Tree::Bool(yes) => Some(Raw::Bool(*yes)),
        Tree::Int(number) => Some(Raw::Int(*number)),
        Tree::Float(number) if number.is_finite() => Some(Raw::Float(*number)),
        Tree::Text(text) => Some(Raw::Text(text.clone())),
        Tree::Huge
        | Tree::Float(_)
        | Tree::Date
        | Tree::Array(_)
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_) => {
            leaf::wrong_type(file, node, &format!("`{name}`"), "a number, a boolean or a string such as \"80ms\"");
            None
        }
        Tree::Broken => None,
    }
}

impl Raw {
    /// The value of a declaration: a text that is a quantity becomes one, any other stays text.
    pub(super) fn declared(&self) -> FactValue {
        match self {
            Raw::Bool(yes) => FactValue::Bool(*yes),
            Raw::Int(number) => FactValue::Int(*number),
            Raw::Float(number) => FactValue::Float(*number),
            Raw::Text(text) => units::parse_quantity(text).unwrap_or_else(|| FactValue::Text(text.clone())),
        }
    }

    /// The value that stands in for a declared one of the same type.
    ///
    /// # Errors
    /// What the declaration wants.
    pub(super) fn instead_of(&self, declared: &Raw) -> Result<FactValue, String> {
        let text = matches!(declared.declared(), FactValue::Text(_));
        match (self, declared.declared()) {
            (Raw::Bool(yes), FactValue::Bool(_)) => Ok(FactValue::Bool(*yes)),
            (Raw::Text(text), FactValue::Text(_)) => Ok(FactValue::Text(text.clone())),
            (Raw::Int(number), FactValue::Text(_)) => Ok(FactValue::Text(number.to_string())),
            (Raw::Int(number), FactValue::Int(_) | FactValue::Float(_)) => Ok(FactValue::Int(*number)),
            (Raw::Float(number), FactValue::Int(_) | FactValue::Float(_)) => Ok(FactValue::Float(*number)),
            (Raw::Text(written), FactValue::Int(_) | FactValue::Float(_)) => {
                let value = units::parse_quantity(written)
                    .ok_or_else(|| format!("`{}` is no number or quantity", written.escape_debug()))?;
                let both_quantities = matches!(declared, Raw::Text(_));
                let same = matches!(
                    (&value, declared.declared()),
                    (FactValue::Int(_), FactValue::Int(_)) | (FactValue::Float(_), FactValue::Float(_))
                );
                if both_quantities && !same {
                    return Err(format!(
                        "`{}` is another kind of quantity than the default `{}`",
                        written.escape_debug(),
                        declared.show()
                    ));
                }
                Ok(value)
            }
            (Raw::Bool(_) | Raw::Float(_), FactValue::Text(_))
            | (Raw::Bool(_), FactValue::Int(_) | FactValue::Float(_))
            | (Raw::Int(_) | Raw::Float(_) | Raw::Text(_), FactValue::Bool(_)) => {
                let wanted = if text { "a text" } else { "a value" };
                Err(format!("wants {wanted} like the default `{}`, found `{}`", declared.show(), self.show()))
            }
        }
    }

    pub(super) fn show(&self) -> String {
        match self {
            Raw::Bool(yes) => yes.to_string(),
            Raw::Int(number) => number.to_string(),
            Raw::Float(number) => number.to_string(),
            Raw::Text(text) => text.clone(),
        }
    }
}
