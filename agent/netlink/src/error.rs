//! What goes wrong, in the kernel's own words where it has any.

use std::borrow::Cow;
use std::fmt;
use std::io;

use thiserror::Error;

use crate::wire::Malformed;
use crate::wire::Oversize;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// The kernel refused the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel's answer is not what it should be.
    #[error("{request}: the kernel's answer is malformed: {source}")]
    Malformed {
        /// What was asked.
        request: Cow<'static, str>,
        /// What is wrong with it.
        source: Malformed,
    },
    /// The receive buffer was full and the kernel dropped messages (`ENOBUFS`): what is known is to be read anew.
    #[error("{request}: the receive buffer was full and messages were dropped")]
    Overrun {
        /// What was asked.
        request: Cow<'static, str>,
    },
    /// What was dumped changed each time while it was being dumped (`NLM_F_DUMP_INTR`).
    #[error("{request}: interrupted by changes {tries} times in a row")]
    Interrupted {
        /// What was asked.
        request: Cow<'static, str>,
        /// How often it was tried.
        tries: u32,
    },
    /// The kernel acknowledged the request without the reply that it calls for, or gave no answer at all.
    #[error("{request}: no answer from the kernel")]
    NoAnswer {
        /// What was asked.
        request: Cow<'static, str>,
    },
    /// This kernel, as built and loaded, has no such generic netlink family.
    #[error("the kernel has no netlink family `{family}`")]
    NoFamily {
        /// Name of the family.
        family: String,
    },
    /// The family has no such multicast group.
    #[error("the netlink family `{family}` has no multicast group `{group}`")]
    NoGroup {
        /// Name of the family.
        family: String,
        /// Name of the group.
        group: String,
    },
    /// This kernel is too old for the request, or was built without what it needs.
    #[error("{request}: this kernel cannot do that by netlink")]
    NoCommand {
        /// What was asked.
        request: Cow<'static, str>,
    },
    /// Something that the caller named is unknown to the kernel: a feature, say.
    #[error("{request}: there is no `{name}`")]
    NoName {
        /// What was asked.
        request: Cow<'static, str>,
        /// The name.
        name: String,
    },
    /// The request does not fit into a message.
    #[error("{request}: {source}")]
    Oversize {
        /// What was asked.
        request: Cow<'static, str>,
        /// What does not fit.
        source: Oversize,
    },
    /// A system call failed.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted.
        action: Cow<'static, str>,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: impl Into<Cow<'static, str>>) -> impl FnOnce(io::Error) -> Error {
        let action = action.into();
        |source| Error::Io { action, source }
    }

    /// The errno of a refusal, none for any other error.
    #[must_use]
    pub fn refusal_errno(&self) -> Option<i32> {
        match self {
            Error::Refused(refusal) => Some(refusal.errno),
            Error::Malformed { .. }
            | Error::Overrun { .. }
            | Error::Interrupted { .. }
            | Error::NoAnswer { .. }
            | Error::NoFamily { .. }
            | Error::NoGroup { .. }
            | Error::NoCommand { .. }
            | Error::NoName { .. }
            | Error::Oversize { .. }
            | Error::Io { .. } => None,
        }
    }

    /// Whether kernel, driver or device cannot do what was asked, ever: `EOPNOTSUPP`, or a command that is not there.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        let unsupported = rustix::io::Errno::OPNOTSUPP.raw_os_error();
        self.refusal_errno() == Some(unsupported) || matches!(self, Error::NoCommand { .. } | Error::NoFamily { .. })
    }

    /// Whether there is no such device, or none any more: `ENODEV`.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.refusal_errno() == Some(rustix::io::Errno::NODEV.raw_os_error())
    }

    /// Whether the caller lacks the right to do it: `EPERM` or `EACCES`.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        let denied = [rustix::io::Errno::PERM.raw_os_error(), rustix::io::Errno::ACCESS.raw_os_error()];
        self.refusal_errno().is_some_and(|errno| denied.contains(&errno))
    }
}

/// A refusal by the kernel: its errno, and what its extended acknowledgement says
/// (include/uapi/linux/netlink.h `enum nlmsgerr_attrs`).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Refusal {
    /// What was asked.
    pub request: Cow<'static, str>,
    /// The errno, positive.
    pub errno: i32,
    /// `NLMSGERR_ATTR_MSG`: the reason in the kernel's words.
    pub message: Option<String>,
    /// `NLMSGERR_ATTR_OFFS`: where in the request the attribute lies that was refused, in bytes from its start.
    pub offset: Option<u32>,
    /// `NLMSGERR_ATTR_MISS_TYPE`: the type of an attribute that the request should have had.
    pub missing: Option<u32>,
    /// `NLMSGERR_ATTR_MISS_NEST`: where the nest begins in which it is missing; none if that is the message itself.
    pub missing_in: Option<u32>,
}

impl Refusal {
    /// The errno as an error of std.
    #[must_use]
    pub fn to_io(&self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.request)?;
        if let Some(message) = &self.message {
            write!(f, "{message}: ")?;
        }
        write!(f, "{}", self.to_io())?;
        if let Some(offset) = self.offset {
            write!(f, ", at byte {offset} of the request")?;
        }
        if let Some(missing) = self.missing {
            write!(f, ", attribute {missing} is missing")?;
        }
        if let Some(nest) = self.missing_in {
            write!(f, " in the one at byte {nest}")?;
        }
        Ok(())
    }
}
