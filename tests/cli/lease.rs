//! `hold` and `adopt`: tuning by hand under a daemon, and writing down what was found.

use std::time::Duration;

use serde_json::json;

use crate::watch::Daemon;
use crate::watch::world;

const FIN: &str = "net.ipv4.tcp_fin_timeout";
const PROFILE: &str = "[sysctl]\nnet.ipv4.tcp_fin_timeout = 33\nnet.ipv4.tcp_sack = 0\n";

#[test]
fn what_is_on_lease_is_left_until_the_lease_ends() {
    let Some(world) = world(PROFILE, "") else { return };
    let daemon = Daemon::start(&world);
    let told = world.trimtab(&["hold", FIN, "--for", "2h", "--reason", "looking at a leak"]).exits(0);
    told.says(&["on lease until 20", "now 33; nobody puts it back until then"]);
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=99 net.ipv4.tcp_sack=1");
    daemon.until("net.ipv4.tcp_sack", "0");
    assert_eq!(world.sysctl(FIN), "99");
    // It is shown wherever somebody would wonder.
    let lease = ["on lease for 2 h 0 min more, by uid 0", "looking at a leak"];
    world.trimtab(&["status"]).exits(0).says(&lease);
    world.trimtab(&["verify"]).exits(3).says(&lease).says(&["want 33, found 99"]);
    world.trimtab(&["plan"]).exits(0).says(&lease);
    world.trimtab(&["history", FIN]).exits(0).says(&["on lease for 7200 s by uid 0", "looking at a leak"]);
    let status = world.trimtab(&["status", "--json"]).exits(0).json();
    assert_eq!(status["leases"][0]["address"], "sysctl:net.ipv4.tcp_fin_timeout");
    world.trimtab(&["verify", "--json"]).exits(3).json();
    // Nothing puts it back: no apply, no signal, no new start, no other wish.
    world.trimtab(&["apply"]).exits(0).says(&lease);
    daemon.signal(rustix::process::Signal::HUP);
    daemon.hears("RELOADING=1");
    daemon.hears("READY=1");
    daemon.ends();
    let daemon = Daemon::start(&world);
    world.profile("p", "[sysctl]\nnet.ipv4.tcp_fin_timeout = 34\nnet.ipv4.tcp_sack = 1\n");
    daemon.until("net.ipv4.tcp_sack", "1");
    assert_eq!(world.sysctl(FIN), "99");
    // It ends when somebody says so, or by itself.
    world.trimtab(&["hold", FIN, "--end", "--json"]).exits(0).json();
    daemon.until(FIN, "34");
    world.trimtab(&["hold", FIN, "--end"]).exits(1).complains(&["there is no lease of it"]);
    world.trimtab(&["hold", FIN, "--for", "2s", "--reason", "short", "--json"]).exits(0).json();
    world.sh("sysctl -qw net.ipv4.tcp_fin_timeout=98");
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(world.sysctl(FIN), "98");
    daemon.until(FIN, "34");
    let ended = daemon.told("sysctl:net.ipv4.tcp_fin_timeout", "lease-ended");
    assert_eq!(ended["found"], json!(99), "the first of the two");
    let drifts = daemon.events().into_iter().filter(|event| event["found"] == 98);
    let told: Vec<String> = drifts.map(|event| event["what"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["lease-ended", "drifted", "put-back"]);
    daemon.ends();
    assert!(!world.state().unwrap().join("leases").exists());
}

#[test]
fn a_lease_needs_no_daemon_but_a_time_a_reason_and_a_value() {
    let Some(world) = world(PROFILE, "") else { return };
    world.trimtab(&["hold", FIN]).exits(64).complains(&["--for", "--reason"]);
    world.trimtab(&["hold", FIN, "--for", "2h"]).exits(64);
    world.trimtab(&["hold", FIN, "--for", "2h", "--reason", " "]).exits(64).complains(&["has a reason"]);
    world.trimtab(&["hold", FIN, "--for", "9000h", "--reason", "x"]).exits(64);
    let absent = world.trimtab(&["hold", "net.ipv4.conf.nosuch.rp_filter", "--for", "1h", "--reason", "x"]).exits(1);
    absent.complains(&["nothing that could be tuned"]);
    let told = world.trimtab(&["hold", FIN, "--for", "1h", "--reason", "before the first apply"]).exits(0);
    told.says(&["nothing in force wants anything of it now"]);
    world.trimtab(&["apply"]).exits(0);
    assert_eq!(world.sysctl(FIN), "60");
    // What cannot be read holds nothing back.
    std::fs::write(world.state().unwrap().join("leases"), "{").unwrap();
    world.trimtab(&["apply"]).exits(0).complains(&["leases cannot be read"]);
    assert_eq!(world.sysctl(FIN), "33");
}

#[test]
fn what_is_adopted_is_wanted_as_it_is() {
    let Some(world) = world(PROFILE, "unmanaged = []") else { return };
    world.sh("ip link add eth0.5 type veth peer name w0; sysctl -qw net.ipv4.tcp_fin_timeout=77 net.ipv4.tcp_rmem='4096 99999 999999'");
    world.sh("sysctl -qw net.ipv4.ip_local_reserved_ports=80,90-92 net.ipv4.conf.eth0/5.rp_filter=2; ip link set eth0.5 mtu 1400");
    let before = world.all_sysctls();
    let told = world.trimtab(&["adopt", FIN]).exits(0);
    assert_eq!(
        told.out,
        "# sysctl:net.ipv4.tcp_fin_timeout: in place of what p.toml:2 says\n[sysctl]\nnet.ipv4.tcp_fin_timeout = 77\n"
    );
    let addresses = [
        FIN,
        "net.ipv4.tcp_rmem",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_congestion_control",
        "net.ipv4.conf.eth0/5.rp_filter",
        "link:eth0.5/mtu",
        "link:eth0.5/feature/rx-gro",
        "link:eth0.5/queue/rx-0/rps-cpus",
    ];
    for (number, address) in addresses.into_iter().enumerate() {
        let told = world.trimtab(&["adopt", address, "--json"]).exits(0).json();
        let name = format!("adopted{number}");
        world.profile(&name, told["patch"].as_str().unwrap());
        let plan = world.trimtab(&["plan", &name]);
        assert!(plan.code == 0 && plan.out.contains("1 as wanted"), "{told:#}\n{plan:?}");
    }
    assert_eq!(world.differences(&before), Vec::<String>::new());
    world.trimtab(&["adopt", "net.ipv4.tcp_fastopen_key"]).exits(1).complains(&["secret"]);
    world.trimtab(&["adopt", "net.ipv4.tcp_no_such"]).exits(1).complains(&["no such value"]);
    world.trimtab(&["adopt", "tc:lo/root"]).exits(1).complains(&["not written down"]);
}
