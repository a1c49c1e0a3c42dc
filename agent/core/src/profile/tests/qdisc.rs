//! `[link.qdisc]`: its grammar, and what it means on a host.

use super::World;
use super::one;
use crate::facts::FactValue;
use crate::facts::Facts;

/// One section with these lines behind its header.
fn qdisc(lines: &str) -> World {
    one(&format!("[[link]]\nmatch = \"eth0\"\n{lines}"))
}

fn on(world: &World) -> Vec<String> {
    let mut facts = Facts::default();
    facts.insert_link("eth0", "speed", FactValue::Int(10_000_000_000), "test");
    world.settings(&facts, &["eth0"])
}

#[test]
fn the_documented_section_says_what_it_seems_to_say() {
    let source = include_str!("../link/qdisc.rs");
    let block = source.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> = block.lines().map(|line| line.trim_start_matches("//!").trim_start()).collect();
    let world = one(&lines.join("\n"));
    assert_eq!(world.problems(), [""; 0]);
    let preferred = "prefer (cake bandwidth 9500mbit rtt 50ms take on) (fq_codel take on)";
    assert_eq!(on(&world), [format!("eth0/root = {preferred}  p.toml:4")]);
}

#[test]
fn options_have_one_spelling() {
    for (lines, said) in [
        ("qdisc = \"fq\"", "(fq)"),
        ("[link.qdisc.fq]\nmaxrate = \"10mbps\"\npacing = false", "(fq maxrate 80mbit pacing off)"),
        ("qdisc.bfifo.limit = \"64kb\"", "(bfifo limit 65536)"),
        (
            "qdisc = { prio = { priomap = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] } }",
            "(prio priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1)",
        ),
        (
            "qdisc.tbf = { rate = { expr = \"link.speed / 10\" }, latency = { expr = \"0.02\" } }",
            "(tbf latency 20ms rate 1gbit)",
        ),
        ("qdisc.netem = { loss = \"0.5%\", delay = \"10ms\" }", "(netem delay 10ms loss 0.5%)"),
    ] {
        let world = qdisc(lines);
        assert_eq!(world.problems(), [""; 0], "{lines}");
        let settings = on(&world);
        assert!(settings[0].starts_with(&format!("eth0/root = {said}  ")), "{lines}: {settings:?}");
    }
}

#[test]
fn what_no_kernel_could_do_is_refused_at_its_place() {
    for (lines, problem) in [
        ("qdisc = \"fqq\"", "3:9 unknown-key"),
        ("[link.qdisc.fq]\nmaxrat = \"1gbit\"", "did you mean `maxrate`?"),
        ("qdisc.tbf.rate = \"0mbit\"", "a rate of zero lets nothing through"),
        ("qdisc.tbf.rate = \"15kb\"", "`15kb` is no rate"),
        ("qdisc.tbf.burst = \"15kb\"", "a tbf needs a rate"),
        ("qdisc.tbf = { rate = \"1mbit\", limit = 9, latency = \"1ms\" }", "both are too much"),
        ("qdisc.tbf = { rate = \"1mbit\", mtu = 9000 }", "`mtu` is the burst of `peakrate`"),
        ("qdisc.fq_codel.target = 5", "5 has no unit"),
        ("qdisc.fq_codel.flows = 0", "0 is outside 1..65536"),
        ("qdisc.cake.diffserv = \"diffserv5\"", "did you mean `diffserv3`?"),
        ("qdisc.netem.loss = \"101%\"", "101% is outside 0%..100%"),
        ("qdisc.prio.priomap = [1, 2]", "it is 16 numbers, found 2"),
        ("qdisc = { fq = {}, cake = {} }", "`fq` and `cake` cannot both be at the root"),
        ("qdisc = { prefer = [\"fq\"], cake = {} }", "`cake` is not in `prefer`"),
        ("qdisc = { prefer = [\"fq\", \"fq\"] }", "`fq` is named twice"),
        ("qdisc = { prefer = [] }", "needs at least one member"),
        ("qdisc = { prefer = [\"tbf\"] }", "a tbf needs a rate"),
        ("qdisc = {}", "it names no kind"),
        ("qdisc = 7", "`qdisc` wants a string"),
        ("qdisc.fq = 7", "`fq` wants a table"),
        ("qdisc = { fq = {}, take = \"yes\" }", "`take` wants true or false"),
    ] {
        let problems = qdisc(lines).problems();
        assert!(problems.iter().any(|told| told.contains(problem)), "{lines}: {problems:?}");
    }
}

#[test]
fn a_formula_that_gives_what_no_kernel_takes_is_refused_on_the_host() {
    let world = qdisc("qdisc.tbf.rate = { expr = \"link.speed - link.speed\" }");
    assert_eq!(world.problems(), [""; 0]);
    let mut facts = Facts::default();
    facts.insert_link("eth0", "speed", FactValue::Int(8), "test");
    let problems = world.host_problems(&facts, &["eth0"]);
    assert!(problems[0].contains("a rate of zero"), "{problems:?}");
    assert!(world.resolve(&Facts::default(), &["eth0"]).desired.settings.values().all(|setting| {
        matches!(&setting.want, crate::desired::Want::Undecided { fact, .. } if fact == "link.speed")
    }));
}

