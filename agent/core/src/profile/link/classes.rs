//! Classes of a root: `[link.qdisc.htb.class.10]`, and what is attached to each.
//!
//! ```toml
//! [[link]]
//! match = "eth0"
//! [link.qdisc.htb]
//! default = "20"
//! [link.qdisc.htb.class.1]
//! rate = "1gbit"
//! [link.qdisc.htb.class.10]
//! parent = "1"
//! rate = "600mbit"
//! ceil = "1gbit"
//! leaf = "fq_codel"
//! [link.qdisc.htb.class.20]
//! parent = "1"
//! rate = "400mbit"
//! leaf = { pfifo = { limit = 100 } }
//! ```
//!
//! Their names are their minor numbers, hexadecimal as tc(8) shows them. The classes of `mq`, `prio` and `tbf` come with them, so
//! nothing but a leaf can be said of those.

use std::collections::BTreeMap;

use super::super::draft::Term;
use super::super::file::File;
use super::super::leaf;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Tree as Toml;
use super::Span;
use super::qdisc;
use super::unknown;
use crate::kind::tc::qdiscs;
use crate::kind::tc::qdiscs::Qdisc;
use crate::kind::tc::scalar;
use crate::kind::tc::scalar::Shape;
use crate::policy::Scalar;
use crate::tree::Tree;

/// The word below a kind that has classes.
pub(crate) const CLASS: &str = "class";
/// The class above a class.
pub(crate) const PARENT: &str = "parent";
/// What is attached to a class.
pub(crate) const LEAF: &str = "leaf";
/// More levels than these the kernel refuses (net/sched/sch_htb.c `TC_HTB_MAXDEPTH`).
const DEEPEST: usize = 8;

/// Whether a kind has classes.
pub(crate) fn has(kind: &str) -> bool {
    matches!(kind, "htb" | "prio" | "mq" | "tbf")
}

/// One class as it is written.
struct Class {
    minor: u16,
    parent: Option<(u16, Span)>,
    place: Span,
    tree: Tree<Term>,
}

/// Puts the classes of an entry `class` below a root; whether all of them are sound.
pub(super) fn put(file: &mut File<'_>, root: &mut Tree<Term>, entry: &Entry) -> bool {
    let (Toml::Table(table) | Toml::Inline(table)) = &entry.node.tree else {
        leaf::wrong_type(file, &entry.node, "`class`", &format!("tables as in [link.qdisc.{}.class.1]", root.word));
        return false;
    };
    let mut classes: BTreeMap<u16, Class> = BTreeMap::new();
    let mut sound = true;
    for entry in table {
        match class(file, &root.word, entry) {
            Some(class) => match classes.get(&class.minor) {
                Some(_) => {
                    let message = format!("class {:x} is there twice", class.minor);
                    file.error("duplicate", message, class.place);
                    sound = false;
                }
                None => drop(classes.insert(class.minor, class)),
            },
            None => sound = false,
        }
    }
    if !sound {
        return false;
    }
    for class in classes.values() {
        let Some((parent, place)) = &class.parent else { continue };
        if !classes.contains_key(parent) {
            let message = format!("there is no class {parent:x} that class {:x} could be below", class.minor);
            file.error("qdisc", message, place.clone());
            return false;
        }
        if let Some(why) = misplaced(&classes, class) {
            file.error("qdisc", format!("class {:x} {why}", class.minor), place.clone());
            return false;
        }
    }
    if let Some(Term::Plain(default)) = root.scalars.get("default")
        && let Some(default) = scalar::as_minor(default).filter(|default| *default != 0)
        && let Some(why) = no_leaf(&classes, default)
    {
        let message = format!("`default` is class {default:x}, which {why}: what goes there would be unshaped");
        file.error("qdisc", message, entry.key_span.clone());
        return false;
    }
    let mut children: BTreeMap<Option<u16>, Vec<u16>> = BTreeMap::new();
    for class in classes.values() {
        children.entry(class.parent.as_ref().map(|(parent, _)| *parent)).or_default().push(class.minor);
    }
    root.children = below(&mut classes, &children, None);
    true
}

/// Why no packet can wait in a class (net/sched/sch_htb.c `htb_classify`).
fn no_leaf(classes: &BTreeMap<u16, Class>, minor: u16) -> Option<&'static str> {
    let has_below = classes.values().any(|class| class.parent.as_ref().is_some_and(|(parent, _)| *parent == minor));
    match (classes.contains_key(&minor), has_below) {
        (false, _) => Some("is not there"),
        (true, true) => Some("has classes below it"),
        (true, false) => None,
    }
}

/// Why a class cannot be where it is: below itself, or too deep.
fn misplaced(classes: &BTreeMap<u16, Class>, class: &Class) -> Option<String> {
    let mut depth = 1;
    let mut above = class.parent.as_ref().map(|(parent, _)| *parent);
    while let Some(minor) = above {
        if minor == class.minor {
            return Some("is below itself".to_owned());
        }
        depth += 1;
        if depth > DEEPEST {
            return Some(format!("is deeper than the {DEEPEST} levels that the kernel takes"));
        }
        above = classes.get(&minor).and_then(|class| class.parent.as_ref()).map(|(parent, _)| *parent);
    }
    None
}

