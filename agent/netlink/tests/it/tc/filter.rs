use std::num::NonZeroU32;

use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::action;
use trimtab_netlink::tc::action::Action;
use trimtab_netlink::tc::action::Mirred;
use trimtab_netlink::tc::action::MirredTo;
use trimtab_netlink::tc::action::Police;
use trimtab_netlink::tc::action::Verdict;
use trimtab_netlink::tc::filter::ANY_PROTOCOL;
use trimtab_netlink::tc::filter::Filter;
use trimtab_netlink::tc::filter::Fw;
use trimtab_netlink::tc::filter::IPV4;
use trimtab_netlink::tc::filter::Key;
use trimtab_netlink::tc::filter::Kind;
use trimtab_netlink::tc::filter::Matchall;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::filter::Selector;
use trimtab_netlink::tc::filter::U32;
use trimtab_netlink::tc::filter::delete;
use trimtab_netlink::tc::filter::delete_all;
use trimtab_netlink::tc::filter::dump;

use super::ifb;
use super::open;
use super::said_unless_unknown;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const ROOT: Handle = Handle::new(1, 0);
const TEN: Handle = Handle::new(1, 0x10);

fn with_classes(socket: &mut RequestSocket) -> u32 {
    let interface = ifb(socket, "tt-a");
    run("tc qdisc add dev tt-a root handle 1: htb");
    run("tc class add dev tt-a parent 1: classid 1:10 htb rate 1mbit");
    interface
}

/// What tc(8) says without the numbers of actions, which the kernel gives out.
fn judge(interface: &str, parent: &str) -> Vec<String> {
    let said = run(&format!("tc -d filter show dev {interface} parent {parent}"));
    let without_number = |line: &str| match line.split_once("police 0x") {
        Some((before, after)) => {
            format!("{before}police{}", after.trim_start_matches(|of: char| of.is_ascii_hexdigit()))
        }
        None => line.to_owned(),
    };
    said.lines().filter(|line| !line.contains("index")).map(without_number).collect()
}

fn those_made(socket: &mut RequestSocket, interface: u32, parent: Handle) -> Vec<Filter> {
    let all = dump(socket, interface, parent).unwrap();
    all.into_iter().filter(|filter| matches!(filter.kind, Kind::U32(_) | Kind::Matchall(_) | Kind::Fw(_))).collect()
}

/// What follows `tc filter add dev X parent 1: protocol P prio 5 handle H`, H, and the same as a value; `other` is another interface.
pub fn cases(other: u32) -> Vec<(&'static str, &'static str, Kind)> {
    let u32 = |keys| U32 { class: Some(TEN), selector: Selector::of(keys), ..U32::default() };
    let udp = Key::at(8, 17 << 16, 0xff << 16);
    let with = |action: Action| U32 { class: None, actions: vec![action], ..u32(vec![Key::default()]) };
    let police = Police { conform: Verdict::Ok, mtu: Some(9000), ..Police::drop_above(Rate::bytes(125_000), 12_500) };
    let fast = Police { conform: Verdict::Pipe, ..Police::drop_above(Rate::bytes(6_250_000_000), 12_500_000) };
    let mirror = Mirred { to: MirredTo::EgressMirror, interface: other, verdict: Verdict::Pipe };
    let in_then_out = Mirred { to: MirredTo::IngressRedirect, ..Mirred::redirect(other) };
    let matchall = |class, actions| Kind::Matchall(Matchall { class, flags: 0, actions });
    let mut of_u32: Vec<(&str, Kind)> = [
        ("u32 match ip dst 10.0.0.0/8 flowid 1:10", u32(vec![Key::at(16, 10 << 24, 0xff << 24)])),
        ("u32 match ip protocol 17 0xff match ip dport 53 0xffff flowid 1:10", u32(vec![udp, Key::at(20, 53, 0xffff)])),
        ("u32 match ip dsfield 0xb8 0xfc flowid 1:10", u32(vec![Key::at(0, 0xb8 << 16, 0xfc << 16)])),
        ("u32 match mark 5 0xff flowid 1:10", U32 { mark: Some((5, 0xff)), ..u32(Vec::new()) }),
        ("u32 match u32 0 0 action mirred egress redirect dev tt-b", with(Action::redirect(other))),
        ("u32 match u32 0 0 action mirred egress mirror dev tt-b", with(Action::new(action::Kind::Mirred(mirror)))),
        (
            "u32 match u32 0 0 action mirred ingress redirect dev tt-b",
            with(Action::new(action::Kind::Mirred(in_then_out))),
        ),
        ("u32 match u32 0 0 action drop", with(Action::drop())),
        ("u32 match u32 0 0 flowid 1:10 action ok", U32 { class: Some(TEN), ..with(Action::pass()) }),
        (
            "u32 match u32 0 0 police rate 1mbit burst 12500 mtu 9000 drop flowid 1:10",
            U32 { class: Some(TEN), ..with(Action::police(police)) },
        ),
    ]
    .map(|(line, filter)| (line, Kind::U32(filter)))
    .to_vec();
    let mut all: Vec<_> = of_u32.drain(..).map(|(line, kind)| (line, "800::7", kind)).collect();
    all.extend([
        ("matchall action drop", "1", matchall(None, vec![Action::drop()])),
        ("matchall flowid 1:10", "1", matchall(Some(TEN), Vec::new())),
        (
            "matchall action police rate 50gbit burst 12500000 mtu 4294967295 conform-exceed drop/pipe \
             action mirred egress redirect dev tt-b",
            "1",
            matchall(None, vec![Action::police(fast), Action::redirect(other)]),
        ),
        ("fw classid 1:10", "5", Kind::Fw(Fw { class: Some(TEN), ..Fw::default() })),
        ("fw classid 1:10", "5/0xff", Kind::Fw(Fw { class: Some(TEN), mask: Some(0xff), ..Fw::default() })),
    ]);
    all
}

