//! `trimtab adopt`: the live value as a profile, to be put where the wish of now comes from. Nothing is written.

use schemars::JsonSchema;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::desired::Origin;
use trimtab_core::observed::Observed;
use trimtab_core::patch;
use trimtab_core::value::Value;

use super::address::enter_named;
use super::address::parse_address;
use crate::cli;
use crate::cli::Common;
use crate::engine::observe::observe;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The document that `adopt --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The name of the document.
    pub document: &'static str,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The address.
    pub address: Address,
    /// What is there.
    pub live: Value,
    /// Where the wish of now comes from; none if nobody wants anything of it.
    pub origin: Option<Origin>,
    /// A profile that wants what is there, and nothing else.
    pub patch: String,
}

/// Runs the verb.
///
/// # Errors
/// If the value cannot be read, or profiles cannot say it.
pub fn run(common: &Common, options: &cli::Adopt) -> Result<Exit, Failure> {
    let mut address = parse_address(&options.address)?;
    let common = enter_named(common, std::slice::from_mut(&mut address))?;
    let mut session = Session::open(&common)?;
    let intent = session.intend(&cli::Wanted::default())?;
    let mut desired = intent.resolved.desired;
    if desired.settings.is_empty()
        && let Some(applied) = session.store()?.in_force()
    {
        desired = applied.desired.clone();
    }
    let observed = observe(session.kernel.as_mut(), [address.clone()], &session.host.facts);
    let why = match observed.get(&address) {
        Some(Observed::Value { value, .. }) => Ok(value.clone()),
        Some(Observed::Absent | Observed::Unsupported) | None => Err("there is no such value on this host".to_owned()),
        Some(Observed::Denied) => Err("this user may not read it".to_owned()),
        Some(Observed::WriteOnly) => Err("it cannot be read".to_owned()),
        Some(Observed::Withheld) => Err("a secret is not written down".to_owned()),
        Some(Observed::Failed { .. }) => Err("it cannot be read now".to_owned()),
    };
    let failed = |why: String| Failure::new(Exit::Failed, format!("{address}: {why}"));
    let live = why.map_err(failed)?;
    let profile = patch::wanting(&address, &live).map_err(failed)?;
    let origin = desired.settings.get(&address).map(|setting| setting.origin.clone());
    let comment = match &origin {
        Some(origin) => format!("# {address}: in place of what {origin} says\n"),
        None => format!("# {address}: nobody wants anything of it now\n"),
    };
    let report = Report { document: "trimtab.adopt", version: 1, address, live, origin, patch: comment + &profile };
    if common.json {
        super::print_json(&report)?;
    } else {
        super::print(&report.patch)?;
    }
    Ok(Exit::Good)
}
