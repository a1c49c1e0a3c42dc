use proptest::prelude::*;
use trimtab_core::kind::tc::filters;
use trimtab_core::kind::tc::qdiscs;
use trimtab_core::kind::tc::scalar;
use trimtab_core::policy::Scalar;
use trimtab_core::tree::Tree;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::qdisc::Kind;
use trimtab_netlink::tc::qdisc::Qdisc;

use super::make;
use super::show;
use super::steps;
use crate::testing::run;

fn shown(kind: &Kind) -> Tree {
    Tree { scalars: show::options(kind).0, ..Tree::new(kind.name()) }
}

/// Any tree of a kind whose options have the shapes that the rules give them.
fn trees() -> impl Strategy<Value = Tree> {
    prop::sample::select(qdiscs::ALL).prop_flat_map(|qdisc| {
        let options: Vec<_> =
            qdisc.options.iter().map(|option| (Just(option), prop::option::of(scalars(option.shape)))).collect();
        options.prop_map(move |options| {
            let said = options.into_iter().filter_map(|(option, scalar)| Some((option.name.to_owned(), scalar?)));
            Tree { scalars: said.collect(), ..Tree::new(qdisc.kind) }
        })
    })
}

fn scalars(shape: scalar::Shape) -> BoxedStrategy<Scalar> {
    use scalar::Shape;
    match shape {
        Shape::Count { min, max } => (min..=max).prop_map(Scalar::Int).boxed(),
        // A burst of more than 32 bits of ticks would be another.
        Shape::Bytes { min, max } => (min..=max.min(1 << 20)).prop_map(Scalar::Int).boxed(),
        Shape::Rate { max } => (1_000_000..=max.min(4_000_000_000)).prop_map(scalar::of_rate).boxed(),
        Shape::Time { step, max } => (0..=max.min(1 << 41) / step).prop_map(move |n| scalar::of_time(n * step)).boxed(),
        Shape::Switch => any::<bool>().prop_map(scalar::of_switch).boxed(),
        Shape::Word(words) => prop::sample::select(words).prop_map(|word| Scalar::Text(word.to_owned())).boxed(),
        Shape::Chance => any::<u32>().prop_map(scalar::of_chance).boxed(),
        // Bytes in some, which all have room for.
        Shape::Numbers { count, max } => {
            prop::collection::vec(0..=max.min(255), count).prop_map(|numbers| scalar::of_numbers(&numbers)).boxed()
        }
        Shape::Minor => any::<u16>().prop_map(scalar::of_minor).boxed(),
        Shape::Mark => any::<u32>().prop_map(|mark| scalar::of_mark(mark, u32::MAX)).boxed(),
        Shape::Dscp => (0_u8..64).prop_map(scalar::of_dscp).boxed(),
        Shape::Protocol => any::<u8>().prop_map(scalar::of_protocol).boxed(),
        Shape::Prefix => {
            any::<u32>().prop_map(|bits| Scalar::Text(format!("{}/32", std::net::Ipv4Addr::from(bits)))).boxed()
        }
        Shape::Ports => {
            (1_u16.., 0_u16..9).prop_map(|(port, more)| scalar::of_ports(port, port.saturating_add(more))).boxed()
        }
        Shape::Opaque => any::<Vec<u8>>().prop_map(|bytes| scalar::of_bytes(&bytes)).boxed(),
    }
}

