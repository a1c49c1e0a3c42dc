//! The profiles that trimtab ships, tried on every sample host: they load without a complaint, every setting has a
//! value, the linter has no advice, and the values are those that their comments promise.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails here fails a test")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::Address;
use trimtab_core::desired::Want;
use trimtab_core::expr::sample_hosts;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::Facts;
use trimtab_core::lint::lint;
use trimtab_core::policy::Element;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::profile::Library;
use trimtab_core::profile::Loaded;
use trimtab_core::profile::ProfileName;
use trimtab_core::profile::ProfileText;
use trimtab_core::profile::Request;
use trimtab_core::profile::Resolved;
use trimtab_core::profile::load;
use trimtab_core::render;

const SHIPPED: &[(&str, &str)] = &[
    ("base", include_str!("../../../profiles/base.toml")),
    ("egress-proxy", include_str!("../../../profiles/egress-proxy.toml")),
    ("web-frontend", include_str!("../../../profiles/web-frontend.toml")),
    ("router", include_str!("../../../profiles/router.toml")),
];

struct Shipped;

impl Library for Shipped {
    fn profile(&mut self, name: &ProfileName) -> Result<Option<ProfileText>, String> {
        let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name.name());
        Ok(found.map(|(name, text)| ProfileText {
            shown_name: format!("{name}.toml"),
            path: None,
            text: text.as_bytes().to_vec(),
        }))
    }

    fn names(&mut self) -> Vec<String> {
        SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn loaded(role: &str, params: &[&str]) -> Loaded {
    let request = Request {
        roles: Some(vec![role.to_owned()]),
        params: params.iter().map(|param| (*param).to_owned()).collect(),
        ..Request::default()
    };
    load(&request, &mut Shipped)
}

fn resolved(role: &str, params: &[&str], facts: &Facts) -> Resolved {
    let loaded = loaded(role, params);
    let bundle = loaded.bundle.expect(role);
    let mut interfaces: BTreeSet<String> = ["lo", "eth9.100"].map(str::to_owned).into();
    interfaces.extend(facts.links.keys().cloned());
    bundle.resolve(facts.clone(), &interfaces)
}

fn sample(name: &str) -> Facts {
    sample_hosts().into_iter().find(|(host, _)| *host == name).expect(name).1
}

/// The numbers of a policy on a sysctl, whatever its kind; kept elements are `None`.
fn numbers(resolved: &Resolved, key: &str) -> Vec<Option<i64>> {
    numbers_of(resolved, &format!("sysctl:{key}"))
}

fn numbers_of(resolved: &Resolved, key: &str) -> Vec<Option<i64>> {
    let address: Address = key.parse().unwrap();
    let Want::Decided(policy) = &resolved.desired.settings.get(&address).expect(key).want else {
        panic!("{key} is undecided")
    };
    let wanted: Vec<&Wanted> = match policy {
        Policy::Value(wanted) | Policy::AtLeast(wanted) | Policy::AtMost(wanted) => vec![wanted],
        Policy::Between(low, high) => vec![low, high],
        Policy::OneOf(all) | Policy::Prefer(all) => all.iter().collect(),
        Policy::Includes(_) => panic!("{key}"),
    };
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Int(number) => Some(*number),
        Scalar::Text(_) => None,
    };
    let elements = |wanted: &Wanted| match wanted {
        Wanted::One(one) => vec![scalar(one)],
        Wanted::Many(many) => many
            .iter()
            .map(|element| match element {
                Element::Keep => None,
                Element::Is(one) => scalar(one),
            })
            .collect(),
        Wanted::Tree(tree) => tree.every_scalar().into_iter().map(scalar).collect(),
    };
    wanted.into_iter().flat_map(elements).collect()
}

#[test]
fn load_without_a_complaint() {
    for (role, text) in SHIPPED {
        let loaded = loaded(role, &[]);
        let told = render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.diagnostics.is_empty() && loaded.bundle.is_some(), "{told}");
        assert!(text.starts_with("#:schema ../schema/profile.schema.json\n"), "{role}");
    }
}

