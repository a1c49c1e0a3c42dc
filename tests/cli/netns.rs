//! Namespaces by name: `--netns NAME` and `sysctl@NAME:` are as good as `ip netns exec NAME`.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use rustix::thread::LinkNameSpaceType;

use crate::world::World;

/// A name in /run/netns that goes away with this.
pub struct Named(pub String);

impl Named {
    pub fn new() -> Named {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("trimtab-test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let status = Command::new("ip").args(["netns", "add", &name]).status().unwrap();
        assert!(status.success());
        Named(name)
    }

    /// Runs something on a thread inside of it.
    pub fn thread<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let netns = File::open(Path::new("/run/netns").join(&self.0)).unwrap();
        std::thread::spawn(move || {
            rustix::thread::move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            body()
        })
    }

    fn sysctl(&self, key: &str) -> String {
        let output = Command::new("ip").args(["netns", "exec", &self.0, "sysctl", "-n", key]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).status();
    }
}

#[test]
fn by_name_is_as_good_as_from_inside() {
    let Some(world) = World::new() else { return };
    let blue = Named::new();
    let name = blue.0.as_str();
    let inside = |arguments: &[&str]| {
        let mut command = world.command("ip");
        command.args(["netns", "exec", name, crate::world::TRIMTAB]).args(world.options()).args(arguments);
        crate::world::Told::of(command)
    };
    let by_name = |arguments: &[&str]| world.trimtab(&[&["--netns", name][..], arguments].concat());
    let told = by_name(&["plan", "router"]).exits(2);
    let from_inside = inside(&["plan", "router"]).exits(2);
    // They differ in the name alone, which is not known inside.
    let tail = |text: &str| text.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(tail(&told.out), tail(&from_inside.out));
    assert!(told.out.contains(&format!("netns {name}")), "{}", told.out);
    by_name(&["apply", "router"]).exits(0);
    assert_eq!(blue.sysctl("net.ipv4.ip_forward"), "1");
    assert_eq!(world.sysctl("net.ipv4.ip_forward"), "0", "only there");
    by_name(&["verify"]).exits(0);
    inside(&["verify"]).exits(0);
    inside(&["apply", "router"]).exits(0).says(&["nothing written"]);
    world.trimtab(&["verify"]).exits(1);
    by_name(&["status"]).exits(0).says(&[format!("netns {name}"), "profile router".to_owned()]);
    inside(&["revert"]).exits(0);
    by_name(&["status"]).exits(0).says(&["nothing in this boot"]);
    assert_eq!(blue.sysctl("net.ipv4.ip_forward"), "0");
}

#[test]
fn addresses_may_name_the_namespace() {
    let Some(world) = World::new() else { return };
    let blue = Named::new();
    let name = blue.0.as_str();
    let key = format!("sysctl@{name}:net.ipv4.tcp_sack");
    let set = format!("{key}=0");
    world.trimtab(&["--netns", name, "apply", "--set", &set]).exits(0);
    assert_eq!((blue.sysctl("net.ipv4.tcp_sack"), world.sysctl("net.ipv4.tcp_sack")), ("0".into(), "1".into()));
    world.trimtab(&["explain", &key]).exits(0).says(&["live       0", "original   1 before trimtab"]);
    world.trimtab(&["explain", "net.ipv4.tcp_sack"]).exits(0).says(&["live       1"]);
    world.trimtab(&["--netns", "other", "explain", &key]).exits(64).complains(&["other", name]);
    // A setting for elsewhere is refused, not applied here.
    world.trimtab(&["plan", "--set", &set]).exits(65).complains(&["another network namespace", "--netns"]);
    world.trimtab(&["revert", &key]).exits(0);
    assert_eq!(blue.sysctl("net.ipv4.tcp_sack"), "1");
}

#[test]
fn host_file_has_a_section_for_each() {
    let Some(world) = World::new() else { return };
    let blue = Named::new();
    let name = blue.0.as_str();
    world.profile("mtu", "[sysctl]\nnet.ipv4.tcp_mtu_probing = 1\n");
    world.write("host.toml", format!("[sysctl]\nnet.ipv4.tcp_sack = 0\n[namespace.{name}]\nprofiles = ['mtu']\n"));
    let told = world.trimtab(&["--netns", name, "plan"]).exits(2).says(&["tcp_mtu_probing", "profile mtu"]);
    assert!(!told.out.contains("tcp_sack"), "{}", told.out);
    let told = world.trimtab(&["plan"]).exits(2).says(&["tcp_sack"]);
    assert!(!told.out.contains("tcp_mtu_probing"), "{}", told.out);
}

#[test]
fn what_is_no_namespace_is_named() {
    let Some(world) = World::new() else { return };
    world
        .trimtab(&["--netns", "no-such-thing", "plan"])
        .exits(1)
        .complains(&["there is no network namespace `no-such-thing`"]);
    for name in ["../../proc/1/ns/net", "/proc/1/ns/net", "", ".", "a b/c"] {
        let told = world.trimtab(&["--netns", name, "plan"]);
        assert!([1, 64].contains(&told.code), "{name}: {told:?}");
    }
}
