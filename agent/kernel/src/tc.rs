//! The adapter of traffic control: what is attached to interfaces, by rtnetlink.
//!
//! All of a namespace is read with one dump, whatever of it is asked for: the kernel has no other that tells of what it
//! attached itself. What is to be written is compared with what is there at that moment, and goes in the fewest steps.

use std::collections::BTreeMap;
use std::io;

use trimtab_core::address::Address;
use trimtab_core::address::Object;
use trimtab_core::address::TcKey;
use trimtab_core::address::tc::Hook;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::observed::Reading;
use trimtab_core::tree::Tree;
use trimtab_core::value::Value;
use trimtab_netlink::Error;
use trimtab_netlink::link;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::qdisc;

use crate::WriteError;
use crate::facts::modules;
use crate::link::identity_of;
use crate::link::opened;

mod kinds;
mod make;
mod show;
mod steps;
#[cfg(test)]
mod tests;

use show::Attached;
use steps::NoSteps;
use steps::steps;

/// What an interface has that was never up: no queue at all (net/sched/sch_generic.c `noop_qdisc`), which no dump shows.
const NONE_YET: &str = "noop";

/// What is attached to the interfaces of the calling thread's namespace.
#[derive(Debug, Default)]
pub(crate) struct Tc {
    route: Option<RequestSocket>,
    /// The kinds that this kernel has, once they were tried.
    kinds: Option<Reading>,
}

impl Tc {
    /// Reads many at once; the answers stand in the order of the keys.
    pub(crate) fn read(&mut self, keys: &[&TcKey]) -> Vec<Reading> {
        let is_asked = keys.iter().any(|key| key.interface().is_some());
        let roots = if is_asked { self.roots(None) } else { Ok(BTreeMap::new()) };
        let one = |key: &&TcKey| match (key, &roots) {
            (TcKey::Kinds, _) => self.kinds(),
            (TcKey::At { interface, hook: Hook::Root }, Ok(roots)) => {
                roots.get(interface.as_str()).map_or(Reading::Absent, |tree| typed(tree.clone()))
            }
            (TcKey::At { .. }, Err(error)) => told(error),
        };
        keys.iter().map(one).collect()
    }

    /// All that could be asked for, in order.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces.
    pub(crate) fn list(&mut self) -> io::Result<Vec<TcKey>> {
        let roots = self.roots(None).map_err(|error| io::Error::other(error.to_string()))?;
        let kinds = std::iter::once(TcKey::Kinds);
        Ok(kinds.chain(roots.keys().filter_map(|name| TcKey::new(name, Hook::Root).ok())).collect())
    }

    fn route(&mut self) -> Result<&mut RequestSocket, Error> {
        opened(&mut self.route, || RequestSocket::open(Protocol::Route))
    }

    /// The root of each interface, or of one, by its name.
    fn roots(&mut self, only: Option<&str>) -> Result<BTreeMap<String, Tree>, Error> {
        let route = self.route()?;
        let links = link::dump(route)?;
        let all = qdisc::dump(route)?;
        let mut by_interface: BTreeMap<u32, Attached<'_>> = BTreeMap::new();
        for qdisc in &all {
            by_interface.entry(qdisc.interface).or_default().qdiscs.push(qdisc);
        }
        let mut roots = BTreeMap::new();
        for link in links.into_iter().filter(|link| only.is_none_or(|only| only == link.name)) {
            let mut attached = by_interface.remove(&link.index).unwrap_or_default();
            let root = attached.qdiscs.iter().find(|qdisc| qdisc.parent == Handle::ROOT && !qdisc.is_default());
            if let Some(handle) = root.filter(|root| !is_classless(&root.kind)).map(|root| root.handle) {
                // The kernel tells of classes and filters for one interface at a time only.
                attached.classes = class::dump(route, link.index)?;
                attached.classes.retain(|class| !matches!(class.kind, class::Kind::Implied { .. }));
                attached.filters = filter::dump(route, link.index, handle)?.len();
            }
            roots.insert(link.name, show::root(&attached).unwrap_or_else(|| Tree::new(NONE_YET)));
        }
        Ok(roots)
    }