#[test]
fn every_setting_has_a_value_and_a_reason_on_every_sample_host() {
    for (role, _) in SHIPPED {
        for (host, facts) in sample_hosts() {
            let resolved = resolved(role, &[], &facts);
            assert_eq!(resolved.diagnostics, [], "{role} on {host}");
            assert!(resolved.desired.settings.len() >= 7, "{role} on {host}");
            for (address, setting) in &resolved.desired.settings {
                assert!(setting.reason.is_some(), "{role}: {address} has no reason");
                if let Want::Undecided { fact, .. } = &setting.want {
                    assert_eq!((host, fact.as_str()), ("nothing known", "host.memory"), "{role}: {address}");
                }
            }
        }
    }
}

#[test]
fn the_linter_has_no_advice() {
    for (role, _) in SHIPPED {
        for (host, facts) in sample_hosts() {
            let resolved = resolved(role, &[], &facts);
            assert_eq!(lint(&resolved.desired, Some(&facts), &|_| None), [], "{role} on {host}");
            assert_eq!(lint(&resolved.desired, None, &|_| None), [], "{role} on {host}");
        }
    }
}

#[test]
fn every_setting_tells_its_source() {
    for (role, text) in SHIPPED {
        let mut sourced = false;
        for (line, text) in text.lines().enumerate() {
            sourced |= text.starts_with("# Source: ");
            assert!(!text.contains("reason = ") || sourced, "{role}.toml:{}: no source above", line + 1);
            sourced &= !text.is_empty();
        }
    }
}

#[test]
fn windows_follow_the_path_and_the_memory() {
    let third = |role: &str, host: &str, params: &[&str]| {
        let resolved = resolved(role, params, &sample(host));
        numbers(&resolved, "net.ipv4.tcp_rmem")
    };
    let keep = |bytes: i64| vec![None, None, Some(bytes)];
    // 1 GiB / 256; 32 MiB of 8 GiB; 64 MiB at most.
    assert_eq!(third("egress-proxy", "small virtual machine", &[]), keep(4 << 20));
    assert_eq!(third("egress-proxy", "virtual machine", &[]), keep(32 << 20));
    assert_eq!(third("egress-proxy", "edge server, 25 Gbit/s", &[]), keep(64 << 20));
    // 1 Gbit/s and 100 ms are 12.5 MB in flight, 25 MB of buffer.
    assert_eq!(third("web-frontend", "edge server, 25 Gbit/s", &[]), keep(32 << 20));
    // A short path needs little; the floor then changes nothing.
    assert_eq!(third("egress-proxy", "edge server, 25 Gbit/s", &["rtt=1ms"]), keep(8 << 20));
    assert_eq!(third("egress-proxy", "virtual machine", &["rtt=1ms", "bandwidth=1gbit"]), keep(256 << 10));
}

#[test]
fn queues_follow_the_rate_of_connections() {
    let queue =
        |params: &[&str], key: &str| numbers(&resolved("egress-proxy", params, &sample("virtual machine")), key);
    assert_eq!(queue(&[], "net.core.somaxconn"), [Some(4096)]);
    assert_eq!(queue(&["connections_per_second=10000"], "net.core.somaxconn"), [Some(16384)]);
    assert_eq!(queue(&["connections_per_second=1000000"], "net.core.somaxconn"), [Some(65535)]);
    assert_eq!(queue(&[], "net.ipv4.tcp_max_tw_buckets"), [Some(131_072)]);
    assert_eq!(queue(&["connections_per_second=100000"], "net.ipv4.tcp_max_tw_buckets"), [Some(335_544)], "1 %");
}

#[test]
fn a_router_keeps_its_advertised_route_and_leaves_other_interfaces_alone() {
    let mut facts = sample("edge server, 25 Gbit/s");
    let router = resolved("router", &[], &facts);
    let accept = |router: &Resolved, link: &str| numbers(router, &format!("net.ipv6.conf.{link}.accept_ra"));
    assert_eq!(accept(&router, "ens1f0np0"), [Some(2), Some(0), Some(2)]);
    assert_eq!(accept(&router, "eth9/100"), [Some(1), Some(0), Some(2)]);
    // Without a route nobody is the uplink.
    facts.values.remove("uplink.name");
    assert_eq!(accept(&resolved("router", &[], &facts), "ens1f0np0"), [Some(1), Some(0), Some(2)]);
    // A dotted interface as uplink.
    facts.insert("uplink.name", FactValue::Text("eth9.100".into()), "test");
    assert_eq!(accept(&resolved("router", &[], &facts), "eth9/100"), [Some(2), Some(0), Some(2)]);
}

