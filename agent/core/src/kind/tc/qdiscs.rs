//! The kinds of queueing disciplines, and their options under the names of tc(8).
//!
//! Bounds are those of the attributes and of the checks that the kernel makes (net/sched/sch_*.c); times have the step
//! that the attribute has.

use super::filters;
use super::scalar::Shape;

/// A kind of queueing discipline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qdisc {
    /// Its name in the kernel.
    pub kind: &'static str,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// Whether the kernel can change one in place (`Qdisc_ops.change`).
    pub changes: bool,
    /// Its options.
    pub options: &'static [Opt],
}

/// An option of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// What may stand for it.
    pub shape: Shape,
    /// How the kernel rounds it.
    pub kept: Kept,
    /// Whether one that is there can have another.
    pub changes: bool,
    /// Whether a profile may say it; else it is only shown, and put back.
    pub said: bool,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// How the kernel keeps a number, so that what it shows is not what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// As it is.
    Exact,
    /// In units of 1024 ns, rounded down (include/net/codel.h `CODEL_SHIFT`).
    Codel,
    /// In jiffies, rounded up.
    Jiffies,
    /// As the time that so many bytes take at the rate of this name, in ticks of 64 ns (include/net/pkt_sched.h
    /// `PSCHED_SHIFT`).
    Ticks {
        /// The option that is the rate.
        rate: &'static str,
    },
}

impl Opt {
    pub(super) const fn new(name: &'static str, shape: Shape, meaning: &'static str) -> Opt {
        Opt { name, shape, kept: Kept::Exact, changes: true, said: true, meaning }
    }

    const fn kept(self, kept: Kept) -> Opt {
        Opt { kept, ..self }
    }

    const fn fixed(self) -> Opt {
        Opt { changes: false, ..self }
    }

    const fn shown(self) -> Opt {
        Opt { said: false, ..self }
    }
}

impl Qdisc {
    /// The option of this name.
    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.name == name)
    }
}

/// The kind of this name.
pub fn of_kind(kind: &str) -> Option<&'static Qdisc> {
    ALL.iter().find(|qdisc| qdisc.kind == kind)
}

/// What a node is of which the word is this: a kind, a class or a rule.
pub fn of_word(word: &str) -> Option<&'static Qdisc> {
    if minor_of(word).is_some() {
        Some(&HTB_CLASS)
    } else if filters::number_of(word).is_some() {
        Some(&filters::RULE)
    } else {
        of_kind(word)
    }
}

/// The word of a class, before its minor number.
pub const CLASS: &str = "class";

/// The word of the class of this minor number, as tc(8) writes it: `class 1f`.
pub fn class_word(minor: u16) -> String {
    format!("{CLASS} {minor:x}")
}

/// The minor number of a class by its word; nothing of another word.
pub fn minor_of(word: &str) -> Option<u16> {
    u16::from_str_radix(word.strip_prefix(CLASS)?.strip_prefix(' ')?, 16).ok()
}

/// A class of htb. Those that come with another discipline have no options.
pub const HTB_CLASS: Qdisc = Qdisc {
    kind: CLASS,
    meaning: "A class: what it may send, and what it may borrow.",
    changes: true,
    options: &[
        Opt::new("rate", RATE, "What it may send whatever the others do."),
        Opt::new("ceil", RATE, "What it may send if nobody else wants it; the rate, if it is not said."),
        Opt::new("burst", SOME_BYTES, "Bytes that may go at once at the rate.").kept(Kept::Ticks { rate: "rate" }),
        Opt::new("cburst", SOME_BYTES, "Bytes that may go at once at the ceiling.").kept(Kept::Ticks { rate: "ceil" }),
        Opt::new("prio", Shape::Count { min: 0, max: 7 }, "Whose turn it is first to borrow: 0 before all others."),
        Opt::new("quantum", SOME_BYTES, "Bytes that a leaf may send in its turn when it borrows."),
        Opt::new("overhead", OVERHEAD, "Bytes that each packet counts for besides its own.").shown(),
        Opt::new("mpu", OVERHEAD, "Least bytes that a packet counts for.").shown(),
        Opt::new("linklayer", LINK_LAYER, "How packets are cut further on.").shown(),
    ],
};

