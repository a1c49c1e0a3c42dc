use super::*;
use crate::facts::Facts;
use crate::host::HostId;
use crate::host::NetnsId;
use crate::interface_id::tell_apart;
use crate::journal::compact;
use crate::journal::record::Begin;
use crate::journal::record::Caller;
use crate::journal::record::Entry;
use crate::journal::record::Outcome;
use crate::journal::record::Record;
use crate::journal::replay;

const MAC: &str = "52:54:00:00:00:01";
const OTHER_MAC: &str = "52:54:00:00:00:02";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn veth(ifindex: u32) -> InterfaceId {
    InterfaceId { ifindex, kind: Some("veth".into()), permanent_address: None, node: None, bus: None }
}

fn card(ifindex: u32, mac: &str) -> InterfaceId {
    let (kind, bus) = (Some("physical".into()), Some("pci".into()));
    InterfaceId { ifindex, kind, permanent_address: Some(mac.into()), node: None, bus }
}

fn links<const N: usize>(all: [(&str, InterfaceId); N]) -> InterfaceIds {
    let mut links = all.map(|(name, id)| (name.to_owned(), id)).into();
    tell_apart(&mut links);
    links
}

fn begin(entries: Vec<Entry>) -> Begin {
    Begin { id: "1".into(), at: 1, verb: "apply".into(), caller: Caller::default(), confirm_by: None, entries }
}

fn held(original: i64, ours: i64, cause: Option<&str>, interface: Option<InterfaceId>) -> Held {
    Held { original: Value::Int(original), ours: Value::Int(ours), cause: cause.map(address), interface }
}

fn holding<const N: usize>(all: [(&str, Held); N]) -> History {
    History { held: all.map(|(name, held)| (address(name), held)).into(), ..History::default() }
}

fn names(history: &History) -> Vec<String> {
    history.held.keys().map(ToString::to_string).collect()
}

fn host() -> HostId {
    let netns = NetnsId { cookie: 7, name: None, initial: true };
    HostId { name: "h".into(), kernel: "6.12".into(), boot_id: "b".into(), netns }
}

/// What the file says once it is rewritten.
fn rewritten(history: &History) -> History {
    replay(compact(history, &host()))
}

fn something(returned: &[&str]) -> Followed {
    Followed::Something { returned: returned.iter().map(|text| address(text)).collect() }
}

fn found(values: &[(&str, i64)]) -> BTreeMap<Address, Observed> {
    let one =
        |(name, value): &(&str, i64)| (address(name), Observed::Value { value: Value::Int(*value), writable: true });
    values.iter().map(one).collect()
}

#[test]
fn what_belongs_to_an_interface_made_anew_is_forgotten() {
    let mut history = holding([
        ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
        ("sysctl:net.core.somaxconn", held(1, 2, None, None)),
    ]);
    assert!(history.speaks_of_links());
    assert_eq!(history.follow(&links([("v0", veth(7))])), Followed::Nothing);
    assert_eq!(history.follow(&links([("lan0", veth(7))])), something(&[]));
    assert_eq!(names(&history), ["sysctl:net.core.somaxconn", "link:lan0/mtu"]);
    assert_eq!(history.follow(&links([("lan0", veth(9))])), something(&[]));
    assert_eq!(names(&history), ["sysctl:net.core.somaxconn"]);
    assert!(history.away.is_empty() && !history.speaks_of_links());
}

#[test]
fn two_that_swap_their_names_are_not_mixed_up() {
    let mut history = holding([
        ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
        ("link:v1/mtu", held(1500, 1300, None, Some(veth(8)))),
        ("link:v1/gso-max-size", held(5, 4, Some("link:v0/mtu"), Some(veth(8)))),
    ]);
    assert_eq!(history.follow(&links([("v0", veth(8)), ("v1", veth(7))])), something(&[]));
    assert_eq!(history.held[&address("link:v1/mtu")].ours, Value::Int(1400));
    assert_eq!(history.held[&address("link:v0/mtu")].ours, Value::Int(1300));
    assert_eq!(history.held[&address("link:v0/gso-max-size")].cause, Some(address("link:v1/mtu")));
}

