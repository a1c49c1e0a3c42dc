//! Interfaces, with ip(8) as the judge.

mod change;
mod read;

use trimtab_netlink::link::Kind;
use trimtab_netlink::link::Link;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::add;
use trimtab_netlink::link::get_by_name;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::namespace::run;

fn open() -> RequestSocket {
    RequestSocket::open(Protocol::Route).unwrap()
}

fn make(socket: &mut RequestSocket, name: &str, kind: Kind<'_>) -> Link {
    add(socket, &NewLink::named(name, kind)).unwrap();
    get_by_name(socket, name).unwrap()
}

/// Makes an interface if this kernel has the kind. Only if the kernel itself says that it has not is it done without, and
/// that is printed: which kinds there are is a property of the kernel, and those of Debian's kernels are seen in the VM.
#[expect(clippy::print_stderr, reason = "what was done without is said")]
fn make_if_known(socket: &mut RequestSocket, test: &str, name: &str, kind: Kind<'_>) -> Option<Link> {
    match add(socket, &NewLink::named(name, kind)) {
        Ok(_) => Some(get_by_name(socket, name).unwrap()),
        Err(error) if error.is_unsupported() && error.to_string().contains("Unknown device type") => {
            eprintln!("{test} does without kind {}: this kernel has no such interfaces", kind.name());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn veth(socket: &mut RequestSocket) -> [Link; 2] {
    let first = make(socket, "tt-a", Kind::Veth { peer: "tt-b" });
    [first, get_by_name(socket, "tt-b").unwrap()]
}

/// What ip(8) says of an interface.
fn judge(name: &str) -> serde_json::Value {
    let said: Vec<serde_json::Value> = serde_json::from_str(&run(&format!("ip -d -j link show {name}"))).unwrap();
    said.into_iter().next().unwrap()
}
