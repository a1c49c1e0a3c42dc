//! Reading and replacing files without std's probing reads.
//!
//! `std::fs::read` begins with a read of 32 bytes, and the files of `/proc/sys` answer any later read with "end of
//! file": a list of reserved ports comes back cut. Here the first read asks for 4 KiB. Sysctls that may be longer are
//! read by `sysctl`, which never continues a read.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rustix::fs::AtFlags;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use thiserror::Error;

use crate::fault;

/// A step on a file that failed: what was attempted, on which file, and the system's reason.
#[derive(Debug, Error)]
#[error("{attempt} {path}: {cause}", path = path.display())]
pub struct FileError {
    /// What was attempted, e.g. `cannot write`.
    pub attempt: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's reason.
    pub cause: io::Error,
}

impl FileError {
    pub(crate) fn new(attempt: &'static str, path: &Path, cause: impl Into<io::Error>) -> FileError {
        FileError { attempt, path: path.to_owned(), cause: cause.into() }
    }
}

/// Keeps the kind of the cause; the errno stays in [`FileError::cause`].
impl From<FileError> for io::Error {
    fn from(error: FileError) -> io::Error {
        io::Error::new(error.cause.kind(), error)
    }
}

/// The whole file, if it holds no more than `limit` bytes.
///
/// # Errors
/// The system's, untouched; `FileTooLarge` past the limit.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_at(rustix::fs::CWD, path, limit)
}

/// The whole file at a path relative to a folder, if it holds no more than `limit` bytes.
///
/// # Errors
/// The system's, untouched; `FileTooLarge` past the limit.
pub fn read_at<Fd: AsFd>(folder: Fd, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    // Not blocking on a fifo that somebody put there.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    read_open(File::from(rustix::fs::openat(folder, path, flags, Mode::empty())?), limit)
}

/// The rest of an open file, if it holds no more than `limit` bytes.
///
/// # Errors
/// The system's, untouched; `FileTooLarge` past the limit.
pub fn read_open(file: File, limit: usize) -> io::Result<Vec<u8>> {
    const FIRST: usize = 4096;
    // A file on a disk says how long it is; those of /proc say 0, and give a whole answer to whoever asks for enough.
    let length = usize::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or_default();
    let mut bytes = Vec::with_capacity(length.min(limit).saturating_add(1).max(FIRST));
    loop {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes)))?;
        if count == 0 {
            return Ok(bytes);
        }
        if bytes.len() > limit {
            let message = format!("holds more than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(bytes.capacity().saturating_mul(3).min(1 << 20));
        }
    }
}

/// A small text file of one line, such as those of /proc and /sys, without its final newline.
///
/// # Errors
/// As [`read`]; `InvalidData` if it is no UTF-8.
pub fn read_line(path: &Path) -> io::Result<String> {
    let bytes = read(path, 4096)?;
    let mut text = String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Whether a change must be on the disk before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It must: intents, before the kernel is written.
    Yes,
    /// The page cache will do: it outlives this process, and power loss resets the kernel's values anyway.
    No,
}

/// Puts `bytes` in place of the file `name` of a folder, mode 0644, so that whoever looks, also after power loss, finds
/// either the old file or the new one, whole: written to a temporary file beside it, synced, renamed; with [`Sync::Yes`] the
/// folder is synced too, and power loss cannot bring the old one back.
///
/// # Errors
/// Names the step that failed. The old file is then untouched and the temporary file is gone; only where the last
/// step, syncing the folder, fails is the new file already in place.
pub fn replace(folder: &Path, name: &str, bytes: &[u8], sync: Sync) -> Result<(), FileError> {
    replace_as(folder, OsStr::new(name), bytes, &Access::EVERYBODY_READS, sync)
}

/// Who may do what with a file that [`replace_as`] puts in place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub(crate) mode: Mode,
    /// Of another user and group, if it is to be.
    pub(crate) owner: Option<(Uid, Gid)>,
}

impl Access {
    pub(crate) const EVERYBODY_READS: Access = Access { mode: Mode::from_raw_mode(0o644), owner: None };
}

