//! One device: what it holds, and what a read of it gives.

use std::collections::BTreeMap;

use trimtab_core::address::link::FeatureName;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Queue;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use super::features;
use super::features::Features;

/// A device of a fake kernel, as one of the presets makes it.
#[derive(Debug, Clone)]
pub struct Device {
    pub(super) name: String,
    /// Its node in sysfs, which it keeps in whichever namespace; 0 before it has one.
    pub(super) node: u64,
    /// The kernel's word for its kind; nothing for hardware.
    pub(super) kind: &'static str,
    pub(super) driver: &'static str,
    /// The name of what it lies upon, until it is put in.
    pub(super) upon: Option<String>,
    /// The name of whose member it is, until it is put in.
    pub(super) member_of: Option<String>,
    pub(super) lower: Option<u32>,
    pub(super) master: Option<u32>,
    pub(super) permanent_address: Option<&'static str>,
    /// Whether somebody has set its MTU: a bridge then follows its ports no more.
    pub(super) mtu_set: bool,
    /// How the driver rounds the length of its rings.
    pub(super) rounding: Rounding,
    /// Queues allocated when it was made: receiving, transmitting.
    pub(super) allocated: (u16, u16),
    /// Whether the driver sets XPS of all its queues when their number changes.
    pub(super) sets_xps: bool,
    /// All values but those of features and queues.
    pub(super) values: BTreeMap<LinkAttribute, Value>,
    pub(super) features: Features,
    pub(super) queues: BTreeMap<Queue, Value>,
}

/// How a driver rounds the length of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Not at all.
    Exact,
    /// Up to a multiple, and to no less than this (drivers/net/ethernet/intel).
    Up {
        /// The step.
        step: i64,
        /// The least.
        least: i64,
    },
    /// Up to a power of two (drivers/net/ethernet/mellanox).
    UpToPower,
    /// Down to a power of two (drivers/net/ethernet/amazon/ena).
    DownToPower,
    /// Up to a multiple of 32, of the receive ring for each buffer of a packet; that ring is rounded with every other one, too
    /// (drivers/net/vmxnet3 `vmxnet3_set_ringparam`, of a device that is up).
    Buffers,
}

impl Rounding {
    /// What a ring becomes, where a packet takes so many buffers; for those that transmit, one.
    pub(super) fn round(self, told: i64, buffers: i64) -> i64 {
        let told = told.max(1);
        match self {
            Rounding::Exact => told,
            Rounding::Up { step, least } => ((told.max(least) + step - 1) / step) * step,
            Rounding::UpToPower => u64::try_from(told).map_or(told, |told| told.next_power_of_two().cast_signed()),
            Rounding::DownToPower => 1 << told.ilog2(),
            Rounding::Buffers => {
                let step = 32 * buffers;
                ((told + step - 1) / step * step).min(4096 / step * step)
            }
        }
    }
}

impl Device {
    /// The same device with its rings rounded in this way.
    #[must_use]
    pub fn rounding(self, rounding: Rounding) -> Device {
        Device { rounding, ..self }
    }

    /// The same device with another permanent address.
    #[must_use]
    pub fn with_permanent_address(self, address: &'static str) -> Device {
        Device { permanent_address: Some(address), ..self }
    }

    /// The same device as a member of a bond or a port of a bridge.
    #[must_use]
    pub fn member_of(self, master: &str) -> Device {
        Device { member_of: Some(master.to_owned()), ..self }
    }

    pub(super) fn number(&self, attribute: &LinkAttribute) -> Option<i64> {
        self.values.get(attribute).and_then(Value::as_int)
    }

    pub(super) fn mtu(&self) -> i64 {
        self.number(&LinkAttribute::Device(trimtab_core::address::link::Device::Mtu)).unwrap_or(0)
    }

    /// How many buffers a packet takes (`vmxnet3_adjust_rx_ring_size`): one of up to 3 KiB, and pages.
    pub(super) fn buffers(&self) -> i64 {
        1 + ((self.mtu() + 22 - 3072).max(0) + 4095) / 4096
    }

    /// What reading one of its values gives.
    pub(super) fn read(&self, attribute: &LinkAttribute) -> Reading {
        match attribute {
            LinkAttribute::Feature(name) => self.features.read(name.as_str()),
            LinkAttribute::Queue(queue) => self.read_queue(*queue),
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_) => match self.values.get(attribute) {
                Some(value) => Reading::Typed { value: value.clone(), writable: !attribute.is_read_only() },
                None => Reading::Unsupported,
            },
        }
    }

    /// All that it has.
    pub(super) fn attributes(&self) -> Vec<LinkAttribute> {
        let names = features::NAMES.iter().filter_map(|name| FeatureName::new(name)).map(LinkAttribute::Feature);
        let queues = self.queues.keys().copied().map(LinkAttribute::Queue);
        let all = self.values.keys().cloned().chain(names).chain(queues);
        all.filter(|attribute| matches!(self.read(attribute), Reading::Typed { .. })).collect()
    }
}
