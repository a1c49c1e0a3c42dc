//! What is written obeys its schema, and the schema is no empty promise.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value as Json;
use serde_json::json;

use crate::world::Told;
use crate::world::World;

/// A role with something of each: a vector, ports, words, a floor, a fact that no namespace knows, a key that no kernel
/// has.
const ROLE: &str = r#"
[sysctl]
net.ipv4.tcp_sack = { value = 0, reason = "for the test" }
net.ipv4.tcp_rmem = ["keep", 131072, "keep"]
net.ipv4.ip_local_reserved_ports = { includes = ["8080", "9000-9002"] }
net.ipv4.tcp_congestion_control = { prefer = ["cubic", "reno"] }
net.ipv4.tcp_syn_retries = { at-least = 7 }
net.ipv4.tcp_no_such_key = 1
net.ipv4.ip_forward = 1
"#;

/// The schemas that the binary carries, each with what it has been held against.
struct Schemas {
    validators: BTreeMap<String, jsonschema::Validator>,
    used: BTreeSet<String>,
}

impl Schemas {
    fn of(world: &World) -> Schemas {
        let names = world.trimtab(&["schema", "list"]).exits(0).out;
        let validator = |name: &str| {
            let schema: Json = serde_json::from_str(&world.trimtab(&["schema", name]).exits(0).out).unwrap();
            (name.to_owned(), jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}")))
        };
        Schemas { validators: names.lines().map(validator).collect(), used: BTreeSet::new() }
    }

