//! Hosts to try profiles on where no host is at hand.

use crate::facts::FactValue;
use crate::facts::Facts;

/// Facts of hosts as they occur: each a name for messages and what is known there. A profile that has a value for
/// every setting on all of them holds up in the field.
pub fn sample_hosts() -> Vec<(&'static str, Facts)> {
    vec![
        // A cloud instance: virtio reports no speed.
        ("small virtual machine", Sample { memory: 1 << 30, cpus: 1, ..VIRTUAL }.facts()),
        ("virtual machine", VIRTUAL.facts()),
        // A server at the edge: the speed is known, and memory is no limit.
        (
            "edge server, 25 Gbit/s",
            Sample {
                memory: 256 << 30,
                cpus: 64,
                hz: 1000,
                uplink: Some(("ens1f0np0", 1500, Some(25))),
                device: ("physical", "ice", 64),
                ..VIRTUAL
            }
            .facts(),
        ),
        // Jumbo frames, more than most formulas expect.
        (
            "storage server, 400 Gbit/s",
            Sample {
                memory: 2 << 40,
                cpus: 384,
                uplink: Some(("eth0", 9000, Some(400))),
                device: ("physical", "mlx5_core", 128),
                ..VIRTUAL
            }
            .facts(),
        ),
        // A child namespace: keys that are global are absent, and nothing leads out.
        ("network namespace without a route", Sample { initial_netns: false, uplink: None, ..VIRTUAL }.facts()),
        // A container behind a veth, which calls itself 10 Gbit/s; trimtab takes that for unknown.
        (
            "container",
            Sample { initial_netns: false, uplink: Some(("eth0", 1450, None)), device: ("veth", "veth", 1), ..VIRTUAL }
                .facts(),
        ),
        // Debian 12, before the defaults of tcp_rmem and rmem_max moved.
        ("kernel 6.1", Sample { kernel: "6.1.0-42-amd64", version: 6001, ..VIRTUAL }.facts()),
        // Pages of 64 KiB.
        (
            "arm64 with large pages",
            Sample { page_size: 64 << 10, kernel: "6.12.8-arm64-64k", version: 6012, ..VIRTUAL }.facts(),
        ),
        // Nothing could be read.
        ("nothing known", Facts::default()),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    kernel: &'static str,
    version: i64,
    memory: i64,
    cpus: i64,
    page_size: i64,
    hz: i64,
    initial_netns: bool,
    /// Name, MTU and Gbit/s.
    uplink: Option<(&'static str, i64, Option<i64>)>,
    /// Its kind, its driver, and how many queues it may have.
    device: (&'static str, &'static str, i64),
}

const VIRTUAL: Sample = Sample {
    kernel: "6.18.5",
    version: 6018,
    memory: 8 << 30,
    cpus: 4,
    page_size: 4096,
    hz: 250,
    initial_netns: true,
    uplink: Some(("ens3", 1500, None)),
    device: ("physical", "virtio_net", 4),
};

impl Sample {
    fn facts(self) -> Facts {
        let Sample { kernel, version, memory, cpus, page_size, hz, initial_netns, uplink, device } = self;
        let mut facts = Facts::default();
        let mut put = |name: &str, value: FactValue| facts.insert(name, value, "sample host");
        put("host.name", FactValue::Text("sample".to_owned()));
        put("host.kernel", FactValue::Text(kernel.to_owned()));
        put("host.kernel_version", FactValue::Int(version));
        put("host.memory", FactValue::Int(memory));
        put("host.cpus", FactValue::Int(cpus));
        put("host.cores", FactValue::Int((cpus / 2).max(1)));
        put("host.page_size", FactValue::Int(page_size));
        put("host.hz", FactValue::Int(hz));
        put("host.initial_netns", FactValue::Bool(initial_netns));
        if let Some((name, mtu, speed)) = uplink {
            put("uplink.name", FactValue::Text(name.to_owned()));
            put("uplink.mtu", FactValue::Int(mtu));
            if let Some(gigabits) = speed {
                put("uplink.speed", FactValue::Int(gigabits * 1_000_000_000));
            }
            for link in ["lo", name] {
                facts.insert_link(link, "name", FactValue::Text(link.to_owned()), "sample host");
            }
            let (kind, driver, queues) = device;
            let own = [
                ("kind", FactValue::Text(kind.to_owned())),
                ("driver", FactValue::Text(driver.to_owned())),
                ("default_route", FactValue::Bool(true)),
                ("carrier", FactValue::Bool(true)),
                ("rx_queues", FactValue::Int(queues)),
                ("tx_queues", FactValue::Int(queues)),
                ("channels_rx", FactValue::Int(queues)),
                ("channels_tx", FactValue::Int(queues)),
            ];
            for (fact, value) in own {
                facts.insert_link(name, fact, value, "sample host");
            }
            // A veth has neither rings nor a place on a bus, and its channels are no combined ones.
            if kind == "physical" {
                for (fact, value) in [("ring_rx_max", 4096), ("ring_tx_max", 4096), ("channels_combined_max", queues)] {
                    facts.insert_link(name, fact, FactValue::Int(value), "sample host");
                }
                facts.insert_link(name, "bus", FactValue::Text("0000:01:00.0".to_owned()), "sample host");
                facts.insert_link(
                    name,
                    "permanent_address",
                    FactValue::Text("52:54:00:12:34:56".to_owned()),
                    "sample host",
                );
            }
            facts.insert_link("lo", "kind", FactValue::Text("loopback".to_owned()), "sample host");
            facts.insert_link("lo", "default_route", FactValue::Bool(false), "sample host");
            facts.insert_link("lo", "mtu", FactValue::Int(65536), "sample host");
            facts.insert_link(name, "mtu", FactValue::Int(mtu), "sample host");
            if let Some(gigabits) = speed {
                facts.insert_link(name, "speed", FactValue::Int(gigabits * 1_000_000_000), "sample host");
            }
        }
        facts
    }
}
