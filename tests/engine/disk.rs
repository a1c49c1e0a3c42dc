//! A state folder on a full or read-only disk: nothing is half applied.

#![expect(unsafe_code, reason = "unshare(2) and mount(2)")]

use std::ffi::CString;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Trials;
use trimtab_kernel::timer::Armed;

use super::bench::Bench;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::values;

/// Runs a test on a thread with mounts of its own. Needs root; without it the test is skipped and says so.
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn with_own_mounts(test: &str, body: impl FnOnce() + Send + 'static) {
    let worker = thread::spawn(move || {
        // SAFETY: it takes a number; the calling thread alone gets other mounts.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            return Err(io::Error::last_os_error());
        }
        mount("none", Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE, "")?;
        body();
        Ok(())
    });
    match worker.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{test} would be skipped: {error}");
            eprintln!("skipped: {test}: no mounts of its own: {error}");
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn mount(source: &str, target: &Path, kind: &str, flags: libc::c_ulong, options: &str) -> io::Result<()> {
    let text = |text: &str| CString::new(text).unwrap();
    let (source, target, kind, options) = (text(source), text(target.to_str().unwrap()), text(kind), text(options));
    // SAFETY: four strings that end with zero and outlive the call.
    let outcome =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn set() -> trimtab_core::desired::Desired {
    desired([
        ("net.core.somaxconn", is("8192")),
        ("net.ipv4.ip_forward", is("1")),
        ("net.ipv4.conf.default.rp_filter", is("2")),
        ("net.ipv4.tcp_fin_timeout", is("30")),
    ])
}

/// A folder with room for so many more pages.
fn small_disk(folder: &Path, pages: usize) {
    mount("tmpfs", folder, "tmpfs", 0, "size=128k").unwrap();
    let filler = folder.join("filler");
    let mut room = 32 * 4096;
    while std::fs::write(&filler, vec![0; room]).is_err() {
        room -= 4096;
    }
    std::fs::write(&filler, vec![0; room - pages * 4096]).unwrap();
}

#[test]
fn on_a_full_disk_nothing_is_half_applied() {
    with_own_mounts("on_a_full_disk_nothing_is_half_applied", || {
        let mut outcomes = std::collections::BTreeSet::new();
        for on_trial in [false, true] {
            for pages in 0..12 {
                let dir = tempfile::tempdir().unwrap();
                small_disk(dir.path(), pages);
                let mut bench = Bench::new();
                bench.move_state_to(&dir.path().join("state"));
                let before = values(&bench.kernel);
                let finished = if on_trial {
                    bench.try_out(&set(), Duration::from_secs(60), &mut || Ok(Armed::Unit("trial.service".to_owned())))
                } else {
                    bench.try_apply(&set())
                };
                let what = format!("{pages} pages, on trial: {on_trial}: {finished:?}");
                match &finished {
                    Ok(Finished::InForce { .. } | Finished::Awaiting { .. }) => {
                        assert_eq!(bench.text("net.ipv4.ip_forward"), "1", "{what}");
                        outcomes.insert("in force");
                    }
                    Ok(Finished::Undone(_) | Finished::Incomplete(..)) | Err(_) => {
                        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{what}");
                        outcomes.insert("as before");
                    }
                    Ok(Finished::Nothing | Finished::Stale(_)) => panic!("{what}"),
                }
                // With room again, everything goes on from there.
                std::fs::remove_file(dir.path().join("filler")).unwrap();
                bench.recover(Trials::End).unwrap();
                if finished.is_err() {
                    let store = bench.store();
                    assert!(store.unconfirmed.is_none() && store.history.open.is_none(), "{what}");
                }
                bench.apply(&set());
                bench.take_back();
                assert_eq!(differences(&before, &values(&bench.kernel)), [], "{what}");
                unmount(dir.path());
            }
        }
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    });
}

#[test]
fn on_a_read_only_disk_nothing_is_written() {
    with_own_mounts("on_a_read_only_disk_nothing_is_written", || {
        let dir = tempfile::tempdir().unwrap();
        mount("tmpfs", dir.path(), "tmpfs", 0, "size=128k").unwrap();
        let mut bench = Bench::new();
        bench.move_state_to(&dir.path().join("state"));
        let other = desired([("net.core.somaxconn", is("5000"))]);
        bench.put_in_force(&other);
        let before = values(&bench.kernel);
        let writes = bench.kernel.writes();
        mount("none", dir.path(), "", libc::MS_REMOUNT | libc::MS_RDONLY, "").unwrap();
        let error = bench.try_apply(&set()).unwrap_err();
        assert!(error.to_string().contains("Read-only"), "{error}");
        let error = bench.try_out(&set(), Duration::from_secs(60), &mut || panic!("armed")).unwrap_err();
        assert!(error.to_string().contains("Read-only"), "{error}");
        assert_eq!((differences(&before, &values(&bench.kernel)).len(), bench.kernel.writes()), (0, writes));
        assert_eq!(bench.store().applied.unwrap().desired, other);
        unmount(dir.path());
    });
}

fn unmount(folder: &Path) {
    let folder = CString::new(folder.to_str().unwrap()).unwrap();
    // SAFETY: a string that ends with zero and outlives the call.
    assert_eq!(unsafe { libc::umount2(folder.as_ptr(), libc::MNT_DETACH) }, 0);
}
