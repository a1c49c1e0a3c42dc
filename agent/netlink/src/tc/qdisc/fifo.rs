//! `pfifo` and `bfifo`: one queue, first in, first out.

use crate::tc::fixed::Fields;
use crate::wire::Attribute;
use crate::wire::Malformed;

/// `struct tc_fifo_qopt`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fifo {
    /// Most that may wait: packets of a `pfifo`, bytes of a `bfifo`. None for what the kernel makes of the interface's
    /// txqueuelen when it makes the queue.
    pub limit: Option<u32>,
}

impl Fifo {
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Fifo, Malformed> {
        Ok(Fifo { limit: Some(Fields::of(attribute, "struct tc_fifo_qopt").u32()?) })
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Fifo) -> Vec<&'static str> {
        if asked.limit.is_none() || asked.limit == self.limit { Vec::new() } else { vec!["limit"] }
    }
}
