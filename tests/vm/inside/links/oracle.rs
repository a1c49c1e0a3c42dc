//! What trimtab reads of every device against what ethtool(8) and ip(8) say, value for value.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::bench::Bench;
use super::bench::Up;
use crate::machine::Machine;
use crate::machine::sh;
use crate::machine::unload;
use crate::nics::DRIVERS;
use crate::nics::nic;

/// An option of ethtool(8), our word for what it shows, and its lines with our words for them.
type Table = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Lines of ethtool(8) and the words of ours for them; behind `Current` stands what is in force.
const TABLES: [Table; 2] = [
    ("-g", "ring", &[("RX", "rx"), ("RX Mini", "rx-mini"), ("RX Jumbo", "rx-jumbo"), ("TX", "tx")]),
    ("-l", "channel", &[("RX", "rx"), ("TX", "tx"), ("Other", "other"), ("Combined", "combined")]),
];
/// Of ip(8), and ours.
const DEVICE: [(&str, &str); 11] = [
    ("mtu", "mtu"),
    ("min_mtu", "mtu-min"),
    ("max_mtu", "mtu-max"),
    ("txqlen", "txqueuelen"),
    ("gso_max_size", "gso-max-size"),
    ("gso_max_segs", "gso-max-segs"),
    ("tso_max_size", "tso-max-size"),
    ("tso_max_segs", "tso-max-segs"),
    ("gro_max_size", "gro-max-size"),
    ("gso_ipv4_max_size", "gso-ipv4-max-size"),
    ("gro_ipv4_max_size", "gro-ipv4-max-size"),
];
/// Features that ethtool(8) shows under a name of its own.
const OLDER: [(&str, &str); 5] = [
    ("generic-receive-offload", "rx-gro"),
    ("rx-checksumming", "rx-checksum"),
    ("large-receive-offload", "rx-lro"),
    ("receive-hashing", "rx-hashing"),
    ("rx-vlan-offload", "rx-vlan-hw-parse"),
];

/// Both accounts, by address.
#[derive(Default)]
struct Accounts {
    ours: BTreeMap<String, Json>,
    compared: usize,
    wrong: Vec<String>,
}

impl Accounts {
    /// What a tool shows of a value; what a device has not is `n/a`, in older versions 0.
    fn compare(&mut self, address: &str, shown: &Json) {
        let ours = self.ours.get(address);
        self.compared += usize::from(ours.is_some());
        let same = match ours {
            Some(ours) => ours == shown,
            None => shown == "n/a" || shown == 0 || shown.is_null(),
        };
        if !same {
            self.wrong.push(format!("{address}: shown {shown}, read {ours:?}"));
        }
    }

    fn device(&mut self, name: &str) {
        for (option, group, lines) in TABLES {
            let text = sh(&format!("ethtool {option} {name} 2>/dev/null || true"));
            let Some((most, now)) = text.split_once("Current hardware settings") else { continue };
            for (part, suffix) in [(most, "-max"), (now, "")] {
                for (line, word) in lines {
                    self.compare(&format!("link:{name}/{group}/{word}{suffix}"), &number(&shown(part, line)));
                }
            }
        }
        let text = sh(&format!("ethtool -c {name} 2>/dev/null || true"));
        for line in text.lines().filter_map(|line| line.split_once(':')) {
            let (name_of, value) = (line.0.trim(), line.1.trim());
            match name_of {
                "Adaptive RX" | "CQE mode RX" => {
                    let word = if name_of == "Adaptive RX" { "adaptive" } else { "cqe-mode" };
                    let (rx, tx) = value.split_once("TX:").unwrap();
                    self.compare(&format!("link:{name}/coalesce/{word}-rx"), &switch(rx));
                    self.compare(&format!("link:{name}/coalesce/{word}-tx"), &switch(tx));
                }
                _ if value.is_empty() => {}
                _ => {
                    let word = name_of.replace("-frame-", "-frames-");
                    self.compare(&format!("link:{name}/coalesce/{word}"), &number(value));
                }
            }
        }
        let text = sh(&format!("ethtool -a {name} 2>/dev/null || true"));
        if !text.is_empty() {
            for (line, word) in [("Autonegotiate", "autoneg"), ("RX", "rx"), ("TX", "tx")] {
                self.compare(&format!("link:{name}/pause/{word}"), &switch(&shown(&text, line)));
            }
        }
        let all: Json = serde_json::from_str(&sh(&format!("ip -d -j link show dev {name}"))).unwrap();
        for (theirs, word) in DEVICE {
            if let Some(shown) = all[0].get(theirs) {
                self.compare(&format!("link:{name}/{word}"), shown);
            }
        }
        self.features(name);
    }

