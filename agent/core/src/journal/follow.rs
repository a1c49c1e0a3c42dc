//! Following interfaces: records speak of them by the names that they had, and name and number may be others now.
//!
//! The kernel keeps values when it renames. A device that was made anew, be it the same card plugged in again, has nothing of
//! ours: it holds what its driver chose. From another namespace a device brings its own values along, though not its sysctls,
//! and nobody knows what was done to it there: what is held of it is held as long as it is found there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use super::record;
use super::record::Held;
use super::record::Role;
use super::replay::History;
use super::replay::Transaction;
use super::replay::held_of;
use crate::address::Address;
use crate::facts::Facts;
use crate::interface_id::InterfaceId;
use crate::interface_id::InterfaceIds;
use crate::interface_id::Whereabouts;
use crate::kind::rules_of;
use crate::observed::Observed;
use crate::value::Value;

/// So many devices that are not there are waited for: more than a host has slots and virtual functions. Each command reads
/// what is held of them.
const MOST_AWAY: usize = 1024;

/// Whether following interfaces changed what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// Everything is as it was.
    Nothing,
    /// An interface has another name or number, or is not there.
    Something {
        /// What is held of interfaces that have come back, by its addresses of now: whether it is still there is to be seen,
        /// see [`History::let_go_of_lost`].
        returned: BTreeSet<Address>,
    },
}

/// Where an address leads now.
enum Lead {
    /// To itself; the interface as it is known now.
    Stays(Option<InterfaceId>),
    /// To another name of the same interface.
    Moves(Address, InterfaceId),
    /// To an interface that came back, with the number that it has now.
    Returns(Address, InterfaceId),
    /// Nowhere for now.
    Away,
    /// Nowhere for good.
    Gone,
}

impl Lead {
    /// The address of now, if there is one.
    fn now(&self, then: &Address) -> Option<Address> {
        match self {
            Lead::Stays(_) => Some(then.clone()),
            Lead::Moves(now, _) | Lead::Returns(now, _) => Some(now.clone()),
            Lead::Away | Lead::Gone => None,
        }
    }
}

/// What is found on the way.
struct Way<'a> {
    links: &'a InterfaceIds,
    known: BTreeMap<(String, InterfaceId), Whereabouts<'a>>,
    /// Names that interfaces had, and what those are called now; nothing where one name was several's.
    names: BTreeMap<String, Option<String>>,
    changed: bool,
    /// What is to be looked at once more, by the addresses of then.
    unclear: &'a BTreeSet<Address>,
    returned: BTreeSet<Address>,
}

impl Way<'_> {
    fn lead(&mut self, address: &Address, interface: Option<&InterfaceId>) -> Lead {
        let (Some(name), Some(interface)) = (address.interface(), interface) else { return Lead::Stays(None) };
        let links = self.links;
        let found =
            *self.known.entry((name.to_owned(), interface.clone())).or_insert_with(|| interface.find(name, links));
        let known = |now: &str| links.get(now).map_or_else(|| interface.clone(), |there| interface.as_known_by(there));
        let lead = match found {
            Whereabouts::Here(now) if now == name => Lead::Stays(Some(known(now))),
            // No address can hold some names: until it has another one nothing of it can be reached.
            Whereabouts::Here(now) => {
                address.with_interface(now).map_or(Lead::Away, |address| Lead::Moves(address, known(now)))
            }
            Whereabouts::Back(now, id) => {
                address.with_interface(now).map_or(Lead::Away, |address| Lead::Returns(address, id.clone()))
            }
            Whereabouts::Away => Lead::Away,
            Whereabouts::Anew(..) | Whereabouts::Gone => Lead::Gone,
        };
        let at = lead.now(address);
        if let Some(now) = at.as_ref().and_then(Address::interface) {
            let known = self.names.entry(name.to_owned()).or_insert_with(|| Some(now.to_owned()));
            if known.as_deref() != Some(now) {
                *known = None;
            }
        }
        if self.unclear.contains(address) {
            self.returned.extend(at);
        }
        self.changed |= !matches!(lead, Lead::Stays(_));
        lead
    }
}

