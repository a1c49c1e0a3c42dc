//! What a write stores and what it moves along.

use trimtab_core::address::SysctlKey;

use super::FakeKernel;
use super::parse;
use super::parse::Class;
use super::parse::Stored;

/// Keys of `net.ipv4.conf` that never go from `default` to the interfaces: their handler
/// is not `devinet_conf_proc` (net/ipv4/devinet.c).
const NOT_COPIED: &[&str] = &[
    "forwarding",
    "mc_forwarding",
    "disable_xfrm",
    "disable_policy",
    "promote_secondaries",
    "route_localnet",
    "drop_unicast_in_l2_multicast",
];

/// One write(2) at offset 0 of a key that exists and is writable.
pub fn write(kernel: &mut FakeKernel, key: &SysctlKey, text: &str) -> Result<usize, i32> {
    let Some(node) = kernel.nodes.get(key) else { return Err(libc::ENOENT) };
    let old = node.text.clone();
    let (new, outcome) = match &node.class {
        Class::Ints { length, min, max } => {
            ints(text, &old, *length, |number| (*min..=*max).contains(&number).then_some(number))
        }
        Class::Unsigned { min, max } => whole(text, parse::unsigned(text, *min, *max).map(|number| number.to_string())),
        Class::Seconds => {
            let hz = i64::from(kernel.hz);
            // Only the size is checked, not the sign; the ticks kept are shown as whole seconds again.
            ints(text, &old, 1, |number| (number.saturating_abs() <= i64::from(i32::MAX) / hz).then_some(number))
        }
        Class::Millis => {
            let tick = 1000 / i64::from(kernel.hz).clamp(1, 1000);
            ints(text, &old, 1, |number| {
                // msecs_to_jiffies takes 32 bits, whatever was written; a sign among them is "for ever".
                let low = i64::from(number as i32);
                (low >= 0).then(|| (low + tick - 1) / tick * tick)
            })
        }
        Class::Ports => whole(text, parse::ports(text).map(|ports| ports.to_string())),
        Class::PortRange => port_range(kernel, text, &old),
        Class::GroupRange => group_range(text, &old),
        Class::Algorithm => whole(text, algorithm(kernel, text)),
        Class::Text | Class::Secret => whole(text, Ok(text.trim_end_matches('\n').to_owned())),
        Class::Action => (None, Ok(text.len())),
    };
    let segments = key.parts();
    if let ["net", "ipv4", "ip_unprivileged_port_start"] = segments.as_slice()
        && let (Some(new), Some(range)) = (&new, text_of(kernel, "net.ipv4.ip_local_port_range"))
        && number(new) > numbers(&range).first().copied().unwrap_or(0)
    {
        return Err(libc::EINVAL);
    }
    if let ["net", "ipv6", "conf", interface, "addr_gen_mode"] = segments.as_slice()
        && !matches!(*interface, "all" | "default")
        && new.as_deref() == Some("2")
    {
        // Stable privacy without a secret (net/ipv6/addrconf.c `check_stable_privacy`).
        return Err(libc::EINVAL);
    }
    if let Some(new) = &new {
        kernel.set(key, new);
    }
    let new = new.unwrap_or_else(|| old.clone());
    move_along(kernel, &segments, &old, &new, outcome.is_ok());
    outcome
}

fn move_along(kernel: &mut FakeKernel, segments: &[&str], old: &str, new: &str, taken: bool) {
    let interfaces: Vec<String> = kernel.interfaces.keys().cloned().collect();
    match segments {
        ["net", "ipv4", "ip_forward"] | ["net", "ipv4", "conf", "all", "forwarding"] => {
            set(kernel, "net.ipv4.ip_forward", new);
            conf(kernel, "ipv4", "all", "forwarding", new);
            // devinet_sysctl_forward: nothing at all if the value does not change.
            if old != new {
                let on = number(new) != 0;
                conf(kernel, "ipv4", "all", "accept_redirects", if on { "0" } else { "1" });
                conf(kernel, "ipv4", "default", "forwarding", new);
                for interface in interfaces {
                    conf(kernel, "ipv4", &interface, "forwarding", new);
                }
            }
        }
        ["net", "ipv4", "conf", "default", name] if !NOT_COPIED.contains(name) => {
            // Also where the write failed: the handler sets its bit without looking.
            kernel.default_set.insert((*name).to_owned());
            for interface in interfaces {
                let is_set = kernel.interfaces.get(&interface).is_some_and(|known| known.set.contains(*name));
                if !is_set {
                    conf(kernel, "ipv4", &interface, name, new);
                }
            }
        }
        ["net", "ipv4", "conf", interface, name] if !NOT_COPIED.contains(name) => {
            if let Some(known) = kernel.interfaces.get_mut(*interface) {
                known.set.insert((*name).to_owned());
            }
        }
        // addrconf_fixup_forwarding (net/ipv6/addrconf.c): unlike IPv4, an equal value goes to all again.
        ["net", "ipv6", "conf", "all", "forwarding"] if taken => {
            conf(kernel, "ipv6", "default", "forwarding", new);
            for interface in interfaces {
                conf(kernel, "ipv6", &interface, "forwarding", new);
                if number(new) == 0 {
                    conf(kernel, "ipv6", &interface, "force_forwarding", "0");
                }
            }
        }
        [
            "net",
            "ipv6",
            "conf",
            "all",
            name @ ("disable_ipv6" | "ignore_routes_with_linkdown" | "addr_gen_mode" | "force_forwarding"),
        ] if taken => {
            if *name != "force_forwarding" {
                conf(kernel, "ipv6", "default", name, new);
            }
            for interface in interfaces {
                conf(kernel, "ipv6", &interface, name, new);
            }
        }
        // devinet_sysctl_forward, dev_forward_change.
        ["net", "ipv4" | "ipv6", "conf", interface, "forwarding"] if taken && old != new => {
            kernel.stop_merging(interface);
        }
        _ => {}
    }
}

