use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::facts::KNOWN;

fn params() -> BTreeMap<String, FactValue> {
    BTreeMap::from([
        ("rtt".to_owned(), FactValue::Float(0.08)),
        ("bandwidth".to_owned(), FactValue::Int(10_000_000_000)),
        ("zero".to_owned(), FactValue::Int(0)),
        ("word".to_owned(), FactValue::Text("fq".to_owned())),
        ("nan".to_owned(), FactValue::Float(f64::NAN)),
    ])
}

fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.insert("host.memory", FactValue::Int(8 << 30), "test");
    facts.insert("host.cpus", FactValue::Int(4), "test");
    facts.insert("host.name", FactValue::Text("edge-17".to_owned()), "test");
    facts.insert("host.initial_netns", FactValue::Bool(true), "test");
    facts.insert_link("eth0", "mtu", FactValue::Int(9000), "test");
    facts
}

fn outcome(text: &str) -> Result<Outcome, ExprError> {
    let (facts, params) = (facts(), params());
    compile(text)?.evaluate(&Scope { facts: &facts, link: Some("eth0"), params: &params })
}

fn value(text: &str) -> FactValue {
    match outcome(text) {
        Ok(Outcome::Known(value)) => value,
        other => panic!("{text}: {other:?}"),
    }
}

fn int(text: &str) -> i64 {
    let value = value(text);
    let FactValue::Int(number) = value else { panic!("{text}: {value:?}") };
    number
}

fn unknown(text: &str) -> String {
    match outcome(text) {
        Ok(Outcome::Unknown { fact }) => fact,
        other => panic!("{text}: {other:?}"),
    }
}

fn wrong(text: &str) -> String {
    match outcome(text) {
        Err(error) => error.message,
        Ok(other) => panic!("{text}: {other:?}"),
    }
}

#[test]
fn formula_of_the_design_has_its_value() {
    let text = "pow2(2 * bdp(known(uplink.speed, params.bandwidth), params.rtt))";
    assert_eq!(int(text), 268_435_456);
    let expression = compile(text).unwrap();
    assert_eq!(expression.references().facts, BTreeSet::from(["uplink.speed"]));
    assert_eq!(expression.references().params, BTreeSet::from(["bandwidth".to_owned(), "rtt".to_owned()]));
    assert!(!expression.references().needs_link());
    assert_eq!(expression.to_string(), text);
}

#[test]
fn whole_numbers_and_doubles_mix() {
    assert_eq!(value("params.rtt * 2"), FactValue::Float(0.16));
    assert_eq!(value("2 * params.rtt"), FactValue::Float(0.16));
    assert_eq!(value("1 + 0.5"), FactValue::Float(1.5));
    assert_eq!(value("1 == 1.0"), FactValue::Bool(true));
    assert_eq!(value("2 > 1.5 && 1 < 1.5"), FactValue::Bool(true));
    assert_eq!(int("7 / 2"), 3, "as in CEL");
    assert_eq!(value("7 / 2.0"), FactValue::Float(3.5));
    assert_eq!(int("7 % 4"), 3);
    assert_eq!(int("-7 / 2"), -3);
    assert_eq!(int("2 + 3 * 4 - (1 - 2)"), 15);
}

#[test]
fn functions_do_what_they_say() {
    assert_eq!(int("bdp(10000000000, 0.08)"), 100_000_000);
    assert_eq!(int("bdp(1, 0)"), 0);
    assert_eq!(int("pow2(0)"), 1);
    assert_eq!(int("pow2(1)"), 1);
    assert_eq!(int("pow2(3)"), 4);
    assert_eq!(int("pow2(4096)"), 4096);
    assert_eq!(int("pow2(4096.5)"), 8192);
    assert_eq!(int("pow2(-5)"), 1);
    assert_eq!(int("clamp(5, 1, 3)"), 3);
    assert_eq!(int("clamp(0, 1, 3)"), 1);
    assert_eq!(int("clamp(2, 1, 3)"), 2);
    assert_eq!(value("clamp(2, 1.0, 3)"), FactValue::Float(2.0));
    assert_eq!(int("min(3, 1, 2)"), 1);
    assert_eq!(int("max(3, 7, 2)"), 7);
    assert_eq!(value("max(1, 0.5)"), FactValue::Float(1.0), "a choice among mixed numbers is a double whichever wins");
    assert_eq!(int("int(2.9)"), 2);
    assert_eq!(int("int(-2.9)"), -2);
    assert_eq!(value("double(3)"), FactValue::Float(3.0));
}

