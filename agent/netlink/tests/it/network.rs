//! Addresses, routes and netconf, with ip(8) and sysctl(8) as judges.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use trimtab_netlink::IpFamily;
use trimtab_netlink::address;
use trimtab_netlink::link;
use trimtab_netlink::netconf;
use trimtab_netlink::netconf::Conf;
use trimtab_netlink::route;
use trimtab_netlink::route::RouteKind;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::namespace::in_new_netns;
use crate::namespace::run;

fn open() -> RequestSocket {
    RequestSocket::open(Protocol::Route).unwrap()
}

fn index(name: &str) -> u32 {
    link::get_by_name(&mut open(), name).unwrap().index
}

#[test]
fn addresses_are_those_that_ip_lists() {
    in_new_netns("addresses_are_those_that_ip_lists", || {
        assert_eq!(address::dump(&mut open(), IpFamily::V4).unwrap(), []);
        run("ip link add tt-a type veth peer name tt-b");
        for line in [
            "link set lo up",
            "address add 10.1.0.1/24 dev tt-a label tt-a:1",
            "address add 10.2.0.1 peer 10.2.0.2/32 dev tt-a",
            "address add 2001:db8::1/64 dev tt-b",
            "address add 2001:db8:1::1 peer 2001:db8:1::2/128 dev tt-b",
        ] {
            run(&format!("ip {line}"));
        }
        let listed: Vec<serde_json::Value> = serde_json::from_str(&run("ip -j address")).unwrap();
        let mut said = BTreeSet::new();
        for interface in &listed {
            for info in interface["addr_info"].as_array().unwrap() {
                said.insert((
                    interface["ifindex"].as_u64().unwrap(),
                    info["local"].as_str().unwrap().to_owned(),
                    info["prefixlen"].as_u64().unwrap(),
                    info["address"].as_str().map(str::to_owned),
                    info["scope"].as_str().unwrap().to_owned(),
                ));
            }
        }
        let mut ours = BTreeSet::new();
        for family in [IpFamily::V4, IpFamily::V6] {
            for one in address::dump(&mut open(), family).unwrap() {
                assert_eq!(one.local.is_ipv4(), family == IpFamily::V4);
                let scope = match one.scope {
                    0 => "global",
                    253 => "link",
                    254 => "host",
                    _ => "other",
                };
                let peer = one.peer.map(|peer| peer.to_string());
                let prefix_length = one.prefix_length.into();
                ours.insert((one.interface.into(), one.local.to_string(), prefix_length, peer, scope.to_owned()));
            }
        }
        assert_eq!(ours, said);
        assert!(ours.len() >= 6, "{ours:?}");
    });
}

