//! `apply`: everything or nothing, and what it leaves behind.

use std::time::Duration;
use std::time::Instant;

use trimtab_kernel::file;

use crate::world::Told;
use crate::world::World;

#[test]
fn what_sysctl_reads_afterwards_is_what_the_plan_said() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v.100 type veth peer name p0; ip link set v.100 up; ip link set p0 up");
    world.sh("ip addr add 192.0.2.1/24 dev p0");
    for role in ["router", "egress-proxy", "web-frontend"] {
        let plan = world.trimtab(&["plan", role, "--json"]).exits(2).json();
        world.trimtab(&["apply", role]).exits(0).says(&["in force:", "written and read back"]);
        for change in plan["changes"].as_array().unwrap() {
            for cell in change["cells"].as_array().unwrap() {
                let Some(key) = cell["address"].as_str().unwrap().strip_prefix("sysctl:") else {
                    assert_eq!(cell["address"], "nft:trimtab/mss-clamp");
                    continue;
                };
                let case = &cell["cases"][0];
                let wanted = if case["write"].is_null() { &case["found"] } else { &case["write"] };
                assert_eq!(world.sysctl(key), spelled(wanted), "{role}: {key}");
            }
        }
        world.trimtab(&["plan", role]).exits(0).says(&["nothing to change"]);
        world.trimtab(&["verify"]).exits(0);
    }
}

fn spelled(value: &serde_json::Value) -> String {
    match (value.as_array(), value.as_str()) {
        (Some(elements), _) => elements.iter().map(spelled).collect::<Vec<_>>().join(" "),
        (None, Some(text)) => text.to_owned(),
        (None, None) => value.to_string(),
    }
}

#[test]
fn second_apply_writes_nothing_at_all() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    world.trimtab(&["apply", "router"]).exits(0);
    let (journal, truth) = (world.journal(), world.all_sysctls());
    let applied = std::fs::metadata(world.state().unwrap().join("applied")).unwrap();
    world.trimtab(&["apply", "router"]).exits(0).says(&["nothing written", "nothing to change"]);
    let report = world.trimtab(&["apply", "router", "--json"]).exits(0).json();
    assert_eq!((&report["writes"], &report["outcome"]), (&0.into(), &"nothing-to-do".into()));
    assert_eq!(world.journal(), journal);
    assert_eq!(world.differences(&truth), [""; 0]);
    let again = std::fs::metadata(world.state().unwrap().join("applied")).unwrap();
    let identity = |file: &std::fs::Metadata| {
        use std::os::unix::fs::MetadataExt;
        (file.ino(), file.mtime(), file.mtime_nsec())
    };
    assert_eq!(identity(&again), identity(&applied), "`applied` is replaced only if it differs");
}

#[test]
fn a_setting_that_leaves_goes_back_to_its_original() {
    let Some(world) = World::new() else { return };
    world.profile("role", "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = 3\n");
    world.trimtab(&["apply", "role"]).exits(0);
    world.profile("role", "[sysctl]\nnet.ipv4.tcp_syn_retries = 4\n");
    world.trimtab(&["plan", "role"]).exits(2).says(&[
        "~ net.ipv4.tcp_syn_retries  3 -> 4  role.toml:2",
        "- net.ipv4.tcp_sack         0 -> 1  back to its original",
    ]);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!((world.sysctl("net.ipv4.tcp_sack"), world.sysctl("net.ipv4.tcp_syn_retries")), ("1".into(), "4".into()));
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "6");
}

