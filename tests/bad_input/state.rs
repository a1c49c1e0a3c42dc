//! State files that are cut, edited or of another day: nothing is written on their word.

use std::path::PathBuf;

use crate::world::World;

/// A world with something applied, and its state folder.
fn applied() -> Option<(World, PathBuf)> {
    let world = World::new()?;
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--set", "net.ipv4.tcp_syn_retries=3"]).exits(0);
    let state = world.state().unwrap();
    Some((world, state))
}

fn edit(path: &std::path::Path, from: &str, to: &str) {
    let text = String::from_utf8(trimtab_kernel::file::read(path, 1 << 24).unwrap()).unwrap();
    assert!(text.contains(from), "no {from} in {text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// No verb acts, each names the file, and the kernel stays as it is.
fn refuses_all(world: &World, name: &str) {
    let before = world.all_sysctls();
    for arguments in
        [&["apply", "--set", "net.ipv4.tcp_sack=1"][..], &["revert"], &["confirm"], &["verify"], &["status"], &["plan"]]
    {
        let told = world.trimtab(arguments).exits(1);
        assert!(told.err.contains(name) && told.err.contains("nothing was written"), "{arguments:?}: {}", told.err);
    }
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn a_journal_cut_at_any_byte_is_survived() {
    let Some((world, state)) = applied() else { return };
    let whole = world.journal();
    // Every cut, spread over enough worlds of bytes to be quick: each end of a line, and a step that meets all columns.
    let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').flat_map(|(at, _)| [at, at + 1]);
    let cuts: std::collections::BTreeSet<usize> = (0..=whole.len()).step_by(37).chain(ends).collect();
    for cut in cuts {
        std::fs::write(state.join("journal"), &whole[..cut]).unwrap();
        let told = world.trimtab(&["status"]);
        assert_eq!(told.code, 0, "cut at {cut}: {told:?}");
        world.trimtab(&["plan"]);
    }
    // Cut behind the last whole transaction, the rest is undone or forgotten, never half.
    std::fs::write(state.join("journal"), &whole[..whole.len() - 1]).unwrap();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
    assert_eq!(world.sysctl("net.ipv4.tcp_syn_retries"), "6");
}

#[test]
fn a_journal_edited_by_hand_is_refused_with_its_line() {
    let Some((world, state)) = applied() else { return };
    edit(&state.join("journal"), "\"before\":1", "\"before\":7");
    refuses_all(&world, "journal line 2 is damaged");
}

#[test]
fn a_journal_with_a_line_missing_is_refused() {
    let Some((world, state)) = applied() else { return };
    let text = String::from_utf8(world.journal()).unwrap();
    let without: String =
        text.lines().enumerate().filter(|(at, _)| *at != 2).map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(state.join("journal"), without).unwrap();
    refuses_all(&world, "journal line 3 is damaged");
}

#[test]
fn a_journal_of_noise_is_refused() {
    let Some((world, state)) = applied() else { return };
    std::fs::write(state.join("journal"), "once upon a time\n").unwrap();
    refuses_all(&world, "journal line 1 is damaged");
    std::fs::write(state.join("journal"), b"\xff\xfe\x00\n").unwrap();
    refuses_all(&world, "journal line 1 is damaged");
}

#[test]
fn state_of_a_newer_version_is_shown_as_such_and_never_acted_upon() {
    let Some((world, state)) = applied() else { return };
    edit(&state.join("applied"), "\"version\": 1", "\"version\": 2");
    refuses_all(&world, "applied: it is of version 2, this trimtab knows up to 1");
    edit(&state.join("applied"), "\"version\": 2", "\"version\": 1");
    world.trimtab(&["verify"]).exits(0);
    std::fs::write(state.join("unconfirmed"), "{ \"version\": 9, \"what\": \"ever\" }\n").unwrap();
    refuses_all(&world, "unconfirmed: it is of version 9");
    std::fs::remove_file(state.join("unconfirmed")).unwrap();
    // The journal's first line says its version, under its own check.
    let body = r#"{"seq":0,"record":{"type":"opened","version":2,"shape":"unknown"}}"#;
    let sum = world.sh(&format!("printf %s '{body}' | sha256sum | cut -c1-8"));
    std::fs::write(state.join("journal"), format!("{sum} {body}\n")).unwrap();
    refuses_all(&world, "the journal is of version 2, this trimtab knows up to 1");
}

#[test]
fn damaged_applied_is_refused() {
    let Some((world, state)) = applied() else { return };
    for text in ["", "{", "[]", "null", "{\"version\": \"one\"}", "{\"version\": 1}", "\u{0}"] {
        std::fs::write(state.join("applied"), text).unwrap();
        refuses_all(&world, "applied: it is damaged");
    }
}

#[test]
fn state_that_is_no_folder_or_no_file_is_named() {
    let Some(world) = World::new() else { return };
    world.write("state", "a file\n");
    let told = world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(1);
    assert!(told.err.contains("/state"), "{}", told.err);
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
    world.sh("rm state; echo >run.file; rm -rf run; mv run.file run");
    let told = world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(1);
    assert!(told.err.contains("/run"), "{}", told.err);
    world.sh("rm run");
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    let state = world.state().unwrap();
    for (name, make) in [("journal", "mkdir"), ("applied", "mkdir"), ("journal", "mkfifo"), ("applied", "mkfifo")] {
        let path = state.join(name);
        let kept = trimtab_kernel::file::read(&path, 1 << 24).unwrap();
        world.sh(&format!("rm {0}; {make} {0}", path.display()));
        let told = world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=1"]).exits(1);
        assert!(told.err.contains(name), "{make} {name}: {}", told.err);
        world.sh(&format!("rm -r {}", path.display()));
        std::fs::write(&path, kept).unwrap();
    }
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "0");
    world.trimtab(&["revert"]).exits(0);
}
