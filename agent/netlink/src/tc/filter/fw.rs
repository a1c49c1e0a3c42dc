//! `fw`: packets by their mark.

use super::same_actions;
use crate::tc::Handle;
use crate::tc::action;
use crate::tc::action::Action;
use crate::tc::those_that_are_not;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_FW_*`
mod number {
    pub(super) const CLASS: u16 = 1;
    pub(super) const POLICE: u16 = 2;
    pub(super) const INPUT: u16 = 3;
    pub(super) const ACTIONS: u16 = 4;
    pub(super) const MASK: u16 = 5;
}

/// A filter that finds packets by their mark, which is its handle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fw {
    /// The class that they go into.
    pub class: Option<Handle>,
    /// Which bits of the mark count; none for all. Filters of the same parent, priority and protocol have one mask, that of the
    /// first.
    pub mask: Option<u32>,
    /// The name of the interface that they came in by.
    pub input: Option<String>,
    /// What becomes of them.
    pub actions: Vec<Action>,
}

impl Fw {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Fw, Malformed> {
        let mut fw = Fw::default();
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::CLASS => fw.class = Some(Handle(attribute.u32()?)),
                number::POLICE => fw.actions = vec![action::read_police(&attribute)?],
                number::INPUT => fw.input = Some(attribute.text_lossy().into_owned()),
                number::ACTIONS => fw.actions = action::read_all(&attribute)?,
                number::MASK => fw.mask = Some(attribute.u32()?),
                _ => (),
            }
        }
        Ok(fw)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Fw { class, mask, input, actions } = self;
        if let Some(class) = class {
            writer.u32(number::CLASS, class.0);
        }
        if let Some(input) = input {
            writer.text(number::INPUT, input);
        }
        if let Some(mask) = mask {
            writer.u32(number::MASK, *mask);
        }
        action::write_all(number::ACTIONS, actions, writer);
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Fw) -> Vec<&'static str> {
        let Fw { class, mask, input, actions } = asked;
        let all = |mask: Option<u32>| mask.unwrap_or(u32::MAX);
        those_that_are_not(&[
            ("class", *class == self.class),
            ("mask", all(*mask) == all(self.mask)),
            ("input", *input == self.input),
            ("actions", same_actions(&self.actions, actions)),
        ])
    }
}
