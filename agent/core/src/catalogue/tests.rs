use std::collections::BTreeSet;

use super::*;

fn key(text: &str) -> SysctlKey {
    text.parse().unwrap()
}

#[test]
fn every_line_parses_and_no_pattern_occurs_twice() {
    let mut seen = BTreeSet::new();
    let mut last = "";
    for (number, line) in parse::lines() {
        let entry = parse::entry(line).unwrap_or_else(|why| panic!("keys.tsv:{number}: {why}"));
        assert!(seen.insert(entry.pattern), "keys.tsv:{number}: {} occurs twice", entry.pattern);
        assert!(last < entry.pattern, "keys.tsv:{number}: {} is out of order", entry.pattern);
        last = entry.pattern;
    }
    assert_eq!(seen.len(), entries().len());
}

#[test]
fn every_line_makes_sense() {
    for entry in entries() {
        let name = entry.pattern;
        assert_eq!(find(&key(name)).map(|found| found.pattern), Some(name));
        assert_ne!(entry.meaning, "-", "{name} says nothing");
        let texts = [Some(entry.meaning), entry.advice, entry.disrupts];
        assert!(texts.into_iter().flatten().all(|text| !text.ends_with('.') && text.len() < 130), "{name}");
        for range in [entry.range_6_12, entry.range_7_2].into_iter().flatten() {
            assert!(range.min.zip(range.max).is_none_or(|(min, max)| min <= max), "{name}");
        }
        assert_eq!(entry.removed.is_some(), entry.range_7_2.is_none(), "{name}: removed, and on 7.2");
        let late = entry.since.is_some_and(|since| since > (6, 12));
        assert!(!late || entry.range_6_12.is_none(), "{name}: later than 6.12, and on 6.12");
        assert!(entry.removed.is_none() || entry.advice.is_some(), "{name}: gone, and no advice");
        if let Some(alias) = entry.alias_of {
            let twin = find(&key(alias.pattern)).unwrap_or_else(|| panic!("{name}: no {}", alias.pattern));
            assert!(twin.alias_of.is_none(), "{name}: alias of an alias");
            assert!(alias.scale > 0, "{name}");
        }
    }
}

/// One name of each sort that a namespace of Linux 6.18 showed, as paths below /proc/sys.
const SEEN: &str = include_str!("../../tests/data/netns-6.18.txt");

#[test]
fn every_key_of_a_real_namespace_is_known_and_readable() {
    let mut count = 0;
    for line in SEEN.lines().filter(|line| !line.starts_with('#')) {
        let (path, value) = line.split_once(' ').unwrap_or((line, ""));
        let key = key(path);
        let entry = find(&key).unwrap_or_else(|| panic!("{path} is not in the catalogue"));
        count += 1;
        let reading = crate::observed::Reading::Text { text: value.replace(',', "\t"), writable: true };
        let text = matches!(entry.kind, ValueKind::Ports | ValueKind::Words | ValueKind::Word | ValueKind::CpuMask);
        if text || matches!(entry.kind, ValueKind::Secret | ValueKind::Action | ValueKind::Text) {
            continue;
        }
        let observed = crate::kind::sysctl::observe(&key, &reading, &crate::facts::Facts::default());
        let numbers = match observed.value() {
            Some(crate::value::Value::Int(number)) => vec![*number],
            Some(crate::value::Value::Ints(numbers)) => numbers.clone(),
            other => panic!("{path}: {other:?} is no number"),
        };
        assert_eq!(Some(numbers.len()), entry.kind.arity(), "{path}");
        let known: Vec<Range> = [entry.range_6_12, entry.range_7_2].into_iter().flatten().collect();
        let inside = |number: &i64| known.iter().any(|range| range.contains(*number));
        let shared_table = path.ends_with("_hash_entries");
        assert!(numbers.iter().all(inside) || shared_table, "{path}: {numbers:?} is outside {known:?}");
    }
    assert!(count > 300, "{count}");
}

#[test]
fn an_exact_name_beats_a_pattern() {
    assert_eq!(find(&key("net.ipv4.conf.all.forwarding")).unwrap().pattern, "net.ipv4.conf.all.forwarding");
    assert_eq!(find(&key("net.ipv4.conf.eth0/100.forwarding")).unwrap().pattern, "net.ipv4.conf.*.forwarding");
    assert_eq!(find(&key("net.ipv4.conf.*.forwarding")).unwrap().pattern, "net.ipv4.conf.*.forwarding");
    assert_eq!(find(&key("net.netfilter.nf_log.10")).unwrap().pattern, "net.netfilter.nf_log.*");
    assert_eq!(find(&key("net.ipv4.neigh.default.gc_thresh3")).unwrap().pattern, "net.ipv4.neigh.default.gc_thresh3");
    assert_eq!(find(&key("net.ipv4.neigh.eth0.gc_thresh3")), None);
    assert_eq!(find(&key("net.core.nothing")), None);
}

