//! `RTM_NEWLINK` and `RTM_DELLINK`, read.

use std::borrow::Cow;

use super::HardwareAddress;
use super::Link;
use super::header::Header;
use super::interface::Flags;
use super::interface::Lower;
use super::interface::OperState;
use super::number::attribute as is;
use super::number::data;
use super::number::info;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;

/// A message and what of it is not the interface's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) link: Link,
    /// `IFLA_EVENT`
    pub(super) event: Option<u32>,
    /// `IFLA_NEW_NETNSID`
    pub(super) new_namespace: Option<i32>,
    /// `IFLA_NEW_IFINDEX`
    pub(super) new_index: Option<u32>,
}

/// The interface of an answer.
pub(crate) fn link(message: &Message<'_>) -> Result<Link, Malformed> {
    let (header, attributes) = Header::split(message)?;
    Ok(said(header, attributes)?.link)
}

pub(super) fn said(header: Header, attributes: Attributes<'_>) -> Result<Said, Malformed> {
    let (mut name, mut mtu, mut txqueuelen) = (None, None, None);
    let (mut lower, mut lower_namespace) = (None, None);
    let (mut event, mut new_namespace, mut new_index) = (None, None, None);
    let mut link =
        Link { index: header.index, device_type: header.device_type, flags: Flags(header.flags), ..Link::default() };
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::ADDRESS => link.address = Some(hardware_address(&attribute)?),
            is::NAME => name = Some(attribute.text_lossy().into_owned()),
            is::MTU => mtu = Some(attribute.u32()?),
            is::LINK => lower = Some(attribute.u32()?),
            is::MASTER => link.master = none_if_zero(attribute.u32()?),
            is::TX_QUEUE_LENGTH => txqueuelen = Some(attribute.u32()?),
            is::OPERSTATE => link.operstate = OperState::of(attribute.u8()?),
            is::LINK_INFO => link_info(&mut link, attribute.nested())?,
            is::ALIAS => link.alias = attribute.text().ok().map(str::to_owned),
            is::GROUP => link.group = attribute.u32()?,
            is::NUM_TX_QUEUES => link.num_tx_queues = Some(attribute.u32()?),
            is::NUM_RX_QUEUES => link.num_rx_queues = Some(attribute.u32()?),
            is::CARRIER => link.carrier = Some(attribute.bool()?),
            is::LINK_NAMESPACE => lower_namespace = Some(attribute.i32()?),
            is::PHYS_PORT_NAME => link.phys_port_name = Some(attribute.text_lossy().into_owned()),
            is::GSO_MAX_SEGS => link.gso_max_segs = Some(attribute.u32()?),
            is::GSO_MAX_SIZE => link.gso_max_size = Some(attribute.u32()?),
            is::EVENT => event = Some(attribute.u32()?),
            is::NEW_NAMESPACE => new_namespace = Some(attribute.i32()?),
            is::NEW_INDEX => new_index = Some(attribute.u32()?),
            is::MIN_MTU => link.min_mtu = Some(attribute.u32()?),
            is::MAX_MTU => link.max_mtu = Some(attribute.u32()?),
            is::PROPERTIES => alternative_names(&mut link, attribute.nested())?,
            is::PERMANENT_ADDRESS => link.permanent_address = Some(hardware_address(&attribute)?),
            is::PARENT_DEVICE => link.parent_device = Some(attribute.text_lossy().into_owned()),
            is::PARENT_BUS => link.parent_bus = Some(well_known(attribute.text_lossy())),
            is::GRO_MAX_SIZE => link.gro_max_size = Some(attribute.u32()?),
            is::TSO_MAX_SIZE => link.tso_max_size = Some(attribute.u32()?),
            is::TSO_MAX_SEGS => link.tso_max_segs = Some(attribute.u32()?),
            is::GSO_IPV4_MAX_SIZE => link.gso_ipv4_max_size = Some(attribute.u32()?),
            is::GRO_IPV4_MAX_SIZE => link.gro_ipv4_max_size = Some(attribute.u32()?),
            _ => (),
        }
    }
    link.name = name.ok_or(Malformed::Missing { what: "IFLA_IFNAME" })?;
    link.mtu = mtu.ok_or(Malformed::Missing { what: "IFLA_MTU" })?;
    link.txqueuelen = txqueuelen.ok_or(Malformed::Missing { what: "IFLA_TXQLEN" })?;
    // 0 is said of a tunnel that is bound to no interface, and of a veth while its peer goes.
    link.link = lower.and_then(none_if_zero).map(|index| match lower_namespace {
        None => Lower::Here(index),
        Some(namespace) => Lower::Elsewhere { namespace, index },
    });
    Ok(Said { link, event, new_namespace, new_index })
}

fn link_info(link: &mut Link, attributes: Attributes<'_>) -> Result<(), Malformed> {
    let mut inside = None;
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            info::KIND => link.kind = Some(well_known(attribute.text_lossy())),
            info::SLAVE_KIND => link.slave_kind = Some(well_known(attribute.text_lossy())),
            info::DATA => inside = Some(attribute),
            _ => (),
        }
    }
    // What the numbers inside mean depends on the kind.
    if let (Some("vlan"), Some(inside)) = (link.kind.as_deref(), inside) {
        let id = inside.nested().find_kind(data::VLAN_ID)?;
        link.vlan_id = id.map(|id| id.u16()).transpose()?;
    }
    Ok(())
}

fn alternative_names(link: &mut Link, attributes: Attributes<'_>) -> Result<(), Malformed> {
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == is::ALTERNATIVE_NAME {
            link.alternative_names.push(attribute.text_lossy().into_owned());
        }
    }
    Ok(())
}

fn hardware_address(attribute: &Attribute<'_>) -> Result<HardwareAddress, Malformed> {
    let wrong = Malformed::Payload {
        offset: attribute.offset,
        kind: attribute.kind,
        want: "at most 32",
        found: attribute.payload.len(),
    };
    HardwareAddress::from_bytes(attribute.payload).ok_or(wrong)
}

fn none_if_zero(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

/// Kinds and buses of which a host may have thousands: their names need no memory.
const WELL_KNOWN: [&str; 20] = [
    "veth",
    "bridge",
    "bond",
    "vlan",
    "dummy",
    "macvlan",
    "macvtap",
    "ipvlan",
    "vxlan",
    "geneve",
    "ifb",
    "tun",
    "team",
    "vrf",
    "wireguard",
    "netdevsim",
    "pci",
    "virtio",
    "vmbus",
    "usb",
];

fn well_known(text: Cow<'_, str>) -> Cow<'static, str> {
    match WELL_KNOWN.iter().find(|known| **known == text) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(text.into_owned()),
    }
}
