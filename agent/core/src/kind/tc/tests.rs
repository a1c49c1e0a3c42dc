use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::handle;
use super::qdiscs;
use super::same;
use super::scalar::Shape;
use crate::address::Address;
use crate::address::TcKey;
use crate::facts::Facts;
use crate::host::HostId;
use crate::host::NetnsId;
use crate::kind::Decision;
use crate::kind::Rules;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::kind::tc::TcRules;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::tree::Tree;
use crate::value::Value;

/// `tbf rate=10mbit burst=3000`.
fn tree(text: &str) -> Tree {
    let mut words = text.split(' ');
    let mut tree = Tree::new(words.next().unwrap());
    for word in words {
        let (name, scalar) = word.split_once('=').unwrap();
        let scalar = scalar.parse().map_or_else(|_| Scalar::Text(scalar.to_owned()), Scalar::Int);
        tree.scalars.insert(name.to_owned(), scalar);
    }
    tree
}

fn value(tree: Tree) -> Value {
    Value::Tree(Box::new(tree))
}

fn root() -> Address {
    "tc:eth0/root".parse().unwrap()
}

fn one(tree: Tree) -> Policy {
    Policy::Value(Wanted::Tree(Box::new(tree)))
}

/// What is decided on a host of these kinds, whose interface has this MTU.
fn decide(policy: &Policy, current: Tree, kinds: &[&str], mtu: i64) -> Decision {
    let netns = NetnsId { cookie: 1, initial: true, name: None };
    let host = HostId { name: "test".into(), boot_id: "test".into(), kernel: "6.12".into(), netns };
    let (facts, interfaces, addressed) = (Facts::default(), BTreeSet::new(), BTreeSet::new());
    let kinds = Value::Words(kinds.iter().map(|kind| (*kind).to_owned()).collect());
    let observed = BTreeMap::from([
        (Address::tc(TcKey::Kinds), Observed::Value { value: kinds, writable: false }),
        ("link:eth0/mtu".parse().unwrap(), Observed::Value { value: Value::Int(mtu), writable: true }),
    ]);
    let world = World::new(&host, &facts, &interfaces, &addressed, &observed);
    TcRules.decide(&root(), policy, &value(current), &world)
}

fn written(decision: Decision) -> String {
    match decision {
        Decision::Write(Value::Tree(tree)) => tree.to_string(),
        other @ (Decision::Write(_)
        | Decision::Satisfied
        | Decision::Blocked(_)
        | Decision::Lacking(_)
        | Decision::Conflict(_)) => panic!("{other:?}"),
    }
}

const ALL: &[&str] = &["fq", "fq_codel", "cake", "tbf", "sfq", "netem", "prio", "htb"];

#[test]
fn a_bucket_lets_whole_frames_through_and_timers_be_late() {
    let bucket = |text: &str, mtu| written(decide(&one(tree(text)), Tree::new("noqueue"), ALL, mtu));
    assert_eq!(bucket("tbf rate=1mbit", 1500), "tbf burst 3028 handle 7474: limit 9278 rate 1mbit");
    assert_eq!(bucket("tbf rate=10gbit", 1500), "tbf burst 1250000 handle 7474: limit 63750000 rate 10gbit");
    assert_eq!(bucket("tbf rate=1mbit latency=1s", 9000), "tbf burst 18028 handle 7474: limit 143028 rate 1mbit");
    assert_eq!(
        bucket("tbf rate=1mbit limit=5000 peakrate=2mbit", 1500),
        "tbf burst 3028 handle 7474: limit 5000 mtu 1514 peakrate 2mbit rate 1mbit"
    );
    let short = decide(&one(tree("tbf rate=1mbit burst=1500")), Tree::new("noqueue"), ALL, 1500);
    assert!(matches!(&short, Decision::Blocked(why) if why.contains("less than a frame of 1514")), "{short:?}");
}

#[test]
fn the_first_kind_that_the_kernel_has_is_taken() {
    let all = Policy::Prefer(["cake", "fq_codel"].map(|kind| Wanted::Tree(Box::new(Tree::new(kind)))).to_vec());
    let on = |kinds| decide(&all, Tree::new("noqueue"), kinds, 1500);
    assert_eq!(written(on(ALL)), "cake handle 7474:");
    assert_eq!(written(on(&["fq_codel"])), "fq_codel handle 7474:");
    assert_eq!(on(&[]), Decision::Lacking("this kernel has no cake and no fq_codel".into()));
    // What is there by itself is as good.
    assert_eq!(decide(&all, tree("fq_codel limit=5"), &["fq_codel"], 1500), Decision::Satisfied);
}

