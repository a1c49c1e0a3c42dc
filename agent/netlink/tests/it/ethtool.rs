//! Against ethtool(8): what it says is what we read, and what either sets the other sees.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use rustix::thread::CapabilitySet;
use trimtab_netlink::Error;
use trimtab_netlink::ethtool::Change;
use trimtab_netlink::ethtool::ChannelsChange;
use trimtab_netlink::ethtool::CoalesceChange;
use trimtab_netlink::ethtool::Device;
use trimtab_netlink::ethtool::DeviceId;
use trimtab_netlink::ethtool::Duplex;
use trimtab_netlink::ethtool::Ethtool;
use trimtab_netlink::ethtool::Monitor;
use trimtab_netlink::ethtool::News;
use trimtab_netlink::ethtool::PauseChange;
use trimtab_netlink::ethtool::RingsChange;
use trimtab_netlink::ethtool::RssChange;
use trimtab_netlink::ethtool::StringSetId;

use crate::ioctl;
use crate::namespace::in_new_netns;
use crate::namespace::run;

const A: Device<'static> = Device::Name("tt-a");

/// Two ends of a cable, with 8 queues each, and a bridge.
fn devices() {
    run("ip link add tt-a numrxqueues 8 numtxqueues 8 type veth peer name tt-b numrxqueues 8 numtxqueues 8");
    run("ip link add tt-bridge type bridge");
    run("ip link set tt-b master tt-bridge");
}

/// Every change that has come, in words.
fn heard(monitor: &mut Monitor) -> Vec<Change> {
    let mut all = Vec::new();
    while monitor.wait(Duration::from_millis(200)).unwrap() {
        match monitor.read().unwrap() {
            News::Idle => break,
            News::Overrun => panic!("overrun"),
            News::Changes(changes) => all.extend(changes.into_iter().map(Result::unwrap)),
        }
    }
    all
}

fn index(device: &str) -> u32 {
    let line = run(&format!("ip -o link show {device}"));
    line.split(':').next().unwrap().parse().unwrap()
}

#[test]
fn one_dump_has_all_devices_as_each_is_alone() {
    in_new_netns("one_dump_has_all_devices_as_each_is_alone", || {
        devices();
        let mut ethtool = Ethtool::open().unwrap();
        let features = ethtool.dump_features().unwrap();
        let names: BTreeSet<&str> = features.iter().map(|one| one.device.name.as_str()).collect();
        assert!(names.is_superset(&["lo", "tt-a", "tt-b", "tt-bridge"].into()), "{names:?}");
        for one in &features {
            let DeviceId { index, name } = &one.device;
            assert_eq!(*index, crate::ethtool::index(name));
            assert_eq!(&ethtool.features(Device::Index(*index)).unwrap(), one);
            assert_eq!(&ethtool.features(Device::Name(name)).unwrap(), one);
        }
        // Who has no such thing is left out.
        let channels = ethtool.dump_channels().unwrap();
        let names: BTreeSet<&str> = channels.iter().map(|one| one.device.name.as_str()).collect();
        assert!(names.is_superset(&["tt-a", "tt-b"].into()) && !names.contains("lo"), "{names:?}");
        for one in &channels {
            assert_eq!(&ethtool.channels(Device::Index(one.device.index)).unwrap(), one);
        }
        assert_eq!(ethtool.dump_private_flags().unwrap(), []);
        let states = ethtool.dump_link_state().unwrap();
        assert!(states.iter().any(|state| state.device.name == "lo" && state.link == Some(false)), "{states:?}");
    });
}

