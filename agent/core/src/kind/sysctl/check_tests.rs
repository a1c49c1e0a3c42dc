use super::*;

fn key(text: &str) -> SysctlKey {
    text.parse().unwrap()
}

fn int(number: i64) -> Policy {
    Policy::Value(Wanted::One(Scalar::Int(number)))
}

fn text(text: &str) -> Policy {
    Policy::Value(Wanted::One(Scalar::Text(text.to_owned())))
}

fn codes(name: &str, policy: &Policy) -> Vec<(Severity, &'static str)> {
    check(&key(name), policy).into_iter().map(|problem| (problem.severity, problem.code)).collect()
}

const ERROR: Severity = Severity::Error;

#[test]
fn a_good_value_has_no_problem() {
    assert_eq!(codes("net.core.somaxconn", &int(4096)), []);
    assert_eq!(codes("net.ipv4.tcp_rmem", &text("4096 131072 33554432")), []);
    assert_eq!(codes("net.ipv4.tcp_congestion_control", &text("bbr")), []);
    assert_eq!(codes("net.ipv4.conf.eth0.rp_filter", &int(2)), []);
    assert_eq!(codes("net.ipv4.conf.*.rp_filter", &int(2)), []);
}

#[test]
fn a_value_outside_every_kernels_range_is_an_error() {
    assert_eq!(codes("net.ipv4.tcp_tw_reuse", &int(3)), [(ERROR, "out-of-range")]);
    assert_eq!(codes("net.ipv4.ip_default_ttl", &int(0)), [(ERROR, "out-of-range")]);
    assert_eq!(codes("net.ipv4.tcp_sack", &int(2)), [(ERROR, "out-of-range")]);
    assert_eq!(codes("net.ipv4.tcp_ecn", &int(3)), []);
    assert_eq!(codes("net.ipv4.tcp_ecn", &int(9)), [(ERROR, "out-of-range")]);
    assert_eq!(codes("net.ipv4.ip_local_port_range", &text("1024 70000")), [(ERROR, "out-of-range")]);
    assert_eq!(codes("net.core.flow_limit_table_len", &int(5000)), [(ERROR, "out-of-range")]);
}

#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    assert_eq!(codes("net.core.somaxconn", &text("many")), [(ERROR, "wrong-type")]);
    assert_eq!(codes("net.ipv4.tcp_rmem", &text("4096 131072")), [(ERROR, "wrong-type")]);
    let two = Policy::Value(Wanted::Many(vec![Element::Keep, Element::Keep]));
    assert_eq!(codes("net.ipv4.tcp_rmem", &two), [(ERROR, "wrong-type")]);
    let floor = Policy::AtLeast(Wanted::One(Scalar::Text("bbr".into())));
    assert_eq!(codes("net.ipv4.tcp_congestion_control", &floor), [(ERROR, "wrong-type")]);
    let members = Policy::Includes(vec![Scalar::Int(1)]);
    assert_eq!(codes("net.core.somaxconn", &members), [(ERROR, "wrong-type")]);
    assert_eq!(codes("net.core.somaxconn", &Policy::Prefer(vec![])), [(ERROR, "wrong-type")]);
}

#[test]
fn what_cannot_be_set_is_refused() {
    assert_eq!(codes("net.ipv4.tcp_fastopen_key", &text("x")), [(ERROR, "secret")]);
    assert_eq!(codes("net.ipv6.conf.eth0.stable_secret", &text("::1")), [(ERROR, "secret")]);
    assert_eq!(codes("net.ipv4.route.flush", &int(1)), [(ERROR, "action")]);
    assert_eq!(codes("net.netfilter.nf_conntrack_count", &int(1)), [(ERROR, "read-only")]);
}

#[test]
fn a_removed_key_says_what_to_do_instead() {
    let problems = check(&key("net.ipv4.tcp_tw_recycle"), &int(1));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "removed-key");
    assert!(problems[0].message.contains("4.12"), "{}", problems[0].message);
    assert!(problems[0].help.as_ref().unwrap().contains("tcp_tw_reuse"));
}

#[test]
fn an_unknown_key_is_a_warning_with_a_suggestion() {
    let problems = check(&key("net.core.somaxcon"), &int(1));
    assert_eq!(problems[0].severity, Severity::Warning);
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `net.core.somaxconn`?"));
}

#[test]
fn a_kernels_own_range_blocks() {
    let at = |name: &str, number: i64, version| check_for_kernel(&key(name), &Value::Int(number), version);
    assert!(at("net.ipv4.tcp_ecn", 3, (6, 12)).unwrap().contains("0..2 on Linux 6.12"));
    assert!(at("net.ipv4.tcp_ecn", 3, (5, 10)).is_some());
    assert_eq!(at("net.ipv4.tcp_ecn", 3, (6, 18)), None);
    assert_eq!(at("net.ipv4.tcp_ecn", 3, (7, 2)), None);
    assert!(at("net.netfilter.nf_conntrack_max", 0, (7, 3)).is_some());
    assert_eq!(at("net.netfilter.nf_conntrack_max", 0, (6, 12)), None);
    assert_eq!(at("net.vendor.x", -5, (6, 12)), None);
}