fn number(handle: &str) -> NonZeroU32 {
    match handle {
        "800::7" => U32::handle(0x800, 0, 7),
        handle => NonZeroU32::new(handle.split('/').next().unwrap().parse().unwrap()),
    }
    .unwrap()
}

#[test]
fn each_filter_is_the_same_by_tc_and_by_us() {
    let test = "each_filter_is_the_same_by_tc_and_by_us";
    in_new_netns(test, move || {
        let mut socket = open();
        let interface = with_classes(&mut socket);
        let other = ifb(&mut socket, "tt-b");
        let mut seen = 0;
        for (line, handle, kind) in cases(other) {
            let place = "tc filter add dev tt-a parent 1: protocol ip prio 5 handle";
            if !said_unless_unknown(test, &format!("{place} {handle} {line}")) {
                run("tc filter delete dev tt-a parent 1:");
                continue;
            }
            let theirs = those_made(&mut socket, interface, ROOT).remove(0);
            if line.contains("match mark") && theirs.kind.differs(&kind) == ["mark"] {
                eprintln!("{test} does without `{line}`: this kernel takes marks and forgets them");
                run("tc filter delete dev tt-a parent 1:");
                continue;
            }
            assert_eq!(theirs.kind.differs(&kind), Vec::<&str>::new(), "{line}: {theirs:?}");
            let shown = judge("tt-a", "1:");
            socket.acknowledged(delete_all(interface, ROOT)).unwrap();
            assert_eq!(dump(&mut socket, interface, ROOT).unwrap(), [], "{line}");
            let handle = number(handle);
            let asked = NewFilter { interface, parent: ROOT, priority: 5, protocol: IPV4, handle, kind };
            for new in [asked, NewFilter::of(&theirs).unwrap()] {
                socket.acknowledged(new.add().unwrap()).unwrap();
                let ours = those_made(&mut socket, interface, ROOT).remove(0);
                assert_eq!(ours.kind.differs(&new.kind), Vec::<&str>::new(), "{line}: {ours:?}");
                let place = (ours.parent, ours.priority, ours.protocol, ours.handle);
                assert_eq!(place, (ROOT, 5, IPV4, handle.get()), "{line}");
                // tc(8) names a policer of its own otherwise than one in a list of actions.
                if !line.contains(" police rate 1mbit") {
                    assert_eq!(judge("tt-a", "1:"), shown, "{line}");
                }
                socket.acknowledged(delete(&new).unwrap()).unwrap();
                assert_eq!(those_made(&mut socket, interface, ROOT), [], "{line}");
                socket.acknowledged(delete_all(interface, ROOT)).unwrap();
            }
            seen += 1;
        }
        assert!(seen >= 6, "{seen}");
    });
}