#[test]
fn unknown_facts_matter_only_where_they_are_needed() {
    assert_eq!(unknown("uplink.speed / 8"), "uplink.speed");
    assert_eq!(int("known(uplink.speed, 5)"), 5);
    assert_eq!(int("known(uplink.speed * 2 + 1, 5)"), 5);
    assert_eq!(int("known(host.cpus, 5)"), 4);
    assert_eq!(unknown("known(uplink.speed, uplink.mtu)"), "uplink.mtu");
    assert_eq!(int("host.cpus > 2 ? 1 : uplink.mtu"), 1);
    assert_eq!(unknown("host.cpus > 2 ? uplink.mtu : 1"), "uplink.mtu");
    assert_eq!(unknown("uplink.mtu > 2 ? 1 : 1"), "uplink.mtu");
    assert_eq!(value("false && uplink.mtu > 1"), FactValue::Bool(false));
    assert_eq!(value("uplink.mtu > 1 && false"), FactValue::Bool(false));
    assert_eq!(value("uplink.mtu > 1 || true"), FactValue::Bool(true));
    assert_eq!(unknown("uplink.mtu > 1 || false"), "uplink.mtu");
    assert_eq!(unknown("min(1, uplink.mtu)"), "uplink.mtu");
}

#[test]
fn link_facts_are_those_of_the_settings_interface() {
    assert_eq!(int("link.mtu"), 9000);
    assert_eq!(value("link.name"), FactValue::Text("eth0".to_owned()));
    assert_eq!(unknown("link.speed"), "link.speed");
    let expression = compile("link.mtu").unwrap();
    assert!(expression.references().needs_link());
    let (facts, params) = (facts(), params());
    let error = expression.evaluate(&Scope { facts: &facts, link: None, params: &params }).unwrap_err();
    assert_eq!(error.message, "`link.mtu`: this setting is about no interface");
    let name = compile("link.name").unwrap().evaluate(&Scope { facts: &facts, link: Some("new0"), params: &params });
    assert_eq!(name, Ok(Outcome::Known(FactValue::Text("new0".to_owned()))));
}

#[test]
fn misspelt_names_are_refused_at_compile_time_with_a_suggestion() {
    let refused = |text: &str| {
        let error = compile(text).unwrap_err();
        (error.message, error.offset.unwrap())
    };
    assert_eq!(refused("2 * host.memry"), ("there is no fact `host.memry`: did you mean `host.memory`?".to_owned(), 4));
    assert_eq!(refused("1 + pow3(2)"), ("there is no function `pow3`: did you mean `pow2`?".to_owned(), 4));
    assert_eq!(
        refused("uplink.weather"),
        ("there is no fact `uplink.weather`: there are uplink.name, uplink.speed, uplink.mtu".to_owned(), 0)
    );
    assert_eq!(
        refused("memory"),
        ("`memory` names nothing: a formula knows host.*, link.*, uplink.* and params.*".to_owned(), 0)
    );
    assert_eq!(refused("min(1)"), ("`min` has 1 argument: write `min(a, b, …)`".to_owned(), 0));
    assert_eq!(wrong("params.rt"), "there is no parameter `rt`: did you mean `params.rtt`?");
    assert_eq!(wrong("params.flavour"), "there is no parameter `flavour`: declare it below [params]");
}

#[test]
fn types_that_never_fit_are_refused_at_compile_time() {
    let refused = |text: &str| compile(text).unwrap_err().message;
    assert_eq!(refused("host.name * 2"), "want a number, found a text");
    assert_eq!(refused("host.cpus ? 1 : 2"), "want a boolean, found a number");
    assert_eq!(
        refused("true ? 1 : 'x'"),
        "both branches of a condition must be of one kind, found a number and a text"
    );
    assert_eq!(
        refused("known(uplink.speed, 'fast')"),
        "both arguments of `known` must be of one kind, found a number and a text"
    );
    assert_eq!(refused("host.name == 1"), "both sides of `==` must be of one kind, found a text and a number");
    assert_eq!(refused("-true"), "want a number, found a boolean");
    assert_eq!(wrong("params.word * 2"), "`*` does not work on a text and a number");
    assert_eq!(wrong("params.word && true"), "want true or false, found a text `fq`: compare it with something");
    assert_eq!(wrong("pow2(params.word)"), "want a number, found a text `fq`");
    assert_eq!(value("params.word == 'fq'"), FactValue::Bool(true));
}

