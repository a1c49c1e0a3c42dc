//! Which interface leads out: that of the default route with the lowest metric, IPv4 before IPv6.
//!
//! `/proc/net` would show the namespace of the process's first thread, hence `/proc/thread-self/net`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::io::Read;

const ROUTES_4: &str = "/proc/thread-self/net/route";
const ROUTES_6: &str = "/proc/thread-self/net/ipv6_route";

/// The file walks the main table in the order of addresses (net/ipv4/fib_trie.c `fib_route_seq_start`), so default
/// routes come first; a router's full table need not be read.
const ENOUGH_4: u64 = 64 << 10;
/// That one lists a default route behind everything more specific (net/ipv6/ip6_fib.c `fib6_walk_continue`). Beyond
/// these 100 000 routes the uplink is not known.
const ENOUGH_6: u64 = 16 << 20;

const RTF_UP: u32 = 0x1;
const RTF_REJECT: u32 = 0x200;

/// The way out, and how it was learnt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Uplink {
    pub(super) name: String,
    pub(super) source: &'static str,
}

/// The uplink of the calling thread's namespace, if it has one.
pub(super) fn find() -> Option<Uplink> {
    let of = |path, enough, parse: fn(&str) -> Option<Route<'_>>, source| {
        let text = read(path, enough).ok()?;
        best(&text, parse).map(|name| Uplink { name, source })
    };
    of(ROUTES_4, ENOUGH_4, route_4, "default route, IPv4")
        .or_else(|| of(ROUTES_6, ENOUGH_6, route_6, "default route, IPv6"))
}

/// Every interface of the calling thread's namespace that a default route leads through.
pub(crate) fn interfaces() -> BTreeSet<String> {
    let of = |path, enough, parse: fn(&str) -> Option<Route<'_>>| {
        let text = read(path, enough).unwrap_or_default();
        text.lines().filter_map(parse).map(|route| route.device.to_owned()).collect::<BTreeSet<String>>()
    };
    of(ROUTES_4, ENOUGH_4, route_4).into_iter().chain(of(ROUTES_6, ENOUGH_6, route_6)).collect()
}

/// The first `limit` bytes of a file, whole lines only.
fn read(path: &str, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(end);
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A usable default route.
#[derive(Debug, PartialEq, Eq)]
struct Route<'a> {
    metric: u32,
    device: &'a str,
}

fn best(text: &str, parse: fn(&str) -> Option<Route<'_>>) -> Option<String> {
    // Of equals, the first: the kernel takes it too.
    text.lines().filter_map(parse).min_by_key(|route| route.metric).map(|route| route.device.to_owned())
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hex but for the metric
/// (net/ipv4/fib_trie.c `fib_route_seq_show`). A blackhole has `*` for a device.
fn route_4(line: &str) -> Option<Route<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let device = fields.next()?;
    let destination = hex(fields.next()?)?;
    let _gateway = fields.next()?;
    let flags = hex(fields.next()?)?;
    let metric = fields.nth(2)?.parse().ok()?;
    let mask = hex(fields.next()?)?;
    let default = destination == 0 && mask == 0;
    (default && leads_out(flags, device)).then_some(Route { metric, device })
}

/// `destination length source length gateway metric refcnt use flags device`, all in hex (net/ipv6/ip6_fib.c
/// `ipv6_route_native_seq_show`).
fn route_6(line: &str) -> Option<Route<'_>> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [destination, length, _source, source_length, _gateway, metric, _refcnt, _use, flags, device] =
        fields.as_slice()
    else {
        return None;
    };
    let zero = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'0');
    let default = zero(destination) && zero(length) && zero(source_length);
    let (metric, flags) = (hex(metric)?, hex(flags)?);
    (default && leads_out(flags, device)).then_some(Route { metric, device })
}

fn leads_out(flags: u32, device: &str) -> bool {
    flags & RTF_UP != 0 && flags & RTF_REJECT == 0 && device != "lo" && device != "*"
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn lowest_metric_wins_and_the_first_of_equals() {
        let table = format!(
            "{HEAD}eth1\t00000000\t010200C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n\
             eth0.100\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth2\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth3\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        );
        assert_eq!(best(&table, route_4).as_deref(), Some("eth0.100"));
    }

    #[test]
    fn half_a_default_route_and_one_that_leads_nowhere_do_not_count() {
        for line in [
            "tun0\t00000000\t0A00000A\t0003\t0\t0\t0\t00000080\t0\t0\t0",
            "*\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0",
            "eth0\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0",
            "lo\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0",
            "eth0\t00000000\t00000000\t0002\t0\t0\t0\t00000000\t0\t0\t0",
            "eth0\t00000000",
            "",
        ] {
            assert_eq!(route_4(line), None, "{line}");
        }
    }

    #[test]
    fn reads_the_table_of_ipv6() {
        let zeros = "0".repeat(32);
        let line = |flags: &str, device: &str| {
            format!("{zeros} 00 {zeros} 00 {zeros} 00000400 00000002 00000000 {flags} {device}")
        };
        assert_eq!(route_6(&line("00000003", "eth0")), Some(Route { metric: 0x400, device: "eth0" }));
        assert_eq!(route_6(&line("00200200", "lo")), None);
        assert_eq!(route_6(&line("00000201", "eth0")), None);
        assert_eq!(route_6(&format!("{zeros} 40 {zeros} 00 {zeros} 00000400 00000002 00000000 00000003 eth0")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = best(&text, route_4);
            let _ = best(&text, route_6);
        }
    }
}
