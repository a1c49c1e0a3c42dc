use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::address::Address;
use crate::address::NftKey;
use crate::facts::Facts;
use crate::host::HostId;
use crate::host::NetnsId;
use crate::kind::Decision;
use crate::kind::ObstacleClass;
use crate::kind::Rules;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::policy::Wanted;
use crate::prefix::Prefix;
use crate::prefix::Version;
use crate::tree::Tree;
use crate::value::Ports;
use crate::value::Value;

fn ports() -> impl Strategy<Value = Ports> {
    vec((1_u16..2000, 0_u16..50), 0..5)
        .prop_map(|ranges| Ports::from_ranges(ranges.into_iter().map(|(low, more)| (low, low + more))))
}

fn prefixes(version: Version) -> impl Strategy<Value = Vec<Prefix>> {
    let one = (any::<u128>(), 0..=version.bits()).prop_map(move |(bits, length)| {
        let address = match version {
            Version::V4 => std::net::Ipv4Addr::from_bits(bits as u32).into(),
            Version::V6 => std::net::Ipv6Addr::from_bits(bits).into(),
        };
        Prefix::around(address, length)
    });
    vec(one, 0..7)
}

fn sides() -> impl Strategy<Value = (Side, String)> {
    (prop_oneof![Just(Side::In), Just(Side::Out)], "[a-z]{1,14}[0-9]\\*?")
}

/// Rules that trimtab makes.
pub fn rules() -> impl Strategy<Value = Rule> {
    let notrack =
        (of(sides()), prop_oneof![Just(Version::V4), Just(Version::V6)]).prop_flat_map(|(interface, version)| {
            (prefixes(version), prefixes(version), of(any::<u8>()), ports(), ports()).prop_map(
                move |(from, to, protocol, source_ports, ports)| {
                    let named = !from.is_empty() || !to.is_empty();
                    let interface = interface.clone();
                    let version = named.then_some(version);
                    let action = Action::Notrack;
                    Rule { interface, version, from, to, protocol, source_ports, ports, action }.canonical()
                },
            )
        });
    let size = prop_oneof![Just(Mss::Path), any::<u16>().prop_map(Mss::Bytes)];
    let clamp = (of(sides()), size).prop_map(|(interface, size)| Rule { interface, ..Rule::new(Action::Clamp(size)) });
    prop_oneof![4 => notrack, 1 => clamp]
}

fn rule(tree: &str) -> Rule {
    let [interface, to] = tree.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let to = vec![to.parse().unwrap()];
    let interface = Some((Side::In, interface.to_owned()));
    Rule { interface, version: Some(Version::V4), to, ..Rule::new(Action::Notrack) }
}

fn value(rules: &[&str]) -> Value {
    shown(&[Chain { hook: Hook::Prerouting, rules: rules.iter().map(|one| rule(one)).collect() }])
}

fn policy(value: &Value) -> Policy {
    Policy::Value(Wanted::Tree(Box::new(value.as_tree().unwrap().clone())))
}

fn in_world<T>(test: impl FnOnce(&World) -> T) -> T {
    let host = HostId {
        name: "test".to_owned(),
        kernel: "6.18".to_owned(),
        boot_id: "boot".to_owned(),
        netns: NetnsId { cookie: 1, name: None, initial: true },
    };
    let (facts, names, observed) = (Facts::default(), BTreeSet::new(), BTreeMap::new());
    test(&World::new(&host, &facts, &names, &names, &observed))
}

fn notrack() -> Address {
    Address::nft(NftKey::Notrack)
}

#[test]
fn what_is_wanted_is_written_until_it_is_there() {
    let wanted = value(&["eth0 10.0.0.0/8"]);
    in_world(|world| {
        let decide = |now: &Value| NftRules.decide(&notrack(), &policy(&wanted), now, world);
        assert_eq!(decide(&none()), Decision::Write(wanted.clone()));
        assert_eq!(decide(&value(&["eth0 10.0.0.0/9"])), Decision::Write(wanted.clone()));
        assert_eq!(decide(&wanted), Decision::Satisfied);
        // A plan that somebody made up.
        let odd = Value::Tree(Box::new(Tree::new("drop everything")));
        assert!(matches!(NftRules.decide(&notrack(), &policy(&odd), &none(), world), Decision::Blocked(_)));
        let clamp = shown(&[Chain { hook: Hook::Forward, rules: vec![Rule::new(Action::Clamp(Mss::Path))] }]);
        assert!(matches!(NftRules.decide(&notrack(), &policy(&clamp), &none(), world), Decision::Blocked(_)));
    });
}

