//! The program in the running kernel, attached only to a cgroup of the test's own, whose processes write only in network
//! namespaces of their own.

use std::fs;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;
use rustix::time::Timespec;

use super::*;
use crate::sys;
use crate::testing::in_new_netns;
use crate::testing::run;
use crate::testing::skip;
use crate::timer;
use crate::watch::writer::Writers;

const FIN: &str = "net/ipv4/tcp_fin_timeout";

/// A cgroup that lives as long as this does.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// A new one, called like a service.
    fn new(test: &str) -> Option<Group> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            skip(test, "needs root for a cgroup of its own");
            return None;
        }
        let root = match cgroup::root_path() {
            Ok(root) => root,
            Err(error) => {
                skip(test, &error.to_string());
                return None;
            }
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = root.join(format!("trimtab-test-{}-{number}.service", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Some(Group { folder })
    }

    fn open(&self) -> OwnedFd {
        rustix::fs::open(&self.folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    fn watch(&self, ring: u32) -> SysctlWatch {
        SysctlWatch::on(self.open().as_fd(), ring).unwrap()
    }

    /// A script in the cgroup, and in the namespaces of the calling thread.
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-ec", &format!("echo $$ >{}/cgroup.procs\n{script}", self.folder.display())]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// Runs it to its end, and gives what it prints.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let output = self.command(script).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that has just ended may be in it for a moment.
        let start = Instant::now();
        while fs::remove_dir(&self.folder).is_err() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A test with a cgroup and a network namespace of its own.
fn with(test: &'static str, body: impl FnOnce(&Group) + Send + 'static) {
    in_new_netns(test, move || {
        if let Some(group) = Group::new(test) {
            body(&group);
        }
    });
}

fn set(value: &str) -> String {
    format!("echo {value} >/proc/sys/{FIN}")
}

fn all(watch: &mut SysctlWatch) -> Vec<SysctlWrite> {
    let drained = watch.drain().unwrap();
    assert_eq!(drained.lost, 0);
    drained.writes
}

fn values(writes: &[SysctlWrite]) -> Vec<&str> {
    writes
        .iter()
        .map(|write| match &write.value {
            Written::Text(text) | Written::Beginning(text) => text.as_str(),
            Written::Nothing => "<nothing>",
            Written::Withheld => "<withheld>",
        })
        .collect()
}

#[test]
fn a_write_is_told_with_all_that_is_known_of_it() {
    with("a_write_is_told_with_all_that_is_known_of_it", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        assert!(watch.lacks().is_empty(), "{:?}", watch.lacks());
        let before = timer::now_boottime();
        let pid = group.run(&format!("{}; echo $$", set("47")));
        let after = timer::now_boottime();
        let writes = all(&mut watch);
        assert_eq!(writes.len(), 1, "{writes:#?}");
        let write = &writes[0];
        assert_eq!(write.path, FIN);
        assert_eq!(write.key().unwrap().to_string(), "net.ipv4.tcp_fin_timeout");
        assert_eq!(write.value, Written::Text("47".to_owned()));
        assert_eq!((write.process.unwrap().to_string(), write.thread), (pid, write.process));
        assert_eq!((write.uid, write.gid, write.position), (Some(0), Some(0), 0));
        assert_eq!(write.comm.as_deref(), Some("sh"));
        assert_eq!(write.cgroup, Some(fs::metadata(&group.folder).unwrap().ino()));
        let namespace = fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        assert_eq!(write.netns_inode.map(u64::from), Some(namespace));
        let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
        assert_eq!(write.netns_cookie, Some(sys::netns_cookie(socket.as_fd()).unwrap()));
        let at = write.at.unwrap();
        assert!(before <= at && at <= after, "{before:?} {at:?} {after:?}");
        assert!(!write.is_own());
        // It went on, and was done.
        assert_eq!(run("cat", &["/proc/sys/net/ipv4/tcp_fin_timeout"]).trim(), "47");
        assert!(all(&mut watch).is_empty());
    });
}

#[test]
fn reads_and_other_cgroups_are_not_told() {
    with("reads_and_other_cgroups_are_not_told", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        group.run(&format!("cat /proc/sys/{FIN}; sysctl -a 2>/dev/null | wc -l"));
        run("sh", &["-c", &set("33")]);
        assert_eq!(all(&mut watch), []);
    });
}

#[test]
fn writers_with_a_procfs_or_a_pid_namespace_of_their_own_are_told() {
    with("writers_with_a_procfs_or_a_pid_namespace_of_their_own_are_told", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        group.run(&format!(
            "unshare --mount --propagation private sh -ec 'mount -t proc proc {place}; echo 41 >{place}/sys/{FIN}'"
        ));
        let inner = group.run(&format!("unshare --pid --fork --mount-proc sh -ec '{}; echo $$'", set("42")));
        assert_eq!(inner, "1");
        let writes = all(&mut watch);
        assert_eq!(values(&writes), ["41", "42"]);
        assert!(writes.iter().all(|write| write.path == FIN && write.process > Some(1)), "{writes:#?}");
    });
}

#[test]
fn the_descriptor_is_readable_while_there_is_something_to_take() {
    with("the_descriptor_is_readable_while_there_is_something_to_take", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        let is_readable = |watch: &SysctlWatch, wait: i64| {
            let mut descriptors = [PollFd::new(watch, PollFlags::IN)];
            let wait = Timespec { tv_sec: wait, tv_nsec: 0 };
            rustix::event::poll(&mut descriptors, Some(&wait)).unwrap() > 0
        };
        for value in ["61", "62"] {
            assert!(!is_readable(&watch, 0));
            let mut child = Started(group.command(&format!("sleep 0.1; {}", set(value))).spawn().unwrap());
            assert!(is_readable(&watch, 10), "it wakes up whoever waits");
            assert_eq!(values(&all(&mut watch)), [value]);
            child.0.wait().unwrap();
        }
        assert!(!is_readable(&watch, 0));
    });
}

