//! Receive-side scaling: which queue a received packet goes to.

use super::device::DeviceId;
use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::Settings;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// include/uapi/linux/ethtool_netlink.h `ETHTOOL_A_RSS_*`
mod number {
    pub(super) const CONTEXT: u16 = 2;
    pub(super) const HASH_FUNCTION: u16 = 3;
    pub(super) const INDIRECTION: u16 = 4;
    pub(super) const KEY: u16 = 5;
    pub(super) const INPUT_TRANSFORM: u16 = 6;
}

/// `ETHTOOL_MSG_RSS_GET`, since Linux 6.2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rss {
    /// The device.
    pub device: DeviceId,
    /// The context, none for the one that all packets are in which no filter puts into another.
    pub context: Option<u32>,
    /// The hash function, as a bit: 1 << its number in [`StringSetId::RssHashFunctions`](super::StringSetId).
    pub hash_function: Option<u32>,
    /// For each value of the hash, modulo the length, the queue.
    pub indirection: Vec<u32>,
    /// The key of the hash.
    pub key: Vec<u8>,
    /// `RXH_XFRM_*` bits: what is done to addresses and ports before hashing. Since Linux 6.8.
    pub input_transform: Option<u32>,
}

impl Settings for Rss {
    const ASK: &str = "get receive-side scaling";
    const GET: u8 = to_kernel::RSS_GET;
    const REPLY: u8 = from_kernel::RSS_GET_REPLY;

    fn parse(device: DeviceId, attributes: Attributes<'_>) -> Result<Rss, Malformed> {
        let mut rss = Rss { device, ..Rss::default() };
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::CONTEXT => rss.context = Some(attribute.u32()?),
                number::HASH_FUNCTION => rss.hash_function = Some(attribute.u32()?),
                number::INDIRECTION => rss.indirection = attribute.u32s()?,
                number::KEY => rss.key = attribute.payload.to_owned(),
                number::INPUT_TRANSFORM => rss.input_transform = Some(attribute.u32()?),
                _ => (),
            }
        }
        Ok(rss)
    }
}

/// `ETHTOOL_MSG_RSS_SET`, since Linux 6.17; fields as in [`Rss`], none to leave that as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RssChange {
    /// The context, none for the default one.
    pub context: Option<u32>,
    /// The hash function, as a bit.
    pub hash_function: Option<u32>,
    /// The queues. An empty table goes back to the driver's own; one whose length divides that of the device's is repeated.
    pub indirection: Option<Vec<u32>>,
    /// The key, as long as it is now.
    pub key: Option<Vec<u8>>,
    /// What is done to addresses and ports before hashing.
    pub input_transform: Option<u32>,
}

impl RssChange {
    pub(super) fn write(&self, writer: &mut Writer) {
        let RssChange { context, hash_function, indirection, key, input_transform } = self;
        let numbers = [
            (number::CONTEXT, context),
            (number::HASH_FUNCTION, hash_function),
            (number::INPUT_TRANSFORM, input_transform),
        ];
        for (kind, value) in numbers {
            if let Some(value) = value {
                writer.u32(kind, *value);
            }
        }
        if let Some(queues) = indirection {
            let bytes: Vec<u8> = queues.iter().flat_map(|queue| queue.to_ne_bytes()).collect();
            writer.attribute(number::INDIRECTION, &bytes);
        }
        if let Some(key) = key {
            writer.attribute(number::KEY, key);
        }
    }
}
