//! From one root to another in the fewest steps, in the order that the kernel needs.
//!
//! What goes is deleted from the leaves up, filters before the classes that they lead to, what comes is made from the root down: a class whose parent is not there lands at the
//! root without a word (net/sched/sch_htb.c `htb_change_class`). Each stage is sent together, and the next only if all of it was done.

use std::collections::BTreeMap;

use trimtab_core::kind::tc::can_become;
use trimtab_core::kind::tc::handle;
use trimtab_core::kind::tc::is_in_place;
use trimtab_core::kind::tc::qdiscs::minor_of;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_netlink::Error;
use trimtab_netlink::socket::Request;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::class;
use trimtab_netlink::tc::class::NewClass;
use trimtab_netlink::tc::filter;
use trimtab_netlink::tc::qdisc;
use trimtab_netlink::tc::qdisc::NewQdisc;

use super::filters;
use super::make;
use super::make::Unsendable;

/// Why there are no requests.
#[derive(Debug)]
pub(super) enum NoSteps {
    /// A tree has not the shape that the kernel takes.
    Unsendable(Unsendable),
    /// A name cannot be sent.
    Netlink(Error),
}

impl From<Unsendable> for NoSteps {
    fn from(why: Unsendable) -> NoSteps {
        NoSteps::Unsendable(why)
    }
}

impl From<Error> for NoSteps {
    fn from(error: Error) -> NoSteps {
        NoSteps::Netlink(error)
    }
}

/// Requests that go together, stage by stage.
pub(super) type Stages = Vec<Vec<Request>>;

/// The requests that make one root of another.
pub(super) fn steps(interface: u32, now: &Tree, to: &Tree) -> Result<Stages, NoSteps> {
    let delete = |tree: &Tree| Ok::<_, Unsendable>(qdisc::delete(interface, Handle::ROOT, make::handle(tree)?));
    if handle::is_default(to) {
        return if handle::of(now).is_none() { Ok(Vec::new()) } else { Ok(vec![vec![delete(now)?]]) };
    }
    let root = make::handle(to)?;
    let mut below =
        Below { interface, root, kind: &to.word, deletes: Vec::new(), classes: Vec::new(), leaves: Vec::new() };
    let mut stages = Vec::new();
    if is_in_place(now, to) {
        // A token bucket sets the limit of a fifo below it to its own (net/sched/sch_tbf.c `tbf_change`).
        let overwrites = to.word == "tbf" && !is_so(now, to);
        if !is_so(now, to) {
            let new = NewQdisc::at(interface, Handle::ROOT, root, make::kind(&asked(now, to))?);
            stages.push(vec![new.change()?]);
        }
        below.become_of(&now.children, &to.children, root, 0, overwrites)?;
    } else {
        let new = NewQdisc::at(interface, Handle::ROOT, root, make::kind(to)?);
        if handle::of(now) == handle::of(to) {
            // Under its own handle the kernel would only change it, if it could.
            stages.extend([vec![delete(now)?], vec![new.add()?]]);
        } else {
            stages.push(vec![new.replace()?]);
        }
        below.become_of(&[], &to.children, root, 0, false)?;
    }
    // A class that filters lead to cannot go, and one that comes is another.
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    let stays = if is_in_place(now, to) { now.children.as_slice() } else { &[] };
    filters::classes(stays, &[], &mut before);
    filters::classes(&to.children, &[], &mut after);
    let leads_away =
        |class: u16| to.word == "htb" && before.contains_key(&class) && before.get(&class) != after.get(&class);
    let filters::Changes { gone, come } = filters::Changes::between(stays, &to.children, interface, root, leads_away)?;
    stages.push(gone.into_iter().map(|priority| filter::delete_priority(interface, root, priority)).collect());
    // The deepest first.
    stages.extend(below.deletes.into_iter().rev());
    stages.extend(below.classes);
    stages.push(below.leaves);
    stages.push(come.iter().map(filter::NewFilter::add).collect::<Result<_, _>>()?);
    stages.retain(|stage| !stage.is_empty());
    Ok(stages)
}

/// What becomes of that below a root, by depth.
struct Below<'a> {
    interface: u32,
    root: Handle,
    kind: &'a str,
    deletes: Stages,
    classes: Stages,
    leaves: Vec<Request>,
}

