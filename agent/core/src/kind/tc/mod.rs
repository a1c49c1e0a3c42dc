//! The rules of traffic control: the root queueing discipline of an interface with all that is below it, one address.
//!
//! A value is a tree ([`crate::tree`]): its word is the kind of the discipline, its scalars are the options under the names of
//! tc(8) and the `handle`, its children are classes, each with what is attached to it. What the kernel attached by itself
//! has no handle: all such are one and the same, whatever their kind, for the kernel brings them back by itself when ours
//! goes. What a profile does not name is left open.
//!
//! What trimtab attaches bears one of two reserved handles ([`handle::OURS`]). What bears another was attached by somebody
//! else, and is a conflict unless the profile says `take = true`.

mod decide;
pub mod filters;
pub mod handle;
pub mod qdiscs;
mod rules;
mod same;
pub mod scalar;
#[cfg(test)]
mod tests;

pub use decide::TAKE;
pub use decide::U32;
pub use rules::TcRules;
pub use same::can_become;
pub use same::is_in_place;
