//! What the daemon does for others: it applies, reverts and confirms as they would have done it themselves, tells what they
//! would have been told, and says how it does.

use trimtab_core::journal::Caller;
use trimtab_core::plan::Class;
use trimtab_core::render::plan::Detail;
use trimtab_kernel::caller;
use trimtab_kernel::timer;

use super::Daemon;
use crate::cli;
use crate::cli::Common;
use crate::control::protocol::Ask;
use crate::control::protocol::Manner;
use crate::control::protocol::Places;
use crate::control::protocol::Reply;
use crate::control::protocol::SavedText;
use crate::control::protocol::State;
use crate::control::protocol::Status;
use crate::control::server::Answer;
use crate::control::server::Asked;
use crate::control::server::Peer;
use crate::engine::pause;
use crate::engine::pause::Paused;
use crate::engine::transaction::Finished;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::run;
use crate::session;
use crate::session::Session;
use crate::verbs::apply;
use crate::verbs::apply::Carried;
use crate::verbs::confirm;
use crate::verbs::hold;
use crate::verbs::revert;

/// Somebody else has the lock, and nothing was done: it is asked again.
const AT_ONCE: cli::Wait = cli::Wait { wait: std::time::Duration::ZERO };

impl Daemon {
    /// Answers one request; says whether a look is due because of it.
    pub(super) fn answer(&mut self, asked: Asked) -> bool {
        let Asked { ask, peer, answer } = asked;
        let (reply, is_news) = match ask {
            Ask::Status {} => (Answer::Reply(Box::new(Reply::Status { status: Box::new(self.full_status()) })), false),
            Ask::Apply { manner, profiles, set, param, plan, confirm_within, brief } => {
                let wanted = cli::Wanted { profiles, set, param };
                let order = apply::Order {
                    wanted,
                    plan,
                    confirm_within: confirm_within.map(std::time::Duration::from_millis),
                    detail: if brief { Detail::Brief } else { Detail::Full },
                    wait: AT_ONCE,
                };
                self.done(&manner, peer, |daemon, common, caller| daemon.apply_for(common, caller, &order))
            }
            Ask::Revert { manner, addresses, trial } => {
                let order = revert::Order { addresses, trial, wait: AT_ONCE };
                self.done(&manner, peer, |daemon, common, caller| daemon.revert_for(common, caller, &order))
            }
            Ask::Hold { manner, address, within, reason } => {
                let terms = within.map(|within| (std::time::Duration::from_millis(within), reason));
                let order = hold::Order { address, terms, wait: AT_ONCE };
                self.done(&manner, peer, |_, common, caller| {
                    let mut session = Session::open_here(common)?;
                    session.caller = Some(caller);
                    hold::perform(common, &mut session, &order)
                })
            }
            Ask::Confirm { manner } => self.done(&manner, peer, Daemon::confirm_for),
        };
        // Whoever asked may have gone.
        let _ = answer.send(reply);
        is_news
    }

    /// Does something as if the caller had done it.
    fn done(
        &mut self,
        manner: &Manner,
        peer: Peer,
        what: impl FnOnce(&mut Daemon, &Common, Caller) -> Result<Exit, Failure>,
    ) -> (Answer, bool) {
        let mine = Places::of(&self.common);
        if manner.places != mine {
            return (Answer::Reply(Box::new(other_places(&mine))), false);
        }
        let common = Common { json: manner.json, ..self.common.clone() };
        let caller = caller::caller_of(peer.pid, peer.uid, manner.sudo_user.as_deref());
        let (exit, said) = output::captured(manner.paints(), || {
            what(self, &common, caller).unwrap_or_else(|failure| {
                run::tell(&common, &failure);
                failure.exit
            })
        });
        let reply = Box::new(Reply::Done { exit: exit.code(), out: said.out, err: said.err });
        if exit == Exit::Locked { (Answer::Busy(reply), false) } else { (Answer::Reply(reply), true) }
    }

    fn apply_for(&mut self, common: &Common, caller: Caller, order: &apply::Order) -> Result<Exit, Failure> {
        self.refuse_other_roles(&order.wanted.profiles, order.plan.as_ref())?;
        let mut session = Session::open_here(common)?;
        session.caller = Some(caller);
        let carried = apply::carry_out(&mut session, order)?;
        let is_of_roles = order.plan.is_none() && order.wanted.set.is_empty() && order.wanted.param.is_empty();
        match &carried.finished {
            None | Some(Finished::Nothing | Finished::InForce { .. }) => {
                self.paused = None;
                if is_of_roles {
                    self.applied(&carried, session.host.interfaces.clone());
                } else {
                    // What failed before is not what is wanted now.
                    self.degraded = None;
                    self.retry = None;
                }
            }
            Some(Finished::Awaiting { .. }) => {
                self.on_trial = is_of_roles.then(|| carried.document.desired.clone());
            }
            Some(Finished::Stale(_) | Finished::Undone(_) | Finished::Incomplete(..)) => {}
        }
        let Carried { document, finished, .. } = carried;
        apply::tell(common, document, finished, order)
    }

