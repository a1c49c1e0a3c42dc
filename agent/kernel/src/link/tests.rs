//! The adapter against the real kernel and its own tools, in namespaces of its own.

use std::collections::BTreeSet;

use trimtab_core::address::Address;
use trimtab_core::address::LinkKey;
use trimtab_core::facts::Asked;
use trimtab_core::interface_id::Whereabouts;
use trimtab_core::observed::Reading;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;

use super::Links;
use super::queues;
use super::queues::Queues;
use crate::WriteError;
use crate::testing::in_new_netns;
use crate::testing::run;

fn key(text: &str) -> LinkKey {
    text.parse().unwrap()
}

fn read(links: &mut Links, text: &str) -> Reading {
    links.read(&[&key(text)]).pop().unwrap()
}

fn value(links: &mut Links, text: &str) -> Value {
    let reading = read(links, text);
    let Reading::Typed { value, .. } = reading else { panic!("{text}: {reading:?}") };
    value
}

fn write(links: &mut Links, cells: &[(&str, Value)]) -> Result<(), WriteError> {
    let cells: Vec<(Address, Value)> =
        cells.iter().map(|(text, value)| (Address::link(key(text)), value.clone())).collect();
    links.write(&cells, None)
}

/// A veth pair with as many queues.
fn pair(queues: u32) {
    let queues = queues.to_string();
    let of = ["numrxqueues", &queues, "numtxqueues", &queues];
    let add = ["link", "add", "one.100"];
    let peer = ["type", "veth", "peer", "name", "two"];
    run("ip", &[&add[..], &of, &peer, &of].concat());
}

#[test]
fn every_feature_is_what_ethtool_says() {
    in_new_netns("every_feature_is_what_ethtool_says", || {
        pair(1);
        run("ip", &["link", "add", "br0", "type", "bridge"]);
        run("ethtool", &["-K", "one.100", "sg", "off"]);
        let mut links = Links::default();
        let mut compared = 0;
        for name in ["lo", "one.100", "two", "br0"] {
            for line in run("ethtool", &["-k", name]).lines().skip(1) {
                let Some((feature, state)) = line.trim().split_once(": ") else { continue };
                let Reading::Typed { value, writable } = read(&mut links, &format!("{name}/feature/{feature}")) else {
                    // Names of several features at once, as ethtool has them.
                    continue;
                };
                let Value::Switch { wanted, active } = value else { panic!("{feature}: {value}") };
                let asked = state.contains("requested");
                let fixed = state.contains("[fixed]");
                assert_eq!(active, state.starts_with("on"), "{name} {line}");
                assert_eq!(wanted != active, asked, "{name} {line}");
                assert_eq!(writable, !fixed, "{name} {line}");
                compared += 1;
            }
        }
        assert!(compared > 4 * 40, "{compared}");
    });
}

#[test]
fn settings_made_here_are_seen_by_other_programs_and_theirs_here() {
    in_new_netns("settings_made_here_are_seen_by_other_programs_and_theirs_here", || {
        pair(4);
        let mut links = Links::default();
        write(&mut links, &[("one.100/mtu", Value::Int(1400))]).unwrap();
        write(&mut links, &[("one.100/txqueuelen", Value::Int(77))]).unwrap();
        write(&mut links, &[("one.100/gso-max-segs", Value::Int(1234))]).unwrap();
        let shown = run("ip", &["-d", "link", "show", "one.100"]);
        assert!(
            shown.contains("mtu 1400") && shown.contains("qlen 77") && shown.contains("gso_max_segs 1234"),
            "{shown}"
        );
        let off = Value::switch(false);
        write(
            &mut links,
            &[("one.100/feature/tx-tcp-segmentation", off.clone()), ("one.100/feature/tx-tcp6-segmentation", off)],
        )
        .unwrap();
        let shown = run("ethtool", &["-k", "one.100"]);
        assert!(shown.contains("tx-tcp-segmentation: off") && shown.contains("tx-tcp6-segmentation: off"), "{shown}");
        run("ethtool", &["-L", "one.100", "rx", "2", "tx", "3"]);
        assert_eq!(value(&mut links, "one.100/channel/rx"), Value::Int(2));
        assert_eq!(value(&mut links, "one.100/channel/tx"), Value::Int(3));
        assert_eq!(value(&mut links, "one.100/channel/rx-max"), Value::Int(4));
        write(&mut links, &[("one.100/channel/rx", Value::Int(4)), ("one.100/channel/tx", Value::Int(1))]).unwrap();
        assert!(run("ethtool", &["-l", "one.100"]).ends_with("RX:\t\t4\nTX:\t\t1\nOther:\t\tn/a\nCombined:\tn/a\n"));
        run("ethtool", &["-K", "one.100", "sg", "off"]);
        let dropped = value(&mut links, "one.100/feature/tx-generic-segmentation");
        assert_eq!(dropped, Value::Switch { wanted: true, active: false });
    });
}

