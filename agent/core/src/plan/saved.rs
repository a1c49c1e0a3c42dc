//! Saved plans: a plan with all that it holds for, so that exactly it can be applied, on this host and boot only.

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use super::Action;
use super::Change;
use super::Plan;
use crate::address::Address;
use crate::desired::Desired;
use crate::host::HostId;
use crate::value::Value;

/// The name of the document, in its first field.
pub const DOCUMENT: &str = "trimtab.plan";
/// The version of the document that this trimtab writes.
pub const VERSION: u32 = 1;

/// The document that `plan --json` prints and `plan --out` saves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// [`DOCUMENT`].
    pub document: String,
    /// [`VERSION`].
    pub version: u32,
    /// A digest of host, boot, namespace, desired set and changes.
    pub id: String,
    /// Seconds since 1970 when it was made.
    pub at: u64,
    /// The host, boot and namespace that it holds for.
    pub host: HostId,
    /// The roles, as named.
    pub roles: Vec<String>,
    /// Every profile that took part, roles first.
    pub profiles: Vec<String>,
    /// Counts for people and dashboards.
    pub summary: Summary,
    /// The ordered changes and the findings.
    #[serde(flatten)]
    pub plan: Plan,
    /// What is wanted: the source of the plan.
    pub desired: Desired,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Addresses to change.
    pub change: usize,
    /// Of these, changes that disturb traffic.
    pub disrupt: usize,
    /// Settings that cannot be decided or written yet.
    pub pending: usize,
    /// Settings that this kernel or privilege refuses.
    pub blocked: usize,
    /// Values somebody else has changed.
    pub conflict: usize,
    /// Settings that hold.
    pub as_wanted: usize,
}

/// Why a saved plan cannot be used.
#[derive(Debug, Error)]
pub enum SavedPlanError {
    /// Not JSON, or not of this shape.
    #[error("it is no saved plan: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another document.
    #[error("it is a `{0}`, not a `{DOCUMENT}`")]
    OtherDocument(String),
    /// Written by a newer trimtab.
    #[error("it is of version {0}, this trimtab knows up to {VERSION}")]
    Newer(u32),
    /// Changed since it was saved.
    #[error("its content does not match its id {id}: it was edited or damaged")]
    Edited {
        /// The id it claims.
        id: String,
    },
}

#[derive(Deserialize)]
struct Head {
    document: String,
    version: u32,
}

impl SavedPlan {
    /// The document of a plan.
    pub fn new(
        plan: Plan,
        desired: Desired,
        host: HostId,
        roles: Vec<String>,
        profiles: Vec<String>,
        at: u64,
    ) -> SavedPlan {
        let summary = summary(&plan);
        let id = digest(&host, &desired, &plan.changes);
        SavedPlan {
            document: DOCUMENT.to_owned(),
            version: VERSION,
            id,
            at,
            host,
            roles,
            profiles,
            summary,
            plan,
            desired,
        }
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    /// [`SavedPlanError`] if it is another document, of a newer version, or not what was saved.
    pub fn parse(bytes: &[u8]) -> Result<SavedPlan, SavedPlanError> {
        let head: Head = serde_json::from_slice(bytes)?;
        if head.document != DOCUMENT {
            return Err(SavedPlanError::OtherDocument(head.document));
        }
        if head.version > VERSION {
            return Err(SavedPlanError::Newer(head.version));
        }
        let saved: SavedPlan = serde_json::from_slice(bytes)?;
        if saved.id != digest(&saved.host, &saved.desired, &saved.plan.changes) {
            return Err(SavedPlanError::Edited { id: saved.id });
        }
        Ok(saved)
    }
}

fn summary(plan: &Plan) -> Summary {
    use super::Class;
    Summary {
        change: plan.changed().count(),
        disrupt: plan.changes.iter().filter(|change| change.disrupts.is_some()).count(),
        pending: plan.count(Class::Pending),
        blocked: plan.count(Class::Blocked),
        conflict: plan.count(Class::Conflict),
        as_wanted: plan.as_wanted.len(),
    }
}

fn digest(host: &HostId, desired: &Desired, changes: &[Change]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(host.boot_id.as_bytes());
    hasher.update(host.netns.cookie.to_le_bytes());
    // Maps here have string keys and sorted order: they always serialise, and to the same bytes.
    hasher.update(serde_json::to_vec(desired).unwrap_or_default());
    hasher.update(serde_json::to_vec(changes).unwrap_or_default());
    hex(&hasher.finalize())
}

/// A digest of what is wanted, whoever says so: two sets with the same digest put the same in force.
pub fn digest_of(desired: &Desired) -> String {
    let mut hasher = Sha256::new();
    for (address, setting) in &desired.settings {
        hasher.update(address.to_string().as_bytes());
        hasher.update(serde_json::to_vec(&setting.want).unwrap_or_default());
    }
    hex(&hasher.finalize())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// How reality has moved since a plan was made: one line for each change that is not the same any more.
pub fn moved(saved: &Plan, now: &Plan) -> Vec<String> {
    let describe = |plan: &Plan| -> Vec<(Action, Address, Value, Value)> {
        plan.changes
            .iter()
            .flat_map(|change| change.cells.iter().map(|cell| (change.action, cell)))
            .map(|(action, cell)| (action, cell.address.clone(), cell.from.clone(), cell.to().clone()))
            .collect()
    };
    let (then, now) = (describe(saved), describe(now));
    let mut lines = Vec::new();
    for (_, address, from, to) in then.iter().filter(|change| !now.contains(change)) {
        match now.iter().find(|(_, other, _, _)| other == address) {
            Some((_, _, found, wanted)) => {
                lines.push(format!("{address}: planned {from} -> {to}, now {found} -> {wanted}"));
            }
            None => lines.push(format!("{address}: planned {from} -> {to}, now nothing to do or nothing possible")),
        }
    }
    for (_, address, from, to) in
        now.iter().filter(|(_, address, _, _)| !then.iter().any(|(_, other, _, _)| other == address))
    {
        lines.push(format!("{address}: not in the plan, now {from} -> {to}"));
    }
    if lines.is_empty() && then != now {
        lines.push("the order of the changes is not the same".to_owned());
    }
    lines
}
