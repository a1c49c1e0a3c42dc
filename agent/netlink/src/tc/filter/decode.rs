//! `RTM_NEWTFILTER` and `RTM_DELTFILTER`, read.

use super::Kind;
use crate::became::Became;
use crate::tc::Handle;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::wire::Malformed;
use crate::wire::Message;

/// A filter as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Index of its interface; `u32::MAX` of one in a block that several share, whose number is then the parent.
    pub interface: u32,
    /// The discipline or class that it hangs at, or one of the places of `clsact`.
    pub parent: Handle,
    /// The smaller, the sooner it is asked; at least 1.
    pub priority: u16,
    /// `ETH_P_*` (include/uapi/linux/if_ether.h) of the packets that it is for.
    pub protocol: u16,
    /// The chain that it is in; 0 is where all begins.
    pub chain: u32,
    /// Its name among those of the same place, priority and protocol; 0 of what they have in common.
    pub handle: u32,
    /// How it finds packets, and what becomes of them.
    pub kind: Kind,
}

/// News of a filter. The message of one that is set may hold what it was before (that of `u32` does): read it anew. Gone is, with
/// handle 0 and a priority, all of that priority; with priority 0, all of that place.
pub type Change = Became<Filter>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_FILTER, number::DELETE_FILTER], filter)
    }
}

pub(super) fn filter(message: &Message<'_>) -> Result<Filter, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut kind, mut options, mut chain) = (None, None, 0);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::KIND => kind = Some(attribute.text()?),
            is::OPTIONS => options = Some(attribute),
            is::CHAIN => chain = attribute.u32()?,
            _ => (),
        }
    }
    let info = Handle(header.info);
    Ok(Filter {
        interface: header.interface,
        parent: header.parent,
        priority: info.major(),
        protocol: u16::from_be(info.minor()),
        chain,
        handle: header.handle,
        kind: Kind::read(kind.ok_or(Malformed::Missing { what: "TCA_KIND" })?, header.handle, options)?,
    })
}