#[test]
fn queues_are_those_of_the_threads_namespace() {
    in_new_netns("queues_are_those_of_the_threads_namespace", || {
        pair(3);
        let mut links = Links::default();
        // /sys of this process shows another namespace, which has no such interface.
        assert!(!std::path::Path::new("/sys/class/net/one.100").exists());
        assert_eq!(value(&mut links, "one.100/queue/rx-2/rps-cpus"), Value::Cpus(Ports::default()));
        let both = Value::Cpus(Ports::parse("0-1").unwrap());
        write(&mut links, &[("one.100/queue/rx-2/rps-cpus", both.clone())]).unwrap();
        write(&mut links, &[("one.100/queue/rx-2/rps-flow-cnt", Value::Int(4096))]).unwrap();
        write(&mut links, &[("one.100/queue/tx-1/xps-cpus", both.clone())]).unwrap();
        assert_eq!(value(&mut links, "one.100/queue/rx-2/rps-cpus"), both);
        assert_eq!(value(&mut links, "one.100/queue/rx-2/rps-flow-cnt"), Value::Int(4096));
        assert_eq!(value(&mut links, "one.100/queue/tx-1/xps-cpus"), both);
        run("ethtool", &["-L", "one.100", "rx", "1", "tx", "3"]);
        assert_eq!(read(&mut links, "one.100/queue/rx-2/rps-cpus"), Reading::Absent);
        assert_eq!(read(&mut links, "one.100/queue/rx-9/rps-cpus"), Reading::Absent);
        assert_eq!(read(&mut links, "none/queue/rx-0/rps-cpus"), Reading::Absent);
        // A device of one queue has the file and no answer.
        assert_eq!(read(&mut links, "lo/queue/tx-0/xps-cpus"), Reading::Unsupported);
    });
}

#[test]
fn unsupported_unknown_and_gone_are_different_answers() {
    in_new_netns("unsupported_unknown_and_gone_are_different_answers", || {
        pair(1);
        let mut links = Links::default();
        for (text, wanted) in [
            ("one.100/ring/rx", Reading::Unsupported),
            ("one.100/coalesce/rx-usecs", Reading::Unsupported),
            ("one.100/pause/rx", Reading::Unsupported),
            ("one.100/channel/combined", Reading::Unsupported),
            ("one.100/feature/tx-warp-drive", Reading::Absent),
            ("gone/mtu", Reading::Absent),
            ("gone/ring/rx", Reading::Absent),
            ("gone/feature/rx-gro", Reading::Absent),
        ] {
            assert_eq!(read(&mut links, text), wanted, "{text}");
        }
        assert!(matches!(read(&mut links, "lo/feature/rx-lro"), Reading::Typed { writable: false, .. }));
        // Of many devices at once the answers are the same.
        for index in 0..6 {
            run("ip", &["link", "add", &format!("d{index}"), "type", "bridge"]);
        }
        let names = ["lo", "one.100", "two", "d0", "d1", "d2", "gone"];
        for attribute in ["mtu", "ring/rx", "channel/rx", "feature/rx-gro", "coalesce/rx-usecs", "pause/rx", "mtu-max"]
        {
            let keys: Vec<LinkKey> = names.iter().map(|name| key(&format!("{name}/{attribute}"))).collect();
            let together = links.read(&keys.iter().collect::<Vec<_>>());
            let apart: Vec<Reading> = keys.iter().map(|key| links.read(&[key]).pop().unwrap()).collect();
            assert_eq!(together, apart, "{attribute}");
        }
    });
}

