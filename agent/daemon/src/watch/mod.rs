//! `trimtab run`: puts the roles of this host in force, then watches that they stay so.
//!
//! One thread, one loop. The truth is a full look at everything that is in force, at regular intervals; news of
//! interfaces only makes the next look come sooner. What is to be done about a drift is decided in
//! [`trimtab_core::drift`]; values are put back by the same plan and journal as any apply. Other commands have it apply,
//! revert and confirm for them, over [`crate::control`]. Between two looks nothing is held: a trial that nobody confirms
//! still ends by itself, and the next look goes by what that left in force.

mod answer;
mod files;
mod hearing;
mod look;
pub mod metrics;
mod news;
mod pace;
mod service;
pub mod sources;
mod writes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::time::Instant;
use tokio::time::sleep_until;
use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::desired::Want;
use trimtab_core::drift;
use trimtab_core::plan::Class;
use trimtab_core::plan::Finding;
use trimtab_core::profile::HostConfig;
use trimtab_core::profile::Listen;
use trimtab_core::profile::Mode;
use trimtab_core::profile::OnStop;
use trimtab_core::render::Paint;
use trimtab_kernel::lock::Lock;
use trimtab_kernel::state::namespace;
use trimtab_kernel::timer;

use crate::cli::Common;
use crate::cli::Wait;
use crate::control;
use crate::control::http::Metrics;
use crate::control::http::Place;
use crate::control::protocol;
use crate::control::protocol::State;
use crate::control::server::Server;
use crate::engine::pause;
use crate::engine::pause::Paused;
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::session::host_config;
use crate::verbs::apply;
use crate::verbs::apply::Carried;
use crate::verbs::apply::Order;
use crate::verbs::revert;

use files::Files;
use hearing::Hearing;
use look::Look;
use look::Looked;
use news::News;
use pace::Pace;
use sources::Source;
use sources::Sources;

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
    // Not before: what is waited for belongs to the loop.
    runtime.block_on(async { Daemon::new(common)?.run().await })
}

struct Daemon {
    common: Common,
    session: Session,
    /// What the host file said last.
    config: Option<HostConfig>,
    /// What is wanted, on a host that only observes: there nothing is applied.
    observed: Option<Desired>,
    /// The interfaces that the roles were applied to.
    planned_for: BTreeSet<String>,
    /// What this daemon put in force last.
    mine: Option<Desired>,
    /// Whether that is in force. If not, somebody else has decided otherwise, and nothing is applied until somebody wants it.
    is_mine: bool,
    /// What has drifted and is not put back.
    left: BTreeMap<Address, Want>,
    drift: drift::State,
    events: Events,
    news: News,
    hearing: Hearing,
    /// What changes are heard by.
    sources: Sources,
    pace: Pace,
    files: Option<Files>,
    /// Why the roles of the host are not in force as they are written, if they are not.
    degraded: Option<String>,
    /// Why nothing can be looked at, if so.
    blind: Option<String>,
    /// When to apply once more: something wanted could not be had, or what failed may pass.
    retry: Option<Retry>,
    /// Who has reverted, if nobody has applied since: nothing is applied then.
    paused: Option<Paused>,
    /// What is on trial, if that is just the roles of the host.
    on_trial: Option<Desired>,
    /// What the last apply could not decide or write yet.
    held_up: Vec<Finding>,
    /// The last full look.
    last_look: Option<protocol::Look>,
    /// Seconds since 1970 when it was started.
    since: u64,
    /// What the service manager was told last.
    told: String,
}

impl Daemon {
    fn new(common: &Common) -> Result<Daemon, Failure> {
        let session = Session::open(common)?;
        let events = Events::open(common, &session.host.id);
        let mut sources = Sources::default();
        sources.on(Source::ReadBack, None);
        // Before the first apply, so that nothing that happens behind it is missed.
        let news = News::open(&mut sources);
        let paused = pause::read(&session.state_dir(), &session.host.id);
        let since = session.now().at;
        let hearing = Hearing::open(&mut sources);
        Ok(Daemon {
            common: common.clone(),
            session,
            config: None,
            observed: None,
            planned_for: BTreeSet::new(),
            mine: None,
            is_mine: true,
            left: BTreeMap::new(),
            drift: drift::State::default(),
            events,
            news,
            hearing,
            sources,
            pace: Pace::new(Instant::now(), timer::cpu_time()),
            files: None,
            degraded: None,
            blind: None,
            retry: None,
            paused,
            on_trial: None,
            held_up: Vec::new(),
            last_look: None,
            since,
            told: String::new(),
        })
    }

