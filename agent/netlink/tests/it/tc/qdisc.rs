use std::collections::BTreeSet;

use trimtab_netlink::link;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::Settings;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::qdisc::Fifo;
use trimtab_netlink::tc::qdisc::FqCodel;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::NewQdisc;
use trimtab_netlink::tc::qdisc::delete;
use trimtab_netlink::tc::qdisc::dump;
use trimtab_netlink::tc::qdisc::get;

use super::at;
use super::cases;
use super::ifb;
use super::judge;
use super::open;
use super::said_unless_unknown;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const ONE: Handle = Handle::new(1, 0);

fn is_known(test: &str, line: &str) -> bool {
    said_unless_unknown(test, &format!("tc qdisc add dev tt-a root handle 1: {line}"))
}

#[test]
fn each_kind_is_the_same_by_tc_and_by_us() {
    let test = "each_kind_is_the_same_by_tc_and_by_us";
    in_new_netns(test, move || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        let mut seen = BTreeSet::new();
        for (line, kind) in cases::roots() {
            if !is_known(test, line) {
                continue;
            }
            // What tc(8) made we read as meant.
            let theirs = at(&mut socket, interface, Handle::ROOT);
            assert_eq!(theirs.kind.differs(&kind), Vec::<&str>::new(), "{line}: {theirs:?}");
            assert_eq!((theirs.handle, theirs.kind.name()), (ONE, kind.name()));
            let shown = judge("qdisc show dev tt-a root");
            socket.acknowledged(delete(interface, Handle::ROOT, ONE)).unwrap();
            // What we make, as meant and as it was read, tc(8) shows as its own.
            for new in [NewQdisc::at(interface, Handle::ROOT, ONE, kind), NewQdisc::of(&theirs)] {
                socket.acknowledged(new.add().unwrap()).unwrap();
                let ours = at(&mut socket, interface, Handle::ROOT);
                assert_eq!(ours.kind.differs(&new.kind), Vec::<&str>::new(), "{line}: {ours:?}");
                // One of sfq that is asked for with a limit has no more flows than that.
                let has_fewer = matches!((&ours.kind, &theirs.kind), (Kind::Sfq(ours), Kind::Sfq(theirs)) if ours.flows < theirs.flows);
                if !has_fewer {
                    assert_eq!(judge("qdisc show dev tt-a root"), shown, "{line}");
                }
                assert_eq!(ours.kind.differs(&theirs.kind), Vec::<&str>::new(), "{line}: {ours:?}");
                socket.acknowledged(delete(interface, Handle::ROOT, ONE)).unwrap();
            }
            seen.insert(theirs.kind.name().to_owned());
        }
        assert!(seen.len() >= 5, "{seen:?}");
    });
}

#[test]
fn defaults_are_told_apart_from_what_somebody_made() {
    in_new_netns("defaults_are_told_apart_from_what_somebody_made", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("ip link add tt-b type bridge");
        run("ip link set tt-b up");
        run("tc qdisc add dev tt-b root noqueue");
        let all = dump(&mut socket).unwrap();
        // All interfaces in one request, the first of this socket's after those that made one.
        assert!(all.iter().any(|qdisc| qdisc.interface != interface));
        let mut ours: Vec<_> = all.iter().filter(|qdisc| qdisc.interface == interface).collect();
        ours.sort_by_key(|qdisc| (qdisc.parent.minor(), qdisc.parent));
        assert!(ours.iter().all(|qdisc| qdisc.is_default()), "{ours:?}");
        let root = ours.iter().find(|qdisc| qdisc.parent == Handle::ROOT).unwrap();
        assert_eq!(root.kind, Kind::Mq);
        let queues: Vec<_> =
            ours.iter().filter(|qdisc| qdisc.parent != Handle::ROOT).map(|qdisc| qdisc.parent).collect();
        assert_eq!(queues, [1, 2, 3, 4].map(|minor| Handle::new(0, minor)));
        // Nobody can delete what the kernel attached.
        let refused = socket.acknowledged(delete(interface, Handle::ROOT, Handle::NONE)).unwrap_err();
        assert_eq!(refused.refusal_errno(), Some(libc::ENOENT));
        assert!(refused.to_string().contains("delete qdisc 0: at root"), "{refused}");
        // Whoever makes mq gets it under a name of its own, and its queues with it.
        let new = NewQdisc::at(interface, Handle::ROOT, ONE, Kind::Mq);
        socket.acknowledged(new.add().unwrap()).unwrap();
        let mine = at(&mut socket, interface, Handle::ROOT);
        assert_eq!((mine.handle, mine.is_default()), (ONE, false));
        let leaf =
            NewQdisc::at(interface, Handle::new(1, 3), Handle::new(0x30, 0), Kind::Bfifo(Fifo { limit: Some(9999) }));
        socket.acknowledged(leaf.replace().unwrap()).unwrap();
        assert_eq!(at(&mut socket, interface, Handle::new(1, 3)).kind, leaf.kind);
        assert_eq!(judge("qdisc show dev tt-a parent 1:3")[0]["options"]["limit"], 9999);
    });
}

