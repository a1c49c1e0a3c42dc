//! Diagnostics for people, with the line they are about, and for machines.

use std::ops::Range;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Origin;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use annotate_snippets::renderer::DecorStyle;
use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::diagnostic::Severity;
use crate::diagnostic::Sources;

/// Lines of a place that are shown at most.
const MOST_LINES: usize = 8;
/// Bytes of a line before a place, beyond which the line is not shown.
const LONGEST_HEAD: usize = 2000;
/// Bytes of a line that are shown behind a place.
const LONGEST_TAIL: usize = 160;
/// Bytes of a place that are underlined at most.
const LONGEST_SPAN: usize = 400;

/// Every diagnostic with file, line, column, the line itself and what to do; one blank line between two.
///
/// Colours are escape sequences of ANSI; without them the text says the same.
pub fn text(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&one(diagnostic, sources, &renderer));
        text.push('\n');
    }
    text
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let Diagnostic { severity, code, message, place, help, related } = diagnostic;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(*code));
    let places = place.iter().map(|place| (place, AnnotationKind::Primary, None));
    let related = related.iter().map(|(place, word)| (place, AnnotationKind::Context, Some(word.as_str())));
    for (place, kind, word) in places.chain(related) {
        group = match excerpt(place, sources) {
            Some(excerpt) => group.element(excerpt.snippet(kind, word)),
            None => {
                let Position { file, line, column } = position(place, sources);
                let origin = Origin::path(file.unwrap_or_default());
                group.element(origin.line(index(line)).char_column(index(column)))
            }
        };
    }
    if let Some(help) = help {
        group = group.element(Level::HELP.message(annotate_snippets::normalize_untrusted_str(help)));
    }
    renderer.render(&[group])
}

/// The lines of a place, and the place within them.
struct Excerpt {
    name: String,
    first_line: usize,
    lines: String,
    span: Range<usize>,
}

impl Excerpt {
    fn snippet<'a>(
        self,
        kind: AnnotationKind,
        word: Option<&'a str>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let Excerpt { name, first_line, lines, span } = self;
        Snippet::source(lines).path(name).line_start(first_line).annotation(kind.span(span).label(word))
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Only the lines that matter: a renderer given all of a large file would walk it for every message. Nothing of a
/// line so long that nobody could find the place in it.
fn excerpt(place: &Place, sources: &Sources) -> Option<Excerpt> {
    let source = sources.get(place.source)?;
    let text = source.text.as_str();
    let start = boundary(text, place.span.start);
    let end = boundary(text, place.span.end.max(place.span.start).min(start.saturating_add(LONGEST_SPAN)));
    let from = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    if start - from > LONGEST_HEAD {
        return None;
    }
    let behind = text.get(end..)?;
    let rest = behind.find('\n').unwrap_or(behind.len()).min(LONGEST_TAIL);
    let to = boundary(text, end + rest);
    let lines = text.get(from..to)?;
    let (first_line, _) = sources.position(place.source, start);
    let mut lines: String =
        lines.split('\n').map(|line| line.trim_end_matches('\r')).take(MOST_LINES).collect::<Vec<_>>().join("\n");
    if lines.is_empty() {
        lines.push(' ');
    }
    let carriages = text.get(start..end)?.matches("\r\n").count();
    let length = (end - start).saturating_sub(carriages);
    let span = boundary(&lines, start - from)..boundary(&lines, (start - from).saturating_add(length));
    Some(Excerpt { name: source.name.clone(), first_line: index(first_line), lines, span })
}

/// The nearest start of a character at or before an offset.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// A diagnostic as programs get it. What is not known is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code, e.g. `unknown-key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The short name of the file, e.g. `egress-proxy.toml`.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, in characters from 1.
    pub column: Option<u32>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
}

/// A place that matters to a diagnostic, as programs get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Related {
    /// The short name of the file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters from 1.
    pub column: u32,
    /// What is there.
    pub message: String,
}

/// Every diagnostic for programs.
pub fn told(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Told> {
    diagnostics.iter().map(|diagnostic| told_one(diagnostic, sources)).collect()
}

fn told_one(diagnostic: &Diagnostic, sources: &Sources) -> Told {
    let Diagnostic { severity, code, message, place, help, related } = diagnostic;
    let place = place.as_ref().map(|place| position(place, sources));
    let (line, column) = place.as_ref().map(|place| (place.line, place.column)).unzip();
    let related = related
        .iter()
        .map(|(place, word)| {
            let Position { file, line, column } = position(place, sources);
            Related { file, line, column, message: word.clone() }
        })
        .collect();
    Told {
        severity: *severity,
        code,
        message: message.clone(),
        file: place.and_then(|place| place.file),
        line,
        column,
        help: help.clone(),
        related,
    }
}

struct Position {
    file: Option<String>,
    line: u32,
    column: u32,
}

fn position(place: &Place, sources: &Sources) -> Position {
    let (line, column) = sources.position(place.source, place.span.start);
    Position { file: sources.get(place.source).map(|source| source.name.clone()), line, column }
}
