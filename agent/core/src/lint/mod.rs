//! The profile linter: advice on settings that are valid but unwise.
//!
//! It reads a desired set and says what its author would probably not have written with the kernel's documentation at
//! hand: keys that are gone, switches that only ever did harm, values below what today's kernels start with, settings
//! that another one makes void. It is a pass of its own beside the planner: no finding changes a plan or an exit code.
//!
//! Rules about one key are rows of a table in `keys`; those about several settings are functions in `pairs`,
//! those about interfaces in `links`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::address::Address;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::desired::Desired;
use crate::desired::Want;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::value::Value;

mod bounds;
mod classes;
mod keys;
mod links;
mod pairs;

#[cfg(test)]
mod tests;

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lint {
    /// A stable code for machines and searches, e.g. `cargo-cult`.
    pub code: &'static str,
    /// The setting it is about.
    pub address: Address,
    /// What is unwise about it, to be read behind the address and a colon; lower case, no full stop.
    pub message: String,
    /// What to do instead.
    pub advice: String,
}

/// Advice on a desired set, by address. `facts` are those of the host it is for, if it is for one; `live` tells what the
/// kernel holds where that is known, and `None` otherwise.
pub fn lint(desired: &Desired, facts: Option<&Facts>, live: &dyn Fn(&Address) -> Option<Value>) -> Vec<Lint> {
    let view = View { desired, facts, live };
    let mut lints = Vec::new();
    for (address, setting) in &desired.settings {
        let Object::Sysctl(key) = &address.object else { continue };
        let Want::Decided(policy) = &setting.want else { continue };
        let subject = Subject { address, key, policy };
        keys::check(&subject, &mut lints);
        pairs::check(&view, &subject, &mut lints);
    }
    links::check(&view, &mut lints);
    classes::check(&view, &mut lints);
    lints.sort_by(|a, b| (&a.address, a.code, &a.message).cmp(&(&b.address, b.code, &b.message)));
    lints
}

/// What the rules look at beside the setting in hand.
struct View<'a> {
    desired: &'a Desired,
    facts: Option<&'a Facts>,
    live: &'a dyn Fn(&Address) -> Option<Value>,
}

/// The setting in hand.
struct Subject<'a> {
    address: &'a Address,
    key: &'a SysctlKey,
    policy: &'a Policy,
}

impl Subject<'_> {
    fn lint(&self, code: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Lint {
        Lint { code, address: self.address.clone(), message: message.into(), advice: advice.into() }
    }

    /// The address of another key in the same namespace.
    fn beside(&self, key: SysctlKey) -> Address {
        Address { netns: self.address.netns.clone(), object: Object::Sysctl(key) }
    }

    /// The dotted path with the interface, if it has one, as a star: what the table of rules is keyed by.
    fn pattern(&self) -> String {
        let key = match self.key.interface_index() {
            Some(index) => self.key.with_segment(index, "*"),
            None => self.key.clone(),
        };
        key.parts().join(".")
    }
}

impl View<'_> {
    /// The integer that an address will hold: what is wanted of it, else what the kernel holds.
    fn coming(&self, address: &Address) -> Option<i64> {
        match self.desired.settings.get(address).map(|setting| &setting.want) {
            Some(Want::Decided(policy)) => bounds::settles_at(policy, self.live_int(address)),
            Some(Want::Undecided { .. }) => None,
            None => self.live_int(address),
        }
    }

    fn live_int(&self, address: &Address) -> Option<i64> {
        (self.live)(address)?.as_ints()?.first().copied()
    }
}