#[test]
fn what_is_set_is_seen_by_ethtool_8_and_the_other_way_round() {
    in_new_netns("what_is_set_is_seen_by_ethtool_8_and_the_other_way_round", || {
        devices();
        let mut ethtool = Ethtool::open().unwrap();
        let outcome = ethtool.set_features(A, &[("rx-gro", true), ("tx-tcp-segmentation", false)]).unwrap();
        assert_eq!(outcome.not_taken, BTreeMap::new());
        // With it goes what depends on it.
        let changed = |name| outcome.changed.get(name).copied();
        let mangleid = changed("tx-tcp-mangleid-segmentation");
        assert_eq!(
            [changed("rx-gro"), changed("tx-tcp-segmentation"), mangleid],
            [Some(true), Some(false), Some(false)]
        );
        let seen = run("ethtool -k tt-a");
        assert!(seen.contains("generic-receive-offload: on") && seen.contains("tx-tcp-segmentation: off"), "{seen}");
        run("ethtool -K tt-a gro off tx-tcp-segmentation on");
        let features = ethtool.features(A).unwrap();
        assert!(!features.get("rx-gro").unwrap().active && features.get("tx-tcp-segmentation").unwrap().active);

        let change = ChannelsChange { rx: Some(3), tx: Some(2), ..ChannelsChange::default() };
        assert_eq!(ethtool.set_channels(A, &change).unwrap().warning, None);
        let seen = run("ethtool -l tt-a");
        let (_, now) = seen.split_once("Current").unwrap();
        assert!(now.contains("RX:\t\t3\n") && now.contains("TX:\t\t2\n"), "{seen}");
        run("ethtool -L tt-a rx 5 tx 4");
        let channels = ethtool.channels(A).unwrap();
        assert_eq!((channels.rx, channels.tx, channels.rx_max), (Some(5), Some(4), Some(8)));
    });
}

#[test]
fn a_part_that_cannot_be_done_is_told() {
    in_new_netns("a_part_that_cannot_be_done_is_told", || {
        devices();
        let mut ethtool = Ethtool::open().unwrap();
        // Fixed: nothing is done, and that is no error.
        let outcome = ethtool.set_features(A, &[("tx-checksum-ipv4", true)]).unwrap();
        assert_eq!(outcome.not_taken, [("tx-checksum-ipv4".into(), true)].into());
        assert_eq!(outcome.changed, BTreeMap::new());
        // Segmentation needs scatter-gather: what depends on it goes too, and comes back.
        let outcome = ethtool.set_features(A, &[("tx-scatter-gather", false)]).unwrap();
        assert_eq!(outcome.changed.get("tx-tcp-segmentation"), Some(&false), "{outcome:?}");
        let tso = ethtool.features(A).unwrap().get("tx-tcp-segmentation").unwrap();
        assert!(tso.wanted && !tso.active && !tso.is_fixed());
        let outcome = ethtool.set_features(A, &[("tx-tcp-segmentation", true)]).unwrap();
        assert_eq!(outcome.not_taken, [("tx-tcp-segmentation".into(), true)].into());
        let error = ethtool.set_features(A, &[("tx-tcp-segmentatoin", true)]).unwrap_err();
        assert_eq!(error.to_string(), "tt-a: set features: there is no `tx-tcp-segmentatoin`");
        assert_eq!(ethtool.set_features(A, &[]).unwrap().changed, BTreeMap::new());
    });
}

#[test]
fn refusals_carry_the_kernels_words() {
    in_new_netns("refusals_carry_the_kernels_words", || {
        devices();
        let mut ethtool = Ethtool::open().unwrap();
        let change = ChannelsChange { rx: Some(9), ..ChannelsChange::default() };
        let Error::Refused(refusal) = ethtool.set_channels(A, &change).unwrap_err() else { panic!("not refused") };
        assert_eq!(refusal.message.as_deref(), Some("requested channel count exceeds maximum"));
        // Header of message and of family, header with name and flags, and there it is.
        assert_eq!((refusal.errno, refusal.offset), (22, Some(16 + 4 + 4 + 12 + 8)));
        let text = "tt-a: set channels: requested channel count exceeds maximum: Invalid argument (os error 22), \
                    at byte 44 of the request";
        assert_eq!(refusal.to_string(), text);
        assert_eq!(ethtool.channels(A).unwrap().rx, Some(8));

        let error = ethtool.rings(A).unwrap_err();
        assert!(error.is_unsupported() && !error.is_gone(), "{error}");
        let rings = RingsChange { rx: Some(64), ..RingsChange::default() };
        assert!(ethtool.set_rings(A, &rings).unwrap_err().is_unsupported());
        assert!(ethtool.set_pause(A, &PauseChange { rx: Some(true), ..PauseChange::default() }).is_err());
        let error = ethtool
            .set_rss(Device::Name("tt-bridge"), &RssChange { indirection: Some(vec![0]), ..RssChange::default() })
            .unwrap_err();
        assert!(error.is_unsupported(), "{error}");
        assert!(ethtool.private_flags(A).unwrap_err().is_unsupported());
        assert!(ethtool.set_private_flags(A, &[("any", true)]).unwrap_err().is_unsupported());
        let error = ethtool.features(Device::Name("tt-none")).unwrap_err();
        assert!(error.is_gone() && error.to_string().starts_with("tt-none: get features: "), "{error}");
        assert!(ethtool.features(Device::Index(4711)).unwrap_err().is_gone());
        // The kernel would read up to the NUL, and change lo.
        let error = ethtool.features(Device::Name("lo\0x")).unwrap_err();
        assert_eq!(error.to_string(), r"lo\0x: get features: there is no `lo\0x`");
        // Longer than any name can be.
        assert!(ethtool.features(Device::Name(&"x".repeat(300))).is_err());
        assert!(ethtool.features(Device::Name(&"x".repeat(70_000))).is_err());
    });
}

