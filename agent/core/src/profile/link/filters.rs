//! Which packets go into which class: `[[link.qdisc.htb.filter]]`.
//!
//! ```toml
//! [[link]]
//! match = "eth0"
//! [link.qdisc.htb]
//! default = "20"
//! [link.qdisc.htb.class.10]
//! rate = "600mbit"
//! [link.qdisc.htb.class.20]
//! rate = "400mbit"
//! [[link.qdisc.htb.filter]]
//! class = "10"
//! dscp = "ef"
//! [[link.qdisc.htb.filter]]
//! class = "10"
//! protocol = "tcp"
//! dport = "8000-8100"
//! dst = "10.0.0.0/8"
//! ```
//!
//! The first that finds a packet decides; of one filter all must hold. They are whole: what somebody else hangs there goes.

use super::super::draft::Term;
use super::super::file::File;
use super::super::leaf;
use super::super::syntax::Entry;
use super::super::syntax::Tree as Toml;
use super::Span;
use super::qdisc;
use crate::kind::tc::filters;
use crate::policy::Scalar;
use crate::tree::Tree;

/// The word below a kind whose classes filters choose.
pub(crate) const FILTER: &str = filters::FILTER;

/// Puts the rules of an entry `filter` below a root that has its classes already; whether all of them are sound.
pub(super) fn put(file: &mut File<'_>, root: &mut Tree<Term>, entry: &Entry) -> bool {
    let (Toml::Tables(nodes) | Toml::Array(nodes)) = &entry.node.tree else {
        let wanted = format!("tables as in [[link.qdisc.{}.filter]]", root.word);
        leaf::wrong_type(file, &entry.node, "`filter`", &wanted);
        return false;
    };
    let mut sound = true;
    let mut rules: Vec<(Tree<Term>, Span)> = Vec::new();
    for (number, node) in (1_u16..=filters::MOST).zip(nodes) {
        let (Toml::Table(table) | Toml::Inline(table)) = &node.tree else {
            leaf::wrong_type(file, node, "a filter", "a table");
            return false;
        };
        let mut rule = Tree::new(filters::word(number));
        for entry in table {
            match qdisc::option(file, &filters::RULE, entry) {
                Some((option, term)) => drop(rule.scalars.insert(option.name.to_owned(), term)),
                None => sound = false,
            }
        }
        let place = table.first().map_or_else(|| node.span.clone(), |entry| entry.key_span.clone());
        rules.push((rule, place));
    }
    if nodes.len() > usize::from(filters::MOST) {
        file.error("qdisc", format!("there are more than {} filters", filters::MOST), entry.key_span.clone());
        return false;
    }
    if !sound {
        return false;
    }
    // What formulas say is checked when it is known.
    let mut plain = Tree { scalars: said(root), ..Tree::new(root.word.clone()) };
    plain.children = root.children.iter().map(known).collect();
    for (rule, place) in rules {
        if rule.scalars.values().all(|term| matches!(term, Term::Plain(_))) {
            plain.children.push(known(&rule));
            if let Err(why) = filters::check_all(&plain) {
                file.error("qdisc", why, place);
                sound = false;
            }
            plain.children.pop();
        }
        root.children.push(rule);
    }
    sound
}

/// What of a tree needs no host.
fn known(tree: &Tree<Term>) -> Tree {
    Tree { scalars: said(tree), children: tree.children.iter().map(known).collect(), ..Tree::new(tree.word.clone()) }
}

fn said(tree: &Tree<Term>) -> std::collections::BTreeMap<String, Scalar> {
    let plain = |(name, term): (&String, &Term)| match term {
        Term::Plain(scalar) => Some((name.clone(), scalar.clone())),
        Term::Formula(_) => None,
    };
    tree.scalars.iter().filter_map(plain).collect()
}
