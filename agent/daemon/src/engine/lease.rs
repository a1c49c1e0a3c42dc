//! The leases of a namespace on disk. Only for the holder of the lock, but for reading.

use trimtab_core::host::HostId;
use trimtab_core::lease::Leases;
use trimtab_kernel::file::FileError;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::state::Sync;

/// The file.
const NAME: &str = "leases";

/// The leases of this boot. What cannot be read is told, and is taken for none: then what is wanted is put back.
pub fn read(dir: &StateDir, host: &HostId) -> Leases {
    let none = || Leases::of(host);
    let bytes = match dir.read(NAME) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return none(),
        Err(error) => {
            tracing::warn!(%error, "leases cannot be read, and nothing is held back for them");
            return none();
        }
    };
    let parsed = Leases::parse(&bytes, host).unwrap_or_else(|error| {
        tracing::warn!(error, file = NAME, "leases cannot be read, and nothing is held back for them");
        None
    });
    parsed.unwrap_or_else(none)
}

/// Puts them on disk; no file where there are none.
///
/// # Errors
/// The system's.
pub fn put(dir: &StateDir, leases: &Leases) -> Result<(), FileError> {
    if leases.leases.is_empty() {
        return dir.remove(NAME);
    }
    let mut text = serde_json::to_vec(leases).unwrap_or_default();
    text.push(b'\n');
    dir.replace(NAME, &text, Sync::No)
}