#[test]
fn what_is_in_trimtabs_table_goes_back_and_somebody_elses_table_stays() {
    let facts = Facts::default();
    let (ours, changed) = (value(&["eth0 10.0.0.0/8"]), value(&["eth0 10.0.0.0/9"]));
    let back =
        |before: &Value, now: &Value| NftRules.take_back(&notrack(), before, std::slice::from_ref(&ours), now, &facts);
    assert_eq!(back(&none(), &ours), TakeBack::Write(none()));
    assert_eq!(back(&none(), &changed), TakeBack::Write(none()));
    assert_eq!(back(&none(), &none()), TakeBack::Done);
    assert_eq!(back(&changed, &ours), TakeBack::Write(changed.clone()));
    assert_eq!(back(&none(), &foreign()), TakeBack::Foreign);
    // What trimtab could not make again.
    let strange =
        of_nodes(vec![Tree { children: vec![Tree::new("rule of somebody else")], ..head("x", "input", "7") }]);
    assert_eq!(back(&strange, &ours), TakeBack::Write(none()));
}

#[test]
fn where_it_cannot_be_is_told_apart() {
    in_world(|world| {
        let of = |observed: &Observed| {
            NftRules.obstacle(&notrack(), observed, world).map(|obstacle| (obstacle.code, obstacle.class))
        };
        let there = |value: Value, writable| Observed::Value { value, writable };
        assert_eq!(of(&there(none(), true)), None);
        assert_eq!(of(&there(foreign(), false)), Some(("foreign-table", ObstacleClass::Blocked)));
        assert_eq!(of(&Observed::Unsupported), Some(("no-nf-tables", ObstacleClass::Lacking)));
        assert_eq!(of(&Observed::Denied), Some(("permission", ObstacleClass::Blocked)));
        assert_eq!(of(&Observed::Absent), Some(("not-in-snapshot", ObstacleClass::Pending)));
    });
}

#[test]
fn a_clamp_of_one_direction_is_remarked() {
    let clamp = |sides: &[Side]| {
        let rule =
            |side: &Side| Rule { interface: Some((*side, "ppp0".to_owned())), ..Rule::new(Action::Clamp(Mss::Path)) };
        policy(&shown(&[Chain { hook: Hook::Forward, rules: sides.iter().map(rule).collect() }]))
    };
    let address = Address::nft(NftKey::MssClamp);
    in_world(|world| {
        let codes =
            |policy: &Policy| NftRules.remarks(&address, policy, world).iter().map(|one| one.code).collect::<Vec<_>>();
        assert_eq!(codes(&clamp(&[Side::Out])), ["one-direction"]);
        assert_eq!(codes(&clamp(&[Side::In])), ["one-direction"]);
        assert!(codes(&clamp(&[Side::In, Side::Out])).is_empty());
        let all = shown(&[Chain { hook: Hook::Forward, rules: vec![Rule::new(Action::Clamp(Mss::Path))] }]);
        assert!(codes(&policy(&all)).is_empty());
    });
}

#[test]
fn traffic_is_told_of_only_where_tracking_changes() {
    let facts = Facts::default();
    let wanted = value(&["eth0 10.0.0.0/8"]);
    assert!(NftRules.disrupts(&notrack(), &none(), &wanted, &facts).unwrap().contains("ct state"));
    assert!(NftRules.disrupts(&notrack(), &wanted, &none(), &facts).unwrap().contains("tracked again"));
    assert_eq!(NftRules.disrupts(&notrack(), &none(), &none(), &facts), None);
}

proptest! {
    #[test]
    fn a_rule_is_the_same_rule_again(rule in rules()) {
        let tree = rule.to_tree();
        prop_assert_eq!(Rule::of_tree(&tree), Some(rule.clone()), "{}", tree);
        prop_assert_eq!(rule.clone().canonical(), rule.clone());
        if rule.action == Action::Notrack {
            prop_assert_eq!(rule.clone().turned().turned(), rule);
        }
    }

    #[test]
    fn chains_are_the_same_again(first in vec(rules(), 0..4), second in vec(rules(), 0..4)) {
        let chains = vec![
            Chain { hook: Hook::Prerouting, rules: first }, Chain { hook: Hook::Output, rules: second },
        ];
        let shown = shown(&chains);
        prop_assert_eq!(parse(NftKey::Notrack, &shown), Some(chains));
        prop_assert_eq!(parse(NftKey::MssClamp, &shown), None);
        let json = serde_json::to_string(&shown).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), shown);
    }

    #[test]
    fn a_tree_of_other_words_is_no_rule(
        word in "notrack|clamp|chain", name in "from|to|ports|in|protocol|size|version|x", text in ".{0,12}", number: i64,
    ) {
        for scalar in [crate::policy::Scalar::Text(text), crate::policy::Scalar::Int(number)] {
            let tree = Tree { scalars: BTreeMap::from([(name.clone(), scalar)]), ..Tree::new(word.clone()) };
            if let Some(rule) = Rule::of_tree(&tree) {
                prop_assert_eq!(rule.to_tree(), tree);
            }
        }
    }
}
