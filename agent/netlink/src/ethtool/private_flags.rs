//! Private flags: switches that a driver has and the kernel knows nothing of.

use std::collections::BTreeMap;

use super::bitset;
use super::device::DeviceId;
use super::number::from_kernel;
use super::number::to_kernel;
use super::settings::Settings;
use crate::wire::Attributes;
use crate::wire::Malformed;

pub(super) const FLAGS: u16 = 2;

/// `ETHTOOL_MSG_PRIVFLAGS_GET`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivateFlags {
    /// The device.
    pub device: DeviceId,
    /// The flags by name, and whether they are on.
    pub flags: BTreeMap<String, bool>,
}

impl Settings for PrivateFlags {
    const ASK: &str = "get private flags";
    const GET: u8 = to_kernel::PRIVFLAGS_GET;
    const REPLY: u8 = from_kernel::PRIVFLAGS_GET_REPLY;

    fn parse(device: DeviceId, attributes: Attributes<'_>) -> Result<PrivateFlags, Malformed> {
        let set = attributes.find_kind(FLAGS)?.ok_or(Malformed::Missing { what: "ETHTOOL_A_PRIVFLAGS_FLAGS" })?;
        let flags = bitset::read_list(&set)?;
        Ok(PrivateFlags { device, flags: flags.into_iter().map(|bit| (bit.name.to_owned(), bit.value)).collect() })
    }
}
