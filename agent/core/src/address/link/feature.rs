//! The features that kernels know by name, and what they mean.
//!
//! Names and their order within a kernel: net/ethtool/common.c `netdev_features_strings`; meanings:
//! Documentation/networking/netdev-features.rst, segmentation-offloads.rst and checksum-offloads.rst. A feature that is not
//! here is no error: a newer kernel may have it.

/// Every feature that a kernel since Linux 5.10 has, with its meaning.
pub const KNOWN: &[(&str, &str)] = &[
    ("esp-hw-offload", "Encrypts IPsec ESP in the device."),
    ("esp-tx-csum-hw-offload", "Checksums what it encrypts with ESP in the device."),
    ("fcoe-mtu", "Takes the larger frames of Fibre Channel over Ethernet."),
    ("highdma", "Reaches packets in high memory."),
    ("hsr-dup-offload", "Doubles frames of an HSR or PRP ring in the device."),
    ("hsr-fwd-offload", "Forwards frames of an HSR or PRP ring in the device."),
    ("hsr-tag-ins-offload", "Inserts the tag of HSR or PRP in the device."),
    ("hsr-tag-rm-offload", "Removes the tag of HSR or PRP in the device."),
    ("hw-tc-offload", "Classifies by filters of tc in the device."),
    ("l2-fwd-offload", "Forwards between macvlan devices in the device."),
    ("loopback", "Receives what it sends, for tests."),
    ("macsec-hw-offload", "Encrypts MACsec in the device."),
    ("rx-all", "Receives damaged frames too."),
    ("rx-checksum", "Checks checksums of received packets in the device."),
    ("rx-fcs", "Hands the frame check sequence up with each frame."),
    ("rx-gro", "Merges received packets of one flow before the stack sees them; what is forwarded is cut apart again."),
    ("rx-gro-hw", "Merges received packets in the device, in such a way that they can be cut apart again."),
    ("rx-gro-list", "Chains received UDP packets of one flow as a list."),
    ("rx-hashing", "Computes the flow hash of received packets in the device."),
    ("rx-lro", "Merges received packets in the device; what was merged cannot be forwarded."),
    ("rx-ntuple-filter", "Steers flows to queues by filters in the device."),
    ("rx-udp-gro-forwarding", "Merges received UDP packets that are to be forwarded."),
    ("rx-udp_tunnel-port-offload", "Tells the device which UDP ports carry tunnels."),
    ("rx-vlan-filter", "Drops frames of other VLANs in the device."),
    ("rx-vlan-hw-parse", "Takes the VLAN tag off received frames in the device."),
    ("rx-vlan-stag-filter", "Drops frames of other service VLANs in the device."),
    ("rx-vlan-stag-hw-parse", "Takes the service VLAN tag off received frames in the device."),
    ("tls-hw-record", "Handles TLS records in the device."),
    ("tls-hw-rx-offload", "Decrypts TLS in the device."),
    ("tls-hw-tx-offload", "Encrypts TLS in the device."),
    ("tx-checksum-fcoe-crc", "Computes the checksum of Fibre Channel over Ethernet in the device."),
    ("tx-checksum-ip-generic", "Computes checksums of whatever is sent in the device."),
    ("tx-checksum-ipv4", "Computes checksums of TCP and UDP over IPv4 in the device."),
    ("tx-checksum-ipv6", "Computes checksums of TCP and UDP over IPv6 in the device."),
    ("tx-checksum-sctp", "Computes checksums of SCTP in the device."),
    ("tx-esp-segmentation", "Cuts large packets below IPsec ESP in the device."),
    ("tx-fcoe-segmentation", "Cuts large sequences of Fibre Channel over Ethernet in the device."),
    ("tx-generic-segmentation", "Cuts large packets as late as can be, in software."),
    ("tx-gre-csum-segmentation", "Cuts large packets inside GRE with checksums in the device."),
    ("tx-gre-segmentation", "Cuts large packets inside GRE in the device."),
    ("tx-gso-list", "Cuts chained packets apart in the device."),
    ("tx-gso-partial", "Cuts large packets in the device where the headers outside are alike."),
    ("tx-gso-robust", "Takes large packets from untrusted sources."),
    ("tx-ipxip4-segmentation", "Cuts large packets inside IPv4 in the device."),
    ("tx-ipxip6-segmentation", "Cuts large packets inside IPv6 in the device."),
    ("tx-nocache-copy", "Copies what is sent past the caches of the CPU."),
    ("tx-scatter-gather", "Sends a packet that lies in several pieces of memory."),
    ("tx-scatter-gather-fraglist", "Sends a packet that is a list of packets."),
    ("tx-sctp-segmentation", "Cuts large packets of SCTP in the device."),
    ("tx-tcp-accecn-segmentation", "Cuts large TCP packets with accurate ECN in the device."),
    ("tx-tcp-ecn-segmentation", "Cuts large TCP packets with ECN in the device."),
    (
        "tx-tcp-mangleid-segmentation",
        "Cuts large TCP packets in the device, whatever becomes of the IPv4 identification.",
    ),
    ("tx-tcp-segmentation", "Cuts large TCP packets over IPv4 in the device."),
    ("tx-tcp6-segmentation", "Cuts large TCP packets over IPv6 in the device."),
    ("tx-tunnel-remcsum-segmentation", "Cuts large packets of tunnels with remote checksums in the device."),
    ("tx-udp-fragmentation", "Fragments large UDP packets in the device."),
    ("tx-udp-segmentation", "Cuts large UDP packets in the device."),
    ("tx-udp_tnl-csum-segmentation", "Cuts large packets inside UDP tunnels with checksums in the device."),
    ("tx-udp_tnl-segmentation", "Cuts large packets inside UDP tunnels in the device."),
    ("tx-vlan-hw-insert", "Puts the VLAN tag on sent frames in the device."),
    ("tx-vlan-stag-hw-insert", "Puts the service VLAN tag on sent frames in the device."),
    ("vlan-challenged", "Can carry no VLANs."),
];

