//! Entering network namespaces.
//!
//! A namespace has a name where ip-netns(8) or its kin bound it to a file of `/run/netns`. Entering one moves the calling
//! thread and nothing else: mounts are never touched, so `/sys` keeps showing the old namespace, while
//! `/proc/sys/net` follows the thread.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::thread::LinkNameSpaceType;
use thiserror::Error;
use trimtab_core::address::is_netns_name;

/// Where ip-netns(8) keeps the names.
pub const FOLDER: &str = "/run/netns";

/// `NSFS_MAGIC` of include/uapi/linux/magic.h.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// Why a namespace was not entered.
#[derive(Debug, Error)]
pub enum EnterError {
    /// The name cannot be one.
    #[error("`{0}` is no name of a network namespace", .name.escape_debug())]
    BadName {
        /// What was asked for.
        name: String,
    },
    /// There is no namespace of this name.
    #[error("there is no network namespace `{name}`: no file {FOLDER}/{name}")]
    NoSuch {
        /// What was asked for.
        name: String,
    },
    /// The file is no namespace: what is left where the mount is gone, or something else altogether.
    #[error(
        "{FOLDER}/{name} is no network namespace, only a file of that name: delete it with `ip netns delete {name}`"
    )]
    NoNamespace {
        /// What was asked for.
        name: String,
    },
    /// This user may not enter it.
    #[error("may not enter network namespace `{name}`: needs root or CAP_SYS_ADMIN ({cause})")]
    Denied {
        /// What was asked for.
        name: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// Threads of this process would stay behind in the old namespace.
    #[error("cannot enter network namespace `{name}` once {threads} threads run")]
    Threads {
        /// What was asked for.
        name: String,
        /// How many threads there are.
        threads: usize,
    },
    /// Anything else.
    #[error("cannot enter network namespace `{name}`: {cause}")]
    Failed {
        /// What was asked for.
        name: String,
        /// The system's reason.
        cause: io::Error,
    },
}

/// A socket that stands in the calling thread's namespace, to ask about it. One of unix needs no privilege and no protocol
/// module, and stands in a network namespace all the same.
///
/// # Errors
/// The system's.
pub(crate) fn socket() -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
}

/// Moves this process, which must have one thread only, into the namespace that `/run/netns` knows by this name.
///
/// # Errors
/// [`EnterError`]; the namespace is then the old one.
pub fn enter(name: &str) -> Result<(), EnterError> {
    let threads = std::fs::read_dir("/proc/self/task")
        .map(Iterator::count)
        .map_err(|cause| EnterError::Failed { name: name.to_owned(), cause })?;
    if threads != 1 {
        return Err(EnterError::Threads { name: name.to_owned(), threads });
    }
    enter_thread(name)
}

/// Moves the calling thread into the namespace that `/run/netns` knows by this name. Other threads stay where they are.
///
/// # Errors
/// [`EnterError`]; the namespace is then the old one.
pub fn enter_thread(name: &str) -> Result<(), EnterError> {
    if !is_netns_name(name) {
        return Err(EnterError::BadName { name: name.to_owned() });
    }
    // Symlinks are followed: container runtimes' namespaces are often linked here as /proc/PID/ns/net.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let path = format!("{FOLDER}/{name}");
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| classify(name, error))?;
    let filesystem = rustix::fs::fstatfs(&file).map_err(|error| classify(name, error))?;
    if u64::try_from(filesystem.f_type) != Ok(NSFS_MAGIC) {
        return Err(EnterError::NoNamespace { name: name.to_owned() });
    }
    rustix::thread::move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| classify(name, error))
}

fn classify(name: &str, error: rustix::io::Errno) -> EnterError {
    use rustix::io::Errno;
    let name = name.to_owned();
    match error {
        Errno::NOENT | Errno::NOTDIR => EnterError::NoSuch { name },
        // setns(2): the file is a namespace of another type; open(2): a socket.
        Errno::INVAL | Errno::NXIO => EnterError::NoNamespace { name },
        Errno::PERM | Errno::ACCESS => EnterError::Denied { name, cause: error.into() },
        _ => EnterError::Failed { name, cause: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::netns_cookie;
    use crate::testing::in_new_netns_and_mounts;
    use crate::testing::run;

    #[test]
    fn bad_names_are_refused_before_any_file_is_opened() {
        for name in ["", ".", "..", "a/b", "../../etc/passwd", "a\0b"] {
            assert!(matches!(enter_thread(name), Err(EnterError::BadName { .. })), "{name:?}");
        }
    }

    #[test]
    fn unknown_name_says_where_it_looked() {
        let error = enter_thread("trimtab-test-no-such").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no network namespace `trimtab-test-no-such`: no file /run/netns/trimtab-test-no-such"
        );
    }

    #[test]
    fn refuses_to_leave_other_threads_behind() {
        // The test harness runs at least this thread and its own.
        assert!(matches!(enter("x"), Err(EnterError::Threads { threads: 2.., .. })));
    }

    #[test]
    fn enters_what_ip_netns_made_and_nothing_else() {
        in_new_netns_and_mounts("enters_what_ip_netns_made_and_nothing_else", || {
            // Private mounts: a /run of our own, so that nothing of the host's is seen or touched.
            let none = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", "/run", "tmpfs", none, None).unwrap();
            run("ip", &["netns", "add", "blue"]);
            let inside: u64 = {
                run("ip", &["netns", "exec", "blue", "sysctl", "-qw", "net.core.somaxconn=777"]);
                netns_cookie().unwrap()
            };
            std::fs::write("/run/netns/file", "").unwrap();
            std::os::unix::fs::symlink("/proc/self/ns/uts", "/run/netns/uts").unwrap();
            assert!(matches!(enter_thread("file"), Err(EnterError::NoNamespace { .. })));
            assert!(matches!(enter_thread("uts"), Err(EnterError::NoNamespace { .. })));
            assert_eq!(netns_cookie().unwrap(), inside);
            enter_thread("blue").unwrap();
            assert_ne!(netns_cookie().unwrap(), inside);
            let seen = crate::file::read(std::path::Path::new("/proc/sys/net/core/somaxconn"), 100).unwrap();
            assert_eq!(seen, b"777\n");
        });
    }
}
