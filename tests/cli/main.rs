//! The command line end to end: the real binary against the real kernel, in network namespaces of its own. What
//! sysctl(8) reads is the truth that every plan must match.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what fails here fails a test")]
#![expect(unsafe_code, reason = "unshare(2), and setns(2) between fork and exec")]

mod apply;
mod boot;
mod conntrack;
mod control;
mod effects;
mod errors;
mod explain;
mod findings;
mod import;
mod lease;
mod links;
mod metrics;
mod mounts;
mod netns;
mod output;
mod plan;
mod privilege;
mod promises;
mod qdisc;
mod revert;
mod rules;
mod saved;
mod status;
mod trial;
mod waits;
mod watch;
mod world;
mod writes;
