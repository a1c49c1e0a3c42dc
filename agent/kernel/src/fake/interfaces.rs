//! The interfaces of a fake kernel: they come, go and change their names, with their keys and their devices.

use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::LinkKey;
use trimtab_core::address::Object;
use trimtab_core::address::SysctlKey;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use super::FakeKernel;
use super::Fault;
use super::Interface;
use super::Message;
use super::links::Device;
use super::links::Refused;
use super::table;
use crate::WriteError;

/// Below this an interface has no IPv6 (include/uapi/linux/ipv6.h `IPV6_MIN_MTU`).
const IPV6_LEAST: i64 = 1280;

impl FakeKernel {
    /// A new interface, of a device that does nothing: its values are those of `default` now.
    pub fn add_interface(&mut self, name: &str) {
        let device = if name == "lo" { Device::loopback() } else { Device::dummy() };
        self.add_device(name, device);
    }

    /// A new interface of this device. It has a number that no other had.
    pub fn add_device(&mut self, name: &str, device: Device) {
        table::add_interface(self, name);
        let set = self.default_set.clone();
        self.interfaces.insert(name.to_owned(), Interface { set, addressed: false });
        self.links.add(name, device);
        if self.forwards(name) {
            self.links.disable_lro(name);
        }
        self.hear_of_mtus();
    }

    /// The interface, its keys and its device go, and so does what lies upon it.
    pub fn remove_interface(&mut self, name: &str) {
        let gone = self.links.remove(name);
        for name in &gone {
            self.interfaces.remove(name);
        }
        self.nodes.retain(|key, _| key.interface().is_none_or(|interface| !gone.iter().any(|name| name == interface)));
    }

    /// The interface has another name, under which all its values stand (net/ipv4/devinet.c `inetdev_event`, net/ipv6/addrconf.c
    /// `addrconf_notify`).
    pub fn rename_interface(&mut self, old: &str, new: &str) {
        self.links.rename(old, new);
        if let Some(interface) = self.interfaces.remove(old) {
            self.interfaces.insert(new.to_owned(), interface);
        }
        let nodes = std::mem::take(&mut self.nodes).into_iter().map(|(key, node)| {
            let renamed = (key.interface() == Some(old)).then(|| key.with_interface(new)).flatten();
            (renamed.unwrap_or(key), node)
        });
        self.nodes = nodes.collect();
    }

    /// The interface goes to another namespace: its device keeps all that it holds, its keys go (net/core/dev.c
    /// `__dev_change_net_namespace`).
    pub fn move_away(&mut self, name: &str) {
        // What is attached does not go along (net/core/dev.c `dev_shutdown`).
        self.forget_root(name);
        self.elsewhere.extend(self.links.take(name));
        self.remove_interface(name);
    }

    /// The interface that went to another namespace last comes back under this name, its keys born anew; with this number, if
    /// that is free.
    pub fn come_back(&mut self, name: &str, number: u32) {
        if let Some(device) = self.elsewhere.pop() {
            self.links.bring_number(number);
            self.add_device(name, device);
        }
    }

    /// Makes an interface a member of a bond or a port of a bridge.
    pub fn enslave(&mut self, name: &str, master: &str) {
        self.links.enslave(name, master);
        self.hear_of_mtus();
    }

    /// What a device holds, without counting as a read; nothing if it has no such value.
    pub fn link(&self, key: &LinkKey) -> Option<Value> {
        match self.links.read(key) {
            Reading::Typed { value, .. } => Some(value),
            Reading::Text { .. }
            | Reading::Absent
            | Reading::Unsupported
            | Reading::Denied
            | Reading::WriteOnly
            | Reading::Withheld
            | Reading::Failed { .. } => None,
        }
    }

    /// Puts a value of a device in place without any law but those of features: the state that a test begins with.
    pub fn set_link(&mut self, key: &LinkKey, value: Value) {
        self.links.put(key, value);
    }

    /// Has every message with this value fail with this errno.
    pub fn refuse_link(&mut self, key: &LinkKey, errno: i32) {
        self.refused.insert(Address::link(key.clone()), errno);
    }

    /// Has the next message with this value taken, and the link of the device not come back in time.
    pub fn lose_carrier(&mut self, key: &LinkKey) {
        self.carrier_lost.insert(Address::link(key.clone()));
    }