    fn features(&mut self, name: &str) {
        let all: Json = serde_json::from_str(&sh(&format!("ethtool --json -k {name}"))).unwrap();
        let mut seen = 0;
        for (theirs, shown) in all[0].as_object().unwrap() {
            let word = OLDER.iter().find(|(older, _)| older == theirs).map_or(theirs.as_str(), |(_, word)| word);
            let address = format!("link:{name}/feature/{word}");
            if self.ours.contains_key(&address) {
                seen += 1;
                let (active, wanted) = (&shown["active"], &shown["requested"]);
                let fixed = shown["fixed"] == true || active == wanted;
                let shown =
                    if fixed { active.clone() } else { serde_json::json!({ "wanted": wanted, "active": active }) };
                self.compare(&address, &shown);
            }
        }
        assert!(seen > 40, "{name}: {seen}");
    }
}

fn shown(text: &str, name: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(found, _)| found.trim() == name)
        .map_or_else(|| panic!("no {name} in {text}"), |(_, value)| value.trim().to_owned())
}

fn number(text: &str) -> Json {
    text.parse::<u64>().map_or_else(|_| text.into(), Json::from)
}

fn switch(text: &str) -> Json {
    match text.trim() {
        "on" => true.into(),
        "off" => false.into(),
        other => other.into(),
    }
}

/// Who drives each NIC, on which bus, with which permanent address.
fn facts_agree(snapshot: &Json) {
    for driver in DRIVERS {
        let name = nic(driver);
        let known = &snapshot["facts"]["links"][&name];
        let (of_driver, of_address) = (sh(&format!("ethtool -i {name}")), sh(&format!("ethtool -P {name}")));
        let bus = shown(&of_driver, "bus-info");
        let address = of_address.strip_prefix("Permanent address: ").unwrap();
        for (fact, told) in [("driver", driver), ("bus", &bus), ("permanent_address", address)] {
            assert_eq!(known[fact]["value"], told, "{name} {fact}");
        }
    }
}

/// Behind each command of another program, what must be read then.
const SET: [(&str, &str, &str, i64); 9] = [
    ("virtio_net", "ethtool -G NAME rx 128", "ring/rx", 128),
    ("virtio_net", "ethtool -L NAME combined 3", "channel/combined", 3),
    ("virtio_net", "ip link set NAME mtu 1400", "mtu", 1400),
    ("virtio_net", "ip link set NAME txqueuelen 77", "txqueuelen", 77),
    ("virtio_net", "echo 1 >/sys/class/net/NAME/queues/rx-0/rps_flow_cnt", "queue/rx-0/rps-flow-cnt", 1),
    ("e1000e", "ethtool -C NAME rx-usecs 50", "coalesce/rx-usecs", 50),
    ("e1000e", "ethtool -G NAME rx 512 tx 1024", "ring/tx", 1024),
    ("vmxnet3", "ethtool -G NAME rx-jumbo 1024", "ring/rx-jumbo", 1024),
    ("vmxnet3", "ip link set NAME gso_max_segs 100", "gso-max-segs", 100),
];
const SWITCHED: [(&str, &str, &str); 4] = [
    ("virtio_net", "ethtool -K NAME gro off", "feature/rx-gro"),
    ("e1000e", "ethtool -A NAME autoneg off rx on tx off", "pause/tx"),
    ("e1000e", "ethtool -K NAME rxvlan off", "feature/rx-vlan-hw-parse"),
    ("vmxnet3", "ethtool -K NAME lro off", "feature/rx-lro"),
];

