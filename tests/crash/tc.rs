//! Trees of traffic control, killed: they take several messages, so half of one may be found, and whatever comes next takes it
//! back or makes it whole.

use crate::bench::End;
use crate::bench::status;
use crate::bench::with_fault;
use crate::world::World;

const FIRST: &str = "
[[link]]
match = \"v0\"
[link.qdisc.htb]
default = \"20\"
filter = [{ class = \"11\", protocol = \"udp\", dport = 53 }, { class = \"20\", dscp = \"ef\" }]
[link.qdisc.htb.class.1]
rate = \"20mbit\"
[link.qdisc.htb.class.11]
parent = \"1\"
rate = \"10mbit\"
leaf = { pfifo = { limit = 50 } }
[link.qdisc.htb.class.20]
rate = \"5mbit\"
leaf = \"bfifo\"
";

/// Another parent, a class and a leaf that go, and filters to all of them.
const SECOND: &str = "
[[link]]
match = \"v0\"
[link.qdisc.htb]
default = \"11\"
filter = [{ class = \"11\", protocol = \"udp\", dport = \"53-54\" }]
[link.qdisc.htb.class.2]
rate = \"30mbit\"
[link.qdisc.htb.class.11]
parent = \"2\"
rate = \"10mbit\"
leaf = { bfifo = { limit = \"64kb\" } }
";

fn host() -> Option<World> {
    let world = World::new()?;
    world.sh("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up");
    world.profile("first", FIRST);
    world.profile("second", SECOND);
    Some(world)
}

/// What tc(8) shows, but for handles that the kernel gives.
fn shown(world: &World) -> String {
    world.sh(
        "{ tc -d qdisc show dev v0; tc -d class show dev v0; tc -d filter show dev v0 parent 7474:
        tc -d filter show dev v0 parent 7475:; } 2>/dev/null |
        sed 's/ direct_packets_stat [0-9]*//; s/ [89a-f][0-9a-f]{3}: / H: /; s/leaf [89a-f][0-9a-f]{3}:/leaf H:/; s/fh 8[0-9a-f:]*/fh F/' -E | sort",
    )
}

fn each_point(world: &World, what: &[&str], prepare: &dyn Fn(), after: &dyn Fn(&str)) -> u32 {
    for hit in 1.. {
        prepare();
        let end = with_fault(world, &format!("*:{hit}"), what);
        let point = format!("{} killed at *:{hit}", what.join(" "));
        status(world);
        after(&point);
        if let End::Told(told) = end {
            assert_eq!(told.code, 0, "{told:?}");
            return hit - 1;
        }
    }
    0
}

fn reverts(world: &World, before: &str, point: &str) {
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(shown(world), before, "{point}");
    assert_eq!(status(world)["held"], 0, "{point}");
}

#[test]
fn no_half_of_a_tree_outlives_what_comes_next() {
    let Some(world) = host() else { return };
    let before = shown(&world);
    let points = each_point(&world, &["apply", "first"], &|| {}, &|point| reverts(&world, &before, point));
    // Between its root, two levels of classes, leaves and filters.
    assert!(points > 8, "only {points} points");
    let prepare = || drop(world.trimtab(&["apply", "first"]).exits(0));
    each_point(&world, &["apply", "second"], &prepare, &|point| reverts(&world, &before, point));
    each_point(&world, &["revert"], &prepare, &|point| reverts(&world, &before, point));
}

#[test]
fn half_of_a_tree_is_made_whole_by_the_next_apply() {
    let Some(world) = host() else { return };
    let before = shown(&world);
    world.trimtab(&["apply", "second"]).exits(0);
    let second = shown(&world).replace("7475:", "7474:");
    world.trimtab(&["revert"]).exits(0);
    let prepare = || drop(world.trimtab(&["apply", "first"]).exits(0));
    each_point(&world, &["apply", "second"], &prepare, &|point| {
        world.trimtab(&["apply", "second"]).exits(0);
        assert_eq!(shown(&world).replace("7475:", "7474:"), second, "{point}");
        world.trimtab(&["apply", "second"]).exits(0).says(&["nothing written"]);
        reverts(&world, &before, point);
    });
}
