//! Colour, where it is wanted.

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
