//! The schema of `[conntrack]`: every name that it has, from the catalogue.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::leaf;
use super::on_drift;
use super::sysctl;
use crate::profile::conntrack::TIMEOUTS;
use crate::profile::conntrack::words;

/// `conntrack`, and what it refers to besides the definitions of `sysctl`.
pub(super) fn definitions() -> Map<String, Value> {
    let mut definitions = Map::new();
    let mut properties = Map::new();
    let mut timeouts = Map::new();
    let time = leaf::time();
    for word in words() {
        let shape = if word.is_timeout { time.name.clone() } else { leaf::shape(word.entry).name };
        let setting = json!({
            "description": format!("{}. The sysctl {}", sysctl::describe(word.entry), word.entry.pattern),
            "allOf": [{ "$ref": format!("#/definitions/{shape}") }],
        });
        // What is gone is not offered, and refused no more than the loader does.
        let table = if word.is_timeout { &mut timeouts } else { &mut properties };
        table.insert(word.name, setting);
    }
    definitions.extend(time.definitions);
    properties.insert(
        "on-drift".to_owned(),
        on_drift("What happens on drift to the settings of this section, if they do not say."),
    );
    properties.insert("load-module".to_owned(), json!({ "$ref": "#/definitions/load-module" }));
    properties.insert(
        TIMEOUTS.to_owned(),
        json!({
            "type": "object",
            "description": "How long a connection is remembered in each state: whole seconds, or a time such as \"5d\".",
            "additionalProperties": false,
            "properties": timeouts,
        }),
    );
    definitions.insert(
        "conntrack".to_owned(),
        json!({
            "type": "object",
            "description": "Connection tracking: its sysctls by names of their own.",
            "additionalProperties": false,
            "properties": properties,
        }),
    );
    definitions
}
