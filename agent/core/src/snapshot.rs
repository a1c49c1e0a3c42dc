//! Snapshots: everything a plan needs of a host, so that the plan can be computed elsewhere.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use crate::address::Address;
use crate::facts::Facts;
use crate::host::HostId;
use crate::journal::Held;
use crate::observed::Reading;
use crate::sysctld::BootSetting;

/// The name of the document, in its first field.
pub const DOCUMENT: &str = "trimtab.snapshot";
/// The version of the document that this trimtab writes.
pub const VERSION: u32 = 1;

/// One namespace of one host at one moment. Secrets are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The name of the document.
    pub document: String,
    /// The version of the document.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Seconds since 1970.
    pub at: u64,
    /// The host, boot and namespace.
    pub host: HostId,
    /// What is known of it.
    pub facts: Facts,
    /// The interfaces of the namespace.
    pub interfaces: BTreeSet<String>,
    /// Those of them that have an IPv4 address.
    pub addressed: BTreeSet<String>,
    /// What was read, by address.
    pub readings: BTreeMap<Address, Reading>,
    /// What trimtab has changed and would put back.
    pub held: BTreeMap<Address, Held>,
    /// What the next boot sets, by address; empty outside the initial namespace.
    pub next_boot: BTreeMap<Address, BootSetting>,
}

/// Why a snapshot cannot be used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// Not JSON, or not of this shape.
    #[error("it is no snapshot: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another document.
    #[error("it is a `{0}`, not a `{DOCUMENT}`")]
    OtherDocument(String),
    /// Written by a newer trimtab.
    #[error("it is of version {0}, this trimtab knows up to {VERSION}")]
    Newer(u32),
}

#[derive(Deserialize)]
struct Head {
    document: String,
    version: u32,
}

impl Snapshot {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn parse(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
        let head: Head = serde_json::from_slice(bytes)?;
        if head.document != DOCUMENT {
            return Err(SnapshotError::OtherDocument(head.document));
        }
        if head.version > VERSION {
            return Err(SnapshotError::Newer(head.version));
        }
        Ok(serde_json::from_slice(bytes)?)
    }
}
