//! What changes a value on its way: `bitwise`, `byteorder`.

use super::Register;
use super::data;
use super::found::Found;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `bitwise`: a value and a mask, exclusive or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitwise {
    /// Where the value is.
    pub from: Register,
    /// Where it goes.
    pub into: Register,
    /// The bits of it that stay.
    pub mask: Vec<u8>,
    /// The bits of it that are turned after that; as long as the mask.
    pub xor: Vec<u8>,
}

impl Bitwise {
    const SREG: u16 = 1;
    const DREG: u16 = 2;
    const LENGTH: u16 = 3;
    const MASK: u16 = 4;
    const XOR: u16 = 5;
    const OPERATION: u16 = 6;

    /// Some bits of a value, left where it is.
    #[must_use]
    pub fn mask(register: Register, mask: Vec<u8>) -> Bitwise {
        Bitwise { from: register, into: register, xor: vec![0; mask.len()], mask }
    }

    /// None of what shifts bits, or has two registers, which is not known here.
    pub(super) fn read(found: &Found<'_>) -> Result<Option<Bitwise>, Malformed> {
        if found.be32_or_0(Bitwise::OPERATION)? != 0 || !found.has(Bitwise::MASK) {
            return Ok(None);
        }
        Ok(Some(Bitwise {
            from: found.register(Bitwise::SREG, "NFTA_BITWISE_SREG")?,
            into: found.register(Bitwise::DREG, "NFTA_BITWISE_DREG")?,
            mask: found.bytes(Bitwise::MASK, "NFTA_BITWISE_MASK")?,
            xor: found.bytes(Bitwise::XOR, "NFTA_BITWISE_XOR")?,
        }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Bitwise { from, into, mask, xor } = self;
        from.write(Bitwise::SREG, writer);
        into.write(Bitwise::DREG, writer);
        writer.be32(Bitwise::LENGTH, u32::try_from(mask.len()).unwrap_or(u32::MAX));
        data::write_bytes(mask, Bitwise::MASK, writer);
        data::write_bytes(xor, Bitwise::XOR, writer);
    }
}

/// `byteorder`: from the order of the network to that of the host, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Byteorder {
    /// Where the value is.
    pub from: Register,
    /// Where it goes.
    pub into: Register,
    /// Whether it goes to the order of the network.
    pub to_network: bool,
    /// All of it, in bytes.
    pub length: u32,
    /// One number of it, in bytes: 2, 4 or 8.
    pub size: u32,
}

impl Byteorder {
    const SREG: u16 = 1;
    const DREG: u16 = 2;
    const OPERATION: u16 = 3;
    const LENGTH: u16 = 4;
    const SIZE: u16 = 5;

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Byteorder>, Malformed> {
        let to_network = match found.be32(Byteorder::OPERATION, "NFTA_BYTEORDER_OP")? {
            0 => false,
            1 => true,
            _ => return Ok(None),
        };
        Ok(Some(Byteorder {
            from: found.register(Byteorder::SREG, "NFTA_BYTEORDER_SREG")?,
            into: found.register(Byteorder::DREG, "NFTA_BYTEORDER_DREG")?,
            to_network,
            length: found.be32(Byteorder::LENGTH, "NFTA_BYTEORDER_LEN")?,
            size: found.be32(Byteorder::SIZE, "NFTA_BYTEORDER_SIZE")?,
        }))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        let Byteorder { from, into, to_network, length, size } = self;
        from.write(Byteorder::SREG, writer);
        into.write(Byteorder::DREG, writer);
        writer.be32(Byteorder::OPERATION, u32::from(to_network));
        writer.be32(Byteorder::LENGTH, length).be32(Byteorder::SIZE, size);
    }
}
