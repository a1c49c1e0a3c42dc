//! The lines of one sysctl.d file, as systemd-sysctl(8) takes them apart.

use crate::address::SysctlKey;

use super::glob::Glob;
use super::glob::is_glob;

/// One line with its number, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number. A lone carriage return or a NUL ends a line too, as systemd counts.
    pub number: u32,
    /// What stands there.
    pub content: Content,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Blank,
    /// A comment, without its `#` or `;`, white space before and behind removed.
    Comment(String),
    /// `key = value`.
    Set(Assignment),
    /// `-key`: no glob sets this key.
    Exclude(Exclusion),
    /// Neither of these; the line as it stands. systemd-sysctl(8) skips it and fails in the end.
    Odd(String),
}

/// `key = value`, or `-key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The key as written.
    pub written: String,
    /// What it means.
    pub target: Target,
    /// The value, white space before and behind removed. Bytes that are no UTF-8 are U+FFFD.
    pub value: String,
    /// Written with a `-` in front: a failure is not reported.
    pub ignore_failure: bool,
}

/// `-key` without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The key as written, without the `-`.
    pub written: String,
    /// What it means. Excluding a glob has no effect: systemd compares whole names.
    pub target: Target,
}

/// What a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One sysctl.
    Key(SysctlKey),
    /// Every sysctl that matches.
    Glob(Glob),
    /// Nothing that could exist, and why.
    Nothing(String),
}

impl Content {
    /// What is wrong with the line, if anything is.
    pub fn oddity(&self) -> Option<String> {
        match self {
            Content::Blank | Content::Comment(_) => None,
            Content::Odd(text) => Some(format!("`{}` is no assignment; systemd-sysctl fails over it", shorten(text))),
            Content::Set(Assignment { target, value, .. }) => match target {
                Target::Nothing(why) => Some(why.clone()),
                Target::Key(_) | Target::Glob(_) if value.contains('\u{fffd}') => {
                    Some("the value is no UTF-8".to_owned())
                }
                Target::Key(_) | Target::Glob(_) => None,
            },
            Content::Exclude(Exclusion { written, target }) => match target {
                Target::Nothing(why) => Some(why.clone()),
                Target::Glob(_) => {
                    Some(format!("`-{written}` excludes nothing: an exclusion names one key, without a glob"))
                }
                Target::Key(_) => None,
            },
        }
    }
}

/// The text, cut to what fits into a message.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let shown: String = text.escape_debug().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() { format!("{shown}…") } else { shown }
}

/// All lines of a file.
pub(super) fn parse(bytes: &[u8]) -> Vec<Line> {
    let mut number = 0_u32;
    split(bytes)
        .into_iter()
        .map(|raw| {
            number = number.saturating_add(1);
            Line { number, content: content(raw) }
        })
        .collect()
}

/// Cuts at line ends: a line feed, a carriage return or a NUL, or several of these in a row as long as they differ
/// (so `\r\n` is one end and `\n\n` two), as systemd's reader does [measured with 252].
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| is_line_end(*byte)).unwrap_or(rest.len());
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        lines.push(line);
        let mut seen = Vec::with_capacity(3);
        for byte in tail {
            if !is_line_end(*byte) || seen.contains(byte) {
                break;
            }
            seen.push(*byte);
        }
        rest = tail.get(seen.len()..).unwrap_or_default();
    }
    lines
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

fn content(raw: &[u8]) -> Content {
    let text = String::from_utf8_lossy(raw);
    // Only these two: a vertical tab or a form feed is part of the key or the value.
    let blank = [' ', '\t'];
    let text = text.trim_matches(blank);
    let Some(first) = text.chars().next() else { return Content::Blank };
    if first == '#' || first == ';' {
        return Content::Comment(text.get(1..).unwrap_or_default().trim().to_owned());
    }
    let dashed = text.strip_prefix('-');
    match (text.split_once('='), dashed) {
        (Some((key, value)), _) => {
            let written = key.strip_prefix('-').unwrap_or(key).trim_matches(blank);
            Content::Set(Assignment {
                written: written.to_owned(),
                target: target(written),
                value: value.trim_matches(blank).to_owned(),
                ignore_failure: dashed.is_some(),
            })
        }
        (None, Some(key)) => {
            let written = key.trim_matches(blank);
            Content::Exclude(Exclusion { written: written.to_owned(), target: target(written) })
        }
        (None, None) => Content::Odd(text.to_owned()),
    }
}

/// Longer than any key, with room for a glob.
const LONGEST_KEY: usize = 1024;

fn target(written: &str) -> Target {
    if written.len() > LONGEST_KEY {
        return Target::Nothing(format!("key of {} bytes is longer than any key", written.len()));
    }
    let path = path(written);
    if is_glob(&path) {
        return match Glob::parse(&path) {
            Ok(glob) => Target::Glob(glob),
            Err(why) => Target::Nothing(why),
        };
    }
    match SysctlKey::from_segments(path.split('/')) {
        Ok(key) => Target::Key(key),
        Err(error) => Target::Nothing(error.to_string()),
    }
}

