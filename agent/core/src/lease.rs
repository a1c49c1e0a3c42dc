//! Leases: an address that somebody tunes by hand, and that nobody puts back until the lease ends.
//!
//! A lease ends by itself, at a time of a clock that also counts while the host sleeps and that nobody sets; with the boot
//! it is over, as the value is. What is wanted of the address stays wanted, and is put back when the lease has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::host::HostId;
use crate::journal::Caller;
use crate::value::Value;

/// The version of the file.
pub const VERSION: u32 = 1;

/// The leases of one namespace in one boot, as they are kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leases {
    /// The version of the file.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The boot that they are of.
    pub boot_id: String,
    /// Each, by its address.
    pub leases: BTreeMap<Address, Lease>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// When it ends, in milliseconds on CLOCK_BOOTTIME.
    pub until: u64,
    /// Seconds since 1970 when it was taken.
    pub at: u64,
    /// What was there then.
    pub found: Value,
    /// What for.
    pub reason: String,
    /// Who took it.
    pub caller: Caller,
}

impl Leases {
    /// None yet.
    pub fn of(host: &HostId) -> Leases {
        Leases { version: VERSION, boot_id: host.boot_id.clone(), leases: BTreeMap::new() }
    }

    /// Reads what is kept on disk; `None` where that is of another boot.
    ///
    /// # Errors
    /// In words, if it cannot be read.
    pub fn parse(bytes: &[u8], host: &HostId) -> Result<Option<Leases>, String> {
        let leases: Leases = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if leases.version != VERSION {
            return Err(format!("it is of version {}, this trimtab knows {VERSION}", leases.version));
        }
        Ok(Some(leases).filter(|leases| leases.boot_id == host.boot_id))
    }

    /// Those that run.
    pub fn running(&self, now: Duration) -> impl Iterator<Item = (&Address, &Lease)> {
        self.leases.iter().filter(move |(_, lease)| lease.left(now).is_some())
    }

    /// Takes out those that are over.
    pub fn end_over(&mut self, now: Duration) -> BTreeMap<Address, Lease> {
        let all = std::mem::take(&mut self.leases);
        let (running, over) = all.into_iter().partition(|(_, lease)| lease.left(now).is_some());
        self.leases = running;
        over
    }

    /// When the first that runs ends.
    pub fn next_end(&self, now: Duration) -> Option<Duration> {
        self.running(now).filter_map(|(_, lease)| lease.left(now)).min()
    }
}

impl Lease {
    /// How long it still runs; none if it is over.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        Duration::from_millis(self.until).checked_sub(now).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NetnsId;

    fn host(boot: &str) -> HostId {
        let netns = NetnsId { cookie: 1, name: None, initial: true };
        HostId { name: "h".into(), kernel: "6.12".into(), boot_id: boot.into(), netns }
    }

    #[test]
    fn a_lease_runs_until_its_time_and_not_into_another_boot() {
        let address = |name: &str| format!("sysctl:net.core.{name}").parse::<Address>().unwrap();
        let lease = |until| Lease {
            until,
            at: 7,
            found: Value::Int(1),
            reason: "a trial of ours".to_owned(),
            caller: Caller::default(),
        };
        let mut leases = Leases::of(&host("b"));
        leases.leases.insert(address("somaxconn"), lease(1000));
        leases.leases.insert(address("rmem_max"), lease(2000));
        let at = Duration::from_millis;
        assert_eq!(leases.running(at(0)).count(), 2);
        assert_eq!(leases.next_end(at(400)), Some(at(600)));
        assert_eq!(leases.running(at(1000)).count(), 1);
        let text = serde_json::to_vec(&leases).unwrap();
        assert_eq!(Leases::parse(&text, &host("b")), Ok(Some(leases.clone())));
        assert_eq!(Leases::parse(&text, &host("c")), Ok(None));
        assert!(Leases::parse(b"{", &host("b")).is_err());
        let newer = String::from_utf8(text).unwrap().replace("\"version\":1", "\"version\":2");
        assert!(Leases::parse(newer.as_bytes(), &host("b")).unwrap_err().contains("version 2"));
        let over = leases.end_over(at(1500));
        assert_eq!(over.into_keys().collect::<Vec<_>>(), [address("somaxconn")]);
        assert_eq!((leases.leases.len(), leases.next_end(at(2500))), (1, None));
    }
}
