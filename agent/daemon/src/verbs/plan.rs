//! `trimtab plan`: the dry run.

use std::collections::BTreeMap;
use std::path::Path;

use trimtab_core::address::Address;
use trimtab_core::address::Object;
use trimtab_core::desired::Desired;
use trimtab_core::journal::Followed;
use trimtab_core::journal::Held;
use trimtab_core::journal::History;
use trimtab_core::kind;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::plan::Goal;
use trimtab_core::plan::Plan;
use trimtab_core::plan::goal;
use trimtab_core::plan::saved::SavedPlan;
use trimtab_core::plan::saved::digest_of_sources;
use trimtab_core::render;
use trimtab_core::render::plan::Detail;
use trimtab_core::snapshot::Snapshot;
use trimtab_core::sysctld::BootSetting;
use trimtab_core::sysctld::NextBoot;

use crate::cli;
use crate::cli::Common;
use crate::engine::observe::Planned;
use crate::engine::observe::PlansAre;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Intent;
use crate::session::Session;
use crate::snapshot_kernel::SnapshotKernel;

/// The largest snapshot or plan that is read.
pub const LARGEST_DOCUMENT: usize = 64 << 20;

/// Runs the verb.
///
/// # Errors
/// What keeps a plan from being made.
pub fn run(common: &Common, options: &cli::Plan) -> Result<Exit, Failure> {
    let saved = match &options.against {
        None => {
            let mut session = Session::open(common)?;
            // No text names more of an interface than its name.
            if options.out.is_none() && !common.json {
                session.host.plans_are = PlansAre::Shown;
            }
            let mut intent = session.intend(&options.wanted)?;
            super::warn(&intent.loaded);
            let mut store = session.store()?;
            let mut plan = make(&mut session, &mut intent, &mut store.history)?.plan;
            if store.history.open.as_ref().is_some_and(|open| open.awaiting.is_none()) {
                plan.findings.push(unfinished());
            }
            // No other namespace is set at boot.
            if session.host.id.netns.initial {
                let files = trimtab_kernel::sysctld::gather(Path::new("/")).files;
                let boot = NextBoot::new(&files);
                next_boot(&mut plan, &session, &intent, &|address| match &address.object {
                    Object::Sysctl(key) => boot.setting(key),
                    Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
                });
            }
            let saved = saved(&session, intent, plan);
            super::forget(session);
            saved
        }
        Some(path) => {
            let snapshot = read_snapshot(path)?;
            let mut history = History { held: snapshot.held.clone(), ..History::default() };
            let boot = snapshot.next_boot.clone();
            let mut session = Session::with_kernel(common, Box::new(SnapshotKernel(snapshot)))?;
            let mut intent = session.intend(&options.wanted)?;
            super::warn(&intent.loaded);
            let mut plan = make(&mut session, &mut intent, &mut history)?.plan;
            next_boot(&mut plan, &session, &intent, &|address| boot.get(address).cloned());
            saved(&session, intent, plan)
        }
    };
    if let Some(path) = &options.out {
        let mut bytes = serde_json::to_vec_pretty(&saved.clone().sealed())
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot make the document: {error}")))?;
        bytes.push(b'\n');
        super::write_file(path, &bytes)?;
    }
    if common.json {
        super::print_json(&saved.clone().sealed())?;
    } else {
        let detail = if options.brief { Detail::Brief } else { Detail::Full };
        super::print(&render::plan::text(&saved, detail, super::paint()))?;
    }
    let exit = exit(&saved.plan);
    super::forget(saved);
    Ok(exit)
}

/// The plan that puts the intent in force. If an interface has gone or was renamed while it was made, all is learnt,
/// resolved and planned once more: what it is called now may be wanted too. What trimtab holds then follows.
///
/// # Errors
/// What shows only with the interfaces that came instead.
pub fn make(session: &mut Session, intent: &mut Intent, history: &mut History) -> Result<Made, Failure> {
    let goals = goals(session, &intent.resolved.desired, &history.held);
    let Planned { plan, gone } = session.look_and_plan(&goals)?;
    if gone.is_empty() {
        return Ok(Made { plan: told(plan, session, intent), followed: Followed::Nothing });
    }
    tracing::debug!(?gone, "interfaces have gone or were renamed while the plan was made: it is made anew");
    session.relearn()?;
    let followed = session.follow_history(history)?;
    session.resolve_anew(intent)?;
    session.host.learn_links(session.kernel.as_mut(), history.held.keys());
    Ok(Made { plan: make_of_these(session, intent, &history.held)?, followed })
}

