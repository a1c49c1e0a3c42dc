//! What is known of fake devices: the same facts as of live ones.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Direction;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Ring;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Fact;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::LinkFacts;

use super::Links;
use super::device::Device;

const MAXIMA: &[(&str, LinkAttribute)] = &[
    ("ring_rx_max", LinkAttribute::Ring(Ring::RxMax)),
    ("ring_tx_max", LinkAttribute::Ring(Ring::TxMax)),
    ("channels_rx_max", LinkAttribute::Channel(Channel::RxMax)),
    ("channels_tx_max", LinkAttribute::Channel(Channel::TxMax)),
    ("channels_combined_max", LinkAttribute::Channel(Channel::CombinedMax)),
];

/// Facts that cost a request of their own, by what they are told with.
const COSTLY: &[&[&str]] = &[
    &["driver", "bus"],
    &["ring_rx_max", "ring_tx_max"],
    &["channels_rx_max", "channels_tx_max", "channels_combined_max", "channels_rx", "channels_tx"],
];

pub(super) fn gather(links: &Links, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
    let wanted = links.devices.iter().filter(|(_, device)| names.contains(&device.name));
    wanted
        .map(|(index, device)| {
            let mut facts = of_device(links, *index, device);
            facts.retain(|name, _| is_told(name, asked));
            (device.name.clone(), facts)
        })
        .collect()
}

/// Whoever asks for less is told less, as by the live kernel.
fn is_told(name: &str, asked: &Asked) -> bool {
    let group = COSTLY.iter().find(|group| group.contains(&name));
    group.is_none_or(|group| group.iter().any(|name| asked.wants(name)))
}

fn of_device(links: &Links, index: u32, device: &Device) -> LinkFacts {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let name_of = |index: Option<u32>| index.and_then(|index| links.name_of(index));
    let master_kind = device.master.and_then(|master| links.devices.get(&master)).map(|master| master.kind);
    let mut uppers: Vec<&str> = links.uppers(index).into_iter().filter_map(|upper| links.name_of(upper)).collect();
    uppers.sort_unstable();
    let mut facts: Vec<(&'static str, Option<FactValue>)> = vec![
        ("name", Some(text(&device.name))),
        ("kind", Some(text(device.kind))),
        ("driver", Some(device.driver).filter(|driver| !driver.is_empty()).map(text)),
        ("mtu", Some(FactValue::Int(device.mtu()))),
        ("master", name_of(device.master).map(text)),
        ("master_kind", master_kind.map(text)),
        ("lower", name_of(device.lower).map(text)),
        ("uppers", Some(uppers.join(" ")).filter(|uppers| !uppers.is_empty()).map(FactValue::Text)),
        ("permanent_address", device.permanent_address.map(text)),
        ("rx_queues", Some(FactValue::Int(i64::from(device.allocated.0)))),
        ("tx_queues", Some(FactValue::Int(i64::from(device.allocated.1)))),
    ];
    if device.values.keys().any(|held| matches!(held, LinkAttribute::Channel(_))) {
        for (name, direction) in [("channels_rx", Direction::Rx), ("channels_tx", Direction::Tx)] {
            facts.push((name, Some(FactValue::Int(i64::from(device.queues_of(direction))))));
        }
    }
    facts.extend(MAXIMA.iter().map(|(name, attribute)| (*name, device.number(attribute).map(FactValue::Int))));
    let told = facts.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    told.map(|(name, value)| (name, Fact { value, source: "fake".into() })).collect()
}
