//! Laws of the apply protocol, over random sets and a random world.

use proptest::prelude::*;
use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Trials;
use trimtab_core::address::Address;
use trimtab_core::desired::Desired;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::value::Value;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::fake::Fault;
use trimtab_kernel::file;

use super::bench::Bench;
use super::bench::address;
use super::bench::at_least;
use super::bench::desired;
use super::bench::differences;
use super::bench::elements;
use super::bench::is;
use super::bench::key;
use super::bench::link;
use super::bench::scalar;
use super::bench::values;
use super::devices;

/// Scalars that anybody may want or write: switches of both families, what moves them, and what they move.
const SWITCHES: &[&str] = &[
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.accept_redirects",
    "net.ipv4.conf.default.forwarding",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.conf.default.send_redirects",
    "net.ipv4.conf.eth0.accept_redirects",
    "net.ipv4.conf.eth0.forwarding",
    "net.ipv4.conf.eth0.rp_filter",
    "net.ipv4.conf.eth0.send_redirects",
    "net.ipv4.conf.eth1.forwarding",
    "net.ipv4.conf.eth1.rp_filter",
    "net.ipv4.conf.lo.forwarding",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.conf.all.forwarding",
    "net.ipv6.conf.all.ignore_routes_with_linkdown",
    "net.ipv6.conf.default.disable_ipv6",
    "net.ipv6.conf.default.forwarding",
    "net.ipv6.conf.eth0.disable_ipv6",
    "net.ipv6.conf.eth0.force_forwarding",
    "net.ipv6.conf.eth0.forwarding",
    "net.ipv6.conf.eth1.accept_ra",
    "net.ipv4.tcp_sack",
];

/// Those of them that move nothing else, and that the way back of nothing but ours moves.
const SIMPLE: &[&str] = &[
    "net.core.somaxconn",
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.eth0.accept_redirects",
    "net.ipv4.conf.eth0.forwarding",
    "net.ipv4.conf.eth0.rp_filter",
    "net.ipv4.conf.eth0.send_redirects",
    "net.ipv4.conf.eth1.forwarding",
    "net.ipv4.conf.eth1.rp_filter",
    "net.ipv6.conf.eth0.disable_ipv6",
    "net.ipv6.conf.eth0.forwarding",
    "net.ipv4.tcp_sack",
];

