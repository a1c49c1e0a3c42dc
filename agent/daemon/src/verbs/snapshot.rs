//! `trimtab snapshot`: all that a plan for this host needs, to be made elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::address::Object;
use trimtab_core::facts::Asked;
use trimtab_core::snapshot;
use trimtab_core::snapshot::Snapshot;
use trimtab_core::sysctld::BootSetting;
use trimtab_core::sysctld::NextBoot;

use crate::cli;
use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Runs the verb.
///
/// # Errors
/// If the kernel does not list what it has, or the document cannot be written.
pub fn run(common: &Common, options: &cli::Snapshot) -> Result<Exit, Failure> {
    let mut session = Session::open(common)?;
    let snapshot = take(&mut session)?;
    let Some(path) = &options.out else {
        super::print_json(&snapshot)?;
        return Ok(Exit::Good);
    };
    let mut bytes = serde_json::to_vec_pretty(&snapshot)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot make the document: {error}")))?;
    bytes.push(b'\n');
    super::write_file(path, &bytes)?;
    Ok(Exit::Good)
}

fn next_boot(session: &Session, addresses: &[Address]) -> BTreeMap<Address, BootSetting> {
    if !session.host.id.netns.initial {
        return BTreeMap::new();
    }
    let files = trimtab_kernel::sysctld::gather(Path::new("/")).files;
    let boot = NextBoot::new(&files);
    let setting = |address: &Address| match &address.object {
        Object::Sysctl(key) => boot.setting(key),
        Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
    };
    addresses.iter().filter_map(|address| Some((address.clone(), setting(address)?))).collect()
}

/// Everything there is to read, secrets left out.
///
/// # Errors
/// If the kernel does not list what it has.
pub fn take(session: &mut Session) -> Result<Snapshot, Failure> {
    let mut addresses = Vec::new();
    for kind in Kind::ALL {
        let listed = session.kernel.list(*kind);
        addresses.extend(listed.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot list what this kernel has of {}: {error}", kind.word()))
        })?);
    }
    let readings = session.kernel.read(&addresses);
    let held = session.store()?.history.held;
    let links = session.kernel.link_facts(&session.host.interfaces, &Asked::All);
    session.host.facts.extend_links(links);
    Ok(Snapshot {
        document: snapshot::DOCUMENT.to_owned(),
        version: snapshot::VERSION,
        at: session.now().at,
        host: session.host.id.clone(),
        facts: session.host.facts.clone(),
        interfaces: session.host.interfaces.clone(),
        addressed: session.host.addressed.clone(),
        conntrack: session.kernel.conntrack(),
        next_boot: next_boot(session, &addresses),
        readings: addresses.into_iter().zip(readings).collect(),
        held,
    })
}
