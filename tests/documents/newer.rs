//! What a newer trimtab wrote is shown with its version, and never acted upon.

use std::path::PathBuf;

use crate::world::World;

const ROLE: &str = "[sysctl]\nnet.ipv4.tcp_sack = 0\n";
const OTHER: &str = "[sysctl]\nnet.ipv4.tcp_timestamps = 0\n";

/// What a message says of the version found and the one known.
const FOUND_AND_KNOWN: &str = "it is of version 7, this trimtab knows up to 1";

/// A role in force, then a file of state of version 7, which no command may touch or act upon.
#[track_caller]
fn nothing_happens(world: &World, file: &str, bytes: &[u8]) {
    let path: PathBuf = world.state().unwrap().join(file);
    std::fs::write(&path, bytes).unwrap();
    let before = world.all_sysctls();
    let folder = world.sh("cd state/*; sha256sum *");
    let commands: [&[&str]; 9] = [
        &["plan", "other"],
        &["apply", "other"],
        &["apply", "other", "--confirm-within", "60s"],
        &["verify"],
        &["revert"],
        &["revert", "net.ipv4.tcp_sack"],
        &["confirm"],
        &["explain", "net.ipv4.tcp_sack", "other"],
        &["snapshot"],
    ];
    let found =
        if file == "journal" { "the journal is of version 7, this trimtab knows up to 1" } else { FOUND_AND_KNOWN };
    for command in commands {
        let told = world.trimtab(command).exits(1).complains(&[path.to_str().unwrap(), found, "nothing was written"]);
        assert!(told.err.contains("use the trimtab that wrote it"), "{}", told.err);
    }
    let line = format!("the file `{file}` is of version 7, this trimtab knows up to 1");
    world.trimtab(&["status"]).exits(1).says(&[line.as_str(), "host "]).complains(&[found]);
    let status = world.trimtab(&["status", "--json"]).exits(1).json();
    assert_eq!(status["unreliable"].as_array().unwrap().len(), 1, "{status:#}");
    assert_eq!(status["unreliable"][0]["file"], file);
    assert_eq!((&status["unreliable"][0]["version"], &status["unreliable"][0]["known"]), (&7.into(), &1.into()));
    // What the other files say is shown all the same.
    match file {
        "applied" => assert_eq!((status["in_force"].is_null(), &status["held"]), (true, &1.into()), "{status:#}"),
        "journal" => assert_eq!((status["in_force"].is_object(), status["held"].is_null()), (true, true), "{status:#}"),
        _ => assert_eq!((status["in_force"].is_object(), &status["held"]), (true, &1.into()), "{status:#}"),
    }
    assert_eq!(world.differences(&before), [""; 0]);
    assert_eq!(world.sh("cd state/*; sha256sum *"), folder, "no file of state changes");
}

fn in_force() -> Option<World> {
    let world = World::new()?;
    world.profile("role", ROLE);
    world.profile("other", OTHER);
    world.trimtab(&["apply", "role"]).exits(0);
    Some(world)
}

#[test]
fn newer_applied() {
    let Some(world) = in_force() else { return };
    let path = world.state().unwrap().join("applied");
    let whole = world.sh("cat state/*/applied");
    nothing_happens(&world, "applied", whole.replacen("\"version\": 1", "\"version\": 7", 1).as_bytes());
    // Of another shape altogether.
    nothing_happens(&world, "applied", b"{\"version\":7,\"sets\":[]}");
    std::fs::write(path, whole).unwrap();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn newer_unconfirmed() {
    let Some(world) = in_force() else { return };
    nothing_happens(&world, "unconfirmed", b"{\"version\":7,\"trials\":{}}");
    std::fs::remove_file(world.state().unwrap().join("unconfirmed")).unwrap();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn newer_journal() {
    let Some(world) = in_force() else { return };
    let whole = world.journal();
    let body = "{\"seq\":0,\"record\":{\"type\":\"opened\",\"version\":7,\"hosts\":[]}}";
    let check = world.sh(&format!("printf '%s' '{body}' | sha256sum | cut -c1-8"));
    nothing_happens(&world, "journal", format!("{check} {body}\n").as_bytes());
    std::fs::write(world.state().unwrap().join("journal"), whole).unwrap();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn every_newer_file_is_named_at_once() {
    let Some(world) = in_force() else { return };
    let folder = world.state().unwrap();
    std::fs::write(folder.join("applied"), "{\"version\":7}").unwrap();
    std::fs::write(folder.join("unconfirmed"), "{\"version\":8}").unwrap();
    let status = world.trimtab(&["status"]).exits(1);
    let status = status.says(&["`applied` is of version 7", "`unconfirmed` is of version 8", "in force: not known"]);
    assert_eq!(status.err.lines().count(), 2, "{}", status.err);
}

#[test]
fn newer_plan_and_snapshot() {
    let Some(world) = in_force() else { return };
    let before = world.all_sysctls();
    let plan = world.trimtab(&["plan", "other", "--json"]).exits(2).out;
    let plan = world.write("plan", plan.replacen("\"version\": 1", "\"version\": 7", 1));
    let other_shape = world.write("shape", "{\"document\":\"trimtab.plan\",\"version\":7,\"steps\":[]}");
    for file in [&plan, &other_shape] {
        world.trimtab(&["apply", "--plan", file]).exits(65).complains(&[file, FOUND_AND_KNOWN]);
    }
    let snapshot = world.trimtab(&["snapshot"]).exits(0).out;
    let snapshot = world.write("snapshot", snapshot.replacen("\"version\": 1", "\"version\": 7", 1));
    for command in [["plan", "other"], ["validate", world.path("profiles/other.toml").to_str().unwrap()]] {
        let command = [&command[..], &["--against", &snapshot]].concat();
        world.trimtab(&command).exits(65).complains(&[snapshot.as_str(), FOUND_AND_KNOWN]);
    }
    assert_eq!(world.differences(&before), [""; 0]);
}
