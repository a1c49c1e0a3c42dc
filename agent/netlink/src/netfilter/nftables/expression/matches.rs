//! What compares a register: `cmp`, `range`.

use super::Register;
use super::data;
use super::found::Found;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFT_CMP_*`: how, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Not the same.
    NotEqual,
    /// Less.
    Less,
    /// Less or the same.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or the same.
    AtLeast,
}

impl Comparison {
    const ALL: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
    ];

    fn of(number: u32) -> Option<Comparison> {
        Comparison::ALL.get(usize::try_from(number).ok()?).copied()
    }

    fn number(self) -> u32 {
        match self {
            Comparison::Equal => 0,
            Comparison::NotEqual => 1,
            Comparison::Less => 2,
            Comparison::AtMost => 3,
            Comparison::Greater => 4,
            Comparison::AtLeast => 5,
        }
    }
}

/// `cmp`: compares a register with bytes, as many as there are of them: fewer than it holds compare its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmp {
    /// What.
    pub register: Register,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub data: Vec<u8>,
}

impl Cmp {
    const SREG: u16 = 1;
    const OPERATION: u16 = 2;
    const DATA: u16 = 3;

    /// What must be the same.
    #[must_use]
    pub fn equal(register: Register, data: impl Into<Vec<u8>>) -> Cmp {
        Cmp { register, comparison: Comparison::Equal, data: data.into() }
    }

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Cmp>, Malformed> {
        let comparison = Comparison::of(found.be32(Cmp::OPERATION, "NFTA_CMP_OP")?);
        let register = found.register(Cmp::SREG, "NFTA_CMP_SREG")?;
        let data = found.bytes(Cmp::DATA, "NFTA_CMP_DATA")?;
        Ok(comparison.map(|comparison| Cmp { register, comparison, data }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        self.register.write(Cmp::SREG, writer);
        writer.be32(Cmp::OPERATION, self.comparison.number());
        data::write_bytes(&self.data, Cmp::DATA, writer);
    }
}

/// `range`: whether a register lies between two values, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// What.
    pub register: Register,
    /// Whether it must not.
    pub is_inverted: bool,
    /// The first value.
    pub first: Vec<u8>,
    /// The last.
    pub last: Vec<u8>,
}

impl Range {
    const SREG: u16 = 1;
    const OPERATION: u16 = 2;
    const FROM: u16 = 3;
    const TO: u16 = 4;

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Range>, Malformed> {
        let is_inverted = match found.be32(Range::OPERATION, "NFTA_RANGE_OP")? {
            0 => false,
            1 => true,
            _ => return Ok(None),
        };
        Ok(Some(Range {
            register: found.register(Range::SREG, "NFTA_RANGE_SREG")?,
            is_inverted,
            first: found.bytes(Range::FROM, "NFTA_RANGE_FROM_DATA")?,
            last: found.bytes(Range::TO, "NFTA_RANGE_TO_DATA")?,
        }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Range { register, is_inverted, first, last } = self;
        register.write(Range::SREG, writer);
        writer.be32(Range::OPERATION, u32::from(*is_inverted));
        data::write_bytes(first, Range::FROM, writer);
        data::write_bytes(last, Range::TO, writer);
    }
}
