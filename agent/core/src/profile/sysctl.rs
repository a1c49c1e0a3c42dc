//! The section `[sysctl]`: paths to leaves, each with a policy.
//!
//! Headers and dotted keys are path segments, exactly as written, so that `"eth0.100"` is one segment. What is known
//! of the key comes from the catalogue; what a value may be, from `kind::sysctl`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::draft::Context;
use super::draft::Draft;
use super::draft::evaluate;
use super::file::File;
use super::glob::Glob;
use super::glob::Pattern;
use super::glob::Specificity;
use super::glob::has_wildcard;
use super::leaf;
use super::statement::Statement;
use super::statement::SysctlTarget;
use super::statement::Target;
use super::syntax::Entry;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::desired::Want;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::kind;
use crate::policy::Policy;

type Span = std::ops::Range<usize>;

const UNKNOWN_KEY: &str = "unknown-key";

impl SysctlTarget {
    pub(super) fn specificity(&self) -> Specificity {
        self.glob.as_ref().map_or(Specificity::Exact, Glob::specificity)
    }
}

/// Every statement of a section. Whether a key is there twice is asked of all sections together, see [`twins`].
pub(super) fn section(file: &mut File<'_>, node: &Node) -> Vec<Statement> {
    let Tree::Table(table) = &node.tree else {
        leaf::wrong_type(file, node, "`sysctl`", "a section `[sysctl]`");
        return Vec::new();
    };
    let mut statements = Vec::new();
    walk(file, table, &mut Vec::new(), &mut statements);
    statements
}

fn walk<'a>(file: &mut File<'_>, table: &'a Table, path: &mut Vec<(&'a str, Span)>, statements: &mut Vec<Statement>) {
    let mut unbraced = Vec::new();
    for entry in table {
        path.push((&entry.key, entry.key_span.clone()));
        match &entry.node.tree {
            Tree::Table(inner) => walk(file, inner, path, statements),
            Tree::Broken => {}
            Tree::Int(_)
            | Tree::Huge
            | Tree::Bool(_)
            | Tree::Float(_)
            | Tree::Date
            | Tree::Text(_)
            | Tree::Array(_)
            | Tree::Inline(_)
            | Tree::Tables(_) => {
                if lacks_braces(path) {
                    unbraced.push(entry);
                } else {
                    let segments: Vec<&str> = path.iter().map(|(segment, _)| *segment).collect();
                    let span = key_span(file, path);
                    statements.extend(statement(file, &segments, span, &entry.node));
                }
            }
        }
        path.pop();
    }
    report_unbraced(file, path, &unbraced);
}

/// The place of a dotted key: from its first segment that stands just before the next one.
fn key_span(file: &File<'_>, path: &[(&str, Span)]) -> Span {
    let mut segments = path.iter().rev().map(|(_, span)| span.clone());
    let Some(last) = segments.next() else { return 0..0 };
    let mut start = last.start;
    for span in segments {
        // Between two segments of one key there is nothing but a dot; a header ends in between.
        if file.written(span.end..start).trim() != "." {
            break;
        }
        start = span.start;
    }
    start..last.end
}

/// Whether a path ends in a policy word and is no key that the catalogue knows.
fn lacks_braces(path: &[(&str, Span)]) -> bool {
    let Some((last, _)) = path.last() else { return false };
    leaf::is_policy_word(last)
        && SysctlKey::from_segments(path.iter().map(|(segment, _)| *segment))
            .map_or(true, |key| catalogue::find(&key).is_none())
}

/// One error for all policy words below the same path.
fn report_unbraced(file: &mut File<'_>, path: &[(&str, Span)], unbraced: &[&Entry]) {
    let Some(first) = unbraced.first() else { return };
    let key: Vec<String> = path.iter().map(|(segment, _)| quoted(segment)).collect();
    let words: Vec<String> = unbraced.iter().map(|entry| format!("{} = …", entry.key)).collect();
    let message = format!("`{}` is a policy word, not a part of a key", first.key);
    file.error("policy-without-braces", message, first.key_span.clone()).help =
        Some(format!("write {} = {{ {} }}", key.join("."), words.join(", ")));
}

