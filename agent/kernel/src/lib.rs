//! trimtab-kernel: acts on Linux for trimtab, and decides nothing.
//!
//! One adapter per resource kind behind the [`Kernel`] trait, and beside them what the daemon needs of the host:
//! facts, namespaces, the state folder, the identity of caller, boot and namespace.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;

use thiserror::Error;
use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::conntrack::ConntrackUsage;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::value::Value;

pub use modules::LoadError;

mod addressed;
pub mod caller;
pub mod facts;
#[cfg(any(feature = "fake", test))]
pub mod fake;
pub mod fault;
pub mod file;
pub mod identity;
mod link;
pub mod live;
pub mod lock;
pub mod modules;
pub mod netns;
mod nft;
pub mod output;
pub mod signals;
pub mod state;
pub mod switch;
mod sys;
pub mod sysctl;
pub mod sysctld;
mod tc;
#[cfg(test)]
mod testing;
pub mod timer;
pub mod trust;
pub mod watch;

/// One network namespace of a kernel, as trimtab acts on it. Implemented by the live kernel and by the fake one.
pub trait Kernel {
    /// Who this is.
    fn identity(&self) -> &HostId;

    /// What is known of the host.
    fn facts(&mut self) -> Facts;

    /// What is known of these interfaces, by interface and inner name: the form of [`Facts::links`]. What is not asked for
    /// need not be told. A kernel that cannot tell says nothing, and formulas that need it are pending.
    fn link_facts(&mut self, _names: &BTreeSet<String>, _asked: &Asked) -> BTreeMap<String, LinkFacts> {
        BTreeMap::new()
    }

    /// How much connection tracking is used; nothing where none is, or nobody can tell. To look loads no module.
    fn conntrack(&mut self) -> Option<ConntrackUsage> {
        None
    }

    /// Loads a module of the kernel, for settings that need what it brings.
    ///
    /// # Errors
    /// [`LoadError`].
    fn load_module(&mut self, _name: &str) -> Result<(), LoadError> {
        Err(LoadError::Impossible)
    }

    /// What tells each interface of the namespace from others, by the names of this moment. Nothing where there is no kernel
    /// to be asked: a name is then all that is known of an interface.
    ///
    /// # Errors
    /// If the kernel does not tell: interfaces must then not be taken for one another by their names.
    fn links(&mut self) -> io::Result<Option<InterfaceIds>> {
        Ok(None)
    }

    /// The interfaces of the namespace.
    ///
    /// # Errors
    /// If the kernel does not list them.
    fn interfaces(&mut self) -> io::Result<BTreeSet<String>>;

    /// Those interfaces of the namespace that have an IPv4 address now: their `conf` values no longer follow `default`.
    /// A kernel that cannot tell says none, and a plan then says of more values that they may move.
    ///
    /// # Errors
    /// If the kernel does not list them.
    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// Every address of a kind that exists now, in order: what a snapshot holds.
    ///
    /// # Errors
    /// If the kernel does not list them.
    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>>;

    /// Reads many values; the answers stand in the order of the addresses. Absence is an answer.
    fn read(&mut self, addresses: &[Address]) -> Vec<Reading>;

    /// These are about to be read again and again, and perhaps written: what makes that cheaper is kept open, for these
    /// and no others. What is read stays the same.
    fn hold(&mut self, _addresses: &mut dyn Iterator<Item = &Address>) {}

    /// As [`read`](Kernel::read), of values that are about to be written.
    fn read_before_write(&mut self, addresses: &[Address]) -> Vec<Reading> {
        self.read(addresses)
    }

    /// Writes one kernel object, once; several addresses only where the kernel takes them in one message.
    /// That it returns says that the kernel took the bytes, not that it holds the value: read back.
    ///
    /// `link` is the interface that they belong to, where that is known: values of one that has another name or is gone are
    /// not written, and nothing is written to another one that has its name.
    ///
    /// # Errors
    /// [`WriteError`], with the kernel's own reason.
    fn write(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError>;
}

/// Why the kernel did not take a write.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Nothing was sent: the interface is not called so any more.
    #[error("{address}: the interface is gone, or called otherwise now; nothing was written")]
    Elsewhere {
        /// What was to be written to.
        address: Address,
    },
    /// The kernel refused.
    #[error("{address}: the kernel refused `{text}`: {source}")]
    Refused {
        /// What was written to.
        address: Address,
        /// The bytes sent, as text.
        text: String,
        /// The errno.
        source: io::Error,
    },
    /// The kernel refused a message.
    #[error("{address}: the kernel refused `{text}`: {source}")]
    Netlink {
        /// The first of the values in the message.
        address: Address,
        /// The values sent.
        text: String,
        /// The kernel's own words.
        source: Box<trimtab_netlink::Error>,
    },
    /// The kernel took the message, and the link did not carry again.
    #[error("{address}: `{text}` was taken, but after {waited} s the link has not come back")]
    CarrierLost {
        /// The first of the values in the message.
        address: Address,
        /// The values sent.
        text: String,
        /// How long it was waited for, in seconds.
        waited: u64,
    },
    /// The kernel took only the first bytes.
    #[error("{address}: the kernel took {taken} of {sent} bytes of `{text}`")]
    Short {
        /// What was written to.
        address: Address,
        /// The bytes sent, as text.
        text: String,
        /// Bytes taken.
        taken: usize,
        /// Bytes sent.
        sent: usize,
    },
}
