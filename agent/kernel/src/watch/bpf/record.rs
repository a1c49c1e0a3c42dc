//! What the program writes into the ring, and reading it: from bytes to a write that somebody attempted.

use std::time::Duration;

use trimtab_core::address::SysctlKey;
use trimtab_core::catalogue;

/// Offsets of the fields of a record, in the order of this machine.
pub(super) mod at {
    pub(in super::super) const TIME: i16 = 0;
    pub(in super::super) const CGROUP: i16 = 8;
    pub(in super::super) const TASK: i16 = 16;
    pub(in super::super) const USER: i16 = 24;
    pub(in super::super) const COOKIE: i16 = 32;
    pub(in super::super) const INODE: i16 = 40;
    pub(in super::super) const LOGIN: i16 = 44;
    pub(in super::super) const POSITION: i16 = 48;
    pub(in super::super) const NAME_ANSWER: i16 = 52;
    pub(in super::super) const VALUE_ANSWER: i16 = 56;
    pub(in super::super) const KNOWN: i16 = 60;
    pub(in super::super) const COMM: i16 = 64;
    pub(in super::super) const NAME: i16 = 80;
    pub(in super::super) const VALUE: i16 = 240;
}

/// `TASK_COMM_LEN`
pub(super) const COMM: usize = 16;
/// A path below /proc/sys: `net/ipv6/conf/`, an interface, a name, and room.
pub(super) const NAME: usize = 160;
/// The longest values that are not lists have some 40 bytes.
pub(super) const VALUE: usize = 256;
/// A whole record.
pub(super) const LENGTH: usize = 240 + VALUE;

/// Bits of `KNOWN`: which fields the program could fill on this kernel. The others hold what was there before.
pub(super) mod known {
    pub(in super::super) const TIME: u32 = 1;
    pub(in super::super) const CGROUP: u32 = 1 << 1;
    pub(in super::super) const TASK: u32 = 1 << 2;
    pub(in super::super) const USER: u32 = 1 << 3;
    pub(in super::super) const COOKIE: u32 = 1 << 4;
    pub(in super::super) const INODE: u32 = 1 << 5;
    pub(in super::super) const LOGIN: u32 = 1 << 6;
    pub(in super::super) const COMM: u32 = 1 << 7;
}

/// One write to a file below /proc/sys, as it was attempted: the kernel may refuse it, store something else, or hold that value
/// already. It is told before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysctlWrite {
    /// The path below /proc/sys: `net/ipv4/conf/eth0.100/rp_filter`.
    pub path: String,
    /// Whether the path was longer than what the program keeps of it.
    pub path_cut: bool,
    /// What was written.
    pub value: Written,
    /// Where in the file: what is not at 0 the kernel mostly ignores (`sysctl_writes_strict`).
    pub position: u32,
    /// When, on CLOCK_BOOTTIME.
    pub at: Option<Duration>,
    /// The process (`tgid`), as the initial pid namespace numbers it.
    pub process: Option<u32>,
    /// The thread (`pid`).
    pub thread: Option<u32>,
    /// The real user.
    pub uid: Option<u32>,
    /// The real group.
    pub gid: Option<u32>,
    /// Who logged in, whatever user it has become since; nobody for daemons.
    pub login_uid: Option<u32>,
    /// The name of the thread.
    pub comm: Option<String>,
    /// The cgroup (of version 2) of the process: the inode number of its folder.
    pub cgroup: Option<u64>,
    /// The network namespace of the thread, as `SO_NETNS_COOKIE` has it: that of the file, unless it was opened in another.
    pub netns_cookie: Option<u64>,
    /// The same as the inode number of `/proc/PID/ns/net`.
    pub netns_inode: Option<u32>,
}

/// A value that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// As it was written, without white space at its end.
    Text(String),
    /// Only its beginning: it was longer than what the program keeps.
    Beginning(String),
    /// Nothing at all.
    Nothing,
    /// Of a secret, or of a key whose name is not known whole.
    Withheld,
}

impl SysctlWrite {
    /// The key, if the path is one.
    pub fn key(&self) -> Option<SysctlKey> {
        let whole = !self.path_cut && !self.path.is_empty();
        whole.then(|| SysctlKey::from_segments(self.path.split('/')).ok()).flatten()
    }

    /// Whether this process did it.
    pub fn is_own(&self) -> bool {
        self.process == Some(std::process::id())
    }