/// A segment as TOML wants it.
fn quoted(segment: &str) -> String {
    let bare = !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { segment.to_owned() } else { format!("\"{}\"", segment.escape_debug()) }
}

/// The statement of one leaf, with everything wrong about its key and value reported.
pub(super) fn statement(file: &mut File<'_>, segments: &[&str], key_span: Span, value: &Node) -> Option<Statement> {
    let (key, glob) = key_of(file, segments, &key_span)?;
    if catalogue::is_secret(&representative(&key, glob.as_ref())) {
        file.error("secret", format!("`{key}` is a secret, and secrets do not belong into profiles"), key_span).help =
            Some("set it by other means; trimtab neither reads nor writes it".to_owned());
        let place = file.place(value.span.clone());
        file.secrets.push(place);
        return None;
    }
    check_known(file, &key, glob.as_ref(), key_span.clone(), value.span.clone());
    let draft = leaf::draft(file, value)?;
    let canonical = catalogue::canonical_key(&key) == key;
    let written_as = (glob.is_some() || !canonical).then(|| key.to_string());
    Some(finish(file, SysctlTarget { key, glob }, draft, written_as, key_span, value.span.clone()))
}

/// The statement of a draft, with everything wrong about its value reported.
pub(super) fn finish(
    file: &mut File<'_>,
    target: SysctlTarget,
    draft: Draft,
    written_as: Option<String>,
    key_span: Span,
    value_span: Span,
) -> Statement {
    let value_place = file.place(value_span);
    check_value(file, &target, &draft, &value_place);
    check_module(file, &target, &draft, &value_place);
    Statement {
        origin: file.origin(key_span.start, written_as),
        key_place: file.place(key_span),
        value_place,
        target: Target::Sysctl(target),
        draft,
    }
}

/// The key of a path, and the glob in the place of its interface.
fn key_of(file: &mut File<'_>, segments: &[&str], span: &Span) -> Option<(SysctlKey, Option<Glob>)> {
    // Patterns may hold what no key may (a slash never): the shape is checked with a plain name in their place.
    let written = match SysctlKey::from_segments(segments.iter().copied()) {
        Ok(key) => key,
        Err(error) => {
            file.error("bad-key", error.to_string(), span.clone());
            return None;
        }
    };
    let interface = written.interface_index();
    for (index, segment) in segments.iter().enumerate() {
        if Some(index) != interface && has_wildcard(segment) {
            let message = format!("`{}` is a glob, and globs stand only for interfaces", segment.escape_debug());
            file.error("glob", message, span.clone()).help =
                Some("as in net.ipv4.conf.\"*\".rp_filter or net.ipv6.neigh.\"eth*\".gc_stale_time".to_owned());
            return None;
        }
    }
    let Some((index, name)) = interface.and_then(|index| segments.get(index).map(|name| (index, *name))) else {
        return Some((written, None));
    };
    match Pattern::parse(name) {
        Ok(Pattern::Exact(exact)) if exact == name => Some((written, None)),
        Ok(Pattern::Exact(exact)) => Some((written.with_segment(index, &exact), None)),
        Ok(Pattern::Glob(glob)) => Some((written, Some(glob))),
        Err(error) => {
            file.error("glob", format!("`{}`: {error}", name.escape_debug()), span.clone());
            None
        }
    }
}

/// A key that the catalogue can look up: of a glob, any one of the keys it stands for.
pub(super) fn representative<'a>(key: &'a SysctlKey, glob: Option<&Glob>) -> Cow<'a, SysctlKey> {
    match glob.and_then(|_| key.interface_index()) {
        Some(index) => Cow::Owned(key.with_segment(index, "eth0")),
        None => Cow::Borrowed(key),
    }
}

/// Warns of a key that the catalogue does not know, and blots its value out if it is meant to be a secret.
fn check_known(file: &mut File<'_>, key: &SysctlKey, glob: Option<&Glob>, key_span: Span, value_span: Span) {
    if catalogue::find(&representative(key, glob)).is_some() {
        return;
    }
    // A search through the whole catalogue, for a hint that nobody would see.
    let near = if file.crowded() { None } else { catalogue::suggest(key) };
    if near.as_ref().and_then(|near| near.parse().ok()).is_some_and(|near| catalogue::is_secret(&near)) {
        let place = file.place(value_span);
        file.secrets.push(place);
    }
    file.warning(UNKNOWN_KEY, format!("no kernel that trimtab knows has `{key}`"), key_span).help =
        near.map(|near| format!("did you mean `{near}`?"));
}

