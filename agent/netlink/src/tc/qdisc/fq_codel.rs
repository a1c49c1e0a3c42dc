//! `fq_codel`: flows in turn, each kept short by CoDel (RFC 8290).

use crate::tc::options::options;

options! {
    /// `TCA_FQ_CODEL_*`. What is none is left as it is, or to the kernel.
    FqCodel;
    /// Microseconds that packets may wait as a rule; kept in units of 1024 ns.
    1 target: u32 as CodelMicroseconds,
    /// Most packets that wait in all.
    2 limit: u32 as U32,
    /// Microseconds within which waiting may be longer; kept in units of 1024 ns.
    3 interval: u32 as CodelMicroseconds,
    /// Whether packets are marked by ECN where they can be, rather than dropped.
    4 ecn: bool as Bool32,
    /// How many flows there are; cannot be changed.
    5 flows: u32 as U32,
    /// Bytes that a flow may send in its turn, at least 256.
    6 quantum: u32 as U32,
    /// Microseconds in the queue after which packets are marked by ECN; not shown where it is off.
    7 ce_threshold: u32 as CodelMicroseconds,
    /// Most packets that are dropped at once when memory or `limit` is used up, at least 1.
    8 drop_batch_size: u32 as U32,
    /// Most bytes of memory that packets take, at most 2^31.
    9 memory_limit: u32 as U32,
    /// With `ce_threshold`: the DSCP and ECN bits, under the mask, of packets that it is for. Since Linux 5.16.
    10 ce_threshold_selector: u8 as U8,
    /// With `ce_threshold`: the mask. Since Linux 5.16.
    11 ce_threshold_mask: u8 as U8,
}
