//! Reading a host once for a plan.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::kind::Surroundings;
use trimtab_core::kind::World;
use trimtab_core::kind::rules_of;
use trimtab_core::observed::Observed;
use trimtab_core::observed::Reading;
use trimtab_core::plan::Goal;
use trimtab_core::plan::Input;
use trimtab_core::plan::Plan;
use trimtab_core::plan::build;
use trimtab_core::plan::compare::Comparison;
use trimtab_core::plan::compare::compare;
use trimtab_core::profile::Bundle;
use trimtab_kernel::Kernel;

/// What is known of a host before its values are read.
#[derive(Debug, Clone)]
pub struct Host {
    /// The host, boot and namespace.
    pub id: HostId,
    /// What is known of it.
    pub facts: Facts,
    /// The interfaces of the namespace.
    pub interfaces: BTreeSet<String>,
    /// Those of them that have an IPv4 address.
    pub addressed: BTreeSet<String>,
    /// Whether the facts of its interfaces have been asked for.
    links_known: bool,
    /// What becomes of the plans that are made for it.
    pub plans_are: PlansAre,
}

/// What becomes of a plan, and so what is worth learning for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlansAre {
    /// Shown and forgotten. They do without what tells interfaces from others: to learn that is a third of what a plan of many
    /// links costs.
    Shown,
    /// Handed on, as a document or to a comparison.
    Kept,
    /// Carried out at once: what they are about is read again and again.
    Executed,
}

impl Host {
    /// Learns what there is to know.
    ///
    /// # Errors
    /// If the interfaces cannot be listed.
    pub fn learn(kernel: &mut dyn Kernel) -> io::Result<Host> {
        Ok(Host {
            id: kernel.identity().clone(),
            facts: kernel.facts(),
            interfaces: kernel.interfaces()?,
            addressed: kernel.addressed()?,
            links_known: false,
            plans_are: PlansAre::Kept,
        })
    }