/// The path below /proc/sys: if the first separator is a dot, dots and slashes change places (sysctl.d(5)); needless
/// slashes and parts of one dot vanish [measured with 252].
fn path(written: &str) -> String {
    let dotted = written.find(['.', '/']).is_some_and(|at| written.as_bytes().get(at) == Some(&b'.'));
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let slashed: String = if dotted { written.chars().map(swap).collect() } else { written.to_owned() };
    let parts: Vec<&str> = slashed.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(text: &[u8]) -> Content {
        let mut lines = parse(text);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0).content
    }

    fn set(text: &str) -> Assignment {
        match only(text.as_bytes()) {
            Content::Set(assignment) => assignment,
            other @ (Content::Blank | Content::Comment(_) | Content::Exclude(_) | Content::Odd(_)) => {
                panic!("{other:?}")
            }
        }
    }

    fn path_of(text: &str) -> String {
        match set(text).target {
            Target::Key(key) => key.path().to_owned(),
            Target::Glob(glob) => glob.path().to_owned(),
            Target::Nothing(why) => why,
        }
    }

    #[test]
    fn first_separator_decides_and_needless_slashes_vanish() {
        assert_eq!(path_of("net.ipv4.conf.eth0/100.rp_filter=1"), "net/ipv4/conf/eth0.100/rp_filter");
        assert_eq!(path_of("net/ipv4/conf/eth0.100/rp_filter=1"), "net/ipv4/conf/eth0.100/rp_filter");
        assert_eq!(path_of("/net/ipv4/tcp_sack=1"), "net/ipv4/tcp_sack");
        assert_eq!(path_of("net.ipv4..tcp_sack=1"), "net/ipv4/tcp_sack");
        assert_eq!(path_of("net/ipv4/./tcp_sack/=1"), "net/ipv4/tcp_sack");
        assert_eq!(path_of("net.ipv4.conf.*.rp_filter=1"), "net/ipv4/conf/*/rp_filter");
        assert_eq!(path_of("net.ipv4.conf.eth0/*.rp_filter=1"), "net/ipv4/conf/eth0.*/rp_filter");
    }

    #[test]
    fn dash_and_white_space_are_not_part_of_key_or_value() {
        let assignment = set(" \t- net.ipv4.tcp_sack \t=  4096 \t 8192 \t");
        assert!(assignment.ignore_failure);
        assert_eq!(assignment.written, "net.ipv4.tcp_sack");
        assert_eq!(assignment.value, "4096 \t 8192");
        assert!(!set("net.ipv4.tcp_sack=1").ignore_failure);
        assert_eq!(set("a.b==1").value, "=1");
        assert_eq!(set("a.b=").value, "");
        assert_eq!(set("a.b=8  # why").value, "8  # why");
    }

    #[test]
    fn comments_exclusions_and_nonsense_are_told_apart() {
        assert_eq!(only(b"  # a = b"), Content::Comment("a = b".into()));
        assert_eq!(only(b";"), Content::Comment("".into()));
        assert_eq!(only(b" \t"), Content::Blank);
        assert_eq!(only(b"net.core.x"), Content::Odd("net.core.x".into()));
        assert!(matches!(only(b"-net.core.x"), Content::Exclude(Exclusion { target: Target::Key(_), .. })));
        for text in ["=5", "x=1", "net..=1", "net/../kernel/x=1", "net ipv4.x=1", "--=1"] {
            assert!(matches!(set(text).target, Target::Nothing(_)), "{text}");
        }
    }

    #[test]
    fn lines_are_counted_as_systemd_counts_them() {
        let text = b"1\r2\n\r3\r\n4\n\n6\x007\r\r9\n10";
        let numbers: Vec<(u32, Content)> = parse(text)
            .into_iter()
            .filter(|line| line.content != Content::Blank)
            .map(|line| (line.number, line.content))
            .collect();
        assert_eq!(numbers.len(), 8);
        for (number, content) in numbers {
            assert_eq!(content, Content::Odd(number.to_string()));
        }
    }

    #[test]
    fn every_oddity_is_reported_with_its_line() {
        let file =
            super::super::BootFile::parse("/x.conf", b"nope\n# fine\n-net.ipv4.conf.*.x\nx=1\nnet.core.x=\xff\n");
        let lines: Vec<u32> = file.findings().iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        let gone = super::super::BootFile::unreadable("/y.conf", "permission denied");
        assert_eq!(gone.findings()[0].message, "cannot be read: permission denied");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_line_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let lines = parse(&bytes);
            for (index, line) in lines.iter().enumerate() {
                prop_assert_eq!(line.number as usize, index + 1);
                line.content.oddity();
            }
        }

        #[test]
        fn likely_text_neither(text in "[-#;= \\[\\]{},*?!.\\\\/a-c0-9\n\r]{0,80}") {
            for line in parse(text.as_bytes()) {
                line.content.oddity();
            }
        }
    }
}
