//! Numbers of include/uapi/linux/rtnetlink.h, pkt_sched.h and gen_stats.h that all of traffic control shares.

pub(super) const NEW_QDISC: u16 = 36;
pub(super) const DELETE_QDISC: u16 = 37;
pub(super) const GET_QDISC: u16 = 38;
pub(super) const NEW_CLASS: u16 = 40;
pub(super) const DELETE_CLASS: u16 = 41;
pub(super) const GET_CLASS: u16 = 42;
pub(super) const NEW_FILTER: u16 = 44;
pub(super) const DELETE_FILTER: u16 = 45;
pub(super) const GET_FILTER: u16 = 46;

/// `TCA_*`
pub(super) mod attribute {
    pub(in crate::tc) const KIND: u16 = 1;
    pub(in crate::tc) const OPTIONS: u16 = 2;
    pub(in crate::tc) const STATISTICS: u16 = 7;
    pub(in crate::tc) const SIZE_TABLE: u16 = 8;
    pub(in crate::tc) const DUMP_INVISIBLE: u16 = 10;
    pub(in crate::tc) const CHAIN: u16 = 11;
    pub(in crate::tc) const HW_OFFLOAD: u16 = 12;
    pub(in crate::tc) const INGRESS_BLOCK: u16 = 13;
    pub(in crate::tc) const EGRESS_BLOCK: u16 = 14;
}

/// `TCA_STATS_*`, inside [`attribute::STATISTICS`]
pub(super) mod statistics {
    pub(in crate::tc) const BASIC: u16 = 1;
    pub(in crate::tc) const QUEUE: u16 = 3;
    pub(in crate::tc) const PACKETS: u16 = 8;
}

/// `TCA_CLS_FLAGS_*` of filters
pub(super) mod hardware {
    /// Those that a request may have, `SKIP_HW` and `SKIP_SW`; the others say what became of it.
    pub(in crate::tc) const ASKED: u32 = 3;
}
