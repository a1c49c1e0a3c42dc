//! Rates, and the bytes that may go at once.

use super::fixed::Fields;
use crate::wire::Malformed;

/// Nanoseconds of a tick, in which the kernel keeps times of tbf, htb and police: `1 << PSCHED_SHIFT`
/// (include/net/pkt_sched.h). Part of the interface: /proc/net/psched shows it, 0x40, the same on every Linux since 2.6.31.
const TICK: u128 = 64;
const SECOND: u128 = 1_000_000_000;

/// A rate and what of a packet counts for it: `struct tc_ratespec`, with a rate of 64 bits.
///
/// The kernel needs no table of times, which tc(8) still sends: it works them out itself wherever the link layer is known
/// (net/sched/sch_tbf.c `tbf_change`, sch_htb.c `htb_change_class`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Bytes per second.
    pub bytes_per_second: u64,
    /// Bytes that each packet counts for besides its own, the header of the link being its own.
    pub overhead: u16,
    /// Least bytes that a packet counts for.
    pub mpu: u16,
    /// How packets are cut further on.
    pub link_layer: LinkLayer,
}

/// `TC_LINKLAYER_*`: how packets are cut further on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LinkLayer {
    /// Not at all.
    #[default]
    Ethernet,
    /// Into cells of 53 bytes, of which each carries 48.
    Atm,
    /// A number that is not in this list; 0 is that of a tc(8) that is too old to say.
    Other(u8),
}

impl LinkLayer {
    fn of(number: u8) -> LinkLayer {
        match number & 0x0f {
            1 => LinkLayer::Ethernet,
            2 => LinkLayer::Atm,
            other => LinkLayer::Other(other),
        }
    }

    fn number(self) -> u8 {
        match self {
            LinkLayer::Ethernet => 1,
            LinkLayer::Atm => 2,
            LinkLayer::Other(other) => other,
        }
    }
}

impl Rate {
    /// So many bytes per second, of packets as they are on Ethernet.
    #[must_use]
    pub const fn bytes(bytes_per_second: u64) -> Rate {
        Rate { bytes_per_second, overhead: 0, mpu: 0, link_layer: LinkLayer::Ethernet }
    }

    /// Reads the struct; the rate is to be completed by [`Rate::with_64_bits`].
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Rate, Malformed> {
        let (_cell_log, link_layer) = (fields.u8()?, fields.u8()?);
        let overhead = fields.u16()?;
        let (_cell_align, mpu) = (fields.u16()?, fields.u16()?);
        let bytes_per_second = fields.u32()?.into();
        Ok(Rate { bytes_per_second, overhead, mpu, link_layer: LinkLayer::of(link_layer) })
    }

    /// With what the attribute says that has room for it, if it is there.
    pub(super) fn with_64_bits(self, rate: Option<u64>) -> Rate {
        Rate { bytes_per_second: self.bytes_per_second.max(rate.unwrap_or_default()), ..self }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let Rate { bytes_per_second, overhead, mpu, link_layer } = *self;
        bytes.extend([0, link_layer.number()]);
        bytes.extend([overhead, 0, mpu].into_iter().flat_map(u16::to_ne_bytes));
        bytes.extend(u32::try_from(bytes_per_second).unwrap_or(u32::MAX).to_ne_bytes());
    }

    /// What is to go into an attribute of its own: a rate that the struct has no room for.
    pub(super) fn in_64_bits(&self) -> Option<u64> {
        u32::try_from(self.bytes_per_second).err().map(|_| self.bytes_per_second)
    }

    /// Ticks that so many bytes take, as tc(8) counts them for htb and police: of the bytes themselves.
    pub(super) fn ticks(&self, bytes: u64) -> u32 {
        let (bytes, rate) = (u128::from(bytes), u128::from(self.bytes_per_second));
        let ticks = bytes.saturating_mul(SECOND).checked_div(rate.saturating_mul(TICK));
        ticks.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(u32::MAX)
    }

    /// The least bytes that take so many ticks: those that were asked for, or as many as do the same.
    pub(super) fn bytes_of(&self, ticks: u32) -> u64 {
        let bytes = u128::from(ticks).saturating_mul(TICK).saturating_mul(u128::from(self.bytes_per_second));
        u64::try_from(bytes.div_ceil(SECOND)).unwrap_or(u64::MAX)
    }

    /// What a packet of so many bytes counts for (include/net/sch_generic.h `psched_l2t_ns`).
    pub(super) fn counted(&self, bytes: u64) -> u64 {
        let bytes = bytes.saturating_add(self.overhead.into()).max(self.mpu.into());
        match self.link_layer {
            LinkLayer::Atm => bytes.div_ceil(48).saturating_mul(53),
            LinkLayer::Ethernet | LinkLayer::Other(_) => bytes,
        }
    }

    /// The packet that counts for so many bytes, which may be a few short of whole cells.
    pub(super) fn uncounted(&self, bytes: u64) -> u64 {
        let bytes = match self.link_layer {
            LinkLayer::Atm => bytes.div_ceil(53).saturating_mul(48),
            LinkLayer::Ethernet | LinkLayer::Other(_) => bytes,
        };
        bytes.saturating_sub(self.overhead.into())
    }
}

/// Whether times are the same but for the rounding of kernel and tools: one tick, and what the kernel's division by
/// multiplying with 31 bits loses (net/sched/sch_generic.c `psched_ratecfg_precompute__`).
pub(super) fn same_ticks(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= 1_u32.saturating_add(one >> 24)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates() -> impl Strategy<Value = u64> {
        prop_oneof![1_u64..1000, 1_u64..1 << 32, 1_u64..1 << 42]
    }

    proptest! {
        #[test]
        fn what_is_read_back_does_what_was_asked(rate in rates(), bytes in 0_u64..1 << 32) {
            let rate = Rate::bytes(rate);
            let ticks = rate.ticks(bytes);
            prop_assume!(ticks < u32::MAX);
            let shown = rate.bytes_of(ticks);
            prop_assert_eq!(rate.ticks(shown), ticks);
            prop_assert!(shown <= bytes);
            // Below 64 ns a byte nothing is lost at all.
            if rate.bytes_per_second <= 15_625_000 {
                prop_assert_eq!(shown, bytes);
            }
        }

        #[test]
        fn any_number_is_survived(rate: u64, bytes: u64, ticks: u32, overhead: u16, mpu: u16, layer in 0_u8..4) {
            let rate = Rate { bytes_per_second: rate, overhead, mpu, link_layer: LinkLayer::of(layer) };
            let _ = (rate.ticks(bytes), rate.bytes_of(ticks), rate.counted(bytes), rate.uncounted(bytes));
            prop_assert!(same_ticks(ticks, ticks));
        }

        #[test]
        fn cells_are_counted_whole(bytes in 0_u64..1 << 32, overhead: u16) {
            let rate = Rate { overhead, link_layer: LinkLayer::Atm, ..Rate::bytes(1) };
            let counted = rate.counted(bytes);
            prop_assert_eq!(rate.counted(rate.uncounted(counted)), counted);
        }
    }

    #[test]
    fn ticks_are_those_that_proc_shows() {
        let shown = std::process::Command::new("cat").arg("/proc/net/psched").output().unwrap().stdout;
        let numbers = String::from_utf8(shown).unwrap();
        // Nanoseconds of a microsecond, and of a tick.
        assert_eq!(numbers.split_whitespace().take(2).collect::<Vec<_>>(), ["000003e8", "00000040"]);
    }
}
