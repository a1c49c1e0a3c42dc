//! The rules of sysctls: canonical form, policies, and what may stand in a profile.

pub mod canonical;
pub mod check;
pub mod decide;
pub mod number;
pub mod stored;

pub mod combine;
pub mod effects;
pub mod memory;
pub mod next_boot;
pub mod obstacle;
pub mod order;
pub mod rules;

pub use canonical::encode;
pub use canonical::observe;
pub use canonical::parse_wanted;
pub use check::Problem;
pub use check::check;
pub use check::check_for_kernel;
pub use decide::Availability;
pub use decide::DecideContext;
pub use decide::Decision;
pub use decide::availability_key;
pub use decide::decide;
pub use rules::SysctlRules;
pub use stored::equivalent;
pub use stored::stored;

#[cfg(test)]
mod laws;
