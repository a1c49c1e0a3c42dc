//! `tbf`: one rate for all.

use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::tc::rate::Rate;
use crate::tc::rate::same_ticks;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_TBF_*`
mod number {
    pub(super) const PARAMETERS: u16 = 1;
    pub(super) const RATE: u16 = 4;
    pub(super) const PEAK_RATE: u16 = 5;
    pub(super) const BURST: u16 = 6;
    pub(super) const PEAK_BURST: u16 = 7;
}

/// A token bucket. All of it is written at once.
///
/// What waits below it is a `bfifo` that the kernel makes, or whatever is put at class `:1`. A change sets the limit of a
/// `pfifo` or `bfifo` there to its own, in bytes, whatever it counts (net/sched/sch_fifo.c `fifo_set_limit`): write the child after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tbf {
    /// The rate.
    pub rate: Rate,
    /// Bytes that may go at once. A packet that is longer is dropped, every time, so no less than a whole frame.
    pub burst: u64,
    /// Most bytes that wait.
    pub limit: u32,
    /// How fast the burst may go.
    pub peak: Option<TbfPeak>,
}

/// A second bucket, for the burst of the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TbfPeak {
    /// The rate, above that of the first.
    pub rate: Rate,
    /// Bytes that may go at once, the MTU as a rule.
    pub burst: u64,
}

/// What a bucket holds is shown as time: what the burst counts for, header and cells included.
fn ticks(rate: &Rate, burst: u64) -> u32 {
    rate.ticks(rate.counted(burst))
}

fn burst(rate: &Rate, ticks: u32) -> u64 {
    rate.uncounted(rate.bytes_of(ticks))
}

impl Tbf {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Tbf, Malformed> {
        let (mut parameters, mut rate64, mut peak64) = (None, None, None);
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::PARAMETERS => {
                    let mut fields = Fields::of(&attribute, "struct tc_tbf_qopt");
                    let (rate, peak) = (Rate::read(&mut fields)?, Rate::read(&mut fields)?);
                    parameters = Some((rate, peak, fields.u32()?, fields.u32()?, fields.u32()?));
                }
                number::RATE => rate64 = Some(attribute.u64()?),
                number::PEAK_RATE => peak64 = Some(attribute.u64()?),
                _ => (),
            }
        }
        let missing = Malformed::Missing { what: "TCA_TBF_PARMS" };
        let (rate, peak, limit, buffer, mtu) = parameters.ok_or(missing)?;
        let (rate, peak) = (rate.with_64_bits(rate64), peak.with_64_bits(peak64));
        let peak = (peak.bytes_per_second != 0).then(|| TbfPeak { rate: peak, burst: burst(&peak, mtu) });
        Ok(Tbf { rate, burst: burst(&rate, buffer), limit, peak })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Tbf { rate, burst, limit, peak } = self;
        let mut bytes = Vec::new();
        rate.write(&mut bytes);
        // One that is not there is of a known link layer, too, or the kernel would look for its table of times.
        peak.unwrap_or_default().rate.write(&mut bytes);
        let mtu = peak.map_or(0, |peak| ticks(&peak.rate, peak.burst));
        bytes.extend(words(&[*limit, ticks(rate, *burst), mtu]));
        writer.attribute(number::PARAMETERS, &bytes);
        let mut bucket = |rate: &Rate, burst: u64, rate_kind, burst_kind| {
            if let Some(rate) = rate.in_64_bits() {
                writer.u64(rate_kind, rate);
            }
            // Ticks round down, and by more than a byte where the rate is high: then no frame would fit any more.
            if let Ok(burst) = u32::try_from(burst) {
                writer.u32(burst_kind, burst);
            }
        };
        bucket(rate, *burst, number::RATE, number::BURST);
        if let Some(TbfPeak { rate, burst }) = peak {
            bucket(rate, *burst, number::PEAK_RATE, number::PEAK_BURST);
        }
    }

    /// Names of what was asked for and is not what is shown here, a burst being the same if it takes the same time.
    #[must_use]
    pub fn differs(&self, asked: &Tbf) -> Vec<&'static str> {
        let Tbf { rate, burst, limit, peak } = asked;
        let same_burst = |rate, asked, shown| same_ticks(ticks(rate, asked), ticks(rate, shown));
        let same_peak = match (peak, &self.peak) {
            (None, None) => true,
            (Some(asked), Some(shown)) => asked.rate == shown.rate && same_burst(&asked.rate, asked.burst, shown.burst),
            (Some(_), None) | (None, Some(_)) => false,
        };
        super::those_that_are_not(&[
            ("rate", *rate == self.rate),
            ("burst", same_burst(rate, *burst, self.burst)),
            ("limit", *limit == self.limit),
            ("peak", same_peak),
        ])
    }
}
