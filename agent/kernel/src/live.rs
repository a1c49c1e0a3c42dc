//! The live kernel, in the network namespace of the calling thread.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::marker::PhantomData;
use std::path::Path;

use thiserror::Error;
use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::address::LinkKey;
use trimtab_core::address::NftKey;
use trimtab_core::address::Object;
use trimtab_core::address::TcKey;
use trimtab_core::conntrack::ConntrackUsage;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use crate::Kernel;
use crate::LoadError;
use crate::WriteError;
use crate::addressed;
use crate::facts;
use crate::file;
use crate::identity;
use crate::identity::IdentityError;
use crate::link::Links;
use crate::modules;
use crate::nft;
use crate::sysctl;
use crate::tc::Tc;

/// The running kernel. It belongs to the thread that made it: another thread may be in another namespace.
#[derive(Debug)]
pub struct LiveKernel {
    identity: HostId,
    sysctls: sysctl::Tree,
    links: Links,
    tc: Tc,
    /// Not `Send`.
    thread: PhantomData<*const ()>,
}

/// Why there is nothing to work on.
#[derive(Debug, Error)]
pub enum LiveKernelError {
    /// The host or the namespace cannot be identified.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// /proc/sys cannot be opened.
    #[error("cannot open /proc/sys: {cause}")]
    Sysctls {
        /// The system's reason.
        cause: io::Error,
    },
}

impl LiveKernel {
    /// The kernel as the calling thread sees it; `netns` is the name by which its namespace was entered, if it was.
    ///
    /// # Errors
    /// [`LiveKernelError`].
    pub fn open(netns: Option<&str>) -> Result<LiveKernel, LiveKernelError> {
        let sysctls = sysctl::Tree::open().map_err(|cause| LiveKernelError::Sysctls { cause })?;
        Ok(LiveKernel {
            identity: identity::identify(netns)?,
            sysctls,
            links: Links::default(),
            tc: Tc::default(),
            thread: PhantomData,
        })
    }

    fn write_sysctl(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError> {
        let Some((address, value)) = sysctl::only_cell(cells, self.identity.netns.name.as_deref())? else {
            return Ok(());
        };
        match &address.object {
            Object::Sysctl(key) => self.sysctls.write(address, key, value, link.map(|link| link.ifindex)),
            Object::Link(_) | Object::Tc(_) | Object::Nft(_) => Ok(()),
        }
    }

    /// Whether an address is about this namespace: it names none, or the one this kernel was entered by.
    fn is_here(&self, address: &Address) -> bool {
        address.netns.is_none() || address.netns == self.identity.netns.name
    }
}

impl Kernel for LiveKernel {
    fn identity(&self) -> &HostId {
        &self.identity
    }

    fn facts(&mut self) -> Facts {
        facts::gather()
    }

    fn link_facts(&mut self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        self.links.facts(names, asked)
    }

    fn conntrack(&mut self) -> Option<ConntrackUsage> {
        facts::conntrack::usage()
    }

    fn load_module(&mut self, name: &str) -> Result<(), LoadError> {
        modules::load(name)
    }

    fn links(&mut self) -> io::Result<Option<InterfaceIds>> {
        self.links.identities().map(Some).map_err(|error| io::Error::other(error.to_string()))
    }

    fn interfaces(&mut self) -> io::Result<BTreeSet<String>> {
        // Not /proc/net, which shows the namespace of the process's first thread.
        let table = file::read(Path::new("/proc/thread-self/net/dev"), 64 << 20)?;
        Ok(interface_names(&table))
    }

    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        addressed::addressed()
    }

    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>> {
        match kind {
            Kind::Sysctl => Ok(self.sysctls.list()?.into_iter().map(Address::sysctl).collect()),
            Kind::Link => Ok(self.links.list()?.into_iter().map(Address::link).collect()),
            Kind::Tc => Ok(self.tc.list()?.into_iter().map(Address::tc).collect()),
            Kind::Nft => Ok(NftKey::ALL.iter().copied().map(Address::nft).collect()),
        }
    }

