//! Devices that come back: plugged in again, from another namespace, under other names and numbers; and those that take
//! their place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use trimtab::cli::Common;
use trimtab::cli::Wait;
use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Trials;
use trimtab::session::Session;
use trimtab::verbs::revert;
use trimtab_core::address::Address;
use trimtab_core::address::Kind;
use trimtab_core::desired::Desired;
use trimtab_core::facts::Asked;
use trimtab_core::facts::Facts;
use trimtab_core::facts::LinkFacts;
use trimtab_core::host::HostId;
use trimtab_core::interface_id::InterfaceId;
use trimtab_core::interface_id::InterfaceIds;
use trimtab_core::observed::Reading;
use trimtab_core::plan::Class;
use trimtab_core::value::Value;
use trimtab_kernel::Kernel;
use trimtab_kernel::WriteError;
use trimtab_kernel::fake::Device;
use trimtab_kernel::fake::Event;
use trimtab_kernel::fake::FakeKernel;

use super::bench::Bench;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::values;

const MAC: &str = "52:54:00:00:00:01";
const OTHER_MAC: &str = "52:54:00:00:00:02";

fn card(mac: &'static str) -> Device {
    Device::physical("igb").with_permanent_address(mac)
}

fn two_cards() -> Bench {
    let mut kernel = FakeKernel::new();
    kernel.add_device("eth0", card(MAC));
    kernel.add_device("eth1", card(OTHER_MAC));
    Bench::with(kernel)
}

fn set() -> Desired {
    desired([
        ("link:eth0/mtu", is("9000")),
        ("link:eth0/feature/rx-gro", is("off")),
        ("net.ipv4.conf.eth0.rp_filter", is("2")),
    ])
}

fn number(bench: &mut Bench, name: &str) -> u32 {
    bench.kernel.links().unwrap().unwrap().remove(name).unwrap().ifindex
}

fn rename(bench: &mut Bench, old: &str, new: &str) {
    bench.kernel.happen(Event::Rename(old.into(), new.into()));
}

/// The two cards take each other's name.
fn swapped() -> [Event; 3] {
    [("eth0", "x"), ("eth1", "eth0"), ("x", "eth1")].map(|(old, new)| Event::Rename(old.into(), new.into()))
}

fn on(wanted: bool) -> Value {
    Value::switch(wanted)
}

#[test]
fn from_another_namespace_a_device_brings_what_is_to_be_taken_back() {
    for seen_away in [false, true] {
        let mut bench = two_cards();
        bench.put_in_force(&set());
        bench.kernel.move_away("eth0");
        if seen_away {
            bench.recover(Trials::Respect).unwrap();
            assert!(bench.store().history.held.is_empty());
            bench.recover(Trials::Respect).unwrap();
        }
        bench.kernel.come_back("lan0", 77);
        let writes = bench.kernel.writes();
        bench.take_back();
        assert_eq!((bench.link("lan0/mtu"), bench.link("lan0/feature/rx-gro")), (Value::Int(1500), on(true)));
        // Its keys were born anew, and nobody has changed them.
        assert_eq!((bench.text("net.ipv4.conf.lan0.rp_filter"), bench.kernel.writes()), ("0", writes + 2));
        assert!(bench.store().history.away.is_empty());
    }
}

/// Nothing tells that it was away. Its keys were born anew all the same: what is not ours there any more is left, what the
/// device brought back is ours.
#[test]
fn a_device_that_is_back_unseen_under_its_number_keeps_what_others_hold() {
    for default in ["0", "1"] {
        let mut bench = two_cards();
        bench.foreign("net.ipv4.conf.eth0.rp_filter", "1");
        bench.put_in_force(&set());
        bench.foreign("net.ipv4.conf.default.rp_filter", default);
        let before = number(&mut bench, "eth0");
        bench.kernel.move_away("eth0");
        bench.kernel.come_back("eth0", before);
        assert_eq!(number(&mut bench, "eth0"), before);
        let writes = bench.kernel.writes();
        let (plan, finished) = bench.revert();
        assert!(matches!(finished, Finished::InForce { writes: 2 }), "{finished:?}");
        assert_eq!((bench.link("eth0/mtu"), bench.link("eth0/feature/rx-gro")), (Value::Int(1500), on(true)));
        assert_eq!((bench.text("net.ipv4.conf.eth0.rp_filter"), bench.kernel.writes()), (default, writes + 2));
        let conflicts = plan.findings.iter().filter(|finding| finding.class == Class::Conflict).count();
        assert_eq!(conflicts, usize::from(default == "0"), "{:?}", plan.findings);
        assert!(bench.store().history.held.is_empty());
    }
}

