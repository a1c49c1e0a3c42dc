//! Features: what a device does instead of the kernel, and what the kernel does for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bitset::Bitset;
use super::device::DeviceId;
use super::number::from_kernel;
use super::strings::StringSet;
use crate::generic::GenericMessage;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;

/// include/uapi/linux/ethtool_netlink.h `ETHTOOL_A_FEATURES_*`
pub(super) mod number {
    pub(crate) const HW: u16 = 2;
    pub(crate) const WANTED: u16 = 3;
    pub(crate) const ACTIVE: u16 = 4;
    pub(crate) const NOCHANGE: u16 = 5;
}

/// One feature of a device (Documentation/networking/netdev-features.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// The driver lets it be changed.
    pub hw: bool,
    /// It was asked for, by the driver or somebody else.
    pub wanted: bool,
    /// It is on.
    pub active: bool,
    /// The kernel lets nobody change it.
    pub nochange: bool,
}

impl Feature {
    /// Nobody can change it: what ethtool(8) calls `[fixed]`.
    #[must_use]
    pub fn is_fixed(self) -> bool {
        !self.hw || self.nochange
    }
}

/// `ETHTOOL_MSG_FEATURES_GET`: all features of a device, by the kernel's names for them (net/ethtool/common.c
/// `netdev_features_strings`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// The device.
    pub device: DeviceId,
    hw: Bitset,
    wanted: Bitset,
    active: Bitset,
    nochange: Bitset,
    names: Arc<StringSet>,
}

impl Features {
    /// A feature by name; none if this kernel has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Feature> {
        self.names.index(name).map(|index| self.at(index))
    }

    /// All features by name, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Feature)> {
        self.names.iter().filter(|(_, name)| !name.is_empty()).map(|(index, name)| (name, self.at(index)))
    }

    /// The names of features, the same for all devices.
    #[must_use]
    pub fn names(&self) -> &StringSet {
        &self.names
    }

    fn at(&self, index: u32) -> Feature {
        Feature {
            hw: self.hw.value(index),
            wanted: self.wanted.value(index),
            active: self.active.value(index),
            nochange: self.nochange.value(index),
        }
    }

    pub(super) fn parse(
        device: DeviceId,
        attributes: Attributes<'_>,
        names: &Arc<StringSet>,
    ) -> Result<Features, Malformed> {
        let mut features = Features { device, names: Arc::clone(names), ..Features::default() };
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::HW => features.hw = Bitset::read(&attribute)?,
                number::WANTED => features.wanted = Bitset::read(&attribute)?,
                number::ACTIVE => features.active = Bitset::read(&attribute)?,
                number::NOCHANGE => features.nochange = Bitset::read(&attribute)?,
                _ => (),
            }
        }
        Ok(features)
    }
}

/// What came of setting features: the kernel does what it can, and that may be a part, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeaturesOutcome {
    /// Features that are not as they were asked to be, with what was asked: they are fixed, or depend on others. They may
    /// be wanted now all the same, and become active once what they depend on does.
    pub not_taken: BTreeMap<String, bool>,
    /// Features that changed, with what they are now: of those asked for, and of those that depend on them.
    pub changed: BTreeMap<String, bool>,
    /// What the kernel says although it did.
    pub warning: Option<String>,
}

impl FeaturesOutcome {
    /// Reads `ETHTOOL_MSG_FEATURES_SET_REPLY`.
    pub(super) fn read(message: &Message<'_>, names: &StringSet) -> Result<FeaturesOutcome, Malformed> {
        let message = GenericMessage::parse(message)?;
        let mut outcome = FeaturesOutcome::default();
        if message.command != from_kernel::FEATURES_SET_REPLY {
            return Err(Malformed::Missing { what: "ETHTOOL_MSG_FEATURES_SET_REPLY" });
        }
        for attribute in message.attributes {
            let attribute = attribute?;
            let slot = match attribute.kind {
                number::WANTED => &mut outcome.not_taken,
                number::ACTIVE => &mut outcome.changed,
                _ => continue,
            };
            let set = Bitset::read(&attribute)?;
            *slot = set.meant().filter_map(|(index, on)| Some((names.name(index)?.to_owned(), on))).collect();
        }
        Ok(outcome)
    }
}
