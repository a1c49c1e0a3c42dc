//! Who ran a command: for the journal and the event log, never for a decision about what they may do.

use std::path::Path;

use trimtab_core::journal::Caller;

use crate::file;

/// The login uid of a process that no login led to (include/uapi/linux/audit.h `AUDIT_UID_UNSET`).
const NO_LOGIN: u32 = u32::MAX;

/// The longest user name that is kept; useradd(8) allows 32.
const LONGEST_NAME: usize = 256;

/// Who runs this process, as far as it can be known.
pub fn caller() -> Caller {
    Caller {
        uid: rustix::process::getuid().as_raw(),
        login_uid: login_uid("self"),
        sudo_user: sudo_user(),
        tty: tty("self"),
        pid: std::process::id(),
        parent: rustix::process::getppid().and_then(|parent| comm(parent.as_raw_nonzero().get())),
    }
}

/// Who runs another process, as far as it can be known: one that waits for an answer, so that its number stays its own.
/// What stands in its environment is not for others to read, so it says itself by whom sudo was called.
pub fn caller_of(pid: u32, uid: u32, sudo_user: Option<&str>) -> Caller {
    let parent = file::read(Path::new(&format!("/proc/{pid}/stat")), 4096).ok().and_then(|stat| parent_of(&stat));
    Caller {
        uid,
        login_uid: login_uid(&pid.to_string()),
        sudo_user: sudo_user.and_then(plain),
        tty: tty(&pid.to_string()),
        pid,
        parent: parent.and_then(comm),
    }
}

/// The name that sudo(8) was called by, as the environment of this process has it.
pub fn sudo_user() -> Option<String> {
    std::env::var("SUDO_USER").ok().and_then(|name| plain(&name))
}

fn login_uid(process: &str) -> Option<u32> {
    // Absent without CONFIG_AUDIT.
    let text = file::read_line(Path::new(&format!("/proc/{process}/loginuid"))).ok()?;
    text.parse().ok().filter(|uid| *uid != NO_LOGIN)
}

fn comm(pid: i32) -> Option<String> {
    // A program may give itself any bytes as its name.
    let bytes = file::read(Path::new(&format!("/proc/{pid}/comm")), 4096).ok()?;
    plain(String::from_utf8_lossy(&bytes).trim_end_matches('\n'))
}

/// The controlling terminal, whatever the standard streams are.
fn tty(process: &str) -> Option<String> {
    let stat = file::read(Path::new(&format!("/proc/{process}/stat")), 4096).ok()?;
    let (major, minor) = tty_of(&stat)?;
    // UNIX98 ptys are not in sysfs (Documentation/admin-guide/devices.txt: majors 136 to 143).
    if (136..=143).contains(&major) {
        return Some(format!("/dev/pts/{minor}"));
    }
    let link = std::fs::read_link(format!("/sys/dev/char/{major}:{minor}")).ok()?;
    plain(link.file_name()?.to_str()?).map(|name| format!("/dev/{name}"))
}

/// The device number of the terminal in /proc/PID/stat, field 7, in the kernel's encoding (`new_encode_dev` of
/// include/linux/kdev_t.h). The second field is a name in parentheses that may itself hold parentheses and blanks.
fn tty_of(stat: &[u8]) -> Option<(u32, u32)> {
    // Behind the name: state, ppid, pgrp, session, tty_nr.
    let number = behind_the_name(stat, 4)?.cast_unsigned();
    (number != 0).then_some(((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00)))
}

/// The number of the parent in /proc/PID/stat; none where it is outside of this pid namespace.
fn parent_of(stat: &[u8]) -> Option<i32> {
    behind_the_name(stat, 1).filter(|parent| *parent > 0)
}

fn behind_the_name(stat: &[u8], place: usize) -> Option<i32> {
    let behind = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(stat.get(behind..)?).ok()?;
    rest.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// Text for people and logs: bounded, and nothing that would steer a terminal. `None` if nothing is left.
fn plain(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_process() {
        let caller = caller();
        assert_eq!(caller.pid, std::process::id());
        assert_eq!(caller.uid, rustix::process::getuid().as_raw());
        assert!(caller.parent.is_some());
        assert_ne!(caller.login_uid, Some(NO_LOGIN));
        // Asked of it by its number it is the same, but for what only its environment says.
        let own = caller_of(caller.pid, caller.uid, caller.sudo_user.as_deref());
        assert_eq!(own, caller);
        let nobody = caller_of(u32::MAX, 7, Some("al\nice"));
        let told = Caller { uid: 7, sudo_user: Some("alice".to_owned()), pid: u32::MAX, ..Caller::default() };
        assert_eq!(nobody, told);
    }

    #[test]
    fn reads_the_terminal_behind_any_program_name() {
        assert_eq!(tty_of(b"7 (a) b) (c) S 1 7 7 34819 7 0"), Some((136, 3)));
        assert_eq!(tty_of(b"7 (bash) S 1 7 7 1025 7 0"), Some((4, 1)));
        // Minor numbers above 255 stand apart from the low byte.
        assert_eq!(tty_of(b"7 (bash) S 1 7 7 1083396 7 0"), Some((136, 260)));
        assert_eq!(tty_of(b"7 (daemon) S 1 7 7 0 -1 0"), None);
        for junk in [&b""[..], b")", b"7 (x", b"7 (x) S 1", b"7 (x) S 1 7 7 y", b"7 (x) \xff"] {
            assert_eq!(tty_of(junk), None);
        }
    }

    #[test]
    fn any_bytes_are_survived() {
        use proptest::prelude::*;
        proptest!(|(stat in "[ -~]{0,20}\\) ?[ 0-9A-Z-]{0,60}", raw in prop::collection::vec(any::<u8>(), 0..100))| {
            let _ = (tty_of(&raw), parent_of(&raw));
            if let Some((major, minor)) = tty_of(stat.as_bytes()) {
                prop_assert!(major <= 0xfff && minor <= 0xf_ffff);
            }
        });
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(plain("ro\x1b[31mot\n").as_deref(), Some("ro[31mot"));
        assert_eq!(plain("\n"), None);
        assert_eq!(plain(&"x".repeat(5000)).unwrap().len(), LONGEST_NAME);
    }
}