#[test]
fn what_the_kernel_put_into_a_class_is_listed_too() {
    in_new_netns("what_the_kernel_put_into_a_class_is_listed_too", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("tc qdisc add dev tt-a root handle 1: htb");
        run("tc class add dev tt-a parent 1: classid 1:10 htb rate 1mbit");
        let leaf = at(&mut socket, interface, Handle::new(1, 0x10));
        assert_eq!((leaf.is_default(), leaf.kind), (true, Kind::Pfifo(Fifo { limit: Some(123) })));
        assert_eq!(judge("qdisc show dev tt-a").len(), 1);
        assert_eq!(judge("qdisc show dev tt-a invisible").len(), 2);
    });
}

#[test]
fn nothing_is_told_where_nothing_is() {
    in_new_netns("nothing_is_told_where_nothing_is", || {
        let mut socket = open();
        // Never up, it has no queue.
        run("ip link add tt-a type veth peer name tt-b");
        let interface = link::get_by_name(&mut socket, "tt-a").unwrap().index;
        for parent in [Handle::ROOT, Handle::INGRESS, Handle::new(1, 2)] {
            assert_eq!(get(&mut socket, interface, parent).unwrap(), None, "{parent}");
        }
        assert!(get(&mut socket, 7777, Handle::ROOT).unwrap_err().is_gone());
    });
}

#[test]
fn ingress_and_clsact_share_a_place() {
    in_new_netns("ingress_and_clsact_share_a_place", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        let new = |kind| NewQdisc::at(interface, Handle::INGRESS, Handle::INGRESS_QDISC, kind);
        for (line, kind) in [("ingress", Kind::Ingress), ("clsact", Kind::Clsact)] {
            run(&format!("tc qdisc add dev tt-a {line}"));
            let theirs = at(&mut socket, interface, Handle::INGRESS);
            let shown = judge("qdisc show dev tt-a ingress");
            assert_eq!((&theirs.kind, theirs.handle), (&kind, Handle::INGRESS_QDISC));
            socket.acknowledged(delete(interface, Handle::INGRESS, Handle::INGRESS_QDISC)).unwrap();
            socket.acknowledged(new(kind).add().unwrap()).unwrap();
            assert_eq!(judge("qdisc show dev tt-a ingress"), shown);
            assert_eq!(at(&mut socket, interface, Handle::INGRESS), theirs);
            socket.acknowledged(delete(interface, Handle::INGRESS, Handle::NONE)).unwrap();
        }
        // Blocks of filters are the interface's own unless it is said.
        let shared = NewQdisc { ingress_block: Some(7), egress_block: Some(8), ..new(Kind::Clsact) };
        socket.acknowledged(shared.add().unwrap()).unwrap();
        let shown = at(&mut socket, interface, Handle::INGRESS);
        assert_eq!(NewQdisc::of(&shown), shared);
        assert_eq!(judge("qdisc show dev tt-a ingress")[0]["ingress_block"], 7);
        let other = socket.acknowledged(new(Kind::Ingress).add().unwrap()).unwrap_err();
        assert_eq!(other.refusal_errno(), Some(libc::EEXIST));
    });
}

