//! The attributes of an expression, by number.

use std::collections::BTreeMap;

use super::Register;
use super::data;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;

/// What an expression says of itself. The kernel says each thing once.
pub(super) struct Found<'a>(BTreeMap<u16, Attribute<'a>>);

impl<'a> Found<'a> {
    pub(super) fn of(attributes: Attributes<'a>) -> Result<Found<'a>, Malformed> {
        Ok(Found(attributes.map(|attribute| attribute.map(|one| (one.kind, one))).collect::<Result<_, _>>()?))
    }

    pub(super) fn get(&self, kind: u16) -> Option<&Attribute<'a>> {
        self.0.get(&kind)
    }

    pub(super) fn has(&self, kind: u16) -> bool {
        self.0.contains_key(&kind)
    }

    /// One that must be there; its name is for errors.
    pub(super) fn must(&self, kind: u16, what: &'static str) -> Result<&Attribute<'a>, Malformed> {
        self.get(kind).ok_or(Malformed::Missing { what })
    }

    pub(super) fn be32(&self, kind: u16, what: &'static str) -> Result<u32, Malformed> {
        self.must(kind, what)?.be32()
    }

    /// 0 if it is not there.
    pub(super) fn be32_or_0(&self, kind: u16) -> Result<u32, Malformed> {
        self.get(kind).map_or(Ok(0), Attribute::be32)
    }

    pub(super) fn register(&self, kind: u16, what: &'static str) -> Result<Register, Malformed> {
        Register::read(self.must(kind, what)?)
    }

    pub(super) fn register_if(&self, kind: u16) -> Result<Option<Register>, Malformed> {
        self.get(kind).map(Register::read).transpose()
    }

    pub(super) fn bytes(&self, kind: u16, what: &'static str) -> Result<Vec<u8>, Malformed> {
        data::read_bytes(self.must(kind, what)?)
    }
}
