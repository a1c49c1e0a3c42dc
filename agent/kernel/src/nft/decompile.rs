//! Expressions as a rule, if they are as trimtab would put them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use trimtab_core::kind::nft::Action;
use trimtab_core::kind::nft::Mss;
use trimtab_core::kind::nft::Rule;
use trimtab_core::kind::nft::Side;
use trimtab_core::prefix;
use trimtab_core::prefix::Prefix;
use trimtab_core::prefix::Version;
use trimtab_core::value::Ports;
use trimtab_netlink::netfilter::nftables::Bitwise;
use trimtab_netlink::netfilter::nftables::Cmp;
use trimtab_netlink::netfilter::nftables::Comparison;
use trimtab_netlink::netfilter::nftables::Data;
use trimtab_netlink::netfilter::nftables::Direction;
use trimtab_netlink::netfilter::nftables::Element;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Exthdr;
use trimtab_netlink::netfilter::nftables::Immediate;
use trimtab_netlink::netfilter::nftables::Meta;
use trimtab_netlink::netfilter::nftables::MetaKey;
use trimtab_netlink::netfilter::nftables::Payload;
use trimtab_netlink::netfilter::nftables::Range;
use trimtab_netlink::netfilter::nftables::Rt;
use trimtab_netlink::netfilter::nftables::RtKey;
use trimtab_netlink::netfilter::nftables::Set;
use trimtab_netlink::netfilter::nftables::interval;
use trimtab_netlink::netfilter::nftables::set::flags;

use super::compile::AT;
use super::compile::MSS_BYTEORDER;
use super::compile::NAME;
use super::compile::PORT;
use super::compile::SOURCE_PORT;
use super::compile::SYN;
use super::compile::SYN_AND_RST;
use super::compile::TCP;
use super::compile::TCP_FLAGS;
use super::compile::address;
use super::compile::mask;
use super::compile::nfproto;

/// The sets of a table and what they hold.
pub(super) type Sets = BTreeMap<String, (Set, Vec<Element>)>;

/// The rule; none if it is not one that trimtab makes.
pub(super) fn decompile(expressions: &[Expression], sets: &Sets) -> Option<Rule> {
    let mut rest = Rest { expressions, sets };
    let mut rule = Rule::new(Action::Notrack);
    for (key, side) in [(MetaKey::Iifname, Side::In), (MetaKey::Oifname, Side::Out)] {
        if rule.interface.is_none()
            && let Some(name) = rest.meta(key)
        {
            rule.interface = Some((side, name_of(name)?));
        }
    }
    if let Some(is) = rest.meta(MetaKey::Nfproto) {
        let version = [Version::V4, Version::V6].into_iter().find(|version| *is == [nfproto(*version)])?;
        rule.version = Some(version);
        rule.from = rest.prefixes(address(version, false), version)?;
        rule.to = rest.prefixes(address(version, true), version)?;
    }
    if let Some(is) = rest.meta(MetaKey::L4proto) {
        let [protocol] = is.as_slice() else { return None };
        rule.protocol = Some(*protocol);
    }
    rule.source_ports = rest.ports(SOURCE_PORT)?;
    rule.ports = rest.ports(PORT)?;
    match rest.expressions {
        [Expression::Notrack] => Some(rule),
        [
            Expression::Payload(flags),
            Expression::Bitwise(bits),
            Expression::Cmp(is),
            size @ ..,
            Expression::Exthdr(store),
        ] => {
            let opens = *flags == TCP_FLAGS
                && *bits == Bitwise::mask(AT, vec![SYN_AND_RST])
                && *is == Cmp::equal(AT, [SYN])
                && *store == Exthdr::tcp_mss(Direction::Store(AT))
                && rule.protocol.take() == Some(TCP);
            let action = Action::Clamp(self::size(size).filter(|_| opens)?);
            Some(Rule { action, ..rule })
        }
        _ => None,
    }
}

fn size(expressions: &[Expression]) -> Option<Mss> {
    match expressions {
        [Expression::Rt(rt), Expression::Byteorder(turn)] => {
            (*rt == Rt { key: RtKey::Tcpmss, into: AT } && *turn == MSS_BYTEORDER).then_some(Mss::Path)
        }
        [Expression::Immediate(Immediate { into, data: Data::Value(bytes) })] if *into == AT => {
            Some(Mss::Bytes(u16::from_be_bytes(<[u8; 2]>::try_from(bytes.as_slice()).ok()?)))
        }
        _ => None,
    }
}

