//! `--set link:ADDRESS=VALUE`.

use std::sync::Arc;

use super::super::file::File;
use super::super::glob::Pattern;
use super::super::leaf;
use super::super::statement::Statement;
use super::super::syntax::Node;
use super::Matcher;
use super::Named;
use super::Span;
use super::Subject;
use super::settings::Section;
use super::settings::statements;
use super::subject::features_of;
use super::subject::queues_of;
use crate::address::link::LinkAttribute;
use crate::address::link::QueueAttribute;
use crate::address::link::is_interface_name;
use crate::diagnostic::suggest;

/// The statements of `--set link:KEY=VALUE`; the key is an interface or a glob, a slash and the rest of an address.
pub(in crate::profile) fn argument(file: &mut File<'_>, key: &str, key_span: Span, node: &Node) -> Vec<Statement> {
    let Some((interface, rest)) = key.split_once('/') else {
        let message = format!("`{}` names no value of an interface", key.escape_debug());
        file.error("bad-key", message, key_span).help = Some("as in --set link:eth0/mtu=1400".to_owned());
        return Vec::new();
    };
    let pattern = match Pattern::parse(interface) {
        Ok(Pattern::Exact(name)) if !is_interface_name(&name) => {
            let message = format!("no interface could have the name `{}`", name.escape_debug());
            file.error("bad-key", message, key_span);
            return Vec::new();
        }
        Ok(pattern) => pattern,
        Err(error) => {
            file.error("glob", format!("`{}`: {error}", interface.escape_debug()), key_span);
            return Vec::new();
        }
    };
    let Some(subjects) = subjects_of(file, rest, key_span.clone()) else { return Vec::new() };
    let section = Section { matcher: Arc::new(Matcher::of_name(pattern)), on_drift: None };
    statements(file, &section, subjects, rest, key_span, node)
}

fn subjects_of(file: &mut File<'_>, rest: &str, span: Span) -> Option<Vec<(Subject, Named)>> {
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["feature", name] => features_of(file, name, span),
        ["queue", queues, word] => {
            let queues = queues_of(file, queues, span.clone())?;
            let subject = QueueAttribute::of_word(word).and_then(|attribute| queues.subject(attribute));
            if subject.is_none() {
                let words: Vec<&str> = QueueAttribute::ALL.iter().map(|attribute| attribute.word()).collect();
                let message = format!("these queues have no value `{}`", word.escape_debug());
                file.error("bad-key", message, span).help = Some(format!("a queue has {}", leaf::words(&words)));
            }
            subject.map(|subject| vec![(subject, Named::Own)])
        }
        _ => {
            let known = LinkAttribute::fixed().find(|attribute| attribute.to_string() == rest);
            if known.is_none() {
                let words: Vec<String> = LinkAttribute::fixed().map(|known| known.to_string()).collect();
                let message = format!("an interface has no value `{}`", rest.escape_debug());
                file.error("bad-key", message, span).help =
                    suggest(rest, words.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            }
            known.map(|attribute| vec![(Subject::One(attribute), Named::Own)])
        }
    }
}
