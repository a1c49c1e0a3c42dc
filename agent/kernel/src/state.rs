//! The state folder: journal, applied, and whatever else must outlive the process.
//!
//! `<state-dir>/<namespace>/`, where the namespace is `initial` or `netns-<cookie>`. A cookie is unique only until reboot,
//! so the folder of a namespace other than the initial one names its boot, and what another boot left under the same
//! number is never read. The folder of the initial namespace lives on over boots; its records name their boot.
//!
//! What the files say is the business of `trimtab_core`; here they are bytes. Writers hold the [`crate::lock::Lock`]
//! of the namespace.

use std::cell::RefCell;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use trimtab_core::host::HostId;
use trimtab_core::host::NetnsId;

use crate::fault;
use crate::file;
use crate::file::FileError;
pub use crate::file::Sync;

/// The name of the journal in the folder.
pub const JOURNAL: &str = "journal";

/// The boot that the folder of a namespace belongs to.
const BOOT: &str = "boot";

/// The longest journal that is read. One transaction over every key of a large router is below 1 MiB.
pub const LONGEST_JOURNAL: usize = 64 << 20;

/// The longest other file that is read.
pub const LONGEST_FILE: usize = 64 << 20;

/// The name that state and locks of a namespace go by: `initial`, or `netns-` and its cookie.
pub fn namespace(netns: &NetnsId) -> String {
    if netns.initial { "initial".to_owned() } else { format!("netns-{}", netns.cookie) }
}

/// The state of one namespace.
#[derive(Debug)]
pub struct StateDir {
    base: PathBuf,
    path: PathBuf,
    /// For a namespace other than the initial one: the boot it must be of.
    boot: Option<String>,
    /// The journal and its length, once it has been appended to: a transaction appends a record for each change.
    journal: RefCell<Option<(File, u64)>>,
}

impl StateDir {
    /// The state of a namespace below `base`. Nothing is made on the disk before the first write, and nothing needs to be
    /// there for reading.
    pub fn open(base: &Path, host: &HostId) -> StateDir {
        StateDir {
            base: base.to_owned(),
            path: base.join(namespace(&host.netns)),
            boot: (!host.netns.initial).then(|| host.boot_id.clone()),
            journal: RefCell::new(None),
        }
    }

    /// The folder; it may not exist yet.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole journal; empty if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is longer than [`LONGEST_JOURNAL`].
    pub fn read_journal(&self) -> Result<Vec<u8>, FileError> {
        Ok(self.read_bounded(JOURNAL, LONGEST_JOURNAL)?.unwrap_or_default())
    }

    /// Appends to the journal, by one write(2). If this fails, the journal is as it was.
    ///
    /// # Errors
    /// Names the step: a full disk, a read-only file system.
    pub fn append(&self, bytes: &[u8], sync: Sync) -> Result<(), FileError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let path = self.path.join(JOURNAL);
        let mut slot = self.journal.borrow_mut();
        let (file, length, is_new) = match slot.take() {
            Some((file, length)) => {
                fault::point("journal.append");
                (file, length, false)
            }
            None => {
                self.create()?;
                fault::point("journal.append");
                let (file, is_new) = open_journal(&path)?;
                let length = file.metadata().map_err(|error| FileError::new("cannot stat", &path, error))?.len();
                (file, length, is_new)
            }
        };
        let outcome = append_once(&file, bytes, sync);
        if let Err((attempt, cause)) = outcome {
            // If even this fails, a torn record stays behind, and replay drops it.
            let _ = file.set_len(length);
            return Err(FileError { attempt, path, cause });
        }
        // The folder of another namespace than the initial one need not outlive the boot.
        if is_new && self.boot.is_none() {
            sync_folder(&self.path)?;
        }
        *slot = Some((file, length + bytes.len() as u64));
        fault::point("journal.appended");
        Ok(())
    }

    /// Cuts the journal to its first `length` bytes, so that the next record does not begin behind a torn one. A journal
    /// that is not longer stays as it is.
    ///
    /// # Errors
    /// Names the step.
    pub fn cut_journal(&self, length: u64) -> Result<(), FileError> {
        // Its length would be the old one.
        self.journal.take();
        if !self.is_ours()? {
            return Ok(());
        }
        let path = self.path.join(JOURNAL);
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(error) => return Err(FileError::new("cannot open", &path, error)),
        };
        let now = file.metadata().map_err(|error| FileError::new("cannot stat", &path, error))?.len();
        if now > length {
            file.set_len(length).map_err(|error| FileError::new("cannot cut", &path, error))?;
            file.sync_all().map_err(|error| FileError::new("cannot sync", &path, error))?;
        }
        Ok(())
    }

    /// Puts another journal in place of this one, atomically. After power loss neither is of the running boot.
    ///
    /// # Errors
    /// Names the step; see [`file::replace`].
    pub fn replace_journal(&self, bytes: &[u8]) -> Result<(), FileError> {
        // The file that is held would be the old one.
        self.journal.take();
        self.replace(JOURNAL, bytes, Sync::No)
    }

    /// A file of the folder; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is longer than [`LONGEST_FILE`].
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FileError> {
        self.read_bounded(name, LONGEST_FILE)
    }

    /// Puts a file in place, atomically, mode 0644.
    ///
    /// # Errors
    /// Names the step; see [`file::replace`].
    pub fn replace(&self, name: &str, bytes: &[u8], sync: Sync) -> Result<(), FileError> {
        self.create()?;
        file::replace(&self.path, name, bytes, sync)
    }

    /// Removes a file; that there is none is no error.
    ///
    /// # Errors
    /// Names the step.
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        if !self.is_ours()? {
            return Ok(());
        }
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Ok(()) => {
                fault::point("state.removed");
                sync_folder(&self.path)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(FileError::new("cannot remove", &path, error)),
        }
    }

    /// Removes what writers that died left behind. Only for the holder of the lock.
    ///
    /// # Errors
    /// Names the step.
    pub fn sweep(&self) -> Result<(), FileError> {
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::new("cannot list", &self.path, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| FileError::new("cannot list", &self.path, error))?;
            if file::is_temporary(&entry.file_name()) {
                let path = entry.path();
                std::fs::remove_file(&path).map_err(|error| FileError::new("cannot remove", &path, error))?;
            }
        }
        Ok(())
    }

    fn read_bounded(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, FileError> {
        if !self.is_ours()? {
            return Ok(None);
        }
        let path = self.path.join(name);
        match file::read(&path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::new("cannot read", &path, error)),
        }
    }

    /// Whether the folder exists and is of this boot, if it must be.
    fn is_ours(&self) -> Result<bool, FileError> {
        match &self.boot {
            None => Ok(true),
            Some(boot) => Ok(boot_of(&self.path)?.as_deref() == Some(boot.as_str())),
        }
    }

    /// Makes the folder, and what is above it, if it is not there. A folder that another boot left under the same number is
    /// emptied first.
    ///
    /// # Errors
    /// Names the step.
    pub fn create(&self) -> Result<(), FileError> {
        if self.path.is_dir() && self.is_ours()? {
            return Ok(());
        }
        file::make_folder(&self.base)?;
        if self.path.is_dir() && self.boot.is_some() {
            remove_folder(&self.path)?;
        }
        file::make_folder(&self.path)?;
        match &self.boot {
            Some(boot) => name_boot(&self.path.join(BOOT), boot)?,
            None => sync_folder(&self.base)?,
        }
        fault::point("state.created");
        Ok(())
    }
}