#[test]
fn without_the_right_to_it_can_be_read_and_not_set() {
    in_new_netns("without_the_right_to_it_can_be_read_and_not_set", || {
        devices();
        let mut sets = rustix::thread::capabilities(None).unwrap();
        sets.effective -= CapabilitySet::NET_ADMIN;
        // Of this thread only, which ends with the test.
        rustix::thread::set_capabilities(None, sets).unwrap();
        let mut ethtool = Ethtool::open().unwrap();
        assert!(ethtool.features(A).unwrap().get("rx-gro").is_some());
        let error = ethtool.set_features(A, &[("rx-gro", true)]).unwrap_err();
        assert!(error.is_denied(), "{error}");
        // Anybody may listen, with as much room as the host gives to anybody.
        Monitor::open(1 << 26).unwrap();
    });
}

#[test]
fn changes_are_heard_whoever_makes_them() {
    in_new_netns("changes_are_heard_whoever_makes_them", || {
        devices();
        let mut monitor = Monitor::open(1 << 20).unwrap();
        let mut ethtool = Ethtool::open().unwrap();
        assert!(matches!(monitor.read().unwrap(), News::Idle));
        let device = DeviceId { index: index("tt-a"), name: "tt-a".into() };

        ethtool.set_features(A, &[("rx-gro", true)]).unwrap();
        let now = ethtool.features(A).unwrap();
        assert_eq!(heard(&mut monitor), [Change::Features(now)]);
        // What is as it was is no news.
        ethtool.set_features(A, &[("rx-gro", true)]).unwrap();
        assert_eq!(heard(&mut monitor), []);
        ioctl::set_gro("tt-a", false);
        let changes = heard(&mut monitor);
        let [Change::Features(features)] = changes.as_slice() else { panic!("{changes:?}") };
        assert!(features.device == device && !features.get("rx-gro").unwrap().active);

        run("ethtool -L tt-a rx 2");
        let now = ethtool.channels(A).unwrap();
        assert_eq!(heard(&mut monitor), [Change::Channels(now)]);
        run("ip link set tt-a name tt-renamed");
        run("ethtool -K tt-renamed tso off");
        let changes = heard(&mut monitor);
        let renamed = DeviceId { name: "tt-renamed".into(), ..device };
        assert!(!changes.is_empty() && changes.iter().all(|change| *change.device() == renamed), "{changes:?}");
    });
}

