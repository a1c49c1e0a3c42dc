use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use trimtab_netlink::Error;
use trimtab_netlink::ethtool::Ethtool;
use trimtab_netlink::socket::Event;
use trimtab_netlink::socket::EventSocket;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::Request;
use trimtab_netlink::socket::RequestSocket;
use trimtab_netlink::wire::Header;
use trimtab_netlink::wire::Malformed;
use trimtab_netlink::wire::Message;
use trimtab_netlink::wire::Writer;

use crate::namespace::in_new_netns;
use crate::namespace::run;

const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const SET_LINK: u16 = 19;
const NAME: u16 = 3;
const MTU: u16 = 4;
const LINK_INFO: u16 = 18;
const GROUP_LINK: u32 = 1;
const NEW_ADDRESS: u16 = 20;
const GROUP_IPV4_ADDRESS: u32 = 5;
/// The first past the 32 that bind(2) can express: VLANs of bridges.
const GROUP_BRIDGE_VLAN: u32 = 33;
const NEW_VLAN: u16 = 112;
/// Since Linux 6.15.
const GROUP_IPV4_MULTICAST: u32 = 37;
const NEW_MULTICAST: u16 = 56;

/// `struct ifinfomsg` for the interface of this number, 0 for all or none.
fn link_body(index: i32) -> Writer {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    Writer::with_header(&header)
}

fn name(message: &Message<'_>) -> Result<Option<String>, Malformed> {
    assert_eq!(message.header.kind, NEW_LINK);
    let (_, attributes) = message.split::<16>()?;
    attributes.find_kind(NAME)?.map(|name| name.text().map(str::to_owned)).transpose()
}

fn names(socket: &mut RequestSocket) -> BTreeSet<String> {
    let request = Request::new("dump links", GET_LINK, link_body(0));
    socket.dump(request, name).unwrap().into_iter().collect()
}

fn set_mtu(index: i32, mtu: u32) -> Request {
    let mut body = link_body(index);
    body.u32(MTU, mtu);
    Request::new("set mtu", SET_LINK, body)
}

fn add_bridge(name: &str) -> Request {
    let mut body = link_body(0);
    body.text(NAME, name).nest(LINK_INFO, |info| {
        info.text(1, "bridge");
    });
    Request::new("add link", NEW_LINK, body).with_flags(Header::CREATE | Header::EXCLUSIVE)
}

/// Every message that has come; an overrun is a failure.
fn news(socket: &mut EventSocket) -> Vec<(u16, u32)> {
    let mut all = Vec::new();
    while socket.wait(Duration::from_millis(200)).unwrap() {
        match socket.read().unwrap() {
            Event::Idle => return all,
            Event::Overrun => panic!("overrun"),
            Event::Messages(messages) => {
                all.extend(messages.map(|message| message.unwrap().header).map(|header| (header.kind, header.port)));
            }
        }
    }
    all
}

#[test]
fn asks_for_one_and_for_all() {
    in_new_netns("asks_for_one_and_for_all", || {
        run("ip link add tt-a type veth peer name tt-b");
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        assert_eq!(names(&mut socket), ["lo", "tt-a", "tt-b"].map(str::to_owned).into());
        let request = Request::new("lo: get link", GET_LINK, link_body(1));
        assert_eq!(socket.one(request, name).unwrap().0.as_deref(), Some("lo"));
        socket.acknowledged(set_mtu(1, 4242)).unwrap();
        assert!(run("ip link show lo").contains("mtu 4242"));
    });
}

#[test]
fn a_refusal_comes_with_errno_and_the_kernels_words() {
    in_new_netns("a_refusal_comes_with_errno_and_the_kernels_words", || {
        run("ip link add tt-a type bridge");
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        let error = socket.acknowledged(set_mtu(2, u32::MAX / 2)).unwrap_err();
        let text = "set mtu: mtu greater than device maximum: Invalid argument (os error 22)";
        assert_eq!(error.to_string(), text);
        let error = socket.acknowledged(set_mtu(77, 1500)).unwrap_err();
        assert!(error.is_gone(), "{error:?}");
        // Strict checking: what the kernel does not understand it refuses.
        let mut body = link_body(0);
        body.u32(MTU, 1);
        let error = socket.dump(Request::new("dump links", GET_LINK, body), name).unwrap_err();
        assert!(error.to_string().contains("Unsupported attribute in link dump request"), "{error}");
    });
}

