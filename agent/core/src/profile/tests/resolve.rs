use super::World;
use super::facts;
use super::one;
use super::sysctl;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::profile::Skipped;

#[test]
fn a_glob_reaches_every_interface_but_all_and_default() {
    let world = sysctl("net.ipv4.conf.\"*\".send_redirects = 0\nnet.ipv4.conf.all.send_redirects = 1");
    assert_eq!(
        world.settings(&Facts::default(), &["eth0", "eth0.100", "lo", "all", "default"]),
        [
            "net.ipv4.conf.all.send_redirects = 1  p.toml:3",
            "net.ipv4.conf.eth0/100.send_redirects = 0  p.toml:2",
            "net.ipv4.conf.eth0.send_redirects = 0  p.toml:2",
            "net.ipv4.conf.lo.send_redirects = 0  p.toml:2",
        ]
    );
    let resolved = world.resolve(&Facts::default(), &["eth0"]);
    let setting = resolved.desired.settings.values().nth(1).unwrap();
    assert_eq!(setting.origin.written_as.as_deref(), Some("net.ipv4.conf.*.send_redirects"));
}

#[test]
fn within_a_file_the_name_beats_the_longer_glob_beats_the_star() {
    let world = sysctl(
        "net.ipv4.conf.\"*\".rp_filter = 0
net.ipv4.conf.\"eth*\".rp_filter = 1
net.ipv4.conf.eth1.rp_filter = 2",
    );
    assert_eq!(
        world.settings(&Facts::default(), &["eth0", "eth1", "lo"]),
        [
            "net.ipv4.conf.eth0.rp_filter = 1  p.toml:3",
            "net.ipv4.conf.eth1.rp_filter = 2  p.toml:4",
            "net.ipv4.conf.lo.rp_filter = 0  p.toml:2",
        ]
    );
    let resolved = world.resolve(&Facts::default(), &["eth1"]);
    let setting = resolved.desired.settings.values().next().unwrap();
    let losers: Vec<u32> = setting.losers.iter().map(|loser| loser.origin.line).collect();
    assert_eq!(losers, [3, 2]);
}

#[test]
fn a_stronger_layer_wins_even_with_a_glob() {
    let world = World::default()
        .profile("a", "include = ['b']\n[sysctl]\nnet.ipv4.conf.\"*\".rp_filter = 0")
        .profile("b", "[sysctl]\nnet.ipv4.conf.eth0.rp_filter = 2")
        .roles(&["a"]);
    assert_eq!(world.settings(&Facts::default(), &["eth0"]), ["net.ipv4.conf.eth0.rp_filter = 0  a.toml:3"]);
    let world = world.host("[sysctl]\nnet.ipv4.conf.\"e*\".rp_filter = 1");
    assert_eq!(world.settings(&Facts::default(), &["eth0"]), ["net.ipv4.conf.eth0.rp_filter = 1  host.toml:2"]);
}

#[test]
fn among_equals_the_more_exact_wins_without_a_conflict() {
    let world = World::default()
        .profile("a", "[sysctl]\nnet.ipv4.conf.\"*\".rp_filter = 0")
        .profile("b", "[sysctl]\nnet.ipv4.conf.eth0.rp_filter = 2")
        .roles(&["a", "b"]);
    assert_eq!(world.settings(&Facts::default(), &["eth0"]), ["net.ipv4.conf.eth0.rp_filter = 2  b.toml:2"]);
}

#[test]
fn globs_of_one_file_that_are_equally_exact_must_agree() {
    let world = sysctl("net.ipv4.conf.\"e*0\".rp_filter = 0\nnet.ipv4.conf.\"et*\".rp_filter = 1");
    let problems = world.host_problems(&Facts::default(), &["eth0"]);
    assert!(problems.len() == 1 && problems[0].contains("equals disagree"), "{problems:?}");
    assert_eq!(world.host_problems(&Facts::default(), &["eth1"]), [""; 0]);
}