/// An open transaction may speak of another interface by a name that is on record for one that went.
#[test]
fn a_name_that_was_two_interfaces_leads_to_each() {
    let mut history = holding([
        ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
        ("link:v1/gso-max-size", held(5, 4, Some("link:v0/mtu"), Some(veth(5)))),
    ]);
    let entry = |name: &str, interface| Entry {
        address: address(name),
        role: Role::Set,
        before: Value::Int(1500),
        original: Value::Int(1500),
        wanted: vec![Value::Int(1350)],
        unforeseen: false,
        moved_by: None,
        interface: Some(interface),
    };
    let effect = Entry { role: Role::Effect { cause: address("link:v0/mtu") }, ..entry("link:v2/mtu", veth(6)) };
    let begin = begin(vec![entry("link:v0/mtu", veth(9)), effect]);
    let wrote = [(address("link:v0/mtu"), Value::Int(1350))].into();
    history.open = Some(Transaction { begin, wrote, awaiting: None });
    let now = links([("old0", veth(7)), ("v1", veth(5)), ("new0", veth(9)), ("v2", veth(6))]);
    assert_eq!(history.follow(&now), something(&[]));
    assert_eq!(history.held[&address("link:old0/mtu")].ours, Value::Int(1400));
    assert_eq!(history.held[&address("link:v1/gso-max-size")].cause, Some(address("link:old0/mtu")));
    let open = history.open.clone().unwrap();
    let addresses: Vec<String> = open.begin.entries.iter().map(|entry| entry.address.to_string()).collect();
    assert_eq!(addresses, ["link:new0/mtu", "link:v2/mtu"]);
    assert_eq!(open.begin.entries[1].role, Role::Effect { cause: address("link:new0/mtu") });
    assert_eq!(open.wrote.keys().map(ToString::to_string).collect::<Vec<_>>(), ["link:new0/mtu"]);
    assert_eq!(rewritten(&history).open, history.open);
}

#[test]
fn hardware_that_is_away_is_waited_for() {
    let mut history = holding([("link:eth0/mtu", held(1500, 1400, None, Some(card(2, MAC))))]);
    assert_eq!(history.follow(&links([])), something(&[]));
    assert!(history.held.is_empty() && history.speaks_of_links());
    let mut history = rewritten(&history);
    assert_eq!(history.follow(&links([])), Followed::Nothing, "that it is away is known");
    // Another has its name and its number meanwhile.
    assert_eq!(history.follow(&links([("eth0", card(2, OTHER_MAC))])), Followed::Nothing);
    let history = &mut rewritten(&history);
    let both = links([("eth0", card(2, OTHER_MAC)), ("eth7", card(12, MAC))]);
    assert_eq!(history.follow(&both), something(&["link:eth7/mtu"]));
    assert_eq!(history.held[&address("link:eth7/mtu")].interface, Some(card(12, MAC)));
    assert!(history.away.is_empty());
    assert_eq!(history.follow(&both), Followed::Nothing);
}

#[test]
fn what_came_back_as_the_driver_made_it_is_let_go() {
    let returned = |mtu: i64, qlen: i64| {
        let mut history = holding([
            ("link:eth0/mtu", held(1500, 1400, None, Some(card(2, MAC)))),
            ("link:eth0/txqueuelen", held(1000, 500, None, Some(card(2, MAC)))),
            ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
            (
                "sysctl:net.ipv4.conf.eth0.forwarding",
                held(1, 1, Some("sysctl:net.ipv4.ip_forward"), Some(card(2, MAC))),
            ),
        ]);
        let now = links([("eth1", card(9, MAC)), ("v0", veth(7))]);
        let Followed::Something { returned } = history.follow(&now) else { panic!("it has another number") };
        let values =
            [("link:eth1/mtu", mtu), ("link:eth1/txqueuelen", qlen), ("sysctl:net.ipv4.conf.eth1.forwarding", 1)];
        history.let_go_of_lost(&returned, &found(&values), &Facts::default());
        names(&history)
    };
    assert_eq!(returned(1400, 500), ["link:eth1/mtu", "link:eth1/txqueuelen", "link:v0/mtu"]);
    assert_eq!(returned(1500, 500), ["link:eth1/txqueuelen", "link:v0/mtu"]);
    // Neither ours nor the original: the driver has other defaults now, or somebody set it elsewhere.
    assert_eq!(returned(9000, 500), ["link:eth1/txqueuelen", "link:v0/mtu"]);
    assert_eq!(returned(1500, 1000), ["link:v0/mtu"]);
}

