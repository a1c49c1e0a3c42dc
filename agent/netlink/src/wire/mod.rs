//! Netlink as bytes: messages are walked, attributes are read and written, and no bytes whatever make it panic.
//!
//! The form is that of include/uapi/linux/netlink.h: a message is a [`Header`] and a body; a body is a fixed header of its
//! family, if it has one, and attributes; an attribute is a length, a type and a payload, each padded to 4 bytes.
//! Numbers are in the byte order of the host unless a family says otherwise.

mod attribute;
mod malformed;
mod message;
#[cfg(test)]
mod tests;
mod writer;

pub use attribute::Attribute;
pub use attribute::Attributes;
pub use malformed::Malformed;
pub use message::Header;
pub use message::Message;
pub use message::Messages;
pub(crate) use writer::NESTED;
pub use writer::Oversize;
pub use writer::Writer;

/// Where the next message or attribute begins: `NLMSG_ALIGN` and `NLA_ALIGN`.
const ALIGNMENT: usize = 4;

/// Bytes from a place on, as many as the array has.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
