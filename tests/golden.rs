//! Golden cases: a folder each, shaped like its world, with what the command says of it.
//!
//! `cmd` holds the arguments; `snapshot.json` the host that is planned for, `host.toml` and `profiles/` what is wanted of
//! it. `expected.txt` (with `--json`: `expected.json`) is standard output, `expected.err` standard error, `exit` the exit
//! code; a missing file stands for nothing said. Nothing is read of this machine and no root is needed. `UPDATE_GOLDEN=1`
//! writes what is said now: read the difference before you keep it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Outputs that people are to read stay this short.
const MOST_LINES: usize = 40;

#[test]
fn every_case_says_what_is_expected() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let mut faults = Vec::new();
    let mut cases: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 20, "only {} cases in {}", cases.len(), folder().display());
    for case in &cases {
        let said = run(case);
        if update {
            said.write(case);
        }
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expected = Said::read(case);
        if said != expected {
            faults.push(format!("=== {name}\n--- expected\n{}--- said\n{}", expected.shown(), said.shown()));
        }
        for text in [&said.out, &said.err] {
            let lines = text.lines().count();
            if lines >= MOST_LINES {
                faults.push(format!("=== {name}: {lines} lines, more than anybody reads"));
            }
        }
    }
    assert!(faults.is_empty(), "{}\n`UPDATE_GOLDEN=1` accepts what is said now", faults.join("\n"));
}

#[derive(Debug, PartialEq, Eq)]
struct Said {
    json: bool,
    out: String,
    err: String,
    exit: String,
}

impl Said {
    fn out_file(&self) -> &'static str {
        if self.json { "expected.json" } else { "expected.txt" }
    }

    fn read(case: &Path) -> Said {
        let json = arguments(case).iter().any(|argument| argument == "--json");
        let mut said = Said { json, out: String::new(), err: String::new(), exit: String::new() };
        said.out = text(&case.join(said.out_file()));
        said.err = text(&case.join("expected.err"));
        said.exit = text(&case.join("exit"));
        said
    }

    fn write(&self, case: &Path) {
        for (name, text) in [(self.out_file(), &self.out), ("expected.err", &self.err), ("exit", &self.exit)] {
            let path = case.join(name);
            if !text.is_empty() {
                fs::write(path, text).unwrap();
            } else if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn shown(&self) -> String {
        let Said { json: _, out, err, exit } = self;
        format!("{out}(stderr)\n{err}(exit) {exit}")
    }
}

fn run(case: &Path) -> Said {
    // A copy: profiles must not be writable by others, and who owns a checkout is not ours to say.
    let world = tempfile::tempdir().unwrap();
    copy(case, world.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.current_dir(world.path()).env_clear();
    command.args(arguments(case)).args(["--profile-path", "profiles", "--state-dir", "state", "--runtime-dir", "run"]);
    fs::OpenOptions::new().append(true).create(true).open(world.path().join("host.toml")).unwrap();
    command.args(["--config", "host.toml", "--against", "snapshot.json"]);
    let output = command.output().unwrap();
    let said = Said {
        json: arguments(case).iter().any(|argument| argument == "--json"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        exit: format!("{}\n", output.status.code().unwrap()),
    };
    assert!(!said.err.contains("panicked"), "{}\n{}", case.display(), said.err);
    said
}

fn arguments(case: &Path) -> Vec<String> {
    let line = text(&case.join("cmd"));
    assert!(!line.is_empty(), "{} has no cmd", case.display());
    line.split_whitespace().map(str::to_owned).collect()
}

fn text(path: &Path) -> String {
    match trimtab_kernel::file::read(path, 1 << 20) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry, &target);
        } else {
            fs::write(target, text(&entry)).unwrap();
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}
