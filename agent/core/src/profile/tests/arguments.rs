use super::World;
use super::sysctl;
use crate::facts::Facts;

fn set(text: &str) -> World {
    World::default().set(text)
}

#[test]
fn set_takes_toml_values_and_plain_words() {
    for (text, wanted) in [
        ("net.core.somaxconn=8192", "net.core.somaxconn = 8192  --set"),
        ("sysctl:net.core.somaxconn=8192", "net.core.somaxconn = 8192  --set"),
        ("net.core.somaxconn = { at-least = 8192 }", "net.core.somaxconn = at-least 8192  --set"),
        ("net.ipv4.ip_local_port_range=[10240, 65535]", "net.ipv4.ip_local_port_range = [10240 65535]  --set"),
        ("net.ipv4.tcp_rmem=4096 131072 6291456", "net.ipv4.tcp_rmem = '4096 131072 6291456'  --set"),
        ("net.ipv4.tcp_congestion_control=bbr", "net.ipv4.tcp_congestion_control = 'bbr'  --set"),
        ("net.ipv4.tcp_congestion_control=\"bbr\"", "net.ipv4.tcp_congestion_control = 'bbr'  --set"),
        ("net.ipv4.tcp_sack=true", "net.ipv4.tcp_sack = 1  --set"),
        ("net.ipv4.conf.eth0/100.rp_filter=2", "net.ipv4.conf.eth0/100.rp_filter = 2  --set"),
        ("net/ipv4/conf/eth0.100/rp_filter=2", "net.ipv4.conf.eth0/100.rp_filter = 2  --set"),
        ("net.ipv4.conf.*.rp_filter=2", "net.ipv4.conf.eth0.rp_filter = 2  --set"),
        ("net.ipv4.ip_forward=1", "net.ipv4.ip_forward = 1  --set"),
    ] {
        assert_eq!(set(text).settings(&Facts::default(), &["eth0"]), [wanted], "{text}");
    }
}

#[test]
fn set_that_cannot_be_read_is_shown_with_its_place() {
    for (text, wanted) in [
        (
            "net.core.somaxconn",
            "--set:1:1 argument want ADDRESS=VALUE, found no `=`; as in --set net.core.somaxconn=8192",
        ),
        ("xdp:eth0=fq", "--set:1:1 bad-key unknown kind `xdp`: this version knows sysctl, link, tc, nft"),
        ("/proc/sys/net=1", "--set:1:1 bad-key sysctl key `/proc/sys/net` is a path: write the part behind /proc/sys/"),
        (
            "sysctl:net/../kernel/x=1",
            "--set:1:8 bad-key sysctl key `net....kernel.x` has a part `.` or `..`, which would leave /proc/sys",
        ),
        ("net.core.somaxconn=1.5", "--set:1:20 wrong-type want an integer, a string or a boolean, found a float"),
        (
            "net.ipv4.conf.\"*\".rp_filter=2",
            "--set:1:1 bad-key quotes belong to the keys of a file, not of an argument; as in --set \
             'net.ipv4.conf.*.rp_filter=2', or eth0/100 for the interface eth0.100",
        ),
        (
            "net.core.somaxconn={ at-lest = 1 }",
            "--set:1:22 unknown-policy unknown policy word `at-lest`; did you mean `at-least`?",
        ),
        (
            "sysctl@blue:net.core.somaxconn=1",
            "--set:1:1 bad-key the address is in another network namespace; name the namespace with --netns",
        ),
    ] {
        let problems = set(text).problems();
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        if !text.contains("..") {
            assert_eq!(problems, [wanted], "{text}");
        }
    }
    let problems = set("net.core.somaxconn={ at-least = ").problems();
    assert!(problems[0].contains(" syntax "), "{problems:?}");
}

#[test]
fn set_for_the_namespace_in_question_may_name_it() {
    let world = set("sysctl@blue:net.core.somaxconn=1").netns("blue");
    assert_eq!(world.settings(&Facts::default(), &[]), ["net.core.somaxconn = 1  --set"]);
}

#[test]
fn set_beats_everything_and_keeps_what_it_beat() {
    let world = sysctl("net.core.somaxconn = 1").host("[sysctl]\nnet.core.somaxconn = 2").set("net.core.somaxconn=3");
    let resolved = world.resolve(&Facts::default(), &[]);
    let setting = resolved.desired.settings.values().next().unwrap();
    assert_eq!(setting.origin.to_string(), "--set");
    let losers: Vec<String> = setting.losers.iter().map(|loser| loser.origin.to_string()).collect();
    assert_eq!(losers, ["host.toml:2", "p.toml:2"]);
}

#[test]
fn the_same_key_set_twice_is_refused() {
    let problems = set("net.ipv4.ip_forward=1").set("net.ipv4.conf.all.forwarding=0").problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("duplicate"), "{problems:?}");
    let problems = set("net.core.somaxconn=1").set("net.core.somaxconn=2").problems();
    assert_eq!(problems, ["--set:1:1 duplicate `net.core.somaxconn` is set twice; keep one of them"]);
}
