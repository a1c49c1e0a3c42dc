//! What is said over the socket: one request, a line of JSON; then `accepted`, and the answer, each a line of JSON.
//!
//! ```text
//! > {"document":"trimtab.request","version":1,"ask":{"verb":"status"}}
//! < {"document":"trimtab.reply","version":1,"reply":{"type":"accepted","pid":4711}}
//! < {"document":"trimtab.reply","version":1,"reply":{"type":"status","status":{…}}}
//! ```
//!
//! A request of a newer version is refused with these words, and so is one with a field that is not known here: half of
//! what was asked is never done. What is longer than [`LONGEST_REQUEST`] or takes longer than [`server::SLOWEST_REQUEST`]
//! is not read to its end. A request that was accepted is carried out, whether or not anybody waits for the answer.
//!
//! [`server::SLOWEST_REQUEST`]: super::server::SLOWEST_REQUEST

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use trimtab_core::address::Address;
use trimtab_core::document;
use trimtab_core::document::DocumentError;
use trimtab_core::document::Known;
use trimtab_core::drift::Contended;
use trimtab_core::drift::Open;
use trimtab_core::plan::Finding;
use trimtab_core::render::Paint;

use crate::cli;
use crate::cli::Common;
use crate::engine::pause::Paused;
use crate::output::Paints;
use crate::watch::sources::Sources;

/// The longest request, in bytes: a saved plan is carried in it, and may be as long as one that is read from a file.
pub const LONGEST_REQUEST: usize = 2 * crate::verbs::plan::LARGEST_DOCUMENT;

const REQUEST: Known = Known { name: "trimtab.request", word: "request", version: 1 };
const REPLY: Known = Known { name: "trimtab.reply", word: "reply", version: 1 };

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The name of the document: `trimtab.request`.
    #[schemars(extend("const" = "trimtab.request"))]
    pub document: String,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// How the daemon does; the answer is `status`.
    Status {},
    /// What `trimtab apply` does; the answer is `done`.
    Apply {
        /// How it is carried out and told.
        manner: Manner,
        /// Profiles instead of those of the host file: they must be the same.
        #[serde(default)]
        profiles: Vec<String>,
        /// Settings beside them, as with `--set`.
        #[serde(default)]
        set: Vec<String>,
        /// Parameters, as with `--param`.
        #[serde(default)]
        param: Vec<String>,
        /// A saved plan, the text of its file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<SavedText>,
        /// Milliseconds after which it is undone unless it is confirmed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm_within: Option<u64>,
        /// One line per change.
        #[serde(default)]
        brief: bool,
    },
    /// What `trimtab revert` does; the answer is `done`. The daemon applies nothing by itself then until the next `apply`.
    Revert {
        /// How it is carried out and told.
        manner: Manner,
        /// Only these; everything if there is none.
        #[serde(default)]
        addresses: Vec<Address>,
        /// Only end the trial.
        #[serde(default)]
        trial: bool,
    },
    /// What `trimtab hold` does; the answer is `done`.
    Hold {
        /// How it is carried out and told.
        manner: Manner,
        /// The address.
        address: Address,
        /// Milliseconds until the lease ends; none to end it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<u64>,
        /// What for.
        #[serde(default)]
        reason: String,
    },
    /// What `trimtab confirm` does; the answer is `done`.
    Confirm {
        /// How it is carried out and told.
        manner: Manner,
    },
}

/// The text of a saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedText {
    /// What it is called when something is said of it.
    pub name: PathBuf,
    /// All of it.
    pub text: String,
}

/// How a command is carried out and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manner {
    /// The files that the caller means. The daemon refuses to act if it goes by others.
    pub places: Places,
    /// Milliseconds to wait for another trimtab.
    pub wait: u64,
    /// A document instead of text.
    #[serde(default)]
    pub json: bool,
    /// Colour on standard output.
    #[serde(default)]
    pub colour_out: bool,
    /// Colour on standard error.
    #[serde(default)]
    pub colour_err: bool,
    /// By whom sudo was called, if by anybody. All else that is recorded of the caller the daemon asks the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
}

/// The files that a command goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// The host file.
    pub config: PathBuf,
    /// Folders of profiles that are looked through first.
    pub profile_path: Vec<PathBuf>,
    /// The state folder.
    pub state_dir: PathBuf,
}

/// What the daemon sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The name of the document: `trimtab.reply`.
    #[schemars(extend("const" = "trimtab.reply"))]
    pub document: String,
    /// The version of the document.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// What it says.
    pub reply: Reply,
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Reply {
    /// The request was understood, and is carried out. Another line follows.
    Accepted {
        /// The process id of the daemon.
        pid: u32,
    },
    /// How the daemon does.
    Status {
        /// Everything there is to say.
        status: Box<Status>,
    },
    /// The command ended.
    Done {
        /// Its exit code.
        exit: u8,
        /// What it said on standard output.
        out: String,
        /// What it said on standard error.
        err: String,
    },
    /// Nothing was done.
    Refused {
        /// The exit code for whoever asked.
        exit: u8,
        /// Why, in words.
        error: String,
    },
}

/// How the daemon does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub trimtab: String,
    /// Seconds since 1970 when it was started.
    pub since: u64,
    /// What it is at.
    pub state: State,
    /// Why it is not simply watching, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who paused it with a revert, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// What has drifted and was not put back.
    pub drifted: Vec<Open>,
    /// What is left to another who keeps changing it.
    pub contended: Vec<Contended>,
    /// What the last apply could not decide or write yet.
    pub held_up: Vec<Finding>,
    /// The last full look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// What changes are heard by.
    pub sources: Sources,
    /// Whether changes of profiles and the host file are noticed.
    pub files: bool,
}

