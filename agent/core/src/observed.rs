//! What was read from a host: raw readings at the edge, observed values inside.
//!
//! That an object is absent or unreadable is a fact about the host, never an error.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::value::Value;

/// What reading one kernel object gave, before anybody interpreted it. A snapshot holds these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// The text the kernel gave, without its final newline, and whether its mode lets anybody write it.
    Text {
        /// What the kernel printed.
        text: String,
        /// Whether the file mode has a write bit (`mode & 0222`).
        writable: bool,
    },
    /// A value that the kernel gave as a number or a bit, and whether it can be changed.
    Typed {
        /// What the kernel gave.
        value: Value,
        /// Whether this device lets anybody change it.
        writable: bool,
    },
    /// There is no such object.
    Absent,
    /// The device is there, and its driver has no such thing (EOPNOTSUPP).
    Unsupported,
    /// It exists, but this user may not read it (EACCES, EPERM).
    Denied,
    /// It exists and can only be written (mode 0200): an action, not a state.
    WriteOnly,
    /// A secret: not read on purpose.
    Withheld,
    /// Reading failed otherwise, e.g. EIO of an unset `stable_secret`.
    Failed {
        /// The errno.
        errno: i32,
    },
}

impl Reading {
    /// What is read where the kernel gives values as they are; there nothing comes as text.
    pub fn as_given(&self) -> Observed {
        match self {
            Reading::Typed { value, writable } => Observed::Value { value: value.clone(), writable: *writable },
            Reading::Text { .. } | Reading::Absent => Observed::Absent,
            Reading::Unsupported => Observed::Unsupported,
            Reading::Denied => Observed::Denied,
            Reading::WriteOnly => Observed::WriteOnly,
            Reading::Withheld => Observed::Withheld,
            Reading::Failed { errno } => Observed::Failed { errno: *errno },
        }
    }
}

/// What the kernel holds at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// A value in canonical form.
    Value {
        /// The canonical value.
        value: Value,
        /// Whether the kernel lets anybody write it here.
        writable: bool,
    },
    /// There is no such object.
    Absent,
    /// The device is there, and its driver has no such thing.
    Unsupported,
    /// It exists, but this user may not read it.
    Denied,
    /// It can only be written.
    WriteOnly,
    /// A secret.
    Withheld,
    /// Reading it fails.
    Failed {
        /// The errno.
        errno: i32,
    },
}

impl Observed {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Observed::Value { value, .. } => Some(value),
            Observed::Absent
            | Observed::Unsupported
            | Observed::Denied
            | Observed::WriteOnly
            | Observed::Withheld
            | Observed::Failed { .. } => None,
        }
    }
}
