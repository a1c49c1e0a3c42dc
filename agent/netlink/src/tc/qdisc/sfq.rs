//! `sfq`: flows in turn, as a hash tells them apart.

use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::wire::Attribute;
use crate::wire::Malformed;

/// `struct tc_sfq_qopt_v1`. What is none is left to the kernel; 0 means the same, which the kernel takes for none. One that is
/// there cannot be changed (net/sched/sch_sfq.c has no `change`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sfq {
    /// Bytes that a flow may send in its turn.
    pub quantum: Option<u32>,
    /// Seconds after which flows are hashed anew; 0 for never.
    pub perturb_period: u32,
    /// Most packets that wait in all.
    pub limit: Option<u32>,
    /// Buckets of the hash, a power of two.
    pub divisor: Option<u32>,
    /// Most flows. No more count than packets that may wait, and if both are given the kernel shows no more.
    pub flows: Option<u32>,
    /// Most packets of one flow that wait.
    pub depth: Option<u32>,
    /// Whether the oldest packet of a flow is dropped rather than the newest.
    pub headdrop: bool,
    /// Random early detection for each flow.
    pub red: Option<SfqRed>,
}

/// Random early detection, in the numbers that the kernel works with (tc-red(8)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SfqRed {
    /// Average bytes of a flow's queue from which on packets are marked or dropped. At least 1.
    pub min: u32,
    /// Average bytes from which on all are.
    pub max: u32,
    /// Binary logarithm of the weight of the average.
    pub w_log: u8,
    /// Binary logarithm of the greatest probability over `max - min`.
    pub p_log: u8,
    /// Binary logarithm of the time in which an idle queue fades.
    pub cell_log: u8,
    /// `TC_RED_*`: 1 marks by ECN, 2 drops what is above `max` though it could be marked.
    pub flags: u8,
    /// Greatest probability, of 2^32.
    pub max_p: u32,
}

impl Sfq {
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Sfq, Malformed> {
        let mut fields = Fields::of(attribute, "struct tc_sfq_qopt_v1");
        let quantum = Some(fields.u32()?);
        let perturb_period = fields.u32()?;
        let [limit, divisor, flows, depth] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?].map(Some);
        let headdrop = fields.u32()? != 0;
        let _limit_of_red = fields.u32()?;
        let [min, max] = [fields.u32()?, fields.u32()?];
        let [w_log, p_log, cell_log, flags] = fields.bytes()?;
        let max_p = fields.u32()?;
        let red = SfqRed { min, max, w_log, p_log, cell_log, flags, max_p };
        let red = (min != 0).then_some(red);
        Ok(Sfq { quantum, perturb_period, limit, divisor, flows, depth, headdrop, red })
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Sfq { quantum, perturb_period, limit, divisor, flows, depth, headdrop, red } = self;
        let SfqRed { min, max, w_log, p_log, cell_log, flags, max_p } = red.unwrap_or_default();
        let [quantum, limit, divisor, flows, depth] =
            [quantum, limit, divisor, flows, depth].map(Option::unwrap_or_default);
        let mut bytes = words(&[quantum, perturb_period, limit, divisor, flows, depth, headdrop.into(), 0, min, max]);
        bytes.extend([w_log, p_log, cell_log, flags]);
        // The rest are counters.
        bytes.extend(words(&[max_p, 0, 0, 0, 0, 0, 0]));
        bytes
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Sfq) -> Vec<&'static str> {
        let Sfq { quantum, perturb_period, limit, divisor, flows, depth, headdrop, red } = asked;
        let as_asked = |asked: &Option<u32>, shown: Option<u32>| asked.is_none() || *asked == shown;
        // A limit that is given lowers them.
        let most = |flows: Option<u32>| flows.min(self.limit);
        super::those_that_are_not(&[
            ("quantum", as_asked(quantum, self.quantum)),
            ("perturb_period", *perturb_period == self.perturb_period),
            ("limit", as_asked(limit, self.limit)),
            ("divisor", as_asked(divisor, self.divisor)),
            ("flows", flows.is_none() || most(*flows) == most(self.flows)),
            ("depth", as_asked(depth, self.depth)),
            ("headdrop", *headdrop == self.headdrop),
            ("red", *red == self.red),
        ])
    }
}
