use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::fs::symlink;

use super::*;
use crate::testing::skip;

/// A folder below the sticky /tmp, which is as root's as can be; `None` without root.
fn folder(test: &str) -> Option<tempfile::TempDir> {
    if !rustix::process::geteuid().is_root() {
        skip(test, "needs root to make files that belong to it");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn roots_own_files_are_trusted_and_read() {
    let Some(dir) = folder("roots_own_files_are_trusted_and_read") else { return };
    let path = dir.path().join("p.toml");
    fs::write(&path, "x = 1").unwrap();
    check(&path).unwrap();
    check(dir.path()).unwrap();
    check(Path::new("/")).unwrap();
    let mut text = String::new();
    open_trusted(&path).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "x = 1");
    let indirect = dir.path().join("../").join(dir.path().file_name().unwrap()).join("./p.toml");
    open_trusted(&indirect).unwrap();
}

#[test]
fn names_the_file_or_folder_at_fault_and_the_way_out() {
    let Some(dir) = folder("names_the_file_or_folder_at_fault_and_the_way_out") else { return };
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("p.toml");
    fs::write(&path, "").unwrap();
    let told = || open_trusted(&path).unwrap_err().to_string();

    mode(&path, 0o664);
    let want = format!("{0} can be written by others than root: uid 0, mode 0664 (`chmod go-w {0}`)", path.display());
    assert_eq!(told(), want);
    mode(&path, 0o646);
    assert!(matches!(check(&path), Err(Untrusted::Writable { mode: 0o646, .. })));
    mode(&path, 0o644);
    check(&path).unwrap();

    chown(&path, Some(1000), None).unwrap();
    let want = format!(
        "{0} belongs to uid 1000, mode 0644: what root acts upon must belong to root (`chown root {0}`)",
        path.display()
    );
    assert_eq!(told(), want);
    chown(&path, Some(0), None).unwrap();

    mode(&inner, 0o777);
    assert!(matches!(check(&path), Err(Untrusted::Writable { path, .. }) if path == inner));
    // Sticky, as /tmp is: only what is not root's in it is at fault.
    mode(&inner, 0o1777);
    check(&path).unwrap();
    chown(&path, Some(1000), None).unwrap();
    assert!(matches!(check(&path), Err(Untrusted::Owner { .. })));
    chown(&path, Some(0), None).unwrap();
    mode(&inner, 0o755);
    chown(&inner, Some(1000), None).unwrap();
    assert!(matches!(check(&path), Err(Untrusted::Owner { path, owner: 1000, .. }) if path == inner));
}

#[test]
fn symlinks_may_point_anywhere_that_is_roots() {
    let Some(dir) = folder("symlinks_may_point_anywhere_that_is_roots") else { return };
    let at = |name: &str| dir.path().join(name);
    // As `current` releases and ConfigMaps do it: profiles -> ..data/profiles, ..data -> release-7.
    fs::create_dir_all(at("release-7/profiles")).unwrap();
    fs::write(at("release-7/profiles/p.toml"), "new").unwrap();
    symlink("release-7", at("..data")).unwrap();
    symlink("..data/profiles", at("profiles")).unwrap();
    let mut text = String::new();
    open_trusted(&at("profiles/p.toml")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "new");
    // A symlink of somebody else's, or one that lies in a folder of somebody else's.
    rustix::fs::chownat(
        rustix::fs::CWD,
        at("..data"),
        Some(rustix::fs::Uid::from_raw(1000)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    assert!(matches!(check(&at("profiles/p.toml")), Err(Untrusted::Owner { path, .. }) if path == at("..data")));
    fs::create_dir(at("home")).unwrap();
    symlink(at("release-7/profiles/p.toml"), at("home/link")).unwrap();
    symlink(at("home/link"), at("p.toml")).unwrap();
    open_trusted(&at("p.toml")).unwrap();
    chown(at("home"), Some(1000), None).unwrap();
    assert!(matches!(open_trusted(&at("p.toml")), Err(Untrusted::Owner { path, .. }) if path == at("home")));
}

#[test]
fn loops_holes_and_other_objects_are_told() {
    let Some(dir) = folder("loops_holes_and_other_objects_are_told") else { return };
    let at = |name: &str| dir.path().join(name);
    symlink("b", at("a")).unwrap();
    symlink("a", at("b")).unwrap();
    assert!(matches!(check(&at("a")), Err(Untrusted::Loop { path }) if path == at("a")));
    let missing = check(&at("x/y")).unwrap_err();
    assert!(
        matches!(&missing, Untrusted::Failed { path, cause } if *path == at("x") && cause.kind() == io::ErrorKind::NotFound)
    );
    fs::write(at("file"), "").unwrap();
    assert!(matches!(check(&at("file/below")), Err(Untrusted::Failed { .. })));
    assert!(matches!(open_trusted(dir.path()), Err(Untrusted::NoFile { .. })));
    assert!(matches!(open_trusted(Path::new("/")), Err(Untrusted::NoFile { .. })));
    let fifo = at("fifo");
    crate::testing::run("mkfifo", &["-m", "600", fifo.to_str().unwrap()]);
    assert!(matches!(open_trusted(&fifo), Err(Untrusted::NoFile { .. })));
}
