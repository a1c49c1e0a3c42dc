//! Whether the daemon of a namespace is to apply nothing by itself: somebody has reverted, and nobody has applied since.
//!
//! It is on disk, so that a daemon that is started anew, be it for a new version, does not undo that decision. It ends
//! with the next `apply`, or with the boot.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use trimtab_core::host::HostId;
use trimtab_core::journal::Caller;
use trimtab_kernel::file::FileError;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::state::Sync;

/// The file.
const NAME: &str = "paused";

const VERSION: u32 = 1;

/// Who paused the daemon, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paused {
    /// The version of the file.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Seconds since 1970.
    pub at: u64,
    /// The boot: another one begins anew.
    pub boot_id: String,
    /// Who ran the revert.
    pub caller: Caller,
}

impl Paused {
    /// One that begins.
    pub fn new(at: u64, host: &HostId, caller: Caller) -> Paused {
        Paused { version: VERSION, at, boot_id: host.boot_id.clone(), caller }
    }
}

/// The pause of this boot, if there is one. One that cannot be read is taken for none and told: the roles of the host are what
/// is wanted of it in the end.
pub fn read(dir: &StateDir, host: &HostId) -> Option<Paused> {
    let bytes = dir.read(NAME).unwrap_or_else(|error| {
        tracing::warn!(%error, "it is not known whether anybody has paused the daemon");
        None
    })?;
    match serde_json::from_slice::<Paused>(&bytes) {
        Ok(paused) if paused.version == VERSION => Some(paused).filter(|paused| paused.boot_id == host.boot_id),
        Ok(_) | Err(_) => {
            tracing::warn!(file = NAME, "it cannot be read whether anybody has paused the daemon");
            None
        }
    }
}

/// Puts it on disk.
///
/// # Errors
/// The system's.
pub fn put(dir: &StateDir, paused: &Paused) -> Result<(), FileError> {
    let mut text = serde_json::to_vec(paused).unwrap_or_default();
    text.push(b'\n');
    dir.replace(NAME, &text, Sync::No)
}

/// Ends it; that there is none is no error.
///
/// # Errors
/// The system's.
pub fn end(dir: &StateDir) -> Result<(), FileError> {
    if dir.path().join(NAME).exists() { dir.remove(NAME) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use trimtab_core::host::NetnsId;

    use super::*;

    #[test]
    fn a_pause_lasts_until_it_is_ended_or_the_boot_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let netns = NetnsId { cookie: 1, name: None, initial: true };
        let host = HostId { name: "h".into(), kernel: "6.12".into(), boot_id: "b".into(), netns };
        let dir = StateDir::open(folder.path(), &host);
        assert_eq!(read(&dir, &host), None);
        let paused = Paused::new(7, &host, Caller::default());
        put(&dir, &paused).unwrap();
        assert_eq!(read(&dir, &host), Some(paused));
        let next = HostId { boot_id: "c".into(), ..host.clone() };
        assert_eq!(read(&dir, &next), None);
        end(&dir).unwrap();
        end(&dir).unwrap();
        assert_eq!(read(&dir, &host), None);
        for text in ["", "{}", "{\"version\":2,\"at\":7,\"boot_id\":\"b\",\"caller\":{\"uid\":0,\"pid\":1}}"] {
            std::fs::write(dir.path().join(NAME), text).unwrap();
            assert_eq!(read(&dir, &host), None, "{text}");
        }
    }
}
