//! The schema of one setting: a value, a formula, or a policy in braces.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::catalogue::Entry;
use crate::catalogue::Range;
use crate::catalogue::ValueKind;

/// What keys have in common that are set alike.
pub(super) struct Shape {
    /// The name of its definition.
    pub(super) name: String,
    /// That definition, and those it refers to.
    pub(super) definitions: Vec<(String, Value)>,
}

/// The name of the schema for a key that is in no catalogue.
pub(super) const UNKNOWN: &str = "unknown";

/// Schemas that the others refer to.
pub(super) fn definitions() -> Map<String, Value> {
    let mut definitions = Map::new();
    definitions.insert(
        "expr".to_owned(),
        json!({
            "type": "object",
            "description": "A formula in CEL over host.*, link.*, uplink.* and params.*, with bdp, pow2, clamp, min, max and known.",
            "additionalProperties": false,
            "required": ["expr"],
            "properties": { "expr": { "type": "string", "minLength": 1, "maxLength": 512 } },
        }),
    );
    definitions.insert("keep".to_owned(), json!({ "description": "Whatever the kernel holds.", "const": "keep" }));
    definitions.insert("on-drift".to_owned(), super::on_drift("What happens when this setting drifts."));
    definitions
        .insert("reason".to_owned(), json!({ "type": "string", "description": "Why, for those who come later." }));
    definitions.insert(
        "override".to_owned(),
        json!({ "type": "boolean", "description": "Wins over an equal that disagrees.", "default": false }),
    );
    definitions.insert(
        "if-supported".to_owned(),
        json!({
            "type": "boolean",
            "description": "Fine where this kernel or this device has no such thing: a note instead of blocked.",
            "default": false,
        }),
    );
    definitions.insert(
        "load-module".to_owned(),
        json!({
            "type": "boolean",
            "description": "Load the module that brings this key before anything is written. It stays loaded.",
            "default": false,
        }),
    );
    // A key that no listed kernel has is only a warning, and what its value may be is for the kernel to say.
    definitions.insert(UNKNOWN.to_owned(), json!({ "type": ["integer", "string", "boolean", "array", "object"] }));
    definitions
}

