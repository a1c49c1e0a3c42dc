//! Globs over sysctl paths, as glob(7) and systemd's flags for it define them.
//!
//! A wildcard never crosses a slash and never matches a leading dot; braces count only in a key that has a wildcard
//! besides [measured with systemd 252]. Matching takes time in proportion to pattern times name: patterns are hostile.

use std::fmt;

use crate::address::SysctlKey;

/// A pattern for the paths below /proc/sys.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    path: String,
    /// One for each way to choose from the braces; in it, one list of tokens for each segment.
    alternatives: Vec<Alternative>,
}

#[derive(Clone, PartialEq, Eq)]
struct Alternative {
    text: String,
    segments: Vec<Vec<Token>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `*`
    Star,
    /// `?`
    Any,
    /// Exactly this.
    One(char),
    /// `[…]`
    Set { negated: bool, members: Vec<Member> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Range(char, char),
    Class(String),
}

/// More than any author means; `{a,b}{a,b}{a,b}…` grows without end.
const MOST_ALTERNATIVES: usize = 64;

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Glob").field(&self.path).finish()
    }
}

impl Glob {
    /// Reads a pattern in which slashes separate.
    ///
    /// # Errors
    /// In words, if its braces make more alternatives than anybody means.
    pub fn parse(path: &str) -> Result<Glob, String> {
        let alternatives = expand_braces(path)?
            .into_iter()
            .map(|text| Alternative { segments: text.split('/').map(tokens).collect(), text })
            .collect();
        Ok(Glob { path: path.to_owned(), alternatives })
    }

    /// The pattern as a path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The patterns that its braces stand for; one if there are none.
    pub fn alternatives(&self) -> impl Iterator<Item = &str> {
        self.alternatives.iter().map(|alternative| alternative.text.as_str())
    }

    /// Whether it matches a key.
    pub fn matches(&self, key: &SysctlKey) -> bool {
        self.alternatives.iter().any(|Alternative { segments, text: _ }| {
            segments.len() == key.segments().count()
                && segments.iter().zip(key.segments()).all(|(pattern, segment)| matches(pattern, segment))
        })
    }
}

/// Whether a text has a character that makes a glob of it.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// One segment of a pattern.
pub(super) struct Segment<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Segment<'a> {
    pub(super) fn parse(text: &'a str) -> Segment<'a> {
        Segment { text, tokens: tokens(text) }
    }

    /// Whether it matches one segment of a key.
    pub(super) fn matches(&self, segment: &str) -> bool {
        matches(&self.tokens, segment)
    }
}

/// One segment of a pattern in the spelling of profiles, and the characters in it that must stand there and those that
/// may be any: what the precedence of profile globs goes by. Nothing where profiles have no such pattern.
pub(super) fn profile_spelling(pattern: &str) -> Option<(String, (usize, usize))> {
    let mut text = String::new();
    let (mut literal, mut single) = (0, 0);
    for token in tokens(pattern) {
        match token {
            Token::Star => text.push('*'),
            Token::Any => {
                single += 1;
                text.push('?');
            }
            Token::One(c) => {
                literal += 1;
                text.push_str(&escaped(c));
            }
            Token::Set { negated, members } => {
                single += 1;
                text.push_str(if negated { "[!" } else { "[" });
                for member in &members {
                    text.push_str(&member_spelling(member)?);
                }
                text.push(']');
            }
        }
    }
    Some((text, (literal, single)))
}

/// A character of a name that a profile must not take for a wildcard.
pub(super) fn escaped(c: char) -> String {
    if matches!(c, '*' | '?' | '[' | ']' | '\\' | '!' | '^') { format!("\\{c}") } else { c.to_string() }
}

