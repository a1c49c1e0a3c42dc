//! Saved plans: exactly what was looked at is applied, here and now, or nothing is.

use crate::world::World;

const ROLE: &str = "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = 3\n";

#[test]
fn exactly_what_was_planned_is_applied() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    let shown = world.trimtab(&["plan", "role", "--out", world.path("plan").to_str().unwrap()]).exits(2).out;
    // What the profile says by now is another matter.
    world.profile("role", "[sysctl]\nnet.ipv4.tcp_timestamps = 0\n");
    let plan = world.path("plan");
    let told = world.trimtab(&["apply", "--plan", plan.to_str().unwrap()]).exits(0).says(&["in force: 2 written"]);
    assert!(told.out.starts_with(&shown), "{}", told.out);
    assert_eq!((world.sysctl("net.ipv4.tcp_sack"), world.sysctl("net.ipv4.tcp_syn_retries")), ("0".into(), "3".into()));
    assert_eq!(world.sysctl("net.ipv4.tcp_timestamps"), "1");
    world.trimtab(&["status"]).exits(0).says(&["profile role, 2 settings"]);
}

#[test]
fn a_value_that_moved_makes_it_stale() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    let plan = world.path("plan").to_str().unwrap().to_owned();
    world.trimtab(&["plan", "role", "--out", &plan]).exits(2);
    world.sh("sysctl -q net.ipv4.tcp_syn_retries=5");
    let before = world.all_sysctls();
    world
        .trimtab(&["apply", "--plan", &plan])
        .exits(4)
        .complains(&["nothing was written", "sysctl:net.ipv4.tcp_syn_retries: planned 6 -> 3, now 5 -> 3"]);
    assert_eq!(world.trimtab(&["apply", "--plan", &plan, "--json"]).exits(4).json()["exit"], 4);
    assert_eq!(world.differences(&before), [""; 0]);
    world.trimtab(&["status"]).exits(0).says(&["nothing in this boot"]);
    // A value that is as wanted already is a difference too.
    world.sh("sysctl -q net.ipv4.tcp_syn_retries=3");
    world.trimtab(&["apply", "--plan", &plan]).exits(4).complains(&["now nothing to do"]);
    world.sh("sysctl -q net.ipv4.tcp_syn_retries=6");
    world.trimtab(&["apply", "--plan", &plan]).exits(0);
    // Applied twice, it is stale again.
    world.trimtab(&["apply", "--plan", &plan]).exits(4);
}

#[test]
fn another_namespace_or_boot_refuses_it() {
    let (Some(here), Some(there)) = (World::new(), World::new()) else { return };
    here.profile("role", ROLE);
    let plan = here.path("plan").to_str().unwrap().to_owned();
    here.trimtab(&["plan", "role", "--out", &plan]).exits(2);
    there.trimtab(&["apply", "--plan", &plan]).exits(4).complains(&["not for this boot or namespace", "plan again"]);
    assert_eq!(there.sysctl("net.ipv4.tcp_sack"), "1");
    // Another boot is another boot id; the kernel tells it in a file.
    let other = "echo 11111111-2222-3333-4444-555555555555 >boot; mount --bind boot /proc/sys/kernel/random/boot_id";
    here.mounted(other, &["apply", "--plan", &plan]).exits(4).complains(&["not for this boot or namespace"]);
    assert_eq!(here.sysctl("net.ipv4.tcp_sack"), "1");
    here.trimtab(&["apply", "--plan", &plan]).exits(0);
}

#[test]
fn what_was_edited_is_refused() {
    let Some(world) = World::new() else { return };
    world.profile("role", ROLE);
    let plan = world.path("plan").to_str().unwrap().to_owned();
    let json = world.trimtab(&["plan", "role", "--out", &plan, "--json"]).exits(2).out;
    assert_eq!(world.sh("cat plan"), json.trim(), "what is shown is what is saved");
    for (from, to) in [
        ("\"write\": 3", "\"write\": 4"),
        ("net.ipv4.tcp_sack\"", "net.ipv4.tcp_timestamps\""),
        ("\"version\": 1", "\"version\": 2"),
        ("trimtab.plan", "trimtab.snapshot"),
        ("\"cookie\": ", "\"cookie\": 1"),
    ] {
        assert!(json.contains(from), "{from}");
        let edited = world.write("edited", json.replacen(from, to, 1));
        let told = world.trimtab(&["apply", "--plan", &edited]).exits(65);
        assert!(told.err.contains("edited"), "the file is named: {}", told.err);
    }
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
    world.trimtab(&["apply", "--plan", &plan, "role"]).exits(64);
    world.trimtab(&["apply", "--plan", &plan]).exits(0);
}

#[test]
fn a_snapshot_gives_the_same_plan_elsewhere() {
    let (Some(here), Some(there)) = (World::new(), World::new()) else { return };
    here.sh("ip link add v.100 type veth peer name p0; ip addr add 192.0.2.1/24 dev p0");
    here.sh("sysctl -q net.ipv4.tcp_sack=0 net.ipv4.conf.p0.forwarding=1");
    here.trimtab(&["apply", "--set", "net.ipv4.tcp_early_retrans=2"]).exits(0);
    let snapshot = there.path("snapshot").to_str().unwrap().to_owned();
    here.trimtab(&["snapshot", "--out", &snapshot]).exits(0);
    for role in ["base", "router", "egress-proxy", "web-frontend"] {
        let live = here.trimtab(&["plan", role]);
        let remote = there.trimtab(&["plan", role, "--against", &snapshot]);
        assert_eq!((live.code, &live.out), (remote.code, &remote.out), "{role}");
        assert!(live.out.contains("- net.ipv4.tcp_early_retrans"), "what is held is part of it: {}", live.out);
    }
    there.trimtab(&["plan", "--against", &snapshot, "--netns", "blue"]).exits(64);
    // It is a plan for that host, which this one refuses.
    let plan = there.path("plan").to_str().unwrap().to_owned();
    there.trimtab(&["plan", "base", "--against", &snapshot, "--out", &plan]).exits(2);
    there.trimtab(&["apply", "--plan", &plan]).exits(4);
}

#[test]
fn documents_come_through_pipes_too() {
    let Some(world) = World::new() else { return };
    let trimtab = format!("{} {}", crate::world::TRIMTAB, world.options().join(" "));
    let piped = |script: &str| {
        let mut command = world.command("bash");
        command.args(["-c", &script.replace("trimtab", &trimtab)]).current_dir(world.path("."));
        crate::world::Told::of(command)
    };
    let live = world.trimtab(&["plan", "router"]).exits(2).out;
    assert_eq!(piped("trimtab snapshot | trimtab plan router --against -").exits(2).out, live);
    assert_eq!(piped("trimtab plan router --against <(sleep 0.2; trimtab snapshot)").exits(2).out, live);
    piped("trimtab import <(echo net.ipv4.tcp_sack = 0)").exits(0).says(&["tcp_sack = 0"]);
    piped("trimtab validate <(sleep 0.2; echo '[sysctl]')").exits(0).says(&["valid, 0 settings"]);
    piped("trimtab plan router --out - --json >/dev/null; trimtab plan --set net.ipv4.tcp_sack=0 --json | trimtab apply --plan -")
        .exits(0)
        .says(&["in force: 1 written"]);
}