    /// Every message about a device so far, in order, those of others included.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// One message about a device.
    pub(super) fn write_links(&mut self, cells: &[(Address, Value)], fault: Option<Fault>) -> Result<(), WriteError> {
        let Some((address, value)) = cells.first() else { return Ok(()) };
        if let Some((address, value)) = cells.iter().find(|(address, _)| !self.is_here(address)) {
            let source = io::Error::from_raw_os_error(libc::EXDEV);
            return Err(WriteError::Refused { address: address.clone(), text: value.to_string(), source });
        }
        let keys = cells.iter().map(|(address, value)| match &address.object {
            Object::Link(key) => Some((key.clone(), value.clone())),
            Object::Sysctl(_) | Object::Tc(_) | Object::Nft(_) => None,
        });
        let Some(keys) = keys.collect::<Option<Vec<(LinkKey, Value)>>>() else {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(WriteError::Refused { address: address.clone(), text: value.to_string(), source });
        };
        let refused = keys.iter().find_map(|(key, _)| {
            let errno = self.refused.get(&Address::link(key.clone()))?;
            Some(Refused::of(key, *errno))
        });
        let outcome = match (refused, fault) {
            (Some(refused), _) => Err(refused),
            (None, None) => self.send(&keys),
            (None, Some(Fault::Fail(errno))) => keys.first().map_or(Ok(()), |(key, _)| Err(Refused::of(key, errno))),
            (None, Some(Fault::Ignore | Fault::Short(_))) => Ok(()),
            (None, Some(Fault::Store(text))) => self.send(&stored(&keys, &text)),
        };
        self.messages.push(Message { cells: keys, taken: outcome.is_ok(), foreign: false });
        outcome.map_err(|refused| refused.told(cells, address))?;
        match cells.iter().find(|(address, _)| self.carrier_lost.remove(address)) {
            Some((address, value)) => {
                Err(WriteError::CarrierLost { address: address.clone(), text: value.to_string(), waited: 20 })
            }
            None => Ok(()),
        }
    }

    /// A message, and what it moves outside of the devices.
    pub(super) fn send(&mut self, cells: &[(LinkKey, Value)]) -> Result<(), Refused> {
        let outcome = self.links.write(cells);
        self.hear_of_mtus();
        outcome
    }

    /// IPv6 leaves an interface whose MTU is too small, and its keys go; it comes back with those of `default`
    /// (net/ipv6/addrconf.c `addrconf_notify`).
    fn hear_of_mtus(&mut self) {
        for (name, mtu) in self.links.take_resized() {
            let is_v6 = |key: &SysctlKey| matches!(key.parts().as_slice(), ["net", "ipv6", "conf", interface, _] if *interface == name);
            let has_v6 = self.nodes.keys().any(is_v6);
            if mtu < IPV6_LEAST && name != "lo" {
                self.nodes.retain(|key, _| !is_v6(key));
            } else if !has_v6 {
                table::add_ipv6(self, &name);
            }
        }
    }

    fn is_here(&self, address: &Address) -> bool {
        address.netns.is_none() || address.netns == self.identity.netns.name
    }

    fn forwards(&self, name: &str) -> bool {
        ["ipv4", "ipv6"].iter().any(|family| {
            let key = SysctlKey::from_segments(["net", family, "conf", name, "forwarding"]);
            key.is_ok_and(|key| self.text(&key).is_some_and(|text| text != "0"))
        })
    }

    /// The interfaces that forward merge nothing any more (net/core/dev.c `dev_disable_lro`).
    pub(super) fn stop_merging(&mut self, name: &str) {
        if self.forwards(name) {
            self.links.disable_lro(name);
        }
    }
}

/// The message with this number in place of every other.
fn stored(cells: &[(LinkKey, Value)], text: &str) -> Vec<(LinkKey, Value)> {
    let instead = text.parse::<i64>().ok();
    let one = |(key, value): &(LinkKey, Value)| match (value, instead) {
        (Value::Int(_), Some(number)) => (key.clone(), Value::Int(number)),
        (Value::Switch { .. }, Some(number)) if matches!(key.attribute(), LinkAttribute::Feature(_)) => {
            (key.clone(), Value::switch(number != 0))
        }
        (other, _) => (key.clone(), other.clone()),
    };
    cells.iter().map(one).collect()
}
