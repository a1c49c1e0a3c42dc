use super::World;
use crate::facts::Facts;
use crate::profile::ProfileText;

fn somaxconn(value: u32) -> String {
    format!("[sysctl]\nnet.core.somaxconn = {value}")
}

#[test]
fn an_includer_beats_what_it_includes_at_any_depth() {
    let world = World::default()
        .profile("a", "include = ['b']\n[sysctl]\nnet.core.somaxconn = 1")
        .profile("b", "include = ['c']")
        .profile("c", "[sysctl]\nnet.core.somaxconn = 3\nnet.core.netdev_budget = 300")
        .roles(&["a"]);
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.netdev_budget = 300  c.toml:3", "net.core.somaxconn = 1  a.toml:3"]
    );
    let bundle = world.load().bundle.unwrap();
    assert_eq!((bundle.roles, bundle.included), (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn a_role_that_another_role_includes_is_weaker_than_it() {
    let world =
        World::default().profile("a", "include = ['b']\n[sysctl]\nnet.core.somaxconn = 1").profile("b", &somaxconn(2));
    for roles in [["a", "b"], ["b", "a"]] {
        assert_eq!(world.clone().roles(&roles).settings(&Facts::default(), &[]), ["net.core.somaxconn = 1  a.toml:3"]);
    }
}

#[test]
fn a_file_that_one_side_beats_is_beaten_on_the_other_side_too() {
    let world = World::default()
        .profile("a", "include = ['base']\n[sysctl]\nnet.core.somaxconn = 1")
        .profile("b", "include = ['base']")
        .profile("base", &somaxconn(2))
        .roles(&["a", "b"]);
    assert_eq!(world.settings(&Facts::default(), &[]), ["net.core.somaxconn = 1  a.toml:3"]);
}

#[test]
fn equals_that_disagree_are_an_error_at_both_places() {
    let world = World::default().profile("a", &somaxconn(1)).profile("b", &somaxconn(2)).roles(&["b", "a"]);
    assert_eq!(
        world.host_problems(&Facts::default(), &[]),
        ["a.toml:2:22 conflict net.core.somaxconn: equals disagree: a.toml:2 wants `1`, b.toml:2 wants `2`; \
             say override = true in one of them, or settle it in the host file or in a profile that includes both"]
    );
    let resolved = world.resolve(&Facts::default(), &[]);
    assert_eq!(resolved.diagnostics[0].related.len(), 1);
    assert!(resolved.failed() && resolved.desired.settings.is_empty());
}

#[test]
fn equals_that_agree_in_other_words_are_no_conflict() {
    for (left, right) in [("1", "true"), ("1", "'1'"), ("{ value = 1 }", "{ expr = '2 - 1' }")] {
        let world = World::default()
            .profile("a", &format!("[sysctl]\nnet.ipv4.tcp_sack = {left}"))
            .profile("b", &format!("[sysctl]\nnet.ipv4.tcp_sack = {right}"))
            .roles(&["a", "b"]);
        assert_eq!(world.host_problems(&Facts::default(), &[]), [""; 0], "{left} {right}");
        let resolved = world.resolve(&Facts::default(), &[]);
        assert_eq!(resolved.desired.settings.values().next().unwrap().losers.len(), 1);
    }
}

#[test]
fn an_override_settles_a_disagreement_and_two_of_them_do_not() {
    let over = |value: u32| format!("[sysctl]\nnet.core.somaxconn = {{ value = {value}, override = true }}");
    let world = World::default().profile("a", &somaxconn(1)).profile("b", &over(2)).profile("c", &over(3));
    assert_eq!(world.clone().roles(&["a", "b"]).settings(&Facts::default(), &[]), ["net.core.somaxconn = 2  b.toml:2"]);
    let problems = world.roles(&["a", "b", "c"]).host_problems(&Facts::default(), &[]);
    assert!(problems.len() == 1 && problems[0].contains("b.toml:2 wants `2`, c.toml:2 wants `3`"), "{problems:?}");
}

#[test]
fn a_profile_that_includes_both_or_the_host_file_settles_a_disagreement() {
    let world = World::default()
        .profile("a", &somaxconn(1))
        .profile("b", &somaxconn(2))
        .profile("both", "include = ['a', 'b']\n[sysctl]\nnet.core.somaxconn = 3");
    assert_eq!(
        world.clone().roles(&["both"]).settings(&Facts::default(), &[]),
        ["net.core.somaxconn = 3  both.toml:3"]
    );
    assert_eq!(
        world.roles(&["a", "b"]).host("[sysctl]\nnet.core.somaxconn = 4").settings(&Facts::default(), &[]),
        ["net.core.somaxconn = 4  host.toml:2"]
    );
}

#[test]
fn equals_that_disagree_on_drift_are_told() {
    let world = World::default()
        .profile("a", &somaxconn(1))
        .profile("b", &format!("on-drift = 'report'\n{}", somaxconn(1)))
        .roles(&["a", "b"]);
    let problems = world.host_problems(&Facts::default(), &[]);
    assert!(problems.len() == 1 && problems[0].contains("disagree on what happens on drift"), "{problems:?}");
}

#[test]
fn builtin_names_reach_past_what_shadows_them() {
    let world = World::default()
        .profile("builtin:base", "[sysctl]\nnet.core.somaxconn = 1\nnet.core.netdev_budget = 300")
        .profile("base", "include = ['builtin:base']\n[sysctl]\nnet.core.somaxconn = 2")
        .roles(&["base"]);
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.netdev_budget = 300  base.toml:3", "net.core.somaxconn = 2  base.toml:3"]
    );
}

#[test]
fn a_missing_profile_is_told_with_what_there_is() {
    let world = World::default().profile("egress-proxy", "include = ['bose']").profile("base", "include = ['gone']");
    assert_eq!(
        world.clone().roles(&["egres-proxy"]).problems(),
        ["command line:1:1 missing-profile there is no profile `egres-proxy`; did you mean `egress-proxy`?"]
    );
    assert_eq!(
        world.roles(&["egress-proxy"]).problems(),
        ["egress-proxy.toml:1:12 missing-profile there is no profile `bose`; did you mean `base`?"]
    );
    let deep = World::default().profile("a", "include = ['b']").profile("b", "include = ['zzzz']").roles(&["a"]);
    assert_eq!(
        deep.problems(),
        ["b.toml:1:12 missing-profile there is no profile `zzzz`, asked for by a.toml -> b.toml; there are: a, b"]
    );
}

#[test]
fn cyclic_includes_show_their_chain() {
    let world = World::default()
        .profile("a", "include = ['b']")
        .profile("b", "include = ['c']")
        .profile("c", "include = ['b', 'c']")
        .roles(&["a"]);
    assert_eq!(
        world.problems(),
        [
            "c.toml:1:12 cyclic-include `b` includes itself: b.toml -> c.toml -> b.toml",
            "c.toml:1:17 cyclic-include `c` includes itself: c.toml -> c.toml",
        ]
    );
}

#[test]
fn includes_have_a_deepest_level() {
    let mut world = World::default().roles(&["p0"]);
    for index in 0..40 {
        world = world.profile(&format!("p{index}"), &format!("include = ['p{}']", index + 1));
    }
    let world = world.profile("p40", "");
    assert_eq!(world.problems(), ["p16.toml:1:12 include-depth includes are nested deeper than 16"]);
}

#[test]
fn a_crowd_of_profiles_is_refused_without_recursing_through_it() {
    let mut world = World::default().roles(&["p0"]);
    for index in 0..2000 {
        world = world.profile(&format!("p{index}"), &format!("include = ['p{}']", index + 1));
    }
    let problems = world.problems();
    assert!(problems.iter().any(|problem| problem.contains("more than 256 profiles")), "{problems:?}");
}

#[test]
fn names_that_could_leave_the_folder_are_refused() {
    for name in ["../x", "/etc/x", "", ".hidden", "a b", "a\\u0000", "builtin:", "ü"] {
        let problems = World::default().profile("p", &format!("include = [\"{name}\"]")).roles(&["p"]).problems();
        assert!(problems.len() == 1 && problems[0].contains(" bad-name "), "{name}: {problems:?}");
    }
}

#[test]
fn a_profile_that_cannot_be_read_is_an_error_with_its_reason() {
    assert_eq!(
        World::default().roles(&["locked"]).problems(),
        ["command line:1:1 unreadable cannot read profile `locked`: permission denied"]
    );
}

#[test]
fn files_to_validate_take_the_place_of_roles() {
    let mut world = World::default().profile("base", &somaxconn(1)).host("profiles = ['gone']");
    world.request.files = vec![ProfileText {
        shown_name: "new.toml".into(),
        path: Some("/tmp/new.toml".into()),
        text: b"include = ['base']\n[sysctl]\nnet.core.netdev_budget = 300".to_vec(),
    }];
    let problems = world.problems();
    assert!(problems.len() == 1 && problems[0].contains("host.toml:1:13 missing-profile"), "{problems:?}");
    world.request.host_file = None;
    assert_eq!(
        world.settings(&Facts::default(), &[]),
        ["net.core.netdev_budget = 300  new.toml:3", "net.core.somaxconn = 1  base.toml:2"]
    );
}
