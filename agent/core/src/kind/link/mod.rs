//! Links: the values of network interfaces, by netlink and sysfs.
//!
//! Numbers, switches and sets of CPUs; no value is ever a text of the kernel's, so canonical form is what was read. What
//! needs rules is the rest: a feature that is asked for and not active, a ring that the driver rounds, what a device's
//! maximum is, what is lost when the number of queues changes, where an MTU goes.

mod decide;
mod driver;
mod effects;
mod features;
mod limit;
mod mtu;
mod obstacle;
mod order;
mod queues;
mod refusal;
mod remarks;
mod rules;
mod same;
pub(super) mod topology;

pub use features::lro_of;
pub use limit::limit;
pub use rules::LinkRules;

#[cfg(test)]
mod tests;
