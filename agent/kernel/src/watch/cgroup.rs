//! Cgroups: where their tree is, which folder a number stands for, and what a path says of who runs there.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::fs::OFlags;

use crate::file;
use crate::sys;

/// The root of the cgroup2 tree, wherever it is mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside version 1.
///
/// # Errors
/// `NotFound` if it is mounted nowhere.
pub fn root() -> io::Result<OwnedFd> {
    let place = root_path()?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(&place, flags, Mode::empty())?)
}

/// Where the root of the cgroup2 tree is mounted.
///
/// # Errors
/// As [`root`].
pub fn root_path() -> io::Result<PathBuf> {
    let mounts = file::read(Path::new("/proc/thread-self/mountinfo"), 16 << 20)?;
    let mounts = String::from_utf8_lossy(&mounts);
    let place = mounts.lines().find_map(cgroup2_root);
    place.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no cgroup2 file system is mounted"))
}

/// The mount point of a line of mountinfo (proc_pid_mountinfo(5)), if it is the whole tree.
fn cgroup2_root(line: &str) -> Option<PathBuf> {
    let (mount, kind) = line.split_once(" - ")?;
    if kind.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    let (within, point) = (fields.next()?, fields.next()?);
    // Of a bind mount only a part is seen.
    (within == "/").then(|| PathBuf::from(unescaped(point)))
}

/// Blanks and the like are written as three octal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let octal = behind.first_chunk::<3>().filter(|_| *first == b'\\');
        match octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The path of a cgroup below the root, by its number; it begins with a slash.
///
/// # Errors
/// `ESTALE` if it is gone; `EPERM` without `CAP_DAC_READ_SEARCH`.
pub fn path_of(root: impl AsFd, id: u64) -> io::Result<String> {
    let folder = File::from(sys::open_by_number(root.as_fd(), id)?);
    let shown = |of: &dyn std::os::fd::AsRawFd| std::fs::read_link(format!("/proc/self/fd/{}", of.as_raw_fd()));
    let (whole, root) = (shown(&folder)?, shown(&root.as_fd())?);
    let below = whole.strip_prefix(&root).map_err(io::Error::other)?;
    Ok(format!("/{}", below.to_string_lossy()))
}

/// What the path of a cgroup says of who runs there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Home {
    /// The unit of systemd: `kubelet.service`, `session-3.scope`, or a user's own.
    pub unit: Option<String>,
    /// The container's id or, of systemd-nspawn and LXC, its name.
    pub container: Option<String>,
    /// The pod of Kubernetes.
    pub pod: Option<String>,
}

/// What the prefix of a scope, or of a folder, says of who made it.
const CONTAINERS: [&str; 9] = [
    "docker-",
    "cri-containerd-",
    "crio-",
    "libpod-",
    "containerd-",
    "podman-",
    "lxc.payload.",
    "machine-",
    "nerdctl-",
];

impl Home {
    /// Reads a path: `/kubepods.slice/kubepods-pod1a_2b.slice/cri-containerd-0123….scope`.
    pub fn of(path: &str) -> Home {
        let mut home = Home::default();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let suffixes = [".service", ".scope", ".socket", ".mount", ".swap"];
            if suffixes.iter().any(|suffix| part.ends_with(suffix) && part.len() > suffix.len()) {
                // Below a user's manager its own units count: user@1000.service/app.slice/foo.service.
                let is_deeper = home.unit.as_ref().is_none_or(|unit| unit.starts_with("user@"));
                if is_deeper {
                    home.unit = Some(unescaped_unit(part));
                }
            }
            home.pod = pod(part).or(home.pod);
            home.container = container(part, home.pod.is_some(), path).or(home.container);
        }
        home
    }
}

/// `kubepods-burstable-pod1a_2b.slice` of systemd, or `pod1a-2b` of cgroupfs.
fn pod(part: &str) -> Option<String> {
    let name = part.strip_suffix(".slice").unwrap_or(part);
    let id = name.strip_prefix("pod").or_else(|| name.rsplit_once("-pod").map(|(_, id)| id))?;
    let id = id.replace('_', "-");
    (id.len() >= 32 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-')).then_some(id)
}

fn container(part: &str, in_pod: bool, path: &str) -> Option<String> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    if let Some(id) = CONTAINERS.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        // Podman's own monitor runs beside the container, not in it.
        let id = id.strip_prefix("conmon-").map_or(Some(id), |_| None)?;
        return (!id.is_empty()).then(|| unescaped_unit(id));
    }
    // Docker and Kubernetes without systemd: /docker/ID, /kubepods/pod…/ID.
    let is_id = part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && (in_pod || path.starts_with("/docker/") || path.starts_with("/containerd/"))).then(|| part.to_owned())
}