/// Something that happened to a host before trimtab came.
#[derive(Debug, Clone)]
enum Touch {
    Write(&'static str, String),
    Address(&'static str),
    NoAddress(&'static str),
    Interface(&'static str),
    Link(&'static str, Value),
}

fn switch() -> impl Strategy<Value = (&'static str, String)> {
    (prop::sample::select(SWITCHES), 0..2u8).prop_map(|(name, value)| (name, value.to_string()))
}

fn other() -> impl Strategy<Value = (&'static str, String)> {
    prop::sample::select(&[
        ("net.core.somaxconn", "128"),
        ("net.ipv4.tcp_rmem", "1 2 3"),
        ("net.ipv4.icmp_ratelimit", "17"),
        ("net.ipv4.ip_local_reserved_ports", "22,8080-8082"),
        ("net.ipv4.ip_local_port_range", "2000 3000"),
        ("net.ipv4.ip_unprivileged_port_start", "0"),
        ("net.ipv4.conf.default.rp_filter", "2"),
        ("net.ipv4.conf.eth1.rp_filter", "2"),
    ])
    .prop_map(|(name, text)| (name, text.to_owned()))
}

fn touch() -> impl Strategy<Value = Touch> {
    let interface = || prop::sample::select(&["eth0", "eth1"]);
    prop_oneof![
        4 => switch().prop_map(|(name, text)| Touch::Write(name, text)),
        2 => other().prop_map(|(name, text)| Touch::Write(name, text)),
        1 => interface().prop_map(Touch::Address),
        1 => interface().prop_map(Touch::NoAddress),
        1 => Just(Touch::Interface("eth2")),
        3 => devices::value().prop_map(|(name, value)| Touch::Link(name, value)),
    ]
}

type Past = Vec<Touch>;
type Settings = Vec<(&'static str, Policy)>;

fn past() -> impl Strategy<Value = Past> {
    prop::collection::vec(touch(), 0..8)
}

/// A host with a past.
fn bench(past: Past) -> Bench {
    let mut kernel = FakeKernel::new();
    devices::add(&mut kernel);
    kernel.set(&key("net.ipv4.tcp_available_congestion_control"), "reno cubic bbr");
    for touch in past {
        match touch {
            // What the kernel refuses did not happen.
            Touch::Write(name, text) => drop(kernel.foreign_write(&key(name), &text)),
            Touch::Address(name) => kernel.add_ipv4_address(name),
            Touch::NoAddress(name) => kernel.remove_ipv4_addresses(name),
            Touch::Interface(name) => kernel.add_interface(name),
            Touch::Link(name, value) => drop(kernel.foreign_link_write(&link(name), value)),
        }
    }
    Bench::with(kernel)
}

fn setting() -> impl Strategy<Value = (&'static str, Policy)> {
    let number = |text: &str| Wanted::One(Scalar::Int(text.parse().unwrap()));
    let shaped = prop::sample::select(vec![
        ("net.core.somaxconn", is("8192")),
        ("net.core.somaxconn", at_least(1024)),
        ("net.core.somaxconn", Policy::AtMost(number("1000"))),
        ("net.core.somaxconn", Policy::Between(number("5000"), number("6000"))),
        ("net.core.netdev_max_backlog", is("5000")),
        ("net.ipv4.tcp_rmem", elements(&[None, None, Some(67_108_864)])),
        ("net.ipv4.tcp_rmem", is("8192 262144 16777216")),
        ("net.ipv4.icmp_ratelimit", is("1001")),
        ("net.ipv4.tcp_fin_timeout", is("30")),
        ("net.ipv4.ip_local_reserved_ports", is("9000-9010")),
        ("net.ipv4.ip_local_reserved_ports", Policy::Includes(vec![Scalar::Int(8080), Scalar::Int(9000)])),
        ("net.ipv4.ip_local_port_range", is("50000 60000")),
        ("net.ipv4.ip_local_port_range", is("1024 65535")),
        ("net.ipv4.ip_unprivileged_port_start", is("40000")),
        ("net.ipv4.ip_unprivileged_port_start", is("512")),
        ("net.ipv4.conf.default.rp_filter", is("2")),
        ("net.ipv4.conf.eth0.rp_filter", is("2")),
        ("net.ipv4.conf.eth1.rp_filter", at_least(1)),
        ("net.ipv4.tcp_congestion_control", Policy::Prefer(vec![scalar("bbr"), scalar("cubic")])),
        ("net.ipv4.tcp_congestion_control", is("reno")),
    ]);
    prop_oneof![
        3 => switch().prop_map(|(name, text)| (name, is(&text))),
        2 => shaped,
        5 => devices::setting(),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    prop::collection::vec(setting(), 0..10)
}

fn succeeded(finished: &Finished) -> bool {
    matches!(finished, Finished::Nothing | Finished::InForce { .. })
}

/// Whole lines of the journal, each with the byte at which it ends.
fn ends(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn after_an_apply_there_is_nothing_to_do(past in past(), set in settings()) {
        let set = desired(set);
        let mut bench = bench(past);
        let finished = bench.apply(&set);
        prop_assert!(succeeded(&finished), "{finished:?}");
        let plan = bench.plan(&set);
        prop_assert!(plan.changes.is_empty(), "{:?}", plan.changes);
        let (writes, applied) = (bench.kernel.writes(), bench.store().applied);
        prop_assert!(matches!(bench.apply(&set), Finished::Nothing));
        prop_assert_eq!(bench.kernel.writes(), writes);
        prop_assert_eq!(bench.store().applied, applied);
    }

    #[test]
    fn an_apply_writes_what_is_wanted_and_nothing_else(past in past(), set in settings()) {
        let set = desired(set);
        let mut bench = bench(past);
        let (before, messages) = (bench.kernel.log().len(), bench.kernel.messages().len());
        let satisfied = bench.plan(&set).as_wanted;
        bench.apply(&set);
        for written in &bench.kernel.log()[before..] {
            let address = address(&written.key.to_string());
            prop_assert!(set.settings.contains_key(&address), "{address}");
        }
        for (key, _) in bench.kernel.messages()[messages..].iter().flat_map(|message| &message.cells) {
            prop_assert!(set.settings.contains_key(&Address::link(key.clone())), "{key}");
        }
        // One that held at its turn and that no effect moved is not held against anybody.
        let held = bench.store().history.held;
        for address in satisfied {
            let entry = held.get(&address);
            prop_assert!(entry.is_none_or(|entry| entry.cause.is_some() || entry.ours != entry.original), "{address}");
        }
    }

    #[test]
    fn a_revert_brings_everything_back(past in past(), first in settings(), second in settings()) {
        let (first, second) = (desired(first), desired(second));
        let mut bench = bench(past);
        let before = values(&bench.kernel);
        for set in [&first, &second] {
            let finished = bench.apply(set);
            prop_assert!(succeeded(&finished), "{finished:?}");
        }
        let (plan, finished) = bench.revert();
        prop_assert!(succeeded(&finished) && !plan.is_held_up(), "{finished:?} {:?}", plan.findings);
        prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
    }

    #[test]
    fn to_want_nothing_any_more_is_to_revert(past in past(), first in settings(), second in settings()) {
        let (first, second) = (desired(first), desired(second));
        let mut bench = bench(past);
        let before = values(&bench.kernel);
        for set in [&first, &second, &Desired::default()] {
            let finished = bench.apply(set);
            prop_assert!(succeeded(&finished), "{finished:?}");
        }
        prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
        prop_assert!(bench.store().history.held.is_empty(), "{:?}", bench.store().history.held);
    }

    #[test]
    fn a_write_that_fails_leaves_the_set_before(
        past in past(),
        first in settings(),
        second in settings(),
        nth in 1..12usize,
        ignored in any::<bool>(),
    ) {
        let (first, second) = (desired(first), desired(second));
        let mut bench = bench(past);
        let original = values(&bench.kernel);
        bench.apply(&first);
        let (before, state) = (values(&bench.kernel), bench.store().applied);
        let fault = if ignored { Fault::Ignore } else { Fault::Fail(libc::EIO) };
        bench.kernel.fault_at_write(bench.kernel.writes() + nth, fault);
        let finished = bench.apply(&second);
        if !succeeded(&finished) {
            prop_assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
            prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
            prop_assert_eq!(bench.store().applied, state);
        }
        // The fault may have waited for the revert.
        if !succeeded(&bench.revert().1) {
            bench.revert();
        }
        prop_assert_eq!(differences(&original, &values(&bench.kernel)), []);
    }

    #[test]
    fn a_death_at_any_touch_of_the_kernel_is_recovered_from(
        past in past(),
        first in settings(),
        second in settings(),
        touches in 0..60usize,
        again in 0..40usize,
    ) {
        let (first, second) = (desired(first), desired(second));
        let mut bench = bench(past);
        let original = values(&bench.kernel);
        bench.apply(&first);
        let before = values(&bench.kernel);
        let died = bench.die_applying(&second, touches).is_none();
        bench.die_recovering(again);
        bench.recover(Trials::Respect).unwrap();
        if died {
            prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
        }
        let (plan, finished) = bench.revert();
        prop_assert!(succeeded(&finished) && !plan.is_held_up(), "{finished:?} {:?}", plan.findings);
        prop_assert_eq!(differences(&original, &values(&bench.kernel)), []);
    }

    #[test]
    fn a_journal_cut_anywhere_brings_everything_back(
        past in past(),
        first in settings(),
        second in settings(),
        at in any::<prop::sample::Index>(),
        is_applied in any::<bool>(),
    ) {
        let (first, second) = (desired(first), desired(second));
        let mut bench = bench(past);
        let original = values(&bench.kernel);
        bench.apply(&first);
        let before = values(&bench.kernel);
        let earlier = file::read(&bench.journal(), 1 << 20).unwrap_or_default().len();
        let applied = bench.store().applied;
        bench.apply(&second);
        let bytes = file::read(&bench.journal(), 1 << 20).unwrap_or_default();
        // The record of the beginning is on the disk before the first write.
        let Some(begun) = ends(&bytes).into_iter().find(|end| *end > earlier.max(ends(&bytes)[0])) else {
            return Ok(());
        };
        let length = begun + at.index(bytes.len() - begun + 1);
        std::fs::write(bench.journal(), &bytes[..length]).unwrap();
        let is_done = length == bytes.len();
        if !is_applied && !is_done {
            // As if it had died before the set was put in force.
            bench.put_applied(applied);
        }
        bench.recover(Trials::Respect).unwrap();
        if !is_applied && !is_done {
            prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
        }
        let (plan, finished) = bench.revert();
        prop_assert!(succeeded(&finished) && !plan.is_held_up(), "{finished:?} {:?}", plan.findings);
        prop_assert_eq!(differences(&original, &values(&bench.kernel)), []);
    }

    #[test]
    fn what_somebody_else_wrote_since_is_never_trampled(
        past in past(),
        set in settings(),
        name in prop::sample::select(SIMPLE),
        value in 3..9u8,
        small in any::<bool>(),
    ) {
        let set = desired(set);
        let mut bench = bench(past);
        bench.apply(&set);
        let text = if small { (value % 2).to_string() } else { value.to_string() };
        prop_assume!(bench.text(name) != text);
        bench.foreign(name, &text);
        bench.revert();
        prop_assert_eq!(bench.text(name), text);
    }

    #[test]
    fn the_order_in_which_settings_come_does_not_matter(
        past in past(),
        (listed, shuffled) in prop::collection::vec(setting(), 0..10)
            .prop_map(|mut listed| {
                // Of two that name the same address one wins, whichever that is.
                listed.sort_by_key(|(name, _)| *name);
                listed.dedup_by_key(|(name, _)| *name);
                listed
            })
            .prop_flat_map(|listed| (Just(listed.clone()), Just(listed).prop_shuffle())),
    ) {
        let mut bench = bench(past);
        prop_assert_eq!(bench.plan(&desired(listed)), bench.plan(&desired(shuffled)));
    }
}
