//! Values and verdicts.

use crate::netfilter::nftables::number::data as is;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFT_*` of include/uapi/linux/netfilter/nf_tables.h `enum nft_verdicts`, and `NF_DROP` and `NF_ACCEPT`
mod code {
    pub(super) const DROP: i32 = 0;
    pub(super) const ACCEPT: i32 = 1;
    pub(super) const CONTINUE: i32 = -1;
    pub(super) const BREAK: i32 = -2;
    pub(super) const JUMP: i32 = -3;
    pub(super) const GOTO: i32 = -4;
    pub(super) const RETURN: i32 = -5;
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes this chain.
    Accept,
    /// It is gone.
    Drop,
    /// The next expression is asked.
    Continue,
    /// The next rule is asked.
    Break,
    /// The rules of this chain are asked, then the next rule.
    Jump(String),
    /// The rules of this chain are asked, and none behind this one.
    Goto(String),
    /// Back to where this chain was called from.
    Return,
    /// A number that is not in this list.
    Other(i32),
}

/// A value for a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Bytes, 64 at most.
    Value(Vec<u8>),
    /// A verdict.
    Verdict(Verdict),
}

impl Data {
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Data, Malformed> {
        for attribute in attribute.nested() {
            let attribute = attribute?;
            match attribute.kind {
                is::VALUE => return Ok(Data::Value(attribute.payload.to_vec())),
                is::VERDICT => return Verdict::read(&attribute).map(Data::Verdict),
                _ => (),
            }
        }
        Err(Malformed::Missing { what: "NFTA_DATA_VALUE" })
    }

    pub(super) fn write(&self, kind: u16, writer: &mut Writer) {
        match self {
            Data::Value(bytes) => write_bytes(bytes, kind, writer),
            Data::Verdict(verdict) => {
                writer.nest(kind, |data| {
                    data.nest(is::VERDICT, |inside| verdict.write(inside));
                });
            }
        }
    }
}

/// Data that can only be bytes.
pub(super) fn read_bytes(attribute: &Attribute<'_>) -> Result<Vec<u8>, Malformed> {
    let value = attribute.nested().find_kind(is::VALUE)?;
    Ok(value.ok_or(Malformed::Missing { what: "NFTA_DATA_VALUE" })?.payload.to_vec())
}

pub(super) fn write_bytes(bytes: &[u8], kind: u16, writer: &mut Writer) {
    writer.nest(kind, |data| {
        data.attribute(is::VALUE, bytes);
    });
}

impl Verdict {
    /// The chain that it leads to.
    pub(super) fn chain(&self) -> Option<&str> {
        match self {
            Verdict::Jump(chain) | Verdict::Goto(chain) => Some(chain),
            Verdict::Accept
            | Verdict::Drop
            | Verdict::Continue
            | Verdict::Break
            | Verdict::Return
            | Verdict::Other(_) => None,
        }
    }

    fn read(attribute: &Attribute<'_>) -> Result<Verdict, Malformed> {
        let (mut number, mut chain) = (None, String::new());
        for attribute in attribute.nested() {
            let attribute = attribute?;
            match attribute.kind {
                is::VERDICT_CODE => number = Some(attribute.be32()?.cast_signed()),
                is::VERDICT_CHAIN => chain = attribute.text_lossy().into_owned(),
                _ => (),
            }
        }
        Ok(match number.ok_or(Malformed::Missing { what: "NFTA_VERDICT_CODE" })? {
            code::ACCEPT => Verdict::Accept,
            code::DROP => Verdict::Drop,
            code::CONTINUE => Verdict::Continue,
            code::BREAK => Verdict::Break,
            code::JUMP => Verdict::Jump(chain),
            code::GOTO => Verdict::Goto(chain),
            code::RETURN => Verdict::Return,
            other => Verdict::Other(other),
        })
    }

    fn write(&self, writer: &mut Writer) {
        let number = match self {
            Verdict::Accept => code::ACCEPT,
            Verdict::Drop => code::DROP,
            Verdict::Continue => code::CONTINUE,
            Verdict::Break => code::BREAK,
            Verdict::Jump(_) => code::JUMP,
            Verdict::Goto(_) => code::GOTO,
            Verdict::Return => code::RETURN,
            Verdict::Other(number) => *number,
        };
        writer.be32(is::VERDICT_CODE, number.cast_unsigned());
        if let Some(chain) = self.chain() {
            writer.text(is::VERDICT_CHAIN, chain);
        }
    }
}
