//! What systemd-sysctl(8) would do with a set of files at the next boot.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::kind::sysctl::number;

use super::Assignment;
use super::BootFile;
use super::Content;
use super::Exclusion;
use super::FOLDERS;
use super::Glob;
use super::SYSCTL_CONF;
use super::Target;

/// What the next boot would set a sysctl to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootSetting {
    /// The value as the file spells it, in the unit of the canonical key.
    pub value_text: String,
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The key as written there: a glob, or another spelling.
    pub written_as: String,
    /// What else speaks of this key and loses, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadowed: Vec<Spoken>,
}

/// One line that speaks of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spoken {
    /// The value as the file spells it, in the unit of the canonical key; nothing for `-key`, which only keeps globs away.
    pub value_text: Option<String>,
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The key as written there.
    pub written_as: String,
}

/// The files that systemd reads, in its order: by name, whatever the folder; of one name only the first found. What is
/// in no sysctl.d folder, /etc/sysctl.conf above all, is not among them.
pub fn read_order(files: &[BootFile]) -> Vec<&BootFile> {
    let mut by_name: BTreeMap<&[u8], (usize, &BootFile)> = BTreeMap::new();
    for file in files {
        let (folder, name) = file.split();
        let Some(rank) = FOLDERS.iter().position(|known| *known == folder) else { continue };
        // Hidden files and files of another ending are not configuration.
        if name.starts_with('.') || !name.ends_with(".conf") {
            continue;
        }
        let slot = by_name.entry(name.as_bytes()).or_insert((rank, file));
        if rank < slot.0 {
            *slot = (rank, file);
        }
    }
    by_name.into_values().map(|(_, file)| file).collect()
}

/// What the next boot would set `address` to; nothing if no file speaks of it or the last word is `-key`.
///
/// For many addresses use [`NextBoot`]. Only the initial namespace is set at boot: the caller knows which it is in.
pub fn next_boot(files: &[BootFile], address: &Address) -> Option<BootSetting> {
    match &address.object {
        Object::Sysctl(key) => NextBoot::new(files).setting(key),
        Object::Link(_) | Object::Tc(_) | Object::Nft(_) => None,
    }
}

/// The files of a host, worked out once for many questions.
#[derive(Debug, Clone)]
pub struct NextBoot<'a> {
    systemd: Options<'a>,
    /// With /etc/sysctl.conf behind everything else, as procps reads it; only if there is such a file.
    procps: Option<Options<'a>>,
}

impl<'a> NextBoot<'a> {
    /// Works out the files of a host, in any order.
    pub fn new(files: &'a [BootFile]) -> NextBoot<'a> {
        let systemd = Options::of(read_order(files));
        let procps = files.iter().find(|file| file.path == SYSCTL_CONF).map(|last| {
            let mut options = systemd.clone();
            options.read(last);
            options
        });
        NextBoot { systemd, procps }
    }

    /// Files in the order in which they are given, as `systemd-sysctl FILE…` reads them.
    pub fn of_given(files: &'a [BootFile]) -> NextBoot<'a> {
        NextBoot { systemd: Options::of(files), procps: None }
    }

    /// What systemd-sysctl would set this key to.
    ///
    /// Another name of the same value (`net.ipv4.conf.all.forwarding` for `net.ipv4.ip_forward`) counts as well: of the
    /// two the later write stays.
    pub fn setting(&self, key: &SysctlKey) -> Option<BootSetting> {
        let (winner, losers) = self.systemd.speakers(key)?;
        let Spoken { value_text, path, line, written_as } = winner.spoken();
        let shadowed = losers.into_iter().map(Speaker::spoken).collect();
        Some(BootSetting { value_text: value_text?, path, line, written_as, shadowed })
    }

    /// The line `-key` that keeps every glob away from this key, if that is the last word on it.
    pub fn exclusion(&self, key: &SysctlKey) -> Option<Spoken> {
        let (winner, _) = self.systemd.speakers(key)?;
        winner.value.is_none().then(|| winner.spoken())
    }

    /// The line of /etc/sysctl.conf that `sysctl --system` of procps would end with, where systemd does not end with
    /// the same value: systemd never reads that file by itself, procps reads it last.
    pub fn procps_differs(&self, key: &SysctlKey) -> Option<Spoken> {
        let (last, _) = self.procps.as_ref()?.speakers(key)?;
        let systemd = self.systemd.speakers(key).and_then(|(winner, _)| winner.value);
        (last.path == SYSCTL_CONF && last.value.is_some() && last.value != systemd).then(|| last.spoken())
    }
}

/// What systemd-sysctl keeps while it reads: one entry for each spelling of a path.
#[derive(Debug, Clone, Default)]
pub(super) struct Options<'a> {
    /// By path, globs among them.
    pub(super) entries: BTreeMap<String, Entry<'a>>,
    next_turn: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) glob: Option<&'a Glob>,
    /// When it is written. Another value moves an entry to the end, the same value leaves it where it is (measured).
    pub(super) turn: usize,
    /// Every line that said it, in the order of reading; the last one counts.
    pub(super) speakers: Vec<Speaker<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker<'a> {
    pub(super) value: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) line: u32,
    pub(super) written: &'a str,
    /// What the value is multiplied by to be one of the canonical key.
    scale: i64,
}