#[test]
fn what_ethtool_8_and_ip_8_set_is_read() {
    let bench = Bench::new();
    let before = bench.trimtab(&["snapshot"]).exits(0).json();
    let set = SET.map(|(driver, command, address, value)| (driver, command, address, Json::from(value)));
    let all =
        set.into_iter().chain(SWITCHED.map(|(driver, command, address)| (driver, command, address, false.into())));
    let all: Vec<_> = all
        .map(|(driver, command, address, value)| {
            let name = nic(driver);
            (command.replace("NAME", &name), format!("link:{name}/{address}"), value)
        })
        .collect();
    sh(&all.iter().map(|(command, ..)| command.as_str()).collect::<Vec<_>>().join("\n"));
    let after = bench.trimtab(&["snapshot"]).exits(0).json();
    let read = |snapshot: &Json, address: &str| snapshot["readings"][address]["typed"]["value"].clone();
    for (command, address, value) in &all {
        assert_eq!(read(&after, address), *value, "{command}");
        assert_ne!(read(&before, address), *value, "{command} changes nothing");
    }
    // And it is put right again by the same programs.
    let (virtio, e1000e, vmxnet3) = (nic("virtio_net"), nic("e1000e"), nic("vmxnet3"));
    let channels = read(&before, &format!("link:{virtio}/channel/combined"));
    let segments = read(&before, &format!("link:{vmxnet3}/gso-max-segs"));
    sh(&format!(
        "ethtool -G {virtio} rx 256; ethtool -L {virtio} combined {channels}; ip link set {virtio} mtu 1500 txqueuelen 1000
         ethtool -K {virtio} gro on; echo 0 >/sys/class/net/{virtio}/queues/rx-0/rps_flow_cnt
         ethtool -C {e1000e} rx-usecs 3; ethtool -G {e1000e} rx 256 tx 256; ethtool -K {e1000e} rxvlan on txvlan on
         ethtool -A {e1000e} autoneg on rx on tx on
         ethtool -G {vmxnet3} rx-jumbo 512; ethtool -K {vmxnet3} lro on; ip link set {vmxnet3} gso_max_segs {segments}"
    ));
    bench.is_as_before();
}

#[test]
fn a_snapshot_agrees_with_ethtool_8_and_ip_8_on_every_device() {
    sh("modprobe bonding max_bonds=0; modprobe dummy numdummies=0; modprobe ifb numifbs=0");
    let lower = nic("e1000e");
    sh(
        "ip link add tt-bond type bond; ip link add tt-dummy type dummy; ip link add tt-bridge type bridge; ip link add tt-veth numrxqueues 3 type veth peer name tt-peer",
    );
    sh(&format!(
        "ip link add link {lower} name tt-vlan type vlan id 5; ip link add link {lower} name tt-mac type macvlan; ip link add tt-vxlan type vxlan id 5 dstport 4789"
    ));
    let up = DRIVERS.map(|driver| Up::new(&nic(driver)));
    // Off, and asked for.
    sh(&format!("ethtool -K {lower} sg off"));
    let mut accounts = Accounts::default();
    let snapshot = Machine::new().trimtab(&["snapshot"]).exits(0).json();
    facts_agree(&snapshot);
    for (address, reading) in snapshot["readings"].as_object().unwrap() {
        if let Some(value) = reading["typed"].get("value") {
            accounts.ours.insert(address.clone(), value.clone());
        }
    }
    let names = sh("cd /sys/class/net; for name in *; do [ ! -d $name ] || echo $name; done");
    for name in names.lines() {
        accounts.device(name);
    }
    assert!(accounts.wrong.is_empty(), "{:#?}", accounts.wrong);
    assert!(names.lines().count() >= 12, "{names}");
    assert!(accounts.compared > 700, "{}", accounts.compared);
    sh(&format!("ethtool -K {lower} sg on"));
    drop(up);
    for name in ["tt-bond", "tt-dummy", "tt-bridge", "tt-veth", "tt-vlan", "tt-mac", "tt-vxlan"] {
        sh(&format!("ip link del {name}"));
    }
    for module in ["bonding", "dummy", "ifb", "macvlan", "8021q", "vxlan", "veth", "bridge"] {
        unload(module);
    }
}
