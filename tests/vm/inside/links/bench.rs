//! A machine whose interfaces are looked at too, by other programs than ours: ethtool(8), ip(8), sysfs.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;

use crate::machine::Machine;
use crate::machine::sh;
use crate::machine::wait_until;

/// Settings of every interface, by its name.
type Shown = BTreeMap<String, Vec<String>>;

/// The machine, with what its interfaces are set to.
pub struct Bench {
    machine: Machine,
    before: Shown,
}

impl Deref for Bench {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Bench {
    /// The machine as it is now: that is what it must be again in the end.
    #[track_caller]
    pub fn new() -> Bench {
        let machine = Machine::new();
        Bench { machine, before: shown() }
    }

    /// The same with a profile `set` to apply.
    #[track_caller]
    pub fn with(profile: &str) -> Bench {
        let bench = Bench::new();
        bench.machine.profile("set", profile);
        bench
    }

    /// Applies `set`: all of it holds, verify says so, and a second apply has nothing to do.
    #[track_caller]
    pub fn applies(&self) {
        self.trimtab(&["apply", "set"]).exits(0);
        self.holds();
    }

    /// What is in force is so, by our own account, and nothing is left to write.
    #[track_caller]
    pub fn holds(&self) {
        self.trimtab(&["verify"]).exits(0);
        let (now, journal) = (shown(), self.journal());
        self.trimtab(&["apply", "set"]).exits(0).says(&["nothing written"]);
        assert_eq!(changes(&now, &shown()), [""; 0], "the second apply");
        assert_eq!(self.journal(), journal, "the second apply");
    }

    /// What `set` wants is so already: an apply finds nothing to write.
    #[track_caller]
    pub fn is_content(&self) {
        self.trimtab(&["apply", "set"]).exits(0).says(&["nothing written"]);
        self.is_as_before();
    }

    /// Takes everything back, and it is gone.
    #[track_caller]
    pub fn reverts(&self) {
        self.trimtab(&["revert"]).exits(0);
        self.is_as_before();
    }

    /// Every setting of every interface, and every sysctl, must be as it was.
    #[track_caller]
    pub fn is_as_before(&self) {
        assert_eq!(self.changes(), [""; 0]);
        self.machine.is_as_before();
    }

    /// Lines that are shown otherwise now, of all interfaces.
    pub fn changes(&self) -> Vec<String> {
        changes(&self.before, &shown())
    }
}

/// What ethtool(8), ip(8) and sysfs show of every interface; whether it is up and carries is left out. Few programs are
/// started for it, as that is what takes long here: ethtool(8) asks for all devices at once.
fn shown() -> Shown {
    let mut all = Shown::new();
    for entry in Path::new("/sys/class/net").read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), files(&path));
        }
    }
    let text = sh("for option in -g -l -a -c -k; do ethtool $option '*' 2>/dev/null || true; done");
    let mut of: Option<&mut Vec<String>> = None;
    let (mut section, mut part) = (String::new(), "");
    for line in text.lines().filter(|line| !line.is_empty() && !line.contains("negotiated:")) {
        // `Ring parameters for eth0:`
        let header = line.strip_suffix(':').and_then(|line| line.rsplit_once(" for "));
        if let Some((what, name)) = header {
            (section, part) = (what.to_owned(), "");
            of = all.get_mut(name);
        } else if let Some(what) = line.strip_suffix(':') {
            part = what;
        } else if let Some(lines) = &mut of {
            lines.push(format!("{section} {part} {}", line.trim()));
        }
    }
    for line in sh("ip -d -o link show").lines() {
        let name = line.split(": ").nth(1).and_then(|name| name.split('@').next()).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let limits = words.windows(2).filter(|pair| LIMITS.contains(&pair[0]));
        if let Some(lines) = all.get_mut(name) {
            lines.extend(limits.map(|pair| pair.join(" ")));
        }
    }
    let seen = |of: &str| all.values().filter(|lines| lines.iter().any(|line| line.starts_with(of))).count();
    assert_eq!((seen("Features "), seen("gso_max_size ")), (all.len(), all.len()), "{text}");
    all
}

/// Of `ip -d link`.
const LIMITS: [&str; 5] = ["gso_max_size", "gso_max_segs", "gro_max_size", "gso_ipv4_max_size", "gro_ipv4_max_size"];

/// What sysfs shows of an interface and its queues.
fn files(interface: &Path) -> Vec<String> {
    let mut files = ["mtu", "tx_queue_len"].map(|file| interface.join(file)).to_vec();
    for queue in interface.join("queues").read_dir().unwrap() {
        let queue = queue.unwrap().path();
        files.extend(["rps_cpus", "rps_flow_cnt", "xps_cpus"].map(|file| queue.join(file)));
    }
    files.sort();
    // Some have no steering of their own, and say so.
    let held = files.into_iter().filter_map(|file| {
        let text = std::fs::File::open(&file).and_then(std::io::read_to_string).ok()?;
        Some(format!("{} {}", file.strip_prefix(interface).unwrap().display(), text.trim()))
    });
    held.collect()
}

fn changes(before: &Shown, after: &Shown) -> Vec<String> {
    let lines = |shown: &Shown| -> Vec<String> {
        shown.iter().flat_map(|(name, lines)| lines.iter().map(move |line| format!("{name}: {line}"))).collect()
    };
    let (before, after) = (lines(before), lines(after));
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

/// `name: value` as one option of ethtool(8) shows it, of the part that is in force.
#[track_caller]
pub fn ethtool(option: &str, interface: &str, name: &str) -> String {
    let text = sh(&format!("ethtool {option} {interface}"));
    let now = text.split_once("Current hardware settings").map_or(text.as_str(), |(_, now)| now);
    let mut lines = now.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(found, _)| found.trim() == name).unwrap_or_else(|| panic!("no {name} in\n{text}"));
    found.1.trim().to_owned()
}

/// A file of sysfs below an interface.
#[track_caller]
pub fn sysfs(interface: &str, file: &str) -> String {
    let path = Path::new("/sys/class/net").join(interface).join(file);
    let text = std::fs::File::open(&path).and_then(std::io::read_to_string);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().to_owned()
}

/// Brings a link up, and waits until it carries. Down again when this goes.
pub struct Up(String);

impl Up {
    /// See [`Up`].
    #[track_caller]
    pub fn new(interface: &str) -> Up {
        sh(&format!("ip link set {interface} up"));
        let up = Up(interface.to_owned());
        up.carries();
        up
    }

    /// Waits until it carries (again).
    #[track_caller]
    pub fn carries(&self) {
        wait_until(&format!("{} carries", self.0), &|| sysfs(&self.0, "carrier") == "1");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Another test may have failed, and this one goes on regardless.
        let _ = std::process::Command::new("ip").args(["link", "set", &self.0, "down"]).status();
    }
}
