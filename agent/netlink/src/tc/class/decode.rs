//! `RTM_NEWTCLASS` and `RTM_DELTCLASS`, read.

use super::Kind;
use crate::became::Became;
use crate::tc::Handle;
use crate::tc::Statistics;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::wire::Malformed;
use crate::wire::Message;

/// A class as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Index of its interface.
    pub interface: u32,
    /// The class above it, or [`Handle::ROOT`] if there is none but the discipline itself; which that is, its own handle says.
    pub parent: Handle,
    /// Its name.
    pub handle: Handle,
    /// The queueing discipline that is attached to it, if it has a name of its own.
    pub leaf: Option<Handle>,
    /// What it is.
    pub kind: Kind,
    /// What it has counted.
    pub statistics: Statistics,
}

/// News of a class. What goes along with a discipline or an interface is not told.
pub type Change = Became<Class>;

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Became::of(message, [number::NEW_CLASS, number::DELETE_CLASS], class)
    }
}

pub(super) fn class(message: &Message<'_>) -> Result<Class, Malformed> {
    let (header, attributes) = Header::split(message)?;
    let (mut kind, mut options) = (None, None);
    let mut statistics = Statistics::default();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::KIND => kind = Some(attribute.text()?),
            is::OPTIONS => options = Some(attribute),
            is::STATISTICS => statistics = Statistics::read(&attribute)?,
            _ => (),
        }
    }
    Ok(Class {
        interface: header.interface,
        parent: header.parent,
        handle: Handle(header.handle),
        leaf: Some(Handle(header.info)).filter(|leaf| *leaf != Handle::NONE),
        kind: Kind::read(kind.ok_or(Malformed::Missing { what: "TCA_KIND" })?, options)?,
        statistics,
    })
}
