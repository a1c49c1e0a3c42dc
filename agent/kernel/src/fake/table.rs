//! The keys of a fake kernel, with the values of a freshly booted Linux 6.18.

use trimtab_core::address::SysctlKey;

use super::FakeKernel;
use super::parse::Class;

/// Where a key exists, and whether it can be written there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// In every namespace.
    Each,
    /// In the initial namespace only.
    Initial,
    /// Everywhere, but writable in the initial namespace only.
    Shown,
    /// Never writable.
    Fixed,
}

const NUMBER: i64 = i32::MAX as i64;

const KEYS: &[(&str, Class, &str, Scope)] = &[
    ("net.core.somaxconn", Class::NATURAL, "4096", Scope::Each),
    ("net.core.optmem_max", Class::NATURAL, "131072", Scope::Each),
    ("net.core.netdev_max_backlog", Class::INT, "1000", Scope::Initial),
    ("net.core.netdev_budget", Class::INT, "300", Scope::Initial),
    ("net.core.default_qdisc", Class::Text, "pfifo_fast", Scope::Initial),
    ("net.core.rmem_max", Class::Ints { length: 1, min: 2304, max: NUMBER }, "4194304", Scope::Shown),
    ("net.core.wmem_max", Class::Ints { length: 1, min: 4608, max: NUMBER }, "4194304", Scope::Shown),
    ("net.ipv4.ip_forward", Class::INT, "0", Scope::Each),
    ("net.ipv4.tcp_rmem", Class::Ints { length: 3, min: 1, max: NUMBER }, "4096\t131072\t33554432", Scope::Each),
    ("net.ipv4.tcp_wmem", Class::Ints { length: 3, min: 1, max: NUMBER }, "4096\t16384\t4194304", Scope::Each),
    ("net.ipv4.tcp_mem", Class::Ints { length: 3, min: 0, max: i64::MAX }, "187000\t250000\t374000", Scope::Initial),
    ("net.ipv4.tcp_tw_reuse", Class::Unsigned { min: 0, max: 2 }, "2", Scope::Each),
    ("net.ipv4.tcp_ecn", Class::Unsigned { min: 0, max: 2 }, "2", Scope::Each),
    ("net.ipv4.tcp_sack", Class::BYTE, "1", Scope::Each),
    ("net.ipv4.tcp_timestamps", Class::BYTE, "1", Scope::Each),
    ("net.ipv4.tcp_window_scaling", Class::BYTE, "1", Scope::Each),
    ("net.ipv4.tcp_syncookies", Class::BYTE, "1", Scope::Each),
    ("net.ipv4.tcp_mtu_probing", Class::BYTE, "0", Scope::Each),
    ("net.ipv4.tcp_slow_start_after_idle", Class::BYTE, "1", Scope::Each),
    ("net.ipv4.tcp_keepalive_probes", Class::BYTE, "9", Scope::Each),
    ("net.ipv4.tcp_syn_retries", Class::Unsigned { min: 1, max: 127 }, "6", Scope::Each),
    ("net.ipv4.ip_default_ttl", Class::Unsigned { min: 1, max: 255 }, "64", Scope::Each),
    ("net.ipv4.tcp_notsent_lowat", Class::Unsigned { min: 0, max: u32::MAX as i64 }, "4294967295", Scope::Each),
    ("net.ipv4.tcp_max_syn_backlog", Class::INT, "512", Scope::Each),
    ("net.ipv4.tcp_max_tw_buckets", Class::INT, "32768", Scope::Each),
    ("net.ipv4.tcp_fin_timeout", Class::Seconds, "60", Scope::Each),
    ("net.ipv4.tcp_keepalive_time", Class::Seconds, "7200", Scope::Each),
    ("net.ipv4.tcp_keepalive_intvl", Class::Seconds, "75", Scope::Each),
    ("net.ipv4.icmp_ratelimit", Class::Millis, "1000", Scope::Each),
    ("net.ipv4.tcp_invalid_ratelimit", Class::Millis, "500", Scope::Each),
    ("net.ipv4.ip_local_port_range", Class::PortRange, "32768\t60999", Scope::Each),
    ("net.ipv4.ip_local_reserved_ports", Class::Ports, "", Scope::Each),
    ("net.ipv4.ip_unprivileged_port_start", Class::Ints { length: 1, min: 0, max: 65535 }, "1024", Scope::Each),
    ("net.ipv4.ping_group_range", Class::GroupRange, "1\t0", Scope::Each),
    ("net.ipv4.tcp_congestion_control", Class::Algorithm, "cubic", Scope::Each),
    ("net.ipv4.tcp_available_congestion_control", Class::Text, "reno cubic", Scope::Fixed),
    ("net.ipv4.tcp_allowed_congestion_control", Class::Text, "reno cubic", Scope::Shown),
    ("net.ipv4.tcp_fastopen_key", Class::Secret, "", Scope::Each),
    ("net.ipv4.route.flush", Class::Action, "", Scope::Each),
];

