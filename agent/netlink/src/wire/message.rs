//! Messages: the walk over what one recvmsg(2) brought.

use std::iter::FusedIterator;

use super::ALIGNMENT;
use super::Attributes;
use super::Malformed;
use super::array;

/// `struct nlmsghdr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Length of the message in bytes, this header included.
    pub length: u32,
    /// `nlmsg_type`: what the message is.
    pub kind: u16,
    /// `nlmsg_flags`: bits of [`Header`]'s constants; above the first byte they depend on the kind.
    pub flags: u16,
    /// `nlmsg_seq`: ties an answer to its request.
    pub sequence: u32,
    /// `nlmsg_pid`: the port of the socket that asked. Of a notification of rtnetlink or nfnetlink: of the socket whose
    /// request caused it, or 0 if none did or the kernel does not say. It says for addresses, queueing
    /// disciplines and nftables; not for changes to a link, and not for generic netlink.
    pub port: u32,
}

impl Header {
    /// Length of the header in bytes.
    pub const LENGTH: usize = 16;
    /// `NLM_F_REQUEST`
    pub const REQUEST: u16 = 0x1;
    /// `NLM_F_ACK`: in a request, wants an acknowledgement.
    pub const ACK: u16 = 0x4;
    /// `NLM_F_ECHO`: in a request, wants the notification that it causes as a reply.
    pub const ECHO: u16 = 0x8;
    /// `NLM_F_DUMP_INTR`: in a reply, what is being dumped changed meanwhile.
    pub const DUMP_INTERRUPTED: u16 = 0x10;
    /// `NLM_F_DUMP`: in a request, wants all there are.
    pub const DUMP: u16 = 0x300;
    /// `NLM_F_REPLACE`: in a request that makes something, replace what is there.
    pub const REPLACE: u16 = 0x100;
    /// `NLM_F_EXCL`: in a request that makes something, fail if it is there.
    pub const EXCLUSIVE: u16 = 0x200;
    /// `NLM_F_CREATE`: in a request, make it if it is not there.
    pub const CREATE: u16 = 0x400;
    /// `NLM_F_APPEND`: in a request that makes something, put it behind the others.
    pub const APPEND: u16 = 0x800;
    /// `NLM_F_CAPPED`: in an acknowledgement, the request's body is left out.
    pub const CAPPED: u16 = 0x100;
    /// `NLM_F_ACK_TLVS`: in an acknowledgement or at the end of a dump, attributes follow.
    pub const ACK_ATTRIBUTES: u16 = 0x200;

    /// `NLMSG_NOOP`
    pub(crate) const NOOP: u16 = 1;
    /// `NLMSG_ERROR`: an acknowledgement, good or bad.
    pub(crate) const ERROR: u16 = 2;
    /// `NLMSG_DONE`: the end of a dump.
    pub(crate) const DONE: u16 = 3;

    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        Some(Header {
            length: u32::from_ne_bytes(array(bytes, 0)?),
            kind: u16::from_ne_bytes(array(bytes, 4)?),
            flags: u16::from_ne_bytes(array(bytes, 6)?),
            sequence: u32::from_ne_bytes(array(bytes, 8)?),
            port: u32::from_ne_bytes(array(bytes, 12)?),
        })
    }

    /// The header as it travels.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Header::LENGTH] {
        let mut bytes = [0; Header::LENGTH];
        let fields = (self.length.to_ne_bytes().into_iter())
            .chain(self.kind.to_ne_bytes())
            .chain(self.flags.to_ne_bytes())
            .chain(self.sequence.to_ne_bytes())
            .chain(self.port.to_ne_bytes());
        for (slot, byte) in bytes.iter_mut().zip(fields) {
            *slot = byte;
        }
        bytes
    }
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// All after the header.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The fixed header of the family, as many bytes as it has, and the attributes after it.
    ///
    /// # Errors
    /// [`Malformed::FamilyHeader`] if the body is shorter than that.
    pub fn split<const N: usize>(&self) -> Result<(&'a [u8; N], Attributes<'a>), Malformed> {
        let short = Malformed::FamilyHeader { want: N, found: self.body.len() };
        let (fixed, _) = self.body.split_first_chunk::<N>().ok_or(short)?;
        let start = N.next_multiple_of(ALIGNMENT);
        let rest = self.body.get(start..).unwrap_or_default();
        Ok((fixed, Attributes::at(rest, Header::LENGTH.saturating_add(start))))
    }
}

/// The messages in a run of bytes. Ends at the first that is malformed, with its error.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Messages<'a> {
    /// Walks what one recvmsg(2) brought.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Messages<'a> {
        Messages { rest: bytes, offset: 0 }
    }

    fn take(&mut self) -> Result<Message<'a>, Malformed> {
        let (offset, left) = (self.offset, self.rest.len());
        let header = Header::parse(self.rest).ok_or(Malformed::MessageHeader { offset, left })?;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let wrong = Malformed::MessageLength { offset, length, left };
        let body = self.rest.get(Header::LENGTH..length).ok_or(wrong)?;
        // The last message may go without its padding.
        let step = length.next_multiple_of(ALIGNMENT).min(left);
        self.rest = self.rest.get(step..).unwrap_or_default();
        self.offset = offset.saturating_add(step);
        Ok(Message { header, body })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

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

impl FusedIterator for Messages<'_> {}