    async fn run(mut self) -> Result<Exit, Failure> {
        let listen = |kind| signal(kind).map_err(|error| cannot("listen to signals", &error));
        let (mut end, mut interrupt, mut reload) =
            (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?);
        let netns = &self.session.host.id.netns;
        // As long as this lives no other daemon watches this namespace.
        let _only = Lock::take(&self.common.runtime_dir, &format!("{}.daemon", namespace(netns)), Duration::ZERO)?;
        let (mut server, mut requests) = Server::new(control::place(&self.common.runtime_dir, netns));
        // Before the first apply: who asks meanwhile waits for its end.
        reopen(&mut server);
        let (mut metrics, mut scrapes) = Metrics::new();
        self.files = Files::watch(&self.common)
            .inspect_err(|error| tracing::warn!(%error, "changes of profiles are not noticed: send SIGHUP"))
            .ok();
        if self.apply(FIRST_WAIT, BTreeMap::new()) == Some(Exit::BadInput) {
            self.apply_last_good(FIRST_WAIT);
        }
        metrics.serve_at(&self.metrics_place()).await;
        service::ready(&self.status());
        let mut due = self.look();
        // When the files are to be read anew.
        let mut anew: Option<Instant> = None;
        let mut alive_at = Instant::now();
        loop {
            let next = anew.map_or(due, |anew| anew.min(due));
            // However often others keep it from waiting that long.
            let alive = service::watchdog().map(|often| alive_at + often);
            let wake = alive.map_or(next, |alive| next.min(alive));
            tokio::select! {
                _ = end.recv() => break,
                _ = interrupt.recv() => break,
                _ = reload.recv() => due = self.reapply("SIGHUP", BTreeMap::new()),
                () = files::changed(&mut self.files) => {
                    anew.get_or_insert_with(|| Instant::now() + GATHER);
                }
                concerns = self.news.heard(&mut self.sources) => {
                    if concerns {
                        due = due.min(self.pace.free_from().max(Instant::now() + GATHER));
                    }
                }
                drained = self.hearing.wait(self.pace.free_from()) => {
                    let netns = self.session.host.id.netns.cookie;
                    if self.hearing.take(drained, netns, &self.drift, &mut self.sources) {
                        due = due.min(self.pace.free_from());
                    }
                    self.pace.spend(Instant::now(), timer::cpu_time());
                }
                Some(asked) = requests.recv() => {
                    if self.answer(asked) { due = Instant::now() }
                }
                Some(scrape) = scrapes.recv() => drop(scrape.send(self.metrics())),
                () = sleep_until(wake) => {
                    if anew.is_some_and(|anew| anew <= wake) {
                        anew = None;
                        due = self.reapply("files of profiles changed", self.left.clone());
                    } else if wake >= due {
                        due = self.look();
                        if self.files.as_ref().is_some_and(Files::has_come) {
                            due = self.reapply("a folder of profiles came", self.left.clone());
                        }
                        reopen(&mut server);
                        metrics.serve_at(&self.metrics_place()).await;
                    }
                }
            }
            if alive.is_some_and(|alive| alive <= Instant::now()) {
                alive_at = Instant::now();
                service::alive();
            }
        }
        service::stopping();
        self.stop();
        Ok(Exit::Good)
    }

    /// What was asked for at the end: nothing, or what was there before trimtab comes back.
    fn stop(&self) {
        let config = self.config.as_ref().filter(|config| config.mode == Mode::Enforce);
        match config.map(|config| config.on_stop).unwrap_or_default() {
            OnStop::Keep => tracing::info!("told to end; what is in force stays in force"),
            OnStop::Revert => {
                let wait = Wait { wait: FIRST_WAIT };
                let outcome =
                    Session::open_here(&self.common).and_then(|mut session| revert::take_back(&mut session, &[], wait));
                match outcome.map(|(_, finished)| finished.failure().map(ToString::to_string)) {
                    Ok(None) => tracing::info!("told to end; what was there before trimtab is back"),
                    Ok(Some(failure)) => {
                        tracing::error!(failure, "not everything that was there before trimtab is back")
                    }
                    Err(failure) => tracing::error!(failure = failure.message, "what is in force stays in force"),
                }
            }
        }
    }

