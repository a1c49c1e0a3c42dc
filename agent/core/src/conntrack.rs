//! How much connection tracking is used: what `facts` and `snapshot` tell of it besides its settings.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// How full the table of connections of a network namespace is, and what was lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConntrackUsage {
    /// Connections tracked now.
    pub entries: u64,
    /// The most that there may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Where this was learnt: `ctnetlink`, or the sysctls alone, which have no counters.
    pub source: String,
    /// What each CPU has counted since the namespace was made; empty where the kernel did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<ConntrackCounters>,
}

/// What one CPU has counted. The counters have 32 bits and wrap around.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConntrackCounters {
    /// The number of the CPU.
    pub cpu: u32,
    /// Packets lost because the table was full.
    pub drop: u64,
    /// Connections forgotten to make room for others.
    pub early_drop: u64,
    /// Entries that could not be put in, because another packet was faster: the packet is lost.
    pub insert_failed: u64,
    /// Packets lost because a chain of the hash table was too long; unknown before Linux 5.15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_too_long: Option<u64>,
    /// Packets that belong to no connection and can make none.
    pub invalid: u64,
    /// Races that were settled without a loss; unknown before Linux 5.9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clash_resolve: Option<u64>,
    /// Look-ups that found an entry while a connection was made.
    pub found: u64,
    /// Entries put in by user space.
    pub insert: u64,
    /// Malformed ICMP errors.
    pub error: u64,
    /// Look-ups begun anew.
    pub search_restart: u64,
}

impl ConntrackCounters {
    /// Each counter with the name that conntrack(8) has for it, those of losses first.
    pub fn named(&self) -> [(&'static str, Option<u64>); 10] {
        let ConntrackCounters {
            cpu: _,
            drop,
            early_drop,
            insert_failed,
            chain_too_long,
            invalid,
            clash_resolve,
            found,
            insert,
            error,
            search_restart,
        } = *self;
        [
            ("drop", Some(drop)),
            ("early_drop", Some(early_drop)),
            ("insert_failed", Some(insert_failed)),
            ("chain_toolong", chain_too_long),
            ("invalid", Some(invalid)),
            ("clash_resolve", clash_resolve),
            ("found", Some(found)),
            ("insert", Some(insert)),
            ("error", Some(error)),
            ("search_restart", Some(search_restart)),
        ]
    }
}

impl ConntrackUsage {
    /// `17 of 262144 (0.1 %)`.
    pub fn entries_of_max(&self) -> String {
        match self.max {
            Some(max) if max > 0 => {
                let thousandths = u128::from(self.entries) * 1000 / u128::from(max);
                format!("{} of {max} ({}.{} %)", self.entries, thousandths / 10, thousandths % 10)
            }
            // 0 is no limit (net/netfilter/nf_conntrack_core.c `__nf_conntrack_alloc`).
            Some(_) => format!("{}, no limit", self.entries),
            None => self.entries.to_string(),
        }
    }

    /// Each counter that the kernel told: its name, its sum, and which CPUs counted how much if it is not 0.
    pub fn totals(&self) -> Vec<(&'static str, u64, String)> {
        let rows: Vec<_> = self.cpus.iter().map(|counters| (counters.cpu, counters.named())).collect();
        let names = ConntrackCounters::default().named().into_iter().map(|(name, _)| name);
        let mut totals = Vec::new();
        for (index, name) in names.enumerate() {
            let told = rows.iter().filter_map(|(cpu, named)| Some((*cpu, named.get(index)?.1?)));
            let mut total = None;
            let mut shares = String::new();
            for (cpu, count) in told {
                total = Some(total.unwrap_or(0u64).saturating_add(count));
                if count > 0 {
                    let comma = if shares.is_empty() { "" } else { ", " };
                    let _ = write!(shares, "{comma}cpu{cpu} {count}");
                }
            }
            totals.extend(total.map(|total| (name, total, shares)));
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_and_shared_out() {
        let first = ConntrackCounters { cpu: 0, drop: 5, invalid: 1, ..ConntrackCounters::default() };
        let second = ConntrackCounters { cpu: 3, drop: 2, ..ConntrackCounters::default() };
        let usage = ConntrackUsage { cpus: vec![first, second], ..ConntrackUsage::default() };
        let totals = usage.totals();
        assert_eq!(totals[0], ("drop", 7, "cpu0 5, cpu3 2".to_owned()));
        assert_eq!(totals[1], ("early_drop", 0, String::new()));
        assert!(totals.contains(&("invalid", 1, "cpu0 1".to_owned())));
        assert!(!totals.iter().any(|(name, _, _)| *name == "chain_toolong"), "an old kernel does not tell it");
        assert_eq!(ConntrackUsage::default().totals(), []);
    }

    #[test]
    fn entries_are_told_as_a_share() {
        let usage = |entries, max| ConntrackUsage { entries, max, ..ConntrackUsage::default() };
        assert_eq!(usage(262_000, Some(262_144)).entries_of_max(), "262000 of 262144 (99.9 %)");
        assert_eq!(usage(5, Some(0)).entries_of_max(), "5, no limit");
        assert_eq!(usage(5, None).entries_of_max(), "5");
        assert_eq!(usage(u64::MAX, Some(1)).entries_of_max(), format!("{} of 1 ({}00.0 %)", u64::MAX, u64::MAX));
    }
}
