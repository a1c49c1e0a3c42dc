//! The two versions of IP, and their addresses as they travel.

use std::net::IpAddr;

use crate::wire::Attribute;
use crate::wire::Malformed;

/// A version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpFamily {
    /// `AF_INET`
    V4,
    /// `AF_INET6`
    V6,
}

impl IpFamily {
    /// Its number in messages; none other has one.
    pub(crate) fn number(self) -> u8 {
        match self {
            IpFamily::V4 => 2,
            IpFamily::V6 => 10,
        }
    }

    pub(crate) fn of(number: u8) -> Option<IpFamily> {
        [IpFamily::V4, IpFamily::V6].into_iter().find(|family| family.number() == number)
    }
}

/// An address, whose family its length tells.
pub(crate) fn address(attribute: &Attribute<'_>) -> Result<IpAddr, Malformed> {
    let Attribute { payload, offset, kind } = *attribute;
    address_of(payload).ok_or(Malformed::Payload { offset, kind, want: "4 or 16", found: payload.len() })
}

pub(crate) fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}
