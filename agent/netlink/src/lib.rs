//! trimtab-netlink: speaks netlink(7) to the Linux kernel, and holds no opinion on what it should be told.
//!
//! # Layers
//!
//! | module | what it is |
//! |---|---|
//! | [`wire`] | messages and attributes as bytes: read without ever panicking, written with padding |
//! | [`socket`] | a [`RequestSocket`](socket::RequestSocket) for questions and settings, an [`EventSocket`](socket::EventSocket) for news |
//! | [`generic`] | generic netlink: families and multicast groups by name |
//! | [`ethtool`] | settings of network devices, typed, and news of them |
//! | [`link`] | network interfaces: their settings, limits and place among others |
//! | [`address`] | IP addresses of interfaces |
//! | [`route`] | default routes |
//! | [`netconf`] | `net.ipv4.conf` and `net.ipv6.conf`, as far as netlink tells of them |
//! | [`tc`] | traffic control: queueing disciplines, classes, filters and actions |
//! | [`netfilter`] | packet rules: nftables; connection tracking: how full its table is, and what was lost |
//! | [`monitor`] | news of all but netfilter, which has its own |
//! | [`error`] | one error type, with the kernel's own words in it |
//!
//! The sockets are those of `neli`; what travels through them is read and written here.
//!
//! # Namespaces
//!
//! A socket belongs for good to the network namespace of the thread that opened it, wherever that thread, or the socket,
//! goes afterwards (net/netlink/af_netlink.c `netlink_create` takes `current->nsproxy->net_ns`). To speak to another
//! namespace, enter it with setns(2) on a thread, open the sockets there, and use them from anywhere.
//!
//! # Waiting
//!
//! Requests never wait: the kernel works on a request while it is being sent, so its answer is there when the call
//! returns. News can be waited for with [`EventSocket::wait`](socket::EventSocket::wait), or by any event loop: an event
//! socket is non-blocking and has `AsFd` and `AsRawFd`, which is what tokio's `AsyncFd` wants.
#![deny(unsafe_code)]

pub mod address;
mod became;
#[cfg(any(test, feature = "decoders"))]
pub mod decoders;
pub mod error;
pub mod ethtool;
pub mod generic;
mod ip;
pub mod link;
pub mod monitor;
pub mod netconf;
pub mod netfilter;
pub mod route;
pub mod socket;
mod sys;
pub mod tc;
#[cfg(test)]
mod testing;
mod text;
pub mod wire;

pub use became::Became;
pub use error::Error;
pub use error::Refusal;
pub use ip::IpFamily;
