use super::World;
use super::one;
use super::sysctl;
use crate::facts::Facts;

fn settings(text: &str) -> Vec<String> {
    sysctl(text).settings(&Facts::default(), &[])
}

fn problems(text: &str) -> Vec<String> {
    sysctl(text).problems()
}

#[test]
fn headers_and_dotted_keys_are_the_same_path() {
    let wanted = ["net.core.somaxconn = 5  p.toml:2"];
    assert_eq!(one("[sysctl]\nnet.core.somaxconn = 5").settings(&Facts::default(), &[]), wanted);
    assert_eq!(one("[sysctl.net.core]\nsomaxconn = 5").settings(&Facts::default(), &[]), wanted);
    assert_eq!(one("[sysctl.net]\ncore.somaxconn = 5").settings(&Facts::default(), &[]), wanted);
    assert_eq!(one("\nsysctl.net.core.somaxconn = 5").settings(&Facts::default(), &[]), wanted);
}

#[test]
fn a_quoted_segment_keeps_its_dot() {
    assert_eq!(
        settings("net.ipv4.conf.\"eth0.100\".rp_filter = 2"),
        ["net.ipv4.conf.eth0/100.rp_filter = 2  p.toml:2"]
    );
}

#[test]
fn words_of_policies_are_legal_interface_names() {
    assert_eq!(
        settings("net.ipv4.conf.value.rp_filter = 2\nnet.ipv4.conf.expr.rp_filter = 1"),
        ["net.ipv4.conf.expr.rp_filter = 1  p.toml:3", "net.ipv4.conf.value.rp_filter = 2  p.toml:2"]
    );
}

#[test]
fn every_policy_is_read() {
    assert_eq!(
        settings(
            "net.core.somaxconn = { at-least = 8192 }
net.core.netdev_max_backlog = { at-most = 1000 }
net.ipv4.tcp_fin_timeout = { between = [10, 60] }
net.ipv4.tcp_congestion_control = { prefer = ['bbr', 'cubic'] }
net.core.default_qdisc = { one-of = ['fq', 'fq_codel'] }
net.ipv4.ip_local_reserved_ports = { includes = ['8080-8081', 9000] }
net.ipv4.ip_local_port_range = [10240, 65535]
net.ipv4.tcp_rmem = { at-least = ['keep', 'keep', 33554432] }
net.ipv4.tcp_wmem = '4096 16384 4194304'
net.ipv4.tcp_sack = true
net.ipv4.tcp_mtu_probing = { value = 1 }"
        ),
        [
            "net.core.default_qdisc = one-of 'fq' 'fq_codel'  p.toml:6",
            "net.core.netdev_max_backlog = at-most 1000  p.toml:3",
            "net.core.somaxconn = at-least 8192  p.toml:2",
            "net.ipv4.ip_local_port_range = [10240 65535]  p.toml:8",
            "net.ipv4.ip_local_reserved_ports = includes '8080-8081' 9000  p.toml:7",
            "net.ipv4.tcp_congestion_control = prefer 'bbr' 'cubic'  p.toml:5",
            "net.ipv4.tcp_fin_timeout = between 10 60  p.toml:4",
            "net.ipv4.tcp_mtu_probing = 1  p.toml:12",
            "net.ipv4.tcp_rmem = at-least [keep keep 33554432]  p.toml:9",
            "net.ipv4.tcp_sack = 1  p.toml:11",
            "net.ipv4.tcp_wmem = '4096 16384 4194304'  p.toml:10",
        ]
    );
}

#[test]
fn a_policy_word_without_braces_is_told_to_take_some() {
    let wanted = ["p.toml:2:20 policy-without-braces `at-least` is a policy word, not a part of a key; \
         write net.core.somaxconn = { at-least = … }"];
    assert_eq!(problems("net.core.somaxconn.at-least = 8192"), wanted);
    assert_eq!(
        one("[sysctl.net.core.somaxconn]\nat-least = 1\nreason = 'x'").problems(),
        ["p.toml:2:1 policy-without-braces `at-least` is a policy word, not a part of a key; \
             write net.core.somaxconn = { at-least = …, reason = … }"]
    );
    assert_eq!(
        problems("net.ipv4.conf.\"eth0.1\".rp_filter.value = 1"),
        ["p.toml:2:34 policy-without-braces `value` is a policy word, not a part of a key; \
             write net.ipv4.conf.\"eth0.1\".rp_filter = { value = … }"]
    );
}

