//! TOML text to our own tree, with the place of every key and value.
//!
//! The tree keeps what the profile grammar needs and serde would lose: whether a table was written inline, where each
//! key stands, and the order of the text. It never gives up at the first mistake and never decides what a key means.

use std::ops::Range;

use toml::de::DeTable;
use toml::de::DeValue;
use toml_parser::Source as TomlSource;
use toml_parser::lexer::TokenKind;

/// More dots in one key than any address has; deeper trees would only exhaust the stack.
const DEEPEST_KEY: usize = 32;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) tree: Tree,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Int(i64),
    /// An integer that does not fit into 64 bits.
    Huge,
    Bool(bool),
    Float(f64),
    Date,
    Text(String),
    Array(Vec<Node>),
    /// A table in braces: a leaf of the grammar.
    Inline(Table),
    /// A table made by a header or a dotted key: a path segment of the grammar.
    Table(Table),
    /// `[[name]]`, each with the place of its header.
    Tables(Vec<Node>),
    /// The parser's stand-in for what it could not read; the syntax error says so already.
    Broken,
}

/// The entries of a table in the order of the text.
pub(super) type Table = Vec<Entry>;

/// One `key = value` of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

/// One thing that is not TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) message: String,
    pub(super) span: Range<usize>,
}

impl Tree {
    /// The kind of value in words, with its article.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Tree::Int(_) | Tree::Huge => "an integer",
            Tree::Bool(_) => "a boolean",
            Tree::Float(_) => "a float",
            Tree::Date => "a date",
            Tree::Text(_) => "a string",
            Tree::Array(_) => "an array",
            Tree::Inline(_) => "an inline table",
            Tree::Table(_) => "a table",
            Tree::Tables(_) => "an array of tables",
            Tree::Broken => "nothing readable",
        }
    }

    /// The entries of a table, be it below a header or in braces.
    pub(super) fn entries(&self) -> Option<&Table> {
        match self {
            Tree::Table(table) | Tree::Inline(table) => Some(table),
            Tree::Int(_)
            | Tree::Huge
            | Tree::Bool(_)
            | Tree::Float(_)
            | Tree::Date
            | Tree::Text(_)
            | Tree::Array(_)
            | Tree::Tables(_)
            | Tree::Broken => None,
        }
    }
}