/// The trees of all classes below one, of which `children` tells the numbers; classes before leaves.
fn below(
    classes: &mut BTreeMap<u16, Class>,
    children: &BTreeMap<Option<u16>, Vec<u16>>,
    above: Option<u16>,
) -> Vec<Tree<Term>> {
    let own = children.get(&above).into_iter().flatten();
    own.filter_map(|minor| {
        let mut tree = classes.remove(minor)?.tree;
        let mut before = below(classes, children, Some(*minor));
        before.append(&mut tree.children);
        Some(Tree { children: before, ..tree })
    })
    .collect()
}

fn class(file: &mut File<'_>, kind: &str, entry: &Entry) -> Option<Class> {
    let place = entry.key_span.clone();
    let minor = match Shape::Minor.canonical(&Scalar::Text(entry.key.clone())) {
        Ok(minor) => scalar::as_minor(&minor).filter(|minor| *minor != 0),
        Err(_) => None,
    };
    let Some(minor) = minor else {
        let message = format!("`{}` is no minor number of a class", entry.key.escape_debug());
        file.error("qdisc", message, place).help = Some("1 to ffff, hexadecimal as tc(8) shows them".to_owned());
        return None;
    };
    let (Toml::Table(table) | Toml::Inline(table)) = &entry.node.tree else {
        leaf::wrong_type(file, &entry.node, "a class", "a table");
        return None;
    };
    let mut class = Class { minor, parent: None, place, tree: Tree::new(qdiscs::class_word(minor)) };
    let is_htb = kind == "htb";
    let mut sound = true;
    for entry in table {
        let at = entry.node.span.clone();
        match entry.key.as_str() {
            PARENT if is_htb => match parent(file, &entry.node) {
                Some(parent) => class.parent = Some((parent, at)),
                None => sound = false,
            },
            LEAF => match attached(file, &entry.node) {
                Some(tree) => class.tree.children.push(tree),
                None => sound = false,
            },
            _ if is_htb => match qdisc::option(file, &qdiscs::HTB_CLASS, entry) {
                Some((option, term)) => drop(class.tree.scalars.insert(option.name.to_owned(), term)),
                None => sound = false,
            },
            key => {
                unknown(file, &format!("a class of {kind} has no"), key, entry.key_span.clone(), &[LEAF]);
                sound = false;
            }
        }
    }
    (sound && (!is_htb || is_whole(file, &class))).then_some(class)
}

fn parent(file: &mut File<'_>, node: &Node) -> Option<u16> {
    let text =
        if let Toml::Int(number) = &node.tree { number.to_string() } else { leaf::text(file, node, "`parent`")? };
    let minor = scalar::as_minor(&Scalar::Text(text.clone()));
    if minor.is_none() {
        file.error("qdisc", format!("`{}` is no minor number of a class", text.escape_debug()), node.span.clone());
    }
    minor
}

/// Whether a class of htb has what it needs, as far as that is known without a host.
fn is_whole(file: &mut File<'_>, class: &Class) -> bool {
    let plain = |name: &str| match class.tree.scalars.get(name) {
        Some(Term::Plain(rate)) => scalar::as_rate(rate),
        Some(Term::Formula(_)) | None => None,
    };
    let message = match (plain("rate"), plain("ceil")) {
        (Some(rate), Some(ceil)) if ceil < rate => ceil_below_rate(ceil, rate),
        _ if !class.tree.scalars.contains_key("rate") => "a class of htb needs a rate".to_owned(),
        _ => return true,
    };
    file.error("qdisc", format!("class {:x}: {message}", class.minor), class.place.clone());
    false
}

/// That a class may send less with the help of others than without.
pub(super) fn ceil_below_rate(ceil: u64, rate: u64) -> String {
    format!("its ceil {} is below its rate {}", scalar::of_rate(ceil), scalar::of_rate(rate))
}

/// What is attached to a class: a kind by its name, or with its options.
fn attached(file: &mut File<'_>, node: &Node) -> Option<Tree<Term>> {
    let found = if let Toml::Table(table) | Toml::Inline(table) = &node.tree {
        if let [entry] = table.as_slice() {
            let qdisc = qdisc::named(file, &entry.key, entry.key_span.clone())?;
            qdisc::tree(file, qdisc, entry).map(|tree| (qdisc, tree))
        } else {
            file.error("qdisc", "`leaf` is one kind of queueing discipline", node.span.clone()).help =
                Some("as in leaf = \"fq_codel\", or leaf = { pfifo = { limit = 100 } }".to_owned());
            None
        }
    } else {
        let kind = leaf::text(file, node, "`leaf`")?;
        let qdisc = qdisc::named(file, &kind, node.span.clone())?;
        let tree = Tree::new(qdisc.kind);
        qdisc::bare(file, &tree, node.span.clone()).then_some((qdisc, tree))
    };
    let (qdisc, tree): (&Qdisc, Tree<Term>) = found?;
    if matches!(qdisc.kind, "mq" | "noqueue" | "htb" | "pfifo_fast" | "tbf") || !tree.children.is_empty() {
        let message = format!("{} cannot be attached to a class here", qdisc.kind);
        file.error("qdisc", message, node.span.clone());
        return None;
    }
    Some(tree)
}
