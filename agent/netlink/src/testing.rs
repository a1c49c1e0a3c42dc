//! What tests of several modules need.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Messages with some bytes changed, and cut somewhere or not.
pub fn damaged(messages: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    assert!(!messages.is_empty() && messages.iter().all(|message| !message.is_empty()));
    let flips = vec((any::<Index>(), any::<u8>()), 0..9);
    (any::<Index>(), flips, proptest::option::of(any::<Index>())).prop_map(move |(which, flips, cut)| {
        let mut bytes = which.get(&messages).clone();
        let length = bytes.len();
        for (place, byte) in flips {
            bytes[place.index(length)] = byte;
        }
        bytes.truncate(cut.map_or(length, |cut| cut.index(length)));
        bytes
    })
}
