//! What moves along: the plan shows it, and the kernel does just that.

use crate::world::World;

fn links(world: &World) {
    world.sh("ip link add v.100 type veth peer name p0; ip link set v.100 up; ip link set p0 up");
    world.sh("ip addr add 192.0.2.1/24 dev p0");
}

#[test]
fn forwarding_cascades_as_shown() {
    let Some(world) = World::new() else { return };
    links(&world);
    let plan = world.trimtab(&["plan", "--set", "net.ipv4.ip_forward=1", "--json"]).exits(2).json();
    world.trimtab(&["plan", "--set", "net.ipv4.ip_forward=1"]).exits(2).says(&[
        "traffic: starts or stops routing on every interface",
        "net.ipv4.conf.*.accept_redirects 1 -> 0 on all",
        "net.ipv4.conf.*.forwarding 0 -> 1 on default, lo, p0, v.100",
    ]);
    let before = world.all_sysctls();
    world.trimtab(&["apply", "--set", "net.ipv4.ip_forward=1"]).exits(0);
    // The kernel moved what was foretold, and nothing else.
    let effects = plan["changes"][0]["effects"].as_array().unwrap();
    for effect in effects {
        let key = effect["address"].as_str().unwrap().strip_prefix("sysctl:").unwrap();
        assert_eq!(world.sysctl(key), effect["to"].to_string(), "{key}");
    }
    let moved = world.differences(&before).iter().filter(|line| line.starts_with('+')).count();
    // ip_forward has two names.
    assert_eq!(moved, effects.len() + 2, "{:?}", world.differences(&before));
}

#[test]
fn a_default_fans_out_as_shown() {
    let Some(world) = World::new() else { return };
    links(&world);
    world.sh("sysctl -q net.ipv4.conf.lo.rp_filter=1");
    let set = "net.ipv4.conf.default.rp_filter=2";
    world.trimtab(&["plan", "--set", set]).exits(2).says(&[
        "may move: net.ipv4.conf.*.rp_filter 0 -> 2 on v.100",
        "stays: lo, p0 (has an address, or differs from the default)",
    ]);
    world.trimtab(&["apply", "--set", set]).exits(0);
    let read = |name: &str| world.sysctl(&format!("net.ipv4.conf.{name}.rp_filter"));
    assert_eq!((read("v/100"), read("p0"), read("lo")), ("2".into(), "0".into(), "1".into()));
    world.trimtab(&["revert"]).exits(0);
    assert_eq!((read("v/100"), read("p0"), read("lo")), ("0".into(), "0".into(), "1".into()));
}

#[test]
fn redirects_are_written_behind_forwarding() {
    let Some(world) = World::new() else { return };
    let set = ["--set", "net.ipv4.conf.all.accept_redirects=1", "--set", "net.ipv4.ip_forward=1"];
    world
        .trimtab(&[&["plan"], &set[..]].concat())
        .exits(2)
        .says(&["net.ipv4.conf.all.accept_redirects  1, moved to 0 -> 1"]);
    world.trimtab(&[&["apply"], &set[..]].concat()).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.all.accept_redirects"), "1");
    world.trimtab(&[&["apply"], &set[..]].concat()).exits(0).says(&["nothing written"]);
}

#[test]
fn pairs_that_check_each_other_come_in_the_order_the_kernel_takes() {
    let Some(world) = World::new() else { return };
    let both = |low: &str, start: &str| {
        let range = format!("net.ipv4.ip_local_port_range=[{low}, 60999]");
        let start = format!("net.ipv4.ip_unprivileged_port_start={start}");
        world.trimtab(&["apply", "--set", &range, "--set", &start]).exits(0).says(&["2 written"]);
    };
    both("512", "80");
    both("40000", "30000");
    both("300", "200");
    assert_eq!(world.sysctl("net.ipv4.ip_local_port_range"), "300 60999");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.ip_local_port_range"), "32768 60999");
    assert_eq!(world.sysctl("net.ipv4.ip_unprivileged_port_start"), "1024");
    // One that the kernel would refuse is not tried.
    let set = ["plan", "--set", "net.ipv4.ip_local_port_range=[512, 60999]"];
    world.trimtab(&set).exits(3).says(&["blocked: the kernel refuses 512 60999"]);
}

