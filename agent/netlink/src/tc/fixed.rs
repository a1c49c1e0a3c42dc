//! Payloads that are C structs: one field after the other.

use crate::wire::Attribute;
use crate::wire::Malformed;

/// Reads a struct from its first field on. What a newer kernel has behind the fields that are read is left alone.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    attribute: Attribute<'a>,
    want: &'static str,
}

impl<'a> Fields<'a> {
    /// The struct that is the payload of an attribute; its name is for errors.
    pub(super) fn of(attribute: &Attribute<'a>, want: &'static str) -> Fields<'a> {
        Fields { rest: attribute.payload, attribute: *attribute, want }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Attribute { kind, payload, offset } = self.attribute;
        let short = Malformed::Payload { offset, kind, want: self.want, found: payload.len() };
        let (field, rest) = self.rest.split_first_chunk().ok_or(short)?;
        self.rest = rest;
        Ok(*field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.take().map(u8::from_ne_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.take().map(u16::from_ne_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_ne_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.take().map(i32::from_ne_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_ne_bytes)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take()
    }

    /// What lies behind the fields that were read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Numbers of 32 bits in a row, as most structs are.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