#[test]
fn somebody_elses_root_is_replaced_only_if_the_profile_says_so_and_it_could_come_back() {
    let foreign = || tree("pfifo handle=5: limit=9");
    let wanted = |take: bool| {
        let mut wanted = tree("pfifo limit=50");
        wanted.scalars.extend(take.then(|| (super::TAKE.to_owned(), Scalar::Text("on".into()))));
        one(wanted)
    };
    assert!(matches!(decide(&wanted(false), foreign(), ALL, 1500), Decision::Conflict(_)));
    assert_eq!(written(decide(&wanted(true), foreign(), ALL, 1500)), "pfifo handle 7474: limit 50");
    let sized = Tree { scalars: tree("x size_table=on handle=5:").scalars, ..foreign() };
    let parted = Tree { children: vec![Tree::new("class 5:1")], ..foreign() };
    let below_default = Tree { children: vec![Tree::new("class 0:1")], ..Tree::new("mq") };
    for lost in [sized, parted, below_default] {
        assert!(matches!(decide(&wanted(true), lost.clone(), ALL, 1500), Decision::Conflict(_)), "{lost}");
    }
    assert_eq!(decide(&wanted(false), tree("pfifo handle=5: limit=50"), ALL, 1500), Decision::Satisfied);
}

#[test]
fn what_can_be_changed_in_place_keeps_its_handle_and_what_cannot_gets_the_other() {
    for (now, wanted, written_so, in_place) in [
        ("pfifo handle=7475: limit=9", "pfifo limit=8", "pfifo handle 7475: limit 8", true),
        ("pfifo handle=7474: limit=9", "bfifo limit=8", "bfifo handle 7475: limit 8", false),
        ("sfq handle=7474: limit=9", "sfq limit=8", "sfq handle 7475: limit 8", false),
        ("fq_codel handle=7474: flows=9 limit=1", "fq_codel limit=8", "fq_codel flows 9 handle 7474: limit 8", true),
        ("fq_codel handle=7474: flows=9 limit=1", "fq_codel flows=8", "fq_codel flows 8 handle 7475:", false),
    ] {
        let decision = decide(&one(tree(wanted)), tree(now), ALL, 1500);
        let Decision::Write(Value::Tree(to)) = &decision else { panic!("{decision:?}") };
        assert_eq!(same::is_in_place(&tree(now), to), in_place, "{now}: {wanted}");
        assert_eq!(to.to_string(), written_so);
    }
}

#[test]
fn what_the_kernel_rounds_is_no_difference_and_what_it_does_not_is() {
    for (told, shown, same) in [
        ("fq_codel target=5ms interval=100ms", "fq_codel target=4999us interval=99999us limit=10240", true),
        ("fq_codel target=5ms", "fq_codel target=4990us", false),
        ("fq refill_delay=39ms", "fq refill_delay=40ms", true),
        ("fq refill_delay=40ms", "fq refill_delay=39ms", false),
        ("tbf rate=10mbit burst=3028", "tbf rate=10mbit burst=3027", false),
        ("tbf rate=10mbit burst=3028", "tbf rate=10mbit burst=3020", false),
        ("tbf rate=80gbit burst=2000000", "tbf rate=80gbit burst=1999360", true),
        ("tbf rate=10mbit", "tbf rate=10001kbit", false),
        ("pfifo limit=5", "pfifo limit=6", false),
        ("pfifo limit=5", "pfifo", false),
        ("pfifo limit=5", "bfifo limit=5", false),
    ] {
        assert_eq!(same::holds(&tree(told), &tree(shown)), same, "{told}: {shown}");
    }
}

#[test]
fn ours_goes_back_by_its_handle_and_the_default_is_the_default() {
    let back = |before: &str, ours: &str, now: &str| {
        let ours = [value(tree(ours))];
        TcRules.take_back(&root(), &value(tree(before)), &ours, &value(tree(now)), &Facts::default())
    };
    let noqueue = || TakeBack::Write(value(tree("noqueue")));
    assert_eq!(back("noqueue", "pfifo handle=7474: limit=5", "pfifo handle=7474: limit=5"), noqueue());
    assert_eq!(back("noqueue", "pfifo handle=7474: limit=5", "htb handle=7475: r2q=7"), noqueue(), "half built");
    assert_eq!(back("noqueue", "pfifo handle=7474: limit=5", "pfifo handle=1: limit=5"), TakeBack::Foreign);
    assert_eq!(back("noqueue", "pfifo handle=7474: limit=5", "fq_codel limit=7"), TakeBack::Done, "another default");
    assert_eq!(back("pfifo handle=1: limit=5", "tbf handle=7474:", "noqueue"), TakeBack::Foreign);
}