/// Checks what can be checked without a host: constants, and the names that formulas mention.
fn check_value(file: &mut File<'_>, target: &SysctlTarget, draft: &Draft, value_place: &Place) {
    let SysctlTarget { key, glob } = target;
    let formulas = draft.policy.formulas();
    let about_interface = glob.is_some() || key.interface().is_some_and(|name| name != "all" && name != "default");
    for formula in &formulas {
        if formula.expression.references().needs_link() && !about_interface {
            let span = formula.place.span.clone();
            file.error("expression", format!("`link.*` has no meaning here: `{key}` is about no interface"), span);
        }
    }
    if !formulas.is_empty() {
        return;
    }
    let no_facts = Facts::default();
    let no_params = BTreeMap::new();
    let context = Context { facts: &no_facts, params: &no_params, link: None };
    if let Ok(Want::Decided(policy)) = evaluate(&draft.policy, &context) {
        for problem in check(&representative(key, glob.as_ref()), &policy, value_place) {
            file.report(problem);
        }
    }
}

/// Refuses to load a module that nobody knows.
fn check_module(file: &mut File<'_>, SysctlTarget { key, glob }: &SysctlTarget, draft: &Draft, value_place: &Place) {
    let representative = representative(key, glob.as_ref());
    let module = catalogue::find(&representative).and_then(|entry| entry.module);
    if draft.load_module == Some(true) && module.is_none() {
        let message = format!("`load-module`: no module is known that brings `{key}`");
        file.error("wrong-value", message, value_place.span.clone()).help =
            Some("leave it out; a key that is always there needs no module".to_owned());
    }
}

/// What the kind finds wrong with a policy, at the place of its value.
pub(super) fn check(key: &SysctlKey, policy: &Policy, place: &Place) -> Vec<Diagnostic> {
    // Told already, at the place of the key; the kind would search the whole catalogue for a hint once more.
    if catalogue::find(key).is_none() {
        return Vec::new();
    }
    kind::sysctl::check(key, policy)
        .into_iter()
        .map(|problem| {
            let kind::sysctl::Problem { severity, code, message, help } = problem;
            Diagnostic { severity, help, ..Diagnostic::error(code, message, place.clone()) }
        })
        .collect()
}

/// Two spellings of one canonical key in one layer: neither could be said to win.
pub(super) fn twins(statements: &[Statement]) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<(SysctlKey, bool), (&Statement, &SysctlKey)> = BTreeMap::new();
    let mut problems = Vec::new();
    let sysctls = statements.iter().filter_map(|statement| match &statement.target {
        Target::Sysctl(target) => Some((statement, target)),
        Target::Link(_) | Target::Tc(_) | Target::Nft(_) => None,
    });
    for (statement, SysctlTarget { key, glob }) in sysctls {
        let canonical = (catalogue::canonical_key(key), glob.is_some());
        match seen.get(&canonical) {
            Some((first, first_key)) => {
                let name = |statement: &Statement, key: &SysctlKey| {
                    statement.origin.written_as.clone().unwrap_or_else(|| key.to_string())
                };
                let (one, other) = (name(first, first_key), name(statement, key));
                let (message, help) = if one == other {
                    (format!("`{one}` is set twice"), "keep one of them".to_owned())
                } else if *first_key == key {
                    (format!("`{one}` and `{other}` are two names of one value"), "keep one of them".to_owned())
                } else {
                    (format!("`{one}` and `{other}` are two names of one value"), format!("keep `{}`", canonical.0))
                };
                problems.push(
                    Diagnostic::error("duplicate", message, statement.key_place.clone())
                        .with_help(help)
                        .with_related(first.key_place.clone(), "the first one"),
                );
            }
            None => {
                seen.insert(canonical, (statement, key));
            }
        }
    }
    problems
}
