//! The sysctl adapter: one read(2), one write(2).
//!
//! The files of `/proc/sys` are no byte streams: a read that does not begin at offset 0 is at the end, a write that does
//! not begin there is ignored and reported as done (fs/proc/proc_sysctl.c, kernel/sysctl.c `proc_first_pos_non_zero_ignore`).
//! So every value is read by one read and written by one write. Only bitmaps, such as reserved ports, take long writes
//! in several pieces on one descriptor.
//!
//! `/proc/sys/net` shows the network namespace of the calling thread at the moment of the look-up.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;
use trimtab_core::address::Address;
use trimtab_core::address::SysctlKey;
use trimtab_core::catalogue::is_secret;
use trimtab_core::kind::sysctl::encode;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use crate::WriteError;
use crate::addressed::Numbers;

/// What the kernel is asked for first: it allocates and zeroes what is asked, so asking for more costs time.
const FIRST_READ: usize = 4096;

/// The sizes asked for when a value fills the one before. `proc_sys_call_handler` refuses `KMALLOC_MAX_SIZE` (4 MiB).
const LARGER_READS: [usize; 3] = [64 << 10, 1 << 20, (4 << 20) - 1];

/// The tree below `/proc/sys`, held open.
#[derive(Debug)]
pub struct Tree {
    root: Folder,
    buffer: Vec<u8>,
    open: Open,
    /// Keys whose files are kept open; `None` while one cannot be.
    held: BTreeMap<SysctlKey, Option<Held>>,
    /// The folder of the key opened last: keys come in order, so most of the next are in it too.
    folder: Option<(String, Folder)>,
    /// The file of the key that is about to be written, or was just now: one serves to read, write and read back.
    at_hand: Option<(SysctlKey, OwnedFd)>,
    /// Whether an interface is still the one that a write is meant for.
    numbers: Numbers,
}

/// An open folder of the tree, and whether its mount lets anything be written. Containers and hardened units have /proc/sys
/// mounted read-only, or some folders of it; the modes of the files say nothing of that.
#[derive(Debug)]
struct Folder {
    fd: OwnedFd,
    mount: MountAccess,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MountAccess {
    ReadWrite,
    ReadOnly,
}

impl Folder {
    fn new(fd: OwnedFd) -> Result<Folder, Errno> {
        let mount = mount_access(&fd)?;
        Ok(Folder { fd, mount })
    }
}

/// A file of the tree that is kept open. It shows the namespace it was opened in, and nothing any more once its
/// object is gone, even if another of the same name came (fs/proc/proc_sysctl.c `grab_header`).
#[derive(Debug)]
struct Held {
    file: OwnedFd,
    opened: Opened,
}

/// What a held file was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opened {
    /// To read and to write.
    Both,
    /// To read: this process may not write it, or nobody may.
    Read {
        /// Whether its mode and its mount let anybody write it.
        writable: bool,
    },
}

/// How files of the tree are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// openat2(2), which can never leave the tree.
    Beneath,
    /// openat(2), where a seccomp filter does not know openat2. A [`SysctlKey`] has neither `..` nor empty parts, and
    /// /proc/sys has no symlinks, so this cannot leave the tree either.
    Plain,
}

