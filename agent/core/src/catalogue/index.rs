//! Where a key stands in the catalogue.
//!
//! Every key of a plan is looked up, so a look-up makes no text: the last part of the path, which is hardly ever
//! starred, leads to the handful of lines that end in it, and these are held against the path.

use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::sync::OnceLock;

use super::Entry;
use super::parse;
use crate::address::name_of;

/// The entry of a path: the pattern that is exactly it, else one with a star in the place of one segment.
pub(super) fn entry_of(path: &str, name: &str) -> Option<&'static Entry> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(Index::new);
    index.best(path, name).or_else(|| index.best(path, STAR))?.entry()
}

const STAR: &str = "*";

#[expect(clippy::disallowed_types, reason = "look-ups only: nothing ever sees its order")]
type Names = std::collections::HashMap<&'static str, usize, BuildHasherDefault<NameHasher>>;

struct Index {
    lines: Vec<Line>,
    /// The last of the lines that end in a name.
    names: Names,
}

/// One line of the catalogue, taken apart when it is first asked for: a host's profiles speak of a tenth of them.
struct Line {
    text: &'static str,
    /// The pattern in the form in which keys are held.
    path: &'static str,
    /// What of the path is before the star and what behind it, if there is one.
    around_star: Option<(&'static str, &'static str)>,
    /// Another line that ends in the same name.
    same_name: Option<usize>,
    entry: OnceLock<Option<Box<Entry>>>,
}

impl Index {
    fn new() -> Index {
        let mut texts = Vec::with_capacity(600);
        let mut paths = Vec::with_capacity(24 << 10);
        for (_, text) in parse::lines() {
            let start = paths.len();
            paths.extend(parse::pattern(text).bytes().map(|byte| if byte == b'.' { b'/' } else { byte }));
            texts.push((text, start..paths.len()));
        }
        // One ASCII byte for another: it is as good a text as before. It stays as long as the index, which is as long as
        // the program.
        let paths: &'static str = String::from_utf8(paths).unwrap_or_default().leak();
        let mut lines: Vec<Line> = Vec::with_capacity(texts.len());
        let mut names = Names::with_capacity_and_hasher(texts.len(), BuildHasherDefault::default());
        for (text, place) in texts {
            let path = paths.get(place).unwrap_or_default();
            let same_name = names.insert(name_of(path), lines.len());
            lines.push(Line { text, path, around_star: path.split_once('*'), same_name, entry: OnceLock::new() });
        }
        Index { lines, names }
    }

    /// Of the lines that end in a name: the one that is a path, else one that stands for it.
    fn best(&self, path: &str, name: &str) -> Option<&Line> {
        let first = self.names.get(name).and_then(|at| self.lines.get(*at));
        let mut candidates = std::iter::successors(first, |line| self.lines.get(line.same_name?));
        let mut starred = None;
        let exact = candidates.find(|line| {
            if starred.is_none() && line.stands_for(path) {
                starred = Some(*line);
            }
            line.path == path
        });
        exact.or(starred)
    }
}

impl Line {
    /// Whether the path is the pattern with one segment in the place of the star.
    fn stands_for(&self, path: &str) -> bool {
        self.around_star
            .and_then(|(head, tail)| path.strip_prefix(head)?.strip_suffix(tail))
            .is_some_and(|segment| !segment.is_empty() && !segment.contains('/'))
    }

    fn entry(&self) -> Option<&Entry> {
        self.entry.get_or_init(|| parse::entry(self.text).ok().map(Box::new)).as_deref()
    }
}

/// Eight bytes at a time. Only the names of the catalogue are ever put in, so nobody can make them collide.
#[derive(Default)]
struct NameHasher(u64);

impl NameHasher {
    fn mix(&mut self, word: u64) {
        // Odd, and its bits in no order: 2^64 divided by the golden ratio.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.mix(rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)));
    }

    fn write_u8(&mut self, _: u8) {
        // The end of a text: its length is not told apart, nor need it be.
    }

    fn finish(&self) -> u64 {
        // A multiplication moves what differs upwards, and a table takes the lower bits.
        self.0.rotate_left(32)
    }
}
