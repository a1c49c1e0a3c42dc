//! Traffic control of the fake kernel: the roots of interfaces.
//!
//! It keeps what tc(8) could tell apart: the handle, the kind and the options, of which those that nobody said are those
//! that a kernel chooses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use trimtab_core::address::Address;
use trimtab_core::address::Object;
use trimtab_core::address::TcKey;
use trimtab_core::kind::tc::U32;
use trimtab_core::kind::tc::handle;
use trimtab_core::kind::tc::is_in_place;
use trimtab_core::kind::tc::qdiscs;
use trimtab_core::observed::Reading;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_core::value::Value;

use super::FakeKernel;
use super::Fault;
use crate::WriteError;

/// What is attached, by the number of the interface.
#[derive(Debug, Clone)]
pub(super) struct Roots {
    attached: BTreeMap<u32, Tree>,
    kinds: BTreeSet<&'static str>,
}

impl Default for Roots {
    fn default() -> Roots {
        Roots { attached: BTreeMap::new(), kinds: qdiscs::ALL.iter().map(|qdisc| qdisc.kind).chain([U32]).collect() }
    }
}

/// What the kernel chooses of what nobody says, as far as anybody here looks at it.
const CHOSEN: &[(&str, &str, i64)] = &[
    ("pfifo", "limit", 1000),
    ("bfifo", "limit", 1_514_000),
    ("fq", "limit", 10_000),
    ("fq", "flow_limit", 100),
    ("fq_codel", "limit", 10_240),
    ("fq_codel", "flows", 1024),
    ("prio", "bands", 3),
    ("htb", "r2q", 10),
];

impl FakeKernel {
    /// Takes a kind of queueing discipline away from this kernel.
    pub fn without_qdisc(mut self, kind: &str) -> FakeKernel {
        self.roots.kinds.remove(kind);
        self
    }

    /// The root of an interface as it is, without counting as a read.
    pub fn root(&self, interface: &str) -> Option<Tree> {
        let number = self.links.identities().get(interface)?.ifindex;
        Some(self.roots.attached.get(&number).cloned().unwrap_or_else(|| Tree::new("noqueue")))
    }

    /// Attaches a root as somebody else would, or leaves the default.
    pub fn attach(&mut self, interface: &str, root: Option<Tree>) {
        let Some(number) = self.links.identities().get(interface).map(|link| link.ifindex) else { return };
        match root {
            Some(tree) => drop(self.roots.attached.insert(number, chosen(tree))),
            None => drop(self.roots.attached.remove(&number)),
        }
    }

    pub(super) fn forget_root(&mut self, interface: &str) {
        self.attach(interface, None);
    }

    pub(super) fn read_tc(&self, key: &TcKey) -> Reading {
        match key.interface() {
            None => {
                let kinds = self.roots.kinds.iter().map(|kind| (*kind).to_owned()).collect();
                Reading::Typed { value: Value::Words(kinds), writable: false }
            }
            Some(interface) => self
                .root(interface)
                .map_or(Reading::Absent, |tree| Reading::Typed { value: Value::Tree(Box::new(tree)), writable: true }),
        }
    }

    pub(super) fn write_tc(&mut self, cells: &[(Address, Value)], fault: Option<Fault>) -> Result<(), WriteError> {
        let Some((address, value)) = cells.first() else { return Ok(()) };
        let refused = |errno| {
            let source = std::io::Error::from_raw_os_error(errno);
            WriteError::Refused { address: address.clone(), text: value.to_string(), source }
        };
        let outcome = match (self.refused.get(address), fault) {
            (Some(errno), _) => Err(*errno),
            (None, Some(Fault::Fail(errno))) => Err(errno),
            (None, Some(Fault::Ignore | Fault::Short(_))) => Ok(()),
            (None, None) => self.obey_tc(address, value, None),
            (None, Some(Fault::Store(limit))) => self.obey_tc(address, value, Some(&limit)),
        };
        outcome.map_err(refused)
    }

    fn obey_tc(&mut self, address: &Address, value: &Value, limit: Option<&str>) -> Result<(), i32> {
        let (Object::Tc(key), Value::Tree(to)) = (&address.object, value) else { return Err(libc::EINVAL) };
        let interface = key.interface().ok_or(libc::EINVAL)?;
        let now = self.root(interface).ok_or(libc::ENODEV)?;
        if handle::is_default(to) {
            self.attach(interface, None);
            return Ok(());
        }
        if !self.roots.kinds.contains(to.word.as_str()) {
            return Err(libc::ENOENT);
        }
        let mut tree = if is_in_place(&now, to) { now } else { Tree::new(to.word.clone()) };
        tree.scalars.extend(to.scalars.clone());
        tree.children.clone_from(&to.children);
        if let Some(limit) = limit.and_then(|limit| limit.parse().ok()) {
            tree.scalars.insert("limit".to_owned(), Scalar::Int(limit));
        }
        self.attach(interface, Some(tree));
        Ok(())
    }
}

fn chosen(mut tree: Tree) -> Tree {
    for (_, name, number) in CHOSEN.iter().filter(|(kind, _, _)| *kind == tree.word) {
        tree.scalars.entry((*name).to_owned()).or_insert(Scalar::Int(*number));
    }
    tree
}
