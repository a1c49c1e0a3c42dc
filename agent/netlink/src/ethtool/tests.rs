//! Decoding, against answers of a real kernel (Linux 6.18, a virtio NIC), damaged ones, and arbitrary bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::bitset;
use super::decode;
use super::number::to_kernel;
use super::settings::Settings;
use super::*;
use crate::decoders;
use crate::generic::GenericMessage;
use crate::generic::body;
use crate::wire::Attributes;
use crate::wire::Header;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Messages;
use crate::wire::Writer;

/// What a kernel sent, whole messages in hexadecimal.
const RECORDED: [(&str, &str); 9] = [
    ("strings", include_str!("messages/strings.hex")),
    ("features", include_str!("messages/features.hex")),
    ("features-named", include_str!("messages/features-named.hex")),
    ("rings", include_str!("messages/rings.hex")),
    ("channels", include_str!("messages/channels.hex")),
    ("coalesce", include_str!("messages/coalesce.hex")),
    ("link-modes", include_str!("messages/link-modes.hex")),
    ("link-state", include_str!("messages/link-state.hex")),
    ("rss", include_str!("messages/rss.hex")),
];

fn recorded(name: &str) -> Vec<u8> {
    let (_, text) = RECORDED.iter().find(|(recorded, _)| *recorded == name).unwrap();
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| (high * 16 + low) as u8).collect()
}

fn read<T>(name: &str, decode: impl Fn(&Message<'_>) -> Result<T, Malformed>) -> T {
    let bytes = recorded(name);
    let message = Messages::new(&bytes).next().unwrap().unwrap();
    decode(&message).unwrap()
}

fn names() -> Arc<StringSet> {
    Arc::new(read("strings", |message| strings::read(message, StringSetId::Features)))
}

fn features(name: &str) -> Features {
    let names = names();
    read(name, |message| {
        let attributes = GenericMessage::parse(message)?.attributes;
        Features::parse(device::read(attributes.clone())?, attributes, &names)
    })
}

fn eth0() -> DeviceId {
    DeviceId { index: 3, name: "eth0".into() }
}

#[test]
fn reads_what_a_kernel_sent() {
    let index = read("rings", Rings::read).device.index;
    let device = DeviceId { index, ..eth0() };
    let rings = Rings {
        device: device.clone(),
        rx: Some(256),
        rx_max: Some(256),
        tx: Some(256),
        tx_max: Some(256),
        tx_push: Some(false),
        rx_push: Some(false),
        ..Rings::default()
    };
    assert_eq!(read("rings", Rings::read), rings);
    let channels = Channels { device: device.clone(), combined: Some(1), combined_max: Some(1), ..Channels::default() };
    assert_eq!(read("channels", Channels::read), channels);
    let coalesce = Coalesce {
        device: device.clone(),
        rx_usecs: Some(0),
        rx_max_frames: Some(1),
        tx_usecs: Some(0),
        tx_max_frames: Some(1),
        use_adaptive_rx: Some(false),
        ..Coalesce::default()
    };
    assert_eq!(read("coalesce", Coalesce::read), coalesce);
    let modes = read("link-modes", LinkModes::read);
    assert_eq!((modes.known_speed(), modes.duplex), (None, Some(Duplex::Unknown(255))));
    assert_eq!(read("link-state", LinkState::read).link, Some(true));
    // Toeplitz, and a table and a key of no length; the rest is of a kernel newer than this.
    assert_eq!(read("rss", Rss::read), Rss { device, hash_function: Some(1), ..Rss::default() });
}

#[test]
fn both_forms_of_bit_sets_say_the_same() {
    let (compact, named) = (features("features"), features("features-named"));
    assert_eq!(compact, named);
    // Some bits have no name: they are flags of the kernel's own.
    assert!(compact.iter().count() > 50 && compact.iter().all(|(name, _)| !name.is_empty()));
    let gro = compact.get("rx-gro").unwrap();
    assert_eq!(gro, Feature { hw: true, wanted: true, active: true, nochange: false });
    assert!(!gro.is_fixed() && compact.get("loopback").unwrap().is_fixed());
    assert_eq!(compact.get("rx-gr"), None);
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let bytes = recorded("channels");
    let message = Messages::new(&bytes).next().unwrap().unwrap();
    assert!(Rings::read(&message).is_err() && strings::read(&message, StringSetId::Features).is_err());
    let bytes = recorded("strings");
    let message = Messages::new(&bytes).next().unwrap().unwrap();
    assert!(strings::read(&message, StringSetId::LinkModes).is_err());
}

/// Reads bytes in every way there is.
fn read_all(bytes: &[u8]) {
    decoders::walk(bytes);
    for message in Messages::new(bytes).flatten() {
        // The command decides what a message is read as: try all that are known, and one that is not.
        for command in (1..=6).chain(11..=23).chain([38, 50, 60]) {
            let mut body = message.body.to_vec();
            if let Some(first) = body.first_mut() {
                *first = command;
            }
            decode(&Message { header: message.header, body: &body });
        }
    }
}

#[test]
fn answers_cut_or_changed_anywhere_are_survived() {
    for (name, _) in RECORDED {
        let whole = recorded(name);
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            read_all(&cut);
            // As long as it is, so that the cut is within an attribute.
            if let Some(field) = cut.first_chunk_mut::<4>() {
                *field = (length as u32).to_ne_bytes();
                read_all(&cut);
            }
        }
        // Headers stand at the beginning; further on one place is like another.
        for place in (0..whole.len().min(400)).chain((400..whole.len()).step_by(37)) {
            for byte in [0x00, 0x01, 0x03, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] = byte;
                read_all(&changed);
            }
        }
    }
}