#[test]
fn a_card_that_was_plugged_in_again_owes_nothing() {
    let of = |ifindex, node| InterfaceId { node: Some(node), ..card(ifindex, MAC) };
    let mut history = holding([("link:eth0/mtu", held(1500, 1400, None, Some(of(2, 70))))]);
    assert_eq!(history.clone().follow(&links([("eth0", of(9, 71))])), something(&[]));
    history.follow(&links([]));
    assert_eq!(history.away.len(), 1);
    assert_eq!(history.follow(&links([("eth0", of(9, 71))])), something(&[]));
    assert!(history.held.is_empty() && history.away.is_empty());
}

#[test]
fn what_a_write_took_away_is_waited_for_as_long_as_the_write_holds() {
    let steering = "link:eth0/queue/rx-3/rps-flow-cnt";
    let returned = |channels: i64| {
        let channel = "link:eth0/channel/combined";
        let mut history = holding([
            (channel, held(4, 2, None, Some(card(2, MAC)))),
            (steering, held(64, 64, Some(channel), Some(card(2, MAC)))),
        ]);
        let Followed::Something { returned } = history.follow(&links([("eth0", card(9, MAC))])) else { panic!() };
        history.let_go_of_lost(&returned, &found(&[(channel, channels)]), &Facts::default());
        names(&history).len()
    };
    assert_eq!((returned(2), returned(4)), (2, 0));
}

#[test]
fn a_transaction_that_was_killed_is_undone_once_the_card_is_back() {
    let entry = Entry {
        address: address("link:eth0/mtu"),
        role: Role::Set,
        before: Value::Int(1450),
        original: Value::Int(1500),
        wanted: vec![Value::Int(1400)],
        unforeseen: false,
        moved_by: None,
        interface: Some(card(2, MAC)),
    };
    let begin = begin(vec![entry]);
    let mut history = replay([Record::Begin(begin)]);
    history.follow(&links([]));
    let mut history = rewritten(&history);
    assert!(history.open.as_ref().unwrap().begin.entries.is_empty());
    crate::journal::replay::step(&mut history, Record::Done { id: "1".into(), outcome: Outcome::Undone });
    assert!(history.held.is_empty());
    assert_eq!(history.follow(&links([("eth0", card(3, MAC))])), something(&["link:eth0/mtu"]));
    let ours = &history.held[&address("link:eth0/mtu")];
    assert_eq!((&ours.original, &ours.ours), (&Value::Int(1500), &Value::Int(1400)));
}

#[test]
fn what_was_moved_stays_ours_when_its_cause_goes() {
    let mut history = holding([
        ("link:br0/mtu", held(1500, 1400, None, Some(veth(3)))),
        ("link:v0/mtu", held(1500, 1400, Some("link:br0/mtu"), Some(veth(7)))),
        ("link:v1/mtu", held(1500, 1500, Some("link:br0/mtu"), Some(veth(8)))),
    ]);
    history.follow(&links([("v0", veth(7)), ("v1", veth(8))]));
    assert_eq!(names(&history), ["link:v0/mtu"]);
    assert_eq!(history.held[&address("link:v0/mtu")].cause, None);
}

#[test]
fn a_name_that_no_address_can_hold_is_as_good_as_away() {
    let mut history = holding([("link:eth0/mtu", held(1500, 1400, None, Some(card(2, MAC))))]);
    history.follow(&links([("a b", card(2, MAC))]));
    assert_eq!((names(&history).len(), history.away.len()), (0, 1));
    assert_eq!(history.follow(&links([("eth1", card(2, MAC))])), something(&["link:eth1/mtu"]));
}

