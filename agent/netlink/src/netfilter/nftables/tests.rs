use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::socket::Request;
use crate::testing::damaged;
use crate::testing::message;
use crate::wire::Malformed;

fn read(kind: u16, body: &[u8]) -> Result<Option<Change>, Malformed> {
    Change::read(&message(kind, body))
}

fn reread(request: Request) -> Change {
    let kind = request.kind;
    read(kind, &request.body.finish().unwrap()).unwrap().unwrap()
}

fn registers() -> impl Strategy<Value = Register> {
    prop_oneof![Just(Register::Verdict), (0_u32..16).prop_map(Register::At)]
}

fn directions() -> impl Strategy<Value = Direction> {
    prop_oneof![registers().prop_map(Direction::Load), registers().prop_map(Direction::Store)]
}

fn names() -> impl Strategy<Value = String> {
    "[a-z%_-]{1,20}"
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Accept),
        Just(Verdict::Drop),
        Just(Verdict::Continue),
        Just(Verdict::Break),
        Just(Verdict::Return),
        names().prop_map(Verdict::Jump),
        names().prop_map(Verdict::Goto),
        (2_i32..).prop_map(Verdict::Other),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..17)
}

/// Those that are read as they were written.
fn expressions() -> impl Strategy<Value = Expression> {
    let keys =
        prop_oneof![Just(MetaKey::Mark), Just(MetaKey::Iifname), Just(MetaKey::L4proto), Just(MetaKey::Other(77))];
    let bases = prop_oneof![Just(PayloadBase::Network), Just(PayloadBase::Transport), Just(PayloadBase::Other(5))];
    let rt = prop_oneof![Just(RtKey::Tcpmss), Just(RtKey::Nexthop6), Just(RtKey::Other(9))];
    let comparisons = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Less),
        Just(Comparison::AtMost),
        Just(Comparison::Greater),
        Just(Comparison::AtLeast),
    ];
    let kinds = prop_oneof![
        Just(ExthdrKind::Ipv6),
        Just(ExthdrKind::TcpOption),
        Just(ExthdrKind::Ipv4Option),
        Just(ExthdrKind::Other(7)),
    ];
    let data = prop_oneof![bytes().prop_map(Data::Value), verdicts().prop_map(Data::Verdict)];
    prop_oneof![
        (keys, directions()).prop_map(|(key, direction)| Expression::Meta(Meta { key, direction })),
        (bases, any::<u32>(), any::<u32>(), registers())
            .prop_map(|(base, offset, length, into)| Expression::Payload(Payload { base, offset, length, into })),
        (rt, registers()).prop_map(|(key, into)| Expression::Rt(Rt { key, into })),
        (registers(), comparisons, bytes()).prop_map(|(register, comparison, data)| Expression::Cmp(Cmp {
            register,
            comparison,
            data
        })),
        (registers(), any::<bool>(), bytes(), bytes()).prop_map(|(register, is_inverted, first, last)| {
            Expression::Range(Range { register, is_inverted, first, last })
        }),
        (registers(), registers(), bytes()).prop_map(|(from, into, mask)| Expression::Bitwise(Bitwise {
            from,
            into,
            xor: mask.clone(),
            mask
        })),
        (registers(), registers(), any::<bool>(), any::<[u32; 2]>()).prop_map(
            |(from, into, to_network, [length, size])| {
                Expression::Byteorder(Byteorder { from, into, to_network, length, size })
            }
        ),
        (names(), of(any::<u32>()), registers(), of(registers()), any::<bool>()).prop_map(
            |(set, set_id, register, into, is_inverted)| {
                Expression::Lookup(Lookup { set, set_id, register, into, is_inverted })
            }
        ),
        (registers(), data).prop_map(|(into, data)| Expression::Immediate(Immediate { into, data })),
        Just(Expression::Notrack),
        (kinds, any::<u8>(), any::<[u32; 2]>(), any::<bool>(), directions()).prop_map(
            |(kind, number, [offset, length], only_presence, direction)| {
                Expression::Exthdr(Exthdr { kind, number, offset, length, only_presence, direction })
            }
        ),
        any::<[u64; 2]>().prop_map(|[packets, bytes]| Expression::Counter(Counter { packets, bytes })),
        ("[a-z]{9,12}", bytes()).prop_map(|(name, data)| Expression::Other { name, data }),
    ]
}

fn rules() -> impl Strategy<Value = Request> {
    (vec(expressions(), 0..9), of("[a-z ]{0,40}")).prop_map(|(expressions, comment)| {
        rule::append(Family::Inet, "table", "chain", &expressions, comment.as_deref()).unwrap()
    })
}