#[test]
fn interfaces_that_come_later_are_matched_and_those_with_dots_are_whole() {
    let Some(world) = World::new() else { return };
    world.profile(
        "globs",
        "[sysctl]\nnet.ipv4.conf.\"*\".arp_announce = 2\nnet.ipv4.conf.\"v.*\".arp_ignore = 1\nnet.ipv4.conf.\"v.7\".arp_notify = 1\n",
    );
    links(&world);
    world.trimtab(&["apply", "globs"]).exits(3).says(&["there is no interface v.7"]);
    assert_eq!(world.sysctl("net.ipv4.conf.v/100.arp_announce"), "2");
    assert_eq!(world.sysctl("net.ipv4.conf.v/100.arp_ignore"), "1");
    assert_eq!(world.sysctl("net.ipv4.conf.p0.arp_ignore"), "0");
    world.sh("ip link add v.7 type veth peer name p7");
    world.trimtab(&["verify"]).exits(2);
    world.trimtab(&["apply", "globs"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.v/7.arp_notify"), "1");
    assert_eq!(world.sysctl("net.ipv4.conf.p7.arp_announce"), "2");
    assert_eq!(world.sysctl("net.ipv4.conf.all.arp_announce"), "0", "a glob is no interface named all");
    assert_eq!(world.sysctl("net.ipv4.conf.default.arp_announce"), "0");
}

#[test]
fn unmanaged_interfaces_are_reached_by_exact_name_only() {
    let Some(world) = World::new() else { return };
    links(&world);
    world.profile("globs", "[sysctl]\nnet.ipv4.conf.\"*\".arp_announce = 2\nnet.ipv4.conf.\"v.100\".arp_ignore = 1\n");
    world.write("host.toml", "unmanaged = ['v.*']\nprofiles = ['globs']\n");
    world.trimtab(&["apply"]).exits(0).says(&["note: interface v.100 is left alone: unmanaged `v.*`"]);
    assert_eq!(world.sysctl("net.ipv4.conf.v/100.arp_announce"), "0");
    assert_eq!(world.sysctl("net.ipv4.conf.v/100.arp_ignore"), "1");
    assert_eq!(world.sysctl("net.ipv4.conf.p0.arp_announce"), "2");
}

#[test]
fn what_conf_all_makes_void_is_said() {
    let Some(world) = World::new() else { return };
    links(&world);
    world.sh("sysctl -q net.ipv4.conf.all.rp_filter=1");
    let set = ["plan", "--set", "net.ipv4.conf.p0.rp_filter=0"];
    world.trimtab(&set).exits(0).says(&["net.ipv4.conf.p0.rp_filter  note: rp_filter = 0 is void", "which is 1"]);
}

#[test]
fn what_is_void_on_many_interfaces_is_told_once() {
    let Some(world) = World::new() else { return };
    world.sh("for n in 1 2 3 4 5 6 7 8; do ip link add v$n type veth peer name p$n; done");
    world.profile("void", "[sysctl]\nnet.ipv4.conf.\"*\".send_redirects = 0\n");
    let told = world.trimtab(&["plan", "void"]).exits(2).says(&["and 11 more  note: send_redirects = 0 is void"]);
    assert_eq!(told.out.matches("is void").count(), 1, "{}", told.out);
}

#[test]
fn interfaces_of_any_name_are_survived() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add 'a=b' type veth peer name '*'; ip link add '-v' type veth peer name 'a..b'
         ip link add \"$(printf 'e\\033[31m')\" type veth peer name \"$(printf '\\377')\"
         ip link add '[x]' type veth peer name 'q\"'; ip link add \"it's\" type veth peer name '.x'");
    let before = world.all_sysctls();
    let told = world.trimtab(&["plan", "router"]).exits(2).says(&[
        "note: interface `a=b` is left alone: no address can hold its name",
        "note: interface `e\\u{1b}[31m` is left alone",
    ]);
    assert!(!told.out.contains('\u{1b}'), "{:?}", told.out);
    world.trimtab(&["apply", "router"]).exits(0);
    // Not by sysctl(8), to which a star is a pattern.
    for name in ["*", "-v", "a..b", "[x]", "q\"", "it's", ".x"] {
        let path = format!("/proc/sys/net/ipv4/conf/{name}/send_redirects");
        let value = world.thread(move || trimtab_kernel::file::read(path.as_ref(), 64).unwrap()).join().unwrap();
        assert_eq!(value, b"0\n", "{name}");
    }
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
    // But for the names that only the cascade reached, of which a default of before cannot be told.
    let left: Vec<String> = world
        .differences(&before)
        .into_iter()
        .filter(|line| !line.contains("a=b") && !line.contains("\u{1b}"))
        .collect();
    assert_eq!(left, [""; 0]);
}
