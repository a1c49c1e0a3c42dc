//! `import` and `validate`: from sysctl.d to a profile that holds.

use crate::world::World;

#[test]
fn imported_files_make_a_valid_profile_that_plans_the_same() {
    let Some(world) = World::new() else { return };
    let first = world
        .write("10-first.conf", "net.ipv4.tcp_fin_timeout = 15\nnet/ipv4/tcp_mtu_probing=1\n-net.ipv4.nothing = 1\n");
    let second = world
        .write("20-second.conf", "# comment\nnet.ipv4.tcp_fin_timeout = 20\nnet.ipv4.tcp_rmem = 4096 87380 6291456\n");
    let profile = world.path("profiles/imported.toml").to_str().unwrap().to_owned();
    world.trimtab(&["import", &first, &second, "--out", &profile]).exits(0);
    world.trimtab(&["validate", &profile]).exits(0).says(&["valid, "]);
    let document = world.trimtab(&["validate", &profile, "--json"]).exits(0).json();
    assert_eq!(document["files"][0]["valid"], true);
    world.trimtab(&["plan", "imported"]).exits(2).says(&["60 -> 20", "net.ipv4.tcp_mtu_probing", "4096 87380 6291456"]);
    // The key with the dash exists nowhere, which nobody minds at boot; here it is told.
    world.trimtab(&["apply", "imported"]).exits(3);
    // What sysctl(8) would have made of the same files.
    assert_eq!(world.sysctl("net.ipv4.tcp_fin_timeout"), "20");
    assert_eq!(world.sysctl("net.ipv4.tcp_rmem"), "4096 87380 6291456");
    let imported = world.trimtab(&["import", &first, "--json"]).exits(0).json();
    assert!(imported["profile"].as_str().unwrap().contains("tcp_mtu_probing"));
}

#[test]
fn every_shipped_profile_is_valid_by_tool_and_by_schema() {
    let Some(world) = World::new() else { return };
    let folder = crate::world::schemas().join("../profiles");
    let schema = crate::world::schemas().join("profile.schema.json");
    let schema: serde_json::Value =
        serde_json::from_slice(&trimtab_kernel::file::read(&schema, 1 << 24).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        world.trimtab(&["validate", entry.to_str().unwrap()]).exits(0).says(&["valid, ", " 0 remarks"]);
        let text = String::from_utf8(trimtab_kernel::file::read(&entry, 1 << 20).unwrap()).unwrap();
        let profile: serde_json::Value = toml::from_str(&text).unwrap();
        let faults: Vec<String> = schema.iter_errors(&profile).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", entry.display());
        seen += 1;
    }
    assert!(seen >= 4, "{seen} profiles");
}

#[test]
fn validate_says_what_is_wrong_and_evaluates_on_snapshots() {
    let Some(world) = World::new() else { return };
    let good = world.write("good.toml", "[sysctl]\nnet.ipv4.tcp_sack = 1\n");
    let bad = world.write("bad.toml", "[sysctl]\nnet.ipv4.tcp_sack = 'x'\n");
    let told = world.trimtab(&["validate", &good, &bad]).exits(65);
    told.says(&["bad.toml:2:21", "good.toml: valid", "bad.toml: invalid"]);
    let document = world.trimtab(&["validate", &good, &bad, "--json"]).exits(65).json();
    assert_eq!((&document["files"][0]["valid"], &document["files"][1]["valid"]), (&true.into(), &false.into()));
    let snapshot = world.path("snapshot").to_str().unwrap().to_owned();
    world.trimtab(&["snapshot", "--out", &snapshot]).exits(0);
    world.trimtab(&["validate", &good, "--against", &snapshot]).exits(0);
    let host = world.write("a-host.toml", "profiles = ['router']\n[facts]\nuplink.speed = '1gbit'\n");
    world.trimtab(&["validate", &host]).exits(0);
    world.trimtab(&["validate", "/no/such/file.toml"]).exits(65).complains(&["/no/such/file.toml"]);
    world.trimtab(&["validate"]).exits(64);
}
