//! What the kernel makes of a value that it accepts, and when two values are the same to it.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::ValueKind;
use crate::facts::Facts;
use crate::value::Value;

use super::number;

/// Milliseconds by which a rounded time may exceed the wanted one where the tick is unknown: one tick at HZ=100.
const LONGEST_TICK_MS: i64 = 10;

/// What the kernel prints after it took this value. Without `host.hz` times stay as they are; [`equivalent`] then
/// tolerates a tick.
pub fn stored(key: &SysctlKey, value: &Value, facts: &Facts) -> Value {
    let entry = catalogue::find(key);
    // Hardly any key is another name of something.
    let folded = entry.and_then(|entry| entry.alias_of).map(|_| catalogue::canonical_key(key));
    let canonical = folded.as_ref().unwrap_or(key);
    let kind = if folded.is_some() { catalogue::find(canonical) } else { entry }.map(|entry| entry.kind);
    match (kind, value) {
        (Some(ValueKind::Ms), Value::Int(ms)) => Value::Int(facts.int("host.hz").map_or(*ms, |hz| round_ms(*ms, hz))),
        (Some(ValueKind::UserHz), Value::Int(ticks)) => {
            Value::Int(facts.int("host.hz").map_or(*ticks, |hz| round_userhz(*ticks, hz)))
        }
        (_, Value::Int(number)) => Value::Int(special(canonical, *number, facts)),
        (_, Value::Ints(numbers)) if canonical.is("net.ipv4.ping_group_range") => {
            Value::Ints(ping_group_range(numbers))
        }
        (
            _,
            Value::Ints(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Tree(_)
            | Value::Secret,
        ) => value.clone(),
    }
}

/// Keys with a rounding of their own.
fn special(key: &SysctlKey, number: i64, facts: &Facts) -> i64 {
    match key.name() {
        // net/bridge/br_netfilter_hooks.c brnf_sysctl_call_tables
        name if name.starts_with("bridge-nf-") => i64::from(number != 0),
        "rps_sock_flow_entries" => power_of_two(number),
        // nf_ct_alloc_hashtable fills whole pages of list heads, 8 bytes each on every 64-bit host.
        "nf_conntrack_buckets" => {
            let heads = facts.int("host.page_size").filter(|size| *size >= 8).unwrap_or(4096) / 8;
            round_up(number, heads)
        }
        _ => number,
    }
}

/// `msecs_to_jiffies` and back: up to a tick, then up to a millisecond (kernel/time/time.c).
fn round_ms(ms: i64, hz: i64) -> i64 {
    let (Some(1..), Some(1..)) = (Some(ms), Some(hz)) else { return ms };
    let jiffies = div_up(i128::from(ms) * i128::from(hz), 1000);
    saturate(div_up(jiffies * 1000, i128::from(hz)))
}

/// `clock_t_to_jiffies` and back: down to a tick, then down to a hundredth of a second (kernel/time/time.c).
fn round_userhz(ticks: i64, hz: i64) -> i64 {
    let (Some(1..), Some(1..)) = (Some(ticks), Some(hz)) else { return ticks };
    let (ticks, hz) = (i128::from(ticks), i128::from(hz));
    let tick_ns = (1_000_000_000 + hz / 2) / hz;
    saturate(ticks * hz / 100 * tick_ns / 10_000_000)
}

fn div_up(number: i128, by: i128) -> i128 {
    (number + by - 1) / by
}

fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn power_of_two(number: i64) -> i64 {
    match u64::try_from(number) {
        Ok(0) | Err(_) => number,
        Ok(positive) => positive.checked_next_power_of_two().and_then(|n| i64::try_from(n).ok()).unwrap_or(number),
    }
}

fn round_up(number: i64, step: i64) -> i64 {
    if number <= 0 || step <= 0 {
        return number;
    }
    saturate(div_up(i128::from(number), i128::from(step)) * i128::from(step))
}

/// A range that is none stands for nobody (net/ipv4/sysctl_net_ipv4.c ipv4_ping_group_range).
fn ping_group_range(numbers: &[i64]) -> Vec<i64> {
    match numbers {
        [low, high] if low > high => vec![1, 0],
        _ => numbers.to_vec(),
    }
}

/// Whether a live value is what writing `wanted` would leave: equal, equal once the kernel has rounded it, or within a
/// tick of it where the tick is unknown. Secrets are never compared.
pub fn equivalent(key: &SysctlKey, wanted: &Value, found: &Value, facts: &Facts) -> bool {
    if wanted == found || *wanted == Value::Secret || *found == Value::Secret {
        return true;
    }
    let rounded = stored(key, wanted, facts);
    if rounded == *found || (is_defence(key) && defence(&rounded) == defence(found)) {
        return true;
    }
    let entry = catalogue::find(key);
    match (entry.map(|entry| entry.kind), &rounded, found) {
        // Nobody described the key: the kernel's print says that it is a number, so the wanted text is one.
        (None, Value::Text(text), Value::Int(number)) => number::base0(text) == Some(*number),
        (None, Value::Text(text), Value::Ints(numbers)) => {
            number::all(text, number::base0).as_deref() == Some(numbers.as_slice())
        }
        (None, Value::Words(words), Value::Text(text)) => words.join(" ") == *text,
        (Some(ValueKind::Ms), Value::Int(wanted), Value::Int(found)) if facts.int("host.hz").is_none() => {
            *wanted > 0 && (0..LONGEST_TICK_MS).contains(&found.saturating_sub(*wanted))
        }
        // At HZ=300 a tick is lost both ways.
        (Some(ValueKind::UserHz), Value::Int(wanted), Value::Int(found)) if facts.int("host.hz").is_none() => {
            *wanted > 0 && (0..=1).contains(&wanted.saturating_sub(*found))
        }
        _ => false,
    }
}

/// The defences of IPVS, which the kernel itself moves between 1 and 2 as memory comes and goes
/// (net/netfilter/ipvs/ip_vs_ctl.c `update_defense_level`).
fn is_defence(key: &SysctlKey) -> bool {
    ["net.ipv4.vs.drop_entry", "net.ipv4.vs.drop_packet", "net.ipv4.vs.secure_tcp"].iter().any(|name| key.is(name))
}

fn defence(value: &Value) -> Option<i64> {
    value.as_int().map(|mode| if mode == 2 { 1 } else { mode })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactValue;

    fn key(text: &str) -> SysctlKey {
        text.parse().unwrap()
    }

    fn hz(hz: i64) -> Facts {
        let mut facts = Facts::default();
        facts.insert("host.hz", FactValue::Int(hz), "test");
        facts
    }

    fn int(name: &str, number: i64, facts: &Facts) -> Value {
        stored(&key(name), &Value::Int(number), facts)
    }

    #[test]
    fn milliseconds_round_up_to_a_tick() {
        let name = "net.ipv4.neigh.eth0.base_reachable_time_ms";
        for (wanted, found) in [(0, 0), (1, 4), (4, 4), (1001, 1004), (1501, 1504), (30_000, 30_000)] {
            assert_eq!(int(name, wanted, &hz(250)), Value::Int(found), "{wanted}");
        }
        assert_eq!(int(name, 1, &hz(1000)), Value::Int(1));
        assert_eq!(int(name, 1, &hz(300)), Value::Int(4));
        assert_eq!(int(name, i64::MAX, &hz(250)), Value::Int(i64::MAX));
        assert_eq!(int(name, -1, &hz(0)), Value::Int(-1));
    }

    #[test]
    fn an_unknown_tick_is_tolerated_upwards_only() {
        let name = key("net.ipv4.icmp_ratelimit");
        let unknown = Facts::default();
        assert!(equivalent(&name, &Value::Int(1001), &Value::Int(1004), &unknown));
        assert!(equivalent(&name, &Value::Int(1001), &Value::Int(1010), &unknown));
        assert!(!equivalent(&name, &Value::Int(1001), &Value::Int(1011), &unknown));
        assert!(!equivalent(&name, &Value::Int(1001), &Value::Int(1000), &unknown));
        assert!(!equivalent(&name, &Value::Int(0), &Value::Int(4), &unknown));
        assert!(!equivalent(&name, &Value::Int(1001), &Value::Int(1008), &hz(250)));
    }

    /// As Linux 6.18 at HZ=250 printed them for `neigh/lo/retrans_time` and `locktime`.
    #[test]
    fn hundredths_round_down_to_a_tick() {
        let name = "net.ipv4.neigh.eth0.locktime";
        for (wanted, found) in [(1, 0), (2, 2), (3, 2), (5, 4), (7, 6), (99, 98), (100, 100)] {
            assert_eq!(int(name, wanted, &hz(250)), Value::Int(found), "{wanted}");
        }
        assert_eq!(int(name, 99, &hz(1000)), Value::Int(99));
        assert_eq!(int(name, 99, &hz(100)), Value::Int(99));
    }

    #[test]
    fn sizes_round_as_their_handlers_do() {
        let facts = Facts::default();
        assert_eq!(int("net.core.rps_sock_flow_entries", 5000, &facts), Value::Int(8192));
        assert_eq!(int("net.core.rps_sock_flow_entries", 0, &facts), Value::Int(0));
        assert_eq!(int("net.netfilter.nf_conntrack_buckets", 65_537, &facts), Value::Int(66_048));
        assert_eq!(int("net.netfilter.nf_conntrack_buckets", 512, &facts), Value::Int(512));
        assert_eq!(int("net.bridge.bridge-nf-call-iptables", 7, &facts), Value::Int(1));
        assert_eq!(int("net.ipv4.ip_forward", 2, &facts), Value::Int(2));
        let range = key("net.ipv4.ping_group_range");
        assert_eq!(stored(&range, &Value::Ints(vec![100, 5]), &facts), Value::Ints(vec![1, 0]));
        assert_eq!(stored(&range, &Value::Ints(vec![0, 5]), &facts), Value::Ints(vec![0, 5]));
    }

    #[test]
    fn what_the_kernel_moves_by_itself_is_no_drift() {
        let name = key("net.ipv4.vs.drop_entry");
        assert!(equivalent(&name, &Value::Int(1), &Value::Int(2), &Facts::default()));
        assert!(!equivalent(&name, &Value::Int(1), &Value::Int(3), &Facts::default()));
        assert!(!equivalent(&name, &Value::Int(0), &Value::Text("x".into()), &Facts::default()));
    }

    #[test]
    fn a_secret_is_never_drift() {
        let name = key("net.ipv4.tcp_fastopen_key");
        assert!(equivalent(&name, &Value::Secret, &Value::Text("x".into()), &Facts::default()));
    }

    #[test]
    fn an_unknown_key_takes_its_shape_from_the_kernel() {
        let name = key("net.vendor.x");
        assert!(equivalent(&name, &Value::Text("010".into()), &Value::Int(8), &Facts::default()));
        assert!(equivalent(&name, &Value::Text("0x1 010".into()), &Value::Ints(vec![1, 8]), &Facts::default()));
        assert!(!equivalent(&name, &Value::Text("x".into()), &Value::Int(8), &Facts::default()));
    }
}
