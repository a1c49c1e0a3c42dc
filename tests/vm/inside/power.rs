//! The power goes, and comes back: values are the kernel's again, and what is on the disk must not be taken for more.
//! The state folder lies on a disk of its own (ext4 on virtio), which only what was synced has reached for sure.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;

use crate::machine::Machine;
use crate::machine::raw;

/// Values that no kernel starts with.
const SET: [(&str, &str); 4] = [
    ("net.core.rmem_max", "7340032"),
    ("net.core.netdev_budget", "450"),
    ("net.core.somaxconn", "5000"),
    ("net.ipv4.tcp_fin_timeout", "17"),
];

fn profile() -> String {
    SET.iter().fold("[sysctl]\n".to_owned(), |text, (key, value)| format!("{text}{key} = {value}\n"))
}

/// What the kernel has, in the order of [`SET`].
fn live() -> Vec<String> {
    SET.iter().map(|(key, _)| raw(key)).collect()
}

fn wanted() -> Vec<String> {
    SET.iter().map(|(_, value)| (*value).to_owned()).collect()
}

/// The values of a fresh boot, which the first boot leaves for the second.
fn remember_defaults() -> Vec<String> {
    let defaults = live();
    assert!(defaults.iter().zip(wanted()).all(|(default, wanted)| *default != wanted), "{defaults:?}");
    let mut file = File::create("/disk/defaults").unwrap();
    file.write_all(defaults.join("\n").as_bytes()).unwrap();
    file.sync_all().unwrap();
    File::open("/disk").unwrap().sync_all().unwrap();
    defaults
}

fn defaults() -> Vec<String> {
    let text = File::open("/disk/defaults").and_then(std::io::read_to_string).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The machine is off before the next statement: nothing is synced, no process is told.
fn cut_the_power() -> ! {
    let mut port = File::options().write(true).open("/dev/ttyS1").unwrap();
    port.write_all(b"vm: power cut\n").unwrap();
    // SAFETY: a system call on a descriptor that is open.
    assert_eq!(unsafe { libc::tcdrain(port.as_raw_fd()) }, 0);
    File::create("/proc/sysrq-trigger").unwrap().write_all(b"b").unwrap();
    panic!("the power is still there");
}

/// As a fresh boot must find it, whatever the one before left on the disk; then there and back.
#[track_caller]
fn works_on_a_clean_slate(machine: &Machine) {
    assert_eq!(live(), defaults(), "the kernel starts anew");
    let status = machine.status();
    assert_eq!((&status["unfinished"], &status["held"]), (&false.into(), &0.into()), "{status:#}");
    assert!(status["trial"].is_null(), "{status:#}");
    // Nothing of the boot before is undone, neither now nor by a command that writes.
    machine.trimtab(&["revert"]).exits(0);
    assert_eq!(live(), defaults());
    machine.is_as_before();
    machine.trimtab(&["apply", "set"]).exits(0).says(&["in force: 4 written and read back"]);
    assert_eq!(live(), wanted());
    machine.trimtab(&["verify"]).exits(0);
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
}

fn machine() -> Machine {
    let machine = Machine::with_state_on_disk();
    machine.profile("set", &profile());
    machine
}

/// Dies between the third write and its record.
mod amid_an_apply {
    use super::*;

    #[test]
    fn boot_1() {
        let machine = machine();
        let defaults = remember_defaults();
        let mut command = machine.trimtab_command(&["apply", "set"]);
        let output = command.env("TRIMTAB_FAULT", "write:3").output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
        let changed = live().iter().zip(&defaults).filter(|(now, then)| now != then).count();
        assert!((2..=3).contains(&changed), "{changed} of 4 are written");
        cut_the_power();
    }

    #[test]
    fn boot_2() {
        let machine = machine();
        let journal = String::from_utf8(machine.journal()).unwrap();
        assert!(journal.contains("\"type\":\"begin\""), "the intent was synced before the first write: {journal}");
        works_on_a_clean_slate(&machine);
    }
}

/// The end of a transaction need not have reached the disk, and whatever has is whole.
mod right_after_an_apply {
    use super::*;

    #[test]
    fn boot_1() {
        let machine = machine();
        remember_defaults();
        machine.trimtab(&["apply", "set"]).exits(0);
        assert_eq!(live(), wanted());
        cut_the_power();
    }

    #[test]
    fn boot_2() {
        let machine = machine();
        match trimtab_kernel::file::read(std::path::Path::new("/disk/state/initial/applied"), 1 << 20) {
            Ok(applied) => {
                let applied: serde_json::Value = serde_json::from_slice(&applied).unwrap();
                assert_eq!(applied["generation"], 1, "{applied:#}");
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
        // It was in force in a boot that is over.
        assert!(machine.status()["in_force"].is_null());
        machine.trimtab(&["verify"]).exits(1).complains(&["nothing is applied in this boot"]);
        works_on_a_clean_slate(&machine);
    }
}

/// What cut a host off before anybody could confirm it must not do so at each boot.
mod amid_a_trial {
    use super::*;

    const CONFIRMED: &str = "[sysctl]\nnet.core.somaxconn = 6000\n";

    #[test]
    fn boot_1() {
        let machine = machine();
        remember_defaults();
        machine.profile("confirmed", CONFIRMED);
        machine.trimtab(&["apply", "confirmed"]).exits(0);
        machine.trimtab(&["apply", "set", "--confirm-within", "10m"]).exits(5);
        assert_eq!(live(), wanted());
        cut_the_power();
    }

    #[test]
    fn boot_2() {
        let machine = machine();
        assert_eq!(live(), defaults(), "the kernel starts anew");
        let status = machine.status();
        assert!(status["trial"].is_null() && !status["unconfirmed"].is_null(), "{status:#}");
        // As the unit does at boot. The set before the trial is put in force instead.
        machine.trimtab(&["apply", "set"]).exits(3).says(&["nobody confirmed it"]);
        let with: BTreeMap<&str, String> = SET.iter().map(|(key, _)| *key).zip(live()).collect();
        assert_eq!(with["net.core.somaxconn"], "6000");
        let others = |values: Vec<String>| [values[0].clone(), values[1].clone(), values[3].clone()];
        assert_eq!(others(live()), others(defaults()));
        machine.trimtab(&["revert"]).exits(0);
        machine.trimtab(&["confirm"]).exits(0).says(&["accepted"]);
        works_on_a_clean_slate(&machine);
    }
}
