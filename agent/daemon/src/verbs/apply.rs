//! `trimtab apply`: put in force, all or nothing.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use trimtab_core::host::HostId;
use trimtab_core::journal::Begin;
use trimtab_core::journal::Followed;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::profile::HostConfig;
use trimtab_core::profile::Mode;
use trimtab_core::render::plan::Detail;
use trimtab_core::state::Applied;
use trimtab_core::state::SetIdentity;
use trimtab_kernel::state::remove_other_boots;
use trimtab_kernel::timer;
use trimtab_kernel::timer::Armed;
use trimtab_kernel::timer::Timer;
use trimtab_kernel::trust;

use super::modules;
use super::plan::LARGEST_DOCUMENT;
use super::plan::Made;
use super::recovery;
use super::report;
use super::report::Outcome;
use super::report::Report;
use crate::cli;
use crate::cli::Common;
use crate::control::client;
use crate::control::protocol::Ask;
use crate::control::protocol::Manner;
use crate::control::protocol::SavedText;
use crate::engine::Store;
use crate::engine::pause;
use crate::engine::transaction;
use crate::engine::transaction::Finished;
use crate::engine::transaction::Job;
use crate::engine::transaction::Recovered;
use crate::engine::transaction::Set;
use crate::engine::transaction::Trial;
use crate::engine::transaction::Trials;
use crate::engine::transaction::millis;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::Trust;
use crate::session::Intent;
use crate::session::Locked;
use crate::session::Session;

/// What is to be applied, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which settings.
    pub wanted: cli::Wanted,
    /// Exactly this saved plan instead.
    pub plan: Option<SavedText>,
    /// Undo it unless it is confirmed within this time.
    pub confirm_within: Option<Duration>,
    /// One line per change.
    pub detail: Detail,
    /// How long to wait for another trimtab.
    pub wait: cli::Wait,
}

impl Order {
    /// What the command line says. A saved plan is read.
    ///
    /// # Errors
    /// If the plan cannot be read.
    pub fn of(options: &cli::Apply) -> Result<Order, Failure> {
        let cli::Apply { wanted, plan, confirm_within, brief, wait } = options.clone();
        let plan = plan.map(|path| read_plan(&path)).transpose()?;
        let detail = if brief { Detail::Brief } else { Detail::Full };
        Ok(Order { wanted, plan, confirm_within, detail, wait })
    }

    /// The roles that the host file names, as they are.
    pub fn of_roles(wait: cli::Wait) -> Order {
        Order { wanted: cli::Wanted::default(), plan: None, confirm_within: None, detail: Detail::Full, wait }
    }

    /// The same, for the daemon.
    fn ask(self, common: &Common) -> Ask {
        let Order { wanted: cli::Wanted { profiles, set, param }, plan, confirm_within, detail, wait } = self;
        let confirm_within = confirm_within.map(millis);
        let manner = Manner::of(common, wait);
        Ask::Apply { manner, profiles, set, param, plan, confirm_within, brief: detail == Detail::Brief }
    }
}

/// Runs the verb: has the daemon do it, if there is one.
///
/// # Errors
/// Everything that fails before the first write.
pub fn run(common: &Common, options: &cli::Apply) -> Result<Exit, Failure> {
    let order = Order::of(options)?;
    let mut session = Session::open(common)?;
    let netns = session.host.id.netns.clone();
    if let Some(exit) = client::forward(common, &netns, || order.clone().ask(common))? {
        return Ok(exit);
    }
    let Carried { document, finished, host: _, store, _locked: locked } = carry_out(&mut session, &order)?;
    let exit = tell(common, document, finished, &order);
    super::forget((session, store));
    drop(locked);
    exit
}

/// Tells what an apply came to.
///
/// # Errors
/// If it cannot be told that the host only observes.
pub fn tell(common: &Common, document: SavedPlan, finished: Option<Finished>, order: &Order) -> Result<Exit, Failure> {
    let within = order.confirm_within.map(|within| within.as_secs());
    match finished {
        None => observe_only(common, document, order.detail),
        Some(finished) => report::report(common, "trimtab.apply", document, finished, order.detail, within),
    }
}