#[test]
fn the_same_key_of_another_namespace_is_told_apart() {
    with("the_same_key_of_another_namespace_is_told_apart", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        group.run(&set("21"));
        let inode = group.run(&format!("unshare --net sh -ec '{}; stat -Lc %i /proc/self/ns/net'", set("22")));
        let writes = all(&mut watch);
        assert_eq!(values(&writes), ["21", "22"]);
        assert_eq!(writes[1].netns_inode.unwrap().to_string(), inode);
        assert_ne!(writes[0].netns_inode, writes[1].netns_inode);
        assert_ne!(writes[0].netns_cookie, writes[1].netns_cookie);
    });
}

#[test]
fn what_the_kernel_refuses_or_ignores_is_told_as_attempted() {
    with("what_the_kernel_refuses_or_ignores_is_told_as_attempted", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        let before = run("cat", &["/proc/sys/net/ipv4/tcp_fin_timeout"]);
        group.run(&format!("! echo abc >/proc/sys/{FIN}"));
        assert_eq!(values(&all(&mut watch)), ["abc"]);
        assert_eq!(run("cat", &["/proc/sys/net/ipv4/tcp_fin_timeout"]), before);
        // In two halves: the second one is no longer at the beginning.
        group.run(&format!("{{ printf 6; printf 1; }} >/proc/sys/{FIN}"));
        let writes = all(&mut watch);
        let told: Vec<(&str, u32)> =
            values(&writes).into_iter().zip(writes.iter().map(|write| write.position)).collect();
        assert_eq!(told, [("6", 0), ("1", 1)]);
        assert_eq!(run("cat", &["/proc/sys/net/ipv4/tcp_fin_timeout"]).trim(), "6");
    });
}

#[test]
fn names_with_dots_and_long_values_are_told() {
    with("names_with_dots_and_long_values_are_told", |group| {
        run("ip", &["link", "add", "a12345678.4094", "type", "veth", "peer", "name", "p0"]);
        let mut watch = group.watch(DEFAULT_RING);
        group.run("echo 2 >/proc/sys/net/ipv4/conf/a12345678.4094/rp_filter");
        group.run("echo 0 >/proc/sys/net/ipv6/conf/a12345678.4094/ignore_routes_with_linkdown");
        let ports: Vec<String> = (0..300).map(|index| (2000 + 2 * index).to_string()).collect();
        let ports = ports.join(",");
        group.run(&format!("echo {ports} >/proc/sys/net/ipv4/ip_local_reserved_ports"));
        group.run("echo >/proc/sys/net/ipv4/ip_local_reserved_ports");
        let writes = all(&mut watch);
        let keys: Vec<String> = writes.iter().filter_map(SysctlWrite::key).map(|key| key.to_string()).collect();
        assert_eq!(
            keys,
            [
                "net.ipv4.conf.a12345678/4094.rp_filter",
                "net.ipv6.conf.a12345678/4094.ignore_routes_with_linkdown",
                "net.ipv4.ip_local_reserved_ports",
                "net.ipv4.ip_local_reserved_ports",
            ]
        );
        match &writes[2].value {
            Written::Beginning(text) => assert!(text.len() > 200 && ports.starts_with(text), "{text}"),
            other @ (Written::Text(_) | Written::Nothing | Written::Withheld) => panic!("{other:?}"),
        }
        assert_eq!(writes[3].value, Written::Text(String::new()));
    });
}