/// systemd writes what a name may not hold as `\x2d`.
fn unescaped_unit(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find("\\x") {
        let (before, escaped) = rest.split_at(at);
        out.push_str(before);
        match escaped.get(2..4).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii_graphic) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = escaped.get(4..).unwrap_or_default();
            }
            None => {
                out.push_str("\\x");
                rest = escaped.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const POD: &str = "1a2b3c4d-0000-1111-2222-333344445555";

    fn home(path: &str) -> (Option<String>, Option<String>, Option<String>) {
        let Home { unit, container, pod } = Home::of(path);
        (unit, container, pod)
    }

    #[test]
    fn units_of_systemd_are_named() {
        let unit = |path: &str| Home::of(path).unit;
        assert_eq!(unit("/system.slice/ssh.service").as_deref(), Some("ssh.service"));
        assert_eq!(unit("/system.slice/system-getty.slice/getty@tty1.service").as_deref(), Some("getty@tty1.service"));
        assert_eq!(unit("/user.slice/user-1000.slice/session-3.scope").as_deref(), Some("session-3.scope"));
        let own = "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service/worker";
        assert_eq!(unit(own).as_deref(), Some("foo.service"));
        assert_eq!(unit("/user.slice/user-1000.slice/user@1000.service/init.scope").as_deref(), Some("init.scope"));
        // A service that runs cgroups of its own below.
        assert_eq!(unit("/system.slice/foo.service/inner.service").as_deref(), Some("foo.service"));
        assert_eq!(unit("/system.slice/a\\x2db.service").as_deref(), Some("a-b.service"));
        for none in ["/", "", "/system.slice", "/.service", "/docker"] {
            assert_eq!(unit(none), None, "{none}");
        }
    }

    #[test]
    fn containers_of_every_make_are_named() {
        let id = Some(ID.to_owned());
        let pod = Some(POD.to_owned());
        let slice = format!("kubepods-burstable-pod{}.slice", POD.replace('-', "_"));
        for (path, container, wanted_pod) in [
            (format!("/system.slice/docker-{ID}.scope"), &id, &None),
            (format!("/docker/{ID}"), &id, &None),
            (format!("/machine.slice/libpod-{ID}.scope/container"), &id, &None),
            (format!("/machine.slice/libpod-conmon-{ID}.scope"), &None, &None),
            (format!("/kubepods.slice/kubepods-burstable.slice/{slice}/cri-containerd-{ID}.scope"), &id, &pod),
            (format!("/kubepods/burstable/pod{POD}/{ID}"), &id, &pod),
            (format!("/kubepods.slice/{slice}/crio-{ID}.scope"), &id, &pod),
            ("/lxc.payload.web/system.slice/cron.service".to_owned(), &Some("web".to_owned()), &None),
            ("/machine.slice/machine-db\\x2d1.scope/payload".to_owned(), &Some("db-1".to_owned()), &None),
            (format!("/somewhere/{ID}"), &None, &None),
            ("/system.slice/docker-.scope".to_owned(), &None, &None),
        ] {
            let (_, found, found_pod) = home(&path);
            assert_eq!((&found, &found_pod), (container, wanted_pod), "{path}");
        }
    }

    #[test]
    fn only_a_whole_tree_is_the_root() {
        let root = "31 24 0:27 / /sys/fs/cgroup\\040x rw,nosuid shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(cgroup2_root(root), Some(PathBuf::from("/sys/fs/cgroup x")));
        for other in [
            "31 24 0:27 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
            "31 24 0:27 /",
            "",
            " - cgroup2",
        ] {
            assert_eq!(cgroup2_root(other), None, "{other}");
        }
    }

    #[test]
    fn any_path_is_survived() {
        use proptest::prelude::*;
        proptest!(|(path in "[/a-z0-9\\\\x.@_é-]{0,80}")| {
            let _ = (Home::of(&path), cgroup2_root(&path), unescaped(&path));
        });
    }
}
