//! A kernel that is only remembered: planning for another host from its snapshot.

use std::collections::BTreeSet;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::conntrack::ConntrackUsage;
use trimtab_core::facts::Facts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::observed::Reading;
use trimtab_core::snapshot::Snapshot;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::WriteError;

/// The kernel of a snapshot. Nothing can be written to it.
#[derive(Debug, Clone)]
pub struct SnapshotKernel(pub Snapshot);

impl Kernel for SnapshotKernel {
    fn identity(&self) -> &HostId {
        &self.0.host
    }

    fn facts(&mut self) -> Facts {
        self.0.facts.clone()
    }

    fn conntrack(&mut self) -> Option<ConntrackUsage> {
        self.0.conntrack.clone()
    }

    fn interfaces(&mut self) -> io::Result<BTreeSet<String>> {
        Ok(self.0.interfaces.clone())
    }

    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        Ok(self.0.addressed.clone())
    }

    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>> {
        Ok(self.0.readings.keys().filter(|address| address.kind() == kind).cloned().collect())
    }

    fn read(&mut self, addresses: &[Address]) -> Vec<Reading> {
        let reading = |address: &Address| self.0.readings.get(address).cloned().unwrap_or(Reading::Absent);
        addresses.iter().map(reading).collect()
    }

    fn write(&mut self, cells: &[(Address, Value)], _link: Option<&InterfaceId>) -> Result<(), WriteError> {
        let Some((address, value)) = cells.first() else { return Ok(()) };
        Err(WriteError::Refused {
            address: address.clone(),
            text: value.to_string(),
            source: io::Error::new(io::ErrorKind::Unsupported, "a snapshot cannot be written"),
        })
    }
}
