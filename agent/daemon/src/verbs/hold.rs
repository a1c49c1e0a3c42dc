//! `trimtab hold`: a lease for tuning by hand. Until it ends, by itself, nobody puts the address back.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::drift::Told;
use trimtab_core::drift::What;
use trimtab_core::journal::Caller;
use trimtab_core::lease::Lease;
use trimtab_core::observed::Observed;
use trimtab_core::value::Value;

use super::address::enter_named;
use super::address::parse_address;
use super::recovery;
use super::status::when;
use super::status::who;
use crate::cli;
use crate::cli::Common;
use crate::control::client;
use crate::control::protocol::Ask;
use crate::control::protocol::Manner;
use crate::engine::lease;
use crate::engine::observe::observe;
use crate::engine::transaction::millis;
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The longest reason, in bytes: it stands in every status.
const LONGEST_REASON: usize = 200;

/// The document that `hold --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The address.
    pub address: Address,
    /// Seconds until the lease ends; none if it has ended now.
    pub seconds_left: Option<u64>,
    /// What is there now.
    pub found: Value,
    /// Whether anything that is in force wants something of the address.
    pub wanted: bool,
}

/// A lease as documents tell it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Running {
    /// The address.
    pub address: Address,
    /// Seconds until it ends.
    pub seconds_left: u64,
    /// What for.
    pub reason: String,
    /// Who took it.
    pub caller: Caller,
    /// Seconds since 1970 when it was taken.
    pub at: u64,
}

impl Running {
    /// What there is to say of it.
    pub fn text(&self) -> String {
        let Running { address: _, seconds_left, reason, caller, at: _ } = self;
        let left = Duration::from_secs(seconds_left.div_ceil(60) * 60).as_secs() / 60;
        let left = if left >= 120 { format!("{} h {} min", left / 60, left % 60) } else { format!("{left} min") };
        format!("on lease for {left} more, by {}: {reason}", who(caller))
    }
}

/// The leases that run.
pub fn running(session: &Session) -> Vec<Running> {
    let now = session.now().boottime;
    let running = session.leases.running(now).map(|(address, lease)| Running {
        address: address.clone(),
        seconds_left: lease.left(now).unwrap_or_default().as_secs(),
        reason: lease.reason.clone(),
        caller: lease.caller.clone(),
        at: lease.at,
    });
    running.collect()
}

/// What is to be held, or let go of.
#[derive(Debug, Clone)]
pub struct Order {
    /// The address.
    pub address: Address,
    /// For how long and what for; none to end the lease.
    pub terms: Option<(Duration, String)>,
    /// How long to wait for another trimtab.
    pub wait: cli::Wait,
}

impl Order {
    /// The same, for the daemon.
    fn ask(self, common: &Common) -> Ask {
        let Order { address, terms, wait } = self;
        let (within, reason) = terms.map(|(within, reason)| (millis(within), reason)).unzip();
        Ask::Hold { manner: Manner::of(common, wait), address, within, reason: reason.unwrap_or_default() }
    }
}

/// Runs the verb: has the daemon do it, if there is one.
///
/// # Errors
/// If there is no such value, or the lease cannot be put on disk.
pub fn run(common: &Common, options: &cli::Hold) -> Result<Exit, Failure> {
    let cli::Hold { address, within, reason, end: _, wait } = options;
    let mut address = parse_address(address)?;
    let common = enter_named(common, std::slice::from_mut(&mut address))?;
    let terms = within.map(|within| (within, reason.clone().unwrap_or_default()));
    let order = Order { address, terms, wait: *wait };
    let mut session = Session::open(&common)?;
    let netns = session.host.id.netns.clone();
    match client::forward(&common, &netns, || order.clone().ask(&common))? {
        Some(exit) => Ok(exit),
        None => perform(&common, &mut session, &order),
    }
}

/// Takes or ends the lease, and tells it.
///
/// # Errors
/// As [`run`].
pub fn perform(common: &Common, session: &mut Session, order: &Order) -> Result<Exit, Failure> {
    let Order { address, terms, wait } = order;
    recovery::refuse_if_disabled()?;
    let (_lock, store) = session.locked_store(*wait)?;
    let now = session.now();
    let observed = observe(session.kernel.as_mut(), [address.clone()], &session.host.facts);
    let found = match observed.get(address) {
        Some(Observed::Value { value, .. }) => Some(value.clone()),
        Some(
            Observed::Absent
            | Observed::Unsupported
            | Observed::Denied
            | Observed::WriteOnly
            | Observed::Withheld
            | Observed::Failed { .. },
        )
        | None => None,
    };
    let mut leases = session.leases.clone();
    let held = leases.leases.remove(address);
    let (told, seconds_left) = match terms {
        Some((within, reason)) => {
            let Some(found) = found else {
                return Err(Failure::new(Exit::Failed, format!("{address}: there is nothing that could be tuned")));
            };
            let reason = reason.trim();
            if reason.is_empty() || reason.len() > LONGEST_REASON || reason.chars().any(char::is_control) {
                let message = format!("a lease has a reason, of one line and at most {LONGEST_REASON} bytes");
                return Err(Failure::new(Exit::Usage, message));
            }
            let until = millis(now.boottime.saturating_add(*within));
            let (reason, caller) = (reason.to_owned(), now.caller.clone());
            let told = Told {
                retry_in: Some(within.as_secs()),
                reason: Some(reason.clone()),
                caller: Some(Box::new(caller.clone())),
                ..Told::new(address, What::LeaseBegan, found.clone())
            };
            leases.leases.insert(address.clone(), Lease { until, at: now.at, found, reason, caller });
            (told, Some(within.as_secs()))
        }
        None => {
            let Some(held) = held else {
                return Err(Failure::new(Exit::Failed, format!("{address}: there is no lease of it")));
            };
            let found = found.unwrap_or(held.found);
            let told =
                Told { caller: Some(Box::new(now.caller.clone())), ..Told::new(address, What::LeaseEnded, found) };
            (told, None)
        }
    };
    lease::put(&session.state_dir(), &leases)?;
    session.leases = leases;
    Events::open(common, &session.host.id).tell(told.clone());
    let wanted = store.in_force().is_some_and(|applied| applied.desired.settings.contains_key(address));
    let report = Report {
        document: "trimtab.hold",
        version: 1,
        address: address.clone(),
        seconds_left,
        found: told.found,
        wanted,
    };
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&text(&report, now.at))?;
    }
    Ok(Exit::Good)
}

fn text(report: &Report, now: u64) -> String {
    let Report { document: _, version: _, address, seconds_left, found, wanted } = report;
    match seconds_left {
        Some(left) => {
            let until = when(now.saturating_add(*left));
            let note = if *wanted { "" } else { "; nothing in force wants anything of it now" };
            format!("on lease until {until}: {address}, now {found}; nobody puts it back until then{note}\n")
        }
        None => format!("the lease of {address} has ended, now {found}: drift is drift again\n"),
    }
}
