//! What becomes of queues when their number changes.
//!
//! A queue that goes takes its steering along, one that comes has none (net/core/net-sysfs.c; measured on 6.18 with veth).
//! The rest keep their RPS; drivers such as virtio_net and mlx5_core set XPS anew for all of them.

use super::driver;
use super::topology;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Channel;
use crate::address::link::Direction;
use crate::address::link::LinkAttribute;
use crate::address::link::Queue;
use crate::address::link::QueueAttribute;
use crate::facts::Facts;
use crate::kind::Certainty;
use crate::kind::Effect;
use crate::kind::World;
use crate::observed::Observed;
use crate::value::Ports;
use crate::value::Value;

/// Queues past this are not followed.
const MOST: i64 = 256;

/// The addresses of everything that belongs to a queue of the device.
pub fn all(key: &LinkKey, facts: &Facts) -> Vec<Address> {
    let count = |name: &str| topology::number(facts, key.interface(), name).unwrap_or(0).clamp(0, MOST);
    let mut all = Vec::new();
    for attribute in QueueAttribute::ALL {
        let count = match attribute.direction() {
            Direction::Rx => count("rx_queues"),
            Direction::Tx => count("tx_queues"),
        };
        all.extend(
            (0..count)
                .filter_map(|index| u16::try_from(index).ok())
                .map(|index| Address::link(key.with(LinkAttribute::Queue(Queue { index, attribute: *attribute })))),
        );
    }
    all
}

/// The numbers of queues that decide how many there are.
pub fn channels(key: &LinkKey) -> impl Iterator<Item = Address> {
    [Channel::Rx, Channel::Tx, Channel::Combined]
        .into_iter()
        .map(|channel| Address::link(key.with(LinkAttribute::Channel(channel))))
}

/// How many queues of one direction there will be, if this plan changes their number.
pub fn planned(key: &LinkKey, direction: Direction, world: &World) -> Option<i64> {
    let (before, now) = (counted(key, direction, |address| world.read(address).value())?, now(key, direction, world)?);
    (before != now).then_some(now)
}

/// How many queues of one direction there are, once this plan has changed what it changes.
pub fn now(key: &LinkKey, direction: Direction, world: &World) -> Option<i64> {
    counted(key, direction, |address| world.likely(address))
}

fn counted<'v>(key: &LinkKey, direction: Direction, value: impl Fn(&Address) -> Option<&'v Value>) -> Option<i64> {
    let own = match direction {
        Direction::Rx => Channel::Rx,
        Direction::Tx => Channel::Tx,
    };
    let count = |channel| value(&Address::link(key.with(LinkAttribute::Channel(channel)))).and_then(Value::as_int);
    match (count(own), count(Channel::Combined)) {
        (None, None) => None,
        (own, combined) => Some(own.unwrap_or(0).saturating_add(combined.unwrap_or(0))),
    }
}

/// What a new number of queues may move.
pub fn effects(key: &LinkKey, to: &Value, world: &World) -> Vec<Effect> {
    let LinkAttribute::Channel(changed) = key.attribute() else { return Vec::new() };
    let Some((to, from)) = to.as_int().zip(world.likely(&Address::link(key.clone())).and_then(Value::as_int)) else {
        return Vec::new();
    };
    let rewritten = driver::sets_xps(topology::driver(world.facts, key.interface()));
    let mut effects = Vec::new();
    for address in all(key, world.facts) {
        let Some(queue) = queue(&address) else { continue };
        let direction = queue.attribute.direction();
        let concerned = match changed {
            Channel::Combined => true,
            Channel::Rx => direction == Direction::Rx,
            Channel::Tx => direction == Direction::Tx,
            Channel::Other | Channel::RxMax | Channel::TxMax | Channel::OtherMax | Channel::CombinedMax => false,
        };
        let Some(value) = world.likely(&address).filter(|_| concerned && from != to) else { continue };
        let after = now(key, direction, world).map_or(0, |count| count.saturating_sub(from).saturating_add(to));
        let goes = i64::from(queue.index) >= after;
        let nothing = *value == empty(queue.attribute);
        // A queue that goes with nothing to lose loses nothing.
        let moves = if goes { !nothing } else { rewritten && queue.attribute == QueueAttribute::XpsCpus };
        if moves {
            effects.push(Effect { from: value.clone(), address, to: None, certainty: Certainty::MayMove });
        }
    }
    effects
}

fn queue(address: &Address) -> Option<Queue> {
    match &address.object {
        crate::address::Object::Link(key) => match key.attribute() {
            LinkAttribute::Queue(queue) => Some(*queue),
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_) => None,
        },
        crate::address::Object::Sysctl(_) | crate::address::Object::Tc(_) | crate::address::Object::Nft(_) => None,
    }
}

/// What a queue has that nobody has set.
fn empty(attribute: QueueAttribute) -> Value {
    match attribute {
        QueueAttribute::RpsFlowCnt => Value::Int(0),
        QueueAttribute::RpsCpus | QueueAttribute::XpsCpus | QueueAttribute::XpsRxqs => Value::Cpus(Ports::default()),
    }
}

/// What will be found at a queue that is not there yet and comes with this plan.
pub fn appears(key: &LinkKey, queue: Queue, world: &World) -> Option<Value> {
    let absent = matches!(world.read(&Address::link(key.clone())), Observed::Absent);
    let comes = planned(key, queue.attribute.direction(), world).is_some_and(|count| i64::from(queue.index) < count);
    (absent && comes).then(|| empty(queue.attribute))
}

/// The most of the other channels that could do a channel's work, where there is just one: without either a device would
/// have no queue of a direction (net/ethtool/channels.c `ethnl_set_channels`).
pub fn alternative(channel: Channel) -> Option<Channel> {
    match channel {
        Channel::Combined => Some(Channel::RxMax),
        Channel::Rx | Channel::Tx => Some(Channel::CombinedMax),
        Channel::Other | Channel::RxMax | Channel::TxMax | Channel::OtherMax | Channel::CombinedMax => None,
    }
}
