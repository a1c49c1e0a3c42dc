//! `[conntrack]` against the running kernel: each name is the sysctl that it says, per namespace where the kernel keeps one
//! for each.

use crate::world::World;

#[test]
fn names_and_times_reach_the_kernel_and_go_back() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    world.profile(
        "gateway",
        "[conntrack]\nacct = true\ntcp-loose = false\ntcp-be-liberal = true\ntimestamp = true\n\
         [conntrack.timeouts]\ntcp-established = { between = ['7440s', '1d'] }\nudp = '45s'\ngeneric = '5min'\n",
    );
    world.write("host.toml", "profiles = ['gateway']\n[conntrack]\ntimeouts = { udp-stream = '2min' }\n");
    world.trimtab(&["apply"]).exits(0).says(&["nf_conntrack_tcp_timeout_established", "432000 -> 86400"]);
    for (key, value) in [
        ("acct", "1"),
        ("tcp_loose", "0"),
        ("tcp_be_liberal", "1"),
        ("timestamp", "1"),
        ("tcp_timeout_established", "86400"),
        ("udp_timeout", "45"),
        ("udp_timeout_stream", "120"),
        ("generic_timeout", "300"),
    ] {
        assert_eq!(world.sysctl(&format!("net.netfilter.nf_conntrack_{key}")), value, "{key}");
    }
    world.trimtab(&["apply"]).exits(0).says(&["nothing to change"]);
    world.trimtab(&["verify"]).exits(0);
    world
        .trimtab(&["explain", "net.netfilter.nf_conntrack_udp_timeout"])
        .exits(0)
        .says(&["wanted     45  gateway.toml:8 as conntrack.timeouts.udp", "original   30 before trimtab"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn a_table_of_the_whole_host_is_left_alone_in_a_namespace() {
    let Some(world) = World::new() else { return };
    let max = world.sysctl("net.netfilter.nf_conntrack_max");
    world.profile("gateway", "[conntrack]\nmax = { at-least = 2000000000 }\n");
    let told = world.trimtab(&["plan", "gateway"]).exits(0);
    told.says(&["net.netfilter.nf_conntrack_max", "one value for the whole host, read-only in this namespace"]);
    assert_eq!(world.sysctl("net.netfilter.nf_conntrack_max"), max);
}

#[test]
fn a_wrong_name_or_time_is_refused_with_what_was_meant() {
    let Some(world) = World::new() else { return };
    world.profile("gateway", "[conntrack]\nmaximum = 5\nloose = true\ntimeouts.udp = '500ms'\n");
    let told = world.trimtab(&["plan", "gateway"]).exits(65);
    for words in [
        "connection tracking has no setting `maximum`",
        "did you mean `conntrack.tcp-loose`?",
        "`500ms` is no whole number of seconds, and the kernel keeps no less",
    ] {
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
}

#[test]
fn usage_is_told_by_facts_and_snapshot_as_the_kernel_shows_it() {
    let Some(world) = World::new() else { return };
    let max = world.sysctl("net.netfilter.nf_conntrack_max");
    let none = world.trimtab(&["facts"]).exits(0);
    none.says(&["conntrack", &format!("0 of {max} (0.0 %)")]);
    let script = "printf 'table inet t {\\nchain c {\\ntype filter hook output priority 0\\nct state new counter\\n}\\n}\\n' | nft -f -";
    world.sh(script);
    world
        .thread(|| {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            for port in 30_000..30_020 {
                socket.send_to(b"x", ("127.0.0.1", port)).unwrap_or_default();
            }
        })
        .join()
        .unwrap();
    let count = world.sysctl("net.netfilter.nf_conntrack_count");
    assert_eq!(count, "20");
    world.trimtab(&["facts"]).exits(0).says(&[&format!("20 of {max} "), "ctnetlink", "insert_failed", "early_drop"]);
    for document in [world.trimtab(&["facts", "--json"]), world.trimtab(&["snapshot"])] {
        let usage = document.exits(0).json()["conntrack"].clone();
        assert_eq!((usage["entries"].to_string(), usage["max"].to_string()), (count.clone(), max.clone()));
        assert_eq!(usage["source"], "ctnetlink");
        let cpus = usage["cpus"].as_array().unwrap();
        let lines = world.sh("cat /proc/thread-self/net/stat/nf_conntrack 2>/dev/null || true");
        if !lines.is_empty() {
            assert_eq!(cpus.len(), lines.lines().count() - 1);
        }
        assert!(cpus.iter().all(|cpu| cpu["drop"] == 0));
    }
}
