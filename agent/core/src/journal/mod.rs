//! Journal records and their replay: what makes an undo possible after any crash.
//!
//! The journal is a text file of one record a line, each line led by a check of its own bytes:
//! `CHECK {"seq":4,"record":{…}}`. [`record`] is the vocabulary, [`mod@line`] the bytes, [`mod@replay`] what they add
//! up to.
//! A last line without its newline is a torn append and dropped: whatever it was about to say had not been acted
//! upon, or is found out again by reading the kernel. Any other damage is an error with its place.

pub mod follow;
pub mod line;
mod read;
pub mod record;
pub mod replay;

pub use follow::Followed;
pub use line::JournalError;
pub use line::encode;
pub use line::opened_elsewhere;
pub use line::parse;
pub use record::Begin;
pub use record::Caller;
pub use record::Entry;
pub use record::Held;
pub use record::Outcome;
pub use record::Record;
pub use record::Role;
pub use replay::History;
pub use replay::Transaction;
pub use replay::compact;
pub use replay::replay;
