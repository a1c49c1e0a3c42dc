//! Gathering the sysctl.d files of the host.
//!
//! It runs with every plan: a few directories, bounded sizes, and nothing in them can make a plan fail. What the files
//! mean is decided in [`trimtab_core::sysctld`].

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::fs::Stat;
use trimtab_core::sysctld::BootFile;
use trimtab_core::sysctld::FOLDERS;
use trimtab_core::sysctld::Finding;
use trimtab_core::sysctld::SYSCTL_CONF;

/// Bytes that one file may have: systemd reads lines of up to 1 MiB and gives the file up at a longer one.
const LONGEST_FILE: u64 = 1 << 20;
/// Bytes of all files together.
const LONGEST_ALL: u64 = 16 << 20;
/// Files of one folder.
const MOST_FILES: usize = 1024;

/// What the folders held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Every file, masked ones too, by folder and name.
    pub files: Vec<BootFile>,
    /// What could not be looked at, and what is odd inside the files.
    pub findings: Vec<Finding>,
}

/// Gathers the files below `root`, which is `/` but for tests. The paths in the answer are without it.
///
/// It has no errors: a folder or file that cannot be read becomes a finding, and such a file still masks its name.
pub fn gather(root: &Path) -> Gathered {
    let mut gathered = Gathered::default();
    let mut budget = LONGEST_ALL;
    let mut seen = Vec::new();
    for folder in FOLDERS {
        if let Err(error) = gather_folder(root, folder, &mut seen, &mut budget, &mut gathered)
            && error.kind() != io::ErrorKind::NotFound
        {
            gathered.findings.push(Finding {
                path: (*folder).to_owned(),
                line: 0,
                message: format!("cannot be listed: {error}"),
            });
        }
    }
    match read(root, SYSCTL_CONF, &mut budget) {
        Ok(bytes) => gathered.files.push(BootFile::parse(SYSCTL_CONF, &bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => gathered.files.push(BootFile::unreadable(SYSCTL_CONF, error.to_string())),
    }
    let odd = gathered.files.iter().flat_map(BootFile::findings);
    gathered.findings.extend(odd);
    gathered
}

fn gather_folder(
    root: &Path,
    folder: &str,
    seen: &mut Vec<(u64, u64)>,
    budget: &mut u64,
    gathered: &mut Gathered,
) -> io::Result<()> {
    let directory = open(root, folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let stat = rustix::fs::fstat(&directory)?;
    // Where /lib is a link to /usr/lib, one folder has two names.
    let identity = (stat.st_dev, stat.st_ino);
    if seen.contains(&identity) {
        return Ok(());
    }
    seen.push(identity);
    let mut names = Vec::new();
    for entry in Dir::new(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".conf") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    if names.len() > MOST_FILES {
        gathered.findings.push(Finding {
            path: folder.to_owned(),
            line: 0,
            message: format!("{} files, of which only the first {MOST_FILES} are looked at", names.len()),
        });
        names.truncate(MOST_FILES);
    }
    for name in names {
        let path = format!("{folder}/{name}");
        gathered.files.push(match read(root, &path, budget) {
            Ok(bytes) => BootFile::parse(path, &bytes),
            Err(error) => BootFile::unreadable(path, error.to_string()),
        });
    }
    Ok(())
}

fn read(root: &Path, path: &str, budget: &mut u64) -> io::Result<Vec<u8>> {
    // Not to wait for a pipe that somebody put there.
    let fd = match open(root, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
        Ok(fd) => fd,
        // The usual way to mask a file, also where there is no /dev.
        Err(error) if error.kind() == io::ErrorKind::NotFound && leads_to_dev_null(root, path) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let stat = rustix::fs::fstat(&fd)?;
    if is_dev_null(&stat) {
        return Ok(Vec::new());
    }
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => return Err(io::Error::other("not a regular file")),
    }
    let limit = LONGEST_FILE.min(*budget);
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long; its size is no promise.
    let length = File::from(fd).take(limit + 1).read_to_end(&mut bytes)?;
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if length > LONGEST_FILE {
        return Err(io::Error::other(format!("longer than {LONGEST_FILE} bytes")));
    }
    if length > limit {
        return Err(io::Error::other(format!("the files together are longer than {LONGEST_ALL} bytes")));
    }
    *budget -= length;
    Ok(bytes)
}

fn is_dev_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::major(stat.st_rdev) == 1
        && rustix::fs::minor(stat.st_rdev) == 3
}

fn leads_to_dev_null(root: &Path, path: &str) -> bool {
    open(root, path, OFlags::PATH | OFlags::NOFOLLOW)
        .and_then(|link| Ok(rustix::fs::readlinkat(link, "", Vec::new())?))
        .is_ok_and(|target| target.as_bytes() == b"/dev/null")
}

/// Opens a path below the root. A root other than `/` holds links inside itself.
fn open(root: &Path, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    if root == Path::new("/") {
        return Ok(rustix::fs::open(path, flags, Mode::empty())?);
    }
    let below = rustix::fs::openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(rustix::fs::openat2(&below, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;
    use trimtab_core::sysctld::Body;
    use trimtab_core::sysctld::NextBoot;

    use super::*;

    fn host(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn paths(gathered: &Gathered) -> Vec<&str> {
        gathered.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn an_empty_host_has_no_files_and_no_findings() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(gather(root.path()), Gathered::default());
    }

    #[test]
    fn finds_every_folder_and_sysctl_conf_behind_them() {
        let root = host(&[
            ("/etc/sysctl.conf", "net.ipv4.tcp_sack=0"),
            ("/usr/lib/sysctl.d/50-b.conf", "net.ipv4.tcp_sack=1"),
            ("/etc/sysctl.d/README", "no configuration"),
            ("/etc/sysctl.d/.hidden.conf", "x"),
            ("/run/sysctl.d/60-a.conf", "net.ipv4.tcp_sack=2"),
        ]);
        let gathered = gather(root.path());
        assert_eq!(paths(&gathered), ["/run/sysctl.d/60-a.conf", "/usr/lib/sysctl.d/50-b.conf", "/etc/sysctl.conf"]);
        let found = NextBoot::new(&gathered.files).setting(&"net.ipv4.tcp_sack".parse().unwrap()).unwrap();
        assert_eq!((found.path.as_str(), found.value_text.as_str()), ("/run/sysctl.d/60-a.conf", "2"));
    }

    #[test]
    fn links_are_followed_inside_the_root_and_dev_null_is_empty() {
        let root = host(&[("/etc/sysctl.conf", "net.ipv4.tcp_sack=0"), ("/usr/lib/sysctl.d/a.conf", "net.core.x=1")]);
        let etc = root.path().join("etc/sysctl.d");
        fs::create_dir_all(&etc).unwrap();
        symlink("/etc/sysctl.conf", etc.join("99-sysctl.conf")).unwrap();
        symlink("/etc/nothing", etc.join("dangling.conf")).unwrap();
        symlink("usr/lib", root.path().join("lib")).unwrap();
        let gathered = gather(root.path());
        assert_eq!(
            paths(&gathered),
            [
                "/etc/sysctl.d/99-sysctl.conf",
                "/etc/sysctl.d/dangling.conf",
                "/usr/lib/sysctl.d/a.conf",
                "/etc/sysctl.conf"
            ]
        );
        assert_eq!(gathered.files[0].lines().len(), 1);
        assert!(matches!(gathered.files[1].body, Body::Unreadable(_)));
    }

    #[test]
    fn a_link_to_dev_null_masks_without_a_finding() {
        let root = host(&[("/usr/lib/sysctl.d/a.conf", "net.ipv4.tcp_sack=1")]);
        fs::create_dir_all(root.path().join("etc/sysctl.d")).unwrap();
        symlink("/dev/null", root.path().join("etc/sysctl.d/a.conf")).unwrap();
        let gathered = gather(root.path());
        assert_eq!(gathered.findings, []);
        assert_eq!(NextBoot::new(&gathered.files).setting(&"net.ipv4.tcp_sack".parse().unwrap()), None);
        // The true device, by the true root.
        assert_eq!(read(Path::new("/"), "/dev/null", &mut LONGEST_ALL.clone()).unwrap(), b"");
    }

    #[test]
    fn what_cannot_be_read_is_a_finding_and_still_masks() {
        let root = host(&[("/usr/lib/sysctl.d/a.conf", "net.ipv4.tcp_sack=1\nnonsense")]);
        fs::create_dir_all(root.path().join("etc/sysctl.d/a.conf")).unwrap();
        fs::create_dir_all(root.path().join("run")).unwrap();
        fs::write(root.path().join("run/sysctl.d"), "a file where a folder belongs").unwrap();
        let pipe = root.path().join("etc/sysctl.d/pipe.conf");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let gathered = gather(root.path());
        let found: Vec<(&str, u32)> =
            gathered.findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(
            found,
            [
                ("/run/sysctl.d", 0),
                ("/etc/sysctl.d/a.conf", 0),
                ("/etc/sysctl.d/pipe.conf", 0),
                ("/usr/lib/sysctl.d/a.conf", 2)
            ]
        );
        assert_eq!(NextBoot::new(&gathered.files).setting(&"net.ipv4.tcp_sack".parse().unwrap()), None);
    }

    #[test]
    fn sizes_are_bounded() {
        let root = host(&[("/etc/sysctl.d/big.conf", &"#".repeat((LONGEST_FILE + 1) as usize))]);
        for number in 0..=MOST_FILES {
            fs::write(root.path().join(format!("etc/sysctl.d/f{number}.conf")), "").unwrap();
        }
        let gathered = gather(root.path());
        assert_eq!(gathered.files.len(), MOST_FILES);
        assert_eq!(gathered.findings.len(), 2, "{:?}", gathered.findings);
        let mut budget = 10;
        fs::write(root.path().join("etc/eleven"), "12345678901").unwrap();
        assert!(read(root.path(), "/etc/eleven", &mut budget).is_err());
        fs::write(root.path().join("etc/ten"), "1234567890").unwrap();
        assert!(read(root.path(), "/etc/ten", &mut budget).is_ok());
        assert_eq!(budget, 0);
    }
}
