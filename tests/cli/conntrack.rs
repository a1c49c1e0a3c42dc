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