/// What the kernel keeps under these names is everybody's, and an interface that is called so has no sysctls.
#[test]
fn what_an_interface_holds_never_becomes_what_all_hold() {
    for name in ["all", "default"] {
        let mut history = holding([
            ("sysctl:net.ipv4.conf.v0.forwarding", held(0, 1, None, Some(veth(7)))),
            ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
        ]);
        history.follow(&links([(name, veth(7))]));
        assert_eq!(names(&history), [format!("link:{name}/mtu")]);
        let mut history = rewritten(&history);
        history.follow(&links([("w0", veth(7))]));
        assert_eq!(names(&history), ["sysctl:net.ipv4.conf.w0.forwarding", "link:w0/mtu"]);
    }
}

#[test]
fn what_was_left_alone_is_told_under_the_name_of_now() {
    let mut history = holding([("link:v0/mtu", held(1500, 1400, None, Some(veth(7))))]);
    history.left = vec![address("link:v0/txqueuelen"), address("link:v9/mtu")];
    history.follow(&links([("w0", veth(7))]));
    assert_eq!(history.left, [address("link:w0/txqueuelen"), address("link:v9/mtu")]);
}

/// As journals were written before anything but the number was known of an interface.
#[test]
fn an_early_journal_is_followed_by_numbers() {
    let early = r#"{"type":"holds","address":"link:eth0/mtu","held":{"original":1500,"ours":1400,"ifindex":2}}"#;
    let mut history = replay([serde_json::from_str::<Record>(early).unwrap()]);
    assert_eq!(history.follow(&links([("lan0", card(2, MAC))])), something(&[]));
    assert_eq!(names(&history), ["link:lan0/mtu"]);
    // Seen once it is known by more.
    assert_eq!(history.follow(&links([("lan0", card(3, MAC))])), something(&["link:lan0/mtu"]));
}

/// A transaction of one value of eth0, of which this much is known.
fn of_one(before: i64, wanted: i64, wrote: Option<i64>, interface: InterfaceId) -> Transaction {
    let entry = Entry {
        address: address("link:eth0/mtu"),
        role: Role::Set,
        before: Value::Int(before),
        original: Value::Int(1500),
        wanted: vec![Value::Int(wanted)],
        unforeseen: false,
        moved_by: None,
        interface: Some(interface),
    };
    let wrote: BTreeMap<Address, Value> =
        wrote.map(|wrote| (address("link:eth0/mtu"), Value::Int(wrote))).into_iter().collect();
    let awaiting = (!wrote.is_empty()).then(Vec::new);
    Transaction { begin: begin(vec![entry]), wrote, awaiting }
}

/// What is held once the card is back with this value, and the transaction was undone.
fn held_after(mut history: History, now: &InterfaceIds, found_mtu: i64) -> Vec<(i64, i64)> {
    let Followed::Something { returned } = history.follow(now) else { panic!("it was not away") };
    history.let_go_of_lost(&returned, &found(&[("link:eth0/mtu", found_mtu)]), &Facts::default());
    let mut history = rewritten(&history);
    crate::journal::replay::step(&mut history, Record::Done { id: "1".into(), outcome: Outcome::Undone });
    assert!(history.away.is_empty(), "{:?}", history.away);
    let number = |value: &Value| if let Value::Int(number) = value { *number } else { -1 };
    history.held.values().map(|held| (number(&held.original), number(&held.ours))).collect()
}

/// On trial it holds something else than what was held before, which comes back with the end of the trial.
#[test]
fn a_card_that_comes_back_amid_a_trial_keeps_what_was_held_before_it() {
    let of = |ifindex| InterfaceId { node: Some(70), ..card(ifindex, MAC) };
    let held_of = |found_mtu| {
        let mut history = holding([("link:eth0/mtu", held(1500, 9000, None, Some(of(2))))]);
        history.open = Some(of_one(9000, 4000, Some(4000), of(2)));
        held_after(history, &links([("eth0", of(9))]), found_mtu)
    };
    assert_eq!(held_of(4000), [(1500, 9000)]);
    assert_eq!(held_of(9000), [(1500, 9000)]);
    assert_eq!(held_of(1500), []);
    assert_eq!(held_of(5000), []);
}

