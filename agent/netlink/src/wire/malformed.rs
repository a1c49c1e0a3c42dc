//! What is wrong with bytes that should be netlink.

use thiserror::Error;

/// Bytes that are not what they should be. Places are offsets in bytes: of messages from the start of what was received,
/// of attributes from the start of their message, which is how the kernel counts too.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Too few bytes for `struct nlmsghdr`.
    #[error("byte {offset}: {left} bytes are no message header")]
    MessageHeader {
        /// Where the header should be.
        offset: usize,
        /// Bytes from there on.
        left: usize,
    },
    /// A message that says it is shorter than its header, or longer than what is there.
    #[error("byte {offset}: a message of {length} bytes, and {left} are there")]
    MessageLength {
        /// Where the message begins.
        offset: usize,
        /// Its length, as it says.
        length: usize,
        /// Bytes from there on.
        left: usize,
    },
    /// Too few bytes for the fixed header of a family.
    #[error("the header of the family has {want} bytes, and {found} are there")]
    FamilyHeader {
        /// Length of the header.
        want: usize,
        /// Length of the body.
        found: usize,
    },
    /// Too few bytes for `struct nlattr`.
    #[error("byte {offset}: {left} bytes are no attribute header")]
    AttributeHeader {
        /// Where the header should be.
        offset: usize,
        /// Bytes from there on.
        left: usize,
    },
    /// An attribute that says it is shorter than its header, or longer than what is there.
    #[error("byte {offset}: attribute {kind} of {length} bytes, and {left} are there")]
    AttributeLength {
        /// Where the attribute begins.
        offset: usize,
        /// Its type.
        kind: u16,
        /// Its length, as it says.
        length: usize,
        /// Bytes from there on.
        left: usize,
    },
    /// A payload that is no value of its type.
    #[error("byte {offset}: attribute {kind}: {found} bytes where {want} were expected")]
    Payload {
        /// Where the attribute begins.
        offset: usize,
        /// Its type.
        kind: u16,
        /// What it should be.
        want: &'static str,
        /// Length of the payload.
        found: usize,
    },
    /// Something that every message of its kind has is not there.
    #[error("no {what}")]
    Missing {
        /// What is missing, in the words of the kernel's headers.
        what: &'static str,
    },
}
