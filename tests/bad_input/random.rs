//! Random bytes, the same in each run: as arguments, as documents, as profiles.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::world::Told;
use crate::world::World;

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// Exit codes that mean that it knew what it did.
const KNOWN: &[i32] = &[0, 1, 2, 3, 4, 5, 6, 64, 65];

#[test]
fn random_arguments_never_panic() {
    let Some(world) = World::new() else { return };
    let mut random = Random(1);
    let verbs = ["plan", "verify", "status", "explain", "validate", "schema", "facts", "import", "frob"];
    let words = [
        "--set",
        "--param",
        "--json",
        "--brief",
        "--against",
        "--out",
        "--netns",
        "net.ipv4.tcp_sack=1",
        "base",
        "--",
        "-v",
        "",
        "=",
        "a=b",
        "--set=",
        "{",
        "sysctl:",
        "@",
        "net.ipv4.conf.*.rp_filter=1",
        "\u{1F600}",
    ];
    for _ in 0..150 {
        let mut arguments: Vec<OsString> = vec![random.pick(&verbs).into()];
        for _ in 0..random.below(5) {
            arguments.push(if random.below(3) == 0 {
                let length = 1 + random.below(40);
                let bytes = random.bytes(length).into_iter().map(|byte| if byte == 0 { 1 } else { byte }).collect();
                OsString::from_vec(bytes)
            } else {
                random.pick(&words).into()
            });
        }
        let mut command = world.trimtab_command(&arguments);
        let output = command.current_dir(world.path("profiles")).output().unwrap();
        let lossy = std::process::Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned().into_bytes(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned().into_bytes(),
        };
        let told = Told::from(&format!("{arguments:?}"), &lossy);
        assert!(KNOWN.contains(&told.code), "{told:?}");
    }
    assert_eq!(world.sysctl("net.ipv4.tcp_sack"), "1");
    assert!(!world.path("state").exists());
}

#[test]
fn damaged_documents_are_refused_or_understood() {
    let Some(world) = World::new() else { return };
    let mut random = Random(2);
    let snapshot = world.trimtab(&["snapshot"]).exits(0).out.into_bytes();
    let plan = world.trimtab(&["plan", "router", "--json"]).exits(2).out.into_bytes();
    let before = world.all_sysctls();
    for round in 0..120 {
        let whole = if round % 2 == 0 { &snapshot } else { &plan };
        let mut bytes = whole.clone();
        match random.below(4) {
            0 => bytes.truncate(random.below(whole.len())),
            1 => bytes = random.bytes(200),
            2 => {
                for _ in 0..1 + random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.next() as u8;
                }
            }
            _ => {
                let from = random.below(bytes.len());
                let until = (from + random.below(2000)).min(bytes.len());
                bytes.drain(from..until);
            }
        }
        let file = world.write("document", &bytes);
        if round % 2 == 0 {
            let told = world.trimtab(&["plan", "router", "--against", &file]);
            assert!([0, 2, 3, 65].contains(&told.code), "round {round}: {told:?}");
            assert!(told.code != 65 || told.err.contains("document"), "the file is named: {}", told.err);
        } else {
            let told = world.trimtab(&["apply", "--plan", &file]);
            // What the digest does not cover (counts, notes) may differ, and then it is applied.
            assert!([0, 4, 65].contains(&told.code), "round {round}: {told:?}");
            if told.code == 0 {
                world.trimtab(&["revert"]).exits(0);
            }
        }
    }
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn damaged_profiles_are_refused_or_understood() {
    let Some(world) = World::new() else { return };
    let mut random = Random(3);
    let folder = crate::world::schemas().join("../profiles");
    let texts: Vec<Vec<u8>> = ["base", "egress-proxy", "router", "web-frontend"]
        .iter()
        .map(|name| trimtab_kernel::file::read(&folder.join(format!("{name}.toml")), 1 << 20).unwrap())
        .collect();
    for round in 0..120 {
        let mut bytes = texts[random.below(texts.len())].clone();
        for _ in 0..1 + random.below(6) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => {
                    bytes[at] =
                        random.pick(&["=", "[", "]", "{", "}", "\"", "'", ".", ",", "\n", "#", "9", "-"]).as_bytes()[0]
                }
                1 => drop(bytes.drain(at..(at + random.below(30)).min(bytes.len()))),
                _ => bytes[at] = random.next() as u8,
            }
        }
        world.write("profiles/odd.toml", &bytes);
        let told = world.trimtab(&["plan", "odd"]);
        assert!([0, 2, 3, 65].contains(&told.code), "round {round}: {told:?}");
        assert!(told.code != 65 || told.err.contains("odd.toml:"), "round {round}: {}", told.err);
        let sysctld = world.write("odd.conf", &bytes);
        world.trimtab(&["import", &sysctld]).exits(0);
    }
}
