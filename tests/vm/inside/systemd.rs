//! Under a real systemd, on a whole Debian 12: the unit that applies at boot, and trials that systemd keeps.
//! The binary is used as it is installed: `/etc/trimtab`, `/var/lib/trimtab`, `/run/trimtab`.

use std::path::Path;
use std::process::Command;

use crate::machine::in_the_vm;
use crate::machine::raw;
use crate::machine::sh;
use crate::machine::wait_until;
use crate::world::Told;

const UNIT: &str = "trimtab-apply.service";

#[track_caller]
fn trimtab(arguments: &[&str]) -> Told {
    let mut command = Command::new("/usr/bin/trimtab");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(arguments);
    Told::of(command)
}

/// A property of a unit, by systemctl(1).
#[track_caller]
fn property(unit: &str, name: &str) -> String {
    sh(&format!("systemctl show --value --property={name} {unit}"))
}

/// When something of a unit happened, in microseconds since the boot; it must have.
#[track_caller]
fn moment(unit: &str, name: &str) -> u64 {
    let at = property(unit, name).parse().unwrap();
    assert!(at > 0, "{unit}: {name} never came");
    at
}

/// Which process 1 it is decides what is tested.
#[track_caller]
fn under_systemd() {
    in_the_vm();
    assert!(Path::new("/run/systemd/system").is_dir(), "process 1 is not systemd");
}

/// Installed and enabled in one boot, in force in the next.
mod the_unit_applies_at_boot {
    use super::*;

    const HOST: &str = r#"
profiles = ["egress-proxy"]

[sysctl]
net.core.rmem_max = 7340032
net.netfilter.nf_conntrack_max = 300000
"#;

    #[test]
    fn boot_1() {
        under_systemd();
        assert_ne!(raw("net.core.rmem_max"), "7340032");
        sh("install -m 0644 /vm/trimtab-apply.service /etc/systemd/system/; mkdir -p /etc/trimtab /etc/sysctl.d");
        std::fs::write("/etc/trimtab/host.toml", HOST).unwrap();
        std::fs::write("/etc/modules-load.d/conntrack.conf", "nf_conntrack\n").unwrap();
        // The profile wants 30 at most, and comes after systemd-sysctl.
        std::fs::write("/etc/sysctl.d/90-old.conf", "net.ipv4.tcp_fin_timeout = 45\n").unwrap();
        std::fs::write("/var/lib/rmem_max", raw("net.core.rmem_max")).unwrap();
        sh(&format!("systemctl daemon-reload; systemctl enable {UNIT}; sync"));
        assert_eq!(property(UNIT, "ActiveState"), "inactive");
    }

    #[test]
    fn boot_2() {
        under_systemd();
        // The kernel may be written to by others at boot; the unit tries again by itself then.
        wait_until("the unit is through", &|| property(UNIT, "ActiveState") != "activating");
        let journal = sh(&format!("journalctl --boot --no-pager --unit={UNIT} || true"));
        assert_eq!(property(UNIT, "ActiveState"), "active", "{journal}");
        assert_eq!(
            (property(UNIT, "Result"), property(UNIT, "ExecMainStatus")),
            ("success".into(), "0".into()),
            "{journal}"
        );

        // Its hardening lets it write all of these.
        assert_eq!(raw("net.core.rmem_max"), "7340032", "{journal}");
        assert_eq!(raw("net.netfilter.nf_conntrack_max"), "300000");
        assert_eq!(raw("net.ipv4.tcp_fin_timeout"), "30");
        assert_eq!(raw("net.core.default_qdisc"), "fq");
        trimtab(&["verify"]).exits(0);
        trimtab(&["status"]).exits(0).says(&["in force: profile egress-proxy"]);

        // After what would overwrite it and what brings keys, before any network.
        let started = moment(UNIT, "InactiveExitTimestampMonotonic");
        for earlier in ["systemd-sysctl.service", "systemd-modules-load.service"] {
            assert!(moment(earlier, "ActiveEnterTimestampMonotonic") <= started, "{earlier}");
        }
        let done = moment(UNIT, "ActiveEnterTimestampMonotonic");
        if property(UNIT, "NRestarts") == "0" {
            assert!(done <= moment("network-pre.target", "ActiveEnterTimestampMonotonic"), "{journal}");
        }

        // To stop the unit takes nothing back, and to start it again writes nothing.
        let records = || sh("cksum /var/lib/trimtab/initial/journal");
        let before = records();
        sh(&format!("systemctl stop {UNIT}"));
        assert_eq!(raw("net.core.rmem_max"), "7340032");
        assert!(Path::new("/run/trimtab").is_dir(), "others use it too");
        sh(&format!("systemctl start {UNIT}"));
        assert_eq!(property(UNIT, "Result"), "success");
        assert_eq!(records(), before);

        trimtab(&["revert"]).exits(0);
        let original = std::fs::File::open("/var/lib/rmem_max").and_then(std::io::read_to_string).unwrap();
        assert_eq!(raw("net.core.rmem_max"), original);
        assert_eq!(raw("net.ipv4.tcp_fin_timeout"), "45", "as systemd-sysctl had set it");
    }
}

