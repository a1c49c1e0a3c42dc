use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::decoders::walk;
use crate::decoders::walk_attributes;

/// What an attribute may hold.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Text(String),
    Bytes(Vec<u8>),
    Flag,
    Nest(Vec<(u16, Value)>),
}

fn values() -> impl Strategy<Value = Vec<(u16, Value)>> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        "[^\\x00]{0,20}".prop_map(Value::Text),
        vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        Just(Value::Flag),
    ];
    let tree = leaf.prop_recursive(4, 40, 6, |inner| vec((0..=0x3fff_u16, inner), 0..6).prop_map(Value::Nest));
    vec((0..=0x3fff_u16, tree), 0..8)
}

fn write(writer: &mut Writer, values: &[(u16, Value)]) {
    for (kind, value) in values {
        match value {
            Value::U8(value) => writer.u8(*kind, *value),
            Value::U16(value) => writer.u16(*kind, *value),
            Value::U32(value) => writer.u32(*kind, *value),
            Value::U64(value) => writer.u64(*kind, *value),
            Value::Text(value) => writer.text(*kind, value),
            Value::Bytes(value) => writer.attribute(*kind, value),
            Value::Flag => writer.flag(*kind),
            Value::Nest(inside) => writer.nest(*kind, |writer| write(writer, inside)),
        };
    }
}

fn assert_same(attributes: Attributes<'_>, values: &[(u16, Value)]) {
    let read: Vec<Attribute<'_>> = attributes.map(Result::unwrap).collect();
    assert_eq!(read.len(), values.len());
    for (attribute, (kind, value)) in read.iter().zip(values) {
        assert_eq!(attribute.kind, *kind);
        match value {
            Value::U8(value) => assert_eq!(attribute.u8().unwrap(), *value),
            Value::U16(value) => assert_eq!(attribute.u16().unwrap(), *value),
            Value::U32(value) => assert_eq!(attribute.u32().unwrap(), *value),
            Value::U64(value) => assert_eq!(attribute.u64().unwrap(), *value),
            Value::Text(value) => assert_eq!(attribute.text().unwrap(), value),
            Value::Bytes(value) => assert_eq!(attribute.payload, value),
            Value::Flag => assert!(attribute.flag().unwrap()),
            Value::Nest(inside) => assert_same(attribute.nested(), inside),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(values in values()) {
        let mut writer = Writer::new();
        write(&mut writer, &values);
        let bytes = writer.finish().unwrap();
        prop_assert_eq!(bytes.len() % 4, 0);
        assert_same(Attributes::at(&bytes, 0), &values);
    }

    #[test]
    fn any_bytes_are_survived_as_attributes(bytes in vec(any::<u8>(), 0..300), offset in any::<usize>()) {
        walk_attributes(Attributes::at(&bytes, offset % 4096), 4);
    }

    #[test]
    fn any_bytes_are_survived_as_messages(bytes in vec(any::<u8>(), 0..300)) {
        walk(&bytes);
        // Few of them get past a header: one that does not lie.
        let header = Header { length: 16 + bytes.len() as u32, kind: 2, flags: 0, sequence: 0, port: 0 };
        walk(&[&header.to_bytes()[..], &bytes].concat());
    }

    #[test]
    fn damaged_bytes_are_survived(values in values(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..9)) {
        let mut writer = Writer::new();
        write(&mut writer, &values);
        let mut bytes = writer.finish().unwrap();
        for (place, byte) in flips {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        walk_attributes(Attributes::at(&bytes, 20), 5);
        walk_attributes(Attributes::at(&bytes[..bytes.len() / 2], 20), 5);
    }

    #[test]
    fn headers_are_read_as_written(length in 16_u32..64, kind: u16, flags: u16, sequence: u32, port: u32) {
        let header = Header { length, kind, flags, sequence, port };
        let mut bytes = header.to_bytes().to_vec();
        bytes.resize(length as usize, 7);
        let read: Vec<_> = Messages::new(&bytes).collect();
        prop_assert_eq!(read, vec![Ok(Message { header, body: &bytes[16..] })]);
    }
}

#[test]
fn lengths_that_lie_are_errors_with_their_place() {
    let of = |bytes: &[u8]| Attributes::at(bytes, 20).last().unwrap().unwrap_err();
    let first: [u8; 8] = [6, 0, 1, 0, 9, 9, 0, 0];
    let then = |bytes: &[u8]| [&first, bytes].concat();
    assert_eq!(of(&then(&[1, 0])), Malformed::AttributeHeader { offset: 28, left: 2 });
    let lie = |length| Malformed::AttributeLength { offset: 28, kind: 2, length, left: 4 };
    assert_eq!(of(&then(&[3, 0, 2, 0])), lie(3));
    assert_eq!(of(&then(&[0, 0, 2, 0x80])), lie(0));
    assert_eq!(of(&then(&[5, 0, 2, 0x40])), lie(5));
    // neli 0.7.5 panics at a message that is shorter than its header.
    for length in [0, 15, 17] {
        let header = Header { length, kind: 2, flags: 0, sequence: 0, port: 0 }.to_bytes();
        let lie = Malformed::MessageLength { offset: 0, length: length as usize, left: 16 };
        assert_eq!(Messages::new(&header).collect::<Vec<_>>(), [Err(lie)]);
    }
}

#[test]
fn a_payload_of_another_length_is_an_error_not_a_guess() {
    let mut writer = Writer::new();
    writer.u32(7, 1);
    let bytes = writer.finish().unwrap();
    let attribute = Attributes::at(&bytes, 20).find_kind(7).unwrap().unwrap();
    assert_eq!(attribute.u16().unwrap_err().to_string(), "byte 20: attribute 7: 4 bytes where 2 were expected");
    assert!(attribute.u8().is_err() && attribute.u64().is_err() && attribute.flag().is_err());
}

#[test]
fn text_ends_at_its_nul_and_need_not_have_one() {
    let text = |payload| Attribute { kind: 1, payload, offset: 0 };
    assert_eq!(text(b"eth0\0\0rest").text(), Ok("eth0"));
    assert_eq!(text(b"eth0").text(), Ok("eth0"));
    assert!(text(b"\xff\0").text().is_err());
    assert_eq!(text(b"a\xffb\0").text_lossy(), "a\u{fffd}b");
}

#[test]
fn an_attribute_past_its_length_field_is_an_error() {
    let mut writer = Writer::new();
    writer.attribute(1, &[0; 65_531]);
    assert_eq!(writer.finish().unwrap().len(), 65_536);
    let mut writer = Writer::new();
    writer.nest(3, |inside| {
        inside.attribute(1, &[0; 65_532]).u32(2, 1);
    });
    assert_eq!(writer.finish(), Err(Oversize { kind: 1, length: 65_536 }));
    let mut writer = Writer::new();
    writer.nest(3, |inside| {
        for _ in 0..20_000 {
            inside.flag(1);
        }
    });
    assert_eq!(writer.finish(), Err(Oversize { kind: 3, length: 80_004 }));
}
