//! The adapter of traffic control: what is attached to interfaces, by rtnetlink.
//!
//! All of a namespace is read with one dump, for the kernel has none of one interface. What is about to be written is asked for
//! by itself, so that a write costs the same however many others there are: that the kernel tells listeners of such an answer as
//! of a change does no harm amid changes, and would make whoever looks on news look for ever. What is to be written is
//! compared with what is there at that moment, and goes in the fewest steps.

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
use trimtab_netlink::tc::qdisc::Qdisc;

use crate::WriteError;
use crate::facts::modules;
use crate::fault;
use crate::link::identity_of;
use crate::link::opened;

mod filters;
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
    /// Whose turn it is, until something else is read.
    turn: Option<Turn>,
}

/// The turn of an interface: what it has is asked for by itself before it is written, and once more behind.
#[derive(Debug)]
struct Turn {
    interface: String,
    /// Its number and what there was before.
    found: Option<(u32, Tree)>,
}

impl Tc {
    /// Reads many at once; the answers stand in the order of the keys.
    pub(crate) fn read(&mut self, keys: &[&TcKey]) -> Vec<Reading> {
        let turn = self.turn.take();
        let asked: Vec<&str> = keys.iter().filter_map(|key| key.interface()).collect();
        let roots = match asked.as_slice() {
            [] => Ok(BTreeMap::new()),
            [name] if turn.is_some_and(|turn| turn.interface == *name) => {
                self.root_of(name).map(|root| root.map(|(_, tree)| ((*name).to_owned(), tree)).into_iter().collect())
            }
            _ => self.roots(),
        };
        let one = |key: &&TcKey| match (key, &roots) {
            (TcKey::Kinds, _) => self.kinds(),
            (TcKey::At { interface, hook: Hook::Root }, Ok(roots)) => {
                roots.get(interface.as_str()).map_or(Reading::Absent, |tree| typed(tree.clone()))
            }
            (TcKey::At { .. }, Err(error)) => told(error),
        };
        keys.iter().map(one).collect()
    }

    /// What an interface has that is about to be written, asked for by itself.
    pub(crate) fn read_before_write(&mut self, key: &TcKey) -> Reading {
        let TcKey::At { interface, hook: Hook::Root } = key else {
            return self.read(&[key]).pop().unwrap_or(Reading::Absent);
        };
        let name = interface.as_str();
        let root = self.root_of(name);
        let found = root.as_ref().ok().cloned().flatten();
        self.turn = Some(Turn { interface: name.to_owned(), found });
        match root {
            Ok(root) => root.map_or(Reading::Absent, |(_, tree)| typed(tree)),
            Err(error) => told(&error),
        }
    }

    /// All that could be asked for, in order.
    ///
    /// # Errors
    /// If the kernel does not list its interfaces.
    pub(crate) fn list(&mut self) -> io::Result<Vec<TcKey>> {
        let roots = self.roots().map_err(|error| io::Error::other(error.to_string()))?;
        let kinds = std::iter::once(TcKey::Kinds);
        Ok(kinds.chain(roots.keys().filter_map(|name| TcKey::new(name, Hook::Root).ok())).collect())
    }

    fn route(&mut self) -> Result<&mut RequestSocket, Error> {
        opened(&mut self.route, || RequestSocket::open(Protocol::Route))
    }

    /// The root of each interface, by its name.
    fn roots(&mut self) -> Result<BTreeMap<String, Tree>, Error> {
        let route = self.route()?;
        let links = link::dump(route)?;
        let all = qdisc::dump(route)?;
        let mut by_interface: BTreeMap<u32, Attached<'_>> = BTreeMap::new();
        for qdisc in &all {
            by_interface.entry(qdisc.interface).or_default().qdiscs.push(qdisc);
        }
        let mut roots = BTreeMap::new();
        for link in links {
            let mut attached = by_interface.remove(&link.index).unwrap_or_default();
            let root = attached.qdiscs.iter().find(|qdisc| qdisc.parent == Handle::ROOT && !qdisc.is_default());
            if let Some(root) = root.filter(|root| !is_classless(&root.kind)).copied() {
                // The kernel tells of classes and filters for one interface at a time only.
                attached.classes = class::dump(route, link.index)?;
                attached.finish(route, root)?;
            }
            roots.insert(link.name, show::root(&attached).unwrap_or_else(|| Tree::new(NONE_YET)));
        }
        Ok(roots)
    }

