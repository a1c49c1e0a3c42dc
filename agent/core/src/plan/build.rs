//! Building a plan: one walk over the goals in the order of writes, in a simulated world.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Action;
use super::Case;
use super::Cell;
use super::Change;
use super::Class;
use super::Finding;
use super::Goal;
use super::Load;
use super::Plan;
use super::goal::Part;
use crate::address::Address;
use crate::desired::Setting;
use crate::desired::Want;
use crate::facts;
use crate::facts::Facts;
use crate::host::HostId;
use crate::kind::Certainty;
use crate::kind::Decision;
use crate::kind::Effect;
use crate::kind::Effects;
use crate::kind::Obstacle;
use crate::kind::Surroundings;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::kind::rules_of;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::value::Value;

/// Everything a plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The host, boot and namespace.
    pub host: &'a HostId,
    /// What is known of it.
    pub facts: &'a Facts,
    /// The interfaces of the namespace.
    pub interfaces: &'a BTreeSet<String>,
    /// Those of them that have an IPv4 address.
    pub addressed: &'a BTreeSet<String>,
    /// What was read: at least every address that [`addresses`] and [`reached`] name.
    pub observed: &'a BTreeMap<Address, Observed>,
    /// What is to be reached.
    pub goals: &'a BTreeMap<Address, Goal<'a>>,
}

/// Every address that must be read before anything can be decided: the goals, and all that decides over them. See
/// [`reached`] for the rest.
pub fn addresses(goals: &BTreeMap<Address, Goal>, around: &Surroundings) -> BTreeSet<Address> {
    let closures = goals.keys().flat_map(|address| rules_of(address).closure(address, around));
    goals.keys().cloned().chain(closures).collect()
}

/// What else must be read before a plan can be built: whatever the goals that are not reached yet may move, and what those
/// goals may move that are moved by them. Where much is moved by what seldom changes, most of it need never be read.
pub fn reached(input: &Input) -> BTreeSet<Address> {
    let world = World::new(input.host, input.facts, input.interfaces, input.addressed, input.observed);
    let around = Surroundings { interfaces: input.interfaces, facts: input.facts };
    let is_written = |(address, goal): &(&Address, &Goal)| first_write(address, goal, &world).is_some();
    let mut next: Vec<&Address> = input.goals.iter().filter(is_written).map(|(address, _)| address).collect();
    let mut walked: BTreeSet<&Address> = next.iter().copied().collect();
    let mut reached = BTreeSet::new();
    while let Some(address) = next.pop() {
        for other in rules_of(address).reach(address, &around) {
            if let Some((goal, _)) = input.goals.get_key_value(&other)
                && walked.insert(goal)
            {
                next.push(goal);
            }
            if !input.observed.contains_key(&other) {
                reached.insert(other);
            }
        }
    }
    reached
}

/// The plan that reaches the goals. The same input gives the same plan, whatever order the profiles came in.
pub fn build(input: &Input) -> Plan {
    let mut world = World::new(input.host, input.facts, input.interfaces, input.addressed, input.observed);
    let mut plan = Plan::default();
    for (address, goal) in in_order(input, &world) {
        step(&mut plan, &mut world, address, goal);
    }
    mend(&mut plan, &mut world, input);
    remark(&mut plan, &world, input);
    plan.findings.sort_by(|left, right| {
        (left.class, &left.address, &left.code).cmp(&(right.class, &right.address, &right.code))
    });
    plan
}

/// The goals by rank, with the halves of each pair the way round that the kernel takes them.
fn in_order<'a>(input: &Input<'a>, world: &World) -> Vec<(&'a Address, &'a Goal<'a>)> {
    let mut order: Vec<(&Address, &Goal)> = input.goals.iter().collect();
    // They stand by address already, and a stable sort leaves those of one rank so.
    order.sort_by_cached_key(|(address, _)| rules_of(address).rank(address, world.facts));
    for index in 0..order.len() {
        let Some((first, goal)) = order.get(index).copied() else { continue };
        let Some(partner) = rules_of(first).partner(first) else { continue };
        let Some(at) = order.iter().skip(index + 1).position(|(address, _)| **address == partner) else { continue };
        let refused =
            first_write(first, goal, world).is_some_and(|to| rules_of(first).refusal(first, &to, world).is_some());
        if refused {
            order.swap(index, index + 1 + at);
        }
    }
    order
}

/// What the first write to an address would be in this world, if there is one.
fn first_write(address: &Address, goal: &Goal, world: &World) -> Option<Value> {
    match goal {
        Goal::Hold(setting) => writes(address, setting, world).ok()?.into_iter().flatten().next(),
        Goal::TakeBack { .. } => {
            turn(&Plan::default(), address, goal, world).ok()?.cases.into_iter().find_map(|case| case.write)
        }
    }
}

