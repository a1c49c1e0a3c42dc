use std::collections::BTreeMap;

use trimtab_netlink::netfilter::nftables;
use trimtab_netlink::netfilter::nftables::Base;
use trimtab_netlink::netfilter::nftables::Content;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::KeyType;
use trimtab_netlink::netfilter::nftables::NewSet;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::generation;
use trimtab_netlink::netfilter::nftables::interval;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::set;
use trimtab_netlink::netfilter::nftables::table;
use trimtab_netlink::socket::RequestSocket;

use super::TABLE;
use super::cases::Case;
use super::cases::cases;
use super::judge;
use super::make;
use super::nft;
use super::open;
use crate::namespace::in_new_netns;

/// What nft(8) is told for all cases.
fn text(cases: &[Case]) -> String {
    let mut text = format!("table inet {TABLE} {{\n comment \"a comment\"\n");
    for (chain, base) in [
        ("forward", "hook forward priority mangle"),
        ("prerouting", "hook prerouting priority raw"),
        ("output", "hook output priority raw"),
    ] {
        text += &format!(" chain {chain} {{\n type filter {base}; policy accept;\n");
        for case in cases.iter().filter(|case| case.chain == chain) {
            text += &format!("  {}\n", case.text);
        }
        text += " }\n";
    }
    text + "}\n"
}

fn content(socket: &mut RequestSocket) -> Content {
    nftables::read(socket, Family::Inet, TABLE).unwrap().unwrap()
}