/// What an apply came to. The lock is held until this is dropped.
pub struct Carried {
    /// What was planned.
    pub document: SavedPlan,
    /// How it ended; nothing where the host only observes.
    pub finished: Option<Finished>,
    /// What the host file says of the daemon; nothing where a saved plan was applied.
    pub host: Option<HostConfig>,
    /// The state behind it.
    pub store: Store,
    _locked: Locked,
}

/// Plans, writes and reads back.
///
/// # Errors
/// Everything that fails before the first write.
pub fn carry_out(session: &mut Session, order: &Order) -> Result<Carried, Failure> {
    recovery::refuse_if_disabled()?;
    let (locked, mut store) = session.locked_store(order.wait)?;
    // It may have been switched off while it waited for the lock.
    recovery::refuse_if_disabled()?;
    let wanted = match &order.plan {
        Some(saved) => Wanted::Saved(Box::new(parse_plan(saved)?)),
        None => Wanted::Resolved(Box::new(session.intend(&order.wanted)?)),
    };
    if let Wanted::Resolved(intent) = &wanted {
        super::warn(&intent.loaded);
    }
    let now = session.now();
    let recovered = recovery::recover(session, &mut store, &now, Trials::Respect)?;
    if let Recovered::Awaiting { confirm_by } = recovered {
        let left = confirm_by.saturating_sub(millis(now.boottime)) / 1000;
        let message = format!(
            "refused: a trial awaits its confirmation, {left} s are left; `trimtab confirm` keeps it, `trimtab revert --trial` ends it"
        );
        return Err(Failure::new(Exit::Awaiting, message));
    }
    recovery::tell(&recovered);
    let (mut document, standing, mode, host) = match wanted {
        Wanted::Saved(plan) => {
            let document = replan(session, &store, *plan)?;
            (document, Standing::Accepted, crate::session::mode(&session.common)?, None)
        }
        Wanted::Resolved(intent) => {
            let host = intent.bundle.host.clone();
            let (document, standing) = resolved(session, &mut store, *intent, order.confirm_within.is_some())?;
            (document, standing, host.mode, Some(host))
        }
    };
    if mode == Mode::Observe {
        return Ok(Carried { document, finished: None, host, store, _locked: locked });
    }
    document.plan.findings.extend(recovery::findings(recovered));
    let is_asked_for = order.confirm_within.is_some() || store.unconfirmed.is_some();
    let identity = is_asked_for.then(|| document.identity());
    let set =
        Set { desired: document.desired.clone(), roles: document.roles.clone(), profiles: document.profiles.clone() };
    let mut armed = None;
    let (common, id) = (session.common.clone(), session.host.id.clone());
    let mut arm = |begin: &Begin| {
        let timer = arm(&common, &id, begin)?;
        armed = Some((timer.clone(), begin.id.clone()));
        Ok(timer)
    };
    let trial = order.confirm_within.zip(identity.clone()).map(|(within, set)| Trial { within, set, arm: &mut arm });
    let job = Job { plan: &document.plan, set: &set, verb: "apply", trial };
    let finished = transaction::run(session.kernel.as_mut(), &mut store, &session.host, job, &now);
    if let Some((timer, transaction)) = &armed
        && store.history.open.is_none()
    {
        // The trial has failed and is over, so there is nothing to wait for.
        timer::end(timer, transaction);
    }
    let finished = finished?;
    let in_force = matches!(finished, Finished::Nothing | Finished::InForce { .. });
    if in_force && let Err(error) = pause::end(&session.state_dir()) {
        tracing::warn!(%error, "a daemon that is started anew in this boot would still be paused");
    }
    let on_trial = store.unconfirmed.as_ref().map(|trial| &trial.set).zip(identity.as_ref());
    let was_on_trial = on_trial.is_some_and(|(tried, set)| tried.is_same(set));
    if in_force && was_on_trial && standing == Standing::Accepted {
        // Applied without a trial: whoever did that has confirmed it.
        store.put_unconfirmed(None)?;
    }
    let theirs = if in_force { document.plan.not_ours() } else { Vec::new() };
    // Not if interfaces were renamed meanwhile: what was read may have been another's by then.
    if !theirs.is_empty() && session.follow_on(&mut store)? == Followed::Nothing {
        // Told once; what somebody else has made of it since is theirs.
        store.let_go(&theirs)?;
    }
    if let Err(error) = remove_other_boots(&session.common.state_dir, &session.host.id.boot_id) {
        tracing::debug!(%error, "state of namespaces of other boots stays");
    }
    Ok(Carried { document, finished: Some(finished), host, store, _locked: locked })
}

