//! Families by name, from the family that is always there: the controller (net/netlink/genetlink.c).

use std::collections::BTreeMap;

use super::GenericMessage;
use super::body;
use crate::error::Error;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Message;

/// include/uapi/linux/genetlink.h
mod number {
    pub(super) const CONTROLLER: u16 = 16;
    pub(super) const VERSION: u8 = 2;
    pub(super) const GET_FAMILY: u8 = 3;

    pub(super) const FAMILY_ID: u16 = 1;
    pub(super) const FAMILY_NAME: u16 = 2;
    pub(super) const FAMILY_VERSION: u16 = 3;
    pub(super) const MAX_ATTRIBUTE: u16 = 5;
    pub(super) const OPERATIONS: u16 = 6;
    pub(super) const GROUPS: u16 = 7;

    pub(super) const OPERATION_ID: u16 = 1;
    pub(super) const OPERATION_FLAGS: u16 = 2;

    pub(super) const GROUP_NAME: u16 = 1;
    pub(super) const GROUP_ID: u16 = 2;
}

/// A family, as this kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Its number, until reboot or until its module is unloaded: the `nlmsg_type` of its messages.
    pub id: u16,
    /// Version of its protocol.
    pub version: u32,
    /// Its highest attribute type, 0 if that differs between commands.
    pub max_attribute: u32,
    /// Its commands by number.
    pub operations: BTreeMap<u32, Operation>,
    /// Its multicast groups by name: their numbers.
    pub groups: BTreeMap<String, u32>,
}

/// What a command of a family can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// `GENL_*` and `GENL_CMD_CAP_*` bits of include/uapi/linux/genetlink.h.
    pub flags: u32,
}

impl Family {
    /// Asks the kernel for a family; it may load a module for it.
    ///
    /// # Errors
    /// [`Error::NoFamily`]
    pub fn resolve(socket: &mut RequestSocket, name: &str) -> Result<Family, Error> {
        let mut request = body(number::GET_FAMILY, number::VERSION);
        request.text(number::FAMILY_NAME, name);
        let request = Request::new(format!("find the netlink family `{name}`"), number::CONTROLLER, request);
        let unknown = rustix::io::Errno::NOENT.raw_os_error();
        match socket.one(request, parse) {
            Ok((family, _)) => Ok(family),
            Err(error) if error.refusal_errno() == Some(unknown) => Err(Error::NoFamily { family: name.to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// Number of a multicast group.
    ///
    /// # Errors
    /// [`Error::NoGroup`]
    pub fn group(&self, name: &str) -> Result<u32, Error> {
        let found = self.groups.get(name).copied();
        found.ok_or_else(|| Error::NoGroup { family: self.name.clone(), group: name.to_owned() })
    }

    /// Whether this kernel's family has a command.
    #[must_use]
    pub fn has(&self, command: u8) -> bool {
        self.operations.contains_key(&command.into())
    }
}

pub(crate) fn parse(message: &Message<'_>) -> Result<Family, Malformed> {
    let (mut id, mut name, mut version, mut max_attribute) = (None, None, 0, 0);
    let (mut operations, mut groups) = (BTreeMap::new(), BTreeMap::new());
    for attribute in GenericMessage::parse(message)?.attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::FAMILY_ID => id = Some(attribute.u16()?),
            number::FAMILY_NAME => name = Some(attribute.text()?.to_owned()),
            number::FAMILY_VERSION => version = attribute.u32()?,
            number::MAX_ATTRIBUTE => max_attribute = attribute.u32()?,
            number::OPERATIONS => {
                for one in attribute.nested() {
                    let (id, flags) = operation(one?.nested())?;
                    operations.insert(id, Operation { flags });
                }
            }
            number::GROUPS => {
                for one in attribute.nested() {
                    let (name, id) = group(one?.nested())?;
                    groups.insert(name, id);
                }
            }
            _ => (),
        }
    }
    let id = id.ok_or(Malformed::Missing { what: "CTRL_ATTR_FAMILY_ID" })?;
    let name = name.ok_or(Malformed::Missing { what: "CTRL_ATTR_FAMILY_NAME" })?;
    Ok(Family { name, id, version, max_attribute, operations, groups })
}

fn operation(attributes: Attributes<'_>) -> Result<(u32, u32), Malformed> {
    let (mut id, mut flags) = (None, 0);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::OPERATION_ID => id = Some(attribute.u32()?),
            number::OPERATION_FLAGS => flags = attribute.u32()?,
            _ => (),
        }
    }
    Ok((id.ok_or(Malformed::Missing { what: "CTRL_ATTR_OP_ID" })?, flags))
}

fn group(attributes: Attributes<'_>) -> Result<(String, u32), Malformed> {
    let (mut name, mut id) = (None, None);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            number::GROUP_NAME => name = Some(attribute.text()?.to_owned()),
            number::GROUP_ID => id = Some(attribute.u32()?),
            _ => (),
        }
    }
    let name = name.ok_or(Malformed::Missing { what: "CTRL_ATTR_MCAST_GRP_NAME" })?;
    Ok((name, id.ok_or(Malformed::Missing { what: "CTRL_ATTR_MCAST_GRP_ID" })?))
}
