//! sysctl.d files as a profile: the same values, the same comments, and a word wherever the two differ.
//!
//! What a profile cannot or should not say stays as a comment with the reason. The text always loads.

mod spelling;
mod value;
mod wish;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Assignment;
use super::Body;
use super::BootFile;
use super::Content;
use super::Exclusion;
use super::Finding;
use super::boot::Options;
use super::line::shorten;

use wish::Ask;
use wish::Outcome;
use wish::Place;
use wish::Wish;

use crate::catalogue;
use crate::catalogue::ValueKind;
use crate::policy::Element;
use crate::policy::Wanted;

/// A profile made of sysctl.d files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The text of the profile.
    pub toml: String,
    /// Everything that the profile says differently or not at all, by file and line.
    pub notes: Vec<Finding>,
}

/// Turns files into a profile, read in the order in which they are given, as `systemd-sysctl FILE…` reads them. For the
/// files of a host give [`super::read_order`].
pub fn import(files: &[BootFile]) -> Imported {
    let mut writer = Writer { toml: String::new(), notes: Vec::new(), written: BTreeSet::new() };
    writer.head(files);
    let options = Options::of(files);
    // A file given twice is read twice and written down where it stands last.
    let file_of: BTreeMap<&str, usize> =
        files.iter().enumerate().map(|(index, file)| (file.path.as_str(), index)).collect();
    let mut outcomes = wish::outcomes(&options, &file_of);
    for (index, file) in files.iter().enumerate() {
        writer.file(index, file, &mut outcomes);
    }
    Imported { toml: writer.toml, notes: writer.notes }
}

struct Writer {
    toml: String,
    notes: Vec<Finding>,
    /// Every path written so far: TOML refuses a key that is a value and a table at once.
    written: BTreeSet<Vec<String>>,
}

/// Deeper than any sysctl; the loader refuses such keys.
const DEEPEST: usize = 16;

/// The words of policies: the loader takes an unknown key that ends in one for a policy without braces.
const POLICY_WORDS: &[&str] = &[
    "value",
    "at-least",
    "at-most",
    "between",
    "one-of",
    "prefer",
    "includes",
    "on-drift",
    "reason",
    "override",
    "load-module",
    "expr",
];

impl Writer {
    fn head(&mut self, files: &[BootFile]) {
        let names: Vec<&str> = files.iter().map(|file| file.split().1).collect();
        let description = format!("Imported from {}", names.join(", "));
        self.line(&format!("description = {}", spelling::string(&description)));
        self.line("");
        self.line("[sysctl]");
    }

    fn line(&mut self, text: &str) {
        self.toml.push_str(text);
        self.toml.push('\n');
    }

    fn comment(&mut self, text: &str) {
        self.line(&spelling::comment(text));
    }

    fn note(&mut self, file: &BootFile, line: u32, message: impl Into<String>) {
        self.notes.push(Finding { path: file.path.clone(), line, message: message.into() });
    }

    fn file(&mut self, index: usize, file: &BootFile, outcomes: &mut BTreeMap<Place, Outcome>) {
        self.comment(&format!("---- {}", file.path));
        let lines = match &file.body {
            Body::Lines(lines) => lines,
            Body::Unreadable(why) => {
                let message = format!("cannot be read: {why}");
                self.comment(&message);
                self.note(file, 0, message);
                return;
            }
        };
        for line in lines {
            let outcome = outcomes.remove(&(index, line.number)).unwrap_or_default();
            match &line.content {
                Content::Blank => self.line(""),
                Content::Comment(text) if mentions_secret(text) => {
                    let message = "a comment about a secret, left out";
                    self.comment(message);
                    self.note(file, line.number, message);
                }
                Content::Comment(text) => self.comment(text),
                Content::Odd(text) => {
                    let shown = if mentions_secret(text) { "<secret>".to_owned() } else { shorten(text) };
                    self.left_out(file, line.number, &shown, &["no assignment".to_owned()]);
                }
                Content::Set(assignment) => self.assignment(file, line.number, assignment, outcome),
                Content::Exclude(exclusion) => self.exclusion(file, line.number, exclusion, outcome),
            }
        }
    }

    fn exclusion(&mut self, file: &BootFile, line: u32, exclusion: &Exclusion, outcome: Outcome) {
        let Exclusion { written, target } = exclusion;
        let shown = format!("-{}", shorten(written));
        if let super::Target::Nothing(why) = target {
            return self.left_out(file, line, &shown, std::slice::from_ref(why));
        }
        let Outcome { wishes, remarks } = outcome;
        if wishes.is_empty() {
            return self.left_out(file, line, &shown, &remarks);
        }
        self.remarks(file, line, &remarks);
        for wish in wishes {
            self.wish(file, line, wish);
        }
    }

