//! The devices that there are: what each holds when it comes.

use std::collections::BTreeMap;

use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Coalesce;
use trimtab_core::address::link::Device as Attribute;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Pause;
use trimtab_core::address::link::Ring;
use trimtab_core::value::Value;

use super::device::Device;
use super::device::Rounding;
use super::features;
use super::features::Features;

/// On and changeable on veth, of Linux 6.18.
const VETH_ON: &[&str] = &[
    "highdma",
    "rx-checksum",
    "rx-vlan-hw-parse",
    "rx-vlan-stag-hw-parse",
    "tx-checksum-ip-generic",
    "tx-checksum-sctp",
    "tx-generic-segmentation",
    "tx-gre-csum-segmentation",
    "tx-gre-segmentation",
    "tx-gso-list",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "tx-sctp-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-udp-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
    "tx-vlan-hw-insert",
    "tx-vlan-stag-hw-insert",
];

const VETH_OFF: &[&str] = &["rx-gro", "rx-gro-list", "rx-udp-gro-forwarding", "tx-nocache-copy"];

const LOOPBACK_ON: &[&str] = &[
    "rx-gro",
    "tx-generic-segmentation",
    "tx-gso-list",
    "tx-sctp-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-udp-segmentation",
];

const LOOPBACK_FIXED: &[&str] = &[
    "highdma",
    "loopback",
    "rx-checksum",
    "tx-checksum-ip-generic",
    "tx-checksum-sctp",
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "vlan-challenged",
];

/// On and changeable on most hardware.
const HARDWARE_ON: &[&str] = &[
    "rx-checksum",
    "rx-gro",
    "rx-hashing",
    "rx-vlan-hw-parse",
    "tx-checksum-ip-generic",
    "tx-generic-segmentation",
    "tx-scatter-gather",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-udp-segmentation",
    "tx-vlan-hw-insert",
];

const HARDWARE_OFF: &[&str] =
    &["rx-all", "rx-fcs", "rx-gro-list", "rx-ntuple-filter", "rx-udp-gro-forwarding", "tx-nocache-copy"];

impl Device {
    /// `lo`.
    pub fn loopback() -> Device {
        Device {
            features: Features::new(LOOPBACK_ON, &["rx-gro-list", "rx-udp-gro-forwarding"], LOOPBACK_FIXED),
            ..Device::bare("loopback", "")
        }
        .with_mtu(65_536, 0, 0)
    }

    /// One end of a veth pair with as many queues of each direction (drivers/net/veth.c).
    pub fn veth(queues: u16) -> Device {
        let count = i64::from(queues);
        Device {
            allocated: (queues, queues),
            features: Features::new(VETH_ON, VETH_OFF, &[]),
            ..Device::bare("veth", "veth")
        }
        .with_channels(&[
            (Channel::RxMax, count),
            (Channel::TxMax, count),
            (Channel::Rx, count),
            (Channel::Tx, count),
        ])
    }

    /// A device that does nothing (drivers/net/dummy.c).
    pub fn dummy() -> Device {
        let on: Vec<&str> = VETH_ON.iter().copied().filter(|name| !name.contains("vlan")).collect();
        Device { features: Features::new(&on, &[], &[]), ..Device::bare("dummy", "dummy") }.with_mtu(1500, 0, 0)
    }

    /// A network card of four queues out of eight, of this driver: rings of up to 4096, an MTU of up to 9216. `ixgbe` merges
    /// what it receives, `igb` has one switch for the VLAN tags of both directions.
    pub fn physical(driver: &'static str) -> Device {
        let with_lro = [HARDWARE_ON, &["rx-lro"]].concat();
        let hardware = Features::new(HARDWARE_ON, HARDWARE_OFF, &["highdma"]);
        let (features, rounding) = match driver {
            "igb" => (hardware.fixed_by(features::couples_vlan_tags), Rounding::Up { step: 8, least: 80 }),
            "ixgbe" => (
                Features::new(&with_lro, HARDWARE_OFF, &["highdma"]).fixed_by(features::merges_only_what_is_checked),
                Rounding::Up { step: 8, least: 80 },
            ),
            "mlx5_core" => (hardware, Rounding::UpToPower),
            "ena" => (hardware, Rounding::DownToPower),
            "vmxnet3" => (hardware, Rounding::Buffers),
            _ => (hardware, Rounding::Exact),
        };
        Device {
            allocated: (8, 8),
            features,
            rounding,
            sets_xps: matches!(driver, "ixgbe" | "mlx5_core"),
            permanent_address: Some("52:54:00:12:34:56"),
            ..Device::bare("physical", driver)
        }
        .with_mtu(1500, 68, 9216)
        .with_channels(&[
            (Channel::OtherMax, 1),
            (Channel::CombinedMax, 8),
            (Channel::Other, 1),
            (Channel::Combined, 4),
        ])
        .with_rings(4096, 512)
        .with(LinkAttribute::Coalesce(Coalesce::AdaptiveRx), Value::switch(false))
        .with(LinkAttribute::Coalesce(Coalesce::RxUsecs), Value::Int(4))
        .with(LinkAttribute::Coalesce(Coalesce::TxUsecs), Value::Int(4))
        .with(LinkAttribute::Pause(Pause::Autoneg), Value::switch(true))
        .with(LinkAttribute::Pause(Pause::Rx), Value::switch(true))
        .with(LinkAttribute::Pause(Pause::Tx), Value::switch(false))
    }

