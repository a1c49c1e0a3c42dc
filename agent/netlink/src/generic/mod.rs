//! Generic netlink (genetlink): families that the kernel numbers as it loads them, found by name.

mod family;
mod message;

pub use family::Family;
pub use family::Operation;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use family::parse;
pub use message::GenericMessage;
pub use message::body;