    fn kinds(&mut self) -> Reading {
        // To try a kind may load it, which only an apply may do.
        let tried = || match modules::are_listed() {
            true => Ok(None),
            false => kinds::tried().map(Some),
        };
        let tried = || match tried() {
            Ok(None) => Reading::Absent,
            Ok(Some(kinds)) => Reading::Typed { value: Value::Words(kinds), writable: false },
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Reading::Denied,
            Err(error) => {
                tracing::debug!(%error, "kinds of queueing disciplines are not known");
                Reading::Failed { errno: error.raw_os_error().unwrap_or(libc::EIO) }
            }
        };
        self.kinds.get_or_insert_with(tried).clone()
    }

    /// Attaches a root, or deletes what is there where the kernel's default is wanted. `meant` is the interface that must have the
    /// name, where that is known.
    ///
    /// # Errors
    /// [`WriteError`], with the kernel's own words.
    pub(crate) fn write(&mut self, cells: &[(Address, Value)], meant: Option<&InterfaceId>) -> Result<(), WriteError> {
        let Some((address, value)) = cells.first() else { return Ok(()) };
        let invalid = |why: &'static str| WriteError::Refused {
            address: address.clone(),
            text: value.to_string(),
            source: io::Error::new(io::ErrorKind::InvalidInput, why),
        };
        let refused = |source: Error| WriteError::Netlink {
            address: address.clone(),
            text: value.to_string(),
            source: Box::new(source),
        };
        let (Object::Tc(TcKey::At { interface, hook: Hook::Root }), Value::Tree(to), [_]) =
            (&address.object, value, cells)
        else {
            return Err(invalid("one write attaches one root"));
        };
        let name = interface.as_str();
        let link = match link::get_by_name(self.route().map_err(refused)?, name) {
            Ok(link) => link,
            Err(error) if error.is_gone() && meant.is_some() => {
                return Err(WriteError::Elsewhere { address: address.clone() });
            }
            Err(error) => return Err(refused(error)),
        };
        let same = |meant: &InterfaceId| link.name == name && meant.is_no_other_than(&identity_of(&link));
        if !meant.is_none_or(same) {
            return Err(WriteError::Elsewhere { address: address.clone() });
        }
        let now = self.roots(Some(name)).map_err(refused)?.remove(name).unwrap_or_else(|| Tree::new(NONE_YET));
        let stages = steps(link.index, &now, to).map_err(|why| match why {
            NoSteps::Unsendable(why) => invalid(why),
            NoSteps::Netlink(error) => refused(error),
        })?;
        for stage in stages {
            let answers = self.route().map_err(refused)?.batch(stage);
            answers.into_iter().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        }
        Ok(())
    }
}

/// Whether nothing can be below it but what the kernel attached by itself.
fn is_classless(kind: &qdisc::Kind) -> bool {
    use qdisc::Kind;
    match kind {
        Kind::Pfifo(_)
        | Kind::Bfifo(_)
        | Kind::PfifoFast
        | Kind::Noqueue
        | Kind::Mq
        | Kind::Tbf(_)
        | Kind::Netem(_)
        | Kind::Ingress
        | Kind::Clsact => true,
        Kind::Fq(_)
        | Kind::FqCodel(_)
        | Kind::Cake(_)
        | Kind::Htb(_)
        | Kind::Prio(_)
        | Kind::Sfq(_)
        | Kind::Other { .. } => false,
    }
}

fn typed(tree: Tree) -> Reading {
    Reading::Typed { value: Value::Tree(Box::new(tree)), writable: true }
}

/// What an error says about all that was to be read.
fn told(error: &Error) -> Reading {
    if error.is_unsupported() {
        Reading::Unsupported
    } else if error.is_denied() {
        Reading::Denied
    } else {
        tracing::debug!(%error, "traffic control could not be read");
        Reading::Failed { errno: error.refusal_errno().unwrap_or(libc::EIO) }
    }
}