/// What a feature means, if it is known.
pub fn meaning(name: &str) -> Option<&'static str> {
    KNOWN.get(usize::from(place(name)?)).map(|(_, meaning)| *meaning)
}

/// The place of a name in the list, if it is known.
pub(super) fn place(name: &str) -> Option<u8> {
    let place = KNOWN.binary_search_by_key(&name, |(known, _)| known).ok()?;
    u8::try_from(place).ok()
}

/// The name at a place.
pub(super) fn at(place: u8) -> &'static str {
    KNOWN.get(usize::from(place)).map_or("", |(name, _)| name)
}

/// How many features lie below one, each needing the next (net/core/dev.c `netdev_fix_features`): one that needs another is
/// looked at behind it, and so is one that another excludes.
pub(super) fn depth(name: &str) -> u8 {
    match name {
        "tx-checksum-ipv4"
        | "tx-checksum-ipv6"
        | "tx-generic-segmentation"
        | "tx-vlan-hw-insert"
        | "rx-gro-hw"
        | "tls-hw-rx-offload" => 1,
        "tx-tcp-segmentation" | "tx-tcp6-segmentation" | "tx-udp-segmentation" | "tls-hw-tx-offload" | "rx-lro" => 2,
        "tx-tcp-mangleid-segmentation" => 3,
        "tx-tcp-ecn-segmentation" => 4,
        other if GSO_PARTIAL.contains(&other) => 1,
        _ => 0,
    }
}

/// What devices that cut tunnels only with `tx-gso-partial` can do no more without it (the usual `gso_partial_features` of
/// Intel's drivers).
pub const GSO_PARTIAL: &[&str] = &[
    "tx-gre-csum-segmentation",
    "tx-gre-segmentation",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_could_be_the_kernels() {
        assert!(KNOWN.is_sorted_by(|left, right| left.0 < right.0));
        for (name, meaning) in KNOWN {
            assert!(crate::address::link::FeatureName::new(name).is_some(), "{name}");
            assert!(meaning.ends_with('.'), "{name}");
        }
    }
}
