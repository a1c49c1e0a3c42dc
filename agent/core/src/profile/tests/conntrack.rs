//! The section `[conntrack]`: names, units, and that each of them is a sysctl.

use super::World;
use super::one;
use crate::catalogue;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::profile::conntrack::words;

fn conntrack(lines: &str) -> World {
    one(&format!("[conntrack]\n{lines}"))
}

#[test]
fn the_documented_section_says_what_it_seems_to_say() {
    let source = include_str!("../conntrack.rs").split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> = source.lines().map(|line| line.trim_start_matches("//!").trim_start()).collect();
    let world = one(&format!("[params]\nconcurrent_flows = 1000\n{}", lines.join("\n")));
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        [
            "net.netfilter.nf_conntrack_acct = 1  p.toml:8",
            "net.netfilter.nf_conntrack_buckets = at-least 1024  p.toml:6",
            "net.netfilter.nf_conntrack_max = at-least 2048  p.toml:7",
            "net.netfilter.nf_conntrack_tcp_loose = 0  p.toml:9",
            "net.netfilter.nf_conntrack_tcp_timeout_established = between 7440 86400  p.toml:12",
            "net.netfilter.nf_conntrack_udp_timeout_stream = 300  p.toml:13",
        ]
    );
}

#[test]
fn every_sysctl_of_connection_tracking_has_one_name() {
    let mut names: Vec<String> = Vec::new();
    for word in words() {
        let table = if word.is_timeout { "timeouts." } else { "" };
        names.push(format!("{table}{}", word.name));
        let value =
            if word.entry.range_6_12.or(word.entry.range_7_2).is_some_and(|range| !range.contains(0)) { 1 } else { 0 };
        let world = conntrack(&format!("{table}{} = {value}", word.name));
        let resolved = world.resolve(&Facts::default(), &[]);
        let addresses: Vec<String> = resolved.desired.settings.keys().map(|address| address.local_name()).collect();
        assert_eq!(addresses, [word.entry.pattern]);
    }
    for name in ["max", "buckets", "expect-max", "acct", "timestamp", "events", "checksum", "log-invalid", "helper"] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    for name in ["tcp-loose", "tcp-be-liberal", "tcp-ignore-invalid-rst", "tcp-max-retrans", "frag6-high-thresh"] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    for name in ["tcp-established", "udp", "udp-stream", "generic", "icmp", "gre-stream", "flowtable-tcp", "frag6"] {
        assert!(names.contains(&format!("timeouts.{name}")), "{name}: {names:?}");
    }
    let keys = catalogue::entries().iter().filter(|entry| entry.pattern.starts_with("net.netfilter.nf_conntrack_"));
    let settable =
        keys.filter(|entry| entry.access == catalogue::Access::ReadWrite && entry.alias_of.is_none()).count();
    assert_eq!(names.iter().filter(|name| !name.contains("flowtable")).count(), settable);
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands for one sysctl");
}

#[test]
fn times_may_have_a_unit_in_every_policy() {
    for (policy, wanted) in [
        ("30", "30"),
        ("'30'", "'30'"),
        ("'30s'", "30"),
        ("'5 min'", "300"),
        ("'0.5h'", "1800"),
        ("'5d'", "432000"),
        ("'2000ms'", "2"),
        ("{ at-least = '2h' }", "at-least 7200"),
        ("{ at-most = '1d' }", "at-most 86400"),
        ("{ between = ['2h', 86400] }", "between 7200 86400"),
        ("{ one-of = ['30s', '1min'] }", "one-of 30 60"),
        ("{ value = { expr = 'params.idle' } }", "90"),
    ] {
        let world = one(&format!("[params]\nidle = '90s'\n[conntrack.timeouts]\nudp = {policy}"));
        let setting = format!("net.netfilter.nf_conntrack_udp_timeout = {wanted}  p.toml:4");
        assert_eq!(world.settings(&Facts::default(), &[]), [setting], "{policy}");
    }
}

