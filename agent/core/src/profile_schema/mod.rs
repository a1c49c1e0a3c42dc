//! JSON Schemas (draft-07) of what people write: profiles and the host file.
//!
//! They are for editors: to complete keys, show what they mean and mark what the loader would refuse. The loader stays
//! the judge; a schema never refuses what the loader takes.

mod conntrack;
mod leaf;
mod link;
mod nft;
mod qdisc;
mod sysctl;

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::facts::KNOWN;
use crate::facts::KnownFact;
use crate::facts::Unit;

/// The schema of a profile file.
pub fn profile_schema() -> Value {
    let mut properties = section();
    properties.insert(
        "description".to_owned(),
        json!({ "type": "string", "description": "What the profile is for, in a line." }),
    );
    properties.insert(
        "include".to_owned(),
        names(
            "Profiles that this one extends. What stands here beats what they say; among each other they must agree.",
        ),
    );
    properties.insert("on-drift".to_owned(), on_drift("What happens on drift to the settings of this profile."));
    document("trimtab profile", "What a role means in values of the kernel.", properties)
}

/// The schema of the host file.
pub fn host_schema() -> Value {
    let own = host_section();
    let mut properties = own.clone();
    properties.insert(
        "namespace".to_owned(),
        json!({
            "type": "object",
            "description": "What holds in other network namespaces, by name.",
            "propertyNames": { "minLength": 1, "maxLength": 255, "pattern": "^[^/]*$", "not": { "enum": [".", ".."] } },
            "additionalProperties": { "type": "object", "additionalProperties": false, "properties": own },
        }),
    );
    properties.insert(
        "drift".to_owned(),
        object(
            "How the daemon watches.",
            [
                (
                    "read-back",
                    json!({
                        "type": "string",
                        "description": "The time between two full read-backs, 1s to 24h.",
                        "pattern": TIME,
                        "default": "30s",
                    }),
                ),
                (
                    "breaker",
                    json!({
                        "type": "string",
                        "description": "Reverts of one address, and in which time, after which trimtab stops fighting over it.",
                        "pattern": format!("^off$|^ *[1-9][0-9]* */ *{}", TIME.trim_start_matches('^')),
                        "default": "3/10m",
                    }),
                ),
            ],
        ),
    );
    properties.insert(
        "on-stop".to_owned(),
        json!({
            "description": "What becomes of what is in force when the daemon is told to end: it stays, or what was there before trimtab comes back.",
            "enum": ["keep", "revert"],
            "default": "keep",
        }),
    );
    properties.insert(
        "metrics".to_owned(),
        object(
            "Where metrics are served.",
            [(
                "listen",
                json!({
                    "type": "string",
                    "description": "A unix socket, or an address and port.",
                    "pattern": "^unix:/|:[0-9]+$",
                    "default": "unix:/run/trimtab/metrics.sock",
                }),
            )],
        ),
    );
    document("trimtab host file", "Which roles this host plays, and what it decides itself.", properties)
}

/// A number and a unit of time; a bare number could be anything.
const TIME: &str = "^[0-9]+(\\.[0-9]+)? *([nN][sS]|[uU][sS]|[mM][sS]|[sS]|[mM]([iI][nN])?|[hH]|[dD]) *$";

fn document(title: &str, description: &str, properties: Map<String, Value>) -> Value {
    let mut definitions = sysctl::definitions();
    definitions.extend(leaf::definitions());
    definitions.extend(link::definitions());
    definitions.extend(qdisc::definitions());
    definitions.extend(conntrack::definitions());
    definitions.extend(nft::definitions());
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "definitions": definitions,
    })
}

fn object<const N: usize>(description: &str, properties: [(&str, Value); N]) -> Value {
    let properties: BTreeMap<&str, Value> = properties.into_iter().collect();
    json!({ "type": "object", "description": description, "additionalProperties": false, "properties": properties })
}