    fn assignment(&mut self, file: &BootFile, line: u32, assignment: &Assignment, outcome: Outcome) {
        let Assignment { written, target, value, ignore_failure } = assignment;
        let value = if mentions_secret(written) { "<secret>".to_owned() } else { shorten(value) };
        let dash = if *ignore_failure { "-" } else { "" };
        let shown = format!("{dash}{} = {value}", shorten(written));
        if let super::Target::Nothing(why) = target {
            return self.left_out(file, line, &shown, std::slice::from_ref(why));
        }
        let Outcome { wishes, mut remarks } = outcome;
        if wishes.is_empty() {
            return self.left_out(file, line, &shown, &remarks);
        }
        if *ignore_failure {
            remarks.push("`-` hid a failure; trimtab reports what cannot be set as blocked or pending".to_owned());
        }
        self.remarks(file, line, &remarks);
        for wish in wishes {
            self.wish(file, line, wish);
        }
    }

    fn left_out(&mut self, file: &BootFile, line: u32, shown: &str, remarks: &[String]) {
        let why = if remarks.is_empty() { "left out".to_owned() } else { remarks.join("; ") };
        self.comment(&format!("{shown}   ({why})"));
        self.note(file, line, why);
    }

    fn remarks(&mut self, file: &BootFile, line: u32, remarks: &[String]) {
        for remark in remarks {
            self.comment(remark);
            self.note(file, line, remark);
        }
    }

    fn wish(&mut self, file: &BootFile, line: u32, wish: Wish) {
        let Wish { segments, key, ask, remark } = wish;
        let name = spelling::dotted(&segments);
        let text = match &ask {
            Ask::Text(text) => text.as_str(),
            Ask::Keep => "",
        };
        let shown = if catalogue::is_secret(&key) { "<secret>".to_owned() } else { shorten(text) };
        let refused = |writer: &mut Writer, why: &str| {
            writer.left_out(file, line, &format!("{name} = {shown}"), &[why.to_owned()]);
        };
        let spelt = match &ask {
            Ask::Text(text) => match value::spell(&key, text) {
                Ok(spelt) => spelt,
                Err(why) => return refused(self, &why),
            },
            Ask::Keep => {
                let arity = catalogue::find(&key).and_then(|known| known.kind.arity()).unwrap_or(1);
                value::Spelt { wanted: Wanted::Many(vec![Element::Keep; arity]), remarks: Vec::new() }
            }
        };
        if let Some(why) = self.obstacle(&segments, &key) {
            return refused(self, &why);
        }
        self.remarks(file, line, &spelt.remarks);
        if catalogue::find(&key).is_none() {
            self.note(file, line, format!("{name}: no kernel that trimtab knows has this key"));
        }
        let remark = remark.map(|remark| format!("  {}", spelling::comment(&remark))).unwrap_or_default();
        self.line(&format!("{name} = {}{remark}", spelling::value(&spelt.wanted)));
        self.written.insert(segments);
    }

    /// Why TOML or the profile grammar has no place for this key beside the others.
    fn obstacle(&self, segments: &[String], key: &crate::address::SysctlKey) -> Option<String> {
        if segments.len() > DEEPEST {
            return Some("no sysctl lies that deep".to_owned());
        }
        if POLICY_WORDS.contains(&key.name()) && catalogue::find(key).is_none() {
            return Some(format!("a profile takes `{}` for a policy", key.name()));
        }
        let above = (1..segments.len()).filter_map(|length| segments.get(..length));
        if above.into_iter().any(|prefix| self.written.contains(prefix)) {
            return Some("a shorter key above has a value, so that this one cannot be".to_owned());
        }
        let below = self.written.range(segments.to_vec()..).next();
        below.filter(|next| next.starts_with(segments)).map(|_| "a key above lies below this one".to_owned())
    }
}

/// Whether a text names a secret, perhaps in a line that is a comment or has a slip in it: then none of it is shown.
fn mentions_secret(text: &str) -> bool {
    catalogue::entries().iter().filter(|known| known.kind == ValueKind::Secret).any(|known| {
        let name = known.pattern.rsplit('.').next().unwrap_or(known.pattern);
        text.contains(name)
    })
}

#[cfg(test)]
mod tests;
