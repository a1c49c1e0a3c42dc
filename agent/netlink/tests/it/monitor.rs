use std::fs::File;
use std::os::fd::AsFd;
use std::time::Duration;

use trimtab_netlink::IpFamily;
use trimtab_netlink::address;
use trimtab_netlink::link;
use trimtab_netlink::link::Cause;
use trimtab_netlink::link::Kind;
use trimtab_netlink::link::Link;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::Settings;
use trimtab_netlink::monitor::Change;
use trimtab_netlink::monitor::Heard;
use trimtab_netlink::monitor::Monitor;
use trimtab_netlink::monitor::News;
use trimtab_netlink::monitor::Topic;
use trimtab_netlink::netconf;
use trimtab_netlink::netconf::Conf;
use trimtab_netlink::netconf::Netconf;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::namespace::in_new_netns;
use crate::namespace::run;

/// Everything that has come.
fn heard(monitor: &mut Monitor) -> Vec<Heard> {
    let mut all = Vec::new();
    while monitor.wait(Duration::from_millis(200)).unwrap() {
        match monitor.read().unwrap() {
            News::Idle => (),
            News::Overrun => panic!("overrun"),
            News::Changes(changes) => all.extend(changes.into_iter().map(Result::unwrap)),
        }
    }
    all
}

fn links(monitor: &mut Monitor) -> Vec<(Option<u32>, link::Change)> {
    let link = |heard: Heard| match heard.change {
        Change::Link(change) => (heard.requester, change),
        Change::Address(_) | Change::Netconf(_) | Change::TrafficControl(_) => panic!("{heard:?}"),
    };
    heard(monitor).into_iter().map(link).collect()
}

fn open() -> (Monitor, RequestSocket) {
    (Monitor::open(1 << 20, &[Topic::Links]).unwrap(), RequestSocket::open(Protocol::Route).unwrap())
}

fn changed(changes: &[(Option<u32>, link::Change)]) -> Vec<&Link> {
    let link = |(_, change): &'_ _| matches!(change, link::Change::Changed { .. });
    changes.iter().filter(|change| link(change)).map(|(_, change)| change.link()).collect()
}

#[test]
fn what_is_made_renamed_and_deleted_is_heard_of() {
    in_new_netns("what_is_made_renamed_and_deleted_is_heard_of", || {
        let (mut monitor, mut socket) = open();
        link::add(&mut socket, &NewLink::named("tt-a", Kind::Bridge { vlan_filtering: false })).unwrap();
        let news = links(&mut monitor);
        let new: Vec<_> = news.iter().filter(|(_, change)| matches!(change, link::Change::New(_))).collect();
        let [(requester, change)] = new.as_slice() else { panic!("{news:?}") };
        let index = change.link().index;
        assert_eq!(change.link().name, "tt-a");
        // Before Linux 6.2 the kernel does not say.
        assert!([None, Some(socket.port())].contains(requester), "{requester:?}");
        let ours_are_told = requester.is_some();

        run("ip link set tt-a name tt-b");
        let news = links(&mut monitor);
        assert!(changed(&news).iter().any(|link| link.index == index && link.name == "tt-b"), "{news:?}");

        // Of an interface that is down the kernel does not tell these.
        run("ip link set tt-b alias other group 3");
        run("ip link set tt-b gso_max_size 30000 gso_max_segs 30");
        assert_eq!(links(&mut monitor), []);
        for (line, seen) in [
            ("ip link set tt-b up", (|link| link.flags.has(link::Flags::UP)) as fn(&Link) -> bool),
            ("ip link set tt-b mtu 1400", |link| link.mtu == 1400),
            ("ip link set tt-b txqueuelen 7", |link| link.txqueuelen == 7),
            ("ip link set tt-b alias words", |link| link.alias.as_deref() == Some("words")),
            ("ip link set tt-b group 4", |link| link.group == 4),
        ] {
            run(line);
            let news = links(&mut monitor);
            assert!(changed(&news).iter().any(|link| link.index == index && seen(link)), "{line}: {news:?}");
            assert_eq!(changed(&news).len(), news.len(), "{line}: {news:?}");
        }

        link::set(&mut socket, index, &Settings { mtu: Some(1300), ..Settings::default() }).unwrap();
        let news = links(&mut monitor);
        assert!(changed(&news).iter().any(|link| link.mtu == 1300), "{news:?}");

        run("ip link delete tt-b");
        let theirs = links(&mut monitor);
        let Some((requester, link::Change::Gone(link))) = theirs.last() else { panic!("{theirs:?}") };
        assert_eq!((link.index, link.name.as_str()), (index, "tt-b"));
        // Foreign, where it is said; Linux 6.1 says it of what goes.
        assert!(*requester != Some(socket.port()) && (requester.is_some() || !ours_are_told), "{requester:?}");
    });
}