#[test]
fn secrets_never_leave_the_record() {
    with("secrets_never_leave_the_record", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        group.run("echo 0badcafe-00000001-00000002-00000003 >/proc/sys/net/ipv4/tcp_fastopen_key");
        let writes = all(&mut watch);
        assert_eq!(writes[0].path, "net/ipv4/tcp_fastopen_key");
        assert_eq!(writes[0].value, Written::Withheld);
        assert!(!format!("{writes:?}").contains("badcafe"));
    });
}

#[test]
fn a_full_ring_loses_writes_and_counts_them() {
    with("a_full_ring_loses_writes_and_counts_them", |group| {
        let mut watch = group.watch(4096);
        group.run(&format!("for i in $(seq 100); do {}; done", set("$((20 + i))")));
        let Drained { writes, lost } = watch.drain().unwrap();
        assert!(lost > 0 && !writes.is_empty());
        assert_eq!(writes.len() as u64 + lost, 100);
        let first: Vec<String> = (21..21 + writes.len()).map(|number| number.to_string()).collect();
        assert_eq!(values(&writes), first, "what came first is kept");
        // And it goes on, many times around the ring.
        for round in 0..50 {
            group.run(&format!("{}; {}", set(&(100 + round).to_string()), set(&(200 + round).to_string())));
            assert_eq!(values(&all(&mut watch)), [(100 + round).to_string(), (200 + round).to_string()]);
        }
    });
}

#[test]
fn a_thousand_writes_in_a_row_are_told_in_order_while_they_come() {
    with("a_thousand_writes_in_a_row_are_told_in_order_while_they_come", |group| {
        let mut watch = group.watch(64 << 10);
        let mut child = group
            .command(&format!("i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); {}; done", set("$i")))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut writes = Vec::new();
        let mut lost = 0;
        let start = Instant::now();
        loop {
            let ended = child.try_wait().unwrap().is_some();
            let drained = watch.drain().unwrap();
            writes.extend(drained.writes);
            lost += drained.lost;
            if ended {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60));
        }
        assert_eq!(lost + writes.len() as u64, 1000);
        let numbers: Vec<u32> = values(&writes).iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers.is_sorted());
        assert!(writes.is_sorted_by_key(|write| write.at));
    });
}

/// Ends a process that a test has started when the test ends, however it ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_writer_is_named_while_it_is_there_and_when_it_has_gone() {
    with("a_writer_is_named_while_it_is_there_and_when_it_has_gone", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        let mut writers = Writers::new();
        let name = group.folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut child = Started(group.command(&format!("{}; read line", set("51"))).spawn().unwrap());
        let start = Instant::now();
        let mut writes = all(&mut watch);
        while writes.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(10));
            writes = all(&mut watch);
        }
        let there = writers.of(&writes[0]);
        let shell = fs::read_link(format!("/proc/{}/exe", child.0.id())).unwrap();
        assert_eq!((there.exe.as_ref(), there.gone), (Some(&shell), false));
        assert_eq!(there.cgroup.as_deref(), Some(format!("/{name}").as_str()));
        assert_eq!((there.unit.as_deref(), there.container.as_deref()), (Some(name.as_str()), None));
        assert_eq!((there.user.as_deref(), there.comm.as_deref()), (Some("root"), Some("sh")));
        drop(child.0.stdin.take());
        child.0.wait().unwrap();
        let gone = writers.of(&writes[0]);
        assert_eq!((&gone.exe, gone.gone), (&None, true));
        assert_eq!(
            (&gone.unit, &gone.cgroup, &gone.comm, &gone.user),
            (&there.unit, &there.cgroup, &there.comm, &there.user)
        );
        // Whose cgroup has gone too.
        fs::remove_dir(&group.folder).unwrap();
        assert_eq!(writers.of(&writes[0]).unit, there.unit);
        assert_eq!(Writers::new().of(&writes[0]).unit, None);
        fs::create_dir(&group.folder).unwrap();
    });
}

#[test]
fn a_writer_that_is_not_root_is_named_by_its_user() {
    with("a_writer_that_is_not_root_is_named_by_its_user", |group| {
        let mut watch = group.watch(DEFAULT_RING);
        // Whoever has CAP_NET_ADMIN may write what belongs to a network namespace (net/sysctl_net.c `net_ctl_permissions`).
        group.run(&format!(
            "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +net_admin --ambient-caps +net_admin sh -c '{}'",
            set("52")
        ));
        let writes = all(&mut watch);
        assert_eq!((writes[0].uid, writes[0].gid), (Some(65534), Some(65534)));
        assert_eq!(Writers::new().of(&writes[0]).user.as_deref(), Some("nobody"));
    });
}