#[test]
fn a_policy_has_exactly_one_word() {
    assert_eq!(
        problems("net.core.somaxconn = { at-least = 1, at-most = 2 }"),
        ["p.toml:2:38 policy `at-most` beside `at-least`: a setting has one policy"]
    );
    assert_eq!(
        problems("net.core.somaxconn = { on-drift = 'report' }"),
        ["p.toml:2:22 policy a setting needs a policy; \
             write one of `value`, `at-least`, `at-most`, `between`, `one-of`, `prefer` or `includes`"]
    );
    assert_eq!(
        problems("net.core.somaxconn = { atleast = 1 }"),
        ["p.toml:2:24 unknown-policy unknown policy word `atleast`; did you mean `at-least`?"]
    );
    assert_eq!(
        problems("net.core.somaxconn = { expr = '1', reason = 'x' }"),
        ["p.toml:2:24 policy `expr` stands for a value, not for a policy; \
             write { value = { expr = \"…\" }, … }"]
    );
}

#[test]
fn side_words_are_checked() {
    assert_eq!(
        problems("net.core.somaxconn = { value = 1, on-drift = 'repot' }"),
        [
            "p.toml:2:46 wrong-value `on-drift` is one of `revert`, `revert-unless-disruptive`, `report` or `ignore`, found `repot`; did you mean `report`?"
        ]
    );
    assert_eq!(
        problems("net.core.somaxconn = { value = 1, override = 'yes' }"),
        ["p.toml:2:46 wrong-type `override` wants true or false, found a string"]
    );
    assert_eq!(
        problems("net.core.somaxconn = { value = 1, load-module = true }"),
        ["p.toml:2:22 wrong-value `load-module`: no module is known that brings `net.core.somaxconn`; \
             leave it out; a key that is always there needs no module"]
    );
    assert_eq!(problems("net.netfilter.nf_conntrack_max = { value = 1, load-module = true }"), [""; 0]);
    assert_eq!(
        problems("net.core.somaxconn = { value = 1, load-module = 'nf_conntrack' }"),
        ["p.toml:2:49 wrong-type `load-module` wants true or false, found a string"]
    );
}

#[test]
fn values_have_the_types_that_sysctls_have() {
    for (text, wanted) in [
        ("1.5", "p.toml:2:22 wrong-type want an integer, a string or a boolean, found a float"),
        ("1979-05-27", "p.toml:2:22 wrong-type want an integer, a string or a boolean, found a date"),
        ("[[1]]", "p.toml:2:23 wrong-type want an integer, a string or a boolean, found an array"),
        ("[1.5]", "p.toml:2:23 wrong-type want an integer, a string or a boolean, found a float"),
        ("99999999999999999999", "p.toml:2:22 wrong-type the integer does not fit into 64 bits"),
        ("{ between = 5 }", "p.toml:2:34 wrong-type `between` wants an array, found an integer"),
        ("{ between = [5] }", "p.toml:2:34 wrong-type `between` has two bounds, found 1"),
        ("{ prefer = [] }", "p.toml:2:33 wrong-type `prefer` needs at least one member"),
        ("{ expr = 5 }", "p.toml:2:31 wrong-type `expr` wants a string, found an integer"),
        (
            "'keep'",
            "p.toml:2:22 keep `keep` stands for one element of a vector; \
             leave the setting out to leave its value alone",
        ),
        (
            "[{ value = 1 }]",
            "p.toml:2:23 wrong-type a value is wanted here, found an inline table; \
             only { expr = \"…\" } may stand for a value",
        ),
    ] {
        assert_eq!(problems(&format!("net.core.somaxconn = {text}")), [wanted], "{text}");
    }
}

#[test]
fn every_problem_is_found_at_once() {
    let problems = World::default()
        .profile(
            "p",
            "decription = 'x'\ninclude = ['q', 'nope']\n[sysctl]\nnet.core.somaxcon = 1\nx\nnet.core.rmem_max = 1.5",
        )
        .profile("q", "[sysctl]\nnet.core.wmem_max = { at-lest = 1 }\n[foo]")
        .roles(&["p", "missing"])
        .problems();
    let codes: Vec<&str> = problems.iter().filter_map(|line| line.rsplit_once(".toml:")?.1.split(' ').nth(1)).collect();
    assert!(problems.iter().any(|line| line.starts_with("command line:1:1 missing-profile ")), "{problems:#?}");
    assert_eq!(
        codes,
        ["unknown-key", "missing-profile", "unknown-key", "syntax", "wrong-type", "unknown-policy", "unknown-key"],
        "{problems:#?}"
    );
}