#[test]
fn a_refusal_is_told_in_the_kernels_words() {
    in_new_netns("a_refusal_is_told_in_the_kernels_words", || {
        pair(2);
        let mut links = Links::default();
        let told = |outcome: Result<(), WriteError>| outcome.unwrap_err().to_string();
        let refused = told(write(&mut links, &[("one.100/channel/rx", Value::Int(3))]));
        assert!(refused.contains("requested channel count exceeds maximum"), "{refused}");
        let refused = told(write(&mut links, &[("one.100/mtu", Value::Int(70_000))]));
        assert!(refused.contains("mtu greater than device maximum"), "{refused}");
        let refused = told(write(&mut links, &[("gone/ring/rx", Value::Int(1))]));
        assert!(refused.contains("No such device"), "{refused}");
        told(write(&mut links, &[("one.100/channel/rx-max", Value::Int(1))]));
        told(write(&mut links, &[("one.100/mtu", Value::switch(true))]));
        told(write(&mut links, &[("one.100/channel/rx", Value::Int(1)), ("one.100/mtu", Value::Int(1400))]));
        told(write(&mut links, &[("one.100/channel/rx", Value::Int(1)), ("two/channel/rx", Value::Int(1))]));
        assert_eq!(value(&mut links, "one.100/mtu"), Value::Int(1500));
        assert_eq!(value(&mut links, "one.100/channel/rx"), Value::Int(2));
    });
}

#[test]
fn everything_that_is_listed_can_be_read() {
    in_new_netns("everything_that_is_listed_can_be_read", || {
        pair(2);
        let mut links = Links::default();
        let keys = links.list().unwrap();
        assert!(keys.is_sorted());
        for (key, reading) in keys.iter().zip(links.read(&keys.iter().collect::<Vec<_>>())) {
            assert!(matches!(reading, Reading::Typed { .. }), "{key}: {reading:?}");
        }
        for wanted in ["lo/mtu", "one.100/channel/rx", "two/queue/tx-1/xps-cpus", "one.100/feature/rx-gro"] {
            assert!(keys.contains(&key(wanted)), "{wanted}");
        }
    });
}

#[test]
fn facts_tell_what_lies_upon_what() {
    in_new_netns("facts_tell_what_lies_upon_what", || {
        pair(2);
        run("ip", &["link", "add", "br0", "type", "bridge"]);
        run("ip", &["link", "set", "two", "master", "br0"]);
        run("ip", &["link", "set", "one.100", "up"]);
        run("ip", &["link", "set", "two", "up"]);
        run("ip", &["link", "add", "mv0", "link", "one.100", "type", "macvlan"]);
        run("ip", &["route", "add", "default", "dev", "one.100"]);
        let mut links = Links::default();
        let names: BTreeSet<String> = ["lo", "one.100", "two", "br0", "mv0", "gone"].map(str::to_owned).into();
        let facts = links.facts(&names, &Asked::All);
        let text = |link: &str, name: &str| Some(facts.get(link)?.get(name)?.value.to_string());
        let is = |link: &str, name: &str, wanted: &str| {
            assert_eq!(text(link, name).as_deref(), Some(wanted), "{link} {name}")
        };
        is("lo", "kind", "loopback");
        is("one.100", "kind", "veth");
        is("one.100", "driver", "veth");
        is("one.100", "uppers", "mv0");
        is("one.100", "default_route", "true");
        is("one.100", "carrier", "true");
        is("one.100", "rx_queues", "2");
        is("one.100", "channels_rx_max", "2");
        is("one.100", "channels_tx", "2");
        is("two", "master", "br0");
        is("two", "master_kind", "bridge");
        is("two", "default_route", "false");
        is("mv0", "lower", "one.100");
        is("br0", "kind", "bridge");
        assert_eq!(text("one.100", "lower"), None, "the other end of a veth is no lower device");
        assert_eq!(text("one.100", "speed"), None, "10 Gbit/s of a veth is made up");
        assert!(!facts.contains_key("gone"));
    });
}

