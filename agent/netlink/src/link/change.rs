//! Interfaces, changed.

use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

use super::Flags;
use super::HardwareAddress;
use super::header::Header;
use super::number;
use super::number::attribute;
use crate::error::Error;
use crate::socket::Ack;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::text::whole;
use crate::wire::Writer;

/// What an interface shall have. What is `None` stays as it is.
///
/// The kernel changes one thing after the other (net/core/rtnetlink.c `do_setlink`): if it refuses one of several, those
/// before it are changed. What is not to be half done is asked for by itself.
///
/// A kernel that does not know one of these limits acknowledges it and does nothing, so look first whether
/// [`Link`](super::Link) has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Longest packet in bytes.
    pub mtu: Option<u32>,
    /// Packets that its default queueing disciplines hold; those that are there keep the length that they were made with.
    pub txqueuelen: Option<u32>,
    /// Longest packet, in bytes, that is handed down to be segmented. Up to 65536 it is set for IPv4 as well
    /// (net/core/dev.c `netif_set_gso_max_size`).
    pub gso_max_size: Option<u32>,
    /// Most segments of such a packet.
    pub gso_max_segs: Option<u32>,
    /// The same limit in bytes for IPv4. Since Linux 6.3.
    pub gso_ipv4_max_size: Option<u32>,
    /// Longest packet, in bytes, that is put together. Up to 65536 it is set for IPv4 as well. Since Linux 5.17.
    pub gro_max_size: Option<u32>,
    /// The same limit in bytes for IPv4. Since Linux 6.3.
    pub gro_ipv4_max_size: Option<u32>,
    /// Whether it shall be up.
    pub up: Option<bool>,
    /// Index of the bridge, bond or other that it shall belong to; 0 for none.
    pub master: Option<u32>,
    /// Its address.
    pub address: Option<HardwareAddress>,
    /// The name that it shall have.
    pub name: Option<String>,
    /// Words about it; empty for none.
    pub alias: Option<String>,
    /// Its group; 0 is that of those that nobody put into any.
    pub group: Option<u32>,
}

impl Settings {
    /// The header for an interface of this index, 0 for one that is to be made.
    pub(super) fn header(&self, index: u32) -> Header {
        let flags = if self.up == Some(true) { Flags::UP.0 } else { 0 };
        let changed = if self.up.is_some() { Flags::UP.0 } else { 0 };
        Header { flags, changed, ..Header::of(index) }
    }

    pub(super) fn write(&self, body: &mut Writer) {
        for (kind, value) in self.numbers() {
            if let Some(value) = value {
                body.u32(kind, value);
            }
        }
        if let Some(address) = &self.address {
            body.attribute(attribute::ADDRESS, address.as_bytes());
        }
        for (kind, value) in [(attribute::NAME, &self.name), (attribute::ALIAS, &self.alias)] {
            if let Some(value) = value {
                body.text(kind, value);
            }
        }
    }

    fn numbers(&self) -> [(u16, Option<u32>); 9] {
        let Settings {
            mtu,
            txqueuelen,
            gso_max_size,
            gso_max_segs,
            gso_ipv4_max_size,
            gro_max_size,
            gro_ipv4_max_size,
            master,
            group,
            up: _,
            address: _,
            name: _,
            alias: _,
        } = self;
        [
            (attribute::MTU, *mtu),
            (attribute::TX_QUEUE_LENGTH, *txqueuelen),
            (attribute::GSO_MAX_SIZE, *gso_max_size),
            (attribute::GSO_MAX_SEGS, *gso_max_segs),
            (attribute::GSO_IPV4_MAX_SIZE, *gso_ipv4_max_size),
            (attribute::GRO_MAX_SIZE, *gro_max_size),
            (attribute::GRO_IPV4_MAX_SIZE, *gro_ipv4_max_size),
            (attribute::MASTER, *master),
            (attribute::GROUP, *group),
        ]
    }
}

/// Changes an interface.
///
/// # Errors
/// [`Error::Refused`]: no right to, a value past the limits of the device, no such interface. [`Error::NoName`] of a name or
/// alias with a NUL.
pub fn set(socket: &mut RequestSocket, index: u32, settings: &Settings) -> Result<Ack, Error> {
    let what = format!("interface {index}: set");
    for text in settings.name.iter().chain(&settings.alias) {
        whole(&what, text)?;
    }
    let mut body = settings.header(index).writer();
    settings.write(&mut body);
    socket.acknowledged(Request::new(what, number::SET, body))
}

/// Moves an interface to another network namespace, given as an open file of `/proc/PID/ns/net` or the like. It goes down,
/// loses its addresses, and gets another index if its own is taken there.
///
/// # Errors
/// [`Error::Refused`]: one that is bound to its namespace, or whose name is taken there.
pub fn move_to(socket: &mut RequestSocket, index: u32, namespace: BorrowedFd<'_>) -> Result<Ack, Error> {
    let mut body = Header::of(index).writer();
    // No descriptor is negative.
    body.u32(attribute::NAMESPACE_FD, namespace.as_raw_fd().unsigned_abs());
    socket.acknowledged(Request::new(format!("interface {index}: move to another namespace"), number::SET, body))
}

/// Deletes an interface that is no hardware.
///
/// # Errors
/// [`Error::Refused`]: [`Error::is_unsupported`] of hardware, [`Error::is_gone`] if there is none.
pub fn delete(socket: &mut RequestSocket, index: u32) -> Result<Ack, Error> {
    let body = Header::of(index).writer();
    socket.acknowledged(Request::new(format!("interface {index}: delete"), number::DELETE, body))
}