#[test]
fn only_bijective_aliases_fold() {
    let folds = [
        ("net.ipv4.conf.all.forwarding", "net.ipv4.ip_forward"),
        ("net.nf_conntrack_max", "net.netfilter.nf_conntrack_max"),
        ("net.ipv4.neigh.eth0/100.base_reachable_time", "net.ipv4.neigh.eth0/100.base_reachable_time_ms"),
        ("net.ipv4.neigh.default.retrans_time", "net.ipv4.neigh.default.retrans_time_ms"),
        ("net.ipv6.route.gc_min_interval", "net.ipv6.route.gc_min_interval_ms"),
    ];
    for (alias, canonical) in folds {
        assert_eq!(canonical_key(&key(alias)), key(canonical));
    }
    // Approximate, per interface, or in ticks that depend on HZ.
    for own in ["net.ipv4.neigh.eth0.unres_qlen", "net.ipv4.conf.eth0.forwarding", "net.ipv6.neigh.eth0.retrans_time"] {
        assert_eq!(canonical_key(&key(own)), key(own));
    }
}

#[test]
fn effects_follow_the_place_of_the_star() {
    for (name, class) in [
        ("net.ipv4.ip_forward", EffectClass::ForwardingV4),
        ("net.ipv4.conf.default.rp_filter", EffectClass::ConfDefaultV4),
        ("net.ipv4.conf.eth0.rp_filter", EffectClass::None),
        ("net.ipv4.conf.all.rp_filter", EffectClass::None),
        ("net.ipv4.conf.default.promote_secondaries", EffectClass::ConfDefaultV4NoFan),
        ("net.ipv4.conf.default.route_localnet", EffectClass::ConfDefaultV4NoFan),
        ("net.ipv4.conf.default.forwarding", EffectClass::None),
        ("net.ipv6.conf.all.disable_ipv6", EffectClass::ConfAllFansV6),
        ("net.ipv6.conf.default.disable_ipv6", EffectClass::None),
        ("net.ipv6.conf.all.forwarding", EffectClass::ForwardingV6),
        ("net.ipv6.conf.eth0.forwarding", EffectClass::None),
        ("net.ipv4.tcp_congestion_control", EffectClass::CongestionControl),
        ("net.vendor.x", EffectClass::None),
    ] {
        assert_eq!(effect(&key(name)), class, "{name}");
    }
    let pattern = find(&key("net.ipv4.conf.eth0.rp_filter")).unwrap();
    assert_eq!(pattern.effect, EffectClass::None);
}

#[test]
fn scopes_and_secrets_are_told_apart() {
    assert_eq!(scope(&key("net.core.netdev_max_backlog")), Scope::Global);
    assert_eq!(scope(&key("net.core.rmem_max")), Scope::GlobalReadOnly);
    assert_eq!(scope(&key("net.ipv4.neigh.default.base_reachable_time_ms")), Scope::Global);
    assert_eq!(scope(&key("net.ipv4.neigh.eth0.base_reachable_time_ms")), Scope::Netns);
    assert_eq!(scope(&key("net.vendor.x")), Scope::Netns);
    assert!(is_secret(&key("net.ipv4.tcp_fastopen_key")));
    assert!(is_secret(&key("net.ipv6.conf.eth0/100.stable_secret")));
    assert!(is_secret(&key("net.core.netdev_rss_key")));
    assert!(!is_secret(&key("net.core.somaxconn")));
}

#[test]
fn suggests_the_key_that_was_meant() {
    for (wrong, right) in [
        ("net.core.somaxcon", "net.core.somaxconn"),
        ("net.ipv4.tcp_congestion_controll", "net.ipv4.tcp_congestion_control"),
        ("net.ipv4.conf.eth0/100.rp_filtre", "net.ipv4.conf.eth0/100.rp_filter"),
        ("net.ipv4.somaxconn", "net.core.somaxconn"),
        ("net.ipv4.netdev_max_backlog", "net.core.netdev_max_backlog"),
        ("net.ipv6.conf.all.disable_ipv", "net.ipv6.conf.all.disable_ipv6"),
    ] {
        assert_eq!(suggest(&key(wrong)).as_deref(), Some(right), "{wrong}");
    }
    assert_eq!(suggest(&key("vendor.nothing.like.it")), None);
}

#[test]
fn the_names_that_are_asked_first_are_those_of_all_secrets() {
    for entry in entries() {
        let name = entry.pattern.rsplit('.').next().unwrap();
        let asked = NAMES_OF_SECRETS.contains(&name);
        assert_eq!(asked, entry.kind == ValueKind::Secret, "{}", entry.pattern);
    }
}
