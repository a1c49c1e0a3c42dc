use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tc::Handle;
use crate::tc::LinkLayer;
use crate::tc::Rate;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::testing::damaged;
use crate::testing::message;
use crate::wire::Malformed;
use crate::wire::Writer;

fn read(body: &[u8]) -> Result<Class, Malformed> {
    decode::class(&message(number::NEW_CLASS, body))
}

fn rates() -> impl Strategy<Value = Rate> {
    (prop_oneof![1_u64..1 << 32, 1_u64..1 << 40], any::<u16>(), any::<u16>(), any::<bool>()).prop_map(
        |(bytes_per_second, overhead, mpu, atm)| {
            let link_layer = if atm { LinkLayer::Atm } else { LinkLayer::Ethernet };
            Rate { bytes_per_second, overhead, mpu, link_layer }
        },
    )
}

fn htbs() -> impl Strategy<Value = HtbClass> {
    (rates(), rates(), any::<[u32; 3]>(), proptest::option::of(any::<u32>())).prop_map(
        |(rate, ceil, [burst, cburst, prio], quantum)| {
            let (burst, cburst) = (burst.into(), cburst.into());
            HtbClass { rate, ceil, burst, cburst, quantum, prio, level: 0 }
        },
    )
}

fn bytes(kind: Kind) -> Vec<u8> {
    let new = NewClass { interface: 5, parent: Handle::new(1, 0), handle: Handle::new(1, 2), kind };
    new.add().unwrap().body.finish().unwrap()
}

proptest! {
    #[test]
    fn what_is_asked_is_what_is_read_but_for_the_rounding_of_bursts(htb in htbs()) {
        let shown = read(&bytes(Kind::Htb(htb))).unwrap();
        prop_assert_eq!(shown.kind.differs(&Kind::Htb(htb)), Vec::<&str>::new());
        let Kind::Htb(read) = shown.kind else { panic!("{shown:?}") };
        prop_assert_eq!((read.rate, read.ceil, read.prio), (htb.rate, htb.ceil, htb.prio));
        prop_assert_eq!(read.quantum, Some(htb.quantum.unwrap_or_default()));
        // And what is read and asked for again is that to the bit.
        let again = Kind::Htb(HtbClass { quantum: None, ..read });
        prop_assert_eq!(self::read(&bytes(again.clone())).unwrap().kind.differs(&again), Vec::<&str>::new());
    }

    #[test]
    fn other_kinds_are_kept(options in vec(any::<u8>(), 0..40)) {
        let kind = Kind::Other { name: "tt-kind".into(), options };
        let shown = read(&bytes(kind.clone())).unwrap();
        prop_assert_eq!(NewClass::of(&shown).kind, kind);
    }

    #[test]
    fn any_bytes_are_survived(body in vec(any::<u8>(), 0..200), options in vec(any::<u8>(), 0..120)) {
        let _ = read(&body);
        let mut body = Header { interface: 5, handle: 1, parent: Handle::ROOT, info: 2 }.writer();
        body.text(is::KIND, "htb").attribute(is::OPTIONS, &options).attribute(is::STATISTICS, &options);
        let _ = Change::read(&message(number::DELETE_CLASS, &body.finish().unwrap()));
    }

    #[test]
    fn damaged_messages_are_survived(body in htbs().prop_flat_map(|htb| damaged(vec![bytes(Kind::Htb(htb))]))) {
        let _ = read(&body);
    }
}

fn of(name: &str, info: u32, more: impl FnOnce(&mut Writer)) -> Result<Class, Malformed> {
    let mut body = Header { interface: 5, handle: 0x10_0003, parent: Handle::ROOT, info }.writer();
    body.text(is::KIND, name);
    more(&mut body);
    read(&body.finish().unwrap())
}

#[test]
fn classes_that_come_with_their_discipline_have_no_parameters() {
    let shown = of("prio", 0x20_0000, |_| ()).unwrap();
    assert_eq!((shown.leaf, shown.parent), (Some(Handle::new(0x20, 0)), Handle::ROOT));
    let implied = |qdisc: &str| Kind::Implied { qdisc: qdisc.into() };
    assert_eq!(shown.kind, implied("prio"));
    assert_eq!(of("mq", 0, |_| ()).unwrap().leaf, None);
    assert_eq!(implied("prio").differs(&implied("mq")), ["kind"]);
    assert_eq!(of("htb", 0, |_| ()), Err(Malformed::Missing { what: "TCA_OPTIONS" }));
    let empty = of("htb", 0, |body| {
        body.nest(is::OPTIONS, |_| ());
    });
    assert_eq!(empty, Err(Malformed::Missing { what: "TCA_HTB_PARMS" }));
}

#[test]
fn every_parameter_that_is_not_as_asked_is_named() {
    let shown = HtbClass { quantum: Some(1500), ..HtbClass::with(Rate::bytes(1000), 2000) };
    let other = HtbClass {
        rate: Rate::bytes(2000),
        ceil: Rate { mpu: 64, ..Rate::bytes(1000) },
        burst: 1999,
        cburst: 3000,
        quantum: Some(1),
        prio: 3,
        level: 0,
    };
    let all = ["rate", "ceil", "burst", "cburst", "quantum", "prio"];
    assert_eq!(shown.differs(&other), all);
    assert_eq!(HtbClass { level: 7, ..shown }.differs(&other), all[..4]);
    assert!(shown.differs(&HtbClass { quantum: None, level: 3, ..shown }).is_empty());
    assert_eq!(HtbClass { prio: 7, ..shown }.differs(&HtbClass { prio: 100, ..shown }), Vec::<&str>::new());
}
