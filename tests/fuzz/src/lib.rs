//! What each fuzz target does with bytes. `tests/fuzz/replay.rs` does the same with those that were found, on any compiler.
//!
//! A target asks for no panic, and for laws that hold whatever was read: what is written again reads the same, say.

mod documents;
mod profiles;
mod values;

/// A target: its name, that of its corpus too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("netlink_walk", trimtab_netlink::decoders::walk),
    ("netlink_ethtool", trimtab_netlink::decoders::ethtool),
    ("netlink_route", trimtab_netlink::decoders::route),
    ("netlink_tc", trimtab_netlink::decoders::tc),
    ("netlink_nftables", trimtab_netlink::decoders::nftables),
    ("netlink_conntrack", trimtab_netlink::decoders::conntrack),
    ("netlink_generic", trimtab_netlink::decoders::generic),
    ("netlink_ack", trimtab_netlink::decoders::acknowledgement),
    ("profile", profiles::profile),
    ("host_file", profiles::host_file),
    ("arguments", profiles::arguments),
    ("expression", values::expression),
    ("sysctl", values::sysctl),
    ("words", values::words),
    ("sysctld", profiles::sysctld),
    ("journal", documents::journal),
    ("state", documents::state),
    ("plan", documents::plan),
    ("snapshot", documents::snapshot),
];

/// The target of a name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> fn(&[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("no such target");
    *target
}
