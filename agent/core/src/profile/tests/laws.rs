//! Laws that hold for every text and every order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Shelf;
use super::World;
use crate::expr::sample_hosts;
use crate::profile::ProfileText;
use crate::profile::Request;
use crate::profile::load;
use crate::render;

const VALID: &str = r#"description = "Forward proxy"
include = ["base"]
on-drift = "report"

[params]
rtt = "80ms"
bandwidth = "10gbit"

[sysctl]
net.ipv4.tcp_tw_reuse = 1
net.ipv4.ip_local_port_range = [10240, 65535]
net.core.somaxconn = { at-least = 8192 }
net.ipv4.tcp_congestion_control = { prefer = ["bbr", "cubic"] }
net.ipv4.conf."eth0.100".rp_filter = 2
net.ipv4.conf."*".send_redirects = 0
net.ipv4.tcp_rmem = { at-least = ["keep", "keep", { expr = "clamp(pow2(2 * bdp(known(uplink.speed, params.bandwidth), params.rtt)), 4096, 67108864)" }] }
net.ipv4.tcp_fin_timeout = { value = 30, on-drift = "report", reason = "frees orphans" }

[[link]]
match = { name = ["eth*", "!eth9"] }
mtu = { expr = "known(link.mtu, 1500)" }
features = { tso = true, rx-lro = { value = false, if-supported = true } }
[link.queues."rx-[0]"]
rps-cpus = "0-3,8"
"#;

/// Loads a text as profile, host file and arguments, resolves it and renders everything it says.
fn everything(text: &[u8], arguments: &str) -> Vec<String> {
    let mut shelf = Shelf::default();
    shelf.0.insert("p".into(), text.to_vec());
    shelf.0.insert("base".into(), b"[sysctl]\nnet.core.somaxconn = 1\n".to_vec());
    let host = ProfileText { shown_name: "host.toml".into(), path: None, text: text.to_vec() };
    let mut shown = Vec::new();
    for host_file in [None, Some(host)] {
        let request = Request {
            roles: host_file.is_none().then(|| vec!["p".to_owned()]),
            host_file,
            sets: vec![
                arguments.to_owned(),
                format!("net.core.somaxconn={arguments}"),
                format!("link:eth0/mtu={arguments}"),
                format!("link:{arguments}=1"),
            ],
            params: vec![arguments.to_owned(), format!("rtt={arguments}")],
            ..Request::default()
        };
        for request in [Request { sets: vec![], params: vec![], ..request.clone() }, request] {
            let loaded = load(&request, &mut shelf);
            shown.push(render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false));
            shown.push(format!("{:?}", render::diagnostics::told(&loaded.diagnostics, &loaded.sources)));
            let Some(bundle) = loaded.bundle else { continue };
            for (_, facts) in sample_hosts() {
                let interfaces = BTreeSet::from(["eth0".to_owned(), "veth1".to_owned()]);
                let resolved = bundle.resolve(facts.clone(), &interfaces);
                shown.push(render::diagnostics::text(&resolved.diagnostics, &loaded.sources, true));
                shown.push(serde_json::to_string(&resolved.desired).unwrap());
            }
        }
    }
    shown
}

#[test]
fn the_example_is_valid_on_every_sample_host() {
    let world = World::default().profile("p", VALID).profile("base", "").roles(&["p"]);
    assert_eq!(world.problems(), [""; 0]);
    for (name, facts) in sample_hosts() {
        assert_eq!(world.host_problems(&facts, &["eth0"]), [""; 0], "{name}");
        assert_eq!(world.settings(&facts, &["eth0"]).len(), 16, "{name}");
    }
}

/// Setting lines of which any two may disagree.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "net.core.somaxconn",
        "net.ipv4.ip_forward",
        "net.ipv4.conf.all.forwarding",
        "net.ipv4.conf.\"*\".rp_filter",
        "net.ipv4.conf.\"eth*\".rp_filter",
        "net.ipv4.conf.eth0.rp_filter",
    ]);
    let value = prop::sample::select(vec![
        "0",
        "1",
        "{ at-least = 1 }",
        "{ value = 1, override = true }",
        "{ value = 0, override = true }",
        "{ expr = 'uplink.mtu' }",
        "{ expr = '2 - 1' }",
        "{ value = 1, on-drift = 'report' }",
    ]);
    (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"))
}

/// A few profiles: lines of settings and includes of profiles with a higher number, so that there is no cycle.
fn profiles() -> impl Strategy<Value = Vec<(Vec<String>, BTreeSet<usize>)>> {
    prop::collection::vec((prop::collection::vec(line(), 0..4), prop::collection::btree_set(1_usize..6, 0..3)), 1..6)
}

