//! `explain`: every layer that speaks of an address, the winner, the live value, the next boot.

use crate::world::World;

#[test]
fn winner_losers_live_and_original() {
    let Some(world) = World::new() else { return };
    world.profile("low", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 50\n");
    world
        .profile("mid", "include = ['low']\n[sysctl]\nnet.ipv4.tcp_fin_timeout = { value = 40, reason = 'because' }\n");
    world.write("host.toml", "profiles = ['mid']\n[sysctl]\nnet.ipv4.tcp_fin_timeout = { at-most = 30 }\n");
    world.trimtab(&["explain", "net.ipv4.tcp_fin_timeout"]).exits(0).says(&[
        "sysctl:net.ipv4.tcp_fin_timeout",
        "live       60",
        "wanted     at most 30  host.toml:3",
        "overrides  40  mid.toml:3",
        "overrides  50  low.toml:2",
        "apply      60 -> 30",
        "next boot  this namespace does not outlive the boot",
    ]);
    world.trimtab(&["apply"]).exits(0);
    world.trimtab(&["explain", "net.ipv4.tcp_fin_timeout"]).exits(0).says(&[
        "live       30",
        "original   60 before trimtab, which left 30",
        "apply      nothing to do",
    ]);
    let document = world.trimtab(&["explain", "net.ipv4.tcp_fin_timeout", "--json"]).exits(0).json();
    assert_eq!(document["setting"]["losers"].as_array().unwrap().len(), 2);
    assert_eq!(document["live"]["value"]["value"], 30);
}

#[test]
fn any_spelling_leads_to_the_canonical_address() {
    let Some(world) = World::new() else { return };
    for spelling in ["net.ipv4.conf.all.forwarding", "net/ipv4/ip_forward", "sysctl:net.ipv4.ip_forward"] {
        world.trimtab(&["explain", spelling]).exits(0).says(&["sysctl:net.ipv4.ip_forward", "nobody speaks of it"]);
    }
    world.sh("ip link add v.100 type veth peer name p0");
    world.trimtab(&["explain", "net.ipv4.conf.v/100.rp_filter"]).exits(0).says(&["live       0"]);
    for wrong in ["", "net", "net.ipv4..x", "net.ipv4.tcp_sack extra", "xdp:eth0/root", "sysctl@:net.ipv4.tcp_sack"] {
        let told = world.trimtab(&["explain", wrong]).exits(64);
        assert!(told.err.contains(&format!("`{wrong}`")), "{wrong}: {}", told.err);
    }
}

#[test]
fn what_may_have_been_meant_is_said() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    for (address, why, meant) in [
        ("net.ipv4.tcp_sak", "this kernel has no such key", "did you mean net.ipv4.tcp_sack?"),
        ("net.ipv4.conf.all.rp_fliter", "this kernel has no such key", "did you mean net.ipv4.conf.all.rp_filter?"),
        ("link:v0/feature/rx-gr", "no feature of this kernel has that name", "did you mean rx-gro?"),
        ("link:v0/ring/rx", "the driver does not support it", ""),
        ("link:v0/queue/rx-7/rps-cpus", "there is no queue rx-7", "channels.combined"),
    ] {
        world.trimtab(&["explain", address]).exits(0).says(&["nobody speaks of it", why, meant]);
    }
    let told = world.trimtab(&["explain", "link:v9/mtu"]).exits(0).says(&["live       there is no interface v9"]);
    assert!(!told.out.contains("note"), "it is said once: {}", told.out);
}

#[test]
fn what_moves_it_is_said() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    let told = world.trimtab(&["explain", "net.ipv4.conf.v0.forwarding", "--set", "net.ipv4.ip_forward=1"]).exits(0);
    told.says(&["moves      0 -> 1, because sysctl:net.ipv4.ip_forward changes"]);
    world.trimtab(&["explain", "net.ipv4.conf.v0.rp_filter", "--set", "net.ipv4.conf.v0.rp_filter=1"]).exits(0);
    world
        .trimtab(&["explain", "net.netfilter.nothing_at_all"])
        .exits(0)
        .says(&["live       absent", "nobody speaks of it"]);
    world.trimtab(&["explain", "net.ipv4.tcp_fastopen_key"]).exits(0).says(&["live       <secret>"]);
}

#[test]
fn without_any_profile_named_what_is_in_force_is_explained() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["explain", "net.ipv4.tcp_sack"]).exits(0).says(&["nobody speaks of it"]);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    world.trimtab(&["explain", "net.ipv4.tcp_sack"]).exits(0).says(&["wanted     0", "--set", "nothing to do"]);
}
