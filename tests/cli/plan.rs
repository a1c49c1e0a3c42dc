//! `plan` and `verify`: what they say, and what they stand for.

use crate::world::World;

#[test]
fn exits_by_what_there_is_to_do() {
    let Some(world) = World::new() else { return };
    world.profile("changes", "[sysctl]\nnet.ipv4.tcp_sack = 0\n");
    world.profile("holds", "[sysctl]\nnet.ipv4.tcp_sack = { at-most = 1 }\n");
    world.profile("waits", "[sysctl]\nnet.ipv4.tcp_fin_timeout = { expr = 'uplink.speed' }\n");
    world.profile("both", "include = ['changes', 'waits']\n");
    world.trimtab(&["plan", "changes"]).exits(2).says(&["1 to change"]);
    world.trimtab(&["plan", "holds"]).exits(0).says(&["nothing to change, 1 as wanted"]);
    world.trimtab(&["plan", "waits"]).exits(3).says(&["pending", "uplink.speed is not known on this host"]);
    world.trimtab(&["plan", "both"]).exits(2).says(&["1 to change, 1 pending"]);
    world.trimtab(&["plan"]).exits(0).says(&["no profile", "nothing to change"]);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1", "a plan writes nothing");
    assert!(!world.path("state").exists() && !world.path("run").exists(), "a plan leaves nothing behind");
}

#[test]
fn names_the_line_that_asks_the_live_value_and_what_moves() {
    let Some(world) = World::new() else { return };
    world.profile("one", "description = 'x'\n[sysctl]\n\nnet.ipv4.tcp_rmem = [4096, 131072, 12582912]\n");
    let live = world.sysctl("net.ipv4.tcp_rmem");
    let told = world.trimtab(&["plan", "one"]).exits(2);
    told.says(&[format!("~ net.ipv4.tcp_rmem  {live} -> 4096 131072 12582912  one.toml:4")]);
    let document = world.trimtab(&["plan", "one", "--json"]).exits(2).json();
    let cell = &document["changes"][0]["cells"][0];
    assert_eq!(cell["address"], "sysctl:net.ipv4.tcp_rmem");
    assert_eq!(cell["origin"]["line"], 4);
    assert_eq!(document["summary"]["change"], 1);
    assert_eq!(document["document"], "trimtab.plan");
}

#[test]
fn host_file_and_command_line_have_the_last_word() {
    let Some(world) = World::new() else { return };
    world.profile("role", "[params]\nn = 3\n[sysctl]\nnet.ipv4.tcp_syn_retries = { expr = 'params.n' }\n");
    world.write("host.toml", "profiles = ['role']\n");
    world.trimtab(&["plan"]).exits(2).says(&["6 -> 3", "role.toml:4", "profile role"]);
    world.trimtab(&["plan", "--param", "n=4"]).exits(2).says(&["6 -> 4"]);
    world.write("host.toml", "profiles = ['role']\n[params]\nn = 5\n");
    world.trimtab(&["plan"]).exits(2).says(&["6 -> 5"]);
    world.write("host.toml", "profiles = ['role']\n[sysctl]\nnet.ipv4.tcp_syn_retries = 7\n");
    world.trimtab(&["plan"]).exits(2).says(&["6 -> 7", "host.toml:3"]);
    world.trimtab(&["plan", "--set", "net.ipv4.tcp_syn_retries=8"]).exits(2).says(&["6 -> 8", "--set"]);
    world.trimtab(&["plan", "--set", "net.ipv4.tcp_syn_retries={at-least=2}"]).exits(0);
    // A profile on the command line stands in for the roles, not for the host file's own settings.
    world.profile("other", "[sysctl]\nnet.ipv4.tcp_sack = 0\n");
    let told = world.trimtab(&["plan", "other"]).exits(2).says(&["tcp_sack", "host.toml:3"]);
    assert!(!told.out.contains("role"), "{}", told.out);
}

#[test]
fn brief_says_each_change_in_a_line() {
    let Some(world) = World::new() else { return };
    let told = world.trimtab(&["plan", "router", "--brief"]).exits(2).says(&["net.ipv4.ip_forward", "to change"]);
    for word in ["moves:", "traffic:", "stays:", "note:"] {
        assert!(!told.out.contains(word), "{word} in\n{}", told.out);
    }
}

