//! Features: what can be changed, what is asked for, and what the kernel makes of it.

use std::collections::BTreeMap;

use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use super::Links;

/// The features that Linux 6.18 knows (net/ethtool/common.c `netdev_features_strings`).
pub(super) const NAMES: &[&str] = &[
    "esp-hw-offload",
    "esp-tx-csum-hw-offload",
    "highdma",
    "hsr-dup-offload",
    "hsr-fwd-offload",
    "hsr-tag-ins-offload",
    "hsr-tag-rm-offload",
    "hw-tc-offload",
    "l2-fwd-offload",
    "loopback",
    "macsec-hw-offload",
    "rx-all",
    "rx-checksum",
    "rx-fcs",
    "rx-gro",
    "rx-gro-hw",
    "rx-gro-list",
    "rx-hashing",
    "rx-lro",
    "rx-ntuple-filter",
    "rx-udp-gro-forwarding",
    "rx-udp_tunnel-port-offload",
    "rx-vlan-filter",
    "rx-vlan-hw-parse",
    "rx-vlan-stag-filter",
    "rx-vlan-stag-hw-parse",
    "tls-hw-record",
    "tls-hw-rx-offload",
    "tls-hw-tx-offload",
    "tx-checksum-fcoe-crc",
    "tx-checksum-ip-generic",
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-checksum-sctp",
    "tx-esp-segmentation",
    "tx-fcoe-segmentation",
    "tx-generic-segmentation",
    "tx-gre-csum-segmentation",
    "tx-gre-segmentation",
    "tx-gso-list",
    "tx-gso-partial",
    "tx-gso-robust",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-nocache-copy",
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "tx-sctp-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-tunnel-remcsum-segmentation",
    "tx-udp-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
    "tx-vlan-hw-insert",
    "tx-vlan-stag-hw-insert",
    "vlan-challenged",
];

/// What a message must not even name (include/linux/netdev_features.h `NETIF_F_NEVER_CHANGE`).
pub(super) const NEVER_CHANGED: &[&str] = &["vlan-challenged"];

const LRO: &str = "rx-lro";
const RX_CHECKSUM: &str = "rx-checksum";

/// Whether a feature is on, by name.
type On = BTreeMap<&'static str, bool>;

/// What a driver takes away of what is asked for (`ndo_fix_features`).
pub(super) type Fix = fn(&mut On);

/// The features of one device. What is not named is off and fixed.
#[derive(Debug, Clone)]
pub(super) struct Features {
    of: BTreeMap<&'static str, Feature>,
    fix: Fix,
    /// Whether there are laws for them at all: a bridge and a macvlan have those of other devices.
    known: bool,
}

#[derive(Debug, Clone, Copy)]
struct Feature {
    changeable: bool,
    wanted: bool,
    active: bool,
}

impl Features {
    /// A device without any.
    pub(super) fn unknown() -> Features {
        Features { of: BTreeMap::new(), fix: |_| {}, known: false }
    }

