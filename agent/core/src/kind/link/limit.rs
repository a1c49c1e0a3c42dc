//! How much a value may be: which read-only value is the ceiling of which, and what the kernel takes at most itself.

use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Channel;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::address::link::Ring;
use crate::kind::World;

/// The largest packet of any kernel (include/linux/netdevice.h `GRO_MAX_SIZE`, `GSO_MAX_SIZE`).
const LARGEST_PACKET: i64 = 8 * 65_535;

/// The most that a device takes in this world, where it tells.
pub fn most(key: &LinkKey, world: &World) -> Option<i64> {
    if let LinkAttribute::Device(Device::GroMaxSize | Device::GroIpv4MaxSize) = key.attribute() {
        return Some(LARGEST_PACKET);
    }
    let told = told(key, limit(key.attribute())?, world);
    // 0 stands for a driver that does not say.
    told.filter(|most| *most > 0 || !matches!(key.attribute(), LinkAttribute::Device(_)))
}

/// The least that a device takes in this world, where it tells.
pub fn least(key: &LinkKey, world: &World) -> Option<i64> {
    match key.attribute() {
        LinkAttribute::Device(Device::Mtu) => told(key, LinkAttribute::Device(Device::MtuMin), world),
        LinkAttribute::Device(_)
        | LinkAttribute::Channel(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Feature(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_)
        | LinkAttribute::Queue(_) => None,
    }
}

fn told(key: &LinkKey, attribute: LinkAttribute, world: &World) -> Option<i64> {
    world.likely(&Address::link(key.with(attribute)))?.as_int()
}

/// The read-only value that bounds this one, if the device tells one: what `"max"` stands for.
pub fn limit(attribute: &LinkAttribute) -> Option<LinkAttribute> {
    match attribute {
        LinkAttribute::Device(device) => match device {
            Device::Mtu => Some(Device::MtuMax),
            Device::GsoMaxSize | Device::GsoIpv4MaxSize => Some(Device::TsoMaxSize),
            Device::GsoMaxSegs => Some(Device::TsoMaxSegs),
            Device::MtuMin
            | Device::MtuMax
            | Device::Txqueuelen
            | Device::TsoMaxSize
            | Device::TsoMaxSegs
            | Device::GroMaxSize
            | Device::GroIpv4MaxSize => None,
        }
        .map(LinkAttribute::Device),
        LinkAttribute::Channel(channel) => match channel {
            Channel::Rx => Some(Channel::RxMax),
            Channel::Tx => Some(Channel::TxMax),
            Channel::Other => Some(Channel::OtherMax),
            Channel::Combined => Some(Channel::CombinedMax),
            Channel::RxMax | Channel::TxMax | Channel::OtherMax | Channel::CombinedMax => None,
        }
        .map(LinkAttribute::Channel),
        LinkAttribute::Ring(ring) => match ring {
            Ring::Rx => Some(Ring::RxMax),
            Ring::RxMini => Some(Ring::RxMiniMax),
            Ring::RxJumbo => Some(Ring::RxJumboMax),
            Ring::Tx => Some(Ring::TxMax),
            Ring::TxPushBufLen => Some(Ring::TxPushBufLenMax),
            Ring::RxMax
            | Ring::RxMiniMax
            | Ring::RxJumboMax
            | Ring::TxMax
            | Ring::TxPushBufLenMax
            | Ring::RxBufLen
            | Ring::CqeSize
            | Ring::TxPush
            | Ring::RxPush => None,
        }
        .map(LinkAttribute::Ring),
        LinkAttribute::Feature(_) | LinkAttribute::Coalesce(_) | LinkAttribute::Pause(_) | LinkAttribute::Queue(_) => {
            None
        }
    }
}
