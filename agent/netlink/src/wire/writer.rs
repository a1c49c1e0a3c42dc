//! Attributes, written.

use thiserror::Error;

use super::ALIGNMENT;
use super::attribute::HEADER;

/// `NLA_F_NESTED`
pub(crate) const NESTED: u16 = 0x8000;

/// An attribute does not fit: its length is a number of 16 bits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("attribute {kind} would have {length} bytes, and 65535 is the most")]
pub struct Oversize {
    /// Its type.
    pub kind: u16,
    /// Its length, header included.
    pub length: usize,
}

/// Writes the body of a message: a fixed header of its family, if it has one, and attributes, each padded to 4 bytes.
///
/// ```
/// let mut body = trimtab_netlink::wire::Writer::new();
/// body.u32(1, 7).nest(2, |inside| {
///     inside.text(1, "eth0").flag(2);
/// });
/// let bytes = body.finish()?;
/// assert_eq!(bytes.len(), 8 + 4 + 12 + 4);
/// # Ok::<(), trimtab_netlink::wire::Oversize>(())
/// ```
///
/// An attribute that is too long is told once, by [`Writer::finish`].
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    oversize: Option<Oversize>,
}

impl Writer {
    /// An empty body.
    #[must_use]
    pub fn new() -> Writer {
        Writer::default()
    }

    /// A body that begins with the fixed header of its family.
    #[must_use]
    pub fn with_header(header: &[u8]) -> Writer {
        let mut writer = Writer { bytes: header.to_vec(), oversize: None };
        writer.pad();
        writer
    }

    /// An attribute with this payload. Its type may carry flags, `NLA_F_NET_BYTEORDER` say.
    pub fn attribute(&mut self, kind: u16, payload: &[u8]) -> &mut Writer {
        let start = self.open(kind);
        self.bytes.extend_from_slice(payload);
        self.close(start, kind)
    }

    /// `NLA_U8`
    pub fn u8(&mut self, kind: u16, value: u8) -> &mut Writer {
        self.attribute(kind, &[value])
    }

    /// `NLA_U16`
    pub fn u16(&mut self, kind: u16, value: u16) -> &mut Writer {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// `NLA_U32`
    pub fn u32(&mut self, kind: u16, value: u32) -> &mut Writer {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// `NLA_U64`
    pub fn u64(&mut self, kind: u16, value: u64) -> &mut Writer {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// `NLA_BE16`: in network byte order.
    pub fn be16(&mut self, kind: u16, value: u16) -> &mut Writer {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// `NLA_BE32`: in network byte order.
    pub fn be32(&mut self, kind: u16, value: u32) -> &mut Writer {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// `NLA_BE64`: in network byte order.
    pub fn be64(&mut self, kind: u16, value: u64) -> &mut Writer {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// A boolean in a byte, as ethtool has them.
    pub fn bool(&mut self, kind: u16, value: bool) -> &mut Writer {
        self.u8(kind, value.into())
    }

    /// `NLA_NUL_STRING`
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Writer {
        let start = self.open(kind);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        self.close(start, kind)
    }

    /// `NLA_FLAG`
    pub fn flag(&mut self, kind: u16) -> &mut Writer {
        self.attribute(kind, &[])
    }

    /// `NLA_NESTED`, with whatever `inside` writes.
    pub fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Writer)) -> &mut Writer {
        let start = self.open(kind | NESTED);
        inside(self);
        self.close(start, kind)
    }

    /// Bytes that are no attribute: a struct at the beginning of a nest, padded as an attribute is.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Writer {
        self.bytes.extend_from_slice(bytes);
        self.pad();
        self
    }

    /// The bytes.
    ///
    /// # Errors
    /// The first attribute that was too long.
    pub fn finish(self) -> Result<Vec<u8>, Oversize> {
        match self.oversize {
            None => Ok(self.bytes),
            Some(oversize) => Err(oversize),
        }
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn close(&mut self, start: usize, kind: u16) -> &mut Writer {
        let length = self.bytes.len().saturating_sub(start);
        match (u16::try_from(length), self.bytes.get_mut(start..)) {
            (Ok(short), Some(attribute)) => {
                for (slot, byte) in attribute.iter_mut().zip(short.to_ne_bytes()) {
                    *slot = byte;
                }
            }
            (Ok(_) | Err(_), Some(_) | None) => {
                self.oversize.get_or_insert(Oversize { kind, length });
                // Nothing of it is sent, and whatever holds it need not be too long as well.
                self.bytes.truncate(start.saturating_add(HEADER));
            }
        }
        self.pad();
        self
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}