#[test]
fn an_escaped_star_is_the_interface_of_that_name() {
    let world = sysctl("net.ipv4.conf.'\\*'.rp_filter = 2");
    assert_eq!(world.settings(&Facts::default(), &["eth0"]), ["net.ipv4.conf.*.rp_filter = 2  p.toml:2"]);
}

#[test]
fn unmanaged_interfaces_are_reached_by_name_only() {
    let world = sysctl("net.ipv4.conf.\"*\".rp_filter = 0\nnet.ipv4.conf.veth1.rp_filter = 2");
    let interfaces = ["cali1", "docker0", "eth0", "lxc1", "veth1", "veth2"];
    let own = facts(&[("host.initial_netns", FactValue::Bool(true))]);
    let wanted = ["net.ipv4.conf.eth0.rp_filter = 0  p.toml:2", "net.ipv4.conf.veth1.rp_filter = 2  p.toml:3"];
    assert_eq!(world.settings(&own, &interfaces), wanted);
    // Where nobody can tell whether this is the initial namespace, the cautious answer.
    assert_eq!(world.settings(&Facts::default(), &interfaces), wanted);
    assert_eq!(
        world.resolve(&own, &["veth2", "eth0"]).skipped,
        [Skipped { interface: "veth2".into(), unmanaged: "veth*".into() }]
    );
    let other = facts(&[("host.initial_netns", FactValue::Bool(false))]);
    assert_eq!(world.settings(&other, &interfaces).len(), 6);
    assert_eq!(world.resolve(&other, &interfaces).skipped, []);
    assert_eq!(world.clone().host("unmanaged = []").settings(&own, &interfaces).len(), 6);
    assert_eq!(
        world.host("unmanaged = ['[a-e]*']").settings(&own, &["eth0", "veth2"]),
        ["net.ipv4.conf.veth1.rp_filter = 2  p.toml:3", "net.ipv4.conf.veth2.rp_filter = 0  p.toml:2"]
    );
}

#[test]
fn an_interface_that_no_glob_matches_is_not_reported_as_skipped() {
    let world = sysctl("net.ipv4.conf.\"eth*\".rp_filter = 0");
    assert_eq!(world.resolve(&Facts::default(), &["veth2", "eth0"]).skipped, []);
}

#[test]
fn formulas_are_evaluated_in_every_place_that_takes_a_value() {
    let world = one("[params]
n = 1000
[sysctl]
net.core.somaxconn = { at-least = { expr = 'pow2(params.n)' } }
net.core.netdev_budget = { expr = 'params.n / 2' }
net.ipv4.tcp_rmem = { at-least = ['keep', 'keep', { expr = 'host.memory / 256' }] }
net.ipv4.tcp_fin_timeout = { between = [{ expr = '5 * 2' }, 60] }
net.core.netdev_max_backlog = { expr = '1000.2' }
net.ipv4.tcp_sack = { expr = 'params.n > 5' }");
    let known = facts(&[("host.memory", FactValue::Int(1 << 34))]);
    assert_eq!(
        world.settings(&known, &[]),
        [
            "net.core.netdev_budget = 500  p.toml:5",
            "net.core.netdev_max_backlog = 1001  p.toml:8",
            "net.core.somaxconn = at-least 1024  p.toml:4",
            "net.ipv4.tcp_fin_timeout = between 10 60  p.toml:7",
            "net.ipv4.tcp_rmem = at-least [keep keep 67108864]  p.toml:6",
            "net.ipv4.tcp_sack = 1  p.toml:9",
        ]
    );
}

#[test]
fn link_facts_are_those_of_each_interface() {
    let mut known = Facts::default();
    known.insert_link("eth0", "mtu", FactValue::Int(9000), "test");
    known.insert_link("eth1", "mtu", FactValue::Int(1500), "test");
    let world = sysctl("net.ipv4.conf.\"*\".rp_filter = { expr = 'link.mtu > 1500 ? 1 : 2' }");
    assert_eq!(
        world.settings(&known, &["eth0", "eth1", "eth2"]),
        [
            "net.ipv4.conf.eth0.rp_filter = 1  p.toml:2",
            "net.ipv4.conf.eth1.rp_filter = 2  p.toml:2",
            "net.ipv4.conf.eth2.rp_filter = ? link.mtu in link.mtu > 1500 ? 1 : 2  p.toml:2",
        ]
    );
}

#[test]
fn a_fact_that_is_not_known_leaves_the_setting_undecided() {
    let world = sysctl("net.core.somaxconn = { at-least = { expr = 'uplink.speed / 1000' } }");
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.somaxconn = ? uplink.speed in uplink.speed / 1000  p.toml:2"]
    );
}

