//! One leaf of a profile: a value, or an inline table that is a policy.
//!
//! Every word and type is checked here; whether a value suits its key is the kind's business.

use super::draft::Draft;
use super::draft::DraftElement;
use super::draft::DraftPolicy;
use super::draft::DraftWanted;
use super::draft::Formula;
use super::draft::Term;
use super::draft::formula_place;
use super::file::File;
use super::syntax::Entry;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;
use crate::diagnostic::suggest;
use crate::expr;
use crate::policy::OnDrift;
use crate::policy::Scalar;

/// The words of which a policy has exactly one.
pub(super) const POLICY_WORDS: [&str; 7] = ["value", "at-least", "at-most", "between", "one-of", "prefer", "includes"];
/// The words that may stand beside it.
const SIDE_WORDS: [&str; 5] = ["on-drift", "reason", "override", "if-supported", LOAD_MODULE];
/// The word that asks for the module that brings a key.
pub(super) const LOAD_MODULE: &str = "load-module";
const EXPR: &str = "expr";

/// Whether a word belongs to policies: a path that ends in one probably lacks braces.
pub(super) fn is_policy_word(word: &str) -> bool {
    POLICY_WORDS.contains(&word) || SIDE_WORDS.contains(&word) || word == EXPR
}

/// The draft of a leaf, or nothing if it has an error that makes it useless.
pub(super) fn draft(file: &mut File<'_>, node: &Node) -> Option<Draft> {
    let plain = |policy| Draft {
        policy,
        on_drift: None,
        reason: None,
        overrides: false,
        if_supported: false,
        load_module: None,
    };
    match &node.tree {
        Tree::Inline(table) if !is_formula(table) => policy(file, node, table),
        Tree::Int(_)
        | Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Text(_)
        | Tree::Array(_)
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_)
        | Tree::Broken => wanted(file, node).map(|wanted| plain(DraftPolicy::Value(wanted))),
    }
}

/// `{ expr = … }` and nothing else.
fn is_formula(table: &Table) -> bool {
    matches!(table.as_slice(), [entry] if entry.key == EXPR)
}

fn policy(file: &mut File<'_>, node: &Node, table: &Table) -> Option<Draft> {
    let mut found: Option<(&Entry, Option<DraftPolicy>)> = None;
    let (mut on_drift, mut reason, mut overrides, mut if_supported, mut load_module) = (None, None, false, false, None);
    let mut sound = true;
    for entry in table {
        let place = || entry.key_span.clone();
        match entry.key.as_str() {
            word if POLICY_WORDS.contains(&word) => match &found {
                Some((first, _)) => {
                    let related = file.place(first.key_span.clone());
                    let message = format!("`{word}` beside `{}`: a setting has one policy", first.key);
                    file.error("policy", message, place()).related.push((related, "the first one".to_owned()));
                    sound = false;
                }
                None => found = Some((entry, policy_of(file, entry))),
            },
            "on-drift" => on_drift = self::on_drift(file, &entry.node),
            "reason" => reason = text(file, &entry.node, "`reason`"),
            "override" => overrides = boolean(file, &entry.node, "`override`").unwrap_or(false),
            "if-supported" => if_supported = boolean(file, &entry.node, "`if-supported`").unwrap_or(false),
            LOAD_MODULE => load_module = self::load_module(file, &entry.node),
            EXPR => {
                file.error("policy", "`expr` stands for a value, not for a policy", place()).help =
                    Some("write { value = { expr = \"…\" }, … }".to_owned());
                sound = false;
            }
            word => {
                let known = POLICY_WORDS.iter().chain(&SIDE_WORDS).copied();
                let help = match suggest(word, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a policy is one of {}", words(&POLICY_WORDS)),
                };
                file.error("unknown-policy", format!("unknown policy word `{word}`"), place()).help = Some(help);
                sound = false;
            }
        }
    }
    match found {
        Some((_, Some(policy))) if sound => {
            Some(Draft { policy, on_drift, reason, overrides, if_supported, load_module })
        }
        Some(_) => None,
        None => {
            if sound {
                file.error("policy", "a setting needs a policy", node.span.clone()).help =
                    Some(format!("write one of {}", words(&POLICY_WORDS)));
            }
            None
        }
    }
}