#[test]
fn what_can_change_is_changed_in_place_and_nothing_else() {
    in_new_netns("what_can_change_is_changed_in_place_and_nothing_else", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        for (line, kind) in cases::roots() {
            if !is_known("what_can_change_is_changed_in_place_and_nothing_else", line) {
                continue;
            }
            // How many flows there are is settled once.
            let is_fixed = matches!(&kind, Kind::FqCodel(FqCodel { flows: Some(_), .. }));
            let kind = if is_fixed { Kind::FqCodel(FqCodel::default()) } else { kind };
            let new = NewQdisc::at(interface, Handle::ROOT, ONE, kind);
            match socket.acknowledged(new.change().unwrap()) {
                Ok(_) => assert_eq!(new.kind.can_change(), Some(true), "{line}"),
                Err(error) => {
                    assert!(error.to_string().contains("Change operation not supported"), "{line}: {error}");
                    assert_eq!(new.kind.can_change(), Some(false), "{line}");
                }
            }
            let differs = at(&mut socket, interface, Handle::ROOT).kind.differs(&new.kind);
            assert_eq!(differs, Vec::<&str>::new(), "{line}");
            socket.acknowledged(delete(interface, Handle::ROOT, ONE)).unwrap();
        }
    });
}

#[test]
fn refusals_are_in_the_kernels_words() {
    in_new_netns("refusals_are_in_the_kernels_words", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        let new = |handle, kind| NewQdisc::at(interface, Handle::ROOT, handle, kind);
        let pfifo = Kind::Pfifo(Fifo::default());
        socket.acknowledged(new(ONE, pfifo.clone()).add().unwrap()).unwrap();
        let mut told = |request| socket.acknowledged(request).unwrap_err();
        let unknown =
            told(new(Handle::new(2, 0), Kind::Other { name: "tt-none".into(), options: None }).replace().unwrap());
        assert!(unknown.to_string().contains("Specified qdisc kind is unknown"), "{unknown}");
        let exists = told(new(Handle::new(2, 0), pfifo.clone()).add().unwrap());
        assert_eq!(exists.refusal_errno(), Some(libc::EEXIST));
        // Of another kind under the same name.
        let other = told(new(ONE, Kind::Bfifo(Fifo::default())).replace().unwrap());
        assert_eq!(other.refusal_errno(), Some(libc::EINVAL));
        assert!(other.to_string().contains("replace bfifo 1: at root: Invalid qdisc name"), "{other}");
        let missing = told(new(Handle::new(3, 0), pfifo).change().unwrap());
        assert!(missing.refusal_errno().is_some(), "{missing}");
        let gone = told(NewQdisc::at(7777, Handle::ROOT, ONE, Kind::Mq).add().unwrap());
        assert!(gone.is_gone(), "{gone}");
    });
}

#[test]
fn those_of_a_thousand_interfaces_are_one_request() {
    in_new_netns("those_of_a_thousand_interfaces_are_one_request", || {
        let mut socket = open();
        for number in 0..500 {
            let (name, peer) = (format!("tt-{number}"), format!("tt-{}", number + 500));
            let settings = Settings { up: Some(true), ..Settings::default() };
            let new = NewLink { settings, ..NewLink::named(&name, link::Kind::Veth { peer: &peer }) };
            link::add(&mut socket, &new).unwrap();
        }
        for link in link::dump(&mut socket).unwrap() {
            link::set(&mut socket, link.index, &Settings { up: Some(true), ..Settings::default() }).unwrap();
        }
        let mut fresh = open();
        let shown = dump(&mut fresh).unwrap();
        // Each request takes a number, the first number 1.
        assert!(format!("{fresh:?}").contains("sequence: 1 }"), "{fresh:?}");
        let interfaces: BTreeSet<_> = shown.iter().map(|qdisc| qdisc.interface).collect();
        // And lo.
        assert_eq!((interfaces.len(), shown.len()), (1001, 1001));
        assert!(shown.iter().all(|qdisc| qdisc.kind == Kind::Noqueue && qdisc.is_default()));
    });
}
