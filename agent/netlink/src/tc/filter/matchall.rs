//! `matchall`: all packets.

use super::same_actions;
use crate::tc::Handle;
use crate::tc::action;
use crate::tc::action::Action;
use crate::tc::number::hardware;
use crate::tc::those_that_are_not;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_MATCHALL_*`
mod number {
    pub(super) const CLASS: u16 = 1;
    pub(super) const ACTIONS: u16 = 2;
    pub(super) const FLAGS: u16 = 3;
}

/// A filter that finds all packets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matchall {
    /// The class that they go into.
    pub class: Option<Handle>,
    /// `TCA_CLS_FLAGS_*`: 1 not in hardware, 2 only in hardware.
    pub flags: u32,
    /// What becomes of them.
    pub actions: Vec<Action>,
}

impl Matchall {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Matchall, Malformed> {
        let mut matchall = Matchall::default();
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::CLASS => matchall.class = Some(Handle(attribute.u32()?)),
                number::ACTIONS => matchall.actions = action::read_all(&attribute)?,
                number::FLAGS => matchall.flags = attribute.u32()? & hardware::ASKED,
                _ => (),
            }
        }
        Ok(matchall)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Matchall { class, flags, actions } = self;
        if let Some(class) = class {
            writer.u32(number::CLASS, class.0);
        }
        if *flags != 0 {
            writer.u32(number::FLAGS, *flags);
        }
        action::write_all(number::ACTIONS, actions, writer);
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Matchall) -> Vec<&'static str> {
        let Matchall { class, flags, actions } = asked;
        those_that_are_not(&[
            ("class", *class == self.class),
            ("flags", *flags == self.flags),
            ("actions", same_actions(&self.actions, actions)),
        ])
    }
}
