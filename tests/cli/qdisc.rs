//! Queueing disciplines end to end: what tc(8) says of a root is the truth that plans, verify and revert must match.

use crate::world::World;

const ROLE: &str = r#"
[[link]]
match = "v0"
[link.qdisc]
reason = "the line is that slow"
[link.qdisc.tbf]
rate = { expr = "params.line / 2" }
latency = "20ms"
"#;

impl World {
    fn with_veth(role: &str) -> Option<World> {
        let world = World::new()?;
        world.sh("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up");
        world.profile("role", &format!("params.line = \"20mbit\"\n{role}"));
        Some(world)
    }

    /// What tc(8) says of everything, counters left out.
    fn tc(&self) -> String {
        let counted = "s/ direct_packets_stat [0-9]*//";
        self.sh(&format!(
            "{{ tc -d qdisc show; tc -d class show dev v0; tc -d filter show dev v0; }} | sed '{counted}'"
        ))
    }

    fn root(&self) -> String {
        self.sh("tc -d qdisc show dev v0 root")
    }
}

#[test]
fn a_root_comes_and_goes_and_nothing_is_written_twice() {
    let Some(world) = World::with_veth(ROLE) else { return };
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(2);
    assert!(plan.out.contains("± root  noqueue -> tbf"), "{}", plan.out);
    assert_eq!(world.tc(), before, "a plan writes nothing");
    world.trimtab(&["apply", "role"]).exits(0);
    // 10 Mbit/s for 20 ms, and the burst of two frames.
    let shown = world.root();
    assert!(shown.contains("qdisc tbf 7474: root") && shown.contains("rate 10Mbit burst 3027b"), "{shown}");
    assert!(shown.contains("lat 20ms"), "{shown}");
    let again = world.trimtab(&["apply", "role"]).exits(0);
    assert!(again.out.contains("nothing written"), "{}", again.out);
    world.trimtab(&["verify"]).exits(0);
    let explained = world.trimtab(&["explain", "tc:v0/root"]);
    for part in ["live       tbf", "wanted     tbf", "the line is that slow", "original   noqueue before trimtab"] {
        assert!(explained.out.contains(part), "{part}: {}", explained.out);
    }
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn what_somebody_changes_is_found_and_changed_back_in_place() {
    let Some(world) = World::with_veth(ROLE) else { return };
    let before = world.tc();
    world.trimtab(&["apply", "role"]).exits(0);
    let put_in_force = world.root();
    world.sh("tc qdisc change dev v0 root handle 7474: tbf rate 80mbit burst 9000 limit 90000");
    let verified = world.trimtab(&["verify"]).exits(2);
    assert!(verified.out.contains("found tbf burst 9000 limit 90000 rate 80mbit"), "{}", verified.out);
    let plan = world.trimtab(&["plan", "role"]);
    assert!(plan.out.contains("~ root") && !plan.out.contains("lost"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.root(), put_in_force);
    // Changed by somebody or not: under our handle it is ours to take back.
    world.sh("tc qdisc change dev v0 root handle 7474: tbf rate 80mbit burst 9000 limit 90000");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn another_kind_takes_its_place_at_once_and_what_was_first_comes_back() {
    let Some(world) = World::with_veth(ROLE) else { return };
    let before = world.tc();
    world.trimtab(&["apply", "role"]).exits(0);
    world.profile("role", "[[link]]\nmatch = \"v0\"\nqdisc.bfifo.limit = \"64kb\"\n");
    let plan = world.trimtab(&["plan", "role"]);
    assert!(plan.out.contains("± root") && plan.out.contains("what waits in the old one is lost"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.root(), "qdisc bfifo 7475: root refcnt 3 limit 64Kb");
    // Of a setting that nobody has any more the original comes back.
    world.profile("role", "");
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn somebody_elses_root_is_left_alone_unless_it_may_be_taken_and_comes_back_whole() {
    let Some(world) = World::with_veth(ROLE) else { return };
    world.sh(
        "tc qdisc add dev v0 root handle 5: tbf rate 7mbit burst 7000 limit 70000 peakrate 9mbit mtu 2000 overhead 4",
    );
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(3);
    assert!(plan.out.contains("conflict: somebody else attached tbf"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(3);
    assert_eq!(world.tc(), before);
    world.profile("role", "[[link]]\nmatch = \"v0\"\nqdisc = { take = true, pfifo = { limit = 50 } }\n");
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.root(), "qdisc pfifo 7474: root refcnt 3 limit 50p");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn what_could_not_be_put_back_is_not_taken() {
    let Some(world) = World::with_veth("[[link]]\nmatch = \"v0\"\nqdisc = { take = true, pfifo = {} }\n") else {
        return;
    };
    world.sh(
        "tc qdisc add dev v0 root handle 5: htb default 10; tc class add dev v0 parent 5: classid 5:10 htb rate 1mbit
        tc filter add dev v0 parent 5: protocol ip prio 1 u32 match ip dport 80 0xffff flowid 5:10",
    );
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(3);
    assert!(plan.out.contains("its filters could not be put back"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(3);
    assert_eq!(world.tc(), before);
}

#[test]
fn what_holds_already_is_not_written_whoever_attached_it() {
    let Some(world) = World::with_veth("[[link]]\nmatch = \"v0\"\nqdisc.pfifo.limit = 50\n") else { return };
    world.sh("tc qdisc add dev v0 root handle 5: pfifo limit 50");
    let before = world.tc();
    let applied = world.trimtab(&["apply", "role"]).exits(0);
    assert!(applied.out.contains("nothing written"), "{}", applied.out);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn a_kind_that_the_kernel_has_not_is_blocked_and_the_next_of_several_is_taken() {
    let Some(world) = World::with_veth("") else { return };
    // A kernel that has it can do what is asked.
    let has_cake = world.trimtab(&["explain", "tc:kinds"]).out.contains("cake");
    if !has_cake {
        let plan = world.trimtab(&["plan", "--set", "tc:v0/root=cake"]).exits(3);
        assert!(plan.out.contains("blocked: this kernel has no cake"), "{}", plan.out);
        let set = "tc:v0/root={ cake = {}, if-supported = true }";
        world.trimtab(&["plan", "--set", set]).exits(0);
    }
    let set = "tc:v0/root={ prefer = [\"cake\", \"tbf\"], cake = {}, tbf = { rate = \"1gbit\" } }";
    world.trimtab(&["apply", "--set", set]).exits(0);
    let kind = if has_cake { "qdisc cake 7474:" } else { "qdisc tbf 7474: root refcnt 3 rate 1Gbit" };
    assert!(world.root().starts_with(kind), "{}", world.root());
    world.trimtab(&["revert"]).exits(0);
}

#[test]
fn a_kernel_refusal_shows_its_words_and_leaves_all_as_it_was() {
    let Some(world) = World::with_veth("") else { return };
    let before = world.tc();
    let set = "tc:v0/root={ tbf = { rate = \"1gbit\", peakrate = \"1mbit\" } }";
    let applied = world.trimtab(&["apply", "--set", set]).exits(6);
    assert!(applied.err.contains("peakrate") || applied.out.contains("peakrate"), "{}{}", applied.out, applied.err);
    assert_eq!(world.tc(), before);
}

#[test]
fn a_snapshot_holds_roots_and_a_plan_against_it_is_the_same() {
    let Some(world) = World::with_veth(ROLE) else { return };
    world.trimtab(&["snapshot", "--out", world.path("snapshot").to_str().unwrap()]).exits(0);
    let live = world.trimtab(&["plan", "role", "--json"]);
    let saved = world.trimtab(&["plan", "role", "--json", "--against", world.path("snapshot").to_str().unwrap()]);
    let changes = |told: &str| serde_json::from_str::<serde_json::Value>(told).unwrap()["changes"].clone();
    assert_eq!(changes(&live.out), changes(&saved.out));
    assert_eq!(changes(&live.out)[0]["cells"][0]["from"]["tree"]["word"], "noqueue");
}

const TREE: &str = r#"
[[link]]
match = "v0"
[link.qdisc.htb]
default = "20"
[link.qdisc.htb.class.1]
rate = "1gbit"
[link.qdisc.htb.class.10]
parent = "1"
rate = "600mbit"
ceil = "1gbit"
prio = 1
leaf = { pfifo = { limit = 70 } }
[link.qdisc.htb.class.20]
parent = "1"
rate = { expr = "params.line * 20" }
leaf = "bfifo"
"#;

impl World {
    /// The classes of tc(8), sorted, counters and leaves' handles left out.
    fn classes(&self) -> Vec<String> {
        let shown = self.sh("tc -d class show dev v0 | sed 's/ leaf [^ ]*//; s/ level .*//; s/ quantum [0-9]*//'");
        let mut lines: Vec<String> = shown.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    }
}

#[test]
fn a_tree_of_classes_is_made_changed_in_place_and_taken_back() {
    let Some(world) = World::with_veth(TREE) else { return };
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(2);
    for line in ["└─ class 1 ", "   ├─ class 10 ", "   │  └─ pfifo limit 70", "   └─ class 20 ", "      └─ bfifo"]
    {
        assert!(plan.out.contains(line), "{line}: {}", plan.out);
    }
    world.trimtab(&["apply", "role"]).exits(0);
    let shape = "linklayer ethernet";
    assert_eq!(
        world.classes(),
        [
            format!(
                "class htb 7474:1 root rate 1Gbit ceil 1Gbit {shape} burst 125000b/1 mpu 0b cburst 125000b/1 mpu 0b"
            ),
            format!(
                "class htb 7474:10 parent 7474:1 prio 1 rate 600Mbit ceil 1Gbit {shape} burst 75000b/1 mpu 0b cburst 125000b/1 mpu 0b"
            ),
            format!(
                "class htb 7474:20 parent 7474:1 prio 0 rate 400Mbit ceil 400Mbit {shape} burst 50000b/1 mpu 0b cburst 50000b/1 mpu 0b"
            ),
        ]
    );
    assert!(world.sh("tc qdisc show dev v0").contains("parent 7474:10 limit 70p"));
    world.trimtab(&["apply", "role"]).exits(0).says(&["nothing written"]);
    // The handle of a leaf tells whether it was made anew.
    let leaves = || world.sh("tc qdisc show dev v0 | awk '$1 == \"qdisc\" { print $2, $3 }' | sort");
    let kept = leaves();
    world.profile(
        "role",
        &format!("params.line = \"20mbit\"\n{}", TREE.replace("600mbit", "500mbit").replace("70", "80")),
    );
    let plan = world.trimtab(&["plan", "role"]).exits(2);
    assert!(plan.out.contains("rate 600mbit -> 500mbit") && plan.out.contains("limit 70 -> 80"), "{}", plan.out);
    assert!(!plan.out.contains("lost"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(0);
    assert!(world.classes()[1].contains("rate 500Mbit"), "{:?}", world.classes());
    assert_eq!(leaves(), kept, "changed in place");
    world.sh("tc class add dev v0 parent 7474:1 classid 7474:99 htb rate 1mbit; tc class change dev v0 parent 7474:1 classid 7474:20 htb rate 1mbit");
    let verified = world.trimtab(&["verify"]).exits(2);
    assert!(verified.out.contains("- ") && verified.out.contains("class 99"), "{}", verified.out);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.classes().len(), 3);
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn classes_move_come_and_go_in_the_order_that_the_kernel_needs() {
    let Some(world) = World::with_veth(TREE) else { return };
    let before = world.tc();
    world.trimtab(&["apply", "role"]).exits(0);
    // Class 10 goes below 20, whose leaf goes; 1 is no longer above anything.
    let moved = "[[link]]\nmatch = \"v0\"\n[link.qdisc.htb.class]\n1 = { rate = \"1mbit\" }\n20 = { rate = \"2gbit\" }\n\
                 10 = { parent = 20, rate = \"1gbit\", leaf = \"pfifo\" }\n30 = { parent = 20, rate = \"1gbit\" }\n";
    world.profile(
        "role",
        &moved.replace("[link.qdisc.htb.class]", "[link.qdisc.htb]\ndefault = 20\n[link.qdisc.htb.class]"),
    );
    world.trimtab(&["plan", "role"]).exits(65).complains(&["has classes below it"]);
    world.profile(
        "role",
        &moved.replace("[link.qdisc.htb.class]", "[link.qdisc.htb]\ndefault = 30\n[link.qdisc.htb.class]"),
    );
    world.trimtab(&["apply", "role"]).exits(0);
    let parents: Vec<String> =
        world.classes().iter().map(|line| line.split(' ').skip(2).take(3).collect::<Vec<_>>().join(" ")).collect();
    assert!(parents.iter().any(|line| line.starts_with("7475:10 parent 7475:20")), "{parents:?}");
    assert!(parents.iter().any(|line| line.starts_with("7475:30 parent 7475:20")), "{parents:?}");
    // The same default, other places: nothing of the root is made anew.
    world.profile(
        "role",
        &moved
            .replace("[link.qdisc.htb.class]", "[link.qdisc.htb]\ndefault = 30\n[link.qdisc.htb.class]")
            .replace("10 = { parent = 20", "10 = { parent = 1"),
    );
    world.trimtab(&["apply", "role"]).exits(0);
    assert!(
        world.classes().iter().any(|line| line.starts_with("class htb 7475:10 parent 7475:1 ")),
        "{:?}",
        world.classes()
    );
    world.trimtab(&["apply", "role"]).exits(0).says(&["nothing written"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn somebody_elses_tree_comes_back_with_all_its_classes() {
    let role = "[[link]]\nmatch = \"v0\"\nqdisc = { take = true, pfifo = { limit = 9 } }\n";
    let Some(world) = World::with_veth(role) else { return };
    world.sh("tc qdisc add dev v0 root handle 5: htb default 11 r2q 20
        tc class add dev v0 parent 5: classid 5:1 htb rate 10mbit ceil 20mbit burst 20k cburst 30k overhead 4
        tc class add dev v0 parent 5:1 classid 5:10 htb rate 4mbit ceil 20mbit prio 3 quantum 3000
        tc class add dev v0 parent 5:1 classid 5:11 htb rate 5gbit ceil 50gbit
        tc qdisc add dev v0 parent 5:10 handle 50: pfifo limit 7");
    let before = world.tc();
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.root(), "qdisc pfifo 7474: root refcnt 3 limit 9p");
    world.trimtab(&["revert"]).exits(0);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&world.tc()), sorted(&before));
}

#[test]
fn a_tree_that_fails_half_way_is_undone() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 numtxqueues 2 type veth peer name v1; ip link set v0 up; ip link set v1 up");
    let before = world.tc();
    // A kernel without CONFIG_CLS_U32_MARK forgets the mark, which shows when all of it is there already.
    let set =
        "tc:v0/root={ htb = { class = { 1 = { rate = \"1mbit\" } }, filter = [{ class = 1, dscp = 7, mark = 1 }] } }";
    let told = world.trimtab(&["apply", "--set", set]);
    if told.code == 0 {
        world.trimtab(&["revert"]).exits(0);
    } else {
        told.exits(6).says(&["mark 0x1"]);
    }
    assert_eq!(world.tc(), before);
    let set =
        "tc:v0/root={ mq = { class = { 1 = { leaf = \"pfifo\" }, 2 = { leaf = { bfifo = { limit = 7000 } } } } } }";
    world.trimtab(&["apply", "--set", set]).exits(0);
    let shown = world.sh("tc qdisc show dev v0");
    assert!(shown.contains("parent 7474:2 limit 7000b") && shown.contains("parent 7474:1 limit 1000p"), "{shown}");
    world.trimtab(&["apply", "--set", set]).exits(0).says(&["nothing written"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn a_fifo_below_a_bucket_keeps_its_limit_whatever_becomes_of_the_bucket() {
    let set = |rate: &str| {
        format!(
            "tc:v0/root={{ tbf = {{ rate = \"{rate}\", class = {{ 1 = {{ leaf = {{ pfifo = {{ limit = 50 }} }} }} }} }} }}"
        )
    };
    let Some(world) = World::with_veth("") else { return };
    let before = world.tc();
    for rate in ["10mbit", "20mbit"] {
        world.trimtab(&["apply", "--set", &set(rate)]).exits(0);
        assert!(
            world.sh("tc qdisc show dev v0").contains("pfifo")
                && world.sh("tc qdisc show dev v0").contains("limit 50p")
        );
    }
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn a_thousand_classes_are_planned_and_made_at_once() {
    let Some(world) = World::with_veth("") else { return };
    let mut role =
        "[[link]]\nmatch = \"v0\"\n[link.qdisc.htb]\ndefault = 3e8\n[link.qdisc.htb.class]\n".replace("3e8", "\"3e8\"");
    for minor in 1..=1000 {
        role += &format!("{minor:x} = {{ rate = \"1mbit\", leaf = {{ pfifo = {{ limit = 10 }} }} }}\n");
    }
    world.profile("role", &role);
    let before = world.tc();
    let from = std::time::Instant::now();
    world.trimtab(&["plan", "role"]).exits(2).says(&["… 1978 more"]);
    // 200 ms is what is promised of a release build on a quiet machine.
    assert!(from.elapsed().as_secs_f64() < 5.0, "{:?}", from.elapsed());
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.classes().len(), 1000);
    world.trimtab(&["apply", "role"]).exits(0).says(&["nothing written"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn a_rate_holds_by_the_counters_of_bytes() {
    let role = "[[link]]\nmatch = \"v0\"\n[link.qdisc.htb]\ndefault = 1\n[link.qdisc.htb.class.1]\nrate = \"8mbit\"\n";
    let Some(world) = World::with_veth(role) else { return };
    world.sh("ip address add 10.9.9.1/24 dev v0; ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent");
    world.trimtab(&["apply", "role"]).exits(0);
    let sent = |world: &World| -> u64 {
        world.sh("tc -s class show dev v0 classid 7474:1 | awk '/Sent/ { print $2 }'").parse().unwrap()
    };
    let sender = world.thread(|| {
        let socket = std::net::UdpSocket::bind("10.9.9.1:0").unwrap();
        socket.connect("10.9.9.2:9").unwrap();
        socket.set_nonblocking(true).unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(4);
        while std::time::Instant::now() < until {
            // More than the rate lets through: what does not fit is dropped, or waits.
            if socket.send(&[0; 1400]).is_err() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    });
    // The burst has gone by then.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let (first, from) = (sent(&world), std::time::Instant::now());
    std::thread::sleep(std::time::Duration::from_secs(3));
    let (last, took) = (sent(&world), from.elapsed());
    sender.join().unwrap();
    let rate = (last - first) as f64 * 8.0 / took.as_secs_f64();
    assert!((7_200_000.0..8_800_000.0).contains(&rate), "{rate} bit/s of 8 Mbit/s");
}

/// Three classes, and the filters that are given.
fn with_filters(filters: &str) -> String {
    let class = |minor: &str| format!("[link.qdisc.htb.class.{minor}]\nrate = \"10mbit\"\n");
    let classes: String = ["10", "20", "30"].map(class).concat();
    format!("[[link]]\nmatch = \"v0\"\n[link.qdisc.htb]\ndefault = \"30\"\nfilter = [{filters}]\n{classes}")
}

/// How many packets each class has sent.
fn sent(world: &World) -> Vec<String> {
    let class = |minor: &str| {
        world.sh(&format!(
            "tc -s class show dev v0 classid 7474:{minor} | sed -n 's/.* Sent [0-9]* bytes \\([0-9]*\\) pkt.*/\\1/p'"
        ))
    };
    ["10", "20", "30"].map(class).to_vec()
}

#[test]
fn packets_go_where_filters_say_and_nothing_is_doubled() {
    let filters = r#"{ class = "10", protocol = "udp", dport = "7000-7005", dst = "10.9.0.2" },
        { class = "20", dscp = "ef" }, { class = "20", protocol = "udp", sport = 6000 }"#;
    let filters = filters.replace('\n', " ");
    let Some(world) = World::with_veth(&with_filters(&filters)) else { return };
    world.sh("ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0; ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev v0");
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(2);
    let line = "filter 1  class 10 dport 7000-7005 dst 10.9.0.2/32 protocol udp";
    assert!(plan.out.contains("filter 1") && plan.out.contains("dport 7000-7005"), "{line}: {}", plan.out);
    world.trimtab(&["apply", "role"]).exits(0);
    let again = world.trimtab(&["apply", "role"]).exits(0);
    assert!(again.out.contains("nothing written"), "{}", again.out);
    world.trimtab(&["verify"]).exits(0);
    let udp = |family: &str, to: &str, port: u16, more: &str| {
        world.sh(&format!(
            "python3 -c 'import socket as s; x = s.socket(s.{family}, s.SOCK_DGRAM); {more}x.sendto(bytes(9), (\"{to}\", {port}))'"
        ));
    };
    // Whatever the kernel says by itself on a new link goes to the default.
    let quiet: Vec<String> = sent(&world).into_iter().take(2).collect();
    assert_eq!(quiet, ["0", "0"]);
    udp("AF_INET", "10.9.0.2", 7003, "");
    udp("AF_INET", "10.9.0.2", 7006, "");
    udp("AF_INET6", "fd09::2", 7003, "");
    assert_eq!(sent(&world)[..2], ["1", "0"]);
    udp("AF_INET", "10.9.0.2", 9, "x.setsockopt(s.IPPROTO_IP, s.IP_TOS, 46 << 2); ");
    udp("AF_INET6", "fd09::2", 9, "x.setsockopt(s.IPPROTO_IPV6, s.IPV6_TCLASS, 46 << 2); ");
    udp("AF_INET6", "fd09::2", 9, "x.bind((\"\", 6000)); ");
    assert_eq!(sent(&world)[..2], ["1", "3"]);
    // One goes, one changes, one stays: in place.
    let fewer = filters.replace("7000-7005", "7000").replace(", { class = \"20\", dscp = \"ef\" }", "");
    world.profile("role", &with_filters(&fewer));
    let plan = world.trimtab(&["plan", "role"]).exits(2);
    assert!(plan.out.contains("~ root") && !plan.out.contains("lost"), "{}", plan.out);
    world.trimtab(&["apply", "role"]).exits(0);
    world.trimtab(&["verify"]).exits(0);
    // What somebody hangs there is found, and goes.
    world.sh("tc filter add dev v0 parent 7474: protocol ip prio 1 u32 match ip dport 80 0xffff flowid 7474:20");
    world.sh("tc filter add dev v0 parent 7474: protocol ip prio 77 u32 match ip dport 80 0xffff flowid 7474:20");
    let verified = world.trimtab(&["verify"]).exits(2);
    assert!(verified.out.contains("filter 39 unknown 77"), "{}", verified.out);
    world.trimtab(&["apply", "role"]).exits(0);
    world.trimtab(&["verify"]).exits(0);
    // A class that filters lead to can go with them.
    let classless = with_filters("").replace("[link.qdisc.htb.class.10]\nrate = \"10mbit\"\n", "");
    world.profile("role", &classless);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.sh("tc filter show dev v0"), "");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}

#[test]
fn filters_that_lead_nowhere_are_refused_with_their_place() {
    let Some(world) = World::with_veth("") else { return };
    for (filter, why) in [
        (r#"{ class = "40" }"#, "filter 1: it leads to class 40, which is not there"),
        (r#"{ class = "10", dst = "10.0.0.1/8" }"#, "bits set behind its length"),
        (r#"{ class = "10", protocol = "tcp", dport = 70000 }"#, "`70000` is no port"),
        (r#"{ class = "10", dport = 80 }"#, "ports are of a protocol"),
        (r#"{ class = "10", mark = "0x11/0xf0" }"#, "bits are set that its mask leaves out"),
        (r#"{ class = "10", port = 80 }"#, "did you mean `sport`?"),
        (r#"{ dscp = "ef" }"#, "it names no class"),
        (
            r#"{ class = "10", protocol = "tcp", sport = "1-65534", dport = "1-65534" }"#,
            "its ranges of ports take 900 filters",
        ),
        (r#"{ class = { expr = "40" } }"#, "which is not there"),
    ] {
        world.profile("role", &with_filters(filter));
        let told = world.trimtab(&["plan", "role"]).exits(65).err;
        assert!(told.contains(why) && told.contains("role.toml:"), "{filter}: {told}");
    }
}

#[test]
fn a_leaf_for_a_queue_that_is_not_there_is_found_at_plan() {
    let Some(world) = World::with_veth("") else { return };
    world.sh("ip link add i0 numtxqueues 4 type ifb; ip link set i0 up");
    let before = world.tc();
    let role = |class: &str| format!("[[link]]\nmatch = \"i0\"\nqdisc.mq.class.{class}.leaf = \"pfifo\"\n");
    world.profile("role", &role("5"));
    for verb in ["plan", "apply"] {
        let told = world.trimtab(&[verb, "role"]).exits(3);
        assert!(told.out.contains("class 5 is beyond the 4 transmit queues"), "{}", told.out);
    }
    world.profile("role", &role("4"));
    world.trimtab(&["apply", "role"]).exits(0);
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.tc(), before);
}
