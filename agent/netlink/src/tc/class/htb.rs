//! Classes of `htb`.

use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::tc::rate::Rate;
use crate::tc::rate::same_ticks;
use crate::tc::those_that_are_not;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_HTB_*`
mod number {
    pub(super) const PARAMETERS: u16 = 1;
    pub(super) const RATE: u16 = 6;
    pub(super) const CEIL: u16 = 7;
    /// `TC_HTB_NUMPRIO`, less one.
    pub(super) const LAST_PRIO: u32 = 7;
}

/// A class of `htb`. All of it is written at once.
///
/// The kernel keeps bursts as time, of 32 bits in units of 64 ns: at most 274 s of the rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HtbClass {
    /// What it may send whatever the others do; not 0.
    pub rate: Rate,
    /// What it may send if nobody else wants it; not 0. The kernel does not mind if it is below the rate.
    pub ceil: Rate,
    /// Bytes that may go at once, at the rate. Where the rate is high it takes more, for timers are not that fine.
    pub burst: u64,
    /// Bytes that may go at once, at the ceiling.
    pub cburst: u64,
    /// Bytes that a leaf may send in its turn when it borrows. None, and 0, for the rate over the
    /// [`r2q`](crate::tc::qdisc::Htb::r2q) of the root, within 1000 and 200000.
    pub quantum: Option<u32>,
    /// Whose turn it is first to borrow: 0 before all others, 7 last. What is above 7 the kernel takes for 7.
    pub prio: u32,
    /// As an answer: 0 of a leaf, whose quantum and prio count, more of one that has classes below it. In a request it is
    /// not looked at.
    pub level: u32,
}

impl HtbClass {
    /// One that borrows nothing: rate and ceiling are the same, and so are the bursts.
    #[must_use]
    pub const fn with(rate: Rate, burst: u64) -> HtbClass {
        HtbClass { rate, ceil: rate, burst, cburst: burst, quantum: None, prio: 0, level: 0 }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<HtbClass, Malformed> {
        let (mut parameters, mut rate64, mut ceil64) = (None, None, None);
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::PARAMETERS => {
                    let mut fields = Fields::of(&attribute, "struct tc_htb_opt");
                    let (rate, ceil) = (Rate::read(&mut fields)?, Rate::read(&mut fields)?);
                    let (buffer, cbuffer) = (fields.u32()?, fields.u32()?);
                    let (quantum, level, prio) = (fields.u32()?, fields.u32()?, fields.u32()?);
                    let class = HtbClass { rate, ceil, quantum: Some(quantum), prio, level, ..HtbClass::default() };
                    parameters = Some((class, buffer, cbuffer));
                }
                number::RATE => rate64 = Some(attribute.u64()?),
                number::CEIL => ceil64 = Some(attribute.u64()?),
                _ => (),
            }
        }
        let (class, buffer, cbuffer) = parameters.ok_or(Malformed::Missing { what: "TCA_HTB_PARMS" })?;
        let (rate, ceil) = (class.rate.with_64_bits(rate64), class.ceil.with_64_bits(ceil64));
        Ok(HtbClass { rate, ceil, burst: rate.bytes_of(buffer), cburst: ceil.bytes_of(cbuffer), ..class })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let HtbClass { rate, ceil, burst, cburst, quantum, prio, level: _ } = self;
        let mut bytes = Vec::new();
        rate.write(&mut bytes);
        ceil.write(&mut bytes);
        bytes.extend(words(&[rate.ticks(*burst), ceil.ticks(*cburst), quantum.unwrap_or_default(), 0, *prio]));
        writer.attribute(number::PARAMETERS, &bytes);
        for (kind, rate) in [(number::RATE, rate), (number::CEIL, ceil)] {
            if let Some(rate) = rate.in_64_bits() {
                writer.u64(kind, rate);
            }
        }
    }

    /// Names of what was asked for and is not what is shown here, a burst being the same if it takes the same time. Of a class
    /// that is no leaf quantum and prio count for nothing, and the kernel leaves them as they were.
    #[must_use]
    pub fn differs(&self, asked: &HtbClass) -> Vec<&'static str> {
        let HtbClass { rate, ceil, burst, cburst, quantum, prio, level: _ } = asked;
        let is_leaf = self.level == 0;
        let quantum = quantum.filter(|quantum| *quantum != 0);
        those_that_are_not(&[
            ("rate", *rate == self.rate),
            ("ceil", *ceil == self.ceil),
            ("burst", same_ticks(rate.ticks(*burst), rate.ticks(self.burst))),
            ("cburst", same_ticks(ceil.ticks(*cburst), ceil.ticks(self.cburst))),
            ("quantum", !is_leaf || quantum.is_none() || quantum == self.quantum),
            ("prio", !is_leaf || (*prio).min(number::LAST_PRIO) == self.prio.min(number::LAST_PRIO)),
        ])
    }
}
