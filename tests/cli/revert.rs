//! `revert`: what was there before comes back, and nothing that is somebody else's goes.

use crate::world::World;

#[test]
fn everything_is_as_it_was_before() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v.100 type veth peer name p0; ip link set v.100 up; ip link set p0 up");
    world.sh("ip addr add 192.0.2.1/24 dev p0");
    let before = world.all_sysctls();
    // Through several roles, so that settings come, change and leave.
    for role in ["router", "egress-proxy", "web-frontend", "router"] {
        world.trimtab(&["apply", role]).exits(0);
    }
    assert_ne!(world.differences(&before), [""; 0]);
    world.trimtab(&["revert"]).exits(0).says(&["restored:", "back to its original"]);
    assert_eq!(world.differences(&before), [""; 0]);
    world.trimtab(&["status"]).exits(0).says(&["in force: nothing in this boot", "changed: 0 values"]);
    world.trimtab(&["verify"]).exits(1);
    let journal = world.journal();
    world.trimtab(&["revert"]).exits(0).says(&["nothing written"]);
    assert_eq!(world.journal(), journal);
}

#[test]
fn nothing_was_ever_applied() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["revert"]).exits(0).says(&["nothing written"]);
    world
        .trimtab(&["revert", "net.ipv4.tcp_sack"])
        .exits(1)
        .complains(&["sysctl:net.ipv4.tcp_sack", "nothing to put back"]);
}

#[test]
fn somebody_elses_value_is_left_alone() {
    let Some(world) = World::new() else { return };
    world.profile("two", "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = 3\n");
    world.trimtab(&["apply", "two"]).exits(0);
    world.sh("sysctl -q net.ipv4.tcp_syn_retries=9");
    let told = world.trimtab(&["revert"]).exits(3).says(&[
        "! net.ipv4.tcp_syn_retries  conflict: found 9, trimtab left 3: somebody changed it since, so it stays",
        "its value before trimtab was 6",
        "restored: 1 written",
    ]);
    assert!(!told.out.contains("failed"), "{}", told.out);
    assert_eq!((world.sysctl("net.ipv4.tcp_sack"), world.sysctl("net.ipv4.tcp_syn_retries")), ("1".into(), "9".into()));
    // It was reported; from now on it is theirs.
    world.trimtab(&["revert"]).exits(0).says(&["nothing written"]);
}

#[test]
fn elements_that_were_not_ours_stay() {
    let Some(world) = World::new() else { return };
    world.profile("third", "[sysctl]\nnet.ipv4.tcp_rmem = [\"keep\", \"keep\", 8388608]\n");
    let before = world.sysctl("net.ipv4.tcp_rmem");
    world.trimtab(&["apply", "third"]).exits(0);
    world.sh("sysctl -q net.ipv4.tcp_rmem='8192 131072 8388608'");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_rmem"), before.replacen("4096", "8192", 1));
}

#[test]
fn single_addresses_go_back_alone() {
    let Some(world) = World::new() else { return };
    world.profile("two", "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = 3\n");
    world.trimtab(&["apply", "two"]).exits(0);
    world.trimtab(&["revert", "net.ipv4.tcp_sack"]).exits(0).says(&["restored: 1 written"]);
    assert_eq!((world.sysctl("net.ipv4.tcp_sack"), world.sysctl("net.ipv4.tcp_syn_retries")), ("1".into(), "3".into()));
    world.trimtab(&["verify"]).exits(0).says(&["1 as wanted"]);
    world.trimtab(&["revert", "sysctl:net/ipv4/tcp_syn_retries"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "6");
    world.trimtab(&["verify"]).exits(1);
}

#[test]
fn forwarding_goes_back_with_all_that_it_moved() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0; sysctl -q net.ipv4.conf.p0.forwarding=1");
    world.sh("sysctl -q net.ipv4.conf.all.accept_redirects=0 net.ipv6.conf.v0.disable_ipv6=1");
    let before = world.all_sysctls();
    let set = ["--set", "net.ipv4.ip_forward=1", "--set", "net.ipv6.conf.all.disable_ipv6=1"];
    world.trimtab(&[&["apply"], &set[..]].concat()).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.v0.forwarding"), "1");
    world.trimtab(&["apply", "--set", "net.ipv6.conf.all.disable_ipv6=1"]).exits(0);
    world.trimtab(&["revert", "net.ipv6.conf.all.disable_ipv6"]).exits(0);
    // p0 forwarded, redirects were refused and v0 had no IPv6 before; each would have gone with the way back.
    assert_eq!(world.differences(&before), [""; 0]);
    world.trimtab(&["status"]).exits(0).says(&["changed: 0 values"]);
}

#[test]
fn failed_apply_puts_right_what_its_way_back_moves() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0; sysctl -q net.ipv4.conf.p0.forwarding=1");
    let before = world.all_sysctls();
    world.trimtab(&["apply", "--set", "net.ipv4.ip_forward=1", "--set", "net.ipv6.conf.lo.mtu=100000"]).exits(6);
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn what_somebody_changed_beside_the_cascade_stays() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0; sysctl -q net.ipv4.conf.p0.forwarding=1");
    world.trimtab(&["apply", "--set", "net.ipv4.ip_forward=1"]).exits(0);
    world.sh("sysctl -q net.ipv4.conf.p0.forwarding=0");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.p0.forwarding"), "0");
}

#[test]
fn one_that_the_kernel_refuses_keeps_no_other_from_going_back() {
    let Some(world) = World::new() else { return };
    world.profile(
        "three",
        "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = 3\nnet.ipv4.tcp_fin_timeout = 30\n",
    );
    world.trimtab(&["apply", "three"]).exits(0);
    let refuse = "mount --bind -o ro /proc/sys/net/ipv4/tcp_sack /proc/sys/net/ipv4/tcp_sack";
    world.mounted(refuse, &["revert"]).exits(7).says(&[
        "not everything could be undone",
        "! sysctl:net.ipv4.tcp_sack: the kernel refused `1`: Read-only file system",
    ]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    assert_eq!(
        (world.sysctl("net.ipv4.tcp_syn_retries"), world.sysctl("net.ipv4.tcp_fin_timeout")),
        ("6".into(), "60".into())
    );
    // It is remembered, and goes back as soon as it can.
    world.trimtab(&["revert"]).exits(0).says(&["restored: 1 written"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn interfaces_that_are_gone_are_forgotten() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    world.trimtab(&["apply", "--set", "net.ipv4.conf.v0.rp_filter=2", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    world.sh("ip link del v0");
    world.trimtab(&["revert"]).exits(0).says(&["restored: 1 written"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn an_interface_made_anew_is_not_taken_for_the_old_one() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name v1");
    world.trimtab(&["apply", "--set", "net.ipv4.conf.v0.rp_filter=2"]).exits(0);
    // The new one starts at 0, and somebody wants 2 there.
    world.sh("ip link del v0; ip link add v0 type veth peer name v1; sysctl -qw net.ipv4.conf.v0.rp_filter=2");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.v0.rp_filter"), "2");
    world.trimtab(&["status"]).exits(0).says(&["0 values differ"]);
}
