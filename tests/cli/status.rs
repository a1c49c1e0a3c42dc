//! `status`: what is in force, since when and by whom.

use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

#[test]
fn before_and_after() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["status"]).exits(0).says(&["in force: nothing in this boot", "changed: 0 values"]);
    world.trimtab(&["apply", "base"]).exits(0);
    let told = world.trimtab(&["status"]).exits(0);
    told.says(&["in force: profile base, ", "generation 1, since 20", "by uid 0 from cli-"]);
    world.trimtab(&["apply", "base", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    world.trimtab(&["status"]).exits(0).says(&["generation 2"]);
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    assert_eq!(status["in_force"]["roles"], serde_json::json!(["base"]));
    assert_eq!(status["host"]["name"], world.sh("uname -n"));
    world.trimtab(&["revert"]).exits(0);
    world.trimtab(&["status"]).exits(0).says(&["in force: nothing in this boot", "changed: 0 values"]);
}

#[test]
fn what_a_trial_left_alone_is_told_also_once_the_journal_was_rewritten() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add v0 type veth peer name p0");
    world.profile("length", "[[link]]\nmatch = \"v0\"\ntxqueuelen = 500\n");
    world.profile("both", "include = [\"length\"]\n[[link]]\nmatch = \"v0\"\nmtu = 1400\n");
    world.trimtab(&["apply", "length"]).exits(0);
    world.trimtab(&["apply", "both", "--confirm-within", "60s"]).exits(5);
    world.sh("ip link set v0 mtu 1350");
    world.trimtab(&["revert", "--trial"]).exits(3);
    let told = || {
        let status = world.trimtab(&["status", "--json"]).exits(0).json();
        status["left_alone"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(), ["link:v0/mtu"]);
    // Nothing is begun, but the journal learns the new name.
    world.sh("ip link set v0 name w0");
    world.trimtab(&["revert", "net.ipv4.tcp_sack"]).exits(1);
    assert!(String::from_utf8(world.journal()).unwrap().contains("\"type\":\"left\""));
    assert_eq!(told(), ["link:w0/mtu"]);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(told(), [""; 0], "a transaction began");
}

#[test]
fn the_caller_is_recorded() {
    let Some(world) = World::new() else { return };
    let mut command = world.command("sh");
    command.args(["-c", "\"$@\"; exit $?", "sh", TRIMTAB]).args(world.options());
    command.args(["apply", "--set", "net.ipv4.tcp_sack=0"]).env("SUDO_USER", "alice").env("SUDO_UID", "1000");
    Told::of(command).exits(0);
    world.trimtab(&["status"]).exits(0).says(&["uid 0", "sudo by alice", "from sh"]);
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    assert_eq!(status["in_force"]["caller"]["parent"], "sh");
    assert!(String::from_utf8(world.journal()).unwrap().contains("\"sudo_user\":\"alice\""));
}

#[test]
fn state_can_be_read_by_all_and_written_by_root() {
    let Some(world) = World::new() else { return };
    let mut command = world.command("sh");
    command.args(["-c", "umask 077; exec \"$@\"", "sh", TRIMTAB]).args(world.options());
    command.args(["apply", "--set", "net.ipv4.tcp_sack=0"]);
    Told::of(command).exits(0);
    let modes = world.sh("find state -printf '%m %y %f\n' | sort");
    for line in modes.lines() {
        assert!(line.starts_with("755 d ") || line.starts_with("644 f "), "{modes}");
    }
}
