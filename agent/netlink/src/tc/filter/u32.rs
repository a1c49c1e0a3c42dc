//! `u32`: packets by what is written in them, 32 bits at a time.

use std::num::NonZeroU32;

use super::same_actions;
use crate::tc::Handle;
use crate::tc::action;
use crate::tc::action::Action;
use crate::tc::fixed::Fields;
use crate::tc::number::hardware;
use crate::tc::those_that_are_not;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_U32_*`
mod number {
    pub(super) const CLASS: u16 = 1;
    pub(super) const TABLE: u16 = 2;
    pub(super) const LINK: u16 = 3;
    pub(super) const SELECTOR: u16 = 5;
    pub(super) const POLICE: u16 = 6;
    pub(super) const ACTIONS: u16 = 7;
    pub(super) const INPUT: u16 = 8;
    pub(super) const MARK: u16 = 10;
    pub(super) const FLAGS: u16 = 11;

    /// `TC_U32_TERMINAL`
    pub(super) const TERMINAL: u8 = 1;
}

/// A filter that finds packets by words of their headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct U32 {
    /// The class that they go into.
    pub class: Option<Handle>,
    /// Which packets.
    pub selector: Selector,
    /// The hash table in which the search goes on.
    pub link: Option<u32>,
    /// The mark that they have, and which bits of it count. A kernel without `CONFIG_CLS_U32_MARK` takes this, and forgets it, so
    /// that the filter finds them all whatever their mark: read it back.
    pub mark: Option<(u32, u32)>,
    /// The name of the interface that they came in by.
    pub input: Option<String>,
    /// `TCA_CLS_FLAGS_*`: 1 not in hardware, 2 only in hardware.
    pub flags: u32,
    /// What becomes of them.
    pub actions: Vec<Action>,
}

/// `struct tc_u32_sel`: which packets, and where to look on. Numbers that stand for bytes of packets are in the order of the network
/// there, and in that of the host here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// `TC_U32_*`: 1 ends the search, which it must to go into a class; 2, 4 and 8 move on in the packet.
    pub flags: u8,
    /// How far the field is shifted right that says by how much to move on.
    pub offset_shift: u8,
    /// The bits of that field.
    pub offset_mask: u16,
    /// Bytes to move on in any case.
    pub offset: u16,
    /// Where that field lies.
    pub offset_at: i16,
    /// Where the bytes lie that choose a bucket of the next table.
    pub hash_at: i16,
    /// Their bits.
    pub hash_mask: u32,
    /// All of these must match; none matches everything.
    pub keys: Vec<Key>,
}

/// `struct tc_u32_key`: 32 bits of a packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Key {
    /// Which of them count, the first bit of the packet being the highest.
    pub mask: u32,
    /// What they must be.
    pub value: u32,
    /// Where they lie, in bytes from the header of the network layer, a multiple of 4.
    pub at: i32,
    /// Not 0 if they lie behind what was moved on by.
    pub offset_mask: i32,
}

impl Key {
    /// So many bits at a place of the network layer's header.
    #[must_use]
    pub const fn at(at: i32, value: u32, mask: u32) -> Key {
        Key { mask, value, at, offset_mask: 0 }
    }
}

impl Selector {
    /// One that ends the search at packets which match all of these.
    #[must_use]
    pub fn of(keys: Vec<Key>) -> Selector {
        Selector { flags: number::TERMINAL, keys, ..Selector::default() }
    }

    fn read(attribute: &Attribute<'_>) -> Result<Selector, Malformed> {
        let mut fields = Fields::of(attribute, "struct tc_u32_sel");
        let [flags, offset_shift, count, _] = fields.bytes()?;
        let offset_mask = u16::from_be_bytes(fields.bytes()?);
        let (offset, offset_at) = (fields.u16()?, fields.u16()?.cast_signed());
        let hash_at = fields.u16()?.cast_signed();
        let hash_mask = u32::from_be_bytes(fields.bytes()?);
        let mut keys = Vec::new();
        for _ in 0..count {
            let (mask, value) = (u32::from_be_bytes(fields.bytes()?), u32::from_be_bytes(fields.bytes()?));
            keys.push(Key { mask, value, at: fields.i32()?, offset_mask: fields.i32()? });
        }
        Ok(Selector { flags, offset_shift, offset_mask, offset, offset_at, hash_at, hash_mask, keys })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Selector { flags, offset_shift, offset_mask, offset, offset_at, hash_at, hash_mask, keys } = self;
        let count = u8::try_from(keys.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![*flags, *offset_shift, count, 0];
        bytes.extend(offset_mask.to_be_bytes());
        bytes.extend(offset.to_ne_bytes());
        bytes.extend(offset_at.to_ne_bytes());
        bytes.extend(hash_at.to_ne_bytes());
        bytes.extend(hash_mask.to_be_bytes());
        for Key { mask, value, at, offset_mask } in keys {
            bytes.extend(mask.to_be_bytes());
            // As tc(8) does: the kernel compares what it is given with what the mask leaves.
            bytes.extend((value & mask).to_be_bytes());
            bytes.extend(at.to_ne_bytes());
            bytes.extend(offset_mask.to_ne_bytes());
        }
        bytes
    }

    fn is_as(&self, asked: &Selector) -> bool {
        self.to_bytes() == asked.to_bytes()
    }
}

impl U32 {
    /// The handle of a filter: `table:bucket:node` as tc(8) writes it; none for node 0 and what does not fit, 12 bits of table and
    /// node.
    ///
    /// The first table below a parent is `0x800`, that of the next priority `0x801`. Table 0 stands for the first table of
    /// the priority whatever its number, if the filter is made; changed it is under its full name.
    #[must_use]
    pub fn handle(table: u16, bucket: u8, node: u16) -> Option<NonZeroU32> {
        if table > 0xfff || node > 0xfff || node == 0 {
            return None;
        }
        NonZeroU32::new(u32::from(table) << 20 | u32::from(bucket) << 12 | u32::from(node))
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<U32, Malformed> {
        let mut filter = U32::default();
        let mut selector = None;
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::CLASS => filter.class = Some(Handle(attribute.u32()?)),
                number::LINK => filter.link = Some(attribute.u32()?),
                number::SELECTOR => selector = Some(Selector::read(&attribute)?),
                number::POLICE => filter.actions = vec![action::read_police(&attribute)?],
                number::ACTIONS => filter.actions = action::read_all(&attribute)?,
                number::INPUT => filter.input = Some(attribute.text_lossy().into_owned()),
                number::MARK => {
                    let mut fields = Fields::of(&attribute, "struct tc_u32_mark");
                    filter.mark = Some((fields.u32()?, fields.u32()?));
                }
                number::FLAGS => filter.flags = attribute.u32()? & hardware::ASKED,
                _ => (),
            }
        }
        filter.selector = selector.ok_or(Malformed::Missing { what: "TCA_U32_SEL" })?;
        Ok(filter)
    }

    pub(super) fn write(&self, handle: NonZeroU32, writer: &mut Writer) {
        let U32 { class, selector, link, mark, input, flags, actions } = self;
        let table = handle.get() & 0xffff_f000;
        if table >> 20 != 0 {
            writer.u32(number::TABLE, table);
        }
        if let Some(class) = class {
            writer.u32(number::CLASS, class.0);
        }
        if let Some(link) = link {
            writer.u32(number::LINK, *link);
        }
        writer.attribute(number::SELECTOR, &selector.to_bytes());
        if let Some((value, mask)) = mark {
            let bytes = [*value, *mask, 0].into_iter().flat_map(u32::to_ne_bytes).collect::<Vec<_>>();
            writer.attribute(number::MARK, &bytes);
        }
        if let Some(input) = input {
            writer.text(number::INPUT, input);
        }
        if *flags != 0 {
            writer.u32(number::FLAGS, *flags);
        }
        action::write_all(number::ACTIONS, actions, writer);
    }

    /// Names of what was asked for and is not what is shown here. Bits outside the masks do not count.
    #[must_use]
    pub fn differs(&self, asked: &U32) -> Vec<&'static str> {
        let U32 { class, selector, link, mark, input, flags, actions } = asked;
        those_that_are_not(&[
            ("class", *class == self.class),
            ("selector", self.selector.is_as(selector)),
            ("link", *link == self.link),
            ("mark", *mark == self.mark),
            ("input", *input == self.input),
            ("flags", *flags == self.flags),
            ("actions", same_actions(&self.actions, actions)),
        ])
    }
}
