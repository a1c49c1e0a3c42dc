//! Settings of links on real drivers.

mod bench;
mod channels;
mod coming;
mod features;
mod library;
mod moderation;
mod oracle;
mod others;
mod rings;
mod stacked;

pub use bench::Bench;
pub use bench::sysfs;