#[test]
fn what_an_effect_brought_goes_back_too() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    let before = world.all_sysctls();
    let both = "[sysctl]\nnet.ipv4.conf.default.send_redirects = 0\nnet.ipv4.conf.v0.send_redirects = 0\n";
    world.profile("both", both);
    // The new default reaches v0, so that v0 itself needs no write.
    world.trimtab(&["apply", "both"]).exits(0).says(&["2 to change", "in force: 1 written"]);
    assert_eq!(world.sysctl("net.ipv4.conf.v0.send_redirects"), "0");
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.v0.send_redirects"), "1");
    world.trimtab(&["plan", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    world.trimtab(&["revert"]).exits(0).says(&["1 written and read back"]);
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn exits_3_if_something_had_to_wait() {
    let Some(world) = World::new() else { return };
    world.profile("part", "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.conf.nothere.rp_filter = 2\n");
    world.trimtab(&["apply", "part"]).exits(3).says(&["pending: there is no interface nothere", "in force: 1 written"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    world.trimtab(&["apply", "part"]).exits(3).says(&["nothing written"]);
    world.trimtab(&["verify"]).exits(3).says(&["1 not comparable"]);
    world.sh("ip link add nothere type veth peer name p0");
    world.trimtab(&["verify"]).exits(2);
    world.trimtab(&["apply", "part"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.nothere.rp_filter"), "2");
}

#[test]
fn failed_write_undoes_everything_before_it() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    world.profile(
        "fails",
        "[sysctl]\nnet.ipv4.ip_forward = 1\nnet.ipv4.conf.default.rp_filter = 2\nnet.ipv4.tcp_sack = 0\n",
    );
    // The file says that it can be written, its mount refuses.
    let told = world
        .mounted("mount --bind -o ro /proc/sys/net/ipv4/tcp_sack /proc/sys/net/ipv4/tcp_sack", &["apply", "fails"])
        .exits(6)
        .says(&["failed: ", "sysctl:net.ipv4.tcp_sack", "Read-only file system", "everything is as it was before"]);
    assert!(!told.out.contains("in force"), "{}", told.out);
    assert_eq!(world.differences(&before), [""; 0]);
    world.trimtab(&["verify"]).exits(1);
    world.trimtab(&["status"]).exits(0).says(&["in force: nothing in this boot", "changed: 0 values"]);
    world.trimtab(&["apply", "fails"]).exits(0);
}

#[test]
fn accepted_but_different_is_a_failure_with_both_values() {
    let Some(world) = World::new() else { return };
    // Behind the key's name lies a file: writing `4` over `4096` leaves `4096`.
    world.write("stuck", "4096\n");
    let set = ["--set", "net.ipv4.tcp_max_syn_backlog=4", "--set", "net.ipv4.ip_forward=1"];
    world
        .mounted("mount --bind stuck /proc/sys/net/ipv4/tcp_max_syn_backlog", &[&["apply"], &set[..]].concat())
        .exits(6)
        .says(&["failed: sysctl:net.ipv4.tcp_max_syn_backlog: the kernel accepted 4 but holds 4096"]);
    assert_eq!(world.sysctl("net.ipv4.ip_forward"), "0");
}

#[test]
fn refused_value_is_undone() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    // No MTU can be larger than the device's: the kernel refuses it, and no catalogue knows.
    let set = ["--set", "net.ipv6.conf.lo.mtu=100000", "--set", "net.ipv6.conf.all.forwarding=1"];
    let report = world.trimtab(&[&["apply", "--json"], &set[..]].concat()).exits(6).json();
    assert_eq!(report["outcome"], "undone");
    let failure = report["failure"].as_str().unwrap();
    assert!(failure.contains("sysctl:net.ipv6.conf.lo.mtu") && failure.contains("Invalid argument"), "{failure}");
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn somebody_else_in_the_middle_leaves_it_incomplete_and_says_so() {
    let Some(world) = World::new() else { return };
    let mut links = String::new();
    for number in 0..40 {
        links.push_str(&format!("ip link add v{number} type veth peer name p{number}\n"));
    }
    world.sh(&links);
    world.profile(
        "long",
        r#"[sysctl]
net.ipv4.ip_forward = 1
net.ipv4.conf."*".arp_announce = 2
net.ipv4.conf."*".arp_ignore = 1
net.ipv4.conf."*".accept_redirects = 0
net.ipv4.conf."*".send_redirects = 0
net.ipv6.conf."*".accept_redirects = 0
net.netfilter.nf_conntrack_udp_timeout_stream = 200
"#,
    );
    let refuse = "mount --bind -o ro /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream \
                  /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream";
    // As soon as the second change is there, somebody makes the first something else; the last one then fails.
    let meddler = world.thread(|| {
        let (second, start) = ("/proc/sys/net/ipv4/conf/lo/arp_announce", Instant::now());
        while start.elapsed() < Duration::from_secs(30) {
            if file::read(second.as_ref(), 64).unwrap() == b"2\n" {
                std::fs::write("/proc/sys/net/ipv4/ip_forward", "2").unwrap();
                return;
            }
        }
    });
    let told = world.mounted(refuse, &["apply", "long"]);
    meddler.join().unwrap();
    let told = told.exits(7).says(&["failed: ", "not everything could be undone", "! sysctl:net.ipv4.ip_forward"]);
    assert!(told.out.contains("found 2"), "{}", told.out);
    assert_eq!(world.sysctl("net.ipv4.ip_forward"), "2", "it is somebody else's now");
    assert_eq!(world.sysctl("net.ipv4.conf.v7.arp_ignore"), "0", "all the rest is back");
    assert_eq!(world.sysctl("net.ipv4.conf.p39.send_redirects"), "1");
    world.trimtab(&["verify"]).exits(1);
}

#[test]
fn only_one_writes_at_a_time() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    let lock = world.sh("echo run/*.lock");
    let mut holder = world.command("flock");
    let mut holder = holder.arg("-F").arg(world.path(&lock)).args(["sleep", "60"]).spawn().unwrap();
    while !world.sh(&format!("flock -n {lock} true && echo free || echo held")).contains("held") {
        std::thread::sleep(Duration::from_millis(5));
    }
    let journal = world.journal();
    for arguments in [&["apply", "--set", "net.ipv4.tcp_sack=1"][..], &["revert"], &["confirm"]] {
        let start = Instant::now();
        let wait = ["--wait", "300ms"];
        let told = world.trimtab(&[arguments, &wait].concat()).exits(75);
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(told.err.contains("is locked by an unknown process (waited 0."), "{}", told.err);
    }
    // Those who only look need no lock.
    world.trimtab(&["plan", "--set", "net.ipv4.tcp_sack=1"]).exits(2);
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["status"]).exits(0);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(world.journal(), journal);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=1", "--wait", "5s"]).exits(0);
}

#[test]
fn two_applies_at_once_both_succeed_one_after_the_other() {
    let Some(world) = World::new() else { return };
    let commands: Vec<_> = (0..6)
        .map(|number| {
            let set = format!("net.ipv4.tcp_syn_retries={}", 2 + number % 2);
            let mut command = world.trimtab_command(&["apply", "--set", &set, "--wait", "60s"]);
            let piped = std::process::Stdio::piped;
            (set, command.stdout(piped()).stderr(piped()).spawn().unwrap())
        })
        .collect();
    for (set, child) in commands {
        Told::from(&set, &child.wait_with_output().unwrap()).exits(0);
    }
    let left = world.sysctl("net.ipv4.tcp_syn_retries");
    assert!(left == "2" || left == "3", "{left}");
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "6");
}
