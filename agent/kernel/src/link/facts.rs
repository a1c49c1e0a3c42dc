//! What interfaces are: what profiles match them by, what formulas ask, and which lies above which.
//!
//! One dump tells most of it. Speed, queues and rings are another dump each, and only the driver of a device with hardware
//! behind it is asked for one by one, by ioctl(2): netlink does not tell it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::os::fd::AsFd;

use trimtab_core::facts::Asked;
use trimtab_core::facts::Fact;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::LinkFacts;
use trimtab_netlink::ethtool::Ethtool;
use trimtab_netlink::link::Flags;
use trimtab_netlink::link::Link;
use trimtab_netlink::link::Lower;

use super::Links;
use crate::facts::link::MADE_UP_SPEEDS;
use crate::facts::uplink;
use crate::netns;
use crate::sys;

/// `ARPHRD_ETHER` of include/uapi/linux/if_arp.h.
const ETHERNET: u16 = 1;

/// The drivers of virtual devices by their kind, as ethtool(8) shows them: no need to ask (`get_drvinfo` of
/// drivers/net/veth.c, dummy.c, macvlan.c, ifb.c, tun.c, net/bridge/br_device.c, drivers/net/bonding/bond_main.c,
/// net/8021q/vlan_dev.c).
const DRIVERS_OF_KINDS: &[(&str, &str)] = &[
    ("bond", "bonding"),
    ("bridge", "bridge"),
    ("dummy", "dummy"),
    ("ifb", "ifb"),
    ("macvlan", "macvlan"),
    ("tun", "tun"),
    ("veth", "veth"),
    ("vlan", "802.1Q VLAN Support"),
];

/// The facts of the interfaces, by name and inner name.
type Known = BTreeMap<String, LinkFacts>;

/// What is known of these interfaces. What the kernel does not tell is left out.
pub(super) fn gather(links: &mut Links, names: &BTreeSet<String>, asked: &Asked) -> Known {
    let all = match links.dump() {
        Ok(all) => all,
        Err(error) => {
            tracing::debug!(%error, "the interfaces are not told");
            return Known::new();
        }
    };
    let by_index: BTreeMap<u32, &str> = all.iter().map(|link| (link.index, link.name.as_str())).collect();
    let mut known = Known::new();
    for link in all.iter().filter(|link| names.contains(&link.name)) {
        known.insert(link.name.clone(), of_link(link, &by_index));
    }
    put_uppers(&all, &by_index, &mut known);
    if asked.wants("default_route") {
        let through = uplink::interfaces();
        for (name, facts) in &mut known {
            put(facts, "default_route", FactValue::Bool(through.contains(name)), "routes");
        }
    }
    if asked.wants("driver") || asked.wants("bus") {
        put_drivers(&all, &mut known);
    }
    if asked.wants("speed") {
        put_speeds(links, &all, &mut known);
    }
    put_maxima(links, asked, &mut known);
    known
}

fn put(facts: &mut LinkFacts, name: &'static str, value: FactValue, source: &'static str) {
    facts.insert(name.into(), Fact { value, source: source.into() });
}

const FROM_LINK: &str = "RTM_GETLINK";

fn of_link(link: &Link, by_index: &BTreeMap<u32, &str>) -> LinkFacts {
    let mut facts = BTreeMap::new();
    let text = |text: &str| Some(FactValue::Text(text.to_owned()));
    let number = |number: Option<u32>| number.map(|number| FactValue::Int(i64::from(number)));
    let name_of = |index: Option<u32>| index.and_then(|index| by_index.get(&index)).and_then(|name| text(name));
    let lower = match link.link {
        Some(Lower::Here(index)) if index != link.index => Some(index),
        // The other end of a veth is no lower device, and one in another namespace is none of ours.
        Some(Lower::Here(_) | Lower::Elsewhere { .. }) | None => None,
    };
    let lower = lower.filter(|_| link.kind.as_deref() != Some("veth"));
    for (name, value) in [
        ("name", text(&link.name)),
        ("mtu", number(Some(link.mtu))),
        ("kind", kind(link).and_then(text)),
        ("master", name_of(link.master)),
        ("master_kind", link.slave_kind.as_deref().and_then(text)),
        ("lower", name_of(lower)),
        ("carrier", link.carrier.map(FactValue::Bool)),
        ("rx_queues", number(link.num_rx_queues)),
        ("tx_queues", number(link.num_tx_queues)),
        ("permanent_address", link.permanent_address.as_ref().and_then(|address| text(&address.to_string()))),
    ] {
        if let Some(value) = value {
            put(&mut facts, name, value, FROM_LINK);
        }
    }
    facts
}