#[test]
fn tables_of_a_router_fit_its_memory() {
    let table = |host: &str, key: &str| numbers(&resolved("router", &[], &sample(host)), key);
    let (max, buckets) = ("net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_buckets");
    assert_eq!(
        (table("virtual machine", max), table("virtual machine", buckets)),
        (vec![Some(262_144)], vec![Some(131_072)])
    );
    assert_eq!(table("small virtual machine", max), [Some(134_217)], "5 % of 1 GiB at 400 bytes");
    assert_eq!(table("virtual machine", "net.ipv4.neigh.default.gc_thresh3"), [Some(4096)]);
}

/// What a role wants of the card of a host, by the rest of its address.
fn of_card(role: &str, facts: &Facts, link: &str) -> BTreeMap<String, Vec<Option<i64>>> {
    let resolved = resolved(role, &[], facts);
    let prefix = format!("link:{link}/");
    let all = resolved.desired.settings.keys().map(ToString::to_string);
    all.filter_map(|address| {
        let rest = address.strip_prefix(&prefix)?.to_owned();
        Some((rest, numbers_of(&resolved, &address)))
    })
    .collect()
}

#[test]
fn cards_get_what_they_take_and_no_more() {
    let edge = sample("edge server, 25 Gbit/s");
    let card = |role: &str, rest: &str| of_card(role, &edge, "ens1f0np0").get(rest).cloned();
    let is = |number: i64| Some(vec![Some(number)]);
    for role in ["egress-proxy", "web-frontend", "router"] {
        // 64 CPUs with two threads each core.
        assert_eq!(card(role, "channel/combined"), is(32), "{role}");
        for feature in ["rx-gro", "tx-generic-segmentation", "tx-tcp-segmentation", "tx-tcp6-segmentation"] {
            assert_eq!(card(role, &format!("feature/{feature}")), is(1), "{role}");
        }
    }
    assert_eq!((card("web-frontend", "ring/rx"), card("router", "ring/rx")), (is(1024), is(4096)));
    assert_eq!((card("router", "feature/rx-lro"), card("egress-proxy", "feature/rx-lro")), (is(0), is(0)));
    assert_eq!(card("web-frontend", "feature/rx-lro"), None);
    // 32768 flows over 64 queues.
    assert_eq!(card("web-frontend", "queue/rx-63/rps-flow-cnt"), is(512));
    // virtio's ring has 256 places at most, and one CPU needs no steering.
    let mut small = sample("small virtual machine");
    small.insert_link("ens3", "ring_rx_max", FactValue::Int(256), "test");
    small.insert_link("ens3", "channels_combined_max", FactValue::Int(1), "test");
    assert_eq!(of_card("router", &small, "ens3").get("ring/rx").cloned(), is(256));
    assert_eq!(of_card("router", &small, "ens3").get("channel/combined").cloned(), is(1));
    assert_eq!(of_card("web-frontend", &small, "ens3").get("queue/rx-0/rps-flow-cnt").cloned(), is(0));
}

#[test]
fn only_real_cards_are_touched_and_only_floors_are_set() {
    for (role, _) in SHIPPED {
        for (host, facts) in sample_hosts() {
            for (address, setting) in &resolved(role, &[], &facts).desired.settings {
                let text = address.to_string();
                let Some((link, rest)) = text.strip_prefix("link:").and_then(|text| text.split_once('/')) else {
                    continue;
                };
                let kind = facts.links.get(link).and_then(|known| known.get("kind")).map(|fact| &fact.value);
                assert_eq!(kind, Some(&FactValue::Text("physical".to_owned())), "{role} on {host}: {text}");
                // That a card of a router can merge for good is an error; all else it may lack.
                assert!(setting.if_supported || (*role == "router" && rest == "feature/rx-lro"), "{role}: {text}");
                let floor = matches!(&setting.want, Want::Decided(Policy::AtLeast(_)));
                assert!(rest.starts_with("feature/") || floor, "{role} on {host}: {text}");
            }
        }
    }
}
