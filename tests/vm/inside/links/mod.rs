//! Settings of links on real drivers.

mod bench;
mod channels;
mod coming;
mod features;
mod moderation;
mod oracle;
mod others;
