//! A fake kernel that obeys the same laws, with fault injection. For tests of whatever acts through [`Kernel`].
//!
//! It parses what is written to it as the kernel's own handlers do, moves what the kernel moves along, and keeps the
//! bits that the kernel keeps and never shows. A test of this crate writes the same things to it and to a real kernel
//! and compares everything after each step. Where it knows no law (most keys that exist), it has no such key;
//! [`FakeKernel::add`] adds one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::address::LinkKey;
use trimtab_core::address::NftKey;
use trimtab_core::address::Object;
use trimtab_core::address::SysctlKey;
use trimtab_core::address::TcKey;
use trimtab_core::address::tc::Hook;
use trimtab_core::facts::Asked;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;
use trimtab_core::host::HostId;
use trimtab_core::host::NetnsId;
use trimtab_core::interface_id;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

use crate::Kernel;
use crate::LoadError;
use crate::WriteError;
use crate::sysctl;
use links::Links;

mod foreign;
mod interfaces;
mod laws;
mod links;
mod nft;
mod parse;
mod table;
mod tc;
#[cfg(test)]
mod tests;

pub use foreign::Event;
pub use links::Device;
pub use links::Rounding;
pub use parse::Class;

/// One network namespace of a kernel that is not there.
#[derive(Debug, Clone)]
pub struct FakeKernel {
    identity: HostId,
    facts: Facts,
    nodes: BTreeMap<SysctlKey, Node>,
    interfaces: BTreeMap<String, Interface>,
    links: Links,
    roots: tc::Roots,
    nft: nft::Table,
    /// Devices that have gone to another namespace.
    elsewhere: Vec<Device>,
    /// The "was ever set" bits of `conf.default`; a new interface is born with them.
    default_set: BTreeSet<String>,
    hz: u32,
    reads: usize,
    writes: usize,
    faults: BTreeMap<usize, Fault>,
    refused: BTreeMap<Address, i32>,
    /// Values of devices whose next message costs the link.
    carrier_lost: BTreeSet<Address>,
    before_reads: BTreeMap<usize, Vec<Event>>,
    before_writes: BTreeMap<usize, Vec<Event>>,
    dumps: usize,
    before_dumps: BTreeMap<usize, Vec<Event>>,
    /// How often interfaces can still be told apart, if not for ever.
    dumps_left: Option<usize>,
    log: Vec<Written>,
    messages: Vec<Message>,
    /// Modules that can be loaded, with the keys that each brings.
    modules: BTreeMap<String, Vec<(SysctlKey, Class, String)>>,
}

#[derive(Debug, Clone)]
struct Node {
    class: Class,
    /// What a read shows, without its newline.
    text: String,
    writable: bool,
}

#[derive(Debug, Clone, Default)]
struct Interface {
    /// Names below `conf` whose "was ever set" bit stands.
    set: BTreeSet<String>,
    addressed: bool,
}

/// What becomes of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this errno, and nothing is stored.
    Fail(i32),
    /// It is accepted, and nothing is stored.
    Ignore,
    /// It is accepted, and this is stored instead; of a device, where it is a number and a number was written.
    Store(String),
    /// Only this many bytes are taken, and nothing is stored. A message is taken whole, and then ignored.
    Short(usize),
}

/// One message about a device that reached the fake kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it said.
    pub cells: Vec<(LinkKey, Value)>,
    /// Whether it was taken.
    pub taken: bool,
    /// Whether it came from somebody else.
    pub foreign: bool,
}

/// One write to a key that reached the fake kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where to.
    pub key: SysctlKey,
    /// The bytes.
    pub text: String,
    /// The bytes taken, or the errno.
    pub outcome: Result<usize, i32>,
    /// Whether it came from somebody else.
    pub foreign: bool,
}

impl FakeKernel {
    /// The initial namespace of a Linux 6.18 with 250 ticks a second and the interface `lo`, which is up and has its
    /// address.
    pub fn new() -> FakeKernel {
        let mut kernel = FakeKernel::bare(true);
        kernel.add_interface("lo");
        kernel.add_ipv4_address("lo");
        kernel
    }

