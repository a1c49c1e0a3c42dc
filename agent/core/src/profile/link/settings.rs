//! From one leaf of a section to its statements, its value checked as far as that can be done without a host.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::draft::Context;
use super::super::draft::Draft;
use super::super::draft::evaluate;
use super::super::file::File;
use super::super::leaf;
use super::super::statement::Statement;
use super::super::statement::Target;
use super::super::syntax::Entry;
use super::super::syntax::Node;
use super::super::syntax::Table;
use super::super::syntax::Tree;
use super::LinkTarget;
use super::Matcher;
use super::Named;
use super::Span;
use super::Subject;
use super::value;
use crate::address::link::LinkAttribute;
use crate::desired::Want;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::policy::OnDrift;
use crate::policy::Policy;

/// What the settings of one section have in common.
pub(super) struct Section {
    pub(super) matcher: Arc<Matcher>,
    pub(super) on_drift: Option<OnDrift>,
}

/// The statement of one leaf whose key is its own name.
pub(super) fn setting(file: &mut File<'_>, section: &Section, subject: Subject, entry: &Entry) -> Vec<Statement> {
    let written = match &subject {
        Subject::One(attribute) => attribute.to_string(),
        Subject::Queues { queues, attribute } => format!("queue/{}/{}", queues.as_str(), attribute.word()),
    };
    settings(file, section, vec![(subject, Named::Own)], &written, entry)
}

pub(super) fn settings(
    file: &mut File<'_>,
    section: &Section,
    subjects: Vec<(Subject, Named)>,
    written: &str,
    entry: &Entry,
) -> Vec<Statement> {
    if let Tree::Table(inner) = &entry.node.tree {
        unbraced(file, entry, inner);
        return Vec::new();
    }
    statements(file, section, subjects, written, entry.key_span.clone(), &entry.node)
}

/// A policy below a header or a dotted key: it lacks its braces.
fn unbraced(file: &mut File<'_>, entry: &Entry, inner: &Table) {
    let words: Vec<String> = inner.iter().map(|inner| format!("{} = …", inner.key)).collect();
    let message = format!("`{}` is one value, and what is wanted of it stands in braces", entry.key.escape_debug());
    file.error("policy-without-braces", message, entry.key_span.clone()).help =
        Some(format!("write {} = {{ {} }}", entry.key, words.join(", ")));
}

/// The statements of one leaf, one for each value that its name stands for.
pub(super) fn statements(
    file: &mut File<'_>,
    section: &Section,
    subjects: Vec<(Subject, Named)>,
    written: &str,
    key_span: Span,
    node: &Node,
) -> Vec<Statement> {
    let Some((first, named)) = subjects.first() else { return Vec::new() };
    let attribute = first.attribute();
    if attribute.is_read_only() {
        let message = format!("`{attribute}` only tells, and cannot be set");
        let word = written.rsplit('/').next().unwrap_or(written);
        let own = word.trim_start_matches("tso-").trim_end_matches("-max").trim_end_matches("-min");
        let own = match word {
            "mtu-min" | "mtu-max" => "mtu".to_owned(),
            "tso-max-size" | "tso-max-segs" => format!("gso-{own}"),
            _ => own.to_owned(),
        };
        file.error("read-only", message, key_span).help =
            Some(format!("write {own} = \"max\" for the most that the device takes"));
        return Vec::new();
    }
    let Some(mut draft) = leaf::draft(file, node) else { return Vec::new() };
    if draft.load_module.is_some() {
        let message = "`load-module` is about sysctls: no setting of a link comes with a module";
        file.error("policy", message, node.span.clone());
        return Vec::new();
    }
    draft.on_drift = draft.on_drift.or(section.on_drift);
    // No device has all that an umbrella covers.
    draft.if_supported |= subjects.len() > 1;
    let value_place = file.place(node.span.clone());
    if let Some(problem) = constant(&attribute, &draft, &value_place) {
        file.report(problem);
    }
    let globs = matches!(first, Subject::Queues { .. });
    let plain = section.matcher.is_one_name() && !globs && *named == Named::Own;
    let written_as = (!plain).then(|| format!("{}/{written}", section.matcher.written()));
    let origin = file.origin(key_span.start, written_as);
    let key_place = file.place(key_span);
    let statement = |(subject, named)| Statement {
        target: Target::Link(LinkTarget { matcher: Arc::clone(&section.matcher), subject, named }),
        draft: draft.clone(),
        origin: origin.clone(),
        key_place: key_place.clone(),
        value_place: value_place.clone(),
    };
    subjects.into_iter().map(statement).collect()
}

/// What is wrong with a value that is no formula.
fn constant(attribute: &LinkAttribute, draft: &Draft, place: &Place) -> Option<Diagnostic> {
    if !draft.policy.formulas().is_empty() {
        return None;
    }
    let context = Context { facts: &Facts::default(), params: &BTreeMap::new(), link: None };
    let Ok(Want::Decided(policy)) = evaluate(&draft.policy, &context) else { return None };
    normal(attribute, &policy, place).err().map(|problem| *problem)
}

/// A policy of a link in its one spelling.
///
/// # Errors
/// What no device could take, at the place of the value.
pub(in crate::profile) fn normal(
    attribute: &LinkAttribute,
    policy: &Policy,
    place: &Place,
) -> Result<Policy, Box<Diagnostic>> {
    value::normal(attribute, policy).map_err(|value::Problem { message, help }| {
        Box::new(Diagnostic { help, ..Diagnostic::error("bad-value", message, place.clone()) })
    })
}
