//! What changes are heard by: which sources there are, which of them are on, and what came of each.
//!
//! A source that is off costs no correctness: the read-back finds everything. What it costs is time, and the name of who it
//! was; so whoever asks is told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Something that tells of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Everything that is in force is read, at regular intervals.
    ReadBack,
    /// Writes to sysctls and who did them, by a BPF program.
    Bpf,
    /// Interfaces that come, go and change, by rtnetlink.
    Links,
    /// Some settings of IPv4 and IPv6, also where no file was written, by rtnetlink.
    Netconf,
    /// Queueing disciplines and what belongs to them, by rtnetlink.
    Tc,
    /// Settings of network devices, by ethtool's netlink.
    Ethtool,
    /// Rules for packets, by nfnetlink.
    Nftables,
}

impl Source {
    /// All of them.
    const ALL: [Source; 7] =
        [Source::ReadBack, Source::Bpf, Source::Links, Source::Netconf, Source::Tc, Source::Ethtool, Source::Nftables];

    /// Its name, as documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Source::ReadBack => "read-back",
            Source::Bpf => "bpf",
            Source::Links => "links",
            Source::Netconf => "netconf",
            Source::Tc => "tc",
            Source::Ethtool => "ethtool",
            Source::Nftables => "nftables",
        }
    }
}

/// How far a source reaches, and what came of it since the daemon started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Whether it is heard.
    pub on: bool,
    /// Why not, or what it does not tell on this kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it told: writes, changes; of the read-back, how often everything was read.
    pub seen: u64,
    /// What was lost of it: writes, where they are counted, else how often some were. Each time everything is read.
    pub lost: u64,
}

/// Every source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sources(BTreeMap<Source, Coverage>);

impl Default for Sources {
    /// All are there, and nothing is heard yet.
    fn default() -> Sources {
        Sources(Source::ALL.into_iter().map(|source| (source, Coverage::default())).collect())
    }
}

impl Sources {
    /// It is heard; some of what it could tell this kernel may not.
    pub fn on(&mut self, source: Source, lacks: Option<String>) {
        let coverage = self.of(source);
        (coverage.on, coverage.why) = (true, lacks);
    }

    /// It is not heard, and why.
    pub fn off(&mut self, source: Source, why: String) {
        let coverage = self.of(source);
        (coverage.on, coverage.why) = (false, Some(why));
    }

    /// It told so much.
    pub fn seen(&mut self, source: Source, many: u64) {
        let coverage = self.of(source);
        coverage.seen = coverage.seen.saturating_add(many);
    }

    /// So much of it was lost.
    pub fn lost(&mut self, source: Source, many: u64) {
        let coverage = self.of(source);
        coverage.lost = coverage.lost.saturating_add(many);
    }

    /// Each, in its order.
    pub fn all(&self) -> impl Iterator<Item = (Source, &Coverage)> {
        self.0.iter().map(|(source, coverage)| (*source, coverage))
    }

    fn of(&mut self, source: Source) -> &mut Coverage {
        self.0.entry(source).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_by_their_names() {
        let mut sources = Sources::default();
        sources.on(Source::Links, None);
        sources.seen(Source::Links, 3);
        sources.lost(Source::Links, 1);
        sources.off(Source::Bpf, "refused".to_owned());
        let json = serde_json::to_value(&sources).unwrap();
        assert_eq!(json["links"], serde_json::json!({ "on": true, "seen": 3, "lost": 1 }));
        assert_eq!(json["bpf"], serde_json::json!({ "on": false, "why": "refused", "seen": 0, "lost": 0 }));
        assert_eq!(json.as_object().unwrap().len(), Source::ALL.len());
        assert!(Source::ALL.iter().all(|source| json.get(source.name()).is_some()));
        assert_eq!(serde_json::from_value::<Sources>(json).unwrap(), sources);
    }
}