#[test]
fn unknown_sections_are_named() {
    assert_eq!(
        one("descripton = 'x'\n[[link]]\nmatch = 'x'\n[conntrack]\nmax = 1\n[tc]\n[mss-clamp]\n[facts]\nx = 1")
            .problems(),
        [
            "p.toml:1:1 unknown-key unknown key `descripton`; did you mean `description`?",
            "p.toml:6:2 unsupported this version of trimtab does not know `tc` yet",
            "p.toml:8:2 unknown-key `facts` belongs into the host file, not into a profile",
        ]
    );
    assert_eq!(
        one("net.core.somaxconn = 1").problems(),
        ["p.toml:1:1 unknown-key unknown key `net`; sysctls stand below a line [sysctl]"]
    );
    assert_eq!(
        one("sysctl = 5\nparams = []\ninclude = 'base'\ndescription = 5").problems(),
        [
            "p.toml:1:10 wrong-type `sysctl` wants a section `[sysctl]`, found an integer",
            "p.toml:2:10 wrong-type `params` wants a section `[params]`, found an array",
            "p.toml:3:11 wrong-type `include` wants an array of names, found a string",
            "p.toml:4:15 wrong-type `description` wants a string, found an integer",
        ]
    );
}

#[test]
fn a_key_that_no_kernel_has_is_a_warning_with_a_suggestion() {
    let world = sysctl("net.core.somaxcon = 1");
    assert_eq!(
        world.problems(),
        [
            "p.toml:2:1 unknown-key no kernel that trimtab knows has `net.core.somaxcon`; did you mean `net.core.somaxconn`?"
        ]
    );
    assert!(world.load().bundle.is_some());
}

#[test]
fn a_value_out_of_range_is_an_error_at_its_place() {
    let world = sysctl("net.ipv4.tcp_tw_reuse = 99");
    let problems = world.problems();
    assert!(problems[0].starts_with("p.toml:2:25 "), "{problems:?}");
    assert!(world.load().bundle.is_none());
}

#[test]
fn keys_that_would_leave_proc_sys_are_refused() {
    for key in
        ["net.\"..\".kernel.core_pattern", "net.\"a/b\".c", "\"/etc\".passwd", "net.\"a\\u0000b\".c", "\"\".x", "net"]
    {
        let problems = problems(&format!("{key} = 1"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("p.toml:2:1 bad-key "), "{problems:?}");
    }
}

#[test]
fn secrets_are_refused_and_never_shown() {
    let world = sysctl("net.ipv4.tcp_fastopen_key = '01234567-89abcdef-01234567-89abcdef'\nnet.core.somaxconn = 1")
        .set("net.ipv6.conf.eth0.stable_secret=2001:db8::1");
    let problems = world.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|problem| problem.contains(" secret ")), "{problems:?}");
    let loaded = world.load();
    let text = crate::render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
    assert!(!text.contains("89abcdef") && !text.contains("db8"), "{text}");
    assert!(text.contains("tcp_fastopen_key = ****"), "{text}");
}

#[test]
fn a_secret_is_not_shown_in_a_broken_file_either() {
    let world = sysctl(
        "net.ipv4.tcp_fastopen_key = '01234567-89abcdef-01234567-89abcdef' oops\nnet.ipv6.conf.eth0.stable_secret = 'fe80::77\nnet.ipv6.conf.eth1.stable_secret fe80::99",
    );
    let loaded = world.load();
    let text = crate::render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
    assert!(
        text.contains("syntax") && !text.contains("89abcdef") && !text.contains("::77") && !text.contains("::99"),
        "{text}"
    );
}

#[test]
fn a_secret_behind_a_misspelt_key_or_argument_is_not_shown_either() {
    for world in [
        sysctl("net.ipv4.tcp_fastopen_ky = '89abcdef'"),
        sysctl("net.ipv6.tcp_fastopen_key = '89abcdef'"),
        sysctl("net.ipv4.tcp_fastopen_key.value = '89abcdef'"),
        World::default().set("net.ipv4.tcp_fastopen_key 89abcdef"),
        World::default().set("net.ipv4.tcp_fastopen_key={ 89abcdef"),
    ] {
        let loaded = world.load();
        let text = crate::render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false);
        assert!(!text.is_empty() && !text.contains("89abcdef"), "{text}");
    }
}

#[test]
fn values_with_control_characters_are_refused() {
    for value in ["\"a\\u0000b\"", "\"1\\n2\"", "'''\n1\n2'''", "[\"a\\r\"]"] {
        let problems = problems(&format!("net.ipv4.tcp_congestion_control = {value}"));
        assert!(problems.len() == 1 && problems[0].contains(" bad-value "), "{value}: {problems:?}");
    }
    assert_eq!(problems("net.ipv4.tcp_rmem = \"4096\\t131072\\t6291456\""), [""; 0]);
}