/// By whatever it is reached: rtnetlink, ethtool, a file.
#[test]
fn another_device_of_the_same_name_is_not_written_to() {
    in_new_netns("another_device_of_the_same_name_is_not_written_to", || {
        pair(2);
        let mut links = Links::default();
        let meant = links.identities().unwrap().remove("two").unwrap();
        let cells = [
            ("two/mtu", Value::Int(1400)),
            ("two/feature/rx-gro", Value::switch(true)),
            ("two/channel/rx", Value::Int(1)),
            ("two/queue/rx-0/rps-cpus", Value::Cpus(Ports::parse("0").unwrap())),
        ];
        let outcomes = |links: &mut Links| {
            let one =
                |(text, value): &(&str, Value)| links.write(&[(Address::link(key(text)), value.clone())], Some(&meant));
            cells.iter().map(one).collect::<Vec<_>>()
        };
        assert!(outcomes(&mut links).iter().all(Result::is_ok));
        for (old, new) in [("two", "three"), ("one.100", "two")] {
            run("ip", &["link", "set", old, "name", new]);
        }
        let all = links.list().unwrap();
        let all: Vec<&LinkKey> = all.iter().collect();
        let before = links.read(&all);
        for outcome in outcomes(&mut links) {
            assert!(matches!(outcome, Err(WriteError::Elsewhere { .. })), "{outcome:?}");
        }
        assert_eq!(links.read(&all), before);
        // An alternative name is no name.
        run("ip", &["link", "set", "two", "name", "one"]);
        run("ip", &["link", "property", "add", "dev", "three", "altname", "two"]);
        assert!(outcomes(&mut links).iter().all(|outcome| matches!(outcome, Err(WriteError::Elsewhere { .. }))));
        run("ip", &["link", "delete", "three"]);
        assert!(outcomes(&mut links).iter().all(|outcome| matches!(outcome, Err(WriteError::Elsewhere { .. }))));
    });
}

#[test]
fn a_device_is_known_again_from_another_namespace_and_its_successor_is_not_taken_for_it() {
    in_new_netns("a_device_is_known_again_from_another_namespace_and_its_successor_is_not_taken_for_it", || {
        pair(1);
        let mut links = Links::default();
        let then = links.identities().unwrap();
        let two = &then["two"];
        assert_eq!((two.kind.as_deref(), two.permanent_address.as_deref()), (Some("veth"), None));
        assert!(two.node.is_some() && two.node != then["one.100"].node);
        run("ip", &["link", "set", "two", "name", "three"]);
        assert_eq!(two.find("two", &links.identities().unwrap()), Whereabouts::Here("three"));
        // To the namespace of another process and back, where its number is another's by now.
        let script = format!(
            "unshare --net sleep 60 & there=$!; trap \"kill $there\" EXIT
            while [ $(readlink /proc/$there/ns/net) = $(readlink /proc/self/ns/net) ]; do sleep 0.01; done
            ip link set three netns $there; ip link add br0 index {} type bridge
            nsenter --net=/proc/$there/ns/net ip link set three name four
            nsenter --net=/proc/$there/ns/net ip link set four netns $$",
            two.ifindex
        );
        run("sh", &["-ec", &script]);
        let now = links.identities().unwrap();
        assert_ne!(now["four"].ifindex, two.ifindex);
        assert_eq!(two.find("two", &now), Whereabouts::Back("four", &now["four"]));
        run("ip", &["link", "delete", "four"]);
        run("ip", &["link", "delete", "br0"]);
        run("ip", &["link", "add", "two", "index", &two.ifindex.to_string(), "type", "veth", "peer", "name", "one"]);
        assert_eq!(two.find("two", &links.identities().unwrap()), Whereabouts::Gone);
    });
}

/// As for a service without CAP_SYS_ADMIN: `/sys` tells, of interfaces that it shows for certain.
#[test]
fn who_may_make_no_sysfs_knows_the_folders_that_are_certainly_meant() {
    in_new_netns("who_may_make_no_sysfs_knows_the_folders_that_are_certainly_meant", || {
        pair(1);
        let own = Links::default().identities().unwrap();
        let seen_in = |root| {
            let mut links = Links { queues: Some(Queues::shared(root)), ..Links::default() };
            links.identities().unwrap()
        };
        let seen = seen_in(queues::own().unwrap());
        for name in ["one.100", "two"] {
            assert!(own[name].node.is_some());
            assert_eq!(seen[name], own[name]);
        }
        // Every namespace has one of that name, number and address.
        assert_eq!(seen["lo"].node, None);
        // That of the machine's own namespace.
        let machines = std::fs::File::open("/sys").unwrap().into();
        assert!(seen_in(machines).values().all(|interface| interface.node.is_none()));
    });
}
