//! `struct tcmsg`.

use super::Handle;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// What comes before the attributes of every message about traffic control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// `tcm_ifindex`; none are negative but that of a block, which is no interface.
    pub(super) interface: u32,
    pub(super) handle: u32,
    pub(super) parent: Handle,
    /// Of a queueing discipline, how often it is used; of a class, the handle of its leaf; of a filter, priority and protocol.
    pub(super) info: u32,
}

impl Header {
    pub(super) fn split<'a>(message: &Message<'a>) -> Result<(Header, Attributes<'a>), Malformed> {
        let (fixed, attributes) = message.split::<20>()?;
        let [_, _, _, _, i0, i1, i2, i3, h0, h1, h2, h3, p0, p1, p2, p3, n0, n1, n2, n3] = *fixed;
        let header = Header {
            interface: u32::from_ne_bytes([i0, i1, i2, i3]),
            handle: u32::from_ne_bytes([h0, h1, h2, h3]),
            parent: Handle(u32::from_ne_bytes([p0, p1, p2, p3])),
            info: u32::from_ne_bytes([n0, n1, n2, n3]),
        };
        Ok((header, attributes))
    }

    pub(super) fn writer(self) -> Writer {
        let Header { interface, handle, parent, info } = self;
        let mut bytes = [0; 20];
        let fields = [0, interface, handle, parent.0, info].into_iter().flat_map(u32::to_ne_bytes);
        for (slot, byte) in bytes.iter_mut().zip(fields) {
            *slot = byte;
        }
        Writer::with_header(&bytes)
    }
}