const U32: i64 = u32::MAX as i64;
const ANY: Shape = Shape::Count { min: 0, max: U32 };
const SOME: Shape = Shape::Count { min: 1, max: U32 };
const BYTES: Shape = Shape::Bytes { min: 0, max: U32 };
const SOME_BYTES: Shape = Shape::Bytes { min: 1, max: U32 };
const MICROSECONDS: Shape = Shape::Time { step: 1000, max: U32 * 1000 };
const NANOSECONDS: Shape = Shape::Time { step: 1, max: i64::MAX };
/// A rate whose attribute has 32 bits.
const SMALL_RATE: Shape = Shape::Rate { max: u32::MAX as u64 };
/// As much as 63 bits of bits per second hold.
const RATE: Shape = Shape::Rate { max: 1 << 59 };
const OVERHEAD: Shape = Shape::Count { min: 0, max: u16::MAX as i64 };
const LINK_LAYER: Shape = Shape::Word(&["ethernet", "atm"]);
const PRIOMAP: Shape = Shape::Numbers { count: 16, max: 15 };

const PACKETS: Opt = Opt::new("limit", ANY, "Most packets that wait.");

/// Every kind that may stand at the root.
pub const ALL: &[Qdisc] = &[
    Qdisc { kind: "pfifo", meaning: "One queue, counted in packets.", changes: true, options: &[PACKETS] },
    Qdisc {
        kind: "bfifo",
        meaning: "One queue, counted in bytes.",
        changes: true,
        options: &[Opt::new("limit", BYTES, "Most bytes that wait.")],
    },
    Qdisc { kind: "pfifo_fast", meaning: "Three queues by priority.", changes: true, options: &[] },
    Qdisc { kind: "mq", meaning: "One queueing discipline for each transmit queue.", changes: true, options: &[] },
    Qdisc { kind: "noqueue", meaning: "No queue: what comes goes out at once.", changes: true, options: &[] },
    Qdisc { kind: "fq", meaning: "Flows in turn, each paced by its socket: for hosts.", changes: true, options: FQ },
    Qdisc {
        kind: "fq_codel",
        meaning: "Flows in turn, each kept short (RFC 8290): for routers.",
        changes: true,
        options: FQ_CODEL,
    },
    Qdisc { kind: "cake", meaning: "Shaper, flows, priorities and CoDel in one.", changes: true, options: CAKE },
    Qdisc { kind: "tbf", meaning: "One rate for all.", changes: true, options: TBF },
    Qdisc { kind: "sfq", meaning: "Flows in turn, as a hash tells them apart.", changes: false, options: SFQ },
    Qdisc { kind: "netem", meaning: "Delay, loss and other misfortunes of a network.", changes: true, options: NETEM },
    Qdisc { kind: "prio", meaning: "Bands, each of which waits for all before it.", changes: true, options: PRIO },
    Qdisc {
        kind: "htb",
        meaning: "A tree of classes that lend each other what they do not use.",
        changes: false,
        options: HTB,
    },
];

const FQ: &[Opt] = &[
    Opt::new("limit", ANY, "Most packets that wait in all."),
    Opt::new("flow_limit", ANY, "Most packets of one flow that wait."),
    Opt::new("quantum", Shape::Bytes { min: 1, max: 1 << 20 }, "Bytes that a flow may send in its turn."),
    Opt::new("initial_quantum", BYTES, "Bytes that a new flow may send at once."),
    Opt::new("maxrate", SMALL_RATE, "Most that one flow may send."),
    Opt::new("pacing", Shape::Switch, "Whether flows are paced."),
    Opt::new("buckets_log", Shape::Count { min: 1, max: 18 }, "Binary logarithm of the buckets of the hash."),
    Opt::new("refill_delay", MICROSECONDS, "How long a flow is idle before it gets new credit.").kept(Kept::Jiffies),
    Opt::new("orphan_mask", ANY, "Bits of the hash that tell packets without a socket apart."),
    Opt::new("low_rate_threshold", SMALL_RATE, "The rate below which a flow is not paced by packets of full length."),
    Opt::new("ce_threshold", MICROSECONDS, "Time in the queue after which packets are marked by ECN."),
    Opt::new("timer_slack", Shape::Time { step: 1, max: U32 }, "How late a timer may be."),
    Opt::new("horizon", MICROSECONDS, "How far in the future the time of a packet may be."),
    Opt::new("horizon_drop", Shape::Switch, "Whether packets beyond the horizon are dropped, not sent at its end."),
    Opt::new("offload_horizon", MICROSECONDS, "How far the device paces by itself."),
    Opt::new("priomap", Shape::Numbers { count: 16, max: 2 }, "The band of each of the kernel's 16 priorities."),
    Opt::new("weights", Shape::Numbers { count: 3, max: i32::MAX as i64 }, "Bytes of each band in its turn."),
];

