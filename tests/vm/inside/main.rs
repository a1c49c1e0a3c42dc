//! What only a machine of its own can show: global sysctls, modules that come later, NICs with real drivers, a power
//! loss, systemd. `tests/vm/run` boots a stock Debian kernel under QEMU and runs this program in there; nowhere else will it run.
//!
//! Tests share one boot and run one after the other, so each leaves the machine as it found it. Those whose names end
//! in `boot_1`, `boot_2` … get a machine and a disk of their own, and one boot each. Those of them below `systemd` run
//! as a service of a Debian with systemd, all others under a process 1 that does nothing but wait.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what fails here fails a test")]
#![expect(unsafe_code, reason = "the world of the tests of the command line: unshare(2) and setns(2)")]

mod globals;
mod late;
mod links;
mod machine;
#[path = "../../../agent/netlink/tests/it/namespace.rs"]
mod namespace;
mod nics;
mod notrack;
mod oracle;
mod power;
mod roles;
mod systemd;
#[path = "../../../agent/netlink/tests/it/tc/mod.rs"]
mod tc;
mod traffic_control;
mod trial;
mod watch;
#[path = "../../cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use all of it")]
mod world;
