//! What is done with a packet in the end.

/// `TC_ACT_*` (include/uapi/linux/pkt_cls.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `TC_ACT_OK`: it goes on, into the class that the filter names.
    Ok,
    /// `TC_ACT_RECLASSIFY`: all filters look at it anew.
    Reclassify,
    /// `TC_ACT_SHOT`: it is dropped.
    Drop,
    /// `TC_ACT_PIPE`: the next action of the filter sees it.
    Pipe,
    /// `TC_ACT_STOLEN`: it went elsewhere.
    Stolen,
    /// `TC_ACT_UNSPEC`: the next filter looks at it.
    Continue,
    /// Something that is not in this list: on to another chain, say.
    Other(i32),
}

impl Verdict {
    pub(super) fn of(number: i32) -> Verdict {
        match number {
            -1 => Verdict::Continue,
            0 => Verdict::Ok,
            1 => Verdict::Reclassify,
            2 => Verdict::Drop,
            3 => Verdict::Pipe,
            4 => Verdict::Stolen,
            other => Verdict::Other(other),
        }
    }

    pub(super) fn number(self) -> i32 {
        match self {
            Verdict::Continue => -1,
            Verdict::Ok => 0,
            Verdict::Reclassify => 1,
            Verdict::Drop => 2,
            Verdict::Pipe => 3,
            Verdict::Stolen => 4,
            Verdict::Other(other) => other,
        }
    }
}

/// `tc_gen`, with which the parameters of most actions begin: of a new action, which has no index yet.
pub(super) fn parameters(verdict: Verdict) -> Vec<u8> {
    [0, 0, verdict.number(), 0, 0].into_iter().flat_map(i32::to_ne_bytes).collect()
}
