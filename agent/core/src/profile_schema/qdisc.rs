//! The schema of `[link.qdisc]`: every kind with every option.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::on_drift;
use crate::kind::tc::filters;
use crate::kind::tc::qdiscs;
use crate::kind::tc::qdiscs::Opt;
use crate::kind::tc::qdiscs::Qdisc;
use crate::kind::tc::scalar::Shape;
use crate::profile::link::has_classes;
use crate::profile::link::qdisc_kinds;
use crate::profile::link::qdisc_options;

/// `qdisc` of a section, and everything that it refers to.
pub(super) fn definitions() -> Map<String, Value> {
    let kinds: Vec<&str> = qdisc_kinds().map(|qdisc| qdisc.kind).collect();
    let mut properties = Map::new();
    for qdisc in qdisc_kinds() {
        let mut options = options(qdisc);
        if has_classes(qdisc.kind) {
            let class = if qdisc.kind == "htb" { class() } else { table("A class that comes with it.", leaf()) };
            let classes = json!({
                "type": "object",
                "description": "Classes by their minor numbers, hexadecimal as tc(8) shows them.",
                "propertyNames": { "pattern": "^ *:*[0-9A-Fa-f]{1,} *$" },
                "additionalProperties": class,
            });
            options.insert("class".to_owned(), classes);
        }
        if filters::leads(qdisc.kind) {
            let mut rule = table(filters::RULE.meaning, self::options(&filters::RULE));
            if let Some(rule) = rule.as_object_mut() {
                rule.insert("required".to_owned(), json!(["class"]));
            }
            let rules = json!({
                "description": "Which packets go into which class: the first that finds a packet decides.",
                "type": "array",
                "items": rule,
            });
            options.insert("filter".to_owned(), rules);
        }
        properties.insert(qdisc.kind.to_owned(), table(qdisc.meaning, options));
    }
    properties.insert(
        "prefer".to_owned(),
        json!({
            "description": "The first of these kinds that this kernel has.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": true,
            "items": { "enum": kinds },
        }),
    );
    properties.insert(
        "take".to_owned(),
        json!({
            "description": "Whether a queueing discipline that somebody else attached is replaced. It comes back on revert.",
            "type": "boolean",
        }),
    );
    properties.insert("on-drift".to_owned(), on_drift("What happens on drift of it."));
    for side in ["reason", "override", "if-supported"] {
        properties.insert(side.to_owned(), json!({ "$ref": format!("#/definitions/{side}") }));
    }
    let table = json!({
        "type": "object",
        "description": "The queueing discipline at the root: one kind, or several and `prefer`.",
        "additionalProperties": false,
        "properties": properties,
    });
    let mut definitions = Map::new();
    definitions.insert("qdisc".to_owned(), json!({ "anyOf": [table, { "enum": kinds }] }));
    definitions
}

fn table(description: &str, properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "description": description, "additionalProperties": false, "properties": properties })
}

fn options(qdisc: &Qdisc) -> Map<String, Value> {
    let option = |option: &Opt| {
        let either = json!([option_schema(option.shape), { "$ref": "#/definitions/expr" }]);
        (option.name.to_owned(), json!({ "description": option.meaning, "anyOf": either }))
    };
    qdisc_options(qdisc).map(option).collect()
}

/// A class of htb.
fn class() -> Value {
    let mut properties = options(&qdiscs::HTB_CLASS);
    let parent = json!({ "description": "The class above it; none for the root.", "type": ["integer", "string"] });
    properties.insert("parent".to_owned(), parent);
    properties.extend(leaf());
    table(qdiscs::HTB_CLASS.meaning, properties)
}

/// What may be attached to a class.
fn leaf() -> Map<String, Value> {
    let kinds: Vec<&str> = qdisc_kinds().map(|qdisc| qdisc.kind).collect();
    let one: Map<String, Value> =
        qdisc_kinds().map(|qdisc| (qdisc.kind.to_owned(), table(qdisc.meaning, options(qdisc)))).collect();
    let with_options =
        json!({ "type": "object", "additionalProperties": false, "maxProperties": 1, "properties": one });
    let description = "What is attached to it: a kind by its name, or with its options.";
    let leaf = json!({ "description": description, "anyOf": [{ "enum": kinds }, with_options] });
    Map::from_iter([("leaf".to_owned(), leaf)])
}

fn option_schema(shape: Shape) -> Value {
    match shape {
        Shape::Count { min, max } => {
            json!({ "type": ["integer", "string"], "minimum": min, "maximum": max, "pattern": "^ *-?[0-9]+ *$" })
        }
        Shape::Bytes { min, max } => {
            json!({ "type": ["integer", "string"], "minimum": min, "maximum": max, "pattern": "^ *[0-9]" })
        }
        Shape::Rate { max: _ } => json!({ "type": ["integer", "string"], "minimum": 8, "pattern": "^ *[0-9]" }),
        Shape::Time { step: _, max: _ } => json!({ "type": "string", "pattern": "^ *[0-9]" }),
        Shape::Switch => json!({ "enum": [true, false, 0, 1, "on", "off", "true", "false", "0", "1"] }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Prefix => json!({ "type": "string", "pattern": "^ *[0-9A-Fa-f:]" }),
        Shape::Chance => json!({ "type": "string", "pattern": "^ *[0-9.eE+-]+ *% *$" }),
        Shape::Numbers { count, max } => json!({
            "anyOf": [
                { "type": "string" },
                {
                    "type": "array",
                    "minItems": count,
                    "maxItems": count,
                    "items": { "type": "integer", "minimum": 0, "maximum": max },
                },
            ],
        }),
        Shape::Minor | Shape::Opaque | Shape::Mark | Shape::Dscp | Shape::Protocol | Shape::Ports => {
            json!({ "type": ["integer", "string"] })
        }
    }
}
