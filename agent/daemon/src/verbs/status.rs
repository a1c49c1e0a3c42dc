//! `trimtab status`: what is in force, since when, by whom, and what awaits a confirmation.

use std::fmt::Write;
use std::io;
use std::io::IsTerminal;
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::drift::Open;
use trimtab_core::drift::What;
use trimtab_core::host::HostId;
use trimtab_core::journal::Caller;
use trimtab_core::render;
use trimtab_core::render::Paint;
use trimtab_core::render::paint::Tone;
use trimtab_core::state::SetIdentity;
use trimtab_kernel::switch;

use super::hold;
use super::hold::Running;
use crate::cli;
use crate::cli::Common;
use crate::control::client;
use crate::control::client::Found;
use crate::control::protocol;
use crate::control::protocol::State;
use crate::engine::Store;
use crate::engine::StoreError;
use crate::engine::lease;
use crate::engine::pause::Paused;
use crate::engine::store::StateFile;
use crate::engine::transaction::millis;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::watch::sources::Coverage;

/// The document that `status --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The host, boot and namespace.
    pub host: HostId,
    /// What the daemon of this namespace says. Null if there is none, or it does not say.
    pub daemon: Option<Box<protocol::Status>>,
    /// Why there is no word of a daemon that is there, or may be.
    pub daemon_silent: Option<String>,
    /// Why nothing may be written, if the kill switch is on.
    pub disabled: Option<String>,
    /// What is in force.
    pub in_force: Option<InForce>,
    /// A trial that runs.
    pub trial: Option<Trial>,
    /// An apply that was killed half-way: the next command undoes it. Null if the journal cannot tell.
    pub unfinished: Option<bool>,
    /// A set that was on trial and never confirmed: it will not be applied at boot.
    pub unconfirmed: Option<Unconfirmed>,
    /// How many values differ from what they were before trimtab. Null if the journal cannot tell.
    pub held: Option<usize>,
    /// How many more do on hardware that is not there now: they can be put back once it is. Null if the journal cannot tell.
    pub away: Option<usize>,
    /// What the last undo met with somebody else's value and left alone.
    pub left_alone: Vec<Address>,
    /// What is tuned by hand and is not put back.
    pub leases: Vec<Running>,
    /// State that a newer trimtab wrote, or that is damaged: nothing is put in force or undone while it is there.
    pub unreliable: Vec<Unreliable>,
}

/// A file of state that cannot be relied upon.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unreliable {
    /// Which one.
    pub file: StateFile,
    /// The version it is of, if that is newer than this trimtab knows; null if it is damaged.
    pub version: Option<u32>,
    /// The newest version that this trimtab knows.
    pub known: u32,
    /// What is wrong with it and what to do, in words.
    pub problem: String,
}

/// What is in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InForce {
    /// Counts the sets put in force.
    pub generation: u64,
    /// Seconds since 1970.
    pub since: u64,
    /// Who put it in force.
    pub caller: Caller,
    /// The roles.
    pub roles: Vec<String>,
    /// How many settings.
    pub settings: usize,
}

/// A trial that runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Trial {
    /// Its transaction.
    pub transaction: String,
    /// Seconds left to confirm.
    pub seconds_left: u64,
    /// Who began it.
    pub caller: Caller,
}

/// A set that was never confirmed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unconfirmed {
    /// What identifies the set.
    pub set: SetIdentity,
    /// When its trial began, seconds since 1970.
    pub at: u64,
    /// Who began it.
    pub caller: Caller,
}

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_secs(1);

/// Runs the verb.
///
/// # Errors
/// If the state cannot be relied upon.
pub fn run(common: &Common, options: &cli::Status) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    if !options.watch {
        return once(common, &mut session, None).map(|(exit, _)| exit);
    }
    let mut shown = None;
    loop {
        let (_, text) = once(common, &mut session, Some(shown.as_ref()))?;
        shown = Some(text);
        thread::sleep(WATCH);
        session.relearn()?;
        session.leases = lease::read(&session.state_dir(), &session.host.id);
    }
}

/// Collects and shows; not if it is what was shown already.
fn once(common: &Common, session: &mut Session, watched: Option<Option<&String>>) -> Result<(Exit, String), Failure> {
    let (daemon, silent) = match client::status(common, &session.host.id.netns) {
        Found::None => (None, None),
        Found::Status(status) => (Some(status), None),
        Found::Silent(why) => (None, Some(why)),
    };
    let (store, unreliable) = session.look()?;
    let report = Report { daemon, daemon_silent: silent, ..collect(session, &store, &unreliable) };
    let mut shown = if common.json { super::json(&report)? } else { text(&report) };
    if watched.is_none_or(|last| last != Some(&shown)) {
        if watched.is_some() && !common.json && io::stdout().is_terminal() {
            // To the upper left corner, and away with what was there.
            super::printed(crate::output::out(b"\x1b[H\x1b[2J\x1b[3J"))?;
        } else if watched.flatten().is_some() && !common.json {
            shown.insert(0, '\n');
        }
        if common.json {
            super::print_raw_json(&shown)?;
        } else {
            super::print(&shown)?;
        }
    }
    let mut exit = Exit::Good;
    for failure in unreliable.into_iter().map(Failure::from) {
        crate::output::err(failure.text(super::paint_errors()).as_bytes());
        exit = failure.exit;
    }
    Ok((exit, shown.trim_start_matches('\n').to_owned()))
}

