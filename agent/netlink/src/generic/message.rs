//! Messages with a `struct genlmsghdr`.

use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Writer;

/// The body of a message of a generic netlink family: `struct genlmsghdr`, and attributes to come.
#[must_use]
pub fn body(command: u8, version: u8) -> Writer {
    Writer::with_header(&[command, version, 0, 0])
}

/// A message of a generic netlink family, taken apart.
#[derive(Debug, Clone)]
pub struct GenericMessage<'a> {
    /// `cmd`: what the message is. Families may number commands to and from the kernel differently; ethtool does.
    pub command: u8,
    /// `version` of the family's protocol.
    pub version: u8,
    /// What it says.
    pub attributes: Attributes<'a>,
}

impl<'a> GenericMessage<'a> {
    /// Takes a message apart.
    ///
    /// # Errors
    /// If it is too short.
    pub fn parse(message: &Message<'a>) -> Result<GenericMessage<'a>, Malformed> {
        let ([command, version, _, _], attributes) = message.split::<4>()?;
        Ok(GenericMessage { command: *command, version: *version, attributes })
    }
}