#[test]
fn default_routes_of_the_main_table_and_no_others() {
    in_new_netns("default_routes_of_the_main_table_and_no_others", || {
        for family in [IpFamily::V4, IpFamily::V6] {
            assert_eq!(route::defaults(&mut open(), family).unwrap(), []);
        }
        run("ip link add tt-a type veth peer name tt-b");
        for line in [
            "link set tt-a up",
            "link set tt-b up",
            "address add 10.1.0.1/24 dev tt-a",
            "address add 10.2.0.1/24 dev tt-b",
            "-6 address add 2001:db8::1/64 dev tt-a nodad",
            "route add 10.9.0.0/16 via 10.1.0.7",
            "route add default via 10.1.0.9 table 77",
            "route add default via 10.2.0.9 metric 200",
            "route add default via 10.1.0.9 metric 50 proto static",
            "route add default metric 300 nexthop via 10.1.0.3 weight 2 nexthop via 10.2.0.3 weight 5",
            "-4 route add default via inet6 fe80::5 dev tt-a metric 400",
            "route add unreachable default metric 9000",
            "-6 route add default via 2001:db8::9 metric 70",
            "-6 route add default dev tt-b metric 80",
            "-6 route add 2001:db8:7::/48 via 2001:db8::8",
            "-6 route add default via 2001:db8::9 table 78",
        ] {
            run(&format!("ip {line}"));
        }
        let (a, b) = (index("tt-a"), index("tt-b"));
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let routes = route::defaults(&mut open(), IpFamily::V4).unwrap();
        let plain = |route: &route::DefaultRoute| {
            let hops: Vec<_> = route.hops.iter().map(|hop| (hop.interface.unwrap(), hop.gateway, hop.weight)).collect();
            (route.metric, route.kind, hops)
        };
        let expected = [
            (50, RouteKind::Unicast, vec![(a, address("10.1.0.9"), 1)]),
            (200, RouteKind::Unicast, vec![(b, address("10.2.0.9"), 1)]),
            (300, RouteKind::Unicast, vec![(a, address("10.1.0.3"), 2), (b, address("10.2.0.3"), 5)]),
            (400, RouteKind::Unicast, vec![(a, address("fe80::5"), 1)]),
            (9000, RouteKind::Unreachable, vec![]),
        ];
        assert_eq!(routes.iter().map(plain).collect::<Vec<_>>(), expected);
        assert_eq!(routes.iter().map(|route| route.protocol).collect::<Vec<_>>(), [4, 3, 3, 3, 3]);
        let usable: Vec<_> = routes.iter().map(|route| route.usable_hops().count()).collect();
        assert_eq!(usable, [1, 1, 2, 1, 0]);
        let routes = route::defaults(&mut open(), IpFamily::V6).unwrap();
        let first_two: Vec<_> = routes.iter().map(plain).filter(|(metric, ..)| *metric < 100).collect();
        let expected = [
            (70, RouteKind::Unicast, vec![(a, address("2001:db8::9"), 1)]),
            (80, RouteKind::Unicast, vec![(b, None, 1)]),
        ];
        assert_eq!(first_two, expected);
        // The other end goes: no carrier.
        run("ip link set tt-b down");
        let is_link_down = |route: &route::DefaultRoute| route.hops.iter().all(|hop| hop.is_link_down && !hop.is_dead);
        let noticed = (0..100).any(|_| {
            let routes = route::defaults(&mut open(), IpFamily::V4).unwrap();
            assert!(!routes.iter().any(|route| route.metric == 200), "{routes:?}");
            thread::sleep(Duration::from_millis(50));
            routes.iter().any(|route| route.metric == 50 && is_link_down(route))
        });
        assert!(noticed);
    });
}

#[test]
fn netconf_has_what_sysctl_has() {
    in_new_netns("netconf_has_what_sysctl_has", || {
        run("ip link add tt-a type bridge");
        run(
            "sysctl -q -w net.ipv4.conf.tt-a.rp_filter=2 net.ipv4.conf.all.forwarding=1 net.ipv4.conf.tt-a.forwarding=0",
        );
        run("sysctl -q -w net.ipv4.conf.default.proxy_arp=1 net.ipv6.conf.tt-a.proxy_ndp=1");
        run("sysctl -q -w net.ipv6.conf.all.forwarding=1 net.ipv4.conf.lo.bc_forwarding=1");
        run("sysctl -q -w net.ipv6.conf.lo.ignore_routes_with_linkdown=1");
        let mut compared = 0;
        for (family, folder, proxy) in [(IpFamily::V4, "ipv4", "proxy_arp"), (IpFamily::V6, "ipv6", "proxy_ndp")] {
            let all = netconf::dump(&mut open(), family).unwrap();
            let folders: BTreeSet<Conf> = all.iter().map(|netconf| netconf.of).collect();
            let interfaces = link::dump(&mut open()).unwrap().into_iter().map(|link| Conf::Interface(link.index));
            assert_eq!(folders, interfaces.chain([Conf::All, Conf::Default]).collect());
            assert_eq!(folders.len(), all.len());
            for netconf in all {
                let name = match netconf.of {
                    Conf::All => "all".to_owned(),
                    Conf::Default => "default".to_owned(),
                    Conf::Interface(index) => link::get(&mut open(), index).unwrap().name,
                };
                for (key, ours) in [
                    ("forwarding", netconf.forwarding),
                    ("rp_filter", netconf.rp_filter),
                    ("mc_forwarding", netconf.mc_forwarding),
                    (proxy, netconf.proxy_neigh),
                    ("ignore_routes_with_linkdown", netconf.ignore_routes_with_linkdown),
                    ("bc_forwarding", netconf.bc_forwarding),
                    ("force_forwarding", netconf.force_forwarding),
                ] {
                    let Some(ours) = ours else { continue };
                    let said = run(&format!("sysctl -n net.{folder}.conf.{name}.{key}"));
                    assert_eq!(ours.to_string(), said.trim(), "net.{folder}.conf.{name}.{key}");
                    compared += 1;
                }
            }
        }
        // Four folders; six of IPv4, at least three of IPv6.
        assert!(compared >= 4 * 9, "{compared}");
    });
}
