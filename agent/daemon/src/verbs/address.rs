//! Addresses as they stand on the command line.

use trimtab_core::address::Address;
use trimtab_core::address::LinkKey;
use trimtab_core::address::Object;
use trimtab_core::address::link::FeatureName;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::features;
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
    let mut address: Address = parsed.map_err(|error| Failure::new(Exit::Usage, format!("`{text}`: {error}")))?;
    if let Object::Link(key) = &mut address.object {
        *key = with_the_kernels_name(key).map_err(|error| Failure::new(Exit::Usage, format!("`{text}` {error}")))?;
    }
    Ok(kind::rules_of(&address).canonical(&address))
}

/// A feature under the kernel's name, where ethtool's short one stands for it alone.
fn with_the_kernels_name(key: &LinkKey) -> Result<LinkKey, String> {
    let LinkAttribute::Feature(name) = key.attribute() else { return Ok(key.clone()) };
    let Some(members) = features::members(name.as_str()) else { return Ok(key.clone()) };
    if let [one] = members
        && let Some(one) = FeatureName::new(one)
    {
        return Ok(key.with(LinkAttribute::Feature(one)));
    }
    let all: Vec<String> = members.iter().map(|member| format!("link:{}/feature/{member}", key.interface())).collect();
    Err(format!("stands for several values: name one of {}", all.join(", ")))
}