impl Below<'_> {
    fn class(&self, tree: &Tree) -> Option<Handle> {
        minor_of(&tree.word).map(|minor| Handle::new(self.root.major(), minor))
    }

    /// What is below `parent` now becomes what is wanted there; `rewrite` where fifos are to be written though they are so.
    fn become_of<'a>(
        &mut self,
        now: &'a [Tree],
        to: &'a [Tree],
        parent: Handle,
        depth: usize,
        rewrite: bool,
    ) -> Result<(), NoSteps> {
        let by_word = |all: &'a [Tree]| -> BTreeMap<&'a str, &'a Tree> {
            all.iter().filter(|tree| !is_rule(tree)).map(|tree| (tree.word.as_str(), tree)).collect()
        };
        let (found_by_word, wanted_by_word) = (by_word(now), by_word(to));
        let makes_classes = self.kind == "htb";
        let goes = |tree: &&Tree| !is_rule(tree) && !wanted_by_word.contains_key(tree.word.as_str());
        for gone in now.iter().filter(goes) {
            match self.class(gone) {
                Some(class) => self.delete(gone, class, makes_classes, depth),
                // Another that comes takes its place at once; classes that come take it away.
                None if wanted_by_word.is_empty() => {
                    put(&mut self.deletes, depth, qdisc::delete(self.interface, parent, Handle::NONE))
                }
                None => {}
            }
        }
        for wanted in to.iter().filter(|tree| !is_rule(tree)) {
            let found = found_by_word.get(wanted.word.as_str()).copied();
            match self.class(wanted) {
                Some(class) => {
                    if makes_classes && found.is_none_or(|found| !is_so(found, wanted)) {
                        let new = NewClass::htb(self.interface, parent, class, make::htb_class(wanted)?);
                        let request = if found.is_some() { new.change()? } else { new.add()? };
                        put(&mut self.classes, depth, request);
                    }
                    let below = found.map_or(&[][..], |found| &found.children);
                    self.become_of(below, &wanted.children, class, depth.saturating_add(1), rewrite)?;
                }
                None => self.leaf(found, wanted, parent, rewrite)?,
            }
        }
        Ok(())
    }

    /// A class that goes, with all below it.
    fn delete(&mut self, tree: &Tree, class: Handle, makes_classes: bool, depth: usize) {
        if !makes_classes {
            put(&mut self.deletes, depth, qdisc::delete(self.interface, class, Handle::NONE));
            return;
        }
        for child in &tree.children {
            if let Some(below) = self.class(child) {
                self.delete(child, below, makes_classes, depth.saturating_add(1));
            }
        }
        put(&mut self.deletes, depth, class::delete(self.interface, class));
    }

    fn leaf(&mut self, found: Option<&Tree>, wanted: &Tree, parent: Handle, rewrite: bool) -> Result<(), NoSteps> {
        let same = found.filter(|found| can_become(found, wanted) && handle::of(found).is_some());
        match same {
            Some(found) if is_so(found, wanted) && !(rewrite && wanted.word.ends_with("fifo")) => {}
            Some(found) => {
                let kind = make::kind(&asked(found, wanted))?;
                self.leaves.push(NewQdisc::at(self.interface, parent, make::handle(found)?, kind).change()?);
            }
            None => {
                // One that is to come back bears the handle that it had; of others the kernel gives one.
                let handle = if handle::of(wanted).is_some() { make::handle(wanted)? } else { Handle::NONE };
                let new = NewQdisc::at(self.interface, parent, handle, make::kind(wanted)?);
                // The kernel only changes one of the same kind, if it could.
                let gives_way = found.is_some();
                if gives_way {
                    put(&mut self.deletes, 0, qdisc::delete(self.interface, parent, Handle::NONE));
                }
                self.leaves.push(new.replace()?);
            }
        }
        Ok(())
    }
}

/// Whether it is a rule that chooses a class.
fn is_rule(tree: &Tree) -> bool {
    trimtab_core::kind::tc::filters::number_of(&tree.word).is_some()
}

/// Whether a node is as wanted already, whatever is below it.
fn is_so(now: &Tree, to: &Tree) -> bool {
    let differs = |(name, scalar): (&String, &Scalar)| name != handle::HANDLE && now.scalars.get(name) != Some(scalar);
    !to.scalars.iter().any(differs)
}

/// Puts a request into the stage of this depth.
fn put(stages: &mut Stages, depth: usize, request: Request) {
    if stages.len() <= depth {
        stages.resize_with(depth.saturating_add(1), Vec::new);
    }
    if let Some(stage) = stages.get_mut(depth) {
        stage.push(request);
    }
}

/// Kinds of which all is sent at once: what is not would be 0.
const WHOLE: &[&str] = &["pfifo", "bfifo", "tbf", "prio", "netem"];

/// What is to be asked for in a change: of most kinds no more than what differs, for some options are refused even where
/// they are as they were.
fn asked(now: &Tree, to: &Tree) -> Tree {
    let mut asked = to.clone();
    if !WHOLE.contains(&to.word.as_str()) {
        asked.scalars.retain(|name, scalar| now.scalars.get(name) != Some(scalar));
    }
    asked
}
