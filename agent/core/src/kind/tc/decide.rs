//! Whether a policy holds for a root, and what to attach if it does not.

use std::collections::BTreeMap;

use super::filters;
use super::handle;
use super::qdiscs;
use super::same;
use super::scalar;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::TcKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::facts::FactValue;
use crate::kind::Decision;
use crate::kind::World;
use crate::kind::link::topology;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::tree::Tree;
use crate::value::Value;

/// The scalar of a wanted root by which a profile takes over what somebody else attached.
pub const TAKE: &str = "take";
/// The scalar that stands for `limit` of a tbf.
const LATENCY: &str = "latency";
/// Nanoseconds that packets wait in a tbf at most, where nobody says.
const USUAL_LATENCY: i64 = 50_000_000;
/// What an Ethernet frame has besides what the MTU counts (include/uapi/linux/if_ether.h `ETH_HLEN`).
const HEADER: i64 = 14;
/// Bands of a prio where nobody says (tc-prio(8)).
const USUAL_BANDS: i64 = 3;
/// The MTU of nearly everything, where it cannot be read.
const USUAL_MTU: i64 = 1500;
/// Kinds that are there wherever traffic control is (net/sched/sch_generic.c, sch_mq.c, sch_fifo.c).
const ALWAYS: &[&str] = &["pfifo", "bfifo", "pfifo_fast", "mq", "noqueue"];

/// See [`crate::kind::Rules::decide`].
pub fn decide(key: &TcKey, policy: &Policy, current: &Value, world: &World) -> Decision {
    let Value::Tree(current) = current else { return Decision::Blocked("what is there is no tree".to_owned()) };
    let candidates: &[Wanted] = match policy {
        Policy::Value(wanted) => std::slice::from_ref(wanted),
        Policy::Prefer(all) => all,
        Policy::AtLeast(_) | Policy::AtMost(_) | Policy::Between(_, _) | Policy::OneOf(_) | Policy::Includes(_) => {
            return Decision::Blocked(format!("`{}` does not fit a queueing discipline", policy.word()));
        }
    };
    let mut lacking = Vec::new();
    for candidate in candidates {
        let Wanted::Tree(wanted) = candidate else { return Decision::Blocked("it is no tree".to_owned()) };
        if let Some(kind) = lacks(wanted, world) {
            lacking.push(kind);
            continue;
        }
        let takes = wanted.scalars.contains_key(TAKE);
        return match completed(key, wanted, world) {
            Ok(whole) => reach(whole, current, takes),
            Err(why) => Decision::Blocked(why),
        };
    }
    Decision::Lacking(format!("this kernel has no {}", lacking.join(" and no ")))
}

fn reach(wanted: Tree, current: &Tree, takes: bool) -> Decision {
    if same::holds(&wanted, current) {
        return Decision::Satisfied;
    }
    if !handle::is_default(current) && !handle::is_ours(current) {
        if !takes {
            let message = format!("somebody else attached {current}: trimtab replaces it only with take = true");
            return Decision::Conflict(message);
        }
        if let Some(part) = lost(current) {
            return Decision::Conflict(format!(
                "somebody else attached {}, and {part} could not be put back: remove it by hand first",
                current.word
            ));
        }
    }
    // What the kernel keeps otherwise than it was told looks as it is kept, so that a plan shows only what differs.
    if handle::is_ours(current) && current.word == wanted.word {
        let changed = changed(&wanted, current);
        if same::is_in_place(current, &changed) {
            return Decision::Write(Value::Tree(Box::new(changed)));
        }
    }
    Decision::Write(Value::Tree(Box::new(handle::under(wanted, handle::another(current)))))
}

/// What is there with what is wanted of it.
fn changed(wanted: &Tree, current: &Tree) -> Tree {
    let mut changed = Tree { children: Vec::new(), ..current.clone() };
    for (name, scalar) in &wanted.scalars {
        if !same::holds_one(wanted, (name, scalar), current) {
            changed.scalars.insert(name.clone(), scalar.clone());
        }
    }
    let by_word: BTreeMap<&str, &Tree> = current.children.iter().map(|child| (child.word.as_str(), child)).collect();
    changed.children.extend(wanted.children.iter().map(|child| match by_word.get(child.word.as_str()) {
        Some(now) if same::can_become(now, child) => self::changed(child, now),
        Some(_) | None => child.clone(),
    }));
    changed
}

