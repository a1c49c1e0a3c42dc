//! String sets: names of bits and of statistics, `ETHTOOL_MSG_STRSET_GET`.

use std::collections::BTreeMap;

use super::device;
use super::device::Bits;
use super::device::Device;
use super::number::from_kernel;
use super::number::to_kernel;
use crate::generic::GenericMessage;
use crate::generic::body;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// include/uapi/linux/ethtool_netlink.h
mod number {
    pub(super) const STRINGSETS: u16 = 2;
    pub(super) const STRINGSET: u16 = 1;
    pub(super) const STRINGSET_ID: u16 = 1;
    pub(super) const STRINGSET_COUNT: u16 = 2;
    pub(super) const STRINGSET_STRINGS: u16 = 3;
    pub(super) const STRING: u16 = 1;
    pub(super) const STRING_INDEX: u16 = 1;
    pub(super) const STRING_VALUE: u16 = 2;
}

/// The bytes that a string takes at least: a header around it, its number, and the header of its text.
const STRING_LEAST: usize = 4 + 8 + 4;

/// Which set: include/uapi/linux/ethtool.h `enum ethtool_stringset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringSetId {
    /// `ETH_SS_STATS`: statistics of a driver; of a device.
    Statistics,
    /// `ETH_SS_PRIV_FLAGS`: private flags of a driver; of a device.
    PrivateFlags,
    /// `ETH_SS_FEATURES`: features; of the kernel.
    Features,
    /// `ETH_SS_RSS_HASH_FUNCS`: hash functions of receive-side scaling; of the kernel.
    RssHashFunctions,
    /// `ETH_SS_LINK_MODES`: link modes; of the kernel.
    LinkModes,
}

impl StringSetId {
    fn number(self) -> u32 {
        match self {
            StringSetId::Statistics => 1,
            StringSetId::PrivateFlags => 2,
            StringSetId::Features => 4,
            StringSetId::RssHashFunctions => 5,
            StringSetId::LinkModes => 9,
        }
    }
}

/// Names in the order of their numbers, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StringSet {
    names: Vec<String>,
    indexes: BTreeMap<String, u32>,
}

impl StringSet {
    /// A set of these names.
    #[must_use]
    pub fn new(names: Vec<String>) -> StringSet {
        let indexes = names.iter().cloned().zip(0..).collect();
        StringSet { names, indexes }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, index: u32) -> Option<&str> {
        self.names.get(index as usize).map(String::as_str)
    }

    /// The number of a name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<u32> {
        self.indexes.get(name).copied()
    }

    /// Numbers and names. A number without a name has an empty one.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.names.iter().map(String::as_str))
    }
}

pub(super) fn request(id: StringSetId, device: Option<Device<'_>>) -> Writer {
    let mut request = body(to_kernel::STRSET_GET, 1);
    device::write(&mut request, device, Bits::Compact);
    request.nest(number::STRINGSETS, |sets| {
        sets.nest(number::STRINGSET, |set| {
            set.u32(number::STRINGSET_ID, id.number());
        });
    });
    request
}

pub(super) fn read(message: &Message<'_>, id: StringSetId) -> Result<StringSet, Malformed> {
    let message = GenericMessage::parse(message)?;
    if message.command != from_kernel::STRSET_GET_REPLY {
        return Err(Malformed::Missing { what: "ETHTOOL_MSG_STRSET_GET_REPLY" });
    }
    let sets = message.attributes.find_kind(number::STRINGSETS)?;
    let sets = sets.ok_or(Malformed::Missing { what: "ETHTOOL_A_STRSET_STRINGSETS" })?;
    // A device without such names has no set, or one without strings.
    let mut others = false;
    for set in sets.nested() {
        let set = set?;
        others = true;
        if set.kind == number::STRINGSET
            && let Some(strings) = read_set(&set, id)?
        {
            return Ok(strings);
        }
    }
    if others { Err(Malformed::Missing { what: "ETHTOOL_A_STRINGSETS_STRINGSET" }) } else { Ok(StringSet::default()) }
}

fn read_set(set: &Attribute<'_>, id: StringSetId) -> Result<Option<StringSet>, Malformed> {
    let (mut found, mut count, mut strings) = (None, 0, None);
    for attribute in set.nested() {
        let attribute = attribute?;
        match attribute.kind {
            number::STRINGSET_ID => found = Some(attribute.u32()?),
            number::STRINGSET_COUNT => count = attribute.u32()?,
            number::STRINGSET_STRINGS => strings = Some(attribute),
            _ => (),
        }
    }
    if found != Some(id.number()) {
        return Ok(None);
    }
    let Some(strings) = strings else { return Ok(Some(StringSet::default())) };
    let wrong = |want| {
        let (offset, kind, found) = (strings.offset, strings.kind, strings.payload.len());
        Malformed::Payload { offset, kind, want, found }
    };
    // All are sent (net/ethtool/strset.c `strset_fill_set`): what claims more than there is room for costs no memory.
    let count = count as usize;
    if count > strings.payload.len() / STRING_LEAST {
        return Err(wrong("as many strings as it says"));
    }
    let mut names = vec![String::new(); count];
    for string in strings.nested() {
        let string = string?;
        if string.kind == number::STRING {
            let (index, name) = read_string(&string)?;
            *names.get_mut(index as usize).ok_or_else(|| wrong("as many strings as it says"))? = name;
        }
    }
    Ok(Some(StringSet::new(names)))
}

fn read_string(string: &Attribute<'_>) -> Result<(u32, String), Malformed> {
    let (mut index, mut value) = (None, None);
    for attribute in string.nested() {
        let attribute = attribute?;
        match attribute.kind {
            number::STRING_INDEX => index = Some(attribute.u32()?),
            number::STRING_VALUE => value = Some(attribute.text_lossy().into_owned()),
            _ => (),
        }
    }
    let index = index.ok_or(Malformed::Missing { what: "ETHTOOL_A_STRING_INDEX" })?;
    Ok((index, value.ok_or(Malformed::Missing { what: "ETHTOOL_A_STRING_VALUE" })?))
}
