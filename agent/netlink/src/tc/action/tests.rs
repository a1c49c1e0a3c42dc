use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::tc::Rate;
use crate::testing::damaged;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

fn written(actions: &[Action]) -> Vec<u8> {
    let mut writer = Writer::new();
    write_all(7, actions, &mut writer);
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Action>, Malformed> {
    let mut all = Vec::new();
    for attribute in Attributes::at(bytes, 36) {
        all.extend(read_all(&attribute?)?);
    }
    Ok(all)
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    any::<i32>().prop_map(Verdict::of)
}

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![1_u64..1 << 32, 1_u64..1 << 40].prop_map(Rate::bytes)
}

prop_compose! {
    fn polices()(
        rate in of(rates()), peak_rate in of(rates()), burst: u32, mtu in of(0..u32::MAX), exceed in verdicts(),
        conform in verdicts(), packets in of((1_u64..1 << 32, any::<u16>())), average_rate in of(any::<u32>()),
    ) -> Police {
        let burst = if rate.is_some() { burst.into() } else { 0 };
        let packet_rate = packets.map(|(per_second, burst)| PacketRate { per_second, burst: burst.into() });
        Police { rate, burst, mtu, peak_rate, packet_rate, average_rate, exceed, conform }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let mirred = (1_i32..9, any::<u32>(), verdicts()).prop_map(|(to, interface, verdict)| {
        let to = match to {
            1 => MirredTo::EgressRedirect,
            2 => MirredTo::EgressMirror,
            3 => MirredTo::IngressRedirect,
            4 => MirredTo::IngressMirror,
            other => MirredTo::Other(other),
        };
        Mirred { to, interface, verdict }
    });
    prop_oneof![
        verdicts().prop_map(Kind::Gact),
        mirred.prop_map(Kind::Mirred),
        polices().prop_map(Kind::Police),
        vec(any::<u8>(), 0..40).prop_map(|options| Kind::Other { name: "tt-action".into(), options }),
    ]
}

proptest! {
    #[test]
    fn what_is_asked_is_what_is_read(kinds in vec(kinds(), 0..8)) {
        let actions: Vec<_> = kinds.into_iter().map(Action::new).collect();
        let shown = read(&written(&actions)).unwrap();
        prop_assert_eq!(shown.len(), actions.len());
        for (shown, asked) in shown.iter().zip(&actions) {
            prop_assert!(shown.kind.is_as(&asked.kind), "{:?} {:?}", shown, asked);
            prop_assert_eq!((shown.index, shown.statistics), (0, asked.statistics));
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read_police(&Attribute { kind: 6, payload: &bytes, offset: 36 });
    }

    #[test]
    fn damaged_actions_are_survived(bytes in vec(kinds(), 1..4).prop_flat_map(|kinds| {
        damaged(vec![written(&kinds.into_iter().map(Action::new).collect::<Vec<_>>())])
    })) {
        let _ = read(&bytes);
    }
}

#[test]
fn what_is_not_known_of_a_known_kind_is_kept_as_it_travels() {
    // By chance; and to a block of interfaces.
    for (name, more) in [("gact", 3), ("mirred", 4)] {
        let mut writer = Writer::new();
        writer.nest(7, |list| {
            list.nest(1, |action| {
                action.text(1, name).nest(2, |options| {
                    options.attribute(2, &[0; 28]).attribute(more, &[1; 8]);
                });
            });
        });
        let shown = read(&writer.finish().unwrap()).unwrap();
        assert!(matches!(&shown[0].kind, Kind::Other { name: shown, options } if shown == name && options.len() == 44));
    }
}

#[test]
fn an_action_without_what_all_have_is_an_error() {
    let action = |inside: fn(&mut Writer)| {
        let mut writer = Writer::new();
        writer.nest(7, |list| {
            list.nest(1, inside);
        });
        read(&writer.finish().unwrap()).unwrap_err().to_string()
    };
    assert_eq!(action(|_| ()), "no TCA_ACT_KIND");
    let without = action(|action| {
        action.text(1, "gact");
    });
    assert_eq!(without, "no TCA_ACT_OPTIONS");
    let without = action(|action| {
        action.text(1, "police").nest(2, |_| ());
    });
    assert_eq!(without, "no TCA_POLICE_TBF");
}

#[test]
fn every_parameter_that_is_not_as_asked_is_named() {
    let shown = Police::drop_above(Rate::bytes(1000), 2000);
    let packet_rate = Some(PacketRate { per_second: 5, burst: 6 });
    let other = Police {
        rate: Some(Rate::bytes(1001)),
        burst: 3000,
        mtu: Some(5),
        peak_rate: Some(Rate::bytes(1)),
        packet_rate,
        average_rate: Some(1),
        exceed: Verdict::Reclassify,
        conform: Verdict::Pipe,
    };
    let all = ["rate", "burst", "mtu", "peak_rate", "packet_rate", "average_rate", "exceed", "conform"];
    assert_eq!(shown.differs(&other), all);
    assert!(other.differs(&other).is_empty());
}
