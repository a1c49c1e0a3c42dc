//! The profile language: from TOML texts to a resolved desired set.
//!
//! [`load()`] reads the host file, the profiles that it names and what those include, and the arguments of the
//! command line; it reports every problem of all of them at once, each with its place. What has no error is a [`Bundle`],
//! which [`Bundle::resolve`] turns into a [`Desired`](crate::desired::Desired) on one host: formulas evaluated, globs
//! filled in, one winner for each address, its losers kept.
//!
//! It never touches a file: texts come from a [`Library`]. It never decides what a value means to the kernel either;
//! that is the business of the kind.

mod arguments;
mod bundle;
mod candidates;
pub(crate) mod conntrack;
mod draft;
mod file;
mod glob;
mod graph;
mod host;
mod leaf;
pub(crate) mod link;
mod load;
pub(crate) mod nft;
mod params;
mod queues;
mod repeated;
mod resolve;
mod sections;
mod statement;
mod syntax;
mod sysctl;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use bundle::Bundle;
pub use bundle::ParamValue;
pub use file::LARGEST_FILE;
pub use glob::Glob;
pub use glob::GlobError;
pub use glob::Pattern;
pub use glob::Specificity;
pub use host::Breaker;
pub use host::HostConfig;
pub use host::Listen;
pub use host::Mode;
pub use host::OnStop;
pub use load::Loaded;
pub use load::Request;
pub use load::load;
pub use resolve::Resolved;
pub use resolve::Skipped;

/// Where profiles come from: the search path and what is built in.
pub trait Library {
    /// The text of a profile, or nothing if there is none of this name. A name with
    /// [`builtin_only`](ProfileName::builtin_only) asks for the built-in one, whatever shadows it.
    ///
    /// # Errors
    /// Why a profile that exists cannot be had: not readable, not trusted.
    fn profile(&mut self, name: &ProfileName) -> Result<Option<ProfileText>, String>;

    /// The name of every profile there is, for suggestions.
    fn names(&mut self) -> Vec<String>;
}

/// The text of one file, exactly as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileText {
    /// The short name for people, e.g. `egress-proxy.toml`.
    pub shown_name: String,
    /// The file, or nothing if it is built in. Two texts with the same path are one file.
    pub path: Option<String>,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// The name of a profile: a file name without `.toml`, perhaps with `builtin:` in front.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(String);

/// Why a text is no name of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is no name of a profile: want letters, digits, `-`, `_` and `.`, as in `egress-proxy`", .0.escape_debug())]
pub struct ProfileNameError(String);

const BUILTIN: &str = "builtin:";

impl ProfileName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `builtin:`.
    pub fn name(&self) -> &str {
        self.0.strip_prefix(BUILTIN).unwrap_or(&self.0)
    }

    /// Whether only the built-in profile of this name is meant.
    pub fn builtin_only(&self) -> bool {
        self.0.starts_with(BUILTIN)
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(text: &str) -> Result<ProfileName, ProfileNameError> {
        let name = text.strip_prefix(BUILTIN).unwrap_or(text);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let good = !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(fits);
        if good { Ok(ProfileName(text.to_owned())) } else { Err(ProfileNameError(text.to_owned())) }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