/// One namespace that has left state behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name: `initial` or `netns-17`.
    pub name: String,
    /// The boot it was of; `None` for `initial`, whose state lives on, and where the folder does not tell.
    pub boot: Option<String>,
}

/// Every namespace with state below `base`, sorted by name; none if there is no such folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn namespaces(base: &Path) -> Result<Vec<Namespace>, FileError> {
    let entries = match std::fs::read_dir(base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("cannot list", base, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| FileError::new("cannot list", base, error))?;
        if let Ok(name) = entry.file_name().into_string()
            && is_namespace(&name)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            let boot = if name == "initial" { None } else { boot_of(&entry.path())? };
            found.push(Namespace { name, boot });
        }
    }
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Removes the state of every namespace of another boot than `boot_id`; says which. That of `initial` stays.
///
/// # Errors
/// Names the step.
pub fn remove_other_boots(base: &Path, boot_id: &str) -> Result<Vec<Namespace>, FileError> {
    let mut removed = Vec::new();
    for namespace in namespaces(base)? {
        if namespace.name != "initial" && namespace.boot.as_deref() != Some(boot_id) {
            remove_folder(&base.join(&namespace.name))?;
            removed.push(namespace);
        }
    }
    Ok(removed)
}

fn is_namespace(name: &str) -> bool {
    name == "initial" || name.strip_prefix("netns-").is_some_and(|cookie| cookie.parse::<u64>().is_ok())
}

fn boot_of(folder: &Path) -> Result<Option<String>, FileError> {
    let path = folder.join(BOOT);
    match file::read(&path, 4096) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("cannot read", &path, error)),
    }
}

/// Writes down the boot of a folder that was just made. This needs no care: torn or lost, it makes the folder one of another
/// boot, and such a one is emptied.
fn name_boot(path: &Path, boot: &str) -> Result<(), FileError> {
    std::fs::write(path, boot)
        .and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(0o644)))
        .map_err(|error| FileError::new("cannot write", path, error))
}

fn remove_folder(path: &Path) -> Result<(), FileError> {
    std::fs::remove_dir_all(path).map_err(|error| FileError::new("cannot remove the folder", path, error))
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| FileError::new("cannot sync the folder", path, error))
}

/// The journal, and whether it was made just now.
fn open_journal(path: &Path) -> Result<(File, bool), FileError> {
    // Not waiting for the reader of a fifo that somebody put there.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => return Ok((File::from(fd), false)),
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(FileError::new("cannot open", path, error)),
    }
    let mode = Mode::from_raw_mode(0o644);
    let fd = rustix::fs::open(path, flags | OFlags::CREATE, mode)
        .map_err(|error| FileError::new("cannot create", path, error))?;
    rustix::fs::fchmod(&fd, mode).map_err(|error| FileError::new("cannot set the mode of", path, error))?;
    Ok((File::from(fd), true))
}

fn append_once(mut file: &File, bytes: &[u8], sync: Sync) -> Result<(), (&'static str, io::Error)> {
    let written = loop {
        match file.write(bytes) {
            Ok(written) => break written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(("cannot append to", error)),
        }
    };
    if written != bytes.len() {
        let message = format!("only {written} of {} bytes had room", bytes.len());
        return Err(("cannot append to", io::Error::new(io::ErrorKind::StorageFull, message)));
    }
    fault::point("journal.written");
    match sync {
        Sync::Yes => file.sync_data().map_err(|error| ("cannot sync", error)),
        Sync::No => Ok(()),
    }
}

#[cfg(all(test, feature = "fault-points"))]
mod crash;
#[cfg(test)]
mod tests;
