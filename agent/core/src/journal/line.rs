//! The bytes of a journal: one checked record a line.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use super::record::Record;
use super::record::VERSION;
use crate::host::HostId;

const CHECK_LENGTH: usize = 8;

/// One line of the journal, behind the check that leads it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line<'a> {
    /// The number of the record in its journal, from 0.
    pub seq: u64,
    /// What it records.
    pub record: &'a Record,
}

#[derive(Deserialize)]
struct LineIn {
    seq: u64,
    record: Record,
}

#[derive(Deserialize)]
struct AnyVersion {
    record: VersionOnly,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: Option<u32>,
}

/// Why a journal cannot be relied upon.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// A whole line does not match its check, or is no record.
    #[error("journal line {line} is damaged: {why}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a newer trimtab.
    #[error("the journal is of version {found}, this trimtab knows up to {VERSION}")]
    Newer {
        /// The version found.
        found: u32,
    },
}

/// The line of one record, its newline included.
pub fn encode(seq: u64, record: &Record) -> String {
    // Records hold strings, numbers and maps with string keys only: they always serialise.
    let body = serde_json::to_string(&Line { seq, record }).unwrap_or_default();
    format!("{} {body}\n", check(body.as_bytes()))
}

/// The first eight hexadecimal digits of SHA-256: against torn writes and stray edits, not against an attacker who is
/// root anyway.
fn check(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest.iter().take(CHECK_LENGTH / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// The records of a journal and how many of its bytes they take. What follows, a last line without its newline, is a
/// torn append, to be cut off before anything is appended again: a record is one write(2), and its newline comes last.
///
/// # Errors
/// [`JournalError`] if a whole line is damaged, or if a newer version wrote it.
pub fn parse(bytes: &[u8]) -> Result<(Vec<Record>, usize), JournalError> {
    let mut records = Vec::new();
    let mut good = 0;
    let mut number = 0;
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end);
        let after = after.get(1..).unwrap_or(&[]);
        number += 1;
        match parse_line(line, records.len() as u64) {
            Ok(record) => records.push(record),
            Err(LineError::Damaged(why)) => return Err(JournalError::Damaged { line: number, why }),
            Err(LineError::Newer(found)) => return Err(JournalError::Newer { found }),
        }
        good += end + 1;
        rest = after;
    }
    Ok((records, good))
}

/// The host, boot and namespace that a journal was opened for, even if later lines are damaged: a journal of another
/// boot has nothing left to undo.
pub fn opened_for(bytes: &[u8]) -> Option<HostId> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    match parse_line(line, 0) {
        Ok(Record::Opened { version: _, host }) => Some(host),
        Ok(
            Record::Holds { .. }
            | Record::Begin(_)
            | Record::Wrote { .. }
            | Record::Awaiting { .. }
            | Record::Done { .. },
        )
        | Err(_) => None,
    }
}

enum LineError {
    Damaged(String),
    Newer(u32),
}

fn parse_line(line: &[u8], expected_seq: u64) -> Result<Record, LineError> {
    let damaged = |why: &str| LineError::Damaged(why.to_owned());
    let (Some(found), Some(b' '), Some(body)) =
        (line.get(..CHECK_LENGTH), line.get(CHECK_LENGTH), line.get(CHECK_LENGTH + 1..))
    else {
        return Err(damaged("it is too short"));
    };
    if found != check(body).as_bytes() {
        return Err(damaged("it does not match its check"));
    }
    if let Ok(any) = serde_json::from_slice::<AnyVersion>(body)
        && let Some(version) = any.record.version
        && version > VERSION
    {
        return Err(LineError::Newer(version));
    }
    let parsed: LineIn = serde_json::from_slice(body).map_err(|error| LineError::Damaged(error.to_string()))?;
    if parsed.seq != expected_seq {
        return Err(damaged(&format!("it has number {}, expected {expected_seq}", parsed.seq)));
    }
    Ok(parsed.record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::Outcome;

    fn journal() -> String {
        let done = |id: &str| Record::Done { id: id.to_owned(), outcome: Outcome::Undone };
        [done("a"), Record::Awaiting { id: "b".into(), moved: Vec::new() }, done("c")]
            .iter()
            .enumerate()
            .map(|(seq, record)| encode(seq as u64, record))
            .collect()
    }

    #[test]
    fn a_cut_at_any_byte_leaves_a_prefix_of_the_records() {
        let text = journal();
        let whole = parse(text.as_bytes()).unwrap().0;
        for cut in 0..=text.len() {
            let (records, good) = parse(&text.as_bytes()[..cut]).unwrap();
            assert_eq!(records, whole[..records.len()], "cut at {cut}");
            assert!(good <= cut);
            assert_eq!(parse(&text.as_bytes()[..good]).unwrap().0, records);
        }
    }

    #[test]
    fn an_edit_in_the_middle_is_named_by_its_line() {
        let text = journal().replacen("\"id\":\"b\"", "\"id\":\"x\"", 1);
        assert!(matches!(parse(text.as_bytes()), Err(JournalError::Damaged { line: 2, .. })));
    }

    #[test]
    fn a_missing_line_is_found_by_its_number() {
        let lines = || journal().split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
        let text: String = lines().into_iter().enumerate().filter(|(n, _)| *n != 1).map(|(_, line)| line).collect();
        assert!(matches!(parse(text.as_bytes()), Err(JournalError::Damaged { line: 2, .. })));
        let text: String = journal().split_inclusive('\n').skip(1).collect();
        assert!(matches!(parse(text.as_bytes()), Err(JournalError::Damaged { line: 1, .. })));
    }

    #[test]
    fn a_newer_version_is_refused_not_misread() {
        let body = r#"{"seq":0,"record":{"type":"opened","version":7,"shape":"unknown"}}"#;
        let text = format!("{} {body}\n", check(body.as_bytes()));
        assert_eq!(parse(text.as_bytes()), Err(JournalError::Newer { found: 7 }));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn never_panics_on_flipped_bytes(at in 0usize..300, byte in proptest::num::u8::ANY) {
            let mut bytes = journal().into_bytes();
            if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
            let _ = parse(&bytes);
        }
    }
}