/// As [`replace`], with any mode and owner.
pub(crate) fn replace_as(
    folder: &Path,
    name: &OsStr,
    bytes: &[u8],
    access: &Access,
    sync: Sync,
) -> Result<(), FileError> {
    let at = File::open(folder).map_err(|error| FileError::new("cannot open the folder", folder, error))?;
    let temporary = temporary_name(name);
    let temporary_path = folder.join(&temporary);
    let outcome = write_new(&at, &temporary, bytes, access).and_then(|()| {
        fault::point("file.replace.written");
        rustix::fs::renameat(&at, temporary.as_os_str(), &at, name).map_err(|error| ("cannot rename", error.into()))
    });
    if let Err((attempt, cause)) = outcome {
        // The first failure is the one to report; a leftover is swept when the state is next locked.
        let _ = rustix::fs::unlinkat(&at, temporary.as_os_str(), AtFlags::empty());
        return Err(FileError { attempt, path: temporary_path, cause });
    }
    fault::point("file.replace.renamed");
    if sync == Sync::Yes {
        rustix::fs::fsync(&at).map_err(|error| FileError::new("cannot sync the folder", folder, error))?;
        fault::point("file.replace.synced");
    }
    Ok(())
}

/// Makes a folder, and what is above it, if it is not there; mode 0755 whatever the umask, so that everybody may read.
///
/// # Errors
/// Names the step.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    let failed = |error| FileError::new("cannot make the folder", path, error);
    std::fs::create_dir_all(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(failed)
}

/// Whether a file of this name is a leftover of [`replace`], from a process that died in it.
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(TEMPORARY))
}

const TEMPORARY: &str = ".new";

/// A name that no other process and no other thread of this one uses.
fn temporary_name(name: &OsStr) -> OsString {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}{TEMPORARY}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    temporary
}

fn write_new(at: &File, name: &OsStr, bytes: &[u8], access: &Access) -> Result<(), (&'static str, io::Error)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Access { mode, owner } = *access;
    // No more than the owner may, until it has the right one.
    let first = if owner.is_some() { mode & Mode::RWXU } else { mode };
    let created = rustix::fs::openat(at, name, flags, first).or_else(|error| {
        if error != rustix::io::Errno::EXIST {
            return Err(error);
        }
        // Left by a dead process that had our number.
        rustix::fs::unlinkat(at, name, AtFlags::empty())?;
        rustix::fs::openat(at, name, flags, first)
    });
    let mut file = File::from(created.map_err(|error| ("cannot create", error.into()))?);
    if let Some((user, group)) = owner {
        rustix::fs::fchown(&file, Some(user), Some(group))
            .map_err(|error| ("cannot set the owner of", error.into()))?;
    }
    // The umask may have taken bits away.
    rustix::fs::fchmod(&file, mode).map_err(|error| ("cannot set the mode of", error.into()))?;
    file.write_all(bytes).map_err(|error| ("cannot write", error))?;
    file.sync_all().map_err(|error| ("cannot sync", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_up_to_the_limit_and_not_past_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for size in [0, 1, 4095, 4096, 4097, 20_000, 70_000] {
            let bytes: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&path, size).unwrap(), bytes);
            if size > 0 {
                assert_eq!(read(&path, size - 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
            }
        }
    }

    #[test]
    fn endless_file_is_refused() {
        assert_eq!(read(Path::new("/dev/zero"), 1 << 16).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn replaces_with_mode_0644_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        for bytes in [&b"one"[..], b"", b"three"] {
            replace(dir.path(), "applied", bytes, Sync::Yes).unwrap();
            assert_eq!(read(&dir.path().join("applied"), 100).unwrap(), bytes);
        }
        assert_eq!(dir.path().join("applied").metadata().unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn failed_replace_keeps_the_old_file_and_names_the_step() {
        let dir = tempfile::tempdir().unwrap();
        // A folder of that name cannot be renamed over.
        std::fs::create_dir(dir.path().join("applied")).unwrap();
        let error = replace(dir.path(), "applied", b"new", Sync::Yes).unwrap_err();
        assert_eq!(error.attempt, "cannot rename");
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
        let error = replace(&dir.path().join("missing"), "applied", b"new", Sync::Yes).unwrap_err();
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn symlink_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "kept").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("applied")).unwrap();
        replace(dir.path(), "applied", b"new", Sync::Yes).unwrap();
        assert_eq!(read(&victim, 100).unwrap(), b"kept");
        assert_eq!(read(&dir.path().join("applied"), 100).unwrap(), b"new");
    }

    #[test]
    fn knows_its_own_leftovers() {
        assert!(is_temporary(&temporary_name(OsStr::new("journal"))));
        assert!(!is_temporary(OsStr::new("journal")));
    }
}
