//! Lists the interfaces of this namespace with their limits, and which of them leads out; then tells what happens to them,
//! until it is interrupted: `cargo run -p trimtab-netlink --example links`.
#![expect(clippy::print_stdout, reason = "an example")]

use std::time::Duration;

use trimtab_netlink::Error;
use trimtab_netlink::IpFamily;
use trimtab_netlink::link;
use trimtab_netlink::link::Change;
use trimtab_netlink::link::Lower;
use trimtab_netlink::monitor;
use trimtab_netlink::monitor::Monitor;
use trimtab_netlink::monitor::News;
use trimtab_netlink::monitor::Topic;
use trimtab_netlink::route;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

fn main() -> Result<(), Error> {
    // First listen, then look: what happens in between is told rather than missed.
    let mut monitor = Monitor::open(1 << 20, &[Topic::Links])?;
    let mut socket = RequestSocket::open(Protocol::Route)?;
    for link in link::dump(&mut socket)? {
        let kind = link.kind.as_deref().unwrap_or("hardware");
        let on = match link.link {
            None => String::new(),
            Some(Lower::Here(index)) => format!(" on {index}"),
            Some(Lower::Elsewhere { index, .. }) => format!(" on {index} of another namespace"),
        };
        println!("{} {}: {kind}{on}, {:?}", link.index, link.name, link.operstate);
        println!("    mtu {}, of {:?} to {:?}", link.mtu, link.min_mtu, link.max_mtu);
        println!("    gso_max_size {:?} of {:?}", link.gso_max_size, link.tso_max_size);
    }
    for family in [IpFamily::V4, IpFamily::V6] {
        for route in route::defaults(&mut socket, family)? {
            println!("default {family:?} metric {}: {:?}", route.metric, route.hops);
        }
    }
    loop {
        monitor.wait(Duration::from_secs(3600))?;
        match monitor.read()? {
            News::Idle => (),
            News::Overrun => println!("something was lost"),
            News::Changes(changes) => changes.iter().flatten().for_each(tell),
        }
    }
}

fn tell(heard: &monitor::Heard) {
    let monitor::Change::Link(change) = &heard.change else { return };
    let what = match change {
        Change::New(_) => "is new",
        Change::Changed { .. } => "has changed",
        Change::Moved { .. } => "went to another namespace",
        Change::Gone(_) => "is gone",
    };
    println!("{} {}: {what}", change.link().index, change.link().name);
}