    /// A child namespace: no global-only keys, some others read-only; `lo` is down.
    pub fn child(name: &str) -> FakeKernel {
        let mut kernel = FakeKernel::bare(false);
        kernel.identity.netns.name = Some(name.to_owned());
        kernel.add_interface("lo");
        kernel
    }

    fn bare(initial: bool) -> FakeKernel {
        let netns = NetnsId { cookie: if initial { 1 } else { 17 }, name: None, initial };
        let mut kernel = FakeKernel {
            identity: HostId {
                name: "fake".to_owned(),
                kernel: "6.18.0".to_owned(),
                boot_id: "00000000-0000-4000-8000-000000000001".to_owned(),
                netns,
            },
            facts: Facts::default(),
            nodes: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            links: Links::default(),
            roots: tc::Roots::default(),
            nft: nft::Table::default(),
            elsewhere: Vec::new(),
            modules: BTreeMap::new(),
            default_set: BTreeSet::new(),
            hz: 250,
            reads: 0,
            writes: 0,
            faults: BTreeMap::new(),
            refused: BTreeMap::new(),
            carrier_lost: BTreeSet::new(),
            before_reads: BTreeMap::new(),
            before_writes: BTreeMap::new(),
            dumps: 0,
            before_dumps: BTreeMap::new(),
            dumps_left: None,
            log: Vec::new(),
            messages: Vec::new(),
        };
        for (name, value) in [
            ("host.name", FactValue::Text("fake".to_owned())),
            ("host.kernel", FactValue::Text("6.18.0".to_owned())),
            ("host.kernel_version", FactValue::Int(6018)),
            ("host.memory", FactValue::Int(8 << 30)),
            ("host.cpus", FactValue::Int(4)),
            ("host.cpus_possible", FactValue::Int(4)),
            ("host.cores", FactValue::Int(4)),
            ("host.page_size", FactValue::Int(4096)),
            ("host.hz", FactValue::Int(250)),
            ("host.initial_netns", FactValue::Bool(initial)),
        ] {
            kernel.set_fact(name, value);
        }
        table::fill(&mut kernel);
        kernel
    }

    /// Another identity, e.g. that of the next boot.
    pub fn set_identity(&mut self, identity: HostId) {
        self.identity = identity;
    }

    /// Another fact.
    pub fn set_fact(&mut self, name: &str, value: FactValue) {
        if let ("host.hz", FactValue::Int(hz)) = (name, &value) {
            self.hz = u32::try_from(*hz).unwrap_or(250).max(1);
        }
        if let ("host.cpus_possible", FactValue::Int(cpus)) = (name, &value) {
            self.links.set_cpus(u16::try_from(*cpus).unwrap_or(u16::MAX));
        }
        self.facts.insert(name, value, "fake");
    }

    /// Adds a key, or replaces one.
    pub fn add(&mut self, key: SysctlKey, class: Class, text: &str, writable: bool) {
        self.nodes.insert(key, Node { class, text: text.to_owned(), writable });
    }

    /// A module that can be loaded and brings these keys.
    pub fn add_module(&mut self, name: &str, keys: &[(&str, Class, &str)]) {
        let keys =
            keys.iter().filter_map(|(key, class, text)| Some((key.parse().ok()?, class.clone(), (*text).to_owned())));
        self.modules.insert(name.to_owned(), keys.collect());
    }

    /// Takes a key away, as an older kernel or an unloaded module does.
    pub fn remove(&mut self, key: &SysctlKey) {
        self.nodes.remove(key);
    }

    /// Makes a key read-only, or writable again.
    pub fn set_writable(&mut self, key: &SysctlKey, writable: bool) {
        if let Some(node) = self.nodes.get_mut(key) {
            node.writable = writable;
        }
    }

    /// Puts a text in place without any law: the state that a test begins with.
    pub fn set(&mut self, key: &SysctlKey, text: &str) {
        if let Some(node) = self.nodes.get_mut(key) {
            text.clone_into(&mut node.text);
        }
    }

    /// What a key holds, without counting as a read.
    pub fn text(&self, key: &SysctlKey) -> Option<&str> {
        self.nodes.get(key).map(|node| node.text.as_str())
    }

