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

/// What the first line of a journal of any version says about its host.
#[derive(Deserialize)]
struct AnyOpened {
    record: HostOnly,
}

#[derive(Deserialize)]
struct HostOnly {
    host: Option<BootOnly>,
}

#[derive(Deserialize)]
struct BootOnly {
    boot_id: String,
    netns: Option<CookieOnly>,
}

#[derive(Deserialize)]
struct CookieOnly {
    cookie: u64,
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

/// Whether a journal was opened in another boot or namespace than this host's, whatever else is in it: such a journal has
/// nothing left to undo, even if it is damaged or of a newer version. In doubt it is this boot's.
pub fn opened_elsewhere(bytes: &[u8], host: &HostId) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(body) = line.get(CHECK_LENGTH + 1..) else { return false };
    let is_whole = line.get(..CHECK_LENGTH) == Some(check(body).as_bytes());
    let Some(opened) = serde_json::from_slice::<AnyOpened>(body).ok().and_then(|any| any.record.host) else {
        return false;
    };
    if is_whole {
        return opened.boot_id != host.boot_id || opened.netns.is_some_and(|netns| netns.cookie != host.netns.cookie);
    }
    // A few bytes of this boot's own id may be what is damaged. Two random ids differ almost everywhere.
    let same = opened.boot_id.bytes().zip(host.boot_id.bytes()).filter(|(one, other)| one == other).count();
    opened.boot_id.len() == host.boot_id.len() && same < host.boot_id.len() / 2
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
    let parsed: LineIn = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => return Err(newer(body).unwrap_or_else(|| LineError::Damaged(error.to_string()))),
    };
    if let Record::Opened { version, .. } = parsed.record
        && version > VERSION
    {
        return Err(LineError::Newer(version));
    }
    if parsed.seq != expected_seq {
        return Err(damaged(&format!("it has number {}, expected {expected_seq}", parsed.seq)));
    }
    Ok(parsed.record)
}

/// A line of a newer version, which may hold anything.
fn newer(body: &[u8]) -> Option<LineError> {
    let any: AnyVersion = serde_json::from_slice(body).ok()?;
    any.record.version.filter(|version| *version > VERSION).map(LineError::Newer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NetnsId;
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

    fn host(boot_id: &str, cookie: u64) -> HostId {
        let netns = NetnsId { cookie, name: None, initial: false };
        HostId { name: "edge".into(), kernel: "6.12.0".into(), boot_id: boot_id.into(), netns }
    }

    const BOOT: &str = "3f2b8c1e-5a60-4d7e-9b13-08c4e6f7a921";
    const OTHER_BOOT: &str = "b81d04f7-e2c9-4356-8ea0-5d7f19032bc6";

    fn opened(boot_id: &str, cookie: u64) -> String {
        encode(0, &Record::Opened { version: VERSION, host: host(boot_id, cookie) })
    }

    fn with_check(body: &str) -> String {
        format!("{} {body}\n", check(body.as_bytes()))
    }

    #[test]
    fn a_journal_of_another_boot_is_known_whatever_is_in_it() {
        let here = host(BOOT, 7);
        let line = opened(OTHER_BOOT, 7);
        assert!(opened_elsewhere(line.as_bytes(), &here));
        assert!(opened_elsewhere(format!("{line}00000000 nonsense\n").as_bytes(), &here));
        // Of a newer version, with what this one does not know.
        let newer = line[CHECK_LENGTH + 1..].replace("\"version\":1", "\"version\":9,\"shape\":\"new\"");
        let newer = with_check(newer.trim_end().replace("\"initial\":false", "\"scope\":[]").as_str());
        assert!(matches!(parse(newer.as_bytes()), Err(JournalError::Newer { found: 9 })));
        assert!(opened_elsewhere(newer.as_bytes(), &here));
        // Damaged in its first line.
        let damaged = line.replace("edge", "edgy");
        assert!(matches!(parse(damaged.as_bytes()), Err(JournalError::Damaged { line: 1, .. })));
        assert!(opened_elsewhere(damaged.as_bytes(), &here));
    }

    #[test]
    fn a_journal_of_another_namespace_is_not_of_this_one() {
        assert!(opened_elsewhere(opened(BOOT, 8).as_bytes(), &host(BOOT, 7)));
        assert!(!opened_elsewhere(opened(BOOT, 7).as_bytes(), &host(BOOT, 7)));
    }

    #[test]
    fn a_damaged_journal_of_this_boot_is_not_taken_for_one_of_another() {
        let here = host(BOOT, 7);
        let line = opened(BOOT, 7);
        for at in 0..line.len() - 1 {
            for byte in [b'0', b'f', b'"', b'\n', b'\\', 0] {
                let mut bytes = line.clone().into_bytes();
                bytes[at] = byte;
                assert!(!opened_elsewhere(&bytes, &here), "byte {at} became {byte}");
            }
        }
        let newer = with_check(line[CHECK_LENGTH + 1..].trim_end().replace("\"version\":1", "\"version\":9").as_str());
        assert!(matches!(parse(newer.as_bytes()), Err(JournalError::Newer { found: 9 })));
        assert!(!opened_elsewhere(newer.as_bytes(), &here));
        assert!(!opened_elsewhere(b"", &here));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = parse(&bytes);
            let _ = opened_elsewhere(&bytes, &host(BOOT, 7));
        }

        #[test]
        fn never_panics_on_flipped_bytes(at in 0usize..300, byte in proptest::num::u8::ANY) {
            let mut bytes = journal().into_bytes();
            if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
            let _ = parse(&bytes);
            let _ = opened_elsewhere(&bytes, &host(BOOT, 7));
        }
    }
}
