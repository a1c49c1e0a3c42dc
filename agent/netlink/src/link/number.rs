//! Numbers of include/uapi/linux/rtnetlink.h and if_link.h.

pub(super) const NEW: u16 = 16;
pub(super) const DELETE: u16 = 17;
pub(super) const GET: u16 = 18;
pub(super) const SET: u16 = 19;

/// `IFLA_*`
pub(super) mod attribute {
    pub(in crate::link) const ADDRESS: u16 = 1;
    pub(in crate::link) const NAME: u16 = 3;
    pub(in crate::link) const MTU: u16 = 4;
    pub(in crate::link) const LINK: u16 = 5;
    pub(in crate::link) const MASTER: u16 = 10;
    pub(in crate::link) const WIRELESS: u16 = 11;
    pub(in crate::link) const TX_QUEUE_LENGTH: u16 = 13;
    pub(in crate::link) const OPERSTATE: u16 = 16;
    pub(in crate::link) const LINK_INFO: u16 = 18;
    pub(in crate::link) const ALIAS: u16 = 20;
    pub(in crate::link) const GROUP: u16 = 27;
    pub(in crate::link) const NAMESPACE_FD: u16 = 28;
    pub(in crate::link) const EXTENDED_MASK: u16 = 29;
    pub(in crate::link) const NUM_TX_QUEUES: u16 = 31;
    pub(in crate::link) const NUM_RX_QUEUES: u16 = 32;
    pub(in crate::link) const CARRIER: u16 = 33;
    pub(in crate::link) const LINK_NAMESPACE: u16 = 37;
    pub(in crate::link) const PHYS_PORT_NAME: u16 = 38;
    pub(in crate::link) const GSO_MAX_SEGS: u16 = 40;
    pub(in crate::link) const GSO_MAX_SIZE: u16 = 41;
    pub(in crate::link) const EVENT: u16 = 44;
    pub(in crate::link) const NEW_NAMESPACE: u16 = 45;
    pub(in crate::link) const NEW_INDEX: u16 = 49;
    pub(in crate::link) const MIN_MTU: u16 = 50;
    pub(in crate::link) const MAX_MTU: u16 = 51;
    pub(in crate::link) const PROPERTIES: u16 = 52;
    pub(in crate::link) const ALTERNATIVE_NAME: u16 = 53;
    pub(in crate::link) const PERMANENT_ADDRESS: u16 = 54;
    pub(in crate::link) const PARENT_DEVICE: u16 = 56;
    pub(in crate::link) const PARENT_BUS: u16 = 57;
    pub(in crate::link) const GRO_MAX_SIZE: u16 = 58;
    pub(in crate::link) const TSO_MAX_SIZE: u16 = 59;
    pub(in crate::link) const TSO_MAX_SEGS: u16 = 60;
    /// Since Linux 6.3, as the next.
    pub(in crate::link) const GSO_IPV4_MAX_SIZE: u16 = 63;
    pub(in crate::link) const GRO_IPV4_MAX_SIZE: u16 = 64;
}

/// `IFLA_INFO_*`, inside [`attribute::LINK_INFO`]
pub(super) mod info {
    pub(in crate::link) const KIND: u16 = 1;
    pub(in crate::link) const DATA: u16 = 2;
    pub(in crate::link) const SLAVE_KIND: u16 = 4;
}

/// Inside [`info::DATA`], each for its kind.
pub(super) mod data {
    pub(in crate::link) const VLAN_ID: u16 = 1;
    pub(in crate::link) const VETH_PEER: u16 = 1;
    pub(in crate::link) const MACVLAN_MODE: u16 = 1;
    pub(in crate::link) const BOND_MODE: u16 = 1;
    pub(in crate::link) const BRIDGE_VLAN_FILTERING: u16 = 7;
}

/// `RTEXT_FILTER_SKIP_STATS`: statistics are a third of what the kernel would say of an interface.
pub(super) const SKIP_STATISTICS: u32 = 1 << 3;
/// `AF_UNSPEC`: what is said is about the interface itself. Bridges tell of their ports in messages of the same type and
/// group with `AF_BRIDGE`.
pub(super) const ANY_FAMILY: u8 = 0;
/// `IFNAMSIZ`, with the NUL.
pub(super) const NAME_SIZE: usize = 16;