proptest! {
    #[test]
    fn what_is_asked_for_is_what_is_shown(tree in trees()) {
        let kind = make::kind(&tree).unwrap();
        let shown = shown(&kind);
        let qdisc = qdiscs::of_kind(&tree.word).unwrap();
        for (name, scalar) in &tree.scalars {
            // A peak comes with both its numbers, and models of loss exclude each other.
            let alone = match name.as_str() {
                "mtu" if tree.word == "tbf" => !tree.scalars.contains_key("peakrate"),
                "loss_gemodel" => tree.scalars.contains_key("loss_state"),
                "red" => scalar.to_string().starts_with("0 "),
                _ => false,
            };
            let unlimited = name == "ce_threshold" && tree.word == "fq";
            prop_assert!(alone || unlimited || shown.scalars.get(name) == Some(scalar), "{}: {} {}", name, tree, shown);
        }
        for (name, scalar) in &shown.scalars {
            let option = qdisc.option(name);
            let Some(option) = option else { return Err(TestCaseError::fail(format!("{name} of {} is unheard of", qdisc.kind))) };
            let is_zero = matches!(scalar, Scalar::Int(0)) || scalar.to_string() == "0bit";
            prop_assert!(is_zero || option.shape.canonical(scalar).as_ref() == Ok(scalar), "{}: {}", name, scalar);
        }
    }

    #[test]
    fn any_scalar_in_any_place_is_survived(kind in "[a-z_]{0,12}", name in "[a-z_]{0,12}", text in ".{0,12}", number: i64) {
        for scalar in [Scalar::Text(text), Scalar::Int(number)] {
            for word in qdiscs::ALL.iter().map(|qdisc| qdisc.kind).chain([kind.as_str()]) {
                let names = qdiscs::of_kind(word).into_iter().flat_map(|qdisc| qdisc.options).map(|option| option.name);
                for name in names.chain([name.as_str(), "handle", "options"]) {
                    let tree = Tree { scalars: [(name.to_owned(), scalar.clone())].into(), ..Tree::new(word) };
                    let _ = (make::kind(&tree), make::handle(&tree), steps(1, &Tree::new("noqueue"), &tree));
                }
            }
        }
    }
}

fn qdisc(parent: Handle, handle: Handle, kind: Kind) -> Qdisc {
    Qdisc {
        interface: 3,
        parent,
        handle,
        kind,
        is_offloaded: false,
        ingress_block: None,
        egress_block: None,
        has_size_table: false,
        statistics: trimtab_netlink::tc::Statistics::default(),
    }
}

#[test]
fn what_the_kernel_attached_below_is_not_shown_and_what_others_did_is() {
    let fast = |queue| qdisc(Handle::new(0, queue), Handle::NONE, Kind::PfifoFast);
    let all = [
        qdisc(Handle::ROOT, Handle::NONE, Kind::Mq),
        fast(1),
        qdisc(Handle::new(0, 2), Handle::new(0x8001, 0), Kind::Bfifo(Default::default())),
        qdisc(Handle::INGRESS, Handle::INGRESS_QDISC, Kind::Clsact),
    ];
    let attached = show::Attached { qdiscs: all.iter().collect(), ..show::Attached::default() };
    let root = show::root(&attached).unwrap();
    assert_eq!(root.to_string(), "mq (class 2 (bfifo handle 8001:))");
    assert_eq!(show::root(&show::Attached::default()), None);
}

#[test]
fn it_takes_the_fewest_steps() {
    let tree = |text: &str| {
        let mut words = text.split(' ');
        let mut tree = Tree::new(words.next().unwrap());
        tree.scalars.extend(words.map(|word| {
            let (name, scalar) = word.split_once('=').unwrap();
            (name.to_owned(), scalar.parse().map_or_else(|_| Scalar::Text(scalar.to_owned()), Scalar::Int))
        }));
        tree
    };
    for (now, to, what) in [
        ("noqueue", "pfifo handle=7474: limit=5", vec!["replace pfifo 7474:"]),
        ("pfifo handle=7474: limit=5", "pfifo handle=7474: limit=6", vec!["change pfifo 7474:"]),
        ("sfq handle=7474: limit=5", "sfq handle=7475: limit=6", vec!["replace sfq 7475:"]),
        ("pfifo handle=1: limit=5", "bfifo handle=1: limit=6", vec!["delete qdisc 1:", "add bfifo 1:"]),
        ("pfifo handle=7474: limit=5", "noqueue", vec!["delete qdisc 7474:"]),
        ("mq", "noqueue", vec![]),
    ] {
        let said: Vec<String> =
            steps(3, &tree(now), &tree(to)).unwrap().iter().flatten().map(|request| format!("{request:?}")).collect();
        assert_eq!(said.len(), what.len(), "{now} -> {to}: {said:?}");
        assert!(said.iter().zip(&what).all(|(said, what)| said.contains(what)), "{now} -> {to}: {said:?}");
    }
}

