//! The schema of `[link.qdisc]`: every kind with every option.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::on_drift;
use crate::kind::tc::scalar::Shape;
use crate::profile::link::qdisc_kinds;
use crate::profile::link::qdisc_options;

/// `qdisc` of a section, and everything that it refers to.
pub(super) fn definitions() -> Map<String, Value> {
    let kinds: Vec<&str> = qdisc_kinds().map(|qdisc| qdisc.kind).collect();
    let mut properties = Map::new();
    for qdisc in qdisc_kinds() {
        let options: Map<String, Value> = qdisc_options(qdisc)
            .map(|option| {
                let plain = option_schema(option.shape);
                let either = json!([plain, { "$ref": "#/definitions/expr" }]);
                (option.name.to_owned(), json!({ "description": option.meaning, "anyOf": either }))
            })
            .collect();
        let schema = json!({
            "type": "object",
            "description": qdisc.meaning,
            "additionalProperties": false,
            "properties": options,
        });
        properties.insert(qdisc.kind.to_owned(), schema);
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
        Shape::Minor | Shape::Opaque => json!({ "type": ["integer", "string"] }),
    }
}
