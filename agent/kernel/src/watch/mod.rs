//! Watching: what tells that somebody has changed something, and who it was.
//!
//! Whatever is told here is a hint. What the kernel holds is found out by reading it.

pub mod bpf;
pub mod cgroup;
pub mod writer;