fn world(profiles: &[(Vec<String>, BTreeSet<usize>)], backwards: bool) -> World {
    let mut world = World::default();
    for (index, (lines, includes)) in profiles.iter().enumerate() {
        let mut names: Vec<String> = includes
            .iter()
            .map(|step| index + step)
            .filter(|target| *target < profiles.len())
            .map(|target| format!("'p{target}'"))
            .collect();
        if backwards {
            names.reverse();
        }
        world = world
            .profile(&format!("p{index}"), &format!("include = [{}]\n[sysctl]\n{}", names.join(", "), lines.concat()));
    }
    let mut roles: Vec<String> = (0..profiles.len()).map(|index| format!("p{index}")).collect();
    if backwards {
        roles.reverse();
    }
    world.roles(&roles.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Sections of links of which any two may disagree.
fn section() -> impl Strategy<Value = String> {
    let matcher = prop::sample::select(vec![
        "'eth0'",
        "'eth*'",
        "'*'",
        "['eth0', '!eth1']",
        "{ driver = 'virtio_net' }",
        "{ driver = '!x', name = 'e*' }",
    ]);
    let line = prop::sample::select(vec![
        "mtu = 1400",
        "mtu = 9000",
        "mtu = { value = 1300, override = true }",
        "features = { tso = true }",
        "features = { tso = false, tx-tcp-segmentation = true }",
        "queues = { 'rx-*' = { rps-cpus = 'all' } }",
        "queues = { 'rx-?' = { rps-cpus = '1' }, rx-1 = { rps-cpus = 2 } }",
        "channels = { combined = 2 }",
        "channels = { combined = { at-least = 3 } }",
    ]);
    (matcher, line).prop_map(|(matcher, line)| format!("[[link]]\nmatch = {matcher}\n{line}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), argument in "\\PC{0,40}") {
        everything(&bytes, &argument);
    }

    #[test]
    fn any_text_of_the_language_is_survived(
        text in "([a-z\\[\\]{}=\"'.,#*\\\\ \n\r0-9-]|sysctl|\\[\\[link\\]\\]\nmatch = |features|queues|net|expr|include|\\[sysctl\\]\n|net\\.core\\.somaxconn = ){0,60}",
        argument in "[a-z\\[\\]{}=\"'.,:@/*0-9 -]{0,30}",
    ) {
        everything(text.as_bytes(), &argument);
    }

    #[test]
    fn any_mutation_of_a_valid_profile_is_survived(
        cuts in prop::collection::vec((0..VALID.len(), 0_usize..12, prop::collection::vec(any::<u8>(), 0..6)), 1..5),
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, length, insert) in cuts {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        everything(&bytes, "{ at-least = 5 }");
    }

    #[test]
    fn the_order_of_roles_and_includes_never_changes_the_outcome(profiles in profiles()) {
        let (forwards, backwards) = (world(&profiles, false), world(&profiles, true));
        let (one, other) = (forwards.load(), backwards.load());
        prop_assert_eq!(one.bundle.is_some(), other.bundle.is_some());
        let (Some(one), Some(other)) = (one.bundle, other.bundle) else { return Ok(()) };
        for (_, facts) in sample_hosts() {
            let interfaces = BTreeSet::from(["eth0".to_owned(), "wlan0".to_owned()]);
            let (one, other) = (one.resolve(facts.clone(), &interfaces), other.resolve(facts.clone(), &interfaces));
            prop_assert_eq!(&one.desired, &other.desired);
            prop_assert_eq!(one.failed(), other.failed());
            let messages = |resolved: &crate::profile::Resolved| {
                resolved.diagnostics.iter().map(|problem| problem.message.clone()).collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(messages(&one), messages(&other));
        }
    }

    #[test]
    fn whoever_speaks_of_an_address_wins_or_is_kept_as_a_loser(profiles in profiles()) {
        let world = world(&profiles, false);
        let Some(bundle) = world.load().bundle else { return Ok(()) };
        let somaxconn = |line: &&String| line.starts_with("net.core.somaxconn");
        let speakers: usize = profiles.iter().map(|(lines, _)| lines.iter().filter(somaxconn).count()).sum();
        let (_, facts) = sample_hosts().remove(0);
        let resolved = bundle.resolve(facts.clone(), &BTreeSet::new());
        let address = "sysctl:net.core.somaxconn".parse().unwrap();
        if let Some(setting) = resolved.desired.settings.get(&address) {
            prop_assert_eq!(setting.losers.len() + 1, speakers);
        }
    }

    #[test]
    fn a_value_of_the_command_line_always_wins(profiles in profiles()) {
        let world = world(&profiles, false).set("net.core.somaxconn=77");
        let Some(bundle) = world.load().bundle else { return Ok(()) };
        let resolved = bundle.resolve(crate::facts::Facts::default(), &BTreeSet::new());
        let address = "sysctl:net.core.somaxconn".parse().unwrap();
        prop_assert_eq!(resolved.desired.settings[&address].origin.to_string(), "--set");
    }

    #[test]
    fn the_order_of_sections_never_changes_what_links_get(
        sections in prop::collection::vec(section(), 0..6).prop_flat_map(|sections| (Just(sections.clone()), Just(sections).prop_shuffle())),
    ) {
        let mut facts = crate::facts::Facts::default();
        for (link, driver, queues) in [("eth0", "virtio_net", 2), ("eth1", "e1000e", 3)] {
            facts.insert_link(link, "driver", crate::facts::FactValue::Text(driver.to_owned()), "test");
            facts.insert_link(link, "rx_queues", crate::facts::FactValue::Int(queues), "test");
        }
        let interfaces = BTreeSet::from(["eth0".to_owned(), "eth1".to_owned(), "mystery".to_owned()]);
        let (one, other) = (sections.0, sections.1);
        let resolve = |sections: &[String]| {
            super::one(&sections.concat()).load().bundle.map(|bundle| bundle.resolve(facts.clone(), &interfaces))
        };
        let (Some(one), Some(other)) = (resolve(&one), resolve(&other)) else { panic!("not loaded") };
        prop_assert_eq!(one.failed(), other.failed());
        let wants = |resolved: &crate::profile::Resolved| {
            resolved.desired.settings.iter().map(|(address, setting)| (address.clone(), setting.want.clone(), setting.if_supported)).collect::<Vec<_>>()
        };
        prop_assert_eq!(wants(&one), wants(&other));
    }
}
