//! `exthdr`

use super::Direction;
use super::found::Found;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFTA_EXTHDR_*`
mod is {
    pub(super) const DREG: u16 = 1;
    pub(super) const TYPE: u16 = 2;
    pub(super) const OFFSET: u16 = 3;
    pub(super) const LENGTH: u16 = 4;
    pub(super) const FLAGS: u16 = 5;
    pub(super) const OPERATION: u16 = 6;
    pub(super) const SREG: u16 = 7;

    /// `NFT_EXTHDR_F_PRESENT`
    pub(super) const PRESENT: u32 = 1;
}

/// `NFT_EXTHDR_OP_*`: what there are several of in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExthdrKind {
    /// An extension header of IPv6.
    Ipv6,
    /// An option of TCP.
    TcpOption,
    /// An option of IPv4.
    Ipv4Option,
    /// A number that is not in this list.
    Other(u32),
}

/// `exthdr`: some bytes of an option or extension header. The rule ends if the packet has none. What is stored in an option of TCP must
/// not be more than it was: the largest segment only shrinks (net/netfilter/nft_exthdr.c `nft_exthdr_tcp_set_eval`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exthdr {
    /// What it is.
    pub kind: ExthdrKind,
    /// Its number among those: 2, `TCPOPT_MSS`, of the options of TCP is the largest segment.
    pub number: u8,
    /// The first byte, from its beginning on.
    pub offset: u32,
    /// How many.
    pub length: u32,
    /// Whether only that it is there is looked at: one byte, 0 or 1.
    pub only_presence: bool,
    /// Where they go or come from.
    pub direction: Direction,
}

impl Exthdr {
    /// `TCPOPT_MSS`: the largest segment that whoever sends it takes, two bytes.
    #[must_use]
    pub fn tcp_mss(direction: Direction) -> Exthdr {
        Exthdr { kind: ExthdrKind::TcpOption, number: 2, offset: 2, length: 2, only_presence: false, direction }
    }

    /// None of what removes an option, which is not known here.
    pub(super) fn read(found: &Found<'_>) -> Result<Option<Exthdr>, Malformed> {
        let direction = match (found.register_if(is::SREG)?, found.register_if(is::DREG)?) {
            (Some(register), _) => Direction::Store(register),
            (None, Some(register)) => Direction::Load(register),
            (None, None) => return Ok(None),
        };
        let kind = match found.be32_or_0(is::OPERATION)? {
            0 => ExthdrKind::Ipv6,
            1 => ExthdrKind::TcpOption,
            2 => ExthdrKind::Ipv4Option,
            other => ExthdrKind::Other(other),
        };
        Ok(Some(Exthdr {
            kind,
            number: found.must(is::TYPE, "NFTA_EXTHDR_TYPE")?.u8()?,
            offset: found.be32(is::OFFSET, "NFTA_EXTHDR_OFFSET")?,
            length: found.be32(is::LENGTH, "NFTA_EXTHDR_LEN")?,
            only_presence: found.be32_or_0(is::FLAGS)? & is::PRESENT != 0,
            direction,
        }))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        let Exthdr { kind, number, offset, length, only_presence, direction } = self;
        match direction {
            Direction::Load(register) => register.write(is::DREG, writer),
            Direction::Store(register) => register.write(is::SREG, writer),
        }
        writer.u8(is::TYPE, number).be32(is::OFFSET, offset).be32(is::LENGTH, length);
        if only_presence {
            writer.be32(is::FLAGS, is::PRESENT);
        }
        writer.be32(
            is::OPERATION,
            match kind {
                ExthdrKind::Ipv6 => 0,
                ExthdrKind::TcpOption => 1,
                ExthdrKind::Ipv4Option => 2,
                ExthdrKind::Other(number) => number,
            },
        );
    }
}
