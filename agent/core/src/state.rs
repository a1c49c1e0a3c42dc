//! The state files beside the journal: what is in force, and what nobody has confirmed yet.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::address::Address;
use crate::desired::Desired;
use crate::desired::Setting;
use crate::host::HostId;
use crate::interface_id::InterfaceId;
use crate::interface_id::InterfaceIds;
use crate::interface_id::Whereabouts;
use crate::journal::Caller;

/// The version of the state files that this trimtab writes.
pub const VERSION: u32 = 1;

/// The file `applied`: the desired set last put in force. Replaced whole, and only if it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The version of the file.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Counts the sets that were put in force, from 1.
    pub generation: u64,
    /// The transaction that put it in force.
    pub transaction: String,
    /// The host, boot and namespace.
    pub host: HostId,
    /// Seconds since 1970.
    pub at: u64,
    /// Who put it in force.
    pub caller: Caller,
    /// The roles, as named.
    pub roles: Vec<String>,
    /// Every profile that took part, roles first.
    pub profiles: Vec<String>,
    /// The resolved settings; none after a revert.
    pub desired: Desired,
    /// The interfaces that they were put in force on, those that were there, by the names in the settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: InterfaceIds,
}

impl Applied {
    /// Follows interfaces to the names that they have now, and their settings with them. What was put in force on one that
    /// is not there stays under its name, for whatever is called so: what a name was to be is wanted of whoever has it. Unless
    /// that one brings settings of its own: those that give way to them are told.
    #[must_use = "what gives way is in force on nothing any more"]
    pub fn follow(&mut self, now: &InterfaceIds) -> Vec<GaveWay> {
        let mut names: BTreeMap<&str, (&str, &InterfaceId)> = BTreeMap::new();
        for (then, id) in &self.links {
            let found = match id.find(then, now) {
                Whereabouts::Here(name) => Some((name, id)),
                Whereabouts::Back(name, id) | Whereabouts::Anew(name, id) => Some((name, id)),
                Whereabouts::Away | Whereabouts::Gone => None,
            };
            names.extend(found.map(|found| (then.as_str(), found)));
        }
        // No address can hold some names, some of its settings at least: until it has another one they stay where they are.
        for address in self.desired.settings.keys() {
            let Some(then) = address.interface() else { continue };
            if names.get(then).is_some_and(|(now, _)| address.with_interface(now).is_none()) {
                names.remove(then);
            }
        }
        let is_as_it_was = |(then, id): (&String, &InterfaceId)| names.get(then.as_str()) == Some(&(then.as_str(), id));
        if self.links.iter().all(is_as_it_was) {
            return Vec::new();
        }
        let mut gave_way = Vec::new();
        let mut settings: BTreeMap<Address, Setting> = BTreeMap::new();
        let mut of_name: BTreeMap<Address, Setting> = BTreeMap::new();
        for (address, setting) in std::mem::take(&mut self.desired.settings) {
            let name = address.interface().and_then(|then| names.get(then));
            match name.and_then(|(now, _)| address.with_interface(now)) {
                Some(followed) => settings.insert(followed, setting),
                None => of_name.insert(address, setting),
            };
        }
        for (address, setting) in of_name {
            match settings.entry(address) {
                Entry::Vacant(place) => {
                    place.insert(setting);
                }
                Entry::Occupied(place) => {
                    let of = place.key().interface().and_then(|then| self.links.get(then));
                    gave_way.extend(of.map(|of| GaveWay { address: place.key().clone(), setting, of: of.clone() }));
                }
            }
        }
        self.desired.settings = settings;
        let links = self.links.iter().map(|(then, id)| match names.get(then.as_str()) {
            Some((now, id)) => ((*now).to_owned(), (*id).clone()),
            None => (then.clone(), id.clone()),
        });
        // Of two under one name the one that is there counts.
        let (there, missing): (Vec<_>, Vec<_>) =
            links.partition(|(name, id)| now.get(name).is_some_and(|interface| interface.is_no_other_than(id)));
        self.links = missing.into_iter().chain(there).collect();
        gave_way
    }
}

/// A setting of an interface that is not there, and whose name another one took with settings of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveWay {
    /// The address, by the name that the interface had.
    pub address: Address,
    /// What was wanted of it.
    pub setting: Setting,
    /// The interface.
    pub of: InterfaceId,
}

/// The file `unconfirmed`: a set that was applied for a trial and has not been confirmed.
///
/// It stays behind when the trial ends by itself, so that the next boot does not put the set in force again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unconfirmed {
    /// The version of the file.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The transaction of the trial.
    pub transaction: String,
    /// What identifies the set.
    pub set: SetIdentity,
    /// The boot of the trial.
    pub boot_id: String,
    /// Milliseconds on CLOCK_BOOTTIME at which the trial ends.
    pub confirm_by: u64,
    /// Seconds since 1970 when it began.
    pub at: u64,
    /// Who began it.
    pub caller: Caller,
    /// The process that undoes it, to be ended by a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_pid: Option<u32>,
    /// The transient unit of systemd that undoes it, where it is one instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_unit: Option<String>,
    /// What was in force before: the last confirmed set.
    pub previous: Option<Applied>,
}

/// What identifies a set that was tried: it must not come back at boot under another guise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetIdentity {
    /// A digest of every address and what is wanted there.
    pub settings: String,
    /// A digest of the texts that say so.
    pub sources: String,
}

impl SetIdentity {
    /// Whether both are one set: the same settings whoever says so, or the same texts whatever they come to. At early boot
    /// the same texts may come to other values, since no uplink is known yet.
    pub fn is_same(&self, other: &SetIdentity) -> bool {
        self.settings == other.settings || self.sources == other.sources
    }
}

/// Why a state file cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// Not JSON, or not of this shape.
    #[error("it is damaged: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer trimtab.
    #[error("it is of version {0}, this trimtab knows up to {VERSION}")]
    Newer(u32),
}

/// A state file that says its version.
pub trait Versioned {
    /// The version of the file.
    fn version(&self) -> u32;
}

impl Versioned for Applied {
    fn version(&self) -> u32 {
        self.version
    }
}

impl Versioned for Unconfirmed {
    fn version(&self) -> u32 {
        self.version
    }
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Reads a state file.
///
/// # Errors
/// [`StateError`] if it is damaged or newer than this trimtab.
pub fn parse<T: DeserializeOwned + Versioned>(bytes: &[u8]) -> Result<T, StateError> {
    let parsed: Result<T, _> = serde_json::from_slice(bytes);
    // A newer one may have any other shape.
    let version = match &parsed {
        Ok(parsed) => parsed.version(),
        Err(_) => serde_json::from_slice::<Head>(bytes)?.version,
    };
    if version > VERSION { Err(StateError::Newer(version)) } else { Ok(parsed?) }
}

/// The bytes of a state file, for people to read too.
pub fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    // The state types hold strings, numbers and maps with string keys only: they always serialise.
    let mut bytes = serde_json::to_vec_pretty(state).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

mod gone;

pub use gone::tell_gone;

#[cfg(test)]
mod tests;