    /// An IPv4 address: from now on `conf.default` moves nothing there (net/ipv4/devinet.c `ipv4_devconf_setall`).
    pub fn add_ipv4_address(&mut self, name: &str) {
        if let Some(interface) = self.interfaces.get_mut(name) {
            interface.set = table::IPV4_CONF.iter().map(|(name, _)| (*name).to_owned()).collect();
            interface.addressed = true;
        }
    }

    /// The last address goes; the bits that it set stay.
    pub fn remove_ipv4_addresses(&mut self, name: &str) {
        if let Some(interface) = self.interfaces.get_mut(name) {
            interface.addressed = false;
        }
    }

    /// Reads so far, an address each.
    pub fn reads(&self) -> usize {
        self.reads
    }

    /// Writes so far by the holder of this kernel; those of others do not count.
    pub fn writes(&self) -> usize {
        self.writes
    }

    /// So often the interfaces were told apart.
    pub fn dumps(&self) -> usize {
        self.dumps
    }

    /// Interfaces come and go so fast that they cannot be told apart any more, except for the next `calm` times.
    pub fn churn_after(&mut self, calm: usize) {
        self.dumps_left = Some(calm);
    }

    /// They stand still again.
    pub fn calm_down(&mut self) {
        self.dumps_left = None;
    }

    /// Has the Nth write from the beginning, counted from 1, meet a fault.
    pub fn fault_at_write(&mut self, nth: usize, fault: Fault) {
        self.faults.insert(nth, fault);
    }

    /// Has every write to a key fail with this errno.
    pub fn refuse(&mut self, key: &SysctlKey, errno: i32) {
        self.refused.insert(Address::sysctl(key.clone()), errno);
    }

    /// Every write so far, in order, those of others included.
    pub fn log(&self) -> &[Written] {
        &self.log
    }

    fn read_one(&mut self, address: &Address) -> Reading {
        self.reads += 1;
        for event in self.before_reads.remove(&self.reads).unwrap_or_default() {
            self.happen(event);
        }
        if address.netns.is_some() && address.netns != self.identity.netns.name {
            return Reading::Failed { errno: libc::EXDEV };
        }
        let key = match &address.object {
            Object::Sysctl(key) => key,
            Object::Link(key) => return self.links.read(key),
            Object::Tc(key) => return self.read_tc(key),
            Object::Nft(key) => return self.nft.read(*key),
        };
        let Some(node) = self.nodes.get(key) else { return Reading::Absent };
        match node.class {
            Class::Action => Reading::WriteOnly,
            Class::Secret => Reading::Withheld,
            Class::Ints { .. }
            | Class::Unsigned { .. }
            | Class::Seconds
            | Class::Millis
            | Class::Ports
            | Class::PortRange
            | Class::GroupRange
            | Class::Algorithm
            | Class::Text => Reading::Text { text: node.text.clone(), writable: node.writable },
        }
    }

    fn write_one(&mut self, key: &SysctlKey, text: &str, fault: Option<Fault>) -> Result<usize, i32> {
        let outcome = match (self.refused.get(&Address::sysctl(key.clone())), fault) {
            (Some(errno), _) => Err(*errno),
            (None, None) => self.obey(key, text),
            (None, Some(Fault::Fail(errno))) => Err(errno),
            (None, Some(Fault::Ignore)) => Ok(text.len()),
            (None, Some(Fault::Store(other))) => self.obey(key, &other).map(|_| text.len()),
            (None, Some(Fault::Short(taken))) => Ok(taken.min(text.len())),
        };
        self.log.push(Written { key: key.clone(), text: text.to_owned(), outcome, foreign: false });
        outcome
    }

    /// write(2) on the file of a key: open, parse, store, move along.
    fn obey(&mut self, key: &SysctlKey, text: &str) -> Result<usize, i32> {
        let Some(node) = self.nodes.get(key) else { return Err(libc::ENOENT) };
        if !node.writable {
            return Err(libc::EACCES);
        }
        if text.is_empty() {
            return Ok(0);
        }
        laws::write(self, key, text)
    }