/// What is still to be understood.
struct Rest<'a> {
    expressions: &'a [Expression],
    sets: &'a Sets,
}

impl<'a> Rest<'a> {
    /// What a value must be, if the rule goes on with that.
    fn meta(&mut self, key: MetaKey) -> Option<&'a Vec<u8>> {
        let [
            Expression::Meta(meta),
            Expression::Cmp(Cmp { register: AT, comparison: Comparison::Equal, data }),
            rest @ ..,
        ] = self.expressions
        else {
            return None;
        };
        if *meta != Meta::load(key, AT) {
            return None;
        }
        self.expressions = rest;
        Some(data)
    }

    /// Goes on behind the loading of these bytes, if that is what comes; whether it is.
    fn loads(&mut self, at: Payload) -> bool {
        match self.expressions {
            [Expression::Payload(payload), rest @ ..] if *payload == at => {
                self.expressions = rest;
                true
            }
            _ => false,
        }
    }

    /// The prefixes that an address must be in, none for any; nothing if it is not one of them that is asked for.
    fn prefixes(&mut self, at: Payload, version: Version) -> Option<Vec<Prefix>> {
        if !self.loads(at) {
            return Some(Vec::new());
        }
        let (prefixes, rest) = match self.expressions {
            [
                Expression::Bitwise(bits),
                Expression::Cmp(Cmp { register: AT, comparison: Comparison::Equal, data }),
                rest @ ..,
            ] => {
                let length = (0..version.bits()).find(|length| *bits == Bitwise::mask(AT, mask(*length, version)))?;
                let address = address_of(data)?;
                let prefix = Prefix::around(address, length);
                (vec![(prefix.first() == address).then_some(prefix)?], rest)
            }
            [Expression::Cmp(Cmp { register: AT, comparison: Comparison::Equal, data }), rest @ ..] => {
                (vec![Prefix::around(address_of(data)?, version.bits())], rest)
            }
            [lookup @ Expression::Lookup(_), rest @ ..] => {
                let ranges = self.looked_up(lookup)?;
                let pairs = ranges.iter().map(|(first, last)| Some((address_of(first)?, address_of(last)?)));
                (prefix::of_ranges(pairs.collect::<Option<Vec<_>>>()?), rest)
            }
            _ => return None,
        };
        self.expressions = rest;
        Some(prefixes)
    }

    /// The ports that one must be of, the same.
    fn ports(&mut self, at: Payload) -> Option<Ports> {
        if !self.loads(at) {
            return Some(Ports::default());
        }
        let port = |bytes: &[u8]| Some(u16::from_be_bytes(<[u8; 2]>::try_from(bytes).ok()?));
        let (ranges, rest) = match self.expressions {
            [Expression::Cmp(Cmp { register: AT, comparison: Comparison::Equal, data }), rest @ ..] => {
                (vec![(port(data)?, port(data)?)], rest)
            }
            [Expression::Range(Range { register: AT, is_inverted: false, first, last }), rest @ ..] => {
                (vec![(port(first)?, port(last)?)], rest)
            }
            [lookup @ Expression::Lookup(_), rest @ ..] => {
                let ranges = self.looked_up(lookup)?;
                (ranges.iter().map(|(first, last)| Some((port(first)?, port(last)?))).collect::<Option<_>>()?, rest)
            }
            _ => return None,
        };
        self.expressions = rest;
        Some(Ports::from_ranges(ranges))
    }

    fn looked_up(&self, expression: &Expression) -> Option<Vec<interval::Range>> {
        let Expression::Lookup(lookup) = expression else { return None };
        if lookup.register != AT || lookup.is_inverted || lookup.into.is_some() {
            return None;
        }
        let (set, elements) = self.sets.get(&lookup.set)?;
        // A named set may be filled by whoever made it.
        if set.flags & flags::ANONYMOUS == 0 {
            return None;
        }
        if set.flags & flags::INTERVAL != 0 {
            return Some(interval::ranges(elements));
        }
        Some(elements.iter().map(|element| (element.key.clone(), element.key.clone())).collect())
    }
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into()))
}

/// A name with all its NULs, or the beginning of one.
fn name_of(bytes: &[u8]) -> Option<String> {
    let stem = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = std::str::from_utf8(stem).ok().filter(|name| !name.is_empty())?;
    match bytes.len() {
        NAME if stem.len() < NAME => Some(name.to_owned()),
        length if length == stem.len() && length < NAME => Some(format!("{name}*")),
        _ => None,
    }
}
