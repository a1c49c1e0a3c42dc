//! Connection tracking: what the library reads against `/proc/net/stat/nf_conntrack` and sysctl(8).

use std::io::Write;
use std::net::UdpSocket;
use std::process::Command;
use std::process::Stdio;

use trimtab_netlink::netfilter::conntrack;
use trimtab_netlink::netfilter::conntrack::Counters;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

use crate::namespace::in_new_netns;
use crate::namespace::run;

/// net/netfilter/nf_conntrack_standalone.c `ct_cpu_seq_show`: a line of headings, a line a CPU, numbers in hexadecimal.
fn shown_by_proc() -> Option<Vec<Counters>> {
    let text = run_if("cat /proc/thread-self/net/stat/nf_conntrack")?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let row = |(cpu, line): (usize, &str)| {
        let numbers: Vec<u32> = line.split_whitespace().map(|word| u32::from_str_radix(word, 16).unwrap()).collect();
        let number = |name: &str| numbers[names.iter().position(|other| *other == name).unwrap()];
        Counters {
            cpu: u16::try_from(cpu).unwrap(),
            found: number("found"),
            invalid: number("invalid"),
            insert: number("insert"),
            insert_failed: number("insert_failed"),
            drop: number("drop"),
            early_drop: number("early_drop"),
            error: number("icmp_error"),
            search_restart: number("search_restart"),
            clash_resolve: Some(number("clashres")),
            chain_too_long: Some(number("chainlength")),
        }
    };
    Some(lines.enumerate().map(row).collect())
}

/// What a command prints, if it succeeds; it is a thread of its own, and in the namespace of this one.
fn run_if(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// A rule that has connections tracked, and drops none.
fn track() {
    let rules = "table inet t {\nchain c {\ntype filter hook output priority 0\nct state new counter\n}\n}\n";
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success());
}

#[test]
fn usage_is_what_proc_and_sysctl_show() {
    in_new_netns("usage_is_what_proc_and_sysctl_show", || {
        run("ip link set lo up");
        let mut socket = RequestSocket::open(Protocol::Netfilter).unwrap();
        let max = run("sysctl -n net.netfilter.nf_conntrack_max").trim().parse().unwrap();
        let empty = conntrack::table(&mut socket).unwrap();
        assert_eq!((empty.entries, empty.max), (0, Some(max)));
        track();
        let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
        let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
        for port in 20_000..20_040 {
            ours.send_to(b"x", ("127.0.0.1", port)).unwrap_or_default();
        }
        ours.send_to(b"x", theirs.local_addr().unwrap()).unwrap();
        // A protocol that may not be: what belongs to no connection and can make none.
        let full = conntrack::table(&mut socket).unwrap();
        let count: u32 = run("sysctl -n net.netfilter.nf_conntrack_count").trim().parse().unwrap();
        assert_eq!(full.entries, count);
        assert_eq!(full.entries, 41);
        let counters = conntrack::counters(&mut socket).unwrap();
        assert!(!counters.is_empty());
        if let Some(shown) = shown_by_proc() {
            let expected: Vec<Counters> = shown;
            assert_eq!(counters, expected);
        }
        for counters in &counters {
            assert_eq!((counters.drop, counters.early_drop, counters.insert_failed), (0, 0, 0));
        }
    });
}

#[test]
fn what_is_invalid_is_counted_as_proc_counts_it() {
    in_new_netns("what_is_invalid_is_counted_as_proc_counts_it", || {
        run("ip link set lo up");
        run("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0");
        track();
        let mut socket = RequestSocket::open(Protocol::Netfilter).unwrap();
        let invalid = |socket: &mut RequestSocket| -> u64 {
            conntrack::counters(socket).unwrap().iter().map(|cpu| u64::from(cpu.invalid)).sum()
        };
        let before = invalid(&mut socket);
        // The connection is forgotten while it stands, and its next segment is in the middle of nothing.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_server, _) = listener.accept().unwrap();
        run("sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=0");
        client.write_all(b"x").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        client.write_all(b"y").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        client.write_all(b"z").unwrap();
        let after = invalid(&mut socket);
        if let Some(shown) = shown_by_proc() {
            assert_eq!(shown.iter().map(|cpu| u64::from(cpu.invalid)).sum::<u64>(), after);
        }
        assert!(after > before, "{before} {after}");
    });
}
