//! The socket of the daemon: who may speak, what is said, and that commands are carried out by it as if they did it
//! themselves.

use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use crate::watch::Daemon;
use crate::watch::world;
use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;
use crate::world::obeys_its_schema;

const FIN: &str = "net.ipv4.tcp_fin_timeout";
const SACK: &str = "net.ipv4.tcp_sack";
const PROFILE: &str = "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\n";

fn socket(world: &World) -> PathBuf {
    let entries = std::fs::read_dir(world.path("run")).unwrap().map(|entry| entry.unwrap().path());
    let is_its = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("netns-");
    let is_socket = |path: &PathBuf| path.extension().is_some_and(|end| end == "sock");
    let sockets: Vec<PathBuf> = entries.filter(|path| is_its(path) && is_socket(path)).collect();
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    sockets[0].clone()
}

fn connected(world: &World) -> UnixStream {
    let stream = UnixStream::connect(socket(world)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// All that is answered to these bytes.
fn answers(mut stream: UnixStream, bytes: &[u8]) -> Vec<Json> {
    stream.write_all(bytes).unwrap();
    rest(&mut stream)
}

fn rest(stream: &mut UnixStream) -> Vec<Json> {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter().for_each(obeys_its_schema);
    lines
}

#[test]
fn status_asks_the_daemon_and_does_without() {
    let profile = "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = { value = 0, on-drift = 'report' }\nnet.ipv4.tcp_no_such = 1\n";
    let Some(world) = world(profile, "") else { return };
    let status = world.trimtab(&["status"]).exits(0).says(&["daemon: none"]);
    assert!(!status.out.contains("watching,"), "{}", status.out);
    let daemon = Daemon::start(&world);
    let path = socket(&world);
    let there = path.metadata().unwrap();
    assert!(there.file_type().is_socket());
    assert_eq!(there.mode() & 0o777, 0o600, "root only");
    let pid = daemon.process.id();
    world.trimtab(&["status"]).exits(0).says(&[&format!("daemon: watching, pid {pid}, "), "tcp_no_such"]);
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    daemon.told("sysctl:net.ipv4.tcp_sack", "reported");
    let told = world.trimtab(&["status"]).exits(0);
    told.says(&["! sysctl:net.ipv4.tcp_sack has drifted and is left: found 1", "looked at 3 settings"]);
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    assert_eq!(status["daemon"]["drifted"][0]["address"], "sysctl:net.ipv4.tcp_sack");
    assert_eq!((&status["daemon"]["state"], &status["daemon"]["pid"]), (&json!("watching"), &json!(pid)));
    assert_eq!(status["daemon"]["sources"]["links"]["on"], true);
    assert!(status["daemon"]["sources"]["read-back"]["seen"].as_u64().unwrap() > 0, "{status:#}");
    daemon.ends();
    assert!(!path.exists(), "it goes with the daemon");
    world.trimtab(&["status"]).exits(0).says(&["daemon: none", "in force: profile p"]);
}

#[test]
fn what_is_no_request_is_refused_and_keeps_nobody_waiting() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    let refused = |bytes: &[u8], why: &str| {
        let answers = answers(connected(&world), bytes);
        let [answer] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((&answer["reply"]["type"], &answer["reply"]["exit"]), (&json!("refused"), &json!(64)));
        assert!(answer["reply"]["error"].as_str().unwrap().contains(why), "{answer}");
    };
    refused(b"\n", "no request");
    refused(b"\xff\xfe\x00\n", "no request");
    refused(b"GET / HTTP/1.1\r\n\r\n", "no request");
    refused(b"{\"document\":\"trimtab.request\",\"version\":9,\"ask\":{\"verb\":\"dance\"}}\n", "version 9");
    refused(b"{\"document\":\"trimtab.request\",\"version\":1,\"ask\":{\"verb\":\"dance\"}}\n", "dance");
    // Half of one, and its end.
    let mut stream = connected(&world);
    stream.write_all(b"{\"document\":").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let half = rest(&mut stream);
    assert!(half[0]["reply"]["error"].as_str().unwrap().contains("before its line does"), "{half:?}");
    // Half of one, and nothing; and many who say nothing at all.
    let mut silent: Vec<UnixStream> = (0..16).map(|_| connected(&world)).collect();
    silent[0].write_all(b"{\"document\":").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut one_more = connected(&world);
    let busy = rest(&mut one_more);
    assert_eq!(busy[0]["reply"]["exit"], 75, "{busy:?}");
    // The daemon goes on meanwhile.
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "33");
    for stream in &mut silent {
        let slow = rest(stream);
        assert!(slow[0]["reply"]["error"].as_str().unwrap().contains("within 5 s"), "{slow:?}");
    }
    // And one that goes away without its answer.
    let mut gone = connected(&world);
    gone.write_all(b"{\"document\":\"trimtab.request\",\"version\":1,\"ask\":{\"verb\":\"status\"}}\n").unwrap();
    drop(gone);
    let answers = answers(
        connected(&world),
        b"{\"document\":\"trimtab.request\",\"version\":1,\"ask\":{\"verb\":\"status\"}}\nwhat follows is not read",
    );
    assert_eq!(answers[0]["reply"], json!({"type": "accepted", "pid": daemon.process.id()}));
    assert_eq!(answers[1]["reply"]["status"]["state"], "watching");
    daemon.ends();
}

