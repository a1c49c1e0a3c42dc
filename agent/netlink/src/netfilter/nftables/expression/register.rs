//! Registers, where expressions leave values for those behind them.

use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFT_REG32_00`
const FIRST_OF_4_BYTES: u32 = 8;

/// A register: room for 4 bytes, the first of as many as the value takes. There are 16; the four of 16 bytes by their older numbers
/// are every fourth of them (include/uapi/linux/netfilter/nf_tables.h `enum nft_registers`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Register {
    /// `NFT_REG_VERDICT`: what becomes of the packet.
    Verdict,
    /// The place, from 0 on, in units of 4 bytes.
    At(u32),
}

impl Register {
    /// `NFT_REG_1`, which nft(8) uses first.
    pub const FIRST: Register = Register::At(0);
    /// `NFT_REG_2`: 16 bytes behind that.
    pub const SECOND: Register = Register::At(4);

    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Register, Malformed> {
        Ok(match attribute.be32()? {
            0 => Register::Verdict,
            number @ 1..=4 => Register::At((number - 1) * 4),
            number => Register::At(number.saturating_sub(FIRST_OF_4_BYTES)),
        })
    }

    pub(super) fn write(self, kind: u16, writer: &mut Writer) {
        writer.be32(
            kind,
            match self {
                Register::Verdict => 0,
                // Kernels before 4.1 know only these.
                Register::At(place) if place.is_multiple_of(4) && place < 16 => place / 4 + 1,
                Register::At(place) => place.saturating_add(FIRST_OF_4_BYTES),
            },
        );
    }
}

/// Whether a value goes into a register or comes from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is loaded into this register.
    Load(Register),
    /// It is set to what this register holds.
    Store(Register),
}
