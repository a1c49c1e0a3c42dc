//! Writing a document to where a user named, which may be more than a file.
//!
//! A regular file is replaced, so that it is there whole or not at all, and keeps who may do what with it. Symlinks are
//! followed. Whatever is no regular file (`/dev/null`, a pipe, `/dev/stdout`) is opened and written to: to rename a
//! file over it would put an end to the device.

use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;

use crate::file;
use crate::file::Access;
use crate::file::FileError;
use crate::file::Sync;

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Writes `bytes` to the file, device or pipe at a path. A file that was not there gets mode 0644; one that was keeps its
/// mode, and its owner too if this is root, but not what somebody else put into a folder like /tmp.
///
/// # Errors
/// Names the step that failed. A regular file is then as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // Before anything else, since here the kernel has its say on whose links may be followed (fs.protected_symlinks).
    let found = match path.metadata() {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(FileError::new("cannot look at", path, error)),
    };
    let end = end_of_links(path)?;
    match (&found, &end) {
        (Some(found), _) if !found.is_file() => write_into(path, bytes),
        // What is open here already, by whatever name: what was written to it before stays.
        (Some(_), End::OpenElsewhere) => write_into(path, bytes),
        (_, End::Path(end)) => replace(path, end, bytes, found.as_ref()),
        (None, End::OpenElsewhere) => {
            Err(FileError::new("cannot write", path, io::Error::from(io::ErrorKind::NotFound)))
        }
    }
}

/// Where a path leads.
enum End {
    /// To this one, which is no symlink.
    Path(PathBuf),
    /// To a link of /proc, such as that of /dev/stdout, which is no path but an open file.
    OpenElsewhere,
}

fn end_of_links(path: &Path) -> Result<End, FileError> {
    let mut at = path.to_owned();
    for _ in 0..=MOST_LINKS {
        let target = match std::fs::read_link(&at) {
            Ok(target) => target,
            // No link, or not there.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(End::Path(at));
            }
            Err(error) => return Err(FileError::new("cannot read the link", &at, error)),
        };
        if is_in_proc(folder_of(&at)) {
            return Ok(End::OpenElsewhere);
        }
        at = folder_of(&at).join(target);
    }
    Err(FileError::new("cannot follow the links of", path, io::Error::from_raw_os_error(libc::ELOOP)))
}

fn is_in_proc(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|found| found.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

fn write_into(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| FileError::new("cannot open", path, error))?;
    File::from(fd).write_all(bytes).map_err(|error| FileError::new("cannot write", path, error))
}

fn replace(path: &Path, end: &Path, bytes: &[u8], found: Option<&Metadata>) -> Result<(), FileError> {
    let Some(name) = end.file_name() else {
        return Err(FileError::new("cannot write", path, io::Error::from(io::ErrorKind::IsADirectory)));
    };
    let found = found.filter(|found| !may_be_planted(folder_of(end), found));
    let access = found.map_or(Access::EVERYBODY_READS, |found| Access {
        // Nobody wants set-id bits on a document.
        mode: Mode::from_raw_mode(found.permissions().mode() & 0o777),
        owner: rustix::process::geteuid().is_root().then(|| (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()))),
    });
    file::replace_as(folder_of(end), name, bytes, &access, Sync::Yes)
}

/// Whether somebody else may have put a file there for us to write: theirs, in a folder such as /tmp. It would stay theirs
/// to change. The kernel guards against the like by fs.protected_regular.
fn may_be_planted(folder: &Path, found: &Metadata) -> bool {
    const STICKY_FOR_ALL: u32 = 0o1002;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    !is_ours && folder.metadata().is_ok_and(|folder| folder.mode() & STICKY_FOR_ALL == STICKY_FOR_ALL)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    fn text(path: &Path) -> String {
        String::from_utf8(file::read(path, 1 << 16).unwrap()).unwrap()
    }

    #[test]
    fn a_file_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan");
        write(&path, b"one").unwrap();
        assert_eq!((text(&path).as_str(), mode(&path)), ("one", 0o644));
        for kept in [0o600, 0o640, 0o664] {
            fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
            write(&path, b"two").unwrap();
            assert_eq!((text(&path).as_str(), mode(&path)), ("two", kept));
        }
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_else_put_into_a_folder_for_all_does_not_stay_theirs() {
        if !rustix::process::geteuid().is_root() {
            return crate::testing::skip("what_somebody_else_put", "only root can give a file away");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan");
        for (folder_mode, kept) in [(0o755, true), (0o1777, false)] {
            fs::set_permissions(dir.path(), Permissions::from_mode(folder_mode)).unwrap();
            fs::write(&path, "theirs").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
            write(&path, b"ours").unwrap();
            let found = path.metadata().unwrap();
            let expected = if kept { (0o666, 65534, 65534) } else { (0o644, 0, rustix::process::getegid().as_raw()) };
            assert_eq!((mode(&path), found.uid(), found.gid()), expected, "{folder_mode:o}");
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn symlinks_are_followed_also_to_what_is_not_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        symlink("below/second", dir.path().join("first")).unwrap();
        symlink("end", dir.path().join("below/second")).unwrap();
        for bytes in ["made", "replaced"] {
            write(&dir.path().join("first"), bytes.as_bytes()).unwrap();
            assert_eq!(text(&dir.path().join("below/end")), bytes);
        }
        assert!(dir.path().join("first").is_symlink() && dir.path().join("below/second").is_symlink());
    }

    #[test]
    fn links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert_eq!(write(&dir.path().join("a"), b"x").unwrap_err().cause.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn an_open_file_is_appended_to_and_a_folder_is_refused() {
        use std::os::fd::AsRawFd;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut open = File::create(&path).unwrap();
        open.write_all(b"before ").unwrap();
        write(Path::new(&format!("/proc/self/fd/{}", open.as_raw_fd())), b"after").unwrap();
        assert_eq!(text(&path), "before after");
        assert_eq!(write(dir.path(), b"x").unwrap_err().cause.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(write(Path::new(".."), b"x").unwrap_err().cause.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(write(&dir.path().join("no/such"), b"x").unwrap_err().cause.kind(), io::ErrorKind::NotFound);
        assert!(write(Path::new(""), b"x").is_err());
    }
}