#[test]
fn output_has_no_colour_where_nobody_sees_it() {
    let Some(world) = World::new() else { return };
    let told = world.trimtab(&["plan", "router"]).exits(2);
    assert!(!told.out.contains('\u{1b}'));
    // script(1) gives it a terminal.
    let line = format!("{} {} plan router", crate::world::TRIMTAB, world.options().join(" "));
    let on_terminal = world.sh(&format!("script -qec '{line}' /dev/null || true"));
    assert!(on_terminal.contains("\u{1b}["), "{on_terminal}");
    let without = world.sh(&format!("NO_COLOR=1 script -qec '{line}' /dev/null || true"));
    assert!(!without.contains('\u{1b}'), "{without}");
}

#[test]
fn verify_needs_something_applied_and_lists_every_mismatch() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["verify"]).exits(1).complains(&["nothing is applied in this boot"]);
    let failure = world.trimtab(&["verify", "--json"]).exits(1).json();
    assert_eq!(failure["document"], "trimtab.error");
    world.profile(
        "three",
        "[sysctl]\nnet.ipv4.tcp_sack = 0\nnet.ipv4.tcp_syn_retries = { at-least = 8 }\nnet.ipv4.tcp_fin_timeout = 30\n",
    );
    world.trimtab(&["apply", "three"]).exits(0);
    world.trimtab(&["verify"]).exits(0).says(&["0 not as wanted, 0 not comparable, 3 as wanted"]);
    world.sh("sysctl -q net.ipv4.tcp_sack=1 net.ipv4.tcp_syn_retries=5");
    world.trimtab(&["verify"]).exits(2).says(&[
        "! sysctl:net.ipv4.tcp_sack: want 0, found 1  three.toml:2",
        "! sysctl:net.ipv4.tcp_syn_retries: want at least 8, found 5  three.toml:3",
        "2 not as wanted",
    ]);
    let report = world.trimtab(&["verify", "--json"]).exits(2).json();
    assert_eq!(report["mismatches"].as_array().unwrap().len(), 2);
    // More than the floor is as wanted.
    world.sh("sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_syn_retries=20");
    world.trimtab(&["verify"]).exits(0);
}

#[test]
fn spellings_of_one_value_are_no_drift() {
    let Some(world) = World::new() else { return };
    world.profile(
        "spelt",
        r#"[sysctl]
net.ipv4.ip_local_reserved_ports = "5,4,3,8080-8090,8091"
net.ipv4.tcp_rmem = "4096	131072   6291456"
net.ipv4.conf.all.forwarding = 1
net.ipv4.neigh.lo.base_reachable_time_ms = 1501
net.ipv4.tcp_syn_retries = "0x7"
"#,
    );
    world.trimtab(&["apply", "spelt"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.ip_local_reserved_ports"), "3-5,8080-8091");
    assert_eq!(world.sysctl("net.ipv4.ip_forward"), "1");
    world.trimtab(&["plan", "spelt"]).exits(0).says(&["nothing to change, 5 as wanted"]);
    world.trimtab(&["verify"]).exits(0);
    let journal = world.journal();
    world.trimtab(&["apply", "spelt"]).exits(0).says(&["nothing written"]);
    assert_eq!(world.journal(), journal);
}

#[test]
fn facts_and_snapshot_and_schema_are_documents() {
    let Some(world) = World::new() else { return };
    let facts = world.trimtab(&["facts", "--json"]).exits(0).json();
    assert_eq!(facts["facts"]["values"]["host.kernel"]["value"], world.sh("uname -r"));
    world.trimtab(&["facts"]).exits(0).says(&["host.memory", "uplink.name          unknown"]);
    world.write("host.toml", "[facts]\nuplink.speed = '25gbit'\n");
    world.trimtab(&["facts"]).exits(0).says(&["25000000000", "host.toml:2"]);
    let snapshot = world.trimtab(&["snapshot"]).exits(0).json();
    assert_eq!(snapshot["interfaces"], serde_json::json!(["lo"]));
    assert_eq!(snapshot["readings"]["sysctl:net.ipv4.tcp_sack"]["text"]["text"], "1");
    let secret = &snapshot["readings"]["sysctl:net.ipv4.tcp_fastopen_key"];
    assert_eq!(secret, "withheld");
    let names = world.trimtab(&["schema", "list"]).exits(0).out;
    for name in names.lines() {
        let schema: serde_json::Value = serde_json::from_str(&world.trimtab(&["schema", name]).exits(0).out).unwrap();
        jsonschema::validator_for(&schema).unwrap();
    }
}