/// The daemon as a service: hardened, ready when it is, reloaded, killed and stopped.
mod the_daemon_keeps_the_roles_in_force {
    use super::*;

    const DAEMON: &str = "trimtab.service";

    const HOST: &str = r#"
[sysctl]
net.core.rmem_max = 7340032
net.ipv4.tcp_fin_timeout = 33

[drift]
read-back = "1s"
"#;

    #[test]
    fn boot_1() {
        under_systemd();
        let original = raw("net.core.rmem_max");
        sh("install -m 0644 /vm/trimtab.service /etc/systemd/system/; mkdir -p /etc/trimtab; systemctl daemon-reload");
        std::fs::write("/etc/trimtab/host.toml", HOST).unwrap();
        sh(&format!("systemctl start {DAEMON}"));
        let journal = || sh(&format!("journalctl --boot --no-pager --unit={DAEMON} || true"));
        // Started means that the roles are in force.
        assert_eq!(property(DAEMON, "ActiveState"), "active", "{}", journal());
        assert_eq!(raw("net.core.rmem_max"), "7340032", "{}", journal());

        sh("sysctl -qw net.core.rmem_max=300000");
        wait_until("the drift is put back", &|| raw("net.core.rmem_max") == "7340032");
        trimtab(&["history", "net.core.rmem_max"]).exits(0).says(&["found 300000, want 7340032"]);

        // At once, and whoever it was is named: who has ended since by its unit, who has not by its program too.
        std::fs::write("/etc/trimtab/host.toml", HOST.replace("1s", "1h")).unwrap();
        sh(&format!("systemctl reload {DAEMON}"));
        let writer = |found: u64| -> Option<serde_json::Value> {
            let told = trimtab(&["history", "net.core.rmem_max", "--json"]).exits(0).json();
            let events = told["events"].as_array().unwrap().clone();
            events.into_iter().find(|event| event["found"] == found).map(|event| event["writer"].clone())
        };
        sh("systemd-run --quiet --unit=meddler sysctl -qw net.core.rmem_max=300001");
        wait_until("the write is told", &|| writer(300_001).is_some());
        let told = writer(300_001).unwrap();
        assert_eq!(
            (&told["comm"], &told["unit"]),
            (&"sysctl".into(), &"meddler.service".into()),
            "{told} {}",
            journal()
        );
        sh("sh -c 'echo 300002 >/proc/sys/net/core/rmem_max; sleep 1; true'");
        wait_until("the write is told", &|| writer(300_002).is_some());
        let told = writer(300_002).unwrap();
        assert!(told["exe"].as_str().is_some_and(|exe| exe.starts_with('/')), "{told} {}", journal());
        assert_eq!(raw("net.core.rmem_max"), "7340032");
        std::fs::write("/etc/trimtab/host.toml", HOST).unwrap();
        sh(&format!("systemctl reload {DAEMON}"));

        // A reload, and a file that is changed, are put in force; an invalid one is told and changes nothing.
        std::fs::write("/etc/trimtab/host.toml", HOST.replace("33", "34")).unwrap();
        sh(&format!("systemctl reload {DAEMON}"));
        wait_until("the new value is there", &|| raw("net.ipv4.tcp_fin_timeout") == "34");
        std::fs::write("/etc/trimtab/host.toml", "[sysctl]\nx").unwrap();
        wait_until("it says so", &|| property(DAEMON, "StatusText").starts_with("degraded"));
        assert_eq!((property(DAEMON, "ActiveState"), raw("net.ipv4.tcp_fin_timeout")), ("active".into(), "34".into()));
        std::fs::write("/etc/trimtab/host.toml", HOST).unwrap();
        wait_until("it has recovered", &|| property(DAEMON, "StatusText") == "watching");

        // Killed, it is back by itself, and nothing is lost.
        let pid = property(DAEMON, "MainPID");
        sh(&format!("systemctl kill --signal=KILL {DAEMON}"));
        wait_until("it is back", &|| property(DAEMON, "ActiveState") == "active" && property(DAEMON, "MainPID") != pid);
        sh("sysctl -qw net.core.rmem_max=300000");
        wait_until("it works on", &|| raw("net.core.rmem_max") == "7340032");

        // Stopped, what is in force stays, and can be taken back.
        sh(&format!("systemctl stop {DAEMON}"));
        assert_eq!((property(DAEMON, "Result"), raw("net.core.rmem_max")), ("success".into(), "7340032".into()));
        trimtab(&["revert"]).exits(0);
        assert_eq!(raw("net.core.rmem_max"), original);
        sh("rm -r /etc/trimtab /etc/systemd/system/trimtab.service; systemctl daemon-reload");
    }
}

