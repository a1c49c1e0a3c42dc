//! Colour, where it is wanted.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether texts carry ANSI colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// For a terminal.
    Colour,
    /// For everything else.
    Plain,
}

/// The meaning that a colour supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A change.
    Change,
    /// A return to an original.
    Return,
    /// Needs a person.
    Alarm,
    /// Waits for something.
    Wait,
    /// A note, a place: in the background.
    Quiet,
    /// A heading.
    Heading,
}

impl Paint {
    /// The text in the colour of its meaning.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Change => "33",
            Tone::Return => "34",
            Tone::Alarm => "31;1",
            Tone::Wait => "35",
            Tone::Quiet => "2",
            Tone::Heading => "1",
        };
        match self {
            Paint::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Paint::Plain => text.to_owned(),
        }
    }
}

/// A text that does nothing to a terminal but what its paint says: names of interfaces, values and files may hold
/// sequences that move the cursor or turn the writing around. They are shown as escapes instead.
pub fn visible(text: &str, paint: Paint) -> Cow<'_, str> {
    // Nearly every text: a glance at its bytes is enough.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match colour_code(rest).filter(|_| paint == Paint::Colour) {
            Some(length) => length,
            None => c.len_utf8(),
        };
        let (now, later) = rest.split_at(length);
        if length > c.len_utf8() || is_harmless(c) {
            out.push_str(now);
        } else {
            out.extend(c.escape_unicode());
        }
        rest = later;
    }
    Cow::Owned(out)
}

/// The same for a JSON text, in JSON's own escapes: such characters stand in its strings only, and serde_json leaves those
/// above U+001F as they are.
pub fn visible_json(text: &str) -> String {
    let escape = |mut out: String, c: char| {
        if is_harmless(c) {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        out
    };
    text.chars().fold(String::with_capacity(text.len()), escape)
}

/// Line feeds and tabs are meant; marks that reverse the direction of writing never are.
fn is_harmless(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\n' || c == '\t' || !(c.is_control() || turns)
}

/// The length of the sequence that sets a colour, if the text begins with one.
fn colour_code(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    codes.get(end..)?.starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_and_says_the_same() {
        let value = serde_json::json!({ "name": "a\u{9b}2J\u{202e}b\u{7f}é" });
        let shown = visible_json(&value.to_string());
        assert!(shown.contains("\\u009b") && shown.contains("\\u202e") && shown.contains('é'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn nothing_but_colour_reaches_a_terminal() {
        let hostile = "a\u{1b}[2Jb\u{1b}[31mc\u{202e}d\r\n\te\u{9b}é";
        assert_eq!(visible(hostile, Paint::Plain), "a\\u{1b}[2Jb\\u{1b}[31mc\\u{202e}d\\u{d}\n\te\\u{9b}é");
        assert_eq!(visible(hostile, Paint::Colour), "a\\u{1b}[2Jb\u{1b}[31mc\\u{202e}d\\u{d}\n\te\\u{9b}é");
        let painted = Paint::Colour.tone(Tone::Alarm, "x");
        assert_eq!(visible(&painted, Paint::Colour), painted);
        assert_eq!(visible("\u{1b}", Paint::Colour), "\\u{1b}");
        assert_eq!(visible("\u{1b}[1", Paint::Colour), "\\u{1b}[1");
    }
}
