//! Everything that was loaded without an error, ready to be resolved on any host.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::glob::Pattern;
use super::host::Declared;
use super::host::HostConfig;
use super::link::Subject;
use super::queues;
use super::resolve;
use super::resolve::Resolved;
use super::statement::Statement;
use super::statement::Target;
use crate::desired::Origin;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::OnDrift;

/// Profiles, host file and arguments that have no error in themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// What the host file says of the daemon, with its defaults.
    pub host: HostConfig,
    /// The roles of this host, sorted.
    pub roles: Vec<String>,
    /// The profiles that the roles include, sorted.
    pub included: Vec<String>,
    /// The parameters with their values.
    pub params: BTreeMap<String, ParamValue>,
    /// The same for expressions.
    pub(super) values: BTreeMap<String, FactValue>,
    pub(super) unmanaged: Option<Vec<Pattern>>,
    pub(super) declared: Vec<Declared>,
    pub(super) speakers: Vec<Speaker>,
}

/// The value of a parameter and the place that decided it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamValue {
    /// The value, quantities as plain numbers.
    pub value: FactValue,
    /// Where it is written.
    pub origin: Origin,
}

/// One file, or the command line, with everything it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Speaker {
    /// Steps of includes from a role; 0 for the host file and the command line.
    pub(super) depth: usize,
    /// The speakers that it beats because it includes them.
    pub(super) beats: BTreeSet<usize>,
    /// What happens on drift where a setting does not say.
    pub(super) on_drift: Option<OnDrift>,
    pub(super) statements: Vec<Statement>,
}

impl Bundle {
    /// What the bundle means on a host with these facts and network interfaces. The facts come back in the answer.
    ///
    /// Pure, so that the same bundle can be tried on sample hosts.
    pub fn resolve(&self, facts: Facts, interfaces: &BTreeSet<String>) -> Resolved {
        resolve::resolve(self, facts, interfaces)
    }

    /// What must be known of each interface besides its name, by inner name: what formulas mention, what `match` looks
    /// at, and how many queues there are where a glob is about them.
    pub fn needed_link_facts(&self) -> BTreeSet<&'static str> {
        let mut needed = BTreeSet::new();
        for statement in self.speakers.iter().flat_map(|speaker| &speaker.statements) {
            for formula in statement.draft.policy.formulas() {
                needed
                    .extend(formula.expression.references().facts.iter().filter_map(|fact| fact.strip_prefix("link.")));
            }
            match &statement.target {
                Target::Link(target) => {
                    needed.extend(target.matcher.facts());
                    match &target.subject {
                        Subject::Queues { queues: _, attribute } => needed.extend(queues::facts(attribute.direction())),
                        Subject::One(_) => {}
                    }
                }
                Target::Tc(target) => {
                    needed.extend(target.matcher.facts());
                    // Whether there is a queue for each of its leaves.
                    if statement.draft.policy.trees().any(|tree| tree.word == "mq" && !tree.children.is_empty()) {
                        needed.insert("tx_queues");
                    }
                }
                Target::Sysctl(_) | Target::Nft(_) => {}
            }
        }
        needed.remove("name");
        needed
    }

    /// Whether any section speaks of links.
    pub fn speaks_of_links(&self) -> bool {
        let mut statements = self.speakers.iter().flat_map(|speaker| &speaker.statements);
        statements.any(|statement| matches!(statement.target, Target::Link(_)))
    }

    /// The facts of a host with those that its host file declares.
    pub(super) fn with_declared(&self, mut facts: Facts) -> Facts {
        for Declared { link, name, value, source } in &self.declared {
            match link {
                Some(link) => facts.insert_link(link, name, value.clone(), source),
                None => facts.insert(name, value.clone(), source),
            }
        }
        facts
    }
}
