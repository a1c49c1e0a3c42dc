//! Rules in the kernel's own table, with nft(8) as the judge.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use trimtab_core::address::Address;
use trimtab_core::address::NftKey;
use trimtab_core::kind::nft;
use trimtab_core::kind::nft::Action;
use trimtab_core::kind::nft::Chain;
use trimtab_core::kind::nft::Hook;
use trimtab_core::kind::nft::Mss;
use trimtab_core::kind::nft::Rule;
use trimtab_core::kind::nft::Side;
use trimtab_core::observed::Reading;
use trimtab_core::prefix::Prefix;
use trimtab_core::prefix::Version;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;
use trimtab_netlink::netfilter::nftables::Element;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::NewSet;
use trimtab_netlink::netfilter::nftables::Set;
use trimtab_netlink::netfilter::nftables::set::flags;

use super::compile::compile;
use super::decompile::decompile;
use super::read;
use super::reading;
use super::write;
use crate::WriteError;
use crate::testing::in_new_netns;
use crate::testing::run;

fn nft(text: &str) {
    run("nft", &[text]);
}

fn now(key: NftKey) -> Reading {
    reading(&read(), key)
}

fn value(key: NftKey) -> Value {
    let Reading::Typed { value, writable: true } = now(key) else { panic!("{:?}", now(key)) };
    value
}

fn put(cells: &[(NftKey, Value)]) -> Result<(), WriteError> {
    let cells: Vec<(Address, Value)> = cells.iter().map(|(key, value)| (Address::nft(*key), value.clone())).collect();
    write(&cells)
}

fn clamp(size: Mss, interface: Option<(Side, &str)>) -> Value {
    let interface = interface.map(|(side, name)| (side, name.to_owned()));
    nft::shown(&[Chain { hook: Hook::Forward, rules: vec![Rule { interface, ..Rule::new(Action::Clamp(size)) }] }])
}

fn prefixes(list: &[&str]) -> Vec<Prefix> {
    list.iter().map(|one| one.parse().unwrap()).collect()
}

/// Rules of every shape, and what nft(8) calls each.
fn notracks() -> Vec<(Rule, &'static str)> {
    let rule = Rule::new(Action::Notrack);
    let four = Rule { version: Some(Version::V4), ..rule.clone() };
    let ports = |text: &str| Ports::parse(text).unwrap();
    let udp = Rule { protocol: Some(17), ..rule.clone() };
    vec![
        (rule.clone(), "notrack"),
        (
            Rule { interface: Some((Side::In, "averylongname15".to_owned())), ..rule.clone() },
            "iifname \"averylongname15\" notrack",
        ),
        (
            Rule { interface: Some((Side::In, "wg*".to_owned())), ..udp.clone() },
            "iifname \"wg*\" meta l4proto udp notrack",
        ),
        (four.clone(), "meta nfproto ipv4 notrack"),
        (Rule { from: prefixes(&["10.0.0.0/9"]), ..four.clone() }, "ip saddr 10.0.0.0/9 notrack"),
        (
            Rule { to: prefixes(&["192.0.2.7"]), protocol: Some(253), ..four.clone() },
            "ip daddr 192.0.2.7 meta l4proto 253 notrack",
        ),
        (
            Rule { from: prefixes(&["10.0.0.0/8", "192.0.2.0/24"]), to: prefixes(&["192.0.2.1", "192.0.2.3"]), ..four },
            "ip saddr { 10.0.0.0/8, 192.0.2.0/24 } ip daddr { 192.0.2.1, 192.0.2.3 } notrack",
        ),
        (
            Rule {
                version: Some(Version::V6),
                from: prefixes(&["2001:db8::/33"]),
                to: prefixes(&["::1", "ff00::/8"]),
                ..udp.clone()
            },
            "ip6 saddr 2001:db8::/33 ip6 daddr { ::1, ff00::/8 } meta l4proto udp notrack",
        ),
        (Rule { ports: ports("53"), ..udp.clone() }, "udp dport 53 notrack"),
        (
            Rule { source_ports: ports("1024-65535"), ports: ports("53,8000-8100"), ..udp },
            "udp sport 1024-65535 udp dport { 53, 8000-8100 } notrack",
        ),
    ]
}

#[test]
fn every_rule_is_what_nft_calls_so_and_reads_back() {
    in_new_netns("every_rule_is_what_nft_calls_so_and_reads_back", || {
        let rules: Vec<Rule> = notracks().into_iter().map(|(rule, _)| rule).collect();
        let wanted = nft::shown(&[Chain { hook: Hook::Prerouting, rules }]);
        put(&[(NftKey::Notrack, wanted.clone())]).unwrap();
        assert_eq!(value(NftKey::Notrack), wanted);
        let listed = run("nft", &["-n", "list", "chain", "inet", "trimtab", "notrack-prerouting"]);
        assert!(listed.contains("type filter hook prerouting priority -300; policy accept;"), "{listed}");
        let lines: Vec<&str> = listed.lines().map(str::trim).filter(|line| line.ends_with("notrack")).collect();
        // Numbers of protocols, as nft(8) is asked for.
        let texts = notracks()
            .into_iter()
            .map(|(_, text)| text.replace("l4proto udp", "l4proto 17").replace("nfproto ipv4", "nfproto 2"));
        assert_eq!(lines, texts.collect::<Vec<_>>());
    });
}

