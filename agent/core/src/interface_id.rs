//! What tells an interface from others, whatever it is called.
//!
//! A name is a label: udev(7) gives another, and another device may take the old one. The number (ifindex) stays through
//! renames, but a device that comes back from another namespace may have a new one, and one that comes in from elsewhere
//! may bring a number that was another's (net/core/dev.c `__dev_change_net_namespace`). The inode of its folder in sysfs
//! stays through that too (`device_rename` moves the folder), as long as the device is. Plugged in again, or with its driver
//! loaded again, hardware is a new device, and only the address that it came with tells that it was there before.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

/// The interfaces of a namespace at one moment, by their names.
pub type InterfaceIds = BTreeMap<String, InterfaceId>;

/// One interface of a namespace in one boot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct InterfaceId {
    /// Its number in its namespace.
    pub ifindex: u32,
    /// The kernel's word for its kind (`IFLA_INFO_KIND`), `physical` for hardware, `loopback`. Unknown in journals of
    /// early versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The address that it came with (`IFLA_PERM_ADDRESS`), if it is hardware and no other has the same. Nothing that is
    /// made by software has one of its own: a VLAN shows that of the device below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permanent_address: Option<String>,
    /// The inode of its folder in sysfs, which no other gets in this boot (fs/kernfs/dir.c `__kernfs_new_node`). Unknown to
    /// those who may not look into the sysfs of the namespace (CAP_SYS_ADMIN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// The bus of its device (`IFLA_PARENT_DEV_BUS_NAME`), e.g. `pci`. A paravirtual card and the one that it stands in for
    /// have one address, on two buses (drivers/net/hyperv/netvsc_drv.c).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<String>,
}

/// The kind of what no software has made.
const HARDWARE: &str = "physical";

/// Where an interface is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts<'a> {
    /// Under this name, and it was there all the time as far as its number tells.
    Here(&'a str),
    /// Under this name, with a new number: it comes from another namespace, or it was plugged in again and holds what its driver
    /// chose.
    Back(&'a str, &'a InterfaceId),
    /// The same hardware under this name, certainly as its driver made it.
    Anew(&'a str, &'a InterfaceId),
    /// Not in this namespace. Hardware may come back and is known by its address then; anything else is not waited for.
    Away,
    /// It is gone.
    Gone,
}

fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

impl InterfaceId {
    /// Where the interface is that was called `name` when this was written down.
    pub fn find<'a>(&self, name: &str, links: &'a InterfaceIds) -> Whereabouts<'a> {
        let at_its_name = links.get_key_value(name).filter(|(_, there)| self.is_no_other_than(there));
        let by_number = || links.iter().find(|(_, there)| self.is_no_other_than(there));
        if let Some((now, _)) = at_its_name.or_else(by_number) {
            return Whereabouts::Here(now);
        }
        if let Some((now, there)) = links.iter().find(|(_, there)| self.node.is_some() && self.node == there.node) {
            return Whereabouts::Back(now, there);
        }
        let Some(address) = &self.permanent_address else { return Whereabouts::Gone };
        // No two of them have one address, bus and kind: see `tell_apart`.
        let same = |there: &InterfaceId| {
            there.permanent_address.as_ref() == Some(address) && there.bus == self.bus && there.kind == self.kind
        };
        match links.iter().find(|(_, there)| same(there)) {
            Some((now, there)) if agree(self.node.as_ref(), there.node.as_ref()) => Whereabouts::Back(now, there),
            Some((now, there)) => Whereabouts::Anew(now, there),
            None => Whereabouts::Away,
        }
    }

    /// With what was not known of it when this was written down, as the same interface shows it now.
    pub fn as_known_by(&self, there: &InterfaceId) -> InterfaceId {
        let InterfaceId { ifindex, kind, permanent_address, node, bus } = self.clone();
        InterfaceId {
            ifindex,
            kind: kind.or_else(|| there.kind.clone()),
            permanent_address: permanent_address.or_else(|| there.permanent_address.clone()),
            node: node.or(there.node),
            bus: bus.or_else(|| there.bus.clone()),
        }
    }

    /// Whether nothing speaks against one of the same number being the same interface.
    pub fn is_no_other_than(&self, there: &InterfaceId) -> bool {
        self.ifindex == there.ifindex
            && agree(self.kind.as_ref(), there.kind.as_ref())
            && agree(self.permanent_address.as_ref(), there.permanent_address.as_ref())
            && agree(self.node.as_ref(), there.node.as_ref())
    }
}