#[test]
fn who_is_stronger_has_the_whole_root() {
    let world = World::default()
        .profile("base", "[[link]]\nmatch = \"eth0\"\nqdisc.fq.maxrate = \"1gbit\"\n")
        .profile("role", "include = [\"base\"]\n[[link]]\nmatch = \"eth*\"\nqdisc = \"fq_codel\"\n")
        .roles(&["role"])
        .set("tc:eth0/root={ pfifo = { limit = 7 } }");
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(on(&world), ["eth0/root = (pfifo limit 7)  --set"]);
    let equals = World::default()
        .profile("a", "[[link]]\nmatch = \"eth0\"\nqdisc.fq.maxrate = \"1gbit\"\n")
        .profile("b", "[[link]]\nmatch = \"eth0\"\nqdisc.fq.maxrate = \"1000mbit\"\n")
        .profile("c", "[[link]]\nmatch = \"eth0\"\nqdisc.fq.maxrate = \"2gbit\"\n");
    assert_eq!(equals.clone().roles(&["a", "b"]).problems(), [""; 0]);
    assert_eq!(on(&equals.clone().roles(&["a", "b"])).len(), 1);
    let disagree = equals.roles(&["a", "c"]).host_problems(&Facts::default(), &["eth0"]);
    assert!(disagree[0].contains("tc:eth0/root: equals disagree"), "{disagree:?}");
    for set in ["tc:eth0/rot=fq", "tc:eth0=fq", "tc:a b/root=fq", "tc:kinds=fq"] {
        assert_ne!(World::default().set(set).problems(), [""; 0], "{set}");
    }
}

fn htb(classes: &str) -> World {
    qdisc(&format!("[link.qdisc.htb]\ndefault = 10\n[link.qdisc.htb.class]\n{classes}"))
}

#[test]
fn the_documented_classes_say_what_they_seem_to_say() {
    let source = include_str!("../link/classes.rs");
    let block = source.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> = block.lines().map(|line| line.trim_start_matches("//!").trim_start()).collect();
    let world = one(&lines.join("\n"));
    assert_eq!(world.problems(), [""; 0]);
    let tree = "htb default 20 (class 1 rate 1gbit (class 10 ceil 1gbit rate 600mbit (fq_codel), class 20 rate 400mbit (pfifo limit 100)))";
    assert_eq!(on(&world), [format!("eth0/root = ({tree})  p.toml:4")]);
}

#[test]
fn classes_that_no_tree_could_have_are_refused() {
    for (classes, problem) in [
        ("10 = { rate = 0 }", "a rate of zero"),
        ("10 = {}", "class 10: a class of htb needs a rate"),
        ("10 = { rate = \"2mbit\", ceil = \"1mbit\" }", "its ceil 1mbit is below its rate 2mbit"),
        ("10 = { rate = \"1mbit\", parent = 5 }", "there is no class 5 that class 10 could be below"),
        ("10 = { rate = \"1mbit\", parent = 10 }", "class 10 is below itself"),
        ("10 = { rate = \"1mbit\", parent = 11 }\n11 = { rate = \"1mbit\", parent = 10 }", "is below itself"),
        ("20 = { rate = \"1mbit\" }", "`default` is class 10, which is not there"),
        ("10 = { rate = \"1mbit\" }\n11 = { rate = \"1mbit\", parent = 10 }", "which has classes below it"),
        ("10 = { rate = \"1mbit\" }\n\":10\" = { rate = \"1mbit\" }", "class 10 is there twice"),
        ("0 = { rate = \"1mbit\" }", "`0` is no minor number of a class"),
        ("10000 = { rate = \"1mbit\" }", "`10000` is no minor number of a class"),
        ("10 = { rat = \"1mbit\" }", "did you mean `rate`?"),
        ("10 = { rate = \"1mbit\", leaf = \"fqq\" }", "is called `fqq`"),
        ("10 = { rate = \"1mbit\", leaf = \"mq\" }", "mq cannot be attached to a class"),
        ("10 = { rate = \"1mbit\", leaf = { fq = {}, pfifo = {} } }", "`leaf` is one kind"),
        ("10 = 7", "a class wants a table"),
    ] {
        let problems = htb(classes).problems();
        assert!(problems.iter().any(|told| told.contains(problem)), "{classes}: {problems:?}");
    }
    assert!(qdisc("qdisc = \"htb\"").problems()[0].contains("an htb without classes shapes nothing"));
    assert!(qdisc("qdisc.prio.class.1.rate = 7").problems()[0].contains("a class of prio has no `rate`"));
    assert!(qdisc("qdisc.pfifo.class.1.leaf = \"fq\"").problems()[0].contains("pfifo has no option `class`"));
    let deep: Vec<String> = (1..=9).map(|n| format!("{n} = {{ rate = 8, parent = {} }}", n + 1)).collect();
    let deep = format!("10 = {{ rate = 8 }}\n{}", deep.join("\n"));
    assert!(qdisc(&format!("[link.qdisc.htb.class]\n{deep}")).problems()[0].contains("deeper than the 8 levels"));
}

#[test]
fn a_ceiling_by_formula_is_held_against_the_rate_on_the_host() {
    let world = htb("10 = { rate = \"20gbit\", ceil = { expr = \"link.speed\" } }");
    assert_eq!(world.problems(), [""; 0]);
    let mut facts = Facts::default();
    facts.insert_link("eth0", "speed", FactValue::Int(10_000_000_000), "test");
    let problems = world.host_problems(&facts, &["eth0"]);
    assert!(problems[0].contains("its ceil 10gbit is below its rate 20gbit"), "{problems:?}");
}
