//! What the kernel counts.

use super::fixed::Fields;
use super::number::statistics as is;
use crate::wire::Attribute;
use crate::wire::Malformed;

/// Counters of a queueing discipline, class or action (include/uapi/linux/gen_stats.h), since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes that went through, the header of the link included.
    pub bytes: u64,
    /// Packets that went through; those of an action modulo 2^32 before Linux 5.5.
    pub packets: u64,
    /// Packets that were dropped, modulo 2^32 as all that follows.
    pub drops: u32,
    /// How often something had to wait for its time.
    pub overlimits: u32,
    /// Packets that a driver gave back.
    pub requeues: u32,
    /// Packets that wait now.
    pub qlen: u32,
    /// Bytes that wait now.
    pub backlog: u32,
}

impl Statistics {
    /// `TCA_STATS2`
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Statistics, Malformed> {
        let mut statistics = Statistics::default();
        let mut packets = None;
        for attribute in attribute.nested() {
            let attribute = attribute?;
            match attribute.kind {
                is::BASIC => {
                    let mut fields = Fields::of(&attribute, "struct gnet_stats_basic");
                    statistics.bytes = fields.u64()?;
                    statistics.packets = fields.u32()?.into();
                }
                is::QUEUE => {
                    let mut fields = Fields::of(&attribute, "struct gnet_stats_queue");
                    statistics.qlen = fields.u32()?;
                    statistics.backlog = fields.u32()?;
                    statistics.drops = fields.u32()?;
                    statistics.requeues = fields.u32()?;
                    statistics.overlimits = fields.u32()?;
                }
                is::PACKETS => packets = Some(attribute.u64()?),
                _ => (),
            }
        }
        // Told besides the number of 32 bits only where that is not enough.
        statistics.packets = packets.unwrap_or(statistics.packets);
        Ok(statistics)
    }
}