#[test]
fn what_is_no_whole_number_of_seconds_is_refused() {
    let help = "write whole seconds, or a time such as \"30s\", \"5min\", \"2h\" or \"5d\"";
    for (value, wrong) in [
        ("'500ms'", "`500ms` is no whole number of seconds, and the kernel keeps no less"),
        ("'10mbit'", "`10mbit` is no time"),
        ("'-5s'", "`-5s` is negative"),
        ("'5 days'", "unknown unit `days` in `5 days`: did you mean `d`?"),
        ("{ at-least = 'soon' }", "`soon` does not begin with a number"),
        ("'99999999999999999d'", "`99999999999999999d` is more than a whole number of 64 bits holds"),
    ] {
        let problem = conntrack(&format!("timeouts.udp = {value}")).problems();
        assert_eq!(problem.len(), 1, "{problem:?}");
        let wanted = format!("p.toml:2:16 wrong-value net.netfilter.nf_conntrack_udp_timeout: {wrong}; {help}");
        assert_eq!(problem, [wanted], "{value}");
    }
}

#[test]
fn a_misspelt_name_is_told_the_right_one() {
    let hint = |line: &str| conntrack(line).problems();
    for (line, at, what, meant) in [
        ("maxx = 1", "2:1", "setting `maxx`", "max"),
        ("nf_conntrack_max = 1", "2:1", "setting `nf_conntrack_max`", "max"),
        ("expect_max = 1", "2:1", "setting `expect_max`", "expect-max"),
        ("loose = true", "2:1", "setting `loose`", "tcp-loose"),
        ("be-liberal = true", "2:1", "setting `be-liberal`", "tcp-be-liberal"),
        ("tcp-timeout-established = 1", "2:1", "setting `tcp-timeout-established`", "timeouts.tcp-established"),
        ("udp-stream = 1", "2:1", "setting `udp-stream`", "timeouts.udp-stream"),
        ("timeouts.udp-steam = 1", "2:10", "timeout `udp-steam`", "timeouts.udp-stream"),
        ("timeouts.max = 1", "2:10", "timeout `max`", "max"),
    ] {
        let wanted =
            format!("p.toml:{at} unknown-key connection tracking has no {what}; did you mean `conntrack.{meant}`?");
        assert_eq!(hint(line), [wanted], "{line}");
    }
    let [problem] = hint("zebra = 1").try_into().unwrap();
    assert!(problem.contains("known here: `acct`, `buckets`"), "{problem}");
    assert!(!problem.contains("helper"), "gone from every kernel that trimtab knows: {problem}");
}

#[test]
fn the_shape_of_the_section_is_checked() {
    for (text, wanted) in [
        ("conntrack = 5", "p.toml:1:13 wrong-type `conntrack` wants a section `[conntrack]`, found an integer"),
        (
            "[conntrack]\ntimeouts = 5",
            "p.toml:2:12 wrong-type `timeouts` wants a table as in [conntrack.timeouts], found an integer",
        ),
        (
            "[conntrack]\nmax.at-least = 5",
            "p.toml:2:1 policy-without-braces `max` is a setting, and what stands below it needs braces; \
             write max = { at-least = … }",
        ),
        (
            "[conntrack]\nmax = 'many'",
            "p.toml:2:7 wrong-type net.netfilter.nf_conntrack_max takes an integer, found `many`",
        ),
        (
            "[conntrack]\non-drift = 'x'",
            "p.toml:2:12 wrong-value `on-drift` is one of `revert`, `revert-unless-disruptive`, `report` or `ignore`, found `x`",
        ),
        (
            "[conntrack]\nmax = { expr = 'link.mtu' }",
            "p.toml:2:16 expression `link.*` has no meaning here: `net.netfilter.nf_conntrack_max` is about no interface",
        ),
    ] {
        assert_eq!(one(text).problems(), [wanted], "{text}");
    }
}