/// Killed before the write or behind it, and the card went before anybody saw which.
#[test]
fn a_card_that_went_amid_a_write_is_held_by_what_it_comes_back_with() {
    let of = |ifindex| InterfaceId { node: Some(70), ..card(ifindex, MAC) };
    let held_of = |wrote, found_mtu| {
        // Of the one that is held less was known.
        let mut history = holding([("link:eth0/mtu", held(1500, 9000, None, Some(card(2, MAC))))]);
        history.open = Some(Transaction { awaiting: None, ..of_one(9000, 4000, wrote, of(2)) });
        history.follow(&links([]));
        let mut history = rewritten(&history);
        crate::journal::replay::step(&mut history, Record::Done { id: "1".into(), outcome: Outcome::Undone });
        held_after(history, &links([("eth0", of(2))]), found_mtu)
    };
    assert_eq!(held_of(None, 9000), [(1500, 9000)]);
    assert_eq!(held_of(None, 4000), [(1500, 4000)]);
    assert_eq!(held_of(None, 1500), []);
    assert_eq!(held_of(Some(4000), 4000), [(1500, 4000)]);
    assert_eq!(held_of(Some(4000), 9000), []);
}

#[test]
fn what_is_forgotten_can_be_told() {
    let mut history = holding([
        ("link:v0/mtu", held(1500, 1400, None, Some(veth(7)))),
        ("link:v1/mtu", held(1500, 1500, Some("link:v0/mtu"), Some(veth(7)))),
        ("link:eth0/mtu", held(1500, 1400, None, Some(card(2, MAC)))),
    ]);
    history.follow(&links([]));
    assert_eq!(history.forgotten, [(address("link:v0/mtu"), held(1500, 1400, None, Some(veth(7))))]);
}

/// Cards that are plugged in and out all day leave no journal that grows without end.
#[test]
fn of_all_cards_that_ever_left_the_last_are_waited_for() {
    let mac = |number: usize| format!("52:54:00:00:{:02x}:{:02x}", number / 256, number % 256);
    let left = |history: &mut History, numbers: std::ops::Range<usize>| {
        for number in numbers {
            let device = card(u32::try_from(number).unwrap() + 2, &mac(number));
            for value in ["mtu", "txqueuelen"] {
                let address = address(&format!("link:eth{number}/{value}"));
                history.held.insert(address, held(1500, 1400, None, Some(device.clone())));
            }
        }
        history.follow(&links([]));
        let forgotten = std::mem::take(&mut history.forgotten);
        *history = rewritten(history);
        forgotten.into_iter().map(|(address, _)| address.to_string()).collect::<Vec<_>>()
    };
    let mut history = History::default();
    assert_eq!(left(&mut history, 0..3), [""; 0]);
    assert_eq!(left(&mut history, 3..MOST_AWAY), [""; 0]);
    assert_eq!(
        left(&mut history, MOST_AWAY..MOST_AWAY + 2),
        ["link:eth1/mtu", "link:eth1/txqueuelen", "link:eth2/mtu", "link:eth2/txqueuelen"]
    );
    assert_eq!(history.away.len(), 2 * MOST_AWAY);
    // The eldest of those that are waited for is known again, and one that was forgotten is not.
    history.follow(&links([("lan0", card(5000, &mac(0)))]));
    assert_eq!(names(&history), ["link:lan0/mtu", "link:lan0/txqueuelen"]);
    let mut history = History { held: BTreeMap::new(), ..history };
    history.follow(&links([("lan1", card(5001, &mac(1)))]));
    assert_eq!(names(&history), [""; 0]);
}

/// Early journals know the number only, and those of whoever may not look into sysfs no inode.
#[test]
fn more_is_known_of_an_interface_once_it_was_seen() {
    let bare = InterfaceId { ifindex: 2, kind: None, permanent_address: None, node: None, bus: None };
    let known = InterfaceId { node: Some(70), ..card(2, MAC) };
    for name in ["eth0", "lan0"] {
        let mut history = holding([("link:eth0/mtu", held(1500, 1400, None, Some(bare.clone())))]);
        history.follow(&links([(name, known.clone())]));
        assert_eq!(history.held[&address(&format!("link:{name}/mtu"))].interface, Some(known.clone()));
        history.follow(&links([]));
        assert_eq!(history.away.len(), 1);
    }
}