/// What the addresses of some records have become; nothing where the interface is not there.
type Led = BTreeMap<Address, Option<Address>>;

/// The address of now, if it is not known to be gone.
fn current(address: &Address, led: &[&Led]) -> Option<Address> {
    led.iter().find_map(|led| led.get(address)).map_or_else(|| Some(address.clone()), Clone::clone)
}

impl History {
    /// Whether anything in it depends on which interfaces there are.
    pub fn speaks_of_links(&self) -> bool {
        let entries = self.open.iter().flat_map(|open| &open.begin.entries).map(|entry| &entry.interface);
        !self.away.is_empty() || self.held.values().map(|held| &held.interface).chain(entries).any(Option::is_some)
    }

    /// Follows interfaces to the names that they have now. What belongs to one that is gone is forgotten; what belongs to
    /// hardware that is not there is put [`away`](History::away) until it comes back.
    pub fn follow(&mut self, links: &InterfaceIds) -> Followed {
        self.follow_again(links, &BTreeSet::new())
    }

    /// As [`History::follow`], where it was followed a moment ago and `unclear` of what had come back could not be seen, since
    /// interfaces got other names meanwhile: it is told as returned once more, wherever it is.
    pub fn follow_again(&mut self, links: &InterfaceIds, unclear: &BTreeSet<Address>) -> Followed {
        let (known, names) = Default::default();
        let mut way = Way { links, known, names, changed: false, unclear, returned: BTreeSet::new() };
        let before = std::mem::take(&mut self.away);
        let led = self.follow_held(&mut way);
        self.follow_open(&mut way, &led);
        self.welcome(before, &mut way, &led);
        self.wait_for_no_more_than(MOST_AWAY);
        for address in &mut self.left {
            let now = address.interface().and_then(|name| way.names.get(name)?.as_deref());
            if let Some(now) = now.and_then(|now| address.with_interface(now)) {
                *address = now;
            }
        }
        if way.changed || !way.returned.is_empty() {
            Followed::Something { returned: way.returned }
        } else {
            Followed::Nothing
        }
    }

    /// Of what is gone there is nothing to put back, as far as anybody can tell.
    fn forget(&mut self, address: Address, held: Held) {
        if held.ours != held.original {
            self.forgotten.push((address, held));
        }
    }

    /// Forgets what has been away the longest, once that many other devices are: those that went last are told first.
    fn wait_for_no_more_than(&mut self, most: usize) {
        let mut devices: BTreeSet<InterfaceId> = BTreeSet::new();
        for (address, held) in std::mem::take(&mut self.away) {
            let known = held.interface.as_ref().is_none_or(|device| devices.contains(device));
            if known || devices.len() < most {
                devices.extend(held.interface.clone());
                self.away.push((address, held));
            } else {
                self.forget(address, held);
            }
        }
    }

    fn follow_held(&mut self, way: &mut Way) -> Led {
        let mut led = Led::new();
        let mut held: BTreeMap<Address, Held> = BTreeMap::new();
        for (address, mut ours) in std::mem::take(&mut self.held) {
            let lead = way.lead(&address, ours.interface.as_ref());
            led.insert(address.clone(), lead.now(&address));
            match lead {
                Lead::Stays(id) => {
                    ours.interface = id.or(ours.interface);
                    // The later word than one that leads here from another name.
                    held.insert(address, ours);
                }
                Lead::Moves(now, id) => {
                    ours.interface = Some(id);
                    held.entry(now).or_insert(ours);
                }
                Lead::Returns(now, id) => {
                    ours.interface = Some(id);
                    way.returned.insert(now.clone());
                    held.entry(now).or_insert(ours);
                }
                Lead::Away => self.away.push((address, ours)),
                Lead::Gone => self.forget(address, ours),
            }
        }
        for ours in held.values_mut() {
            ours.cause = ours.cause.as_ref().and_then(|cause| current(cause, &[&led]));
        }
        // Without its cause nothing moves what was only guarded.
        held.retain(|_, ours| ours.cause.is_some() || ours.ours != ours.original);
        self.held = held;
        led
    }

