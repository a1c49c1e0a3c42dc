//! `trimtab run`: puts the roles of this host in force, then watches that they stay so.
//!
//! One thread, one loop. The truth is a full look at everything that is in force, at regular intervals; news of
//! interfaces only makes the next look come sooner. What is to be done about a drift is decided in
//! [`trimtab_core::drift`]; values are put back by the same plan and journal as any apply. Between two looks nothing is
//! held: another trimtab may apply or revert, and the next look goes by what it left in force.

mod files;
mod look;
mod news;
mod service;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::time::Instant;
use tokio::time::sleep_until;
use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::drift;
use trimtab_core::profile::HostConfig;
use trimtab_core::profile::Mode;
use trimtab_core::render::Paint;
use trimtab_kernel::timer;

use crate::cli;
use crate::cli::Common;
use crate::cli::Wait;
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::verbs::apply;

use files::Files;
use look::Look;
use look::Looked;
use news::News;

/// How long changes of files and interfaces are gathered before they are acted upon: an editor, `git pull` and udev make many
/// in a row.
const GATHER: Duration = Duration::from_millis(200);

/// When to look again if another trimtab held the lock.
const BUSY: Duration = Duration::from_secs(1);

/// How long the first apply waits for another trimtab.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// Runs until it is told to end.
///
/// # Errors
/// Whatever keeps it from watching at all. That the roles cannot be put in force is told, and tried again.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the loop: {error}")))?;
    runtime.block_on(Daemon::new(common)?.run())
}

struct Daemon {
    common: Common,
    session: Session,
    /// What the host file said last.
    config: HostConfig,
    /// What is wanted, on a host that only observes: there nothing is applied.
    observed: Option<Desired>,
    /// Whether other interfaces are there than when the roles were applied last.
    others: bool,
    drift: drift::State,
    events: Events,
    news: Option<News>,
    files: Option<Files>,
    /// Why the roles of the host are not in force as they are written, if they are not.
    degraded: Option<String>,
    /// Whether to apply once more with the next look: something wanted could not be had, or what failed may pass.
    again: bool,
}

impl Daemon {
    fn new(common: &Common) -> Result<Daemon, Failure> {
        let session = Session::open(common)?;
        let events = Events::open(common, &session.host.id);
        Ok(Daemon {
            common: common.clone(),
            session,
            config: HostConfig::default(),
            observed: None,
            others: false,
            drift: drift::State::default(),
            events,
            news: None,
            files: None,
            degraded: None,
            again: false,
        })
    }

    async fn run(mut self) -> Result<Exit, Failure> {
        let Ends { mut end, mut interrupt, mut reload } =
            Ends::new().map_err(|error| cannot("listen to signals", &error))?;
        // Before the first apply, so that nothing that happens behind it is missed.
        self.news = News::open().inspect_err(|error| tracing::warn!(%error, "news of interfaces are not heard")).ok();
        self.files = Files::watch(&self.common)
            .inspect_err(|error| tracing::warn!(%error, "changes of profiles are not noticed: send SIGHUP"))
            .ok();
        self.apply(FIRST_WAIT, BTreeSet::new());
        service::ready(&self.status());
        let mut due = Instant::now();
        loop {
            let wake = service::watchdog().map_or(due, |often| due.min(Instant::now() + often));
            tokio::select! {
                _ = end.recv() => break,
                _ = interrupt.recv() => break,
                _ = reload.recv() => due = self.reapply("SIGHUP"),
                () = files::changed(&mut self.files) => {
                    tokio::time::sleep(GATHER).await;
                    due = self.reapply("files of profiles changed");
                }
                heard = news::heard(&mut self.news) => {
                    if heard {
                        tokio::time::sleep(GATHER).await;
                        news::drain(&mut self.news);
                        due = Instant::now();
                    }
                }
                () = sleep_until(wake) => {
                    if wake >= due { due = self.look() }
                    service::alive();
                }
            }
        }
        service::stopping();
        tracing::info!("told to end; what is in force stays in force");
        Ok(Exit::Good)
    }

    /// Puts the roles in force, but for what is to be left. An invalid profile leaves what is in force as it is.
    fn apply(&mut self, wait: Duration, leave: BTreeSet<Address>) {
        let options = cli::Apply::of_roles(Wait { wait });
        let outcome = Session::open(&self.common).and_then(|mut session| {
            session.leave = leave;
            let carried = apply::carry_out(&mut session, &options)?;
            // What could not be told apart before may be another interface now.
            self.session.relearn()?;
            Ok(carried)
        });
        match outcome {
            Ok(carried) => {
                if let Some(host) = carried.host {
                    self.config = host;
                }
                let changes = carried.document.plan.changes.len();
                let failed = carried.finished.as_ref().and_then(|finished| finished.failure().map(ToString::to_string));
                tracing::info!(changes, failed, "applied");
                self.again = failed.is_some() || carried.document.plan.is_held_up();
                self.degraded = failed;
                self.observed = (self.config.mode == Mode::Observe).then_some(carried.document.desired);
            }
            Err(failure) => {
                tracing::error!("{}", failure.text(Paint::Plain).trim_end());
                // What is invalid stays so until a file changes, and that is noticed.
                self.again = failure.exit != Exit::BadInput;
                self.degraded = Some(failure.message);
            }
        }
        if let Some(files) = &mut self.files {
            files.follow(&self.common);
        }
    }

    fn reapply(&mut self, why: &str) -> Instant {
        tracing::info!(why, "applying anew");
        service::reloading();
        self.apply(Duration::from_secs(10), BTreeSet::new());
        service::ready(&self.status());
        Instant::now()
    }

    /// One look at everything; says when the next is due.
    fn look(&mut self) -> Instant {
        let now = timer::now_boottime();
        let mut look = Look {
            session: &mut self.session,
            config: &self.config,
            observed: self.observed.as_ref(),
            others: &mut self.others,
            drift: &mut self.drift,
            events: &mut self.events,
        };
        match look.look(now) {
            Ok(Looked::Everything) if self.again => self.apply(BUSY, self.drift.left_alone()),
            Ok(Looked::Everything) => {}
            Ok(Looked::Interfaces) => {
                tracing::info!("interfaces came or went");
                self.apply(BUSY, self.drift.left_alone());
            }
            Ok(Looked::Busy) => return Instant::now() + BUSY,
            Err(failure) => tracing::error!("{}", failure.text(Paint::Plain).trim_end()),
        }
        service::status(&self.status());
        let regular = jittered(self.config.read_back, now);
        let retry = self.drift.next_retry().map_or(regular, |retry| retry.saturating_sub(now));
        Instant::now() + regular.min(retry.max(BUSY))
    }

    fn status(&self) -> String {
        let contended = self.drift.contended(timer::now_boottime()).count();
        match &self.degraded {
            Some(why) => format!("degraded: {}", why.lines().next().unwrap_or_default()),
            None if contended > 0 => format!("watching, {contended} contended"),
            None => "watching".to_owned(),
        }
    }
}

/// The signals that mean something.
struct Ends {
    end: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Ends> {
        Ok(Ends {
            end: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }
}

/// Up to a tenth sooner, so that a fleet that was started at once does not look at once.
fn jittered(every: Duration, seed: Duration) -> Duration {
    every.saturating_sub(every.mul_f64(f64::from(seed.subsec_nanos() % 1000) / 10_000.0))
}

fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot {what}: {error}"))
}