#[test]
fn coalescing_and_link_modes_are_set_and_heard() {
    in_new_netns("coalescing_and_link_modes_are_set_and_heard", || {
        // What a TAP device has of a NIC's settings.
        run("ip tuntap add dev tt-tap mode tap");
        let tap = Device::Name("tt-tap");
        let mut monitor = Monitor::open(1 << 20).unwrap();
        let mut ethtool = Ethtool::open().unwrap();
        let change = CoalesceChange { rx_max_frames: Some(32), ..CoalesceChange::default() };
        ethtool.set_coalesce(tap, &change).unwrap();
        assert!(run("ethtool -c tt-tap").contains("rx-frames: 32\n"));
        let now = ethtool.coalesce(tap).unwrap();
        assert_eq!((now.rx_max_frames, now.rx_usecs), (Some(32), None));
        assert_eq!(heard(&mut monitor), [Change::Coalesce(now)]);
        run("ethtool -C tt-tap rx-frames 8");
        assert_eq!(ethtool.coalesce(tap).unwrap().rx_max_frames, Some(8));
        assert!(matches!(heard(&mut monitor).as_slice(), [Change::Coalesce(_)]));
        // What the driver does not have the kernel refuses by its place, and does nothing else either.
        let change = CoalesceChange { rx_max_frames: Some(16), tx_usecs: Some(1), ..CoalesceChange::default() };
        let Error::Refused(refusal) = ethtool.set_coalesce(tap, &change).unwrap_err() else { panic!("not refused") };
        assert_eq!((refusal.errno, refusal.offset), (22, Some(16 + 4 + 4 + 12 + 8 + 8)));
        assert_eq!(refusal.message.as_deref(), Some("cannot modify an unsupported parameter"));
        assert_eq!(ethtool.coalesce(tap).unwrap().rx_max_frames, Some(8));

        run("ethtool -s tt-tap speed 2500 duplex half autoneg off");
        let modes = ethtool.link_modes(tap).unwrap();
        assert_eq!((modes.known_speed(), modes.duplex, modes.autoneg), (Some(2500), Some(Duplex::Half), Some(false)));
        let changes = heard(&mut monitor);
        assert!(changes.contains(&Change::LinkModes(modes)), "{changes:?}");
    });
}

#[test]
fn lost_changes_are_told() {
    in_new_netns("lost_changes_are_told", || {
        devices();
        let mut monitor = Monitor::open(1).unwrap();
        let mut ethtool = Ethtool::open().unwrap();
        for round in 0..200 {
            ethtool.set_features(A, &[("rx-gro", round % 2 == 0)]).unwrap();
        }
        let mut overruns = 0;
        loop {
            match monitor.read().unwrap() {
                News::Idle => break,
                News::Overrun => overruns += 1,
                News::Changes(changes) => assert!(changes.iter().all(Result::is_ok)),
            }
        }
        assert!(overruns > 0);
        ethtool.set_features(A, &[("rx-gro", true)]).unwrap();
        assert_eq!(heard(&mut monitor).len(), 1);
    });
}

#[test]
fn hundreds_of_devices_are_read_in_one_dump() {
    in_new_netns("hundreds_of_devices_are_read_in_one_dump", || {
        for number in 0..200 {
            run(&format!("ip link add tt-{number} type veth peer name tp-{number}"));
        }
        let mut ethtool = Ethtool::open().unwrap();
        let features = ethtool.dump_features().unwrap();
        let names: BTreeSet<String> = features.into_iter().map(|one| one.device.name).collect();
        let expected = (0..200).flat_map(|number| [format!("tt-{number}"), format!("tp-{number}")]);
        assert!(names.is_superset(&expected.collect()), "{}", names.len());
        assert!(ethtool.dump_channels().unwrap().len() >= 400);
    });
}

#[test]
fn string_sets_are_those_of_kernel_and_device() {
    let mut ethtool = Ethtool::open().unwrap();
    let functions = ethtool.strings(StringSetId::RssHashFunctions, None).unwrap();
    assert_eq!(functions.index("toeplitz"), Some(0));
    let modes = ethtool.strings(StringSetId::LinkModes, None).unwrap();
    assert_eq!(modes.name(modes.index("1000baseT/Full").unwrap()), Some("1000baseT/Full"));
    assert!(modes.iter().count() == modes.len() && !modes.is_empty());
    // Flags of a device: of none they cannot be, and lo has none.
    assert!(ethtool.strings(StringSetId::PrivateFlags, None).is_err());
    assert!(ethtool.strings(StringSetId::PrivateFlags, Some(Device::Name("lo"))).unwrap().is_empty());
}