/// Every entry of a document that could be understood, and every syntax error.
pub(super) fn document(text: &str) -> (Table, Vec<SyntaxError>) {
    if let Some(span) = too_deep(text) {
        return (Table::new(), vec![depth_error(span)]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = syntax_errors(errors, text, 0);
    match past_bare_keys(text, &errors) {
        Some(recovered) => recovered,
        None => (entries(table.get_ref(), text, 0), errors),
    }
}

/// What the parser says of a line with a key and nothing else. It finds the errors behind it, but its table ends there.
const BARE_KEY: &str = "key with no value";

/// The document without lines that are only a key, so that what stands behind them is read too.
fn past_bare_keys(text: &str, errors: &[SyntaxError]) -> Option<(Table, Vec<SyntaxError>)> {
    let mut masked = text.to_owned();
    let mut kept = Vec::new();
    for error in errors {
        if !error.message.starts_with(BARE_KEY) {
            continue;
        }
        let start = text.get(..error.span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
        let length = text.get(start..)?.find(['\r', '\n']).unwrap_or(text.len() - start);
        // Blanks keep every other place where it is.
        masked.replace_range(start..start + length, &" ".repeat(length));
        kept.push(error.clone());
    }
    if kept.is_empty() {
        return None;
    }
    let (table, again) = DeTable::parse_recoverable(&masked);
    kept.extend(syntax_errors(again, &masked, 0));
    kept.sort_by_key(|error| error.span.start);
    // More errors than before: the line was part of something larger, and blanks only made it worse.
    (kept.len() <= errors.len()).then(|| (entries(table.get_ref(), &masked, 0), kept))
}

/// One value, e.g. of a command line argument; places count from `base`.
pub(super) fn value(text: &str, base: usize) -> (Node, Vec<SyntaxError>) {
    if let Some(span) = too_deep(text) {
        return (Node { span: shifted(&span, base), tree: Tree::Broken }, vec![depth_error(shifted(&span, base))]);
    }
    let (value, errors) = DeValue::parse_recoverable(text);
    (node(value.span(), value.get_ref(), text, base), syntax_errors(errors, text, base))
}

fn depth_error(span: Range<usize>) -> SyntaxError {
    SyntaxError { message: format!("a key of more than {DEEPEST_KEY} parts"), span }
}

/// The first key that would nest deeper than any address does.
///
/// Found on the tokens, before parsing: a tree of half a million levels cannot even be dropped without recursion.
fn too_deep(text: &str) -> Option<Range<usize>> {
    let mut dots = 0_usize;
    let mut start = 0_usize;
    for token in TomlSource::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => {
                dots += 1;
                if dots > DEEPEST_KEY {
                    return Some(start..token.span().end());
                }
            }
            TokenKind::Whitespace
            | TokenKind::LiteralString
            | TokenKind::BasicString
            | TokenKind::MlLiteralString
            | TokenKind::MlBasicString
            | TokenKind::Atom => {}
            TokenKind::Equals
            | TokenKind::Comma
            | TokenKind::LeftSquareBracket
            | TokenKind::RightSquareBracket
            | TokenKind::LeftCurlyBracket
            | TokenKind::RightCurlyBracket
            | TokenKind::Comment
            | TokenKind::Newline
            | TokenKind::Eof => {
                dots = 0;
                start = token.span().end();
            }
        }
    }
    None
}

fn syntax_errors(errors: Vec<toml::de::Error>, text: &str, base: usize) -> Vec<SyntaxError> {
    errors
        .into_iter()
        .map(|error| {
            let span = error.span().unwrap_or(text.len()..text.len());
            SyntaxError { message: error.message().to_owned(), span: shifted(&span, base) }
        })
        .collect()
}

fn entries(table: &DeTable<'_>, text: &str, base: usize) -> Table {
    let mut entries: Table = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: shifted(&key.span(), base),
            node: node(value.span(), value.get_ref(), text, base),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn node(span: Range<usize>, value: &DeValue<'_>, text: &str, base: usize) -> Node {
    let in_braces = |span: &Range<usize>| text.get(span.clone()).is_some_and(|text| text.starts_with('{'));
    let tree = match value {
        // The parser puts a zero or an empty text without a place where a value is missing.
        DeValue::Integer(_) | DeValue::String(_) if span.is_empty() => Tree::Broken,
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Tree::Int(number),
            Err(_) => Tree::Huge,
        },
        DeValue::Boolean(yes) => Tree::Bool(*yes),
        DeValue::Float(number) => number.as_str().parse().map_or(Tree::Broken, Tree::Float),
        DeValue::Datetime(_) => Tree::Date,
        DeValue::String(text) => Tree::Text(text.to_string()),
        DeValue::Array(items) => {
            let nodes = items.iter().map(|item| node(item.span(), item.get_ref(), text, base)).collect();
            let headers = items.first().is_some_and(|item| item.get_ref().is_table() && !in_braces(&item.span()));
            if headers { Tree::Tables(nodes) } else { Tree::Array(nodes) }
        }
        DeValue::Table(table) if in_braces(&span) => Tree::Inline(entries(table, text, base)),
        DeValue::Table(table) => Tree::Table(entries(table, text, base)),
    };
    Node { span: shifted(&span, base), tree }
}

fn shifted(span: &Range<usize>, base: usize) -> Range<usize> {
    span.start.saturating_add(base)..span.end.saturating_add(base)
}

/// The line of every offset of one text, without counting from its start each time.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of an offset, from 1.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|newline| *newline < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Entry {
        let (mut table, errors) = document(text);
        assert_eq!(errors, []);
        assert_eq!(table.len(), 1, "{table:?}");
        table.remove(0)
    }

    #[test]
    fn braces_make_a_leaf_and_headers_a_segment() {
        assert!(matches!(only("a = { b = 1 }").node.tree, Tree::Inline(_)));
        assert!(matches!(only("a.b = 1").node.tree, Tree::Table(_)));
        assert!(matches!(only("[a]\nb = 1").node.tree, Tree::Table(_)));
        assert!(matches!(only("[a.b]\nc = 1").node.tree, Tree::Table(_)));
        assert!(matches!(only("\"{\".b = 1").node.tree, Tree::Table(_)));
        assert!(matches!(only("[[a]]\nb = 1\n[[a]]").node.tree, Tree::Tables(_)));
        assert!(matches!(only("a = [{ b = 1 }]").node.tree, Tree::Array(_)));
        assert!(matches!(only("a = [[1], [2]]").node.tree, Tree::Array(_)));
        assert!(matches!(only("a = [\n  # two\n  1,\n  2,\n]").node.tree, Tree::Array(_)));
    }

    #[test]
    fn entries_keep_the_order_of_the_text() {
        let (table, _) = document("z = 1\na = 2\nm = 3");
        let keys: Vec<&str> = table.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["z", "a", "m"]);
    }

    #[test]
    fn integers_have_every_spelling_and_a_limit() {
        assert_eq!(only("a = 0x1F").node.tree, Tree::Int(31));
        assert_eq!(only("a = 1_000").node.tree, Tree::Int(1000));
        assert_eq!(only("a = -5").node.tree, Tree::Int(-5));
        assert_eq!(only("a = +5").node.tree, Tree::Int(5));
        assert_eq!(only("a = 9223372036854775808").node.tree, Tree::Huge);
        assert_eq!(only("a = -9223372036854775808").node.tree, Tree::Int(i64::MIN));
    }

    #[test]
    fn every_syntax_error_is_found() {
        let (table, errors) = document("a = \nb = 2\nc = [1\nd = 3");
        assert!(errors.len() >= 2, "{errors:?}");
        assert!(table.iter().any(|entry| entry.key == "b" && entry.node.tree == Tree::Int(2)));
        let broken = table.iter().find(|entry| entry.key == "a").unwrap();
        assert_eq!(broken.node.tree, Tree::Broken);
    }

    #[test]
    fn what_stands_behind_a_bare_key_is_read() {
        for text in
            ["[s]\nx\na = 1\n[t]\nb = 2", "[s]\r\nx y z\r\na = 1\r\n[t]\r\nb = 2", "[s]\nx\na = 1\ny.z\n[t]\nb = 2\nq"]
        {
            let (table, errors) = document(text);
            assert!(!errors.is_empty());
            let keys: Vec<Vec<&str>> = table
                .iter()
                .map(|entry| {
                    let Tree::Table(inner) = &entry.node.tree else { panic!("{entry:?}") };
                    inner.iter().map(|entry| entry.key.as_str()).collect()
                })
                .collect();
            assert_eq!(keys, [["a"], ["b"]], "{text}");
            assert_eq!(&text[table[1].key_span.clone()], "t");
        }
    }

    #[test]
    fn keys_deeper_than_any_address_are_refused_before_parsing() {
        for text in [
            format!("{}a = 1", "a.".repeat(300_000)),
            format!("[{}a]", "a . ".repeat(200_000)),
            format!("x = {{ {}a = 1 }}", "\"a\".".repeat(200_000)),
        ] {
            let (table, errors) = document(&text);
            assert_eq!(table, []);
            assert!(errors.iter().any(|error| error.message.contains("more than 32 parts")), "{errors:?}");
        }
        let (_, errors) = value(&format!("{{ {}a = 1 }}", "a.".repeat(100_000)), 7);
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn nested_arrays_and_tables_of_any_depth_are_survived() {
        for text in [
            format!("x = {}", "[".repeat(400_000)),
            format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
            format!("x = {}", "{a=".repeat(200_000)),
        ] {
            assert!(!document(&text).1.is_empty());
        }
    }

    #[test]
    fn lines_count_from_one() {
        let lines = Lines::of("a\nb\n");
        assert_eq!([lines.line(0), lines.line(1), lines.line(2), lines.line(4)], [1, 1, 2, 3]);
    }
}
