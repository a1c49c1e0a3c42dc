//! Rules about several settings, or about a setting and the host it is for.

use super::Lint;
use super::Subject;
use super::View;
use super::bounds::least;
use super::bounds::most;
use super::bounds::only;
use super::bounds::settles_at;
use crate::address::SysctlKey;
use crate::desired::Want;
use crate::facts::FactValue;
use crate::policy::Policy;

pub(super) fn check(view: &View<'_>, subject: &Subject<'_>, lints: &mut Vec<Lint>) {
    for rule in [
        reuse_without_timestamps,
        pages_instead_of_bytes,
        buffer_beyond_memory,
        lowered_limit,
        ephemeral_ports_over_services,
        void_beside_all,
        all_without_interfaces,
        forwarding_without_advertisements,
    ] {
        lints.extend(rule(view, subject));
    }
}

/// A key of the same namespace by its path; the paths here are constants and always make a key.
fn key(path: &str) -> Option<SysctlKey> {
    SysctlKey::from_segments(path.split('.')).ok()
}

fn is(subject: &Subject<'_>, path: &str) -> bool {
    subject.key.segments().eq(path.split('.'))
}

/// net/ipv4/tcp_ipv4.c `tcp_twsk_unique`: a TIME_WAIT socket is reused only if its peer sent timestamps.
fn reuse_without_timestamps(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv4.tcp_tw_reuse") || least(subject.policy, 0)? < 1 {
        return None;
    }
    let timestamps = subject.beside(key("net.ipv4.tcp_timestamps")?);
    (view.coming(&timestamps)? == 0).then(|| {
        subject.lint(
            "needs-other",
            "reuses nothing while net.ipv4.tcp_timestamps is 0",
            "set net.ipv4.tcp_timestamps to 1",
        )
    })
}

/// net/ipv4/tcp.c `tcp_init_mem`, net/ipv4/udp.c `udp_init`: the limits count pages and follow the memory of the host at
/// boot: 4.68 %, 6.25 % and 9.37 %.
fn pages_instead_of_bytes(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv4.tcp_mem") && !is(subject, "net.ipv4.udp_mem") {
        return None;
    }
    let advice = "drop it: the kernel sizes it at boot by the memory there is";
    let pages = least(subject.policy, 2);
    if let (Some(pages), Some(facts)) = (pages, view.facts)
        && let (Some(memory), Some(page_size)) = (facts.int("host.memory"), facts.int("host.page_size"))
        && pages.saturating_mul(page_size) > memory / 4
    {
        let percent = i128::from(pages) * i128::from(page_size) * 100 / i128::from(memory.max(1));
        let message = format!("counts pages, not bytes: the third value is {percent} % of this host's memory");
        return Some(subject.lint("cargo-cult", message, advice));
    }
    let fixed = matches!(subject.policy, Policy::Value(_));
    fixed.then(|| subject.lint("cargo-cult", "counts pages, not bytes, and fits one size of host only", advice))
}

/// Docs, tcp_rmem: the third value is "maximal size of receive buffer allowed for automatically selected receive
/// buffers": per socket. A sixteenth of all memory for one of them leaves room for few.
fn buffer_beyond_memory(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv4.tcp_rmem") && !is(subject, "net.ipv4.tcp_wmem") {
        return None;
    }
    let bytes = least(subject.policy, 2)?;
    let memory = view.facts?.int("host.memory")?;
    // What the kernel starts with is not the author's doing.
    (bytes > 32 << 20 && bytes > memory / 16).then(|| {
        subject.lint(
            "too-large",
            format!("lets one socket take {bytes} of this host's {memory} bytes of memory"),
            "cap it, e.g. `min(…, host.memory / 256)`",
        )
    })
}

/// Docs, tcp_max_tw_buckets and tcp_max_orphans: "This limit exists only to prevent simple DoS attacks, you _must_ not
/// lower the limit artificially".
fn lowered_limit(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv4.tcp_max_tw_buckets") && !is(subject, "net.ipv4.tcp_max_orphans") {
        return None;
    }
    let limit = most(subject.policy, 0)?;
    let live = view.live_int(subject.address)?;
    (limit < live).then(|| {
        subject.lint(
            "lowers-limit",
            format!("lowers {live} to {limit}; past the limit the kernel cuts connections short"),
            "write a floor: { at-least = … }",
        )
    })
}

/// Docs, ip_local_reserved_ports: automatic port assignment skips the ports listed there. Ports below 10000 are where
/// services that are no system services usually listen.
fn ephemeral_ports_over_services(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv4.ip_local_port_range") {
        return None;
    }
    let low = most(subject.policy, 0)?;
    let reserved = subject.beside(key("net.ipv4.ip_local_reserved_ports")?);
    if low >= 10_000 || view.desired.settings.contains_key(&reserved) {
        return None;
    }
    Some(subject.lint(
        "needs-other",
        format!("an outgoing connection may take any port from {low}, and a service that restarts cannot have it back"),
        "begin above the ports of services, or list those in net.ipv4.ip_local_reserved_ports",
    ))
}

