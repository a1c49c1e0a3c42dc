//! The names of features (offloads) of network interfaces: those the kernel gives, and the short ones of ethtool(8).
//!
//! An address always has the kernel's name. A short name stands for one or several of them, and is taken apart when a
//! profile is read.

use crate::diagnostic::suggest;

/// Every name that some kernel from 6.1 to 6.18 has (net/ethtool/common.c `netdev_features_strings`).
pub const KNOWN: &[&str] = &[
    "tx-scatter-gather",
    "tx-checksum-ipv4",
    "tx-checksum-ip-generic",
    "tx-checksum-ipv6",
    "highdma",
    "tx-scatter-gather-fraglist",
    "tx-vlan-hw-insert",
    "rx-vlan-hw-parse",
    "rx-vlan-filter",
    "tx-vlan-stag-hw-insert",
    "rx-vlan-stag-hw-parse",
    "rx-vlan-stag-filter",
    "vlan-challenged",
    "tx-generic-segmentation",
    // Three that were features until 6.12 and never could be changed.
    "tx-lockless",
    "netns-local",
    "fcoe-mtu",
    "rx-gro",
    "rx-gro-hw",
    "rx-lro",
    "tx-tcp-segmentation",
    "tx-gso-robust",
    "tx-tcp-ecn-segmentation",
    // Since 6.18.
    "tx-tcp-accecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp6-segmentation",
    "tx-fcoe-segmentation",
    "tx-gre-segmentation",
    "tx-gre-csum-segmentation",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-udp_tnl-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-gso-partial",
    "tx-tunnel-remcsum-segmentation",
    "tx-sctp-segmentation",
    "tx-esp-segmentation",
    "tx-udp-segmentation",
    "tx-gso-list",
    "tx-checksum-fcoe-crc",
    "tx-checksum-sctp",
    "rx-ntuple-filter",
    "rx-hashing",
    "rx-checksum",
    "tx-nocache-copy",
    "loopback",
    "rx-fcs",
    "rx-all",
    "l2-fwd-offload",
    "hw-tc-offload",
    "esp-hw-offload",
    "esp-tx-csum-hw-offload",
    "rx-udp_tunnel-port-offload",
    "tls-hw-record",
    "tls-hw-tx-offload",
    "tls-hw-rx-offload",
    "rx-gro-list",
    "macsec-hw-offload",
    "rx-udp-gro-forwarding",
    "hsr-tag-ins-offload",
    "hsr-tag-rm-offload",
    "hsr-fwd-offload",
    "hsr-dup-offload",
];

const CHECKSUMS: &[&str] =
    &["tx-checksum-ipv4", "tx-checksum-ip-generic", "tx-checksum-ipv6", "tx-checksum-fcoe-crc", "tx-checksum-sctp"];
const SCATTER_GATHER: &[&str] = &["tx-scatter-gather", "tx-scatter-gather-fraglist"];
const TSO: &[&str] = &[
    "tx-tcp-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp6-segmentation",
    "tx-tcp-accecn-segmentation",
];

/// What ethtool(8) takes and prints in the place of the kernel's names: short, as in `ethtool -K`, and long, as in
/// `ethtool -k`.
pub const SHORT: &[(&str, &[&str])] = &[
    ("rx", &["rx-checksum"]),
    ("rx-checksumming", &["rx-checksum"]),
    ("tx", CHECKSUMS),
    ("tx-checksumming", CHECKSUMS),
    ("sg", SCATTER_GATHER),
    ("scatter-gather", SCATTER_GATHER),
    ("tso", TSO),
    ("tcp-segmentation-offload", TSO),
    ("gso", &["tx-generic-segmentation"]),
    ("generic-segmentation-offload", &["tx-generic-segmentation"]),
    ("gro", &["rx-gro"]),
    ("generic-receive-offload", &["rx-gro"]),
    ("lro", &["rx-lro"]),
    ("large-receive-offload", &["rx-lro"]),
    ("rxvlan", &["rx-vlan-hw-parse"]),
    ("rx-vlan-offload", &["rx-vlan-hw-parse"]),
    ("txvlan", &["tx-vlan-hw-insert"]),
    ("tx-vlan-offload", &["tx-vlan-hw-insert"]),
    ("ntuple", &["rx-ntuple-filter"]),
    ("ntuple-filters", &["rx-ntuple-filter"]),
    ("rxhash", &["rx-hashing"]),
    ("receive-hashing", &["rx-hashing"]),
];

/// Names of a feature that left with Linux 4.14, and what there is instead.
pub const GONE: &[(&str, &str)] = &[
    ("ufo", "UDP fragmentation offload is gone since Linux 4.14; its heir is tx-udp-segmentation"),
    (
        "udp-fragmentation-offload",
        "UDP fragmentation offload is gone since Linux 4.14; its heir is tx-udp-segmentation",
    ),
    ("tx-udp-fragmentation", "UDP fragmentation offload is gone since Linux 4.14; its heir is tx-udp-segmentation"),
];

/// The kernel's names that a short name stands for.
pub fn members(short: &str) -> Option<&'static [&'static str]> {
    SHORT.iter().find(|(name, _)| *name == short).map(|(_, members)| *members)
}

/// Whether some kernel is known to have a feature of this name.
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// The name that may have been meant.
pub fn near(name: &str) -> Option<&'static str> {
    suggest(name, KNOWN.iter().copied().chain(SHORT.iter().map(|(short, _)| *short)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::address::link::FeatureName;

    #[test]
    fn every_name_is_one_that_the_kernel_could_give_and_stands_here_once() {
        assert!(KNOWN.iter().all(|name| FeatureName::new(name).is_some()));
        assert_eq!(KNOWN.iter().collect::<BTreeSet<_>>().len(), KNOWN.len());
    }

    #[test]
    fn short_names_stand_for_known_ones_and_hide_none() {
        for (short, members) in SHORT {
            assert!(!is_known(short), "{short}");
            assert!(!members.is_empty() && members.iter().all(|member| is_known(member)), "{short}");
        }
    }

    #[test]
    fn a_misspelt_name_has_a_hint() {
        assert_eq!(near("tx-tcp-segmentaton"), Some("tx-tcp-segmentation"));
        assert_eq!(near("tx_udp_segmentation"), Some("tx-udp-segmentation"));
        assert_eq!(near("rx-lroo"), Some("rx-lro"));
    }
}