#[test]
fn what_does_not_fit_is_an_error_and_never_wraps() {
    assert_eq!(wrong("9223372036854775807 + 1"), "`9223372036854775807 + 1` does not fit 64 bits");
    assert_eq!(wrong("1 / params.zero"), "`1 / 0` divides by zero");
    assert_eq!(wrong("1 % params.zero"), "`1 % 0` divides by zero");
    assert_eq!(wrong("1.0 / params.zero"), "`1 / 0` divides by zero");
    assert_eq!(wrong("(-9223372036854775807 - 1) / -1"), "`-9223372036854775808 / -1` does not fit 64 bits");
    assert_eq!(wrong("-(-9223372036854775807 - 1)"), "`--9223372036854775808` does not fit 64 bits");
    assert_eq!(wrong("9223372036854775808"), "`9223372036854775808` does not fit 64 bits");
    assert_eq!(wrong("1e999"), "`1e999` does not fit 64 bits");
    assert!(wrong("1e308 * 10").ends_with("does not fit a double"));
    assert!(wrong("int(1e19)").ends_with("does not fit 64 bits"));
    assert!(wrong("pow2(4611686018427387905)").ends_with("does not fit 64 bits"));
    assert!(wrong("bdp(1e300, 1)").ends_with("does not fit 64 bits"));
    assert!(wrong("bdp(-1, 1)").contains("neither a rate nor a round trip is negative"));
    assert_eq!(wrong("clamp(1, 3, 2)"), "`clamp`: the lower bound 3 is above the upper bound 2");
    assert_eq!(wrong("params.nan + 1"), "`nan` is NaN, no number to count with");
}

#[test]
fn what_a_formula_needs_not_is_refused_before_the_parser() {
    for (text, message) in [
        ("", "an empty expression"),
        ("[1, 2]", "`[`: a formula has no lists, maps or indexing"),
        ("{1: 2}", "`{`: a formula has no lists, maps or indexing"),
        ("1 = 2", "`=` compares nothing: write `==`"),
        (
            "80ms * 2",
            "`80ms` is no number: an expression counts in plain bytes, bit/s and seconds; quantities with units belong into [params]",
        ),
        (
            "0x10",
            "`0x10` is no number: an expression counts in plain bytes, bit/s and seconds; quantities with units belong into [params]",
        ),
        ("1 // one", "comments do not stand in an expression: use those of the file"),
        ("r'x'", "`r` in front of a string: a formula knows plain strings only"),
        ("'a\\n'", "a string has no escapes and stands on one line"),
        ("'''a'''", "two strings in a row"),
        ("'a", "a string lacks its closing '"),
        ("größe", "only ASCII may stand in an expression"),
        ("1 in 2", "`in` needs a list, and a formula has none: compare with `==`"),
        ("(1", "this `(` is never closed"),
        ("1)", "this `)` closes nothing"),
        (".5", "a number begins with a digit: write `0.5`, not `.5`"),
        ("(1).a", "a point stands between two names only"),
        ("host.", "a name belongs behind the point"),
        ("host.?memory", "a name belongs behind the point"),
    ] {
        assert_eq!(wrong(text), message, "{text}");
    }
}

#[test]
fn what_is_no_formula_is_refused_by_the_parser_in_plain_words() {
    for (text, message, offset) in [
        ("1 +", "the expression ends too early", 3),
        ("1 2", "`2` does not belong here", 2),
        ("host.memory.size", "a name has two parts, such as `host.memory`", 11),
        ("has(host.memory)", "there is no `has`: write `known(fact, otherwise)`", 3),
        ("host.memory.map(x, x)", "a formula has no comprehensions", 15),
        ("host.memory.size()", "`size` is called on something: a formula has no methods", 12),
        ("true ? 1", "the expression ends too early", 8),
    ] {
        let error = compile(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.offset), (message, Some(offset)), "{text}");
    }
}

