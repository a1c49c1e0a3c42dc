use std::collections::BTreeMap;
use std::slice;

use super::keys::RULES;
use super::keys::When;
use super::*;
use crate::desired::Layer;
use crate::desired::Origin;
use crate::desired::Setting;
use crate::facts::FactValue;
use crate::policy::Element;
use crate::policy::OnDrift;
use crate::policy::Scalar;
use crate::policy::Wanted;

fn address(key: &str) -> Address {
    let kind = if key.starts_with("eth") { "link" } else { "sysctl" };
    format!("{kind}:{key}").parse().unwrap()
}

fn desired(settings: &[(&str, Policy)]) -> Desired {
    let mut desired = Desired::default();
    for (key, policy) in settings {
        let origin = Origin { layer: Layer::Profile, file: "test.toml".into(), line: 1, written_as: None };
        let setting = Setting {
            want: Want::Decided(policy.clone()),
            on_drift: OnDrift::Revert,
            if_supported: false,
            load_module: false,
            reason: None,
            origin,
            losers: Vec::new(),
        };
        desired.settings.insert(address(key), setting);
    }
    desired
}

fn codes(settings: &[(&str, Policy)], facts: Option<&Facts>, live: &[(&str, i64)]) -> Vec<&'static str> {
    let live: BTreeMap<Address, Value> = live.iter().map(|(key, number)| (address(key), Value::Int(*number))).collect();
    let lints = lint(&desired(settings), facts, &|address| live.get(address).cloned());
    for lint in &lints {
        assert!(!lint.message.ends_with('.') && !lint.advice.ends_with('.'), "{lint:?}");
    }
    lints.into_iter().map(|lint| lint.code).collect()
}

fn is(number: i64) -> Policy {
    Policy::Value(Wanted::One(Scalar::Int(number)))
}

fn at_least(number: i64) -> Policy {
    Policy::AtLeast(Wanted::One(Scalar::Int(number)))
}

fn vector(index: usize, number: i64) -> Wanted {
    let mut elements = vec![Element::Keep; 3];
    elements[index] = Element::Is(Scalar::Int(number));
    Wanted::Many(elements)
}

fn facts(pairs: &[(&str, FactValue)]) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in pairs {
        facts.insert(name, value.clone(), "test");
    }
    facts
}

/// Every row fires on what it is about and keeps quiet just beside it.
#[test]
fn every_row_of_the_table_fires_and_keeps_quiet() {
    for rule in RULES {
        let key = rule.key.replace('…', "timeout").replace('*', "eth0");
        let fires = |policy: Policy| codes(&[(&key, policy)], None, &[]).contains(&rule.code);
        let element = |index, number| match index {
            0 => Wanted::One(Scalar::Int(number)),
            _ => vector(index, number),
        };
        match rule.when {
            When::Set => assert!(fires(is(1)), "{key}"),
            When::Only(numbers) => {
                for number in numbers {
                    assert!(fires(is(*number)), "{key}");
                    assert!(!fires(at_least(*number)), "{key}: a floor forces nobody down");
                }
                assert!(!fires(is(3)), "{key}");
            }
            When::Below(index, limit) => {
                assert!(fires(Policy::Value(element(index, limit - 1))), "{key}");
                assert!(fires(Policy::AtMost(element(index, limit - 1))), "{key}");
                assert!(!fires(Policy::AtLeast(element(index, limit - 1))), "{key}: a floor never lowers");
                assert!(!fires(Policy::Value(element(index, limit))), "{key}");
            }
            When::Above(index, limit) => {
                assert!(fires(Policy::Value(element(index, limit + 1))), "{key}");
                assert!(fires(Policy::AtLeast(element(index, limit + 1))), "{key}");
                assert!(!fires(Policy::AtMost(element(index, limit + 1))), "{key}: a ceiling never raises");
                assert!(!fires(Policy::Value(element(index, limit))), "{key}");
            }
        }
    }
}

#[test]
fn values_of_old_blogs_are_found_as_sysctl_conf_writes_them() {
    let text = |text: &str| Policy::Value(Wanted::One(Scalar::Text(text.into())));
    assert_eq!(codes(&[("net.ipv4.tcp_rmem", text("4096 87380 16777216"))], None, &[]), ["below-default"]);
    assert_eq!(codes(&[("net.ipv4.tcp_rmem", text("4096 16777216 33554432"))], None, &[]), ["cargo-cult"]);
    assert_eq!(codes(&[("net.ipv4.tcp_rmem", text("4096 131072 33554432"))], None, &[]), [""; 0]);
}