/// How the value of an interface and that of `all` join (include/linux/inetdevice.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    /// The greater counts.
    Max,
    /// On if either is.
    Or,
    /// On if both are.
    And,
}

fn joined(name: &str) -> Option<Joined> {
    match name {
        "rp_filter" | "arp_announce" | "arp_ignore" | "arp_notify" | "arp_accept" => Some(Joined::Max),
        "send_redirects"
        | "secure_redirects"
        | "shared_media"
        | "log_martians"
        | "proxy_arp"
        | "proxy_arp_pvlan"
        | "accept_local"
        | "route_localnet"
        | "src_valid_mark"
        | "arp_filter"
        | "promote_secondaries"
        | "ignore_routes_with_linkdown" => Some(Joined::Or),
        "accept_source_route" | "mc_forwarding" | "bc_forwarding" | "bootp_relay" | "arp_evict_nocarrier" => {
            Some(Joined::And)
        }
        _ => None,
    }
}

/// The interface of an IPv4 `conf` key and the last part of its name.
fn conf_4<'a>(subject: &'a Subject<'_>) -> Option<(&'a str, &'a str)> {
    match subject.key.parts().as_slice() {
        ["net", "ipv4", "conf", interface, name] => Some((interface, name)),
        _ => None,
    }
}

/// A value of an interface that the value of `all` overrules.
fn void_beside_all(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    let (interface, name) = conf_4(subject)?;
    if interface == "all" || interface == "default" {
        return None;
    }
    let all = subject.beside(subject.key.with_segment(subject.key.interface_index()?, "all"));
    let all_is = view.coming(&all)?;
    let wanted = settles_at(subject.policy, view.live_int(subject.address))?;
    let forwarding = || {
        let own = subject.key.segments().take(4).chain(["forwarding"]);
        view.coming(&subject.beside(SysctlKey::from_segments(own).ok()?))
    };
    let why = match joined(name) {
        Some(Joined::Max) if all_is > wanted => "the greater of both counts",
        Some(Joined::Or) if all_is != 0 && wanted == 0 => "it is on where either is",
        Some(Joined::And) if all_is == 0 && wanted != 0 => "it is on only where both are",
        // IN_DEV_RX_REDIRECTS: a host takes either, a router needs both.
        None if name == "accept_redirects" && all_is != 0 && wanted == 0 && forwarding() == Some(0) => {
            "a host accepts them where either is on"
        }
        Some(Joined::Max | Joined::Or | Joined::And) | None => return None,
    };
    Some(subject.lint(
        "void",
        format!("{wanted} has no effect while net.ipv4.conf.all.{name} is {all_is}: {why}"),
        format!("set net.ipv4.conf.all.{name} too"),
    ))
}

/// `all` switched off where every interface is on by default and either suffices.
fn all_without_interfaces(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    let (interface, name) = conf_4(subject)?;
    let on_by_default = matches!(name, "send_redirects" | "secure_redirects" | "shared_media");
    if interface != "all" || !on_by_default || !only(subject.policy, &[0]) {
        return None;
    }
    // `default` beside it tells of an author who knows, on a host whose interfaces are not known here.
    let elsewhere = view.desired.settings.keys().any(|address| {
        let crate::address::Object::Sysctl(other) = &address.object else { return false };
        address.netns == subject.address.netns
            && other.interface().is_some_and(|other| other != "all")
            && other.with_segment(3, "all") == *subject.key
    });
    (!elsewhere).then(|| {
        subject.lint(
            "void",
            format!("0 has no effect while an interface has {name} = 1, as every one begins: either suffices"),
            format!("set net.ipv4.conf.default.{name} and net.ipv4.conf.\"*\".{name} too"),
        )
    })
}

/// net/ipv6/addrconf.c `dev_forward_change` and net/ipv6/route.c `rt6_purge_dflt_routers`: a router drops the default
/// routes it learnt by router advertisement, unless the interface says accept_ra = 2.
fn forwarding_without_advertisements(view: &View<'_>, subject: &Subject<'_>) -> Option<Lint> {
    if !is(subject, "net.ipv6.conf.all.forwarding") || least(subject.policy, 0)? < 1 {
        return None;
    }
    let Some(FactValue::Text(uplink)) = view.facts?.get("uplink.name") else { return None };
    let own = SysctlKey::from_segments(["net", "ipv6", "conf", uplink, "accept_ra"]).ok()?;
    let own = subject.beside(own);
    let undecided = view.desired.settings.get(&own).is_some_and(|other| matches!(other.want, Want::Undecided { .. }));
    (!undecided && view.coming(&own)? == 1).then(|| {
        subject.lint(
            "needs-other",
            format!("the default route that {uplink} learnt by router advertisement goes away: its accept_ra is 1"),
            format!("set net.ipv6.conf.{uplink}.accept_ra to 2"),
        )
    })
}