    /// Learns what there is to know of the interfaces, if the rules of any of these addresses ask for it. What is known
    /// already, e.g. by the host file's word, stays.
    pub fn learn_links<'a>(&mut self, kernel: &mut dyn Kernel, addresses: impl IntoIterator<Item = &'a Address>) {
        if self.links_known || !addresses.into_iter().any(|address| rules_of(address).needs_link_facts()) {
            return;
        }
        self.links_known = true;
        self.facts.fill_links(kernel.link_facts(&self.interfaces, &Asked::for_rules()));
    }

    /// Learns what the sections and formulas of a bundle ask about the interfaces and, where it speaks of links, what their
    /// rules will ask: all in one question.
    pub fn learn_links_for(&mut self, kernel: &mut dyn Kernel, bundle: &Bundle) {
        let mut needed: BTreeSet<&'static str> = bundle.needed_link_facts();
        if bundle.speaks_of_links() && !self.links_known {
            needed.extend(Asked::FOR_RULES);
            self.links_known = true;
        }
        if !needed.is_empty() {
            let asked = Asked::Only(needed.into_iter().map(str::to_owned).collect());
            self.facts.extend_links(kernel.link_facts(&self.interfaces, &asked));
        }
    }

    /// What is known before any value is read.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { interfaces: &self.interfaces, facts: &self.facts }
    }

    /// The world as these values show it.
    pub fn world<'a>(&'a self, observed: &'a BTreeMap<Address, Observed>) -> World<'a> {
        World::new(&self.id, &self.facts, &self.interfaces, &self.addressed, observed)
    }

    /// The same host with the interfaces that there are now. What the host file declares of the host stays.
    ///
    /// # Errors
    /// If the interfaces cannot be listed.
    pub fn with_interfaces_of_now(&self, kernel: &mut dyn Kernel) -> io::Result<Host> {
        let (interfaces, addressed) = (kernel.interfaces()?, kernel.addressed()?);
        let mut host = Host { interfaces, addressed, links_known: false, ..self.clone() };
        if self.links_known {
            host.facts.links = kernel.link_facts(&host.interfaces, &Asked::for_rules());
            host.links_known = true;
        }
        Ok(host)
    }

    /// Reads all that the goals need, and builds the plan that reaches them. `links` are the interfaces that the goals speak of,
    /// if they were followed to the names of a moment ago. Interfaces that were learnt of and have gone since, or of which it is
    /// not certain whose values were read, are told, and the plan takes them for gone.
    ///
    /// # Errors
    /// If the kernel does not tell interfaces apart.
    pub fn look_and_plan(
        &self,
        kernel: &mut dyn Kernel,
        goals: &BTreeMap<Address, Goal>,
        links: Option<InterfaceIds>,
    ) -> io::Result<Planned> {
        let addresses = trimtab_core::plan::build::addresses(goals, &self.surroundings());
        // Before they are read: what is read of another that takes a name is not acted upon.
        let mut links = match links {
            Some(links) => Some(links),
            None => self.links_of(kernel, &addresses)?,
        };
        if self.plans_are == PlansAre::Executed {
            kernel.hold(&mut goals.keys());
        }
        let mut observed = observe(kernel, addresses, &self.facts);
        let reached = trimtab_core::plan::build::reached(&self.input(&self.interfaces, &observed, goals));
        if !reached.is_empty() {
            if links.is_none() {
                links = self.links_of(kernel, &reached)?;
            }
            observed.extend(observe(kernel, reached, &self.facts));
        }
        let mut gone = self.gone(kernel, &observed);
        if let Some(links) = &links {
            // What was read of them may be another's: they were not there when interfaces were told apart.
            let unclear = |name: &str| self.interfaces.contains(name) && !links.contains_key(name);
            for (address, observed) in &mut observed {
                if let Some(name) = address.interface().filter(|name| unclear(name)) {
                    gone.insert(name.to_owned());
                    *observed = Observed::Absent;
                }
            }
        }
        let mut interfaces = Cow::Borrowed(&self.interfaces);
        if !gone.is_empty() {
            interfaces.to_mut().retain(|interface| !gone.contains(interface));
        }
        let mut plan = build(&self.input(&interfaces, &observed, goals));
        if let Some(mut links) = links {
            let spoken_of = goals.keys().chain(plan.touched()).filter_map(Address::interface);
            let spoken_of: BTreeSet<&str> = spoken_of.collect();
            links.retain(|name, _| spoken_of.contains(name.as_str()));
            plan.links = links;
        }
        Ok(Planned { plan, gone })
    }

    /// What tells interfaces from others, if any of these addresses is an interface's.
    fn links_of(&self, kernel: &mut dyn Kernel, addresses: &BTreeSet<Address>) -> io::Result<Option<InterfaceIds>> {
        let is_asked =
            self.plans_are != PlansAre::Shown && addresses.iter().any(|address| address.interface().is_some());
        if is_asked { kernel.links() } else { Ok(None) }
    }

    fn input<'a>(
        &'a self,
        interfaces: &'a BTreeSet<String>,
        observed: &'a BTreeMap<Address, Observed>,
        goals: &'a BTreeMap<Address, Goal<'a>>,
    ) -> Input<'a> {
        Input { host: &self.id, facts: &self.facts, interfaces, addressed: &self.addressed, observed, goals }
    }

    /// Compares a set with what is there now. Interfaces that have gone meanwhile are taken for gone.
    pub fn compare(&mut self, kernel: &mut dyn Kernel, desired: &Desired) -> Comparison {
        let mut addresses: BTreeSet<Address> = desired.settings.keys().cloned().collect();
        for address in desired.settings.keys() {
            addresses.extend(rules_of(address).closure(address, &self.surroundings()));
        }
        let observed = observe(kernel, addresses, &self.facts);
        let gone = self.gone(kernel, &observed);
        self.interfaces.retain(|interface| !gone.contains(interface));
        compare(desired, &self.world(&observed))
    }

    /// The interfaces that went away or got another name since they were learnt of: udev(7) renames them while a host boots.
    /// They are listed once more only if something of one cannot be had.
    pub fn gone(&self, kernel: &mut dyn Kernel, observed: &BTreeMap<Address, Observed>) -> BTreeSet<String> {
        let is_missed = |(address, observed): (&Address, &Observed)| match observed {
            Observed::Absent | Observed::Failed { .. } => {
                address.interface().is_some_and(|interface| self.interfaces.contains(interface))
            }
            Observed::Value { .. }
            | Observed::Unsupported
            | Observed::Denied
            | Observed::WriteOnly
            | Observed::Withheld => false,
        };
        if !observed.iter().any(is_missed) {
            return BTreeSet::new();
        }
        // Who cannot be listed any more is not known to be gone.
        let now = kernel.interfaces().unwrap_or_else(|_| self.interfaces.clone());
        self.interfaces.difference(&now).cloned().collect()
    }
}

/// A plan, and what it was found to be without.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The interfaces that went, came or were renamed while it was made.
    pub gone: BTreeSet<String>,
}

/// What the kernel holds at these addresses, in their order and in canonical form.
pub fn look(kernel: &mut dyn Kernel, addresses: &[Address], facts: &Facts) -> Vec<Observed> {
    let readings = kernel.read(addresses);
    interpret(addresses, readings, facts)
}

/// Readings in canonical form.
pub fn interpret(addresses: &[Address], readings: Vec<Reading>, facts: &Facts) -> Vec<Observed> {
    let observed = addresses.iter().zip(readings);
    observed.map(|(address, reading)| rules_of(address).observe(address, &reading, facts)).collect()
}

/// What the kernel holds at these addresses, in canonical form.
pub fn observe(
    kernel: &mut dyn Kernel,
    addresses: impl IntoIterator<Item = Address>,
    facts: &Facts,
) -> BTreeMap<Address, Observed> {
    let addresses: Vec<Address> = addresses.into_iter().collect();
    let observed = look(kernel, &addresses, facts);
    addresses.into_iter().zip(observed).collect()
}
