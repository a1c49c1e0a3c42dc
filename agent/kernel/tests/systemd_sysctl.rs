//! The oracle: what systemd-sysctl(8) really leaves behind, against what [`NextBoot`] says that it would.
//!
//! Everything happens in a network and a mount namespace of its own, with empty folders over the host's, and only with
//! keys that each network namespace has for itself. Every key starts with a value that no file sets, so that a key
//! which nobody sets shows.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is test code: to fail is to panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use trimtab_core::address::SysctlKey;
use trimtab_core::sysctld::NextBoot;
use trimtab_kernel::sysctld::gather;

const SYSTEMD_SYSCTL: &str = "/usr/lib/systemd/systemd-sysctl";

/// What no file sets.
const UNSET: &str = "77";

/// Keys that hold any small number and move nothing else.
const KEYS: &[&str] = &[
    "net/ipv4/conf/all/medium_id",
    "net/ipv4/conf/default/medium_id",
    "net/ipv4/conf/va0/medium_id",
    "net/ipv4/conf/va0.100/medium_id",
    "net/ipv4/conf/vb0/medium_id",
    "net/ipv4/conf/va0/tag",
    "net/ipv4/conf/va0.100/tag",
    "net/ipv4/conf/vb0/tag",
    "net/ipv4/tcp_retries1",
    "net/ipv4/tcp_retries2",
    "net/ipv4/tcp_keepalive_probes",
];

/// One world: files by path. A text `-> X` makes a link to X.
type World = Vec<(String, Vec<u8>)>;

