//! Rules, in the words of nft(8) and in ours.

use trimtab_netlink::netfilter::nftables::Bitwise;
use trimtab_netlink::netfilter::nftables::Byteorder;
use trimtab_netlink::netfilter::nftables::Cmp;
use trimtab_netlink::netfilter::nftables::Comparison;
use trimtab_netlink::netfilter::nftables::Counter;
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
use trimtab_netlink::netfilter::nftables::Verdict;

const ONE: Register = Register::FIRST;

pub struct Case {
    /// As nft(8) reads it.
    pub text: &'static str,
    pub chain: &'static str,
    pub sets: Vec<NewSet>,
    pub expressions: Vec<Expression>,
    pub comment: Option<&'static str>,
}

fn meta(key: MetaKey) -> Expression {
    Expression::Meta(Meta::load(key, ONE))
}

fn is(data: &[u8]) -> Expression {
    Expression::Cmp(Cmp::equal(ONE, data))
}

fn compare(comparison: Comparison, data: &[u8]) -> Expression {
    Expression::Cmp(Cmp { register: ONE, comparison, data: data.to_vec() })
}

fn payload(base: PayloadBase, offset: u32, length: u32) -> Expression {
    Expression::Payload(Payload { base, offset, length, into: ONE })
}

fn store_mss() -> Expression {
    Expression::Exthdr(Exthdr::tcp_mss(Direction::Store(ONE)))
}

fn immediate(data: &[u8]) -> Expression {
    Expression::Immediate(Immediate { into: ONE, data: Data::Value(data.to_vec()) })
}

fn verdict(verdict: Verdict) -> Expression {
    Expression::Immediate(Immediate { into: Register::Verdict, data: Data::Verdict(verdict) })
}

fn set(id: u32, key: KeyType, ranges: &[(&[u8], &[u8])]) -> NewSet {
    NewSet { id, key, ranges: ranges.iter().map(|(first, last)| (first.to_vec(), last.to_vec())).collect() }
}

pub fn name(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}

/// What the flags of TCP are, of those in the mask.
fn flags(mask: u8) -> [Expression; 2] {
    [payload(PayloadBase::Transport, 13, 1), Expression::Bitwise(Bitwise::mask(ONE, vec![mask]))]
}

pub fn cases() -> Vec<Case> {
    let case = |text, chain, expressions| Case { text, chain, sets: Vec::new(), expressions, comment: None };
    let tcp = || [meta(MetaKey::L4proto), is(&[6])];
    let [load_flags, syn_and_rst] = flags(6);
    let [_, syn_only] = flags(2);
    let (a, b) = (name("eth0"), name("eth1"));
    vec![
        case(
            "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu",
            "forward",
            [
                tcp().to_vec(),
                vec![load_flags.clone(), syn_and_rst, is(&[2])],
                vec![
                    Expression::Rt(Rt { key: RtKey::Tcpmss, into: ONE }),
                    Expression::Byteorder(Byteorder { from: ONE, into: ONE, to_network: true, length: 2, size: 2 }),
                    store_mss(),
                ],
            ]
            .concat(),
        ),
        Case {
            comment: Some("x"),
            ..case(
                "tcp flags syn oifname \"wg*\" tcp option maxseg size set 1360 counter comment \"x\"",
                "forward",
                [
                    tcp().to_vec(),
                    vec![load_flags.clone(), syn_only.clone(), compare(Comparison::NotEqual, &[0])],
                    vec![meta(MetaKey::Oifname), is(b"wg"), immediate(&[5, 0x50]), store_mss()],
                    vec![Expression::Counter(Counter::default())],
                ]
                .concat(),
            )
        },
        Case {
            sets: vec![set(1, KeyType::INTERFACE_NAME, &[(&a, &a), (&b, &b)])],
            ..case(
                "iifname { eth0, eth1 } tcp flags syn tcp option maxseg size > 1300 tcp option maxseg size set 1300",
                "forward",
                [
                    vec![meta(MetaKey::Iifname), Expression::Lookup(Lookup::of_batch(ONE, 1))],
                    tcp().to_vec(),
                    vec![load_flags, syn_only, compare(Comparison::NotEqual, &[0])],
                    vec![
                        Expression::Exthdr(Exthdr::tcp_mss(Direction::Load(ONE))),
                        compare(Comparison::Greater, &[5, 0x14]),
                    ],
                    vec![immediate(&[5, 0x14]), store_mss()],
                ]
                .concat(),
            )
        },
        Case {
            sets: vec![
                set(
                    7,
                    KeyType::IPV4_ADDRESS,
                    &[(&[10, 0, 0, 0], &[10, 255, 255, 255]), (&[192, 168, 1, 0], &[192, 168, 1, 255])],
                ),
                set(8, KeyType::PORT, &[(&[0, 53], &[0, 53]), (&[0x1f, 0x40], &[0x1f, 0xa4])]),
            ],
            ..case(
                "iifname eth0 ip saddr { 10.0.0.0/8, 192.168.1.0/24 } ip daddr 10.1.0.0/17 udp dport { 53, 8000-8100 } counter notrack",
                "prerouting",
                vec![
                    meta(MetaKey::Iifname),
                    is(&a),
                    meta(MetaKey::Nfproto),
                    is(&[2]),
                    payload(PayloadBase::Network, 12, 4),
                    Expression::Lookup(Lookup::of_batch(ONE, 7)),
                    payload(PayloadBase::Network, 16, 4),
                    Expression::Bitwise(Bitwise::mask(ONE, vec![255, 255, 128, 0])),
                    is(&[10, 1, 0, 0]),
                    meta(MetaKey::L4proto),
                    is(&[17]),
                    payload(PayloadBase::Transport, 2, 2),
                    Expression::Lookup(Lookup::of_batch(ONE, 8)),
                    Expression::Counter(Counter::default()),
                    Expression::Notrack,
                ],
            )
        },
        Case {
            sets: vec![
                set(
                    1,
                    KeyType::IPV6_ADDRESS,
                    &[
                        (
                            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                            &[0x20, 1, 0xd, 0xb8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
                        ),
                        // Up to the last there is.
                        (&[0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[255; 16]),
                    ],
                ),
                set(2, KeyType::PROTOCOL, &[(&[6], &[6]), (&[17], &[17])]),
            ],
            ..case(
                "meta nfproto ipv6 ip6 saddr { 2001:db8::/32, ff00::/8 } meta l4proto { 6, 17 } th sport != 53 notrack",
                "output",
                vec![
                    meta(MetaKey::Nfproto),
                    is(&[10]),
                    payload(PayloadBase::Network, 8, 16),
                    Expression::Lookup(Lookup::of_batch(ONE, 1)),
                    meta(MetaKey::L4proto),
                    Expression::Lookup(Lookup::of_batch(ONE, 2)),
                    payload(PayloadBase::Transport, 0, 2),
                    compare(Comparison::NotEqual, &[0, 53]),
                    Expression::Notrack,
                ],
            )
        },
        case(
            "tcp dport != 1-3 accept",
            "output",
            [
                tcp().to_vec(),
                vec![
                    payload(PayloadBase::Transport, 2, 2),
                    Expression::Range(Range { register: ONE, is_inverted: true, first: vec![0, 1], last: vec![0, 3] }),
                    verdict(Verdict::Accept),
                ],
            ]
            .concat(),
        ),
    ]
}
