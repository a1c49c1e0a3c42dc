//! The desired set: every setting that somebody wants, resolved to one winner each, with its losers as provenance.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::policy::OnDrift;
use crate::policy::Policy;

/// The resolved settings by address. What is not in here is not touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Desired {
    /// One setting per canonical address.
    pub settings: BTreeMap<Address, Setting>,
}

/// What is wanted of one address, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The policy, or why it is not known yet.
    pub want: Want,
    /// What the daemon does on drift.
    pub on_drift: OnDrift,
    /// Whether it is fine that this kernel or device has no such thing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_supported: bool,
    /// Whether an apply loads the module that brings the object, where it is not loaded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub load_module: bool,
    /// The author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The place that won.
    pub origin: Origin,
    /// The places that also speak of this address and lost, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losers: Vec<Loser>,
}

/// A policy that could be worked out, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// Everything it needs is known.
    Decided(Policy),
    /// A fact that an expression needs is not known on this host.
    Undecided {
        /// The fact, e.g. `uplink.speed`.
        fact: String,
        /// The expression as written.
        expression: String,
    },
}

/// A layer of settings, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A profile, by role or include.
    Profile,
    /// The host file.
    Host,
    /// `--set` on the command line.
    CommandLine,
}

/// Where a setting was written down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// A short name of the file, e.g. `egress-proxy.toml`, `host.toml` or `--set`.
    pub file: String,
    /// The line, from 1; 0 on the command line.
    pub line: u32,
    /// The key as written, if a glob or an alias made it another address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_as: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.layer {
            Layer::CommandLine => self.file.clone(),
            Layer::Profile | Layer::Host => format!("{}:{}", self.file, self.line),
        };
        f.pad(&text)
    }
}

/// A place that spoke of an address and lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loser {
    /// Where.
    pub origin: Origin,
    /// What it wanted.
    pub want: Want,
}