    /// Puts the roles in force, but for what is to be left. An invalid profile leaves what is in force as it is, and so does
    /// a revert that nobody has applied after. Gives why it could not be tried.
    fn apply(&mut self, wait: Duration, leave: BTreeMap<Address, Want>) -> Option<Exit> {
        // Before they are read: what changes from here on is heard.
        if let Some(files) = &mut self.files {
            files.follow(&self.common);
        }
        if self.paused.is_some() {
            match host_config(&self.common) {
                Ok(config) => {
                    self.config = Some(config);
                    self.degraded = None;
                    self.retry = None;
                    None
                }
                Err(failure) => Some(self.not_applied(failure)),
            }
        } else {
            let order = Order::of_roles(Wait { wait });
            let outcome = Session::open_here(&self.common).and_then(|mut session| {
                session.leave = leave;
                let carried = apply::carry_out(&mut session, &order)?;
                Ok((carried, session.host.interfaces))
            });
            match outcome {
                Ok((carried, interfaces)) => {
                    self.applied(&carried, interfaces);
                    None
                }
                Err(failure) => Some(self.not_applied(failure)),
            }
        }
    }

    /// Where metrics are served: as the host file says, else beside the socket.
    fn metrics_place(&self) -> Place {
        match self.config.as_ref().and_then(|config| config.metrics.as_ref()) {
            Some(Listen::Unix(path)) => Place::Unix(path.into()),
            Some(Listen::Tcp(address)) => Place::Tcp(*address),
            None => {
                let netns = &self.session.host.id.netns;
                let name = if netns.initial {
                    "metrics.sock".to_owned()
                } else {
                    format!("metrics-{}.sock", namespace(netns))
                };
                Place::Unix(self.common.runtime_dir.join(name))
            }
        }
    }

    /// The roles of the host were applied.
    fn applied(&mut self, carried: &Carried, interfaces: BTreeSet<String>) {
        let Carried { document, finished, host, store, .. } = carried;
        let before = self.degraded.take();
        // Those that came meanwhile are others.
        self.planned_for = interfaces;
        self.config = host.clone().or(self.config.take());
        self.mine = store.in_force().map(|applied| applied.desired.clone());
        self.is_mine = true;
        let changes = document.plan.changes.len();
        self.degraded = finished.as_ref().and_then(|finished| finished.failure().map(ToString::to_string));
        let counts = self.events.counts_mut();
        match self.degraded {
            None => counts.applied += 1,
            Some(_) => counts.failed += 1,
        }
        if changes > 0 || self.degraded != before {
            tracing::info!(changes, failed = self.degraded, "applied");
        }
        let again = self.degraded.is_some() || document.plan.is_held_up();
        self.retry = again.then(|| Retry::after(self.retry));
        self.held_up = document.plan.findings.iter().filter(|finding| finding.class != Class::Note).cloned().collect();
        let observes = self.config.as_ref().is_some_and(|config| config.mode == Mode::Observe);
        self.observed = observes.then(|| document.desired.clone());
    }

    /// The roles of the host could not be applied.
    fn not_applied(&mut self, failure: Failure) -> Exit {
        if self.degraded.as_ref() != Some(&failure.message) {
            tracing::error!("{}", failure.text(Paint::Plain).trim_end());
        }
        self.events.counts_mut().failed += 1;
        // Files that cannot be had now may come with a mount, which nobody tells of.
        self.retry = Some(Retry::after(self.retry));
        self.degraded = Some(failure.message);
        // Whatever is wrong with profiles: what the host file says of watching holds from here on.
        if let Ok(config) = host_config(&self.common) {
            self.config = Some(config);
        }
        failure.exit
    }

    /// Where the profiles are invalid and this boot has put nothing in force yet: what was in force last is put in force again.
    /// Not if the host file is invalid: nobody knows then whether anything may be written.
    fn apply_last_good(&mut self, wait: Duration) {
        let may_write = self.config.as_ref().is_some_and(|config| config.mode == Mode::Enforce);
        if !may_write || self.paused.is_some() {
            return;
        }
        let outcome =
            Session::open_here(&self.common).and_then(|mut session| apply::carry_out_last(&mut session, Wait { wait }));
        match outcome {
            Ok(None) => {}
            Ok(Some(finished)) => match finished.failure() {
                None => {
                    tracing::warn!("what was in force before this boot is in force again, until the profiles are valid")
                }
                Some(failure) => tracing::error!(%failure, "what was in force before this boot cannot be put in force"),
            },
            Err(failure) => {
                let failure = failure.message;
                tracing::error!(failure, "what was in force before this boot cannot be put in force");
            }
        }
    }

    /// Applies because somebody wants it: what failed before is tried at once.
    fn reapply(&mut self, why: &str, leave: BTreeMap<Address, Want>) -> Instant {
        tracing::info!(why, "applying anew");
        service::reloading();
        self.retry = None;
        self.apply(Duration::from_secs(10), leave);
        service::ready(&self.status());
        Instant::now()
    }

