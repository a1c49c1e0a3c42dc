//! The sections `[[notrack]]` and `[mss-clamp]`: their grammar, and which rules they make.

use super::World;
use super::one;
use crate::facts::Facts;
use crate::tree::Tree;
use crate::value::Value;

/// The rules that are wanted under a key, a line each, chains above their rules.
fn rules(world: &World, key: &str) -> Vec<String> {
    let resolved = world.resolve(&Facts::default(), &[]);
    assert!(!resolved.failed());
    let address = format!("nft:{key}").parse().unwrap();
    let crate::desired::Want::Decided(crate::policy::Policy::Value(crate::policy::Wanted::Tree(tree))) =
        &resolved.desired.settings[&address].want
    else {
        panic!("{key}")
    };
    fn below(tree: &Tree, depth: usize, lines: &mut Vec<String>) {
        lines.push(format!("{}{}", "  ".repeat(depth), tree.line()));
        tree.children.iter().for_each(|child| below(child, depth + 1, lines));
    }
    let mut lines = Vec::new();
    tree.children.iter().for_each(|chain| below(chain, 0, &mut lines));
    let value = Value::Tree(tree.clone());
    assert!(crate::kind::nft::parse(address_key(key), &value).is_some(), "{value}");
    lines
}

fn address_key(key: &str) -> crate::address::NftKey {
    key.parse().unwrap()
}

fn notrack(lines: &str) -> World {
    one(&format!("[[notrack]]\n{lines}"))
}

fn clamp(lines: &str) -> World {
    one(&format!("[mss-clamp]\n{lines}"))
}

#[test]
fn the_documented_sections_make_the_rules_that_they_seem_to_make() {
    let source = include_str!("../nft/mod.rs");
    let block = source.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let text: Vec<&str> = block.lines().map(|line| line.trim_start_matches("//!").trim_start()).collect();
    // `to` has no IPv6 there.
    let world = one(&text.join("\n").replace(", \"2001:db8::/32\"", ""));
    assert_eq!(world.problems(), [""; 0]);
    let made = rules(&world, "trimtab/notrack");
    // Two chains of two interfaces, two protocols and two directions.
    assert_eq!(made.len(), 2 * (1 + 2 * 2 * 2), "{made:#?}");
    assert_eq!(
        made[1],
        "  notrack from 10.0.0.0/8 in eth0 ports 53,8000-8100 protocol udp source-ports 1024-65535 to 192.0.2.0/24"
    );
    assert_eq!(
        made[2],
        "  notrack from 192.0.2.0/24 in eth0 ports 1024-65535 protocol udp source-ports 53,8000-8100 to 10.0.0.0/8"
    );
    assert_eq!(made[9], "chain notrack-output hook output priority raw");
    assert!(made[14].contains(" out bond* "), "{made:#?}");
    assert_eq!(
        rules(&world, "trimtab/mss-clamp"),
        [
            "chain mss-clamp hook forward priority mangle",
            "  clamp out ppp0 size path",
            "  clamp out wg* size path",
            "  clamp in ppp0 size path",
            "  clamp in wg* size path"
        ]
    );
}

#[test]
fn versions_of_ip_are_matched_apart_and_prefixes_merged() {
    let world = notrack(
        "from = [\"10.0.0.0/9\", \"10.128.0.0/9\", \"10.2.0.1\", \"2001:db8::/32\"]\nboth-directions = false\nhooks = \"output\"",
    );
    assert_eq!(
        rules(&world, "trimtab/notrack"),
        ["chain notrack-output hook output priority raw", "  notrack from 10.0.0.0/8", "  notrack from 2001:db8::/32"]
    );
    let all = notrack("from = [\"0.0.0.0/0\", \"::/0\"]\nhooks = [\"prerouting\"]");
    assert_eq!(
        rules(&all, "trimtab/notrack"),
        ["chain notrack-prerouting hook prerouting priority raw", "  notrack version 4", "  notrack version 6"]
    );
    let many = notrack(
        "to = [\"10.0.0.1\", \"10.0.0.3\", \"10.0.0.5\", \"10.0.0.7\"]\nboth-directions = false\nhooks = \"output\"",
    );
    assert_eq!(
        rules(&many, "trimtab/notrack")[1..],
        ["  notrack", "    to 10.0.0.1", "    to 10.0.0.3", "    to 10.0.0.5", "    to 10.0.0.7"]
    );
}

