//! `cake`: shaper, flows, priorities and CoDel in one.

use crate::tc::options::Codec;
use crate::tc::options::U32;
use crate::tc::options::options;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// Declares an enum of numbers of 32 bits.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident; $($(#[$variant_doc:meta])* $number:literal $variant:ident,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A number that a newer kernel has.
            Other(u32),
        }

        impl Codec<$name> for U32 {
            fn read(attribute: &Attribute<'_>) -> Result<$name, Malformed> {
                Ok(match attribute.u32()? {
                    $($number => $name::$variant,)*
                    other => $name::Other(other),
                })
            }
            fn write(value: &$name, writer: &mut Writer, kind: u16) {
                let number = match value {
                    $($name::$variant => $number,)*
                    $name::Other(other) => *other,
                };
                writer.u32(kind, number);
            }
            fn same(asked: &$name, shown: &$name) -> bool {
                asked == shown
            }
        }
    };
}

numbered! {
    /// `CAKE_DIFFSERV_*`: how DSCP tells priorities apart.
    CakeDiffserv;
    /// Three tins.
    0 Diffserv3,
    /// Four tins.
    1 Diffserv4,
    /// Eight tins.
    2 Diffserv8,
    /// One tin.
    3 Besteffort,
    /// Eight tins by the old IP precedence.
    4 Precedence,
}

numbered! {
    /// `CAKE_FLOW_*`: among whom bandwidth is shared.
    CakeFlows;
    /// None.
    0 Flowblind,
    /// Senders.
    1 Srchost,
    /// Receivers.
    2 Dsthost,
    /// Pairs of hosts.
    3 Hosts,
    /// Flows.
    4 Flows,
    /// Senders, then their flows.
    5 DualSrchost,
    /// Receivers, then their flows.
    6 DualDsthost,
    /// Both, then flows.
    7 TripleIsolate,
}

numbered! {
    /// `CAKE_ATM_*`: how packets are cut further on.
    CakeAtm;
    /// Not at all.
    0 None,
    /// Into cells of 53 bytes, of which each carries 48.
    1 Atm,
    /// Into blocks of 65 bytes, of which each carries 64.
    2 Ptm,
}

numbered! {
    /// `CAKE_ACK_*`: whether acknowledgements of TCP that say nothing new are dropped.
    CakeAckFilter;
    /// None is.
    0 None,
    /// Those that certainly are of no use.
    1 Filter,
    /// More.
    2 Aggressive,
}

options! {
    /// `TCA_CAKE_*`. What is none is left as it is, or to the kernel.
    Cake;
    /// Bytes per second; 0 for no shaper.
    2 bandwidth: u64 as U64,
    /// How DSCP tells priorities apart.
    3 diffserv: CakeDiffserv as U32,
    /// How packets are cut further on.
    4 atm: CakeAtm as U32,
    /// Among whom bandwidth is shared.
    5 flows: CakeFlows as U32,
    /// Bytes that each packet counts for besides those above the link's header; then `raw` ends.
    6 overhead: i32 as I32,
    /// Microseconds, the usual round trip: CoDel's interval.
    7 rtt: u32 as U32,
    /// Microseconds that packets may wait as a rule.
    8 target: u32 as U32,
    /// Whether the bandwidth is guessed from what comes in; then the kernel changes `bandwidth`.
    9 autorate: bool as Bool32,
    /// Most bytes of memory that packets take; 0 for what suits bandwidth and round trip.
    10 memory: u32 as U32,
    /// Whether hosts are told apart by their addresses before NAT.
    11 nat: bool as Bool32,
    /// Whether packets count for what the kernel says of their length, whatever `overhead` is.
    12 raw: bool as Presence,
    /// Whether DSCP is cleared once it was looked at.
    13 wash: bool as Bool32,
    /// Least bytes that a packet counts for.
    14 mpu: u32 as U32,
    /// Whether what is dropped counts as sent: where packets have come through the bottleneck already.
    15 ingress: bool as Bool32,
    /// Whether acknowledgements are thinned out.
    16 ack_filter: CakeAckFilter as U32,
    /// Whether large packets are cut into segments before they are queued.
    17 split_gso: bool as Bool32,
    /// Bits of the packet's mark that choose a tin; 0 for none. Since Linux 5.1.
    18 fwmark: u32 as U32,
}