#[test]
fn sections_come_and_go_by_themselves_and_the_table_with_the_last() {
    in_new_netns("sections_come_and_go_by_themselves_and_the_table_with_the_last", || {
        let ruleset = || run("nft", &["list", "ruleset"]);
        nft("add table ip foreign");
        let before = ruleset();
        put(&[(NftKey::Notrack, nft::none()), (NftKey::MssClamp, nft::none())]).unwrap();
        assert_eq!(ruleset(), before);
        let notrack = nft::shown(&[Chain {
            hook: Hook::Output,
            rules: vec![Rule { protocol: Some(47), ..Rule::new(Action::Notrack) }],
        }]);
        let (path, fixed) = (clamp(Mss::Path, None), clamp(Mss::Bytes(1300), Some((Side::Out, "ppp0"))));
        put(&[(NftKey::Notrack, notrack.clone()), (NftKey::MssClamp, path.clone())]).unwrap();
        assert!(ruleset().contains("tcp flags syn / syn,rst tcp option maxseg size set rt mtu"), "{}", ruleset());
        put(&[(NftKey::MssClamp, fixed.clone())]).unwrap();
        assert_eq!((value(NftKey::Notrack), value(NftKey::MssClamp)), (notrack.clone(), fixed));
        assert!(
            ruleset().contains("oifname \"ppp0\" tcp flags syn / syn,rst tcp option maxseg size set 1300"),
            "{}",
            ruleset()
        );
        put(&[(NftKey::Notrack, nft::none())]).unwrap();
        assert_eq!(value(NftKey::Notrack), nft::none());
        assert!(!ruleset().contains("notrack") && ruleset().contains("mss-clamp"), "{}", ruleset());
        put(&[(NftKey::MssClamp, nft::none())]).unwrap();
        assert_eq!(ruleset(), before);
    });
}

#[test]
fn what_somebody_changes_in_the_table_is_seen() {
    in_new_netns("what_somebody_changes_in_the_table_is_seen", || {
        let wanted = clamp(Mss::Path, None);
        let again = || put(&[(NftKey::MssClamp, wanted.clone())]).unwrap();
        again();
        for change in [
            "flush chain inet trimtab mss-clamp",
            "add rule inet trimtab mss-clamp counter drop",
            "insert rule inet trimtab mss-clamp tcp option maxseg size set 1300",
            "delete chain inet trimtab mss-clamp",
            "add table inet trimtab { flags dormant; }",
            "add chain inet trimtab mss-clamp { policy drop; }",
            "delete chain inet trimtab mss-clamp; add chain inet trimtab mss-clamp { type filter hook input priority 7; }",
            "delete chain inet trimtab mss-clamp; add chain inet trimtab mss-clamp",
        ] {
            nft(change);
            assert_ne!(value(NftKey::MssClamp), wanted, "{change}");
            again();
            assert_eq!(value(NftKey::MssClamp), wanted, "{change}");
            assert!(!run("nft", &["list", "ruleset"]).contains("dormant"), "{change}");
        }
    });
}

#[test]
fn a_table_of_somebody_else_is_left_alone() {
    in_new_netns("a_table_of_somebody_else_is_left_alone", || {
        for comment in ["", " { comment \"mine\"; }"] {
            nft(&format!("add table inet trimtab{comment}"));
            nft("add chain inet trimtab mss-clamp { type filter hook forward priority 0; }");
            let before = run("nft", &["list", "ruleset"]);
            assert_eq!(now(NftKey::MssClamp), Reading::Typed { value: nft::foreign(), writable: false });
            for wanted in [clamp(Mss::Path, None), nft::none()] {
                let refused = put(&[(NftKey::MssClamp, wanted)]).unwrap_err().to_string();
                assert!(refused.contains("somebody else has a table"), "{refused}");
            }
            assert_eq!(run("nft", &["list", "ruleset"]), before);
            nft("delete table inet trimtab");
        }
    });
}

#[test]
fn what_somebody_puts_into_the_table_stays_and_keeps_it() {
    in_new_netns("what_somebody_puts_into_the_table_stays_and_keeps_it", || {
        for (add, delete) in [
            ("add chain inet trimtab mine", "delete chain inet trimtab mine"),
            ("add set inet trimtab mine { type ipv4_addr; }", "delete set inet trimtab mine"),
            ("add counter inet trimtab mine", "delete counter inet trimtab mine"),
        ] {
            put(&[(NftKey::MssClamp, clamp(Mss::Path, None))]).unwrap();
            nft(add);
            put(&[(NftKey::MssClamp, nft::none())]).unwrap();
            assert_eq!(value(NftKey::MssClamp), nft::none());
            assert!(run("nft", &["list", "ruleset"]).contains("mine"), "{add}");
            nft(delete);
            put(&[(NftKey::MssClamp, clamp(Mss::Path, None))]).unwrap();
            put(&[(NftKey::MssClamp, nft::none())]).unwrap();
            assert_eq!(run("nft", &["list", "ruleset"]), "", "{add}");
        }
    });
}