/// What of a tree nobody could make again.
fn lost(tree: &Tree) -> Option<String> {
    let own = || tree.scalars.contains_key("size_table").then(|| "its table of sizes".to_owned());
    let filters = || tree.scalars.contains_key("filters").then(|| "its filters".to_owned());
    own().or_else(filters).or_else(|| lost_below(tree))
}

/// What of that below a tree nobody could make again: disciplines that are not known, and what hangs on those that do not
/// hang on the root.
fn lost_below(tree: &Tree) -> Option<String> {
    tree.children.iter().find_map(|child| {
        let is_class = qdiscs::minor_of(&child.word).is_some();
        let is_known = is_class || (qdiscs::of_kind(&child.word).is_some() && child.children.is_empty());
        let own = (!is_known || child.scalars.contains_key("size_table")).then(|| format!("`{}` below it", child.word));
        own.or_else(|| lost_below(child))
    })
}

/// The tree with what follows from the rest of it.
fn completed(key: &TcKey, wanted: &Tree, world: &World) -> Result<Tree, String> {
    let mut tree = wanted.clone();
    tree.scalars.remove(TAKE);
    if tree.word == "tbf" {
        token_bucket(key, &mut tree, world)?;
    }
    if tree.word == "htb" {
        let frame = frame(key, world);
        tree.children.iter_mut().try_for_each(|child| class(child, frame))?;
    }
    within_queues(key, &tree, world)?;
    Ok(tree)
}

/// Whether the classes that come with a discipline are there: one for each transmit queue of the interface, or for each band.
fn within_queues(key: &TcKey, tree: &Tree, world: &World) -> Result<(), String> {
    let (count, what) = match tree.word.as_str() {
        "mq" => (topology::number(world.facts, key.interface().unwrap_or_default(), "tx_queues"), "transmit queues"),
        "prio" => (Some(tree.int("bands").unwrap_or(USUAL_BANDS)), "bands"),
        _ => return Ok(()),
    };
    let Some(count) = count else { return Ok(()) };
    let most = tree.children.iter().filter_map(|child| qdiscs::minor_of(&child.word)).max();
    match most.filter(|most| i64::from(*most) > count) {
        Some(most) => Err(format!("class {most:x} is beyond the {count} {what}")),
        None => Ok(()),
    }
}

/// A class of htb with its ceiling and bursts, and those below it.
fn class(tree: &mut Tree, frame: i64) -> Result<(), String> {
    if qdiscs::minor_of(&tree.word).is_none() {
        return Ok(());
    }
    let rate = tree.scalars.get("rate").cloned().ok_or_else(|| format!("{} needs a rate", tree.word))?;
    let ceil = tree.scalars.entry("ceil".to_owned()).or_insert(rate).clone();
    for (name, rate) in [("burst", tree.scalars.get("rate").cloned()), ("cburst", Some(ceil))] {
        let rate =
            rate.as_ref().and_then(scalar::as_rate).and_then(|rate| i64::try_from(rate).ok()).unwrap_or_default();
        tree.scalars.entry(name.to_owned()).or_insert(Scalar::Int(burst(rate, frame)));
    }
    tree.children.iter_mut().try_for_each(|child| class(child, frame))
}

/// Bytes that may go at once: whole frames, and what comes while a timer is late.
fn burst(rate: i64, frame: i64) -> i64 {
    (rate / 1000).max(frame.saturating_mul(2)).min(i64::from(u32::MAX))
}