#[test]
fn commands_are_carried_out_by_the_daemon_for_who_asks() {
    let Some(world) = world(PROFILE, "") else { return };
    // What they say without one.
    let alone = world.trimtab(&["apply"]).exits(0).out;
    let again = world.trimtab(&["apply"]).exits(0).out;
    let reverted = world.trimtab(&["revert"]).exits(0).out;
    let daemon = Daemon::start(&world);
    let pid = daemon.process.id();
    // But for the name of the plan, which is of its moment, they say the same with one.
    let tail = |text: &str| text.split_once("  ").unwrap().1.to_owned();
    assert_eq!(tail(&world.trimtab(&["apply"]).exits(0).out), tail(&again));
    let told = world.trimtab(&["revert"]).exits(0);
    assert_eq!(tail(&told.out), tail(&reverted));
    assert_eq!(world.sysctl(FIN), "60");
    let mut command = world.command("sh");
    command.args(["-c", "\"$@\"; exit $?", "sh", TRIMTAB]).args(world.options());
    command.args(["apply"]).env("SUDO_USER", "alice");
    assert_eq!(tail(&Told::of(command).exits(0).out), tail(&alone));
    assert_eq!(world.sysctl(FIN), "33");
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    let caller = &status["in_force"]["caller"];
    assert_eq!((&caller["parent"], &caller["sudo_user"]), (&json!("sh"), &json!("alice")));
    assert_ne!(caller["pid"], pid, "who asked, not who did it");
    let document = world.trimtab(&["apply", "--json"]).exits(0).json();
    assert_eq!(document["outcome"], "nothing-to-do");
    // Nothing that only this process would know.
    let wrote = daemon.log().matches("INFO wrote").count();
    assert!(wrote >= 3, "the daemon wrote\n{}", daemon.log());
    // What fails fails here as there, with its place and its words.
    let bad = world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=maybe"]).exits(65);
    bad.complains(&["--set", "the settings have errors"]);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=maybe", "--json"]).exits(65).json();
    world.trimtab(&["revert", SACK]).exits(1).complains(&["trimtab has not changed it"]);
    world.trimtab(&["confirm"]).exits(1).complains(&["nothing awaits a confirmation"]);
    // Warnings too.
    world.profile("p", &format!("{PROFILE}net.ipv4.tcp_no_such = 1\n"));
    let warned = world.trimtab(&["apply"]).exits(3);
    warned.complains(&["warning[unknown-key]", "p.toml:3"]);
    // A plan that was saved is read by who asks.
    let plan = world.trimtab(&["plan", "--json"]).out;
    world.write("plan.json", plan);
    let path = world.path("plan.json");
    world.trimtab(&["apply", "--plan", path.to_str().unwrap()]).exits(3).says(&["nothing written"]);
    daemon.ends();
}

#[test]
fn other_roles_and_other_files_are_refused_while_a_daemon_is_there() {
    let Some(world) = world(PROFILE, "") else { return };
    let other = "[sysctl]\nnet.ipv4.tcp_sack = 0\n";
    world.profile("other", other);
    let plan = world.trimtab(&["plan", "other", "--json"]).exits(2).out;
    world.write("plan.json", plan);
    let daemon = Daemon::start(&world);
    let path = world.path("plan.json");
    for arguments in [&["apply", "other"][..], &["apply", "--plan", path.to_str().unwrap()]] {
        let told = world.trimtab(arguments).exits(1);
        told.complains(&["a daemon (pid", "(p)", "(other)", "host.toml", "nothing was done"]);
    }
    assert_eq!(world.sysctl(SACK), "1");
    world.trimtab(&["apply", "p"]).exits(0);
    let mut options = world.options();
    options[5] = world.path("elsewhere").to_str().unwrap().to_owned();
    let mut command = world.command(TRIMTAB);
    command.args(options).arg("apply");
    Told::of(command).exits(64).complains(&["goes by other files", "--state-dir"]);
    assert!(!world.path("elsewhere").exists());
    // What only adds to the roles is put in force, and shown as what it is.
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    assert_eq!((world.sysctl(FIN), world.sysctl(SACK)), ("33".into(), "0".into()));
    daemon.until_so("other", || world.trimtab(&["status"]).out.contains("watching what others put in force"));
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    daemon.until(SACK, "0");
    world.trimtab(&["apply"]).exits(0);
    assert_eq!(world.sysctl(SACK), "1");
    world.trimtab(&["status"]).exits(0).says(&["daemon: watching"]);
    daemon.ends();
}

