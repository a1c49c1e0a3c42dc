//! The rules of each kind of address: canonical form, comparison, effects, order.

pub mod sysctl;