/// Leaves addresses only where they tell an interface from all others: of hardware, and of one of each bus.
pub fn tell_apart(links: &mut InterfaceIds) {
    let mut seen: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
    for link in links.values_mut() {
        if link.kind.as_deref() != Some(HARDWARE) {
            link.permanent_address = None;
        }
        if let Some(address) = &link.permanent_address {
            *seen.entry((address.clone(), link.bus.clone())).or_default() += 1;
        }
    }
    for link in links.values_mut() {
        let several = |address: String| seen.get(&(address, link.bus.clone())).is_some_and(|count| *count > 1);
        if link.permanent_address.clone().is_some_and(several) {
            link.permanent_address = None;
        }
    }
}

/// The kind of an interface of which the kernel tells none.
pub fn kind_or_hardware(kind: Option<&str>) -> String {
    kind.unwrap_or(HARDWARE).to_owned()
}

/// Early journals hold the bare number.
impl<'de> Deserialize<'de> for InterfaceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<InterfaceId, D::Error> {
        deserializer.deserialize_any(NumberOrMore)
    }
}

#[derive(Deserialize)]
struct Whole {
    ifindex: u32,
    kind: Option<String>,
    permanent_address: Option<String>,
    node: Option<u64>,
    bus: Option<String>,
}

struct NumberOrMore;

