//! The library against the kernel that runs the tests, each in a network namespace of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of it is test code: to fail is to panic")]

mod generic;
mod namespace;
mod socket;