/// Messages of each kind that is read.
fn samples() -> Vec<Vec<u8>> {
    let base = Base { devices: vec!["eth0".to_owned(), "eth1".to_owned()], ..Base::filter(0, -300) };
    let set = NewSet { id: 1, key: KeyType::PORT, ranges: vec![(vec![0, 1], vec![0, 9]), (vec![1, 0], vec![1, 0])] };
    let mut requests = vec![
        table::add(Family::Inet, "table", Some("comment")).unwrap(),
        chain::add(Family::Netdev, "table", "chain", Some(&base)).unwrap(),
        rule::append(Family::Inet, "table", "chain", &[Expression::Notrack], Some("comment")).unwrap(),
    ];
    requests.extend(set.add(Family::Inet, "table").unwrap());
    let whole = |request: Request| {
        let mut bytes = request.kind.to_ne_bytes().to_vec();
        bytes.extend(request.body.finish().unwrap());
        bytes
    };
    requests.into_iter().map(whole).collect()
}

#[test]
fn tables_chains_and_sets_are_read_as_written() {
    let Change::Table(table::Change::Set(table)) = reread(table::add(Family::Ip6, "t", Some("c")).unwrap()) else {
        panic!()
    };
    assert_eq!((table.family, table.name.as_str(), table.comment.as_deref()), (Family::Ip6, "t", Some("c")));
    for devices in [vec![], vec!["eth0".to_owned()], vec!["eth0".to_owned(), "eth1".to_owned()]] {
        let asked = Base { kind: "nat".to_owned(), drops: true, devices, ..Base::filter(3, -150) };
        let read = reread(chain::add(Family::Netdev, "t", "c", Some(&asked)).unwrap());
        let Change::Chain(chain::Change::Set(read)) = read else { panic!() };
        assert_eq!(read.base, Some(asked));
    }
    let Change::Chain(chain::Change::Set(read)) = reread(chain::add(Family::Inet, "t", "c", None).unwrap()) else {
        panic!()
    };
    assert_eq!(read.base, None);
    assert!(matches!(reread(table::delete(Family::Ip, "t").unwrap()), Change::Table(table::Change::Gone(_))));
}

#[test]
fn families_have_the_numbers_that_they_have() {
    for number in 0..=u8::MAX {
        assert_eq!(Family::of(number).number(), number);
    }
    assert_eq!(Family::of(10).name(), "ip6");
}

proptest! {
    #[test]
    fn rules_are_read_as_written(
        asked in vec(expressions(), 0..12), chain in names(), comment in of("[a-z ]{1,60}"),
    ) {
        let request = rule::append(Family::Inet, "table", &chain, &asked, comment.as_deref()).unwrap();
        let Change::Rule(rule::Change::Set(read)) = reread(request) else { panic!() };
        prop_assert_eq!(read.expressions, asked);
        prop_assert_eq!((read.chain, read.comment), (chain, comment));
    }

    #[test]
    fn elements_are_read_as_written(ranges in vec((any::<[u8; 4]>(), any::<[u8; 4]>()), 1..700)) {
        let ranges: Vec<_> = ranges.into_iter().map(|(one, other)| (one.min(other).to_vec(), one.max(other).to_vec())).collect();
        let requests = NewSet { id: 9, key: KeyType::IPV4_ADDRESS, ranges: ranges.clone() }.add(Family::Inet, "t").unwrap();
        let mut all = Vec::new();
        for request in requests.into_iter().skip(1) {
            let Change::ElementsSet(elements) = reread(request) else { panic!() };
            all.extend(elements.elements);
        }
        prop_assert_eq!(interval::ranges(&all), interval::merge(&ranges));
    }

    #[test]
    fn damaged_messages_are_survived(bytes in damaged(samples())) {
        if let Some((kind, body)) = bytes.split_first_chunk() {
            let _ = read(u16::from_ne_bytes(*kind), body);
        }
    }

    #[test]
    fn damaged_rules_are_survived(request in rules(), places in vec((any::<prop::sample::Index>(), any::<u8>()), 0..9)) {
        let kind = request.kind;
        let mut body = request.body.finish().unwrap();
        let length = body.len();
        for (place, byte) in places {
            body[place.index(length)] = byte;
        }
        let _ = read(kind, &body);
    }

    #[test]
    fn any_bytes_after_a_header_are_survived(command in 0_u8..20, mut body: Vec<u8>) {
        body.splice(0..0, [1, 0, 0, 0]);
        let _ = read(super::super::header::kind(number::SUBSYSTEM, command), &body);
    }
}
