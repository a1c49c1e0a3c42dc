//! What stands between a hostile text and the parser: a look at every token before anything recurses.
//!
//! The parser behind the `cel` crate recurses once per level of nesting and knows more syntax than a formula needs
//! (string prefixes, escapes, lists, maps, messages, comments, optional selects). All of that ends here, so that the
//! parser only ever sees names, numbers, plain strings, operators and parentheses, and few of them.

use super::ExprError;

/// The longest expression, in bytes.
pub const LONGEST: usize = 512;
/// The deepest nesting: parentheses, calls, conditions and runs of `-` or `!` together. A level costs the parser some
/// 150 KiB of stack in a debug build; a thread has 2 MiB.
pub const DEEPEST: usize = 8;
/// The most operators, calls and selections in one expression.
pub const MOST_OPERATORS: usize = 64;

/// The kinds of tokens that a formula may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Number,
    Text,
    Dot,
    Open,
    Close,
    Comma,
    /// `-` or `!`: an operator that may also stand in front.
    Sign,
    Question,
    Colon,
    Operator,
}

/// Passes a text on to the parser, or says why not.
pub(super) fn scan(text: &str) -> Result<(), ExprError> {
    if text.len() > LONGEST {
        return Err(ExprError::at(
            LONGEST,
            format!("an expression has at most {LONGEST} bytes, this one has {}", text.len()),
        ));
    }
    if let Some(at) = text.find(|c: char| !(c.is_ascii_graphic() || matches!(c, ' ' | '\t' | '\n' | '\r'))) {
        return Err(ExprError::at(at, "only ASCII may stand in an expression"));
    }
    let mut shape = Shape::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_ascii_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (kind, length) = token(rest).map_err(|message| ExprError::at(at, message))?;
        shape.take(kind, at)?;
        at += length;
    }
    shape.finish(text.len())
}

/// The token at the start of a text and its length.
fn token(rest: &str) -> Result<(Kind, usize), String> {
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or(' ');
    let second = chars.next();
    let pair = |kind, wanted| if second == Some(wanted) { Some((kind, 2)) } else { None };
    match first {
        'a'..='z' | 'A'..='Z' | '_' => name(rest),
        '0'..='9' => number(rest),
        '\'' | '"' => string(rest, first),
        '.' => match second {
            Some('0'..='9') => Err("a number begins with a digit: write `0.5`, not `.5`".to_owned()),
            Some(_) | None => Ok((Kind::Dot, 1)),
        },
        '(' => Ok((Kind::Open, 1)),
        ')' => Ok((Kind::Close, 1)),
        ',' => Ok((Kind::Comma, 1)),
        '?' => Ok((Kind::Question, 1)),
        ':' => Ok((Kind::Colon, 1)),
        '/' if second == Some('/') => Err("comments do not stand in an expression: use those of the file".to_owned()),
        '+' | '*' | '/' | '%' => Ok((Kind::Operator, 1)),
        '-' => Ok((Kind::Sign, 1)),
        '!' => Ok(pair(Kind::Operator, '=').unwrap_or((Kind::Sign, 1))),
        '<' | '>' => Ok(pair(Kind::Operator, '=').unwrap_or((Kind::Operator, 1))),
        '=' => pair(Kind::Operator, '=').ok_or_else(|| "`=` compares nothing: write `==`".to_owned()),
        '&' => pair(Kind::Operator, '&').ok_or_else(|| "`&` is no operator: write `&&`".to_owned()),
        '|' => pair(Kind::Operator, '|').ok_or_else(|| "`|` is no operator: write `||`".to_owned()),
        '[' | ']' | '{' | '}' => Err(format!("`{first}`: a formula has no lists, maps or indexing")),
        other => Err(format!("`{other}` has no place in an expression")),
    }
}

fn name(rest: &str) -> Result<(Kind, usize), String> {
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(length);
    if behind.starts_with(['\'', '"']) {
        return Err(format!("`{word}` in front of a string: a formula knows plain strings only"));
    }
    match word {
        "in" => Err("`in` needs a list, and a formula has none: compare with `==`".to_owned()),
        "null" => Err("`null`: a fact is known or unknown, see `known(a, b)`".to_owned()),
        _ => Ok((Kind::Name, length)),
    }
}

