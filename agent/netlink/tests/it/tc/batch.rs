use trimtab_netlink::Error;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::class::NewClass;
use trimtab_netlink::tc::qdisc;
use trimtab_netlink::tc::qdisc::Fifo;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::NewQdisc;

use super::ifb;
use super::open;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const ROOT: Handle = Handle::new(1, 0);

fn class(interface: u32, minor: u16) -> NewClass {
    NewClass::htb(interface, ROOT, Handle::new(1, minor), HtbClass::with(Rate::bytes(125_000), 10_000))
}

#[test]
fn a_tree_of_a_thousand_classes_is_made_at_once() {
    in_new_netns("a_tree_of_a_thousand_classes_is_made_at_once", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("tc qdisc add dev tt-a root handle 1: htb");
        let mut requests = Vec::new();
        for minor in 1..=1000 {
            requests.push(class(interface, minor).add().unwrap());
            let kind = Kind::Pfifo(Fifo { limit: Some(u32::from(minor)) });
            let leaf = NewQdisc::at(interface, Handle::new(1, minor), Handle::new(0x1000 + minor, 0), kind);
            requests.push(leaf.add().unwrap());
        }
        let answers = socket.batch(requests);
        assert_eq!(answers.len(), 2000);
        for answer in answers {
            answer.unwrap();
        }
        let classes = class::dump(&mut socket, interface).unwrap();
        assert_eq!(classes.len(), 1000);
        for class in classes {
            assert_eq!(class.leaf, Some(Handle::new(0x1000 + class.handle.minor(), 0)));
        }
        let leaves = qdisc::dump(&mut socket).unwrap();
        assert_eq!(leaves.iter().filter(|leaf| leaf.interface == interface).count(), 1001);
        // And taken down again.
        let answers = socket.batch((1..=1000).map(|minor| class::delete(interface, Handle::new(1, minor))).collect());
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(class::dump(&mut socket, interface).unwrap(), []);
    });
}

#[test]
fn the_one_that_is_refused_is_named_and_the_others_are_done() {
    in_new_netns("the_one_that_is_refused_is_named_and_the_others_are_done", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("tc qdisc add dev tt-a root handle 1: htb");
        let mut requests: Vec<_> = (1..=9).map(|minor| class(interface, minor).add().unwrap()).collect();
        requests[4] =
            NewClass { parent: Handle::new(7, 0), handle: Handle::new(7, 5), ..class(interface, 5) }.add().unwrap();
        let answers = socket.batch(requests);
        let refused: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).collect();
        let [(4, Err(error @ Error::Refused(refusal)))] = refused.as_slice() else { panic!("{refused:?}") };
        assert!(error.to_string().contains("add htb class 7:5 below 7:"), "{error}");
        assert_eq!(refusal.errno, libc::ENOENT);
        assert_eq!(class::dump(&mut socket, interface).unwrap().len(), 8);
    });
}