fn ints(
    text: &str,
    old: &str,
    length: usize,
    convert: impl Fn(i64) -> Option<i64>,
) -> (Option<String>, Result<usize, i32>) {
    let mut before = numbers(old);
    before.resize(length, 0);
    let Stored { values, outcome } = parse::int_vector(text, &before, convert);
    (Some(joined(&values)), outcome)
}

fn whole(text: &str, new: Result<String, i32>) -> (Option<String>, Result<usize, i32>) {
    match new {
        Ok(new) => (Some(new), Ok(text.len())),
        Err(errno) => (None, Err(errno)),
    }
}

/// Both ends are parsed before either is stored; one number keeps the other end.
fn port_range(kernel: &FakeKernel, text: &str, old: &str) -> (Option<String>, Result<usize, i32>) {
    let mut before = numbers(old);
    before.resize(2, 0);
    let Stored { values, outcome } =
        parse::int_vector(text, &before, |port| (1..=65535).contains(&port).then_some(port));
    let unprivileged = text_of(kernel, "net.ipv4.ip_unprivileged_port_start").map_or(0, |text| number(&text));
    match (outcome, values.as_slice()) {
        (Ok(taken), [low, high]) if low <= high && *low >= unprivileged => (Some(joined(&values)), Ok(taken)),
        (Ok(_), _) => (None, Err(libc::EINVAL)),
        (Err(errno), _) => (None, Err(errno)),
    }
}

/// An impossible range is stored as the empty one, `1 0`.
fn group_range(text: &str, old: &str) -> (Option<String>, Result<usize, i32>) {
    let mut before = numbers(old);
    before.resize(2, 0);
    let Stored { values, outcome } =
        parse::int_vector(text, &before, |gid| (0..i64::from(u32::MAX)).contains(&gid).then_some(gid));
    // Unsigned, down to minus zero.
    if text.split_ascii_whitespace().take(2).any(|word| word.starts_with('-')) {
        return (None, Err(libc::EINVAL));
    }
    match (outcome, values.as_slice()) {
        (Ok(taken), [low, high]) if low <= high => (Some(joined(&values)), Ok(taken)),
        (Ok(taken), _) => (Some("1\t0".to_owned()), Ok(taken)),
        (Err(errno), _) => (None, Err(errno)),
    }
}

fn algorithm(kernel: &FakeKernel, text: &str) -> Result<String, i32> {
    let name = text.trim_end_matches('\n');
    let listed =
        |key: &str| text_of(kernel, key).is_some_and(|names| names.split_ascii_whitespace().any(|known| known == name));
    if !listed("net.ipv4.tcp_available_congestion_control") {
        return Err(libc::ENOENT);
    }
    // Restricted ones are for the initial namespace (tcp_set_default_congestion_control).
    if !kernel.identity.netns.initial && !listed("net.ipv4.tcp_allowed_congestion_control") {
        return Err(libc::EPERM);
    }
    Ok(name.to_owned())
}

fn numbers(text: &str) -> Vec<i64> {
    text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn number(text: &str) -> i64 {
    numbers(text).first().copied().unwrap_or(0)
}

fn joined(values: &[i64]) -> String {
    values.iter().map(i64::to_string).collect::<Vec<_>>().join("\t")
}

fn text_of(kernel: &FakeKernel, key: &str) -> Option<String> {
    key.parse().ok().and_then(|key| kernel.text(&key).map(str::to_owned))
}

fn set(kernel: &mut FakeKernel, key: &str, text: &str) {
    if let Ok(key) = key.parse() {
        kernel.set(&key, text);
    }
}

fn conf(kernel: &mut FakeKernel, family: &str, interface: &str, name: &str, text: &str) {
    if let Ok(key) = SysctlKey::from_segments(["net", family, "conf", interface, name]) {
        kernel.set(&key, text);
    }
    if name == "forwarding" && number(text) != 0 {
        kernel.stop_merging(interface);
    }
}