fn step(plan: &mut Plan, world: &mut World, address: &Address, goal: &Goal) {
    let rules = rules_of(address);
    let setting = match goal {
        Goal::Hold(setting) => Some(*setting),
        Goal::TakeBack { .. } => None,
    };
    let origin = setting.map(|setting| &setting.origin);
    if let Some(Setting { want: Want::Undecided { fact, expression }, .. }) = setting {
        if let Some(obstacle) = never(address, world) {
            plan.findings.push(Finding::of_obstacle(address, obstacle, setting));
            return;
        }
        let message = format!("{fact} is not known on this host, and `{expression}` needs it");
        let declared = facts::declared(fact, address.interface());
        let advice = Some(format!("declare {declared} under [facts] in the host file, or use known({fact}, …)"));
        plan.findings.push(
            Finding::about(Class::Pending, "fact-unknown", address, message).with_advice(advice).with_origin(origin),
        );
        return;
    }
    if let Some(value) = rules.appears(address, world) {
        world.appear(address, value);
    }
    let observed = world.read(address);
    if observed.value().is_none() && world.possible(address).is_empty() {
        let gone = matches!((goal, observed), (Goal::TakeBack { .. }, Observed::Absent));
        if !gone && let Some(obstacle) = rules.obstacle(address, observed, world) {
            if let Some(module) = obstacle.module.filter(|_| setting.is_some_and(|setting| setting.load_module)) {
                load(plan, module, address);
            }
            plan.findings.push(Finding::of_obstacle(address, obstacle, setting));
        }
        return;
    }
    if setting.is_none() && rules.vanishes(address, world) {
        // What goes away takes along what was changed of it.
        return;
    }
    if setting.is_none() && is_guarded(plan, address) {
        // A setting of this plan keeps it where it is: it becomes that setting's to give back.
        return;
    }
    let Turn { cases, otherwise, conflict } = match turn(plan, address, goal, world) {
        Ok(turn) => turn,
        Err(finding) => {
            plan.findings.push(finding.with_origin(origin));
            return;
        }
    };
    plan.findings.extend(conflict);
    if cases.iter().all(|case| case.write.is_none()) && otherwise.is_none() {
        if setting.is_some() {
            plan.as_wanted.push(address.clone());
        }
        return;
    }
    // Only a value that must change can be held up: a read-only key that holds what is wanted is as wanted.
    if let Some(obstacle) = rules.obstacle(address, world.read(address), world) {
        plan.findings.push(Finding::of_obstacle(address, obstacle, setting));
        return;
    }
    let cell = Cell {
        address: address.clone(),
        from: world.read(address).value().or(world.likely(address)).cloned().unwrap_or(Value::Secret),
        cases,
        otherwise,
        most: rules.most(address, world),
        origin: origin.cloned(),
        reason: setting.and_then(|setting| setting.reason.clone()),
    };
    if let Some(refusal) = rules.refusal(address, cell.to(), world) {
        let message = format!("the kernel refuses {}: {refusal}", cell.to());
        plan.findings.push(Finding::about(Class::Blocked, "refused-value", address, message).with_origin(origin));
        return;
    }
    let action = if setting.is_some() { Action::Set } else { Action::Return };
    push(plan, world, cell, action);
}

/// Notes that a setting waits for a module.
fn load(plan: &mut Plan, module: &str, address: &Address) {
    match plan.loads.iter_mut().find(|load| load.module == module) {
        Some(load) => load.addresses.push(address.clone()),
        None => plan.loads.push(Load { module: module.to_owned(), addresses: vec![address.clone()] }),
    }
}

/// What may be found at a turn and what to do then.
struct Turn {
    cases: Vec<Case>,
    /// What to write where it is something else, if that may be.
    otherwise: Option<Value>,
    /// That somebody else's value is there.
    conflict: Option<Finding>,
}

fn turn(plan: &Plan, address: &Address, goal: &Goal, world: &World) -> Result<Turn, Box<Finding>> {
    match goal {
        Goal::Hold(setting) => {
            let writes = writes(address, setting, world)?;
            let found = world.possible(address).iter().cloned();
            let cases: Vec<Case> = found.zip(writes).map(|(found, write)| Case { found, write }).collect();
            let otherwise = otherwise(address, &cases, world);
            Ok(Turn { cases, otherwise, conflict: None })
        }
        Goal::TakeBack { before, ours, part } => Ok(take_back(plan, address, before, ours, part, world)),
    }
}

