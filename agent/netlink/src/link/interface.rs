//! What the kernel says of an interface.

use std::borrow::Cow;

use super::HardwareAddress;

/// A network interface, as `RTM_NEWLINK` has it (net/core/rtnetlink.c `rtnl_fill_ifinfo`).
///
/// What this kernel does not say is `None`: an older one does not know it, or the interface has none.
/// An interface of which nothing is known, index 0, is [`Link::default`]; tests build on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace, which it keeps through renames.
    pub index: u32,
    /// Its name. The kernel allows bytes that are no UTF-8 (net/core/dev.c `dev_valid_name`): they become U+FFFD here, and
    /// the interface can be spoken of by its index alone.
    pub name: String,
    /// Other names that it goes by (ip-link(8) `property add`).
    pub alternative_names: Vec<String>,
    /// What made it, `veth` or `bridge`, by the name of its kernel code; none for hardware.
    pub kind: Option<Cow<'static, str>>,
    /// What its master is, by the same names: `bond` for a member of a bond.
    pub slave_kind: Option<Cow<'static, str>>,
    /// `ARPHRD_*` (include/uapi/linux/if_arp.h): 1 is Ethernet, 772 loopback.
    pub device_type: u16,
    /// Up, running and more.
    pub flags: Flags,
    /// Whether it can pass traffic (RFC 2863).
    pub operstate: OperState,
    /// Whether the link has a carrier.
    pub carrier: Option<bool>,
    /// Longest packet in bytes, the header of the link not counted.
    pub mtu: u32,
    /// Least MTU that its driver takes.
    pub min_mtu: Option<u32>,
    /// Greatest MTU that its driver takes; 0 if there is no limit.
    pub max_mtu: Option<u32>,
    /// Packets that its default queueing disciplines hold.
    pub txqueuelen: u32,
    /// Longest packet, in bytes, that the stack hands down to be cut into segments; since Linux 6.3 of IPv6 only.
    pub gso_max_size: Option<u32>,
    /// Most segments of such a packet.
    pub gso_max_segs: Option<u32>,
    /// The same limit in bytes for IPv4. Since Linux 6.3.
    pub gso_ipv4_max_size: Option<u32>,
    /// Longest packet, in bytes, that is put together of received segments; since Linux 6.3 of IPv6 only. Since Linux 5.17.
    pub gro_max_size: Option<u32>,
    /// The same limit in bytes for IPv4. Since Linux 6.3.
    pub gro_ipv4_max_size: Option<u32>,
    /// The most bytes that its driver can cut, the ceiling of `gso_max_size`. Since Linux 5.19.
    pub tso_max_size: Option<u32>,
    /// The most segments that its driver can make of them, the ceiling of `gso_max_segs`. Since Linux 5.19.
    pub tso_max_segs: Option<u32>,
    /// Receive queues that there is room for, since it was made; how many are used is a matter of channels.
    pub num_rx_queues: Option<u32>,
    /// Transmit queues that there is room for.
    pub num_tx_queues: Option<u32>,
    /// Index of the bridge, bond or other that it belongs to.
    pub master: Option<u32>,
    /// What it sits on, or its other end: of a VLAN the interface below, of a veth the peer.
    pub link: Option<Lower>,
    /// Its address now.
    pub address: Option<HardwareAddress>,
    /// The address that its hardware came with.
    pub permanent_address: Option<HardwareAddress>,
    /// The device that it is an interface of, by its name on the bus: `0000:00:03.0`. Since Linux 5.14.
    pub parent_device: Option<String>,
    /// The bus: `pci`, `virtio`. Since Linux 5.14.
    pub parent_bus: Option<Cow<'static, str>>,
    /// The VLAN of an interface of kind `vlan`.
    pub vlan_id: Option<u16>,
    /// The group that somebody put it into; 0 unless anybody did.
    pub group: u32,
    /// Words that somebody gave it; none if they are no UTF-8.
    pub alias: Option<String>,
    /// The port by the name that its hardware has for it: `p0`.
    pub phys_port_name: Option<String>,
}

/// `IFF_*` (include/uapi/linux/if.h).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// `IFF_UP`: somebody wants it up.
    pub const UP: Flags = Flags(1 << 0);
    /// `IFF_BROADCAST`
    pub const BROADCAST: Flags = Flags(1 << 1);
    /// `IFF_LOOPBACK`
    pub const LOOPBACK: Flags = Flags(1 << 3);
    /// `IFF_POINTOPOINT`
    pub const POINT_TO_POINT: Flags = Flags(1 << 4);
    /// `IFF_RUNNING`: it can pass traffic.
    pub const RUNNING: Flags = Flags(1 << 6);
    /// `IFF_NOARP`
    pub const NO_ARP: Flags = Flags(1 << 7);
    /// `IFF_PROMISC`, as wanted by its owner.
    pub const PROMISCUOUS: Flags = Flags(1 << 8);
    /// `IFF_MASTER`: a bond.
    pub const MASTER: Flags = Flags(1 << 10);
    /// `IFF_SLAVE`: a member of a bond.
    pub const SLAVE: Flags = Flags(1 << 11);
    /// `IFF_MULTICAST`
    pub const MULTICAST: Flags = Flags(1 << 12);
    /// `IFF_LOWER_UP`: the driver signals a link.
    pub const LOWER_UP: Flags = Flags(1 << 16);

    /// Whether all of these are set.
    #[must_use]
    pub fn has(self, these: Flags) -> bool {
        self.0 & these.0 == these.0
    }
}

/// `IF_OPER_*` (include/uapi/linux/if.h), the states of RFC 2863.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OperState {
    /// Its driver does not say; so it is with `lo`.
    #[default]
    Unknown,
    /// Something of it, hardware as a rule, is missing.
    NotPresent,
    /// It cannot pass traffic.
    Down,
    /// What it sits on cannot.
    LowerLayerDown,
    /// It is in a test mode.
    Testing,
    /// It waits for something outside: 802.1X, say.
    Dormant,
    /// It can pass traffic.
    Up,
    /// A state that is not in this list.
    Other(u8),
}

impl OperState {
    pub(super) fn of(number: u8) -> OperState {
        match number {
            0 => OperState::Unknown,
            1 => OperState::NotPresent,
            2 => OperState::Down,
            3 => OperState::LowerLayerDown,
            4 => OperState::Testing,
            5 => OperState::Dormant,
            6 => OperState::Up,
            other => OperState::Other(other),
        }
    }
}

/// The interface that another sits on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lower {
    /// One of the same namespace, by index.
    Here(u32),
    /// One of another namespace, which has its own numbers: no interface of this one, whatever the index.
    Elsewhere {
        /// The other namespace by the number that this one knows it by (ip-netns(8) `list-id`); -1 if by none.
        namespace: i32,
        /// Its index there.
        index: u32,
    },
}