fn collect(session: &Session, store: &Store, unreliable: &[StoreError]) -> Report {
    let now = session.now();
    let in_force = store.in_force().filter(|applied| !applied.desired.settings.is_empty()).map(|applied| InForce {
        generation: applied.generation,
        since: applied.at,
        caller: applied.caller.clone(),
        roles: applied.roles.clone(),
        settings: applied.desired.settings.len(),
    });
    let open = store.history.open.as_ref();
    let trial = open.filter(|open| open.awaiting.is_some()).and_then(|open| {
        let left = open.begin.confirm_by?.saturating_sub(millis(now.boottime)) / 1000;
        Some(Trial { transaction: open.begin.id.clone(), seconds_left: left, caller: open.begin.caller.clone() })
    });
    let unconfirmed = store.unconfirmed.as_ref().filter(|_| trial.is_none()).map(|refused| Unconfirmed {
        set: refused.set.clone(),
        at: refused.at,
        caller: refused.caller.clone(),
    });
    let unreliable: Vec<Unreliable> = unreliable
        .iter()
        .filter_map(|error| {
            let (file, version) = error.unreliable()?;
            Some(Unreliable { file, version, known: file.version(), problem: error.to_string() })
        })
        .collect();
    let journal_tells = !unreliable.iter().any(|one| one.file == StateFile::Journal);
    let held = store.history.held.values().filter(|held| held.ours != held.original).count();
    Report {
        document: "trimtab.status",
        version: 1,
        host: session.host.id.clone(),
        daemon: None,
        daemon_silent: None,
        disabled: switch::disabled(),
        in_force,
        unfinished: journal_tells.then_some(open.is_some() && trial.is_none()),
        trial,
        unconfirmed,
        held: journal_tells.then_some(held),
        away: journal_tells.then_some(store.history.away.len()),
        leases: hold::running(session),
        left_alone: store.history.left.clone(),
        unreliable,
    }
}

fn text(report: &Report) -> String {
    let paint = super::paint();
    let mut text = String::new();
    let Report {
        document: _,
        version: _,
        host,
        daemon,
        daemon_silent,
        disabled,
        in_force,
        trial,
        unfinished,
        unconfirmed,
        held,
        away,
        left_alone,
        leases,
        unreliable,
    } = report;
    let namespace = match &host.netns.name {
        Some(name) => format!("  netns {name}"),
        None if host.netns.initial => String::new(),
        None => format!("  netns with cookie {}", host.netns.cookie),
    };
    let _ = writeln!(
        text,
        "{}",
        paint.tone(Tone::Heading, &format!("host {}{namespace}  kernel {}", host.name, host.kernel))
    );
    if let Some(why) = disabled {
        let _ = writeln!(text, "{} disabled by {why}: nothing is written", paint.tone(Tone::Alarm, "!"));
    }
    match (daemon, daemon_silent) {
        (Some(daemon), _) => tell_daemon(&mut text, daemon, paint),
        (None, Some(why)) => {
            let _ = writeln!(text, "daemon: {} no word of it: {why}", paint.tone(Tone::Alarm, "!"));
        }
        (None, None) => text.push_str("daemon: none: nothing is watched\n"),
    }
    match in_force {
        Some(InForce { generation, since, caller, roles, settings }) => {
            let roles =
                if roles.is_empty() { "no profile".to_owned() } else { format!("profile {}", roles.join(", ")) };
            let _ = writeln!(
                text,
                "in force: {roles}, {settings} settings, generation {generation}, since {} by {}",
                when(*since),
                who(caller)
            );
        }
        None if unreliable.iter().any(|one| one.file == StateFile::Applied) => text.push_str("in force: not known\n"),
        None => text.push_str("in force: nothing in this boot\n"),
    }
    match held {
        Some(held) => {
            let _ = writeln!(text, "changed: {held} values differ from what they were before trimtab");
        }
        None => text.push_str("changed: not known\n"),
    }
    if let Some(away) = away.filter(|away| *away > 0) {
        let sigil = paint.tone(Tone::Wait, "?");
        let _ = writeln!(
            text,
            "{sigil} away: {away} more on interfaces that are not here; `trimtab revert` puts them back once they are"
        );
    }
    for lease in leases {
        let sigil = paint.tone(Tone::Wait, "?");
        let _ = writeln!(text, "{sigil} {} is {}", lease.address, lease.text());
    }
    for address in left_alone {
        let sigil = paint.tone(Tone::Alarm, "!");
        let _ = writeln!(text, "{sigil} the last undo left {address} alone: it holds somebody else's value");
    }
    for Unreliable { file, version, known, problem: _ } in unreliable {
        let sigil = paint.tone(Tone::Alarm, "!");
        let why = match version {
            Some(version) => format!("is of version {version}, this trimtab knows up to {known}"),
            None => "is damaged".to_owned(),
        };
        let _ = writeln!(text, "{sigil} the file `{}` {why}: nothing is written while it is there", file.name());
    }
    if let Some(Trial { transaction: _, seconds_left, caller }) = trial {
        let sigil = paint.tone(Tone::Wait, "?");
        let _ = writeln!(
            text,
            "{sigil} on trial by {}: undone in {seconds_left} s unless `trimtab confirm` follows",
            who(caller)
        );
    }
    if *unfinished == Some(true) {
        let sigil = paint.tone(Tone::Alarm, "!");
        let _ = writeln!(text, "{sigil} an apply was killed half-way; the next apply or revert undoes it first");
    }
    if let Some(Unconfirmed { set: _, at, caller }) = unconfirmed {
        let sigil = paint.tone(Tone::Wait, "?");
        let _ = writeln!(
            text,
            "{sigil} a set tried on {} by {} was never confirmed: it is not applied at boot until `trimtab confirm`",
            when(*at),
            who(caller)
        );
    }
    text
}