#[test]
fn all_sections_of_a_file_are_one_setting_which_a_stronger_layer_replaces() {
    let world = one(
        "[[notrack]]\nprotocol = 51\nreason = \"a\"\nhooks = \"output\"\n[[notrack]]\nprotocol = \"gre\"\nreason = \"b\"\nhooks = \"output\"",
    );
    assert_eq!(rules(&world, "trimtab/notrack").len(), 3);
    let resolved = world.resolve(&Facts::default(), &[]);
    let setting = resolved.desired.settings.values().next().unwrap();
    assert_eq!((setting.reason.as_deref(), setting.origin.line), (Some("a; b"), 1));
    // The host file has the last word, and may want none.
    let host = world.clone().host("[[notrack]]\nprotocol = \"esp\"\nhooks = \"output\"");
    assert_eq!(rules(&host, "trimtab/notrack")[1..], ["  notrack protocol esp"]);
    assert_eq!(rules(&world.clone().host("notrack = []"), "trimtab/notrack"), [""; 0]);
    // And the command line more so.
    let set = host.set("nft:trimtab/notrack=[{ protocol = \"ah\", hooks = \"output\" }]");
    assert_eq!(rules(&set, "trimtab/notrack")[1..], ["  notrack protocol ah"]);
    for (text, rule) in [
        ("path", "  clamp size path"),
        ("1360", "  clamp size 1360"),
        ("{ size = 1300, in = \"a*\" }", "  clamp in a* size 1300"),
    ] {
        let set = one("").set(&format!("nft:trimtab/mss-clamp={text}"));
        assert_eq!(rules(&set, "trimtab/mss-clamp")[1..], [rule]);
    }
    assert_eq!(rules(&one("[mss-clamp]\nsize = \"off\""), "trimtab/mss-clamp"), [""; 0]);
}

#[test]
fn roles_that_disagree_on_rules_are_told_so() {
    let world =
        World::default().profile("a", "[mss-clamp]\n").profile("b", "[mss-clamp]\nsize = 1360").roles(&["a", "b"]);
    let problems = world.host_problems(&Facts::default(), &[]);
    assert!(problems.len() == 1 && problems[0].contains("nft:trimtab/mss-clamp: equals disagree"), "{problems:?}");
    let same =
        World::default().profile("a", "[mss-clamp]\n").profile("b", "[mss-clamp]\nsize = \"path\"").roles(&["a", "b"]);
    assert_eq!(same.host_problems(&Facts::default(), &[]), [""; 0]);
}

