//! `[link.qdisc]`: the queueing discipline at the root of the interfaces that match.
//!
//! ```toml
//! [[link]]
//! match = "eth0"
//! [link.qdisc]
//! prefer = ["cake", "fq_codel"]     # the first of these that this kernel has
//! take = true                       # replaces what somebody else attached
//! [link.qdisc.cake]
//! bandwidth = { expr = "link.speed * 95 / 100" }
//! rtt = "50ms"
//! ```
//!
//! One kind alone needs no `prefer`: `[link.qdisc.fq]`, or `qdisc = "fq"` where it needs no options. Options have the names
//! of tc(8), and quantities its units; what is not named is left to the kernel.

use std::sync::Arc;

use super::super::draft::Draft;
use super::super::draft::DraftPolicy;
use super::super::draft::DraftWanted;
use super::super::draft::Term;
use super::super::file::File;
use super::super::glob::Pattern;
use super::super::leaf;
use super::super::statement::Statement;
use super::super::statement::Target;
use super::super::statement::TcTarget;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Tree as Toml;
use super::Matcher;
use super::Span;
use super::classes;
use super::filters;
use super::settings::Section;
use super::unknown;
use crate::address::link::is_interface_name;
use crate::address::tc::Hook;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::kind::tc::TAKE;
use crate::kind::tc::filters as rules;
use crate::kind::tc::qdiscs;
use crate::kind::tc::qdiscs::Opt;
use crate::kind::tc::qdiscs::Qdisc;
use crate::kind::tc::scalar;
use crate::kind::tc::scalar::Shape;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::tree::Tree;

const PREFER: &str = "prefer";
/// Words of the section that are no kinds.
pub(crate) const WORDS: [&str; 6] = [PREFER, TAKE, "on-drift", "reason", "override", "if-supported"];

/// The kinds that a profile may name.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Qdisc> {
    qdiscs::ALL.iter()
}

/// Every option that a profile may name.
pub(crate) fn options(qdisc: &Qdisc) -> impl Iterator<Item = &'static Opt> {
    let latency = (qdisc.kind == "tbf").then_some(&qdiscs::LATENCY);
    qdisc.options.iter().filter(|option| option.said).chain(latency)
}

/// The statement of one section.
pub(super) fn statement(file: &mut File<'_>, section: &Section, entry: &Entry) -> Option<Statement> {
    made(file, section, entry.key_span.clone(), &entry.node)
}

/// The statement of `--set tc:KEY=VALUE`; the key is an interface or a glob, and `root`.
pub(in crate::profile) fn argument(file: &mut File<'_>, key: &str, key_span: Span, node: &Node) -> Option<Statement> {
    let interface = match key.split_once('/') {
        Some((interface, hook)) if hook == Hook::Root.word() => interface,
        Some(_) | None => {
            let message = format!("`{}` names nothing of traffic control that can be set", key.escape_debug());
            file.error("bad-key", message, key_span).help =
                Some("as in --set 'tc:eth0/root={ fq = { maxrate = \"1gbit\" } }'".to_owned());
            return None;
        }
    };
    let pattern = match Pattern::parse(interface) {
        Ok(Pattern::Exact(name)) if !is_interface_name(&name) => {
            let message = format!("no interface could have the name `{}`", name.escape_debug());
            file.error("bad-key", message, key_span);
            return None;
        }
        Ok(pattern) => pattern,
        Err(error) => {
            file.error("glob", format!("`{}`: {error}", interface.escape_debug()), key_span);
            return None;
        }
    };
    let section = Section { matcher: Arc::new(Matcher::of_name(pattern)), on_drift: None };
    made(file, &section, key_span, node)
}

fn made(file: &mut File<'_>, section: &Section, key_span: Span, node: &Node) -> Option<Statement> {
    let mut draft = root(file, key_span.clone(), node)?;
    draft.on_drift = draft.on_drift.or(section.on_drift);
    let written_as =
        (!section.matcher.is_one_name()).then(|| format!("{}/{}", section.matcher.written(), Hook::Root.word()));
    Some(Statement {
        target: Target::Tc(TcTarget { matcher: Arc::clone(&section.matcher), hook: Hook::Root }),
        draft,
        origin: file.origin(key_span.start, written_as),
        key_place: file.place(key_span),
        value_place: file.place(node.span.clone()),
    })
}