#[test]
fn reuse_of_time_wait_needs_timestamps() {
    let reuse = ("net.ipv4.tcp_tw_reuse", is(1));
    let stamps = "net.ipv4.tcp_timestamps";
    assert_eq!(codes(slice::from_ref(&reuse), None, &[(stamps, 0)]), ["needs-other"]);
    assert_eq!(codes(slice::from_ref(&reuse), None, &[(stamps, 1)]), [""; 0]);
    assert_eq!(codes(slice::from_ref(&reuse), None, &[]), [""; 0]);
    assert_eq!(codes(&[reuse.clone(), (stamps, is(1))], None, &[(stamps, 0)]), [""; 0]);
    assert_eq!(codes(&[reuse, (stamps, is(0))], None, &[]), ["switched-off", "needs-other"]);
    assert_eq!(codes(&[("net.ipv4.tcp_tw_reuse", is(0))], None, &[(stamps, 0)]), [""; 0]);
}

#[test]
fn tcp_mem_counts_pages() {
    let host = facts(&[("host.memory", FactValue::Int(8 << 30)), ("host.page_size", FactValue::Int(4096))]);
    let blog = Policy::AtLeast(vector(2, 16_777_216));
    let lints = lint(&desired(&[("net.ipv4.tcp_mem", blog.clone())]), Some(&host), &|_| None);
    assert_eq!(lints[0].message, "counts pages, not bytes: the third value is 800 % of this host's memory");
    assert_eq!(codes(&[("net.ipv4.tcp_mem", blog)], None, &[]), [""; 0], "a floor may fit the host it is for");
    let fixed = Policy::Value(vector(2, 200_000));
    assert_eq!(codes(&[("net.ipv4.udp_mem", fixed.clone())], Some(&host), &[]), ["cargo-cult"]);
    assert_eq!(codes(&[("net.ipv4.udp_mem", Policy::AtLeast(vector(2, 200_000)))], Some(&host), &[]), [""; 0]);
}

#[test]
fn one_socket_must_not_take_much_of_the_memory() {
    let small = facts(&[("host.memory", FactValue::Int(1 << 30))]);
    let rmem = |bytes| [("net.ipv4.tcp_rmem", Policy::AtLeast(vector(2, bytes)))];
    assert_eq!(codes(&rmem(256 << 20), Some(&small), &[]), ["too-large"]);
    assert_eq!(codes(&rmem(64 << 20), Some(&small), &[]), [""; 0]);
    assert_eq!(codes(&rmem(256 << 20), None, &[]), [""; 0]);
}

#[test]
fn limits_that_must_not_be_lowered_are_compared_with_the_live_value() {
    let key = "net.ipv4.tcp_max_tw_buckets";
    assert_eq!(codes(&[(key, is(5000))], None, &[(key, 131_072)]), ["lowers-limit"]);
    assert_eq!(codes(&[(key, is(262_144))], None, &[(key, 131_072)]), [""; 0]);
    assert_eq!(codes(&[(key, at_least(5000))], None, &[(key, 131_072)]), [""; 0]);
    assert_eq!(codes(&[(key, is(5000))], None, &[]), [""; 0]);
}

#[test]
fn a_low_port_range_wants_reserved_ports() {
    let range = |low| {
        let ends = vec![Element::Is(Scalar::Int(low)), Element::Is(Scalar::Int(65535))];
        ("net.ipv4.ip_local_port_range", Policy::Value(Wanted::Many(ends)))
    };
    let reserved = ("net.ipv4.ip_local_reserved_ports", Policy::Includes(vec![Scalar::Text("8080".into())]));
    assert_eq!(codes(&[range(1024)], None, &[]), ["needs-other"]);
    assert_eq!(codes(&[range(1024), reserved], None, &[]), [""; 0]);
    assert_eq!(codes(&[range(10_240)], None, &[]), [""; 0]);
}

#[test]
fn a_value_that_all_overrules_is_void() {
    let all = |name: &str| format!("net.ipv4.conf.all.{name}");
    for (name, own, of_all, void) in [
        ("rp_filter", 0, 1, true),
        ("rp_filter", 1, 2, true),
        ("rp_filter", 2, 1, false),
        ("rp_filter", 1, 0, false),
        ("arp_ignore", 0, 1, true),
        ("send_redirects", 0, 1, true),
        ("send_redirects", 0, 0, false),
        ("log_martians", 1, 0, false),
        ("accept_source_route", 1, 0, true),
        ("accept_source_route", 0, 1, false),
        ("forwarding", 0, 1, false),
        ("medium_id", 0, 1, false),
    ] {
        let key = format!("net.ipv4.conf.eth0/100.{name}");
        let expected: &[&str] = if void { &["void"] } else { &[] };
        assert_eq!(codes(&[(&key, is(own))], None, &[(&all(name), of_all)]), expected, "{name} {own} {of_all} live");
        let both = [(key.as_str(), is(own)), (&*all(name), is(of_all))];
        assert_eq!(codes(&both, None, &[]), expected, "{name} {own} {of_all} desired");
        assert_eq!(codes(&[(&key, is(own))], None, &[]), [""; 0], "{name} unknown");
    }
    let redirects = "net.ipv4.conf.eth0.accept_redirects";
    let live = |forwarding| [("net.ipv4.conf.all.accept_redirects", 1), ("net.ipv4.conf.eth0.forwarding", forwarding)];
    assert_eq!(codes(&[(redirects, is(0))], None, &live(0)), ["void"]);
    assert_eq!(codes(&[(redirects, is(0))], None, &live(1)), [""; 0], "a router needs both");
}

