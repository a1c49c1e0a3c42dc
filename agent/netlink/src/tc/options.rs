//! What the kinds whose options are attributes have in common: fq, fq_codel, cake.

use super::fixed::Fields;
use super::fixed::words;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::Writer;

/// How a value travels in an attribute, and when two of them are the same.
pub(super) trait Codec<T> {
    fn read(attribute: &Attribute<'_>) -> Result<T, Malformed>;
    fn write(value: &T, writer: &mut Writer, kind: u16);

    /// Whether what the kernel shows is what was asked, rounded as the kernel rounds.
    fn same(asked: &T, shown: &T) -> bool;

    /// What it means if the kernel shows nothing; none if that can mean anything.
    fn absent() -> Option<T> {
        None
    }
}

/// `NLA_U8`
pub(super) struct U8;
/// `NLA_U32`
pub(super) struct U32;
/// `NLA_U64`
pub(super) struct U64;
/// `NLA_S32`
pub(super) struct I32;
/// A boolean in 8 bits.
pub(super) struct Bool8;
/// A boolean in 32 bits.
pub(super) struct Bool32;
/// Microseconds that the kernel keeps in units of 1024 nanoseconds (include/net/codel.h `CODEL_SHIFT`). It rounds down twice,
/// when it takes them and when it shows them, so what is read is rounded up again: the least that makes it keep the same.
pub(super) struct CodelMicroseconds;
/// Microseconds that the kernel keeps in jiffies, rounded up.
pub(super) struct JiffiesMicroseconds;

/// A flag in 32 bits whose number is never looked at: it is there or not.
pub(super) struct Presence;
/// `struct tc_prio_qopt` of 3 bands, of which the map alone is free (net/sched/sch_fq.c `fq_load_priomap`).
pub(super) struct ThreeBands;
/// Weights of 3 bands.
pub(super) struct Weights;

/// A codec of numbers that are kept as they are.
macro_rules! exact {
    ($codec:ident, $kind:ty, $read:ident, $write:expr) => {
        impl Codec<$kind> for $codec {
            fn read(attribute: &Attribute<'_>) -> Result<$kind, Malformed> {
                attribute.$read()
            }
            fn write(value: &$kind, writer: &mut Writer, kind: u16) {
                let write: fn(&mut Writer, u16, $kind) -> &mut Writer = $write;
                write(writer, kind, *value);
            }
            fn same(asked: &$kind, shown: &$kind) -> bool {
                asked == shown
            }
        }
    };
}

exact!(U8, u8, u8, Writer::u8);
exact!(U32, u32, u32, Writer::u32);
exact!(U64, u64, u64, Writer::u64);
exact!(I32, i32, i32, |writer, kind, value| writer.u32(kind, value.cast_unsigned()));
exact!(Bool8, bool, bool, Writer::bool);

impl Codec<bool> for Bool32 {
    fn read(attribute: &Attribute<'_>) -> Result<bool, Malformed> {
        Ok(attribute.u32()? != 0)
    }
    fn write(value: &bool, writer: &mut Writer, kind: u16) {
        writer.u32(kind, (*value).into());
    }
    fn same(asked: &bool, shown: &bool) -> bool {
        asked == shown
    }
}

impl CodelMicroseconds {
    fn asked_for(shown: u32) -> u32 {
        let units = u64::from(shown).saturating_mul(1000).div_ceil(1024);
        u32::try_from(units.saturating_mul(1024).div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

impl Codec<u32> for CodelMicroseconds {
    fn read(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
        attribute.u32().map(CodelMicroseconds::asked_for)
    }
    fn write(value: &u32, writer: &mut Writer, kind: u16) {
        writer.u32(kind, *value);
    }
    fn same(asked: &u32, shown: &u32) -> bool {
        let units = |microseconds: u32| u64::from(microseconds).saturating_mul(1000) >> 10;
        units(*asked).abs_diff(units(*shown)) <= 1
    }
}

impl Codec<u32> for JiffiesMicroseconds {
    fn read(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
        attribute.u32()
    }
    fn write(value: &u32, writer: &mut Writer, kind: u16) {
        writer.u32(kind, *value);
    }
    fn same(asked: &u32, shown: &u32) -> bool {
        /// At 100 jiffies a second, the fewest that a kernel has.
        const LONGEST_JIFFY: u32 = 10_000;
        shown.checked_sub(*asked).is_some_and(|more| more < LONGEST_JIFFY)
    }
}

impl Codec<bool> for Presence {
    fn read(_: &Attribute<'_>) -> Result<bool, Malformed> {
        Ok(true)
    }
    fn write(value: &bool, writer: &mut Writer, kind: u16) {
        if *value {
            writer.u32(kind, 0);
        }
    }
    fn same(asked: &bool, shown: &bool) -> bool {
        asked == shown
    }
    fn absent() -> Option<bool> {
        Some(false)
    }
}

impl Codec<[u8; 16]> for ThreeBands {
    fn read(attribute: &Attribute<'_>) -> Result<[u8; 16], Malformed> {
        let mut fields = Fields::of(attribute, "struct tc_prio_qopt");
        fields.u32()?;
        fields.bytes()
    }
    fn write(value: &[u8; 16], writer: &mut Writer, kind: u16) {
        writer.attribute(kind, &[&3_u32.to_ne_bytes()[..], value].concat());
    }
    fn same(asked: &[u8; 16], shown: &[u8; 16]) -> bool {
        asked == shown
    }
}

impl Codec<[u32; 3]> for Weights {
    fn read(attribute: &Attribute<'_>) -> Result<[u32; 3], Malformed> {
        let mut fields = Fields::of(attribute, "3 weights");
        Ok([fields.u32()?, fields.u32()?, fields.u32()?])
    }
    fn write(value: &[u32; 3], writer: &mut Writer, kind: u16) {
        writer.attribute(kind, &words(value));
    }
    fn same(asked: &[u32; 3], shown: &[u32; 3]) -> bool {
        asked == shown
    }
}

/// Declares the options of a kind: a struct of options, each field with the number of its attribute and its codec.
macro_rules! options {
    (
        $(#[$doc:meta])*
        $name:ident;
        $($(#[$field_doc:meta])* $number:literal $field:ident: $kind:ty as $codec:ident,)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$kind>,)*
        }

        impl $name {
            pub(in crate::tc) fn read(
                attributes: $crate::wire::Attributes<'_>,
            ) -> Result<$name, $crate::wire::Malformed> {
                use $crate::tc::options::Codec;
                let mut options = $name::default();
                for attribute in attributes {
                    let attribute = attribute?;
                    match attribute.kind {
                        $($number => {
                            options.$field = Some(<$crate::tc::options::$codec as Codec<$kind>>::read(&attribute)?);
                        })*
                        // Of a newer kernel.
                        _ => (),
                    }
                }
                Ok(options)
            }

            pub(in crate::tc) fn write(&self, writer: &mut $crate::wire::Writer) {
                use $crate::tc::options::Codec;
                let $name { $($field),* } = self;
                $(if let Some(value) = $field {
                    <$crate::tc::options::$codec as Codec<$kind>>::write(value, writer, $number);
                })*
            }

            /// Names of what was asked for and is not what is shown here. What was not asked for may be anything.
            #[must_use]
            pub fn differs(&self, asked: &$name) -> Vec<&'static str> {
                use $crate::tc::options::Codec;
                let $name { $($field),* } = asked;
                let mut differs = Vec::new();
                $(if let Some(asked) = $field {
                    type As = $crate::tc::options::$codec;
                    let shown = self.$field.or_else(<As as Codec<$kind>>::absent);
                    if !shown.is_some_and(|shown| <As as Codec<$kind>>::same(asked, &shown)) {
                        differs.push(stringify!($field));
                    }
                })*
                differs
            }
        }
    };
}

pub(super) use options;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_of_codel_come_back_as_they_were(asked in 0_u32..1 << 31) {
            // As net/sched/sch_fq_codel.c keeps it, in 32 bits, and shows it.
            let kept = |asked: u32| (u64::from(asked) * 1000) >> 10;
            let shown = ((kept(asked) << 10) / 1000) as u32;
            let read = CodelMicroseconds::asked_for(shown);
            prop_assert_eq!(kept(read), kept(asked));
            prop_assert!(read <= asked && asked - read <= 1);
            prop_assert!(CodelMicroseconds::same(&asked, &read));
            prop_assert!(!CodelMicroseconds::same(&(asked + 5), &read));
        }

        #[test]
        fn jiffies_are_rounded_up(asked in 0_u32..1 << 30, jiffy in prop::sample::select(vec![1000_u32, 4000, 10_000])) {
            let shown = asked.div_ceil(jiffy) * jiffy;
            prop_assert!(JiffiesMicroseconds::same(&asked, &shown));
            prop_assert!(!JiffiesMicroseconds::same(&asked, &(shown + 10_000)));
        }
    }
}
