//! What rules are made of. Each loads something into a register, compares one, or does something.

mod counter;
mod data;
mod exthdr;
mod found;
mod list;
mod load;
mod lookup;
mod matches;
mod register;
mod transform;

pub use counter::Counter;
pub use data::Data;
pub use data::Verdict;
pub use exthdr::Exthdr;
pub use exthdr::ExthdrKind;
pub use list::Expression;
pub(super) use list::read_all;
pub(super) use list::write_all;
pub use load::Immediate;
pub use load::Meta;
pub use load::MetaKey;
pub use load::Payload;
pub use load::PayloadBase;
pub use load::Rt;
pub use load::RtKey;
pub use lookup::Lookup;
pub use matches::Cmp;
pub use matches::Comparison;
pub use matches::Range;
pub use register::Direction;
pub use register::Register;
pub use transform::Bitwise;
pub use transform::Byteorder;
