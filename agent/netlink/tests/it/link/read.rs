use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use trimtab_netlink::link::BondMode;
use trimtab_netlink::link::Flags;
use trimtab_netlink::link::Kind;
use trimtab_netlink::link::Link;
use trimtab_netlink::link::Lower;
use trimtab_netlink::link::MacvlanMode;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::OperState;
use trimtab_netlink::link::add;
use trimtab_netlink::link::dump;
use trimtab_netlink::link::get;
use trimtab_netlink::link::get_by_name;
use trimtab_netlink::link::move_to;

use super::judge;
use super::make;
use super::make_if_known;
use super::open;
use super::veth;
use crate::namespace::in_new_netns;
use crate::namespace::run;

/// The flags that ip(8) has names for, of those that we have names for.
const FLAGS: [(Flags, &str); 8] = [
    (Flags::UP, "UP"),
    (Flags::BROADCAST, "BROADCAST"),
    (Flags::LOOPBACK, "LOOPBACK"),
    (Flags::NO_ARP, "NOARP"),
    (Flags::MULTICAST, "MULTICAST"),
    (Flags::MASTER, "MASTER"),
    (Flags::SLAVE, "SLAVE"),
    (Flags::LOWER_UP, "LOWER_UP"),
];

fn operstate(state: OperState) -> &'static str {
    match state {
        OperState::Unknown => "UNKNOWN",
        OperState::NotPresent => "NOTPRESENT",
        OperState::Down => "DOWN",
        OperState::LowerLayerDown => "LOWERLAYERDOWN",
        OperState::Testing => "TESTING",
        OperState::Dormant => "DORMANT",
        OperState::Up => "UP",
        OperState::Other(_) => "other",
    }
}

/// The interface in the words of ip(8), as far as ip(8) has words; the rest of what ip(8) says is left out of `said`.
fn in_words(link: &Link, all: &[Link]) -> Value {
    let name = |index: u32| all.iter().find(|other| other.index == index).map(|other| other.name.clone());
    let ether = |link: &Link| link.address.map(|address| address.to_string());
    let (lower, namespace) = match link.link {
        None => (None, None),
        Some(Lower::Here(index)) => (name(index), None),
        Some(Lower::Elsewhere { namespace, .. }) => (None, Some(namespace)),
    };
    json!({
        "ifindex": link.index,
        "ifname": link.name,
        "altnames": (!link.alternative_names.is_empty()).then(|| link.alternative_names.clone()),
        "linkinfo": {
            "info_kind": link.kind,
            "info_slave_kind": link.slave_kind,
            "info_data": { "id": link.vlan_id },
        },
        "link_type": match link.device_type { 1 => "ether", 772 => "loopback", _ => "other" },
        "operstate": operstate(link.operstate),
        "mtu": link.mtu,
        "min_mtu": link.min_mtu,
        "max_mtu": link.max_mtu,
        "txqlen": link.txqueuelen,
        "gso_max_size": link.gso_max_size,
        "gso_max_segs": link.gso_max_segs,
        "gro_max_size": link.gro_max_size,
        "tso_max_size": link.tso_max_size,
        "tso_max_segs": link.tso_max_segs,
        "num_tx_queues": link.num_tx_queues,
        "num_rx_queues": link.num_rx_queues,
        "master": link.master.and_then(name),
        "link": lower,
        "link_netnsid": namespace,
        "address": ether(link),
        "permaddr": link.permanent_address.map(|address| address.to_string()),
        "parentdev": link.parent_device,
        "parentbus": link.parent_bus,
        "group": if link.group == 0 { "default".to_owned() } else { link.group.to_string() },
        "ifalias": link.alias,
        "phys_port_name": link.phys_port_name,
    })
}