    fn follow_open(&mut self, way: &mut Way, of_held: &Led) {
        let Some(mut open) = self.open.take() else { return };
        let mut led = Led::new();
        for mut entry in std::mem::take(&mut open.begin.entries) {
            let lead = way.lead(&entry.address, entry.interface.as_ref());
            led.insert(entry.address.clone(), lead.now(&entry.address));
            match lead {
                Lead::Stays(id) => entry.interface = id.or(entry.interface),
                Lead::Moves(now, id) => {
                    entry.address = now;
                    entry.interface = Some(id);
                }
                Lead::Returns(now, id) => {
                    way.returned.insert(now.clone());
                    entry.address = now;
                    entry.interface = Some(id);
                }
                Lead::Away => {
                    self.put_away(&entry, &open);
                    continue;
                }
                Lead::Gone => continue,
            }
            open.begin.entries.push(entry);
        }
        let led: &[&Led] = &[&led, of_held];
        for entry in &mut open.begin.entries {
            entry.moved_by = entry.moved_by.as_ref().and_then(|mover| current(mover, led));
            match &mut entry.role {
                // A cause that has gone keeps its name: what it moved was its doing all the same.
                Role::Effect { cause } | Role::Guard { cause } => {
                    if let Some(now) = current(cause, led) {
                        *cause = now;
                    }
                }
                Role::Set | Role::Return => {}
            }
        }
        let now = |(address, value): (Address, Value)| Some((current(&address, led)?, value));
        open.wrote = std::mem::take(&mut open.wrote).into_iter().filter_map(now).collect();
        open.awaiting = open.awaiting.map(|moved| moved.into_iter().filter_map(now).collect());
        self.open = Some(open);
    }

    /// What an open transaction may have left on hardware that is not there: nobody can take it back before it comes back.
    fn put_away(&mut self, entry: &record::Entry, open: &Transaction) {
        let moved = || open.awaiting.iter().flatten().find(|(address, _)| *address == entry.address);
        let wrote = open.wrote.get(&entry.address).or_else(|| moved().map(|(_, value)| value));
        let found = match &entry.role {
            Role::Set | Role::Return => wrote.or(entry.wanted.first()),
            Role::Effect { .. } => wrote,
            Role::Guard { .. } => None,
        };
        let Some(found) = found.filter(|found| **found != entry.original) else { return };
        if wrote.is_some() {
            let is_same = |held: &Held| {
                let both = held.interface.as_ref().zip(entry.interface.as_ref());
                both.is_some_and(|(held, entry)| held.is_no_other_than(entry))
            };
            self.away.retain(|(address, held)| *address != entry.address || !is_same(held));
        }
        // Killed before or behind the write: what was held before may still be there, and both are waited for.
        self.away.push((entry.address.clone(), held_of(entry, found, None)));
    }

