//! How many queues a device will have, so that globs over them name those and no others.
//!
//! A setting of a queue that is not there is pending, so a glob must not name more queues than there will be; and it must
//! name those that the same plan adds. What decides is, in this order: the setting of the device's channels, the queues
//! that it uses now, the queues that were allocated for it, one.

use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Channel;
use crate::address::link::Direction;
use crate::address::link::LinkAttribute;
use crate::desired::Desired;
use crate::desired::Want;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

/// More queues than any device has: what a fact or a setting says beyond is a mistake, and not worth a million addresses.
const MOST: i64 = 4096;

/// The inner names of the facts that decide for one direction: queues in use, queues allocated, the most channels of its
/// own.
pub(super) fn facts(direction: Direction) -> [&'static str; 4] {
    match direction {
        Direction::Rx => ["channels_rx", "rx_queues", "channels_rx_max", "channels_combined_max"],
        Direction::Tx => ["channels_tx", "tx_queues", "channels_tx_max", "channels_combined_max"],
    }
}

/// How many queues of this direction an interface will have.
pub(super) fn count(desired: &Desired, facts: &Facts, interface: &str, direction: Direction) -> u16 {
    let number = |name: &str| match facts.links.get(interface)?.get(name)?.value {
        FactValue::Int(number) if number > 0 => Some(number),
        FactValue::Int(_) | FactValue::Bool(_) | FactValue::Float(_) | FactValue::Text(_) => None,
    };
    let [in_use, allocated, most_own, most_combined] = self::facts(direction).map(number);
    let now = in_use.or(allocated).unwrap_or(1);
    let own = match direction {
        Direction::Rx => Channel::Rx,
        Direction::Tx => Channel::Tx,
    };
    let wanted = |channel: Channel, most: Option<i64>| {
        let key = LinkKey::new(interface, LinkAttribute::Channel(channel)).ok()?;
        match &desired.settings.get(&Address::link(key))?.want {
            Want::Decided(policy) => settles_at(policy, now, most.or(allocated).unwrap_or(now)),
            Want::Undecided { .. } => None,
        }
    };
    let coming = match (wanted(own, most_own), wanted(Channel::Combined, most_combined)) {
        // Queues of their own and combined ones add up (Documentation/networking/ethtool-netlink.rst, `CHANNELS_GET`).
        (Some(own), Some(combined)) => own.saturating_add(combined),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => now,
    };
    u16::try_from(coming.clamp(0, allocated.unwrap_or(MOST).min(MOST))).unwrap_or(u16::MAX)
}

/// The number that a policy leaves, given the one that is there.
fn settles_at(policy: &Policy, now: i64, most: i64) -> Option<i64> {
    let number = |wanted: &Wanted| match wanted {
        Wanted::One(Scalar::Int(number)) => Some(*number),
        // `max`: links know no other word.
        Wanted::One(Scalar::Text(_)) => Some(most),
        Wanted::Many(_) | Wanted::Tree(_) => None,
    };
    match policy {
        Policy::Value(wanted) => number(wanted),
        Policy::AtLeast(wanted) => Some(now.max(number(wanted)?)),
        Policy::AtMost(wanted) => Some(now.min(number(wanted)?)),
        Policy::Between(low, high) => Some(now.min(number(high)?).max(number(low)?)),
        Policy::OneOf(all) if all.iter().any(|wanted| number(wanted) == Some(now)) => Some(now),
        Policy::OneOf(all) | Policy::Prefer(all) => number(all.first()?),
        Policy::Includes(_) => None,
    }
}