fn world(files: &[(&str, &str)]) -> World {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn one(text: &str) -> World {
    world(&[("/etc/sysctl.d/a.conf", text)])
}

fn chosen_worlds() -> Vec<World> {
    vec![
        one("net.ipv4.conf.va0.tag=1\nnet.ipv4.conf.*.tag = 2\n-net.ipv4.conf.vb0.tag\n"),
        one("net.ipv4.conf.*.tag = 2\nnet.ipv4.conf.va0.tag=1\n-net.ipv4.conf.va0.tag\n"),
        one("-net.ipv4.tcp_retries1\n-net.ipv4.tcp_retries1 = 4\n"),
        one("net.ipv4.conf.va*.tag=1\nnet.ipv4.conf.*0.tag=2\nnet.ipv4.conf.va*.tag=1\n"),
        one("net.ipv4.conf.va*.tag=0\nnet.ipv4.conf.*0.tag=2\nnet.ipv4.conf.va*.tag=1\n"),
        one("-net.ipv4.conf.va*.tag\nnet.ipv4.conf.{va0,vb0}.ta?=1\nnet.ipv4.conf.{va0,vb0}.medium_id=1\n"),
        one("net.ipv4.conf.[!v]*.medium_id=1\nnet.ipv4.conf.v[[:alpha:]]0.medium_id=3\n"),
        one("net.ipv4.conf.va0/*.tag=1\nnet/ipv4/conf/va0.100/medium_id=2\nnet.ipv4.conf.va0/100.medium_id=5\n"),
        one("/net/ipv4/tcp_retries1=4\nnet.ipv4..tcp_retries2=5\nnet/ipv4/./tcp_keepalive_probes/=6\n"),
        one("net.ipv4/tcp_retries1=4\n./net/ipv4/tcp_retries2=5\nnet.ipv4.tcp_keepalive_probes = 6 # six\n"),
        one("net.ipv4.tcp_retries1\n=3\n\u{feff}net.ipv4.tcp_retries2=4\nnet.ipv4.tcp_retries1=3"),
        one("net.ipv4.tcp_retries1=3\rnet.ipv4.tcp_retries2=4\n\r-net.ipv4.tcp_keepalive_probes=5\r\n"),
        one("# net.ipv4.tcp_retries1=3\n ;net.ipv4.tcp_retries2=4\n  net.ipv4.tcp_keepalive_probes\t=\t5\t\n"),
        one("net.*.conf.vb0.tag=1\nnet.ipv4.tcp_retries?=4\nnet.ipv4.tcp_retries[2]=5\n"),
        one("net.ipv4.conf.\\v*.tag=1\nnet.ipv4.conf.v\\*.medium_id=2\n"),
        vec![(
            "/etc/sysctl.d/a.conf".to_owned(),
            b"net.ipv4.tcp_retries1=3\0net.ipv4.tcp_retries2=4\n\xff=1\n".to_vec(),
        )],
        world(&[
            ("/etc/sysctl.d/dangling.conf", "-> /nonexistent"),
            ("/usr/lib/sysctl.d/dangling.conf", "net.ipv4.tcp_retries1=3"),
            ("/etc/sysctl.d/null.conf", "-> /dev/null"),
            ("/usr/lib/sysctl.d/null.conf", "net.ipv4.tcp_retries2=3"),
            ("/run/sysctl.d/empty.conf", ""),
            ("/usr/local/lib/sysctl.d/empty.conf", "net.ipv4.tcp_keepalive_probes=3"),
        ]),
        world(&[
            ("/etc/sysctl.d/B.conf", "net.ipv4.tcp_retries1=3"),
            ("/etc/sysctl.d/a.conf~", "net.ipv4.tcp_retries1=9"),
            ("/etc/sysctl.d/.z.conf", "net.ipv4.tcp_retries1=9"),
            ("/etc/sysctl.d/Z.CONF", "net.ipv4.tcp_retries1=9"),
            ("/run/sysctl.d/a.conf", "net.ipv4.tcp_retries1=4"),
            ("/run/sysctl.d/B.conf", "net.ipv4.tcp_retries1=5\nnet.ipv4.tcp_retries2=5"),
            ("/usr/local/lib/sysctl.d/99-l.conf", "-> 9.conf"),
            ("/usr/local/lib/sysctl.d/9.conf", "net.ipv4.tcp_retries1=6"),
        ]),
    ]
}

/// Worlds made of lines and file names that meet often. The numbers are the same on every run.
fn many_worlds(count: u64) -> Vec<World> {
    let lines = [
        "net.ipv4.conf.*.tag = 1",
        "net.ipv4.conf.*.tag = 2",
        "net.ipv4.conf.v*.tag = 3",
        "net.ipv4.conf.*0.tag = 1",
        "-net.ipv4.conf.va?.tag = 5",
        "-net.ipv4.conf.va0.tag",
        "net.ipv4.conf.va0.tag = 6",
        "net/ipv4/conf/va0/tag = 7",
        "net.ipv4.conf.va0/100.tag = 8",
        "-net/ipv4/conf/va0.100/tag",
        "net.ipv4.conf.v*.medium_id = 3",
        "-net.ipv4.conf.all.medium_id",
        "-net.ipv4.conf.v*.medium_id",
        "net.ipv4.conf.all.medium_id = 4",
        "net.ipv4.*.*.medium_id = 9",
        "net.ipv4.tcp_retries[12] = 4",
        "net.ipv4.tcp_retries1 = 5",
        "-net.ipv4.tcp_retries1",
        "nonsense",
    ];
    let folders = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    (0..count)
        .map(|_| {
            let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for _ in 0..=draw(4) {
                let path = format!("{}/{}.conf", folders[draw(4)], ["a", "b", "c"][draw(3)]);
                let text: Vec<&str> = (0..draw(7)).map(|_| lines[draw(lines.len())]).collect();
                files.insert(path, text.join("\n").into_bytes());
            }
            files.into_iter().collect()
        })
        .collect()
}

/// For each world `$1/N/root`: puts it in place of the host's folders, lets systemd-sysctl loose, writes `$1/N/values`.
const SCRIPT: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs none /etc/sysctl.d
mount -t tmpfs none /usr/lib/sysctl.d
mount -t tmpfs none /usr/local/lib
mount -t tmpfs none /run
mkdir /run/sysctl.d /usr/local/lib/sysctl.d
ip link add va0 type veth peer name vb0
ip link add va0.100 type veth peer name vb1
keys=$2 unset=$3 tool=$4
for world in "$1"/*/; do
    for folder in /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d; do
        find "$folder" -mindepth 1 -delete
        if [ -d "$world/root$folder" ]; then cp -a "$world/root$folder/." "$folder/"; fi
    done
    for key in $keys; do echo "$unset" > "/proc/sys/$key"; done
    # It fails over a line that is no assignment, having done all the others.
    "$tool" >/dev/null 2>&1 || true
    for key in $keys; do echo "$key $(cat "/proc/sys/$key")"; done > "$world/values"
done
"#;

fn build(folder: &Path, world: &World) {
    let root = folder.join("root");
    fs::create_dir_all(&root).unwrap();
    for (path, bytes) in world {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match bytes.strip_prefix(b"-> ") {
            Some(target) => std::os::unix::fs::symlink(str::from_utf8(target).unwrap(), path).unwrap(),
            None => fs::write(path, bytes).unwrap(),
        }
    }
}

fn skip_reason() -> Option<String> {
    if !Path::new(SYSTEMD_SYSCTL).exists() {
        return Some(format!("{SYSTEMD_SYSCTL} is not installed"));
    }
    for folder in ["/etc/sysctl.d", "/usr/lib/sysctl.d", "/usr/local/lib"] {
        if !Path::new(folder).is_dir() {
            return Some(format!("there is no {folder} to put another in place of"));
        }
    }
    let tried = Command::new("unshare").args(["-n", "-m", "ip", "link", "show", "lo"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no namespace can be made: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Some(format!("unshare cannot be run: {error}")),
    }
}

#[test]
fn the_next_boot_is_what_systemd_sysctl_does() {
    if let Some(reason) = skip_reason() {
        println!("skipped: {reason}");
        return;
    }
    let worlds: Vec<World> = chosen_worlds().into_iter().chain(many_worlds(150)).collect();
    let folder = tempfile::tempdir().unwrap();
    for (number, world) in worlds.iter().enumerate() {
        build(&folder.path().join(format!("{number:04}")), world);
    }
    let output = Command::new("unshare")
        .args(["-n", "-m", "sh", "-c", SCRIPT, "sh"])
        .arg(folder.path())
        .args([&KEYS.join(" "), UNSET, SYSTEMD_SYSCTL])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let (mut set, mut unset) = (0, 0);
    for (number, world) in worlds.iter().enumerate() {
        let folder = folder.path().join(format!("{number:04}"));
        let gathered = gather(&folder.join("root"));
        let next = NextBoot::new(&gathered.files);
        let values = fs::File::open(folder.join("values")).map(std::io::read_to_string).unwrap().unwrap();
        let mut seen = 0;
        for (path, found) in values.lines().map(|line| line.split_once(' ').unwrap()) {
            let key = SysctlKey::from_segments(path.split('/')).unwrap();
            let ours = next.setting(&key).map(|setting| setting.value_text);
            // The kernel takes the number in front and ignores the words behind it.
            let ours = ours.as_deref().and_then(|text| text.split(' ').next());
            assert_eq!(ours.unwrap_or(UNSET), found, "{key} in {world:#?}");
            seen += 1;
            if ours.is_some() { set += 1 } else { unset += 1 }
        }
        assert_eq!(seen, KEYS.len());
    }
    // Were all keys set, or none, then this would compare nothing.
    assert!(set > 300 && unset > 300, "{set} set, {unset} not set");
}