fn member_spelling(member: &Member) -> Option<String> {
    let in_set = |c: char| if c == '-' { "\\-".to_owned() } else { escaped(c) };
    match member {
        Member::Range(low, high) if low == high => Some(in_set(*low)),
        Member::Range(low, high) if low < high => Some(format!("{}-{}", in_set(*low), in_set(*high))),
        Member::Range(_, _) => None,
        Member::Class(name) => match name.as_str() {
            "alnum" => Some("a-zA-Z0-9".to_owned()),
            "alpha" => Some("a-zA-Z".to_owned()),
            "digit" => Some("0-9".to_owned()),
            "lower" => Some("a-z".to_owned()),
            "upper" => Some("A-Z".to_owned()),
            "xdigit" => Some("0-9a-fA-F".to_owned()),
            _ => None,
        },
    }
}

/// Every way to choose one from each pair of braces. Braces that do not close stand for themselves.
fn expand_braces(path: &str) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(text) = open.pop() {
        match first_braces(&text) {
            None => done.push(text),
            Some((before, choices, behind)) => {
                // Backwards, so that the first choice is taken from the stack first.
                open.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{behind}")));
            }
        }
        if done.len() + open.len() > MOST_ALTERNATIVES {
            return Err(format!("the braces of `{path}` stand for more than {MOST_ALTERNATIVES} patterns"));
        }
    }
    Ok(done)
}

/// The text before the first pair of braces, the choices in it, and the text behind.
fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let mut depth = 0_usize;
    let mut from = 0;
    let mut start = 0;
    let mut choices = Vec::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {}
            '{' => {
                if depth == 0 {
                    (start, from) = (at, at + 1);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                choices.push(text.get(from..at)?);
                from = at + 1;
            }
            '}' if depth == 1 => {
                choices.push(text.get(from..at)?);
                return Some((text.get(..start)?, choices, text.get(at + 1..)?));
            }
            '}' if depth > 1 => depth -= 1,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn tokens(segment: &str) -> Vec<Token> {
    let chars: Vec<char> = segment.chars().collect();
    let mut tokens = Vec::new();
    let mut rest = chars.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        tokens.push(match first {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => match set(behind) {
                Some((set, behind)) => {
                    rest = behind;
                    set
                }
                None => Token::One('['),
            },
            '\\' => match behind.split_first() {
                Some((escaped, behind)) => {
                    rest = behind;
                    Token::One(*escaped)
                }
                None => Token::One('\\'),
            },
            other => Token::One(*other),
        });
    }
    tokens
}

/// What stands in brackets, and what is behind them; nothing if they do not close.
fn set(chars: &[char]) -> Option<(Token, &[char])> {
    let (negated, mut rest) = match chars {
        ['!' | '^', behind @ ..] => (true, behind),
        _ => (false, chars),
    };
    let mut members = Vec::new();
    let mut first = true;
    loop {
        match rest {
            [] => return None,
            [']', behind @ ..] if !first => return Some((Token::Set { negated, members }, behind)),
            ['[', ':', behind @ ..] => {
                let end = behind.windows(2).position(|pair| pair == [':', ']'])?;
                members.push(Member::Class(behind.get(..end)?.iter().collect()));
                rest = behind.get(end + 2..)?;
            }
            [low, '-', high, behind @ ..] if *high != ']' => {
                members.push(Member::Range(*low, *high));
                rest = behind;
            }
            [one, behind @ ..] => {
                members.push(Member::Range(*one, *one));
                rest = behind;
            }
        }
        first = false;
    }
}

fn matches(pattern: &[Token], segment: &str) -> bool {
    let name: Vec<char> = segment.chars().collect();
    if name.first() == Some(&'.') && !matches!(pattern.first(), Some(Token::One('.'))) {
        return false;
    }
    let (mut at, mut taken) = (0, 0);
    // Where to go back to: behind the last star, and how much that star has eaten.
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(at), name.get(taken)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                back = Some((at + 1, taken));
                at += 1;
                continue;
            }
            (Some(token), Some(c)) => matches_one(token, *c),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if step {
            (at, taken) = (at + 1, taken + 1);
            continue;
        }
        match back {
            Some((behind_star, eaten)) if eaten < name.len() => {
                back = Some((behind_star, eaten + 1));
                (at, taken) = (behind_star, eaten + 1);
            }
            Some(_) | None => return false,
        }
    }
}