/// What the daemon is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The roles of the host are in force and are watched.
    Watching,
    /// Something else is in force, by somebody's decision, and is watched; nothing is applied until the next `apply` or
    /// change of a profile.
    Other,
    /// Somebody has reverted; nothing is applied until the next `apply`.
    Paused,
    /// The roles of the host are not in force as they are written; what is in force is watched.
    Degraded,
    /// What is in force cannot be looked at.
    Blind,
}

/// A full look at everything that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// Seconds since 1970.
    pub at: u64,
    /// Microseconds that it took.
    pub took: u64,
    /// How many settings were compared.
    pub settings: usize,
}

impl Request {
    /// A request of this version.
    pub fn new(ask: Ask) -> Request {
        Request { document: REQUEST.name.to_owned(), version: REQUEST.version, ask }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Request, DocumentError> {
        document::parse(line, REQUEST)
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Line, DocumentError> {
        document::parse(line, REPLY)
    }
}

impl Reply {
    /// The line that says it.
    pub fn line(self) -> Vec<u8> {
        let line = Line { document: REPLY.name.to_owned(), version: REPLY.version, reply: self };
        one_line(&line)
    }
}

/// A document as one line.
pub fn one_line<T: Serialize>(document: &T) -> Vec<u8> {
    // All of them are made of strings and numbers, which are always JSON.
    let mut line = serde_json::to_vec(document).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Manner {
    /// How this process would do it and tell it.
    pub fn of(common: &Common, wait: cli::Wait) -> Manner {
        let Paints { out, err } = Paints::of_now();
        Manner {
            places: Places::of(common),
            wait: u64::try_from(wait.wait.as_millis()).unwrap_or(u64::MAX),
            json: common.json,
            colour_out: out == Paint::Colour,
            colour_err: err == Paint::Colour,
            sudo_user: trimtab_kernel::caller::sudo_user(),
        }
    }

    /// The colours.
    pub fn paints(&self) -> Paints {
        let paint = |is_wanted| if is_wanted { Paint::Colour } else { Paint::Plain };
        Paints { out: paint(self.colour_out), err: paint(self.colour_err) }
    }
}

impl Places {
    /// Those of a command line.
    pub fn of(common: &Common) -> Places {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Places {
            config: absolute(&common.config),
            profile_path: common.profile_path.iter().map(|path| absolute(path)).collect(),
            state_dir: absolute(&common.state_dir),
        }
    }
}

impl Ask {
    /// How it is to be carried out; none for what changes nothing.
    pub fn manner(&self) -> Option<&Manner> {
        match self {
            Ask::Status {} => None,
            Ask::Apply { manner, .. }
            | Ask::Revert { manner, .. }
            | Ask::Hold { manner, .. }
            | Ask::Confirm { manner } => Some(manner),
        }
    }

    /// How long it may wait for another trimtab.
    pub fn wait(&self) -> Duration {
        self.manner().map_or(Duration::ZERO, |manner| Duration::from_millis(manner.wait))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manner() -> Manner {
        let places = Places { config: "/c".into(), profile_path: vec!["/p".into()], state_dir: "/s".into() };
        Manner { places, wait: 10_000, json: true, colour_out: false, colour_err: false, sudo_user: None }
    }

    fn asks() -> Vec<Ask> {
        let address = || "sysctl:net.core.somaxconn".parse().unwrap();
        let plan = Some(SavedText { name: "plan".into(), text: "{\n}".to_owned() });
        vec![
            Ask::Status {},
            Ask::Apply {
                manner: manner(),
                profiles: vec!["p".to_owned()],
                set: vec!["a=1".to_owned()],
                param: Vec::new(),
                plan,
                confirm_within: Some(1000),
                brief: true,
            },
            Ask::Revert { manner: manner(), addresses: vec![address()], trial: false },
            Ask::Hold { manner: manner(), address: address(), within: Some(7), reason: "for us".to_owned() },
            Ask::Confirm { manner: manner() },
        ]
    }

    #[test]
    fn requests_come_back_from_their_line() {
        for ask in asks() {
            let request = Request::new(ask);
            let line = one_line(&request);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line, whatever it carries");
            assert_eq!(Request::parse(&line).unwrap(), request);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let refused = |line: &str, why: &str| {
            let error = Request::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{line}: {error}");
        };
        refused(r#"{"document":"trimtab.request","version":2,"ask":{"verb":"dance"}}"#, "of version 2");
        refused(r#"{"document":"trimtab.plan","version":1}"#, "not a `trimtab.request`");
        refused(r#"{"document":"trimtab.request","version":1,"ask":{"verb":"dance"}}"#, "dance");
        refused(r#"{"document":"trimtab.request","version":1,"ask":{"verb":"status","x":1}}"#, "`x`");
        refused(r#"{"document":"trimtab.request","version":1,"ask":{"verb":"status"},"x":1}"#, "`x`");
        refused("GET / HTTP/1.1\r", "no request");
        refused("", "no request");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::parse(&bytes);
            let _ = Line::parse(&bytes);
        }

        #[test]
        fn requests_cut_or_changed_anywhere_are_survived(
            which in 0..5_usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let ask = asks().swap_remove(which);
            let mut line = serde_json::to_vec(&Request::new(ask)).unwrap();
            let at = at.index(line.len());
            if cut {
                line.truncate(at);
                prop_assert!(Request::parse(&line).is_err(), "half a request is none");
            } else {
                line[at] = byte;
                let _ = Request::parse(&line);
            }
        }
    }
}
