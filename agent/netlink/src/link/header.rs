//! `struct ifinfomsg`.

use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// What comes before the attributes of every message about a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) family: u8,
    pub(super) device_type: u16,
    /// `ifi_index`; none are negative, and 0 is no interface.
    pub(super) index: u32,
    pub(super) flags: u32,
    /// In a request: which flags to change. In news: which have changed, all ones for an interface that appears.
    pub(super) changed: u32,
}

impl Header {
    pub(super) fn split<'a>(message: &Message<'a>) -> Result<(Header, Attributes<'a>), Malformed> {
        let (fixed, attributes) = message.split::<16>()?;
        let [family, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, c0, c1, c2, c3] = *fixed;
        let header = Header {
            family,
            device_type: u16::from_ne_bytes([t0, t1]),
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            flags: u32::from_ne_bytes([f0, f1, f2, f3]),
            changed: u32::from_ne_bytes([c0, c1, c2, c3]),
        };
        Ok((header, attributes))
    }

    pub(super) fn of(index: u32) -> Header {
        Header { index, ..Header::default() }
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let Header { family, device_type, index, flags, changed } = self;
        let [t0, t1] = device_type.to_ne_bytes();
        let [i0, i1, i2, i3] = index.to_ne_bytes();
        let [f0, f1, f2, f3] = flags.to_ne_bytes();
        let [c0, c1, c2, c3] = changed.to_ne_bytes();
        [family, 0, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, c0, c1, c2, c3]
    }

    pub(super) fn writer(self) -> Writer {
        Writer::with_header(&self.to_bytes())
    }
}