    /// One look at everything; says when the next is due.
    fn look(&mut self) -> Instant {
        let began = Instant::now();
        let next = self.look_at_all(began);
        self.pace.spend(Instant::now(), timer::cpu_time());
        self.hearing.later(began).map_or(next, |later| next.min(later.max(self.pace.free_from())))
    }

    fn look_at_all(&mut self, began: Instant) -> Instant {
        let now = timer::now_boottime();
        let mut compared = 0;
        let looked = match &self.config {
            // Nobody knows whether anything may be written.
            None => Ok(Looked::Everything),
            Some(config) => Look {
                session: &mut self.session,
                config,
                observed: self.observed.as_ref(),
                planned_for: &self.planned_for,
                mine: self.mine.as_ref(),
                is_mine: &mut self.is_mine,
                left: &mut self.left,
                hearing: &mut self.hearing,
                began,
                sources: &mut self.sources,
                drift: &mut self.drift,
                events: &mut self.events,
                compared: &mut compared,
            }
            .look(now),
        };
        if matches!(looked, Ok(Looked::Everything | Looked::Interfaces)) && self.config.is_some() {
            let took = timer::now_boottime().saturating_sub(now);
            self.events.counts_mut().looked(took);
            let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.last_look = Some(protocol::Look { at: self.session.now().at, took, settings: compared });
        }
        let is_due = self.retry.is_some_and(|retry| retry.at <= Instant::now());
        match looked {
            Ok(Looked::Busy) => return Instant::now() + BUSY,
            Ok(looked) => {
                self.sources.seen(Source::ReadBack, 1);
                self.blind = None;
                let news = looked == Looked::Interfaces && (self.degraded.is_none() || is_due);
                if self.is_mine && (news || is_due) {
                    self.apply(BUSY, self.left.clone());
                }
            }
            Err(failure) => {
                if self.blind.as_ref() != Some(&failure.message) {
                    tracing::error!("{}", failure.text(Paint::Plain).trim_end());
                }
                self.blind = Some(failure.message);
            }
        }
        // Only news: a manager that does not listen would be waited for.
        let status = self.status();
        if self.told != status {
            service::status(&status);
            self.told = status;
        }
        let read_back = self.config.as_ref().map_or(HostConfig::default().read_back, |config| config.read_back);
        let regular = jittered(read_back, now);
        let contended = self.drift.next_retry().map_or(regular, |retry| retry.saturating_sub(now).max(BUSY));
        // Nothing is applied, and so nothing tried once more, as long as somebody else has decided otherwise.
        let retry = self.retry.filter(|_| self.is_mine);
        let lease = self.session.leases.next_end(timer::now_boottime()).unwrap_or(regular);
        next_look(Instant::now(), regular.min(contended).min(lease), retry)
    }

    /// What the service manager shows.
    fn status(&self) -> String {
        let contended = self.drift.contended(timer::now_boottime()).count();
        let why = self.why().unwrap_or_default();
        match self.state() {
            State::Blind | State::Degraded => format!("degraded: {}", why.lines().next().unwrap_or_default()),
            State::Paused => format!("paused: {why}"),
            State::Watching | State::Other if contended > 0 => format!("watching, {contended} contended"),
            State::Watching | State::Other => "watching".to_owned(),
        }
    }
}

/// Opens the socket if it is not there.
fn reopen(server: &mut Server) {
    if let Err(error) = server.open() {
        tracing::warn!(%error, "other commands cannot speak to this daemon");
    }
}

/// A later attempt: twice as long after each that came to nothing.
#[derive(Debug, Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
}

impl Retry {
    fn after(last: Option<Retry>) -> Retry {
        const FIRST: Duration = Duration::from_secs(10);
        const LONGEST: Duration = Duration::from_secs(300);
        let pause = last.map_or(FIRST, |last| last.pause.saturating_mul(2).min(LONGEST));
        Retry { at: Instant::now() + pause, pause }
    }
}

/// When to look next: regularly, or for something that is to be tried once more.
fn next_look(now: Instant, regular: Duration, retry: Option<Retry>) -> Instant {
    let next = now + regular;
    retry.map_or(next, |retry| next.min(retry.at.max(now + BUSY)))
}

/// Up to a tenth sooner, so that a fleet that was started at once does not look at once.
fn jittered(every: Duration, seed: Duration) -> Duration {
    every.saturating_sub(every.mul_f64(f64::from(seed.subsec_nanos() % 1000) / 10_000.0))
}

fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot {what}: {error}"))
}
