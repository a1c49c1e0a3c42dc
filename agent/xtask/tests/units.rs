//! The units of `systemd/` against systemd-analyze(1).
#![expect(clippy::unwrap_used, reason = "all of it is test code: to fail is to panic")]

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use tempfile::TempDir;

/// The units, with a program that exists in place of the one that is not installed here.
fn units() -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "service") {
            continue;
        }
        let text = fs::File::open(&path).and_then(io::read_to_string).unwrap();
        assert!(text.contains("/usr/bin/trimtab "), "{}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::write(folder.path().join(&name), text.replace("/usr/bin/trimtab ", "/bin/true ")).unwrap();
        names.push(name);
    }
    assert!(!names.is_empty());
    (folder, names)
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn analyze(folder: &TempDir, arguments: &[&str]) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).current_dir(folder.path()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: systemd-analyze cannot be run: {error}");
            None
        }
    }
}

#[test]
fn systemd_has_nothing_to_say_against_the_units() {
    let (folder, names) = units();
    for name in names {
        let unit = format!("./{name}");
        let Some(output) = analyze(&folder, &["verify", "--man=no", &unit]) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains(&name), "{said}");
    }
}

/// Writing /proc/sys in the host's namespace as root costs a point or so; more must have a reason.
#[test]
fn the_units_stay_confined() {
    let (folder, names) = units();
    for name in names {
        let unit = format!("./{name}");
        let Some(output) = analyze(&folder, &["security", "--offline=true", "--threshold=30", &unit]) else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