fn matches_one(token: &Token, c: char) -> bool {
    match token {
        Token::Star => false,
        Token::Any => true,
        Token::One(wanted) => *wanted == c,
        Token::Set { negated, members } => members.iter().any(|member| is_member(member, c)) != *negated,
    }
}

fn is_member(member: &Member, c: char) -> bool {
    match member {
        Member::Range(low, high) => (*low..=*high).contains(&c),
        Member::Class(name) => match name.as_str() {
            "alnum" => c.is_ascii_alphanumeric(),
            "alpha" => c.is_ascii_alphabetic(),
            "blank" => c == ' ' || c == '\t',
            "cntrl" => c.is_ascii_control(),
            "digit" => c.is_ascii_digit(),
            "graph" => c.is_ascii_graphic(),
            "lower" => c.is_ascii_lowercase(),
            "print" => c.is_ascii_graphic() || c == ' ',
            "punct" => c.is_ascii_punctuation(),
            "space" => c.is_ascii_whitespace() || c == '\u{b}',
            "upper" => c.is_ascii_uppercase(),
            "xdigit" => c.is_ascii_hexdigit(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hits(pattern: &str, name: &str) -> bool {
        let key = SysctlKey::from_segments(["net", "ipv4", "conf", name, "rp_filter"]).unwrap();
        Glob::parse(&format!("net/ipv4/conf/{pattern}/rp_filter")).unwrap().matches(&key)
    }

    #[test]
    fn wildcards_match_as_glob_7_says() {
        assert!(hits("*", "eth0"));
        assert!(hits("eth?", "eth0"));
        assert!(!hits("eth?", "eth10"));
        assert!(hits("*h*0", "eth0"));
        assert!(!hits("*h*1", "eth0"));
        assert!(hits("eth[0-3]", "eth2"));
        assert!(!hits("eth[!0-3]", "eth2"));
        assert!(!hits("eth[^2]", "eth2"));
        assert!(hits("eth[]2]", "eth]"));
        assert!(hits("eth[[:digit:]]", "eth2"));
        assert!(hits("eth[2", "eth[2"));
        assert!(hits("eth\\*", "eth*"));
        assert!(!hits("eth\\*", "eth0"));
        assert!(!hits("*", ".hidden"));
        assert!(hits(".h*", ".hidden"));
    }

    #[test]
    fn braces_are_every_choice() {
        assert!(hits("{eth,va}?", "va0"));
        assert!(!hits("{eth,va}?", "vb0"));
        assert!(hits("{e{th,no},va}*", "eno1"));
        assert!(hits("{eth*", "{eth0"));
        assert_eq!(Glob::parse("a/{b,c}*").unwrap().alternatives().collect::<Vec<_>>(), ["a/b*", "a/c*"]);
        assert!(Glob::parse(&"{a,b}".repeat(40)).is_err());
        assert!(Glob::parse(&format!("{}*", "{".repeat(900))).is_ok());
    }

    #[test]
    fn a_star_never_crosses_a_slash() {
        let key: SysctlKey = "net.ipv4.conf.eth0.rp_filter".parse().unwrap();
        assert!(!Glob::parse("net/*/rp_filter").unwrap().matches(&key));
        assert!(Glob::parse("net/*/*/*/rp_filter").unwrap().matches(&key));
    }

    #[test]
    fn many_stars_end_in_time() {
        assert!(!hits(&format!("{}b", "*a".repeat(200)), &"a".repeat(200)));
    }

    proptest! {
        #[test]
        fn a_text_without_wildcards_matches_itself_only(name in "[a-z0-9]{1,12}", other in "[a-z0-9]{1,12}") {
            prop_assert!(hits(&name, &name));
            prop_assert_eq!(hits(&name, &other), name == other);
        }

        #[test]
        fn a_star_for_any_part_still_matches(head in "[a-z]{0,5}", part in "[a-z]{0,5}", tail in "[a-z]{1,5}") {
            let pattern = format!("{}*{}", head, tail);
            let name = format!("{}{}{}", head, part, tail);
            prop_assert!(hits(&pattern, &name));
        }
    }
}
