//! `lookup`

use super::Register;
use super::found::Found;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFTA_LOOKUP_*`
mod is {
    pub(super) const SET: u16 = 1;
    pub(super) const SREG: u16 = 2;
    pub(super) const DREG: u16 = 3;
    pub(super) const SET_ID: u16 = 4;
    pub(super) const FLAGS: u16 = 5;

    /// `NFT_LOOKUP_F_INV`
    pub(super) const INVERTED: u32 = 1;
}

/// `lookup`: whether a value is in a set, or what a map has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The name of the set.
    pub set: String,
    /// In a request, the [number](super::super::NewSet::id) of a set of the same batch; the kernel does not tell it.
    pub set_id: Option<u32>,
    /// Where the value is.
    pub register: Register,
    /// Where goes what a map has for it.
    pub into: Option<Register>,
    /// Whether it must not be in the set.
    pub is_inverted: bool,
}

impl Lookup {
    /// What must be in a set of the same batch that has no name of its own.
    #[must_use]
    pub fn of_batch(register: Register, set_id: u32) -> Lookup {
        let set = super::super::NewSet::NAME.to_owned();
        Lookup { set, set_id: Some(set_id), register, into: None, is_inverted: false }
    }

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Lookup>, Malformed> {
        Ok(Some(Lookup {
            set: found.must(is::SET, "NFTA_LOOKUP_SET")?.text_lossy().into_owned(),
            set_id: found.get(is::SET_ID).map(|id| id.be32()).transpose()?,
            register: found.register(is::SREG, "NFTA_LOOKUP_SREG")?,
            into: found.register_if(is::DREG)?,
            is_inverted: found.be32_or_0(is::FLAGS)? & is::INVERTED != 0,
        }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Lookup { set, set_id, register, into, is_inverted } = self;
        writer.text(is::SET, set);
        if let Some(id) = set_id {
            writer.be32(is::SET_ID, *id);
        }
        register.write(is::SREG, writer);
        if let Some(into) = into {
            into.write(is::DREG, writer);
        }
        if *is_inverted {
            writer.be32(is::FLAGS, is::INVERTED);
        }
    }
}
