//! `fq`: flows in turn, each paced by its socket.

use crate::tc::options::options;

options! {
    /// `TCA_FQ_*`. What is none is left as it is, or to the kernel.
    Fq;
    /// Most packets that wait in all.
    1 limit: u32 as U32,
    /// Most packets of one flow that wait.
    2 flow_limit: u32 as U32,
    /// Bytes that a flow may send in its turn.
    3 quantum: u32 as U32,
    /// Bytes that a new flow may send at once.
    4 initial_quantum: u32 as U32,
    /// Whether flows are paced.
    5 pacing: bool as Bool32,
    /// Most that one flow may send, bytes per second; `u32::MAX` for no limit, which the kernel cannot set higher.
    7 maxrate: u32 as U32,
    /// Binary logarithm of the buckets of the hash.
    8 buckets_log: u32 as U32,
    /// After how many idle microseconds a flow gets new credit; kept in jiffies.
    9 refill_delay: u32 as JiffiesMicroseconds,
    /// How many bits of the hash tell packets without a socket apart, as a mask.
    10 orphan_mask: u32 as U32,
    /// Bytes per second below which a flow is not paced by packets of full length.
    11 low_rate_threshold: u32 as U32,
    /// Microseconds in the queue after which packets are marked by ECN. Since Linux 4.20.
    12 ce_threshold: u32 as U32,
    /// Nanoseconds that a timer may be late. Since Linux 5.7.
    13 timer_slack: u32 as U32,
    /// Microseconds, how far in the future a packet's time may be. Since Linux 5.8.
    14 horizon: u32 as U32,
    /// Whether packets beyond the horizon are dropped rather than sent at its end. Since Linux 5.8.
    15 horizon_drop: bool as Bool8,
    /// The band, 0 to 2, of each of the kernel's priorities. Since Linux 6.7.
    16 priomap: [u8; 16] as ThreeBands,
    /// What each band may send in its turn, bytes, at least 16384. Since Linux 6.7.
    17 weights: [u32; 3] as Weights,
    /// Microseconds up to which the device paces by itself. Since Linux 6.13.
    18 offload_horizon: u32 as U32,
}