#[test]
fn what_was_done_to_it_in_another_namespace_is_no_conflict() {
    let mut bench = two_cards();
    bench.put_in_force(&set());
    bench.kernel.move_away("eth0");
    bench.kernel.come_back("eth0", 77);
    bench.foreign_link("eth0/mtu", Value::Int(4000));
    bench.take_back();
    assert_eq!((bench.link("eth0/mtu"), bench.link("eth0/feature/rx-gro")), (Value::Int(4000), on(true)));
}

#[test]
fn plugged_in_again_it_is_tuned_again_and_goes_back_to_what_its_driver_made_it() {
    let mut bench = two_cards();
    bench.put_in_force(&set());
    bench.kernel.happen(Event::Vanish("eth0".into()));
    bench.kernel.add_device("eth0", card(MAC));
    // The driver has another default for it now, which is as it was left.
    bench.kernel.set_link(&"eth0/feature/rx-gro".parse().unwrap(), on(false));
    let before = values(&bench.kernel);
    bench.put_in_force(&set());
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_device_that_takes_name_and_number_is_left_alone() {
    let mut bench = two_cards();
    bench.put_in_force(&set());
    let eth0 = number(&mut bench, "eth0");
    let held = bench.store().history.held;
    // In whose namespace eth1 has the number of eth0, and by chance the same values.
    bench.kernel.move_away("eth0");
    bench.kernel.move_away("eth1");
    bench.kernel.come_back("eth0", eth0);
    assert_eq!(number(&mut bench, "eth0"), eth0);
    bench.foreign_link("eth0/mtu", Value::Int(9000));
    bench.foreign_link("eth0/feature/rx-gro", on(false));
    let before = values(&bench.kernel);
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
    // What is ours is waited for.
    assert_eq!(bench.store().history.away.len(), held.len());
    bench.kernel.come_back("eth7", eth0);
    bench.take_back();
    assert_eq!(bench.link("eth7/mtu"), Value::Int(1500));
    assert_eq!(bench.link("eth0/mtu"), Value::Int(9000));
}

#[test]
fn two_that_swap_their_names_between_plan_and_write_are_not_mixed_up() {
    let mut bench = two_cards();
    let before = values(&bench.kernel);
    let last = {
        let mut bench = two_cards();
        bench.put_in_force(&set());
        bench.kernel.writes()
    };
    for nth in 1..=last {
        let mut bench = two_cards();
        swapped().into_iter().for_each(|event| bench.kernel.before_write(nth, event));
        let finished = bench.apply(&set());
        match nth {
            1 => assert!(matches!(finished, Finished::Stale(_)), "{finished:?}"),
            _ => assert!(matches!(finished, Finished::Undone(_)), "{nth}: {finished:?}"),
        }
        swapped().into_iter().for_each(|event| bench.kernel.happen(event));
        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{nth}");
        assert!(bench.store().history.held.is_empty());
    }
    // Somebody else's from the beginning.
    bench.put_in_force(&desired([("link:eth1/mtu", is("9000"))]));
    swapped().into_iter().for_each(|event| bench.kernel.happen(event));
    bench.take_back();
    swapped().into_iter().for_each(|event| bench.kernel.happen(event));
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

/// When something happens to the kernel.
#[derive(Debug, Clone, Copy)]
enum Before {
    Read(usize),
    Write(usize),
    Dump(usize),
}

/// `trimtab revert` of these addresses on the bench's kernel, to which this happens just before its Nth touch; the kernel
/// afterwards, and what came of it.
fn revert(bench: &Bench, only: &[&str], before: Before, events: &[Event]) -> (FakeKernel, Result<Finished, String>) {
    let mut kernel = bench.kernel.clone();
    for event in events.iter().cloned() {
        match before {
            Before::Read(nth) => kernel.before_read(kernel.reads() + nth, event),
            Before::Write(nth) => kernel.before_write(kernel.writes() + nth, event),
            Before::Dump(nth) => kernel.before_dump(kernel.dumps() + nth, event),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let common = Common {
        config: folder.path().join("host.toml"),
        profile_path: Vec::new(),
        state_dir: bench.folder().to_owned(),
        runtime_dir: folder.path().join("run"),
        netns: None,
        json: true,
        verbose: 0,
    };
    let kernel = Shared(Rc::new(RefCell::new(kernel)));
    let mut session = Session::with_kernel(&common, Box::new(kernel.clone())).unwrap();
    let only: Vec<Address> = only.iter().map(|name| super::bench::address(name)).collect();
    let reverted = revert::take_back(&mut session, &only, Wait { wait: Duration::ZERO });
    let mut kernel = kernel.0.borrow().clone();
    kernel.call_off();
    (kernel, reverted.map(|(_, finished)| finished).map_err(|failure| failure.message))
}

fn is_done(finished: &Finished) -> bool {
    matches!(finished, Finished::Nothing | Finished::InForce { .. })
}

fn renamed() -> Vec<Event> {
    vec![Event::Rename("eth0".into(), "lan0".into())]
}

/// What somebody may do to names amid a revert, and how it is made good.
fn events() -> [(Vec<Event>, Vec<Event>); 2] {
    [(renamed(), vec![Event::Rename("lan0".into(), "eth0".into())]), (swapped().to_vec(), swapped().to_vec())]
}

/// Each moment at which something may happen to the kernel, as long as there are any left.
fn moments(mut try_one: impl FnMut(Before) -> bool) {
    for moment in [Before::Read, Before::Write, Before::Dump] {
        for nth in 1..80 {
            if !try_one(moment(nth)) {
                break;
            }
        }
    }
}

/// Whether it has come to pass.
fn has_happened(bench: &mut Bench) -> bool {
    names(&mut bench.kernel) != ["eth0", "eth1"]
}

#[test]
fn a_rename_at_any_moment_of_a_revert_loses_no_original() {
    let before = values(&two_cards().kernel);
    for (events, back) in events() {
        moments(|moment| {
            let mut bench = two_cards();
            bench.put_in_force(&set());
            let (kernel, finished) = revert(&bench, &[], moment, &events);
            bench.kernel = kernel;
            let has_happened = has_happened(&mut bench);
            // What was not taken back at once can be by the next revert.
            if !is_done(&finished.unwrap()) {
                let (kernel, finished) = revert(&bench, &[], moment, &[]);
                bench.kernel = kernel;
                assert!(is_done(&finished.unwrap()), "{moment:?}");
            }
            if has_happened {
                back.iter().cloned().for_each(|event| bench.kernel.happen(event));
            }
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "{moment:?} {events:?}");
            assert!(bench.store().history.held.is_empty());
            has_happened
        });
    }
}

/// The device that was meant by a name gets its value back, or is told not to; no other is touched.
#[test]
fn a_revert_of_one_value_is_of_the_device_that_was_meant_whatever_it_is_called_by_then() {
    let both = || desired([("link:eth0/mtu", is("9000")), ("link:eth1/mtu", is("4000"))]);
    for (events, _) in events() {
        moments(|moment| {
            if let Before::Dump(1) = moment {
                // Before anybody looked what the name means.
                return true;
            }
            let mut bench = two_cards();
            bench.put_in_force(&both());
            let (kernel, finished) = revert(&bench, &["link:eth0/mtu"], moment, &events);
            bench.kernel = kernel;
            let [first, second] = names(&mut bench.kernel);
            let mtu = |name: &str| bench.link(&format!("{name}/mtu"));
            assert_eq!(mtu(&second), Value::Int(4000), "{moment:?} {events:?}");
            let is_back = match finished.as_ref().unwrap() {
                Finished::InForce { .. } => true,
                Finished::Stale(_) => false,
                other @ (Finished::Nothing
                | Finished::Awaiting { .. }
                | Finished::Undone(_)
                | Finished::Incomplete(..)) => panic!("{moment:?} {events:?}: {other:?}"),
            };
            assert_eq!(mtu(&first), Value::Int(if is_back { 1500 } else { 9000 }), "{moment:?} {events:?}");
            // By whichever name: what was reverted is not in force any more, the other still is.
            bench.recover(Trials::Respect).unwrap();
            let held = bench.store().history.held;
            let of = |name: &str| super::bench::address(&format!("link:{name}/mtu"));
            assert_eq!((held.contains_key(&of(&first)), held.contains_key(&of(&second))), (!is_back, true));
            has_happened(&mut bench)
        });
    }
}

#[test]
fn a_value_of_a_device_that_is_away_is_not_said_to_be_back() {
    let mut bench = two_cards();
    bench.put_in_force(&desired([("link:eth0/mtu", is("9000"))]));
    bench.kernel.move_away("eth0");
    for other in [false, true] {
        if other {
            bench.kernel.add_device("eth0", card("52:54:00:00:00:03"));
        }
        for _ in 0..2 {
            let (kernel, finished) = revert(&bench, &["link:eth0/mtu"], Before::Read(1), &[]);
            bench.kernel = kernel;
            let Ok(Finished::Incomplete(failure, undone)) = finished else { panic!("{finished:?}") };
            let told = failure.to_string();
            assert!(told.contains("not here") && told.contains("1500 is put back by a revert once it is"), "{told}");
            assert_eq!(told.contains("another"), other, "{told}");
            assert_eq!(undone.failed.len(), 1);
            assert_eq!(bench.store().history.away.len(), 1);
        }
    }
    bench.kernel.come_back("eth7", 77);
    let (kernel, finished) = revert(&bench, &["link:eth7/mtu"], Before::Read(1), &[]);
    bench.kernel = kernel;
    assert!(is_done(&finished.unwrap()));
    assert_eq!(bench.link("eth7/mtu"), Value::Int(1500));
}

#[test]
fn a_device_that_leaves_amid_its_revert_is_not_said_to_be_back() {
    moments(|moment| {
        let mut bench = two_cards();
        bench.put_in_force(&desired([("link:eth0/mtu", is("9000"))]));
        let (kernel, finished) = revert(&bench, &["link:eth0/mtu"], moment, &[Event::Leave("eth0".into())]);
        bench.kernel = kernel;
        let has_left = !bench.kernel.interfaces().unwrap().contains("eth0");
        bench.kernel.come_back("eth7", 77);
        let is_back = has_left && bench.link("eth7/mtu") == Value::Int(1500);
        match finished.unwrap() {
            Finished::InForce { .. } => assert!(is_back || !has_left, "{moment:?}"),
            Finished::Stale(_) | Finished::Incomplete(..) => {}
            other @ (Finished::Nothing | Finished::Awaiting { .. } | Finished::Undone(_)) => {
                panic!("{moment:?}: {other:?}")
            }
        }
        if has_left {
            bench.take_back();
            assert_eq!(bench.link("eth7/mtu"), Value::Int(1500), "{moment:?}");
        }
        has_left
    });
}

/// udev(7) renames what comes, and may do so while it is looked at.
#[test]
fn a_device_that_is_renamed_while_it_is_seen_to_be_back_keeps_its_original() {
    for (nth, seen) in [(1, false), (1, true), (2, false), (2, true), (3, true)] {
        let mut bench = two_cards();
        let before = values(&bench.kernel);
        bench.put_in_force(&set());
        bench.kernel.move_away("eth0");
        if seen {
            bench.recover(Trials::Respect).unwrap();
        }
        bench.kernel.come_back("dev77", 77);
        bench.kernel.before_read(bench.kernel.reads() + nth, Event::Rename("dev77".into(), "eth0".into()));
        bench.recover(Trials::Respect).unwrap();
        assert!(!bench.store().history.held.is_empty());
        bench.take_back();
        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{nth} {seen}");
    }
}

/// It keeps getting other names: nobody can tell what it holds, and nothing is forgotten.
#[test]
fn what_is_unclear_to_the_end_stays_on_record() {
    let mut bench = two_cards();
    bench.put_in_force(&desired([("link:eth0/mtu", is("9000"))]));
    bench.kernel.move_away("eth0");
    bench.kernel.come_back("dev0", 77);
    let reads = bench.kernel.reads();
    for nth in 0..3 {
        bench.kernel.before_read(reads + 1 + nth, Event::Rename(format!("dev{nth}"), format!("dev{}", nth + 1)));
    }
    bench.recover(Trials::Respect).unwrap();
    assert_eq!(bench.store().history.held.len(), 1);
    bench.take_back();
    let [first, _] = names(&mut bench.kernel);
    assert_eq!(bench.link(&format!("{first}/mtu")), Value::Int(1500));
}

/// Nobody is told apart by a name alone: what had none at one moment and is another's at the next is planned anew.
#[test]
fn what_was_not_there_when_interfaces_were_told_apart_is_not_planned_for() {
    let mut bench = two_cards();
    let set = desired([("link:eth0/mtu", is("9000"))]);
    let host = bench.host(&set.settings.keys().cloned().collect());
    rename(&mut bench, "eth0", "x");
    bench.kernel.before_read(bench.kernel.reads() + 1, Event::Rename("x".into(), "eth0".into()));
    let goals = trimtab_core::plan::goal::of_apply(&set, &BTreeMap::new());
    let planned = host.look_and_plan(&mut bench.kernel, &goals, None).unwrap();
    assert!(planned.gone.contains("eth0") && planned.plan.changes.is_empty(), "{planned:?}");
    let planned = host.look_and_plan(&mut bench.kernel, &goals, None).unwrap();
    assert!(planned.gone.is_empty() && planned.plan.links.contains_key("eth0"));
}

/// Interfaces come and go so fast that none can be told from another.
#[test]
fn what_cannot_be_told_apart_is_not_written_to() {
    let mut bench = two_cards();
    let before = values(&bench.kernel);
    bench.put_in_force(&set());
    let in_force = values(&bench.kernel);
    bench.kernel.churn_after(0);
    let (kernel, finished) = revert(&bench, &[], Before::Read(1), &[]);
    bench.kernel = kernel;
    bench.kernel.calm_down();
    assert!(finished.unwrap_err().contains("tell the network interfaces apart"));
    assert_eq!(differences(&in_force, &values(&bench.kernel)), []);
    // An undo waits: what is open stays so, and is undone by the next command.
    bench.kernel.fault_at_write(bench.kernel.writes() + 2, trimtab_kernel::fake::Fault::Fail(libc::EINVAL));
    let more = desired([("link:eth0/mtu", is("1400")), ("link:eth1/mtu", is("1400"))]);
    bench.kernel.churn_after(1);
    let finished = bench.apply(&more);
    assert!(matches!(finished, Finished::Incomplete(..)), "{finished:?}");
    assert!(bench.store().history.open.is_some());
    bench.kernel.calm_down();
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

/// To tell interfaces apart is asked for once: what the state was followed with serves the plan.
#[test]
fn interfaces_are_told_apart_once_a_command() {
    let mut bench = two_cards();
    bench.put_in_force(&set());
    let dumps = bench.kernel.dumps();
    let (kernel, finished) = revert(&bench, &["link:eth1/mtu"], Before::Read(1), &[]);
    assert!(finished.is_err() && kernel.dumps() == dumps + 1);
    let folder = tempfile::tempdir().unwrap();
    let mut session =
        super::sessions::session(FakeKernel::new(), folder.path(), "[sysctl]\nnet.core.somaxconn = 9000\n");
    let kernel = Shared(Rc::new(RefCell::new(bench.kernel.clone())));
    session.kernel = Box::new(kernel.clone());
    bench.folder().clone_into(&mut session.common.state_dir);
    session.relearn().unwrap();
    let (locked, mut store) = session.locked_store(Wait { wait: Duration::ZERO }).unwrap();
    let mut intent = session.intend(&trimtab::cli::Wanted::default()).unwrap();
    let now = session.now();
    trimtab::verbs::recovery::recover(&mut session, &mut store, &now, Trials::Respect).unwrap();
    let plan = trimtab::verbs::plan::make(&mut session, &mut intent, &mut store.history).unwrap().plan;
    assert!(plan.links.contains_key("eth0") && plan.changes.len() == 4, "{plan:?}");
    assert_eq!(kernel.0.borrow().dumps(), dumps + 1);
    drop(locked);
    let (kernel, finished) = revert(&bench, &[], Before::Read(1), &[]);
    assert!(is_done(&finished.unwrap()));
    assert_eq!(kernel.dumps(), dumps + 1);
}

/// A kernel that the test keeps a hand on.
#[derive(Clone)]
struct Shared(Rc<RefCell<FakeKernel>>);

impl Kernel for Shared {
    fn identity(&self) -> &HostId {
        // The same for all of them.
        static IDENTITY: OnceLock<HostId> = OnceLock::new();
        IDENTITY.get_or_init(|| self.0.borrow().identity().clone())
    }

    fn facts(&mut self) -> Facts {
        self.0.borrow_mut().facts()
    }

    fn link_facts(&mut self, names: &BTreeSet<String>, asked: &Asked) -> BTreeMap<String, LinkFacts> {
        self.0.borrow_mut().link_facts(names, asked)
    }

    fn links(&mut self) -> io::Result<Option<InterfaceIds>> {
        self.0.borrow_mut().links()
    }

    fn interfaces(&mut self) -> io::Result<BTreeSet<String>> {
        self.0.borrow_mut().interfaces()
    }

    fn addressed(&mut self) -> io::Result<BTreeSet<String>> {
        self.0.borrow_mut().addressed()
    }

    fn list(&mut self, kind: Kind) -> io::Result<Vec<Address>> {
        self.0.borrow_mut().list(kind)
    }

    fn read(&mut self, addresses: &[Address]) -> Vec<Reading> {
        self.0.borrow_mut().read(addresses)
    }

    fn write(&mut self, cells: &[(Address, Value)], link: Option<&InterfaceId>) -> Result<(), WriteError> {
        self.0.borrow_mut().write(cells, link)
    }
}

/// What befalls the devices between two commands.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Renamed(usize),
    Swapped,
    /// To another namespace and back, with a command meanwhile or not.
    Away(usize, bool, Back),
    Command,
}

/// How a device comes back.
#[derive(Debug, Clone, Copy)]
enum Back {
    /// With a number that no other had.
    Numbered,
    /// With the number that it had.
    AsItWent,
    /// Renamed while a command looks at it.
    Renamed,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        (0..2_usize).prop_map(Fate::Renamed),
        Just(Fate::Swapped),
        (0..2_usize, any::<bool>(), prop_oneof![Just(Back::Numbered), Just(Back::AsItWent), Just(Back::Renamed)])
            .prop_map(|(which, seen, back)| Fate::Away(which, seen, back)),
        Just(Fate::Command),
    ]
}

/// The names of the two cards now.
fn names(kernel: &mut FakeKernel) -> [String; 2] {
    let links = kernel.links().unwrap().unwrap();
    let of = |mac: &str| {
        let card = |(_, link): &(&String, &InterfaceId)| link.permanent_address.as_deref() == Some(mac);
        links.iter().find(card).map(|(name, _)| name.clone()).unwrap()
    };
    [of(MAC), of(OTHER_MAC)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// Wherever a device has been and whatever it is called, it gets back what it had.
    #[test]
    fn whatever_befalls_devices_they_get_back_their_own(fates in prop::collection::vec(fate(), 0..8)) {
        let mut bench = two_cards();
        let before = values(&bench.kernel);
        bench.put_in_force(&desired([
            ("link:eth0/mtu", is("9000")),
            ("link:eth0/ring/rx", is("1024")),
            ("link:eth1/mtu", is("4000")),
            ("link:eth1/feature/rx-gro", is("off")),
        ]));
        for (nth, fate) in fates.into_iter().enumerate() {
            let now = names(&mut bench.kernel);
            match fate {
                Fate::Renamed(which) => rename(&mut bench, &now[which], &format!("n{nth}")),
                Fate::Swapped => {
                    for (old, new) in [(&now[0], "x"), (&now[1], &now[0]), (&"x".to_owned(), &now[1])] {
                        rename(&mut bench, old, new);
                    }
                }
                Fate::Away(which, seen, back) => {
                    let own = number(&mut bench, &now[which]);
                    bench.kernel.move_away(&now[which]);
                    if seen {
                        bench.recover(Trials::Respect).unwrap();
                    }
                    let name = format!("b{nth}");
                    let another = 1000 + u32::try_from(nth).unwrap();
                    bench.kernel.come_back(&name, if let Back::AsItWent = back { own } else { another });
                    if let Back::Renamed = back {
                        let read = bench.kernel.reads() + 1;
                        bench.kernel.before_read(read, Event::Rename(name, format!("r{nth}")));
                        bench.recover(Trials::Respect).unwrap();
                        bench.kernel.call_off();
                    }
                }
                Fate::Command => drop(bench.recover(Trials::Respect).unwrap()),
            }
        }
        bench.take_back();
        let now = names(&mut bench.kernel);
        rename(&mut bench, &now[0], "was0");
        rename(&mut bench, &now[1], "was1");
        rename(&mut bench, "was0", "eth0");
        rename(&mut bench, "was1", "eth1");
        prop_assert_eq!(differences(&before, &values(&bench.kernel)), []);
    }
}
