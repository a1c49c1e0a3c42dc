//! Links end to end: what ip(8), ethtool(8) and sysfs say of a device is the truth that plans, verify and revert must match.

use crate::netns::Named;
use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

const ROLE: &str = r#"
[[link]]
match = "v0"
mtu = { value = 1400, reason = "a tunnel follows" }
txqueuelen = 500
channels.rx = 2
features = { gro = true, tx-tcp-segmentation = false }

[link.queues."rx-*"]
rps-cpus = "0"
rps-flow-cnt = { at-least = 100 }
"#;

/// Two ends of four queues each, one of them in a bridge.
const DEVICES: &str = "ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1 numrxqueues 4 numtxqueues 4
    ip link add br0 type bridge; ip link set v1 master br0; ip link set v0 up; ip link set v1 up";

impl World {
    fn with_devices() -> Option<World> {
        let world = World::new()?;
        world.sh(DEVICES);
        world.profile("role", ROLE);
        Some(world)
    }

    /// All that other programs say of the devices, but for counters, times and the state of the line.
    fn devices(&self) -> String {
        let told = self.sh("for link in br0 v0 v1; do
                ip -d link show $link | sed 's/ state [A-Z]*//; s/,LOWER_UP//; s/NO-CARRIER,//; s/_timer *[0-9.]*//g'
                ethtool -k $link; ethtool -l $link 2>&1 || true
            done");
        told + &self.sysfs("grep -s . */queues/*/rps_cpus */queues/*/rps_flow_cnt */queues/*/xps_cpus || true")
    }

    /// A script in the folder of devices. Sysfs shows those of the namespace that mounted it.
    fn sysfs(&self, script: &str) -> String {
        self.sh(&format!("unshare --mount sh -ec 'mount -t sysfs sysfs /sys; cd /sys/class/net; {script}'"))
    }

    /// A value as ip(8) shows it.
    fn of_ip(&self, link: &str, word: &str) -> String {
        self.sh(&format!("ip -d link show {link} | grep -o ' {word} [^ ]*'"))
    }

    /// A feature as ethtool(8) shows it.
    fn feature(&self, link: &str, name: &str) -> String {
        let line = self.sh(&format!("ethtool -k {link} | grep -w -- '{name}:'"));
        line.split_once(": ").map(|(_, value)| value.to_owned()).unwrap()
    }
}

#[test]
fn from_plan_to_revert_everything_comes_and_goes() {
    let Some(world) = World::with_devices() else { return };
    let before = world.devices();
    world.trimtab(&["plan", "role"]).exits(2).says(&[
        "link v0\n",
        "1500 -> 1400 (max 65535)",
        "takes the carrier of both ends away for a moment",
        "queue/rx-1/rps-cpus",
    ]);
    assert_eq!(world.devices(), before, "a plan changes nothing");
    let told = world.trimtab(&["apply", "role"]).exits(0).says(&["in force: 9 written and read back"]);
    assert!(!told.out.contains("rx-2"), "queues that go with the channels get nothing: {}", told.out);
    assert_eq!((world.of_ip("v0", "mtu"), world.of_ip("v0", "qlen")), ("mtu 1400".into(), "qlen 500".into()));
    assert_eq!(world.feature("v0", "generic-receive-offload"), "on");
    assert_eq!(world.feature("v0", "tx-tcp-segmentation"), "off");
    assert_eq!(world.sysfs("cd v0/queues; echo rx-*; cat rx-1/rps_cpus rx-1/rps_flow_cnt"), "rx-0 rx-1\n1\n128");
    assert_eq!(world.of_ip("v1", "mtu"), "mtu 1500", "the other end is another device");
    let journal = world.journal();
    world.trimtab(&["apply", "role"]).exits(0).says(&["nothing written"]);
    assert_eq!(world.journal(), journal, "a second apply writes nothing at all");
    world.trimtab(&["verify"]).exits(0).says(&["0 not as wanted"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.devices(), before);
}

#[test]
fn foreign_changes_are_found_named_and_spared() {
    let Some(world) = World::with_devices() else { return };
    world.trimtab(&["apply", "role"]).exits(0);
    // ethtool(8) by netlink, ip(8) by rtnetlink, and a file.
    world.sh("ethtool -K v0 gro off tso on; ip link set v0 mtu 1300");
    world.sysfs("echo 2 >v0/queues/rx-0/rps_cpus");
    world.trimtab(&["verify"]).exits(2).says(&[
        "link:v0/mtu: want 1400, found 1300  role.toml:4",
        "link:v0/feature/rx-gro: want on, found off  role.toml:7",
        "link:v0/feature/tx-tcp-segmentation: want off, found on",
        "link:v0/queue/rx-0/rps-cpus: want 0, found 1",
        "4 not as wanted",
    ]);
    world.trimtab(&["revert"]).exits(3).says(&["mtu  conflict: found 1300, trimtab left 1400", "1 in conflict"]);
    assert_eq!((world.of_ip("v0", "mtu"), world.of_ip("v0", "qlen")), ("mtu 1300".into(), "qlen 1000".into()));
    // Of a set each member is taken back by itself, and CPU 1 was none of ours.
    assert_eq!(world.sysfs("cd v0/queues; echo rx-*; cat rx-0/rps_cpus rx-1/rps_cpus"), "rx-0 rx-1 rx-2 rx-3\n2\n0");
    assert_eq!(world.feature("v0", "generic-receive-offload"), "off");
}

#[test]
fn explain_tells_what_it_is_and_who_wants_it() {
    let Some(world) = World::with_devices() else { return };
    let explain = |address: &str| world.trimtab(&["explain", address, "role"]);
    explain("link:v0/mtu").exits(0).says(&[
        "live       1500",
        "wanted     1400  role.toml:4",
        "because    a tunnel follows",
    ]);
    world.trimtab(&["apply", "role"]).exits(0);
    explain("link:v0/mtu").exits(0).says(&["live       1400", "original   1500 before trimtab, which left 1400"]);
    // A short name of ethtool's does where it stands for one feature.
    let told = explain("link:v0/feature/gro").exits(0);
    assert_eq!(told.out, explain("link:v0/feature/rx-gro").out);
    let told = told.says(&["link:v0/feature/rx-gro\n", "live       on", "wanted     on  role.toml:7", "nothing to do"]);
    assert!(!told.out.contains("sysctl.d"), "{}", told.out);
    explain("link:v0/feature/tso").exits(64).complains(&["several", "link:v0/feature/tx-tcp-segmentation"]);
    explain("link:v0/queue/rx-1/rps-flow-cnt").exits(0).says(&["live       128", "wanted     at least 100"]);
    explain("link:v0/ring/rx").exits(0).says(&["the receive ring", "this device has no such thing", "nobody"]);
    explain("link:v9/mtu").exits(0).says(&["there is no interface v9"]);
    explain("link:v0/mtuu").exits(64).complains(&["did you mean `mtu`?"]);
    world.trimtab(&["facts"]).exits(0).says(&[
        "link v0\n",
        "channels_rx            2",
        "master_kind            bridge",
    ]);
}

#[test]
fn a_snapshot_gives_the_same_plan_elsewhere() {
    let (Some(here), Some(there)) = (World::with_devices(), World::new()) else { return };
    let snapshot = there.path("snapshot").to_str().unwrap().to_owned();
    there.profile("role", ROLE);
    for _ in 0..2 {
        here.trimtab(&["snapshot", "--out", &snapshot]).exits(0);
        let live = here.trimtab(&["plan", "role"]);
        let remote = there.trimtab(&["plan", "role", "--against", &snapshot]);
        assert_eq!((live.code, &live.out), (remote.code, &remote.out));
        here.trimtab(&["apply", "role"]).exits(0);
    }
    assert_eq!(
        there.trimtab(&["plan", "role", "--against", &snapshot]).code,
        0,
        "the second one is of an applied host"
    );
}

#[test]
fn a_saved_plan_is_stale_once_the_device_is_another() {
    let Some(world) = World::with_devices() else { return };
    let plan = world.path("plan").to_str().unwrap().to_owned();
    world.trimtab(&["plan", "role", "--out", &plan]).exits(2);
    let refused = |change: &str, word: &str| {
        world.sh(change);
        let before = world.devices();
        world.trimtab(&["apply", "--plan", &plan]).exits(4).complains(&["nothing was written", word]);
        assert_eq!(world.devices(), before, "{change}");
    };
    refused("ip link set v0 mtu 1450", "link:v0/mtu: planned 1500 -> 1400, now 1450 -> 1400");
    refused("ip link set v0 mtu 1500; ethtool -L v0 rx 3", "link:v0/channel/rx: planned 4 -> 2, now 3 -> 2");
    refused("ethtool -L v0 rx 4; ethtool -K v0 gro on", "link:v0/feature/rx-gro");
    world.sh("ethtool -K v0 gro off");
    world.trimtab(&["apply", "--plan", &plan]).exits(0);
}

#[test]
fn what_cannot_be_had_says_why() {
    let Some(world) = World::with_devices() else { return };
    world.profile(
        "odd",
        r#"
[[link]]
match = "v0"
mtu = 70000
rings.rx = "max"
channels.tx = 9
features = { rx-groo = true, rx-gro-hw = true, loopback = { value = true, if-supported = true } }
queues.rx-7.rps-cpus = "all"
[[link]]
match = "v9"
mtu = 1400
"#,
    );
    let before = world.devices();
    let told = world
        .trimtab(&["apply", "odd"])
        .exits(3)
        .complains(&["no kernel that trimtab knows", "did you mean `rx-gro`?"]);
    told.says(&[
        "mtu  blocked: the kernel refuses 70000: the device takes at most 65535",
        "channel/tx  blocked: the kernel refuses 9: the device takes at most 4",
        "ring/rx  blocked: the driver does not support it",
        "feature/rx-gro-hw  blocked: the driver cannot change it",
        "feature/rx-groo  blocked: no feature of this kernel has that name",
        "did you mean rx-gro?",
        "feature/loopback  note: the driver cannot change it",
        "queue/rx-7/rps-cpus  pending: there is no queue rx-7",
        "mtu  pending: there is no interface v9",
    ]);
    assert_eq!(world.devices(), before);
}

/// Which number it would be does not matter then.
#[test]
fn a_formula_for_what_a_device_lacks_waits_for_no_fact() {
    let Some(world) = World::with_devices() else { return };
    world.profile(
        "formula",
        r#"
[[link]]
match = "v0"
channels.combined = { value = { expr = "link.channels_combined_max" }, if-supported = true }
txqueuelen = { expr = "link.speed / 2000000" }
"#,
    );
    let lacks = "channel/combined  note: the driver does not support it";
    world.trimtab(&["apply", "formula"]).exits(3).says(&[
        lacks,
        "txqueuelen  pending: link.speed is not known on this host",
        "declare link.v0.speed under [facts]",
    ]);
    world.trimtab(&["verify"]).exits(3).says(&[lacks, "txqueuelen  pending: link.speed is not known"]);
    world.write("host.toml", "[facts]\nlink.v0.speed = '1gbit'\n");
    world.trimtab(&["apply", "formula"]).exits(0).says(&[lacks, "1 written and read back"]);
    assert_eq!(world.of_ip("v0", "qlen"), "qlen 500");
}

#[test]
fn a_device_that_comes_gets_its_settings_and_one_that_goes_is_forgotten() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    world.trimtab(&["apply", "role"]).exits(3).says(&["pending: there is no interface v0"]);
    world.sh(DEVICES);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(world.of_ip("v0", "mtu"), "mtu 1400");
    world.sh("ip link delete v0");
    world.trimtab(&["verify"]).exits(3).says(&["pending: the v0 that it was put in force on is gone"]);
    // Another device of that name has nothing of ours.
    world.sh("ip link add v0 mtu 1400 type veth peer name v1");
    world.trimtab(&["revert"]);
    assert_eq!(world.of_ip("v0", "mtu"), "mtu 1400");
}

#[test]
fn by_name_of_the_namespace_it_is_the_same() {
    let Some(world) = World::new() else { return };
    let blue = Named::new();
    let name = blue.0.as_str();
    world.profile("role", ROLE);
    world.sh(&format!("ip netns exec {name} sh -ec '{DEVICES}'"));
    world.trimtab(&["--netns", name, "apply", "role"]).exits(0).says(&["in force: 9 written"]);
    world.trimtab(&["--netns", name, "verify"]).exits(0);
    world.trimtab(&["explain", &format!("link@{name}:v0/mtu")]).exits(0).says(&["live       1400"]);
    world.trimtab(&["--netns", name, "revert"]).exits(0);
    assert!(world.sh(&format!("ip netns exec {name} ip link show v0")).contains("mtu 1500"));
}

/// In a process namespace of its own every process and thread takes the next number, so none is made unseen.
#[test]
fn nothing_is_forked_and_no_program_is_needed() {
    let Some(world) = World::with_devices() else { return };
    let trimtab = format!("PATH=/nonexistent {TRIMTAB} {}", world.options().join(" "));
    let script = format!(
        "{trimtab} plan role >/dev/null || test $? = 2; {trimtab} apply role >/dev/null; {trimtab} verify >/dev/null
        {trimtab} revert >/dev/null; sh -c 'echo next is $$'"
    );
    let mut command = world.command("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "sh", "-ec", &script]);
    // The shell is 1, and there are four runs.
    assert_eq!(Told::of(command).exits(0).out, "next is 6\n");
}

/// All of them are asked at once, so that it is as many questions whatever their number.
#[test]
fn a_plan_asks_no_more_of_a_hundred_devices_than_of_ten() {
    let Some(world) = World::new() else { return };
    world.profile(
        "many",
        "[[link]]\nmatch = { driver = \"veth\" }\nmtu = 1400\nchannels.rx = \"max\"\nfeatures = { gro = true, tso = false }\n",
    );
    let questions = |from: u32, to: u32| {
        let batch = (from..to).map(|number| format!("link add v{number} type veth peer name w{number}\n"));
        world.sh(&format!("ip -batch - <<'END'\n{}END", batch.collect::<String>()));
        world.sh(&format!(
            "strace -f -qq -e trace=sendto,sendmsg,sendmmsg,ioctl -o calls {TRIMTAB} {} plan many >told || test $? = 2; cat calls",
            world.options().join(" ")
        ))
    };
    let (few, many) = (questions(0, 10), questions(10, 100));
    let told = world.sh("cat told");
    assert!(told.contains("link v0, ") && told.contains(" and 194 more\n"), "{told}");
    assert!(few.lines().count() > 3, "{few}");
    assert_eq!(few.lines().count(), many.lines().count(), "{few}\n--- and of a hundred\n{many}");
}

const NARROW: &str = r#"
[sysctl]
net.ipv4.conf.v0.rp_filter = 2

[[link]]
match = "v0"
mtu = 1400
features = { gro = true }
channels.rx = 2
"#;

/// What NARROW is about, as other programs see it.
fn narrow(world: &World, link: &str) -> [String; 4] {
    let channels = world.sh(&format!("ethtool -l {link} | grep '^RX:' | tail -n 1"));
    [
        world.of_ip(link, "mtu"),
        world.feature(link, "generic-receive-offload"),
        channels.split_whitespace().collect::<Vec<_>>().join(" "),
        world.sysctl(&format!("net.ipv4.conf.{}.rp_filter", link.replace('.', "/"))),
    ]
}

#[test]
fn a_renamed_interface_is_spoken_of_by_its_new_name() {
    let Some(world) = World::with_devices() else { return };
    world.profile("narrow", NARROW);
    let before = narrow(&world, "v0");
    world.trimtab(&["apply", "narrow"]).exits(0);
    world.sh("ip link set v0 down; ip link set v0 name lan.7; ip link set lan.7 up");
    world.trimtab(&["verify"]).exits(0).says(&["0 not as wanted, 0 not comparable, 4 as wanted"]);
    world.sh("ip link set lan.7 mtu 1300");
    let told = world.trimtab(&["verify"]).exits(2).says(&["link:lan.7/mtu: want 1400, found 1300  narrow.toml:7"]);
    assert!(!told.out.contains("v0"), "{}", told.out);
    world.sh("ip link set lan.7 mtu 1400");
    let explain = |address: &str| world.trimtab(&["explain", address]).exits(0);
    explain("link:lan.7/mtu").says(&[
        "live       1400",
        "wanted     1400  narrow.toml:7",
        "original   1500 before trimtab",
    ]);
    explain("net.ipv4.conf.lan/7.rp_filter").says(&["live       2", "original   0 before trimtab"]);
    assert!(!explain("link:v0/mtu").out.contains("original"));
    world.trimtab(&["status"]).exits(0).says(&["4 settings", "changed: 4 values differ"]);
    // The profile speaks of v0, which is not there: what it did to the interface goes back under any name.
    world.trimtab(&["plan", "narrow"]).exits(2).says(&["link lan.7\n", "there is no interface v0"]);
    // A conflict is told by the name of now as well, also when the name changes behind it.
    world.sh("ip link set lan.7 mtu 1350");
    world.trimtab(&["revert"]).exits(3).says(&["conflict: found 1350, trimtab left 1400"]);
    world.sh("ip link set lan.7 mtu 1500");
    assert_eq!(narrow(&world, "lan.7"), before);
}

#[test]
fn an_interface_that_comes_back_under_another_name_and_number_goes_back_to_what_it_was() {
    let Some(world) = World::with_devices() else { return };
    world.profile("narrow", NARROW);
    let before = narrow(&world, "v0");
    world.trimtab(&["apply", "narrow"]).exits(0);
    let there = Named::new();
    let there = there.0.as_str();
    let number = |name: &str| world.sh(&format!("ip -o link show {name} | cut -d: -f1"));
    let v0 = number("v0");
    // In between its number is taken; the process of the shell is in the namespace that it comes back to.
    world.sh(&format!(
        "ip link set v0 netns {there}; ip link add taken index {v0} type bridge; ip -n {there} link set v0 name far
        ip -n {there} link set far netns $$; ip link set far up"
    ));
    assert_ne!(number("far"), v0);
    world.trimtab(&["verify"]).exits(2).says(&["sysctl:net.ipv4.conf.far.rp_filter: want 2, found 0", "3 as wanted"]);
    world.trimtab(&["revert"]).exits(0).says(&["3 written and read back"]);
    assert_eq!(narrow(&world, "far"), before);
    world.trimtab(&["revert"]).exits(0).says(&["nothing"]);
}

/// The kernel has no sysctls of an interface that is called so: what stands there is everybody's. It refuses the name where
/// there is IPv6 (net/ipv6/addrconf.c `addrconf_notify`), which an interface with so small an MTU has not.
#[test]
fn an_interface_that_is_called_all_is_waited_for() {
    let Some(world) = World::with_devices() else { return };
    world.sh("ip link set v0 mtu 1200");
    let key = "net.ipv4.conf.v0.rp_filter";
    let before = world.sysctl(key);
    assert_ne!(before, "2");
    world.trimtab(&["apply", "--set", &format!("{key}=2")]).exits(0);
    world.sh("ip link set v0 down; ip link set v0 name all; sysctl -qw net.ipv4.conf.all.rp_filter=2");
    let told = format!("{before} is put back by a revert once it is");
    world.trimtab(&["explain", key]).exits(0).says(&["away ", &format!("{before} before trimtab")]);
    for _ in 0..2 {
        world.trimtab(&["revert", key]).exits(7).says(&[&told]);
    }
    world.trimtab(&["revert"]).exits(3).says(&[&told]);
    assert_eq!(world.sysctl("net.ipv4.conf.all.rp_filter"), "2");
    world.sh("ip link set all name v7");
    assert_eq!(world.sysctl("net.ipv4.conf.v7.rp_filter"), "2");
    world.trimtab(&["revert"]).exits(0).says(&["1 written and read back"]);
    assert_eq!(world.sysctl("net.ipv4.conf.v7.rp_filter"), before);
    assert_eq!(world.sysctl("net.ipv4.conf.all.rp_filter"), "2");
}

#[test]
fn an_interface_made_anew_is_not_the_one_that_was_tuned() {
    let Some(world) = World::with_devices() else { return };
    world.profile("narrow", NARROW);
    world.trimtab(&["apply", "narrow"]).exits(0);
    // The same name and number, and by chance the same MTU.
    let v0 = world.sh("ip -o link show v0 | cut -d: -f1");
    world.sh(&format!("ip link delete v0; ip link add v0 mtu 1400 index {v0} type veth peer name v1"));
    world.trimtab(&["verify"]).exits(2).says(&["note: this v0 is not the one that it was put in force on"]);
    world.trimtab(&["revert"]).exits(0).says(&["nothing"]);
    assert_eq!(world.of_ip("v0", "mtu"), "mtu 1400");
}

/// Else verify would say that all is as wanted.
#[test]
fn one_that_is_gone_is_told_also_where_another_took_its_name() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0; ip link add v1 type veth peer name p1");
    world.profile("set", "[[link]]\nmatch = \"v*\"\nmtu = 1400\n");
    world.trimtab(&["apply", "set"]).exits(0);
    world.sh("ip link delete v0; ip link set v1 name v0");
    let told = world.trimtab(&["verify"]).exits(3);
    told.says(&["  ? v0/mtu  pending: the v0 that it was put in force on is gone  set.toml:3", "1 as wanted"]);
    let told = world.trimtab(&["verify", "--json"]).exits(3).json();
    assert_eq!(told["findings"][0]["code"], "device-gone", "{told:#}");
    world.trimtab(&["apply", "set"]).exits(0);
    world.trimtab(&["verify"]).exits(0);
}
