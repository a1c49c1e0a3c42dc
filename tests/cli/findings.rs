//! What cannot be had or written: each reason is told apart, and each tells what to do.

use crate::world::World;

/// The findings of a plan with one setting, by class and code, and the exit code.
fn findings(world: &World, set: &str) -> (i32, Vec<(String, String)>) {
    let told = world.trimtab(&["plan", "--json", "--set", set]);
    let document = told.json();
    let word = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let all = document["findings"].as_array().unwrap();
    (told.code, all.iter().map(|finding| (word(finding, "class"), word(finding, "code"))).collect())
}

#[test]
fn each_reason_has_its_own_code() {
    let Some(world) = World::new() else { return };
    let cases = [
        // Global keys in a namespace are as they should be: a note, which changes no exit code.
        ("net.core.netdev_max_backlog=2000", 0, "note", "global-only"),
        ("net.core.rmem_max=1000000", 0, "note", "global-only"),
        ("net.ipv4.tcp_tw_recycle=1", 3, "blocked", "removed-key"),
        ("net.ipv4.tcp_sakc=0", 3, "blocked", "unknown-key"),
        ("net.ipv4.conf.eth7.rp_filter=1", 3, "pending", "no-interface"),
        ("net.ipv4.conf.lo.no_such_thing=1", 3, "blocked", "absent-key"),
        ("net.ipv4.tcp_fin_timeout={expr=\"uplink.mtu\"}", 3, "pending", "fact-unknown"),
        ("net.ipv4.tcp_congestion_control=nosuchcc", 3, "blocked", "unavailable"),
        ("net.ipv4.tcp_congestion_control={prefer=[\"nosuchcc\", \"neither\"]}", 3, "blocked", "unavailable"),
    ];
    for (set, exit, class, code) in cases {
        let found = findings(&world, set);
        assert_eq!(found, (exit, vec![(class.to_owned(), code.to_owned())]), "{set}");
    }
}

#[test]
fn a_module_that_is_not_loaded_is_pending() {
    let Some(world) = World::new() else { return };
    // Only a kernel without the module can tell; what the key's folder hides is as good as absent.
    let hide = "mkdir empty; mount --bind empty /proc/sys/net/netfilter";
    let told = world.mounted(hide, &["plan", "--set", "net.netfilter.nf_conntrack_tcp_timeout_established=86400"]);
    told.exits(3).says(&["pending: nf_conntrack is not loaded", "modprobe nf_conntrack"]);
}

#[test]
fn a_key_that_nobody_may_write_is_blocked_only_if_it_must_change() {
    let Some(world) = World::new() else { return };
    let read_only = "echo 1 >one; chmod 444 one; mount --bind one /proc/sys/net/ipv4/tcp_sack";
    world
        .mounted(read_only, &["plan", "--set", "net.ipv4.tcp_sack=0"])
        .exits(3)
        .says(&["blocked: it cannot be written here: its mode lets nobody, or /proc/sys is mounted read-only"]);
    world.mounted(read_only, &["plan", "--set", "net.ipv4.tcp_sack=1"]).exits(0);
    let told =
        world.mounted(read_only, &["apply", "--set", "net.ipv4.tcp_sack=0", "--set", "net.ipv4.tcp_mtu_probing=1"]);
    told.exits(3).says(&["in force: 1 written"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_mtu_probing"), "1");
}

#[test]
fn nothing_is_offered_where_proc_sys_is_mounted_read_only() {
    let Some(world) = World::new() else { return };
    let read_only = "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys";
    for verb in ["plan", "apply"] {
        world.mounted(read_only, &[verb, "--set", "net.ipv4.tcp_sack=0"]).exits(3).says(&[
            "net.ipv4.tcp_sack  blocked: it cannot be written here: its mode lets nobody, or /proc/sys is mounted read-only",
        ]);
    }
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn ipv6_that_a_small_mtu_took_away_is_pending() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0; ip link set v0 mtu 1000");
    assert_eq!(findings(&world, "net.ipv6.conf.v0.accept_ra=0"), (3, vec![("pending".into(), "no-ipv6".into())]));
    world.sh("ip link set v0 mtu 1500");
    assert_eq!(findings(&world, "net.ipv6.conf.v0.accept_ra=0").0, 2);
}

#[test]
fn a_policy_that_no_value_can_meet_is_refused() {
    let Some(world) = World::new() else { return };
    for set in ["net.ipv4.tcp_fin_timeout={between=[30, 10]}", "net.ipv4.tcp_sack=999", "net.ipv4.tcp_rmem=[1, 2]"] {
        world.trimtab(&["plan", "--set", set]).exits(65).complains(&["--set:1:"]);
    }
}