/// The schema of a key's setting.
pub(super) fn shape(entry: &Entry) -> Shape {
    let range = range(entry);
    let bounds = match (range.min, range.max) {
        (None, None) => String::new(),
        (min, max) => {
            let bound = |bound: Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
            format!("-{}..{}", bound(min), bound(max))
        }
    };
    match entry.kind {
        ValueKind::Int | ValueKind::Bool | ValueKind::Jiffies | ValueKind::Ms | ValueKind::UserHz => {
            numbers(format!("integer{bounds}"), range, 1)
        }
        ValueKind::Vector(n) | ValueKind::UlongVector(n) => numbers(format!("integers-{n}{bounds}"), range, n),
        ValueKind::Ports => {
            let most = range.max.unwrap_or(65535);
            set(
                &format!("ports-0..{most}"),
                json!([{ "type": "integer", "minimum": 0, "maximum": most }, { "type": "string" }]),
            )
        }
        ValueKind::Words => set("words", json!([{ "type": "string", "minLength": 1 }])),
        ValueKind::Word => one("word", json!([{ "type": "string", "pattern": "^\\s*\\S+\\s*$" }]), UNORDERED),
        ValueKind::CpuMask => one(
            "cpu-mask",
            json!([{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9A-Fa-fxX,\\s]*$" }]),
            UNORDERED,
        ),
        ValueKind::Text => one("text", json!([{ "type": ["integer", "boolean", "string"] }]), UNORDERED),
        ValueKind::Secret | ValueKind::Action => Shape { name: "refused".to_owned(), definitions: Vec::new() },
    }
}

/// The widest range of all known kernels: only what none of them takes is an error at load.
fn range(entry: &Entry) -> Range {
    if entry.kind == ValueKind::Bool {
        return Range { min: Some(0), max: Some(1) };
    }
    let ranges = || [entry.range_6_12, entry.range_7_2].into_iter().flatten();
    let widest = |bounds: Vec<Option<i64>>, choose: fn(i64, i64) -> i64| {
        bounds.into_iter().collect::<Option<Vec<i64>>>().and_then(|bounds| bounds.into_iter().reduce(choose))
    };
    Range {
        min: widest(ranges().map(|range| range.min).collect(), i64::min),
        max: widest(ranges().map(|range| range.max).collect(), i64::max),
    }
}

fn numbers(name: String, range: Range, arity: usize) -> Shape {
    let mut integer = json!({ "type": "integer" });
    if let Some(fields) = integer.as_object_mut() {
        fields.extend(range.min.map(|min| ("minimum".to_owned(), json!(min))));
        fields.extend(range.max.map(|max| ("maximum".to_owned(), json!(max))));
    }
    // A text is read as the kernel would read it.
    let digits = "-?(0[xX][0-9A-Fa-f]+|[0-9]+)";
    let mut element = vec![integer, json!({ "type": "string", "pattern": format!("^\\s*{digits}\\s*$") })];
    if range.contains(0) || range.contains(1) {
        element.push(json!({ "type": "boolean" }));
    }
    element.push(reference("expr"));
    let mut members = element.clone();
    members.push(reference("keep"));
    let array = json!({ "type": "array", "minItems": arity, "maxItems": arity, "items": { "anyOf": members } });
    let mut wanted = if arity == 1 {
        element
    } else {
        let all = format!("^\\s*{digits}(\\s+{digits}){{{}}}\\s*$", arity - 1);
        vec![json!({ "type": "string", "pattern": all }), reference("expr")]
    };
    wanted.push(array);
    setting(&name, wanted, None, BOUNDED)
}

/// A time in whole seconds, or with a unit.
pub(super) fn time() -> Shape {
    // Which units there are, and that no fraction of a second is left, is for the loader to say.
    let mut element = vec![
        json!({ "type": "integer", "minimum": 0 }),
        json!({ "type": "string", "pattern": "^\\s*[0-9]" }),
        json!({ "type": "boolean" }),
        reference("expr"),
    ];
    let mut members = element.clone();
    members.push(reference("keep"));
    element.push(json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": { "anyOf": members } }));
    setting("time", element, None, BOUNDED)
}

/// One value, with the policy words that suit it.
pub(super) fn one(name: &str, plain: Value, words: &[&str]) -> Shape {
    setting(name, with_expr(plain), None, words)
}

/// The words of what has an order.
const BOUNDED: &[&str] = &["value", "at-least", "at-most", "between", "one-of", "prefer"];

/// The words of what has no order.
const UNORDERED: &[&str] = &["value", "one-of", "prefer"];

/// A set, of which members may be asked for.
fn set(name: &str, members: Value) -> Shape {
    let member = with_expr(members);
    let mut wanted = member.clone();
    wanted.push(json!({ "type": "array", "items": reference(&format!("{name}-member")) }));
    setting(name, wanted, Some(member), &["value", "one-of", "prefer", "includes"])
}

fn with_expr(alternatives: Value) -> Vec<Value> {
    let mut alternatives = match alternatives {
        Value::Array(alternatives) => alternatives,
        one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
    };
    alternatives.push(reference("expr"));
    alternatives
}

/// A value, or a policy of one of these words. Definitions of the value and of members of a set stand by themselves:
/// each word would repeat them.
fn setting(name: &str, wanted: Vec<Value>, member: Option<Vec<Value>>, words: &[&str]) -> Shape {
    let value = reference(&format!("{name}-value"));
    let mut properties = Map::new();
    for word in words {
        let schema = match *word {
            "at-least" => described("This or more: a floor never lowers.", &value),
            "at-most" => described("This or less.", &value),
            "between" => {
                let description = "From the first to the second.";
                json!({ "description": description, "type": "array", "minItems": 2, "maxItems": 2, "items": value })
            }
            "one-of" => some("Any of these is good; else the first that this kernel has.", &value),
            "prefer" => some("The first of these that this kernel has.", &value),
            "includes" => some("A list that contains at least these.", &reference(&format!("{name}-member"))),
            _ => described("Exactly this.", &value),
        };
        properties.insert((*word).to_owned(), schema);
    }
    for side in ["on-drift", "reason", "override", "if-supported", "load-module"] {
        properties.insert(side.to_owned(), reference(side));
    }
    let required: Vec<Value> = words.iter().map(|word| json!({ "required": [word] })).collect();
    let policy = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": required,
    });
    let mut definitions = vec![
        (name.to_owned(), json!({ "anyOf": [value, policy] })),
        (format!("{name}-value"), json!({ "anyOf": wanted })),
    ];
    definitions.extend(member.map(|member| (format!("{name}-member"), json!({ "anyOf": member }))));
    Shape { name: name.to_owned(), definitions }
}

/// A reference with words of its own: beside `$ref` they would not count.
fn described(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "allOf": [schema] })
}

fn some(description: &str, items: &Value) -> Value {
    json!({ "description": description, "type": "array", "minItems": 1, "items": items })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}