    #[track_caller]
    fn faults(&self, name: &str, document: &Json) -> Vec<String> {
        let validator = self.validators.get(name).unwrap_or_else(|| panic!("there is no schema {name}"));
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// It obeys, and would not with a field more, with a field less or of another version.
    #[track_caller]
    fn hold(&mut self, name: &str, document: &Json) {
        assert_eq!(self.faults(name, document), [""; 0], "{name}: {document:#}");
        let mut more = document.clone();
        more["surprise"] = json!(1);
        assert_ne!(self.faults(name, &more), [""; 0], "{name} allows anything beside");
        for field in document.as_object().unwrap().keys() {
            let mut other = document.clone();
            other[field] = json!({ "no": ["such", "thing"] });
            assert_ne!(self.faults(name, &other), [""; 0], "{name}: {field} may be anything");
        }
        if document.get("version").is_some() {
            let mut newer = document.clone();
            newer["version"] = json!(2);
            assert_ne!(self.faults(name, &newer), [""; 0], "{name} of any version");
        }
        self.used.insert(name.to_owned());
    }

    /// A document says itself which schema it obeys.
    #[track_caller]
    fn hold_told(&mut self, told: &Told) -> Json {
        let document: Json = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {told:?}"));
        let name = document["document"].as_str().unwrap().strip_prefix("trimtab.").unwrap().to_owned();
        self.hold(&name, &document);
        document
    }

    /// The state files and every line of the journal.
    #[track_caller]
    fn hold_state(&mut self, world: &World) -> BTreeSet<String> {
        let folder = world.state().unwrap();
        for name in ["applied", "unconfirmed"] {
            let Ok(file) = std::fs::File::open(folder.join(name)) else { continue };
            self.hold(name, &serde_json::from_reader(file).unwrap());
        }
        let mut types = BTreeSet::new();
        for line in String::from_utf8(world.journal()).unwrap().lines() {
            let (_, body) = line.split_once(' ').unwrap();
            let line: Json = serde_json::from_str(body).unwrap();
            self.hold("journal", &line);
            types.insert(line["record"]["type"].as_str().unwrap().to_owned());
        }
        types
    }
}

#[test]
fn every_document_and_state_file_obeys_its_schema() {
    let Some(world) = World::new() else { return };
    let mut schemas = Schemas::of(&world);
    world.profile("role", ROLE);
    world.profile("broken", "[sysctl]\nnet.ipv4.tcp_sack = { valu = 0 }\n");
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| world.trimtab(&[arguments, &["--json"]].concat());

    schemas.hold_told(&run(&["status"]).exits(0));
    schemas.hold_told(&run(&["facts"]).exits(0));
    let plan = schemas.hold_told(&run(&["plan", "role", "--out", &path("plan")]).exits(2));
    assert!(plan["changes"].as_array().unwrap().iter().any(|change| change.get("effects").is_some()), "{plan:#}");
    assert_ne!(plan["findings"], json!([]));
    schemas.hold("plan", &serde_json::from_str(&world.sh("cat plan")).unwrap());
    schemas.hold_told(&run(&["explain", "net.ipv4.tcp_sack", "role"]).exits(0));
    schemas.hold_told(&run(&["explain", "net.ipv4.conf.lo.forwarding", "role"]).exits(0));
    schemas.hold_told(&run(&["verify"]).exits(1));
    schemas.hold_told(&run(&["plan", "broken"]).exits(65));
    schemas.hold_told(&run(&["validate", &path("profiles/role.toml"), &path("profiles/broken.toml")]).exits(65));
    world.write("50.conf", "net.ipv4.tcp_sack = 0\nnot a line\nkernel.no.such = 1\n");
    schemas.hold_told(&run(&["import", &path("50.conf")]).exits(0));

    // A trial that is confirmed; further down one that is ended.
    schemas.hold_told(&run(&["apply", "role", "--confirm-within", "60s"]).exits(5));
    let on_trial = schemas.hold_told(&run(&["status"]).exits(0));
    assert!(on_trial["trial"].is_object(), "{on_trial:#}");
    let types = schemas.hold_state(&world);
    assert!(["opened", "begin", "wrote", "awaiting"].iter().all(|one| types.contains(*one)), "{types:?}");
    let confirmed = schemas.hold_told(&run(&["confirm"]).exits(0));
    assert_eq!(confirmed["outcome"], "kept");
    schemas.hold_told(&run(&["verify"]).exits(3));
    world.sh("sysctl -q net.ipv4.tcp_sack=1");
    let drifted = schemas.hold_told(&run(&["verify"]).exits(2));
    assert_eq!(drifted["mismatches"][0]["address"], "sysctl:net.ipv4.tcp_sack");
    schemas.hold_told(&run(&["status"]).exits(0));
    schemas.hold_told(&run(&["snapshot"]).exits(0));
    schemas.hold_told(&run(&["explain", "net.ipv4.conf.lo.forwarding", "role"]).exits(0));
    schemas.hold_told(&run(&["apply", "role"]).exits(3));
    schemas.hold_told(&run(&["apply", "--plan", &path("plan")]).exits(4));
    // What somebody else has put back is let go of, which compacts the journal.
    world.sh("sysctl -q net.ipv4.tcp_sack=1");
    schemas.hold_told(&run(&["revert", "net.ipv4.tcp_syn_retries"]).exits(0));
    assert!(schemas.hold_state(&world).contains("holds"));
    let reverted = schemas.hold_told(&run(&["revert"]).exits(0));
    assert_eq!(reverted["outcome"], "in-force");
    schemas.hold_state(&world);
    schemas.hold_told(&run(&["confirm"]).exits(1));

    schemas.hold_told(&run(&["apply", "role", "--confirm-within", "60s"]).exits(5));
    let ended = schemas.hold_told(&run(&["revert", "--trial"]).exits(0));
    assert_ne!(ended["restored"], json!([]));
    schemas.hold_state(&world);

    world.write("host.toml", "mode = \"observe\"\n");
    assert_eq!(schemas.hold_told(&run(&["apply", "role"]).exits(3))["outcome"], "observed");

    // What the daemon tells of a host that differs.
    world.write("host.toml", "profiles = ['role']\nmode = 'observe'\n");
    let mut daemon = world.trimtab_command(&["run"]).stderr(Stdio::null()).spawn().unwrap();
    let events = world.state().unwrap().join("events");
    let start = Instant::now();
    while !events.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // What is said over its socket, both ways, and what a revert leaves behind for it.
    let socket =
        world.path("run").join(format!("{}.sock", world.state().unwrap().file_name().unwrap().to_str().unwrap()));
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"{\"document\":\"trimtab.request\",\"version\":1,\"ask\":{\"verb\":\"status\"}}\n").unwrap();
    let replies: Vec<Json> =
        BufReader::new(stream).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(replies.len(), 2);
    replies.iter().for_each(|reply| schemas.hold("reply", reply));
    schemas.hold_told(&run(&["status"]).exits(0));
    schemas.hold_told(&run(&["hold", "net.ipv4.tcp_sack", "--for", "1h", "--reason", "for the test"]).exits(0));
    schemas.hold_told(&run(&["status"]).exits(0));
    schemas.hold_told(&run(&["adopt", "net.ipv4.tcp_sack"]).exits(0));
    let leases = std::fs::File::open(world.state().unwrap().join("leases")).unwrap();
    schemas.hold("leases", &serde_json::from_reader(leases).unwrap());
    schemas.hold_told(&run(&["revert"]).exits(0));
    let paused = std::fs::File::open(world.state().unwrap().join("paused")).unwrap();
    schemas.hold("paused", &serde_json::from_reader(paused).unwrap());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    std::fs::remove_file(&socket).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    for arguments in [
        &["apply", "role", "--confirm-within", "1m"][..],
        &["revert", "net.core.somaxconn"],
        &["confirm"],
        &["hold", "net.core.somaxconn", "--end"],
    ] {
        let client = world.trimtab_command(arguments).stderr(Stdio::null()).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        BufReader::new(&stream).read_line(&mut request).unwrap();
        schemas.hold("request", &serde_json::from_str(&request).unwrap());
        let refused = b"{\"document\":\"trimtab.reply\",\"version\":1,\"reply\":{\"type\":\"refused\",\"exit\":4,\"error\":\"no\"}}\n";
        stream.write_all(refused).unwrap();
        assert_eq!(client.wait_with_output().unwrap().status.code(), Some(4));
    }
    let told = schemas.hold_told(&run(&["history"]).exits(0));
    let told = told["events"].as_array().unwrap();
    assert!(!told.is_empty());
    told.iter().for_each(|event| schemas.hold("event", event));

    let written: BTreeSet<String> =
        schemas.validators.keys().filter(|name| !["profile", "host"].contains(&name.as_str())).cloned().collect();
    assert_eq!(schemas.used, written, "every schema but those of what people write is held against something");
}

#[test]
fn an_unknown_schema_is_told_the_known_ones() {
    let Some(world) = World::new() else { return };
    let names = world.trimtab(&["schema", "list"]).exits(0).out;
    let told = world.trimtab(&["schema", "nothing"]).exits(64);
    for name in names.lines() {
        assert!(told.err.contains(name), "{}", told.err);
    }
}
