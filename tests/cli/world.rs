//! A world of its own for each test: a network namespace, folders for profiles, state and locks, and the binary in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::thread::JoinHandle;

use rustix::thread::LinkNameSpaceType;
use rustix::thread::UnshareFlags;
use serde_json::Value as Json;
use trimtab_kernel::file;

/// The binary under test.
pub const TRIMTAB: &str = env!("CARGO_BIN_EXE_trimtab");

/// A network namespace that lives as long as this does, and a folder for everything on disk.
pub struct World {
    folder: tempfile::TempDir,
    netns: File,
}

impl World {
    /// A fresh world with the loopback device up. Without root there is none: the test is then counted as skipped, and
    /// fails where nothing may be skipped.
    pub fn new() -> Option<World> {
        if !rustix::process::geteuid().is_root() {
            skip("needs root for a network namespace of its own");
            return None;
        }
        let world = World { folder: tempfile::tempdir().unwrap(), netns: new_netns() };
        std::fs::create_dir(world.path("profiles")).unwrap();
        world.write("host.toml", "");
        world.sh("ip link set lo up");
        Some(world)
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the folder and gives its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a profile, to be used by its name.
    pub fn profile(&self, name: &str, text: &str) {
        self.write(&format!("profiles/{name}.toml"), text);
    }

    /// A program inside the namespace, with nothing of the tests' surroundings.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let netns = self.netns.try_clone().unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        // SAFETY: between fork and exec it makes one system call and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                rustix::thread::move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(())
            });
        }
        command
    }

    /// The options that lead to this world's folders.
    pub fn options(&self) -> Vec<String> {
        ["--config", "host.toml", "--profile-path", "profiles", "--state-dir", "state", "--runtime-dir", "run"]
            .chunks(2)
            .flat_map(|pair| [pair[0].to_owned(), self.path(pair[1]).to_str().unwrap().to_owned()])
            .collect()
    }

    /// The binary with these arguments, not yet started.
    pub fn trimtab_command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.command(TRIMTAB);
        command.args(self.options()).args(arguments);
        command
    }

    /// Runs the binary.
    pub fn trimtab<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Told {
        Told::of(self.trimtab_command(arguments))
    }

    /// Runs a script in the namespace; it must succeed. Gives what it prints, trimmed.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        let mut command = self.command("sh");
        let output = command.args(["-ec", script]).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        // An interface may have any name, and so may its keys.
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs something on a thread inside the namespace.
    pub fn thread<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let netns = self.netns.try_clone().unwrap();
        std::thread::spawn(move || {
            let into = Some(LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(netns.as_fd(), into).unwrap();
            body()
        })
    }

    /// What sysctl(8) reads, white space folded.
    #[track_caller]
    pub fn sysctl(&self, key: &str) -> String {
        let text = self.sh(&format!("sysctl -n '{key}'"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What sysctl(8) says of everything in the namespace: the whole truth, to compare before and after. Left out is what
    /// the kernel changes by itself.
    pub fn all_sysctls(&self) -> String {
        let all = self.sh("sysctl -a -r '^net[.]' 2>/dev/null");
        let of_itself = ["nf_conntrack_count", "random", "stable_secret"];
        all.lines()
            .filter(|line| !of_itself.iter().any(|word| line.contains(word)))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// What sysctl(8) says otherwise than then, a line for each key.
    pub fn differences(&self, then: &str) -> Vec<String> {
        let now = self.all_sysctls();
        let gone = then.lines().filter(|line| !now.lines().any(|other| other == *line)).map(|line| format!("- {line}"));
        let come = now.lines().filter(|line| !then.lines().any(|other| other == *line)).map(|line| format!("+ {line}"));
        gone.chain(come).collect()
    }

    /// The folder with the state of this namespace; there is none before the first apply.
    pub fn state(&self) -> Option<PathBuf> {
        let mut folders = std::fs::read_dir(self.path("state")).ok()?.map(|entry| entry.unwrap().path());
        let first = folders.next();
        assert_eq!(folders.next(), None, "one namespace has one folder");
        first
    }

    /// The bytes of the journal.
    #[track_caller]
    pub fn journal(&self) -> Vec<u8> {
        file::read(&self.state().unwrap().join("journal"), 1 << 24).unwrap()
    }
}

/// What a run of the binary told.
#[derive(Debug)]
pub struct Told {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    command: String,
}

impl Told {
    /// Runs it to its end. It must end by itself, and not by a panic.
    #[track_caller]
    pub fn of(mut command: Command) -> Told {
        let output = command.output().unwrap();
        Told::from(&format!("{command:?}"), &output)
    }

    /// What a run told that was waited for elsewhere.
    #[track_caller]
    pub fn from(command: &str, output: &Output) -> Told {
        let out = String::from_utf8(output.stdout.clone()).unwrap();
        let err = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(!err.contains("panicked"), "{command}\n{err}");
        let code = output.status.code().unwrap_or_else(|| panic!("{command}: {}\n{err}", output.status));
        Told { code, out, err, command: command.to_owned() }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Told {
        assert_eq!(self.code, code, "{}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.out, self.err);
        self
    }

    /// Standard output must hold each of these.
    #[track_caller]
    pub fn says<S: AsRef<str>>(self, parts: &[S]) -> Told {
        for part in parts.iter().map(AsRef::as_ref) {
            assert!(
                self.out.contains(part),
                "{}: no `{part}` in\n{}\n--- stderr\n{}",
                self.command,
                self.out,
                self.err
            );
        }
        self
    }

    /// Standard error must hold each of these.
    #[track_caller]
    pub fn complains<S: AsRef<str>>(self, parts: &[S]) -> Told {
        for part in parts.iter().map(AsRef::as_ref) {
            assert!(self.err.contains(part), "{}: no `{part}` in stderr\n{}", self.command, self.err);
        }
        self
    }

    /// Standard output as one JSON document, which obeys its schema.
    #[track_caller]
    pub fn json(&self) -> Json {
        let document: Json = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}\n{}", self.command, self.out, self.err));
        obeys_its_schema(&document);
        document
    }
}

/// Says that the running test did not run. Where nothing may be skipped it fails.
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
pub fn skip(why: &str) {
    let current = std::thread::current();
    let test = current.name().unwrap_or("a test");
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!strict, "{test} would be skipped: {why}");
    eprintln!("skipped: {test}: {why}");
}

fn new_netns() -> File {
    let worker = std::thread::spawn(|| -> io::Result<File> {
        // SAFETY: only FILES could hurt other threads, and it is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
        File::open("/proc/thread-self/ns/net")
    });
    worker.join().unwrap().unwrap()
}

/// The folder of schemas.
pub fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema")
}

/// A document `trimtab.plan` must obey `plan.schema.json`, if there is one.
#[track_caller]
pub fn obeys_its_schema(document: &Json) {
    let name = document["document"].as_str().unwrap().strip_prefix("trimtab.").unwrap();
    assert!(document["version"].is_u64(), "{name} has no version");
    let Ok(schema) = file::read(&schemas().join(format!("{name}.schema.json")), 1 << 24) else { return };
    let schema: Json = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{document:#}");
}
