//! Disks that are full or read-only: what cannot be recorded is not done.

use crate::world::TRIMTAB;
use crate::world::Told;
use crate::world::World;

/// Runs a script and then the binary, in one mount namespace.
fn mounted(world: &World, script: &str, arguments: &[&str]) -> Told {
    let mut command = world.command("unshare");
    command.args(["--mount", "sh", "-ec", &format!("{script}\nexec \"$@\""), "sh", TRIMTAB]);
    command.args(world.options()).args(arguments).current_dir(world.path("."));
    Told::of(command)
}

#[test]
fn a_read_only_state_folder_lets_nothing_be_written() {
    let Some(world) = World::new() else { return };
    world.trimtab(&["apply", "--set", "net.ipv4.tcp_sack=0"]).exits(0);
    let before = world.all_sysctls();
    let journal = world.journal();
    let read_only = "mount --bind -o ro state state";
    for arguments in [&["apply", "router"][..], &["revert"], &["apply", "router", "--confirm-within", "60s"]] {
        let told = mounted(&world, read_only, arguments).exits(1);
        assert!(told.err.contains("Read-only file system") && told.err.contains("/state/"), "{}", told.err);
    }
    assert_eq!(world.differences(&before), [""; 0]);
    assert_eq!(world.journal(), journal);
    mounted(&world, read_only, &["verify"]).exits(0);
    mounted(&world, read_only, &["status"]).exits(0);
    mounted(&world, read_only, &["plan", "router"]).exits(2);
}

#[test]
fn a_full_disk_stops_before_the_first_write_or_undoes_everything() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    world.sh("mkdir state");
    let mut codes = std::collections::BTreeSet::new();
    // From no room at all to plenty, a page at a time.
    for pages in 0..12 {
        let small = format!(
            "mount -t tmpfs -o size=48k,mode=755 none state\nhead -c {} /dev/zero >state/ballast 2>/dev/null || true",
            (12 - pages) * 4096
        );
        let told = mounted(&world, &small, &["apply", "router"]);
        codes.insert(told.code);
        match told.code {
            // The state vanishes with the mount, what was applied does not.
            0 => world.trimtab_free(&before),
            1 | 6 => {
                // Of a record that does not fit the disk may still take the first bytes.
                let told_why = |text: &str| text.contains("No space left") || text.contains("bytes had room");
                assert!(told_why(&told.err) || told_why(&told.out), "{told:?}");
            }
            other => panic!("{pages} pages: exit {other}: {told:?}"),
        }
        assert_eq!(world.differences(&before), [""; 0], "{pages} pages free, exit {}", told.code);
    }
    assert!(codes.contains(&0) && codes.len() > 1, "{codes:?}");
}

#[test]
fn a_full_disk_under_an_out_file_leaves_no_half_file() {
    let Some(world) = World::new() else { return };
    world.sh("mkdir out");
    let small = "mount -t tmpfs -o size=4k none out";
    let told = mounted(&world, small, &["snapshot", "--out", "out/snapshot"]).exits(1);
    assert!(told.err.contains("No space left") && told.err.contains("out"), "{}", told.err);
    let both = format!("{small}\n\"$@\" || true\nls -A out\nexit 0\n");
    let mut command = world.command("unshare");
    command.args(["--mount", "sh", "-ec", &both, "sh", TRIMTAB]).args(world.options());
    command.args(["snapshot", "--out", "out/snapshot"]).current_dir(world.path("."));
    let told = Told::of(command).exits(0);
    assert_eq!(told.out, "", "no half file");
}

impl World {
    /// Puts every key back as sysctl(8) read it then.
    fn trimtab_free(&self, then: &str) {
        self.write("then", then);
        for _ in 0..2 {
            self.sh("sysctl -q -p then >/dev/null 2>&1 || true");
        }
    }
}
