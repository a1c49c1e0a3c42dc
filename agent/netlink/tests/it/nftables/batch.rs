use trimtab_netlink::Error;
use trimtab_netlink::netfilter::nftables;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::KeyType;
use trimtab_netlink::netfilter::nftables::Lookup;
use trimtab_netlink::netfilter::nftables::Meta;
use trimtab_netlink::netfilter::nftables::MetaKey;
use trimtab_netlink::netfilter::nftables::NewSet;
use trimtab_netlink::netfilter::nftables::Payload;
use trimtab_netlink::netfilter::nftables::PayloadBase;
use trimtab_netlink::netfilter::nftables::Register;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::generation;
use trimtab_netlink::netfilter::nftables::interval;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::table;

use super::TABLE;
use super::cases::cases;
use super::judge;
use super::make;
use super::open;
use super::requests;
use super::skeleton;
use crate::namespace::in_new_netns;

#[test]
fn one_that_is_refused_is_named_and_none_is_done() {
    in_new_netns("one_that_is_refused_is_named_and_none_is_done", || {
        let mut socket = open();
        let mut all = skeleton();
        all.push(rule::append(Family::Inet, TABLE, "nowhere", &[Expression::Notrack], None).unwrap());
        all.push(chain::delete(Family::Inet, TABLE, "not there either").unwrap());
        let error = commit(&mut socket, all, None).unwrap_err();
        let Error::Refused(refusal) = &error else { panic!("{error}") };
        assert_eq!((refusal.errno, refusal.request.as_ref()), (libc::ENOENT, "add rule to chain inet tt nowhere"));
        // The attribute that names the chain.
        assert_eq!(refusal.offset, Some(28), "{error}");
        assert_eq!(table::dump(&mut socket, None).unwrap(), []);
        // And the socket goes on.
        make(&mut socket, &cases());
        let before = judge();
        let again = commit(&mut socket, skeleton(), None).unwrap_err();
        assert_eq!(again.refusal_errno(), Some(libc::EEXIST), "{again}");
        assert_eq!(judge(), before);
        commit(&mut socket, Vec::new(), None).unwrap();
    });
}

#[test]
fn what_is_there_is_replaced_at_once() {
    in_new_netns("what_is_there_is_replaced_at_once", || {
        let mut socket = open();
        make(&mut socket, &cases());
        let before = generation::get(&mut socket).unwrap().id;
        let mut all = vec![table::delete(Family::Inet, TABLE).unwrap()];
        all.extend(skeleton());
        all.extend(requests(&cases()[3]));
        commit(&mut socket, all, Some(before)).unwrap();
        let content = nftables::read(&mut socket, Family::Inet, TABLE).unwrap().unwrap();
        assert_eq!((content.rules.len(), content.sets.len()), (1, 2));
        assert_eq!(content.generation, before + 1);
        // The rules of one chain go, and the sets that they used.
        commit(&mut socket, vec![rule::flush(Family::Inet, TABLE, "prerouting").unwrap()], None).unwrap();
        let content = nftables::read(&mut socket, Family::Inet, TABLE).unwrap().unwrap();
        assert_eq!((content.rules.len(), content.sets.len(), content.chains.len()), (0, 0, 3));
    });
}

#[test]
fn rules_that_changed_since_they_were_read_are_left_alone() {
    in_new_netns("rules_that_changed_since_they_were_read_are_left_alone", || {
        let mut socket = open();
        make(&mut socket, &cases());
        let read = generation::get(&mut socket).unwrap().id;
        super::nft("table ip foreign { }");
        let delete = || vec![table::delete(Family::Inet, TABLE).unwrap()];
        let error = commit(&mut socket, delete(), Some(read)).unwrap_err();
        // ERESTART, which programs do not see otherwise.
        assert_eq!(error.refusal_errno(), Some(85), "{error}");
        assert!(table::get(&mut socket, Family::Inet, TABLE).unwrap().is_some());
        let now = generation::get(&mut socket).unwrap().id;
        commit(&mut socket, delete(), Some(now)).unwrap();
        assert_eq!(table::dump(&mut socket, None).unwrap().len(), 1);
    });
}

#[test]
fn a_set_of_many_prefixes_is_filled_and_read() {
    in_new_netns("a_set_of_many_prefixes_is_filled_and_read", || {
        let mut socket = open();
        // Every other /24, and one range that has many of them.
        let mut ranges: Vec<_> = (0..20_000_u32)
            .map(|number| {
                let first = 0x0a00_0000 + number * 512;
                (first.to_be_bytes().to_vec(), (first + 255).to_be_bytes().to_vec())
            })
            .collect();
        ranges.push((vec![10, 1, 0, 0], vec![10, 9, 0, 0]));
        ranges.push((vec![0, 0, 0, 0], vec![0, 0, 0, 9]));
        ranges.push((vec![255, 0, 0, 0], vec![255; 4]));
        let set = NewSet { id: 3, key: KeyType::IPV4_ADDRESS, ranges };
        let into = Register::FIRST;
        let expressions = [
            Expression::Meta(Meta::load(MetaKey::Nfproto, into)),
            Expression::Cmp(nftables::Cmp::equal(into, [2])),
            Expression::Payload(Payload { base: PayloadBase::Network, offset: 12, length: 4, into }),
            Expression::Lookup(Lookup::of_batch(into, 3)),
            Expression::Notrack,
        ];
        let mut all = skeleton();
        all.extend(set.add(Family::Inet, TABLE).unwrap());
        all.push(rule::append(Family::Inet, TABLE, "output", &expressions, None).unwrap());
        commit(&mut socket, all, None).unwrap();
        let content = nftables::read(&mut socket, Family::Inet, TABLE).unwrap().unwrap();
        let (_, held) = content.sets.values().next().unwrap();
        let held = interval::ranges(held);
        assert!(held.len() > 15_000, "{}", held.len());
        assert_eq!(held, interval::merge(&set.ranges));
    });
}

#[test]
fn names_that_the_kernel_would_cut_are_refused() {
    for name in ["a\0b", "\0"] {
        assert!(table::add(Family::Inet, name, None).is_err());
        assert!(chain::add(Family::Inet, "a", name, None).is_err());
        assert!(rule::append(Family::Inet, "a", name, &[], None).is_err());
        let lookup =
            Lookup { set: name.to_owned(), set_id: None, register: Register::FIRST, into: None, is_inverted: false };
        assert!(rule::append(Family::Inet, "a", "b", &[Expression::Lookup(lookup)], None).is_err());
        let other = Expression::Other { name: name.to_owned(), data: Vec::new() };
        assert!(rule::append(Family::Inet, "a", "b", &[other], None).is_err());
    }
}
