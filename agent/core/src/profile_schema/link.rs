//! The schema of `[[link]]`: every word that a section may have.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::leaf;
use super::on_drift;
use crate::address::link::Channel;
use crate::address::link::Coalesce;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::address::link::Pause;
use crate::address::link::QueueAttribute;
use crate::address::link::Ring;
use crate::features;
use crate::kind::link::limit;
use crate::profile::link::KINDS;
use crate::profile::link::MATCH_KEYS;
use crate::profile::link::MAX;
use crate::profile::link::Shape;
use crate::profile::link::of_queue;
use crate::profile::link::shape;

/// `[[link]]`, and everything that it refers to.
pub(super) fn definitions() -> Map<String, Value> {
    let mut definitions = Map::new();
    let mut properties = words(&mut definitions, Device::ALL, |word| (word.word(), LinkAttribute::Device(word)));
    properties.insert("match".to_owned(), json!({ "$ref": "#/definitions/link-match" }));
    properties.insert(
        "on-drift".to_owned(),
        on_drift("What happens on drift to the settings of this section, if they do not say."),
    );
    properties.insert("qdisc".to_owned(), json!({ "$ref": "#/definitions/qdisc" }));
    let features = features(&mut definitions);
    properties.insert("features".to_owned(), features);
    let groups = [
        (
            "rings",
            "How long the queues are, in descriptors (ethtool -g).",
            words(&mut definitions, Ring::ALL, |word| (word.word(), LinkAttribute::Ring(word))),
        ),
        (
            "channels",
            "How many queues it works with (ethtool -l).",
            words(&mut definitions, Channel::ALL, |word| (word.word(), LinkAttribute::Channel(word))),
        ),
        (
            "coalesce",
            "When it interrupts (ethtool -c): microseconds, frames, packets a second.",
            words(&mut definitions, Coalesce::ALL, |word| (word.word(), LinkAttribute::Coalesce(word))),
        ),
        (
            "pause",
            "Flow control (ethtool -a).",
            words(&mut definitions, Pause::ALL, |word| (word.word(), LinkAttribute::Pause(word))),
        ),
    ];
    for (name, description, words) in groups {
        properties.insert(name.to_owned(), table(description, words));
    }
    let queue: Map<String, Value> = QueueAttribute::ALL
        .iter()
        .map(|word| (word.word().to_owned(), setting(&mut definitions, of_queue(*word), Most::Unknown)))
        .collect();
    properties.insert(
        "queues".to_owned(),
        json!({
            "type": "object",
            "description": "Values of single queues, by name as in rx-0 or by glob as in \"rx-*\".",
            "propertyNames": { "pattern": "^((rx|tx)-[0-9]+$|.*[*?\\[\\\\])" },
            "properties": {
                "rx-*": { "$ref": "#/definitions/link-queue" },
                "tx-*": { "$ref": "#/definitions/link-queue" },
            },
            "additionalProperties": { "$ref": "#/definitions/link-queue" },
        }),
    );
    definitions.insert("link-queue".to_owned(), table("Values of each of these queues.", queue));
    definitions.insert("link-match".to_owned(), matcher());
    definitions.insert(
        "link".to_owned(),
        json!({
            "type": "object",
            "description": "Values of network interfaces: which ones `match` says. Several sections may speak of one.",
            "additionalProperties": false,
            "required": ["match"],
            "properties": properties,
        }),
    );
    definitions
}

fn table(description: &str, properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "description": description, "additionalProperties": false, "properties": properties })
}

