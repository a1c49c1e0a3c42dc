//! `mirred`: packets go to another interface, or copies of them.

use super::Verdict;
use crate::tc::fixed::Fields;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_MIRRED_*`
mod number {
    pub(super) const PARAMETERS: u16 = 2;
    pub(super) const BLOCK: u16 = 4;
}

/// `struct tc_mirred`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mirred {
    /// Whether the packet goes there or a copy, and whether as one that goes out or comes in there.
    pub to: MirredTo,
    /// Index of the other interface; 0 if that is gone, which the kernel does not tell when it happens.
    pub interface: u32,
    /// What becomes of the packet here.
    pub verdict: Verdict,
}

/// `TCA_EGRESS_*` and `TCA_INGRESS_*`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirredTo {
    /// The packet goes out there.
    EgressRedirect,
    /// A copy goes out there.
    EgressMirror,
    /// The packet comes in there.
    IngressRedirect,
    /// A copy comes in there.
    IngressMirror,
    /// A number that is not in this list.
    Other(i32),
}

impl MirredTo {
    fn of(number: i32) -> MirredTo {
        match number {
            1 => MirredTo::EgressRedirect,
            2 => MirredTo::EgressMirror,
            3 => MirredTo::IngressRedirect,
            4 => MirredTo::IngressMirror,
            other => MirredTo::Other(other),
        }
    }

    fn number(self) -> i32 {
        match self {
            MirredTo::EgressRedirect => 1,
            MirredTo::EgressMirror => 2,
            MirredTo::IngressRedirect => 3,
            MirredTo::IngressMirror => 4,
            MirredTo::Other(other) => other,
        }
    }
}

impl Mirred {
    /// All packets go out of another interface instead: to an ifb, to be shaped there.
    #[must_use]
    pub const fn redirect(interface: u32) -> Mirred {
        Mirred { to: MirredTo::EgressRedirect, interface, verdict: Verdict::Stolen }
    }

    /// Its index besides; none if it sends to a block of interfaces, which is not known here.
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Option<(Mirred, u32)>, Malformed> {
        if attributes.clone().find_kind(number::BLOCK)?.is_some() {
            return Ok(None);
        }
        let parameters = attributes.find_kind(number::PARAMETERS)?;
        let parameters = parameters.ok_or(Malformed::Missing { what: "TCA_MIRRED_PARMS" })?;
        let mut fields = Fields::of(&parameters, "struct tc_mirred");
        let (index, _capab, verdict) = (fields.u32()?, fields.u32()?, fields.i32()?);
        let (_references, _bindings) = (fields.u32()?, fields.u32()?);
        let (to, interface) = (fields.i32()?, fields.u32()?);
        Ok(Some((Mirred { to: MirredTo::of(to), interface, verdict: Verdict::of(verdict) }, index)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Mirred { to, interface, verdict } = self;
        let mut bytes = super::verdict::parameters(*verdict);
        bytes.extend(to.number().to_ne_bytes());
        bytes.extend(interface.to_ne_bytes());
        writer.attribute(number::PARAMETERS, &bytes);
    }
}