/// A burst that lets every frame through and timers be late, and a limit from the time that packets may wait.
///
/// A frame longer than the burst is dropped, each time (net/sched/sch_tbf.c `tbf_enqueue`). What a timer brings at once is sent at
/// once, so at high rates it takes a millisecond's worth.
fn token_bucket(key: &TcKey, tree: &mut Tree, world: &World) -> Result<(), String> {
    let rate = tree.scalars.get("rate").and_then(scalar::as_rate).ok_or("a tbf needs a rate")?;
    let rate = i64::try_from(rate).map_err(|_| "the rate is too high")?;
    let frame = frame(key, world);
    let burst = match tree.int("burst") {
        Some(burst) if burst < frame => {
            return Err(format!(
                "a burst of {burst} bytes is less than a frame of {frame}: every full one would be dropped"
            ));
        }
        Some(burst) => burst,
        None => self::burst(rate, frame),
    };
    tree.scalars.insert("burst".to_owned(), Scalar::Int(burst));
    let latency = tree.scalars.remove(LATENCY).and_then(|latency| scalar::as_time(&latency));
    if tree.int("limit").is_none() {
        let waiting = i128::from(rate) * i128::from(latency.unwrap_or(USUAL_LATENCY)) / 1_000_000_000;
        let limit = i64::try_from(waiting).unwrap_or(i64::MAX).saturating_add(burst).min(i64::from(u32::MAX));
        tree.scalars.insert("limit".to_owned(), Scalar::Int(limit));
    }
    if tree.scalars.contains_key("peakrate") && tree.int("mtu").is_none() {
        tree.scalars.insert("mtu".to_owned(), Scalar::Int(frame));
    }
    Ok(())
}

/// The longest frame of the interface, bytes.
fn frame(key: &TcKey, world: &World) -> i64 {
    let mtu = mtu_of(key).and_then(|mtu| world.likely(&mtu)?.as_int());
    mtu.unwrap_or(USUAL_MTU).saturating_add(HEADER)
}

/// The address of the MTU of the interface.
pub fn mtu_of(key: &TcKey) -> Option<Address> {
    LinkKey::new(key.interface()?, LinkAttribute::Device(Device::Mtu)).ok().map(Address::link)
}

/// The first kind of a tree that this kernel has not.
fn lacks<'a>(tree: &'a Tree, world: &World) -> Option<&'a str> {
    if filters::number_of(&tree.word).is_some() {
        return (has_module(U32, world) == Some(false)).then_some("filter u32 (cls_u32)");
    }
    let is_class = qdiscs::minor_of(&tree.word).is_some();
    let own = (!is_class && has(&tree.word, world) == Some(false)).then_some(tree.word.as_str());
    own.or_else(|| tree.children.iter().find_map(|child| lacks(child, world)))
}

/// Whether this kernel has a kind; nothing where nobody can tell.
pub fn has(kind: &str, world: &World) -> Option<bool> {
    if ALWAYS.contains(&kind) {
        return Some(true);
    }
    has_module(&format!("sch_{kind}"), world)
}

/// The module of the filters that rules become.
pub const U32: &str = "cls_u32";

/// Whether this kernel has what a module brings; nothing where nobody can tell.
fn has_module(module: &str, world: &World) -> Option<bool> {
    let kind = module.strip_prefix("sch_").unwrap_or(module);
    match known_by_lists(module, world.facts) {
        Some(has) => Some(has),
        None => match world.read(&Address::tc(TcKey::Kinds)) {
            Observed::Value { value: Value::Words(kinds), .. } => Some(kinds.iter().any(|known| known == kind)),
            Observed::Value { .. }
            | Observed::Absent
            | Observed::Unsupported
            | Observed::Denied
            | Observed::WriteOnly
            | Observed::Withheld
            | Observed::Failed { .. } => None,
        },
    }
}

fn known_by_lists(module: &str, facts: &crate::facts::Facts) -> Option<bool> {
    match facts.get(&format!("module.{module}")) {
        Some(FactValue::Bool(has)) => Some(*has),
        Some(FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_)) | None => None,
    }
}

/// Whether only trying tells which kinds this kernel has.
pub fn needs_trying(facts: &crate::facts::Facts) -> bool {
    let unknown = |kind: &str| known_by_lists(&format!("sch_{kind}"), facts).is_none();
    qdiscs::ALL.iter().any(|qdisc| !ALWAYS.contains(&qdisc.kind) && unknown(qdisc.kind))
}
