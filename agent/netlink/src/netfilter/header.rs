//! `struct nfgenmsg`, and how the kinds of messages are numbered.

use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// What comes before the attributes of every message of netfilter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// `nfgen_family`: `NFPROTO_*` (include/uapi/linux/netfilter.h); 0 for any.
    pub(super) family: u8,
    /// `res_id`: depends on the message.
    pub(super) resource: u16,
}

impl Header {
    pub(super) fn of(family: u8) -> Header {
        Header { family, resource: 0 }
    }

    pub(super) fn split<'a>(message: &Message<'a>) -> Result<(Header, Attributes<'a>), Malformed> {
        let (fixed, attributes) = message.split::<4>()?;
        let [family, _version, r0, r1] = *fixed;
        Ok((Header { family, resource: u16::from_be_bytes([r0, r1]) }, attributes))
    }

    pub(super) fn writer(self) -> Writer {
        let [r0, r1] = self.resource.to_be_bytes();
        Writer::with_header(&[self.family, 0, r0, r1])
    }
}

/// `nlmsg_type`: eight bits of subsystem, eight of command.
pub(super) const fn kind(subsystem: u8, command: u8) -> u16 {
    u16::from_be_bytes([subsystem, command])
}
