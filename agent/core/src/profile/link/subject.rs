//! Names of values: of features by the kernel or by ethtool(8), of queues by number or by glob.

use super::super::file::File;
use super::super::glob::Glob;
use super::super::glob::Pattern;
use super::Span;
use crate::address::link::Direction;
use crate::address::link::FeatureName;
use crate::address::link::LinkAttribute;
use crate::address::link::Queue;
use crate::address::link::QueueAttribute;
use crate::features;

/// Which value, before it is known how many queues there are.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::profile) enum Subject {
    One(LinkAttribute),
    /// One value of each queue whose name matches.
    Queues {
        queues: Glob,
        attribute: QueueAttribute,
    },
}

/// How exactly a value is named: the kernel's name of a feature beats one that only stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::profile) enum Named {
    Short,
    Own,
}

impl Subject {
    /// An attribute of the same shape.
    pub(super) fn attribute(&self) -> LinkAttribute {
        match self {
            Subject::One(attribute) => attribute.clone(),
            Subject::Queues { queues: _, attribute } => LinkAttribute::Queue(Queue { index: 0, attribute: *attribute }),
        }
    }
}

/// The features that a name stands for.
pub(super) fn features_of(file: &mut File<'_>, name: &str, span: Span) -> Option<Vec<(Subject, Named)>> {
    let subject = |name: FeatureName| Subject::One(LinkAttribute::Feature(name));
    if let Some(members) = features::members(name) {
        let names = members.iter().filter_map(|member| FeatureName::new(member));
        return Some(names.map(|name| (subject(name), Named::Short)).collect());
    }
    if let Some((_, reason)) = features::GONE.iter().find(|(gone, _)| *gone == name) {
        file.error("unknown-feature", format!("no kernel that trimtab knows has the feature `{name}`"), span).help =
            Some((*reason).to_owned());
        return None;
    }
    let near = || features::near(name).map(|near| format!("did you mean `{near}`?"));
    let Some(feature) = FeatureName::new(name) else {
        let message = format!("no feature could have the name `{}`", name.escape_debug());
        file.error("unknown-feature", message, span).help = near();
        return None;
    };
    if !features::is_known(name) {
        // A newer kernel may have it.
        let hint = if file.crowded() { None } else { near() };
        file.warning("unknown-feature", format!("no kernel that trimtab knows has the feature `{name}`"), span).help =
            hint;
    }
    Some(vec![(subject(feature), Named::Own)])
}

/// The name of a queue, or a glob over such names.
pub(super) enum Queues {
    One(Direction, u16),
    Glob(Glob),
}

impl Queues {
    /// This value of them, if they have it.
    pub(super) fn subject(&self, attribute: QueueAttribute) -> Option<Subject> {
        match self {
            Queues::One(direction, index) => (*direction == attribute.direction())
                .then_some(Subject::One(LinkAttribute::Queue(Queue { index: *index, attribute }))),
            Queues::Glob(glob) => {
                may_be(glob, attribute.direction()).then(|| Subject::Queues { queues: glob.clone(), attribute })
            }
        }
    }
}

/// Whether a glob may match a queue of this direction, as far as its literal beginning tells.
fn may_be(glob: &Glob, direction: Direction) -> bool {
    let written = glob.as_str();
    let literal = written.split(['*', '?', '[', '\\']).next().unwrap_or(written);
    let prefix = format!("{}-", direction.word());
    prefix.starts_with(literal) || literal.starts_with(&prefix)
}

pub(super) fn queues_of(file: &mut File<'_>, text: &str, span: Span) -> Option<Queues> {
    let (message, help) = match Pattern::parse(text) {
        Ok(Pattern::Glob(glob)) if Direction::ALL.iter().any(|direction| may_be(&glob, *direction)) => {
            return Some(Queues::Glob(glob));
        }
        Ok(Pattern::Glob(_)) => ("matches no queue".to_owned(), true),
        Ok(Pattern::Exact(name)) => match queue_name(&name) {
            Some((direction, index)) => return Some(Queues::One(direction, index)),
            None => ("is no name of a queue".to_owned(), true),
        },
        Err(error) => (error.to_string(), false),
    };
    let what = text.escape_debug();
    let message = if help { format!("`{what}` {message}") } else { format!("`{what}`: {message}") };
    file.error("queue", message, span).help = help.then(|| "as in \"rx-0\", \"tx-3\", \"rx-*\"".to_owned());
    None
}

/// One number has one spelling: not `rx-00`.
fn queue_name(name: &str) -> Option<(Direction, u16)> {
    let (direction, index) = name.split_once('-')?;
    let index: u16 = index.parse().ok().filter(|number: &u16| number.to_string() == index)?;
    Some((Direction::of_word(direction)?, index))
}