/// Puts in force again what an earlier boot had in force last, for a daemon that starts with profiles that are invalid. Nothing
/// is done where anything is in force already, awaits its confirmation, or never was.
///
/// # Errors
/// Everything that fails before the first write.
pub fn carry_out_last(session: &mut Session, wait: cli::Wait) -> Result<Option<Finished>, Failure> {
    recovery::refuse_if_disabled()?;
    let (_locked, mut store) = session.locked_store(wait)?;
    let now = session.now();
    let recovered = recovery::recover(session, &mut store, &now, Trials::Respect)?;
    recovery::tell(&recovered);
    let is_free = store.in_force().is_none() && !matches!(recovered, Recovered::Awaiting { .. });
    // What was on trial when its boot ended was never confirmed.
    let last = transaction::last_confirmed(&store).filter(|last| is_free && !last.desired.settings.is_empty());
    let Some(Applied { desired, roles, profiles, .. }) = last else { return Ok(None) };
    let set = Set { desired, roles, profiles };
    session.host.learn_links(session.kernel.as_mut(), set.desired.settings.keys());
    let goals = goal::of_apply(&set.desired, &store.history.held);
    let plan = session.plan(&goals)?;
    let job = Job { plan: &plan, set: &set, verb: "apply", trial: None };
    Ok(Some(transaction::run(session.kernel.as_mut(), &mut store, &session.host, job, &now)?))
}

/// Whether the set that is wanted may be put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It may.
    Accepted,
    /// It was on trial before the reboot and nobody confirmed it: the last confirmed set stands in for it.
    Refused,
}

/// The plan for what was resolved, or for the last confirmed set if this one is refused. A new trial may always be made.
fn resolved(
    session: &mut Session,
    store: &mut Store,
    mut intent: Intent,
    is_trial: bool,
) -> Result<(SavedPlan, Standing), Failure> {
    let identity = || SetIdentity {
        settings: saved::digest_of(&intent.resolved.desired),
        sources: saved::digest_of_sources(&intent.loaded.sources),
    };
    let refusal = refused_by_boot(store, &session.host.id, identity).filter(|_| !is_trial);
    let Some(last) = refusal else {
        let Made { mut plan, followed } = super::plan::make(session, &mut intent, &mut store.history)?;
        if followed != Followed::Nothing {
            // What is appended speaks of the names of now.
            store.compact()?;
        }
        if intent.bundle.host.mode == Mode::Enforce && !plan.loads.is_empty() {
            plan = modules::load_and_plan(session, &mut intent, store, plan)?;
        }
        return Ok((super::plan::saved(session, intent, plan), Standing::Accepted));
    };
    intent.resolved.desired = last.as_ref().map(|last| last.desired.clone()).unwrap_or_default();
    let mut plan = super::plan::make_of_these(session, &intent, &store.history.held)?;
    plan.findings.push(unconfirmed_finding());
    let mut document = super::plan::saved(session, intent, plan);
    document.roles = last.as_ref().map(|last| last.roles.clone()).unwrap_or_default();
    document.profiles = last.map(|last| last.profiles).unwrap_or_default();
    Ok((document, Standing::Refused))
}

/// `mode = "observe"`: the host only ever reports.
fn observe_only(common: &Common, document: SavedPlan, detail: Detail) -> Result<Exit, Failure> {
    let is_good = document.plan.changes.is_empty() && document.plan.loads.is_empty();
    let exit = if is_good { Exit::Good } else { Exit::HeldUp };
    let report = Report {
        document: "trimtab.apply",
        version: 1,
        exit: exit.code(),
        outcome: Outcome::Observed,
        writes: 0,
        failure: None,
        confirm_within: None,
        conflicts: Vec::new(),
        not_undone: Vec::new(),
        plan: document,
    };
    report::tell(common, &report, detail)?;
    Ok(exit)
}

