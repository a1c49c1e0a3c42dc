//! The order of sysctl writes, and the pairs that the kernel checks against each other.

use crate::address::Address;
use crate::address::SysctlKey;
use crate::kind::World;
use crate::value::Value;

/// The place of a key in the order of writes: causes before what they move, the specific last.
///
/// `accept_ra` comes before IPv6 forwarding, or the kernel purges the routes learnt from routers
/// (`rt6_purge_dflt_routers`); conntrack's buckets come before its maximum.
pub fn rank(key: &SysctlKey) -> u16 {
    match key.parts().as_slice() {
        ["net", "ipv4", "ip_forward"] => 20,
        ["net", family @ ("ipv4" | "ipv6"), "conf", interface, name] => match (*family, *interface, *name) {
            ("ipv6", _, "accept_ra") => 10,
            ("ipv6", "all", "forwarding" | "disable_ipv6" | "ignore_routes_with_linkdown" | "addr_gen_mode") => 20,
            (_, "default", _) => 30,
            (_, "all", _) => 40,
            _ => 50,
        },
        [_, _, "nf_conntrack_buckets"] => 70,
        [_, _, "nf_conntrack_max"] => 80,
        _ => 60,
    }
}

/// Two values of which the kernel takes neither if the first exceeds the second.
struct Pair {
    low: &'static str,
    high: &'static str,
}

/// Checked on 6.18: net/ipv4/sysctl_net_ipv4.c, ip_fragment.c, net/ipv6/reassembly.c, net/ipv4/tcp_input.c.
const PAIRS: &[Pair] = &[
    Pair { low: "net.ipv4.ipfrag_low_thresh", high: "net.ipv4.ipfrag_high_thresh" },
    Pair { low: "net.ipv6.ip6frag_low_thresh", high: "net.ipv6.ip6frag_high_thresh" },
    Pair { low: "net.netfilter.nf_conntrack_frag6_low_thresh", high: "net.netfilter.nf_conntrack_frag6_high_thresh" },
    Pair { low: "net.ipv4.tcp_reordering", high: "net.ipv4.tcp_max_reordering" },
    Pair { low: "net.ipv4.ip_unprivileged_port_start", high: "net.ipv4.ip_local_port_range" },
];

/// The other half of a pair.
pub fn partner(key: &SysctlKey) -> Option<SysctlKey> {
    PAIRS
        .iter()
        .find_map(|pair| {
            if key.is(pair.low) {
                Some(pair.high)
            } else if key.is(pair.high) {
                Some(pair.low)
            } else {
                None
            }
        })
        .and_then(|other| other.parse().ok())
}

/// Why the kernel would refuse this value while the other half of its pair is as it is in this world.
pub fn pair_refusal(key: &SysctlKey, to: &Value, world: &World) -> Option<String> {
    if let Value::Ints(range) = to
        && key.is("net.ipv4.ip_local_port_range")
        && let [low, high] = range.as_slice()
        && low > high
    {
        return Some(format!("the lower end {low} is above the upper end {high}"));
    }
    let other = partner(key)?;
    let other_value = least(world.likely(&Address::sysctl(other.clone()))?)?;
    let own = least(to)?;
    let is_low = PAIRS.iter().any(|pair| key.is(pair.low));
    let refused = if is_low { own > other_value } else { own < other_value };
    refused.then(|| {
        let word = if is_low { "above" } else { "below" };
        format!("{own} would be {word} {other} = {other_value}")
    })
}

/// What the pair compares: the number itself, or the lower end of a range.
fn least(value: &Value) -> Option<i64> {
    value.as_ints()?.first().copied()
}
