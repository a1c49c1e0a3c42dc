//! Bit sets: `ETHTOOL_A_BITSET_*`, in both forms (Documentation/networking/ethtool-netlink.rst, "Bit sets").

use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

const NO_MASK: u16 = 1;
const SIZE: u16 = 2;
const BITS: u16 = 3;
const VALUE: u16 = 4;
const MASK: u16 = 5;

const BIT: u16 = 1;
const BIT_INDEX: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

const WORD: u32 = 32;
/// What a list of bits may claim to be long. The kernel's longest set has some hundred bits.
const MOST_BITS: u32 = 1 << 16;

/// Some bits, numbered from 0, and perhaps a mask that says which of them are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitset {
    size: u32,
    values: Vec<u32>,
    /// None if all bits are meant.
    mask: Option<Vec<u32>>,
}

/// A bit of a list.
pub(super) struct Bit<'a> {
    pub(super) index: u32,
    pub(super) name: &'a str,
    pub(super) value: bool,
}

impl Bitset {
    /// A set of this many bits, none of which is meant.
    #[must_use]
    pub fn none_of(size: u32) -> Bitset {
        let words = words_of(size);
        Bitset { size, values: vec![0; words], mask: Some(vec![0; words]) }
    }

    /// Reads a set in either form.
    ///
    /// # Errors
    /// If it contradicts itself.
    pub fn read(attribute: &Attribute<'_>) -> Result<Bitset, Malformed> {
        let (mut size, mut values, mut mask, mut bits, mut no_mask) = (None, None, None, None, false);
        for part in attribute.nested() {
            let part = part?;
            match part.kind {
                NO_MASK => no_mask = true,
                SIZE => size = Some(part.u32()?),
                BITS => bits = Some(part),
                VALUE => values = Some(part),
                MASK => mask = Some(part),
                _ => (),
            }
        }
        let size = size.ok_or(Malformed::Missing { what: "ETHTOOL_A_BITSET_SIZE" })?;
        let words = |part: Attribute<'_>| {
            let words = part.u32s()?;
            if words.len() == words_of(size) { Ok(words) } else { Err(wrong(&part, "the words that its size needs")) }
        };
        match (values, bits) {
            (Some(values), _) => Ok(Bitset { size, values: words(values)?, mask: mask.map(words).transpose()? }),
            (None, Some(bits)) => Bitset::from_list(size, &bits, no_mask),
            (None, None) => Err(Malformed::Missing { what: "ETHTOOL_A_BITSET_VALUE" }),
        }
    }

    fn from_list(size: u32, bits: &Attribute<'_>, no_mask: bool) -> Result<Bitset, Malformed> {
        if size > MOST_BITS {
            return Err(wrong(bits, "at most 65536 bits"));
        }
        let mut set = Bitset::none_of(size);
        for bit in bits.nested() {
            let bit = bit?;
            let Bit { index, value, .. } = read_bit(&bit)?;
            // Without a mask, those that are listed are the ones that are on.
            if !set.set(index, value || no_mask) {
                return Err(wrong(&bit, "a bit within the size"));
            }
        }
        if no_mask {
            set.mask = None;
        }
        Ok(set)
    }

    /// How many bits there are.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Whether a bit is on.
    #[must_use]
    pub fn value(&self, index: u32) -> bool {
        index < self.size && bit(&self.values, index)
    }

    /// Whether a bit is meant.
    #[must_use]
    pub fn is_meant(&self, index: u32) -> bool {
        index < self.size && self.mask.as_deref().is_none_or(|mask| bit(mask, index))
    }

    /// The bits that are meant, with their values.
    pub fn meant(&self) -> impl Iterator<Item = (u32, bool)> {
        (0..self.size).filter(|index| self.is_meant(*index)).map(|index| (index, self.value(index)))
    }

    /// Means this bit with this value; false if there is no such bit.
    pub fn set(&mut self, index: u32, value: bool) -> bool {
        let word = (index / WORD) as usize;
        let bit = 1 << (index % WORD);
        if index >= self.size {
            return false;
        }
        if let Some(slot) = self.values.get_mut(word) {
            *slot = if value { *slot | bit } else { *slot & !bit };
        }
        if let Some(slot) = self.mask.as_mut().and_then(|mask| mask.get_mut(word)) {
            *slot |= bit;
        }
        true
    }

    /// Writes the set as bitmaps.
    pub fn write(&self, writer: &mut Writer, kind: u16) {
        writer.nest(kind, |set| {
            set.u32(SIZE, self.size).attribute(VALUE, &bytes(&self.values));
            match &self.mask {
                Some(mask) => set.attribute(MASK, &bytes(mask)),
                None => set.flag(NO_MASK),
            };
        });
    }
}

/// The bits of a list, with their names.
pub(super) fn read_list<'a>(attribute: &Attribute<'a>) -> Result<Vec<Bit<'a>>, Malformed> {
    let bits = attribute.nested().find_kind(BITS)?.ok_or(Malformed::Missing { what: "ETHTOOL_A_BITSET_BITS" })?;
    bits.nested().map(|bit| read_bit(&bit?)).collect()
}

/// Writes a list of names: these bits are meant, with these values.
pub(super) fn write_list(writer: &mut Writer, kind: u16, bits: &[(&str, bool)]) {
    writer.nest(kind, |set| {
        set.nest(BITS, |list| {
            for (name, value) in bits {
                list.nest(BIT, |bit| {
                    bit.text(BIT_NAME, name);
                    if *value {
                        bit.flag(BIT_VALUE);
                    }
                });
            }
        });
    });
}

fn read_bit<'a>(attribute: &Attribute<'a>) -> Result<Bit<'a>, Malformed> {
    let (mut index, mut name, mut value) = (None, "", false);
    for part in attribute.nested() {
        let part = part?;
        match part.kind {
            BIT_INDEX => index = Some(part.u32()?),
            BIT_NAME => name = part.text()?,
            BIT_VALUE => value = part.flag()?,
            _ => (),
        }
    }
    let index = index.ok_or(Malformed::Missing { what: "ETHTOOL_A_BITSET_BIT_INDEX" })?;
    Ok(Bit { index, name, value })
}

fn wrong(attribute: &Attribute<'_>, want: &'static str) -> Malformed {
    Malformed::Payload { offset: attribute.offset, kind: attribute.kind, want, found: attribute.payload.len() }
}

fn words_of(size: u32) -> usize {
    size.div_ceil(WORD) as usize
}

fn bit(words: &[u32], index: u32) -> bool {
    words.get((index / WORD) as usize).is_some_and(|word| word >> (index % WORD) & 1 == 1)
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
