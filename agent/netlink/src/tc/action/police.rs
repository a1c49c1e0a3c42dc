//! `police`: what comes faster than a rate is something else's.

use super::Verdict;
use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::tc::rate::Rate;
use crate::tc::rate::same_ticks;
use crate::tc::those_that_are_not;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_POLICE_*`
mod number {
    pub(super) const PARAMETERS: u16 = 1;
    pub(super) const RATE_TABLE: u16 = 2;
    pub(super) const PEAK_RATE_TABLE: u16 = 3;
    pub(super) const AVERAGE_RATE: u16 = 4;
    pub(super) const RESULT: u16 = 5;
    pub(super) const RATE: u16 = 8;
    pub(super) const PEAK_RATE: u16 = 9;
    pub(super) const PACKET_RATE: u16 = 10;
    pub(super) const PACKET_BURST: u16 = 11;
    /// `TC_RTAB_SIZE`
    pub(super) const TABLE: usize = 1024;
}

/// A policer: a token bucket that does not make packets wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Police {
    /// The rate in bytes; none for one by packets.
    pub rate: Option<Rate>,
    /// Bytes that may go at once. A packet that is longer never conforms.
    pub burst: u64,
    /// Longest packet that may conform, in bytes; none for any. Packets that are put together (GRO) are longer than the MTU.
    pub mtu: Option<u32>,
    /// How fast the burst may go.
    pub peak_rate: Option<Rate>,
    /// The rate in packets. Since Linux 5.13.
    pub packet_rate: Option<PacketRate>,
    /// Bytes per second, measured, above which packets do not conform; needs an estimator, which these requests do not make.
    pub average_rate: Option<u32>,
    /// What becomes of packets that do not conform.
    pub exceed: Verdict,
    /// What becomes of those that do.
    pub conform: Verdict,
}

/// A rate in packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacketRate {
    /// Packets per second.
    pub per_second: u64,
    /// Packets that may go at once. The kernel keeps them as time.
    pub burst: u64,
}

impl PacketRate {
    /// As ticks, which packets take as bytes do.
    fn ticks(self) -> u32 {
        Rate::bytes(self.per_second).ticks(self.burst)
    }
}

impl Police {
    /// One that drops what exceeds a rate.
    #[must_use]
    pub const fn drop_above(rate: Rate, burst: u64) -> Police {
        Police {
            rate: Some(rate),
            burst,
            mtu: None,
            peak_rate: None,
            packet_rate: None,
            average_rate: None,
            exceed: Verdict::Drop,
            conform: Verdict::Ok,
        }
    }

    /// Its index besides.
    pub(super) fn read(attributes: Attributes<'_>) -> Result<(Police, u32), Malformed> {
        let (mut parameters, mut rate64, mut peak64, mut average_rate) = (None, None, None, None);
        let (mut per_second, mut burst_ticks, mut conform) = (None, 0, Verdict::Ok);
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::PARAMETERS => {
                    let mut fields = Fields::of(&attribute, "struct tc_police");
                    let (index, exceed) = (fields.u32()?, fields.i32()?);
                    let (_limit, ticks, mtu) = (fields.u32()?, fields.u32()?, fields.u32()?);
                    let (rate, peak) = (Rate::read(&mut fields)?, Rate::read(&mut fields)?);
                    parameters = Some((index, Verdict::of(exceed), ticks, mtu, rate, peak));
                }
                number::AVERAGE_RATE => average_rate = Some(attribute.u32()?),
                number::RESULT => conform = Verdict::of(attribute.i32()?),
                number::RATE => rate64 = Some(attribute.u64()?),
                number::PEAK_RATE => peak64 = Some(attribute.u64()?),
                number::PACKET_RATE => per_second = Some(attribute.u64()?),
                number::PACKET_BURST => burst_ticks = attribute.u64()?,
                _ => (),
            }
        }
        let missing = Malformed::Missing { what: "TCA_POLICE_TBF" };
        let (index, exceed, ticks, mtu, rate, peak) = parameters.ok_or(missing)?;
        let there = |rate: Rate| Some(rate).filter(|rate| rate.bytes_per_second != 0);
        let rate = there(rate.with_64_bits(rate64));
        let packet_rate = per_second.map(|per_second| {
            let ticks = u32::try_from(burst_ticks).unwrap_or(u32::MAX);
            PacketRate { per_second, burst: Rate::bytes(per_second).bytes_of(ticks) }
        });
        let police = Police {
            rate,
            burst: rate.map_or(0, |rate| rate.bytes_of(ticks)),
            mtu: Some(mtu).filter(|mtu| *mtu != u32::MAX),
            peak_rate: there(peak.with_64_bits(peak64)),
            packet_rate,
            average_rate,
            exceed,
            conform,
        };
        Ok((police, index))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Police { rate, burst, mtu, peak_rate, packet_rate, average_rate, exceed, conform } = self;
        let mut bytes = [0, exceed.number()].into_iter().flat_map(i32::to_ne_bytes).collect::<Vec<_>>();
        let ticks = rate.map_or(0, |rate| rate.ticks(*burst));
        // With no limit given the kernel would make one of the size of its table's cells.
        bytes.extend(words(&[0, ticks, mtu.unwrap_or(u32::MAX)]));
        for rate in [rate, peak_rate] {
            let mut spec = Vec::new();
            rate.unwrap_or_default().write(&mut spec);
            // Unlike tbf and htb it wants a table of times, cells and all, and then does not look at it (net/sched/act_police.c
            // `tcf_police_init`).
            if let Some(cell_log) = spec.first_mut() {
                *cell_log = 3;
            }
            bytes.extend(spec);
        }
        bytes.extend(words(&[0, 0, 0]));
        writer.attribute(number::PARAMETERS, &bytes);
        for (rate, table, wide) in
            [(rate, number::RATE_TABLE, number::RATE), (peak_rate, number::PEAK_RATE_TABLE, number::PEAK_RATE)]
        {
            if let Some(rate) = rate {
                writer.attribute(table, &[0; number::TABLE]);
                if let Some(rate) = rate.in_64_bits() {
                    writer.u64(wide, rate);
                }
            }
        }
        if let Some(packet_rate) = packet_rate {
            writer.u64(number::PACKET_RATE, packet_rate.per_second);
            writer.u64(number::PACKET_BURST, packet_rate.ticks().into());
        }
        if let Some(average_rate) = average_rate {
            writer.u32(number::AVERAGE_RATE, *average_rate);
        }
        writer.u32(number::RESULT, conform.number().cast_unsigned());
    }

    /// Names of what was asked for and is not what is shown here, a burst being the same if it takes the same time.
    #[must_use]
    pub fn differs(&self, asked: &Police) -> Vec<&'static str> {
        let Police { rate, burst, mtu, peak_rate, packet_rate, average_rate, exceed, conform } = asked;
        let same_burst = rate.is_none_or(|rate| same_ticks(rate.ticks(*burst), rate.ticks(self.burst)));
        let same_packets = match (packet_rate, self.packet_rate) {
            (None, None) => true,
            (Some(asked), Some(shown)) => {
                asked.per_second == shown.per_second && same_ticks(asked.ticks(), shown.ticks())
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        those_that_are_not(&[
            ("rate", *rate == self.rate),
            ("burst", same_burst),
            ("mtu", *mtu == self.mtu),
            ("peak_rate", *peak_rate == self.peak_rate),
            ("packet_rate", same_packets),
            ("average_rate", *average_rate == self.average_rate),
            ("exceed", *exceed == self.exceed),
            ("conform", *conform == self.conform),
        ])
    }
}
