//! Profiles and host files that are wrong in any way.

use crate::world::World;

/// A profile, and what is said of it.
const CASES: &[(&str, &str, &[&str])] = &[
    ("[sysctl\nnet.ipv4.tcp_sack = 1\n", "the first table is not closed", &["--> bad.toml:1:8"]),
    ("[sysctl]\nnet.ipv4.tcp_sack 1\n", "no equals sign", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = 1\nnet.ipv4.tcp_sack = 0\n", "twice the same key", &["--> bad.toml:3:"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = 1.5\n", "a fraction", &["--> bad.toml:2:21"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = 1979-05-27\n", "a date", &["--> bad.toml:2:21"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = [1, 2]\n", "a list for a number", &["--> bad.toml:2:21"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = \"many\"\n", "a word for a number", &["--> bad.toml:2:21"]),
    ("[sysctl]\nnet.ipv4.tcp_rmem = 4096\n", "a number for a list", &["--> bad.toml:2:21", "takes 3 values"]),
    ("[sysctl]\nnet.ipv4.tcp_sack = 99999999999999999999\n", "no 64 bits", &["--> bad.toml:2:"]),
    ("sysctl = 3\n", "a number for a section", &["--> bad.toml:1:"]),
    ("[sysctl.net.ipv4]\n\"tcp_sack\" = {}\n", "an empty policy", &["--> bad.toml:2:"]),
    ("[sysct]\nnet.ipv4.tcp_sack = 1\n", "a misspelt section", &["--> bad.toml:1:2", "did you mean `sysctl`?"]),
    ("descripton = 'x'\n", "a misspelt key", &["--> bad.toml:1:1", "did you mean `description`?"]),
    ("include = ['bad']\n", "itself", &["--> bad.toml:1:12", "includes itself"]),
    ("include = ['round']\n", "a circle", &["includes itself", "--> round.toml:1:12"]),
    ("include = ['nothere']\n", "a missing include", &["--> bad.toml:1:12", "there is no profile `nothere`"]),
    ("include = ['bsae']\n", "a misspelt include", &["--> bad.toml:1:12", "did you mean `base`?"]),
    ("include = ['../../etc/passwd']\n", "a path for a name", &["--> bad.toml:1:12"]),
    ("include = ['/etc/passwd']\n", "an absolute path for a name", &["--> bad.toml:1:12"]),
    ("include = [\"a\\u0000b\"]\n", "NUL in a name", &["--> bad.toml:1:12"]),
    ("[sysctl]\nnet.ipv4.\"..\".\"..\".kernel.panic = 1\n", "dots that lead out", &["--> bad.toml:2:"]),
    ("[sysctl]\n\"/etc/passwd\" = 1\n", "an absolute path for a key", &["--> bad.toml:2:1"]),
    ("[sysctl]\nnet.\"ipv4/../../kernel/panic\" = 1\n", "slashes that lead out", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.\"a\\u0000b\".c = 1\n", "NUL in a key", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.\"\".c = 1\n", "an empty part", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.ipv4.conf.\"eth0\\n\".rp_filter = 1\n", "a line feed in a name", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.core.somaxconn = { expr = \"1 +\" }\n", "half an expression", &["--> bad.toml:2:"]),
    (
        "[sysctl]\nnet.core.somaxconn = { expr = \"1 / 0\" }\n",
        "a division by zero",
        &["--> bad.toml:2:", "divides by zero"],
    ),
    (
        "[sysctl]\nnet.core.somaxconn = { expr = \"9223372036854775807 + 1\" }\n",
        "an overflow",
        &["--> bad.toml:2:", "64 bits"],
    ),
    ("[sysctl]\nnet.core.somaxconn = { expr = \"'text'\" }\n", "a text for a number", &["--> bad.toml:2:"]),
    (
        "[sysctl]\nnet.core.somaxconn = { expr = \"host.memroy\" }\n",
        "a misspelt fact",
        &["--> bad.toml:2:", "host.memory"],
    ),
    ("[sysctl]\nnet.core.somaxconn = { expr = \"[1].map(x, x)\" }\n", "a comprehension", &["--> bad.toml:2:"]),
    (
        "[sysctl]\nnet.core.somaxconn = { expr = \"params.x\" }\n",
        "an undeclared parameter",
        &["--> bad.toml:2:", "[params]"],
    ),
    (
        "[params]\nx = 'fast'\n[sysctl]\nnet.core.somaxconn = { expr = \"params.x * 2\" }\n",
        "a word to count with",
        &["--> bad.toml:"],
    ),
    ("[sysctl]\nnet.core.somaxconn = { at-least = 1, at-most = 2 }\n", "two policies", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.core.somaxconn = { prefer = [] }\n", "no candidate", &["--> bad.toml:2:"]),
    ("[sysctl]\nnet.core.somaxconn = { between = [1] }\n", "one bound of two", &["--> bad.toml:2:"]),
    (
        "[sysctl]\nnet.core.somaxconn = { between = [20, 10] }\n",
        "nothing between",
        &["--> bad.toml:2:", "lies nothing"],
    ),
    (
        "[sysctl]\nnet.core.somaxconn = { value = 1, on-drift = 'explode' }\n",
        "an unknown word",
        &["--> bad.toml:2:", "report"],
    ),
    ("[sysctl]\nnet.ipv4.tcp_fastopen_key = '1-2-3-4'\n", "a secret", &["--> bad.toml:2:", "secret"]),
];

#[test]
fn every_mistake_is_named_with_file_line_and_column() {
    let Some(world) = World::new() else { return };
    world.profile("round", "include = ['bad']\n");
    let before = world.all_sysctls();
    for (text, what, parts) in CASES {
        world.profile("bad", text);
        for verb in ["plan", "apply"] {
            let told = world.trimtab(&[verb, "bad"]);
            assert_eq!(told.code, 65, "{what}: {told:?}");
            for part in *parts {
                assert!(told.err.contains(part), "{what}: no `{part}` in\n{}", told.err);
            }
        }
        let document = world.trimtab(&["plan", "bad", "--json"]).exits(65).json();
        let first = &document["diagnostics"][0];
        assert!(first["file"].is_string() && first["line"].is_u64() && first["column"].is_u64(), "{what}: {first}");
        let told = world.trimtab(&["validate", world.path("profiles/bad.toml").to_str().unwrap()]);
        assert_eq!(told.code, 65, "{what}: {told:?}");
    }
    assert_eq!(world.differences(&before), [""; 0]);
    assert!(!world.path("state").exists(), "nothing is left behind");
}

#[test]
fn secrets_are_not_repeated() {
    let Some(world) = World::new() else { return };
    world.profile("bad", "[sysctl]\nnet.ipv4.tcp_fastopen_key = \"0a1b2c3d-deadbeef-00000000-11111111\"\n");
    for arguments in [&["plan", "bad"][..], &["plan", "bad", "--json"], &["apply", "bad", "-vvv"]] {
        let told = world.trimtab(arguments).exits(65);
        assert!(!told.err.contains("deadbeef") && !told.out.contains("deadbeef"), "{told:?}");
    }
    let told =
        world.trimtab(&["plan", "--set", "net.ipv4.tcp_fastopen_key=0a1b2c3d-deadbeef-00000000-11111111"]).exits(65);
    assert!(!told.err.contains("deadbeef"), "{}", told.err);
}

#[test]
fn huge_deep_and_foreign_files_are_refused_at_once() {
    let Some(world) = World::new() else { return };
    let huge = format!("[sysctl]\n{}", "# all work and no play\n".repeat(200_000));
    let deep = format!("x = {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let tables = format!("x = {}1{}\n", "{ a = ".repeat(50_000), " }".repeat(50_000));
    let dotted = format!("[sysctl]\nnet{} = 1\n", ".a".repeat(100_000));
    let keys: String = (0..50_000).map(|number| format!("net.x.k{number} = 1\n")).collect();
    let long = format!("[sysctl]\nnet.core.somaxconn = {{ expr = \"{}1\" }}\n", "1 + ".repeat(10_000));
    let nested = format!("[sysctl]\nnet.core.somaxconn = {{ expr = \"{}1{}\" }}\n", "(".repeat(200), ")".repeat(200));
    let cases: &[(&str, Vec<u8>)] = &[
        ("huge", huge.into_bytes()),
        ("deep", deep.into_bytes()),
        ("tables", tables.into_bytes()),
        ("dotted", dotted.into_bytes()),
        ("keys", [b"[sysctl]\n", keys.as_bytes()].concat()),
        ("long", long.into_bytes()),
        ("nested", nested.into_bytes()),
        ("latin", b"description = \"Stra\xdfe\"\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("wide", "description = \"x\"\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ];
    for (name, bytes) in cases {
        world.write("profiles/bad.toml", bytes);
        let start = std::time::Instant::now();
        let told = world.trimtab(&["plan", "bad"]);
        assert!(start.elapsed().as_secs() < 20, "{name}: {:?}", start.elapsed());
        // Many unknown keys are only warnings.
        let expected: &[i32] = if *name == "keys" { &[3, 65] } else { &[65] };
        assert!(expected.contains(&told.code), "{name}: {} {}", told.code, &told.err[..told.err.len().min(2000)]);
        assert!(told.err.contains("bad.toml"), "{name}: {}", &told.err[..told.err.len().min(2000)]);
        if *name != "keys" {
            assert!(told.err.len() < 20_000, "{name}: {} bytes of complaints", told.err.len());
        }
    }
}

#[test]
fn arguments_are_checked_like_files() {
    let Some(world) = World::new() else { return };
    for set in [
        "net.ipv4.tcp_sack",
        "=1",
        "net.ipv4.tcp_sack=",
        "net.ipv4.tcp_sack={",
        "net.ipv4.tcp_sack=[1",
        "net.ipv4.../../kernel.panic=1",
        "/proc/sys/net/ipv4/tcp_sack=1",
        "link:eth0/mtu",
        "link:eth0=9000",
        "link:eth0/mtu=67",
        "link:eth0/mtu-max=9000",
        "link:/mtu=9000",
        "link:eth0/ring/rx=most",
        "xdp:eth0=fq",
        "net.ipv4.tcp_sack={at-leest=1}",
    ] {
        let told = world.trimtab(&["plan", "--set", set]);
        assert!(told.code == 65 && told.err.contains("--set:1:"), "{set}: {told:?}");
    }
    world.profile("role", "[params]\nrtt = '80ms'\n");
    for param in ["rtt", "=1", "rtt={", "nothing=1", "rtt='x'y"] {
        let told = world.trimtab(&["plan", "role", "--param", param]);
        assert!(told.code == 65 && told.err.contains("--param"), "{param}: {told:?}");
    }
    for role in ["", "..", "a/b", "builtin:", "builtin:nothing", "nul\u{1}", "-x"] {
        let told = world.trimtab(&["plan", "--", role]);
        assert_eq!(told.code, 65, "{role}: {told:?}");
    }
}

#[test]
fn host_files_are_checked_like_profiles() {
    let Some(world) = World::new() else { return };
    for (text, place) in [
        ("profiles = 'base'\n", "host.toml:1:"),
        ("profile = ['base']\n", "host.toml:1:1"),
        ("profiles = ['nothere']\n", "host.toml:1:"),
        ("mode = 'maybe'\n", "host.toml:1:"),
        ("on-drift = 'explode'\n", "host.toml:1:"),
        ("unmanaged = [3]\n", "host.toml:1:"),
        ("[facts]\nuplink.sped = '1gbit'\n", "host.toml:2:"),
        ("[facts]\nuplink.speed = 'fast'\n", "host.toml:2:"),
        ("[params]\nundeclared = 1\n", "host.toml:2:"),
        ("[drift]\nbreaker = 'often'\n", "host.toml:2:"),
        ("[drift]\nread-back = '30'\n", "host.toml:2:"),
        ("[metrics]\nlisten = 9417\n", "host.toml:2:"),
        ("[namespace.\"../x\"]\nprofiles = []\n", "host.toml:1:"),
        ("[sysctl]\nnet.ipv4.tcp_sack = 'x'\n", "host.toml:2:"),
    ] {
        world.write("host.toml", text);
        let told = world.trimtab(&["plan"]);
        assert!(told.code == 65 && told.err.contains(place), "{text}: {told:?}");
    }
    let missing = world.path("nothere.toml");
    let told = world.trimtab(&["--config", missing.to_str().unwrap(), "plan"]);
    assert!(told.code == 64 || (told.code == 65 && told.err.contains("nothere.toml")), "{told:?}");
}
