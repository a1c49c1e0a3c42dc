//! kill -9 at every point of every command that writes, with the real binary and the real kernel, in network namespaces
//! of their own: whatever comes next brings the host back, or puts the set in force with the right originals.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what fails here fails a test")]
#![expect(unsafe_code, reason = "unshare(2), and setns(2) between fork and exec")]

mod bench;
mod cuts;
mod kills;
mod links;
mod rules;
mod signals;
mod tc;
mod timers;
#[path = "../cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use all of it")]
mod world;