#[test]
fn what_moves_away_is_not_gone() {
    in_new_netns("what_moves_away_is_not_gone", || {
        let (mut monitor, mut socket) = open();
        link::add(&mut socket, &NewLink::named("tt-a", Kind::Veth { peer: "tt-b" })).unwrap();
        let index = link::get_by_name(&mut socket, "tt-b").unwrap().index;
        links(&mut monitor);
        in_new_netns("elsewhere", move || {
            let (mut there, _) = open();
            let namespace = File::open("/proc/thread-self/ns/net").unwrap();
            link::move_to(&mut socket, index, namespace.as_fd()).unwrap();
            let arrived = links(&mut there);
            let new = arrived.iter().find_map(|(_, change)| match change {
                link::Change::New(link) => Some(link.index),
                link::Change::Changed { .. } | link::Change::Moved { .. } | link::Change::Gone(_) => None,
            });
            let news = links(&mut monitor);
            let moved = news.iter().find_map(|(_, change)| match change {
                link::Change::Moved { link, index, .. } => Some((link.index, link.name.clone(), *index)),
                link::Change::New(_) | link::Change::Changed { .. } | link::Change::Gone(_) => None,
            });
            assert_eq!(moved, Some((index, "tt-b".to_owned(), new)), "{news:?} {arrived:?}");
            assert!(new.is_some() && !news.iter().any(|(_, change)| matches!(change, link::Change::Gone(_))));
        })
        .unwrap();
    });
}

#[test]
fn a_port_that_leaves_its_bridge_is_not_gone() {
    in_new_netns("a_port_that_leaves_its_bridge_is_not_gone", || {
        let (mut monitor, _) = open();
        run("ip link add tt-a type veth peer name tt-b");
        run("ip link add tt-bridge type bridge");
        run("ip link set tt-a master tt-bridge");
        let joined = links(&mut monitor);
        assert!(changed(&joined).iter().any(|link| link.name == "tt-a" && link.master.is_some()), "{joined:?}");
        run("ip link set tt-a nomaster");
        let left = links(&mut monitor);
        assert!(changed(&left).iter().any(|link| link.name == "tt-a" && link.master.is_none()), "{left:?}");
        assert!(!left.iter().any(|(_, change)| matches!(change, link::Change::Gone(_))), "{left:?}");
    });
}

#[test]
fn features_that_change_are_the_cause() {
    in_new_netns("features_that_change_are_the_cause", || {
        let (mut monitor, _) = open();
        run("ip link add tt-a type veth peer name tt-b");
        links(&mut monitor);
        run("ethtool -K tt-a tso off");
        let news = links(&mut monitor);
        let features = |(_, change): &(_, link::Change)| matches!(change, link::Change::Changed { link, cause: Some(Cause::Features) } if link.name == "tt-a");
        assert!(news.iter().any(features), "{news:?}");
    });
}

