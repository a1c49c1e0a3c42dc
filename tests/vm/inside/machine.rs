//! The machine that the tests have for themselves, and the binary in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value as Json;
use trimtab_kernel::file;

use crate::world::TRIMTAB;
use crate::world::Told;

/// Longer than anything here takes on an emulated processor under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every value below /proc/sys that anybody may write, as one read(2) gives it.
pub type Values = BTreeMap<PathBuf, Vec<u8>>;

/// The machine, with folders for profiles, state and locks that vanish with this. The network namespace is the
/// initial one, so all keys are there, and the settings are real.
pub struct Machine {
    folder: tempfile::TempDir,
    state: PathBuf,
    before: Values,
}

impl Machine {
    /// The machine as it is now: that is what it must be again in the end.
    #[track_caller]
    pub fn new() -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        Machine::of(folder, state)
    }

    /// The same with a state folder that the next boot finds again.
    #[track_caller]
    pub fn with_state_on_disk() -> Machine {
        Machine::of(tempfile::tempdir().unwrap(), PathBuf::from("/disk/state"))
    }

    #[track_caller]
    fn of(folder: tempfile::TempDir, state: PathBuf) -> Machine {
        in_the_vm();
        std::fs::create_dir(folder.path().join("profiles")).unwrap();
        let machine = Machine { folder, state, before: values() };
        machine.write("host.toml", "");
        machine
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes a profile, to be used by its name.
    pub fn profile(&self, name: &str, text: &str) {
        self.write(&format!("profiles/{name}.toml"), text);
    }

    /// The binary with these arguments, not yet started.
    pub fn trimtab_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TRIMTAB);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        for (option, name) in [("--config", "host.toml"), ("--profile-path", "profiles"), ("--runtime-dir", "run")] {
            command.arg(option).arg(self.path(name));
        }
        command.arg("--state-dir").arg(&self.state).args(arguments);
        command
    }

    /// Runs the binary.
    #[track_caller]
    pub fn trimtab(&self, arguments: &[&str]) -> Told {
        Told::of(self.trimtab_command(arguments))
    }

    /// What `trimtab status` tells.
    #[track_caller]
    pub fn status(&self) -> Json {
        self.trimtab(&["status", "--json"]).exits(0).json()
    }

    /// A run that must end with this code and write neither to the kernel nor to the journal.
    #[track_caller]
    pub fn writes_nothing(&self, arguments: &[&str], code: i32) {
        let (values_before, journal) = (values(), self.journal());
        self.trimtab(arguments).exits(code).says(&["nothing written"]);
        assert_eq!(differences(&values_before, &values()), Vec::<String>::new());
        assert_eq!(self.journal(), journal);
    }

    /// The bytes of the journal; none before the first apply.
    pub fn journal(&self) -> Vec<u8> {
        file::read(&self.state.join("initial/journal"), 1 << 24).unwrap_or_default()
    }

    /// What is not as it was when this was made.
    pub fn differences(&self) -> Vec<String> {
        differences(&self.before, &values())
    }

    /// Everything must be as it was when this was made.
    #[track_caller]
    pub fn is_as_before(&self) {
        assert_eq!(self.differences(), Vec::<String>::new());
    }
}

/// Stops a test that would change a machine that is not the VM.
#[track_caller]
pub fn in_the_vm() {
    let mut words = String::new();
    File::open("/proc/cmdline").unwrap().read_to_string(&mut words).unwrap();
    let here = words.split_whitespace().any(|word| word == "trimtab_vm=1");
    assert!(here, "these tests change global settings and run in the test VM only: tests/vm/run");
}

/// Runs a script that must succeed. Gives what it prints, trimmed.
#[track_caller]
pub fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-ec", script]).stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {}\n{out}\n{err}", output.status);
    out.trim().to_owned()
}

/// The value of a key of sysctl(8), white space folded, by a plain read.
#[track_caller]
pub fn raw(key: &str) -> String {
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    let bytes = one_read(Path::new(&path)).unwrap_or_else(|| panic!("{path} cannot be read"));
    String::from_utf8(bytes).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the kernel has a key now.
pub fn has(key: &str) -> bool {
    Path::new(&format!("/proc/sys/{}", key.replace('.', "/"))).exists()
}

/// Unloads a module, and all that uses it and nothing else uses; it may be absent already.
#[track_caller]
pub fn unload(module: &str) {
    sh(&format!("modprobe -r {module}"));
    assert!(!Path::new(&format!("/sys/module/{module}")).exists(), "{module} is still there");
}

/// Waits until something holds.
#[track_caller]
pub fn wait_until(what: &str, holds: &dyn Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// All values of the machine.
pub fn values() -> Values {
    let mut values = Values::new();
    collect(Path::new("/proc/sys"), &mut values);
    values
}

/// What is not the same, with both values.
pub fn differences(before: &Values, after: &Values) -> Vec<String> {
    let shown = |value: Option<&Vec<u8>>| {
        value.map_or_else(|| "nothing".to_owned(), |value| String::from_utf8_lossy(value).trim().to_owned())
    };
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| format!("{}: {} -> {}", path.display(), shown(before.get(path)), shown(after.get(path))))
        .collect()
}

/// Of two the kernel itself has the say; it is tainted by a warning, such as a packet from a queue that its receiver has no more.
fn collect(folder: &Path, values: &mut Values) {
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect(&path, values);
        } else if entry.metadata().is_ok_and(|found| found.permissions().mode() & 0o200 != 0)
            && !["kernel/ns_last_pid", "kernel/tainted"].iter().any(|told| path.ends_with(told))
            && let Some(value) = one_read(&path)
        {
            values.insert(path, value);
        }
    }
}

/// As the kernel gives it to one read(2); what cannot be read (an action, an unset secret) has no value. The kernel clears as
/// much memory as it is asked for, which takes its time here, so most get no more than a line.
fn one_read(path: &Path) -> Option<Vec<u8>> {
    let read = |size: usize| {
        let mut buffer = vec![0; size];
        let length = File::open(path).and_then(|mut file| file.read(&mut buffer)).ok()?;
        buffer.truncate(length);
        Some(buffer)
    };
    read(LINE).and_then(|bytes| if bytes.len() < LINE { Some(bytes) } else { read(16 << 10) })
}

const LINE: usize = 512;