/// The rules as asked for: each set that the kernel named is looked behind.
fn compare(content: &Content, cases: &[Case]) {
    let mut ours: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        ours.entry(case.chain).or_default().push(case);
    }
    let mut compared = 0;
    for (chain, cases) in ours {
        let shown: Vec<_> = content.rules.iter().filter(|rule| rule.chain == chain).collect();
        assert_eq!(shown.len(), cases.len(), "{chain}");
        for (shown, case) in shown.into_iter().zip(cases) {
            assert_eq!(shown.comment.as_deref(), case.comment, "{}", case.text);
            assert_eq!(shown.expressions.len(), case.expressions.len(), "{}: {shown:?}", case.text);
            for (shown, asked) in shown.expressions.iter().zip(&case.expressions) {
                if let (Expression::Lookup(shown), Expression::Lookup(asked)) = (shown, asked) {
                    let set = case.sets.iter().find(|set| Some(set.id) == asked.set_id).unwrap();
                    compare_set(content, &shown.set, set);
                    assert_eq!((shown.register, shown.is_inverted), (asked.register, asked.is_inverted));
                } else {
                    assert!(shown.is_as(asked), "{}: {shown:?}, and not {asked:?}", case.text);
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

fn compare_set(content: &Content, name: &str, asked: &NewSet) {
    let (set, elements) = &content.sets[name];
    assert_eq!(set.key.length, asked.key.length);
    let is_interval = asked.ranges.iter().any(|(first, last)| first != last);
    assert_eq!(set.flags & set::flags::INTERVAL != 0, is_interval, "{set:?}");
    assert_eq!(set.flags & 3, set::flags::ANONYMOUS | set::flags::CONSTANT);
    let held = if is_interval {
        interval::ranges(elements)
    } else {
        let mut keys: Vec<_> = elements.iter().map(|element| (element.key.clone(), element.key.clone())).collect();
        keys.sort();
        keys
    };
    assert_eq!(held, interval::merge(&asked.ranges), "{asked:?}");
}

#[test]
fn what_nft_sets_is_read_as_meant() {
    in_new_netns("what_nft_sets_is_read_as_meant", || {
        let cases = cases();
        nft(&text(&cases));
        let mut socket = open();
        let content = content(&mut socket);
        compare(&content, &cases);
        assert_eq!((content.table.name.as_str(), content.table.comment.as_deref()), (TABLE, Some("a comment")));
        assert_eq!(content.generation, generation::get(&mut socket).unwrap().id);
        let bases: BTreeMap<_, _> = content.chains.into_iter().map(|chain| (chain.name, chain.base.unwrap())).collect();
        assert_eq!(bases["forward"], Base::filter(chain::hooks::FORWARD, chain::priorities::MANGLE));
        assert_eq!(bases["output"], Base::filter(chain::hooks::OUTPUT, chain::priorities::RAW));
        assert_eq!(bases["prerouting"], Base::filter(chain::hooks::PREROUTING, chain::priorities::RAW));
    });
}

#[test]
fn what_is_set_is_what_nft_would_have_set() {
    let theirs = in_new_netns("what_is_set_is_what_nft_would_have_set", || {
        nft(&text(&cases()));
        (judge(), crate::namespace::run("nft list ruleset"))
    });
    let ours = in_new_netns("what_is_set_is_what_nft_would_have_set", || {
        let mut socket = open();
        make(&mut socket, &cases());
        compare(&content(&mut socket), &cases());
        (judge(), crate::namespace::run("nft list ruleset"))
    });
    assert_eq!(ours, theirs);
    if let Some((objects, text)) = ours {
        assert!(objects.len() >= 4 + cases().len() && text.contains("a comment"), "{text}");
    }
}

#[test]
fn rules_of_others_are_kept_as_they_are() {
    in_new_netns("rules_of_others_are_kept_as_they_are", || {
        let before = "table inet tt {
            chain user { counter packets 7 bytes 900 return; }
            chain input {
                type filter hook input priority filter; policy drop;
                ct state established,related accept
                ct mark set 7
                limit rate over 10/second burst 5 packets drop
                meta mark set meta mark & 0xff or 0x100
                ip dscp set cs1
                iif lo jump user
                oif lo goto user
                tcp option sack-perm exists
                tcp option maxseg size 1-1000 log prefix \"x \" drop
                ip daddr . tcp dport { 10.0.0.1 . 80, 10.0.0.0/24 . 100-200 } accept
                ip saddr @named reject with tcp reset
                fib daddr type local drop
            }
            set named { type ipv4_addr; flags interval; elements = { 1.2.3.4, 10.0.0.0/9 } }
        }";
        nft(before);
        let mut socket = open();
        let read = content(&mut socket);
        assert!(read.chains.iter().find(|chain| chain.name == "input").unwrap().base.as_ref().unwrap().drops);
        assert_eq!(read.chains.iter().find(|chain| chain.name == "user").unwrap().base, None);
        let (named, held) = &read.sets["named"];
        assert_eq!((named.key, named.flags), (KeyType::IPV4_ADDRESS, set::flags::INTERVAL));
        let ranges = [(vec![1, 2, 3, 4], vec![1, 2, 3, 4]), (vec![10, 0, 0, 0], vec![10, 127, 255, 255])];
        assert_eq!(interval::ranges(held), ranges);
        let listed = judge();
        // Each rule once more at the end of its chain, made of what was read; then the first of them goes.
        let mut requests = Vec::new();
        for one in &read.rules {
            let looks_up = one
                .expressions
                .iter()
                .any(|expression| matches!(expression, Expression::Lookup(lookup) if lookup.set != "named"));
            if looks_up {
                // A set without a name belongs to one rule.
                continue;
            }
            requests.push(rule::append(Family::Inet, TABLE, &one.chain, &one.expressions, None).unwrap());
            requests.push(rule::delete(Family::Inet, TABLE, &one.chain, one.handle).unwrap());
        }
        assert!(requests.len() >= 24, "{}", requests.len());
        commit(&mut socket, requests, None).unwrap();
        let sorted = |mut objects: Vec<serde_json::Value>| {
            objects.sort_by_key(ToString::to_string);
            objects
        };
        assert_eq!(sorted(judge()), sorted(listed));
    });
}

#[test]
fn tables_of_all_families_are_listed() {
    in_new_netns("tables_of_all_families_are_listed", || {
        let mut socket = open();
        assert_eq!(table::dump(&mut socket, None).unwrap(), []);
        assert_eq!(table::get(&mut socket, Family::Inet, "a").unwrap(), None);
        assert_eq!(nftables::read(&mut socket, Family::Inet, "a").unwrap(), None);
        nft("table inet a { flags dormant; }\ntable ip a { }\ntable ip6 b { comment \"of b\"; }\ntable netdev c {
            chain one { type filter hook ingress device lo priority 5; }
        }");
        let listed = table::dump(&mut socket, None).unwrap();
        let told: Vec<_> = listed.iter().map(|one| (one.family.name(), one.name.as_str(), one.is_dormant)).collect();
        assert_eq!(told, [("inet", "a", true), ("ip", "a", false), ("ip6", "b", false), ("netdev", "c", false)]);
        assert_eq!(listed[2].comment.as_deref(), Some("of b"));
        let only = table::dump(&mut socket, Some(Family::Ip)).unwrap();
        assert_eq!(only.iter().map(|one| one.handle).collect::<Vec<_>>(), [listed[1].handle]);
        assert_eq!(table::get(&mut socket, Family::Ip6, "b").unwrap().as_ref(), Some(&listed[2]));
        let chains = chain::dump(&mut socket, Family::Netdev, "c").unwrap();
        let base = chains[0].base.as_ref().unwrap();
        assert_eq!((base.devices.as_slice(), base.priority), (["lo".to_owned()].as_slice(), 5));
        assert_eq!(listed.iter().map(|one| one.uses).collect::<Vec<_>>(), [0, 0, 0, 1]);
        // One that sleeps is woken where it is made once more.
        commit(&mut socket, vec![table::add(Family::Inet, "a", None).unwrap()], None).unwrap();
        assert!(!table::get(&mut socket, Family::Inet, "a").unwrap().unwrap().is_dormant);
        commit(&mut socket, vec![table::delete_handle(Family::Ip6, listed[2].handle)], None).unwrap();
        assert_eq!(table::get(&mut socket, Family::Ip6, "b").unwrap(), None);
    });
}
