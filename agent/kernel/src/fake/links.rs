//! The devices of a fake kernel and the laws of their values.
//!
//! As with the kernel's own, one message is one kind of value of one device: all of it is looked at before any of it is
//! stored. Of what a device is, only that is here which moves values: what it lies upon, whose member it is, how its driver
//! rounds. A test of this crate writes the same to these and to real devices, of the kinds that any kernel can make.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::LinkKey;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::facts::Asked;
use trimtab_core::facts::LinkFacts;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

mod device;
mod facts;
mod features;
mod message;
mod mtu;
mod presets;
mod queues;
#[cfg(test)]
mod tests;

pub use device::Device;
pub use device::Rounding;
pub(super) use message::Refused;

/// The devices of one namespace, by their numbers.
#[derive(Debug, Clone)]
pub(super) struct Links {
    devices: BTreeMap<u32, Device>,
    /// The last number given; none is given twice (net/core/dev.c `dev_index_reserve`).
    last: u32,
    /// How many CPUs a set of CPUs can name.
    cpus: u16,
    /// The last node of sysfs given.
    last_node: u64,
    /// The number that the next device brings along.
    brought: Option<u32>,
    /// Devices whose MTU has changed and whose IPv6 has not heard of it yet.
    resized: BTreeSet<u32>,
}

impl Default for Links {
    fn default() -> Links {
        Links { devices: BTreeMap::new(), last: 0, last_node: 0, brought: None, cpus: 4, resized: BTreeSet::new() }
    }
}

impl Links {
    /// How many CPUs there are.
    pub(super) fn set_cpus(&mut self, cpus: u16) {
        self.cpus = cpus;
    }

    /// Puts a device in; its number.
    pub(super) fn add(&mut self, name: &str, mut device: Device) -> u32 {
        let index = self.brought.take().unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        if device.node == 0 {
            self.last_node += 1;
            device.node = self.last_node;
        }
        name.clone_into(&mut device.name);
        device.lower = device.upon.take().and_then(|lower| self.index_of(&lower));
        device.master = device.member_of.take().and_then(|master| self.index_of(&master));
        // A VLAN or a macvlan is born with the MTU of what it lies upon.
        if let Some(below) = device.lower.and_then(|lower| self.devices.get(&lower)).map(Device::mtu) {
            device.values.insert(mtu::MTU, Value::Int(below));
        }
        device.make_queues(self.cpus);
        self.devices.insert(index, device);
        self.update_features(index);
        self.join(index);
        index
    }

    /// Takes a device away; the names of all that go, itself and those that lie upon it (net/8021q/vlan.c
    /// `vlan_device_event`, drivers/net/macvlan.c `macvlan_device_event`).
    pub(super) fn remove(&mut self, name: &str) -> Vec<String> {
        let mut gone = Vec::new();
        let mut names = vec![name.to_owned()];
        while let Some(name) = names.pop() {
            let Some(index) = self.index_of(&name) else { continue };
            self.devices.remove(&index);
            names.extend(
                self.devices.values().filter(|upper| upper.lower == Some(index)).map(|upper| upper.name.clone()),
            );
            for member in self.devices.values_mut().filter(|member| member.master == Some(index)) {
                member.master = None;
            }
            gone.push(name);
        }
        gone
    }

    /// Gives a device another name; it keeps its number and all its values.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        let index = self.index_of(old);
        if let Some(device) = index.and_then(|index| self.devices.get_mut(&index)) {
            new.clone_into(&mut device.name);
        }
    }

    /// Makes a device a member of another.
    pub(super) fn enslave(&mut self, name: &str, master: &str) {
        let (Some(index), Some(master)) = (self.index_of(name), self.index_of(master)) else { return };
        if let Some(device) = self.devices.get_mut(&index) {
            device.master = Some(master);
        }
        self.update_features(index);
        self.join(index);
    }

    pub(super) fn index_of(&self, name: &str) -> Option<u32> {
        self.devices.iter().find(|(_, device)| device.name == name).map(|(index, _)| *index)
    }

    /// What tells each from others.
    pub(super) fn identities(&self) -> InterfaceIds {
        let identity = |(index, device): (&u32, &Device)| {
            let id = InterfaceId {
                ifindex: *index,
                kind: Some(device.kind.to_owned()),
                permanent_address: device.permanent_address.map(str::to_owned),
                node: Some(device.node),
                bus: device.permanent_address.map(|_| "pci".to_owned()),
            };
            (device.name.clone(), id)
        };
        self.devices.iter().map(identity).collect()
    }

    /// A device as it is, to be put in elsewhere or under another number.
    pub(super) fn take(&mut self, name: &str) -> Option<Device> {
        let device = self.named(name)?.clone();
        Some(Device { lower: None, master: None, ..device })
    }

    /// Has the next device that is put in get this number, if it is free: as a device does that comes from another namespace.
    pub(super) fn bring_number(&mut self, index: u32) {
        self.brought = (!self.devices.contains_key(&index)).then_some(index);
    }

    pub(super) fn name_of(&self, index: u32) -> Option<&str> {
        self.devices.get(&index).map(|device| device.name.as_str())
    }

    fn named(&self, name: &str) -> Option<&Device> {
        self.devices.values().find(|device| device.name == name)
    }

    /// The members of a bond or bridge.
    fn members(&self, master: u32) -> Vec<u32> {
        let mine = self.devices.iter().filter(|(_, device)| device.master == Some(master));
        mine.map(|(index, _)| *index).collect()
    }

    /// What lies upon a device.
    fn uppers(&self, lower: u32) -> Vec<u32> {
        let upon = self.devices.iter().filter(|(_, device)| device.lower == Some(lower));
        upon.map(|(index, _)| *index).collect()
    }

    /// What reading a value gives.
    pub(super) fn read(&self, key: &LinkKey) -> Reading {
        self.named(key.interface()).map_or(Reading::Absent, |device| device.read(key.attribute()))
    }

    /// Every value that there is, in order.
    pub(super) fn list(&self) -> Vec<LinkKey> {
        let mut keys: Vec<LinkKey> = Vec::new();
        for device in self.devices.values() {
            let attributes = device.attributes();
            keys.extend(attributes.into_iter().filter_map(|attribute| LinkKey::new(&device.name, attribute).ok()));
        }
        keys.sort();
        keys
    }

    /// Puts a value in place without any law but those of features.
    pub(super) fn put(&mut self, key: &LinkKey, value: Value) {
        let Some(index) = self.index_of(key.interface()) else { return };
        let cpus = self.cpus;
        let Some(device) = self.devices.get_mut(&index) else { return };
        match (key.attribute(), &value) {
            (LinkAttribute::Feature(name), Value::Switch { wanted, .. }) => {
                device.features.want(name.as_str(), *wanted)
            }
            (LinkAttribute::Queue(queue), _) => device.put_queue(*queue, value),
            (attribute, _) => {
                device.values.insert(attribute.clone(), value);
            }
        }
        if let LinkAttribute::Channel(_) = key.attribute() {
            device.make_queues(cpus);
        }
        self.update_features(index);
    }

    /// The devices whose MTU has changed since this was last asked, with what it is.
    pub(super) fn take_resized(&mut self) -> Vec<(String, i64)> {
        let resized = std::mem::take(&mut self.resized);
        let devices = resized.into_iter().filter_map(|index| self.devices.get(&index));
        devices.map(|device| (device.name.clone(), device.mtu())).collect()
    }

    /// What is known of these devices; see [`facts`].
    pub(super) fn facts(&self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        facts::gather(self, names, asked)
    }
}
