//! Rules about one key: a table, so that a new piece of advice is a new row.
//!
//! "Docs" in a source is the kernel's Documentation/networking/ip-sysctl.rst, unless another file is named.

use super::Lint;
use super::Subject;
use super::bounds::least;
use super::bounds::most;
use super::bounds::only;

/// One row: when a setting of a key deserves advice.
pub(super) struct Rule {
    pub(super) code: &'static str,
    /// The dotted path; `*` stands for the interface, `all` and `default` included. A final `…` stands for any end.
    pub(super) key: &'static str,
    pub(super) when: When,
    /// What is wrong, to follow the key and a colon.
    pub(super) message: &'static str,
    pub(super) advice: &'static str,
}

/// What about the setting makes a row apply. The index is that of the element in a vector.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// It is set at all.
    Set,
    /// It allows nothing but these numbers.
    Only(&'static [i64]),
    /// It lowers an element below this number.
    Below(usize, i64),
    /// It raises an element above this number.
    Above(usize, i64),
}

const MIB: i64 = 1 << 20;

pub(super) const RULES: &[Rule] = &[
    // Removed in 4.12 by commit 4396e46187ca: it broke clients behind NAT.
    Rule {
        code: "removed-key",
        key: "net.ipv4.tcp_tw_recycle",
        when: When::Set,
        message: "gone since Linux 4.12, because it broke clients behind NAT",
        advice: "drop it; for outgoing connections there is net.ipv4.tcp_tw_reuse",
    },
    // In the tree of 6.12, not in that of 6.18: net/netfilter/nf_conntrack_proto_dccp.c is gone.
    Rule {
        code: "removed-key",
        key: "net.netfilter.nf_conntrack_dccp_…",
        when: When::Set,
        message: "newer kernels no longer track DCCP",
        advice: "drop it",
    },
    // None of the three stands in net/ipv4/sysctl_net_ipv4.c of any supported kernel.
    Rule {
        code: "removed-key",
        key: "net.ipv4.tcp_thin_dupack",
        when: When::Set,
        message: "no supported kernel has it",
        advice: "drop it",
    },
    Rule {
        code: "removed-key",
        key: "net.ipv4.tcp_dma_copybreak",
        when: When::Set,
        message: "no supported kernel has it",
        advice: "drop it",
    },
    Rule {
        code: "removed-key",
        key: "net.ipv4.tcp_abc",
        when: When::Set,
        message: "no supported kernel has it",
        advice: "drop it",
    },
    // Docs: "This is a legacy option, it has no effect anymore."
    Rule {
        code: "no-effect",
        key: "net.ipv4.tcp_fack",
        when: When::Set,
        message: "a legacy option without any effect",
        advice: "drop it; loss recovery is RACK's, see tcp_recovery",
    },
    // Docs: "This is a legacy option, it has no effect anymore."
    Rule {
        code: "no-effect",
        key: "net.ipv4.tcp_low_latency",
        when: When::Set,
        message: "a legacy option without any effect",
        advice: "drop it",
    },
    // net/ipv4/ip_fragment.c: registered as ip4_frags_secret_interval_unused.
    Rule {
        code: "no-effect",
        key: "net.ipv4.ipfrag_secret_interval",
        when: When::Set,
        message: "a legacy option without any effect",
        advice: "drop it",
    },
    // Docs, ipfrag_low_thresh: "obsolete since linux-4.17".
    Rule {
        code: "no-effect",
        key: "net.ipv4.ipfrag_low_thresh",
        when: When::Set,
        message: "obsolete since Linux 4.17",
        advice: "drop it; the limit is net.ipv4.ipfrag_high_thresh",
    },
    // Docs, route/max_size: "From linux kernel 3.6 onwards, this is deprecated for ipv4 as route cache is no longer used."
    Rule {
        code: "no-effect",
        key: "net.ipv4.route.max_size",
        when: When::Set,
        message: "IPv4 has had no route cache since Linux 3.6",
        advice: "drop it",
    },
    Rule {
        code: "no-effect",
        key: "net.ipv4.route.gc_…",
        when: When::Set,
        message: "IPv4 has had no route cache since Linux 3.6",
        advice: "drop it",
    },
    // RFC 7323: PAWS and exact round trips rest on it; so do tw_reuse and the options behind SYN cookies
    // (net/ipv4/tcp_ipv4.c tcp_twsk_unique, net/ipv4/syncookies.c cookie_timestamp_decode).
    Rule {
        code: "switched-off",
        key: "net.ipv4.tcp_timestamps",
        when: When::Only(&[0]),
        message: "without timestamps there is no protection against wrapped sequence numbers, no reuse of TIME_WAIT, \
                  and a SYN cookie loses window scale and SACK",
        advice: "leave it at 1: the offsets are random per connection and tell no uptime",
    },
    // RFC 2018; without SACK one loss in a window costs a round trip each.
    Rule {
        code: "switched-off",
        key: "net.ipv4.tcp_sack",
        when: When::Only(&[0]),
        message: "without selective acknowledgements every loss in a window costs a round trip",
        advice: "leave it at 1; the attacks of 2019 (SACK panic) are fixed in every supported kernel",
    },
    // RFC 7323: 16 bits of window.
    Rule {
        code: "switched-off",
        key: "net.ipv4.tcp_window_scaling",
        when: When::Only(&[0]),
        message: "without window scaling no connection has more than 64 KiB in flight",
        advice: "leave it at 1",
    },
    // Docs: "If set, TCP performs receive buffer auto-tuning".
    Rule {
        code: "switched-off",
        key: "net.ipv4.tcp_moderate_rcvbuf",
        when: When::Only(&[0]),
        message: "without auto-tuning every socket keeps the buffer of tcp_rmem's second value",
        advice: "leave it at 1 and bound it by tcp_rmem's third value",
    },
    // Docs: "send out syncookies when the syn backlog queue of a socket overflows"; without them the SYN is dropped.
    Rule {
        code: "switched-off",
        key: "net.ipv4.tcp_syncookies",
        when: When::Only(&[0]),
        message: "without SYN cookies a full SYN queue drops connections",
        advice: "set it to 1: cookies are sent only when the queue is full",
    },
    // Docs: "If you want to test which effects syncookies have to your network connections you can set this knob to 2".
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_syncookies",
        when: When::Only(&[2]),
        message: "2 sends cookies always and is for tests: connections lose their options",
        advice: "set it to 1",
    },
    // Docs: "enable this option _only_ if you are really sure that listening daemon cannot be tuned".
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_abort_on_overflow",
        when: When::Above(0, 0),
        message: "clients of a busy server get a reset instead of the retry that would have succeeded",
        advice: "leave it at 0 and raise the backlog of the listener and net.core.somaxconn",
    },
    // Docs: "0 - Disabled 1 - Disabled by default, enabled when an ICMP black hole detected 2 - Always enabled, use
    // initial MSS of tcp_base_mss".
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_mtu_probing",
        when: When::Only(&[2]),
        message: "2 starts every connection at tcp_base_mss, 1024 bytes",
        advice: "set it to 1: probing begins where a black hole shows",
    },
    // Docs, modes 1 and 2; mode 3 is for name servers and no mistake as such.
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.ip_no_pmtu_disc",
        when: When::Only(&[1, 2]),
        message: "switches path MTU discovery off and lets routers fragment",
        advice: "leave it at 0; against black holes there is net.ipv4.tcp_mtu_probing = 1",
    },
    // Docs, tcp_syn_retries: default 6, "corresponds to 67seconds"; one retry gives up after 3 seconds.
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_syn_retries",
        when: When::Below(0, 2),
        message: "a connection attempt gives up after two lost packets",
        advice: "keep the default 6 and let the application set its own timeout",
    },
    // Docs, tcp_synack_retries: default 5.
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_synack_retries",
        when: When::Below(0, 2),
        message: "a client whose ACK is lost twice is forgotten",
        advice: "keep the default 5, 3 under attack",
    },
    // Docs, tcp_retries2: "RFC 1122 recommends at least 100 seconds for the timeout, which corresponds to a value of at
    // least 8."
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_retries2",
        when: When::Below(0, 8),
        message: "connections die in less than the 100 seconds that RFC 1122 asks for",
        advice: "use 8 or more, and TCP_USER_TIMEOUT where an application must know sooner",
    },
    // Docs: obsolete since 6.6 for new sockets, "tcp_adv_win_scale ... Obsolete since linux-6.6".
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_adv_win_scale",
        when: When::Set,
        message: "obsolete since Linux 6.6, which learns the overhead of each socket",
        advice: "drop it",
    },
    // Docs: "Reserve max(window/2^tcp_app_win, mss) of window for application buffer."
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_app_win",
        when: When::Set,
        message: "reserves a part of the window that auto-tuning then lacks",
        advice: "drop it",
    },
    // Docs, somaxconn. struct request_sock_queue counts in 32 bits, but applications and libraries hold a backlog in 16.
    Rule {
        code: "cargo-cult",
        key: "net.core.somaxconn",
        when: When::Above(0, 65535),
        message: "a queue of more than 65535 connections only hides that nobody accepts them",
        advice: "use 65535 at most, and look at ListenOverflows",
    },
    // tcp_rmem[1] is the start of every socket (tcp_init_sock); auto-tuning raises it where there is use for it.
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_rmem",
        when: When::Above(1, MIB),
        message: "the second value is the buffer that every socket starts with",
        advice: "keep it, and raise the third value, up to which auto-tuning goes",
    },
    Rule {
        code: "cargo-cult",
        key: "net.ipv4.tcp_wmem",
        when: When::Above(1, MIB),
        message: "the second value is the buffer that every socket starts with",
        advice: "keep it, and raise the third value, up to which auto-tuning goes",
    },
    Rule {
        code: "cargo-cult",
        key: "net.core.rmem_default",
        when: When::Above(0, MIB),
        message: "the buffer of every socket that is not TCP",
        advice: "keep it, and let the application that needs more ask by SO_RCVBUF, up to net.core.rmem_max",
    },
    Rule {
        code: "cargo-cult",
        key: "net.core.wmem_default",
        when: When::Above(0, MIB),
        message: "the buffer of every socket that is not TCP",
        advice: "keep it, and let the application that needs more ask by SO_SNDBUF, up to net.core.wmem_max",
    },
    // Documentation/networking/scaling.rst: "1000 or 10000 performed well in experiments".
    Rule {
        code: "cargo-cult",
        key: "net.core.netdev_max_backlog",
        when: When::Above(0, 10_000),
        message: "a longer queue per CPU adds delay and saves nothing unless the second column of softnet_stat rises",
        advice: "use 10000 at most",
    },
    // net/core/hotdata.c: 300 packets a round, shared with every other softirq.
    Rule {
        code: "cargo-cult",
        key: "net.core.netdev_budget",
        when: When::Above(0, 600),
        message: "a long round of softirq work starves the applications",
        advice: "use 600 at most, and only if packets are lost while the third column of softnet_stat rises",
    },
    // RFC 5382, REQ-5: at least 2 hours and 4 minutes.
    Rule {
        code: "cargo-cult",
        key: "net.netfilter.nf_conntrack_tcp_timeout_established",
        when: When::Below(0, 7440),
        message: "established connections are forgotten before the 7440 seconds that RFC 5382 asks of a NAT",
        advice: "use 7440 or more, and size net.netfilter.nf_conntrack_max",
    },
    // RFC 4787, REQ-5: at least 2 minutes.
    Rule {
        code: "cargo-cult",
        key: "net.netfilter.nf_conntrack_udp_timeout_stream",
        when: When::Below(0, 120),
        message: "UDP flows are forgotten before the 120 seconds that RFC 4787 asks of a NAT",
        advice: "use 120 or more",
    },
    // net/ipv4/tcp_input.c: default 32 MiB since 6.16 (commit 572be9bf9d0d), 6 MiB before.
    Rule {
        code: "below-default",
        key: "net.ipv4.tcp_rmem",
        when: When::Below(2, 32 * MIB),
        message: "Linux 6.16 and later start with 33554432 as the third value",
        advice: "write a floor: { at-least = [\"keep\", \"keep\", …] }",
    },
    // net/ipv4/tcp.c tcp_init: 4 MiB where memory allows.
    Rule {
        code: "below-default",
        key: "net.ipv4.tcp_wmem",
        when: When::Below(2, 4 * MIB),
        message: "the kernel starts with 4194304 as the third value",
        advice: "write a floor: { at-least = [\"keep\", \"keep\", …] }",
    },
    // include/net/sock.h: 4 MiB since 6.18 (commit a6d4f25888b8), 212992 before.
    Rule {
        code: "below-default",
        key: "net.core.rmem_max",
        when: When::Below(0, 4 * MIB),
        message: "Linux 6.18 and later start with 4194304",
        advice: "write a floor: { at-least = … }",
    },
    Rule {
        code: "below-default",
        key: "net.core.wmem_max",
        when: When::Below(0, 4 * MIB),
        message: "Linux 6.18 and later start with 4194304",
        advice: "write a floor: { at-least = … }",
    },
    // Commit "tcp: increase tcp_limit_output_bytes default value to 4MB", 2025-05.
    Rule {
        code: "below-default",
        key: "net.ipv4.tcp_limit_output_bytes",
        when: When::Below(0, 4 * MIB),
        message: "Linux 6.16 and later start with 4194304",
        advice: "drop it, or write a floor: { at-least = … }",
    },
    // include/linux/socket.h SOMAXCONN: 4096 since 5.4, 128 before.
    Rule {
        code: "below-default",
        key: "net.core.somaxconn",
        when: When::Below(0, 4096),
        message: "Linux 5.4 and later start with 4096",
        advice: "write a floor: { at-least = … }",
    },
    // net/ipv4/icmp.c: 10000 after 6.18, 1000 before.
    Rule {
        code: "below-default",
        key: "net.ipv4.icmp_msgs_per_sec",
        when: When::Below(0, 10_000),
        message: "kernels after Linux 6.18 start with 10000",
        advice: "write a floor: { at-least = … }",
    },
    // net/core/hotdata.c.
    Rule {
        code: "below-default",
        key: "net.core.netdev_max_backlog",
        when: When::Below(0, 1000),
        message: "the kernel starts with 1000",
        advice: "write a floor: { at-least = … }",
    },
    // net/ipv6/ndisc.c, net/ipv6/addrconf.c: read from the interface's own values only.
    Rule {
        code: "no-effect",
        key: "net.ipv6.conf.all.accept_ra",
        when: When::Set,
        message: "each interface has its own, and `all` reaches none of them",
        advice: "set net.ipv6.conf.default.accept_ra and net.ipv6.conf.\"*\".accept_ra",
    },
    Rule {
        code: "no-effect",
        key: "net.ipv6.conf.all.accept_redirects",
        when: When::Set,
        message: "each interface has its own, and `all` reaches none of them",
        advice: "set net.ipv6.conf.default.accept_redirects and net.ipv6.conf.\"*\".accept_redirects",
    },
    Rule {
        code: "no-effect",
        key: "net.ipv6.conf.all.use_tempaddr",
        when: When::Set,
        message: "each interface has its own, and `all` reaches none of them",
        advice: "set net.ipv6.conf.default.use_tempaddr and net.ipv6.conf.\"*\".use_tempaddr",
    },
    // Side effect of net/ipv6/addrconf.c addrconf_disable_ipv6: every address goes.
    Rule {
        code: "cargo-cult",
        key: "net.ipv6.conf.all.disable_ipv6",
        when: When::Above(0, 0),
        message: "removes every IPv6 address, loopback included, and makes nothing faster",
        advice: "leave IPv6 on, and configure the interfaces that should have no address",
    },
];

pub(super) fn check(subject: &Subject<'_>, lints: &mut Vec<Lint>) {
    let exact = subject.key.parts().join(".");
    let pattern = subject.pattern();
    for rule in RULES {
        if (is_about(rule.key, &exact) || is_about(rule.key, &pattern)) && applies(rule.when, subject) {
            lints.push(subject.lint(rule.code, rule.message, rule.advice));
        }
    }
}

fn is_about(rule: &str, key: &str) -> bool {
    match rule.strip_suffix('…') {
        Some(start) => key.starts_with(start),
        None => key == rule,
    }
}

fn applies(when: When, subject: &Subject<'_>) -> bool {
    match when {
        When::Set => true,
        When::Only(numbers) => only(subject.policy, numbers),
        When::Below(index, limit) => most(subject.policy, index).is_some_and(|number| number < limit),
        When::Above(index, limit) => least(subject.policy, index).is_some_and(|number| number > limit),
    }
}