impl Tree {
    /// Opens `/proc/sys`.
    ///
    /// # Errors
    /// The system's; `Unsupported` if what is there is no procfs.
    pub fn open() -> io::Result<Tree> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open("/proc/sys", flags, Mode::empty())?;
        if rustix::fs::fstatfs(&root)?.f_type != rustix::fs::PROC_SUPER_MAGIC {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "/proc/sys is no procfs"));
        }
        let open = match open_beneath(&root, "net", flags) {
            Err(Errno::NOSYS | Errno::PERM) => Open::Plain,
            Ok(_) | Err(_) => Open::Beneath,
        };
        let root = Folder::new(root)?;
        let (held, numbers) = (BTreeMap::new(), Numbers::default());
        Ok(Tree { root, buffer: vec![0; FIRST_READ], open, held, folder: None, at_hand: None, numbers })
    }

    /// What the kernel shows at a key now. Secrets are not read.
    pub fn read(&mut self, key: &SysctlKey) -> Reading {
        // No secret is ever held, nor written.
        if let Some(reading) = self.read_back(key).or_else(|| self.read_held(key)) {
            return reading;
        }
        let path = key.path();
        if is_secret(key) {
            return match self.mode(path) {
                Ok(_) => Reading::Withheld,
                Err(error) => classify(error),
            };
        }
        match self.read_text(path) {
            Ok(reading) => reading,
            Err(Errno::ACCESS | Errno::PERM) => match self.mode(path) {
                Ok(mode) if mode.intersects(Mode::RUSR | Mode::RGRP | Mode::ROTH) => Reading::Denied,
                Ok(_) => Reading::WriteOnly,
                Err(_) => Reading::Denied,
            },
            Err(error) => classify(error),
        }
    }

    /// Keeps the files of these keys open from their next read on, and no others: for whoever reads the same keys again
    /// and again, at a third of the cost, and perhaps writes them. At most half of the descriptors that this process may
    /// have are used; the rest of the keys are opened each time.
    pub fn hold<'a>(&mut self, keys: impl IntoIterator<Item = &'a SysctlKey>) {
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .current
            .map_or(usize::MAX, |limit| usize::try_from(limit / 2).unwrap_or(usize::MAX));
        let mut before = std::mem::take(&mut self.held);
        for key in keys.into_iter().filter(|key| !is_secret(key)).take(most) {
            self.held.insert(key.clone(), before.remove(key).flatten());
        }
    }

    /// As [`Tree::read`], of a key that is about to be written.
    pub fn read_before_write(&mut self, key: &SysctlKey) -> Reading {
        self.at_hand = None;
        if is_secret(key) || self.held.contains_key(key) {
            return self.read(key);
        }
        // Who may not do both is told so by an ordinary look.
        if let Ok((file, _)) = self.open_near(key.path(), OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY)
            && let Some(reading) = self.read_at_hand(&file)
        {
            self.at_hand = Some((key.clone(), file));
            return reading;
        }
        self.read(key)
    }

    /// Writes a value, once. `link` is the number of the interface that it belongs to, where that is known: a path knows only
    /// names.
    ///
    /// # Errors
    /// As [`crate::Kernel::write`].
    pub fn write(
        &mut self,
        address: &Address,
        key: &SysctlKey,
        value: &Value,
        link: Option<u32>,
    ) -> Result<(), WriteError> {
        let text = text_to_write(address, key, value)?;
        let refused =
            |errno: Errno| WriteError::Refused { address: address.clone(), text: text.clone(), source: errno.into() };
        let flags = OFlags::CLOEXEC | OFlags::NOCTTY;
        let at_hand = self.at_hand.take().filter(|(other, _)| other == key);
        // Should anything go wrong it is not held on to: the next look is a fresh one.
        let held = self.held.get_mut(key).and_then(|held| held.take_if(|held| held.opened == Opened::Both));
        let opened = match held.map(|held| held.file).or_else(|| at_hand.map(|(_, file)| file)) {
            Some(file) => Ok(file),
            None => self.open_near(key.path(), flags | OFlags::RDWR).map(|(file, _)| file),
        };
        let (file, can_be_read) = match opened {
            Ok(file) => (file, true),
            // Its mode lets nobody read it.
            Err(Errno::ACCESS | Errno::PERM) => {
                (self.open_near(key.path(), flags | OFlags::WRONLY).map_err(refused)?.0, false)
            }
            Err(error) => return Err(refused(error)),
        };
        // Behind the opening: with a later change of its name the file goes, and a write to it fails.
        if let Some((name, number)) = key.interface().zip(link) {
            let now = self.numbers.of(name).map_err(|source| WriteError::Refused {
                address: address.clone(),
                text: text.clone(),
                source,
            })?;
            if now != Some(number) {
                return Err(WriteError::Elsewhere { address: address.clone() });
            }
        }
        let bytes = text.as_bytes();
        let mut taken = 0;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            // At its own place: a file that is held has been written before.
            let count = rustix::io::retry_on_intr(|| rustix::io::pwrite(&file, rest, taken as u64)).map_err(refused)?;
            taken += count;
            if taken >= bytes.len() {
                if can_be_read {
                    match self.held.get_mut(key) {
                        Some(held) => *held = Some(Held { file, opened: Opened::Both }),
                        None => self.at_hand = Some((key.clone(), file)),
                    }
                }
                return Ok(());
            }
            // A bitmap takes a page at a time and goes on where it stopped; anything else would lose the rest silently.
            let goes_on = matches!(value, Value::Ports(_)) && count > 0;
            if !goes_on {
                let sent = bytes.len();
                return Err(WriteError::Short { address: address.clone(), text: text.clone(), taken, sent });
            }
        }
    }

    /// Every key below `/proc/sys/net` in the calling thread's namespace, sorted; those that cannot be spelt as a key
    /// (an interface with `=` in its name) are left out.
    ///
    /// # Errors
    /// If a folder cannot be listed. One that vanishes meanwhile is no error.
    pub fn list(&self) -> io::Result<Vec<SysctlKey>> {
        let mut keys = Vec::new();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let net = self.open_file("net", flags)?;
        let mut path = vec!["net".to_owned()];
        self.walk(&net, &mut path, &mut keys)?;
        keys.sort_unstable();
        Ok(keys)
    }

    fn walk(&self, folder: &OwnedFd, path: &mut Vec<String>, keys: &mut Vec<SysctlKey>) -> io::Result<()> {
        // Deeper than any table of the kernel: net/ipv4/conf/IFACE/NAME.
        const DEEPEST: usize = 16;
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                tracing::debug!(folder = path.join("/"), name = ?entry.file_name(), "name is no UTF-8");
                continue;
            };
            if name == "." || name == ".." {
                continue;
            }
            path.push(name.to_owned());
            match entry.file_type() {
                FileType::Directory if path.len() < DEEPEST => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                    match rustix::fs::openat(folder, name, flags, Mode::empty()) {
                        Ok(below) => self.walk(&below, path, keys)?,
                        Err(Errno::NOENT | Errno::ACCESS) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                FileType::RegularFile => match SysctlKey::from_segments(path.iter().map(String::as_str)) {
                    Ok(key) => keys.push(key),
                    Err(error) => tracing::debug!(%error, "a file that no key can name"),
                },
                // procfs has no others here, and it always says which one it is.
                FileType::Directory
                | FileType::Symlink
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => {}
            }
            path.pop();
        }
        Ok(())
    }

    /// A read of the key that was written last, through the descriptor that wrote it; whatever is unusual is left to a fresh
    /// look.
    fn read_back(&mut self, key: &SysctlKey) -> Option<Reading> {
        let (_, file) = self.at_hand.take().filter(|(written, _)| written == key)?;
        self.read_at_hand(&file)
    }

    /// A read that leaves the position where it is, so that a write behind it begins at 0.
    fn read_at_hand(&mut self, file: &OwnedFd) -> Option<Reading> {
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *self.buffer, 0)).ok()?;
        let is_whole = count < self.buffer.len();
        is_whole.then(|| Reading::Text { text: text(self.buffer.get(..count).unwrap_or_default()), writable: true })
    }

    /// A read from the held file of a key, if it is to be held and is there; whatever is unusual is left to a fresh look.
    fn read_held(&mut self, key: &SysctlKey) -> Option<Reading> {
        if self.held.get(key)?.is_none() {
            let opened = self.open_to_hold(key).ok()?;
            *self.held.get_mut(key)? = Some(opened);
        }
        let slot = self.held.get_mut(key)?;
        let held = slot.as_ref()?;
        match rustix::io::retry_on_intr(|| rustix::io::pread(&held.file, &mut *self.buffer, 0)) {
            Ok(count) if count < self.buffer.len() => {
                let text = text(self.buffer.get(..count).unwrap_or_default());
                let writable = match held.opened {
                    Opened::Both => true,
                    Opened::Read { writable } => writable,
                };
                Some(Reading::Text { text, writable })
            }
            Ok(_) => None,
            Err(_) => {
                // The object is gone; another may have its name.
                *slot = None;
                None
            }
        }
    }

    /// Opens a file to be held; to be written too, where this process may.
    fn open_to_hold(&mut self, key: &SysctlKey) -> Result<Held, Errno> {
        let flags = OFlags::CLOEXEC | OFlags::NOCTTY;
        let (opened, can_be_written) = match self.open_near(key.path(), flags | OFlags::RDWR) {
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
                (self.open_near(key.path(), flags | OFlags::RDONLY)?, false)
            }
            answer => (answer?, true),
        };
        let (file, mount) = opened;
        // Who may open everything is told by the mode alone that a file is not to be written.
        let writable = is_writable(&file, mount)?;
        let opened = if can_be_written && writable { Opened::Both } else { Opened::Read { writable } };
        Ok(Held { file, opened })
    }

    fn read_text(&mut self, path: &str) -> Result<Reading, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let (file, mount) = self.open_near(path, flags)?;
        let writable = is_writable(&file, mount)?;
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut self.buffer))?;
        if count < self.buffer.len() {
            return Ok(Reading::Text { text: text(self.buffer.get(..count).unwrap_or_default()), writable });
        }
        // It filled the buffer, so there may be more; the same descriptor would only say "end of file".
        for size in LARGER_READS {
            let file = self.open_file(path, flags)?;
            let mut larger = vec![0; size];
            let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut larger))?;
            if count < size {
                return Ok(Reading::Text { text: text(larger.get(..count).unwrap_or_default()), writable });
            }
        }
        Err(Errno::FBIG)
    }

    /// Opens a file by way of its folder, which stays open for the next. A folder that is gone may have been made again, as
    /// that of an interface: what is not found in it is looked for once more by its whole path.
    fn open_near(&mut self, path: &str, flags: OFlags) -> Result<(OwnedFd, MountAccess), Errno> {
        let Some((parent, name)) = path.rsplit_once('/') else {
            return Ok((self.open_file(path, flags)?, self.root.mount));
        };
        if let Some((held, folder)) = &self.folder
            && held == parent
        {
            match open_in(&folder.fd, self.open, name, flags) {
                Err(Errno::NOENT) => self.folder = None,
                answer => return Ok((answer?, folder.mount)),
            }
        }
        let fd = self.open_file(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
        let (_, folder) = self.folder.insert((parent.to_owned(), Folder::new(fd)?));
        Ok((open_in(&folder.fd, self.open, name, flags)?, folder.mount))
    }

    fn mode(&self, path: &str) -> Result<Mode, Errno> {
        let stat = rustix::fs::statat(&self.root.fd, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Mode::from_raw_mode(stat.st_mode))
    }

    fn open_file(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        open_in(&self.root.fd, self.open, path, flags)
    }
}