const FQ_CODEL: &[Opt] = &[
    Opt::new("limit", ANY, "Most packets that wait in all."),
    Opt::new("flows", Shape::Count { min: 1, max: 65536 }, "How many flows there are.").fixed(),
    Opt::new("target", MICROSECONDS, "How long packets may wait as a rule.").kept(Kept::Codel),
    Opt::new("interval", MICROSECONDS, "How long waiting may be longer than the target.").kept(Kept::Codel),
    Opt::new("quantum", Shape::Bytes { min: 256, max: 1 << 20 }, "Bytes that a flow may send in its turn."),
    Opt::new("ecn", Shape::Switch, "Whether packets are marked by ECN where they can be, rather than dropped."),
    Opt::new("ce_threshold", MICROSECONDS, "Time in the queue after which packets are marked by ECN.")
        .kept(Kept::Codel),
    Opt::new("memory_limit", Shape::Bytes { min: 0, max: 1 << 31 }, "Most bytes of memory that packets take."),
    Opt::new("drop_batch", SOME, "Most packets that are dropped at once."),
    Opt::new("ce_threshold_selector", Shape::Count { min: 0, max: 255 }, "With ce_threshold: which packets it is for."),
    Opt::new("ce_threshold_mask", Shape::Count { min: 0, max: 255 }, "With ce_threshold: the mask of the selector."),
];

const CAKE: &[Opt] = &[
    Opt::new("bandwidth", RATE, "The rate of the bottleneck."),
    Opt::new(
        "diffserv",
        Shape::Word(&["diffserv3", "diffserv4", "diffserv8", "besteffort", "precedence"]),
        "How DSCP tells priorities apart.",
    ),
    Opt::new(
        "flows",
        Shape::Word(&[
            "flowblind",
            "srchost",
            "dsthost",
            "hosts",
            "flows",
            "dual-srchost",
            "dual-dsthost",
            "triple-isolate",
        ]),
        "Among whom bandwidth is shared.",
    ),
    Opt::new("nat", Shape::Switch, "Whether hosts are told apart by their addresses before NAT."),
    Opt::new("wash", Shape::Switch, "Whether DSCP is cleared once it was looked at."),
    Opt::new("ingress", Shape::Switch, "Whether what is dropped counts as sent."),
    Opt::new("ack_filter", Shape::Word(&["off", "on", "aggressive"]), "Whether needless acknowledgements are dropped."),
    Opt::new("split_gso", Shape::Switch, "Whether large packets are cut into segments before they are queued."),
    Opt::new("rtt", MICROSECONDS, "The usual round trip."),
    Opt::new("target", MICROSECONDS, "How long packets may wait as a rule; the kernel derives it from rtt.").shown(),
    Opt::new("atm", Shape::Word(&["none", "atm", "ptm"]), "How packets are cut further on."),
    Opt::new("overhead", Shape::Count { min: -64, max: 256 }, "Bytes that each packet counts for besides its own."),
    Opt::new("raw", Shape::Switch, "Whether packets count for what the kernel says of their length.").shown(),
    Opt::new("mpu", Shape::Bytes { min: 0, max: 256 }, "Least bytes that a packet counts for."),
    Opt::new("memlimit", BYTES, "Most bytes of memory that packets take."),
    Opt::new("fwmark", ANY, "Bits of the packet's mark that choose a priority."),
    Opt::new("autorate", Shape::Switch, "Whether the kernel guesses the bandwidth from what comes in."),
];

const TBF: &[Opt] = &[
    Opt::new("rate", RATE, "The rate."),
    Opt::new("burst", SOME_BYTES, "Bytes that may go at once: no less than a frame.")
        .kept(Kept::Ticks { rate: "rate" }),
    Opt::new("limit", SOME_BYTES, "Most bytes that wait."),
    Opt::new("peakrate", RATE, "How fast the burst may go."),
    Opt::new("mtu", SOME_BYTES, "Bytes that may go at once at peakrate.").kept(Kept::Ticks { rate: "peakrate" }),
    Opt::new("overhead", OVERHEAD, "Bytes that each packet counts for besides its own."),
    Opt::new("mpu", OVERHEAD, "Least bytes that a packet counts for."),
    Opt::new("linklayer", LINK_LAYER, "How packets are cut further on."),
];

/// Said in the place of `limit` of tbf: how long a byte waits at most.
pub const LATENCY: Opt = Opt::new("latency", NANOSECONDS, "In the place of limit: how long a packet waits at most.");

