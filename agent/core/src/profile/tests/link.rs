//! The sections `[[link]]`: their grammar, and what they mean on a host.

use super::World;
use super::one;
use crate::facts::FactValue;
use crate::facts::Facts;

/// Interfaces with their facts: `eth0 driver=virtio_net kind=physical rx_queues=8`.
fn host(interfaces: &[&str]) -> (Facts, Vec<String>) {
    let mut facts = Facts::default();
    facts.insert("host.cpus", FactValue::Int(4), "test");
    let mut names = Vec::new();
    for interface in interfaces {
        let mut words = interface.split(' ');
        let name = words.next().unwrap();
        names.push(name.to_owned());
        for word in words {
            let (fact, value) = word.split_once('=').unwrap();
            let value = match (value.parse(), value.parse()) {
                (Ok(number), _) => FactValue::Int(number),
                (_, Ok(yes)) => FactValue::Bool(yes),
                _ => FactValue::Text(value.to_owned()),
            };
            facts.insert_link(name, fact, value, "test");
        }
    }
    (facts, names)
}

fn on(world: &World, interfaces: &[&str]) -> Vec<String> {
    let (facts, names) = host(interfaces);
    world.settings(&facts, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn troubles(world: &World, interfaces: &[&str]) -> Vec<String> {
    let (facts, names) = host(interfaces);
    world.host_problems(&facts, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// One section with these lines.
fn link(lines: &str) -> World {
    one(&format!("[[link]]\n{lines}"))
}

/// The sample that a documentation shows.
fn documented(source: &str) -> String {
    let block = source.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    block
        .lines()
        .map(|line| line.trim_start_matches("///").trim_start_matches("//!").trim_start())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_documented_section_says_what_it_seems_to_say() {
    let world = one(&documented(include_str!("../link/mod.rs")));
    assert_eq!(world.problems(), [""; 0]);
    let device = "eth0 driver=virtio_net channels_combined_max=2 channels_rx=1 rx_queues=2 tx_queues=2";
    assert_eq!(
        on(&world, &[device, "eth9 driver=virtio_net", "ens1 driver=virtio_net", "eth1 driver=e1000e"]),
        [
            "eth0/mtu = 9000  p.toml:5",
            "eth0/channel/combined = 2  p.toml:8",
            "eth0/ring/rx = 'max'  p.toml:7",
            "eth0/ring/tx = at-least 1024  p.toml:7",
            "eth0/feature/rx-lro = 0  p.toml:6",
            "eth0/feature/tx-tcp-segmentation = 1  p.toml:6",
            "eth0/feature/tx-udp-segmentation = 1  p.toml:6",
            "eth0/coalesce/adaptive-rx = 1  p.toml:9",
            "eth0/coalesce/rx-usecs = 50  p.toml:9",
            "eth0/pause/autoneg = 0  p.toml:10",
            "eth0/pause/rx = 0  p.toml:10",
            "eth0/pause/tx = 0  p.toml:10",
            "eth0/queue/rx-0/rps-cpus = 'all'  p.toml:13",
            "eth0/queue/rx-0/rps-flow-cnt = 4096  p.toml:14",
            "eth0/queue/tx-0/xps-cpus = '0'  p.toml:17",
            "eth0/queue/rx-1/rps-cpus = 'all'  p.toml:13",
            "eth0/queue/rx-1/rps-flow-cnt = 4096  p.toml:14",
            "eth0/root = (fq maxrate 10gbit)  p.toml:19",
        ]
    );
    let (facts, names) = host(&[device]);
    let resolved = world.resolve(&facts, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(resolved.desired.settings.values().all(|setting| setting.on_drift == crate::policy::OnDrift::Report));
    let gso = &resolved.desired.settings[&"link:eth0/feature/tx-udp-segmentation".parse().unwrap()];
    assert!(gso.if_supported);
}

#[test]
fn the_documented_match_is_one() {
    let world = link(&format!("{}\nmtu = 1400", documented(include_str!("../link/matcher.rs")).trim()));
    let devices = ["eth0 driver=ena default_route=true", "eth9 driver=ena default_route=true", "eth1 driver=ena"];
    assert_eq!(on(&world, &devices), ["eth0/mtu = 1400  p.toml:3"]);
}

#[test]
fn tables_inline_and_below_headers_mean_the_same() {
    let inline = link("match = 'eth0'\nrings = { rx = 512 }\nfeatures = { rx-gro = { value = false } }");
    let headers = link("match = 'eth0'\n[link.rings]\nrx = 512\n[link.features]\nrx-gro = { value = 'off' }");
    let dotted = link("match.name = 'eth0'\nrings.rx = 512\nfeatures.rx-gro = false");
    let array = one("link = [{ match = { name = ['eth0'] }, rings = { rx = 512 }, features = { rx-gro = false } }]");
    let wanted = ["eth0/ring/rx = 512", "eth0/feature/rx-gro = 0"];
    for world in [inline, headers, dotted, array] {
        let settings = on(&world, &["eth0"]);
        let values: Vec<&str> = settings.iter().map(|line| line.split("  ").next().unwrap()).collect();
        assert_eq!(values, wanted);
    }
}

#[test]
fn every_condition_must_hold_and_an_unknown_fact_does_not() {
    let devices = [
        "eth0 driver=virtio_net kind=physical bus=0000:01:00.0 permanent_address=52:54:00:12:34:56 default_route=true",
        "eth1 driver=e1000e kind=physical bus=0000:02:00.0 master=bond0",
        "bond0 kind=bond default_route=false",
        "mystery master_kind=team",
    ];
    for (conditions, wanted) in [
        ("'eth0'", "eth0"),
        ("'eth*'", "eth0 eth1"),
        ("['eth*', '!eth1']", "eth0"),
        ("{ name = '!eth*' }", "bond0 mystery"),
        ("{ driver = 'virtio_net' }", "eth0"),
        ("{ driver = ['virtio_net', 'e1000*'] }", "eth0 eth1"),
        ("{ driver = '!e1000e' }", "eth0"),
        ("{ kind = 'physical', driver = '!virtio_net' }", "eth1"),
        ("{ kind = ['bond', 'physical'], name = '!eth0' }", "bond0 eth1"),
        ("{ permanent-mac = '52-54-00-12-34-56' }", "eth0"),
        ("{ permanent-mac = '52:54:00:AB*' }", ""),
        ("{ permanent-mac = '52:54:*' }", "eth0"),
        ("{ bus = '0000:0?:00.0' }", "eth0 eth1"),
        ("{ master = 'bond0' }", "eth1"),
        ("{ master-kind = 'bond' }", "eth1"),
        ("{ master-kind = '!bond' }", "mystery"),
        ("{ default-route = true }", "eth0"),
        ("{ default-route = false }", "bond0"),
        ("{ name = 'eth0', driver = 'e1000e' }", ""),
    ] {
        let world = link(&format!("match = {conditions}\nmtu = 1400"));
        assert_eq!(world.problems(), [""; 0], "{conditions}");
        let names: Vec<String> =
            on(&world, &devices).iter().map(|line| line.split('/').next().unwrap().to_owned()).collect();
        assert_eq!(names.join(" "), wanted, "{conditions}");
    }
}

#[test]
fn a_name_speaks_of_an_interface_that_is_not_there() {
    assert_eq!(on(&link("match = 'eth7'\nmtu = 1400"), &["eth0"]), ["eth7/mtu = 1400  p.toml:3"]);
    let listed = link("match = ['eth7', 'eth*', '!eth8', 'eth8']\nmtu = 1400");
    assert_eq!(on(&listed, &["eth0"]), ["eth0/mtu = 1400  p.toml:3", "eth7/mtu = 1400  p.toml:3"]);
    assert_eq!(on(&link("match = { name = 'eth7', kind = 'veth' }\nmtu = 1400"), &["eth0"]), [""; 0]);
}

#[test]
fn a_match_that_means_nothing_is_refused() {
    let help = "say which interfaces are meant: match = \"eth0\", match = { driver = \"virtio_net\" }, \
                or match = { name = \"*\" } for all of them";
    for (lines, wanted) in [
        ("mtu = 1", format!("p.toml:1:1 match the section does not say which interfaces it is about; {help}")),
        ("match = {}", format!("p.toml:2:9 match an empty `match` would be every interface there is; {help}")),
        ("match = []", "p.toml:2:9 match `name` lists nothing, so that no interface would match".to_owned()),
        ("match = ''", "p.toml:2:9 match `name` is empty".to_owned()),
        (
            "match = { name = 'a/b' }",
            "p.toml:2:18 match no interface could have the name `a/b`; \
             a name has 1 to 15 bytes, no blank, no slash and no colon"
                .to_owned(),
        ),
        (
            "match = { driver = 7 }",
            "p.toml:2:20 wrong-type `driver` wants a string or an array of strings, found an integer".to_owned(),
        ),
        (
            "match = { drivr = 'x' }",
            "p.toml:2:11 unknown-key `match` has no condition `drivr`; did you mean `driver`?".to_owned(),
        ),
        (
            "match = { kind = 'bonnd' }",
            "p.toml:2:18 unknown-kind no kind of interface that trimtab knows is called `bonnd`; did you mean `bond`?"
                .to_owned(),
        ),
        (
            "match = { permanent-mac = '52:54' , default-route = 1 }",
            "p.toml:2:53 wrong-type `default-route` wants true or false, found an integer".to_owned(),
        ),
        (
            "match = { permanent-mac = 'x' }",
            "p.toml:2:27 match `x` is no hardware address; \
             as ip -d link shows it behind permaddr: \"52:54:00:12:34:56\""
                .to_owned(),
        ),
        (
            "match = 'eth[0'",
            "p.toml:2:9 glob `eth[0`: `[` without `]`: a bracket that stands for itself is `\\[`".to_owned(),
        ),
    ] {
        let problems: Vec<String> = link(lines).problems();
        assert_eq!(problems.first(), Some(&wanted), "{lines}");
    }
}

#[test]
fn wrong_words_and_values_are_all_told_with_their_places() {
    let lines = "match = 'eth0'\n\
                 mtuu = 1\n\
                 mtu = 67\n\
                 mtu-max = 1\n\
                 txqueuelen = -1\n\
                 gso-max-size = 'max'\n\
                 gro-max-size = 'max'\n\
                 rings = { rxx = 1, rx-max = 2, tx = 'most', rx = { includes = [1] } }\n\
                 features = { tso = 'maybe', tx-tcp-segmentaton = true, rx-gro = 2, rx-lro = { at-least = 1 }, ufo = true }\n\
                 coalesce = { rx-usecs = [1, 2] }\n\
                 pause = { rx = 'on', tx = 1.5 }\n\
                 channels = 4\n\
                 ingress = 'fq'\n\
                 ring.rx = 1\n\
                 queues = { rx-0 = { rps-cpus = '0-x', xps-cpus = '0', rps-cpu = '1' }, eth0 = {}, 'tx-*' = { xps-rxqs = 'all' } }";
    assert_eq!(
        link(lines).problems(),
        [
            "p.toml:3:1 unknown-key a link has no `mtuu`; did you mean `mtu`?",
            "p.toml:4:7 bad-value 67 is outside 68..2147483647, what `mtu` takes",
            "p.toml:5:1 read-only `mtu-max` only tells, and cannot be set; \
             write mtu = \"max\" for the most that the device takes",
            "p.toml:6:14 bad-value -1 is outside 0..4294967295, what `txqueuelen` takes",
            "p.toml:8:16 bad-value no device tells the most that `gro-max-size` takes, so \"max\" means nothing here; \
             write a number",
            "p.toml:9:11 unknown-key `rings` has no `rxx`; did you mean `rx`?",
            "p.toml:9:20 read-only `ring/rx-max` only tells, and cannot be set; \
             write rx = \"max\" for the most that the device takes",
            "p.toml:9:37 bad-value `most` is no number; write a number, or \"max\" for the most that the device takes",
            "p.toml:9:50 bad-value `includes` is for lists such as ports, and no value of an interface is one; \
             write the value itself",
            "p.toml:10:20 bad-value it is on or off, not `maybe`; write true or false",
            "p.toml:10:29 unknown-feature no kernel that trimtab knows has the feature `tx-tcp-segmentaton`; \
             did you mean `tx-tcp-segmentation`?",
            "p.toml:10:65 bad-value it is on or off, not `2`; write true or false",
            "p.toml:10:77 bad-value `at-least` is for numbers, and this is on or off; write true or false",
            "p.toml:10:95 unknown-feature no kernel that trimtab knows has the feature `ufo`; \
             UDP fragmentation offload is gone since Linux 4.14; its heir is tx-udp-segmentation",
            "p.toml:11:25 bad-value one value is wanted here, found an array; write the value without brackets",
            "p.toml:12:27 wrong-type want an integer, a string or a boolean, found a float",
            "p.toml:13:12 wrong-type `channels` wants a table as in channels = { … } or [link.channels], found an integer",
            "p.toml:14:1 unsupported this version of trimtab does not know `ingress` of links yet",
            "p.toml:15:1 unknown-key a link has no `ring`; did you mean `rings`?",
            "p.toml:16:32 bad-value `0-x` is no list of CPUs; write it as \"0-3,8\", or `all` or `none`",
            "p.toml:16:39 queue `xps-cpus` is of tx queues, and `rx-0` are none",
            "p.toml:16:55 unknown-key a queue has no `rps-cpu`; did you mean `rps-cpus`?",
            "p.toml:16:72 queue `eth0` is no name of a queue; as in \"rx-0\", \"tx-3\", \"rx-*\"",
            "p.toml:16:105 bad-value `all` is no list of receive queues; write it as \"0-3,8\", or `none`",
        ]
    );
}

#[test]
fn a_policy_without_braces_and_a_section_with_one_bracket_are_explained() {
    assert_eq!(
        link("match = 'eth0'\nmtu.at-least = 9000").problems(),
        ["p.toml:3:1 policy-without-braces `mtu` is one value, and what is wanted of it stands in braces; \
          write mtu = { at-least = … }"]
    );
    assert_eq!(
        one("[link]\nmatch = 'eth0'").problems(),
        ["p.toml:1:1 wrong-type there may be several sections of links; write [[link]], with two brackets"]
    );
}

#[test]
fn short_names_of_features_stand_for_the_kernels() {
    let world = link("match = 'eth0'\nfeatures = { tso = true, gro = { value = false, reason = 'why' }, sg = 'on' }");
    // How they are ordered is the business of the address.
    let settings: std::collections::BTreeSet<String> = on(&world, &["eth0"]).into_iter().collect();
    assert_eq!(
        settings.iter().collect::<Vec<_>>(),
        [
            "eth0/feature/rx-gro = 0  p.toml:3",
            "eth0/feature/tx-scatter-gather = 1  p.toml:3",
            "eth0/feature/tx-scatter-gather-fraglist = 1  p.toml:3",
            "eth0/feature/tx-tcp-accecn-segmentation = 1  p.toml:3",
            "eth0/feature/tx-tcp-ecn-segmentation = 1  p.toml:3",
            "eth0/feature/tx-tcp-mangleid-segmentation = 1  p.toml:3",
            "eth0/feature/tx-tcp-segmentation = 1  p.toml:3",
            "eth0/feature/tx-tcp6-segmentation = 1  p.toml:3",
        ]
    );
    let resolved = world.resolve(&Facts::default(), &["eth0"]);
    for (address, setting) in &resolved.desired.settings {
        let name = address.local_name();
        assert_eq!(setting.if_supported, !name.ends_with("rx-gro"), "{name}");
        assert!(setting.origin.written_as.as_deref().unwrap().starts_with("eth0/feature/"), "{name}");
    }
}

#[test]
fn the_kernels_name_beats_the_short_one_whether_they_agree_or_not() {
    for (own, wanted) in [("false", "0"), ("true", "1")] {
        let world = link(&format!("match = 'eth0'\nfeatures = {{ tso = true, tx-tcp6-segmentation = {own} }}"));
        let settings = on(&world, &["eth0"]);
        assert_eq!(settings.len(), 5);
        let line = format!("eth0/feature/tx-tcp6-segmentation = {wanted}  p.toml:3");
        assert!(settings.contains(&line), "{settings:?}");
        let resolved = world.resolve(&Facts::default(), &["eth0"]);
        let setting = &resolved.desired.settings[&"link:eth0/feature/tx-tcp6-segmentation".parse().unwrap()];
        assert!(!setting.if_supported && setting.losers.len() == 1, "{setting:?}");
    }
}

#[test]
fn sections_about_one_device_merge_per_setting() {
    let world = one("[[link]]\nmatch = { driver = 'virtio_net' }\nmtu = 9000\nfeatures = { gro = true }\n\
                     [[link]]\nmatch = 'eth*'\nfeatures = { gro = true }\nrings = { rx = 512 }\n\
                     [[link]]\nmatch = 'eth0'\nmtu = 1400\n");
    assert_eq!(
        on(&world, &["eth0 driver=virtio_net", "ens1 driver=virtio_net"]),
        [
            "ens1/mtu = 9000  p.toml:3",
            "ens1/feature/rx-gro = 1  p.toml:4",
            "eth0/mtu = 1400  p.toml:11",
            "eth0/ring/rx = 512  p.toml:8",
            "eth0/feature/rx-gro = 1  p.toml:7",
        ]
    );
}

#[test]
fn equals_that_disagree_are_an_error_with_both_places() {
    let world = one("[[link]]\nmatch = { driver = 'virtio_net' }\nmtu = 9000\n\
                     [[link]]\nmatch = { kind = 'physical' }\nmtu = 1400\n");
    assert_eq!(
        troubles(&world, &["eth0 driver=virtio_net kind=physical"]),
        ["p.toml:3:7 conflict link:eth0/mtu: equals disagree: p.toml:3 wants `9000`, p.toml:6 wants `1400`; \
          say override = true in one of them, or settle it in the host file or in a profile that includes both"]
    );
    assert_eq!(on(&world, &["eth0 driver=virtio_net"]), ["eth0/mtu = 9000  p.toml:3"]);
    let world = one("[[link]]\nmatch = { driver = 'virtio_net' }\nmtu = { value = 9000, override = true }\n\
                     [[link]]\nmatch = { kind = 'physical' }\nmtu = 1400\n");
    assert_eq!(on(&world, &["eth0 driver=virtio_net kind=physical"]), ["eth0/mtu = 9000  p.toml:3"]);
}

#[test]
fn names_addresses_and_places_are_exact_and_longer_globs_beat_shorter_ones() {
    let device = "eth0 driver=virtio_net bus=0000:01:00.0 permanent_address=52:54:00:12:34:56";
    for (weak, strong) in [
        ("{ driver = 'virtio_net' }", "'eth*'"),
        ("'e*'", "'eth*'"),
        ("'eth*'", "{ bus = '0000:01:00.0' }"),
        ("'eth?'", "{ permanent-mac = '52:54:00:12:34:56' }"),
        ("{ bus = '*' }", "'e*'"),
        ("'eth*'", "{ name = 'eth0', driver = 'virtio_net' }"),
    ] {
        for (first, second) in [((weak, 1), (strong, 2)), ((strong, 2), (weak, 1))] {
            let section = |(matcher, rx): (&str, i32)| format!("[[link]]\nmatch = {matcher}\nrings.rx = {rx}\n");
            let world = one(&format!("{}{}", section(first), section(second)));
            let settings = on(&world, &[device]);
            assert!(settings[0].starts_with("eth0/ring/rx = 2 "), "{weak} {strong} {settings:?}");
        }
    }
}

#[test]
fn layers_and_arguments_beat_profiles_and_keep_them_as_losers() {
    let world = link("match = '*'\nmtu = 9000").host("[[link]]\nmatch = 'eth0'\nmtu = 1400").set("link:eth0/mtu=1300");
    let resolved = world.resolve(&Facts::default(), &["eth0"]);
    let setting = resolved.desired.settings.values().next().unwrap();
    assert_eq!(setting.origin.to_string(), "--set");
    let losers: Vec<String> = setting.losers.iter().map(|loser| loser.origin.to_string()).collect();
    assert_eq!(losers, ["host.toml:3", "p.toml:3"]);
    assert_eq!(setting.losers[1].origin.written_as.as_deref(), Some("*/mtu"));
}

#[test]
fn a_namespace_of_the_host_file_has_links_of_its_own() {
    let world = World::default()
        .host("[[link]]\nmatch = 'eth0'\nmtu = 1400\n[[namespace.blue.link]]\nmatch = 'eth0'\nmtu = 1300")
        .netns("blue");
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(on(&world, &["eth0"]), ["eth0/mtu = 1300  host.toml:6"]);
}

#[test]
fn set_speaks_of_links_by_address_glob_and_short_name() {
    for (text, wanted) in [
        ("link:eth0/mtu=1400", vec!["eth0/mtu = 1400  --set"]),
        ("link:eth*/mtu = { at-most = 1400 }", vec!["eth0/mtu = at-most 1400  --set"]),
        ("link:eth0/feature/gro=off", vec!["eth0/feature/rx-gro = 0  --set"]),
        (
            "link:eth0/feature/sg=on",
            vec!["eth0/feature/tx-scatter-gather = 1  --set", "eth0/feature/tx-scatter-gather-fraglist = 1  --set"],
        ),
        ("link:eth0/queue/rx-0/rps-cpus=0-3", vec!["eth0/queue/rx-0/rps-cpus = '0-3'  --set"]),
        (
            "link:eth0/queue/tx-*/xps-cpus=none",
            vec!["eth0/queue/tx-0/xps-cpus = 'none'  --set", "eth0/queue/tx-1/xps-cpus = 'none'  --set"],
        ),
        ("link:eth0/ring/rx=max", vec!["eth0/ring/rx = 'max'  --set"]),
    ] {
        let world = World::default().set(text);
        assert_eq!(world.problems(), [""; 0], "{text}");
        assert_eq!(on(&world, &["eth0 tx_queues=2"]), wanted, "{text}");
    }
    for (text, wanted) in [
        ("link:eth0=1", "--set:1:6 bad-key `eth0` names no value of an interface; as in --set link:eth0/mtu=1400"),
        ("link:eth0/mtuu=1", "--set:1:6 bad-key an interface has no value `mtuu`; did you mean `mtu`?"),
        (
            "link:eth0/mtu-max=1",
            "--set:1:6 read-only `mtu-max` only tells, and cannot be set; \
                                 write mtu = \"max\" for the most that the device takes",
        ),
        ("link:eth0/mtu=12", "--set:1:15 bad-value 12 is outside 68..2147483647, what `mtu` takes"),
        (
            "link:eth0/queue/rx-0/xps-cpus=1",
            "--set:1:6 bad-key these queues have no value `xps-cpus`; \
                                             a queue has `rps-cpus`, `rps-flow-cnt`, `xps-cpus` or `xps-rxqs`",
        ),
        ("link:a b/mtu=1", "--set:1:6 bad-key no interface could have the name `a b`"),
    ] {
        assert_eq!(World::default().set(text).problems(), [wanted], "{text}");
    }
}

#[test]
fn globs_over_queues_name_those_that_there_will_be() {
    let queues = |lines: &str, device: &str| {
        let world = link(&format!("match = 'eth0'\n{lines}\n[link.queues.'rx-*']\nrps-flow-cnt = 1"));
        on(&world, &[device]).iter().filter(|line| line.contains("/queue/")).count()
    };
    // What is in use, else what is allocated, else one.
    assert_eq!(queues("", "eth0 channels_rx=3 rx_queues=8"), 3);
    assert_eq!(queues("", "eth0 rx_queues=8"), 8);
    assert_eq!(queues("", "eth0"), 1);
    // Channels of the same plan.
    assert_eq!(queues("channels.combined = 6", "eth0 channels_rx=3 rx_queues=8"), 6);
    assert_eq!(queues("channels.combined = 2", "eth0 channels_rx=3 rx_queues=8"), 2);
    assert_eq!(queues("channels.combined = 'max'", "eth0 channels_rx=3 rx_queues=8 channels_combined_max=4"), 4);
    assert_eq!(queues("channels.rx = { at-least = 2 }", "eth0 channels_rx=3 rx_queues=8"), 3);
    assert_eq!(queues("channels = { rx = 2, combined = 3 }", "eth0 channels_rx=3 rx_queues=8"), 5);
    // Never more than were allocated, and a fact that cannot be is no reason for a million addresses.
    assert_eq!(queues("channels.combined = 600", "eth0 rx_queues=8"), 8);
    assert_eq!(queues("channels.combined = 4000000000", "eth0"), 4096);
    assert_eq!(queues("", "eth0 rx_queues=-5"), 1);
}

#[test]
fn the_exact_queue_beats_the_glob_and_the_longer_glob_the_shorter() {
    let world = link(
        "match = 'eth0'\n[link.queues.'rx-*']\nrps-cpus = 'none'\n[link.queues.'rx-1?']\nrps-cpus = '2'\n\
                      [link.queues.rx-11]\nrps-cpus = '3'\n[link.queues.rx-40]\nrps-cpus = '4'",
    );
    let settings = on(&world, &["eth0 rx_queues=12"]);
    assert_eq!(settings.len(), 13);
    for line in ["rx-9/rps-cpus = 'none'", "rx-10/rps-cpus = '2'", "rx-11/rps-cpus = '3'", "rx-40/rps-cpus = '4'"] {
        assert!(settings.iter().any(|setting| setting.contains(line)), "{line}: {settings:?}");
    }
}

#[test]
fn unmanaged_interfaces_are_reached_by_name_address_and_place_only() {
    let device = "veth1 kind=veth bus=virtio7 permanent_address=52:54:00:12:34:56";
    for (conditions, reached) in [
        ("'*'", false),
        ("{ kind = 'veth' }", false),
        ("{ bus = 'virtio*' }", false),
        ("'veth1'", true),
        ("['veth1', '!veth2']", true),
        ("{ bus = 'virtio7' }", true),
        ("{ permanent-mac = '52:54:00:12:34:56', kind = 'veth' }", true),
    ] {
        let world = link(&format!("match = {conditions}\nmtu = 1400"));
        let (facts, _) = host(&[device]);
        let resolved = world.resolve(&facts, &["veth1"]);
        assert_eq!(resolved.desired.settings.len(), usize::from(reached), "{conditions}");
        assert_eq!(resolved.skipped.len(), usize::from(!reached), "{conditions}");
    }
}

#[test]
fn names_that_cannot_stand_in_an_address_are_told() {
    let world = link("match = '*'\nmtu = 1400\n[link.queues.'rx-*']\nrps-flow-cnt = 1");
    let resolved = world.resolve(&Facts::default(), &["a:b", "eth0"]);
    assert_eq!(resolved.desired.settings.len(), 2);
    assert_eq!(resolved.unnamed.iter().collect::<Vec<_>>(), ["a:b"]);
}

#[test]
fn formulas_speak_of_the_interface_and_are_checked_like_constants() {
    let world =
        link("match = '*'\nmtu = { expr = 'link.mtu - 50' }\nrings.rx = { at-least = { expr = 'link.ring_rx_max' } }");
    assert_eq!(
        on(&world, &["eth0 mtu=1500 ring_rx_max=512"]),
        ["eth0/mtu = 1450  p.toml:3", "eth0/ring/rx = at-least 512  p.toml:4"]
    );
    assert_eq!(
        troubles(&world, &["eth0 mtu=100 ring_rx_max=512"]),
        ["p.toml:3:7 bad-value 50 is outside 68..2147483647, what `mtu` takes"]
    );
    assert_eq!(on(&world, &["eth0 mtu=1500"])[1], "eth0/ring/rx = ? link.ring_rx_max in link.ring_rx_max  p.toml:4");
}

#[test]
fn only_the_facts_that_are_needed_are_asked_for() {
    let needed = |lines: &str| {
        let bundle = link(lines).load().bundle.unwrap();
        bundle.needed_link_facts().into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(needed("match = 'eth0'\nmtu = 1400"), "");
    assert_eq!(needed("match = 'eth*'\nmtu = { expr = 'link.name == \"eth0\" ? 1400 : link.mtu' }"), "mtu");
    assert_eq!(needed("match = { driver = 'x', master-kind = 'bond' }\nmtu = 1400"), "driver kind master master_kind");
    assert_eq!(
        needed("match = { default-route = true }\n[link.queues.'rx-*']\nrps-cpus = 'all'"),
        "channels_combined_max channels_rx channels_rx_max default_route rx_queues"
    );
}

#[test]
fn an_undeclared_parameter_of_an_umbrella_is_told_once() {
    let problems = link("match = 'eth0'\nfeatures.tso = { expr = 'params.fast' }").problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn thousands_of_interfaces_and_sections_stay_linear() {
    let interfaces: Vec<String> = (0..1000).map(|index| format!("eth{index} driver=virtio_net rx_queues=4")).collect();
    let interfaces: Vec<&str> = interfaces.iter().map(String::as_str).collect();
    let world = link(
        "match = { driver = 'virtio_net' }\nmtu = 9000\ntxqueuelen = 1000\nrings = { rx = 'max', tx = 'max' }\n\
         features = { gro = true, lro = false, tx-udp-segmentation = true }\n\
         coalesce = { rx-usecs = { expr = 'host.cpus * 10' } }\n[link.queues.'rx-[01]']\nrps-cpus = 'all'",
    );
    assert_eq!(on(&world, &interfaces).len(), 10_000);
    let sections: String =
        (0..5000).map(|index| format!("[[link]]\nmatch = 'eth{index}'\nmtu = {}\n", 1000 + index)).collect();
    assert_eq!(on(&one(&sections), &interfaces).len(), 5000);
    let names: Vec<String> = (0..20_000).map(|index| format!("'eth{index}'")).collect();
    let world = link(&format!("match = {{ name = [{}], driver = 'virtio_net' }}\nmtu = 9000", names.join(", ")));
    let (facts, names) = host(&interfaces);
    let resolved = world.resolve(&facts, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(resolved.desired.settings.len(), 1000);
    let written = resolved.desired.settings.values().next().unwrap().origin.written_as.clone();
    assert_eq!(written.as_deref(), Some("name=eth0,eth1,eth2,… driver=virtio_net/mtu"));
}