#[test]
fn a_full_file_of_unknown_keys_is_read_in_reasonable_time() {
    let lines: String = (0..10_000).map(|index| format!("net.core.key_number_{index} = 1\n")).collect();
    assert_eq!(sysctl(&lines).problems().len(), 101);
    let loaded = one(&format!("{}x = {{", "y".repeat(900_000))).load();
    assert!(!crate::render::diagnostics::text(&loaded.diagnostics, &loaded.sources, false).is_empty());
}

#[test]
fn two_names_of_one_value_in_one_file_are_refused() {
    let problems = problems("net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 1");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("duplicate") && problems[0].contains("are two names of one value"), "{problems:?}");
}

#[test]
fn duplicate_keys_are_syntax_errors_at_the_second() {
    let problems = problems("net.core.somaxconn = 1\nnet.core.somaxconn = 2");
    assert_eq!(problems, ["p.toml:3:10 syntax duplicate key"]);
}

#[test]
fn globs_stand_for_interfaces_only() {
    for (text, wanted) in [
        ("net.ipv4.\"*\".rp_filter = 1", "`*` is a glob, and globs stand only for interfaces"),
        ("net.ipv4.conf.eth0.\"rp_*\" = 1", "`rp_*` is a glob, and globs stand only for interfaces"),
        ("net.core.\"somax?onn\" = 1", "`somax?onn` is a glob, and globs stand only for interfaces"),
        ("net.ipv4.conf.\"eth[\".rp_filter = 1", "`eth[`: `[` without `]`"),
    ] {
        let problems = problems(text);
        assert!(problems.len() == 1 && problems[0].contains(wanted), "{problems:?}");
    }
}

#[test]
fn a_formula_that_is_none_is_shown_inside_its_string() {
    let problems = problems("net.core.somaxconn = { expr = \"1 + host.memry\" }");
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("p.toml:2:36 expression "), "{problems:?}");
    let problems = self::problems("net.core.somaxconn = { at-least = { expr = 'max(1' } }");
    assert!(problems[0].contains(" expression "), "{problems:?}");
}

#[test]
fn link_facts_need_a_key_about_an_interface() {
    assert_eq!(
        problems("net.core.somaxconn = { expr = 'link.mtu' }"),
        ["p.toml:2:31 expression `link.*` has no meaning here: `net.core.somaxconn` is about no interface"]
    );
    assert_eq!(problems("net.ipv4.conf.all.rp_filter = { expr = 'link.mtu' }").len(), 1);
    assert_eq!(problems("net.ipv4.conf.\"*\".rp_filter = { expr = 'link.mtu > 9000 ? 1 : 2' }"), [""; 0]);
}

#[test]
fn marks_line_ends_and_empty_files_are_no_problem() {
    assert_eq!(one("").problems(), [""; 0]);
    assert_eq!(
        one("\u{feff}[sysctl]\r\nnet.core.somaxconn = 1\r\n").settings(&Facts::default(), &[]),
        ["net.core.somaxconn = 1  p.toml:2"]
    );
    assert_eq!(one("# nothing").problems(), [""; 0]);
}

#[test]
fn files_that_are_no_text_are_refused_with_their_place() {
    let mut world = one("");
    world.shelf.0.insert("p".into(), b"# caf\xe9\n[sysctl]\nnet.core.somaxconn = 1.5\n".to_vec());
    assert_eq!(
        world.problems(),
        [
            "p.toml:1:6 not-utf8 byte 6 of the file is not UTF-8; save the file as UTF-8",
            "p.toml:3:22 wrong-type want an integer, a string or a boolean, found a float",
        ]
    );
    world.shelf.0.insert("p".into(), b"\xff\xfea\0=\0".to_vec());
    assert_eq!(
        world.problems(),
        ["p.toml:1:1 not-utf8 byte 1 of the file is not UTF-8; the file seems to be UTF-16: save it as UTF-8"]
    );
    world.shelf.0.insert("p".into(), vec![b'#'; super::super::LARGEST_FILE + 1]);
    assert_eq!(
        world.problems(),
        ["p.toml:1:1 too-large the file has 1048577 bytes, more than the 1048576 that a profile may have"]
    );
}

#[test]
fn a_file_full_of_mistakes_is_cut_short() {
    let problems = one(&"x = \n".repeat(10_000)).problems();
    assert_eq!(problems.len(), 101);
    assert!(problems[100].contains("too many problems"), "{}", problems[100]);
}