fn policy_of(file: &mut File<'_>, entry: &Entry) -> Option<DraftPolicy> {
    match entry.key.as_str() {
        "at-least" => wanted(file, &entry.node).map(DraftPolicy::AtLeast),
        "at-most" => wanted(file, &entry.node).map(DraftPolicy::AtMost),
        "between" => {
            let bounds = members(file, entry, wanted)?;
            match <[DraftWanted; 2]>::try_from(bounds) {
                Ok([low, high]) => Some(DraftPolicy::Between(low, high)),
                Err(bounds) => {
                    let message = format!("`between` has two bounds, found {}", bounds.len());
                    file.error("wrong-type", message, entry.node.span.clone());
                    None
                }
            }
        }
        "one-of" => some_members(file, entry, wanted).map(DraftPolicy::OneOf),
        "prefer" => some_members(file, entry, wanted).map(DraftPolicy::Prefer),
        "includes" => some_members(file, entry, term).map(DraftPolicy::Includes),
        _ => wanted(file, &entry.node).map(DraftPolicy::Value),
    }
}

type Parse<T> = fn(&mut File<'_>, &Node) -> Option<T>;

fn some_members<T>(file: &mut File<'_>, entry: &Entry, parse: Parse<T>) -> Option<Vec<T>> {
    let members = members(file, entry, parse)?;
    if members.is_empty() {
        file.error("wrong-type", format!("`{}` needs at least one member", entry.key), entry.node.span.clone());
        return None;
    }
    Some(members)
}

/// The members of an array, or nothing if it is none or one of them is wrong; every wrong one is reported.
fn members<T>(file: &mut File<'_>, entry: &Entry, parse: Parse<T>) -> Option<Vec<T>> {
    let Tree::Array(nodes) = &entry.node.tree else {
        if entry.node.tree != Tree::Broken {
            let found = entry.node.tree.describe();
            file.error("wrong-type", format!("`{}` wants an array, found {found}", entry.key), entry.node.span.clone());
        }
        return None;
    };
    let parsed: Vec<Option<T>> = nodes.iter().map(|node| parse(file, node)).collect();
    parsed.into_iter().collect()
}

fn wanted(file: &mut File<'_>, node: &Node) -> Option<DraftWanted> {
    match &node.tree {
        Tree::Array(nodes) => {
            let elements: Vec<Option<DraftElement>> = nodes
                .iter()
                .map(|node| match &node.tree {
                    Tree::Text(word) if word == "keep" => Some(DraftElement::Keep),
                    Tree::Int(_)
                    | Tree::Huge
                    | Tree::Bool(_)
                    | Tree::Float(_)
                    | Tree::Date
                    | Tree::Text(_)
                    | Tree::Array(_)
                    | Tree::Inline(_)
                    | Tree::Table(_)
                    | Tree::Tables(_)
                    | Tree::Broken => term(file, node).map(DraftElement::Is),
                })
                .collect();
            elements.into_iter().collect::<Option<Vec<_>>>().map(DraftWanted::Many)
        }
        Tree::Int(_)
        | Tree::Huge
        | Tree::Bool(_)
        | Tree::Float(_)
        | Tree::Date
        | Tree::Text(_)
        | Tree::Inline(_)
        | Tree::Table(_)
        | Tree::Tables(_)
        | Tree::Broken => term(file, node).map(DraftWanted::One),
    }
}

pub(super) fn term(file: &mut File<'_>, node: &Node) -> Option<Term> {
    let span = || node.span.clone();
    match &node.tree {
        Tree::Int(number) => Some(Term::Plain(Scalar::Int(*number))),
        Tree::Bool(yes) => Some(Term::Plain(Scalar::Int(i64::from(*yes)))),
        Tree::Text(word) if word == "keep" => {
            file.error("keep", "`keep` stands for one element of a vector", span()).help =
                Some("leave the setting out to leave its value alone".to_owned());
            None
        }
        // The kernel ends a value at the first of them, so that what it holds would not be what is written here.
        Tree::Text(text) if text.chars().any(|c| c.is_control() && c != '\t') => {
            file.error("bad-value", "the value has a control character", span());
            None
        }
        Tree::Text(text) => Some(Term::Plain(Scalar::Text(text.clone()))),
        Tree::Inline(table) => match table.as_slice() {
            [entry] if entry.key == EXPR => formula(file, &entry.node).map(Term::Formula),
            _ => {
                file.error("wrong-type", "a value is wanted here, found an inline table", span()).help =
                    Some("only { expr = \"…\" } may stand for a value".to_owned());
                None
            }
        },
        Tree::Huge => {
            file.error("wrong-type", "the integer does not fit into 64 bits", span());
            None
        }
        Tree::Float(_) | Tree::Date | Tree::Array(_) | Tree::Table(_) | Tree::Tables(_) => {
            let message = format!("want an integer, a string or a boolean, found {}", node.tree.describe());
            file.error("wrong-type", message, span());
            None
        }
        Tree::Broken => None,
    }
}

fn formula(file: &mut File<'_>, node: &Node) -> Option<Formula> {
    let source = text(file, node, "`expr`")?;
    let place = file.place(node.span.clone());
    let verbatim_from = file.verbatim(node.span.clone(), &source);
    match expr::compile(&source) {
        Ok(expression) => Some(Formula { expression, place, verbatim_from }),
        Err(error) => {
            let place = formula_place(&place, verbatim_from, error.offset);
            file.error("expression", error.message, place.span);
            None
        }
    }
}

/// The words of `on-drift`, wherever it may stand.
pub(super) fn on_drift(file: &mut File<'_>, node: &Node) -> Option<OnDrift> {
    choice(
        file,
        node,
        "`on-drift`",
        &[
            ("revert", OnDrift::Revert),
            ("revert-unless-disruptive", OnDrift::RevertUnlessDisruptive),
            ("report", OnDrift::Report),
            ("ignore", OnDrift::Ignore),
        ],
    )
}

/// One of a few words.
pub(super) fn choice<T: Copy>(file: &mut File<'_>, node: &Node, what: &str, choices: &[(&str, T)]) -> Option<T> {
    let word = text(file, node, what)?;
    let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let help = suggest(&word, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("{what} is one of {}, found `{}`", words(&names), word.escape_debug());
        file.error("wrong-value", message, node.span.clone()).help = help;
    }
    found
}

/// A string, or an error that says what it is for.
pub(super) fn text(file: &mut File<'_>, node: &Node, what: &str) -> Option<String> {
    if let Tree::Text(text) = &node.tree {
        return Some(text.clone());
    }
    wrong_type(file, node, what, "a string");
    None
}

/// The answer of `load-module`, wherever it may stand.
pub(super) fn load_module(file: &mut File<'_>, node: &Node) -> Option<bool> {
    boolean(file, node, "`load-module`")
}

pub(super) fn boolean(file: &mut File<'_>, node: &Node, what: &str) -> Option<bool> {
    if let Tree::Bool(yes) = &node.tree {
        return Some(*yes);
    }
    wrong_type(file, node, what, "true or false");
    None
}

/// Reports a value of the wrong type, unless the parser could not read it at all and said so.
pub(super) fn wrong_type(file: &mut File<'_>, node: &Node, what: &str, wanted: &str) {
    if node.tree != Tree::Broken {
        let message = format!("{what} wants {wanted}, found {}", node.tree.describe());
        file.error("wrong-type", message, node.span.clone());
    }
}

/// Words for people: `a`, `b` or `c`.
pub(super) fn words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
