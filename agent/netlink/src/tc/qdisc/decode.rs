//! `RTM_NEWQDISC` and `RTM_DELQDISC`, read.

use super::Kind;
use crate::became::Became;
use crate::tc::Handle;
use crate::tc::Statistics;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::wire::Malformed;
use crate::wire::Message;

/// A queueing discipline as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qdisc {
    /// Index of its interface.
    pub interface: u32,
    /// Where it is attached: [`Handle::ROOT`], [`Handle::INGRESS`] or a class.
    pub parent: Handle,
    /// Its name; major 0 if nobody asked for it: the kernel's default.
    pub handle: Handle,
    /// What it does.
    pub kind: Kind,
    /// `TCA_HW_OFFLOAD`: whether the device does it; then most counters are the device's.
    pub is_offloaded: bool,
    /// The block of filters that it shares with others, of `ingress` and `clsact` for what comes in.
    pub ingress_block: Option<u32>,
    /// The same of `clsact`, for what goes out.
    pub egress_block: Option<u32>,
    /// Whether somebody gave it a table of sizes (tc-stab(8)). The kernel does not show what is in it, so one that is made
    /// anew goes without.
    pub has_size_table: bool,
    /// What it has counted.
    pub statistics: Statistics,
}

impl Qdisc {
    /// Whether it is one that the kernel attached by itself. Deleting such a one is refused; it goes when another comes.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.handle.major() == 0
    }
}

/// News of a queueing discipline. What the kernel does by itself it does not tell: attaching its default, or what goes with
/// an interface or with the parent. That a default gives way it tells, but not of `noqueue`.
pub type Change = Became<Qdisc>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_QDISC, number::DELETE_QDISC], qdisc)
    }
}

pub(super) fn qdisc(message: &Message<'_>) -> Result<Qdisc, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut kind, mut options) = (None, None);
    let (mut ingress_block, mut egress_block) = (None, None);
    let (mut is_offloaded, mut has_size_table) = (false, false);
    let mut statistics = Statistics::default();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::KIND => kind = Some(attribute.text()?),
            is::OPTIONS => options = Some(attribute),
            is::STATISTICS => statistics = Statistics::read(&attribute)?,
            is::SIZE_TABLE => has_size_table = true,
            is::HW_OFFLOAD => is_offloaded = attribute.bool()?,
            is::INGRESS_BLOCK => ingress_block = Some(attribute.u32()?),
            is::EGRESS_BLOCK => egress_block = Some(attribute.u32()?),
            _ => (),
        }
    }
    Ok(Qdisc {
        interface: header.interface,
        parent: header.parent,
        handle: Handle(header.handle),
        kind: Kind::read(kind.ok_or(Malformed::Missing { what: "TCA_KIND" })?, options)?,
        is_offloaded,
        ingress_block,
        egress_block,
        has_size_table,
        statistics,
    })
}
