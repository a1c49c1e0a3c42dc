//! The program that names who writes sysctls, on these kernels. It is attached to a cgroup of the test's own.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use trimtab_kernel::watch::bpf::DEFAULT_RING;
use trimtab_kernel::watch::bpf::SysctlWatch;
use trimtab_kernel::watch::bpf::Written;
use trimtab_kernel::watch::cgroup;
use trimtab_kernel::watch::writer::Writers;

use crate::machine::in_the_vm;
use crate::machine::raw;
use crate::machine::sh;
use crate::namespace::in_new_netns;

#[test]
fn this_kernel_takes_the_program_whole_and_writers_are_named() {
    in_the_vm();
    in_new_netns("this_kernel_takes_the_program_whole_and_writers_are_named", || {
        let folder = cgroup::root_path().unwrap().join("trimtab-test.service");
        let _ = fs::create_dir(&folder);
        let group = fs::File::open(&folder).unwrap();
        let mut watch = SysctlWatch::on(group.as_fd(), DEFAULT_RING).unwrap();
        assert!(watch.lacks().is_empty(), "{:?}", watch.lacks());
        let before = raw("net.ipv4.tcp_fin_timeout");
        let write = |prefix: &str, value: &str| {
            let script = format!("echo {value} >/proc/sys/net/ipv4/tcp_fin_timeout");
            sh(&format!("echo $$ >{}/cgroup.procs; {prefix} sh -ec '{script}' || true", folder.display()));
        };
        write("", "47");
        write("unshare --pid --fork --mount-proc", "48");
        write("unshare --net", "49");
        write("", "abc");
        let drained = watch.drain().unwrap();
        assert_eq!(drained.lost, 0);
        let values: Vec<&Written> = drained.writes.iter().map(|write| &write.value).collect();
        let wanted = ["47", "48", "49", "abc"].map(|text| Written::Text(text.to_owned()));
        assert_eq!(values, wanted.iter().collect::<Vec<_>>());
        assert_ne!(before, "48");
        let namespace = fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        let inside: Vec<bool> =
            drained.writes.iter().map(|write| write.netns_inode.map(u64::from) == Some(namespace)).collect();
        assert_eq!(inside, [true, true, false, true]);
        let cookies: Vec<u64> = drained.writes.iter().map(|write| write.netns_cookie.unwrap()).collect();
        assert!(cookies[0] == cookies[1] && cookies[0] != cookies[2] && cookies[0] == cookies[3], "{cookies:?}");
        let mut writers = Writers::new();
        for write in &drained.writes {
            let writer = writers.of(write);
            assert_eq!(writer.unit.as_deref(), Some("trimtab-test.service"), "{write:?} {writer:?}");
            assert_eq!((writer.comm.as_deref(), writer.uid, writer.gone), (Some("sh"), Some(0), true), "{writer:?}");
        }
        drop(watch);
        // A process that has just ended may be in it for a moment.
        crate::machine::wait_until("the cgroup can be removed", &|| fs::remove_dir(&folder).is_ok());
    });
}