enum Wanted {
    Saved(Box<SavedPlan>),
    Resolved(Box<Intent>),
}

/// A plan says what root is to do, as a profile does, so it must be as safe from others. What comes through a pipe is the
/// caller's own word.
fn read_plan(path: &Path) -> Result<SavedText, Failure> {
    if Trust::of_this_process() == Trust::Required && path.is_file() {
        trust::check(path).map_err(|error| Failure::new(Exit::BadInput, error.to_string()))?;
    }
    let bytes = super::read_file(path, LARGEST_DOCUMENT)?;
    // What is no text is no plan either, and its check would not hold.
    let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(SavedText { name: path.to_owned(), text })
}

/// A saved plan from its text.
///
/// # Errors
/// If it is none, or was changed.
pub fn parse_plan(saved: &SavedText) -> Result<SavedPlan, Failure> {
    SavedPlan::parse(saved.text.as_bytes())
        .map_err(|error| Failure::new(Exit::BadInput, format!("{}: {error}", saved.name.display())))
}

/// The saved plan computed anew: it must come out the same, on the same host, boot and namespace.
fn replan(session: &mut Session, store: &Store, old: SavedPlan) -> Result<SavedPlan, Failure> {
    if !old.host.same_boot_and_netns(&session.host.id) {
        let message = format!(
            "the plan is for host {} of boot {}, not for this boot or namespace; nothing was written: plan again",
            old.host.name, old.host.boot_id
        );
        return Err(Failure::new(Exit::Stale, message));
    }
    let goals = goal::of_apply(&old.desired, &store.history.held);
    let plan = session.plan(&goals)?;
    let moved = saved::moved(&old.plan, &plan);
    if !moved.is_empty() {
        let message = format!("reality has moved since the plan, so nothing was written:\n  {}", moved.join("\n  "));
        return Err(Failure::new(Exit::Stale, message));
    }
    let at = session.now().at;
    Ok(SavedPlan::new(plan, old.desired, session.host.id.clone(), old.roles, old.profiles, old.sources, at))
}

/// If this very set was on trial in another boot and never confirmed: the set to use instead, if there was one.
fn refused_by_boot(store: &Store, host: &HostId, set: impl Fn() -> SetIdentity) -> Option<Option<Applied>> {
    let trial = store.unconfirmed.as_ref()?;
    (trial.boot_id != host.boot_id && trial.set.is_same(&set())).then(|| trial.previous.clone())
}

fn unconfirmed_finding() -> Finding {
    Finding {
        class: Class::Blocked,
        code: "unconfirmed".to_owned(),
        address: None,
        message: "this set was on trial before the reboot and nobody confirmed it; the last confirmed one is used"
            .to_owned(),
        advice: Some("`trimtab confirm` accepts it, `trimtab apply --confirm-within` tries it again".to_owned()),
        origin: None,
    }
}

fn arm(common: &Common, host: &HostId, begin: &Begin) -> std::io::Result<Armed> {
    let mut arguments: Vec<OsString> = vec!["end-trial".into()];
    for (flag, value) in [
        ("--config", common.config.as_os_str()),
        ("--state-dir", common.state_dir.as_os_str()),
        ("--runtime-dir", common.runtime_dir.as_os_str()),
    ] {
        let whole = std::path::absolute(value).map_or_else(|_| value.to_owned(), std::path::PathBuf::into_os_string);
        arguments.extend([flag.into(), whole]);
    }
    if let Some(name) = &host.netns.name {
        arguments.extend(["--netns".into(), name.into()]);
    }
    arguments.extend(["--transaction".into(), begin.id.clone().into()]);
    arguments.extend(["--at".into(), begin.confirm_by.unwrap_or_default().to_string().into()]);
    let unit = format!("trimtab-trial-{}", begin.id);
    let timer = Timer { unit: &unit, arguments: &arguments, netns: host.netns.name.as_deref() };
    timer::arm(&timer)
}
