//! The lock of a namespace: one writer at a time, held for a transaction only.
//!
//! A flock(2) on `<runtime-dir>/<namespace>.lock`: it vanishes with its holder however that dies, and is not inherited by
//! programs that the holder starts. The file stays; only the lock on it counts. Who holds it is written into it for
//! the message to those who wait in vain, and for nothing else.
//!
//! flock(2) is content with a descriptor that can only read: whoever may open the file at all can hold every writer up,
//! the undo of a trial too. So nobody but its owner may.

use std::fmt;
use std::fs::File;
use std::io;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::fs::FlockOperation;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use thiserror::Error;

use crate::file;
use crate::file::FileError;

/// How often a lock held by somebody else is tried again.
const RETRY: Duration = Duration::from_millis(20);

const OWNER_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

/// A lock that is held until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this lives"]
pub struct Lock {
    file: File,
    waited: bool,
}

/// Why a lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// The lock file cannot be made or opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else held it all the time.
    #[error("{path} is locked by {holder} (waited {waited:.1} s)", path = path.display(), waited = waited.as_secs_f32())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it.
        holder: Holder,
        /// How long it was waited for.
        waited: Duration,
    },
}

/// Who holds a lock, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, if it wrote one that still lives.
    pub pid: Option<u32>,
    /// The name of its program.
    pub comm: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.comm) {
            (Some(pid), Some(comm)) => write!(f, "{comm} (pid {pid})"),
            (Some(pid), None) => write!(f, "pid {pid}"),
            (None, _) => f.write_str("an unknown process"),
        }
    }
}

impl Lock {
    /// Takes the lock of a namespace (`initial`, `netns-17`; see [`crate::state::namespace`]), waiting for at most
    /// `wait`; the folder is made if it is not there.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(runtime_folder: &Path, namespace: &str, wait: Duration) -> Result<Lock, LockError> {
        let path = runtime_folder.join(format!("{namespace}.lock"));
        let file = open(runtime_folder, &path)?;
        let start = Instant::now();
        let mut must_wait = false;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock { file: signed(file), waited: must_wait }),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(FileError::new("cannot lock", &path, error).into()),
            }
            let waited = start.elapsed();
            if waited >= wait {
                return Err(LockError::Held { holder: holder(&path), path, waited });
            }
            must_wait = true;
            thread::sleep(RETRY.min(wait.saturating_sub(waited)));
        }
    }
}

impl Lock {
    /// Whether somebody else held it first: what was looked at before may have changed.
    pub fn waited(&self) -> bool {
        self.waited
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it unlocks it; the name is taken out first, so that nobody is blamed who is done.
        let _ = self.file.set_len(0);
    }
}

fn open(folder: &Path, path: &Path) -> Result<File, FileError> {
    file::make_folder(folder)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, flags, OWNER_ONLY)
        .map_err(|error| FileError::new("cannot open the lock file", path, error))?;
    let failed = |error| FileError::new("cannot set the mode of the lock file", path, error);
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&fd).map_err(failed)?.st_mode);
    if mode != OWNER_ONLY {
        rustix::fs::fchmod(&fd, OWNER_ONLY).map_err(failed)?;
    }
    Ok(File::from(fd))
}

/// Writes down who holds the lock. It helps a message, so a full disk must not stop anybody.
fn signed(mut file: File) -> File {
    let written: io::Result<()> = (|| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    })();
    if let Err(error) = written {
        tracing::debug!(%error, "cannot write the holder into the lock file");
    }
    file
}

fn holder(path: &Path) -> Holder {
    let pid = file::read_line(path).ok().and_then(|text| text.parse::<u32>().ok());
    let comm = pid.and_then(|pid| file::read_line(Path::new(&format!("/proc/{pid}/comm"))).ok());
    // A number without a process is a leftover, not the holder.
    Holder { pid: pid.filter(|_| comm.is_some()), comm }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(60);

    /// For a lock that is free: a child of another test holds its copy between fork and exec.
    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn second_writer_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path(), "initial", SOON).unwrap();
        let error = Lock::take(dir.path(), "initial", SHORT).unwrap_err();
        let LockError::Held { holder, waited, .. } = error else { panic!("{error}") };
        assert_eq!(holder.pid, Some(std::process::id()));
        assert!(waited >= SHORT, "{waited:?}");
        // Another namespace is another lock.
        let _other = Lock::take(dir.path(), "netns-3", SOON).unwrap();
        drop(held);
        let _again = Lock::take(dir.path(), "initial", SOON).unwrap();
    }

    #[test]
    fn waiting_ends_as_soon_as_the_holder_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path(), "initial", SOON).unwrap();
        let (sender, receiver) = mpsc::channel();
        let folder = dir.path().to_owned();
        let waiter = thread::spawn(move || {
            sender.send(()).unwrap();
            Lock::take(&folder, "initial", Duration::from_secs(60)).map(drop)
        });
        receiver.recv().unwrap();
        thread::sleep(SHORT);
        assert!(!waiter.is_finished());
        drop(held);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn programs_started_under_the_lock_do_not_keep_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path(), "initial", SOON).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        drop(held);
        let again = Lock::take(dir.path(), "initial", SOON);
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = again.unwrap();
    }

    #[test]
    fn lock_of_another_process_holds_and_dies_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("initial.lock");
        let mut child = Command::new("flock").arg("-F").arg(&path).args(["sleep", "60"]).spawn().unwrap();
        // Until flock(1) has it.
        while let Ok(lock) = Lock::take(dir.path(), "initial", Duration::ZERO) {
            drop(lock);
            thread::sleep(Duration::from_millis(5));
        }
        let error = Lock::take(dir.path(), "initial", Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), format!("{} is locked by an unknown process (waited 0.0 s)", path.display()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn nobody_but_its_owner_can_hold_it() {
        const NOBODY: u32 = 65534;
        let test = "nobody_but_its_owner_can_hold_it";
        if !rustix::process::geteuid().is_root() {
            return crate::testing::skip(test, "only root can be somebody else");
        }
        // Everybody must get there; a folder in TMPDIR may be below a private one.
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().join("initial.lock");
        // One that an earlier version left.
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let others = || {
            let mut command = Command::new("flock");
            command.args(["--nonblock", "--shared"]).arg(&path).arg("true").uid(NOBODY).gid(NOBODY);
            command.stderr(std::process::Stdio::null()).status().unwrap().success()
        };
        assert!(others(), "as long as everybody may read the file");
        let held = Lock::take(dir.path(), "initial", SOON).unwrap();
        drop(held);
        assert!(!others());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        let _new = Lock::take(dir.path(), "netns-3", SOON).unwrap();
        let mode = dir.path().join("netns-3.lock").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }

    #[test]
    fn folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let error = Lock::take(&dir.path().join("file/run"), "initial", SHORT).unwrap_err();
        assert!(error.to_string().starts_with("cannot make the folder "), "{error}");
    }
}
