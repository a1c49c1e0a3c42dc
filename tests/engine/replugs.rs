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
use trimtab_core::interface_id::Links;
use trimtab_core::observed::Reading;
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
    bench.kernel.links().unwrap().remove(name).unwrap().ifindex
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

/// `trimtab revert` on the bench's kernel, renamed just before its Nth touch; the kernel afterwards, and whether all is done.
fn revert(bench: &Bench, nth: usize, reads: bool, event: Option<Event>) -> (FakeKernel, bool) {
    let mut kernel = bench.kernel.clone();
    if let Some(event) = event {
        match reads {
            true => kernel.before_read(kernel.reads() + nth, event),
            false => kernel.before_write(kernel.writes() + nth, event),
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
    let reverted = revert::take_back(&mut session, &[], Wait { wait: Duration::ZERO });
    let (_, finished) = reverted.map_err(|failure| failure.message).unwrap();
    let kernel = kernel.0.borrow().clone();
    (kernel, matches!(finished, Finished::Nothing | Finished::InForce { .. }))
}

#[test]
fn a_rename_at_any_moment_of_a_revert_loses_no_original() {
    let before = values(&two_cards().kernel);
    for reads in [true, false] {
        for nth in 1..40 {
            let mut bench = two_cards();
            bench.put_in_force(&set());
            let (kernel, done) = revert(&bench, nth, reads, Some(Event::Rename("eth0".into(), "lan0".into())));
            bench.kernel = kernel;
            let was_renamed = bench.kernel.links().unwrap().contains_key("lan0");
            // What was not taken back at once can be by the next revert.
            if !done {
                let (kernel, done) = revert(&bench, 0, true, None);
                bench.kernel = kernel;
                assert!(done, "{nth}");
            }
            if was_renamed {
                rename(&mut bench, "lan0", "eth0");
            }
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "before {nth}, reads: {reads}");
            assert!(bench.store().history.held.is_empty());
            if !was_renamed {
                break;
            }
        }
    }
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

    fn links(&mut self) -> Option<Links> {
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
    Away(usize, bool),
    Command,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        (0..2_usize).prop_map(Fate::Renamed),
        Just(Fate::Swapped),
        (0..2_usize, any::<bool>()).prop_map(|(which, seen)| Fate::Away(which, seen)),
        Just(Fate::Command),
    ]
}

/// The names of the two cards now.
fn names(kernel: &mut FakeKernel) -> [String; 2] {
    let links = kernel.links().unwrap();
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
                Fate::Away(which, seen) => {
                    bench.kernel.move_away(&now[which]);
                    if seen {
                        bench.recover(Trials::Respect).unwrap();
                    }
                    bench.kernel.come_back(&format!("b{nth}"), 1000 + u32::try_from(nth).unwrap());
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
