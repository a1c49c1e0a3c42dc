//! `trimtab run` against the real kernel: what drifts is put back, reported or left; profiles are read anew; and it ends
//! when it is told to.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use serde_json::Value as Json;
use trimtab_kernel::file;

use crate::netns::Named;
use crate::world::World;

/// Longer than anything here takes on a machine under load.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The daemon of a world; killed when it is dropped.
pub struct Daemon<'a> {
    world: &'a World,
    pub process: Child,
    manager: UnixDatagram,
}

impl<'a> Daemon<'a> {
    /// Starts it and waits until it says that it is ready.
    pub fn start(world: &'a World) -> Daemon<'a> {
        Daemon::start_with(world, world.trimtab_command(&["run", "--verbose"]))
    }

    pub fn start_with(world: &'a World, mut command: Command) -> Daemon<'a> {
        let socket = world.path("notify");
        let _ = std::fs::remove_file(&socket);
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = std::fs::File::create(world.path("log")).unwrap();
        let process = command.env("NOTIFY_SOCKET", &socket).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let daemon = Daemon { world, process, manager };
        daemon.hears("READY=1");
        daemon
    }

    /// Waits for a message to the service manager that holds this; gives it.
    #[track_caller]
    pub fn hears(&self, part: &str) -> String {
        loop {
            let mut buffer = [0; 4096];
            let count =
                self.manager.recv(&mut buffer).unwrap_or_else(|error| panic!("no {part}: {error}\n{}", self.log()));
            let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if message.contains(part) {
                return message;
            }
        }
    }

    pub fn log(&self) -> String {
        text(&self.world.path("log")).unwrap()
    }

    /// Waits until a key holds this.
    #[track_caller]
    pub fn until(&self, key: &str, value: &str) {
        self.until_so(&format!("{key} = {value}"), || self.world.sysctl(key) == value);
    }

    #[track_caller]
    pub fn until_so(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < PATIENCE, "never: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this was told of an address; gives the line.
    #[track_caller]
    pub fn told(&self, address: &str, what: &str) -> Json {
        let found = || self.events().into_iter().find(|event| event["address"] == address && event["what"] == what);
        self.until_so(&format!("{address} {what}"), || found().is_some());
        found().unwrap()
    }

    pub fn events(&self) -> Vec<Json> {
        let path = self.world.state().map(|state| state.join("events"));
        let text = path.and_then(|path| text(&path).ok()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Tells it to end; it must, without an error.
    pub fn ends(mut self) {
        self.signal(Signal::TERM);
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it goes on\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0), "{}", self.log());
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A whole file.
pub fn text(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8(file::read(path, 1 << 24)?).unwrap())
}

const FIN: &str = "net.ipv4.tcp_fin_timeout";
const SACK: &str = "net.ipv4.tcp_sack";

/// A world whose host file names the profile `p` and has it looked at every second.
pub fn world(profile: &str, host: &str) -> Option<World> {
    let world = World::new()?;
    world.profile("p", profile);
    world.write("host.toml", format!("profiles = ['p']\n{host}\n[drift]\nread-back = '1s'\n"));
    Some(world)
}

#[test]
fn what_drifts_is_put_back_and_everything_is_told() {
    let profile = "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = { value = 0, on-drift = 'report' }\nnet.ipv4.ip_forward = 0\n";
    let Some(world) = world(profile, "") else { return };
    let daemon = Daemon::start(&world);
    assert_eq!(world.sysctl(FIN), "33", "ready means applied");
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "33");
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "put-back");
    assert_eq!((&told["found"], told["version"].as_u64()), (&Json::from(99), Some(1)));
    world.sh("sysctl -qw net.ipv4.tcp_sack=1 net.ipv4.ip_forward=1");
    daemon.told("sysctl:net.ipv4.tcp_sack", "reported");
    let routing = daemon.told("sysctl:net.ipv4.ip_forward", "reported");
    assert!(routing["disrupts"].as_str().unwrap().contains("routing"), "{routing}");
    // Not even when interfaces come, and all is worked out anew.
    world.sh("ip link add v0 type veth peer name v1; sysctl -qw net.ipv4.tcp_fin_timeout=98");
    daemon.until(FIN, "33");
    assert_eq!((world.sysctl(SACK), world.sysctl("net.ipv4.ip_forward")), ("1".into(), "1".into()));
    daemon.ends();
    world.trimtab(&["history", FIN]).exits(0).says(&["drifted: found 99, want 33", "put back from 98"]);
    let told = world.trimtab(&["history", "--json"]).exits(0).json();
    assert!(told["events"].as_array().unwrap().iter().any(|event| event["address"] == "sysctl:net.ipv4.ip_forward"));
    // What is in force stays, and can be undone by anybody.
    assert_eq!(world.sysctl(FIN), "33");
    world.trimtab(&["revert"]);
    assert_eq!(world.sysctl(FIN), "60");
}

#[test]
fn a_fight_ends_contended() {
    let host = "";
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", host) else { return };
    let daemon = Daemon::start(&world);
    for _ in 0..3 {
        world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
        daemon.until(FIN, "33");
    }
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    let told = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "contended");
    assert_eq!(told["retry_in"].as_u64(), Some(600));
    daemon.hears("1 contended");
    assert_eq!(world.sysctl(FIN), "99");
    daemon.ends();
}

#[test]
fn interfaces_that_come_get_what_is_wanted_of_them() {
    let Some(world) = world("[sysctl]\nnet.ipv4.conf.\"v*\".rp_filter = 2\n", "unmanaged = []") else { return };
    let daemon = Daemon::start(&world);
    world.sh("ip link add v0 type veth peer name w0");
    daemon.until("net.ipv4.conf.v0.rp_filter", "2");
    world.sh("ip link set v0 name v7");
    world.sh("sysctl -qw net.ipv4.conf.v7.rp_filter=0");
    daemon.until("net.ipv4.conf.v7.rp_filter", "2");
    assert_eq!(world.sysctl("net.ipv4.conf.w0.rp_filter"), "0");
    daemon.ends();
}

/// Nothing is looked at for an hour, unless something tells of a change.
#[test]
fn changes_of_devices_queueing_disciplines_rules_and_forwarding_are_heard_of() {
    let Some(world) = World::new() else { return };
    world.profile(
        "p",
        "[[notrack]]\ninterfaces = 'eth*'\nprotocol = 'udp'\nports = [53]\n[sysctl]\nnet.ipv4.conf.all.forwarding = 1\n\
         [[link]]\nmatch = 'v0'\nmtu = 1400\nfeatures = { gro = true }\nqdisc.bfifo.limit = '64kb'\n",
    );
    world.write("host.toml", "profiles = ['p']\n[drift]\nread-back = '1h'\n");
    world.sh("ip link add v0 type veth peer name v1");
    let daemon = Daemon::start(&world);
    for (change, address) in [
        ("ethtool -K v0 gro off", "link:v0/feature/rx-gro"),
        ("tc qdisc change dev v0 root handle 7474: bfifo limit 32kb", "tc:v0/root"),
        ("ip link set v0 mtu 1300", "link:v0/mtu"),
        ("nft delete table inet trimtab", "nft:trimtab/notrack"),
        ("sysctl -qw net.ipv4.conf.all.forwarding=0", "sysctl:net.ipv4.ip_forward"),
    ] {
        world.sh(change);
        daemon.until_so(address, || daemon.events().iter().any(|event| event["address"] == address));
    }
    daemon.ends();
}

#[test]
fn profiles_are_read_anew_and_invalid_ones_change_nothing() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = 0\n", "") else { return };
    // As `current` releases do it: the file is behind a symlink that is turned to another folder.
    for (release, timeout) in [("one", 40), ("two", 41)] {
        std::fs::create_dir(world.path(release)).unwrap();
        world.write(&format!("{release}/p.toml"), format!("[sysctl]\nnet.ipv4.tcp_fin_timeout = {timeout}\n"));
    }
    let daemon = Daemon::start(&world);
    assert_eq!((world.sysctl(FIN), world.sysctl(SACK)), ("33".into(), "0".into()));
    let turn = |release: &str| {
        symlink(format!("../{release}/p.toml"), world.path("profiles/.new")).unwrap();
        std::fs::rename(world.path("profiles/.new"), world.path("profiles/p.toml")).unwrap();
    };
    turn("one");
    daemon.until(FIN, "40");
    assert_eq!(world.sysctl(SACK), "1", "what left the profile is as it was");
    turn("two");
    daemon.until(FIN, "41");
    // In the place that the symlink leads to.
    world.write("two/p.toml", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 42\n");
    daemon.until(FIN, "42");
    world.write("two/p.toml", "[sysctl]\nnet.ipv4.tcp_fin_timeot = 43\nx y\n");
    let status = daemon.hears("degraded");
    assert!(status.contains("the settings have errors"), "{status}");
    assert!(daemon.log().contains("p.toml:"), "{}", daemon.log());
    assert_eq!(world.sysctl(FIN), "42");
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "42");
    world.write("two/p.toml", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 44\n");
    daemon.until(FIN, "44");
    daemon.hears("STATUS=watching");
    daemon.ends();
}

/// Its folder is not there when the daemon starts, nor is the one above; nothing tells of these.
#[test]
fn a_folder_of_profiles_that_comes_later_is_found_at_the_next_look() {
    let Some(world) = World::new() else { return };
    world.write("host.toml", "profiles = ['base']\n[drift]\nread-back = '1s'\n");
    let folder = world.path("later/profiles");
    let mut command = world.trimtab_command(&["run", "--verbose", "--profile-path"]);
    command.arg(&folder);
    let daemon = Daemon::start_with(&world, command);
    assert_ne!(world.sysctl(FIN), "33");
    std::fs::create_dir_all(world.path("new/profiles")).unwrap();
    world.write("new/profiles/base.toml", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n");
    std::fs::rename(world.path("new"), world.path("later")).unwrap();
    daemon.until(FIN, "33");
    daemon.ends();
}

/// The boot is another one for the state on disk only: its values, and its journal, went with it.
#[test]
fn started_with_an_invalid_profile_it_runs_what_was_in_force_last() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "") else { return };
    let reboot = || {
        world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=60; rm -f state/*/journal");
        world.sh("sed -i 's/\"boot_id\": *\"[^\"]*\"/\"boot_id\": \"another\"/' state/*/applied");
    };
    world.trimtab(&["apply"]).exits(0);
    reboot();
    world.trimtab(&["status"]).exits(0).says(&["nothing in this boot"]);
    world.profile("p", "[sysctl]\nnet.ipv4.tcp_fin_timeot 3");
    // Who only observes writes nothing, whatever was once in force.
    world.write("host.toml", "profiles = ['p']\nmode = 'observe'\n");
    let daemon = Daemon::start(&world);
    assert_eq!(world.sysctl(FIN), "60");
    daemon.ends();
    world.write("host.toml", "profiles = ['p']\n[drift]\nread-back = '1s'\n");
    let daemon = Daemon::start(&world);
    assert_eq!(world.sysctl(FIN), "33", "{}", daemon.log());
    daemon.hears("degraded");
    assert!(daemon.log().contains("in force again"), "{}", daemon.log());
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "33");
    world.trimtab(&["status"]).exits(0).says(&["! degraded", "the settings have errors", "profile p, 1 settings"]);
    world.profile("p", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 44\n");
    daemon.until(FIN, "44");
    daemon.hears("STATUS=watching");
    daemon.ends();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl(FIN), "60");
}

