//! Addresses as they stand on the command line.

use trimtab_core::address::Address;
use trimtab_core::kind;

use crate::cli::Common;
use crate::exit::Exit;
use crate::failure::Failure;

/// The options for the namespace that addresses name (`sysctl@blue:…`), which is as good as `--netns`; the addresses are
/// then as that namespace sees them.
///
/// # Errors
/// If they do not all name the same.
pub fn enter_named(common: &Common, addresses: &mut [Address]) -> Result<Common, Failure> {
    let mut common = common.clone();
    for address in addresses {
        let Some(name) = address.netns.take() else { continue };
        match &common.netns {
            Some(other) if *other != name => {
                let message = format!("one command acts on one network namespace, not on `{other}` and `{name}`");
                return Err(Failure::new(Exit::Usage, message));
            }
            Some(_) | None => common.netns = Some(name),
        }
    }
    Ok(common)
}

/// An address, in its canonical spelling; `sysctl:` may be left out.
///
/// # Errors
/// If it is none.
pub fn parse_address(text: &str) -> Result<Address, Failure> {
    let parsed = if text.contains(':') { text.parse() } else { format!("sysctl:{text}").parse() };
    let address: Address = parsed.map_err(|error| Failure::new(Exit::Usage, format!("`{text}`: {error}")))?;
    Ok(kind::rules_of(&address).canonical(&address))
}