fn number(rest: &str) -> Result<(Kind, usize), String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    let mut whole = true;
    if let Some(fraction) = rest.get(length..).and_then(|behind| behind.strip_prefix('.')) {
        let places = digits(fraction);
        if places == 0 {
            return Err("a point stands between digits: write `1.0`, not `1.`".to_owned());
        }
        length += 1 + places;
        whole = false;
    }
    if let Some(exponent) = rest.get(length..).and_then(|behind| behind.strip_prefix(['e', 'E'])) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let places = digits(unsigned);
        if places > 0 {
            length += 1 + (exponent.len() - unsigned.len()) + places;
            whole = false;
        }
    }
    let (written, behind) = rest.split_at(length);
    if behind.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(behind.len());
        let shown = rest.get(..length + end).unwrap_or(written);
        return Err(format!(
            "`{shown}` is no number: an expression counts in plain bytes, bit/s and seconds; quantities with units \
             belong into [params]"
        ));
    }
    let fits = if whole { written.parse::<i64>().is_ok() } else { written.parse::<f64>().is_ok_and(f64::is_finite) };
    if fits { Ok((Kind::Number, length)) } else { Err(format!("`{written}` does not fit 64 bits")) }
}

fn string(rest: &str, quote: char) -> Result<(Kind, usize), String> {
    let inside = rest.get(1..).unwrap_or("");
    let Some(end) = inside.find(quote) else { return Err(format!("a string lacks its closing {quote}")) };
    if inside.get(..end).is_some_and(|body| body.contains(['\\', '\n', '\r'])) {
        return Err("a string has no escapes and stands on one line".to_owned());
    }
    if inside.get(end + 1..).is_some_and(|behind| behind.starts_with(['\'', '"'])) {
        return Err("two strings in a row".to_owned());
    }
    Ok((Kind::Text, end + 2))
}

/// What has been seen so far: enough to bound the recursion of the parser.
#[derive(Debug, Default)]
struct Shape {
    previous: Option<Kind>,
    /// Where each open parenthesis stands, with the conditions inside it that still wait for their end.
    open: Vec<(usize, usize)>,
    conditions: usize,
    signs: usize,
    operators: usize,
}

impl Shape {
    fn take(&mut self, kind: Kind, at: usize) -> Result<(), ExprError> {
        if self.previous == Some(Kind::Dot) && kind != Kind::Name {
            return Err(ExprError::at(at, "a name belongs behind the point"));
        }
        self.signs = if kind == Kind::Sign { self.signs + 1 } else { 0 };
        match kind {
            Kind::Dot if self.previous != Some(Kind::Name) => {
                return Err(ExprError::at(at, "a point stands between two names only"));
            }
            Kind::Open => self.open.push((at, self.conditions)),
            Kind::Close => match self.open.pop() {
                Some((_, conditions)) => self.conditions = conditions,
                None => return Err(ExprError::at(at, "this `)` closes nothing")),
            },
            Kind::Question => self.conditions += 1,
            Kind::Dot
            | Kind::Name
            | Kind::Number
            | Kind::Text
            | Kind::Comma
            | Kind::Sign
            | Kind::Colon
            | Kind::Operator => {}
        }
        self.operators += match kind {
            Kind::Dot | Kind::Open | Kind::Sign | Kind::Question | Kind::Operator => 1,
            Kind::Name | Kind::Number | Kind::Text | Kind::Close | Kind::Comma | Kind::Colon => 0,
        };
        if self.open.len() + self.conditions + self.signs > DEEPEST {
            return Err(ExprError::at(at, format!("nested more than {DEEPEST} levels deep")));
        }
        if self.operators > MOST_OPERATORS {
            return Err(ExprError::at(
                at,
                format!("more than {MOST_OPERATORS} operators, calls and names with a point"),
            ));
        }
        self.previous = Some(kind);
        Ok(())
    }

    fn finish(&self, end: usize) -> Result<(), ExprError> {
        match (self.previous, self.open.last()) {
            (None, _) => Err(ExprError::at(0, "an empty expression")),
            (Some(_), Some((at, _))) => Err(ExprError::at(*at, "this `(` is never closed")),
            (Some(Kind::Dot), None) => Err(ExprError::at(end, "a name belongs behind the point")),
            (Some(_), None) => Ok(()),
        }
    }
}