    /// A paravirtual card (drivers/net/virtio_net.c): its rings are taken exactly, its XPS is the driver's.
    pub fn virtio() -> Device {
        Device {
            allocated: (8, 8),
            features: Features::new(HARDWARE_ON, &["rx-gro-list", "rx-gro-hw", "tx-nocache-copy"], &["highdma"]),
            sets_xps: true,
            permanent_address: Some("52:54:00:ab:cd:ef"),
            ..Device::bare("physical", "virtio_net")
        }
        .with_channels(&[(Channel::CombinedMax, 8), (Channel::Combined, 4)])
        .with_rings(256, 256)
        .with(LinkAttribute::Coalesce(Coalesce::RxFrames), Value::Int(1))
        .with(LinkAttribute::Coalesce(Coalesce::TxFrames), Value::Int(1))
    }

    /// A VLAN on another device (net/8021q/vlan_dev.c).
    pub fn vlan_on(lower: &str) -> Device {
        let on =
            ["rx-gro", "tx-checksum-ip-generic", "tx-generic-segmentation", "tx-scatter-gather", "tx-tcp-segmentation"];
        Device {
            upon: Some(lower.to_owned()),
            features: Features::new(&on, &["rx-gro-list", "tx-nocache-copy"], &["highdma"]),
            ..Device::bare("vlan", "802.1Q VLAN Support")
        }
        .with_mtu(1500, 0, 65_535)
    }

    /// A macvlan on another device. Its features are those of that device, and no law is known for them here.
    pub fn macvlan_on(lower: &str) -> Device {
        Device { upon: Some(lower.to_owned()), ..Device::bare("macvlan", "macvlan") }
    }

    /// A bond without members (drivers/net/bonding). Of its features no law is known but that what is off here stays off
    /// below.
    pub fn bond() -> Device {
        let on = [HARDWARE_ON, &["rx-lro"]].concat();
        Device {
            allocated: (16, 16),
            features: Features::new(&on, &["rx-gro-list", "tx-nocache-copy"], &["highdma"]),
            ..Device::bare("bond", "bonding")
        }
    }

    /// A bridge without ports. Its features are those of its ports, and no law is known for them here.
    pub fn bridge() -> Device {
        Device::bare("bridge", "bridge").with(LinkAttribute::Device(Attribute::TsoMaxSize), Value::Int(65_536))
    }

    /// Ethernet, one queue, no features.
    fn bare(kind: &'static str, driver: &'static str) -> Device {
        let values = [
            (Attribute::MtuMin, 68),
            (Attribute::MtuMax, 65_535),
            (Attribute::Mtu, 1500),
            (Attribute::Txqueuelen, 1000),
            (Attribute::TsoMaxSize, 524_280),
            (Attribute::TsoMaxSegs, 65_535),
            (Attribute::GsoMaxSize, 65_536),
            (Attribute::GsoMaxSegs, 65_535),
            (Attribute::GroMaxSize, 65_536),
            (Attribute::GsoIpv4MaxSize, 65_536),
            (Attribute::GroIpv4MaxSize, 65_536),
        ];
        Device {
            name: String::new(),
            node: 0,
            kind,
            driver,
            upon: None,
            member_of: None,
            lower: None,
            master: None,
            permanent_address: None,
            mtu_set: false,
            rounding: Rounding::Exact,
            allocated: (1, 1),
            sets_xps: false,
            values: values.map(|(attribute, value)| (LinkAttribute::Device(attribute), Value::Int(value))).into(),
            features: Features::unknown(),
            queues: BTreeMap::new(),
        }
    }

    fn with(mut self, attribute: LinkAttribute, value: Value) -> Device {
        self.values.insert(attribute, value);
        self
    }

    fn with_mtu(self, mtu: i64, least: i64, most: i64) -> Device {
        self.with(LinkAttribute::Device(Attribute::MtuMin), Value::Int(least))
            .with(LinkAttribute::Device(Attribute::MtuMax), Value::Int(most))
            .with(LinkAttribute::Device(Attribute::Mtu), Value::Int(mtu))
    }

    fn with_channels(self, channels: &[(Channel, i64)]) -> Device {
        channels
            .iter()
            .fold(self, |device, (channel, count)| device.with(LinkAttribute::Channel(*channel), Value::Int(*count)))
    }

    fn with_rings(self, most: i64, now: i64) -> Device {
        let rings = [(Ring::RxMax, most), (Ring::TxMax, most), (Ring::Rx, now), (Ring::Tx, now)];
        rings
            .into_iter()
            .fold(self, |device, (ring, length)| device.with(LinkAttribute::Ring(ring), Value::Int(length)))
    }
}