fn root(file: &mut File<'_>, key_span: Span, node: &Node) -> Option<Draft> {
    let (Toml::Table(table) | Toml::Inline(table)) = &node.tree else {
        let kind = leaf::text(file, node, "`qdisc`")?;
        let tree = Tree::new(named(file, &kind, node.span.clone())?.kind);
        return bare(file, &tree, node.span.clone()).then(|| Draft {
            policy: DraftPolicy::Value(DraftWanted::Tree(Box::new(tree))),
            on_drift: None,
            reason: None,
            overrides: false,
            if_supported: false,
            load_module: None,
        });
    };
    let mut sides = Sides::default();
    let mut trees: Vec<Tree<Term>> = Vec::new();
    let mut sound = true;
    for entry in table {
        let node = &entry.node;
        match entry.key.as_str() {
            PREFER => match order(file, node) {
                Some(order) => sides.order = Some(order),
                None => sound = false,
            },
            TAKE => sides.take = leaf::boolean(file, node, "`take`").unwrap_or(false),
            "on-drift" => sides.on_drift = leaf::on_drift(file, node),
            "reason" => sides.reason = leaf::text(file, node, "`reason`"),
            "override" => sides.overrides = leaf::boolean(file, node, "`override`").unwrap_or(false),
            "if-supported" => sides.if_supported = leaf::boolean(file, node, "`if-supported`").unwrap_or(false),
            kind => {
                let tree = named(file, kind, entry.key_span.clone()).and_then(|qdisc| tree(file, qdisc, entry));
                sound &= tree.is_some();
                trees.extend(tree);
            }
        }
    }
    // What is wrong has been told; the rest would only seem to be missing.
    let policy = if sound { policy(file, key_span, trees, &mut sides) } else { None }?;
    let Sides { order: _, take: _, on_drift, reason, overrides, if_supported } = sides;
    Some(Draft { policy, on_drift, reason, overrides, if_supported, load_module: None })
}

