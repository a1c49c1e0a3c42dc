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
        self.sh("tc -d qdisc show; tc -d class show dev v0; tc -d filter show dev v0")
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
        tc qdisc add dev v0 parent 5:10 pfifo limit 7",
    );
    let before = world.tc();
    let plan = world.trimtab(&["plan", "role"]).exits(3);
    assert!(plan.out.contains("could not be put back"), "{}", plan.out);
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