/// What the device does not support needs no fact to be decided.
pub(super) fn never(address: &Address, world: &World) -> Option<Obstacle> {
    let observed = world.read(address);
    matches!(observed, Observed::Unsupported).then(|| rules_of(address).obstacle(address, observed, world)).flatten()
}

/// What to write for each value that may be found, in their order.
fn writes(address: &Address, setting: &Setting, world: &World) -> Result<Vec<Option<Value>>, Box<Finding>> {
    let write = |found| match &setting.want {
        Want::Decided(policy) => decide(address, policy, setting.if_supported, found, world),
        Want::Undecided { .. } => Ok(None),
    };
    world.possible(address).iter().map(write).collect()
}

/// What was there when the plan was made says whose it is. What an earlier change of this plan moves it to is our own
/// doing in any case, and somebody else's value comes back behind it.
fn take_back(plan: &Plan, address: &Address, before: &Value, ours: &[Value], part: &Part, world: &World) -> Turn {
    let Some(read) = world.read(address).value().or(world.likely(address)) else {
        return Turn { cases: Vec::new(), otherwise: None, conflict: None };
    };
    let rules = rules_of(address);
    let ours = match part {
        // The cause is not back yet, so it cannot have moved anything on its way.
        Part::Guarded { cause } if plan.changed().any(|changed| changed == cause) => &[],
        Part::Written | Part::Moved | Part::Guarded { .. } => ours,
    };
    // What comes back with an earlier change of this plan is nobody else's, whatever it holds then.
    let comes = world.read(address).value().is_none();
    let taken = rules.take_back(address, before, ours, read, world.facts);
    let is_done = taken == TakeBack::Done && !comes;
    let (target, conflict) = match (taken, part) {
        (_, _) if comes => (before.clone(), None),
        // As good as it was, it may become what it was.
        (TakeBack::Done, _) if rules.equivalent(address, before, read, world.facts) => (before.clone(), None),
        // What others have left of it stays.
        (TakeBack::Done, _) => (read.clone(), None),
        (TakeBack::Write(value), _) => (value, None),
        // Where the kernel chose what an effect became, all that differs is our doing.
        (TakeBack::Foreign, Part::Moved) if ours.is_empty() => (before.clone(), None),
        (TakeBack::Foreign, Part::Guarded { .. }) => (read.clone(), None),
        (TakeBack::Foreign, Part::Written | Part::Moved) => (read.clone(), Some(foreign(address, before, ours, read))),
    };
    // Of what was read, the rules have said whether it is back.
    let is_back = |found: &Value| match found == read {
        true => is_done || target == *found,
        false => rules.equivalent(address, &target, found, world.facts),
    };
    let cases = world
        .possible(address)
        .iter()
        .map(|found| Case { found: found.clone(), write: (!is_back(found)).then(|| target.clone()) })
        .collect();
    // Somebody else's value is not put back where the kernel has chosen another meanwhile.
    let otherwise = (world.is_unforeseen(address) && conflict.is_none()).then_some(target);
    Turn { cases, otherwise, conflict }
}

/// Where the kernel has chosen, a setting is written whatever is found, unless it holds by luck.
fn otherwise(address: &Address, cases: &[Case], world: &World) -> Option<Value> {
    let likely = cases.first().filter(|_| world.is_unforeseen(address))?;
    Some(likely.write.as_ref().unwrap_or(&likely.found).clone())
}

/// Whether a setting of this plan keeps a value where it is.
fn is_guarded(plan: &Plan, address: &Address) -> bool {
    let guards = |change: &Change| change.guards.iter().any(|guard| guard.address == *address);
    plan.changes.iter().any(|change| change.action == Action::Set && guards(change))
}

fn decide(
    address: &Address,
    policy: &Policy,
    if_supported: bool,
    found: &Value,
    world: &World,
) -> Result<Option<Value>, Box<Finding>> {
    let refused = |class, code, why: String| Err(Box::new(Finding::about(class, code, address, why)));
    match rules_of(address).decide(address, policy, found, world) {
        Decision::Satisfied => Ok(None),
        Decision::Write(value) => Ok(Some(value)),
        Decision::Blocked(why) => refused(Class::Blocked, "unavailable", why),
        Decision::Lacking(why) if if_supported => refused(Class::Note, "unsupported", why),
        Decision::Lacking(why) => refused(Class::Blocked, "unsupported", why),
        Decision::Conflict(why) => refused(Class::Conflict, "foreign", why),
    }
}

fn foreign(address: &Address, before: &Value, ours: &[Value], found: &Value) -> Finding {
    let ours: Vec<String> = ours.iter().map(Value::to_string).collect();
    let message = format!("found {found}, trimtab left {}: somebody changed it since, so it stays", ours.join(" or "));
    Finding::about(Class::Conflict, "not-ours", address, message)
        .with_advice(Some(format!("its value before trimtab was {before}; set it by hand if you want that back")))
}

