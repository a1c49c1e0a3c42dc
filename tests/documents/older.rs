//! What an earlier build wrote is read and acted upon.

use crate::world::World;

/// A line as it was written when no more than the number was known of an interface.
fn early(body: &str) -> String {
    let mut early = String::new();
    let mut rest = body;
    while let Some((before, link)) = rest.split_once("\"interface\":{\"ifindex\":") {
        let (link, after) = link.split_once('}').unwrap();
        let number = link.split(',').next().unwrap();
        early.push_str(&format!("{before}\"ifindex\":{number}"));
        rest = after;
    }
    early + rest
}

#[test]
fn an_early_journal_is_followed_and_undone() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name v1");
    world.profile("role", "[sysctl]\nnet.ipv4.conf.v0.rp_filter = 2\n[[link]]\nmatch = \"v0\"\nmtu = 1400\n");
    world.trimtab(&["apply", "role"]).exits(0);
    let path = world.state().unwrap().join("journal");
    let mut journal = String::new();
    for line in String::from_utf8(world.journal()).unwrap().lines() {
        let body = early(line.split_once(' ').unwrap().1);
        assert!(!body.contains("interface\":{"), "{body}");
        world.write("body", &body);
        let check = world.sh("sha256sum body | cut -c1-8");
        journal.push_str(&format!("{check} {body}\n"));
    }
    assert_eq!(journal.matches("\"ifindex\"").count(), 2, "{journal}");
    std::fs::write(path, journal).unwrap();
    world.sh("ip link set v0 name w0");
    world.trimtab(&["explain", "link:w0/mtu"]).exits(0).says(&["original   1500 before trimtab"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.conf.w0.rp_filter"), "0");
    assert!(world.sh("ip link show w0").contains(" mtu 1500 "));
}
