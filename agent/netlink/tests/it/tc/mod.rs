//! Traffic control, with tc(8) as the judge.
#![expect(clippy::print_stderr, reason = "what was done without is said")]

mod batch;
pub mod cases;
mod class;
pub mod filter;
mod news;
mod qdisc;
mod recorded;
mod traffic;

use std::process::Command;

use serde_json::Value;
use trimtab_netlink::link;
use trimtab_netlink::link::Kind;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::Settings;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::qdisc::Qdisc;
use trimtab_netlink::tc::qdisc::dump;

use crate::namespace::run;

fn open() -> RequestSocket {
    RequestSocket::open(Protocol::Route).unwrap()
}

/// An interface that is up, has four transmit queues and a default discipline: its index. What goes out of it is swallowed.
fn ifb(socket: &mut RequestSocket, name: &str) -> u32 {
    let settings = Settings { up: Some(true), txqueuelen: Some(123), ..Settings::default() };
    let new = NewLink { num_tx_queues: Some(4), num_rx_queues: Some(4), settings, ..NewLink::named(name, Kind::Ifb) };
    link::add(socket, &new).unwrap();
    link::get_by_name(socket, name).unwrap().index
}

/// The one that is attached there.
fn at(socket: &mut RequestSocket, interface: u32, parent: Handle) -> Qdisc {
    let all = dump(socket).unwrap();
    let mut found = all.into_iter().filter(|qdisc| qdisc.interface == interface && qdisc.parent == parent);
    let one = found.next().unwrap();
    assert_eq!(found.next(), None);
    // Of what the kernel attached by itself not all can be asked for one by one.
    if !one.is_default() {
        let asked = trimtab_netlink::tc::qdisc::get(socket, interface, parent).unwrap().unwrap();
        assert_eq!((asked.handle, &asked.kind), (one.handle, &one.kind));
    }
    one
}

/// What tc(8) says, asked for `qdisc show dev tt-a`, say.
fn judge(line: &str) -> Vec<Value> {
    serde_json::from_str(&run(&format!("tc -j -d {line}"))).unwrap()
}

/// Has tc(8) make something, if the kernel has such a thing. Only if the kernel itself says that it has not is it done without, and
/// that is printed. What Debian's kernels have is seen in the VM.
fn said_unless_unknown(test: &str, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let unknown = ["Specified qdisc kind is unknown", "TC classifier not found", "Failed to load TC action module"];
    if unknown.iter().any(|words| told.contains(words)) {
        eprintln!("{test} does without `{line}`: this kernel has no such thing");
        return false;
    }
    assert!(output.status.success(), "{line}: {told}");
    true
}
