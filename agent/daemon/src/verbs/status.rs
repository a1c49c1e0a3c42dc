//! `trimtab status`: what is in force, since when, by whom, and what awaits a confirmation.

use std::fmt::Write;

use serde::Serialize;
use trimtab_core::host::HostId;
use trimtab_core::journal::Caller;
use trimtab_core::render::paint::Tone;
use trimtab_core::state::Identity;
use trimtab_kernel::switch;

use crate::cli::Common;
use crate::engine::Store;
use crate::engine::transaction::millis;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `status --json` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `trimtab.status`.
    pub document: &'static str,
    /// 1.
    pub version: u32,
    /// The host, boot and namespace.
    pub host: HostId,
    /// Why nothing may be written, if the kill switch is on.
    pub disabled: Option<String>,
    /// What is in force.
    pub in_force: Option<InForce>,
    /// A trial that runs.
    pub trial: Option<Trial>,
    /// An apply that was killed half-way: the next command undoes it.
    pub unfinished: bool,
    /// A set that was on trial and never confirmed: it will not be applied at boot.
    pub unconfirmed: Option<Unconfirmed>,
    /// How many values differ from what they were before trimtab.
    pub held: usize,
}

/// What is in force.
#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
pub struct Trial {
    /// Its transaction.
    pub transaction: String,
    /// Seconds left to confirm.
    pub seconds_left: u64,
    /// Who began it.
    pub caller: Caller,
}

/// A set that was never confirmed.
#[derive(Debug, Serialize)]
pub struct Unconfirmed {
    /// What identifies the set.
    pub set: Identity,
    /// When its trial began, seconds since 1970.
    pub at: u64,
    /// Who began it.
    pub caller: Caller,
}

/// Runs the verb.
///
/// # Errors
/// If the state cannot be relied upon.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    let session = Session::open(common)?;
    let store = session.store()?;
    let report = collect(&session, &store);
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&text(&report))?;
    }
    Ok(Exit::Good)
}

fn collect(session: &Session, store: &Store) -> Report {
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
    Report {
        document: "trimtab.status",
        version: 1,
        host: session.host.id.clone(),
        disabled: switch::disabled(),
        in_force,
        unfinished: open.is_some() && trial.is_none(),
        trial,
        unconfirmed,
        held: store.history.held.values().filter(|held| held.ours != held.original).count(),
    }
}

fn text(report: &Report) -> String {
    let paint = super::paint();
    let mut text = String::new();
    let Report { document: _, version: _, host, disabled, in_force, trial, unfinished, unconfirmed, held } = report;
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
        None => text.push_str("in force: nothing in this boot\n"),
    }
    let _ = writeln!(text, "changed: {held} values differ from what they were before trimtab");
    if let Some(Trial { transaction: _, seconds_left, caller }) = trial {
        let sigil = paint.tone(Tone::Wait, "?");
        let _ = writeln!(
            text,
            "{sigil} on trial by {}: undone in {seconds_left} s unless `trimtab confirm` follows",
            who(caller)
        );
    }
    if *unfinished {
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

/// Seconds since 1970 as a date in UTC, by the civil calendar.
fn when(at: u64) -> String {
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

fn who(caller: &Caller) -> String {
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
