//! Every value of every device as ethtool(8) tells it: in a namespace, and read only, of the machine's own devices.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::process::Command;

use serde_json::Value;
use trimtab_netlink::Error;
use trimtab_netlink::ethtool::Channels;
use trimtab_netlink::ethtool::Coalesce;
use trimtab_netlink::ethtool::Device;
use trimtab_netlink::ethtool::Ethtool;
use trimtab_netlink::ethtool::Pause;
use trimtab_netlink::ethtool::PrivateFlags;
use trimtab_netlink::ethtool::Rings;
use trimtab_netlink::ethtool::Rss;
use trimtab_netlink::ethtool::StringSet;
use trimtab_netlink::ethtool::StringSetId;

use crate::namespace::in_new_netns;
use crate::namespace::run;

/// What ethtool(8) prints, none if it says that it cannot.
fn told(option: &str, device: &str) -> Option<String> {
    let output = Command::new("ethtool").args([option, device]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// `name: value` in the lines of a part of what it prints. What a device does not have is `n/a`, in older versions 0.
fn lines(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.trim(), value.trim())).collect()
}

/// What is shown is what we have; so many of these at least must be shown, as versions of the program differ.
fn same(shown: &BTreeMap<&str, &str>, ours: &[(&str, Option<u32>)], least: usize) {
    let mut seen = 0;
    for (name, ours) in ours {
        if let Some(shown) = shown.get(name) {
            assert_eq!(*shown, number(*ours), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= least, "{seen}: {shown:?}");
}

fn number(value: Option<impl Display>) -> String {
    value.map_or_else(|| "n/a".into(), |value| value.to_string())
}

fn switch(value: Option<bool>) -> &'static str {
    value.map_or("n/a", |on| if on { "on" } else { "off" })
}

/// None if the device has no such thing; any other error is a failure.
fn has<T>(read: Result<T, Error>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.is_unsupported(), "{error}");
            None
        }
    }
}

fn features_agree(ethtool: &mut Ethtool, device: &str) {
    let ours = ethtool.features(Device::Name(device)).unwrap();
    let json: Value = serde_json::from_str(&run(&format!("ethtool --json -k {device}"))).unwrap();
    let theirs = json[0].as_object().unwrap();
    let mut seen = 0;
    for (name, feature) in ours.iter() {
        // Some of them it shows under an older name, as one with others.
        let Some(shown) = theirs.get(name) else { continue };
        seen += 1;
        let want = serde_json::json!({
            "active": feature.active, "fixed": feature.is_fixed(), "requested": feature.wanted,
        });
        assert_eq!(shown, &want, "{device} {name}");
    }
    let older = [
        ("generic-receive-offload", "rx-gro"),
        ("rx-checksumming", "rx-checksum"),
        ("large-receive-offload", "rx-lro"),
    ];
    for (older, name) in older {
        assert_eq!(theirs[older]["active"], ours.get(name).unwrap().active, "{device} {name}");
    }
    assert!(seen > 40, "{seen}");
}

fn rings_agree(ours: Option<Rings>, theirs: Option<String>) {
    assert_eq!(ours.is_some(), theirs.is_some());
    let Some((ours, theirs)) = ours.zip(theirs) else { return };
    let (most, now) = theirs.split_once("Current").unwrap();
    let (most, now) = (lines(most), lines(now));
    let sizes =
        [("RX", ours.rx_max), ("TX", ours.tx_max), ("RX Mini", ours.rx_mini_max), ("RX Jumbo", ours.rx_jumbo_max)];
    same(&most, &sizes, 4);
    let sizes = [
        ("RX", ours.rx),
        ("TX", ours.tx),
        ("RX Mini", ours.rx_mini),
        ("RX Jumbo", ours.rx_jumbo),
        ("RX Buf Len", ours.rx_buf_len),
        ("CQE Size", ours.cqe_size),
    ];
    same(&now, &sizes, 4);
    if let Some(shown) = now.get("TX Push") {
        assert_eq!(*shown, switch(ours.tx_push));
    }
}

fn channels_agree(ours: Option<Channels>, theirs: Option<String>) {
    assert_eq!(ours.is_some(), theirs.is_some());
    let Some((ours, theirs)) = ours.zip(theirs) else { return };
    let (most, now) = theirs.split_once("Current").unwrap();
    let (most, now) = (lines(most), lines(now));
    let counts = [("RX", ours.rx_max), ("TX", ours.tx_max), ("Other", ours.other_max), ("Combined", ours.combined_max)];
    same(&most, &counts, 4);
    let counts = [("RX", ours.rx), ("TX", ours.tx), ("Other", ours.other), ("Combined", ours.combined)];
    same(&now, &counts, 4);
}

