//! Sets of CPUs or queues as sysfs writes them: hexadecimal words of 32 bits, the highest first, between commas
//! (lib/bitmap-str.c `bitmap_parse`, `%*pb`).

use trimtab_core::value::Ports;

/// As many CPUs as any kernel is built for.
const MOST: usize = 65_536;

/// Reads `00000000,0000000f`; nothing if it is no such set.
pub(super) fn parse(text: &str) -> Option<Ports> {
    let words: Vec<u32> = text
        .trim()
        .split(',')
        .map(|word| (word.len() <= 8).then(|| u32::from_str_radix(word, 16).ok()).flatten())
        .collect::<Option<_>>()?;
    if words.len() > MOST / 32 {
        return None;
    }
    let bits = words.iter().rev().enumerate().flat_map(|(index, word)| {
        (0..32_usize).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index * 32 + bit)
    });
    Some(Ports::from_ranges(bits.filter_map(|bit| u16::try_from(bit).ok()).map(|bit| (bit, bit))))
}

/// The same, written. The kernel refuses words beyond the last that it has (`EOVERFLOW`), so there are no more than needed.
pub(super) fn write(set: &Ports) -> String {
    let last = set.ranges().last().map_or(0, |(_, high)| usize::from(*high));
    let mut words = vec![0_u32; last / 32 + 1];
    for (low, high) in set.ranges() {
        for bit in *low..=*high {
            if let Some(word) = words.get_mut(usize::from(bit) / 32) {
                *word |= 1 << (bit % 32);
            }
        }
    }
    words.iter().rev().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_kernels_print() {
        let shown = |text: &str| parse(text).map(|set| set.to_string());
        assert_eq!(shown("f\n").as_deref(), Some("0-3"));
        assert_eq!(shown("00000000,00000000\n").as_deref(), Some(""));
        assert_eq!(shown("00000001,80000000").as_deref(), Some("31-32"));
        for junk in ["", "x", "1,,2", "123456789", "-1", "0x1"] {
            assert_eq!(shown(junk), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ranges in prop::collection::vec((0_u16..2048, 0_u16..64), 0..8)) {
            let set = Ports::from_ranges(ranges.into_iter().map(|(low, more)| (low, low.saturating_add(more))));
            prop_assert_eq!(parse(&write(&set)), Some(set));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,60}") {
            parse(&text);
        }
    }
}
