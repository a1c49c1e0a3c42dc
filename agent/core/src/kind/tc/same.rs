//! When trees of traffic control are the same: as the kernel keeps them, not as it was told.

use std::collections::BTreeMap;

use super::filters;
use super::handle;
use super::qdiscs;
use super::qdiscs::Kept;
use super::qdiscs::Opt;
use super::scalar;
use crate::policy::Scalar;
use crate::tree::Tree;

/// Nanoseconds of a tick: `1 << PSCHED_SHIFT` (include/net/pkt_sched.h).
const TICK: i64 = 64;
/// Nanoseconds of the unit of CoDel.
const CODEL: i64 = 1024;
/// Nanoseconds of the longest jiffy, at 100 a second.
const JIFFY: i64 = 10_000_000;

/// Whether what is found does all that is wanted, however both are called.
pub fn holds(wanted: &Tree, found: &Tree) -> bool {
    if is_rule(wanted) {
        return wanted == found;
    }
    wanted.word == found.word
        && wanted.scalars.iter().filter(|(name, _)| *name != handle::HANDLE).all(|one| holds_one(wanted, one, found))
        && children_hold(&wanted.children, &found.children)
}

/// Whether it is a rule, of which nothing is left open.
fn is_rule(tree: &Tree) -> bool {
    filters::number_of(&tree.word).is_some()
}

/// Whether one scalar of what is wanted holds.
pub fn holds_one(wanted: &Tree, (name, scalar): (&String, &Scalar), found: &Tree) -> bool {
    // Of a class that is no leaf they count for nothing, and the kernel leaves them as they were.
    if matches!(name.as_str(), "prio" | "quantum") && has_classes(wanted) {
        return true;
    }
    let Some(shown) = found.scalars.get(name) else { return false };
    let option = qdiscs::of_word(&wanted.word).and_then(|qdisc| qdisc.option(name));
    scalar == shown || option.is_some_and(|option| is_kept_so(option, wanted, scalar, shown))
}

/// Children go by their words; none is left open.
fn children_hold(wanted: &[Tree], found: &[Tree]) -> bool {
    let by_word: BTreeMap<&str, &Tree> = found.iter().map(|child| (child.word.as_str(), child)).collect();
    wanted.len() == found.len()
        && wanted.iter().all(|child| by_word.get(child.word.as_str()).is_some_and(|other| holds(child, other)))
}

/// Whether the kernel, told `wanted`, would show `shown`.
fn is_kept_so(option: &Opt, tree: &Tree, wanted: &Scalar, shown: &Scalar) -> bool {
    let times = || Some((scalar::as_time(wanted)?, scalar::as_time(shown)?));
    match option.kept {
        Kept::Exact => false,
        Kept::Codel => times().is_some_and(|(wanted, shown)| (wanted / CODEL).abs_diff(shown / CODEL) <= 1),
        Kept::Jiffies => times().is_some_and(|(wanted, shown)| (0..JIFFY).contains(&(shown - wanted))),
        Kept::Ticks { rate } => {
            let rate = tree.scalars.get(rate).and_then(scalar::as_rate);
            let (Some(rate), Scalar::Int(wanted), Scalar::Int(shown)) = (rate, wanted, shown) else { return false };
            ticks(*wanted, rate).abs_diff(ticks(*shown, rate)) <= 1 + (ticks(*wanted, rate) >> 24)
        }
    }
}

/// Whether there are classes below a class.
fn has_classes(tree: &Tree) -> bool {
    let is_class = |tree: &Tree| qdiscs::minor_of(&tree.word).is_some();
    is_class(tree) && tree.children.iter().any(is_class)
}

/// Ticks that so many bytes take at a rate.
fn ticks(bytes: i64, rate: u64) -> u128 {
    let nanoseconds = u128::try_from(bytes).unwrap_or_default() * 1_000_000_000;
    nanoseconds.checked_div(u128::from(rate) * u128::from(TICK.unsigned_abs())).unwrap_or(u128::MAX)
}

/// Whether one becomes the other without being made anew, whatever becomes of what is below it.
pub fn is_in_place(from: &Tree, to: &Tree) -> bool {
    handle::of(from).is_some() && handle::of(from) == handle::of(to) && can_become(from, to)
}

/// Whether the kernel can make the one of the other.
pub fn can_become(from: &Tree, to: &Tree) -> bool {
    if is_rule(to) {
        return from == to;
    }
    let Some(qdisc) = qdiscs::of_word(&to.word) else { return false };
    let is_free = |name: &String| qdisc.changes && qdisc.option(name).is_none_or(|option| option.changes);
    let stays = |(name, scalar): (&String, &Scalar)| {
        name == handle::HANDLE || is_free(name) || holds_one(to, (name, scalar), from)
    };
    from.word == to.word && to.scalars.iter().all(stays)
}

/// Whether what waits below a root that stays is lost: in a class or in what is attached to one that goes or is made anew.
pub fn loses_below(from: &Tree, to: &Tree) -> bool {
    let by_word: BTreeMap<&str, &Tree> = to.children.iter().map(|child| (child.word.as_str(), child)).collect();
    // In a rule nothing waits.
    from.children.iter().filter(|child| !is_rule(child)).any(|child| match by_word.get(child.word.as_str()) {
        Some(other) => !can_become(child, other) || loses_below(child, other),
        None => true,
    })
}
