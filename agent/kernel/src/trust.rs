//! Whether a file and its folders can be changed by others than root.
//!
//! What root reads and acts upon must have been put there by root. The path is walked as the kernel walks it, one open
//! descriptor per folder, symlinks included, so that nothing can be exchanged between the look and the use. Symlinks may
//! point anywhere (the Nix store, `current` releases, mounted ConfigMaps), but each one, the folder it lies in and every
//! folder behind it must be trusted too.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Stat;
use rustix::io::Errno;
use thiserror::Error;

/// As many symlinks as the kernel follows in one path (include/linux/namei.h `MAXSYMLINKS`).
const MOST_SYMLINKS: usize = 40;

/// Why a file is not trusted. `path` is the very file or folder at fault, often not the one that was asked about.
#[derive(Debug, Error)]
pub enum Untrusted {
    /// Somebody else owns it.
    #[error(
        "{path} belongs to uid {owner}, mode {mode:04o}: what root acts upon must belong to root (`chown root {path}`)",
        path = path.display()
    )]
    Owner {
        /// The file, folder or symlink.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than its owner may write it.
    #[error(
        "{path} can be written by others than root: uid {owner}, mode {mode:04o} (`chmod go-w {path}`)",
        path = path.display()
    )]
    Writable {
        /// The file or folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Too many symlinks.
    #[error("{path} leads through more than {MOST_SYMLINKS} symlinks", path = path.display())]
    Loop {
        /// What was asked about.
        path: PathBuf,
    },
    /// To be read, but no regular file.
    #[error("{path} is no regular file", path = path.display())]
    NoFile {
        /// The object.
        path: PathBuf,
    },
    /// It cannot be looked at.
    #[error("cannot look at {path}: {cause}", path = path.display())]
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Whether a file or folder, and all that leads to it, belongs to root and cannot be written by others. A folder like
/// `/tmp`, where others may write but not rename what is not theirs, may lead to what belongs to root.
///
/// # Errors
/// [`Untrusted`], naming the first fault on the way.
pub fn check(path: &Path) -> Result<(), Untrusted> {
    walk(path).map(drop)
}

/// Opens a regular file for reading, if it is trusted as by [`check`].
///
/// # Errors
/// [`Untrusted`], naming the first fault on the way.
pub fn open_trusted(path: &Path) -> Result<File, Untrusted> {
    let place = walk(path)?;
    let no_file = || Untrusted::NoFile { path: place.path.clone() };
    let (Some(folder), Some(name)) = (&place.folder, place.path.file_name()) else { return Err(no_file()) };
    // Its folder is trusted and held open, so this is the file that was looked at, or what root put there since.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let failed = |error: Errno| Untrusted::Failed { path: place.path.clone(), cause: error.into() };
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(failed)?;
    judge(&place.path, &stat)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(no_file());
    }
    Ok(File::from(file))
}

/// Where a walk ended.
struct Place {
    /// The folder it lies in; `None` for `/`, and for a path that ends in `..`.
    folder: Option<OwnedFd>,
    /// The path without symlinks.
    path: PathBuf,
}

fn walk(path: &Path) -> Result<Place, Untrusted> {
    let absolute = std::path::absolute(path).map_err(|cause| Untrusted::Failed { path: path.to_owned(), cause })?;
    let mut left: VecDeque<OsString> = steps(&absolute);
    let mut here = PathBuf::from("/");
    // The folders from `/` down to where the walk is, each one judged.
    let mut folders = vec![open_root()?];
    let mut symlinks = 0;
    while let Some(step) = left.pop_front() {
        if step == "/" {
            folders.truncate(1);
            here = PathBuf::from("/");
            continue;
        }
        if step == ".." {
            if folders.len() > 1 {
                folders.pop();
                here.pop();
            }
            continue;
        }
        let at = here.join(&step);
        let failed = |error: Errno| Untrusted::Failed { path: at.clone(), cause: error.into() };
        let Some(folder) = folders.last() else { return Err(failed(Errno::NOTDIR)) };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let object = rustix::fs::openat(folder, &step, flags, Mode::empty()).map_err(failed)?;
        let stat = rustix::fs::fstat(&object).map_err(failed)?;
        judge(&at, &stat)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            symlinks += 1;
            if symlinks > MOST_SYMLINKS {
                return Err(Untrusted::Loop { path: path.to_owned() });
            }
            let target = rustix::fs::readlinkat(&object, "", Vec::new()).map_err(failed)?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            for step in steps(&target).into_iter().rev() {
                left.push_front(step);
            }
        } else if left.is_empty() {
            return Ok(Place { folder: folders.pop(), path: at });
        } else {
            folders.push(object);
            here = at;
        }
    }
    Ok(Place { folder: None, path: here })
}

/// The parts of a path as the kernel walks them; `/` first if it is absolute.
fn steps(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

fn open_root() -> Result<OwnedFd, Untrusted> {
    let path = Path::new("/");
    let failed = |error: Errno| Untrusted::Failed { path: path.to_owned(), cause: error.into() };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
    judge(path, &rustix::fs::fstat(&root).map_err(failed)?)?;
    Ok(root)
}

fn judge(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    judge_mode(path, stat.st_uid, stat.st_mode)
}

fn judge_mode(path: &Path, owner: u32, raw_mode: u32) -> Result<(), Untrusted> {
    let mode = raw_mode & 0o7777;
    let path = || path.to_owned();
    if owner != 0 {
        return Err(Untrusted::Owner { path: path(), owner, mode });
    }
    let kind = FileType::from_raw_mode(raw_mode);
    // The mode of a symlink means nothing. In a sticky folder nobody moves away what is root's, and all that is walked
    // into must be root's.
    let excused = kind == FileType::Symlink || (kind == FileType::Directory && mode & 0o1000 != 0);
    if mode & 0o022 != 0 && !excused {
        return Err(Untrusted::Writable { path: path(), owner, mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
