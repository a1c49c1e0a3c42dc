//! Comparing what is wanted with what is there, without simulating anything: the heart of `verify` and of drift.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::Class;
use super::Finding;
use super::build::never;
use crate::address::Address;
use crate::desired::Desired;
use crate::desired::Origin;
use crate::desired::Setting;
use crate::desired::Want;
use crate::kind::Decision;
use crate::kind::World;
use crate::kind::rules_of;
use crate::policy::Policy;
use crate::value::Value;

/// A live value that does not satisfy what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mismatch {
    /// Where.
    pub address: Address,
    /// The policy that does not hold.
    pub policy: Policy,
    /// A value that would satisfy it: what an apply would write.
    pub wanted: Value,
    /// The live value.
    pub found: Value,
    /// Who wants it.
    pub origin: Origin,
}

/// The result of comparing every setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Every mismatch, in order of addresses.
    pub mismatches: Vec<Mismatch>,
    /// Settings that cannot be compared, each with its reason.
    pub findings: Vec<Finding>,
    /// Settings that hold.
    pub as_wanted: Vec<Address>,
}

impl Comparison {
    fn tell(&mut self, class: Class, code: &str, address: &Address, why: String, setting: &Setting) {
        self.findings.push(Finding::about(class, code, address, why).with_origin(Some(&setting.origin)));
    }
}

/// Compares every setting with the world as it was read.
pub fn compare(desired: &Desired, world: &World) -> Comparison {
    let mut comparison = Comparison::default();
    let settings: &BTreeMap<Address, Setting> = &desired.settings;
    for (address, setting) in settings {
        one(&mut comparison, address, setting, world);
    }
    comparison
}

fn one(comparison: &mut Comparison, address: &Address, setting: &Setting, world: &World) {
    let rules = rules_of(address);
    let policy = match &setting.want {
        Want::Decided(policy) => policy,
        Want::Undecided { fact, expression: _ } => {
            if let Some(obstacle) = never(address, world) {
                comparison.findings.push(Finding::of_obstacle(address, obstacle, Some(setting)));
                return;
            }
            let message = format!("{fact} is not known on this host");
            let finding = Finding::about(Class::Pending, "fact-unknown", address, message);
            comparison.findings.push(finding.with_origin(Some(&setting.origin)));
            return;
        }
    };
    let observed = world.read(address);
    let obstacle = rules.obstacle(address, observed, world);
    let Some(found) = observed.value() else {
        if let Some(obstacle) = obstacle {
            comparison.findings.push(Finding::of_obstacle(address, obstacle, Some(setting)));
        }
        return;
    };
    match rules.decide(address, policy, found, world) {
        Decision::Satisfied => comparison.as_wanted.push(address.clone()),
        Decision::Write(wanted) => match obstacle {
            // What could never be put in force is no drift.
            Some(obstacle) => {
                comparison.findings.push(Finding::of_obstacle(address, obstacle, Some(setting)));
            }
            None => comparison.mismatches.push(Mismatch {
                address: address.clone(),
                policy: policy.clone(),
                wanted,
                found: found.clone(),
                origin: setting.origin.clone(),
            }),
        },
        Decision::Blocked(why) => comparison.tell(Class::Blocked, "unavailable", address, why, setting),
        Decision::Lacking(why) => {
            let class = if setting.if_supported { Class::Note } else { Class::Blocked };
            comparison.tell(class, "unsupported", address, why, setting);
        }
        Decision::Conflict(why) => comparison.tell(Class::Conflict, "foreign", address, why, setting),
    }
}
