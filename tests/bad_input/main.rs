//! Hostile input: whatever stands in files, arguments and state, the answer is a clear error that names its place, the
//! right exit code, and nothing written. Never a panic: every run is checked for one.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what fails here fails a test")]
#![expect(unsafe_code, reason = "unshare(2), and setns(2) between fork and exec")]
#![cfg_attr(test, expect(dead_code, reason = "the world is made for the tests of the command line too"))]

mod disk;
mod profiles;
mod random;
mod state;
mod trust;
#[path = "../cli/world.rs"]
mod world;