    /// Reads a record; nothing if it is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<SysctlWrite> {
        let bytes: &[u8; LENGTH] = bytes.first_chunk()?;
        let known = word(bytes, at::KNOWN)?;
        let has = |bit: u32| known & bit != 0;
        let double = |place| double(bytes, place);
        let task = double(at::TASK).filter(|_| has(known::TASK));
        let user = double(at::USER).filter(|_| has(known::USER));
        let (path, path_cut) = text(field(bytes, at::NAME, NAME)?, answer(bytes, at::NAME_ANSWER)?);
        let mut write = SysctlWrite {
            path,
            path_cut,
            value: Written::Withheld,
            position: word(bytes, at::POSITION)?,
            at: double(at::TIME).filter(|_| has(known::TIME)).map(Duration::from_nanos),
            process: task.map(high),
            thread: task.map(low),
            uid: user.map(low),
            gid: user.map(high),
            // All ones: nobody has logged in (include/linux/audit.h `AUDIT_UID_UNSET`).
            login_uid: word(bytes, at::LOGIN).filter(|uid| has(known::LOGIN) && *uid != u32::MAX),
            comm: has(known::COMM).then(|| text_of(field(bytes, at::COMM, COMM).unwrap_or_default())),
            cgroup: double(at::CGROUP).filter(|id| has(known::CGROUP) && *id != 0),
            netns_cookie: double(at::COOKIE).filter(|cookie| has(known::COOKIE) && *cookie != 0),
            netns_inode: word(bytes, at::INODE).filter(|inode| has(known::INODE) && *inode != 0),
        };
        // What cannot be told from a secret is none of anybody's business.
        if write.key().is_some_and(|key| !catalogue::is_secret(&key)) {
            write.value = value(field(bytes, at::VALUE, VALUE)?, answer(bytes, at::VALUE_ANSWER)?);
        }
        Some(write)
    }
}

/// A helper's answer: a length, or a negated errno.
fn answer(bytes: &[u8; LENGTH], place: i16) -> Option<i32> {
    word(bytes, place).map(u32::cast_signed)
}

fn value(bytes: &[u8], answer: i32) -> Written {
    match text(bytes, answer) {
        (text, true) => Written::Beginning(text),
        (text, false) if answer > 0 => Written::Text(text.trim_end().to_owned()),
        (_, false) => Written::Nothing,
    }
}

/// A text that a helper has copied, and whether it is only its beginning: the helper answers with the length, with E2BIG, or
/// with EINVAL where there is nothing (kernel/bpf/cgroup.c `copy_sysctl_value`, `bpf_sysctl_get_name`).
fn text(bytes: &[u8], answer: i32) -> (String, bool) {
    match usize::try_from(answer) {
        Ok(length) => (text_of(bytes.get(..length).unwrap_or(bytes)), false),
        Err(_) if answer == -libc::E2BIG => (text_of(bytes), true),
        Err(_) => (String::new(), false),
    }
}

/// The bytes up to the first NUL, as text whatever they are.
fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn field(bytes: &[u8; LENGTH], place: i16, length: usize) -> Option<&[u8]> {
    let start = usize::try_from(place).ok()?;
    bytes.get(start..start.checked_add(length)?)
}

