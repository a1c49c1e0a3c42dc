use super::*;
use crate::desired::Layer;
use crate::desired::Origin;
use crate::desired::Want;
use crate::host::NetnsId;
use crate::interface_id::tell_apart;
use crate::policy::OnDrift;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

const MAC: &str = "52:54:00:00:00:01";

pub(super) fn card(ifindex: u32, node: u64) -> InterfaceId {
    let (kind, bus) = (Some("physical".into()), Some("pci".into()));
    InterfaceId { ifindex, kind, permanent_address: Some(MAC.into()), node: Some(node), bus }
}

pub(super) fn veth(ifindex: u32) -> InterfaceId {
    InterfaceId { ifindex, kind: Some("veth".into()), permanent_address: None, node: Some(ifindex.into()), bus: None }
}

pub(super) fn links<const N: usize>(all: [(&str, InterfaceId); N]) -> InterfaceIds {
    let mut links = all.map(|(name, id)| (name.to_owned(), id)).into();
    tell_apart(&mut links);
    links
}

/// A set that wants these numbers, on these interfaces.
pub(super) fn applied<const N: usize, const M: usize>(
    settings: [(&str, i64); N],
    on: [(&str, InterfaceId); M],
) -> Applied {
    let setting = |number| Setting {
        want: Want::Decided(Policy::Value(Wanted::One(Scalar::Int(number)))),
        on_drift: OnDrift::Revert,
        if_supported: false,
        load_module: false,
        reason: None,
        origin: Origin { layer: Layer::Profile, file: "p.toml".into(), line: 1, written_as: None },
        losers: Vec::new(),
    };
    let netns = NetnsId { cookie: 7, name: None, initial: true };
    let settings = settings.map(|(address, number)| (address.parse().unwrap(), setting(number))).into();
    Applied {
        version: VERSION,
        generation: 1,
        transaction: "1".into(),
        host: HostId { name: "h".into(), kernel: "6.12".into(), boot_id: "b".into(), netns },
        at: 1,
        caller: Caller::default(),
        roles: Vec::new(),
        profiles: Vec::new(),
        desired: Desired { settings },
        links: links(on),
    }
}

fn told(applied: &Applied) -> Vec<String> {
    let want = |setting: &Setting| match &setting.want {
        Want::Decided(Policy::Value(Wanted::One(number))) => format!("{number:?}"),
        Want::Decided(_) | Want::Undecided { .. } => format!("{:?}", setting.want),
    };
    applied.desired.settings.iter().map(|(address, setting)| format!("{address} {}", want(setting))).collect()
}

#[test]
fn settings_follow_their_interfaces() {
    let mut set = applied(
        [("link:eth0/mtu", 9000), ("sysctl:net.ipv4.conf.v0.rp_filter", 2), ("sysctl:net.core.somaxconn", 5)],
        [("eth0", card(2, 70)), ("v0", veth(7))],
    );
    let then = set.clone();
    assert_eq!(set.follow(&links([("eth0", card(2, 70)), ("v0", veth(7))])), []);
    assert_eq!(set, then);
    let now = links([("lan0", card(2, 70)), ("w0", veth(7))]);
    assert_eq!(set.follow(&now), []);
    assert_eq!(
        told(&set),
        ["sysctl:net.core.somaxconn Int(5)", "sysctl:net.ipv4.conf.w0.rp_filter Int(2)", "link:lan0/mtu Int(9000)"]
    );
    assert_eq!(set.links, now);
    // A card that was plugged in again is wanted to be as it was wanted before.
    assert_eq!(set.follow(&links([("eth5", card(12, 71))])), []);
    assert!(told(&set).contains(&"link:eth5/mtu Int(9000)".to_owned()), "{:?}", told(&set));
    assert_eq!(set.links["eth5"].node, Some(71));
}

#[test]
fn what_is_not_there_is_wanted_of_its_name() {
    let mut set = applied([("link:v0/mtu", 1400)], [("v0", veth(7))]);
    let then = set.clone();
    for now in [links([]), links([("v0", veth(9))])] {
        assert_eq!(set.follow(&now), []);
        assert_eq!(set, then);
    }
}

#[test]
fn names_that_are_swapped_swap_their_settings() {
    let on = [("v0", veth(7)), ("v1", veth(8))];
    let mut set = applied([("link:v0/mtu", 1400), ("link:v1/mtu", 1300), ("link:v1/txqueuelen", 77)], on);
    assert_eq!(set.follow(&links([("v0", veth(8)), ("v1", veth(7))])), []);
    assert_eq!(told(&set), ["link:v0/mtu Int(1300)", "link:v0/txqueuelen Int(77)", "link:v1/mtu Int(1400)"]);
}

#[test]
fn what_was_put_in_force_on_an_interface_comes_before_what_a_name_was_to_be() {
    let mut set =
        applied([("link:v0/mtu", 1400), ("link:w0/mtu", 1300), ("link:w0/txqueuelen", 77)], [("v0", veth(7))]);
    assert_eq!(set.follow(&links([("w0", veth(7))])), [], "w0 was only a name");
    assert_eq!(told(&set), ["link:w0/mtu Int(1400)", "link:w0/txqueuelen Int(77)"]);
    // A name that an interface took whose own one has gone.
    let mut set = applied([("link:v0/mtu", 1400), ("link:v1/mtu", 1300)], [("v0", veth(7)), ("v1", veth(8))]);
    let gave_way = set.follow(&links([("v0", veth(8))]));
    assert_eq!(told(&set), ["link:v0/mtu Int(1300)"]);
    let of = |one: &GaveWay| (one.address.to_string(), one.of.clone());
    assert_eq!(gave_way.iter().map(of).collect::<Vec<_>>(), [("link:v0/mtu".to_owned(), veth(7))]);
    assert_eq!(set.links, links([("v0", veth(8))]));
}

/// Under these names stands what all interfaces hold.
#[test]
fn settings_of_an_interface_never_become_those_of_all() {
    for name in ["all", "default", "a b"] {
        let mut set = applied([("sysctl:net.ipv4.conf.v0.forwarding", 1), ("link:v0/mtu", 1400)], [("v0", veth(7))]);
        let then = set.clone();
        assert_eq!(set.follow(&links([(name, veth(7))])), []);
        assert_eq!(set, then, "{name}");
        assert_eq!(set.follow(&links([("w0", veth(7))])), []);
        assert_eq!(told(&set), ["sysctl:net.ipv4.conf.w0.forwarding Int(1)", "link:w0/mtu Int(1400)"]);
    }
}
