//! Promises at the seams between verbs: what a trial, a revert and a saved plan may not do to each other.

use crate::world::World;

const KEY: &str = "net.ipv4.tcp_sack";

fn set(value: &str) -> String {
    format!("{KEY}={value}")
}

#[test]
fn a_trial_ends_alone_and_what_was_in_force_before_it_stays() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
    let both = ["apply", "--set", "net.ipv4.tcp_syn_retries=3", "--set", &set("0"), "--confirm-within", "60s"];
    world.trimtab(&both).exits(5);
    world.trimtab(&["revert", KEY]).exits(5).complains(&["a trial awaits its confirmation"]);
    let ended = world.trimtab(&["revert", "--trial", "--json"]).exits(0).json();
    assert_eq!(ended["restored"], serde_json::json!([format!("sysctl:{KEY}")]));
    assert_eq!(world.sysctl(KEY), "1");
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "3");
    world.trimtab(&["verify"]).exits(0);
    world.trimtab(&["revert", "--trial"]).exits(1).complains(&["there is no trial to end"]);
}

#[test]
fn a_conflict_met_by_the_end_of_a_trial_is_told_and_stays_on_record() {
    let Some(world) = World::new() else { return };
    let trial = ["apply", "--set", &set("0"), "--set", "net.ipv4.tcp_syn_retries=3", "--confirm-within", "60s"];
    world.trimtab(&trial).exits(5);
    world.sh("sysctl -qw net.ipv4.tcp_syn_retries=9");
    world.trimtab(&["revert"]).exits(3).says(&["net.ipv4.tcp_syn_retries", "conflict"]);
    assert_eq!(world.sysctl(KEY), "1");
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "9");
    world.trimtab(&["status"]).exits(0).says(&["left sysctl:net.ipv4.tcp_syn_retries alone"]);
}

#[test]
fn a_confirmation_that_comes_too_late_says_so() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", &set("0"), "--confirm-within", "60s"]).exits(5);
    world.trimtab(&["revert", "--trial"]).exits(0);
    world.trimtab(&["confirm"]).exits(1).complains(&["too late"]);
    world.trimtab(&["status"]).exits(0).says(&["never confirmed"]);
    // Whoever applies it for good has accepted it.
    world.trimtab(&["apply", "--set", &set("0")]).exits(0);
    world.trimtab(&["confirm"]).exits(1).complains(&["nothing awaits a confirmation"]);
}

#[test]
fn a_value_that_cannot_go_back_now_stays_remembered() {
    let Some(world) = World::new() else { return };
    let start = world.sysctl("net.ipv4.ip_unprivileged_port_start");
    world.trimtab(&["apply", "--set", "net.ipv4.ip_unprivileged_port_start=500"]).exits(0);
    // The kernel refuses a start above the lower end of the range.
    world.sh("echo 600 65535 > /proc/sys/net/ipv4/ip_local_port_range");
    world.trimtab(&["revert"]).exits(7).says(&["net.ipv4.ip_unprivileged_port_start", "cannot be put back now"]);
    assert_eq!(world.sysctl("net.ipv4.ip_unprivileged_port_start"), "500");
    world.sh("echo 32768 60999 > /proc/sys/net/ipv4/ip_local_port_range");
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.ip_unprivileged_port_start"), start);
}

#[test]
fn a_conflict_of_a_setting_that_left_is_told_once() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", &set("0"), "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
    world.sh("sysctl -qw net.ipv4.tcp_syn_retries=9");
    world.trimtab(&["apply", "--set", &set("0")]).exits(3).says(&["somebody changed it since"]);
    world.trimtab(&["apply", "--set", &set("0")]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "9");
}

#[test]
fn a_saved_plan_passes_the_same_gates_as_a_profile() {
    let Some(world) = World::new() else { return };
    let plan = world.path("plan.json").display().to_string();
    world.trimtab(&["plan", "--set", &set("0"), "--out", &plan]).exits(2);
    let host = world.write("observing.toml", "mode = \"observe\"\n");
    world.trimtab(&["apply", "--plan", &plan, "--config", &host]).exits(3).says(&["nothing written"]);
    assert_eq!(world.sysctl(KEY), "1");
    world.sh(&format!("chmod 0666 {plan}"));
    world.trimtab(&["apply", "--plan", &plan]).exits(65).complains(&["plan.json"]);
    assert_eq!(world.sysctl(KEY), "1");
    world.sh(&format!("chmod 0644 {plan}"));
    world.trimtab(&["apply", "--plan", &plan]).exits(0);
    assert_eq!(world.sysctl(KEY), "0");
}

#[test]
fn without_its_journal_a_revert_says_that_it_cannot() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", &set("0")]).exits(0);
    std::fs::remove_file(world.state().unwrap().join("journal")).unwrap();
    world.trimtab(&["revert"]).exits(7).complains(&["journal of this boot is gone"]);
    assert_eq!(world.sysctl(KEY), "0");
    world.trimtab(&["status"]).exits(0).says(&["1 settings"]);
}

#[test]
fn what_was_done_keeps_its_exit_code_when_nobody_listens() {
    let Some(world) = World::new() else { return };
    let mut command = world.trimtab_command(&["apply", "--set", &set("0")]);
    command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert_eq!(world.sysctl(KEY), "0");
}