#[test]
fn ten_thousand_prefixes_are_one_set() {
    in_new_netns("ten_thousand_prefixes_are_one_set", || {
        let from = (0..10_000_u32)
            .map(|number| Prefix::around(std::net::Ipv4Addr::from(0x0a00_0000 + number * 512).into(), 24));
        let rule = Rule { version: Some(Version::V4), from: from.collect(), ..Rule::new(Action::Notrack) };
        let wanted = nft::shown(&[
            Chain { hook: Hook::Prerouting, rules: vec![rule.clone()] },
            Chain { hook: Hook::Output, rules: vec![rule] },
        ]);
        put(&[(NftKey::Notrack, wanted.clone())]).unwrap();
        assert_eq!(value(NftKey::Notrack), wanted);
        put(&[(NftKey::Notrack, nft::none())]).unwrap();
        assert_eq!(run("nft", &["list", "ruleset"]), "");
    });
}

/// What the kernel would show of the sets of a batch: each under a name of its own.
fn held(sets: &[NewSet], expressions: &mut [Expression]) -> BTreeMap<String, (Set, Vec<Element>)> {
    let mut all = BTreeMap::new();
    for set in sets {
        let name = format!("__set{}", set.id);
        let is_interval = set.ranges.iter().any(|(first, last)| first != last);
        let mut elements = Vec::new();
        for (first, last) in &set.ranges {
            let key_end = is_interval.then(|| last.clone());
            elements.push(Element { key: first.clone(), is_end: false, key_end });
        }
        let shown = Set {
            family: Family::Inet,
            table: "trimtab".to_owned(),
            name: name.clone(),
            handle: 1,
            flags: flags::ANONYMOUS | flags::CONSTANT | if is_interval { flags::INTERVAL } else { 0 },
            key: set.key,
        };
        all.insert(name, (shown, elements));
    }
    for expression in expressions {
        if let Expression::Lookup(lookup) = expression {
            lookup.set = format!("__set{}", lookup.set_id.take().unwrap());
        }
    }
    all
}

prop_compose! {
    fn rules()(
        side in prop::option::of(prop_oneof![Just(Side::In), Just(Side::Out)]), name in "[a-z]{1,14}\\*?",
        is_six: bool, lengths in vec(1_u8..=32, 0..4), bits in vec(any::<u32>(), 4), to in vec(any::<u32>(), 0..3),
        protocol in prop::option::of(any::<u8>()), ports in vec((any::<u16>(), 0_u16..9), 0..3), source in vec(any::<u16>(), 0..3),
        clamp in prop::option::weighted(0.2, prop::option::of(any::<u16>())),
    ) -> Rule {
        let interface = side.map(|side| (side, name));
        if let Some(size) = clamp {
            let size = size.map_or(Mss::Path, Mss::Bytes);
            return Rule { interface, ..Rule::new(Action::Clamp(size)) };
        }
        let address = |bits: u32| match is_six {
            true => std::net::Ipv6Addr::from(u128::from(bits) << 90).into(),
            false => std::net::IpAddr::from(std::net::Ipv4Addr::from(bits)),
        };
        let from: Vec<Prefix> = lengths.iter().zip(&bits).map(|(length, bits)| Prefix::around(address(*bits), *length)).collect();
        let to: Vec<Prefix> = to.into_iter().map(|bits| Prefix::around(address(bits), 128)).collect();
        let version = if is_six { Version::V6 } else { Version::V4 };
        Rule {
            interface,
            version: (!from.is_empty() || !to.is_empty()).then_some(version),
            from,
            to,
            protocol,
            source_ports: Ports::from_ranges(source.into_iter().map(|port| (port, port))),
            ports: Ports::from_ranges(ports.into_iter().map(|(low, more)| (low, low.saturating_add(more)))),
            action: Action::Notrack,
        }
        .canonical()
    }
}

proptest! {
    #[test]
    fn a_rule_is_read_as_it_was_sent(rule in rules(), first in 0_u32..9) {
        let mut compiled = compile(&rule, first);
        let sets = held(&compiled.sets, &mut compiled.expressions);
        prop_assert_eq!(decompile(&compiled.expressions, &sets), Some(rule));
    }

    #[test]
    fn a_rule_with_anything_else_in_it_is_none_of_trimtabs(
        rule in rules(), which: prop::sample::Index, what in 0_usize..4,
    ) {
        let mut compiled = compile(&rule, 0);
        let sets = held(&compiled.sets, &mut compiled.expressions);
        let at = which.index(compiled.expressions.len());
        let taken = compiled.expressions.remove(at);
        if what > 0 {
            let other = [Expression::Notrack, Expression::Counter(Default::default()), Expression::Other { name: "ct".to_owned(), data: Vec::new() }];
            compiled.expressions.insert(at, other[what - 1].clone());
        }
        // Without it, or with something else in its place: never the rule that it was.
        if compiled.expressions.get(at) != Some(&taken) {
            prop_assert_ne!(decompile(&compiled.expressions, &sets), Some(rule));
        }
    }
}
