//! `--out`: what is at the named place already stays what it is.

use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value as Json;
use trimtab_kernel::file;

use crate::world::Told;
use crate::world::World;

const PLAN: [&str; 4] = ["plan", "--set", "net.ipv4.tcp_sack=0", "--out"];

fn plan_to(world: &World, place: &str) -> Told {
    world.trimtab(&[&PLAN[..], &[place]].concat())
}

#[track_caller]
fn holds_a_plan(bytes: &[u8]) {
    let document: Json = serde_json::from_slice(bytes).unwrap();
    assert_eq!(document["document"], "trimtab.plan");
}

#[test]
fn a_device_stays_a_device() {
    let Some(world) = World::new() else { return };
    // Like /dev/null, and dear to nobody.
    world.sh("mknod null c 1 3; mkfifo fifo; ln -s null link");
    for place in ["null", "link"] {
        plan_to(&world, world.path(place).to_str().unwrap()).exits(2);
    }
    assert!(world.path("null").symlink_metadata().unwrap().file_type().is_char_device());
    assert!(world.path("link").is_symlink());
    let fifo = world.path("fifo");
    let reader = std::thread::spawn(move || file::read_open(std::fs::File::open(fifo).unwrap(), 1 << 20).unwrap());
    plan_to(&world, world.path("fifo").to_str().unwrap()).exits(2);
    holds_a_plan(&reader.join().unwrap());
    assert!(world.path("fifo").symlink_metadata().unwrap().file_type().is_fifo());
}

#[test]
fn standard_output_by_its_path_is_written_to() {
    let Some(world) = World::new() else { return };
    let before = std::fs::symlink_metadata("/dev/stdout").unwrap();
    // A pipe.
    let told = world.trimtab(&["snapshot", "--out", "/dev/stdout"]).exits(0);
    assert!(told.out.contains("\"document\": \"trimtab.snapshot\""), "{}", told.out);
    // A file that somebody has open, with something in it.
    let out = world.path("out");
    let mut open = std::fs::File::create(&out).unwrap();
    std::io::Write::write_all(&mut open, b"before\n").unwrap();
    let mut command = world.trimtab_command(&["snapshot", "--out", "/dev/stdout"]);
    let inode = out.metadata().unwrap().ino();
    assert!(command.stdout(Stdio::from(open)).status().unwrap().success());
    assert_eq!(out.metadata().unwrap().ino(), inode);
    let text = String::from_utf8(file::read(&out, 1 << 24).unwrap()).unwrap();
    assert!(text.starts_with("before\n{"), "{text}");
    let after = std::fs::symlink_metadata("/dev/stdout").unwrap();
    assert!(after.is_symlink() && after.ino() == before.ino());
}

#[test]
fn a_file_keeps_its_mode_and_owner_and_a_symlink_its_place() {
    let Some(world) = World::new() else { return };
    let target = world.path("target");
    world.write("target", "old");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::chown(&target, Some(65534), Some(65534)).unwrap();
    std::os::unix::fs::symlink("target", world.path("link")).unwrap();
    plan_to(&world, world.path("link").to_str().unwrap()).exits(2);
    assert!(world.path("link").is_symlink());
    let found = target.symlink_metadata().unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o600, 65534, 65534));
    holds_a_plan(&file::read(&target, 1 << 20).unwrap());
}