#[test]
fn long_and_deep_texts_are_refused_before_anything_recurses() {
    assert!(wrong(&format!("1{}", " ".repeat(LONGEST))).contains("at most 512 bytes"));
    for deep in [
        format!("{}1{}", "(".repeat(200), ")".repeat(200)),
        format!("{}1", "-".repeat(300)),
        format!("{}true", "!".repeat(300)),
        "-(".repeat(20) + "1" + &")".repeat(20),
        "true?1:".repeat(40) + "1",
        "pow2(".repeat(40) + "1" + &")".repeat(40),
    ] {
        assert!(wrong(&deep).contains("levels deep"), "{deep}");
    }
    assert!(wrong(&("1+".repeat(200) + "1")).contains("more than 64 operators"));
    assert_eq!(int(&("1+".repeat(MOST_OPERATORS) + "1")), 65);
    assert_eq!(int(&format!("{}7{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST))), 7);
}

/// The worst that passes the scan must leave room on the 2 MiB that a thread has.
#[test]
fn the_deepest_expression_leaves_room_on_the_stack_of_a_thread() {
    let deepest = [
        format!("{}7{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST)),
        "true?1:".repeat(DEEPEST) + "1",
        "1+".repeat(MOST_OPERATORS) + "1",
        "1>".repeat(MOST_OPERATORS) + "1",
        "true&&".repeat(MOST_OPERATORS) + "true",
        "max(1,".repeat(DEEPEST) + "2" + &")".repeat(DEEPEST),
    ];
    let results = on_smaller_stack(move || deepest.iter().map(|text| outcome(text).is_ok()).collect::<Vec<_>>());
    assert_eq!(results, [true, true, true, false, true, true], "a comparison of a comparison has no value");
}

fn on_smaller_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(1792 << 10).spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_whole_double_is_a_scalar_and_a_fraction_is_not() {
    assert_eq!(scalar(&FactValue::Float(160.0)), Ok(Scalar::Int(160)));
    assert_eq!(scalar(&FactValue::Bool(true)), Ok(Scalar::Int(1)));
    assert_eq!(
        scalar(&FactValue::Float(0.16)).unwrap_err().message,
        "the value 0.16 is no whole number: write `int(…)` to cut the fraction off"
    );
    assert!(scalar(&FactValue::Float(1e19)).is_err());
    assert!(scalar(&FactValue::Float(f64::NAN)).is_err());
}

#[test]
fn sample_hosts_know_only_facts_that_there_are() {
    let hosts = sample_hosts();
    assert!(hosts.len() > 5);
    for (host, facts) in &hosts {
        for name in facts.values.keys() {
            assert!(KNOWN.iter().any(|fact| fact.name == name), "{host}: {name}");
        }
        for name in facts.links.values().flat_map(BTreeMap::keys) {
            assert!(KNOWN.iter().any(|fact| fact.name == format!("link.{name}")), "{host}: {name}");
        }
    }
    assert!(hosts.iter().any(|(_, facts)| facts.get("uplink.speed").is_none() && facts.get("uplink.name").is_some()));
    assert!(hosts.iter().any(|(_, facts)| facts.get("uplink.name").is_none()));
    assert!(hosts.iter().any(|(_, facts)| facts.int("host.kernel_version") < Some(6006)));
}

/// Whole numbers and operators as an author might join them; most have a value.
fn arithmetic() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        9 => (0..1_000_000i64).prop_map(|number| number.to_string()),
        1 => Just("9223372036854775807".to_owned()),
    ];
    let numbers = leaf.prop_recursive(3, 16, 5, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        prop_oneof![
            3 => (inner.clone(), operator, inner.clone()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            1 => (inner.clone(), comparison(), inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, operator, b, yes, no)| format!("({a} {operator} {b} ? {yes} : {no})")),
            1 => inner.prop_map(|a| format!("-{a}")),
        ]
    });
    let decision = (numbers.clone(), comparison(), numbers.clone(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(a, operator, b, and, negate, third)| {
            let joint = if and { "&&" } else { "||" };
            let not = if negate { "!" } else { "" };
            format!("{not}({a} {operator} {b}) {joint} {third}")
        });
    prop_oneof![numbers, decision]
}

fn comparison() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

/// Tokens in any order: what the scan lets pass reaches the parser's error recovery.
fn token_soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "1",
        "2.5",
        "'x'",
        "true",
        "(",
        ")",
        ",",
        "?",
        ":",
        "+",
        "-",
        "!",
        "*",
        "/",
        "%",
        "==",
        "&&",
        "||",
        "<",
        "host",
        ".",
        "memory",
        "host.memory",
        "params.rtt",
        "uplink.speed",
        "pow2",
        "known",
        "has",
        "all",
        "x",
        "as",
        "\n",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = outcome(&text);
    }

    #[test]
    fn no_order_of_tokens_panics_and_every_error_has_a_place_in_the_text(text in token_soup()) {
        if let Err(error) = outcome(&text) {
            prop_assert!(error.offset.is_some_and(|at| at <= text.len()), "{text}: {error:?}");
        }
    }

    #[test]
    fn evaluation_is_deterministic(text in prop_oneof![arithmetic(), token_soup()]) {
        prop_assert_eq!(outcome(&text), outcome(&text));
    }

    /// Where numbers do not mix, the interpreter of the `cel` crate is the oracle.
    #[test]
    fn means_what_cel_means(text in arithmetic()) {
        let Ok(Outcome::Known(ours)) = outcome(&text) else { return Ok(()) };
        let theirs = cel::Program::compile(&text).unwrap().execute(&cel::Context::default());
        let ours = match ours {
            FactValue::Bool(yes) => cel::Value::Bool(yes),
            FactValue::Int(number) => cel::Value::Int(number),
            FactValue::Float(number) => cel::Value::Float(number),
            FactValue::Text(text) => cel::Value::String(text.into()),
        };
        prop_assert_eq!(theirs, Ok(ours), "{}", text);
    }
}
