//! Attributes, read.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::ALIGNMENT;
use super::Malformed;
use super::array;

/// `struct nlattr`: length and type.
pub(super) const HEADER: usize = 4;
/// The bits of the type that are the type: without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
pub(super) const KIND_MASK: u16 = 0x3fff;

/// One attribute. What its payload means is for the reader to know; each getter checks the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, without flags.
    pub kind: u16,
    /// Its payload, without padding.
    pub payload: &'a [u8],
    /// Where it begins, from the start of the message.
    pub offset: usize,
}

impl<'a> Attribute<'a> {
    fn wrong(&self, want: &'static str) -> Malformed {
        Malformed::Payload { offset: self.offset, kind: self.kind, want, found: self.payload.len() }
    }

    fn exactly<const N: usize>(&self, want: &'static str) -> Result<[u8; N], Malformed> {
        <[u8; N]>::try_from(self.payload).map_err(|_| self.wrong(want))
    }

    /// `NLA_U8`
    ///
    /// # Errors
    /// If the payload has not one byte.
    pub fn u8(&self) -> Result<u8, Malformed> {
        self.exactly("1").map(u8::from_ne_bytes)
    }

    /// `NLA_U16`
    ///
    /// # Errors
    /// If the payload has not 2 bytes.
    pub fn u16(&self) -> Result<u16, Malformed> {
        self.exactly("2").map(u16::from_ne_bytes)
    }

    /// `NLA_U32`
    ///
    /// # Errors
    /// If the payload has not 4 bytes.
    pub fn u32(&self) -> Result<u32, Malformed> {
        self.exactly("4").map(u32::from_ne_bytes)
    }

    /// `NLA_S32`
    ///
    /// # Errors
    /// If the payload has not 4 bytes.
    pub fn i32(&self) -> Result<i32, Malformed> {
        self.exactly("4").map(i32::from_ne_bytes)
    }

    /// `NLA_U64`
    ///
    /// # Errors
    /// If the payload has not 8 bytes.
    pub fn u64(&self) -> Result<u64, Malformed> {
        self.exactly("8").map(u64::from_ne_bytes)
    }

    /// `NLA_BE16`, or a `NLA_U16` of netfilter, whose numbers are in network byte order.
    ///
    /// # Errors
    /// If the payload has not 2 bytes.
    pub fn be16(&self) -> Result<u16, Malformed> {
        self.exactly("2").map(u16::from_be_bytes)
    }

    /// `NLA_BE32`, or a `NLA_U32` of netfilter, whose numbers are in network byte order.
    ///
    /// # Errors
    /// If the payload has not 4 bytes.
    pub fn be32(&self) -> Result<u32, Malformed> {
        self.exactly("4").map(u32::from_be_bytes)
    }

    /// `NLA_BE64`, or a `NLA_U64` of netfilter, whose numbers are in network byte order.
    ///
    /// # Errors
    /// If the payload has not 8 bytes.
    pub fn be64(&self) -> Result<u64, Malformed> {
        self.exactly("8").map(u64::from_be_bytes)
    }

    /// A boolean in a byte, as ethtool has them: any number but 0 is true (Documentation/networking/ethtool-netlink.rst).
    ///
    /// # Errors
    /// If the payload has not one byte.
    pub fn bool(&self) -> Result<bool, Malformed> {
        Ok(self.u8()? != 0)
    }

    /// `NLA_FLAG`: that it is there is what it says.
    ///
    /// # Errors
    /// If there is a payload.
    pub fn flag(&self) -> Result<bool, Malformed> {
        self.exactly::<0>("0").map(|_| true)
    }

    /// Numbers of 32 bits in a row.
    ///
    /// # Errors
    /// If the length is no multiple of 4.
    pub fn u32s(&self) -> Result<Vec<u32>, Malformed> {
        let (words, rest) = self.payload.as_chunks::<4>();
        if rest.is_empty() {
            Ok(words.iter().map(|word| u32::from_ne_bytes(*word)).collect())
        } else {
            Err(self.wrong("a multiple of 4"))
        }
    }

    /// Text up to its first NUL, or all of the payload if there is none.
    fn until_nul(&self) -> &'a [u8] {
        let end = self.payload.iter().position(|byte| *byte == 0).unwrap_or(self.payload.len());
        self.payload.get(..end).unwrap_or_default()
    }

    /// `NLA_NUL_STRING`: text up to its NUL.
    ///
    /// # Errors
    /// If it is not UTF-8, which no text of the kernel's own is.
    pub fn text(&self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.until_nul()).map_err(|_| self.wrong("UTF-8"))
    }

    /// Text up to its NUL that somebody else may have chosen: the name of an interface may hold any byte but a few
    /// (net/core/dev.c `dev_valid_name`). What is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text_lossy(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.until_nul())
    }

    /// `NLA_NESTED`: the attributes inside.
    #[must_use]
    pub fn nested(&self) -> Attributes<'a> {
        Attributes::at(self.payload, self.offset.saturating_add(HEADER))
    }
}

/// The attributes in a run of bytes. Ends at the first that is malformed, with its error.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Attributes<'a> {
    /// Attributes that begin at an offset of their message.
    #[must_use]
    pub fn at(bytes: &'a [u8], offset: usize) -> Attributes<'a> {
        Attributes { rest: bytes, offset }
    }

    /// The first attribute of a type.
    ///
    /// # Errors
    /// If something before it is malformed.
    pub fn find_kind(mut self, kind: u16) -> Result<Option<Attribute<'a>>, Malformed> {
        self.find_map(|one| one.map(|one| (one.kind == kind).then_some(one)).transpose()).transpose()
    }

    fn take(&mut self) -> Result<Attribute<'a>, Malformed> {
        let (offset, left) = (self.offset, self.rest.len());
        let short = Malformed::AttributeHeader { offset, left };
        let (length, kind) = array(self.rest, 0).zip(array(self.rest, 2)).ok_or(short)?;
        let length = usize::from(u16::from_ne_bytes(length));
        let kind = u16::from_ne_bytes(kind) & KIND_MASK;
        let wrong = Malformed::AttributeLength { offset, kind, length, left };
        let payload = self.rest.get(HEADER..length).ok_or(wrong)?;
        // The last attribute may go without its padding.
        let step = length.next_multiple_of(ALIGNMENT).min(left);
        self.rest = self.rest.get(step..).unwrap_or_default();
        self.offset = offset.saturating_add(step);
        Ok(Attribute { kind, payload, offset })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let taken = self.take();
        if taken.is_err() {
            self.rest = &[];
        }
        Some(taken)
    }
}

impl FusedIterator for Attributes<'_> {}
