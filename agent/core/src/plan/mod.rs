//! Plans: the ordered changes between what is wanted and what was observed.
//!
//! [`build`](build::build) merges desired, held and observed once; plan, apply, verify and undo all read that one
//! merge, so that they cannot disagree. It is a simulation: each change carries what may be found at its turn, effects of
//! earlier changes included, and what to do then. Executing a plan takes no decision.

pub mod build;
pub mod compare;
pub mod finding;
pub mod goal;
pub mod saved;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

pub use build::Input;
pub use build::build;
pub use finding::Class;
pub use finding::Finding;
pub use goal::Goal;

use crate::address::Address;
use crate::desired::Origin;
use crate::facts::Facts;
use crate::interface_id::InterfaceIds;
use crate::kind::Effect;
use crate::kind::rules_of;
use crate::value::Value;

/// What is to be done on one host, in order, and what is to be said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The changes, in the order of writing.
    pub changes: Vec<Change>,
    /// What cannot be done now, conflicts and notes.
    pub findings: Vec<Finding>,
    /// Modules that settings ask for and that are not loaded. An apply loads them before anything else and plans anew: what they
    /// bring is known only then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<Load>,
    /// Settings that hold already, or hold as soon as an effect has come.
    pub as_wanted: Vec<Address>,
    /// The interfaces that it is about, as they were called when their values were read. Another one of the same
    /// name is not touched.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: InterfaceIds,
}

/// A module to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// Its name.
    pub module: String,
    /// The settings that wait for it.
    pub addresses: Vec<Address>,
}

/// One write to one kernel object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Why it is made.
    pub action: Action,
    /// The addresses that it carries: one, but where the kernel takes several in one message.
    pub cells: Vec<Cell>,
    /// Which cell moves what of the effects and guards, where it is not the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caused_by: BTreeMap<Address, Address>,
    /// What it does to traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disrupts: Option<String>,
    /// What moves with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// What looks as if it would move and stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<Address>,
    /// What does not move now and would when the change is taken back: it must be put back then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Effect>,
}

/// Why a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A setting wants it.
    Set,
    /// No setting wants it any more: it goes back to what was there before trimtab.
    Return,
}

/// One address of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The address.
    pub address: Address,
    /// The value read when the plan was made.
    pub from: Value,
    /// What may be found at the change's turn, and what to do then; the most likely first. Anything else is stale.
    pub cases: Vec<Case>,
    /// What to write where something else is found, if an earlier change lets the kernel choose what becomes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Value>,
    /// The most that can be written here, where the kernel tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
    /// Who wants it; nobody for a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The author's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One value that may be found at a change's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// What is found.
    pub found: Value,
    /// What to write then; nothing if it is good enough.
    pub write: Option<Value>,
}

impl Cell {
    /// The value that the cell most likely leaves.
    pub fn to(&self) -> &Value {
        self.cases.iter().find_map(|case| case.write.as_ref()).or(self.otherwise.as_ref()).unwrap_or(&self.from)
    }

    /// Every value that the cell may leave.
    pub fn wanted(&self) -> Vec<Value> {
        let mut wanted: Vec<Value> = Vec::new();
        let cases = self.cases.iter().map(|case| case.write.as_ref().unwrap_or(&case.found));
        for left in cases.chain(&self.otherwise) {
            if !wanted.contains(left) {
                wanted.push(left.clone());
            }
        }
        wanted
    }
}

/// What a plan says about the value that is found at a cell's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It is good enough.
    Leave,
    /// Write this.
    Write(&'a Value),
    /// It foresaw no such value.
    Stale,
}

impl Cell {
    /// What the plan does with the value that is found at the cell's turn.
    pub fn answer(&self, found: &Value, facts: &Facts) -> Answer<'_> {
        let same = |value: &Value| rules_of(&self.address).equivalent(&self.address, value, found, facts);
        // What one case stands for besides itself may be another case.
        let exact = self.cases.iter().find(|case| case.found == *found);
        match (exact.or_else(|| self.cases.iter().find(|case| same(&case.found))), &self.otherwise) {
            (Some(case), _) => case.write.as_ref().map_or(Answer::Leave, Answer::Write),
            (None, Some(to)) if same(to) => Answer::Leave,
            (None, Some(to)) => Answer::Write(to),
            (None, None) => Answer::Stale,
        }
    }
}

impl Plan {
    /// The addresses of all changes, in order.
    pub fn changed(&self) -> impl Iterator<Item = &Address> {
        self.changes.iter().flat_map(|change| &change.cells).map(|cell| &cell.address)
    }

    /// The effects of all changes, each with its cause, in order.
    pub fn effects(&self) -> impl Iterator<Item = (&Address, &Effect)> {
        self.with_cause(|change| &change.effects)
    }

    /// What moves only when a change is taken back, each with its cause, in order.
    pub fn guards(&self) -> impl Iterator<Item = (&Address, &Effect)> {
        self.with_cause(|change| &change.guards)
    }

    /// Every address that may have another value once it is carried out, or once it is taken back.
    pub fn touched(&self) -> impl Iterator<Item = &Address> {
        let moved = self.changes.iter().flat_map(|change| change.effects.iter().chain(&change.guards));
        self.changed().chain(moved.map(|effect| &effect.address))
    }

    fn with_cause(&self, of: impl Fn(&Change) -> &[Effect]) -> impl Iterator<Item = (&Address, &Effect)> {
        self.changes.iter().flat_map(move |change| {
            let first = change.cells.first().map(|cell| &cell.address);
            of(change).iter().filter_map(move |effect| Some((change.caused_by.get(&effect.address).or(first)?, effect)))
        })
    }

    /// How many findings are of a class.
    pub fn count(&self, class: Class) -> usize {
        self.findings.iter().filter(|finding| finding.class == class).count()
    }

    /// What was to go back and holds somebody else's value.
    pub fn not_ours(&self) -> Vec<Address> {
        let foreign = self.findings.iter().filter(|finding| finding.code == "not-ours");
        foreign.filter_map(|finding| finding.address.clone()).collect()
    }

    /// Whether something wanted cannot be had now.
    pub fn is_held_up(&self) -> bool {
        self.findings.iter().any(|finding| match finding.class {
            Class::Pending | Class::Blocked | Class::Conflict => true,
            Class::Note => false,
        })
    }
}
