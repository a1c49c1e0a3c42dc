use proptest::prelude::*;

use super::*;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Messages;
use crate::wire::Writer;

/// The bytes of a message of this kind with these attributes, the fixed header's `res_id` as given.
fn message(kind: u16, resource: u16, attributes: &[(u16, u32)]) -> Vec<u8> {
    let mut writer = Header { family: 0, resource }.writer();
    for (kind, value) in attributes {
        writer.attribute(*kind, &value.to_be_bytes());
    }
    whole(kind, writer)
}

fn whole(kind: u16, writer: Writer) -> Vec<u8> {
    let body = writer.finish().unwrap();
    let length = u32::try_from(crate::wire::Header::LENGTH + body.len()).unwrap();
    let header = crate::wire::Header { length, kind, flags: 0, sequence: 1, port: 2 };
    header.to_bytes().into_iter().chain(body).collect()
}

fn read<T>(bytes: &[u8], decode: impl Fn(&Message<'_>) -> Result<T, Malformed>) -> Result<T, Malformed> {
    decode(&Messages::new(bytes).next().unwrap().unwrap())
}

#[test]
fn kinds_are_numbered_as_the_kernel_numbers_them() {
    assert_eq!((number::GET_COUNTERS, number::GET_TABLE), (0x104, 0x105));
}

#[test]
fn a_table_is_read() {
    let bytes = message(number::GET_TABLE, 0, &[(1, 17), (2, 262_144), (99, 5)]);
    assert_eq!(read(&bytes, decode::table), Ok(Table { entries: 17, max: Some(262_144) }));
    let old = message(number::GET_TABLE, 0, &[(1, 17)]);
    assert_eq!(read(&old, decode::table), Ok(Table { entries: 17, max: None }));
}

#[test]
fn counters_of_a_cpu_are_read() {
    let attributes: Vec<(u16, u32)> = (1..=16).map(|kind| (kind, u32::from(kind) * 0x0101_0101)).collect();
    let number = |kind: u32| kind * 0x0101_0101;
    let wanted = Counters {
        cpu: 300,
        found: number(2),
        invalid: number(4),
        insert: number(8),
        insert_failed: number(9),
        drop: number(10),
        early_drop: number(11),
        error: number(12),
        search_restart: number(13),
        clash_resolve: Some(number(14)),
        chain_too_long: Some(number(15)),
    };
    assert_eq!(read(&message(number::GET_COUNTERS, 300, &attributes), decode::counters), Ok(wanted));
    let none = message(number::GET_COUNTERS, 1, &[]);
    assert_eq!(read(&none, decode::counters), Ok(Counters { cpu: 1, ..Counters::default() }));
}

#[test]
fn a_number_of_another_length_is_refused() {
    let mut writer = Header::of(0).writer();
    writer.u16(number::table::ENTRIES, 5);
    assert!(matches!(read(&whole(number::GET_TABLE, writer), decode::table), Err(Malformed::Payload { .. })));
}

proptest! {
    #[test]
    fn any_bytes_of_connection_tracking_are_survived(body in prop::collection::vec(prop::num::u8::ANY, 0..200)) {
        let header = crate::wire::Header { length: 0, kind: number::GET_COUNTERS, flags: 0, sequence: 0, port: 0 };
        super::any(&Message { header, body: &body });
    }
}
