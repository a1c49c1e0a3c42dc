//! Metrics: what is served, where, and that alerts and dashboard speak of nothing else.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use trimtab_kernel::file;

use crate::watch::Daemon;
use crate::watch::world;
use crate::world::World;

const PROFILE: &str =
    "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = { value = 0, on-drift = 'report' }\n";

fn answer(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn socket(world: &World) -> PathBuf {
    let mut entries = std::fs::read_dir(world.path("run")).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("metrics-netns-")).unwrap()
}

/// Every series: its name with its labels, and its value.
fn series(answer: &str) -> BTreeMap<String, f64> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect()
}

fn scraped(world: &World) -> BTreeMap<String, f64> {
    series(&answer(UnixStream::connect(socket(world)).unwrap(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn what_happens_is_counted() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    assert_eq!(socket(&world).metadata().unwrap().mode() & 0o777, 0o600, "root only");
    let before = scraped(&world);
    assert_eq!((before["trimtab_state{state=\"watching\"}"], before["trimtab_drifted"]), (1.0, 0.0));
    assert_eq!(before["trimtab_applies_total{outcome=\"good\"}"], 1.0);
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99 net.ipv4.tcp_sack=1");
    daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "put-back");
    daemon.told("sysctl:net.ipv4.tcp_sack", "reported");
    world.trimtab(&["hold", "net.ipv4.tcp_fin_timeout", "--for", "1h", "--reason", "x"]).exits(0);
    daemon.until_so("a lease", || scraped(&world)["trimtab_leases"] == 1.0);
    let now = scraped(&world);
    let of = |address: &str, kind: &str| {
        now[&format!("trimtab_drift_events_total{{address=\"sysctl:{address}\",kind=\"{kind}\"}}")]
    };
    assert_eq!(of("net.ipv4.tcp_fin_timeout", "put-back"), 1.0);
    assert_eq!((of("net.ipv4.tcp_sack", "reported"), now["trimtab_drifted"]), (1.0, 1.0));
    assert!(now["trimtab_look_duration_seconds_count"] > before["trimtab_look_duration_seconds_count"]);
    world.trimtab(&["revert"]).exits(0);
    daemon.until_so("paused", || scraped(&world)["trimtab_state{state=\"paused\"}"] == 1.0);
    daemon.ends();
}

#[test]
fn only_metrics_are_served_and_where_the_host_file_says() {
    let port = 20_000 + std::process::id() % 20_000;
    let host = |listen: &str| format!("profiles = ['p']\n[drift]\nread-back = '1s'\n[metrics]\nlisten = '{listen}'\n");
    let Some(world) = world(PROFILE, "") else { return };
    let path = world.path("own.sock");
    world.write("host.toml", host(&format!("unix:{}", path.display())));
    let daemon = Daemon::start(&world);
    let ask = |request: &str| answer(UnixStream::connect(&path).unwrap(), request);
    assert!(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(ask("\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(ask(&format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(9000))).starts_with("HTTP/1.1 431"));
    let head = ask("HEAD /metrics HTTP/1.0\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    // One that says nothing keeps nobody waiting.
    let mut silent = UnixStream::connect(&path).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    series(&ask("GET /metrics HTTP/1.1\r\n\r\n"));
    let mut late = String::new();
    silent.read_to_string(&mut late).unwrap();
    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    // Elsewhere, once the host file says so.
    world.write("host.toml", host(&format!("127.0.0.1:{port}")));
    let from_inside = || {
        let ask = move || {
            let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).ok()?;
            Some(answer(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
        };
        world.thread(ask).join().unwrap()
    };
    daemon.until_so("served over TCP", || from_inside().is_some_and(|answer| series(&answer).len() > 10));
    assert!(!path.exists());
    daemon.ends();
}

#[test]
fn alerts_and_dashboard_speak_of_what_is_served() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    world.sh("sysctl -qw net.ipv4.tcp_sack=1");
    daemon.told("sysctl:net.ipv4.tcp_sack", "reported");
    let served: BTreeSet<String> =
        scraped(&world).into_keys().map(|name| name.split('{').next().unwrap().to_owned()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("metrics");
    let text = |name: &str| String::from_utf8(file::read(&folder.join(name), 1 << 20).unwrap()).unwrap();
    let dashboard: Json = serde_json::from_str(&text("dashboard.json")).unwrap();
    let queries = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let asked = queries.map(|target| target["expr"].as_str().unwrap().to_owned());
    let mut count = 0;
    for expression in asked.chain([text("alerts.yml")]) {
        for (at, _) in expression.match_indices("trimtab_") {
            let name: String = expression[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            assert!(served.contains(&name), "{name} is not served: {served:?}");
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
    daemon.ends();
}
