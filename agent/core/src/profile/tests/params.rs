use super::World;
use super::one;
use crate::facts::FactValue;
use crate::facts::Facts;

const USES: &str = "[sysctl]\nnet.core.somaxconn = { expr = 'params.n' }";

fn value(world: &World, name: &str) -> (FactValue, String) {
    let bundle = world.load().bundle.unwrap();
    let param = &bundle.params[name];
    (param.value.clone(), param.origin.to_string())
}

#[test]
fn defaults_are_quantities_numbers_and_words() {
    let world =
        one("[params]\nrtt = '80ms'\nrate = '10gbit'\nsize = '64MiB'\nn = 2000\nf = 1.5\nword = 'bbr'\nyes = true");
    let values: Vec<FactValue> =
        ["rtt", "rate", "size", "n", "f", "word", "yes"].iter().map(|name| value(&world, name).0).collect();
    assert_eq!(
        values,
        [
            FactValue::Float(0.08),
            FactValue::Int(10_000_000_000),
            FactValue::Int(64 << 20),
            FactValue::Int(2000),
            FactValue::Float(1.5),
            FactValue::Text("bbr".into()),
            FactValue::Bool(true),
        ]
    );
}

#[test]
fn the_includer_beats_the_included_the_host_beats_both_and_an_argument_beats_all() {
    let world = World::default()
        .profile("a", "include = ['b']\n[params]\nn = 2")
        .profile("b", &format!("[params]\nn = 1\n{USES}"))
        .roles(&["a"]);
    assert_eq!(value(&world, "n"), (FactValue::Int(2), "a.toml:3".into()));
    assert_eq!(world.settings(&Facts::default(), &[]), ["net.core.somaxconn = 2  b.toml:4"]);
    let world = world.host("[params]\nn = 3");
    assert_eq!(value(&world, "n"), (FactValue::Int(3), "host.toml:2".into()));
    let world = world.param("n=4");
    assert_eq!(value(&world, "n"), (FactValue::Int(4), "--param".into()));
}

#[test]
fn an_undeclared_parameter_is_an_error_wherever_it_is_set() {
    let world = one("[params]\nround_trip = '80ms'");
    assert_eq!(
        world.clone().param("round_trp=1ms").problems(),
        ["--param:1:1 undeclared-param no profile declares the parameter `round_trp`; did you mean `round_trip`?"]
    );
    assert_eq!(
        world.clone().host("[params]\nx = 1").problems(),
        ["host.toml:2:1 undeclared-param no profile declares the parameter `x`; there are: round_trip"]
    );
    assert_eq!(
        world.param("nonsense").problems(),
        ["--param:1:1 argument want NAME=VALUE, found no `=`; as in --param rtt=80ms"]
    );
}

#[test]
fn an_undeclared_parameter_in_a_formula_is_an_error_inside_the_string() {
    assert_eq!(
        one("[params]\nrtt = '80ms'\n[sysctl]\nnet.core.somaxconn = { expr = '1 + params.rt' }").problems(),
        ["p.toml:4:36 undeclared-param no profile declares the parameter `rt`; did you mean `params.rtt`?"]
    );
}

#[test]
fn what_a_missing_include_may_declare_is_not_missed() {
    let problems = one(&format!("include = ['gone']\n{USES}")).problems();
    assert!(problems.len() == 1 && problems[0].contains("missing-profile"), "{problems:?}");
}

#[test]
fn the_host_file_may_set_what_profiles_of_other_roles_declare() {
    let host = "profiles = ['a']\n[params]\nn = 3\n[namespace.blue]\nprofiles = ['b']\nparams.m = 5";
    let world =
        World::default().profile("a", "[params]\nn = 1").profile("b", "[params]\nm = 1").profile("c", "").host(host);
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(world.clone().roles(&["c"]).problems(), [""; 0]);
    let blue = world.netns("blue");
    assert_eq!(blue.problems(), [""; 0]);
    assert_eq!(value(&blue, "m").0, FactValue::Int(5));
}

#[test]
fn overrides_have_the_type_of_the_default() {
    let world = one("[params]\nrtt = '80ms'\nn = 5\nword = 'x'\nyes = true");
    assert_eq!(value(&world.clone().param("rtt=0.1"), "rtt").0, FactValue::Float(0.1));
    assert_eq!(value(&world.clone().param("rtt=120ms"), "rtt").0, FactValue::Float(0.12));
    assert_eq!(value(&world.clone().param("n=1k"), "n").0, FactValue::Int(1024));
    assert_eq!(value(&world.clone().param("word=10"), "word").0, FactValue::Text("10".into()));
    for (argument, wanted) in [
        ("rtt=fast", "parameter `rtt`: `fast` is no number or quantity"),
        ("rtt=10gbit", "parameter `rtt`: `10gbit` is another kind of quantity than the default `80ms`"),
        ("yes=1", "parameter `yes`: wants a value like the default `true`, found `1`"),
        ("n=true", "parameter `n`: wants a value like the default `5`, found `true`"),
    ] {
        let problems = world.clone().param(argument).problems();
        assert!(problems.len() == 1 && problems[0].contains(wanted), "{problems:?}");
    }
}

#[test]
fn equals_must_agree_on_a_default_unless_somebody_settles_it() {
    let world = World::default().profile("a", "[params]\nn = 1").profile("b", "[params]\nn = 2").roles(&["b", "a"]);
    assert_eq!(
        world.problems(),
        ["a.toml:2:5 conflict parameter `n`: equals disagree on its default: a.toml:2 says `1`, b.toml:2 says `2`; \
             set it in the host file, or declare it in a profile that includes both"]
    );
    assert_eq!(world.param("n=3").problems(), [""; 0]);
}

#[test]
fn names_that_no_expression_could_speak_of_are_refused() {
    for name in ["RTT", "\"a-b\"", "\"1a\"", "\"\"", "\"a.b\""] {
        let problems = one(&format!("[params]\n{name} = 1")).problems();
        assert!(problems.len() == 1 && problems[0].contains(" bad-name "), "{problems:?}");
    }
    assert_eq!(
        one("[params]\nn = [1]\na.b = 1").problems(),
        [
            "p.toml:2:5 wrong-type `n` wants a number, a boolean or a string such as \"80ms\", found an array",
            "p.toml:3:1 wrong-type `a` wants a number, a boolean or a string such as \"80ms\", found a table",
        ]
    );
}
