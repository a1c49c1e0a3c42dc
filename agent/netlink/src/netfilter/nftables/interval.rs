//! Ranges of keys: how the kernel wants them, and how it shows them.
//!
//! A range goes as its first key and, marked as an end, the key behind its last; one that goes up to the last key there is has
//! no end. Ranges must neither overlap nor touch, which is for whoever asks to see to (net/netfilter/nft_set_rbtree.c
//! `__nft_rbtree_insert` refuses those that overlap).

use super::Element;

/// A range of keys: the first and the last, of the same length, in network byte order.
pub type Range = (Vec<u8>, Vec<u8>);

/// The same keys as few ranges as can be, in order. What has its last before its first is left out.
#[must_use]
pub fn merge(ranges: &[Range]) -> Vec<Range> {
    let mut sorted: Vec<&Range> = ranges.iter().filter(|(first, last)| first <= last).collect();
    sorted.sort();
    let mut merged: Vec<Range> = Vec::new();
    for (first, last) in sorted {
        match merged.last_mut() {
            // Nothing comes behind the last key there is.
            Some((_, before)) if next(before).is_none_or(|next| *first <= next) => {
                if *last > *before {
                    before.clone_from(last);
                }
            }
            Some(_) | None => merged.push((first.clone(), last.clone())),
        }
    }
    merged
}

/// The elements that stand for ranges.
pub(super) fn elements(ranges: &[Range]) -> Vec<Element> {
    let mut elements = Vec::new();
    for (first, last) in merge(ranges) {
        elements.push(Element { key: first, is_end: false, key_end: None });
        elements.extend(next(&last).map(|key| Element { key, is_end: true, key_end: None }));
    }
    elements
}

/// The ranges that the elements of a set of ranges stand for, in order.
#[must_use]
pub fn ranges(elements: &[Element]) -> Vec<Range> {
    let mut sorted: Vec<&Element> = elements.iter().collect();
    // Where one range ends and another begins, the end comes first.
    sorted.sort_by(|a, b| a.key.cmp(&b.key).then(b.is_end.cmp(&a.is_end)));
    let mut ranges = Vec::new();
    let mut open: Option<&Vec<u8>> = None;
    for element in sorted {
        if let Some(first) = open.take() {
            ranges.push((first.clone(), previous(&element.key)));
        }
        match (&element.key_end, element.is_end) {
            (Some(last), _) => ranges.push((element.key.clone(), last.clone())),
            (None, false) => open = Some(&element.key),
            (None, true) => (),
        }
    }
    if let Some(first) = open {
        ranges.push((first.clone(), vec![u8::MAX; first.len()]));
    }
    ranges
}

/// The key behind this one; none behind the last.
fn next(key: &[u8]) -> Option<Vec<u8>> {
    let mut key = key.to_vec();
    for byte in key.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(key);
        }
    }
    None
}

/// The key before this one; the last there is before the first.
fn previous(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    for byte in key.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != u8::MAX {
            break;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn keys(ranges: &[Range]) -> BTreeSet<u16> {
        let number = |key: &[u8]| u16::from_be_bytes(key.try_into().unwrap());
        ranges.iter().flat_map(|(first, last)| number(first)..=number(last)).collect()
    }

    proptest! {
        #[test]
        fn ranges_are_read_as_written(
            bounds in vec((any::<u16>(), 0_u16..300), 0..20), up_to_the_last: bool,
        ) {
            let mut asked: Vec<Range> = bounds
                .iter()
                .map(|(first, more)| (first.to_be_bytes().to_vec(), first.saturating_add(*more).to_be_bytes().to_vec()))
                .collect();
            if up_to_the_last {
                asked.push((vec![0xff, 0], vec![0xff, 0xff]));
            }
            let mut elements = elements(&asked);
            elements.reverse();
            let read = ranges(&elements);
            prop_assert_eq!(&read, &merge(&asked));
            prop_assert_eq!(keys(&read), keys(&asked));
            for pair in read.windows(2) {
                prop_assert!(next(&pair[0].1).unwrap() < pair[1].0, "{read:?}");
            }
        }

        #[test]
        fn any_elements_are_survived(keys in vec((vec(any::<u8>(), 0..4), any::<bool>()), 0..9)) {
            let elements: Vec<_> =
                keys.into_iter().map(|(key, is_end)| Element { key, is_end, key_end: None }).collect();
            let _ = ranges(&elements);
        }
    }
}
