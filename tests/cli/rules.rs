//! Rules for packets end to end: nft(8) says what the kernel holds, and traffic what it does.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use crate::netns::Named;
use crate::world::World;

const ROLE: &str = r#"
[[notrack]]
interfaces = "eth*"
from = ["10.0.0.0/8", "10.2.0.0/16", "2001:db8::/32"]
protocol = "udp"
ports = [53, "8000-8100"]
reason = "resolvers"

[mss-clamp]
size = 1300
out = "ppp0"
in = "ppp0"
"#;

fn ruleset(world: &World) -> String {
    world.sh("nft list ruleset")
}

#[test]
fn from_plan_to_revert_rules_come_and_go() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    world.sh("nft add table inet somebody; nft add chain inet somebody out '{ type filter hook output priority 0; }'");
    let before = ruleset(&world);
    world.trimtab(&["plan", "role"]).exits(2).says(&[
        "+ trimtab/notrack    none -> table inet trimtab  role.toml:2",
        "├─ chain notrack-prerouting hook prerouting priority raw",
        "├─ notrack from 10.0.0.0/8 in eth* ports 53,8000-8100 protocol udp",
        "└─ clamp in ppp0 size 1300",
        "traffic: what matches is in no `ct state`",
        "2 to change",
    ]);
    assert_eq!(ruleset(&world), before);
    world.trimtab(&["apply", "role"]).exits(0).says(&["in force: 2 written and read back"]);
    let applied = ruleset(&world);
    for line in [
        "iifname \"eth*\" ip saddr 10.0.0.0/8 udp dport { 53, 8000-8100 } notrack",
        "iifname \"eth*\" ip daddr 10.0.0.0/8 udp sport { 53, 8000-8100 } notrack",
        "oifname \"eth*\" ip6 saddr 2001:db8::/32 udp dport { 53, 8000-8100 } notrack",
        "oifname \"ppp0\" tcp flags syn / syn,rst tcp option maxseg size set 1300",
    ] {
        assert!(applied.contains(line), "{line}: {applied}");
    }
    world.trimtab(&["apply", "role"]).exits(0).says(&["nothing written"]);
    assert_eq!(ruleset(&world), applied);
    world.trimtab(&["verify"]).exits(0).says(&["2 as wanted"]);
    world.trimtab(&["explain", "nft:trimtab/notrack"]).exits(0).says(&["because    resolvers", "chain notrack-output"]);

    // Somebody takes a rule away, and puts one in.
    world.sh("nft flush chain inet trimtab mss-clamp; nft insert rule inet trimtab notrack-output counter");
    world.trimtab(&["verify"]).exits(2).says(&[
        "- ",
        "rule of somebody else made-of counter",
        "+ ",
        "clamp out ppp0 size 1300",
    ]);
    world.trimtab(&["apply", "role"]).exits(0);
    assert_eq!(ruleset(&world), applied);

    // One section at a time, then the table.
    world.trimtab(&["revert", "nft:trimtab/notrack"]).exits(0);
    let rest = ruleset(&world);
    assert!(!rest.contains("notrack") && rest.contains("mss-clamp") && rest.contains("somebody"), "{rest}");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(ruleset(&world), before);
}

#[test]
fn a_table_of_somebody_else_is_said_and_left() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    world.sh("nft add table inet trimtab; nft add chain inet trimtab mine");
    let before = ruleset(&world);
    for verb in ["plan", "apply"] {
        world.trimtab(&[verb, "role"]).exits(3).says(&["somebody else has a table `inet trimtab`", "nft delete table"]);
        assert_eq!(ruleset(&world), before);
    }
}

#[test]
fn rules_live_in_snapshots_saved_plans_namespaces_and_arguments() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    let snapshot = world.write("snapshot.json", world.trimtab(&["snapshot"]).exits(0).out);
    world.trimtab(&["plan", "role", "--against", &snapshot]).exits(2).says(&["none -> table inet trimtab"]);
    let plan = world.path("plan.json");
    world.trimtab(&["plan", "role", "--out", plan.to_str().unwrap()]).exits(2);
    world.trimtab(&["apply", "--plan", plan.to_str().unwrap()]).exits(0);
    let snapshot = world.write("applied.json", world.trimtab(&["snapshot"]).exits(0).out);
    world.trimtab(&["plan", "role", "--against", &snapshot]).exits(0);
    world.trimtab(&["apply", "--set", "nft:trimtab/mss-clamp=path"]).exits(0);
    let now = ruleset(&world);
    assert!(now.contains("maxseg size set rt mtu") && !now.contains("notrack"), "{now}");
    // Another namespace has a table of its own.
    let blue = Named::new();
    world.trimtab(&["--netns", &blue.0, "apply", "--set", "nft:trimtab/mss-clamp=1200"]).exits(0);
    let there = world.sh(&format!("ip netns exec {} nft list ruleset", blue.0));
    assert!(there.contains("maxseg size set 1200") && ruleset(&world) == now, "{there}");
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let Some(world) = World::new() else { return };
    world.profile(
        "bad",
        "[[notrack]]\nfrom = [\"10.0.0.0/8\", \"10.0.0.7/24\"]\nprotocol = \"udp\"\nports = \"80000\"\n",
    );
    let told = world.trimtab(&["plan", "bad"]).exits(65);
    for part in
        ["bad.toml:2:23", "did you mean `10.0.0.0/24` or `10.0.0.7`?", "bad.toml:4:9", "they go from 1 to 65535"]
    {
        assert!(told.err.contains(part), "{part}: {}", told.err);
    }
}