#[test]
fn at_its_end_what_was_there_before_comes_back_if_that_is_asked_for() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "on-stop = 'revert'") else { return };
    for _ in 0..2 {
        let daemon = Daemon::start(&world);
        assert_eq!(world.sysctl(FIN), "33", "its end is no pause");
        daemon.ends();
        assert_eq!(world.sysctl(FIN), "60");
    }
    world.trimtab(&["status"]).exits(0).says(&["nothing in this boot", "changed: 0 values"]);
}

/// To stop the writing is what one does when a profile is broken.
#[test]
fn what_the_host_file_says_of_watching_holds_while_a_profile_is_invalid() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "") else { return };
    let daemon = Daemon::start(&world);
    world.profile("p", "x y\n");
    daemon.hears("degraded");
    world.write("host.toml", "profiles = ['p']\nmode = 'observe'\n[drift]\nread-back = '1s'\n");
    let applied_anew = || daemon.log().matches("files of profiles changed").count();
    daemon.until_so("read anew", || applied_anew() >= 2);
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(world.sysctl(FIN), "99", "{}", daemon.log());
    daemon.ends();
}

#[test]
fn sighup_applies_anew_and_says_so() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = { value = 33, on-drift = 'report' }\n", "") else {
        return;
    };
    let daemon = Daemon::start(&world);
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "reported");
    daemon.signal(Signal::HUP);
    assert!(daemon.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    daemon.hears("READY=1");
    daemon.until(FIN, "33");
    daemon.ends();
}