#[test]
fn what_is_wrong_is_refused_in_its_place() {
    for (lines, problem) in [
        (
            "from = \"10.0.0.1/8\"",
            "p.toml:2:8 prefix `10.0.0.1/8` has bits set behind its length: did you mean `10.0.0.0/8` or `10.0.0.1`?; as in",
        ),
        (
            "from = [\"10.0.0.0/8\", \"10.0.0.0/40\"]",
            "p.toml:2:23 prefix `10.0.0.0/40`: the length of a prefix of IPv4 is 0 to 32; as in",
        ),
        ("to = \"example.org\"", "p.toml:2:6 prefix `example.org` is no IP address or prefix; as in"),
        ("to = []", "p.toml:2:6 wrong-value `to` is empty, so nothing could match; leave it out"),
        ("from = \"10.0.0.0/8\"\nto = \"::/0\"", "p.toml:2:8 prefix `from` has prefixes of IPv4 and `to` has none"),
        ("protocol = \"udp\"\nports = 70000", "p.toml:3:9 port 70000 is no port: they go from 1 to 65535; as in"),
        (
            "protocol = \"udp\"\nports = [53, \"200-100\"]",
            "p.toml:3:14 port `200-100` ends before it begins: did you mean 100-200?; as in",
        ),
        (
            "protocol = \"udp\"\nports = \"domain\"",
            "p.toml:3:9 port `domain` is no port: they go from 1 to 65535, and have no names here; as in",
        ),
        ("protocol = \"udp\"\nsource-ports = 0", "p.toml:3:16 port 0 is no port: they go from 1 to 65535; as in"),
        ("ports = 53", "p.toml:2:1 port `ports` without a protocol that has ports; say protocol"),
        (
            "protocol = [\"udp\", \"icmp\"]\nports = 53",
            "p.toml:3:1 port `ports` beside protocol 1, which has no ports; say protocol",
        ),
        ("protocol = \"upd\"", "p.toml:2:12 wrong-value `upd` is no protocol of IP; did you mean `udp`?"),
        ("protocol = 256", "p.toml:2:12 wrong-value `256` is no protocol of IP; a number from 0 to 255"),
        ("interfaces = \"*\"", "p.toml:2:14 interface `*` matches every interface; leave it out"),
        ("interfaces = [\"eth?\"]", "p.toml:2:15 interface `eth?`: nftables matches no such pattern; write a name"),
        (
            "interfaces = \"averyverylongname\"",
            "p.toml:2:14 interface no interface could have the name `averyverylongname`; a name has",
        ),
        ("interface = \"eth0\"", "p.toml:2:1 unknown-key `notrack` has no `interface`; did you mean `interfaces`?"),
        (
            "protocol = 47\nhooks = \"forward\"",
            "p.toml:3:9 wrong-value a hook is one of `prerouting` or `output`, found `forward`",
        ),
        (
            "protocol = 47\nboth-directions = \"yes\"",
            "p.toml:3:19 wrong-type `both-directions` wants true or false, found a string",
        ),
        (
            "reason = \"all\"",
            "p.toml:1:1 match the section matches every packet, so that nothing would be tracked; say which",
        ),
    ] {
        let problems = notrack(lines).problems();
        assert!(problems.len() == 1 && problems[0].starts_with(problem), "{lines}: {problems:?}");
    }
    for (lines, problem) in [
        ("size = 100", "p.toml:2:8 wrong-value 100 bytes is less than the 536 that every host takes; write"),
        ("size = 70000", "p.toml:2:8 wrong-value 70000 bytes is more than the 65495 that fit into a packet; write"),
        ("size = \"pmtu\"", "p.toml:2:8 wrong-value `pmtu` is no size of a segment; write \"path\""),
        ("size = true", "p.toml:2:8 wrong-type `size` wants \"path\", \"off\" or a number of bytes, found a boolean"),
        ("mss = 1360", "p.toml:2:1 unknown-key `mss-clamp` has no `mss`; did you mean `size`?"),
        ("out = \"ppp[0-9]\"", "p.toml:2:7 interface `ppp[0-9]`: nftables matches no such pattern; write a name"),
    ] {
        let problems = clamp(lines).problems();
        assert!(problems.len() == 1 && problems[0].starts_with(problem), "{lines}: {problems:?}");
    }
    for (text, problem) in [
        (
            "[notrack]\nprotocol = 1",
            "wrong-type there may be several sections of what is not tracked; write [[notrack]], with two brackets",
        ),
        (
            "[[mss-clamp]]\nsize = 1360",
            "wrong-type `mss-clamp` wants a section `[mss-clamp]`, found an array of tables",
        ),
        ("[[notrak]]\nprotocol = 1", "unknown-key unknown key `notrak`; did you mean `notrack`?"),
        (
            "[[notrack]]\nprotocol = 1\non-drift = \"report\"\n[[notrack]]\nprotocol = 2\non-drift = \"revert\"",
            "conflict the rules of a file drift together, and another of its sections says otherwise; say on-drift once",
        ),
    ] {
        let problems = one(text).problems();
        assert!(problems.len() == 1 && problems[0].contains(problem), "{text}: {problems:?}");
    }
    let set = one("").set("nft:trimtab/mss-clmp=path").problems();
    assert!(set.len() == 1 && set[0].contains("did you mean trimtab/mss-clamp?"), "{set:?}");
}

#[test]
fn more_rules_than_any_table_should_have_are_refused() {
    let names: Vec<String> = (0..3000).map(|number| format!("\"v{number}\"")).collect();
    let problems = notrack(&format!("interfaces = [{}]", names.join(", "))).problems();
    assert!(problems.len() == 1 && problems[0].contains("too-large these sections make"), "{problems:?}");
}

proptest::proptest! {
    #[test]
    fn any_value_in_any_place_is_survived(
        key in "interfaces|from|to|protocol|ports|source-ports|both-directions|hooks|size|in|out|reason|on-drift",
        value in "[0-9.:/a-f*-]{0,12}|true|\\[\\]|\"[0-9.:/a-f*,-]{0,14}\"|\\[[0-9, ]{0,5}\\]|\\{ \\}",
    ) {
        let _ = notrack(&format!("{key} = {value}")).problems();
        let _ = clamp(&format!("{key} = {value}")).problems();
        let _ = one(&format!("notrack = {value}\nmss-clamp = {value}")).problems();
    }
}
