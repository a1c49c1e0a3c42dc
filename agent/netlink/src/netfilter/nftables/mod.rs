//! nftables (nft(8), include/uapi/linux/netfilter/nf_tables.h): what the kernel looks at in packets, and what becomes of them.
//!
//! | module | what it is |
//! |---|---|
//! | [`table`], [`chain`], [`rule`], [`set`] | each shown, made and deleted |
//! | [`interval`] | the ranges that sets of prefixes hold |
//! | [`commit`] | requests carried out all at once or not at all |
//! | [`read`] | a table with all that is in it |
//! | [`generation`] | which version of the rules there is |
//! | [`Monitor`] | news |
//!
//! A rule is a row of [`Expression`]s. What one is asked for and what the kernel shows of it are of the same type; of what is not known
//! here the bytes are kept. Whatever changes goes through [`commit`]: the kernel takes nothing but batches.

mod batch;
pub mod chain;
mod content;
mod expression;
mod family;
pub mod generation;
pub mod interval;
mod news;
mod number;
pub mod rule;
pub mod set;
pub mod table;
#[cfg(test)]
mod tests;
mod userdata;

pub use batch::commit;
pub use chain::Base;
pub use chain::Chain;
pub use content::Content;
pub use content::read;
pub use expression::Bitwise;
pub use expression::Byteorder;
pub use expression::Cmp;
pub use expression::Comparison;
pub use expression::Counter;
pub use expression::Data;
pub use expression::Direction;
pub use expression::Expression;
pub use expression::Exthdr;
pub use expression::ExthdrKind;
pub use expression::Immediate;
pub use expression::Lookup;
pub use expression::Meta;
pub use expression::MetaKey;
pub use expression::Payload;
pub use expression::PayloadBase;
pub use expression::Range;
pub use expression::Register;
pub use expression::Rt;
pub use expression::RtKey;
pub use expression::Verdict;
pub use family::Family;
pub use generation::Generation;
pub use news::Change;
pub use news::Heard;
pub use news::Monitor;
pub use news::News;
pub use rule::Rule;
pub use set::Element;
pub use set::Elements;
pub use set::KeyType;
pub use set::NewSet;
pub use set::Set;
pub use table::Table;
pub use userdata::LONGEST_COMMENT;