fn words<T: Copy>(
    definitions: &mut Map<String, Value>,
    all: &[T],
    known: impl Fn(T) -> (&'static str, LinkAttribute),
) -> Map<String, Value> {
    all.iter()
        .map(|one| known(*one))
        .filter(|(_, attribute)| !attribute.is_read_only())
        .map(|(word, attribute)| {
            let most = if limit(&attribute).is_some() { Most::Told } else { Most::Unknown };
            (word.to_owned(), setting(definitions, shape(&attribute), most))
        })
        .collect()
}

fn features(definitions: &mut Map<String, Value>) -> Value {
    let switch = setting(definitions, Shape::Switch, Most::Unknown);
    let described = |description: String| json!({ "description": description, "allOf": [switch] });
    let mut properties: Map<String, Value> = features::KNOWN
        .iter()
        .map(|name| ((*name).to_owned(), described("A feature by the kernel's name".to_owned())))
        .collect();
    properties.extend(features::SHORT.iter().map(|(short, members)| {
        ((*short).to_owned(), described(format!("ethtool's name for {}", members.join(", "))))
    }));
    // A newer kernel may have others.
    json!({
        "type": "object",
        "description": "Offloads (ethtool -k), by the kernel's names or ethtool's short ones.",
        "properties": properties,
        "additionalProperties": switch,
    })
}

fn matcher() -> Value {
    let word = json!({ "type": "string", "minLength": 1 });
    let words = json!({ "anyOf": [word, { "type": "array", "minItems": 1, "items": word }] });
    let kind = json!({ "anyOf": [{ "enum": KINDS.as_slice() }, word] });
    let kinds = json!({ "anyOf": [kind, { "type": "array", "minItems": 1, "items": kind }] });
    let properties: Map<String, Value> = MATCH_KEYS
        .iter()
        .map(|key| {
            let (description, schema) = match *key {
                "name" => ("Its name.", &words),
                "driver" => ("Its driver, as ethtool -i tells it.", &words),
                "kind" => ("Its kind; physical and loopback for what has none.", &kinds),
                "permanent-mac" => ("The address that its maker gave it.", &words),
                "bus" => ("Its place on its bus, as in 0000:01:00.0.", &words),
                "master" => ("The device that it is a member of.", &words),
                "master-kind" => ("The kind of the device that it is a member of, as in bond.", &kinds),
                _ => {
                    let description = "Whether a default route leads through it.";
                    return ((*key).to_owned(), json!({ "type": "boolean", "description": description }));
                }
            };
            ((*key).to_owned(), json!({ "description": description, "allOf": [schema] }))
        })
        .collect();
    json!({
        "description": "Which interfaces: a name, or conditions of which all must hold. In an array any may hold, and what \
                        has a ! in front must not. Globs are taken everywhere.",
        "anyOf": [
            words,
            { "type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties },
        ],
    })
}

/// Whether devices tell the most that they take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Most {
    Told,
    Unknown,
}

/// The schema of a setting, its definition put among the others.
fn setting(definitions: &mut Map<String, Value>, shape: Shape, most: Most) -> Value {
    let unordered: &[&str] = &["value", "one-of", "prefer"];
    let list = |pattern: &str| json!([{ "type": "integer", "minimum": 0, "maximum": 65535 }, { "type": "string", "pattern": pattern }, { "type": "boolean" }]);
    let (name, plain, words) = match shape {
        Shape::Number { min, max } => {
            let mut plain = vec![
                json!({ "type": "integer", "minimum": min, "maximum": max }),
                json!({ "type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$" }),
            ];
            if (min..=max).contains(&0) || (min..=max).contains(&1) {
                plain.push(json!({ "type": "boolean" }));
            }
            let mut name = format!("link-number-{min}..{max}");
            if most == Most::Told {
                plain.push(json!({ "const": MAX, "description": "The most that the device takes." }));
                name.push_str("-or-max");
            }
            (name, Value::Array(plain), &["value", "at-least", "at-most", "between", "one-of", "prefer"] as &[&str])
        }
        Shape::Switch => (
            "link-switch".to_owned(),
            json!([{ "type": "boolean" }, { "enum": ["on", "off", "true", "false", "0", "1", 0, 1] }]),
            unordered,
        ),
        Shape::Cpus => ("link-cpus".to_owned(), list("^\\s*(all|none|[0-9, -]+)\\s*$"), unordered),
        Shape::Queues => ("link-queues".to_owned(), list("^\\s*(none|[0-9, -]+)\\s*$"), unordered),
    };
    let leaf = leaf::one(&name, plain, words);
    definitions.extend(leaf.definitions);
    json!({ "$ref": format!("#/definitions/{name}") })
}
