//! The library against the kernel that runs the tests, each in a network namespace of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test code: to fail is to panic"
)]

mod conntrack;
mod ethtool;
mod generic;
mod ioctl;
mod link;
mod monitor;
mod namespace;
mod network;
mod nftables;
mod oracle;
mod socket;
mod tc;
