use std::time::Duration;

use super::World;
use super::facts;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::OnDrift;
use crate::profile::Breaker;
use crate::profile::Listen;
use crate::profile::Mode;
use crate::profile::OnStop;

fn host(text: &str) -> World {
    World::default().host(text)
}

#[test]
fn an_absent_or_empty_host_file_means_the_defaults() {
    for world in [World::default(), host("")] {
        let config = world.load().bundle.unwrap().host;
        assert_eq!(config.mode, Mode::Enforce);
        assert_eq!(config.on_drift, OnDrift::Revert);
        assert_eq!(config.read_back, Duration::from_secs(30));
        assert_eq!(config.breaker, Some(Breaker { reverts: 3, within: Duration::from_secs(600) }));
        assert_eq!((config.unmanaged, config.metrics, config.namespaces.len()), (None, None, 0));
    }
}

#[test]
fn everything_in_the_host_file_is_read() {
    let config = host(
        "mode = 'observe'
on-drift = 'report'
unmanaged = ['lxc*', 'eth9']
[drift]
read-back = '1m'
breaker = '5/1h'
[metrics]
listen = '127.0.0.1:9417'
[namespace.red]
[namespace.blue]
profiles = []",
    )
    .load()
    .bundle
    .unwrap()
    .host;
    assert_eq!(config.mode, Mode::Observe);
    assert_eq!(config.on_drift, OnDrift::Report);
    assert_eq!(config.unmanaged.unwrap(), ["lxc*", "eth9"]);
    assert_eq!(config.read_back, Duration::from_secs(60));
    assert_eq!(config.breaker, Some(Breaker { reverts: 5, within: Duration::from_secs(3600) }));
    assert_eq!(config.metrics, Some(Listen::Tcp("127.0.0.1:9417".parse().unwrap())));
    assert_eq!(config.namespaces, ["blue", "red"]);
    let stop = |text| host(text).load().bundle.map(|bundle| bundle.host.on_stop);
    assert_eq!((stop(""), stop("on-stop = 'revert'")), (Some(OnStop::Keep), Some(OnStop::Revert)));
    assert_eq!(stop("on-stop = 'explode'"), None);
    let off = host("[drift]\nbreaker = 'off'\n[metrics]\nlisten = 'unix:/run/x.sock'").load().bundle.unwrap().host;
    assert_eq!((off.breaker, off.metrics), (None, Some(Listen::Unix("/run/x.sock".into()))));
}

#[test]
fn everything_wrong_in_the_host_file_is_told() {
    assert_eq!(
        host(
            "mod = 'enforce'
mode = 'observ'
on-drift = 5
unmanaged = ['a[']
include = ['x']
profiles = ['a', 'a']
[drift]
read-back = 30
breaker = '3'
readback = '1s'
[metrics]
listen = 'tcp'
[facts]
uplink.sped = '1gbit'
uplink.speed = '80ms'
link.speed = '1gbit'
[namespace]
blue = 5
[namespace.'a/b']"
        )
        .profile("a", "")
        .problems(),
        [
            "host.toml:1:1 unknown-key unknown key `mod`; did you mean `mode`?",
            "host.toml:2:8 wrong-value `mode` is one of `enforce` or `observe`, found `observ`; did you mean `observe`?",
            "host.toml:3:12 wrong-type `on-drift` wants a string, found an integer",
            "host.toml:4:14 glob `a[`: `[` without `]`: a bracket that stands for itself is `\\[`",
            "host.toml:5:1 unknown-key `include` belongs into a profile, not into the host file; \
             name the roles of this host in `profiles`",
            "host.toml:6:18 duplicate `a` is named twice",
            "host.toml:8:13 wrong-type `read-back` wants a string, found an integer",
            "host.toml:9:11 wrong-value `breaker` wants \"off\" or reverts/time as in \"3/10m\", found `3`",
            "host.toml:10:1 unknown-key unknown key `readback`; did you mean `read-back`?",
            "host.toml:12:10 wrong-value `listen` wants \"unix:/path\" or \"address:port\", found `tcp`",
            "host.toml:14:8 unknown-fact there is no fact `uplink.sped`; did you mean `uplink.speed`?",
            "host.toml:15:16 wrong-type `uplink.speed` wants a rate as in \"10gbit\", found `80ms`",
            "host.toml:16:6 unknown-fact `link.speed` names no interface; write link.eth0.speed = … for the interface eth0",
            "host.toml:18:8 wrong-type a namespace wants a section `[namespace.blue]`, found an integer",
            "host.toml:19:12 bad-name `a/b` is no name of a network namespace",
        ]
    );
}

