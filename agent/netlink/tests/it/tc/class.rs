use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::class::Class;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::class::Kind;
use trimtab_netlink::tc::class::NewClass;
use trimtab_netlink::tc::class::delete;
use trimtab_netlink::tc::class::dump;
use trimtab_netlink::tc::qdisc;

use super::ifb;
use super::open;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const ROOT: Handle = Handle::new(1, 0);
const TEN: Handle = Handle::new(1, 0x10);

fn with_htb(socket: &mut RequestSocket) -> u32 {
    let interface = ifb(socket, "tt-a");
    run("tc qdisc add dev tt-a root handle 1: htb default 10");
    interface
}

fn one(socket: &mut RequestSocket, interface: u32, handle: Handle) -> Class {
    dump(socket, interface).unwrap().into_iter().find(|class| class.handle == handle).unwrap()
}

/// What tc(8) says, which tells classes in words only.
fn judge(interface: &str) -> Vec<String> {
    run(&format!("tc -d class show dev {interface}")).lines().map(str::to_owned).collect()
}

/// What follows `tc class add dev X parent 1: classid 1:10 htb`, and the same as a value. tc(8) cuts
/// times to whole microseconds, so bursts are such that this makes no difference.
fn cases() -> Vec<(&'static str, HtbClass)> {
    let rates = |rate, ceil, burst, cburst| HtbClass {
        ceil: Rate::bytes(ceil),
        cburst,
        ..HtbClass::with(Rate::bytes(rate), burst)
    };
    let overhead = |rate| Rate { overhead: 20, mpu: 64, ..Rate::bytes(rate) };
    vec![
        ("rate 1mbit burst 10k cburst 10k", HtbClass::with(Rate::bytes(125_000), 10 << 10)),
        ("rate 3kbit ceil 10mbit burst 1600 cburst 20k", rates(375, 1_250_000, 1600, 20 << 10)),
        (
            "rate 1gbit ceil 50gbit burst 1000000 cburst 10000000 quantum 60000 prio 3",
            HtbClass { quantum: Some(60_000), prio: 3, ..rates(125_000_000, 6_250_000_000, 1_000_000, 10_000_000) },
        ),
        (
            "rate 40gbit ceil 100gbit burst 5000000 cburst 12500000 prio 7",
            HtbClass { prio: 7, ..rates(5_000_000_000, 12_500_000_000, 5_000_000, 12_500_000) },
        ),
        (
            "rate 1mbit ceil 2mbit burst 10k cburst 10k overhead 20 mpu 64",
            HtbClass { rate: overhead(125_000), ceil: overhead(250_000), ..rates(0, 0, 10 << 10, 10 << 10) },
        ),
    ]
}

#[test]
fn each_class_is_the_same_by_tc_and_by_us() {
    in_new_netns("each_class_is_the_same_by_tc_and_by_us", || {
        let mut socket = open();
        let interface = with_htb(&mut socket);
        for (line, htb) in cases() {
            run(&format!("tc class add dev tt-a parent 1: classid 1:10 htb {line}"));
            let theirs = one(&mut socket, interface, TEN);
            let shown = judge("tt-a");
            assert_eq!(theirs.kind.differs(&Kind::Htb(htb)), Vec::<&str>::new(), "{line}: {theirs:?}");
            socket.acknowledged(delete(interface, TEN)).unwrap();
            assert_eq!(dump(&mut socket, interface).unwrap(), []);
            for new in [NewClass::htb(interface, ROOT, TEN, htb), NewClass::of(&theirs)] {
                socket.acknowledged(new.add().unwrap()).unwrap();
                let ours = one(&mut socket, interface, TEN);
                assert_eq!((ours.parent, ours.leaf), (Handle::ROOT, None));
                assert_eq!(ours.kind.differs(&new.kind), Vec::<&str>::new(), "{line}: {ours:?}");
                assert_eq!(ours.kind.differs(&theirs.kind), Vec::<&str>::new(), "{line}: {ours:?}");
                // tc(8) shows what it read in nanoseconds, and of a burst what is left of that.
                assert_eq!(judge("tt-a"), shown, "{line}");
                socket.acknowledged(delete(interface, TEN)).unwrap();
            }
        }
    });
}

