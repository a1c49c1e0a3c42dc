//! Rules for packets, in trimtab's own nftables table: which connections are not tracked, and how large segments of TCP may be.
//!
//! A value is the table as far as it is about one key: its chains and, in their order, their rules, each of which is one rule of the
//! kernel. What is wanted is such a tree too, so what the plan shows is what the kernel is told, and what is read back is compared with
//! just that.

mod rule;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub use rule::Action;
pub use rule::Mss;
pub use rule::Rule;
pub use rule::Side;
pub use rule::has_ports;
pub use rule::protocol_names;
pub use rule::protocol_number;
pub use rules::NftRules;
pub use table::Chain;
pub use table::Hook;
pub use table::chains_of;
pub use table::foreign;
pub use table::head;
pub use table::is_foreign;
pub use table::none;
pub use table::of_nodes;
pub use table::parse;
pub use table::shown;