#[test]
fn send_redirects_of_all_alone_stops_none() {
    let all = ("net.ipv4.conf.all.send_redirects", is(0));
    assert_eq!(codes(slice::from_ref(&all), None, &[]), ["void"]);
    assert_eq!(codes(&[all.clone(), ("net.ipv4.conf.eth0.send_redirects", is(0))], None, &[]), [""; 0]);
    assert_eq!(codes(&[all.clone(), ("net.ipv4.conf.default.send_redirects", is(0))], None, &[]), [""; 0]);
    assert_eq!(codes(&[all, ("net.ipv4.conf.eth0.rp_filter", is(0))], None, &[]), ["void"]);
    assert_eq!(codes(&[("net.ipv4.conf.all.log_martians", is(0))], None, &[]), [""; 0]);
}

#[test]
fn forwarding_costs_the_route_that_was_advertised() {
    let forwarding = ("net.ipv6.conf.all.forwarding", is(1));
    let ra = "net.ipv6.conf.eth0/100.accept_ra";
    let host = facts(&[("uplink.name", FactValue::Text("eth0.100".into()))]);
    assert_eq!(codes(slice::from_ref(&forwarding), Some(&host), &[(ra, 1)]), ["needs-other"]);
    assert_eq!(codes(slice::from_ref(&forwarding), Some(&host), &[(ra, 2)]), [""; 0]);
    assert_eq!(codes(slice::from_ref(&forwarding), Some(&host), &[(ra, 0)]), [""; 0]);
    assert_eq!(codes(&[forwarding.clone(), (ra, is(2))], Some(&host), &[(ra, 1)]), [""; 0]);
    assert_eq!(codes(slice::from_ref(&forwarding), None, &[(ra, 1)]), [""; 0]);
    assert_eq!(codes(&[("net.ipv6.conf.all.forwarding", is(0))], Some(&host), &[(ra, 1)]), [""; 0]);
}

#[test]
fn settings_of_another_namespace_are_no_neighbours() {
    let mut desired = desired(&[("net.ipv4.tcp_tw_reuse", is(1))]);
    let other = self::desired(&[("net.ipv4.tcp_timestamps", is(0))]);
    for (address, setting) in other.settings {
        desired.settings.insert(Address { netns: Some("blue".into()), ..address }, setting);
    }
    let lints = lint(&desired, None, &|_| None);
    assert_eq!(lints.iter().map(|lint| lint.code).collect::<Vec<_>>(), ["switched-off"]);
}

#[test]
fn offloads_turned_off_by_the_dozen_are_questioned_once_a_device() {
    let off = |names: &[&str]| -> Vec<(String, Policy)> {
        names.iter().map(|name| (format!("eth0/feature/{name}"), is(0))).collect()
    };
    let codes_of = |settings: Vec<(String, Policy)>| {
        let settings: Vec<(&str, Policy)> =
            settings.iter().map(|(key, policy)| (key.as_str(), policy.clone())).collect();
        codes(&settings, None, &[])
    };
    assert_eq!(
        codes_of(off(&["rx-gro", "tx-generic-segmentation", "tx-tcp-segmentation", "rx-checksum"])),
        ["cargo-cult"]
    );
    // One family is a decision, and LRO is none of them.
    assert_eq!(codes_of(off(&["tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation"])), [""; 0]);
    assert_eq!(codes_of(off(&["rx-gro", "rx-lro", "rx-gro-hw", "tx-udp-segmentation"])), [""; 0]);
}

#[test]
fn long_queues_small_packets_and_merging_before_forwarding_are_questioned() {
    assert_eq!(codes(&[("eth0/txqueuelen", is(10_000))], None, &[]), ["cargo-cult"]);
    assert_eq!(codes(&[("eth0/txqueuelen", is(1000))], None, &[]), [""; 0]);
    assert_eq!(codes(&[("eth0/mtu", is(1279))], None, &[]), ["no-ipv6"]);
    assert_eq!(codes(&[("eth0/mtu", at_least(1000)), ("eth1/mtu", is(9000))], None, &[]), [""; 0]);
    let lro = ("eth0/feature/rx-lro", is(1));
    assert_eq!(codes(&[lro.clone(), ("net.ipv4.ip_forward", is(1))], None, &[]), ["forwarding-lro"]);
    assert_eq!(codes(std::slice::from_ref(&lro), None, &[("net.ipv4.ip_forward", 1)]), ["forwarding-lro"]);
    assert_eq!(codes(std::slice::from_ref(&lro), None, &[("net.ipv4.ip_forward", 0)]), [""; 0]);
    assert_eq!(codes(&[("eth0/feature/rx-lro", is(0)), ("net.ipv4.ip_forward", is(1))], None, &[]), [""; 0]);
}