/// A login or a pipeline begins a trial and is killed with all its processes: that is what the trial is for.
mod a_trial_outlives_the_session_that_began_it {
    use super::*;

    #[test]
    fn boot_1() {
        under_systemd();
        let original = raw("net.core.rmem_max");
        let set = "/usr/bin/trimtab apply --set net.core.rmem_max=7340032 --confirm-within 20s";
        sh(&format!("systemd-run --quiet --unit=session sh -c '{set}; sleep 1000'"));
        wait_until("the trial runs", &|| !trimtab(&["status", "--json"]).exits(0).json()["trial"].is_null());
        assert_eq!(raw("net.core.rmem_max"), "7340032");
        let timers = sh("systemctl list-units --all --plain --no-legend 'trimtab-*'");
        assert!(!timers.is_empty(), "the timer is a unit of its own");
        sh("systemctl kill --signal=KILL session.service; systemctl reset-failed session.service || true");
        wait_until("the session is gone", &|| property("session.service", "ActiveState") != "active");
        assert_eq!(raw("net.core.rmem_max"), "7340032", "still on trial");
        wait_until("the trial is undone", &|| raw("net.core.rmem_max") == original);
        wait_until("that is on record", &|| trimtab(&["status", "--json"]).exits(0).json()["trial"].is_null());
        wait_until("its unit is gone", &|| {
            sh("systemctl list-units --plain --no-legend --state=active,activating 'trimtab-*'").is_empty()
        });

        // Confirmed, or ended by hand, nothing is left that waits for a deadline far off.
        let long = "! /usr/bin/trimtab apply --set net.core.rmem_max=7340032 --confirm-within 6h";
        let no_timer = || sh("systemctl list-units --all --plain --no-legend 'trimtab-trial-*'").is_empty();
        sh(long);
        assert!(!no_timer());
        trimtab(&["revert", "--trial"]).exits(0);
        wait_until("its unit is gone", &no_timer);
        assert_eq!(raw("net.core.rmem_max"), original);
        sh(long);
        assert!(!no_timer());
        trimtab(&["confirm"]).exits(0);
        wait_until("its unit is gone", &no_timer);
        assert_eq!(raw("net.core.rmem_max"), "7340032");
        trimtab(&["verify"]).exits(0);
        trimtab(&["revert"]).exits(0);
        assert_eq!(raw("net.core.rmem_max"), original);
    }
}
