//! Who it was: what else can be learnt of the process behind a write, whether it is still there or not.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use super::bpf::SysctlWrite;
use super::cgroup;
use super::cgroup::Home;
use crate::file;

/// Who wrote, as far as anybody can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    /// The process, as the initial pid namespace numbers it.
    pub process: Option<u32>,
    /// The name of the thread.
    pub comm: Option<String>,
    /// The program; not known of a process that has gone.
    pub exe: Option<PathBuf>,
    /// The user.
    pub uid: Option<u32>,
    /// The user's name, in `/etc/passwd` of this host.
    pub user: Option<String>,
    /// Who logged in, whatever user it has become since.
    pub login_uid: Option<u32>,
    /// Their name.
    pub login_user: Option<String>,
    /// The path of the cgroup below the root.
    pub cgroup: Option<String>,
    /// The unit of systemd.
    pub unit: Option<String>,
    /// The container.
    pub container: Option<String>,
    /// The pod of Kubernetes.
    pub pod: Option<String>,
    /// Whether the process had gone when this was learnt.
    pub gone: bool,
}

/// Learns who wrote. It keeps the paths of cgroups that it has seen: of one that is gone nobody else can tell.
#[derive(Debug)]
pub struct Writers {
    root: Option<OwnedFd>,
    paths: BTreeMap<u64, String>,
}

/// More cgroups than a host has at a time.
const MOST_PATHS: usize = 4096;

impl Writers {
    /// With the root of the cgroup2 tree, if there is one.
    pub fn new() -> Writers {
        let root =
            cgroup::root().inspect_err(|error| tracing::debug!(%error, "writers are not told by their cgroups")).ok();
        Writers { root, paths: BTreeMap::new() }
    }

    /// Learns all there is to know; at once after the write is best, because most programs that write sysctls end soon.
    pub fn of(&mut self, write: &SysctlWrite) -> Writer {
        let process = write.process.and_then(|process| Process::of(process, write.at));
        let path = write.cgroup.and_then(|id| self.path(id)).or_else(|| process.as_ref()?.cgroup());
        let Home { unit, container, pod } = path.as_deref().map(Home::of).unwrap_or_default();
        let login_uid = write.login_uid.or_else(|| process.as_ref()?.login_uid());
        let names = if write.uid.or(login_uid).is_some() { names() } else { BTreeMap::new() };
        let name_of = |uid: Option<u32>| names.get(&uid?).cloned();
        Writer {
            process: write.process,
            comm: write.comm.clone().or_else(|| process.as_ref()?.comm()),
            exe: process.as_ref().and_then(Process::exe),
            uid: write.uid,
            user: name_of(write.uid),
            login_uid,
            login_user: name_of(login_uid),
            cgroup: path,
            unit,
            container,
            pod,
            gone: process.is_none_or(|process| !process.is_there()),
        }
    }

    fn path(&mut self, id: u64) -> Option<String> {
        // Asked each time: a number may come again, and a cgroup may move.
        match cgroup::path_of(self.root.as_ref()?, id) {
            Ok(path) => {
                if self.paths.len() >= MOST_PATHS && !self.paths.contains_key(&id) {
                    self.paths.pop_first();
                }
                self.paths.insert(id, path.clone());
                Some(path)
            }
            Err(error) => {
                tracing::trace!(%error, id, "a cgroup without a path");
                self.paths.get(&id).cloned()
            }
        }
    }
}

impl Default for Writers {
    fn default() -> Writers {
        Writers::new()
    }
}

/// The folder in /proc of a process that wrote, and of no other that has its number since.
struct Process {
    folder: PathBuf,
    started: u64,
}

impl Process {
    /// The process, if it is there and older than the write.
    fn of(process: u32, wrote_at: Option<Duration>) -> Option<Process> {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let started = started(&folder).ok()?;
        // Whole ticks of the clock, rounded down; a process cannot be younger than what it did.
        let ticks = |at: Duration| at.as_millis() / 10;
        let is_it = wrote_at.is_none_or(|at| u128::from(started) <= ticks(at));
        is_it.then_some(Process { folder, started })
    }

    fn exe(&self) -> Option<PathBuf> {
        let exe = std::fs::read_link(self.folder.join("exe")).ok()?;
        self.is_there().then_some(exe)
    }

    fn comm(&self) -> Option<String> {
        file::read_line(&self.folder.join("comm")).ok().filter(|_| self.is_there())
    }

    /// The cgroup of version 2 is the line that begins with `0::` (cgroups(7)).
    fn cgroup(&self) -> Option<String> {
        let lines = file::read(&self.folder.join("cgroup"), 1 << 20).ok().filter(|_| self.is_there())?;
        String::from_utf8_lossy(&lines).lines().find_map(|line| line.strip_prefix("0::").map(str::to_owned))
    }

    /// All ones: nobody has logged in.
    fn login_uid(&self) -> Option<u32> {
        let line = file::read_line(&self.folder.join("loginuid")).ok().filter(|_| self.is_there())?;
        line.trim().parse().ok().filter(|uid| *uid != u32::MAX)
    }

    /// Whether it is still the same: what was read before this was its own then.
    fn is_there(&self) -> bool {
        started(&self.folder).is_ok_and(|started| started == self.started)
    }
}

/// When a process began, in hundredths of a second since boot: the 22nd field of proc_pid_stat(5). The second one, in
/// parentheses, may hold anything.
fn started(folder: &Path) -> io::Result<u64> {
    let stat = file::read(&folder.join("stat"), 1 << 16)?;
    let stat = String::from_utf8_lossy(&stat);
    start_time(&stat).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no line of /proc/PID/stat"))
}

fn start_time(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(19)?.parse().ok()
}

/// The names of users, by number. No service is asked: that could take as long as it likes.
fn names() -> BTreeMap<u32, String> {
    file::read(Path::new("/etc/passwd"), 4 << 20)
        .map_or_else(|_| BTreeMap::new(), |bytes| users(&String::from_utf8_lossy(&bytes)))
}

fn users(passwd: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next(), fields.nth(1).and_then(|uid| uid.parse().ok()));
        if let (Some(name), Some(uid)) = (name, uid) {
            // The first one counts, as for getpwuid(3).
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_process_began_is_found_whatever_it_is_called() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        assert_eq!(start_time(&format!("5 (a) b (c)) {rest}")), Some(4711));
        for wrong in ["", "5 (a", "5 (a) S 1", "5 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"] {
            assert_eq!(start_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_name_of_a_number_counts() {
        let names = users("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbroken\n:x:\nweb:x:33:33::/:/bin/false\n");
        assert_eq!(names, BTreeMap::from([(0, "root".to_owned()), (33, "web".to_owned())]));
    }

    #[test]
    fn a_number_that_another_process_has_now_tells_nothing() {
        let own = std::process::id();
        assert!(Process::of(own, Some(Duration::from_secs(1 << 40))).is_some_and(|process| process.is_there()));
        // Before this process was there.
        assert!(Process::of(own, Some(Duration::from_millis(10))).is_none());
        assert!(Process::of(own, None).is_some_and(|process| process.exe().is_some()));
    }
}