    fn revert_for(&mut self, common: &Common, caller: Caller, order: &revert::Order) -> Result<Exit, Failure> {
        let mut session = Session::open_here(common)?;
        session.caller = Some(caller.clone());
        let exit = revert::perform(common, &mut session, order)?;
        let is_back = matches!(exit, Exit::Good | Exit::HeldUp | Exit::Incomplete);
        if is_back && !order.trial {
            let paused = Paused::new(session.now().at, &session.host.id, caller);
            if let Err(error) = pause::put(&session.state_dir(), &paused) {
                tracing::warn!(%error, "this revert is forgotten when the daemon is started anew, which then applies");
            }
            self.paused = Some(paused);
            self.retry = None;
            self.degraded = None;
            self.held_up = Vec::new();
        }
        Ok(exit)
    }

    fn confirm_for(&mut self, common: &Common, caller: Caller) -> Result<Exit, Failure> {
        let mut session = Session::open_here(common)?;
        session.caller = Some(caller);
        let exit = confirm::perform(common, &mut session, AT_ONCE)?;
        if self.on_trial.is_some() {
            self.mine = self.on_trial.take();
        }
        if session.store()?.in_force().is_some() {
            self.paused = None;
            if let Err(error) = pause::end(&session.state_dir()) {
                tracing::warn!(%error, "a daemon that is started anew in this boot would still be paused");
            }
        }
        Ok(exit)
    }

    /// What is not of the roles of this host would be undone with the next change of a profile, and nobody would know why.
    fn refuse_other_roles(&self, profiles: &[String], plan: Option<&SavedText>) -> Result<(), Failure> {
        let asked_for = match plan {
            Some(plan) => apply::parse_plan(plan)?.roles,
            None if profiles.is_empty() => return Ok(()),
            None => profiles.to_vec(),
        };
        let loaded = session::load(&self.common, &cli::Wanted::default())?;
        let roles = session::accept(loaded)?.bundle.roles;
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names.dedup();
            names
        };
        let (asked_for, roles) = (sorted(asked_for), sorted(roles));
        if asked_for == roles {
            return Ok(());
        }
        let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let message = format!(
            "a daemon (pid {}) keeps the roles of this host in force ({}), and this is for others ({}): write these to `profiles` in {}, which puts them in force, or stop the daemon first; nothing was done",
            std::process::id(),
            names(&roles),
            names(&asked_for),
            self.common.config.display()
        );
        Err(Failure::new(Exit::Failed, message))
    }

    /// What the daemon is at.
    pub(super) fn state(&self) -> State {
        if self.blind.is_some() {
            State::Blind
        } else if self.degraded.is_some() {
            State::Degraded
        } else if self.paused.is_some() {
            State::Paused
        } else if !self.is_mine {
            State::Other
        } else {
            State::Watching
        }
    }

    /// Why it is not simply watching.
    pub(super) fn why(&self) -> Option<String> {
        match self.state() {
            State::Blind => self.blind.clone(),
            State::Degraded => self.degraded.clone(),
            State::Paused => Some("somebody has reverted; `trimtab apply` goes on".to_owned()),
            State::Other => Some(
                "what is in force is not what the roles say, by somebody's decision; the next `apply`, change of a profile or start puts the roles in force"
                    .to_owned(),
            ),
            State::Watching => None,
        }
    }

    fn full_status(&self) -> Status {
        let now = timer::now_boottime();
        let contended = self.drift.contended(now);
        let contended = contended.map(|(address, left)| trimtab_core::drift::Contended {
            address: address.clone(),
            retry_in: left.as_secs(),
        });
        Status {
            pid: std::process::id(),
            trimtab: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            state: self.state(),
            why: self.why(),
            paused: self.paused.clone(),
            drifted: self.drift.open().collect(),
            contended: contended.collect(),
            held_up: self.held_up.iter().filter(|finding| finding.class != Class::Note).cloned().collect(),
            look: self.last_look,
            sources: self.sources.clone(),
            files: self.files.is_some(),
        }
    }
}

fn other_places(mine: &Places) -> Reply {
    let Places { config, profile_path, state_dir } = mine;
    let paths: String = profile_path.iter().map(|path| format!(" --profile-path {}", path.display())).collect();
    let error = format!(
        "the daemon (pid {}) of this namespace goes by other files; nothing was done: use --config {}{paths} --state-dir {}",
        std::process::id(),
        config.display(),
        state_dir.display()
    );
    Reply::Refused { exit: Exit::Usage.code(), error }
}
