//! `prio`: bands, each of which waits for all before it.

use crate::tc::fixed::Fields;
use crate::wire::Attribute;
use crate::wire::Malformed;

/// `struct tc_prio_qopt`. The default is that of tc(8) and of `pfifo_fast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prio {
    /// How many bands there are, 2 to 16. Each is a class: `1:1`, `1:2` and so on below `1:`.
    pub bands: u32,
    /// The band, counted from 0, of each of the kernel's priorities (include/uapi/linux/pkt_sched.h `TC_PRIO_*`).
    pub priomap: [u8; 16],
}

impl Default for Prio {
    fn default() -> Prio {
        Prio { bands: 3, priomap: [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] }
    }
}

impl Prio {
    pub(super) fn read(attribute: &Attribute<'_>) -> Result<Prio, Malformed> {
        let mut fields = Fields::of(attribute, "struct tc_prio_qopt");
        Ok(Prio { bands: fields.u32()?, priomap: fields.bytes()? })
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Prio { bands, priomap } = self;
        [&bands.to_ne_bytes()[..], &priomap].concat()
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Prio) -> Vec<&'static str> {
        let Prio { bands, priomap } = asked;
        let same = [("bands", self.bands == *bands), ("priomap", self.priomap == *priomap)];
        super::those_that_are_not(&same)
    }
}
