//! `counter`

use super::found::Found;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `NFTA_COUNTER_*`
mod is {
    pub(super) const BYTES: u16 = 1;
    pub(super) const PACKETS: u16 = 2;
}

/// What came by. In a request, from where it counts on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Their bytes, from the IP header on.
    pub bytes: u64,
}

impl Counter {
    pub(super) fn read(found: &Found<'_>) -> Result<Counter, Malformed> {
        let number = |kind| found.get(kind).map_or(Ok(0), Attribute::be64);
        Ok(Counter { packets: number(is::PACKETS)?, bytes: number(is::BYTES)? })
    }

    pub(super) fn write(self, writer: &mut Writer) {
        writer.be64(is::BYTES, self.bytes).be64(is::PACKETS, self.packets);
    }
}
