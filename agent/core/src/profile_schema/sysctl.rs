//! The schema of `[sysctl]`: the catalogue as nested objects.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::Entry;
use crate::catalogue::ValueKind;

use super::leaf;

/// A folder below /proc/sys, or a value in one.
#[derive(Default)]
struct Node {
    value: Option<&'static Entry>,
    folder: BTreeMap<&'static str, Node>,
}

/// `sysctl` and everything that it refers to.
pub(super) fn definitions() -> Map<String, Value> {
    let mut root = Node::default();
    let mut definitions = Map::new();
    for entry in catalogue::entries() {
        let mut node = &mut root;
        for segment in entry.pattern.split('.') {
            node = node.folder.entry(segment).or_default();
        }
        node.value = Some(entry);
        definitions.extend(leaf::shape(entry).definitions);
    }
    let mut sysctl = folder(&root, "", &mut definitions);
    if let Some(fields) = sysctl.as_object_mut() {
        let description = "Values below /proc/sys, as dotted keys. An interface with a dot in its name is quoted.";
        fields.insert("description".to_owned(), json!(description));
    }
    definitions.insert("sysctl".to_owned(), sysctl);
    definitions
}

fn folder(node: &Node, path: &str, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    // Not completed by an editor, but judged: what is gone, and what no profile may set.
    let mut hidden = Map::new();
    for (segment, child) in node.folder.iter().filter(|(segment, _)| **segment != "*") {
        if let Some(entry) = child.value {
            let slot = if is_offered(entry) { &mut properties } else { &mut hidden };
            let name = if is_offered(entry) { (*segment).to_owned() } else { format!("^{}$", literal(segment)) };
            slot.insert(name, setting(entry));
        } else {
            properties.insert((*segment).to_owned(), folder(child, &join(path, segment), definitions));
        }
    }
    let mut others = json!({ "$ref": format!("#/definitions/{}", leaf::UNKNOWN) });
    if let Some(star) = node.folder.get("*") {
        others = match star.value {
            Some(entry) => setting(entry),
            None => interfaces(node, star, path, &mut properties, definitions),
        };
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": others });
    if !hidden.is_empty()
        && let Some(fields) = schema.as_object_mut()
    {
        fields.insert("patternProperties".to_owned(), Value::Object(hidden));
    }
    schema
}

/// A folder for each interface; `all` and `default` have the same keys and a few of their own.
fn interfaces(
    node: &Node,
    star: &Node,
    path: &str,
    properties: &mut Map<String, Value>,
    definitions: &mut Map<String, Value>,
) -> Value {
    let name = join(path, "*");
    let any = folder(star, &name, definitions);
    let reference = json!({ "$ref": format!("#/definitions/{name}") });
    for special in ["all", "default"] {
        let own = node.folder.get(special);
        let schema = match own {
            None => reference.clone(),
            Some(own) => {
                let mut whole = any.clone();
                let own = folder(own, &join(path, special), definitions);
                for part in ["properties", "patternProperties"] {
                    if let (Some(whole), Some(own)) =
                        (whole.get_mut(part).and_then(Value::as_object_mut), own.get(part).and_then(Value::as_object))
                    {
                        whole.extend(own.clone());
                    }
                }
                whole
            }
        };
        properties.insert(special.to_owned(), schema);
    }
    properties.insert("*".to_owned(), reference.clone());
    definitions.insert(name, any);
    reference
}

fn join(path: &str, segment: &str) -> String {
    if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") }
}

/// A segment as a regular expression; segments of the catalogue have no other special character.
fn literal(segment: &str) -> String {
    segment.replace('.', "\\.")
}

fn is_refused(entry: &Entry) -> bool {
    matches!(entry.kind, ValueKind::Secret | ValueKind::Action) || entry.access != Access::ReadWrite
}

fn is_offered(entry: &Entry) -> bool {
    !is_refused(entry) && entry.removed.is_none()
}

fn setting(entry: &Entry) -> Value {
    if is_refused(entry) {
        return json!({ "description": describe(entry), "not": {} });
    }
    let name = leaf::shape(entry).name;
    json!({ "description": describe(entry), "allOf": [{ "$ref": format!("#/definitions/{name}") }] })
}

/// What there is to say of a key, in sentences without the last full stop.
pub(super) fn describe(entry: &Entry) -> String {
    let mut text = entry.meaning.to_owned();
    let mut say = |words: String| {
        text.push_str(". ");
        text.push_str(&words);
    };
    let unit = entry.unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
    say(format!("Takes {}{unit}", entry.kind.words()));
    if entry.zero_is_unlimited {
        say("0 means no limit".to_owned());
    }
    if let Some(alias) = entry.alias_of {
        say(format!("Another name of {}", alias.pattern));
    }
    if let Some((major, minor)) = entry.since {
        say(format!("Since Linux {major}.{minor}"));
    }
    if let Some((major, minor)) = entry.removed {
        say(format!("Gone since Linux {major}.{minor}"));
    }
    if let Some(module) = entry.module {
        say(format!("Needs the module {module}"));
    }
    if let Some(disrupts) = entry.disrupts {
        say(format!("When written: {disrupts}"));
    }
    if let Some(advice) = entry.advice {
        say(advice.to_owned());
    }
    text
}