#[test]
fn addresses_come_with_their_requester() {
    in_new_netns("addresses_come_with_their_requester", || {
        let topics = [Topic::Addresses(IpFamily::V4), Topic::Addresses(IpFamily::V6)];
        let mut monitor = Monitor::open(1 << 20, &topics).unwrap();
        run("ip address add 10.7.0.1/24 dev lo");
        run("ip address add 2001:db8::7/64 dev lo");
        run("ip address delete 10.7.0.1/24 dev lo");
        let news = heard(&mut monitor);
        for heard in &news {
            let Change::Address(change) = &heard.change else { panic!("{heard:?}") };
            let (address::Change::Set(address) | address::Change::Gone(address)) = change;
            // Of IPv6 the kernel does not say.
            assert_eq!(heard.requester.is_some(), address.local.is_ipv4(), "{heard:?}");
        }
        let set = |heard: &Heard| match &heard.change {
            Change::Address(address::Change::Set(address)) => Some((true, address.local.to_string())),
            Change::Address(address::Change::Gone(address)) => Some((false, address.local.to_string())),
            Change::Link(_) | Change::Netconf(_) | Change::TrafficControl(_) => None,
        };
        let told: Vec<_> = news.iter().filter_map(set).collect();
        for one in [(true, "10.7.0.1"), (true, "2001:db8::7"), (false, "10.7.0.1")] {
            assert!(told.iter().any(|(set, address)| (*set, address.as_str()) == one), "{one:?} in {told:?}");
        }
    });
}

#[test]
fn netconf_tells_which_folder_and_which_value() {
    in_new_netns("netconf_tells_which_folder_and_which_value", || {
        run("ip link add tt-a type bridge");
        let index = link::get_by_name(&mut RequestSocket::open(Protocol::Route).unwrap(), "tt-a").unwrap().index;
        let topics = [Topic::Netconf(IpFamily::V4), Topic::Netconf(IpFamily::V6)];
        let mut monitor = Monitor::open(1 << 20, &topics).unwrap();
        let (v4, v6) = (IpFamily::V4, IpFamily::V6);
        let interface = Conf::Interface(index);
        let nothing = Netconf::unknown;
        for (key, value, expected) in [
            ("net.ipv4.conf.tt-a.rp_filter", "2", Netconf { rp_filter: Some(2), ..nothing(v4, interface) }),
            ("net.ipv4.conf.tt-a.forwarding", "1", Netconf { forwarding: Some(1), ..nothing(v4, interface) }),
            ("net.ipv4.conf.tt-a.proxy_arp", "1", Netconf { proxy_neigh: Some(1), ..nothing(v4, interface) }),
            ("net.ipv4.conf.default.proxy_arp", "1", Netconf { proxy_neigh: Some(1), ..nothing(v4, Conf::Default) }),
            ("net.ipv4.conf.all.rp_filter", "1", Netconf { rp_filter: Some(1), ..nothing(v4, Conf::All) }),
            ("net.ipv6.conf.tt-a.proxy_ndp", "1", Netconf { proxy_neigh: Some(1), ..nothing(v6, interface) }),
            ("net.ipv6.conf.all.forwarding", "1", Netconf { forwarding: Some(1), ..nothing(v6, Conf::All) }),
            (
                "net.ipv4.conf.tt-a.ignore_routes_with_linkdown",
                "1",
                Netconf { ignore_routes_with_linkdown: Some(1), ..nothing(v4, interface) },
            ),
        ] {
            run(&format!("sysctl -q -w {key}={value}"));
            let news = heard(&mut monitor);
            let expected = Heard { requester: None, change: Change::Netconf(netconf::Change::Set(expected)) };
            assert!(news.contains(&expected), "{key}: {news:?}");
        }
        run("ip link delete tt-a");
        let gone = |family| Change::Netconf(netconf::Change::Gone { family, of: interface });
        let news = heard(&mut monitor);
        for family in [v4, v6] {
            assert!(news.iter().any(|heard| heard.change == gone(family)), "{news:?}");
        }
    });
}

#[test]
fn an_overrun_is_told() {
    in_new_netns("an_overrun_is_told", || {
        let mut small = Monitor::open(1, &[Topic::Links]).unwrap();
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        for mtu in 1000..1100 {
            link::set(&mut socket, 1, &Settings { mtu: Some(mtu), ..Settings::default() }).unwrap();
        }
        let mut overruns = 0;
        while small.wait(Duration::ZERO).unwrap() {
            match small.read().unwrap() {
                News::Idle => break,
                News::Overrun => overruns += 1,
                News::Changes(_) => (),
            }
        }
        assert!(overruns > 0);
    });
}
