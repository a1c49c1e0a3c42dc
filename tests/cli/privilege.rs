//! Without root: what can be read is planned, nothing is written, and the exit code says why.

use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

/// Runs the binary as nobody, without any capability.
fn as_nobody(world: &World, arguments: &[&str]) -> Told {
    let program = world.path("trimtab");
    if !program.exists() {
        // Nobody may not look into the folder that the binary was built in.
        world.sh(&format!("cp {TRIMTAB} trimtab; chmod 755 . trimtab"));
    }
    let mut command = world.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--"]);
    command.arg(program).args(world.options()).args(arguments);
    Told::of(command)
}

#[test]
fn plan_needs_no_root_for_what_can_be_read() {
    let Some(world) = World::new() else { return };
    let mine = world.trimtab(&["plan", "egress-proxy"]).exits(2);
    assert_eq!(as_nobody(&world, &["plan", "egress-proxy"]).exits(2).out, mine.out);
    as_nobody(&world, &["status"]).exits(0);
    // Counters are for CAP_NET_ADMIN; how full the table is anybody may know.
    let facts = as_nobody(&world, &["facts"]).exits(0);
    assert!(!facts.out.contains("early_drop"), "{}", facts.out);
    facts.says(&["0 of ", "/proc/sys/net/netfilter/nf_conntrack_count"]);
    as_nobody(&world, &["explain", "net.ipv4.tcp_sack"]).exits(0).says(&["live       1"]);
    world.trimtab(&["apply", "egress-proxy"]).exits(0);
    as_nobody(&world, &["plan", "egress-proxy"]).exits(0);
    as_nobody(&world, &["verify"]).exits(0);
    as_nobody(&world, &["status"]).exits(0).says(&["profile egress-proxy"]);
}

#[test]
fn rules_for_packets_are_told_to_be_out_of_sight() {
    let Some(world) = World::new() else { return };
    let out_of_sight = ["trimtab/mss-clamp", "this user may not read it", "run as root, or with CAP_NET_ADMIN"];
    as_nobody(&world, &["plan", "router"]).exits(2).says(&out_of_sight);
    world.trimtab(&["apply", "router"]).exits(0);
    as_nobody(&world, &["plan", "router"]).exits(3).says(&out_of_sight);
    as_nobody(&world, &["verify"]).exits(3);
}

#[test]
fn writing_needs_permission() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    for arguments in [&["apply", "router"][..], &["revert"], &["confirm"]] {
        let told = as_nobody(&world, arguments).exits(77);
        assert!(told.err.contains("Permission denied"), "{}", told.err);
        assert_eq!(as_nobody(&world, &[arguments, &["--json"]].concat()).exits(77).json()["exit"], 77);
    }
    assert_eq!(world.differences(&before), [""; 0]);
    // Also where the folders are open to all: the kernel refuses the first write, and that is all that happened.
    world.sh("mkdir -m 777 state run");
    let told = as_nobody(&world, &["apply", "--set", "net.ipv4.tcp_sack=0"]);
    assert_eq!(told.code, 77, "{told:?}");
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn a_namespace_is_not_entered_without_permission() {
    let Some(world) = World::new() else { return };
    let name = std::fs::read_dir("/run/netns").ok().and_then(|mut folder| folder.next()).is_some();
    let told = as_nobody(&world, &["--netns", "nothing-there", "plan"]);
    assert!([1, 77].contains(&told.code), "{told:?} {name}");
}

#[test]
fn a_key_that_this_user_may_not_read_is_blocked_by_permission() {
    let Some(world) = World::new() else { return };
    // 0600 in every kernel.
    let told = as_nobody(&world, &["explain", "net.core.bpf_jit_harden"]).exits(0);
    assert!(told.out.contains("absent") || told.out.contains("may not read"), "{}", told.out);
    let hidden = "echo 1 >one; chmod 600 one; mount --bind one /proc/sys/net/ipv4/tcp_sack";
    let script = format!(
        "{hidden}\nexec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all -- {} {} plan --set net.ipv4.tcp_sack=0",
        world.path("trimtab").display(),
        world.options().join(" "),
    );
    let mut command = world.command("unshare");
    command.args(["--mount", "sh", "-ec", &script]).current_dir(world.path("."));
    Told::of(command).exits(3).says(&["blocked: this user may not read it", "run as root, or with CAP_NET_ADMIN"]);
}