fn coalesce_agrees(ours: Option<Coalesce>, theirs: Option<String>) {
    assert_eq!(ours.is_some(), theirs.is_some());
    let Some((ours, theirs)) = ours.zip(theirs) else { return };
    let shown = lines(&theirs);
    let values = [
        ("stats-block-usecs", ours.stats_block_usecs),
        ("sample-interval", ours.rate_sample_interval),
        ("pkt-rate-low", ours.pkt_rate_low),
        ("pkt-rate-high", ours.pkt_rate_high),
        ("rx-usecs", ours.rx_usecs),
        ("rx-frames", ours.rx_max_frames),
        ("rx-usecs-irq", ours.rx_usecs_irq),
        ("rx-frames-irq", ours.rx_max_frames_irq),
        ("tx-usecs", ours.tx_usecs),
        ("tx-frames", ours.tx_max_frames),
        ("tx-usecs-irq", ours.tx_usecs_irq),
        ("tx-frames-irq", ours.tx_max_frames_irq),
        ("rx-usecs-low", ours.rx_usecs_low),
        ("rx-frame-low", ours.rx_max_frames_low),
        ("tx-usecs-low", ours.tx_usecs_low),
        ("tx-frame-low", ours.tx_max_frames_low),
        ("rx-usecs-high", ours.rx_usecs_high),
        ("rx-frame-high", ours.rx_max_frames_high),
        ("tx-usecs-high", ours.tx_usecs_high),
        ("tx-frame-high", ours.tx_max_frames_high),
    ];
    same(&shown, &values, 20);
    let switches = |rx, tx| format!("{}  TX: {}", switch(rx), switch(tx));
    assert_eq!(shown["Adaptive RX"], switches(ours.use_adaptive_rx, ours.use_adaptive_tx));
    assert_eq!(shown["CQE mode RX"], switches(ours.use_cqe_mode_rx, ours.use_cqe_mode_tx));
}

fn pause_agrees(ours: Option<Pause>, theirs: Option<String>) {
    assert_eq!(ours.is_some(), theirs.is_some());
    let Some((ours, theirs)) = ours.zip(theirs) else { return };
    let shown = lines(&theirs);
    for (name, ours) in [("Autonegotiate", ours.autoneg), ("RX", ours.rx), ("TX", ours.tx)] {
        assert_eq!(shown[name], switch(ours), "{name}");
    }
}

/// The program asks by ioctl(2), which tells it of every kernel; netlink tells it since Linux 6.2.
fn scaling_agrees(ours: Option<Rss>, functions: &StringSet, theirs: Option<String>) {
    let Some((ours, theirs)) = ours.zip(theirs) else { return };
    let (table, rest) = theirs.split_once("RSS hash key:\n").unwrap();
    let (key, rest) = rest.split_once('\n').unwrap();
    let table: Vec<u32> = lines(table)
        .into_iter()
        .filter_map(|(from, queues)| Some((from.parse::<u32>().ok()?, queues)))
        .collect::<BTreeMap<u32, &str>>()
        .into_values()
        .flat_map(|queues| queues.split_whitespace().map(|queue| queue.parse().unwrap()))
        .collect();
    assert_eq!(ours.indirection, table);
    let shown = ours.key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    assert_eq!(if shown.is_empty() { "Operation not supported" } else { &shown }, key);
    for (name, shown) in lines(rest) {
        let Some(bit) = functions.index(name) else { continue };
        let is_on = ours.hash_function.is_some_and(|all| all & (1 << bit) != 0);
        assert_eq!(shown, switch(Some(is_on)), "{name}");
    }
}

fn private_flags_agree(ours: Option<PrivateFlags>, theirs: Option<String>) {
    let theirs = theirs.unwrap_or_default();
    let shown: BTreeMap<&str, &str> = lines(&theirs).into_iter().filter(|(_, shown)| !shown.is_empty()).collect();
    let ours = ours.unwrap_or_default().flags;
    let ours: BTreeMap<&str, &str> = ours.iter().map(|(name, on)| (name.as_str(), switch(Some(*on)))).collect();
    assert_eq!(shown, ours);
}

/// Every device of the namespace; how many there are.
fn all_agree() -> usize {
    let mut ethtool = Ethtool::open().unwrap();
    let devices: Vec<String> = ethtool.dump_features().unwrap().into_iter().map(|one| one.device.name).collect();
    let functions = ethtool.strings(StringSetId::RssHashFunctions, None).unwrap();
    for name in &devices {
        let device = Device::Name(name);
        features_agree(&mut ethtool, name);
        rings_agree(has(ethtool.rings(device)), told("-g", name));
        channels_agree(has(ethtool.channels(device)), told("-l", name));
        coalesce_agrees(has(ethtool.coalesce(device)), told("-c", name));
        pause_agrees(has(ethtool.pause(device)), told("-a", name));
        scaling_agrees(has(ethtool.rss(device)), &functions, told("-x", name));
        private_flags_agree(has(ethtool.private_flags(device)), told("--show-priv-flags", name));
        // Not all devices have any of this.
        let shown = Command::new("ethtool").arg(name).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let modes = has(ethtool.link_modes(device));
        if let Some(speed) = lines(&shown).get("Speed") {
            let ours = modes.and_then(|modes| modes.known_speed());
            assert_eq!(*speed, ours.map_or_else(|| "Unknown!".into(), |speed| format!("{speed}Mb/s")), "{name}");
        }
        let state = has(ethtool.link_state(device)).and_then(|state| state.link);
        if let Some(link) = lines(&shown).get("Link detected") {
            assert_eq!(*link, if state == Some(true) { "yes" } else { "no" }, "{name}");
        }
    }
    devices.len()
}

#[test]
fn agrees_with_ethtool_8_on_every_device_of_a_namespace() {
    in_new_netns("agrees_with_ethtool_8_on_every_device_of_a_namespace", || {
        run("ip link add tt-a numrxqueues 4 numtxqueues 4 type veth peer name tt-b");
        run("ip link add tt-bridge type bridge");
        run("ip link set tt-b master tt-bridge");
        run("ip link set tt-a up");
        run("ip link set tt-b up");
        run("ethtool -K tt-a sg off gro on");
        run("ip tuntap add dev tt-tap mode tap");
        assert!(all_agree() >= 5);
    });
}

#[test]
fn agrees_with_ethtool_8_on_the_machines_own_devices() {
    assert!(all_agree() >= 1);
}
