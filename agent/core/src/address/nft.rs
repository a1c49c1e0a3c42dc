//! The part of an address that names rules for packets: `trimtab/notrack`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::diagnostic::suggest;

/// The table of family `inet` that is trimtab's own.
pub const TABLE: &str = "trimtab";

/// Rules for packets in trimtab's own table, which are written and undone together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NftKey {
    /// Which connections are not tracked.
    Notrack,
    /// How large a segment of TCP may be asked for through this host.
    MssClamp,
}

impl NftKey {
    /// Every key, in order.
    pub const ALL: &[NftKey] = &[NftKey::Notrack, NftKey::MssClamp];

    /// The word behind the table, and the section of a profile.
    pub fn word(self) -> &'static str {
        match self {
            NftKey::Notrack => "notrack",
            NftKey::MssClamp => "mss-clamp",
        }
    }
}

impl fmt::Display for NftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{TABLE}/{}", self.word()))
    }
}

/// A text that names no rules of trimtab's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is none of trimtab's rules: they are {}{}", .text.escape_debug(), all(), near(.text))]
pub struct NftKeyError {
    /// What was written.
    text: String,
}

fn all() -> String {
    let all: Vec<String> = NftKey::ALL.iter().map(ToString::to_string).collect();
    all.join(" and ")
}

fn near(text: &str) -> String {
    let name = text.rsplit('/').next().unwrap_or_default();
    let near = suggest(name, NftKey::ALL.iter().map(|key| key.word()));
    near.map_or_else(String::new, |near| format!("; did you mean {TABLE}/{near}?"))
}

impl FromStr for NftKey {
    type Err = NftKeyError;

    fn from_str(text: &str) -> Result<NftKey, NftKeyError> {
        let found = NftKey::ALL.iter().find(|key| key.to_string() == text);
        found.copied().ok_or_else(|| NftKeyError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown_and_others_are_refused() {
        for key in NftKey::ALL {
            assert_eq!(key.to_string().parse(), Ok(*key));
        }
        let refused = "trimtab/notrak".parse::<NftKey>().unwrap_err().to_string();
        assert!(refused.ends_with("; did you mean trimtab/notrack?"), "{refused}");
        for text in ["", "notrack", "filter/notrack", "trimtab/", "trimtab/notrack/x"] {
            assert!(text.parse::<NftKey>().is_err(), "{text}");
        }
    }
}
