//! The schemas of `[[notrack]]` and `[mss-clamp]`.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::kind::nft::protocol_names;
use crate::profile::nft::HOOKS;
use crate::profile::nft::MSS_CLAMP;
use crate::profile::nft::MSS_CLAMP_KEYS;
use crate::profile::nft::NOTRACK;
use crate::profile::nft::NOTRACK_KEYS;
use crate::profile::nft::SIZES;

/// `notrack` and `mss-clamp`.
pub(super) fn definitions() -> Map<String, Value> {
    let section = |description: &str, keys: &[&str]| {
        let properties: Map<String, Value> =
            keys.iter().map(|key| ((*key).to_owned(), property(key))).chain(side()).collect();
        json!({ "type": "object", "description": description, "additionalProperties": false, "properties": properties })
    };
    let notrack = section("Packets whose connections are not tracked.", &NOTRACK_KEYS);
    let clamp = section("How large segments of TCP may be that are forwarded.", &MSS_CLAMP_KEYS);
    Map::from_iter([(NOTRACK.to_owned(), notrack), (MSS_CLAMP.to_owned(), clamp)])
}

/// The words that may stand in either.
fn side() -> impl Iterator<Item = (String, Value)> {
    [
        ("on-drift", super::on_drift("What happens on drift.")),
        ("reason", json!({ "type": "string", "description": "Why, for whoever reads the plan." })),
        ("override", json!({ "type": "boolean", "description": "Beats equals that say otherwise." })),
        ("if-supported", json!({ "type": "boolean", "description": "Fine where the kernel has no nf_tables." })),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
}

fn property(key: &str) -> Value {
    let interface = json!({ "type": "string", "pattern": r"^[^\s/:*?\[\]!\\]{1,15}\*?$" });
    let prefix = json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" });
    let port = json!({
        "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": "^ *[0-9]+ *(- *[0-9]+ *)?(, *[0-9]+ *(- *[0-9]+ *)?)*$" },
        ],
    });
    let protocol = json!({
        "anyOf": [
            { "enum": protocol_names().collect::<Vec<_>>() },
            { "type": "integer", "minimum": 0, "maximum": 255 },
            { "type": "string", "pattern": "^[0-9]{1,3}$" },
        ],
    });
    let hook = json!({ "enum": HOOKS.map(|(word, _)| word) });
    match key {
        "interfaces" => some(
            "Interfaces that packets come in by, or that this host sends them out of: names, or the beginning of names with a star.",
            &interface,
        ),
        "out" => some("Interfaces: what opens a connection out of them is clamped.", &interface),
        "in" => some("Interfaces: what opens a connection in by them is clamped.", &interface),
        "from" => some("Where packets come from, as in \"10.0.0.0/8\".", &prefix),
        "to" => some("Where packets go to, as in \"2001:db8::/32\".", &prefix),
        "protocol" => some("What is inside IP.", &protocol),
        "ports" => some("The ports that packets go to, as in 53 or \"8000-8100\".", &port),
        "source-ports" => some("The ports that packets come from.", &port),
        "hooks" => some("Where: what comes in, or what this host sends.", &hook),
        "both-directions" => json!({
            "type": "boolean",
            "description": "Whether what answers these packets is not tracked, either.",
            "default": true,
        }),
        _ => json!({
            "description": "The largest segment: \"path\" for what fits the MTU of the route both ways, bytes, or \"off\".",
            "anyOf": [{ "enum": SIZES }, { "type": "integer", "minimum": 536, "maximum": 65495 }],
            "default": "path",
        }),
    }
}

/// One, or an array of them.
fn some(description: &str, one: &Value) -> Value {
    json!({ "description": description, "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}