/// What the daemon says.
fn tell_daemon(text: &mut String, daemon: &protocol::Status, paint: Paint) {
    let protocol::Status { pid, trimtab, since, state, why, paused, drifted, contended, held_up, look, sources, files } =
        daemon;
    let state = match state {
        State::Watching => "watching".to_owned(),
        State::Other => format!("{} watching what others put in force", paint.tone(Tone::Wait, "?")),
        State::Paused => format!("{} paused", paint.tone(Tone::Wait, "?")),
        State::Degraded => format!("{} degraded", paint.tone(Tone::Alarm, "!")),
        State::Blind => format!("{} blind", paint.tone(Tone::Alarm, "!")),
    };
    let _ = writeln!(text, "daemon: {state}, pid {pid}, trimtab {trimtab}, since {}", when(*since));
    for line in why.iter().flat_map(|why| why.lines()) {
        let _ = writeln!(text, "    {line}");
    }
    if let Some(Paused { version: _, at, boot_id: _, caller }) = paused {
        let _ = writeln!(text, "    reverted on {} by {}", when(*at), who(caller));
    }
    if let Some(protocol::Look { at, took, settings }) = look {
        let _ = writeln!(text, "    looked at {settings} settings on {}, in {} µs", when(*at), took);
    }
    let heard: Vec<&str> = sources.all().filter(|(_, one)| one.on).map(|(source, _)| source.name()).collect();
    let _ = writeln!(text, "    changes are heard by {}", heard.join(", "));
    for (source, Coverage { on, why, seen: _, lost }) in sources.all() {
        let sigil = paint.tone(Tone::Wait, "?");
        let name = source.name();
        let why = why.as_deref().unwrap_or("not opened");
        if !on {
            let _ = writeln!(text, "    {sigil} not by {name}: {why}");
        }
        if *lost > 0 {
            let _ = writeln!(text, "    {sigil} {name}: {lost} lost; everything was read each time");
        }
    }
    if !files {
        let _ = writeln!(text, "    {} changes of profiles are not noticed: send SIGHUP", paint.tone(Tone::Wait, "?"));
    }
    for Open { address, what, found } in drifted {
        let sigil = paint.tone(Tone::Alarm, "!");
        let what = match what {
            What::Reported => "has drifted and is left",
            What::NotPutBack => "has drifted and cannot be put back",
            What::Contended => "is contended",
            What::Drifted
            | What::PutBack
            | What::HoldsAgain
            | What::LeaseBegan
            | What::LeaseEnded
            | What::Attempted
            | What::Transient => "has drifted",
        };
        let left = contended.iter().find(|contended| contended.address == *address);
        let left = left.map(|left| format!(", tried again in {} s", left.retry_in)).unwrap_or_default();
        let _ = writeln!(text, "    {sigil} {address} {what}: found {found}{left}");
    }
    text.push_str(&render::plan::findings(held_up.iter(), paint));
}

/// Seconds since 1970 as a date in UTC, by the civil calendar.
pub fn when(at: u64) -> String {
    let (days, seconds) = (at / 86_400, at % 86_400);
    // Days since 0000-03-01, in eras of 400 years: the leap day is then the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Who that is, in words.
pub fn who(caller: &Caller) -> String {
    let Caller { uid, login_uid, sudo_user, tty, pid: _, parent } = caller;
    let mut words = format!("uid {uid}");
    if let Some(login) = login_uid.filter(|login| login != uid) {
        let _ = write!(words, " (logged in as uid {login})");
    }
    if let Some(user) = sudo_user {
        let _ = write!(words, " (sudo by {user})");
    }
    if let Some(tty) = tty {
        let _ = write!(words, " on {tty}");
    }
    if let Some(parent) = parent {
        let _ = write!(words, " from {parent}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(when(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(when(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(when(1_795_343_999), "2026-11-22 09:59:59 UTC".replace("09:59:59", "10:39:59"));
        assert_eq!(when(4_102_444_800), "2100-01-01 00:00:00 UTC");
    }
}
