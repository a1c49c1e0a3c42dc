//! Rules for packets, killed: a batch is carried out or not, and whatever was carried out is taken back.

use crate::bench::End;
use crate::bench::status;
use crate::bench::with_fault;
use crate::world::World;

const FIRST: &str = "
[[notrack]]
interfaces = [\"veth0\", \"wg*\"]
from = [\"10.0.0.0/8\", \"192.0.2.0/24\", \"2001:db8::/32\"]
protocol = [\"tcp\", \"udp\"]
ports = [53, \"8000-8100\"]

[mss-clamp]
";

const SECOND: &str = "
[[notrack]]
protocol = \"gre\"

[mss-clamp]
size = 1300

[sysctl]
net.ipv4.ip_forward = 1
";

fn host() -> Option<World> {
    let world = World::new()?;
    world.sh("nft add table ip somebody; nft add chain ip somebody pre '{ type filter hook prerouting priority 0; }'");
    world.profile("first", FIRST);
    world.profile("second", SECOND);
    Some(world)
}

fn ruleset(world: &World) -> String {
    world.sh("nft list ruleset; sysctl -n net.ipv4.ip_forward")
}

/// Kills a command at each of its fault points; what is found then must be one of these, and revert leads to the first.
fn each_point(world: &World, what: &[&str], prepare: &dyn Fn(), may_be: &[&String]) -> u32 {
    for hit in 1.. {
        prepare();
        let end = with_fault(world, &format!("*:{hit}"), what);
        let point = format!("{} killed at *:{hit}", what[0]);
        let found = ruleset(world);
        let rules = |text: &str| text.rsplit_once('\n').map(|(rules, _)| rules.to_owned());
        assert!(may_be.iter().any(|known| rules(known) == rules(&found)), "{point}: half of a batch: {found}");
        status(world);
        world.trimtab(&["revert"]).exits(0);
        assert_eq!(&ruleset(world), may_be[0], "{point}");
        assert_eq!(status(world)["held"], 0, "{point}");
        if let End::Told(told) = end {
            assert_eq!(told.code, 0, "{told:?}");
            return hit - 1;
        }
    }
    0
}

#[test]
fn rules_are_there_whole_or_not_at_all_wherever_an_apply_is_killed() {
    let Some(world) = host() else { return };
    let before = ruleset(&world);
    world.trimtab(&["apply", "first"]).exits(0);
    let first = ruleset(&world);
    world.trimtab(&["apply", "second"]).exits(0);
    let second = ruleset(&world);
    world.trimtab(&["revert"]).exits(0);
    assert!(first != before && second != first && ruleset(&world) == before, "{first}\n{second}");
    let points = each_point(&world, &["apply", "first"], &|| {}, &[&before, &first]);
    assert!(points > 5, "only {points} points");
    let prepare = || drop(world.trimtab(&["apply", "first"]).exits(0));
    let points = each_point(&world, &["apply", "second"], &prepare, &[&before, &first, &second]);
    assert!(points > 5, "only {points} points");
}

#[test]
fn a_revert_of_rules_killed_anywhere_is_reverted_whole() {
    let Some(world) = host() else { return };
    let before = ruleset(&world);
    world.trimtab(&["apply", "first"]).exits(0);
    let first = ruleset(&world);
    let prepare = || drop(world.trimtab(&["apply", "first"]).exits(0));
    let points = each_point(&world, &["revert"], &prepare, &[&before, &first]);
    assert!(points > 3, "only {points} points");
}
