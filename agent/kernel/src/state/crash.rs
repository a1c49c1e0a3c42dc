//! A writer of the state folder is killed at each of its fault points in turn.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::process::Stdio;

use super::tests::host;
use super::*;

/// What the journal may hold, and in which order.
const JOURNALS: [&str; 5] = ["", "one\n", "one\ntwo\n", "one\ntwo\nthree\n", "kept\n"];

#[test]
#[ignore = "the victim in killed_anywhere_the_state_is_whole"]
fn victim() {
    let Ok(folder) = std::env::var("TRIMTAB_TEST_FOLDER") else { return };
    let state = StateDir::open(Path::new(&folder), &host(17, "b1"));
    state.append(b"one\n", Sync::Yes).unwrap();
    state.append(b"two\n", Sync::No).unwrap();
    state.replace("applied", b"set", Sync::Yes).unwrap();
    state.append(b"three\n", Sync::Yes).unwrap();
    state.replace_journal(b"kept\n").unwrap();
    state.remove("applied").unwrap();
}

#[test]
fn killed_anywhere_the_state_is_whole() {
    let mut furthest = 0;
    for hit in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("/proc/self/exe")
            .args(["--exact", "state::crash::victim", "--ignored"])
            .env("TRIMTAB_FAULT", format!("*:{hit}"))
            .env("TRIMTAB_TEST_FOLDER", dir.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        let state = StateDir::open(dir.path(), &host(17, "b1"));
        let journal = String::from_utf8(state.read_journal().unwrap()).unwrap();
        let at = JOURNALS.iter().position(|known| *known == journal);
        let at = at.unwrap_or_else(|| panic!("killed at {hit}: journal {journal:?}"));
        assert!(at >= furthest, "killed at {hit}, later than before: journal {journal:?}");
        furthest = at;
        assert!(matches!(state.read("applied").unwrap().as_deref(), None | Some(b"set")), "killed at {hit}");
        // Whoever comes next finds nothing in the way and leaves nothing behind.
        state.sweep().unwrap();
        state.append(b"next\n", Sync::Yes).unwrap();
        assert_eq!(state.read_journal().unwrap(), format!("{journal}next\n").as_bytes());
        let known = |name: &str| ["boot", "applied", JOURNAL].contains(&name);
        for entry in state.path().read_dir().unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(known(&name), "killed at {hit}: left {name}");
        }
        if status.success() {
            assert_eq!((journal.as_str(), state.read("applied").unwrap()), ("kept\n", None));
            // Creating, three appends, two replaced files, one removed.
            assert!(hit > 16, "only {hit} fault points");
            return;
        }
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
    }
}
