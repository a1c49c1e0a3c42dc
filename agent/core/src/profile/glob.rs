//! Globs over interface names: `*`, `?`, `[a-c]`, `[!a-c]`, and `\` before a character that stands for itself.
//!
//! A glob matches interfaces and nothing else; `all` and `default` are no interfaces and are never matched.

use std::fmt;

use thiserror::Error;

/// What stands in the place of an interface's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// One name, escapes resolved.
    Exact(String),
    /// Any name that matches.
    Glob(Glob),
}

/// A pattern over interface names with at least one wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    One,
    Class { negated: bool, ranges: Vec<(char, char)> },
    Many,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GlobError {
    /// `[` without `]`.
    #[error("`[` without `]`: a bracket that stands for itself is `\\[`")]
    Unclosed,
    /// `[]`.
    #[error("`[]` matches no character")]
    EmptyClass,
    /// `[z-a]`.
    #[error("a range that ends before it starts")]
    Reversed,
    /// A backslash at the end.
    #[error("a `\\` with no character behind it")]
    Escape,
}

/// How exactly a pattern names an interface: more literal characters first, then more single wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// A glob.
    Glob {
        /// Characters that must stand there.
        literal: usize,
        /// Characters of which there must be one, whichever.
        single: usize,
    },
    /// The very name.
    Exact,
}

impl Pattern {
    /// Reads a pattern; without any wildcard it is a name.
    ///
    /// # Errors
    /// [`GlobError`] if brackets or escapes are not complete.
    pub fn parse(text: &str) -> Result<Pattern, GlobError> {
        let mut parts = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            parts.push(match c {
                '*' => Part::Many,
                '?' => Part::One,
                '[' => class(&mut rest)?,
                '\\' => Part::Literal(rest.next().ok_or(GlobError::Escape)?),
                other => Part::Literal(other),
            });
        }
        let name: Option<String> = parts
            .iter()
            .map(|part| match part {
                Part::Literal(c) => Some(*c),
                Part::One | Part::Class { .. } | Part::Many => None,
            })
            .collect();
        Ok(match name {
            Some(name) => Pattern::Exact(name),
            None => Pattern::Glob(Glob { written: text.to_owned(), parts }),
        })
    }

    /// Whether an interface of this name is meant.
    pub fn matches(&self, interface: &str) -> bool {
        match self {
            Pattern::Exact(name) => name == interface,
            Pattern::Glob(glob) => glob.matches(interface),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(name) => f.pad(name),
            Pattern::Glob(glob) => f.pad(&glob.written),
        }
    }
}

fn class(rest: &mut std::str::Chars<'_>) -> Result<Part, GlobError> {
    let negated = matches!(rest.clone().next(), Some('!' | '^'));
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next().ok_or(GlobError::Unclosed)? {
            ']' => break,
            '\\' => rest.next().ok_or(GlobError::Escape)?,
            other => other,
        };
        let mut ahead = rest.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                *rest = ahead;
                if high == '\\' { rest.next().ok_or(GlobError::Escape)? } else { high }
            }
            _ => low,
        };
        if high < low {
            return Err(GlobError::Reversed);
        }
        ranges.push((low, high));
    }
    if ranges.is_empty() {
        return Err(GlobError::EmptyClass);
    }
    Ok(Part::Class { negated, ranges })
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Part::Literal(literal) => *literal == c,
            Part::One | Part::Many => true,
            Part::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