fn word(bytes: &[u8; LENGTH], place: i16) -> Option<u32> {
    field(bytes, place, 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn double(bytes: &[u8; LENGTH], place: i16) -> Option<u64> {
    field(bytes, place, 8)?.try_into().ok().map(u64::from_ne_bytes)
}

fn low(double: u64) -> u32 {
    (double & u64::from(u32::MAX)) as u32
}

fn high(double: u64) -> u32 {
    (double >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(bytes: &mut [u8], place: i16, what: &[u8]) {
        let start = usize::try_from(place).unwrap();
        bytes[start..start + what.len()].copy_from_slice(what);
    }

    /// A record as the program writes it, over what was there before.
    fn record(known: u32, name: &str, value: &str, answers: (i32, i32)) -> Vec<u8> {
        let mut bytes = vec![b'#'; LENGTH];
        put(&mut bytes, at::TIME, &1_500_000_000u64.to_ne_bytes());
        put(&mut bytes, at::CGROUP, &77u64.to_ne_bytes());
        put(&mut bytes, at::TASK, &(4711u64 << 32 | 4712).to_ne_bytes());
        put(&mut bytes, at::USER, &(5u64 << 32 | 1000).to_ne_bytes());
        put(&mut bytes, at::COOKIE, &9u64.to_ne_bytes());
        put(&mut bytes, at::INODE, &4_026_531_840u32.to_ne_bytes());
        put(&mut bytes, at::LOGIN, &1001u32.to_ne_bytes());
        put(&mut bytes, at::POSITION, &0u32.to_ne_bytes());
        put(&mut bytes, at::NAME_ANSWER, &answers.0.to_ne_bytes());
        put(&mut bytes, at::VALUE_ANSWER, &answers.1.to_ne_bytes());
        put(&mut bytes, at::KNOWN, &known.to_ne_bytes());
        put(&mut bytes, at::COMM, b"sysctl\0");
        put(&mut bytes, at::NAME, name.as_bytes());
        put(&mut bytes, at::NAME + i16::try_from(name.len()).unwrap(), &[0]);
        put(&mut bytes, at::VALUE, value.as_bytes());
        bytes
    }

    fn length(text: &str) -> i32 {
        i32::try_from(text.len()).unwrap()
    }

    #[test]
    fn fields_stand_apart_and_fit() {
        assert_eq!(at::NAME as usize, at::COMM as usize + COMM);
        assert_eq!(at::VALUE as usize, at::NAME as usize + NAME);
        assert_eq!(LENGTH % 8, 0);
    }

    #[test]
    fn a_whole_record_is_read() {
        let (name, value) = ("net/ipv4/conf/eth0.100/rp_filter", "2\n");
        let write = SysctlWrite::parse(&record(u32::MAX, name, value, (length(name), length(value)))).unwrap();
        assert_eq!(write.key().unwrap().to_string(), "net.ipv4.conf.eth0/100.rp_filter");
        assert_eq!(write.value, Written::Text("2".to_owned()));
        assert_eq!((write.process, write.thread, write.uid, write.gid), (Some(4711), Some(4712), Some(1000), Some(5)));
        assert_eq!((write.login_uid, write.comm.as_deref()), (Some(1001), Some("sysctl")));
        assert_eq!((write.cgroup, write.netns_cookie, write.netns_inode), (Some(77), Some(9), Some(4_026_531_840)));
        assert_eq!(write.at, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_the_program_could_not_fill_is_not_known() {
        let name = "net/core/somaxconn";
        let write = SysctlWrite::parse(&record(0, name, "1", (length(name), 1))).unwrap();
        assert_eq!((write.at, write.process, write.uid, write.comm.as_deref()), (None, None, None, None));
        assert_eq!((write.cgroup, write.netns_cookie, write.netns_inode, write.login_uid), (None, None, None, None));
        assert_eq!(write.value, Written::Text("1".to_owned()));
    }

    #[test]
    fn secrets_and_cut_names_keep_their_values() {
        for name in ["net/ipv4/tcp_fastopen_key", "net/ipv6/conf/eth0/stable_secret"] {
            let write = SysctlWrite::parse(&record(u32::MAX, name, "aaaa", (length(name), 4))).unwrap();
            assert_eq!(write.value, Written::Withheld, "{name}");
            assert!(!format!("{write:?}").contains("aaaa"));
        }
        let cut = SysctlWrite::parse(&record(u32::MAX, "net/ipv4/tcp_fast", "aaaa", (-libc::E2BIG, 4))).unwrap();
        assert_eq!((cut.path_cut, cut.value), (true, Written::Withheld));
    }

    #[test]
    fn long_and_empty_values_say_so() {
        let name = "net/ipv4/ip_local_reserved_ports";
        let long = SysctlWrite::parse(&record(u32::MAX, name, "80,81", (length(name), -libc::E2BIG))).unwrap();
        assert!(matches!(&long.value, Written::Beginning(text) if text.starts_with("80,81")), "{long:?}");
        for answer in [-libc::EINVAL, 0] {
            let none = SysctlWrite::parse(&record(u32::MAX, name, "x", (length(name), answer))).unwrap();
            assert_eq!(none.value, Written::Nothing);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_of_a_ring_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..LENGTH + 9)) {
            let write = SysctlWrite::parse(&bytes);
            prop_assert_eq!(write.is_some(), bytes.len() >= LENGTH);
            if let Some(write) = write {
                let _ = write.key();
            }
        }

        #[test]
        fn any_record_is_survived(
            mut bytes in prop::collection::vec(any::<u8>(), LENGTH), name in -10..400i32, value in -10..400i32,
        ) {
            put(&mut bytes, at::NAME_ANSWER, &name.to_ne_bytes());
            put(&mut bytes, at::VALUE_ANSWER, &value.to_ne_bytes());
            let write = SysctlWrite::parse(&bytes).unwrap();
            prop_assert!(write.path.len() <= 3 * NAME);
        }
    }
}
