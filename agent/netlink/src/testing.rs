//! What tests of several modules need.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::socket::Protocol;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Header;
use crate::wire::Message;
use crate::wire::Writer;

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

/// A message of this kind and body.
pub fn message(kind: u16, body: &[u8]) -> Message<'_> {
    Message { header: Header { length: 0, kind, flags: 0, sequence: 0, port: 0 }, body }
}

/// What the running kernel answers to a request for all there are, byte for byte.
pub fn dumped(kind: u16, body: Writer) -> Vec<Vec<u8>> {
    let mut socket = RequestSocket::open(Protocol::Route).unwrap();
    socket.dump(Request::new("dump", kind, body), |message| Ok(Some(message.body.to_vec()))).unwrap()
}
