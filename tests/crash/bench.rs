//! A router that is to be tuned and killed: two interfaces, some values that others set, and a set that moves many.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;

use serde_json::Value as Json;

use crate::world::Told;
use crate::world::World;

/// Cascades of both families, a default that fans out, a pair that must go up together, a vector of which one element is
/// wanted, a time that the kernel rounds, a list, and a switch of one interface.
pub const WIDE: &str = r#"
[sysctl]
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
net.ipv4.conf.default.rp_filter = 2
net.ipv4.conf.veth1.send_redirects = 0
net.ipv4.tcp_rmem = ["keep", "keep", 67108864]
net.ipv4.ip_local_port_range = [50000, 60000]
net.ipv4.ip_unprivileged_port_start = 40000
net.ipv4.ipfrag_high_thresh = 8388608
net.ipv4.ipfrag_low_thresh = 6291456
net.ipv4.icmp_ratelimit = 1001
net.ipv4.ip_local_reserved_ports = { includes = [9000] }
net.core.somaxconn = { at-least = 1024 }
"#;

/// Less of it, for runs that are killed twice.
pub const NARROW: &str = r"
[sysctl]
net.ipv4.ip_forward = 1
net.ipv4.conf.default.rp_filter = 2
net.ipv4.icmp_ratelimit = 1001
";

/// Every value below /proc/sys/net that anybody may write.
pub type Values = BTreeMap<PathBuf, Vec<u8>>;

/// A world with two interfaces and the profiles `wide` and `narrow`; none without root.
pub fn router() -> Option<World> {
    let world = World::new()?;
    world.sh("ip link add veth0 type veth peer name veth1");
    // What the way back must not lose: one interface forwards by itself, redirects are refused, a port is reserved.
    world.sh("echo 1 > /proc/sys/net/ipv4/conf/veth0/forwarding");
    world.sh("echo 0 > /proc/sys/net/ipv4/conf/all/accept_redirects");
    world.sh("echo 8080 > /proc/sys/net/ipv4/ip_local_reserved_ports");
    world.profile("wide", WIDE);
    world.profile("narrow", NARROW);
    Some(world)
}

/// All values of the world's namespace.
pub fn values(world: &World) -> Values {
    let reader = world.thread(|| {
        let mut values = Values::new();
        collect(Path::new("/proc/sys/net"), &mut values);
        values
    });
    reader.join().unwrap()
}

fn collect(folder: &Path, values: &mut Values) {
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect(&path, values);
        } else if entry.metadata().is_ok_and(|found| found.permissions().mode() & 0o200 != 0)
            && let Some(value) = one_read(&path)
        {
            values.insert(path, value);
        }
    }
}

/// As the kernel gives it to one read(2); what cannot be read (an action, an unset secret) has no value.
fn one_read(path: &Path) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 16 << 10];
    let length = File::open(path).and_then(|mut file| file.read(&mut buffer)).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

/// What is not the same, with both values.
pub fn differences(before: &Values, after: &Values) -> Vec<String> {
    let shown = |value: Option<&Vec<u8>>| {
        value.map_or_else(|| "nothing".to_owned(), |value| String::from_utf8_lossy(value).trim().to_owned())
    };
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| format!("{}: {} -> {}", path.display(), shown(before.get(path)), shown(after.get(path))))
        .collect()
}

/// Everything must be as it was.
#[track_caller]
pub fn is_as(world: &World, before: &Values, what: &str) {
    assert_eq!(differences(before, &values(world)), Vec::<String>::new(), "{what}");
}

/// How a run ended that may have been killed.
pub enum End {
    /// By kill -9.
    Killed,
    /// By itself.
    Told(Told),
}

/// Runs the binary with a fault point armed.
#[track_caller]
pub fn with_fault(world: &World, fault: &str, arguments: &[&str]) -> End {
    let mut command = world.trimtab_command(arguments);
    let output = command.env("TRIMTAB_FAULT", fault).output().unwrap();
    if is_killed(output.status) {
        End::Killed
    } else {
        End::Told(Told::from(&format!("{fault}: {arguments:?}"), &output))
    }
}

fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// Runs the binary until a fault point kills it; it must not end by itself.
#[track_caller]
pub fn killed(world: &World, fault: &str, arguments: &[&str]) {
    match with_fault(world, fault, arguments) {
        End::Killed => {}
        End::Told(told) => panic!("{fault}: {arguments:?} was not killed but told {told:?}"),
    }
}

/// What `trimtab status` tells; it must work at any time.
#[track_caller]
pub fn status(world: &World) -> Json {
    world.trimtab(&["status", "--json"]).exits(0).json()
}

/// Whether the journal has a beginning without an end, by its own words.
pub fn is_open(world: &World) -> bool {
    let Some(journal) = world.state().map(|folder| folder.join("journal")) else { return false };
    let Ok(bytes) = trimtab_kernel::file::read(&journal, 1 << 24) else { return false };
    let text = String::from_utf8(bytes).unwrap();
    let whole = || text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let count = |kind: &str| whole().filter(|line| line.contains(&format!("\"type\":\"{kind}\""))).count();
    count("begin") > count("done")
}
