//! Goals: what the planner is to reach at one address.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::desired::Desired;
use crate::desired::Setting;
use crate::journal::Held;
use crate::journal::Role;
use crate::journal::Transaction;
use crate::value::Value;

/// What is to be reached at one address.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal<'a> {
    /// A setting wants a policy to hold.
    Hold(&'a Setting),
    /// Ours is to be taken back.
    TakeBack {
        /// The value to go back to.
        before: Value,
        /// The values that are our doing.
        ours: Vec<Value>,
        /// How it became ours.
        part: Part,
    },
}

/// How a value became ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// By a write.
    Written,
    /// By a write to another address.
    Moved,
    /// Not at all: it goes back only if the way back of the cause moves it.
    Guarded {
        /// The address whose way back moves it.
        cause: Address,
    },
}

/// The goals of an apply: every setting, and the return of what trimtab changed for settings that have left.
pub fn of_apply<'a>(desired: &'a Desired, held: &BTreeMap<Address, Held>) -> BTreeMap<Address, Goal<'a>> {
    let mut goals: BTreeMap<Address, Goal<'a>> = held
        .iter()
        .filter(|(address, held)| {
            let stays = |address: &Address| desired.settings.contains_key(address);
            !stays(address) && !held.cause.as_ref().is_some_and(stays)
        })
        .map(|(address, held)| (address.clone(), back_to_original(held)))
        .collect();
    goals.extend(desired.settings.iter().map(|(address, setting)| (address.clone(), Goal::Hold(setting))));
    goals
}

/// The goals of a revert: everything held goes back to its original, or only these addresses and what they moved.
pub fn of_revert(held: &BTreeMap<Address, Held>, only: Option<&[Address]>) -> BTreeMap<Address, Goal<'static>> {
    held.iter()
        .filter(|(address, held)| {
            let named = |address: &Address| only.is_none_or(|only| only.contains(address));
            named(address) || held.cause.as_ref().is_some_and(named)
        })
        .map(|(address, held)| (address.clone(), back_to_original(held)))
        .collect()
}

/// The goals of undoing a transaction: everything it may have touched goes back to what was there before it.
pub fn of_undo(transaction: &Transaction) -> BTreeMap<Address, Goal<'static>> {
    transaction
        .begin
        .entries
        .iter()
        .map(|entry| {
            let ours = transaction.ours(&entry.address, &entry.wanted);
            let goal = Goal::TakeBack {
                before: entry.before.clone(),
                ours: if entry.unforeseen { Vec::new() } else { ours },
                part: match &entry.role {
                    Role::Set | Role::Return if entry.unforeseen => Part::Moved,
                    Role::Set | Role::Return => Part::Written,
                    Role::Effect { .. } => Part::Moved,
                    Role::Guard { cause } => Part::Guarded { cause: cause.clone() },
                },
            };
            (entry.address.clone(), goal)
        })
        .collect()
}

fn back_to_original(held: &Held) -> Goal<'static> {
    let part = match &held.cause {
        None => Part::Written,
        Some(cause) if held.ours == held.original => Part::Guarded { cause: cause.clone() },
        Some(_) => Part::Moved,
    };
    Goal::TakeBack { before: held.original.clone(), ours: vec![held.ours.clone()], part }
}