#[test]
fn replaced_twice_a_filter_is_there_once() {
    in_new_netns("replaced_twice_a_filter_is_there_once", || {
        let mut socket = open();
        let interface = with_classes(&mut socket);
        // The trap: what has no name is there as often as it was asked for.
        for _ in 0..2 {
            run("tc filter replace dev tt-a parent 1: protocol ip prio 5 u32 match ip dst 10.0.0.0/8 flowid 1:10");
        }
        assert_eq!(those_made(&mut socket, interface, ROOT).len(), 2);
        socket.acknowledged(delete_all(interface, ROOT)).unwrap();

        let kind = |network: u32| {
            let selector = Selector::of(vec![Key::at(16, network << 24, 0xff << 24)]);
            Kind::U32(U32 { class: Some(TEN), selector, ..U32::default() })
        };
        let new = |priority, handle: Option<NonZeroU32>, kind| {
            let handle = handle.unwrap();
            NewFilter { interface, parent: ROOT, priority, protocol: IPV4, handle, kind }
        };
        let first = new(5, U32::handle(0x800, 0, 7), kind(10));
        // The table of the next priority has the next number; made, a filter need not know it.
        let next = new(6, U32::handle(0, 0, 7), kind(11));
        let known = new(6, U32::handle(0x801, 0, 7), kind(12));
        for new in [&first, &first, &next, &known] {
            socket.acknowledged(new.replace().unwrap()).unwrap();
        }
        let there = those_made(&mut socket, interface, ROOT);
        let names: Vec<_> = there.iter().map(|filter| (filter.priority, filter.handle)).collect();
        assert_eq!(names, [(5, first.handle.get()), (6, known.handle.get())]);
        assert_eq!(there[0].kind.differs(&first.kind), Vec::<&str>::new());
        assert_eq!(there[1].kind.differs(&known.kind), ["selector"]);
        // Of u32 the kernel changes where packets go and what becomes of them, and never which: that is another filter.
        let elsewhere = Kind::U32(U32 { class: Some(Handle::new(1, 0x20)), ..U32::default() });
        run("tc class add dev tt-a parent 1: classid 1:20 htb rate 1mbit");
        socket.acknowledged(NewFilter { kind: elsewhere, ..first.clone() }.change().unwrap()).unwrap();
        assert_eq!(those_made(&mut socket, interface, ROOT)[0].kind.differs(&first.kind), ["class"]);
        let exists = socket.acknowledged(first.add().unwrap()).unwrap_err();
        assert_eq!(exists.refusal_errno(), Some(libc::EEXIST));
        let missing = socket.acknowledged(new(5, U32::handle(0x800, 0, 9), kind(1)).change().unwrap()).unwrap_err();
        assert_eq!(missing.refusal_errno(), Some(libc::ENOENT));
    });
}

#[test]
fn both_places_of_clsact_have_filters_of_their_own() {
    in_new_netns("both_places_of_clsact_have_filters_of_their_own", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        let other = ifb(&mut socket, "tt-b");
        run("tc qdisc add dev tt-a clsact");
        let new = |parent, priority, node| {
            let filter = U32 {
                selector: Selector::of(vec![Key::default()]),
                actions: vec![Action::redirect(other)],
                ..U32::default()
            };
            let handle = U32::handle(0, 0, node).unwrap();
            NewFilter { interface, parent, priority, protocol: ANY_PROTOCOL, handle, kind: Kind::U32(filter) }
        };
        let (ingress, egress) = (new(Handle::CLSACT_INGRESS, 5, 1), new(Handle::CLSACT_EGRESS, 6, 2));
        for new in [&ingress, &egress] {
            socket.acknowledged(new.add().unwrap()).unwrap();
            let there = those_made(&mut socket, interface, new.parent);
            assert_eq!(there.len(), 1);
            assert_eq!((there[0].parent, there[0].handle & 0xfff), (new.parent, new.handle.get()));
            assert!(there[0].kind.differs(&new.kind).is_empty());
        }
        assert_eq!(dump(&mut socket, 7777, ROOT).unwrap(), []);
        socket.acknowledged(delete_all(interface, egress.parent)).unwrap();
        assert_eq!(those_made(&mut socket, interface, egress.parent), []);
        assert_eq!(those_made(&mut socket, interface, ingress.parent).len(), 1);
        // The trap: those of one priority are listed at either place.
        socket.acknowledged(new(Handle::CLSACT_EGRESS, 5, 2).add().unwrap()).unwrap();
        assert_eq!(those_made(&mut socket, interface, ingress.parent).len(), 2);
        socket.acknowledged(delete_all(interface, egress.parent)).unwrap();
        // What it sent to is gone, and nobody tells.
        run("ip link delete tt-b");
        let there = those_made(&mut socket, interface, ingress.parent).remove(0);
        let Kind::U32(U32 { actions, .. }) = &there.kind else { panic!("{there:?}") };
        assert_eq!(actions[0].kind, action::Kind::Mirred(Mirred::redirect(0)));
    });
}

#[test]
fn refusals_are_in_the_kernels_words() {
    in_new_netns("refusals_are_in_the_kernels_words", || {
        let mut socket = open();
        let interface = with_classes(&mut socket);
        let filter = U32 { selector: Selector::of(vec![Key::default()]), ..U32::default() };
        let handle = U32::handle(0x800, 0, 1).unwrap();
        let new = NewFilter { interface, parent: ROOT, priority: 5, protocol: IPV4, handle, kind: Kind::U32(filter) };
        let mut told = |new: &NewFilter| socket.acknowledged(new.add().unwrap()).unwrap_err().to_string();
        let unknown = NewFilter { kind: Kind::Other { name: "tt-none".into(), options: Vec::new() }, ..new.clone() };
        assert!(told(&unknown).contains("TC classifier not found"));
        let error = told(&NewFilter { parent: Handle::new(7, 0), ..new.clone() });
        assert!(error.contains("add filter u32 80000001 of priority 5 at 7:"), "{error}");
        let action = Action::new(action::Kind::Other { name: "tt-none".into(), options: Vec::new() });
        let with = U32 { selector: Selector::of(vec![Key::default()]), actions: vec![action], ..U32::default() };
        let error = told(&NewFilter { kind: Kind::U32(with), ..new });
        assert!(error.contains("Failed to load TC action module"), "{error}");
    });
}
