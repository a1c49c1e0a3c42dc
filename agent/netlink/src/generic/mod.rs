//! Generic netlink (genetlink): families that the kernel numbers as it loads them, found by name.

mod family;
mod message;

pub use family::Family;
pub use family::Operation;
pub use message::GenericMessage;
pub use message::body;
