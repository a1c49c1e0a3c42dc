//! sysctl.d: what the next boot would set, and what an administrator has written so far.
//!
//! trimtab never writes these files. It reads them to say what a reboot would do to a value (`plan`, `explain`) and to
//! turn them into a profile (`import`). The rules are those of systemd-sysctl(8): sysctl.d(5), measured with systemd
//! 252 and held against the real program by a test. Where procps' `sysctl --system` ends differently, it is said.
//!
//! This module is handed bytes and paths; it never looks for files itself.

mod boot;
mod glob;
mod import;
mod line;

pub use boot::BootSetting;
pub use boot::NextBoot;
pub use boot::Spoken;
pub use boot::next_boot;
pub use boot::read_order;
pub use glob::Glob;
pub use import::Imported;
pub use import::import;
pub use line::Assignment;
pub use line::Content;
pub use line::Exclusion;
pub use line::Line;
pub use line::Target;

use serde::Deserialize;
use serde::Serialize;

/// The folders that are read, strongest first: a file masks those of the same name in the folders behind it
/// (sysctl.d(5); the last one only where /lib is not a link to /usr/lib).
pub const FOLDERS: &[&str] =
    &["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// The file that procps reads last and systemd not at all, unless a link in one of the folders leads to it.
pub const SYSCTL_CONF: &str = "/etc/sysctl.conf";

/// One file as it was found on the host or named by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootFile {
    /// Its path as people know it; links are not followed here.
    pub path: String,
    /// What was found there.
    pub body: Body,
}

/// What a file held. A file that cannot be read still masks those of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Its lines, blank ones included; none for a link to /dev/null.
    Lines(Vec<Line>),
    /// Why it could not be read.
    Unreadable(String),
}

impl BootFile {
    /// Parses the bytes of a file. There is no input that it refuses: what makes no sense becomes [`Content::Odd`].
    pub fn parse(path: impl Into<String>, bytes: &[u8]) -> BootFile {
        BootFile { path: path.into(), body: Body::Lines(line::parse(bytes)) }
    }

    /// A file that is there and cannot be read.
    pub fn unreadable(path: impl Into<String>, why: impl Into<String>) -> BootFile {
        BootFile { path: path.into(), body: Body::Unreadable(why.into()) }
    }

    /// Its lines; none if it could not be read.
    pub fn lines(&self) -> &[Line] {
        match &self.body {
            Body::Lines(lines) => lines,
            Body::Unreadable(_) => &[],
        }
    }

    /// Everything about this file that its author would want to know, in order of lines.
    pub fn findings(&self) -> Vec<Finding> {
        match &self.body {
            Body::Unreadable(why) => vec![self.finding(0, format!("cannot be read: {why}"))],
            Body::Lines(lines) => lines
                .iter()
                .filter_map(|line| line.content.oddity().map(|why| self.finding(line.number, why)))
                .collect(),
        }
    }

    fn finding(&self, line: u32, message: String) -> Finding {
        Finding { path: self.path.clone(), line, message }
    }

    /// The folder and the name of the file.
    fn split(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

/// Something worth saying about a place in a sysctl.d file. It changes no exit code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// What is the matter, lower case, no full stop.
    pub message: String,
}
