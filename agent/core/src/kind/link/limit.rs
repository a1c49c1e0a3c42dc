//! Which value is the ceiling of which.

use crate::address::link::Channel;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::address::link::Ring;

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
