//! Diagnostics: everything wrong with the files somebody wrote, all at once, each with its place.
//!
//! A diagnostic carries byte ranges into its source; rendering turns them into lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

/// One text that was parsed: a profile, the host file, or one argument of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The short name shown to people, e.g. `egress-proxy.toml`, `host.toml`, `--set`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Which source, by index in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(pub usize);

/// Every text that took part, so that a diagnostic can show its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<SourceId, Source>);

impl Sources {
    /// Adds a text and gives its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(self.0.len());
        self.0.insert(id, Source { name: name.into(), text: text.into() });
        id
    }

    /// The source of this id.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(&id)
    }

    /// Every text, in the order in which it was added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, id: SourceId, offset: usize) -> (u32, u32) {
        let Some(source) = self.0.get(&id) else { return (0, 0) };
        let mut offset = offset.min(source.text.len());
        while !source.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = source.text.get(..offset).unwrap_or("");
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing can be done with this set of files.
    Error,
    /// Worth the author's attention; the files still work.
    Warning,
}

/// A place in a source: a range of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The source.
    pub source: SourceId,
    /// The bytes.
    pub span: Range<usize>,
}

/// One problem: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code for machines and searches, e.g. `unknown-key`, `wrong-type`.
    pub code: &'static str,
    /// What is wrong, lower case, no full stop, naming wanted and found.
    pub message: String,
    /// Where, unless no file can be blamed.
    pub place: Option<Place>,
    /// What to do about it, e.g. `did you mean `somaxconn`?`.
    pub help: Option<String>,
    /// Other places that matter, each with a word, e.g. where the other side of a conflict is.
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, message: impl Into<String>, place: Place) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: Some(place),
            help: None,
            related: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, message: impl Into<String>, place: Place) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message, place) }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The same with another place.
    #[must_use]
    pub fn with_related(mut self, place: Place, word: impl Into<String>) -> Diagnostic {
        self.related.push((place, word.into()));
        self
    }
}

/// The nearest of `candidates` to a misspelt `word`, if one is near enough to be meant.
pub fn suggest<'a, I: IntoIterator<Item = &'a str>>(word: &str, candidates: I) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let mut sources = Sources::default();
        let id = sources.add("a.toml", "über = 1\nx = 2\n");
        assert_eq!(sources.position(id, 0), (1, 1));
        assert_eq!(sources.position(id, 6), (1, 6));
        assert_eq!(sources.position(id, 10), (2, 1));
        assert_eq!(sources.position(id, 999), (3, 1));
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(suggest("somaxcon", ["somaxconn", "rmem_max"]), Some("somaxconn"));
        assert_eq!(suggest("xyz", ["somaxconn", "rmem_max"]), None);
    }
}
