//! What loads a value: `meta`, `payload`, `rt`, `immediate`.

use super::Data;
use super::Direction;
use super::Register;
use super::found::Found;
use crate::wire::Malformed;
use crate::wire::Writer;

/// A list of names for numbers of 32 bits, others kept.
macro_rules! keys {
    ($(#[$attribute:meta])* $name:ident { $($(#[$documentation:meta])* $variant:ident = $number:literal),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$documentation])* $variant,)*
            /// A number that is not in this list.
            Other(u32),
        }

        impl $name {
            fn of(number: u32) -> $name {
                match number {
                    $($number => $name::$variant,)*
                    other => $name::Other(other),
                }
            }

            fn number(self) -> u32 {
                match self {
                    $($name::$variant => $number,)*
                    $name::Other(number) => number,
                }
            }
        }
    };
}

keys! {
    /// `NFT_META_*`
    MetaKey {
        /// The mark.
        Mark = 3,
        /// Index of the interface that it came in by.
        Iif = 4,
        /// Index of the interface that it goes out of.
        Oif = 5,
        /// Name of the interface that it came in by, 16 bytes.
        Iifname = 6,
        /// Name of the interface that it goes out of, 16 bytes.
        Oifname = 7,
        /// The version of IP: `NFPROTO_IPV4` (2) or `NFPROTO_IPV6` (10), one byte.
        Nfproto = 15,
        /// The protocol inside IP: `IPPROTO_*`, one byte; extension headers of IPv6 are passed over.
        L4proto = 16,
    }
}

/// `meta`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What.
    pub key: MetaKey,
    /// Where it goes or comes from.
    pub direction: Direction,
}

impl Meta {
    const DREG: u16 = 1;
    const KEY: u16 = 2;
    const SREG: u16 = 3;

    /// Loads this.
    #[must_use]
    pub fn load(key: MetaKey, into: Register) -> Meta {
        Meta { key, direction: Direction::Load(into) }
    }

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Meta>, Malformed> {
        let key = MetaKey::of(found.be32(Meta::KEY, "NFTA_META_KEY")?);
        let direction = match found.register_if(Meta::SREG)? {
            Some(register) => Direction::Store(register),
            None => Direction::Load(found.register(Meta::DREG, "NFTA_META_DREG")?),
        };
        Ok(Some(Meta { key, direction }))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        writer.be32(Meta::KEY, self.key.number());
        match self.direction {
            Direction::Load(register) => register.write(Meta::DREG, writer),
            Direction::Store(register) => register.write(Meta::SREG, writer),
        }
    }
}

keys! {
    /// `NFT_PAYLOAD_*`
    PayloadBase {
        /// The header of Ethernet, say.
        LinkLayer = 0,
        /// The header of IP.
        Network = 1,
        /// The header of TCP or UDP, say.
        Transport = 2,
    }
}

/// `payload`: loads bytes of the packet. The rule ends if the packet has none there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// From where on they are counted.
    pub base: PayloadBase,
    /// The first.
    pub offset: u32,
    /// How many.
    pub length: u32,
    /// Where they go.
    pub into: Register,
}

impl Payload {
    const DREG: u16 = 1;
    const BASE: u16 = 2;
    const OFFSET: u16 = 3;
    const LENGTH: u16 = 4;

    /// None of what writes into the packet, which is not known here.
    pub(super) fn read(found: &Found<'_>) -> Result<Option<Payload>, Malformed> {
        let Some(into) = found.register_if(Payload::DREG)? else { return Ok(None) };
        Ok(Some(Payload {
            base: PayloadBase::of(found.be32(Payload::BASE, "NFTA_PAYLOAD_BASE")?),
            offset: found.be32(Payload::OFFSET, "NFTA_PAYLOAD_OFFSET")?,
            length: found.be32(Payload::LENGTH, "NFTA_PAYLOAD_LEN")?,
            into,
        }))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        let Payload { base, offset, length, into } = self;
        into.write(Payload::DREG, writer);
        writer.be32(Payload::BASE, base.number()).be32(Payload::OFFSET, offset).be32(Payload::LENGTH, length);
    }
}

keys! {
    /// `NFT_RT_*`
    RtKey {
        /// The realm of the route.
        Classid = 0,
        /// The next hop of IPv4.
        Nexthop4 = 1,
        /// The next hop of IPv6.
        Nexthop6 = 2,
        /// The largest segment of TCP that fits the path both ways, in two bytes of the host's order
        /// (net/netfilter/nft_rt.c `get_tcpmss`).
        Tcpmss = 3,
    }
}

/// `rt`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rt {
    /// What.
    pub key: RtKey,
    /// Where it goes.
    pub into: Register,
}

impl Rt {
    const DREG: u16 = 1;
    const KEY: u16 = 2;

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Rt>, Malformed> {
        let key = RtKey::of(found.be32(Rt::KEY, "NFTA_RT_KEY")?);
        Ok(Some(Rt { key, into: found.register(Rt::DREG, "NFTA_RT_DREG")? }))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        self.into.write(Rt::DREG, writer);
        writer.be32(Rt::KEY, self.key.number());
    }
}

/// `immediate`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Immediate {
    /// Where it goes.
    pub into: Register,
    /// What.
    pub data: Data,
}

impl Immediate {
    const DREG: u16 = 1;
    const DATA: u16 = 2;

    pub(super) fn read(found: &Found<'_>) -> Result<Option<Immediate>, Malformed> {
        let data = Data::read(found.must(Immediate::DATA, "NFTA_IMMEDIATE_DATA")?)?;
        Ok(Some(Immediate { into: found.register(Immediate::DREG, "NFTA_IMMEDIATE_DREG")?, data }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        self.into.write(Immediate::DREG, writer);
        self.data.write(Immediate::DATA, writer);
    }
}