#[test]
fn times_without_a_unit_are_refused() {
    for text in [
        "read-back = '30'",
        "read-back = '1.5'",
        "read-back = '0s'",
        "read-back = '2d'",
        "read-back = '1gbit'",
        "breaker = '0/1m'",
        "breaker = '3/600'",
    ] {
        let problems = host(&format!("[drift]\n{text}")).problems();
        assert!(problems.len() == 1 && problems[0].contains("wrong-value"), "{text}: {problems:?}");
    }
}

#[test]
fn declared_facts_beat_those_of_the_host_and_name_their_line() {
    let world = host(
        "[facts]\nuplink.speed = '25gbit'\nlink.eth0.mtu = 9000\n[sysctl]\nnet.core.somaxconn = { expr = 'uplink.speed / 1000000000' }\nnet.ipv4.conf.eth0.rp_filter = { expr = 'link.mtu > 1500 ? 1 : 2' }",
    );
    let known = facts(&[("uplink.speed", FactValue::Int(1)), ("host.cpus", FactValue::Int(4))]);
    let resolved = world.resolve(&known, &[]);
    assert_eq!(resolved.facts.values["uplink.speed"].source, "host.toml:2");
    assert_eq!(resolved.facts.int("host.cpus"), Some(4));
    assert_eq!(
        world.settings(&known, &[]),
        ["net.core.somaxconn = 25  host.toml:5", "net.ipv4.conf.eth0.rp_filter = 1  host.toml:6"]
    );
}

#[test]
fn the_host_file_beats_its_profiles() {
    let world = host("profiles = ['p']\n[sysctl]\nnet.core.somaxconn = 2")
        .profile("p", "[sysctl]\nnet.core.somaxconn = 1\nnet.core.netdev_max_backlog = 7");
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.netdev_max_backlog = 7  p.toml:3", "net.core.somaxconn = 2  host.toml:3"]
    );
}

#[test]
fn roles_of_the_command_line_stand_in_for_profiles_only() {
    let world = host("profiles = ['p']\nmode = 'observe'\n[sysctl]\nnet.core.somaxconn = 2")
        .profile("p", "[sysctl]\nnet.core.netdev_max_backlog = 7")
        .profile("q", "[sysctl]\nnet.core.netdev_budget = 9")
        .roles(&["q"]);
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.netdev_budget = 9  q.toml:2", "net.core.somaxconn = 2  host.toml:4"]
    );
    let bundle = world.load().bundle.unwrap();
    assert_eq!((bundle.host.mode, bundle.roles), (Mode::Observe, vec!["q".to_owned()]));
}

#[test]
fn a_namespace_has_its_own_profiles_and_settings() {
    let world = host(
        "profiles = ['p']
on-drift = 'report'
[facts]
host.cpus = 2
uplink.speed = '1gbit'
[sysctl]
net.core.somaxconn = 2
[namespace.blue]
profiles = ['q']
mode = 'observe'
facts.uplink.mtu = 9000
[namespace.blue.sysctl]
net.ipv4.ip_forward = 1",
    )
    .profile("p", "[sysctl]\nnet.core.netdev_max_backlog = 7")
    .profile("q", "[sysctl]\nnet.ipv4.tcp_sack = 1")
    .netns("blue");
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.ipv4.ip_forward = 1  host.toml:13", "net.ipv4.tcp_sack = 1  q.toml:2"]
    );
    let bundle = world.load().bundle.unwrap();
    assert_eq!((bundle.host.mode, bundle.host.on_drift), (Mode::Observe, OnDrift::Report));
    let known = world.resolve(&Facts::default(), &[]).facts;
    assert_eq!((known.int("host.cpus"), known.int("uplink.mtu")), (Some(2), Some(9000)));
    assert_eq!(known.get("uplink.speed"), None);
    assert_eq!(world.netns("red").settings(&Facts::default(), &[]), [""; 0]);
}

#[test]
fn on_drift_of_the_setting_beats_the_profile_beats_the_host() {
    let world = host("profiles = ['p', 'q']\non-drift = 'ignore'")
        .profile("p", "on-drift = 'report'\n[sysctl]\nnet.core.somaxconn = { value = 1, on-drift = 'revert' }\nnet.core.netdev_budget = 2")
        .profile("q", "[sysctl]\nnet.core.netdev_max_backlog = 3");
    let resolved = world.resolve(&Facts::default(), &[]);
    let found: Vec<(String, OnDrift)> =
        resolved.desired.settings.iter().map(|(address, setting)| (address.local_name(), setting.on_drift)).collect();
    assert_eq!(
        found,
        [
            ("net.core.netdev_budget".to_owned(), OnDrift::Report),
            ("net.core.netdev_max_backlog".to_owned(), OnDrift::Ignore),
            ("net.core.somaxconn".to_owned(), OnDrift::Revert),
        ]
    );
}