fn open_in(root: &OwnedFd, open: Open, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    match open {
        Open::Beneath => open_beneath(root, path, flags),
        Open::Plain => rustix::fs::openat(root, path, flags | OFlags::NOFOLLOW, Mode::empty()),
    }
}

/// Whether the mode has a write bit, on a mount that can be written.
fn is_writable(file: &OwnedFd, mount: MountAccess) -> Result<bool, Errno> {
    let mode = Mode::from_raw_mode(rustix::fs::fstat(file)?.st_mode);
    Ok(mount == MountAccess::ReadWrite && mode.intersects(Mode::WUSR | Mode::WGRP | Mode::WOTH))
}

fn mount_access(fd: &OwnedFd) -> Result<MountAccess, Errno> {
    let flags = rustix::fs::fstatvfs(fd)?.f_flag;
    let is_read_only = flags.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    Ok(if is_read_only { MountAccess::ReadOnly } else { MountAccess::ReadWrite })
}

/// The cell of a write: sysctls are written one by one, and only in the namespace that a kernel acts on, which goes by
/// `netns` if it was entered by name.
///
/// # Errors
/// `InvalidInput` if there are several, `EXDEV` if it is of another namespace.
pub(crate) fn only_cell<'a>(
    cells: &'a [(Address, Value)],
    netns: Option<&str>,
) -> Result<Option<(&'a Address, &'a Value)>, WriteError> {
    let refused = |(address, value): &(Address, Value), source| {
        Err(WriteError::Refused { address: address.clone(), text: value.to_string(), source })
    };
    match cells {
        [] => Ok(None),
        [cell] if cell.0.netns.is_some() && cell.0.netns.as_deref() != netns => {
            refused(cell, io::Error::from_raw_os_error(libc::EXDEV))
        }
        [(address, value)] => Ok(Some((address, value))),
        [cell, ..] => refused(cell, io::Error::new(io::ErrorKind::InvalidInput, "sysctls are written one by one")),
    }
}

/// The bytes of a write.
///
/// # Errors
/// `InvalidInput` for secrets, which are never written.
pub(crate) fn text_to_write(address: &Address, key: &SysctlKey, value: &Value) -> Result<String, WriteError> {
    if *value == Value::Secret || is_secret(key) {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "secrets are never written");
        return Err(WriteError::Refused { address: address.clone(), text: Value::Secret.to_string(), source });
    }
    Ok(encode(key, value))
}

/// Crossing mounts is allowed: containers often have parts of /proc/sys mounted apart, read-only or writable.
fn open_beneath<Fd: AsFd>(root: Fd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        // EAGAIN: a rename or mount somewhere on the host at this very moment; openat2(2) says to try again.
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
}

fn classify(error: Errno) -> Reading {
    match error {
        Errno::NOENT | Errno::NOTDIR => Reading::Absent,
        Errno::ACCESS | Errno::PERM => Reading::Denied,
        _ => Reading::Failed { errno: error.raw_os_error() },
    }
}

/// Without the final newline; bytes that are no UTF-8 as `\xNN`.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