#[test]
fn a_revert_pauses_the_daemon_until_the_next_apply_whatever_comes() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    world.trimtab(&["revert"]).exits(0);
    daemon.hears("STATUS=paused");
    world.trimtab(&["status"]).exits(0).says(&["? paused", "reverted on 20", "by uid 0", "in force: nothing"]);
    // A changed profile, a signal, a new start.
    world.profile("p", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 34\n");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(world.sysctl(FIN), "60");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.hears("READY=1");
    assert_eq!(world.sysctl(FIN), "60");
    daemon.ends();
    let daemon = Daemon::start(&world);
    daemon.hears("STATUS=paused");
    assert_eq!(world.sysctl(FIN), "60");
    world.trimtab(&["apply"]).exits(0);
    assert_eq!(world.sysctl(FIN), "34");
    daemon.hears("STATUS=watching");
    daemon.ends();
    let daemon = Daemon::start(&world);
    assert!(daemon.hears("STATUS=").contains("watching"));
    // Of one value: the rest is watched on.
    world.profile("p", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 34\nnet.ipv4.tcp_sack = 0\n");
    daemon.until(SACK, "0");
    world.trimtab(&["revert", SACK]).exits(0);
    world.sh("ip link add v0 type veth peer name v1; sysctl -qw net.ipv4.tcp_fin_timeout=99");
    daemon.until(FIN, "34");
    assert_eq!(world.sysctl(SACK), "1");
    daemon.ends();
}

#[test]
fn a_trial_of_the_daemon_is_confirmed_ended_or_over() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "60s"]).exits(5);
    world.trimtab(&["apply"]).exits(5).complains(&["a trial awaits its confirmation"]);
    world.trimtab(&["revert", "--trial"]).exits(0).says(&["the trial is over: 1 restored"]);
    assert_eq!((world.sysctl(FIN), world.sysctl(SACK)), ("33".into(), "1".into()));
    world.trimtab(&["status"]).exits(0).says(&["daemon: watching"]);
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "1s"]).exits(5);
    daemon.until(SACK, "1");
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0", "--confirm-within", "60s"]).exits(5);
    world.trimtab(&["confirm", "--json"]).exits(0).json();
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    daemon.until(SACK, "0");
    daemon.ends();
}

#[test]
fn there_is_one_daemon_and_its_socket_comes_back() {
    let Some(world) = world(PROFILE, "") else { return };
    let mut daemon = Daemon::start(&world);
    world.trimtab(&["run"]).exits(75).complains(&["daemon.lock is locked by", &daemon.process.id().to_string()]);
    world.sh("rm -r run");
    daemon.until_so("the socket is back", || {
        world.path("run").exists() && world.trimtab(&["status"]).out.contains("pid")
    });
    // One that dies leaves its socket behind: nobody listens, so each does it alone.
    daemon.process.kill().unwrap();
    daemon.process.wait().unwrap();
    assert!(socket(&world).exists());
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    assert_eq!(world.sysctl(SACK), "0");
    world.trimtab(&["status"]).exits(0).says(&["daemon: none"]);
    let daemon = Daemon::start(&world);
    world.trimtab(&["status"]).exits(0).says(&["daemon: watching"]);
    daemon.ends();
}

/// Whoever gave up waiting was told that nothing was done.
#[test]
fn who_has_gone_before_the_request_was_accepted_gets_nothing_done() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    let mut client = connected(&world);
    let options = world.options();
    let place = |name: &str| &options[options.iter().position(|option| option == name).unwrap() + 1];
    let places = json!({
        "config": place("--config"), "profile_path": [place("--profile-path")], "state_dir": place("--state-dir"),
    });
    let ask = json!({ "verb": "revert", "manner": { "places": places, "wait": 1000 } });
    let request = json!({ "document": "trimtab.request", "version": 1, "ask": ask });
    daemon.signal(rustix::process::Signal::STOP);
    client.write_all(format!("{request}\n").as_bytes()).unwrap();
    drop(client);
    daemon.signal(rustix::process::Signal::CONT);
    // Of one who waits, the same is done; what came before was refused by then.
    world.trimtab(&["status"]).exits(0).says(&["daemon: watching"]);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(world.sysctl(FIN), "33", "{}", daemon.log());
    let answers = answers(connected(&world), format!("{request}\n").as_bytes());
    assert_eq!(answers.last().unwrap()["reply"]["exit"], 0, "{answers:?}");
    assert_ne!(world.sysctl(FIN), "33");
    daemon.ends();
}

/// A service manager ends a daemon that says nothing, however busy others keep it.
#[test]
fn the_watchdog_is_fed_however_often_the_daemon_is_asked() {
    let Some(world) = World::new() else { return };
    world.profile("p", PROFILE);
    world.write("host.toml", "profiles = ['p']\n[drift]\nread-back = '1h'\n");
    let mut command = world.trimtab_command(&["run", "--verbose"]);
    command.env("WATCHDOG_USEC", "2000000");
    let daemon = Daemon::start_with(&world, command);
    let request = b"{\"document\":\"trimtab.request\",\"version\":1,\"ask\":{\"verb\":\"status\"}}\n";
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                answers(connected(&world), request);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let heard = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| daemon.hears("WATCHDOG=1")));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        heard.unwrap();
    });
    daemon.ends();
}