#[test]
fn a_tree_is_made_changed_and_taken_down() {
    in_new_netns("a_tree_is_made_changed_and_taken_down", || {
        let mut socket = open();
        let interface = with_htb(&mut socket);
        let top = Handle::new(1, 1);
        let htb = |rate| HtbClass::with(Rate::bytes(rate), 10_000);
        let parent = NewClass::htb(interface, ROOT, top, HtbClass { prio: 2, ..htb(1_000_000) });
        let child = NewClass::htb(interface, top, TEN, htb(500_000));
        for new in [&parent, &child] {
            socket.acknowledged(new.add().unwrap()).unwrap();
        }
        run("tc qdisc add dev tt-a parent 1:10 handle 10: pfifo limit 9");
        let (above, below) = (one(&mut socket, interface, top), one(&mut socket, interface, TEN));
        assert_eq!(
            (above.parent, above.leaf, below.parent, below.leaf),
            (Handle::ROOT, None, top, Some(Handle::new(0x10, 0)))
        );
        let level = |class: &Class| match class.kind {
            Kind::Htb(HtbClass { level, .. }) => level,
            Kind::Implied { .. } | Kind::Other { .. } => panic!("{class:?}"),
        };
        assert!(level(&above) > 0 && level(&below) == 0, "{above:?} {below:?}");
        // Read back and made again it is the same class at the same place.
        assert_eq!((NewClass::of(&above).parent, NewClass::of(&below).parent), (ROOT, top));

        let faster = NewClass { kind: Kind::Htb(HtbClass { prio: 1, ..htb(700_000) }), ..child.clone() };
        socket.acknowledged(faster.change().unwrap()).unwrap();
        let now = one(&mut socket, interface, TEN);
        assert!(now.kind.differs(&faster.kind).is_empty() && now.leaf == below.leaf, "{now:?}");
        assert_eq!(now.kind.differs(&child.kind), ["rate", "ceil", "prio"]);
        // What has classes below it has a prio that counts for nothing and stays as it was.
        let other = NewClass { kind: Kind::Htb(HtbClass { prio: 5, ..htb(900_000) }), ..parent.clone() };
        socket.acknowledged(other.replace().unwrap()).unwrap();
        assert!(one(&mut socket, interface, top).kind.differs(&other.kind).is_empty());

        let busy = socket.acknowledged(delete(interface, top)).unwrap_err();
        assert_eq!(busy.refusal_errno(), Some(libc::EBUSY));
        assert!(busy.to_string().contains("delete class 1:1"), "{busy}");
        for handle in [TEN, top] {
            socket.acknowledged(delete(interface, handle)).unwrap();
        }
        assert_eq!(dump(&mut socket, interface).unwrap(), []);
        let leaves = qdisc::dump(&mut socket).unwrap().into_iter().filter(|qdisc| qdisc.interface == interface);
        assert_eq!(leaves.count(), 1);
    });
}

#[test]
fn refusals_are_in_the_kernels_words() {
    in_new_netns("refusals_are_in_the_kernels_words", || {
        let mut socket = open();
        let interface = with_htb(&mut socket);
        let new = |parent, handle| NewClass::htb(interface, parent, handle, HtbClass::with(Rate::bytes(1000), 2000));
        socket.acknowledged(new(ROOT, TEN).add().unwrap()).unwrap();
        let mut errno = |request| socket.acknowledged(request).unwrap_err().refusal_errno().unwrap();
        assert_eq!(errno(new(ROOT, TEN).add().unwrap()), libc::EEXIST);
        assert_eq!(errno(new(ROOT, Handle::new(1, 0x20)).change().unwrap()), libc::ENOENT);
        assert_eq!(errno(new(Handle::new(7, 0), Handle::new(7, 1)).add().unwrap()), libc::ENOENT);
        let nothing = NewClass::htb(interface, ROOT, Handle::new(1, 0x20), HtbClass::default());
        assert_eq!(errno(nothing.add().unwrap()), libc::EINVAL);
        assert_eq!(errno(delete(interface, Handle::new(1, 0x20))), libc::ENOENT);
        // The kernel takes an unknown parent for none.
        socket.acknowledged(new(Handle::new(1, 0x77), Handle::new(1, 0x30)).add().unwrap()).unwrap();
        assert_eq!(one(&mut socket, interface, Handle::new(1, 0x30)).parent, Handle::ROOT);
        assert_eq!(dump(&mut socket, 7777).unwrap(), []);
    });
}

#[test]
fn classes_that_come_with_their_discipline_are_listed() {
    in_new_netns("classes_that_come_with_their_discipline_are_listed", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        for (line, qdisc, count) in [("mq", "mq", 4), ("tbf rate 1mbit burst 10k limit 10k", "tbf", 1)] {
            run(&format!("tc qdisc add dev tt-a root handle 1: {line}"));
            let classes = dump(&mut socket, interface).unwrap();
            let handles: Vec<_> = classes.iter().map(|class| class.handle).collect();
            assert_eq!(handles, (1..=count).map(|minor| Handle::new(1, minor)).collect::<Vec<_>>());
            let implied = Kind::Implied { qdisc: qdisc.to_owned() };
            assert!(classes.iter().all(|class| class.kind == implied), "{classes:?}");
            let shown = judge("tt-a");
            assert_eq!(shown.len(), usize::from(count));
            run("tc qdisc delete dev tt-a root");
        }
    });
}
