//! Writes to sysctls, heard of by the daemon as they are attempted: what drifts is back at once, whoever wrote is named, and no
//! storm of them does any harm.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value as Json;
use trimtab_kernel::file;

use crate::watch::Daemon;
use crate::world::World;

const FIN: &str = "net.ipv4.tcp_fin_timeout";
const SACK: &str = "net.ipv4.tcp_sack";
const FILE: &str = "/proc/sys/net/ipv4/tcp_fin_timeout";

/// A storm fills the rings of all daemons of the machine, whichever namespace it is in: who is lost in it is not named.
static STORM: RwLock<()> = RwLock::new(());

fn calm() -> RwLockReadGuard<'static, ()> {
    STORM.read().unwrap_or_else(PoisonError::into_inner)
}

/// A world in which nothing is looked at for an hour, unless something is heard of.
fn world(breaker: &str) -> Option<World> {
    let world = World::new()?;
    world.profile(
        "p",
        "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = { value = 0, on-drift = 'report' }\n",
    );
    world.write("host.toml", format!("profiles = ['p']\n[drift]\nread-back = '1h'\nbreaker = '{breaker}'\n"));
    Some(world)
}

/// With no regular look for an hour: it is the write itself that is heard of.
#[test]
fn a_write_is_heard_of_and_its_writer_named() {
    let Some(world) = world("off") else { return };
    let _calm = calm();
    let daemon = Daemon::start(&world);
    // Twenty in a row, each put back.
    for timeout in 100..120 {
        world.sh(&format!("sysctl -qw net.ipv4.tcp_fin_timeout={timeout}"));
        daemon.until(FIN, "33");
    }
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "drifted");
    assert_eq!(told["writer"]["comm"], "sysctl", "{told}\n{}", daemon.log());
    assert_eq!(told["writer"]["uid"].as_u64(), Some(0), "{told}");
    // Through a procfs of its own and as process 1 of its own world, as a container does it.
    let script = "exec sh -c 'echo 77 >/proc/sys/net/ipv4/tcp_fin_timeout'";
    world.sh(&format!("unshare --mount --pid --fork --mount-proc sh -c \"{script}\""));
    daemon.until(FIN, "33");
    daemon.until_so("77 is told", || {
        daemon.events().iter().any(|event| event["found"] == 77 && event["writer"]["comm"] == "sh")
    });
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    let told = daemon.told("sysctl:net.ipv4.tcp_sack", "reported");
    assert_eq!(told["writer"]["comm"], "sysctl", "{told}");
    world.trimtab(&["history", SACK]).exits(0).says(&["by sysctl["]);
    // The same key of another namespace is none of this one's business.
    let before = daemon.events().len();
    world.sh("unshare --net sysctl -qw net.ipv4.tcp_fin_timeout=55");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(daemon.events().len(), before);
    // What the kernel refuses is no drift, and is told once, however often it is tried.
    world.sh("! sysctl -qw net.ipv4.tcp_fin_timeout=abc 2>&1");
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "attempted");
    assert_eq!((&told["wrote"], &told["found"]), (&Json::from("abc"), &Json::from(33)), "{told}");
    world.sh("! sysctl -qw net.ipv4.tcp_fin_timeout=abc 2>&1");
    world.trimtab(&["history", FIN]).exits(0).says(&["written in vain: \"abc\" for 33, by sysctl["]);
    let attempts = daemon.events().into_iter().filter(|event| event["what"] == "attempted").count();
    assert_eq!(attempts, 1);
    daemon.ends();
}

/// One behind the other, each as soon as the one before is put back.
#[test]
fn no_write_of_many_is_missed() {
    let Some(world) = world("off") else { return };
    let _calm = calm();
    let daemon = Daemon::start(&world);
    let writer = world.thread(|| {
        let mut longest = Duration::ZERO;
        for number in 0..300 {
            let start = Instant::now();
            OpenOptions::new()
                .write(true)
                .open(FILE)
                .unwrap()
                .write_all(format!("{}", 100 + number).as_bytes())
                .unwrap();
            while file::read_line(Path::new(FILE)).unwrap().trim() != "33" {
                assert!(start.elapsed() < Duration::from_secs(30), "write {number} is missed");
                std::thread::sleep(Duration::from_micros(100));
            }
            longest = longest.max(start.elapsed());
        }
        longest
    });
    writer.join().unwrap();
    let told = daemon.events().into_iter().filter(|event| event["what"] == "drifted").count();
    assert_eq!(told, 300);
    daemon.ends();
}

#[test]
fn a_storm_ends_contended_and_is_over_some_time() {
    let Some(world) = world("3/2s") else { return };
    let _alone = STORM.write().unwrap_or_else(PoisonError::into_inner);
    let daemon = Daemon::start(&world);
    let enough = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&enough);
    let writer = world.thread(move || {
        let mut file = OpenOptions::new().write(true).open(FILE).unwrap();
        let mut number = 0;
        while number < 100_000 || !until.load(Ordering::Relaxed) {
            // Each at the start of the file: the kernel ignores what is written further on.
            std::io::Seek::rewind(&mut file).unwrap();
            file.write_all(if number % 2 == 0 { b"98" } else { b"99" }).unwrap();
            number += 1;
        }
    });
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "contended");
    enough.store(true, Ordering::Relaxed);
    assert!(told["writer"]["pid"].as_u64() == Some(u64::from(std::process::id())), "{told}");
    writer.join().unwrap();
    daemon.until(FIN, "33");
    let of = |file: &str| {
        let path = format!("/proc/{}/{file}", daemon.process.id());
        String::from_utf8(file::read(Path::new(&path), 1 << 16).unwrap()).unwrap()
    };
    let status = of("status");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(most < 100_000, "{most} kB");
    // In hundredths of a second: user and system.
    let stat = of("stat");
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let spent: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    assert!(spent < 1000, "{spent} hundredths of a second of a processor");
    assert!(daemon.events().len() < 60, "{}", daemon.log());
    daemon.ends();
}

#[test]
fn where_the_program_is_refused_it_says_so_and_looks_regularly() {
    let Some(world) = world("off") else { return };
    let _calm = calm();
    world.write("host.toml", "profiles = ['p']\n[drift]\nread-back = '1s'\n");
    let run = world.trimtab_command(&["run", "--verbose"]);
    let mut command = world.command("setpriv");
    command.args(["--bounding-set=-bpf,-sys_admin,-perfmon", "--"]).arg(run.get_program()).args(run.get_args());
    let daemon = Daemon::start_with(&world, command);
    assert!(daemon.log().contains("writes to sysctls are not heard of"), "{}", daemon.log());
    world.trimtab(&["status"]).exits(0).says(&["not by bpf: bpf(2): "]);
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "33");
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "drifted");
    assert!(told.get("writer").is_none(), "{told}");
    daemon.ends();
}