    /// What was away and is back is held again, unless there is a later word of it.
    fn welcome(&mut self, before: Vec<(Address, Held)>, way: &mut Way, of_held: &Led) {
        let mut led = Led::new();
        let mut welcome: Vec<(Address, Held)> = Vec::new();
        // That it is away is known.
        let mut changed = way.changed;
        for (address, mut ours) in before {
            let lead = way.lead(&address, ours.interface.as_ref());
            let now = lead.now(&address);
            led.insert(address.clone(), now.clone());
            match lead {
                Lead::Returns(_, id) | Lead::Moves(_, id) => ours.interface = Some(id),
                Lead::Stays(id) => ours.interface = id.or(ours.interface),
                Lead::Away => {}
                Lead::Gone => {
                    changed = true;
                    self.forget(address, ours);
                    continue;
                }
            }
            match now {
                Some(now) => welcome.push((now, ours)),
                None => self.away.push((address, ours)),
            }
        }
        way.changed = changed || !welcome.is_empty();
        let mut welcomed: BTreeSet<Address> = BTreeSet::new();
        for (now, mut ours) in welcome {
            ours.cause = ours.cause.as_ref().and_then(|cause| current(cause, &[&led, of_held]));
            match self.held.entry(now) {
                Entry::Vacant(place) => {
                    way.returned.insert(place.key().clone());
                    welcomed.insert(place.key().clone());
                    place.insert(ours);
                }
                // Either may be there: who looks decides.
                Entry::Occupied(place) if welcomed.contains(place.key()) => {
                    self.away.push((place.key().clone(), ours));
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    /// Forgets what interfaces that came back do not hold any more: it is what a driver or another namespace chose, and
    /// nobody's yet. What still holds ours goes on as if it had never been away.
    pub fn let_go_of_lost(&mut self, returned: &BTreeSet<Address>, now: &BTreeMap<Address, Observed>, facts: &Facts) {
        // As a whole: of a part nobody could tell who chose it.
        let is_there = |address: &Address, before: &Value, ours: &[Value]| match now.get(address) {
            Some(Observed::Value { value, .. }) => {
                let same = |told: &Value| rules_of(address).equivalent(address, told, value, facts);
                !same(before) && ours.iter().any(same)
            }
            Some(Observed::Absent | Observed::Unsupported) | None => false,
            // Who cannot look lets go of nothing.
            Some(Observed::Denied | Observed::WriteOnly | Observed::Withheld | Observed::Failed { .. }) => true,
        };
        let is_guard = |held: &Held| held.ours == held.original;
        // What a transaction that is open may have put in place of what is held is no reason to forget what was there before both.
        let open = self.open.as_ref();
        let ours_of = |address: &Address, held: &Held| {
            let entries =
                open.into_iter().flat_map(|open| &open.begin.entries).filter(|entry| entry.address == *address);
            let of_open = entries.flat_map(|entry| {
                let ours = open.map(|open| open.ours(address, &entry.wanted)).unwrap_or_default();
                ours.into_iter().chain([entry.before.clone()])
            });
            [held.ours.clone()].into_iter().chain(of_open).collect::<Vec<Value>>()
        };
        let (others, away): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.away).into_iter().partition(|(address, other)| {
                let is_one = |held: &Held| held.interface == other.interface;
                returned.contains(address) && self.held.get(address).is_some_and(is_one)
            });
        self.away = away;
        for (address, other) in others {
            let is_held = self
                .held
                .get(&address)
                .is_some_and(|held| is_there(&address, &held.original, &ours_of(&address, held)));
            if !is_held && is_there(&address, &other.original, std::slice::from_ref(&other.ours)) {
                self.held.insert(address, other);
            }
        }
        self.held.retain(|address, held| {
            !returned.contains(address) || is_guard(held) || is_there(address, &held.original, &ours_of(address, held))
        });
        // What a cause that is still there took away comes back with it. Any other guarded value is at its original, whoever
        // brought it there.
        let still_there: BTreeSet<Address> = self.held.keys().filter(|held| returned.contains(held)).cloned().collect();
        self.held.retain(|address, held| {
            let guarded = |cause: &Address| cause != address && still_there.contains(cause);
            !returned.contains(address) || !is_guard(held) || held.cause.as_ref().is_some_and(guarded)
        });
        if let Some(open) = &mut self.open {
            let entries = std::mem::take(&mut open.begin.entries).into_iter();
            let kept = entries.filter(|entry| {
                let ours = || open.ours(&entry.address, &entry.wanted);
                !returned.contains(&entry.address) || is_there(&entry.address, &entry.before, &ours())
            });
            let kept: Vec<record::Entry> = kept.collect();
            open.begin.entries = kept;
        }
    }
}

#[cfg(test)]
mod tests;
