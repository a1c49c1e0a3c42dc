use super::*;

fn key(text: &str) -> SysctlKey {
    text.parse().unwrap()
}

fn one(number: i64) -> Wanted {
    Wanted::One(Scalar::Int(number))
}

fn word(text: &str) -> Wanted {
    Wanted::One(Scalar::Text(text.to_owned()))
}

fn third(number: i64) -> Wanted {
    Wanted::Many(vec![Element::Keep, Element::Keep, Element::Is(Scalar::Int(number))])
}

fn on(name: &str, policy: &Policy, current: Option<Value>) -> Decision {
    let facts = Facts::default();
    decide(
        &key(name),
        policy,
        current.as_ref(),
        &DecideContext { facts: &facts, kernel_version: None, available: None },
    )
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

#[test]
fn a_floor_never_lowers() {
    let floor = Policy::AtLeast(one(8192));
    assert_eq!(on("net.core.somaxconn", &floor, Some(Value::Int(65_535))), Decision::Satisfied);
    assert_eq!(on("net.core.somaxconn", &floor, Some(Value::Int(8192))), Decision::Satisfied);
    assert_eq!(on("net.core.somaxconn", &floor, Some(Value::Int(4096))), Decision::Write(Value::Int(8192)));
    assert_eq!(on("net.core.somaxconn", &floor, None), Decision::NeedsCurrent);
}

#[test]
fn a_floor_moves_only_its_own_elements() {
    let live = Some(Value::Ints(vec![4096, 131_072, 6_291_456]));
    let wanted = Value::Ints(vec![4096, 131_072, 33_554_432]);
    assert_eq!(on("net.ipv4.tcp_rmem", &Policy::AtLeast(third(33_554_432)), live.clone()), Decision::Write(wanted));
    assert_eq!(on("net.ipv4.tcp_rmem", &Policy::AtLeast(third(4096)), live), Decision::Satisfied);
}

#[test]
fn no_limit_is_above_every_floor() {
    let live = Some(Value::Int(0));
    assert_eq!(on("net.netfilter.nf_conntrack_max", &Policy::AtLeast(one(262_144)), live.clone()), Decision::Satisfied);
    assert_eq!(
        on("net.netfilter.nf_conntrack_max", &Policy::AtMost(one(262_144)), live),
        Decision::Write(Value::Int(262_144))
    );
}

#[test]
fn keep_writes_back_what_is_there() {
    let live = Some(Value::Ints(vec![1, 2, 3]));
    assert_eq!(on("net.ipv4.tcp_rmem", &Policy::Value(third(9)), live), Decision::Write(Value::Ints(vec![1, 2, 9])));
    assert_eq!(on("net.ipv4.tcp_rmem", &Policy::Value(third(9)), None), Decision::NeedsCurrent);
}

#[test]
fn between_writes_the_nearest_bound() {
    let policy = Policy::Between(one(10), one(20));
    assert_eq!(on("net.core.somaxconn", &policy, Some(Value::Int(5))), Decision::Write(Value::Int(10)));
    assert_eq!(on("net.core.somaxconn", &policy, Some(Value::Int(15))), Decision::Satisfied);
    assert_eq!(on("net.core.somaxconn", &policy, Some(Value::Int(25))), Decision::Write(Value::Int(20)));
    let empty = Policy::Between(one(20), one(10));
    assert!(matches!(on("net.core.somaxconn", &empty, Some(Value::Int(15))), Decision::Invalid(_)));
}

#[test]
fn what_the_kernel_rounds_to_the_live_value_is_satisfied() {
    let policy = Policy::Value(one(5000));
    assert_eq!(on("net.core.rps_sock_flow_entries", &policy, Some(Value::Int(8192))), Decision::Satisfied);
    assert_eq!(
        on("net.bridge.bridge-nf-call-iptables", &Policy::Value(one(2)), Some(Value::Int(1))),
        Decision::Satisfied
    );
    assert_eq!(on("net.ipv4.icmp_ratelimit", &Policy::Value(one(1001)), Some(Value::Int(1004))), Decision::Satisfied);
}

fn algorithms(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn congestion(policy: &Policy, current: &str, available: &[&str], facts: &Facts) -> Decision {
    let list = algorithms(available);
    let ctx = DecideContext { facts, kernel_version: None, available: Some(&list) };
    decide(&key("net.ipv4.tcp_congestion_control"), policy, text(current).as_ref(), &ctx)
}

#[test]
fn prefer_takes_the_first_that_is_there() {
    let policy = Policy::Prefer(vec![word("bbr"), word("cubic")]);
    let facts = Facts::default();
    let bbr = || Decision::Write(Value::Text("bbr".into()));
    assert_eq!(congestion(&policy, "cubic", &["reno", "bbr", "cubic"], &facts), bbr());
    assert_eq!(congestion(&policy, "bbr", &["reno", "bbr", "cubic"], &facts), Decision::Satisfied);
    // Not listed and nobody looked for the module: what is certain stays.
    assert_eq!(congestion(&policy, "cubic", &["reno", "cubic"], &facts), Decision::Satisfied);
    let mut facts = Facts::default();
    facts.insert("module.tcp_bbr", FactValue::Bool(true), "test");
    assert_eq!(congestion(&policy, "cubic", &["reno", "cubic"], &facts), bbr());
    facts.insert("module.tcp_bbr", FactValue::Bool(false), "test");
    assert_eq!(congestion(&policy, "cubic", &["reno", "cubic"], &facts), Decision::Satisfied);
}

#[test]
fn a_qdisc_is_preferred_only_where_it_can_be_loaded() {
    let policy = Policy::Prefer(vec![word("fq"), word("pfifo_fast")]);
    let mut facts = Facts::default();
    let at = |facts: &Facts| {
        let ctx = DecideContext { facts, kernel_version: None, available: None };
        decide(&key("net.core.default_qdisc"), &policy, text("fq_codel").as_ref(), &ctx)
    };
    assert_eq!(at(&facts), Decision::Write(Value::Text("pfifo_fast".into())));
    facts.insert("module.sch_fq", FactValue::Bool(true), "test");
    assert_eq!(at(&facts), Decision::Write(Value::Text("fq".into())));
}

#[test]
fn prefer_says_when_nothing_is_there() {
    let mut facts = Facts::default();
    facts.insert("host.initial_netns", FactValue::Bool(false), "test");
    let policy = Policy::Prefer(vec![word("bbr"), word("dctcp")]);
    let found = congestion(&policy, "cubic", &["reno", "cubic"], &facts);
    let candidates = algorithms(&["bbr", "dctcp"]);
    assert_eq!(found, Decision::Unavailable { candidates, why: "this kernel has reno cubic".into() });
}

#[test]
fn a_child_namespace_asks_for_what_is_allowed() {
    let cc = key("net.ipv4.tcp_congestion_control");
    let mut facts = Facts::default();
    assert_eq!(availability_key(&cc, &facts), Some(key("net.ipv4.tcp_available_congestion_control")));
    facts.insert("host.initial_netns", FactValue::Bool(false), "test");
    assert_eq!(availability_key(&cc, &facts), Some(key("net.ipv4.tcp_allowed_congestion_control")));
    assert_eq!(availability_key(&key("net.core.somaxconn"), &facts), None);
}

#[test]
fn one_of_accepts_any_member() {
    let policy = Policy::OneOf(vec![word("bbr"), word("cubic")]);
    let facts = Facts::default();
    assert_eq!(congestion(&policy, "cubic", &["bbr", "cubic"], &facts), Decision::Satisfied);
    assert_eq!(congestion(&policy, "reno", &["cubic", "reno"], &facts), Decision::Write(Value::Text("cubic".into())));
}

#[test]
fn prefer_skips_what_this_kernel_refuses() {
    let facts = Facts::default();
    let policy = Policy::Prefer(vec![one(3), one(1)]);
    let at = |version| {
        let ctx = DecideContext { facts: &facts, kernel_version: Some(version), available: None };
        decide(&key("net.ipv4.tcp_ecn"), &policy, Some(&Value::Int(2)), &ctx)
    };
    assert_eq!(at((6, 12)), Decision::Write(Value::Int(1)));
    assert_eq!(at((7, 2)), Decision::Write(Value::Int(3)));
}

#[test]
fn includes_adds_and_never_removes() {
    let ports = |text: &str| Value::Ports(Ports::parse(text).unwrap());
    let policy = Policy::Includes(vec![Scalar::Int(80), Scalar::Text("8080-8082".into())]);
    let name = "net.ipv4.ip_local_reserved_ports";
    assert_eq!(on(name, &policy, Some(ports("22"))), Decision::Write(ports("22,80,8080-8082")));
    assert_eq!(on(name, &policy, Some(ports("80,8000-9000"))), Decision::Satisfied);
    assert_eq!(on(name, &policy, None), Decision::NeedsCurrent);
    let allowed = Policy::Includes(vec![Scalar::Text("bbr".into())]);
    let live = Value::Words(vec!["reno".into()]);
    assert_eq!(
        on("net.ipv4.tcp_allowed_congestion_control", &allowed, Some(live)),
        Decision::Write(Value::Words(vec!["bbr".into(), "reno".into()]))
    );
    assert!(matches!(on("net.core.somaxconn", &policy, Some(Value::Int(1))), Decision::Invalid(_)));
}

#[test]
fn an_array_of_ports_replaces_all() {
    let many = Wanted::Many(vec![Element::Is(Scalar::Int(80)), Element::Is(Scalar::Text("90-92".into()))]);
    let name = "net.ipv4.ip_local_reserved_ports";
    let live = Some(Value::Ports(Ports::parse("22").unwrap()));
    assert_eq!(on(name, &Policy::Value(many), live), Decision::Write(Value::Ports(Ports::parse("80,90-92").unwrap())));
}

#[test]
fn an_unknown_key_takes_what_it_is_given() {
    let many = Wanted::Many(vec![Element::Is(Scalar::Int(1)), Element::Keep]);
    assert_eq!(
        on("net.vendor.x", &Policy::Value(many.clone()), Some(Value::Ints(vec![5, 6]))),
        Decision::Write(Value::Ints(vec![1, 6]))
    );
    assert!(matches!(on("net.vendor.x", &Policy::Value(many), Some(Value::Ints(vec![1, 2, 3]))), Decision::Invalid(_)));
    assert_eq!(on("net.vendor.x", &Policy::Value(word("010")), Some(Value::Int(8))), Decision::Satisfied);
    assert_eq!(
        on("net.vendor.x", &Policy::AtLeast(word("0x10")), Some(Value::Int(8))),
        Decision::Write(Value::Int(16))
    );
    let names = Wanted::Many(vec![Element::Is(Scalar::Text("a".into())), Element::Is(Scalar::Text("b".into()))]);
    assert_eq!(on("net.vendor.x", &Policy::Value(names), text("a b")), Decision::Satisfied);
}

#[test]
fn a_secret_is_never_decided() {
    assert!(matches!(on("net.ipv4.tcp_fastopen_key", &Policy::Value(word("x")), None), Decision::Invalid(_)));
}
