//! A trial outlives whoever began it: `kill -9`, and a session that is closed.

use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::machine::Machine;
use crate::machine::raw;
use crate::machine::wait_until;

#[test]
fn a_trial_of_globals_is_undone_though_its_caller_was_killed() {
    let machine = Machine::new();
    let set = [
        "apply",
        "--set",
        "net.core.rmem_max=7340032",
        "--set",
        "net.core.netdev_budget=450",
        "--confirm-within",
        "3s",
    ];
    let mut command = machine.trimtab_command(&set);
    command.env("TRIMTAB_FAULT", "written:1").stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let status = command.status().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
    assert_eq!(machine.differences().len(), 1, "{:#?}", machine.differences());
    assert_eq!(machine.status()["unfinished"], true);
    wait_until("the trial is undone", &|| machine.differences().is_empty() && machine.status()["unfinished"] == false);
    assert!(machine.status()["trial"].is_null());
    machine.is_as_before();
}

#[test]
fn a_confirmed_trial_of_globals_stays() {
    let machine = Machine::new();
    machine.trimtab(&["apply", "--set", "net.core.rmem_max=7340032", "--confirm-within", "10m"]).exits(5);
    machine.trimtab(&["confirm"]).exits(0);
    assert_eq!(raw("net.core.rmem_max"), "7340032");
    machine.trimtab(&["verify"]).exits(0);
    machine.trimtab(&["revert"]).exits(0);
    machine.is_as_before();
}
