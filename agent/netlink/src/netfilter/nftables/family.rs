//! Which packets a table sees.

/// The family of a table: `NFPROTO_*` (include/uapi/linux/netfilter.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `NFPROTO_INET`: IPv4 and IPv6.
    Inet,
    /// `NFPROTO_IPV4`
    Ip,
    /// `NFPROTO_IPV6`
    Ip6,
    /// `NFPROTO_ARP`
    Arp,
    /// `NFPROTO_BRIDGE`
    Bridge,
    /// `NFPROTO_NETDEV`: packets as they come in or go out of an interface.
    Netdev,
    /// One that is not in this list.
    Other(u8),
}

impl Family {
    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Family::Inet => 1,
            Family::Ip => 2,
            Family::Arp => 3,
            Family::Netdev => 5,
            Family::Bridge => 7,
            Family::Ip6 => 10,
            Family::Other(number) => number,
        }
    }

    /// The family of this number.
    #[must_use]
    pub fn of(number: u8) -> Family {
        let known = [Family::Inet, Family::Ip, Family::Arp, Family::Netdev, Family::Bridge, Family::Ip6];
        known.into_iter().find(|family| family.number() == number).unwrap_or(Family::Other(number))
    }

    /// Its name, as nft(8) has it; empty of one that is not known here.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Inet => "inet",
            Family::Ip => "ip",
            Family::Arp => "arp",
            Family::Netdev => "netdev",
            Family::Bridge => "bridge",
            Family::Ip6 => "ip6",
            Family::Other(_) => "",
        }
    }
}