#[test]
fn sizes_that_lie_cost_no_memory() {
    let set = |size, kind, payload: &[u8]| {
        let mut writer = Writer::new();
        writer.nest(2, |set| {
            set.u32(2, size).attribute(kind, payload);
        });
        let bytes = writer.finish().unwrap();
        Bitset::read(&Attributes::at(&bytes, 0).next().unwrap().unwrap())
    };
    assert!(set(u32::MAX, 3, &[]).is_err());
    assert!(set(u32::MAX, 4, &[0; 8]).is_err());
    assert!(set(65, 4, &[0; 8]).is_err() && set(32, 4, &[0; 8]).is_err());
    assert!(set(64, 4, &[0; 8]).is_ok() && set(0, 4, &[]).is_ok());
    // A bit past the size, in a list.
    assert!(set(8, 3, &[12, 0, 1, 0, 8, 0, 1, 0, 8, 0, 0, 0]).is_err());
    assert!(set(9, 3, &[12, 0, 1, 0, 8, 0, 1, 0, 8, 0, 0, 0]).is_ok());
}

#[test]
fn a_string_set_that_claims_more_than_was_sent_is_an_error() {
    let read = |count| {
        let (header, body) = answer(1, |writer| {
            writer.nest(2, |sets| {
                sets.nest(1, |set| {
                    set.u32(1, 4).u32(2, count).nest(3, |strings| {
                        for (index, name) in [(0, "a"), (1, "")] {
                            strings.nest(1, |string| {
                                string.u32(1, index).text(2, name);
                            });
                        }
                    });
                });
            });
        });
        strings::read(&Message { header, body: &body }, StringSetId::Features)
    };
    assert_eq!(read(2).unwrap(), StringSet::new(vec!["a".to_owned(), String::new()]));
    assert!(read(3).is_err() && read(1 << 20).is_err() && read(u32::MAX).is_err());
    // Fewer than were sent: a string past the end.
    assert!(read(1).is_err());
}

/// A message as the kernel would answer, with whatever `write` writes.
fn answer(command: u8, write: impl FnOnce(&mut Writer)) -> (Header, Vec<u8>) {
    let mut writer = body(command, 1);
    writer.nest(1, |header| {
        header.u32(1, 3).text(2, "eth0");
    });
    write(&mut writer);
    let bytes = writer.finish().unwrap();
    (Header { length: 16 + bytes.len() as u32, kind: 21, flags: 0, sequence: 0, port: 0 }, bytes)
}

fn optional() -> impl Strategy<Value = Option<u32>> {
    proptest::option::of(any::<u32>())
}

