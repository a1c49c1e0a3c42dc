//! A rule as expressions, in the order in which nft(8) would put them, and so that it shows them as it would its own.

use std::net::IpAddr;

use trimtab_core::kind::nft::Action;
use trimtab_core::kind::nft::Mss;
use trimtab_core::kind::nft::Rule;
use trimtab_core::kind::nft::Side;
use trimtab_core::prefix::Prefix;
use trimtab_core::prefix::Version;
use trimtab_core::value::Ports;
use trimtab_netlink::netfilter::nftables::Bitwise;
use trimtab_netlink::netfilter::nftables::Byteorder;
use trimtab_netlink::netfilter::nftables::Cmp;
use trimtab_netlink::netfilter::nftables::Data;
use trimtab_netlink::netfilter::nftables::Direction;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Exthdr;
use trimtab_netlink::netfilter::nftables::Immediate;
use trimtab_netlink::netfilter::nftables::KeyType;
use trimtab_netlink::netfilter::nftables::Lookup;
use trimtab_netlink::netfilter::nftables::Meta;
use trimtab_netlink::netfilter::nftables::MetaKey;
use trimtab_netlink::netfilter::nftables::NewSet;
use trimtab_netlink::netfilter::nftables::Payload;
use trimtab_netlink::netfilter::nftables::PayloadBase;
use trimtab_netlink::netfilter::nftables::Range;
use trimtab_netlink::netfilter::nftables::Register;
use trimtab_netlink::netfilter::nftables::Rt;
use trimtab_netlink::netfilter::nftables::RtKey;

/// `IPPROTO_TCP`
pub(super) const TCP: u8 = 6;
/// `IFNAMSIZ`
pub(super) const NAME: usize = 16;
/// SYN and RST, of the flags of TCP; what opens a connection and what answers that has the first and not the second.
pub(super) const SYN_AND_RST: u8 = 6;
pub(super) const SYN: u8 = 2;
/// Where everything goes: one value is looked at at a time.
pub(super) const AT: Register = Register::FIRST;

/// A rule as it is sent.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    /// The sets that it looks things up in.
    pub(super) sets: Vec<NewSet>,
    /// What it does.
    pub(super) expressions: Vec<Expression>,
}

/// Where the ports are in the headers of TCP and its like.
pub(super) const SOURCE_PORT: Payload = Payload { base: PayloadBase::Transport, offset: 0, length: 2, into: AT };
pub(super) const PORT: Payload = Payload { base: PayloadBase::Transport, offset: 2, length: 2, into: AT };
/// Where the flags of TCP are.
pub(super) const TCP_FLAGS: Payload = Payload { base: PayloadBase::Transport, offset: 13, length: 1, into: AT };

/// Where the address is that packets come from, or go to.
pub(super) fn address(version: Version, to: bool) -> Payload {
    let (offset, length) = match (version, to) {
        (Version::V4, false) => (12, 4),
        (Version::V4, true) => (16, 4),
        (Version::V6, false) => (8, 16),
        (Version::V6, true) => (24, 16),
    };
    Payload { base: PayloadBase::Network, offset, length, into: AT }
}

/// `NFPROTO_IPV4`, `NFPROTO_IPV6`
pub(super) fn nfproto(version: Version) -> u8 {
    match version {
        Version::V4 => 2,
        Version::V6 => 10,
    }
}

/// The rule as it is sent; its sets are numbered from `first_set` on.
pub(super) fn compile(rule: &Rule, first_set: u32) -> Compiled {
    let Rule { interface, version, from, to, protocol, source_ports, ports, action } = rule;
    let mut made = Compiled::default();
    if let Some((side, name)) = interface {
        let key = match side {
            Side::In => MetaKey::Iifname,
            Side::Out => MetaKey::Oifname,
        };
        made.meta(key, name_bytes(name));
    }
    if let Some(version) = version {
        made.meta(MetaKey::Nfproto, vec![nfproto(*version)]);
        for (prefixes, is_to) in [(from, false), (to, true)] {
            made.prefixes(prefixes, address(*version, is_to), *version, first_set);
        }
    }
    let protocol = match action {
        Action::Notrack => *protocol,
        Action::Clamp(_) => Some(TCP),
    };
    if let Some(protocol) = protocol {
        made.meta(MetaKey::L4proto, vec![protocol]);
    }
    made.ports(source_ports, SOURCE_PORT, first_set);
    made.ports(ports, PORT, first_set);
    match action {
        Action::Notrack => made.expressions.push(Expression::Notrack),
        Action::Clamp(size) => made.clamp(*size),
    }
    made
}