/// Keys below `net.ipv4.conf.*` with the values of a fresh `all`, `default` and interface.
pub const IPV4_CONF: &[(&str, [&str; 2])] = &[
    ("accept_local", ["0", "0"]),
    ("accept_redirects", ["1", "1"]),
    ("accept_source_route", ["0", "1"]),
    ("arp_accept", ["0", "0"]),
    ("arp_announce", ["0", "0"]),
    ("arp_filter", ["0", "0"]),
    ("arp_ignore", ["0", "0"]),
    ("arp_notify", ["0", "0"]),
    ("disable_policy", ["0", "0"]),
    ("disable_xfrm", ["0", "0"]),
    ("drop_unicast_in_l2_multicast", ["0", "0"]),
    ("forwarding", ["0", "0"]),
    ("ignore_routes_with_linkdown", ["0", "0"]),
    ("log_martians", ["0", "0"]),
    ("mc_forwarding", ["0", "0"]),
    ("promote_secondaries", ["0", "0"]),
    ("proxy_arp", ["0", "0"]),
    ("route_localnet", ["0", "0"]),
    ("rp_filter", ["0", "0"]),
    ("secure_redirects", ["1", "1"]),
    ("send_redirects", ["1", "1"]),
    ("shared_media", ["1", "1"]),
    ("src_valid_mark", ["0", "0"]),
];

/// Keys below `net.ipv6.conf.*` with their value and handler.
const IPV6_CONF: &[(&str, &str, Class)] = &[
    ("accept_ra", "1", Class::INT),
    ("accept_redirects", "1", Class::INT),
    ("accept_source_route", "0", Class::INT),
    ("addr_gen_mode", "0", Class::Unsigned { min: 0, max: 3 }),
    ("autoconf", "1", Class::INT),
    ("disable_ipv6", "0", Class::INT),
    ("force_forwarding", "0", Class::Unsigned { min: 0, max: 1 }),
    ("forwarding", "0", Class::INT),
    ("hop_limit", "64", Class::Ints { length: 1, min: 1, max: 255 }),
    ("ignore_routes_with_linkdown", "0", Class::INT),
    ("proxy_ndp", "0", Class::INT),
    ("stable_secret", "", Class::Secret),
    ("use_tempaddr", "0", Class::INT),
];

pub fn fill(kernel: &mut FakeKernel) {
    let initial = kernel.identity.netns.initial;
    for (name, class, text, scope) in KEYS {
        let writable = match scope {
            Scope::Each => true,
            Scope::Initial if !initial => continue,
            Scope::Initial | Scope::Shown => initial,
            Scope::Fixed => false,
        };
        if let Ok(key) = name.parse() {
            kernel.add(key, class.clone(), text, writable);
        }
    }
    for (name, [all, default]) in IPV4_CONF {
        add_conf(kernel, "ipv4", "all", name, Class::INT, all);
        add_conf(kernel, "ipv4", "default", name, Class::INT, default);
    }
    for (name, text, class) in IPV6_CONF {
        add_conf(kernel, "ipv6", "all", name, class.clone(), text);
        add_conf(kernel, "ipv6", "default", name, class.clone(), text);
    }
}

pub fn add_interface(kernel: &mut FakeKernel, interface: &str) {
    for (name, _) in IPV4_CONF {
        let text = default(kernel, "ipv4", name);
        add_conf(kernel, "ipv4", interface, name, Class::INT, &text);
    }
    add_ipv6(kernel, interface);
}

/// IPv6 comes to an interface.
pub fn add_ipv6(kernel: &mut FakeKernel, interface: &str) {
    for (name, _, class) in IPV6_CONF {
        let text = default(kernel, "ipv6", name);
        add_conf(kernel, "ipv6", interface, name, class.clone(), &text);
    }
}

fn default(kernel: &FakeKernel, family: &str, name: &str) -> String {
    let key = SysctlKey::from_segments(["net", family, "conf", "default", name]);
    key.ok().and_then(|key| kernel.text(&key).map(str::to_owned)).unwrap_or_default()
}

fn add_conf(kernel: &mut FakeKernel, family: &str, interface: &str, name: &str, class: Class, text: &str) {
    // A name that no key can spell has no keys here either.
    if let Ok(key) = SysctlKey::from_segments(["net", family, "conf", interface, name]) {
        kernel.add(key, class, text, name != "mc_forwarding");
    }
}
