//! One text being read: its places, its lines and its problems.

use std::ops::Range;

use super::ProfileText;
use super::syntax;
use super::syntax::Lines;
use super::syntax::SyntaxError;
use super::syntax::Table;
use crate::catalogue;
use crate::catalogue::ValueKind;
use crate::desired::Layer;
use crate::desired::Origin;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::diagnostic::SourceId;
use crate::diagnostic::Sources;

/// A profile is a page or two; anything larger is a mistake or an attack.
pub const LARGEST_FILE: usize = 1024 * 1024;

/// More problems of one file than anybody reads at once.
const MOST_PROBLEMS: usize = 100;

/// The texts of one load, in the order of their ids.
///
/// [`Sources`] are made of them at the end, when every secret has been blotted out.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<(String, String)>);

impl Texts {
    /// Adds a text and gives its id.
    pub(super) fn add(&mut self, name: &str, text: String) -> SourceId {
        self.0.push((name.to_owned(), text));
        SourceId(self.0.len() - 1)
    }

    /// Replaces every character of a place but line ends, so that no message can show it.
    pub(super) fn blot(&mut self, place: &Place) {
        let Some((_, text)) = self.0.get_mut(place.source.0) else { return };
        let Some(secret) = text.get(place.span.clone()) else { return };
        let blotted: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        text.replace_range(place.span.clone(), &blotted);
    }

    pub(super) fn into_sources(self) -> Sources {
        let mut sources = Sources::default();
        for (name, text) in self.0 {
            sources.add(name, text);
        }
        sources
    }
}

/// A text and everything that was found wrong with it so far.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) id: SourceId,
    pub(super) layer: Layer,
    name: String,
    text: &'a str,
    lines: Lines,
    problems: Vec<Diagnostic>,
    /// Places whose text must never be shown.
    pub(super) secrets: Vec<Place>,
}

impl<'a> File<'a> {
    pub(super) fn new(id: SourceId, layer: Layer, name: &str, text: &'a str) -> File<'a> {
        let lines = Lines::of(text);
        File { id, layer, name: name.to_owned(), text, lines, problems: Vec::new(), secrets: Vec::new() }
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place { source: self.id, span }
    }

    /// Where a setting is written down; command line arguments have no line.
    pub(super) fn origin(&self, offset: usize, written_as: Option<String>) -> Origin {
        let line = match self.layer {
            Layer::Profile | Layer::Host => self.lines.line(offset),
            Layer::CommandLine => 0,
        };
        Origin { layer: self.layer, file: self.name.clone(), line, written_as }
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::error(code, message, self.place(span));
        self.report(diagnostic)
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::warning(code, message, self.place(span));
        self.report(diagnostic)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        let at = self.problems.len();
        self.problems.push(diagnostic);
        // The vector has an element at `at`: it was pushed one line above.
        #[expect(clippy::indexing_slicing, reason = "the element was pushed on the line before")]
        &mut self.problems[at]
    }

    /// The text of a place.
    pub(super) fn written(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or("")
    }

    /// Where the content of a string literal begins, if it is written without escapes: then an offset in the string
    /// is an offset in the file.
    pub(super) fn verbatim(&self, span: Range<usize>, content: &str) -> Option<usize> {
        let written = self.text.get(span.clone())?;
        ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(|quote| {
            let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
            (inner == content).then_some(span.start + quote.len())
        })
    }

    /// Takes the syntax errors over and gives what could be read.
    pub(super) fn parse(&mut self) -> Table {
        let (table, errors) = syntax::document(self.text);
        self.syntax_errors(errors);
        table
    }

    /// Takes syntax errors over.
    pub(super) fn syntax_errors(&mut self, errors: Vec<SyntaxError>) {
        for SyntaxError { message, span } in errors.into_iter().take(MOST_PROBLEMS + 1) {
            self.error("syntax", message, span);
        }
    }

    /// Everything found wrong, without what only follows from a syntax error of the same line.
    /// With it the places that must be blotted out before anybody sees them.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, Vec<Place>) {
        let File { lines, mut problems, mut secrets, id, text, layer: _, name: _ } = self;
        let line_of = |diagnostic: &Diagnostic| diagnostic.place.as_ref().map(|place| lines.line(place.span.start));
        let broken: std::collections::BTreeSet<u32> =
            problems.iter().filter(|problem| problem.code == "syntax").filter_map(line_of).collect();
        problems
            .retain(|problem| problem.code == "syntax" || line_of(problem).is_none_or(|line| !broken.contains(&line)));
        if problems.len() > MOST_PROBLEMS {
            problems.sort_by_key(|problem| problem.place.as_ref().map_or(0, |place| place.span.start));
            let last = problems.get(MOST_PROBLEMS).and_then(|problem| problem.place.clone());
            problems.truncate(MOST_PROBLEMS);
            let place = last.unwrap_or(Place { source: id, span: 0..0 });
            problems.push(Diagnostic::error("too-many", "too many problems, the rest of the file is not shown", place));
        }
        let near = |problem: &Diagnostic| secret_near(text, problem.place.as_ref()?);
        secrets.extend(problems.iter().filter_map(near));
        (problems, secrets)
    }

    /// Whether there are so many problems already that another one will not be shown.
    pub(super) fn crowded(&self) -> bool {
        self.problems.len() > MOST_PROBLEMS
    }
}

/// What may be a secret in the line of a problem: all that follows the name of one. Where a text is not TOML or a key
/// is misspelt, nobody can say where its value ends.
fn secret_near(text: &str, place: &Place) -> Option<Place> {
    let start = text.get(..place.span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    let behind = catalogue::entries()
        .iter()
        .filter(|entry| entry.kind == ValueKind::Secret)
        .filter_map(|entry| entry.pattern.rsplit('.').next())
        .filter_map(|name| line.find(name).map(|at| at + name.len()))
        .min()?;
    let value = line.get(behind..)?.trim_start_matches([' ', '\t', '=']);
    Some(Place { source: place.source, span: start + line.len() - value.len()..start + line.len() })
}

/// Makes a text of the bytes of a file: what is not UTF-8 or far too large is a problem with its place, and what can
/// be read of it is read all the same.
pub(super) fn admit(file: &ProfileText, texts: &mut Texts, problems: &mut Vec<Diagnostic>) -> (SourceId, String) {
    let bytes = file.text.as_slice();
    if bytes.len() > LARGEST_FILE {
        let id = texts.add(&file.shown_name, String::new());
        let message =
            format!("the file has {} bytes, more than the {LARGEST_FILE} that a profile may have", bytes.len());
        problems.push(Diagnostic::error("too-large", message, Place { source: id, span: 0..0 }));
        return (id, String::new());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (texts.add(&file.shown_name, text.to_owned()), text.to_owned()),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let id = texts.add(&file.shown_name, text.clone());
            let at = error.valid_up_to();
            let place = Place { source: id, span: at..at + char::REPLACEMENT_CHARACTER.len_utf8() };
            let problem = Diagnostic::error("not-utf8", format!("byte {} of the file is not UTF-8", at + 1), place);
            let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            problems.push(if utf16 {
                problem.with_help("the file seems to be UTF-16: save it as UTF-8")
            } else {
                problem.with_help("save the file as UTF-8")
            });
            // Every further message would be about the wrong encoding.
            (id, if utf16 { String::new() } else { text })
        }
    }
}
