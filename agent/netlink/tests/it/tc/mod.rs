//! Traffic control, with tc(8) as the judge.

pub mod cases;
mod class;
mod news;
mod qdisc;

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
    one
}

/// What tc(8) says, asked for `qdisc show dev tt-a`, say.
fn judge(line: &str) -> Vec<Value> {
    serde_json::from_str(&run(&format!("tc -j -d {line}"))).unwrap()
}
