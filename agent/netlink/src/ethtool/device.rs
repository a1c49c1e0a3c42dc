//! Which device a message is about: `ETHTOOL_A_HEADER_*`.

use std::fmt;

use super::number::HEADER;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

const DEV_INDEX: u16 = 1;
const DEV_NAME: u16 = 2;
const FLAGS: u16 = 3;
/// `ETHTOOL_FLAG_COMPACT_BITSETS`: bitmaps instead of lists with the name of each bit.
const COMPACT: u32 = 1;

/// Which device to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device<'a> {
    /// By number, which stays when a device is renamed and is not given again while the namespace lives.
    Index(u32),
    /// By name.
    Name(&'a str),
}

impl fmt::Display for Device<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Index(index) => write!(f, "device {index}"),
            // Where it comes from it may hold anything, and this is for people's eyes.
            Device::Name(name) => write!(f, "{}", name.escape_debug()),
        }
    }
}

/// The device that an answer is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceId {
    /// Its number.
    pub index: u32,
    /// Its name at that moment. Bytes that are not UTF-8 are U+FFFD.
    pub name: String,
}

/// How bits are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bits {
    /// As bitmaps.
    Compact,
    /// Each with its name.
    Named,
}

/// The header of a request: for this device, or for all.
pub(super) fn write(writer: &mut Writer, device: Option<Device<'_>>, bits: Bits) {
    writer.nest(HEADER, |header| {
        match device {
            Some(Device::Index(index)) => {
                header.u32(DEV_INDEX, index);
            }
            Some(Device::Name(name)) => {
                header.text(DEV_NAME, name);
            }
            None => (),
        }
        match bits {
            Bits::Compact => {
                header.u32(FLAGS, COMPACT);
            }
            Bits::Named => (),
        }
    });
}

/// The device that the attributes of a message name.
pub(super) fn read(attributes: Attributes<'_>) -> Result<DeviceId, Malformed> {
    let header = attributes.find_kind(HEADER)?.ok_or(Malformed::Missing { what: "ETHTOOL_A_HEADER" })?;
    let (mut index, mut name) = (None, None);
    for attribute in header.nested() {
        let attribute = attribute?;
        match attribute.kind {
            DEV_INDEX => index = Some(attribute.u32()?),
            DEV_NAME => name = Some(attribute.text_lossy().into_owned()),
            _ => (),
        }
    }
    let index = index.ok_or(Malformed::Missing { what: "ETHTOOL_A_HEADER_DEV_INDEX" })?;
    let name = name.ok_or(Malformed::Missing { what: "ETHTOOL_A_HEADER_DEV_NAME" })?;
    Ok(DeviceId { index, name })
}