/// `physical` for what has a device behind it, else the kernel's word for its kind.
pub(super) fn kind(link: &Link) -> Option<&str> {
    match link.kind.as_deref() {
        Some(kind) => Some(kind),
        None if link.flags.has(Flags::LOOPBACK) => Some("loopback"),
        None if link.parent_device.is_some() || link.device_type == ETHERNET => Some("physical"),
        None => None,
    }
}

/// Which devices lie upon each: their names between blanks.
fn put_uppers(all: &[Link], by_index: &BTreeMap<u32, &str>, known: &mut Known) {
    let mut uppers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in all {
        if let Some(Lower::Here(index)) = link.link
            && index != link.index
            && link.kind.as_deref() != Some("veth")
            && let Some(lower) = by_index.get(&index)
        {
            uppers.entry(lower).or_default().push(&link.name);
        }
    }
    for (lower, mut names) in uppers {
        names.sort_unstable();
        if let Some(facts) = known.get_mut(lower) {
            put(facts, "uppers", FactValue::Text(names.join(" ")), FROM_LINK);
        }
    }
}

fn put_drivers(all: &[Link], known: &mut Known) {
    let Ok(socket) = netns::socket() else { return };
    for link in all {
        let Some(facts) = known.get_mut(&link.name) else { continue };
        let of_kind = link.kind.as_deref().and_then(|kind| DRIVERS_OF_KINDS.iter().find(|(known, _)| *known == kind));
        if let Some((_, driver)) = of_kind {
            put(facts, "driver", FactValue::Text((*driver).to_owned()), FROM_LINK);
            continue;
        }
        let Ok(driver) = sys::link_driver(socket.as_fd(), &link.name) else { continue };
        put(facts, "driver", FactValue::Text(driver.name), "ETHTOOL_GDRVINFO");
        // Devices on no bus say so in different ways.
        if !matches!(driver.bus.as_str(), "" | "N/A" | "tap") {
            put(facts, "bus", FactValue::Text(driver.bus), "ETHTOOL_GDRVINFO");
        }
    }
}

fn put_speeds(links: &mut Links, all: &[Link], known: &mut Known) {
    // Loopback and most virtual devices have none; asking only those that may keeps the dump from failing on one of them.
    let may: BTreeSet<&str> = all
        .iter()
        .filter(|link| {
            known.contains_key(&link.name) && !link.kind.as_deref().is_some_and(|kind| MADE_UP_SPEEDS.contains(&kind))
        })
        .map(|link| link.name.as_str())
        .collect();
    let modes = links.settings(&may, Ethtool::link_modes, Ethtool::dump_link_modes, |modes| &modes.device.name);
    for (name, modes) in modes {
        let speed = modes.ok().and_then(|modes| modes.known_speed()).filter(|speed| *speed > 0);
        if let (Some(speed), Some(facts)) = (speed, known.get_mut(&name)) {
            put(facts, "speed", FactValue::Int(i64::from(speed) * 1_000_000), "ETHTOOL_MSG_LINKMODES_GET");
        }
    }
}

fn put_maxima(links: &mut Links, asked: &Asked, known: &mut Known) {
    let names: Vec<String> = known.keys().cloned().collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    if asked.wants("ring_rx_max") || asked.wants("ring_tx_max") {
        let rings = links.settings(&names, Ethtool::rings, Ethtool::dump_rings, |rings| &rings.device.name);
        for (name, rings) in rings {
            let (Ok(rings), Some(facts)) = (rings, known.get_mut(&name)) else { continue };
            for (fact, value) in [("ring_rx_max", rings.rx_max), ("ring_tx_max", rings.tx_max)] {
                if let Some(value) = value {
                    put(facts, fact, FactValue::Int(i64::from(value)), "ETHTOOL_MSG_RINGS_GET");
                }
            }
        }
    }
    let of_channels = ["channels_rx_max", "channels_tx_max", "channels_combined_max", "channels_rx", "channels_tx"];
    if of_channels.iter().any(|name| asked.wants(name)) {
        let channels = links.settings(&names, Ethtool::channels, Ethtool::dump_channels, |all| &all.device.name);
        for (name, channels) in channels {
            let (Ok(channels), Some(facts)) = (channels, known.get_mut(&name)) else { continue };
            // Queues in use, those of combined channels included.
            let in_use = |of: Option<u32>| match (of, channels.combined) {
                (None, None) => None,
                (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
            };
            let values =
                [channels.rx_max, channels.tx_max, channels.combined_max, in_use(channels.rx), in_use(channels.tx)];
            for (fact, value) in of_channels.iter().zip(values) {
                if let Some(value) = value {
                    put(facts, fact, FactValue::Int(i64::from(value)), "ETHTOOL_MSG_CHANNELS_GET");
                }
            }
        }
    }
}