/// The bytes that a name is compared with: all of them with their NULs, or only those before the star.
pub(super) fn name_bytes(name: &str) -> Vec<u8> {
    match name.strip_suffix('*') {
        Some(stem) => stem.as_bytes().to_vec(),
        None => {
            let mut bytes = name.as_bytes().to_vec();
            bytes.resize(NAME, 0);
            bytes
        }
    }
}

impl Compiled {
    fn meta(&mut self, key: MetaKey, is: Vec<u8>) {
        self.expressions.push(Expression::Meta(Meta::load(key, AT)));
        self.expressions.push(Expression::Cmp(Cmp::equal(AT, is)));
    }

    fn prefixes(&mut self, prefixes: &[Prefix], at: Payload, version: Version, first_set: u32) {
        match prefixes {
            [] => {}
            [one] => {
                self.expressions.push(Expression::Payload(at));
                if one.length() < version.bits() {
                    self.expressions.push(Expression::Bitwise(Bitwise::mask(AT, mask(one.length(), version))));
                }
                self.expressions.push(Expression::Cmp(Cmp::equal(AT, octets(one.first()))));
            }
            several => {
                self.expressions.push(Expression::Payload(at));
                let key = match version {
                    Version::V4 => KeyType::IPV4_ADDRESS,
                    Version::V6 => KeyType::IPV6_ADDRESS,
                };
                let ranges = several.iter().map(|prefix| (octets(prefix.first()), octets(prefix.last()))).collect();
                self.look_up(key, ranges, first_set);
            }
        }
    }

    fn ports(&mut self, ports: &Ports, at: Payload, first_set: u32) {
        let bytes = |port: u16| port.to_be_bytes().to_vec();
        match ports.ranges() {
            [] => {}
            [(first, last)] if first == last => {
                self.expressions.push(Expression::Payload(at));
                self.expressions.push(Expression::Cmp(Cmp::equal(AT, bytes(*first))));
            }
            [(first, last)] => {
                self.expressions.push(Expression::Payload(at));
                let range = Range { register: AT, is_inverted: false, first: bytes(*first), last: bytes(*last) };
                self.expressions.push(Expression::Range(range));
            }
            several => {
                self.expressions.push(Expression::Payload(at));
                let ranges = several.iter().map(|(first, last)| (bytes(*first), bytes(*last))).collect();
                self.look_up(KeyType::PORT, ranges, first_set);
            }
        }
    }

    fn look_up(&mut self, key: KeyType, ranges: Vec<(Vec<u8>, Vec<u8>)>, first_set: u32) {
        let id = u32::try_from(self.sets.len()).unwrap_or(u32::MAX).saturating_add(first_set);
        self.sets.push(NewSet { id, key, ranges });
        self.expressions.push(Expression::Lookup(Lookup::of_batch(AT, id)));
    }

    /// The size only shrinks: so says the kernel (net/netfilter/nft_exthdr.c `nft_exthdr_tcp_set_eval`).
    fn clamp(&mut self, size: Mss) {
        self.expressions.push(Expression::Payload(TCP_FLAGS));
        self.expressions.push(Expression::Bitwise(Bitwise::mask(AT, vec![SYN_AND_RST])));
        self.expressions.push(Expression::Cmp(Cmp::equal(AT, [SYN])));
        match size {
            Mss::Path => {
                self.expressions.push(Expression::Rt(Rt { key: RtKey::Tcpmss, into: AT }));
                self.expressions.push(Expression::Byteorder(MSS_BYTEORDER));
            }
            Mss::Bytes(bytes) => {
                let data = Data::Value(bytes.to_be_bytes().to_vec());
                self.expressions.push(Expression::Immediate(Immediate { into: AT, data }));
            }
        }
        self.expressions.push(Expression::Exthdr(Exthdr::tcp_mss(Direction::Store(AT))));
    }
}

/// What `rt` gives is in the order of the host.
pub(super) const MSS_BYTEORDER: Byteorder = Byteorder { from: AT, into: AT, to_network: true, length: 2, size: 2 };

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// The mask of a prefix of this length.
pub(super) fn mask(length: u8, version: Version) -> Vec<u8> {
    let ones: IpAddr = match version {
        Version::V4 => std::net::Ipv4Addr::BROADCAST.into(),
        Version::V6 => std::net::Ipv6Addr::from_bits(u128::MAX).into(),
    };
    octets(Prefix::around(ones, length).first())
}
