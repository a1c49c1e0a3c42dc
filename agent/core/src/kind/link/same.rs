//! When two values are the same: as the kernel holds them, not as they were asked for.

use super::driver;
use crate::address::LinkKey;
use crate::facts::Facts;
use crate::value::Value;

/// Whether the kernel, told `told`, would hold `found`.
///
/// A switch must be active as it was asked to be; where what was asked for was not to be had then either, only the asking
/// counts (an undo gives back what was asked for, and the kernel the rest).
pub fn same(key: &LinkKey, told: &Value, found: &Value, facts: &Facts) -> bool {
    match (told, found) {
        (Value::Switch { wanted, active }, Value::Switch { wanted: asked, active: is }) => {
            wanted == asked && (active == is || active != wanted)
        }
        (Value::Int(told), Value::Int(found)) => {
            told == found
                || driver::roundings(key.attribute(), key.interface(), facts)
                    .iter()
                    .any(|rounding| rounding.takes(*told, *found))
        }
        (told, found) => told == found,
    }
}

/// Whether `found` is good enough where `told` is wanted. Of a switch, only what is active counts: what was asked for
/// carries no packet.
pub fn satisfies(key: &LinkKey, told: &Value, found: &Value, facts: &Facts) -> bool {
    match (told, found) {
        (Value::Switch { wanted, active: _ }, Value::Switch { wanted: _, active }) => wanted == active,
        (told, found) => same(key, told, found, facts),
    }
}