    /// These: on and changeable, off and changeable, on and fixed.
    pub(super) fn new(on: &[&'static str], off: &[&'static str], fixed: &[&'static str]) -> Features {
        let all = |names: &[&'static str], changeable: bool, wanted: bool| -> Vec<(&'static str, Feature)> {
            names.iter().map(|name| (*name, Feature { changeable, wanted, active: wanted })).collect()
        };
        let of = [all(on, true, true), all(off, true, false), all(fixed, false, true)].concat().into_iter().collect();
        Features { of, fix: |_| {}, known: true }
    }

    /// The same with a driver that takes some away.
    pub(super) fn fixed_by(self, fix: Fix) -> Features {
        Features { fix, ..self }
    }

    pub(super) fn read(&self, name: &str) -> Reading {
        let named = |known: &&&str| **known == name;
        match (self.of.get(name), NAMES.iter().find(named)) {
            (Some(feature), _) => {
                let wanted = if feature.changeable { feature.wanted } else { feature.active };
                Reading::Typed { value: Value::Switch { wanted, active: feature.active }, writable: feature.changeable }
            }
            (None, Some(_)) if self.known => Reading::Typed { value: Value::switch(false), writable: false },
            (None, Some(_) | None) => Reading::Absent,
        }
    }

    /// Asks for a feature, where the device lets anybody change it.
    pub(super) fn want(&mut self, name: &str, wanted: bool) {
        if let Some(feature) = self.of.get_mut(name).filter(|feature| feature.changeable) {
            feature.wanted = wanted;
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.of.get(name).is_some_and(|feature| feature.changeable && feature.wanted)
    }

    fn is_on(&self, name: &str) -> bool {
        self.of.get(name).is_some_and(|feature| feature.active)
    }
}

impl Links {
    /// net/core/dev.c `__netdev_update_features`.
    pub(super) fn update_features(&mut self, index: u32) {
        let Some(device) = self.devices.get(&index) else { return };
        let asked = |feature: &Feature| if feature.changeable { feature.wanted } else { feature.active };
        let mut on: On = device.features.of.iter().map(|(name, feature)| (*name, asked(feature))).collect();
        (device.features.fix)(&mut on);
        fix(&mut on);
        // `netdev_sync_upper_features`: what is not wanted above stays off below.
        let above = device.master.and_then(|master| self.devices.get(&master));
        if above.is_some_and(|above| above.features.of.contains_key(LRO) && !above.features.wants(LRO)) {
            drop(&mut on, &[LRO]);
        }
        let keeps_lro = has(&on, LRO);
        if let Some(device) = self.devices.get_mut(&index) {
            for (name, feature) in &mut device.features.of {
                feature.active = has(&on, name);
            }
            if !device.features.of.contains_key(LRO) {
                return;
            }
        }
        // `netdev_sync_lower_features`: below it is not even wanted any more.
        if !keeps_lro {
            for member in self.members(index) {
                self.disable_lro_of(member);
            }
        }
    }

    /// net/core/dev.c `dev_disable_lro`: what forwards must not merge.
    pub(in crate::fake) fn disable_lro(&mut self, name: &str) {
        let Some(index) = self.index_of(name) else { return };
        self.disable_lro_of(index);
        let lower = self.devices.get(&index).and_then(|device| device.lower);
        for below in lower.into_iter().chain(self.members(index)) {
            self.disable_lro_of(below);
        }
    }

    fn disable_lro_of(&mut self, index: u32) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        if device.features.wants(LRO) || device.features.is_on(LRO) {
            device.features.want(LRO, false);
            self.update_features(index);
        }
    }
}

fn has(on: &On, name: &str) -> bool {
    on.get(name).copied().unwrap_or_default()
}

fn drop(on: &mut On, names: &[&'static str]) {
    for name in names {
        if let Some(bit) = on.get_mut(name) {
            *bit = false;
        }
    }
}

/// net/core/dev.c `netdev_fix_features` of Linux 6.18.
fn fix(on: &mut On) {
    const TSO: &str = "tx-tcp-segmentation";
    const TSO6: &str = "tx-tcp6-segmentation";
    const ECN: &str = "tx-tcp-ecn-segmentation";
    const MANGLEID: &str = "tx-tcp-mangleid-segmentation";
    const CSUM: &str = "tx-checksum-ip-generic";
    const CSUM4: &str = "tx-checksum-ipv4";
    const CSUM6: &str = "tx-checksum-ipv6";
    const GRO_HW: &str = "rx-gro-hw";
    if has(on, CSUM) {
        drop(on, &[CSUM4, CSUM6]);
    }
    if !has(on, "tx-scatter-gather") {
        drop(on, &[TSO, TSO6, ECN, MANGLEID, "tx-generic-segmentation"]);
    }
    if has(on, TSO) && !has(on, CSUM) && !has(on, CSUM4) {
        drop(on, &[TSO, ECN]);
    }
    if !has(on, CSUM) && !has(on, CSUM6) {
        drop(on, &[TSO6]);
    }
    if !has(on, TSO) {
        drop(on, &[MANGLEID]);
    }
    if ![TSO, TSO6, MANGLEID].iter().any(|name| has(on, name)) {
        drop(on, &[ECN]);
    }
    if !has(on, RX_CHECKSUM) {
        drop(on, &[GRO_HW, "tls-hw-rx-offload"]);
    }
    if has(on, "rx-fcs") {
        drop(on, &[LRO, GRO_HW]);
    }
    if has(on, GRO_HW) {
        drop(on, &[LRO]);
    }
    let sums_both = has(on, CSUM) || (has(on, CSUM4) && has(on, CSUM6));
    if !sums_both {
        drop(on, &["tls-hw-tx-offload", "tx-udp-segmentation"]);
    }
}

/// One switch for both directions of VLAN tags (drivers/net/ethernet/intel/igb `igb_fix_features`).
pub(super) fn couples_vlan_tags(on: &mut On) {
    let parses = has(on, "rx-vlan-hw-parse");
    if let Some(inserts) = on.get_mut("tx-vlan-hw-insert") {
        *inserts = parses;
    }
}

/// drivers/net/ethernet/intel/ixgbe `ixgbe_fix_features`.
pub(super) fn merges_only_what_is_checked(on: &mut On) {
    if !has(on, RX_CHECKSUM) {
        drop(on, &[LRO]);
    }
}