impl Speaker<'_> {
    fn spoken(self) -> Spoken {
        let Speaker { value, path, line, written, scale } = self;
        let in_unit = |text: &str| match number::base0(text).and_then(|number| number.checked_mul(scale)) {
            Some(number) if scale != 1 => number.to_string(),
            Some(_) | None => text.to_owned(),
        };
        let value_text = value.map(in_unit);
        Spoken { value_text, path: path.to_owned(), line, written_as: written.to_owned() }
    }
}

impl<'a> Options<'a> {
    pub(super) fn of(files: impl IntoIterator<Item = &'a BootFile>) -> Options<'a> {
        let mut options = Options::default();
        for file in files {
            options.read(file);
        }
        options
    }

    fn read(&mut self, file: &'a BootFile) {
        for line in file.lines() {
            let (target, written, value) = match &line.content {
                Content::Set(Assignment { written, target, value, ignore_failure: _ }) => {
                    (target, written, Some(value.as_str()))
                }
                Content::Exclude(Exclusion { written, target }) => (target, written, None),
                Content::Blank | Content::Comment(_) | Content::Odd(_) => continue,
            };
            let (path, glob) = match target {
                Target::Key(key) => (key.path().to_owned(), None),
                Target::Glob(glob) => (glob.path().to_owned(), Some(glob)),
                Target::Nothing(_) => continue,
            };
            let turn = self.next_turn;
            self.next_turn += 1;
            let speaker = Speaker { value, path: &file.path, line: line.number, written, scale: 1 };
            let entry = self.entries.entry(path).or_insert(Entry { glob, turn, speakers: Vec::new() });
            if entry.speakers.last().is_some_and(|last| last.value != value) {
                entry.turn = turn;
            }
            entry.speakers.push(speaker);
        }
    }

    /// The line with the last word on a key under any of its names, and the others, strongest first.
    fn speakers(&self, key: &SysctlKey) -> Option<(Speaker<'a>, Vec<Speaker<'a>>)> {
        let mut names: Vec<(Option<usize>, Vec<Speaker<'a>>)> = names_of(key)
            .into_iter()
            .map(|(name, scale)| {
                let (turn, speakers) = self.speakers_of(&name);
                (turn, speakers.into_iter().map(|speaker| Speaker { scale, ..speaker }).collect())
            })
            .collect();
        // What is not written, because it is excluded or nobody speaks of it, comes before what is.
        names.sort_by_key(|(turn, _)| std::cmp::Reverse(*turn));
        let mut all = names.into_iter().flat_map(|(_, speakers)| speakers);
        let winner = all.next()?;
        Some((winner, all.collect()))
    }

    /// Every line that speaks of a key under this very name, strongest first, and when it is written, if it is.
    fn speakers_of(&self, key: &SysctlKey) -> (Option<usize>, Vec<Speaker<'a>>) {
        // A key that is named is never reached by a glob, wherever either stands. Among globs the last write stays.
        let named = self.entries.get(key.path()).filter(|entry| entry.glob.is_none());
        let mut globs: Vec<&Entry<'a>> = self
            .entries
            .values()
            .filter(|entry| entry.glob.is_some_and(|glob| glob.matches(key)))
            // An excluded glob is not written.
            .filter(|entry| entry.speakers.last().is_some_and(|last| last.value.is_some()))
            .collect();
        globs.sort_by_key(|entry| std::cmp::Reverse(entry.turn));
        let entries: Vec<&Entry<'a>> = named.into_iter().chain(globs).collect();
        let turn = entries
            .first()
            .filter(|entry| entry.speakers.last().is_some_and(|last| last.value.is_some()))
            .map(|entry| entry.turn);
        (turn, entries.into_iter().flat_map(|entry| entry.speakers.iter().rev().copied()).collect())
    }
}

/// A key and every other name of its value, with what a value under that name is multiplied by.
fn names_of(key: &SysctlKey) -> Vec<(SysctlKey, i64)> {
    let canonical = catalogue::canonical_key(key);
    let others = catalogue::entries().iter().filter(|entry| entry.alias_of.is_some()).filter_map(|entry| {
        let segments = entry.pattern.split('.').enumerate().map(|(index, part)| match part {
            "*" => canonical.segments().nth(index).unwrap_or(part),
            part => part,
        });
        let other = SysctlKey::from_segments(segments).ok()?;
        let (of, scale) = catalogue::alias(&other)?;
        (of == canonical).then_some((other, scale))
    });
    let others: Vec<(SysctlKey, i64)> = others.collect();
    std::iter::once((canonical, 1)).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<BootFile> {
        files.iter().map(|(path, text)| BootFile::parse(*path, text.as_bytes())).collect()
    }

    fn value(of: &[(&str, &str)], key: &str) -> Option<String> {
        let address = Address::sysctl(key.parse().unwrap());
        next_boot(&files(of), &address).map(|found| found.value_text)
    }

    const SACK: &str = "net.ipv4.tcp_sack";
    const ETH0: &str = "net.ipv4.conf.eth0.rp_filter";

    #[test]
    fn names_decide_the_order_and_folders_only_mask() {
        let of = [
            ("/usr/lib/sysctl.d/90-b.conf", "net.ipv4.tcp_sack=3"),
            ("/etc/sysctl.d/10-a.conf", "net.ipv4.tcp_sack=1"),
            ("/run/sysctl.d/90-b.conf", "net.ipv4.tcp_sack=2"),
        ];
        assert_eq!(value(&of, SACK).as_deref(), Some("2"));
        let order: Vec<&str> = vec!["/etc/sysctl.d/10-a.conf", "/run/sysctl.d/90-b.conf"];
        let of = files(&of);
        assert_eq!(read_order(&of).iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), order);
    }

    #[test]
    fn empty_and_unreadable_files_mask_too() {
        let weak = BootFile::parse("/usr/lib/sysctl.d/a.conf", b"net.ipv4.tcp_sack=1");
        let address = Address::sysctl(SACK.parse().unwrap());
        for strong in
            [BootFile::parse("/etc/sysctl.d/a.conf", b""), BootFile::unreadable("/etc/sysctl.d/a.conf", "denied")]
        {
            assert_eq!(next_boot(&[weak.clone(), strong], &address), None);
        }
        assert!(next_boot(&[weak], &address).is_some());
    }

    #[test]
    fn hidden_files_other_endings_and_other_folders_are_not_read() {
        for path in ["/etc/sysctl.d/.a.conf", "/etc/sysctl.d/a.conf~", "/etc/sysctl.d/A.CONF", "/srv/a.conf"] {
            assert_eq!(value(&[(path, "net.ipv4.tcp_sack=1")], SACK), None, "{path}");
        }
    }

    #[test]
    fn a_named_key_beats_globs_whatever_their_order() {
        let text = "net.ipv4.conf.eth0.rp_filter=1\nnet.ipv4.conf.*.rp_filter=2\n";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", text)], ETH0).as_deref(), Some("1"));
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", text)], "net.ipv4.conf.all.rp_filter").as_deref(), Some("2"));
    }

    #[test]
    fn an_exclusion_keeps_globs_away_and_cancels_an_earlier_value() {
        let of = [("/etc/sysctl.d/a.conf", "net.ipv4.conf.*.rp_filter=2\nnet.ipv4.conf.eth0.rp_filter=1")];
        let mut with = of.to_vec();
        with.push(("/etc/sysctl.d/b.conf", "-net.ipv4.conf.eth0.rp_filter"));
        assert_eq!(value(&of, ETH0).as_deref(), Some("1"));
        assert_eq!(value(&with, ETH0), None);
        let found = NextBoot::new(&files(&with)).exclusion(&ETH0.parse().unwrap()).unwrap();
        assert_eq!((found.path.as_str(), found.line), ("/etc/sysctl.d/b.conf", 1));
        with.push(("/etc/sysctl.d/c.conf", "-net.ipv4.conf.eth0.rp_filter = 0"));
        assert_eq!(value(&with, ETH0).as_deref(), Some("0"));
        let excluded_glob = "-net.ipv4.conf.e*.rp_filter\nnet.ipv4.conf.*.rp_filter=2";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", excluded_glob)], ETH0).as_deref(), Some("2"));
    }

    #[test]
    fn among_globs_the_last_write_stays_and_repeating_a_value_moves_nothing() {
        let moved = "net.ipv4.conf.e*.rp_filter=0\nnet.ipv4.conf.*0.rp_filter=2\nnet.ipv4.conf.e*.rp_filter=1";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", moved)], ETH0).as_deref(), Some("1"));
        let same = "net.ipv4.conf.e*.rp_filter=1\nnet.ipv4.conf.*0.rp_filter=2\nnet.ipv4.conf.e*.rp_filter=1";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", same)], ETH0).as_deref(), Some("2"));
    }

    #[test]
    fn losers_are_listed_strongest_first() {
        let of = files(&[
            ("/etc/sysctl.d/a.conf", "net.ipv4.conf.eth0.rp_filter=1\nnet.ipv4.conf.*.rp_filter=2"),
            ("/etc/sysctl.d/b.conf", "net/ipv4/conf/eth0/rp_filter=0"),
        ]);
        let found = next_boot(&of, &Address::sysctl(ETH0.parse().unwrap())).unwrap();
        assert_eq!((found.path.as_str(), found.line, found.value_text.as_str()), ("/etc/sysctl.d/b.conf", 1, "0"));
        assert_eq!(found.written_as, "net/ipv4/conf/eth0/rp_filter");
        let losers: Vec<(u32, &str)> =
            found.shadowed.iter().map(|spoken| (spoken.line, spoken.written_as.as_str())).collect();
        assert_eq!(losers, [(1, ETH0), (2, "net.ipv4.conf.*.rp_filter")]);
    }

    #[test]
    fn sysctl_conf_counts_for_procps_only() {
        let key: SysctlKey = SACK.parse().unwrap();
        let alone = files(&[(SYSCTL_CONF, "net.ipv4.tcp_sack=0")]);
        assert_eq!(NextBoot::new(&alone).setting(&key), None);
        assert_eq!(NextBoot::new(&alone).procps_differs(&key).unwrap().value_text.as_deref(), Some("0"));
        let linked =
            files(&[(SYSCTL_CONF, "net.ipv4.tcp_sack=0"), ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.tcp_sack=0")]);
        assert_eq!(NextBoot::new(&linked).procps_differs(&key), None);
        assert_eq!(NextBoot::new(&linked).setting(&key).unwrap().path, "/etc/sysctl.d/99-sysctl.conf");
        let beaten = files(&[
            (SYSCTL_CONF, "net.ipv4.tcp_sack=0"),
            ("/etc/sysctl.d/99-sysctl.conf", "net.ipv4.tcp_sack=0"),
            ("/etc/sysctl.d/zz.conf", "net.ipv4.tcp_sack=1"),
        ]);
        assert_eq!(NextBoot::new(&beaten).setting(&key).unwrap().value_text, "1");
        assert_eq!(NextBoot::new(&beaten).procps_differs(&key).unwrap().line, 1);
    }

    #[test]
    fn another_name_of_the_value_counts_too() {
        let forward = "net.ipv4.ip_forward";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", "net.ipv4.conf.all.forwarding=1")], forward).as_deref(), Some("1"));
        let both = "net.ipv4.ip_forward=1\nnet.ipv4.conf.*.forwarding=0\n";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", both)], forward).as_deref(), Some("0"));
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", both)], "net.ipv4.conf.all.forwarding").as_deref(), Some("0"));
        let except = format!("{both}-net.ipv4.conf.all.forwarding\n");
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", &except)], forward).as_deref(), Some("1"));
        let seconds = "net.ipv4.neigh.eth0.base_reachable_time = 0x1e";
        let milliseconds = "net.ipv4.neigh.eth0.base_reachable_time_ms";
        assert_eq!(value(&[("/etc/sysctl.d/a.conf", seconds)], milliseconds).as_deref(), Some("30000"));
    }

    proptest! {
        #[test]
        fn the_order_in_which_files_are_found_changes_nothing(
            texts in proptest::collection::vec(("[a-c]", 0..4_usize, "(-?net[.]ipv4[.](conf[.](eth0|[*])[.]rp_filter|tcp_sack)(=[0-2])?\n){0,4}"), 0..6),
            seed in any::<usize>(),
        ) {
            let mut of: Vec<BootFile> = Vec::new();
            for (name, folder, text) in texts {
                let path = format!("{}/{name}.conf", FOLDERS[folder]);
                if of.iter().all(|file| file.path != path) {
                    of.push(BootFile::parse(path, text.as_bytes()));
                }
            }
            let mut turned = of.clone();
            if !turned.is_empty() {
                let by = seed % turned.len();
                turned.rotate_left(by);
            }
            for key in [SACK, ETH0] {
                let address = Address::sysctl(key.parse().unwrap());
                prop_assert_eq!(next_boot(&of, &address), next_boot(&turned, &address));
            }
        }
    }
}
