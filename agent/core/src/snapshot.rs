//! Snapshots: everything a plan needs of a host, so that the plan can be computed elsewhere.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::conntrack::ConntrackUsage;
use crate::document;
use crate::document::DocumentError;
use crate::document::Known;
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
    /// How much connection tracking was used; nothing where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<ConntrackUsage>,
    /// What trimtab has changed and would put back.
    pub held: BTreeMap<Address, Held>,
    /// What the next boot sets, by address; empty outside the initial namespace.
    pub next_boot: BTreeMap<Address, BootSetting>,
}

impl Snapshot {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn parse(bytes: &[u8]) -> Result<Snapshot, DocumentError> {
        document::parse(bytes, Known { name: DOCUMENT, word: "snapshot", version: VERSION })
    }
}