const SFQ: &[Opt] = &[
    Opt::new("limit", ANY, "Most packets that wait in all."),
    Opt::new("quantum", BYTES, "Bytes that a flow may send in its turn."),
    Opt::new(
        "perturb",
        Shape::Time { step: 1_000_000_000, max: 2_147_483 * 1_000_000_000 },
        "After which time flows are hashed anew.",
    ),
    Opt::new("divisor", Shape::Count { min: 1, max: 65536 }, "Buckets of the hash, a power of two."),
    Opt::new("flows", Shape::Count { min: 1, max: 65408 }, "Most flows."),
    Opt::new("depth", Shape::Count { min: 1, max: 65535 }, "Most packets of one flow that wait."),
    Opt::new("headdrop", Shape::Switch, "Whether the oldest packet of a flow is dropped rather than the newest."),
    Opt::new("red", Shape::Numbers { count: 7, max: U32 }, "Random early detection, in the numbers of the kernel.")
        .shown(),
];

const NETEM: &[Opt] = &[
    Opt::new("limit", ANY, "Most packets that wait."),
    Opt::new("delay", NANOSECONDS, "How long packets are delayed."),
    Opt::new("jitter", Shape::Time { step: 1, max: i32::MAX as i64 }, "How much the delay varies."),
    Opt::new("delay_correlation", Shape::Chance, "How much a delay depends on the one before."),
    Opt::new("loss", Shape::Chance, "Packets that are lost."),
    Opt::new("loss_correlation", Shape::Chance, "How much a loss depends on the packet before."),
    Opt::new("duplicate", Shape::Chance, "Packets that come twice."),
    Opt::new("duplicate_correlation", Shape::Chance, "How much that depends on the packet before."),
    Opt::new("reorder", Shape::Chance, "Packets that are sent ahead of those that are delayed."),
    Opt::new("reorder_correlation", Shape::Chance, "How much that depends on the packet before."),
    Opt::new("gap", ANY, "With reorder: every so many packets."),
    Opt::new("corrupt", Shape::Chance, "Packets of which a bit is changed."),
    Opt::new("corrupt_correlation", Shape::Chance, "How much that depends on the packet before."),
    Opt::new("rate", RATE, "The rate of the network."),
    Opt::new(
        "packet_overhead",
        Shape::Count { min: i32::MIN as i64, max: i32::MAX as i64 },
        "With rate: bytes that each packet counts for besides its own.",
    ),
    Opt::new("cell_size", ANY, "With rate: bytes of the cells that packets are cut into."),
    Opt::new(
        "cell_overhead",
        Shape::Count { min: i32::MIN as i64, max: i32::MAX as i64 },
        "With rate: bytes that each cell counts for besides its own.",
    ),
    Opt::new("ecn", Shape::Switch, "Whether packets are marked by ECN where they can be, rather than lost."),
    Opt::new("loss_state", Shape::Numbers { count: 5, max: U32 }, "Loss by four states, in the numbers of the kernel.")
        .shown(),
    Opt::new(
        "loss_gemodel",
        Shape::Numbers { count: 4, max: U32 },
        "Loss by Gilbert and Elliott, in the numbers of the kernel.",
    )
    .shown(),
    Opt::new(
        "slot",
        Shape::Numbers { count: 6, max: i64::MAX },
        "Times at which packets are sent together, in the numbers of the kernel.",
    )
    .shown(),
];

const PRIO: &[Opt] = &[
    Opt::new("bands", Shape::Count { min: 2, max: 16 }, "How many bands there are."),
    Opt::new("priomap", PRIOMAP, "The band of each of the kernel's 16 priorities."),
];

const HTB: &[Opt] = &[
    Opt::new("default", Shape::Minor, "The class of what no filter classifies, 0 for none: then it goes out unshaped."),
    Opt::new("r2q", SOME, "By what the rate of a class is divided for its quantum."),
    Opt::new("direct_qlen", ANY, "Most packets that wait to go out unshaped."),
    Opt::new("offload", Shape::Switch, "Whether the device does it all."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for qdisc in ALL {
            assert!(ALL.iter().filter(|other| other.kind == qdisc.kind).count() == 1, "{}", qdisc.kind);
            for option in qdisc.options {
                assert_eq!(
                    qdisc.options.iter().filter(|other| other.name == option.name).count(),
                    1,
                    "{}",
                    option.name
                );
                if let Kept::Ticks { rate } = option.kept {
                    assert!(qdisc.option(rate).is_some(), "{rate}");
                }
            }
        }
    }
}