    /// What happens before the next write, and what becomes of it.
    fn next_write(&mut self) -> Option<Fault> {
        self.writes += 1;
        for event in self.before_writes.remove(&self.writes).unwrap_or_default() {
            self.happen(event);
        }
        self.faults.remove(&self.writes)
    }
}

impl Default for FakeKernel {
    fn default() -> FakeKernel {
        FakeKernel::new()
    }
}

impl Kernel for FakeKernel {
    fn identity(&self) -> &HostId {
        &self.identity
    }

    fn facts(&mut self) -> Facts {
        self.facts.clone()
    }

    fn link_facts(&mut self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        self.links.facts(names, asked)
    }

    fn load_module(&mut self, name: &str) -> Result<(), LoadError> {
        let Some(keys) = self.modules.get(name).cloned() else {
            let words = format!("module {name} not found");
            return Err(LoadError::Refused { program: "modprobe".to_owned(), words });
        };
        for (key, class, text) in keys {
            // One that is loaded already stays as it is.
            if !self.nodes.contains_key(&key) {
                self.add(key, class, &text, true);
            }
        }
        Ok(())
    }

    fn links(&mut self) -> io::Result<Option<InterfaceIds>> {
        self.dumps += 1;
        for event in self.before_dumps.remove(&self.dumps).unwrap_or_default() {
            self.happen(event);
        }
        match &mut self.dumps_left {
            Some(0) => return Err(io::Error::from_raw_os_error(libc::EINTR)),
            Some(left) => *left -= 1,
            None => {}
        }
        let mut all = self.links.identities();
        interface_id::tell_apart(&mut all);
        Ok(Some(all))
    }

    fn interfaces(&mut self) -> io::Result<BTreeSet<String>> {
        Ok(self.interfaces.keys().cloned().collect())
    }

    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        let addressed = self.interfaces.iter().filter(|(_, interface)| interface.addressed);
        Ok(addressed.map(|(name, _)| name.clone()).collect())
    }

    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>> {
        match kind {
            Kind::Sysctl => Ok(self.nodes.keys().cloned().map(Address::sysctl).collect()),
            Kind::Link => Ok(self.links.list().into_iter().map(Address::link).collect()),
            Kind::Tc => {
                let roots = self.interfaces.keys().filter_map(|name| TcKey::new(name, Hook::Root).ok());
                Ok(std::iter::once(TcKey::Kinds).chain(roots).map(Address::tc).collect())
            }
            Kind::Nft => Ok(NftKey::ALL.iter().copied().map(Address::nft).collect()),
        }
    }

    fn read(&mut self, addresses: &[Address]) -> Vec<Reading> {
        addresses.iter().map(|address| self.read_one(address)).collect()
    }

    fn write(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError> {
        // What happens before the write has happened by the time that the kernel looks who is meant.
        let fault = if cells.is_empty() { None } else { self.next_write() };
        if let Some((address, _)) = cells.first()
            && let Some((name, meant)) = address.interface().zip(link)
            && !self.links.identities().get(name).is_some_and(|there| meant.is_no_other_than(there))
        {
            return Err(WriteError::Elsewhere { address: address.clone() });
        }
        match cells.first().map(|(address, _)| address.kind()) {
            Some(Kind::Link) => return self.write_links(cells, fault),
            Some(Kind::Tc) => return self.write_tc(cells, fault),
            Some(Kind::Nft) => return self.write_rules(cells, fault),
            Some(Kind::Sysctl) | None => {}
        }
        let Some((address, value)) = sysctl::only_cell(cells, self.identity.netns.name.as_deref())? else {
            return Ok(());
        };
        let Object::Sysctl(key) = &address.object else { return Ok(()) };
        let text = sysctl::text_to_write(address, key, value)?;
        match self.write_one(key, &text, fault) {
            Ok(taken) if taken == text.len() => Ok(()),
            Ok(taken) => Err(WriteError::Short { address: address.clone(), sent: text.len(), text, taken }),
            Err(errno) => {
                let source = io::Error::from_raw_os_error(errno);
                Err(WriteError::Refused { address: address.clone(), text, source })
            }
        }
    }
}
