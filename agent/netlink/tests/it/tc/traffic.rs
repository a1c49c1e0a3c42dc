//! What is set does what it says, by the kernel's own counters.
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::Rate;
use trimtab_netlink::tc::Statistics;
use trimtab_netlink::tc::action::Action;
use trimtab_netlink::tc::action::Police;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::class::HtbClass;
use trimtab_netlink::tc::class::NewClass;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::filter::ANY_PROTOCOL;
use trimtab_netlink::tc::filter::Key;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::filter::Selector;
use trimtab_netlink::tc::filter::U32;
use trimtab_netlink::tc::qdisc::Fifo;
use trimtab_netlink::tc::qdisc::Htb;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::NewQdisc;
use trimtab_netlink::tc::qdisc::Tbf;

use super::at;
use super::ifb;
use super::judge;
use super::open;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const ROOT: Handle = Handle::new(1, 0);
/// A packet of 1000 bytes by UDP over IPv4 and Ethernet.
const FRAME: u64 = 1042;

/// An interface that swallows what is sent to 10.1.0.2.
fn sink(socket: &mut RequestSocket) -> (u32, UdpSocket) {
    // Which would send packets of its own.
    run("sysctl -q -w net.ipv6.conf.default.disable_ipv6=1");
    let interface = ifb(socket, "tt-a");
    run("ip address add 10.1.0.1/24 dev tt-a");
    run("ip neighbour add 10.1.0.2 lladdr 02:00:00:00:00:02 dev tt-a");
    (interface, UdpSocket::bind("10.1.0.1:0").unwrap())
}

fn send(sender: &UdpSocket, packets: u32) {
    for _ in 0..packets {
        sender.send_to(&[7; 1000], "10.1.0.2:9").unwrap();
    }
}

/// Bytes per second that go through while something waits all the time.
fn measured(mut counted: impl FnMut() -> Statistics) -> f64 {
    let (start, before) = (Instant::now(), counted());
    thread::sleep(Duration::from_secs(1));
    let (end, after) = (Instant::now(), counted());
    assert!(before.backlog > 0 && after.backlog > 0, "{before:?} {after:?}");
    (after.bytes - before.bytes) as f64 / (end - start).as_secs_f64()
}

fn holds(measured: f64, rate: f64) {
    assert!((measured - rate).abs() < rate / 10.0, "{measured} bytes a second, and {rate} were asked for");
}

#[test]
fn packets_and_bytes_are_counted_as_tc_counts() {
    in_new_netns("packets_and_bytes_are_counted_as_tc_counts", || {
        let mut socket = open();
        let (interface, sender) = sink(&mut socket);
        // A frame takes most of a minute: nothing moves between one look and the other.
        let kind = Kind::Tbf(Tbf { rate: Rate::bytes(20), burst: 2000, limit: 3000, peak: None });
        socket.acknowledged(NewQdisc::at(interface, Handle::ROOT, ROOT, kind).add().unwrap()).unwrap();
        // One goes, two wait, the rest is dropped.
        send(&sender, 10);
        let ours = at(&mut socket, interface, Handle::ROOT).statistics;
        let theirs = &judge("-s qdisc show dev tt-a root")[0];
        let counted = [ours.packets, ours.drops.into(), ours.backlog.into(), ours.qlen.into(), ours.bytes];
        let shown = ["packets", "drops", "backlog", "qlen", "bytes"].map(|name| theirs[name].as_u64().unwrap());
        assert_eq!(counted, shown);
        assert!(ours.packets >= 1 && ours.drops >= 5 && ours.qlen >= 1 && ours.bytes.is_multiple_of(FRAME), "{ours:?}");
    });
}

#[test]
fn a_bucket_holds_its_rate() {
    in_new_netns("a_bucket_holds_its_rate", || {
        let mut socket = open();
        let (interface, sender) = sink(&mut socket);
        let kind = Kind::Tbf(Tbf { rate: Rate::bytes(50_000), burst: 3000, limit: 400_000, peak: None });
        socket.acknowledged(NewQdisc::at(interface, Handle::ROOT, ROOT, kind).add().unwrap()).unwrap();
        send(&sender, 80);
        holds(measured(|| at(&mut socket, interface, Handle::ROOT).statistics), 50_000.0);
    });
}

#[test]
fn a_class_holds_its_rate() {
    in_new_netns("a_class_holds_its_rate", || {
        let mut socket = open();
        let (interface, sender) = sink(&mut socket);
        let ten = Handle::new(1, 0x10);
        let htb = Kind::Htb(Htb { default: 0x10, ..Htb::default() });
        let class = HtbClass { quantum: Some(1500), ..HtbClass::with(Rate::bytes(50_000), 3000) };
        let leaf = Kind::Pfifo(Fifo { limit: Some(400) });
        for request in [
            NewQdisc::at(interface, Handle::ROOT, ROOT, htb).add().unwrap(),
            NewClass::htb(interface, ROOT, ten, class).add().unwrap(),
            NewQdisc::at(interface, ten, Handle::new(0x10, 0), leaf).add().unwrap(),
        ] {
            socket.acknowledged(request).unwrap();
        }
        send(&sender, 80);
        let counted = || class::dump(&mut socket, interface).unwrap().remove(0).statistics;
        holds(measured(counted), 50_000.0);
    });
}

#[test]
fn a_policer_drops_what_exceeds_its_rate() {
    let test = "a_policer_drops_what_exceeds_its_rate";
    in_new_netns(test, move || {
        let mut socket = open();
        let (interface, sender) = sink(&mut socket);
        run("tc qdisc add dev tt-a clsact");
        // Less than a packet in the time that this takes, and three at once.
        let police = Police::drop_above(Rate::bytes(100), 3 * FRAME + 100);
        let actions = vec![Action::police(police)];
        let filter = U32 { selector: Selector::of(vec![Key::default()]), actions, ..U32::default() };
        let handle = U32::handle(0, 0, 1).unwrap();
        let (parent, kind) = (Handle::CLSACT_EGRESS, filter::Kind::U32(filter));
        let new = NewFilter { interface, parent, priority: 5, protocol: ANY_PROTOCOL, handle, kind };
        match socket.acknowledged(new.add().unwrap()) {
            Ok(_) => (),
            Err(error) if error.to_string().contains("Failed to load TC action module") => {
                eprintln!("{test} does without: this kernel has no policer");
                return;
            }
            Err(error) => panic!("{error}"),
        }
        send(&sender, 20);
        let shown = filter::dump(&mut socket, interface, parent).unwrap();
        let actions = shown.iter().find_map(|filter| match &filter.kind {
            filter::Kind::U32(U32 { actions, .. }) => Some(actions),
            filter::Kind::Matchall(_)
            | filter::Kind::Fw(_)
            | filter::Kind::Head { .. }
            | filter::Kind::U32Table { .. }
            | filter::Kind::Other { .. } => None,
        });
        let [Action { statistics, .. }] = actions.unwrap().as_slice() else { panic!("{shown:?}") };
        let counted = (statistics.packets, statistics.drops, statistics.overlimits);
        assert_eq!((counted, statistics.bytes), ((20, 17, 17), 20 * FRAME));
    });
}
