//! Where an MTU goes besides the device that it is set on.

use trimtab_core::address::link::Device as Attribute;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::value::Value;

use super::Links;
use super::Refused;

pub(super) const MTU: LinkAttribute = LinkAttribute::Device(Attribute::Mtu);

impl Links {
    /// Somebody sets it: net/core/dev.c `netif_set_mtu_ext`, the drivers' `ndo_change_mtu`, and the notifiers of
    /// `NETDEV_CHANGEMTU`.
    pub(super) fn set_mtu(&mut self, index: u32, to: i64) -> Result<(), Refused> {
        let Some(device) = self.devices.get(&index) else { return Err(Refused::gone()) };
        let from = device.mtu();
        if from == to {
            return Ok(());
        }
        let bound = |attribute| device.number(&LinkAttribute::Device(attribute)).unwrap_or(0);
        let (least, most) = (bound(Attribute::MtuMin), bound(Attribute::MtuMax));
        if to < least {
            return Err(Refused::words(libc::EINVAL, "mtu less than device minimum"));
        }
        if most > 0 && to > most {
            return Err(Refused::words(libc::EINVAL, "mtu greater than device maximum"));
        }
        let below = device.lower.and_then(|lower| self.devices.get(&lower)).map(super::Device::mtu);
        match (device.kind, below) {
            // `vlan_dev_change_mtu`, `macvlan_change_mtu`.
            ("vlan", Some(below)) if to > below => return Err(Refused::errno(libc::ERANGE)),
            ("macvlan", Some(below)) if to > below => return Err(Refused::errno(libc::EINVAL)),
            ("bond", _) => self.give_members(index, from, to)?,
            _ => {}
        }
        if let Some(device) = self.devices.get_mut(&index) {
            device.mtu_set = true;
        }
        self.store_mtu(index, to);
        Ok(())
    }

    /// drivers/net/bonding/bond_main.c `bond_change_mtu`: if a member refuses, those before it get the old one back.
    fn give_members(&mut self, bond: u32, from: i64, to: i64) -> Result<(), Refused> {
        let members = self.members(bond);
        for (count, member) in members.iter().enumerate() {
            if let Err(refused) = self.set_mtu(*member, to) {
                for member in members.iter().take(count) {
                    // It held this before.
                    let _ = self.set_mtu(*member, from);
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    fn store_mtu(&mut self, index: u32, to: i64) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        device.values.insert(MTU, Value::Int(to));
        let master = device.master;
        self.resized.insert(index);
        for upper in self.uppers(index) {
            let cut = self.devices.get(&upper).is_some_and(|upper| upper.mtu() > to);
            if cut {
                // A device that takes no such MTU keeps its own.
                let _ = self.set_mtu(upper, to);
            }
        }
        if let Some(master) = master {
            self.follow_ports(master);
        }
    }

    /// net/bridge/br_if.c `br_mtu_auto_adjust`.
    fn follow_ports(&mut self, bridge: u32) {
        let Some(device) = self.devices.get(&bridge).filter(|device| device.kind == "bridge" && !device.mtu_set) else {
            return;
        };
        let now = device.mtu();
        let ports = self.members(bridge).into_iter().filter_map(|port| self.devices.get(&port));
        match ports.map(super::Device::mtu).min() {
            Some(least) if least != now => self.store_mtu(bridge, least),
            Some(_) | None => {}
        }
    }

    /// A device becomes a port: a bridge looks at its MTU, a bond gives its own (`bond_enslave`).
    pub(super) fn join(&mut self, index: u32) {
        let Some(master) = self.devices.get(&index).and_then(|device| device.master) else { return };
        let Some((kind, mtu)) = self.devices.get(&master).map(|master| (master.kind, master.mtu())) else { return };
        if kind == "bond" {
            let _ = self.set_mtu(index, mtu);
        }
        self.follow_ports(master);
        self.limit_to_ports(master);
    }

    /// net/bridge/br_if.c `br_set_gso_limits`.
    fn limit_to_ports(&mut self, bridge: u32) {
        if self.devices.get(&bridge).is_none_or(|device| device.kind != "bridge") {
            return;
        }
        for limit in [Attribute::TsoMaxSize, Attribute::TsoMaxSegs].map(LinkAttribute::Device) {
            let ports = self.members(bridge).into_iter().filter_map(|port| self.devices.get(&port)?.number(&limit));
            let least = ports.min();
            if let (Some(least), Some(device)) = (least, self.devices.get_mut(&bridge)) {
                device.values.insert(limit, Value::Int(least));
            }
        }
    }
}