/// Of `said` what `ours` speaks of too.
fn the_same_of(ours: &Value, said: &Value) -> Value {
    match ours {
        Value::Object(fields) => {
            let same = |(field, value): (&String, &Value)| (field.clone(), the_same_of(value, &said[field]));
            Value::Object(fields.iter().map(same).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => said.clone(),
    }
}

/// What we and ip(8) say of every interface, while nothing changed: a bridge that goes up takes its time.
fn at_rest() -> Vec<(Link, Value)> {
    for _ in 0..50 {
        let links = dump(&mut open()).unwrap();
        let said: Vec<Value> = links.iter().map(|link| judge(&link.name)).collect();
        if dump(&mut open()).unwrap() == links {
            return links.into_iter().zip(said).collect();
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("no rest");
}

/// Every interface of the namespace; how many of them there are.
fn agrees_with_ip() -> usize {
    let all = at_rest();
    let links: Vec<Link> = all.iter().map(|(link, _)| link.clone()).collect();
    for (link, said) in &all {
        let ours = in_words(link, &links);
        assert_eq!(ours, the_same_of(&ours, said), "{}", link.name);
        let flags: Vec<&str> = said["flags"].as_array().unwrap().iter().map(|flag| flag.as_str().unwrap()).collect();
        for (flag, word) in FLAGS {
            assert_eq!(link.flags.has(flag), flags.contains(&word), "{}: {word} in {flags:?}", link.name);
        }
        assert_eq!(get(&mut open(), link.index).unwrap(), *link);
        assert_eq!(get_by_name(&mut open(), &link.name).unwrap(), *link);
    }
    let listed: Vec<Value> = serde_json::from_str(&run("ip -j link")).unwrap();
    assert_eq!(listed.len(), links.len());
    links.len()
}

#[test]
fn what_ip_says_of_each_kind_we_say_too() {
    let test = "what_ip_says_of_each_kind_we_say_too";
    in_new_netns(test, move || {
        let mut socket = open();
        let [veth, _] = veth(&mut socket);
        let bridge = make(&mut socket, "tt-bridge", Kind::Bridge { vlan_filtering: false });
        assert_eq!((bridge.kind.as_deref(), bridge.carrier), (Some("bridge"), Some(true)));
        run("ip link set tt-b master tt-bridge");
        make_if_known(&mut socket, test, "tt-ifb", Kind::Ifb);
        make_if_known(&mut socket, test, "tt-dummy", Kind::Dummy);
        let lower = veth.index;
        if let Some(vlan) = make_if_known(&mut socket, test, "tt-a.100", Kind::Vlan { lower, id: 100 }) {
            assert_eq!((vlan.vlan_id, vlan.link), (Some(100), Some(Lower::Here(lower))));
        }
        for (name, mode) in [("tt-mac1", MacvlanMode::Bridge), ("tt-mac2", MacvlanMode::Vepa)] {
            if let Some(macvlan) = make_if_known(&mut socket, test, name, Kind::Macvlan { lower, mode }) {
                assert_eq!(macvlan.link, Some(Lower::Here(lower)));
                let said = judge(name)["linkinfo"]["info_data"]["mode"].clone();
                assert_eq!(said, if mode == MacvlanMode::Vepa { "vepa" } else { "bridge" });
            }
        }
        let bond = Kind::Bond { mode: BondMode::ActiveBackup };
        if let Some(bond) = make_if_known(&mut socket, test, "tt-bond", bond) {
            assert_eq!(judge("tt-bond")["linkinfo"]["info_data"]["mode"], "active-backup");
            run("ip link add tt-c type veth peer name tt-d");
            run("ip link set tt-c master tt-bond");
            let member = get_by_name(&mut socket, "tt-c").unwrap();
            assert_eq!((member.slave_kind.as_deref(), member.master), (Some("bond"), Some(bond.index)));
            // It was given the address that it has, and was born with none.
            assert_eq!(member.permanent_address, None);
        }
        assert!(agrees_with_ip() >= 4);
        for name in ["lo", "tt-a", "tt-b", "tt-bridge"] {
            run(&format!("ip link set {name} up"));
        }
        run("ip link property add dev tt-a altname an-alternative-name-of-some-length altname tt-short");
        run("ip link set tt-a alias words group 7 mtu 1300 txqueuelen 77 gso_max_size 30000 gso_max_segs 11");
        run("ip link set tt-a gro_max_size 40000");
        agrees_with_ip();
        let veth = get(&mut socket, lower).unwrap();
        assert_eq!(veth.alternative_names, ["an-alternative-name-of-some-length", "tt-short"]);
        for name in &veth.alternative_names {
            assert_eq!(get_by_name(&mut socket, name).unwrap(), veth);
        }
        assert_eq!((veth.group, veth.alias.as_deref(), veth.mtu, veth.txqueuelen), (7, Some("words"), 1300, 77));
        assert_eq!((veth.gso_max_size, veth.gso_max_segs, veth.gro_max_size), (Some(30_000), Some(11), Some(40_000)));
        // Set along with the others, where the kernel has them: newer than this ip(8).
        let ipv4 = (veth.gso_ipv4_max_size, veth.gro_ipv4_max_size);
        assert!([(None, None), (Some(30_000), Some(40_000))].contains(&ipv4), "{ipv4:?}");
    });
}

#[test]
fn a_peer_in_another_namespace_is_none_of_ours() {
    in_new_netns("a_peer_in_another_namespace_is_none_of_ours", || {
        let mut socket = open();
        let [here, there] = veth(&mut socket);
        assert_eq!((here.link, there.link), (Some(Lower::Here(there.index)), Some(Lower::Here(here.index))));
        let here = here.index;
        let elsewhere = in_new_netns("elsewhere", move || {
            let namespace = File::open("/proc/thread-self/ns/net").unwrap();
            move_to(&mut socket, there.index, namespace.as_fd()).unwrap();
            let ours = get_by_name(&mut open(), "tt-b").unwrap();
            assert!(matches!(ours.link, Some(Lower::Elsewhere { index, .. }) if index == here), "{:?}", ours.link);
            let link = get(&mut socket, here).unwrap().link;
            assert!(matches!(link, Some(Lower::Elsewhere { index, .. }) if index == ours.index), "{link:?}");
        });
        assert!(elsewhere.is_some());
    });
}

#[test]
fn a_thousand_interfaces_are_one_request() {
    in_new_netns("a_thousand_interfaces_are_one_request", || {
        let mut socket = open();
        for number in 0..500 {
            let (name, peer) = (format!("tt-{number}"), format!("tt-{}", number + 500));
            add(&mut socket, &NewLink::named(&name, Kind::Veth { peer: &peer })).unwrap();
        }
        let mut fresh = open();
        let links = dump(&mut fresh).unwrap();
        assert_eq!(links.len(), 1001);
        // Each request takes a number, the first number 1.
        assert!(format!("{fresh:?}").contains("sequence: 1 }"), "{fresh:?}");
        let names: BTreeSet<_> = links.into_iter().map(|link| link.name).collect();
        assert!(names.len() == 1001 && names.contains("tt-999"));
    });
}

#[test]
fn one_that_is_not_there_is_told_as_gone() {
    in_new_netns("one_that_is_not_there_is_told_as_gone", || {
        let mut socket = open();
        assert!(get(&mut socket, 77).unwrap_err().is_gone());
        assert!(get_by_name(&mut socket, "tt-none").unwrap_err().is_gone());
        let error = get_by_name(&mut socket, "tt-none-with-a-name-that-is-long").unwrap_err();
        assert!(error.is_gone() && error.to_string().starts_with("tt-none-with-a-name-that-is-long: look up: "));
        assert!(!get_by_name(&mut socket, &"x".repeat(70_000)).unwrap_err().is_gone());
    });
}