/// Adds a change, or another cell to the last one if both are one write to one object.
fn push(plan: &mut Plan, world: &mut World, cell: Cell, action: Action) {
    let rules = rules_of(&cell.address);
    let address = cell.address.clone();
    let to = cell.to().clone();
    let effects = rules.effects(&address, &to, world);
    for effect in &effects.moves {
        world.apply(effect);
    }
    let disrupts = rules.disrupts(&address, &cell.from, &to, world.facts);
    world.write(&address, to);
    let guards = guards(&cell, &effects, world);
    let object = rules.object(&address);
    let same_write = plan.changes.last_mut().filter(|last| {
        let same_object = last
            .cells
            .first()
            .is_some_and(|first| first.address.kind() == address.kind() && rules.object(&first.address) == object);
        // What one message moves is found so only behind it.
        let moved = last.effects.iter().any(|effect| effect.address == address);
        last.action == action && same_object && !moved
    });
    match same_write {
        Some(last) => {
            for moved in effects.moves.iter().chain(&guards) {
                last.caused_by.entry(moved.address.clone()).or_insert_with(|| address.clone());
            }
            last.cells.push(cell);
            last.effects.extend(effects.moves);
            last.stays.extend(effects.stays);
            last.guards.extend(guards);
            last.disrupts = last.disrupts.take().or(disrupts);
        }
        None => plan.changes.push(Change {
            action,
            caused_by: BTreeMap::new(),
            cells: vec![cell],
            disrupts,
            effects: effects.moves,
            stays: effects.stays,
            guards,
        }),
    }
}

/// What the way back of a change would move although the change itself does not. An effect may go back by a write of its
/// own.
fn guards(cell: &Cell, effects: &Effects, world: &World) -> Vec<Effect> {
    let written = std::iter::once((&cell.address, &cell.from));
    let moved = effects.moves.iter().filter(|effect| effect.to.is_some()).map(|effect| (&effect.address, &effect.from));
    let stays_now = |effect: &Effect| {
        effect.address != cell.address && !effects.moves.iter().any(|moved| moved.address == effect.address)
    };
    let mut guards: Vec<Effect> = Vec::new();
    for (address, back) in written.chain(moved) {
        let back = rules_of(address).effects(address, back, world).moves;
        guards.extend(back.into_iter().filter(|effect| effect.certainty == Certainty::Moves && stays_now(effect)));
    }
    guards
}

/// A setting that held at its turn may have been moved by a later write. One more walk mends it; what is still not as
/// wanted then contradicts another setting.
fn mend(plan: &mut Plan, world: &mut World, input: &Input) {
    let moved: BTreeSet<Address> = plan.effects().map(|(_, effect)| effect.address.clone()).collect();
    let upset: Vec<Address> = moved.into_iter().filter(|address| is_upset(address, input, world)).collect();
    for address in &upset {
        let Some(goal) = input.goals.get(address) else { continue };
        plan.as_wanted.retain(|other| other != address);
        // The other cells of its message stay.
        plan.changes.iter_mut().for_each(|change| change.cells.retain(|cell| cell.address != *address));
        plan.changes.retain(|change| !change.cells.is_empty());
        plan.findings.retain(|finding| finding.address.as_ref() != Some(address));
        step(plan, world, address, goal);
    }
    let explained: BTreeSet<Address> = plan.findings.iter().filter_map(|finding| finding.address.clone()).collect();
    for address in upset.iter().filter(|address| !explained.contains(*address) && is_upset(address, input, world)) {
        let message = "another setting moves it again: the two contradict each other";
        plan.findings.push(Finding::about(Class::Blocked, "contradiction", address, message));
    }
}

fn is_upset(address: &Address, input: &Input, world: &World) -> bool {
    let Some(Goal::Hold(Setting { want: Want::Decided(policy), .. })) = input.goals.get(address) else { return false };
    let rules = rules_of(address);
    rules.obstacle(address, world.read(address), world).is_none()
        && world
            .possible(address)
            .iter()
            .any(|value| matches!(rules.decide(address, policy, value, world), Decision::Write(_)))
}

fn remark(plan: &mut Plan, world: &World, input: &Input) {
    for (address, goal) in input.goals {
        let Goal::Hold(setting) = goal else { continue };
        let Want::Decided(policy) = &setting.want else { continue };
        if world.possible(address).is_empty() {
            continue;
        }
        for remark in rules_of(address).remarks(address, policy, world) {
            plan.findings.push(Finding::of_remark(address, remark).with_origin(Some(&setting.origin)));
        }
    }
}
