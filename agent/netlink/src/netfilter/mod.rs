//! Netfilter (`NETLINK_NETFILTER`, include/uapi/linux/netfilter/nfnetlink.h): packet rules and connection tracking.
//!
//! | module | what it is |
//! |---|---|
//! | [`nftables`] | tables, chains, rules and sets |
//! | [`conntrack`] | how full the table of tracked connections is, and what was lost |
//!
//! Numbers are in network byte order here, unlike those of rtnetlink. Whoever asks anything of this part of the kernel, be it only
//! to read, needs `CAP_NET_ADMIN` (net/netfilter/nfnetlink.c `nfnetlink_rcv`).

pub mod conntrack;
mod header;
pub mod nftables;