#[test]
fn formulas_that_fail_on_a_host_are_errors_inside_their_string() {
    for (formula, word) in [
        ("1 / (host.cpus - 4)", "zero"),
        ("9223372036854775807 + host.cpus", ""),
        ("double(host.memory) * 1.0e300", "64-bit"),
        ("host.name", ""),
    ] {
        let world = sysctl(&format!("net.core.somaxconn = {{ expr = '{formula}' }}"));
        let known = facts(&[
            ("host.cpus", FactValue::Int(4)),
            ("host.memory", FactValue::Int(1)),
            ("host.name", FactValue::Text("edge".into())),
        ]);
        let problems = world.host_problems(&known, &[]);
        assert!(
            problems.len() == 1 && problems[0].starts_with("p.toml:2:") && problems[0].contains(word),
            "{formula}: {problems:?}"
        );
        assert!(world.resolve(&known, &[]).failed());
    }
}

#[test]
fn a_formula_that_leaves_the_range_is_an_error_on_that_host() {
    let world = sysctl("net.ipv4.tcp_tw_reuse = { expr = 'host.cpus' }");
    assert_eq!(world.host_problems(&facts(&[("host.cpus", FactValue::Int(1))]), &[]), [""; 0]);
    let problems = world.host_problems(&facts(&[("host.cpus", FactValue::Int(99))]), &[]);
    assert!(problems.len() == 1 && problems[0].starts_with("p.toml:2:25 "), "{problems:?}");
}

#[test]
fn a_loser_that_fails_is_only_a_warning() {
    let world =
        sysctl("net.core.somaxconn = { expr = '1 / (host.cpus - 4)' }").host("[sysctl]\nnet.core.somaxconn = 9");
    let known = facts(&[("host.cpus", FactValue::Int(4))]);
    assert_eq!(world.settings(&known, &[]), ["net.core.somaxconn = 9  host.toml:2"]);
    assert_eq!(world.host_problems(&known, &[]).len(), 1);
}

#[test]
fn one_glob_that_fails_everywhere_is_told_once() {
    let world = sysctl("net.ipv4.conf.\"*\".rp_filter = { expr = '1 / (host.cpus - 4)' }");
    let known = facts(&[("host.cpus", FactValue::Int(4))]);
    assert_eq!(world.host_problems(&known, &["a", "b", "c"]).len(), 1);
}

#[test]
fn aliases_fold_into_one_address_with_their_unit() {
    let world = World::default()
        .profile("a", "[sysctl]\nnet.ipv4.neigh.default.base_reachable_time = 30\nnet.ipv4.conf.all.forwarding = 1")
        .profile("b", "[sysctl]\nnet.ipv4.neigh.default.base_reachable_time_ms = 30000\nnet.ipv4.ip_forward = 1")
        .roles(&["a", "b"]);
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.ipv4.ip_forward = 1  a.toml:3", "net.ipv4.neigh.default.base_reachable_time_ms = 30000  a.toml:2",]
    );
    let resolved = world.resolve(&Facts::default(), &[]);
    let forward = resolved.desired.settings.values().next().unwrap();
    assert_eq!(forward.origin.written_as.as_deref(), Some("net.ipv4.conf.all.forwarding"));
}

#[test]
fn the_reason_of_the_winner_is_kept() {
    let world = sysctl("net.core.somaxconn = { value = 1, reason = 'because' }");
    let resolved = world.resolve(&Facts::default(), &[]);
    assert_eq!(resolved.desired.settings.values().next().unwrap().reason.as_deref(), Some("because"));
}