/// What a service needs to be allowed, and what it does without.
#[test]
fn three_capabilities_are_enough() {
    with("three_capabilities_are_enough", |group| {
        // A process of its own writes; the thread that watches is left with these alone.
        let cgroup = group.open();
        let own = CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::NET_ADMIN;
        let mut script = group.command(&format!("read line || true; {}", set("53")));
        let mut child = Started(script.spawn().unwrap());
        let before = rustix::thread::capabilities(None).unwrap();
        let left = |effective| CapabilitySets { effective, ..before };
        for missing in [CapabilitySet::BPF, CapabilitySet::NET_ADMIN] {
            rustix::thread::set_capabilities(None, left(own - missing)).unwrap();
            assert!(SysctlWatch::on(cgroup.as_fd(), DEFAULT_RING).is_err(), "{missing:?}");
        }
        rustix::thread::set_capabilities(None, left(own - CapabilitySet::PERFMON)).unwrap();
        let without = SysctlWatch::on(cgroup.as_fd(), DEFAULT_RING).map(|watch| watch.lacks().clone());
        rustix::thread::set_capabilities(None, left(own)).unwrap();
        let mut watch = SysctlWatch::on(cgroup.as_fd(), DEFAULT_RING).unwrap();
        assert!(watch.lacks().is_empty(), "{:?}", watch.lacks());
        drop(child.0.stdin.take());
        child.0.wait().unwrap();
        let writes = all(&mut watch);
        assert_eq!(values(&writes), ["53"]);
        rustix::thread::set_capabilities(None, before).unwrap();
        // Who may not trace the kernel is not told its types nor, on 6.18, the names of threads: left out one by one.
        let lacks = without.unwrap();
        assert!(lacks.contains(&Part::Task), "{lacks:?}");
        assert!(lacks.is_subset(&BTreeSet::from([Part::Task, Part::Comm])), "{lacks:?}");
    });
}

#[test]
fn a_part_that_the_kernel_does_not_take_is_left_out() {
    with("a_part_that_the_kernel_does_not_take_is_left_out", |_| {
        let (ring, lost) = (Map::ring(4096).unwrap(), Map::array(1).unwrap());
        let maps = Maps { ring: &ring, lost: &lost };
        // Not where a pointer is.
        let wrong = Offsets { namespaces: Some(1), network: Some(1), inode: Some(1), ..Offsets::default() };
        let (_, parts) = load(&maps, &wrong).unwrap();
        assert!(!parts.contains(&Part::Task) && parts.len() == 5, "{parts:?}");
        let (_, parts) = load(&maps, &Offsets::default()).unwrap();
        assert_eq!(parts.len(), 5);
        let (_, parts) = load(&maps, &Offsets::of_this_kernel()).unwrap();
        assert_eq!(parts.len(), 6);
    });
}

#[test]
fn what_the_verifier_says_is_told() {
    with("what_the_verifier_says_is_told", |_| {
        let mut asm = assembler::Assembler::default();
        asm.exit();
        let Err(Rejected { source, log }) = bpf::load(program::KIND, &asm.finish().unwrap(), "nothing") else {
            panic!("a program without an answer was taken");
        };
        assert!(log.contains("R0 !read_ok"), "{source}: {log}");
        let error = WatchError::Refused { source, log };
        assert!(error.to_string().contains("\n    "), "{error}");
    });
}

#[test]
fn helpers_that_the_verifier_refuses_are_found_in_its_words() {
    let old = "0: (85) call bpf_get_current_pid_tgid#14\nunknown func bpf_get_current_pid_tgid#14\nprocessed 5 insns";
    let new = "program of this type cannot use helper bpf_get_current_task_btf#158\nprocessed 9 insns (limit 1000000)";
    assert_eq!(refused_part(old), Some(Part::Process));
    assert_eq!(refused_part(new), Some(Part::Task));
    for other in
        ["", "R0 !read_ok", "unknown func bpf_map_lookup_elem#1", "unknown func #", "unknown func bpf_x#99999999999"]
    {
        assert_eq!(refused_part(other), None, "{other}");
    }
}

#[test]
fn a_ring_that_is_none_is_refused() {
    with("a_ring_that_is_none_is_refused", |group| {
        for bytes in [0, 1, 4097, 12_288] {
            let error = SysctlWatch::on(group.open().as_fd(), bytes).unwrap_err();
            assert!(matches!(error, WatchError::Map { .. }), "{bytes}: {error}");
        }
        let nowhere = fs::File::open("/proc/self/mounts").unwrap();
        let error = SysctlWatch::on(nowhere.as_fd(), DEFAULT_RING).unwrap_err();
        assert!(matches!(error, WatchError::Attach(_)), "{error}");
    });
}