/// A plan that was made.
pub struct Made {
    /// The plan.
    pub plan: Plan,
    /// Whether what trimtab holds followed interfaces to other names.
    pub followed: Followed,
}

/// The plan for just the settings that the intent has now.
///
/// # Errors
/// If the kernel does not tell interfaces apart.
pub fn make_of_these(session: &mut Session, intent: &Intent, held: &BTreeMap<Address, Held>) -> Result<Plan, Failure> {
    let goals = goals(session, &intent.resolved.desired, held);
    let plan = session.plan(&goals)?;
    Ok(told(plan, session, intent))
}

/// What is to be reached, but for what is left as it is.
fn goals<'a>(session: &Session, desired: &'a Desired, held: &BTreeMap<Address, Held>) -> BTreeMap<Address, Goal<'a>> {
    let now = session.now().boottime;
    let mut goals = goal::of_apply(desired, held);
    goals.retain(|address, goal| match goal {
        Goal::Hold(setting) => {
            session.leave.get(address) != Some(&setting.want)
                && session.leases.leases.get(address).is_none_or(|lease| lease.left(now).is_none())
        }
        Goal::TakeBack { .. } => true,
    });
    goals
}

/// The plan with what there is to say of what it leaves alone: what is on lease, and interfaces.
fn told(mut plan: Plan, session: &Session, intent: &Intent) -> Plan {
    for lease in super::hold::running(session) {
        if let Some(setting) = intent.resolved.desired.settings.get(&lease.address) {
            let message = lease.text();
            let finding = Finding::about(Class::Note, "on-lease", &lease.address, message);
            plan.findings.push(Finding { origin: Some(setting.origin.clone()), ..finding });
        }
    }
    for skipped in &intent.resolved.skipped {
        plan.findings.push(Finding {
            class: Class::Note,
            code: "unmanaged".to_owned(),
            address: None,
            message: format!("interface {} is left alone: unmanaged `{}`", skipped.interface, skipped.unmanaged),
            advice: None,
            origin: None,
        });
    }
    for name in &intent.resolved.unnamed {
        plan.findings.push(Finding {
            class: Class::Note,
            code: "unnamed".to_owned(),
            address: None,
            message: format!("interface `{}` is left alone: no address can hold its name", name.escape_debug()),
            advice: Some("rename it, without `=`, white space and control characters".to_owned()),
            origin: None,
        });
    }
    plan
}

/// The plan with all that it holds for.
pub fn saved(session: &Session, intent: Intent, plan: Plan) -> SavedPlan {
    let at = session.now().at;
    let roles = intent.bundle.roles.clone();
    let profiles = roles.iter().chain(&intent.bundle.included).cloned().collect();
    let sources = digest_of_sources(&intent.loaded.sources);
    SavedPlan::new(plan, intent.resolved.desired, session.host.id.clone(), roles, profiles, sources, at)
}

/// The exit code that a plan stands for.
pub fn exit(plan: &Plan) -> Exit {
    if !plan.changes.is_empty() || !plan.loads.is_empty() {
        Exit::Differs
    } else if plan.is_held_up() {
        Exit::HeldUp
    } else {
        Exit::Good
    }
}

/// Notes on lines of sysctl.d that would undo a setting at the next boot.
fn next_boot(plan: &mut Plan, session: &Session, intent: &Intent, boot: &dyn Fn(&Address) -> Option<BootSetting>) {
    let desired = &intent.resolved.desired;
    // No live value has a say in it.
    let observed = BTreeMap::new();
    let world = session.host.world(&observed);
    plan.findings.extend(kind::sysctl::next_boot::findings(desired, boot, &world));
}

fn unfinished() -> Finding {
    Finding {
        class: Class::Pending,
        code: "unfinished".to_owned(),
        address: None,
        message: "an earlier apply was killed half-way; the next apply or revert undoes it first".to_owned(),
        advice: None,
        origin: None,
    }
}

/// Reads a snapshot.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read_snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let bytes = super::read_file(path, LARGEST_DOCUMENT)?;
    Snapshot::parse(&bytes).map_err(|error| Failure::new(Exit::BadInput, format!("{}: {error}", path.display())))
}