/// What stands beside the kinds.
#[derive(Default)]
struct Sides {
    /// The kinds in the order in which they are tried, each with its place.
    order: Option<Vec<(&'static Qdisc, Span)>>,
    take: bool,
    on_drift: Option<crate::policy::OnDrift>,
    reason: Option<String>,
    overrides: bool,
    if_supported: bool,
}

fn policy(file: &mut File<'_>, span: Span, mut trees: Vec<Tree<Term>>, sides: &mut Sides) -> Option<DraftPolicy> {
    if sides.take {
        for tree in &mut trees {
            tree.scalars.insert(TAKE.to_owned(), taken());
        }
    }
    let wanted = |tree: Tree<Term>| DraftWanted::Tree(Box::new(tree));
    let Some(order) = sides.order.take() else {
        let kinds: Vec<&str> = trees.iter().map(|tree| tree.word.as_str()).collect();
        if kinds.len() > 1 {
            let message = format!("`{}` cannot both be at the root", kinds.join("` and `"));
            file.error("qdisc", message, span).help = Some(format!("say which comes first: prefer = {kinds:?}"));
            return None;
        }
        if trees.is_empty() {
            file.error("qdisc", "it names no kind of queueing discipline", span).help =
                Some("as in [link.qdisc.fq], or qdisc = \"fq\"".to_owned());
        }
        return trees.pop().map(|tree| DraftPolicy::Value(wanted(tree)));
    };
    let mut sound = true;
    let mut preferred = Vec::new();
    for (qdisc, place) in order {
        match trees.iter().position(|tree| tree.word == qdisc.kind) {
            Some(at) => preferred.push(wanted(trees.swap_remove(at))),
            None => {
                let mut tree = Tree::new(qdisc.kind);
                sound &= bare(file, &tree, place);
                if sides.take {
                    tree.scalars.insert(TAKE.to_owned(), taken());
                }
                preferred.push(wanted(tree));
            }
        }
    }
    for tree in &trees {
        file.error("qdisc", format!("`{}` is not in `prefer`, so it would never be", tree.word), span.clone());
        sound = false;
    }
    sound.then_some(DraftPolicy::Prefer(preferred))
}

fn taken() -> Term {
    Term::Plain(Scalar::Text("on".to_owned()))
}

fn order(file: &mut File<'_>, node: &Node) -> Option<Vec<(&'static Qdisc, Span)>> {
    let Toml::Array(nodes) = &node.tree else {
        leaf::wrong_type(file, node, "`prefer`", "an array of kinds");
        return None;
    };
    let mut order: Vec<(&'static Qdisc, Span)> = Vec::new();
    for node in nodes {
        let kind = leaf::text(file, node, "`prefer`")?;
        let qdisc = named(file, &kind, node.span.clone())?;
        if order.iter().any(|(other, _)| other.kind == qdisc.kind) {
            file.error("duplicate", format!("`{}` is named twice", qdisc.kind), node.span.clone());
            return None;
        }
        order.push((qdisc, node.span.clone()));
    }
    if order.is_empty() {
        file.error("wrong-type", "`prefer` needs at least one member", node.span.clone());
        return None;
    }
    Some(order)
}

pub(super) fn named(file: &mut File<'_>, kind: &str, span: Span) -> Option<&'static Qdisc> {
    let found = kinds().find(|qdisc| qdisc.kind == kind);
    if found.is_none() {
        let mut known: Vec<&str> = kinds().map(|qdisc| qdisc.kind).collect();
        known.extend(WORDS);
        unknown(file, "no queueing discipline that trimtab knows is called", kind, span, &known);
    }
    found
}

/// A kind with its options.
pub(super) fn tree(file: &mut File<'_>, qdisc: &'static Qdisc, entry: &Entry) -> Option<Tree<Term>> {
    let (Toml::Table(table) | Toml::Inline(table)) = &entry.node.tree else {
        let wanted = format!("a table as in [link.qdisc.{0}] or {0} = {{ … }}", qdisc.kind);
        leaf::wrong_type(file, &entry.node, &format!("`{}`", qdisc.kind), &wanted);
        return None;
    };
    let mut tree = Tree::new(qdisc.kind);
    let mut sound = true;
    let is_of_classes = |entry: &&Entry| entry.key == classes::CLASS && classes::has(qdisc.kind);
    let is_of_filters = |entry: &&Entry| entry.key == filters::FILTER && rules::leads(qdisc.kind);
    for entry in table.iter().filter(|entry| !is_of_classes(entry) && !is_of_filters(entry)) {
        match option(file, qdisc, entry) {
            Some((option, term)) => drop(tree.scalars.insert(option.name.to_owned(), term)),
            None => sound = false,
        }
    }
    // Behind the options, of which one names a class.
    if let Some(entry) = table.iter().find(is_of_classes) {
        sound &= classes::put(file, &mut tree, entry);
    }
    // Behind the classes that they lead to.
    if let Some(entry) = table.iter().find(is_of_filters).filter(|_| sound) {
        sound &= filters::put(file, &mut tree, entry);
    }
    // What is missing of one that has an error may be the error.
    (sound && bare(file, &tree, entry.key_span.clone())).then_some(tree)
}

pub(super) fn option(file: &mut File<'_>, qdisc: &Qdisc, entry: &Entry) -> Option<(&'static Opt, Term)> {
    let Some(option) = options(qdisc).find(|option| option.name == entry.key) else {
        let mut known: Vec<&str> = options(qdisc).map(|option| option.name).collect();
        if qdisc.kind == classes::CLASS {
            known.extend([classes::PARENT, classes::LEAF]);
        } else if classes::has(qdisc.kind) {
            known.push(classes::CLASS);
        }
        if rules::leads(qdisc.kind) {
            known.push(filters::FILTER);
        }
        let what = format!("{} has no option", qdisc.kind);
        unknown(file, &what, &entry.key, entry.key_span.clone(), &known);
        return None;
    };
    let term = match (&entry.node.tree, option.shape) {
        (Toml::Array(nodes), Shape::Numbers { .. }) => Term::Plain(listed(file, nodes)?),
        (Toml::Int(number), Shape::Time { .. }) => {
            file.error(
                "bad-value",
                format!("`{}` is a time, and {number} has no unit", option.name),
                entry.node.span.clone(),
            )
            .help = Some(format!("as in {} = \"{number}ms\"", option.name));
            return None;
        }
        _ => leaf::term(file, &entry.node)?,
    };
    match term {
        // What it comes to is checked when it is known.
        Term::Formula(_) => Some((option, term)),
        Term::Plain(scalar) => match option.shape.canonical(&scalar) {
            Ok(scalar) => Some((option, Term::Plain(scalar))),
            Err(why) => {
                file.error("bad-value", format!("`{}`: {why}", option.name), entry.node.span.clone()).help =
                    Some(option.meaning.to_owned());
                None
            }
        },
    }
}

/// Numbers in brackets as one text.
fn listed(file: &mut File<'_>, nodes: &[Node]) -> Option<Scalar> {
    let mut numbers = Vec::new();
    for node in nodes {
        let Toml::Int(number) = node.tree else {
            leaf::wrong_type(file, node, "the list", "integers");
            return None;
        };
        numbers.push(number);
    }
    Some(scalar::of_numbers(&numbers))
}

/// Whether nothing is missing that the kernel wants and nobody could guess.
pub(super) fn bare(file: &mut File<'_>, tree: &Tree<Term>, span: Span) -> bool {
    let says = |name: &str| tree.scalars.contains_key(name);
    let (message, help) = match tree.word.as_str() {
        "htb" if tree.children.is_empty() => {
            ("an htb without classes shapes nothing", "as in [link.qdisc.htb.class.10] with rate = \"100mbit\"")
        }
        "tbf" if !says("rate") => ("a tbf needs a rate", "as in [link.qdisc.tbf] with rate = \"100mbit\""),
        "tbf" if says("limit") && says(qdiscs::LATENCY.name) => {
            ("`latency` stands in the place of `limit`: both are too much", "leave one of them out")
        }
        "tbf" if says("mtu") && !says("peakrate") => {
            ("`mtu` is the burst of `peakrate`, which is not given", "give peakrate, or leave mtu out")
        }
        _ => return true,
    };
    file.error("qdisc", message, span).help = Some(help.to_owned());
    false
}

/// A policy whose formulas have been evaluated, every option in its one spelling.
///
/// # Errors
/// What no kernel takes, at the place of the value.
pub(in crate::profile) fn normal(policy: &Policy, place: &Place) -> Result<Policy, Box<Diagnostic>> {
    let one = |wanted: &Wanted| match wanted {
        Wanted::Tree(tree) => canonical(tree, place).map(|tree| Wanted::Tree(Box::new(tree))),
        Wanted::One(_) | Wanted::Many(_) => Ok(wanted.clone()),
    };
    Ok(match policy {
        Policy::Value(wanted) => Policy::Value(one(wanted)?),
        Policy::Prefer(all) => Policy::Prefer(all.iter().map(one).collect::<Result<_, _>>()?),
        Policy::AtLeast(_) | Policy::AtMost(_) | Policy::Between(_, _) | Policy::OneOf(_) | Policy::Includes(_) => {
            policy.clone()
        }
    })
}

fn canonical(tree: &Tree, place: &Place) -> Result<Tree, Box<Diagnostic>> {
    let mut spelt = tree.clone();
    let Some(qdisc) = qdiscs::of_word(&tree.word) else { return Ok(spelt) };
    for option in options(qdisc) {
        let Some(scalar) = spelt.scalars.get_mut(option.name) else { continue };
        *scalar = option.shape.canonical(scalar).map_err(|why| {
            let message = format!("`{}` of {}: {why}", option.name, tree.word);
            Box::new(Diagnostic::error("bad-value", message, place.clone()).with_help(option.meaning))
        })?;
    }
    let rate = |name: &str| spelt.scalars.get(name).and_then(scalar::as_rate);
    if let (classes::CLASS, Some(ceil), Some(rate)) = (qdisc.kind, rate("ceil"), rate("rate"))
        && ceil < rate
    {
        let message = format!("{}: {}", tree.word, classes::ceil_below_rate(ceil, rate));
        return Err(Box::new(Diagnostic::error("bad-value", message, place.clone())));
    }
    for child in &mut spelt.children {
        *child = canonical(child, place)?;
    }
    if let Err(why) = rules::check_all(&spelt) {
        return Err(Box::new(Diagnostic::error("bad-value", why, place.clone())));
    }
    Ok(spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_is_a_word_of_the_section() {
        assert!(kinds().all(|qdisc| !WORDS.contains(&qdisc.kind)));
    }
}
