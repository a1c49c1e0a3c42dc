//! Usage, and outputs that cannot be written.

use std::process::Stdio;

use crate::world::Told;
use crate::world::World;

#[test]
fn wrong_usage_exits_64() {
    let Some(world) = World::new() else { return };
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["plan", "--no-such-option"],
        &["apply", "--wait", "5"],
        &["apply", "--wait", "-5s"],
        &["apply", "--confirm-within", "soon"],
        &["apply", "--confirm-within", "0s"],
        &["plan", "--against", "x", "--netns", "y"],
        &["explain"],
        &["explain", "net"],
        &["revert", "not an address"],
        &["schema", "no-such-schema"],
        &["import"],
    ] {
        let told = world.trimtab(arguments).exits(64);
        assert!(!told.err.is_empty(), "{arguments:?}");
    }
    world.trimtab(&["--help"]).exits(0).says(&["Exit codes:", "75  another trimtab holds the lock"]);
    world.trimtab(&["--version"]).exits(0).says(&["trimtab "]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let Some(world) = World::new() else { return };
    let line =
        format!("{} {} snapshot | head -1; echo ${{PIPESTATUS[0]}}", crate::world::TRIMTAB, world.options().join(" "));
    let mut command = world.command("bash");
    command.args(["-c", &line]);
    Told::of(command).exits(0).says(&["{\n0\n"]);
}

#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let Some(world) = World::new() else { return };
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for arguments in [&["plan", "router"][..], &["plan", "router", "--json"], &["snapshot"], &["status"], &["facts"]] {
        let mut command = world.trimtab_command(arguments);
        let output = command.stdout(full()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        Told::from(&format!("{arguments:?}"), &output)
            .exits(1)
            .complains(&["cannot write to standard output: No space left on device"]);
    }
    // Both closed: there is nobody left to tell.
    let mut command = world.trimtab_command(&["plan", "router"]);
    let status = command.stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let line = format!("{} {} plan router >&- 2>&-", crate::world::TRIMTAB, world.options().join(" "));
    let status = world.command("sh").args(["-c", &line]).status().unwrap();
    assert!(matches!(status.code(), Some(1 | 2)), "{status:?}");
}

#[test]
fn out_files_are_written_whole_or_named() {
    let Some(world) = World::new() else { return };
    world.write("file", "");
    let below_a_file = world.path("file/plan").to_str().unwrap().to_owned();
    for arguments in [&["plan", "base", "--out"][..], &["snapshot", "--out"]] {
        let told = world.trimtab(&[arguments, &[below_a_file.as_str()]].concat()).exits(1);
        assert!(told.err.contains("file/plan") || told.err.contains("/file"), "{}", told.err);
    }
    let stdout = world.trimtab(&["snapshot", "--out", "-"]).exits(0);
    assert_eq!(stdout.json()["document"], "trimtab.snapshot");
}
