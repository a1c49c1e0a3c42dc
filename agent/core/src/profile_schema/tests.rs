use super::*;
use crate::address::link::LinkAttribute;
use crate::catalogue;
use crate::catalogue::Access;
use crate::catalogue::ValueKind;
use crate::features;

/// The schema at a key of `[sysctl]`, references followed.
fn at<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let mut node = follow(schema, schema.pointer("/properties/sysctl")?);
    for segment in key.split('.') {
        node = follow(schema, node.get("properties")?.get(segment)?);
    }
    Some(node)
}

fn follow<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

#[test]
fn an_editor_is_offered_every_key_that_a_profile_may_set() {
    let schema = profile_schema();
    for entry in catalogue::entries() {
        let may = entry.removed.is_none()
            && entry.access == Access::ReadWrite
            && !matches!(entry.kind, ValueKind::Secret | ValueKind::Action);
        let offered = at(&schema, entry.pattern);
        if entry.pattern.ends_with('*') {
            continue;
        }
        assert_eq!(offered.is_some(), may, "{}", entry.pattern);
        if let Some(offered) = offered {
            assert!(offered["description"].as_str().unwrap().starts_with(entry.meaning), "{}", entry.pattern);
        }
    }
    assert!(at(&schema, "net.ipv4.conf.all.rp_filter").is_some());
    assert!(at(&schema, "net.ipv4.conf.all.forwarding").is_some());
    assert!(at(&schema, "net.ipv4.neigh.default.gc_thresh3").is_some());
    assert!(at(&schema, "net.ipv4.neigh.default.gc_stale_time").is_some());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(node: &Value, found: &mut Vec<String>) {
        match node {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for schema in [profile_schema(), host_schema()] {
        let mut references = Vec::new();
        walk(&schema, &mut references);
        assert!(references.len() > 100);
        for reference in references {
            assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}

#[test]
fn ranges_are_those_of_all_kernels_together() {
    let schema = profile_schema();
    let shape = at(&schema, "net.ipv4.tcp_syn_retries").unwrap()["allOf"][0]["$ref"].as_str().unwrap();
    assert_eq!(shape, "#/definitions/integer-1..127");
    let shape = follow(&schema, &at(&schema, "net.ipv4.tcp_rmem").unwrap()["allOf"][0]);
    let value = follow(&schema, &shape["anyOf"][0]);
    assert_eq!(value["anyOf"][2]["minItems"], 3, "{value}");
}

#[test]
fn an_editor_is_offered_every_word_of_a_link_that_can_be_set() {
    let schema = profile_schema();
    let link = &schema["definitions"]["link"]["properties"];
    for attribute in LinkAttribute::fixed() {
        let text = attribute.to_string();
        let (group, word) = text.split_once('/').map_or((None, text.as_str()), |(group, word)| (Some(group), word));
        let group = group.map(|group| {
            ["rings", "channels", "coalesce", "pause"].into_iter().find(|one| one.starts_with(group)).unwrap()
        });
        let place = group.map_or(link, |group| &link[group]["properties"]);
        assert_eq!(place.get(word).is_some(), !attribute.is_read_only(), "{text}");
    }
    for key in crate::profile::link::keys() {
        assert!(link.get(key).is_some(), "{key}");
    }
    for name in features::KNOWN.iter().chain(features::SHORT.iter().map(|(short, _)| short)) {
        assert!(link["features"]["properties"].get(*name).is_some(), "{name}");
    }
}

#[test]
fn an_editor_is_offered_every_name_of_connection_tracking() {
    let schema = profile_schema();
    let section = &schema["definitions"]["conntrack"]["properties"];
    for word in crate::profile::conntrack::words() {
        let table = if word.is_timeout { &section["timeouts"]["properties"] } else { section };
        let setting = &table[&word.name];
        let description = setting["description"].as_str().unwrap();
        assert!(description.starts_with(word.entry.meaning), "{}", word.name);
        assert!(description.ends_with(&format!("The sysctl {}", word.entry.pattern)), "{description}");
    }
}