/// Classes of one parent, below each of which there may be more, their minor numbers still to be given.
fn classes() -> impl Strategy<Value = Vec<Tree>> {
    let numbers = || (1_u64..50, 0_u64..50, 0_i64..8, prop::option::of(1_i64..100));
    let one = move |children: Vec<Tree>| {
        numbers().prop_map(move |(rate, more, prio, leaf)| {
            let mut tree = Tree { children: children.clone(), ..Tree::new("class") };
            let mut put = |name: &str, scalar| drop(tree.scalars.insert(name.to_owned(), scalar));
            put("rate", scalar::of_rate(rate * 125_000));
            put("ceil", scalar::of_rate((rate + more) * 125_000));
            put("burst", Scalar::Int(5000));
            put("cburst", Scalar::Int(6000));
            put("prio", Scalar::Int(prio));
            if let Some(limit) = leaf.filter(|_| tree.children.is_empty()) {
                let kind = if limit % 2 == 0 { "pfifo" } else { "bfifo" };
                tree.children
                    .push(Tree { scalars: [("limit".to_owned(), Scalar::Int(limit))].into(), ..Tree::new(kind) });
            }
            tree
        })
    };
    let leaves = prop::collection::vec(one(Vec::new()), 1..5);
    leaves.prop_recursive(3, 20, 4, move |inner| prop::collection::vec(inner.prop_flat_map(one), 1..4))
}

/// A tree of these classes, of which some have the numbers of others of another tree.
fn numbered(classes: Vec<Tree>, step: u16, handle: &str) -> Tree {
    fn number(trees: &mut [Tree], next: &mut u16, step: u16) {
        for tree in trees.iter_mut().filter(|tree| tree.word == "class") {
            tree.word = qdiscs::class_word(*next);
            *next += step;
            number(&mut tree.children, next, step);
        }
    }
    let mut root = Tree { children: classes, ..Tree::new("htb") };
    root.scalars.insert("handle".to_owned(), Scalar::Text(handle.to_owned()));
    root.scalars.insert("default".to_owned(), scalar::of_minor(0));
    number(&mut root.children, &mut 1, step);
    let mut leaves = Vec::new();
    fn leaves_of(tree: &Tree, leaves: &mut Vec<u16>) {
        let is_class = |tree: &&Tree| qdiscs::minor_of(&tree.word).is_some();
        leaves.extend(qdiscs::minor_of(&tree.word).filter(|_| !tree.children.iter().any(|child| is_class(&child))));
        tree.children.iter().for_each(|child| leaves_of(child, leaves));
    }
    leaves_of(&root, &mut leaves);
    // Rules that lead into them, by turns of several kinds.
    for (rule, class) in (1_u16..).zip(leaves) {
        let mut tree = filters::rule(rule, class);
        let mut put = |name: &str, scalar| drop(tree.scalars.insert(name.to_owned(), scalar));
        match rule % 3 {
            0 => put("dscp", scalar::of_dscp(u8::try_from(class % 64).unwrap())),
            1 => put("src", Scalar::Text("2001:db8::/33".to_owned())),
            _ => {
                put("protocol", scalar::of_protocol(17));
                put("dport", scalar::of_ports(class, class + step));
            }
        }
        root.children.push(tree);
    }
    root
}

#[test]
fn any_tree_becomes_any_other_and_converges_at_once() {
    use trimtab_core::kind::Rules;
    crate::testing::in_new_netns("any_tree_becomes_any_other_and_converges_at_once", || {
        run("sh", &["-ec", "ip link add v0 type veth peer name v1; ip link set v0 up"]);
        let address: trimtab_core::address::Address = "tc:v0/root".parse().unwrap();
        let trimtab_core::address::Object::Tc(key) = &address.object else { panic!("{address}") };
        let tc = std::cell::RefCell::new(super::Tc::default());
        let mut runner =
            proptest::test_runner::TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
        let pairs = (classes(), classes(), 1_u16..3);
        let outcome = runner.run(&pairs, |(first, second, step)| {
            for tree in [numbered(first, 1, "7474:"), numbered(second, step, "7474:")] {
                let wanted = trimtab_core::value::Value::Tree(Box::new(tree.clone()));
                tc.borrow_mut().write(&[(address.clone(), wanted.clone())], None).unwrap();
                let Some(trimtab_core::observed::Reading::Typed { value: found, .. }) =
                    tc.borrow_mut().read(&[key]).pop()
                else {
                    panic!("no root")
                };
                let rules = trimtab_core::kind::tc::TcRules;
                prop_assert!(
                    rules.equivalent(&address, &wanted, &found, &Default::default()),
                    "{:#?}\n{:#?}",
                    wanted,
                    found
                );
                // Of what is there nothing is to be done again.
                let found = found.as_tree().unwrap();
                prop_assert_eq!(steps(1, found, found).unwrap().len(), 0);
            }
            Ok(())
        });
        outcome.unwrap();
    });
}