fn scalars(shape: Shape) -> BoxedStrategy<Scalar> {
    let spelt = move |scalar: Scalar| shape.canonical(&scalar).ok();
    match shape {
        Shape::Count { min, max } | Shape::Bytes { min, max } => (min..=max).prop_map(Scalar::Int).boxed(),
        Shape::Rate { max } => {
            let most = i64::try_from(max.min(1 << 58)).unwrap();
            (8..=most * 8).prop_filter_map("rate", move |bits| spelt(Scalar::Int(bits))).boxed()
        }
        Shape::Time { step: _, max } => {
            (0..=max.min(1 << 50)).prop_filter_map("time", move |time| spelt(super::scalar::of_time(time))).boxed()
        }
        Shape::Switch => any::<bool>().prop_map(super::scalar::of_switch).boxed(),
        Shape::Word(words) => prop::sample::select(words).prop_map(|word| Scalar::Text(word.to_owned())).boxed(),
        Shape::Chance => any::<u32>().prop_map(super::scalar::of_chance).boxed(),
        Shape::Numbers { count, max } => {
            prop::collection::vec(0..=max, count).prop_map(|numbers| super::scalar::of_numbers(&numbers)).boxed()
        }
        Shape::Minor => any::<u16>().prop_map(super::scalar::of_minor).boxed(),
        Shape::Mark => any::<u32>().prop_map(|mark| super::scalar::of_mark(mark, u32::MAX)).boxed(),
        Shape::Dscp => (0_u8..64).prop_map(super::scalar::of_dscp).boxed(),
        Shape::Protocol => any::<u8>().prop_map(super::scalar::of_protocol).boxed(),
        Shape::Prefix => {
            any::<u32>().prop_map(|bits| Scalar::Text(format!("{}/32", std::net::Ipv4Addr::from(bits)))).boxed()
        }
        Shape::Ports => (1_u16.., 0_u16..9)
            .prop_map(|(port, more)| super::scalar::of_ports(port, port.saturating_add(more)))
            .boxed(),
        Shape::Opaque => any::<Vec<u8>>().prop_map(|bytes| super::scalar::of_bytes(&bytes)).boxed(),
    }
}

/// Any root that a profile could ask for.
fn roots() -> impl Strategy<Value = Tree> {
    prop::sample::select(qdiscs::ALL).prop_flat_map(|qdisc| {
        let options: Vec<_> =
            qdisc.options.iter().map(|option| (Just(option.name), prop::option::of(scalars(option.shape)))).collect();
        options.prop_map(move |options| {
            let said = options.into_iter().filter_map(|(name, scalar)| Some((name.to_owned(), scalar?)));
            let mut tree = Tree { scalars: said.collect(), ..Tree::new(qdisc.kind) };
            if qdisc.kind == "tbf" {
                tree.scalars.extend([
                    ("rate".to_owned(), Scalar::Text("1gbit".into())),
                    ("burst".to_owned(), Scalar::Int(70_000)),
                ]);
            }
            tree
        })
    })
}

proptest! {
    #[test]
    fn what_was_written_is_good_enough_and_goes_back(first in roots(), second in roots()) {
        let first_written = match decide(&one(first.clone()), Tree::new("noqueue"), ALL, 1500) {
            Decision::Write(Value::Tree(tree)) => *tree,
            // None at all is what it has.
            Decision::Satisfied => return Ok(()),
            other @ (Decision::Write(_) | Decision::Blocked(_) | Decision::Lacking(_) | Decision::Conflict(_)) => {
                return Err(TestCaseError::fail(format!("{other:?}")));
            }
        };
        prop_assert!(handle::is_ours(&first_written));
        prop_assert_eq!(decide(&one(first), first_written.clone(), ALL, 1500), Decision::Satisfied);
        let there = match decide(&one(second.clone()), first_written.clone(), ALL, 1500) {
            Decision::Write(Value::Tree(tree)) => *tree,
            Decision::Satisfied => first_written.clone(),
            other @ (Decision::Write(_) | Decision::Blocked(_) | Decision::Lacking(_) | Decision::Conflict(_)) => {
                return Err(TestCaseError::fail(format!("{other:?}")));
            }
        };
        prop_assert_eq!(decide(&one(second), there.clone(), ALL, 1500), Decision::Satisfied);
        prop_assert!(there == first_written || same::is_in_place(&first_written, &there)
            || handle::of(&there) != handle::of(&first_written), "another kind under one handle is refused");
        let back = TcRules.take_back(
            &root(), &value(Tree::new("noqueue")), &[value(there.clone())], &value(there), &Facts::default(),
        );
        prop_assert_eq!(back, TakeBack::Write(value(Tree::new("noqueue"))));
    }
}
