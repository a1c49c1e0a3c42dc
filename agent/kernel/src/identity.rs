//! Who this host, this boot and this namespace are.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use thiserror::Error;
use trimtab_core::host::HostId;
use trimtab_core::host::NetnsId;

use crate::file;
use crate::netns;
use crate::sys;

/// New at every boot (drivers/char/random.c).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A key that the kernel registers in the initial namespace alone (net/core/sysctl_net_core.c `net_core_table`).
pub(crate) const GLOBAL_ONLY: &str = "/proc/sys/net/core/netdev_max_backlog";

/// Why this host cannot be told from others. Without an identity no state can be kept safely.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The kernel has no namespace cookies.
    #[error("kernel {release} has no SO_NETNS_COOKIE: trimtab needs Linux 5.14 or later")]
    TooOld {
        /// The release of this kernel.
        release: String,
    },
    /// The cookie cannot be read.
    #[error("cannot ask for the cookie of this network namespace: {cause}")]
    Cookie {
        /// The system's reason.
        cause: io::Error,
    },
    /// The boot id cannot be read, e.g. where /proc is not mounted.
    #[error("cannot read {BOOT_ID}: {cause}")]
    Boot {
        /// The system's reason.
        cause: io::Error,
    },
    /// Whether this is the initial namespace cannot be told.
    #[error("cannot look for {GLOBAL_ONLY}: {cause}")]
    Initial {
        /// The system's reason.
        cause: io::Error,
    },
}

/// The identity of this host, this boot, and the network namespace of the calling thread; `name` is the label by which
/// the namespace was entered.
///
/// # Errors
/// [`IdentityError`], if the kernel is too old or /proc is not there.
pub fn identify(name: Option<&str>) -> Result<HostId, IdentityError> {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy().into_owned();
    let cookie = netns_cookie().map_err(|cause| match cause.raw_os_error() {
        Some(libc::ENOPROTOOPT) => IdentityError::TooOld { release: release.clone() },
        Some(_) | None => IdentityError::Cookie { cause },
    })?;
    let boot_id = boot_id().map_err(|cause| IdentityError::Boot { cause })?;
    let initial = is_initial().map_err(|cause| IdentityError::Initial { cause })?;
    Ok(HostId {
        name: uname.nodename().to_string_lossy().into_owned(),
        kernel: release,
        boot_id,
        netns: NetnsId { cookie, name: name.map(str::to_owned), initial },
    })
}

/// The id of this boot.
///
/// # Errors
/// Where /proc cannot be read, or the file holds something else than an id.
pub fn boot_id() -> io::Result<String> {
    let id = file::read_line(Path::new(BOOT_ID))?;
    // It becomes part of records and comparisons; an empty or strange one would make two boots look alike.
    if id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        Ok(id)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is no boot id", id.escape_debug())))
    }
}

/// The cookie of the calling thread's network namespace.
///
/// # Errors
/// `ENOPROTOOPT` before Linux 5.14.
pub fn netns_cookie() -> io::Result<u64> {
    sys::netns_cookie(netns::socket()?.as_fd())
}

/// `/proc/sys/net` follows the calling thread at path lookup, so this answers for its namespace.
pub(crate) fn is_initial() -> io::Result<bool> {
    match rustix::fs::stat(GLOBAL_ONLY) {
        Ok(_) => Ok(true),
        Err(rustix::io::Errno::NOENT) => {
            // Absent because of the namespace, or because there is no /proc/sys/net at all?
            rustix::fs::stat("/proc/sys/net/core")?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_new_netns;

    #[test]
    fn each_namespace_has_its_own_identity() {
        let outside = identify(None).unwrap();
        in_new_netns("each_namespace_has_its_own_identity", move || {
            let here = identify(Some("blue")).unwrap();
            assert_eq!(here.boot_id, outside.boot_id);
            assert_eq!(here.kernel, outside.kernel);
            assert_ne!(here.netns.cookie, outside.netns.cookie);
            assert!(!here.netns.initial);
            assert_eq!(here.netns.name.as_deref(), Some("blue"));
            assert!(!here.same_boot_and_netns(&outside));
            assert!(here.same_boot_and_netns(&identify(None).unwrap()));
        });
    }

    #[test]
    fn kernel_without_cookies_is_named() {
        let error = IdentityError::TooOld { release: "5.10.0".into() };
        assert_eq!(error.to_string(), "kernel 5.10.0 has no SO_NETNS_COOKIE: trimtab needs Linux 5.14 or later");
    }
}