    fn read(&mut self, addresses: &[Address]) -> Vec<Reading> {
        // Those of one kind are asked for all at once.
        let (mut of_links, mut of_tc): (Vec<&LinkKey>, Vec<&TcKey>) = (Vec::new(), Vec::new());
        for address in addresses.iter().filter(|address| self.is_here(address)) {
            match &address.object {
                Object::Link(key) => of_links.push(key),
                Object::Tc(key) => of_tc.push(key),
                Object::Sysctl(_) | Object::Nft(_) => {}
            }
        }
        let mut links = self.links.read(&of_links).into_iter();
        let mut tc = self.tc.read(&of_tc).into_iter();
        // The table is read once for all that is in it.
        let mut table = None;
        let mut readings = Vec::with_capacity(addresses.len());
        for address in addresses {
            readings.push(if self.is_here(address) {
                match &address.object {
                    Object::Sysctl(key) => self.sysctls.read(key),
                    Object::Link(_) => links.next().unwrap_or(Reading::Absent),
                    Object::Tc(_) => tc.next().unwrap_or(Reading::Absent),
                    Object::Nft(key) => nft::reading(table.get_or_insert_with(nft::read), *key),
                }
            } else {
                Reading::Failed { errno: libc::EXDEV }
            });
        }
        readings
    }

    fn hold(&mut self, addresses: &mut dyn Iterator<Item = &Address>) {
        // One that is of another namespace is not read at all.
        self.sysctls.hold(addresses.filter_map(|address| match &address.object {
            Object::Sysctl(key) => Some(key),
            Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
        }));
    }

    fn read_before_write(&mut self, addresses: &[Address]) -> Vec<Reading> {
        match addresses {
            [Address { netns: None, object: Object::Sysctl(key) }] => vec![self.sysctls.read_before_write(key)],
            [address @ Address { object: Object::Tc(key), .. }] if self.is_here(address) => {
                vec![self.tc.read_before_write(key)]
            }
            _ => self.read(addresses),
        }
    }

    fn write(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError> {
        if let Some((address, value)) = cells.iter().find(|(address, _)| !self.is_here(address)) {
            let source = io::Error::from_raw_os_error(libc::EXDEV);
            return Err(WriteError::Refused { address: address.clone(), text: value.to_string(), source });
        }
        match cells.first().map(|(address, _)| address.kind()) {
            None => Ok(()),
            Some(Kind::Sysctl) => self.write_sysctl(cells, link),
            Some(Kind::Link) => self.links.write(cells, link),
            Some(Kind::Tc) => self.tc.write(cells, link),
            Some(Kind::Nft) => nft::write(cells),
        }
    }
}

/// The names in `/proc/net/dev` (net/core/net-procfs.c `dev_seq_printf_stats`): a line each, right-aligned, up to the
/// last colon before the numbers. `all` and `default` are left out: below `conf` these words mean something else.
fn interface_names(table: &[u8]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // Two lines of headings.
    for line in table.split(|byte| *byte == b'\n').skip(2) {
        // A name holds no colon (net/core/dev.c `dev_valid_name`).
        let Some(end) = line.iter().position(|byte| *byte == b':') else { continue };
        match std::str::from_utf8(line.get(..end).unwrap_or_default()) {
            Ok(name) => {
                let name = name.trim_start_matches(' ');
                if !name.is_empty() && name != "all" && name != "default" {
                    names.insert(name.to_owned());
                }
            }
            Err(error) => tracing::debug!(%error, "an interface whose name is no UTF-8"),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_table_of_interfaces() {
        let table =
            b"Inter-|   Receive\n face |bytes\n    lo: 1 2 3\nvp0.100: 0\n verylongname123:9\n\xff\xfe: 1\n all: 0\n";
        let names: Vec<String> = interface_names(table).into_iter().collect();
        assert_eq!(names, ["lo", "verylongname123", "vp0.100"]);
        for junk in [&b""[..], b"\n", b"\n\n:\n", b"a\nb\nnocolon"] {
            assert!(interface_names(junk).is_empty());
        }
    }

    #[test]
    fn any_table_is_survived() {
        use proptest::prelude::*;
        proptest!(|(table in prop::collection::vec(any::<u8>(), 0..300))| {
            for name in interface_names(&table) {
                prop_assert!(!name.is_empty() && !name.contains([':', '\n']));
            }
        });
    }
}
