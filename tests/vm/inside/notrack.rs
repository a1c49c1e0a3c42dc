//! Packets that are not tracked pass a table of connections that is full. Its limit is one for the whole machine, and is compared
//! with the entries of each network namespace.

use std::io;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::time::Duration;

use trimtab_netlink::netfilter::nftables::Base;
use trimtab_netlink::netfilter::nftables::Expression;
use trimtab_netlink::netfilter::nftables::Family;
use trimtab_netlink::netfilter::nftables::chain;
use trimtab_netlink::netfilter::nftables::commit;
use trimtab_netlink::netfilter::nftables::rule;
use trimtab_netlink::netfilter::nftables::table;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::machine::sh;
use crate::machine::unload;
use crate::world::World;

const LIMIT: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
/// What is said to be one that is not tracked.
const RULE: &str = "nft:trimtab/notrack=[{ protocol = \"udp\", ports = 9999 }]";

/// Has the namespace of this thread track connections: a rule asks for their state, as any firewall's does.
fn track() {
    // `NFTA_CT_DREG` = `NFT_REG_1`, `NFTA_CT_KEY` = `NFT_CT_STATE`
    let data = vec![8, 0, 1, 0, 0, 0, 0, 1, 8, 0, 2, 0, 0, 0, 0, 0];
    let state = Expression::Other { name: "ct".to_owned(), data };
    let base = Base::filter(chain::hooks::OUTPUT, chain::priorities::FILTER);
    let requests = vec![
        table::add(Family::Inet, "firewall", None).unwrap(),
        chain::add(Family::Inet, "firewall", "out", Some(&base)).unwrap(),
        rule::append(Family::Inet, "firewall", "out", &[state], None).unwrap(),
    ];
    commit(&mut RequestSocket::open(Protocol::Netfilter).unwrap(), requests, None).unwrap();
}

/// Whether a packet comes through.
fn arrives() -> bool {
    let receiver = UdpSocket::bind("127.0.0.1:9999").unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    match sender.send_to(b"x", "127.0.0.1:9999") {
        Ok(_) => receiver.recv(&mut [0; 9]).is_ok(),
        // What is dropped on its way out is told to whoever sends it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_not_tracked_passes_a_full_table() {
    sh("modprobe nf_conntrack");
    let before = sh(&format!("cat {LIMIT}"));
    let world = World::new().unwrap();
    world.sh("ip link set lo up");
    // Connections that are established are not forgotten to make room for others.
    let held = world
        .thread(|| {
            track();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let connect = |_| {
                let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                (one, listener.accept().unwrap())
            };
            let held: Vec<_> = (0..12).map(connect).collect();
            assert!(arrives(), "there is room as yet");
            (held, listener)
        })
        .join()
        .unwrap();
    std::fs::write(LIMIT, "8").unwrap();
    let full = world.thread(arrives).join().unwrap();
    let told = world.trimtab(&["apply", "--set", RULE]);
    let passes = world.thread(arrives).join().unwrap();
    let back = world.trimtab(&["revert"]);
    let full_again = world.thread(arrives).join().unwrap();
    std::fs::write(LIMIT, before.trim()).unwrap();
    assert!(!full, "the table is not full");
    told.exits(0);
    assert!(passes, "what is not tracked does not pass");
    back.exits(0);
    assert!(!full_again, "it passes although it is tracked again");
    drop(held);
    drop(world);
    // Nobody else tracks any more, once the namespace has gone.
    let _ = sh("sleep 1; for module in nft_ct nf_tables; do modprobe -r $module || true; done");
    unload("nf_conntrack");
}