#[test]
fn a_host_that_only_observes_is_told_and_not_written() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "mode = 'observe'") else { return };
    let before = world.all_sysctls();
    let daemon = Daemon::start(&world);
    daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "reported");
    assert_eq!(world.differences(&before), Vec::<String>::new());
    daemon.ends();
}

#[test]
fn one_shots_work_beside_it() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "") else { return };
    let daemon = Daemon::start(&world);
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl(FIN), "60");
    daemon.hears("STATUS=paused");
    // Some looks later it is still so, whatever comes: nothing is in force.
    world.sh("ip link add v0 type veth peer name v1");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(world.sysctl(FIN), "60");
    world.trimtab(&["apply"]).exits(0);
    daemon.hears("STATUS=watching");
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "33");
    // A trial is left alone, and ended by whoever made it.
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "1m"]).exits(5);
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(world.sysctl(SACK), "0");
    world.trimtab(&["confirm"]).exits(0);
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    daemon.until(SACK, "0");
    daemon.ends();
}

#[test]
fn what_cannot_be_applied_is_not_tried_with_each_look() {
    // Refused by the kernel: the value of another in the same set is undone each time.
    let profile = "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n\"net.ipv4.tcp_congestion_control\" = 'reno'\nnet.ipv4.tcp_available_ulp = 'x'\n";
    let Some(world) = world(profile, "") else { return };
    let daemon = Daemon::start(&world);
    for number in 0..5 {
        world.sh(&format!("ip link add v{number} type veth peer name w{number}"));
        std::thread::sleep(Duration::from_millis(500));
    }
    let applied = daemon.log().matches("INFO wrote").count();
    assert!(applied <= 4, "{}", daemon.log());
    daemon.ends();
}

/// As another namespace is watched: by a daemon of its own.
#[test]
fn a_namespace_is_watched_by_its_name() {
    let name = format!("trimtab-watch-{}", std::process::id());
    let host = format!("[namespace.{name}]\nprofiles = ['p']\n");
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", &host) else { return };
    // `ip netns` names what the world is already in.
    world.sh(&format!("ip netns attach {name} $$"));
    let _goes_with_the_test = Named(name.clone());
    let command = world.trimtab_command(&["--netns", &name, "run", "--verbose"]);
    let daemon = Daemon::start_with(&world, command);
    assert_eq!(world.sysctl(FIN), "33");
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99; ip link add v0 type veth peer name v1");
    daemon.until(FIN, "33");
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
    daemon.ends();
}

#[test]
fn killed_half_way_it_leaves_nothing_behind_that_the_next_does_not_mend() {
    let Some(world) = world("[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n", "") else { return };
    let mut daemon = Daemon::start(&world);
    daemon.process.kill().unwrap();
    daemon.process.wait().unwrap();
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    let daemon = Daemon::start(&world);
    assert_eq!(world.sysctl(FIN), "33");
    daemon.ends();
    world.trimtab(&["revert"]).exits(0);
    assert_eq!(world.sysctl(FIN), "60");
}