#[test]
fn an_answer_that_cannot_be_read_leaves_the_socket_usable() {
    in_new_netns("an_answer_that_cannot_be_read_leaves_the_socket_usable", || {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        for number in 0..100 {
            socket.acknowledged(add_bridge(&format!("tt-{number}"))).unwrap();
        }
        let request = Request::new("dump links", GET_LINK, link_body(0));
        let missing = Malformed::Missing { what: "IFLA_NONE" };
        let error = socket.dump::<()>(request, |_| Err(missing.clone())).unwrap_err();
        assert_eq!(error.to_string(), "dump links: the kernel's answer is malformed: no IFLA_NONE");
        assert_eq!(names(&mut socket).len(), 101);
        // A question that the kernel acknowledges without a reply.
        let error = socket.one(set_mtu(1, 2000), |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
    });
}

#[test]
fn a_socket_stays_in_the_namespace_of_the_thread_that_opened_it() {
    in_new_netns("a_socket_stays_in_the_namespace_of_the_thread_that_opened_it", || {
        run("ip link add tt-here type bridge");
        let here = RequestSocket::open(Protocol::Route).unwrap();
        let mut here = thread::spawn(move || {
            in_new_netns("elsewhere", move || {
                run("ip link add tt-there type bridge");
                let mut there = RequestSocket::open(Protocol::Route).unwrap();
                assert!(names(&mut there).contains("tt-there"));
                let mut here = here;
                assert!(names(&mut here).contains("tt-here"));
                here
            })
            .unwrap()
        })
        .join()
        .unwrap();
        assert_eq!(names(&mut here), ["lo", "tt-here"].map(str::to_owned).into());
    });
}

#[test]
fn news_say_whose_request_caused_them() {
    in_new_netns("news_say_whose_request_caused_them", || {
        let mut listener = EventSocket::open(Protocol::Route, 1 << 20).unwrap();
        listener.join(GROUP_IPV4_ADDRESS).unwrap();
        listener.join(GROUP_LINK).unwrap();
        assert_eq!(listener.as_fd().as_raw_fd(), listener.as_raw_fd());
        assert!(matches!(listener.read().unwrap(), Event::Idle));
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        // `struct ifaddrmsg`: 10.0.0.1/8 on lo, and IFA_LOCAL.
        let mut body = Writer::with_header(&[2, 8, 0, 0, 1, 0, 0, 0]);
        body.attribute(2, &[10, 0, 0, 1]);
        let request = Request::new("add address", NEW_ADDRESS, body).with_flags(Header::CREATE);
        socket.acknowledged(request).unwrap();
        assert_eq!(news(&mut listener), [(NEW_ADDRESS, socket.port())]);
        run("ip address add 10.0.0.2/8 dev lo");
        let theirs = news(&mut listener);
        assert!(theirs.len() == 1 && theirs.iter().all(|(_, port)| ![0, socket.port()].contains(port)), "{theirs:?}");
        // The kernel tells of a change to a link, but not of whose making it is.
        socket.acknowledged(set_mtu(1, 5000)).unwrap();
        assert_eq!(news(&mut listener), [(NEW_LINK, 0)]);
        listener.leave(GROUP_LINK).unwrap();
        run("ip link set lo mtu 5002");
        assert_eq!(news(&mut listener), []);
    });
}

#[test]
fn groups_above_32_are_heard() {
    in_new_netns("groups_above_32_are_heard", || {
        let mut listener = EventSocket::open(Protocol::Route, 1 << 20).unwrap();
        let expected = if listener.join(GROUP_IPV4_MULTICAST).is_ok() {
            run("ip link set lo up");
            run("ip link add tt-a type bridge");
            run("ip link set tt-a up");
            NEW_MULTICAST
        } else {
            listener.join(GROUP_BRIDGE_VLAN).unwrap();
            run("ip link add tt-a type bridge vlan_filtering 1");
            run("bridge vlan add dev tt-a vid 5 self");
            NEW_VLAN
        };
        let heard = news(&mut listener);
        assert!(!heard.is_empty() && heard.iter().all(|(kind, _)| *kind == expected), "{heard:?}");
        let error = listener.join(4000).unwrap_err();
        assert!(error.to_string().starts_with("join multicast group 4000: "), "{error}");
    });
}

#[test]
fn a_full_buffer_is_told_and_the_socket_goes_on() {
    in_new_netns("a_full_buffer_is_told_and_the_socket_goes_on", || {
        // The least that the kernel allows: a few messages.
        let mut small = EventSocket::open(Protocol::Route, 1).unwrap();
        small.join(GROUP_LINK).unwrap();
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        for mtu in 1000..1100 {
            socket.acknowledged(set_mtu(1, mtu)).unwrap();
        }
        let (mut overruns, mut messages) = (0, 0);
        while small.wait(Duration::ZERO).unwrap() {
            match small.read().unwrap() {
                Event::Idle => break,
                Event::Overrun => overruns += 1,
                Event::Messages(some) => messages += some.count(),
            }
        }
        assert!(overruns > 0 && messages < 100, "{overruns} {messages}");
        socket.acknowledged(set_mtu(1, 2000)).unwrap();
        assert!(!news(&mut small).is_empty());
    });
}

#[test]
fn a_dump_of_many_links_is_whole() {
    in_new_netns("a_dump_of_many_links_is_whole", || {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        for number in 0..300 {
            socket.acknowledged(add_bridge(&format!("tt-{number}"))).unwrap();
        }
        assert_eq!(names(&mut socket).len(), 301);
    });
}

#[test]
fn a_dump_that_is_interrupted_is_begun_anew() {
    in_new_netns("a_dump_that_is_interrupted_is_begun_anew", || {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        let mut other = RequestSocket::open(Protocol::Route).unwrap();
        for number in 0..100 {
            other.acknowledged(add_bridge(&format!("tt-{number}"))).unwrap();
        }
        // While the first dump is under way a link is added, once.
        let mut seen = 0;
        let request = Request::new("dump links", GET_LINK, link_body(0));
        let all = socket.dump(request.clone(), |message| {
            seen += 1;
            if seen == 1 {
                other.acknowledged(add_bridge("tt-late")).unwrap();
            }
            name(message)
        });
        assert!(all.unwrap().contains(&"tt-late".to_owned()));
        assert!(seen > 102, "{seen}");
        // Each time.
        let mut late = 0;
        let error = socket.dump(request, |message| {
            if name(message)?.as_deref() == Some("lo") {
                late += 1;
                other.acknowledged(add_bridge(&format!("tt-late{late}"))).unwrap();
            }
            Ok(Some(()))
        });
        assert_eq!(error.unwrap_err().to_string(), "dump links: interrupted by changes 5 times in a row");
        assert_eq!(names(&mut socket).len(), 1 + 100 + 1 + 5);
    });
}

#[test]
fn a_name_that_is_no_text_spoils_no_dump() {
    in_new_netns("a_name_that_is_no_text_spoils_no_dump", || {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        let mut body = link_body(0);
        body.attribute(NAME, b"tt-\xff\0").nest(LINK_INFO, |info| {
            info.text(1, "bridge");
        });
        let request = Request::new("add link", NEW_LINK, body).with_flags(Header::CREATE | Header::EXCLUSIVE);
        socket.acknowledged(request).unwrap();
        let devices = Ethtool::open().unwrap().dump_features().unwrap();
        assert!(devices.iter().any(|one| one.device.name == "tt-\u{fffd}"), "{devices:?}");
    });
}

#[test]
fn what_other_processes_send_is_not_heard() {
    in_new_netns("what_other_processes_send_is_not_heard", || {
        let mut victim = EventSocket::open(Protocol::Route, 1 << 20).unwrap();
        victim.join(GROUP_LINK).unwrap();
        // Any with CAP_NET_ADMIN may send to a group; NETLINK_ROUTE is protocol 0.
        let (family, kind) = (rustix::net::AddressFamily::NETLINK, rustix::net::SocketType::RAW);
        let forger = rustix::net::socket(family, kind, None).unwrap();
        let group = rustix::net::netlink::SocketAddrNetlink::new(0, 1 << (GROUP_LINK - 1));
        let mut forged = 16_u32.to_ne_bytes().to_vec();
        forged.extend([16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        rustix::net::sendto(&forger, &forged, rustix::net::SendFlags::empty(), &group).unwrap();
        assert!(victim.wait(Duration::from_secs(5)).unwrap(), "the forged message did not even arrive");
        assert!(matches!(victim.read().unwrap(), Event::Idle));
    });
}