#[test]
fn a_name_and_its_sysctl_are_one_setting() {
    let both = one("[conntrack]\nmax = 1\n[sysctl]\nnet.netfilter.nf_conntrack_max = 1\n");
    assert_eq!(
        both.problems(),
        ["p.toml:4:1 duplicate `conntrack.max` and `net.netfilter.nf_conntrack_max` are two names of one value; \
          keep one of them"]
    );
    let old = one("[conntrack]\nmax = 1\n[sysctl]\nnet.nf_conntrack_max = 1\n");
    assert_eq!(
        old.problems(),
        ["p.toml:4:1 duplicate `conntrack.max` and `net.nf_conntrack_max` are two names of one value; \
          keep `net.netfilter.nf_conntrack_max`"]
    );
    let equals = World::default()
        .profile("a", "[conntrack]\nmax = 100000")
        .profile("b", "[sysctl]\nnet.nf_conntrack_max = 200000")
        .roles(&["a", "b"]);
    let problems = equals.host_problems(&Facts::default(), &[]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with(
            "a.toml:2:7 conflict net.netfilter.nf_conntrack_max: equals disagree: a.toml:2 wants `100000`, b.toml:2 wants `200000`"
        ),
        "{problems:?}"
    );
}

#[test]
fn the_winner_says_how_it_was_written_and_the_host_file_beats_a_profile() {
    let world = conntrack("max = 100000\ntimeouts = { udp = '30s' }\non-drift = 'report'")
        .host("[conntrack]\nmax = 300000\n[namespace.blue.conntrack]\ntimeouts.udp = '1min'")
        .set("sysctl:net.netfilter.nf_conntrack_udp_timeout=45");
    let resolved = world.resolve(&Facts::default(), &[]);
    let settings: Vec<_> = resolved.desired.settings.values().collect();
    let [max, udp] = settings.as_slice() else { panic!("{settings:?}") };
    assert_eq!(max.origin.written_as.as_deref(), Some("conntrack.max"));
    assert_eq!(max.origin.to_string(), "host.toml:2");
    assert_eq!(max.losers[0].origin.to_string(), "p.toml:2");
    assert_eq!(udp.losers[0].origin.written_as.as_deref(), Some("conntrack.timeouts.udp"));
    let blue = world.clone().netns("blue").settings(&Facts::default(), &[]);
    assert!(blue.iter().any(|line| line.starts_with("net.netfilter.nf_conntrack_udp_timeout = ")), "{blue:?}");
    let own = conntrack("max = 1\nbuckets = { value = 1, on-drift = 'ignore' }\non-drift = 'report'");
    let resolved = own.resolve(&Facts::default(), &[]);
    let drift: Vec<_> = resolved.desired.settings.values().map(|setting| format!("{:?}", setting.on_drift)).collect();
    assert_eq!(drift, ["Ignore", "Report"]);
}

#[test]
fn a_formula_that_lacks_a_fact_is_pending() {
    let world = conntrack("max = { at-least = { expr = 'host.memory / 8000' } }");
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.netfilter.nf_conntrack_max = ? host.memory in host.memory / 8000  p.toml:2"]
    );
    let mut facts = Facts::default();
    facts.insert("host.memory", FactValue::Int(8_000_000), "test");
    assert_eq!(world.settings(&facts, &[]), ["net.netfilter.nf_conntrack_max = at-least 1000  p.toml:2"]);
}

#[test]
fn the_section_may_ask_for_the_module_of_all_its_settings() {
    let world =
        conntrack("load-module = true\nmax = 1\nbuckets = { value = 1, load-module = false }\ntimeouts.udp = 5");
    let resolved = world.resolve(&Facts::default(), &[]);
    let loads: Vec<bool> = resolved.desired.settings.values().map(|setting| setting.load_module).collect();
    assert_eq!(loads, [false, true, true]);
    assert_eq!(
        conntrack("load-module = 'yes'").problems(),
        ["p.toml:2:15 wrong-type `load-module` wants true or false, found a string"]
    );
    assert_eq!(
        one("[[link]]\nmatch = 'eth0'\nmtu = { value = 1500, load-module = true }").problems(),
        ["p.toml:3:7 policy `load-module` is about sysctls: no setting of a link comes with a module"]
    );
}