impl<'de> Visitor<'de> for NumberOrMore {
    type Value = InterfaceId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what identifies an interface, or its number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<InterfaceId, E> {
        let ifindex = u32::try_from(number).map_err(E::custom)?;
        Ok(InterfaceId { ifindex, kind: None, permanent_address: None, node: None, bus: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<InterfaceId, A::Error> {
        let Whole { ifindex, kind, permanent_address, node, bus } =
            Whole::deserialize(MapAccessDeserializer::new(map))?;
        Ok(InterfaceId { ifindex, kind, permanent_address, node, bus })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "52:54:00:00:00:01";

    fn id(ifindex: u32, kind: &str, address: Option<&str>) -> InterfaceId {
        let address = address.map(str::to_owned);
        let (kind, bus) = (Some(kind.to_owned()), Some("pci".to_owned()));
        InterfaceId { ifindex, kind, permanent_address: address, node: None, bus }
    }

    fn links<const N: usize>(all: [(&str, InterfaceId); N]) -> InterfaceIds {
        let mut links = all.map(|(name, id)| (name.to_owned(), id)).into();
        tell_apart(&mut links);
        links
    }

    #[test]
    fn a_number_is_followed_through_renames() {
        let veth = id(7, "veth", None);
        assert_eq!(veth.find("v0", &links([("v0", veth.clone())])), Whereabouts::Here("v0"));
        assert_eq!(veth.find("v0", &links([("w0", veth.clone())])), Whereabouts::Here("w0"));
        assert_eq!(veth.find("v0", &links([("v0", id(9, "veth", None))])), Whereabouts::Gone, "made anew");
    }

    #[test]
    fn hardware_is_followed_by_its_address() {
        let card = id(2, "physical", Some(MAC));
        let back = links([("eth9", id(12, "physical", Some(MAC)))]);
        assert_eq!(card.find("eth0", &back), Whereabouts::Back("eth9", &back["eth9"]));
        assert_eq!(card.find("eth0", &links([])), Whereabouts::Away);
    }

    #[test]
    fn a_device_is_followed_through_namespaces_and_its_successor_is_another() {
        let of = |ifindex, node| InterfaceId { node: Some(node), ..id(ifindex, "veth", None) };
        let back = links([("v0", of(3, 71)), ("w0", of(9, 70))]);
        assert_eq!(of(3, 70).find("v0", &back), Whereabouts::Back("w0", &back["w0"]));
        assert_eq!(of(3, 72).find("v0", &back), Whereabouts::Gone);
        assert_eq!(id(3, "veth", None).find("v0", &back), Whereabouts::Here("v0"), "its node was not known");
        let card = |ifindex, node| InterfaceId { node: Some(node), ..id(ifindex, "physical", Some(MAC)) };
        let again = links([("eth1", card(9, 71))]);
        assert_eq!(card(2, 70).find("eth0", &again), Whereabouts::Anew("eth1", &again["eth1"]));
        assert_eq!(card(2, 71).find("eth0", &again), Whereabouts::Back("eth1", &again["eth1"]));
    }

    #[test]
    fn a_number_that_is_anothers_now_is_not_followed() {
        let card = id(2, "physical", Some(MAC));
        for other in [id(2, "physical", Some("52:54:00:00:00:02")), id(2, "veth", None)] {
            assert_eq!(card.find("eth0", &links([("eth0", other.clone())])), Whereabouts::Away);
            let both = links([("eth0", other), ("eth1", id(3, "physical", Some(MAC)))]);
            assert_eq!(card.find("eth0", &both), Whereabouts::Back("eth1", &both["eth1"]));
        }
        assert_eq!(id(7, "veth", None).find("v0", &links([("v0", id(7, "bridge", None))])), Whereabouts::Gone);
    }

    #[test]
    fn a_copied_address_identifies_nobody() {
        let card = id(2, "physical", Some(MAC));
        // A VLAN shows the address of what it lies upon.
        let with_vlan = links([("eth0", card.clone()), ("eth0.5", id(3, "vlan", Some(MAC)))]);
        assert_eq!(with_vlan["eth0"].permanent_address.as_deref(), Some(MAC));
        assert_eq!(with_vlan["eth0.5"].permanent_address, None);
        assert_eq!(card.find("eth0", &links([("eth0.5", id(3, "vlan", Some(MAC)))])), Whereabouts::Away);
        // Two interfaces of one radio have one address, and neither is the other.
        let two = links([("wlan0", id(4, "physical", Some(MAC))), ("mon0", id(5, "physical", Some(MAC)))]);
        assert_eq!(card.find("eth0", &two), Whereabouts::Away);
        // On two buses they are two.
        let other_bus = InterfaceId { bus: Some("vmbus".to_owned()), ..id(5, "physical", Some(MAC)) };
        let two = links([("vf", id(4, "physical", Some(MAC))), ("eth0", other_bus.clone())]);
        assert_eq!(card.find("eth0", &two), Whereabouts::Back("vf", &two["vf"]));
        assert_eq!(card.find("eth0", &links([("eth0", other_bus)])), Whereabouts::Away);
        // While a twin is there the address is not written down, and its going makes no other interface of this one.
        let shared = InterfaceId { permanent_address: None, ..card.clone() };
        assert_eq!(shared.find("eth0", &links([("eth1", card)])), Whereabouts::Here("eth1"));
    }

    #[test]
    fn what_early_journals_hold_is_understood() {
        let bare: InterfaceId = serde_json::from_str("7").unwrap();
        assert_eq!(bare, InterfaceId { ifindex: 7, kind: None, permanent_address: None, node: None, bus: None });
        assert_eq!(bare.find("v0", &links([("w0", id(7, "veth", None))])), Whereabouts::Here("w0"));
        for whole in [id(7, "physical", Some(MAC)), bare] {
            let text = serde_json::to_string(&whole).unwrap();
            assert_eq!(serde_json::from_str::<InterfaceId>(&text).unwrap(), whole, "{text}");
        }
        for bad in ["-1", "4294967296", "\"7\"", "{}", "null"] {
            assert!(serde_json::from_str::<InterfaceId>(bad).is_err(), "{bad}");
        }
    }
}
