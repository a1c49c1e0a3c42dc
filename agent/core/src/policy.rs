//! Policies: what is wanted of one setting, after every expression has been evaluated.
//!
//! A policy says when a live value is good enough and, if it is not, what to write. It knows nothing of where a value
//! lives; the kind of the address turns the scalars here into canonical [`crate::value::Value`]s.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::tree::Tree;

/// One scalar as a profile states it, or as an expression returned it. Booleans are 1 and 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// An integer.
    Int(i64),
    /// A word, or any text that the kind gives a meaning to.
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Int(number) => f.pad(&number.to_string()),
            Scalar::Text(text) => f.pad(text),
        }
    }
}

/// One element of a vector: wanted, or left as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// Whatever the kernel holds.
    Keep,
    /// This.
    Is(Scalar),
}

/// A wanted value: one scalar, or a vector by element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// One scalar; for a vector key, a text of several values as sysctl.conf has it.
    One(Scalar),
    /// One entry per element.
    Many(Vec<Element>),
    /// What has a shape of its own; what is not named in it is left open.
    Tree(Box<Tree>),
}

/// When a live value is good enough, and what to write if it is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Exactly this.
    Value(Wanted),
    /// This or more, by element: a floor never lowers.
    AtLeast(Wanted),
    /// This or less, by element.
    AtMost(Wanted),
    /// From the first to the second, inclusive; a value outside becomes the nearest bound.
    Between(Wanted, Wanted),
    /// Any of these; else the first that this kernel has.
    OneOf(Vec<Wanted>),
    /// The first of these that this kernel has.
    Prefer(Vec<Wanted>),
    /// A list that contains at least these members.
    Includes(Vec<Scalar>),
}

impl Policy {
    /// The word that introduces the policy in a profile.
    pub fn word(&self) -> &'static str {
        match self {
            Policy::Value(_) => "value",
            Policy::AtLeast(_) => "at-least",
            Policy::AtMost(_) => "at-most",
            Policy::Between(_, _) => "between",
            Policy::OneOf(_) => "one-of",
            Policy::Prefer(_) => "prefer",
            Policy::Includes(_) => "includes",
        }
    }
}

/// What the daemon does when a setting drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDrift {
    /// Put it back.
    #[default]
    Revert,
    /// Put it back, unless that would disturb traffic: then tell, and leave it. What `revert` of the host means where no profile
    /// says anything.
    RevertUnlessDisruptive,
    /// Tell, and leave it.
    Report,
    /// Say nothing.
    Ignore,
}