    /// The number and the root of the interface of this name; nothing if there is none.
    fn root_of(&mut self, name: &str) -> Result<Option<(u32, Tree)>, Error> {
        let index = match link::get_by_name(self.route()?, name) {
            // What has it as another name is another.
            Ok(link) if link.name == name => link.index,
            Ok(_) => return Ok(None),
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error),
        };
        self.own_root(index).map(|root| Some((index, root)))
    }

    /// The root of one interface, asked for by itself.
    fn own_root(&mut self, interface: u32) -> Result<Tree, Error> {
        let route = self.route()?;
        let Some(root) = qdisc::get(route, interface, Handle::ROOT)? else { return Ok(Tree::new(NONE_YET)) };
        let mut all = vec![root.clone()];
        let mut classes = Vec::new();
        if has_leaves(&root.kind) {
            classes = class::dump(route, interface)?;
            let leaves: Vec<Handle> =
                classes.iter().filter(|class| class.leaf.is_some()).map(|class| class.handle).collect();
            // Those below what the kernel attached cannot be asked for one by one, and many are told sooner at once.
            if leaves.len() > MOST_ASKED || (root.is_default() && !leaves.is_empty()) {
                all = qdisc::dump(route)?;
                all.retain(|qdisc| qdisc.interface == interface);
            } else {
                for leaf in leaves {
                    all.extend(qdisc::get(route, interface, leaf)?);
                }
            }
        }
        let mut attached = Attached { qdiscs: all.iter().collect(), ..Attached::default() };
        if !root.is_default() && !is_classless(&root.kind) {
            attached.classes = classes;
            attached.finish(route, &root)?;
        }
        Ok(show::root(&attached).unwrap_or_else(|| Tree::new(NONE_YET)))
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
        // What a plan was just compared with needs no second look.
        let now = match self.turn.take().and_then(|turn| turn.found).filter(|(index, _)| *index == link.index) {
            Some((_, found)) => found,
            None => self.own_root(link.index).map_err(refused)?,
        };
        self.turn = Some(Turn { interface: name.to_owned(), found: None });
        let stages = steps(link.index, &now, to).map_err(|why| match why {
            NoSteps::Unsendable(why) => invalid(why),
            NoSteps::Netlink(error) => refused(error),
        })?;
        for (number, stage) in stages.into_iter().enumerate() {
            if number > 0 {
                fault::point("tc.stage");
            }
            let answers = self.route().map_err(refused)?.batch(stage);
            answers.into_iter().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        }
        Ok(())
    }
}

/// More leaves than these are told sooner by one dump of all of the namespace than one by one.
const MOST_ASKED: usize = 8;

impl Attached<'_> {
    /// Leaves out classes that only come with their discipline, and asks for the filters at the root.
    fn finish(&mut self, route: &mut RequestSocket, root: &Qdisc) -> Result<(), Error> {
        self.classes.retain(|class| !matches!(class.kind, class::Kind::Implied { .. }));
        self.filters = filter::dump(route, root.interface, root.handle)?;
        Ok(())
    }
}

/// Whether anything can be attached below it.
fn has_leaves(kind: &qdisc::Kind) -> bool {
    use qdisc::Kind;
    match kind {
        Kind::Mq | Kind::Tbf(_) | Kind::Netem(_) | Kind::Htb(_) | Kind::Prio(_) | Kind::Other { .. } => true,
        Kind::Pfifo(_)
        | Kind::Bfifo(_)
        | Kind::PfifoFast
        | Kind::Noqueue
        | Kind::Ingress
        | Kind::Clsact
        | Kind::Fq(_)
        | Kind::FqCodel(_)
        | Kind::Cake(_)
        | Kind::Sfq(_) => false,
    }
}

/// Whether it has no classes of its own, or only such as come with it.
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