impl Glob {
    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether an interface of this name is meant. `all` and `default` never are.
    pub fn matches(&self, interface: &str) -> bool {
        if interface == "all" || interface == "default" {
            return false;
        }
        // Only the last `*` needs to be retried: an earlier one already took as little as it could.
        let name: Vec<char> = interface.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() || part < self.parts.len() {
            match (self.parts.get(part), name.get(at)) {
                (Some(Part::Many), _) => {
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                (Some(one), Some(c)) if one.takes(*c) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                (Some(_) | None, _) => {}
            }
            match retry {
                Some((star, from)) if from < name.len() => {
                    retry = Some((star, from + 1));
                    part = star + 1;
                    at = from + 1;
                }
                Some(_) | None => return false,
            }
        }
        true
    }

    /// How exactly it names an interface.
    pub fn specificity(&self) -> Specificity {
        let count = |wanted: fn(&Part) -> bool| self.parts.iter().filter(|part| wanted(part)).count();
        Specificity::Glob {
            literal: count(|part| matches!(part, Part::Literal(_))),
            single: count(|part| matches!(part, Part::One | Part::Class { .. })),
        }
    }
}

/// Whether a text has a wildcard that is not escaped: such a text is no plain path segment.
pub(super) fn has_wildcard(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let wild = !escaped && matches!(c, '*' | '?' | '[');
        escaped = !escaped && c == '\\';
        wild
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Glob {
        match Pattern::parse(text).unwrap() {
            Pattern::Glob(glob) => glob,
            Pattern::Exact(name) => panic!("{name} is a name"),
        }
    }

    #[test]
    fn wildcards_match_as_in_the_shell() {
        for (pattern, name, wanted) in [
            ("*", "eth0", true),
            ("*", "", true),
            ("eth*", "eth0.100", true),
            ("eth*", "peth0", false),
            ("*.100", "eth0.100", true),
            ("e*h*0", "eth10", true),
            ("e*h*0", "eth11", false),
            ("eth?", "eth0", true),
            ("eth?", "eth10", false),
            ("eth[0-2]", "eth2", true),
            ("eth[0-2]", "eth3", false),
            ("eth[!0-2]", "eth3", true),
            ("eth[ab-]", "eth-", true),
            ("[*]x", "*x", true),
            ("\\**", "*x", true),
            ("\\**", "x", false),
            ("a*a*a*a*b", "aaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(glob(pattern).matches(name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn all_and_default_are_no_interfaces() {
        for pattern in ["*", "a*", "d*", "???", "[a]ll"] {
            assert!(!glob(pattern).matches("all"), "{pattern}");
            assert!(!glob(pattern).matches("default"), "{pattern}");
        }
    }

    #[test]
    fn an_escaped_star_is_a_name() {
        assert_eq!(Pattern::parse("\\*").unwrap(), Pattern::Exact("*".into()));
        assert_eq!(Pattern::parse("a\\[b\\\\").unwrap(), Pattern::Exact("a[b\\".into()));
        assert!(!has_wildcard("\\*") && has_wildcard("\\\\*") && has_wildcard("a?"));
    }

    #[test]
    fn incomplete_patterns_are_refused() {
        assert_eq!(Pattern::parse("eth[0"), Err(GlobError::Unclosed));
        assert_eq!(Pattern::parse("eth[]"), Err(GlobError::EmptyClass));
        assert_eq!(Pattern::parse("eth[!]"), Err(GlobError::EmptyClass));
        assert_eq!(Pattern::parse("eth[9-0]"), Err(GlobError::Reversed));
        assert_eq!(Pattern::parse("eth\\"), Err(GlobError::Escape));
    }

    #[test]
    fn longer_globs_are_more_specific_and_names_most() {
        let order = ["*", "?*", "e*", "eth*", "eth?", "eth0*"].map(|text| glob(text).specificity());
        assert!(order.is_sorted() && order.windows(2).all(|pair| pair[0] != pair[1]), "{order:?}");
        assert!(order.iter().all(|specificity| *specificity < Specificity::Exact));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(pattern in "[a*?\\[\\]!^\\\\-]{0,12}", name in "[a\\[\\]*-]{0,12}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&name);
            }
        }

        #[test]
        fn an_escaped_name_matches_itself(name in "[a-z*?\\[\\]\\\\.-]{1,15}") {
            let escaped: String = name.chars().flat_map(|c| ['\\', c]).collect();
            prop_assert_eq!(Pattern::parse(&escaped), Ok(Pattern::Exact(name)));
        }
    }
}
