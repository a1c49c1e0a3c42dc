//! Netfilter (`NETLINK_NETFILTER`, include/uapi/linux/netfilter/nfnetlink.h): packet rules.
//!
//! | module | what it is |
//! |---|---|
//! | [`nftables`] | tables, chains, rules and sets |
//!
//! Numbers are in network byte order here, unlike those of rtnetlink. Whoever asks anything of this part of the kernel, be it only
//! to read, needs `CAP_NET_ADMIN` (net/netfilter/nfnetlink.c `nfnetlink_rcv`).

mod header;
pub mod nftables;
