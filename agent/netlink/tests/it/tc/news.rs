use std::time::Duration;

use trimtab_netlink::monitor::Change;
use trimtab_netlink::monitor::Heard;
use trimtab_netlink::monitor::Monitor;
use trimtab_netlink::monitor::News;
use trimtab_netlink::monitor::Topic;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::class::NewClass;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::filter::Filter;
use trimtab_netlink::tc::filter::IPV4;
use trimtab_netlink::tc::filter::Key;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::filter::Selector;
use trimtab_netlink::tc::filter::U32;
use trimtab_netlink::tc::qdisc;
use trimtab_netlink::tc::qdisc::Fifo;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::NewQdisc;

use super::ifb;
use super::open;
use crate::namespace::in_new_netns;
use crate::namespace::run;

fn news(monitor: &mut Monitor) -> Vec<(Option<u32>, tc::Change)> {
    let mut all = Vec::new();
    while monitor.wait(Duration::from_millis(200)).unwrap() {
        match monitor.read().unwrap() {
            News::Idle => (),
            News::Overrun => panic!("overrun"),
            News::Changes(changes) => all.extend(changes.into_iter().map(Result::unwrap)),
        }
    }
    let change = |heard: Heard| match heard.change {
        Change::TrafficControl(change) => (heard.requester, change),
        Change::Link(_) | Change::Address(_) | Change::Netconf(_) => panic!("{heard:?}"),
    };
    all.into_iter().map(change).collect()
}

#[test]
fn queueing_disciplines_that_come_change_and_go_are_heard_of() {
    in_new_netns("queueing_disciplines_that_come_change_and_go_are_heard_of", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        let mut monitor = Monitor::open(1 << 20, &[Topic::TrafficControl]).unwrap();
        let one = Handle::new(1, 0);
        let pfifo = |limit| Kind::Pfifo(Fifo { limit: Some(limit) });
        let new = |handle, kind| NewQdisc::at(interface, Handle::ROOT, handle, kind);
        let mut heard = |socket: &mut RequestSocket| {
            let ours = Some(socket.port());
            let told = news(&mut monitor).into_iter().map(move |(requester, change)| match change {
                tc::Change::Qdisc(qdisc::Change::Set(qdisc)) => (requester == ours, true, qdisc.handle, qdisc.kind),
                tc::Change::Qdisc(qdisc::Change::Gone(qdisc)) => (requester == ours, false, qdisc.handle, qdisc.kind),
                tc::Change::Class(_) | tc::Change::Filter(_) => panic!("{change:?}"),
            });
            told.collect::<Vec<_>>()
        };
        socket.acknowledged(new(one, pfifo(10)).add().unwrap()).unwrap();
        assert_eq!(heard(&mut socket), [(true, false, Handle::NONE, Kind::Mq), (true, true, one, pfifo(10))]);
        run("tc qdisc change dev tt-a root handle 1: pfifo limit 20");
        assert_eq!(heard(&mut socket), [(false, true, one, pfifo(20))]);
        let two = Handle::new(2, 0);
        socket.acknowledged(new(two, pfifo(30)).replace().unwrap()).unwrap();
        assert_eq!(heard(&mut socket), [(true, false, one, pfifo(20)), (true, true, two, pfifo(30))]);
        // That the default is there again is not told.
        run("tc qdisc delete dev tt-a root");
        assert_eq!(heard(&mut socket), [(false, false, two, pfifo(30))]);
    });
}

#[test]
fn classes_that_come_change_and_go_are_heard_of() {
    in_new_netns("classes_that_come_change_and_go_are_heard_of", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("tc qdisc add dev tt-a root handle 1: htb");
        let mut monitor = Monitor::open(1 << 20, &[Topic::TrafficControl]).unwrap();
        let handle = Handle::new(1, 0x10);
        let new = |rate| {
            let htb = HtbClass { quantum: Some(1500), ..HtbClass::with(Rate::bytes(rate), 2000) };
            NewClass::htb(interface, Handle::new(1, 0), handle, htb)
        };
        let requests = [
            (true, new(1000).add().unwrap()),
            (true, new(2000).change().unwrap()),
            (false, class::delete(interface, handle)),
        ];
        for (is_there, request) in requests {
            socket.acknowledged(request).unwrap();
            let told = news(&mut monitor);
            let [(requester, tc::Change::Class(change))] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!(*requester, Some(socket.port()));
            match change {
                class::Change::Set(class) => {
                    assert!(is_there);
                    let now = class::dump(&mut socket, interface).unwrap();
                    assert_eq!(now.iter().map(|class| &class.kind).collect::<Vec<_>>(), [&class.kind]);
                }
                class::Change::Gone(class) => assert!(!is_there && class.handle == handle),
            }
        }
    });
}

#[test]
fn filters_that_come_and_go_are_heard_of() {
    in_new_netns("filters_that_come_and_go_are_heard_of", || {
        let mut socket = open();
        let interface = ifb(&mut socket, "tt-a");
        run("tc qdisc add dev tt-a clsact");
        let mut monitor = Monitor::open(1 << 20, &[Topic::TrafficControl]).unwrap();
        let filter = U32 { selector: Selector::of(vec![Key::at(16, 10 << 24, 0xff << 24)]), ..U32::default() };
        let parent = Handle::CLSACT_INGRESS;
        let handle = U32::handle(0x800, 0, 1).unwrap();
        let new = NewFilter { interface, parent, priority: 5, protocol: IPV4, handle, kind: filter::Kind::U32(filter) };
        let name = |filter: &Filter| (filter.parent, filter.priority, filter.protocol, filter.handle);
        let expected = (parent, 5, IPV4, handle.get());
        socket.acknowledged(new.add().unwrap()).unwrap();
        let told = news(&mut monitor);
        let [.., (requester, tc::Change::Filter(filter::Change::Set(filter)))] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!((*requester, name(filter)), (Some(socket.port()), expected));
        assert!(filter.kind.differs(&new.kind).is_empty(), "{filter:?}");
        socket.acknowledged(filter::delete(&new).unwrap()).unwrap();
        let told = news(&mut monitor);
        let gone = told.iter().filter_map(|(_, change)| match change {
            tc::Change::Filter(filter::Change::Gone(filter)) => Some(name(filter)),
            tc::Change::Qdisc(_) | tc::Change::Class(_) | tc::Change::Filter(_) => None,
        });
        assert!(gone.collect::<Vec<_>>().contains(&expected), "{told:?}");
        // All at once are told of as none in particular.
        socket.acknowledged(new.add().unwrap()).unwrap();
        news(&mut monitor);
        socket.acknowledged(filter::delete_all(interface, parent)).unwrap();
        let told = news(&mut monitor);
        let all = |change: &tc::Change| matches!(change, tc::Change::Filter(filter::Change::Gone(filter)) if filter.handle == 0);
        assert!(told.iter().any(|(_, change)| all(change)), "{told:?}");
    });
}