/// Where the far host listens.
const FAR: &str = "10.9.2.2:7000";
const BULK: usize = 200_000;

/// Three hosts in a row: this world, a router, and one behind a path of 1400 bytes.
struct Row {
    router: Named,
    far: Named,
}

impl Row {
    /// With a router that drops what tells of the path's MTU.
    fn new(world: &World) -> Row {
        let path = Row { router: Named::new(), far: Named::new() };
        let Row { router: Named(router), far: Named(far) } = &path;
        world.sh(&format!(
            "ip link add near0 type veth peer name r0 netns {router}
             ip -n {router} link add r1 type veth peer name far0 netns {far}
             ip address add 10.9.1.2/24 dev near0; ip link set near0 up; ip route add 10.9.2.0/24 via 10.9.1.1
             ip -n {router} address add 10.9.1.1/24 dev r0; ip -n {router} link set r0 up
             ip -n {router} address add 10.9.2.1/24 dev r1; ip -n {router} link set r1 mtu 1400 up
             ip -n {far} address add 10.9.2.2/24 dev far0; ip -n {far} link set far0 mtu 1500 up
             ip -n {far} route add default via 10.9.2.1
             ip netns exec {router} sysctl -q -w net.ipv4.ip_forward=1
             ip netns exec {router} nft add table ip blackhole
             ip netns exec {router} nft add chain ip blackhole out '{{ type filter hook output priority 0; }}'
             ip netns exec {router} nft add rule ip blackhole out icmp type destination-unreachable counter drop"
        ));
        path
    }

    /// How many bytes of so many come through from near to far within so many seconds.
    fn carries(&self, world: &World, bytes: usize, limit: u64) -> usize {
        let limit = Duration::from_secs(limit);
        let (ready, is_ready) = mpsc::channel();
        let listener = self.far.thread(move || {
            let listener = TcpListener::bind(FAR).unwrap();
            ready.send(()).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(limit)).unwrap();
            let (mut count, mut buffer) = (0, vec![0; 65536]);
            while count < bytes {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(more) => count += more,
                }
            }
            count
        });
        is_ready.recv().unwrap();
        let sender = world.thread(move || {
            let mut stream = TcpStream::connect_timeout(&FAR.parse().unwrap(), limit).unwrap();
            stream.set_write_timeout(Some(limit)).unwrap();
            // What does not get through fills the buffer, and then it ends by time.
            let _ = stream.write_all(&vec![7; bytes]);
            // Held until the other end has counted.
            let _ = stream.set_read_timeout(Some(limit));
            let _ = stream.read(&mut [0; 1]);
        });
        let counted = listener.join().unwrap();
        sender.join().unwrap();
        counted
    }
}

#[test]
fn bulk_data_gets_through_a_narrow_path_whose_icmp_is_blocked_once_segments_are_clamped() {
    let Some(world) = World::new() else { return };
    let path = Row::new(&world);
    // The senders must not find out by themselves.
    world.sh("sysctl -q -w net.ipv4.tcp_mtu_probing=0");
    assert!(path.carries(&world, BULK, 3) < BULK, "the path is no black hole");
    let in_router = |arguments: &[&str]| {
        let mut all = vec!["--netns", path.router.0.as_str()];
        all.extend(arguments);
        world.trimtab(&all)
    };
    for clamp in ["path", "1360"] {
        in_router(&["apply", "--set", &format!("nft:trimtab/mss-clamp={clamp}")]).exits(0);
        assert_eq!(path.carries(&world, BULK, 20), BULK, "{clamp}");
        in_router(&["revert"]).exits(0);
    }
    assert!(path.carries(&world, BULK, 3) < BULK, "the path is no black hole any more");
}