proptest! {
    #[test]
    fn what_is_set_is_what_would_be_read(numbers in vec(optional(), 12), flags in vec(proptest::option::of(any::<bool>()), 6)) {
        let change = RingsChange {
            rx: numbers[0], tx: numbers[1], rx_mini: numbers[2], rx_jumbo: numbers[3], rx_buf_len: numbers[4],
            cqe_size: numbers[5], tx_push_buf_len: numbers[6], hds_thresh: numbers[7],
            tcp_data_split: flags[0].map(|on| if on { TcpDataSplit::Enabled } else { TcpDataSplit::Disabled }),
            tx_push: flags[1], rx_push: flags[2],
        };
        let (header, body) = answer(Rings::REPLY, |writer| change.write(writer));
        let rings = Rings::read(&Message { header, body: &body }).unwrap();
        prop_assert_eq!(&rings.device, &eth0());
        let Rings { rx, tx, rx_mini, rx_jumbo, rx_buf_len, cqe_size, tx_push_buf_len, hds_thresh, .. } = rings;
        let Rings { tcp_data_split, tx_push, rx_push, .. } = rings;
        let read = RingsChange {
            rx, tx, rx_mini, rx_jumbo, rx_buf_len, cqe_size, tx_push_buf_len, hds_thresh, tcp_data_split, tx_push, rx_push,
        };
        prop_assert_eq!(read, change);

        let profile = vec![Moderation { usecs: numbers[8], packets: numbers[9], completions: None }; 5];
        let change = CoalesceChange { rx_usecs: numbers[10], use_adaptive_tx: flags[3], rx_profile: Some(profile), ..CoalesceChange::default() };
        let (header, body) = answer(Coalesce::REPLY, |writer| change.write(writer));
        let coalesce = Coalesce::read(&Message { header, body: &body }).unwrap();
        prop_assert_eq!(coalesce, Coalesce {
            device: eth0(), rx_usecs: change.rx_usecs, use_adaptive_tx: change.use_adaptive_tx,
            rx_profile: change.rx_profile, ..Coalesce::default()
        });
    }

    #[test]
    fn receive_side_scaling_is_read_as_set(queues in vec(any::<u32>(), 0..200), key in vec(any::<u8>(), 0..60), number in optional()) {
        let change = RssChange {
            context: number, hash_function: number, indirection: Some(queues.clone()), key: Some(key.clone()), input_transform: number,
        };
        let (header, body) = answer(Rss::REPLY, |writer| change.write(writer));
        let rss = Rss::read(&Message { header, body: &body }).unwrap();
        let want = Rss { device: eth0(), context: number, hash_function: number, indirection: queues, key, input_transform: number };
        prop_assert_eq!(rss, want);
    }

    #[test]
    fn bit_sets_are_read_as_written(size in 0_u32..200, bits in vec((any::<u32>(), any::<bool>()), 0..40)) {
        let mut set = Bitset::none_of(size);
        let mut want = BTreeMap::new();
        for (index, value) in bits {
            prop_assert_eq!(set.set(index % 256, value), index % 256 < size);
            if index % 256 < size {
                want.insert(index % 256, value);
            }
        }
        let mut writer = Writer::new();
        set.write(&mut writer, 3);
        let bytes = writer.finish().unwrap();
        let attribute = Attributes::at(&bytes, 0).next().unwrap().unwrap();
        let read = Bitset::read(&attribute).unwrap();
        prop_assert_eq!(&read, &set);
        prop_assert_eq!(read.meant().collect::<BTreeMap<_, _>>(), want);
    }

    #[test]
    fn any_bytes_after_a_header_are_survived(bytes in vec(any::<u8>(), 0..400), command in 0_u8..60) {
        let mut body = vec![command, 1, 0, 0];
        body.extend(bytes);
        let header = Header { length: 16 + body.len() as u32, kind: 21, flags: 0, sequence: 0, port: 0 };
        let message = [&header.to_bytes()[..], &body].concat();
        read_all(&message);
    }
}

#[test]
fn lists_of_names_are_written_as_the_kernel_reads_them() {
    let mut writer = Writer::new();
    bitset::write_list(&mut writer, 2, &[("a", true), ("b", false)]);
    let bytes = writer.finish().unwrap();
    let set = Attributes::at(&bytes, 0).next().unwrap().unwrap();
    // The kernel finds the bit by its name; only its answers have a number as well.
    assert!(bitset::read_list(&set).is_err());
    let bits = set.nested().find_kind(3).unwrap().unwrap();
    let bits: Vec<_> = bits.nested().map(Result::unwrap).collect();
    let parts = |at: usize| bits[at].nested().map(|part| part.unwrap().kind).collect::<Vec<_>>();
    assert_eq!((parts(0), parts(1)), (vec![2, 3], vec![2]));
}

#[test]
fn all_devices_are_asked_for_in_bitmaps() {
    let mut writer = Writer::new();
    device::write(&mut writer, None, device::Bits::Compact);
    let bytes = writer.finish().unwrap();
    let header = Attributes::at(&bytes, 0).find_kind(1).unwrap().unwrap();
    let parts: Vec<_> = header.nested().map(Result::unwrap).map(|part| (part.kind, part.u32())).collect();
    // ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_COMPACT_BITSETS, and no device.
    assert_eq!(parts, [(3, Ok(1))]);
}

#[test]
fn requests_and_answers_are_numbered_apart() {
    // FEATURES_SET_REPLY shifts all that follow: what asks for rings is what tells of private flags.
    assert_eq!((Rings::GET, Rings::REPLY), (15, 16));
    assert_eq!((to_kernel::RINGS_SET, number::from_kernel::PRIVFLAGS_NTF), (16, 15));
}
