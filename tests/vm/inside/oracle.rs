//! What trimtab reads against what sysctl(8) says, for all keys of a whole machine.

use std::collections::BTreeMap;

use crate::machine::Machine;
use crate::machine::sh;
use crate::machine::unload;

/// Every key and its value, white space folded.
fn by_sysctl_8() -> BTreeMap<String, String> {
    let all = sh("sysctl -a 2>/dev/null || true");
    let lines = all.lines().filter_map(|line| line.split_once(" ="));
    lines
        .map(|(key, value)| (format!("sysctl:{key}"), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

#[test]
fn a_snapshot_agrees_with_sysctl_8_on_every_key_of_the_host() {
    sh("modprobe -a nf_conntrack br_netfilter");
    let machine = Machine::new();
    let before = by_sysctl_8();
    let snapshot = machine.trimtab(&["snapshot"]).exits(0).json();
    let after = by_sysctl_8();
    let readings = snapshot["readings"].as_object().unwrap();
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (key, truth) in &before {
        // What counts or ages says nothing; keys that are no business of networking are not in a snapshot.
        if after.get(key) != Some(truth) || !key.starts_with("sysctl:net.") {
            continue;
        }
        match readings.get(key).map(|reading| reading["text"]["text"].as_str()) {
            Some(Some(text)) if text.split_whitespace().collect::<Vec<_>>().join(" ") == *truth => compared += 1,
            // Secrets are shown to nobody.
            Some(None) if ["_secret", "fastopen_key", "rss_key"].iter().any(|word| key.ends_with(word)) => {}
            other => wrong.push(format!("{key}: sysctl(8) reads {truth:?}, trimtab {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 700, "{compared}");
    for global in ["net.core.rmem_max", "net.netfilter.nf_conntrack_max", "net.ipv4.neigh.default.gc_thresh3"] {
        assert!(before.contains_key(&format!("sysctl:{global}")), "{global}");
    }
    unload("nf_conntrack");
    unload("br_netfilter");
}
