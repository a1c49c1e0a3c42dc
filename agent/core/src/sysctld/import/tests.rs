use std::collections::BTreeMap;

use proptest::prelude::*;
use toml::Table;
use toml::Value as Toml;

use super::super::BootFile;
use super::super::NextBoot;
use super::*;
use crate::address::Object;
use crate::address::SysctlKey;
use crate::desired::Want;
use crate::diagnostic::Severity;
use crate::facts::Facts;
use crate::kind::sysctl::number;
use crate::kind::sysctl::parse_wanted;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::profile;
use crate::profile::Bundle;
use crate::profile::Library;
use crate::profile::ProfileName;
use crate::profile::ProfileText;
use crate::profile::Request;
use crate::value::Value;

struct NoLibrary;

impl Library for NoLibrary {
    fn profile(&mut self, _name: &ProfileName) -> Result<Option<ProfileText>, String> {
        Ok(None)
    }

    fn names(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// What the loader makes of the text; it must find no error.
fn loaded(toml: &str) -> Bundle {
    let text = ProfileText { shown_name: "imported.toml".into(), path: None, text: toml.as_bytes().to_vec() };
    let loaded = profile::load(&Request { files: vec![text], ..Request::default() }, &mut NoLibrary);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{toml}");
    loaded.bundle.unwrap()
}

/// Every setting on a host with these interfaces; nothing for one that is left alone.
fn resolved(toml: &str, interfaces: &[&str]) -> BTreeMap<SysctlKey, Option<Value>> {
    let interfaces = interfaces.iter().map(|name| (*name).to_owned()).collect();
    let resolved = loaded(toml).resolve(Facts::default(), &interfaces);
    resolved
        .desired
        .settings
        .into_iter()
        .map(|(address, setting)| {
            let Object::Sysctl(key) = address.object else { panic!("{address}") };
            let value = match setting.want {
                Want::Decided(Policy::Value(Wanted::One(scalar))) => Some(parse_wanted(&key, &scalar).unwrap()),
                Want::Decided(Policy::Value(Wanted::Many(elements))) if elements == [Element::Keep] => None,
                want @ (Want::Decided(_) | Want::Undecided { .. }) => panic!("{key}: {want:?}"),
            };
            (key, value)
        })
        .collect()
}

fn files(files: &[(&str, &str)]) -> Vec<BootFile> {
    files.iter().map(|(path, text)| BootFile::parse(*path, text.as_bytes())).collect()
}

fn one(text: &str) -> Imported {
    import(&files(&[("/etc/sysctl.d/a.conf", text)]))
}

/// Every leaf below `[sysctl]` by its segments joined with slashes.
fn leaves(toml: &str) -> BTreeMap<String, Toml> {
    fn walk(table: &Table, path: &str, leaves: &mut BTreeMap<String, Toml>) {
        for (key, value) in table {
            let path = format!("{path}/{key}");
            if let Toml::Table(inner) = value {
                walk(inner, &path, leaves);
            } else {
                leaves.insert(path[1..].to_owned(), value.clone());
            }
        }
    }
    let table: Table = toml.parse().unwrap_or_else(|error| panic!("{error}\n{toml}"));
    loaded(toml);
    let mut leaves = BTreeMap::new();
    walk(table["sysctl"].as_table().unwrap(), "", &mut leaves);
    leaves
}

fn inline(value: &Toml) -> String {
    match value {
        Toml::String(text) => format!("{text:?}"),
        Toml::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Toml::Integer(number) => number.to_string(),
        Toml::Float(_) | Toml::Boolean(_) | Toml::Datetime(_) | Toml::Table(_) => panic!("{value:?}"),
    }
}

fn values(text: &str) -> Vec<(String, String)> {
    leaves(&one(text).toml).into_iter().map(|(key, value)| (key, inline(&value))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn comments_stay_above_their_keys() {
    let imported = one("# big buffers\nnet.core.rmem_max = 67108864\n\n; and\nnet.core.somaxconn=4096\n");
    assert_eq!(
        imported.toml,
        "description = \"Imported from a.conf\"\n\n[sysctl]\n# ---- /etc/sysctl.d/a.conf\n# big buffers\n\
         net.core.rmem_max = 67108864\n\n# and\nnet.core.somaxconn = 4096\n"
    );
    assert_eq!(imported.notes, []);
}

#[test]
fn values_become_what_the_kernel_makes_of_them() {
    assert_eq!(
        values(
            "net.ipv4.tcp_rmem=4096\t87380 0x400000\nnet.ipv4.tcp_wmem = 8192\nnet.ipv4.tcp_fin_timeout=017 # x\n\
             net.ipv4.ip_local_reserved_ports = 9002,8080,9000-9001\nnet.ipv4.tcp_congestion_control=bbr\n\
             net.ipv4.tcp_allowed_congestion_control = reno  cubic\nnet.x.new = 7\nnet.x.other = 1 2\n"
        ),
        pairs(&[
            ("net/ipv4/ip_local_reserved_ports", "\"8080,9000-9002\""),
            ("net/ipv4/tcp_allowed_congestion_control", "[\"reno\", \"cubic\"]"),
            ("net/ipv4/tcp_congestion_control", "\"bbr\""),
            ("net/ipv4/tcp_fin_timeout", "15"),
            ("net/ipv4/tcp_rmem", "[4096, 87380, 4194304]"),
            ("net/ipv4/tcp_wmem", "[8192, \"keep\", \"keep\"]"),
            ("net/x/new", "7"),
            ("net/x/other", "\"1 2\""),
        ])
    );
    let notes: Vec<String> =
        one("net.ipv4.tcp_fin_timeout=017 # x").notes.into_iter().map(|note| note.message).collect();
    assert_eq!(notes, ["the kernel reads `017` as 15", "the kernel ignores `# x` behind the value"]);
}

#[test]
fn interfaces_with_dots_are_one_segment() {
    let text = "net.ipv4.conf.eth0/100.rp_filter=2\nnet/ipv6/conf/eth0.200/accept_ra=0\n";
    assert!(one(text).toml.contains("net.ipv4.conf.\"eth0.100\".rp_filter = 2\n"));
    assert!(one(text).toml.contains("net.ipv6.conf.\"eth0.200\".accept_ra = 0\n"));
}

#[test]
fn a_glob_spells_out_all_and_default() {
    assert_eq!(
        values("net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n"),
        pairs(&[("net/ipv4/conf/*/rp_filter", "2"), ("net/ipv4/conf/default/rp_filter", "2")])
    );
    assert_eq!(
        values("net.ipv4.conf.all.rp_filter=1\nnet.ipv4.conf.eth*.rp_filter = 2\n"),
        pairs(&[("net/ipv4/conf/all/rp_filter", "1"), ("net/ipv4/conf/eth*/rp_filter", "2")])
    );
}

#[test]
fn an_excluded_interface_keeps_its_value() {
    assert_eq!(
        values("net.ipv4.conf.e*.rp_filter = 2\n-net.ipv4.conf.eth0.rp_filter\n"),
        pairs(&[("net/ipv4/conf/e*/rp_filter", "2"), ("net/ipv4/conf/eth0/rp_filter", "[\"keep\"]")])
    );
    assert_eq!(values("-net.ipv4.conf.eth0.rp_filter\n"), pairs(&[]));
}

#[test]
fn globs_over_names_become_the_keys_that_there_are() {
    assert_eq!(
        values("net.ipv4.tcp_retries? = 5\nnet.ipv4.tcp_retries2 = 8\n"),
        pairs(&[("net/ipv4/tcp_retries1", "5"), ("net/ipv4/tcp_retries2", "8")])
    );
    let imported = one("net.ipv4.nothing_like_*_this = 1\n");
    assert!(leaves(&imported.toml).is_empty());
    assert_eq!(imported.notes[0].message, "matches no key that trimtab knows");
}

#[test]
fn a_class_of_characters_is_spelt_as_a_profile_spells_it() {
    assert_eq!(
        values("net.ipv4.conf.{eth,en}[[:digit:]].arp_notify = 1\n"),
        pairs(&[("net/ipv4/conf/en[0-9]/arp_notify", "1"), ("net/ipv4/conf/eth[0-9]/arp_notify", "1")])
    );
}

#[test]
fn the_last_value_stays_and_the_others_say_where_it_is() {
    let of = files(&[
        ("/etc/sysctl.d/a.conf", "net.core.somaxconn = 1024\n"),
        ("/etc/sysctl.d/b.conf", "net/core/somaxconn = 4096\n"),
    ]);
    let imported = import(&of);
    assert!(imported.toml.contains("# net.core.somaxconn = 1024   (spoken of again at /etc/sysctl.d/b.conf:1)\n"));
    assert_eq!(leaves(&imported.toml).len(), 1);
    assert_eq!(imported.notes.len(), 1);
}

#[test]
fn two_names_of_one_value_become_one_setting() {
    assert_eq!(
        values("net.ipv4.ip_forward=0\nnet.ipv4.conf.all.forwarding=1\n"),
        pairs(&[("net/ipv4/conf/all/forwarding", "1")])
    );
    // The glob is written later, and reaches `all`, which is the same value.
    assert_eq!(
        values("net.ipv4.ip_forward=0\nnet.ipv4.conf.*.forwarding=1\n-net.ipv4.conf.default.forwarding\n"),
        pairs(&[("net/ipv4/conf/*/forwarding", "1"), ("net/ipv4/conf/all/forwarding", "1")])
    );
}

#[test]
fn globs_that_sysctl_d_orders_otherwise_are_named() {
    let imported = one("net.ipv4.conf.eth*.rp_filter=1\nnet.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.all.rp_filter\n");
    assert!(imported.notes.iter().any(|note| note.line == 2 && note.message.contains("matches both")), "{imported:?}");
    let imported = one("net.ipv4.conf.*.rp_filter=2\nnet.ipv4.conf.eth*.rp_filter=1\n");
    assert!(!imported.notes.iter().any(|note| note.message.contains("matches both")), "{imported:?}");
}

#[test]
fn secrets_are_never_shown() {
    for text in [
        "net.ipv4.tcp_fastopen_key = 1234-5678-9abc-def0\n",
        "net.ipv6.conf.eth0.stable_secret = 1234-5678-9abc-def0\n",
        "net.ipv6.conf.*.stable_secret = 1234-5678-9abc-def0\n",
        "net.ipv4.tcp_fastopen_key.. x = 1234-5678-9abc-def0\n",
        "net.ipv4.tcp_fastopen_key 1234-5678-9abc-def0\n",
        "# net.ipv4.tcp_fastopen_key = 1234-5678-9abc-def0\n",
    ] {
        let imported = one(text);
        assert!(!format!("{imported:?}").contains("1234"), "{imported:?}");
        assert!(leaves(&imported.toml).is_empty());
        assert!(!imported.notes.is_empty());
    }
}

#[test]
fn what_no_kernel_takes_stays_a_comment_with_the_reason() {
    for (text, reason) in [
        ("net.ipv4.tcp_tw_recycle = 1", "gone since"),
        ("net.ipv4.tcp_fin_timeout = soon", "refuses `soon`"),
        ("net.ipv4.tcp_syn_retries = 4000", "1..127"),
        ("net.ipv4.tcp_available_congestion_control = bbr", "read-only"),
        ("net.ipv4.route.flush = 1", "leaves no value"),
        ("net.ipv4.tcp_fin_timeout =", "no value"),
        ("net.x.expr = 1", "for a policy"),
        ("net.x.y = 1\nnet.x.y.z = 2", "shorter key"),
        ("net.x.y.z = 2\nnet.x.y = 1", "below this one"),
        ("net/../x = 1", "leave /proc/sys"),
    ] {
        let imported = one(text);
        leaves(&imported.toml);
        assert!(imported.notes.iter().any(|note| note.message.contains(reason)), "{text}: {imported:?}");
        assert!(imported.toml.contains(reason), "{text}: {imported:?}");
    }
}

#[test]
fn what_a_profile_takes_for_something_else_stays_a_comment() {
    let text = "vendor.x = 1 \u{1}\nvendor.y = keep\nnet.ipv4.tcp_congestion_control = keep\n";
    assert_eq!(values(text), pairs(&[]));
    let Imported { toml, notes } = one(text);
    assert!(toml.contains("the value has a control character") && notes.len() == 3, "{toml}");
    loaded(&toml);
}

#[test]
fn every_value_written_down_is_what_the_next_boot_sets() {
    let text = "net.ipv4.conf.*.arp_announce=2\nnet.ipv4.conf.lo.arp_announce=1\n-net.ipv4.conf.all.arp_announce\n\
                net.core.somaxconn=0x1000\nnet.core.somaxconn=010\nnet.ipv4.tcp_rmem=1 2 3\n";
    let of = files(&[("/etc/sysctl.d/a.conf", text)]);
    let next = NextBoot::new(&of);
    let leaves = leaves(&import(&of).toml);
    assert_eq!(leaves.len(), 5);
    for (path, found) in leaves {
        let key = SysctlKey::from_segments(path.replace('*', "eth0").split('/')).unwrap();
        let wanted = next.setting(&key).unwrap().value_text;
        let wanted: Vec<i64> = wanted.split(' ').map(|word| number::base0(word).unwrap()).collect();
        let found: Vec<i64> = match found.as_array() {
            Some(numbers) => numbers.iter().map(|number| number.as_integer().unwrap()).collect(),
            None => vec![found.as_integer().unwrap()],
        };
        assert_eq!(found, wanted, "{path}");
    }
}

proptest! {
    // Each case loads a profile, and the loader looks for a near name of every key that it does not know.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_become_toml(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let imported = import(&[BootFile::parse("/etc/a\u{7}\".conf", &bytes)]);
        leaves(&imported.toml);
    }

    #[test]
    fn likely_lines_become_toml(
        lines in proptest::collection::vec(
            "-?(net|kernel)[./](ipv4|core|x|[*]|\\PC{0,3})([./](conf|tcp_rmem|value|\"|[*]))?([./](eth0|all|[*]|e[*]|\\\\|[\\[]a-b[\\]]))?([./](rp_filter|tag|stable_secret|[a-r]?[*]))?( ?= ?(1|0x10|-5|4 5 6|a\"b|\\PC{0,4})?)?",
            0..12,
        ),
    ) {
        let text = lines.join("\n");
        let imported = one(&text);
        leaves(&imported.toml);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_host_gets_the_same_values_from_the_profile_as_from_the_files(
        lines in proptest::collection::vec(
            prop_oneof![
                "net[.]ipv4[.]conf[.](all|default|eth0|eth1|[*]|eth[*]|[*]0|eth[?])[.](tag|medium_id) = [0-9]",
                "-net[.]ipv4[.]conf[.](all|default|eth0|eth1)[.](tag|medium_id)",
                "net/ipv4/conf/(eth0[.]7|eth0|all)/tag = 0x[0-9]",
                "net/ipv4/conf/(eth0[.]7|eth0|all)/forwarding = 0[01]",
                "net[.]ipv4[.](ip_forward = [01]|tcp_retries[12?] = [1-9]|conf[.][*][.]forwarding = [01])",
            ],
            0..8,
        ),
        cut in 0..8_usize,
    ) {
        let (first, second) = lines.split_at(cut.min(lines.len()));
        let of = files(&[("/etc/sysctl.d/a.conf", &first.join("\n")), ("/etc/sysctl.d/b.conf", &second.join("\n"))]);
        let imported = import(&of);
        // What a profile orders otherwise is named; there is no sameness to be held to.
        prop_assume!(!imported.notes.iter().any(|note| note.message.contains("matches both")));
        let interfaces = ["lo", "eth0", "eth1", "eth0.7"];
        let ours = resolved(&imported.toml, &interfaces);
        let next = NextBoot::new(&of);
        let names = interfaces.iter().chain(&["all", "default"]);
        let mut keys: Vec<SysctlKey> = names
            .flat_map(|name| ["tag", "medium_id", "forwarding"].map(|last| ["net", "ipv4", "conf", name, last]))
            .map(|segments| SysctlKey::from_segments(segments).unwrap())
            .collect();
        keys.extend(["net.ipv4.ip_forward", "net.ipv4.tcp_retries1", "net.ipv4.tcp_retries2"].map(|key| key.parse().unwrap()));
        for key in keys {
            let key = catalogue::canonical_key(&key);
            let theirs = next.setting(&key).map(|setting| parse_wanted(&key, &Scalar::Text(setting.value_text)).unwrap());
            prop_assert_eq!(ours.get(&key).cloned().flatten(), theirs, "{} in {}", key, imported.toml);
        }
    }
}
