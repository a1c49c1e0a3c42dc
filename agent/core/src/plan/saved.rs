//! Saved plans: a plan with all that it holds for, so that exactly it can be applied, on this host and boot only.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use super::Action;
use super::Case;
use super::Change;
use super::Plan;
use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::Sources;
use crate::document;
use crate::document::DocumentError;
use crate::document::Known;
use crate::host::HostId;
use crate::state::SetIdentity;
use crate::value::Value;

/// The name of the document, in its first field.
pub const DOCUMENT: &str = "trimtab.plan";
/// The version of the document that this trimtab writes.
pub const VERSION: u32 = 1;

/// The document that `plan --json` prints and `plan --out` saves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedPlan {
    /// The name of the document.
    pub document: String,
    /// The version of the document.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// A digest of boot, namespace and changes.
    pub id: String,
    /// Seconds since 1970 when it was made.
    pub at: u64,
    /// The host, boot and namespace that it holds for.
    pub host: HostId,
    /// The roles, as named.
    pub roles: Vec<String>,
    /// Every profile that took part, roles first.
    pub profiles: Vec<String>,
    /// A digest of the texts that say what is wanted, whatever they come to on this host.
    pub sources: String,
    /// Counts for people and dashboards.
    pub summary: Summary,
    /// The ordered changes and the findings.
    #[serde(flatten)]
    pub plan: Plan,
    /// What is wanted: the source of the plan.
    pub desired: Desired,
    /// The digest of what is wanted, in a document that has left its process.
    #[serde(default)]
    pub check: String,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Addresses to change.
    pub change: usize,
    /// Of these, changes that disturb traffic.
    pub disrupt: usize,
    /// Modules to load before anything is changed.
    #[serde(default)]
    pub load: usize,
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
    /// It cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Changed since it was saved.
    #[error("its content does not match its id {id}: it was edited or damaged")]
    Edited {
        /// The id it claims.
        id: String,
    },
}

impl SavedPlan {
    /// The document of a plan.
    pub fn new(
        plan: Plan,
        desired: Desired,
        host: HostId,
        roles: Vec<String>,
        profiles: Vec<String>,
        sources: String,
        at: u64,
    ) -> SavedPlan {
        let summary = summary(&plan);
        let id = digest_of_changes(&host, &plan.changes);
        SavedPlan {
            document: DOCUMENT.to_owned(),
            version: VERSION,
            id,
            at,
            host,
            roles,
            profiles,
            sources,
            summary,
            plan,
            desired,
            check: String::new(),
        }
    }

    /// The document with its check, ready to leave this process.
    #[must_use]
    pub fn sealed(self) -> SavedPlan {
        SavedPlan { check: digest_of(&self.desired), ..self }
    }

    /// What identifies the set that the plan puts in force.
    pub fn identity(&self) -> SetIdentity {
        SetIdentity { settings: digest_of(&self.desired), sources: self.sources.clone() }
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    /// [`SavedPlanError`] if it is another document, of a newer version, or not what was saved.
    pub fn parse(bytes: &[u8]) -> Result<SavedPlan, SavedPlanError> {
        let known = Known { name: DOCUMENT, word: "saved plan", version: VERSION };
        let saved: SavedPlan = document::parse(bytes, known)?;
        if saved.id != digest_of_changes(&saved.host, &saved.plan.changes) || saved.check != digest_of(&saved.desired) {
            return Err(SavedPlanError::Edited { id: saved.id });
        }
        Ok(saved)
    }
}

fn summary(plan: &Plan) -> Summary {
    use super::Class;
    Summary {
        change: plan.changed().count(),
        load: plan.loads.len(),
        disrupt: plan.changes.iter().filter(|change| change.disrupts.is_some()).count(),
        pending: plan.count(Class::Pending),
        blocked: plan.count(Class::Blocked),
        conflict: plan.count(Class::Conflict),
        as_wanted: plan.as_wanted.len(),
    }
}

fn digest_of_changes(host: &HostId, changes: &[Change]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(host.boot_id.as_bytes());
    hasher.update(host.netns.cookie.to_le_bytes());
    for cell in changes.iter().flat_map(|change| &change.cells) {
        hasher.update(cell.address.to_string().as_bytes());
        for Case { found, write } in &cell.cases {
            // Values hold strings and numbers only: they always serialise.
            hasher.update(serde_json::to_vec(&(found, write)).unwrap_or_default());
        }
    }
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

/// A digest of the texts that say what is wanted. Facts may make other values of the same texts: at early boot, say,
/// no uplink is known yet.
pub fn digest_of_sources(sources: &Sources) -> String {
    let texts: BTreeSet<(&str, &str)> =
        sources.iter().map(|source| (source.name.as_str(), source.text.as_str())).collect();
    let mut hasher = Sha256::new();
    for (name, text) in texts {
        for part in [name, text] {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
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
    let mut lines = Vec::new();
    for (name, then) in &saved.links {
        if now.links.get(name).is_some_and(|now| !then.is_no_other_than(now)) {
            lines.push(format!("{name}: another interface is called so than when the plan was made"));
        }
    }
    let (then, now) = (describe(saved), describe(now));
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