/// What may stand in a profile, the host file and a namespace of it alike.
fn section() -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert(
        "params".to_owned(),
        json!({
            "type": "object",
            "description": "What only the operator knows, with its default. The host file and --param override it.",
            "propertyNames": { "pattern": "^[a-z_][a-z0-9_]{0,63}$" },
            "additionalProperties": {
                "description": "A number, a quantity such as \"80ms\" or \"10gbit\", a word, or true or false.",
                "type": ["number", "string", "boolean"],
            },
        }),
    );
    properties.insert("sysctl".to_owned(), json!({ "$ref": "#/definitions/sysctl" }));
    properties.insert("link".to_owned(), json!({ "type": "array", "items": { "$ref": "#/definitions/link" } }));
    properties.insert("conntrack".to_owned(), json!({ "$ref": "#/definitions/conntrack" }));
    properties.insert("notrack".to_owned(), json!({ "type": "array", "items": { "$ref": "#/definitions/notrack" } }));
    properties.insert("mss-clamp".to_owned(), json!({ "$ref": "#/definitions/mss-clamp" }));
    properties
}

fn host_section() -> Map<String, Value> {
    let mut properties = section();
    properties.insert("profiles".to_owned(), names("The roles that this host plays."));
    properties.insert(
        "mode".to_owned(),
        json!({
            "description": "Put in force what is wanted, or only report.",
            "enum": ["enforce", "observe"],
            "default": "enforce",
        }),
    );
    properties.insert("on-drift".to_owned(), on_drift("What happens on drift where neither setting nor profile says."));
    properties.insert(
        "unmanaged".to_owned(),
        json!({
            "type": "array",
            "description": "Globs of interfaces that are reached by their exact name only.",
            "items": { "type": "string" },
        }),
    );
    properties.insert("facts".to_owned(), facts());
    properties
}

fn names(description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "uniqueItems": true,
        "items": { "type": "string", "maxLength": 136, "pattern": "^(builtin:)?[A-Za-z0-9_-][A-Za-z0-9._-]*$" },
    })
}

fn on_drift(description: &str) -> Value {
    json!({
        "description": format!("{description} revert: put it back; revert-unless-disruptive: put it back where that does not disturb traffic, else tell and leave it; report: tell and leave it; ignore: say nothing."),
        "enum": ["revert", "revert-unless-disruptive", "report", "ignore"],
    })
}

/// The facts that the host file may declare: all but the name of an interface, which is its path.
fn facts() -> Value {
    let mut folders: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for fact in KNOWN.iter().filter(|fact| fact.name != "link.name") {
        let Some((folder, name)) = fact.name.split_once('.') else { continue };
        folders.entry(folder).or_default().insert(name.to_owned(), fact_value(fact));
    }
    let folders: Map<String, Value> = folders
        .into_iter()
        .map(|(name, properties)| {
            let folder = json!({ "type": "object", "additionalProperties": false, "properties": properties });
            let folder = match name {
                "link" => json!({
                    "type": "object",
                    "description": "By interface.",
                    "additionalProperties": folder,
                }),
                _ => folder,
            };
            (name.to_owned(), folder)
        })
        .collect();
    json!({
        "type": "object",
        "description": "What trimtab cannot learn from the kernel, or should take otherwise.",
        "additionalProperties": false,
        "properties": folders,
    })
}

fn fact_value(fact: &KnownFact) -> Value {
    let KnownFact { name: _, unit, meaning } = fact;
    let quantity = |number: &str, example: &str| {
        json!({
            "description": format!("{meaning}, as in {example}"),
            "anyOf": [{ "type": number, "minimum": 0 }, { "type": "string", "pattern": "^ *[0-9]" }],
        })
    };
    match unit {
        Unit::Bool => json!({ "description": meaning, "type": "boolean" }),
        Unit::Text => json!({ "description": meaning, "type": "string" }),
        Unit::Number => json!({ "description": meaning, "type": "integer", "minimum": 0 }),
        Unit::Bytes => quantity("integer", "\"64GiB\""),
        Unit::BitsPerSecond => quantity("integer", "\"10gbit\""),
        Unit::Seconds => quantity("number", "\"80ms\""),
    }
}

#[cfg(test)]
mod tests;
