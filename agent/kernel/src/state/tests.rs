use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::testing::in_new_netns_and_mounts;

pub(super) fn host(cookie: u64, boot: &str) -> HostId {
    HostId {
        name: "edge".into(),
        kernel: "6.18".into(),
        boot_id: boot.into(),
        netns: NetnsId { cookie, name: None, initial: cookie == 1 },
    }
}

#[test]
fn reading_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(&dir.path().join("lib"), &host(1, "b1"));
    assert_eq!(state.read_journal().unwrap(), b"");
    assert_eq!(state.read("applied").unwrap(), None);
    state.remove("applied").unwrap();
    state.cut_journal(0).unwrap();
    state.sweep().unwrap();
    assert_eq!(namespaces(&dir.path().join("lib")).unwrap(), []);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn appends_replaces_and_removes() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("lib/trimtab");
    let state = StateDir::open(&base, &host(1, "b1"));
    state.append(b"one\n", Sync::Yes).unwrap();
    state.append(b"two\n", Sync::No).unwrap();
    state.append(b"", Sync::Yes).unwrap();
    assert_eq!(state.read_journal().unwrap(), b"one\ntwo\n");
    state.replace_journal(b"two\n").unwrap();
    state.append(b"three\n", Sync::Yes).unwrap();
    assert_eq!(state.read_journal().unwrap(), b"two\nthree\n");
    state.replace("applied", b"{}", Sync::No).unwrap();
    assert_eq!(state.read("applied").unwrap().as_deref(), Some(&b"{}"[..]));
    state.remove("applied").unwrap();
    assert_eq!(state.read("applied").unwrap(), None);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&base), mode(state.path())), (0o755, 0o755));
    assert_eq!(mode(&state.path().join(JOURNAL)), 0o644);
}

#[test]
fn modes_do_not_hang_on_the_umask() {
    let itself = std::env::current_exe().unwrap();
    let script = "umask 077; exec \"$0\" --exact state::tests::appends_replaces_and_removes";
    let told = crate::testing::run("sh", &["-c", script, itself.to_str().unwrap()]);
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
fn journal_cut_at_any_byte_is_read_cut_and_continued() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path(), &host(1, "b1"));
    let whole = b"first record\nsecond record\n";
    let first = 13;
    for cut in 0..=whole.len() {
        state.replace_journal(b"").unwrap();
        state.append(&whole[..first], Sync::Yes).unwrap();
        state.append(&whole[first..], Sync::No).unwrap();
        File::options().write(true).open(state.path().join(JOURNAL)).unwrap().set_len(cut as u64).unwrap();
        assert_eq!(state.read_journal().unwrap(), &whole[..cut]);
        // What replay does with a torn tail: cut behind the last whole record, then go on.
        let keep = whole[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        state.cut_journal(keep as u64).unwrap();
        state.append(b"next\n", Sync::Yes).unwrap();
        assert_eq!(state.read_journal().unwrap(), [&whole[..keep], b"next\n"].concat());
        // Never longer.
        state.cut_journal(1 << 40).unwrap();
        assert_eq!(state.read_journal().unwrap().len(), keep + 5);
    }
}

#[test]
fn full_disk_leaves_journal_and_files_as_they_were() {
    in_new_netns_and_mounts("full_disk_leaves_journal_and_files_as_they_were", || {
        let dir = tempfile::tempdir().unwrap();
        let none = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", dir.path(), "tmpfs", none, Some(c"size=64k")).unwrap();
        let state = StateDir::open(dir.path(), &host(1, "b1"));
        let record = vec![b'x'; 5000];
        let mut kept = 0;
        let error = loop {
            match state.append(&record, Sync::Yes) {
                Ok(()) => kept += record.len(),
                Err(error) => break error,
            }
        };
        assert!(kept > 0);
        assert_eq!(error.attempt, "cannot append to");
        assert_eq!(error.cause.kind(), io::ErrorKind::StorageFull);
        assert_eq!(state.read_journal().unwrap().len(), kept);
        let error = state.replace_journal(&vec![b'y'; 60_000]).unwrap_err();
        assert_eq!((error.attempt, error.cause.kind()), ("cannot write", io::ErrorKind::StorageFull));
        assert_eq!(state.read_journal().unwrap(), vec![b'x'; kept]);
        assert_eq!(state.path().read_dir().unwrap().count(), 1);
        // Read-only: said as such, and what is there stays readable.
        let flags = rustix::mount::MountFlags::RDONLY;
        rustix::mount::mount_remount(dir.path(), flags, c"").unwrap();
        let error = state.append(b"z", Sync::Yes).unwrap_err();
        assert_eq!(error.cause.kind(), io::ErrorKind::ReadOnlyFilesystem);
        assert_eq!(state.read_journal().unwrap().len(), kept);
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn what_another_boot_left_under_a_number_is_never_read() {
    let dir = tempfile::tempdir().unwrap();
    let before = StateDir::open(dir.path(), &host(17, "b1"));
    before.append(b"old", Sync::Yes).unwrap();
    before.replace("applied", b"old", Sync::No).unwrap();
    let after = StateDir::open(dir.path(), &host(17, "b2"));
    assert_eq!(after.read_journal().unwrap(), b"");
    assert_eq!(after.read("applied").unwrap(), None);
    after.remove("applied").unwrap();
    assert_eq!(before.read("applied").unwrap().as_deref(), Some(&b"old"[..]));
    after.append(b"new", Sync::Yes).unwrap();
    assert_eq!(after.read_journal().unwrap(), b"new");
    assert_eq!(after.read("applied").unwrap(), None);
    assert_eq!(before.read_journal().unwrap(), b"");
}

#[test]
fn state_of_the_initial_namespace_outlives_boots() {
    let dir = tempfile::tempdir().unwrap();
    StateDir::open(dir.path(), &host(1, "b1")).append(b"x", Sync::Yes).unwrap();
    assert_eq!(StateDir::open(dir.path(), &host(1, "b2")).read_journal().unwrap(), b"x");
}

#[test]
fn drops_namespaces_of_other_boots_only() {
    let dir = tempfile::tempdir().unwrap();
    for (cookie, boot) in [(1, "b1"), (17, "b1"), (18, "b2")] {
        StateDir::open(dir.path(), &host(cookie, boot)).append(b"x", Sync::No).unwrap();
    }
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    std::fs::create_dir(dir.path().join("netns-19")).unwrap();
    let of = |name: &str, boot: Option<&str>| Namespace { name: name.into(), boot: boot.map(str::to_owned) };
    let all = [of("initial", None), of("netns-17", Some("b1")), of("netns-18", Some("b2")), of("netns-19", None)];
    assert_eq!(namespaces(dir.path()).unwrap(), all);
    assert_eq!(remove_other_boots(dir.path(), "b2").unwrap(), [of("netns-17", Some("b1")), of("netns-19", None)]);
    assert_eq!(namespaces(dir.path()).unwrap(), [of("initial", None), of("netns-18", Some("b2"))]);
    assert!(dir.path().join("lost+found").exists());
}

#[test]
fn sweeps_only_leftovers() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path(), &host(1, "b1"));
    state.append(b"x", Sync::No).unwrap();
    std::fs::write(state.path().join(".applied.99-0.new"), "half").unwrap();
    state.sweep().unwrap();
    let left: Vec<_> = state.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [JOURNAL]);
}
