use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::tc::Handle;
use crate::tc::header::Header;
use crate::tc::number;
use crate::tc::number::attribute as is;
use crate::testing::damaged;
use crate::testing::message;
use crate::wire::Malformed;
use crate::wire::Writer;

fn read(body: &[u8]) -> Result<Filter, Malformed> {
    decode::filter(&message(number::NEW_FILTER, body))
}

fn classes() -> impl Strategy<Value = Option<Handle>> {
    of(any::<u32>().prop_map(Handle))
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let one = prop::sample::select(vec![Action::drop(), Action::pass(), Action::redirect(7)]);
    vec(one, 0..3)
}

prop_compose! {
    fn selectors()(
        bytes in any::<[u8; 2]>(), fields in any::<(u16, u16, i16, i16, u32)>(), keys in vec(any::<(u32, u32, i32, i32)>(), 0..20),
    ) -> Selector {
        let [flags, offset_shift] = bytes;
        let (offset_mask, offset, offset_at, hash_at, hash_mask) = fields;
        let key = |(mask, value, at, offset_mask)| Key { mask, value: value & mask, at, offset_mask };
        let keys = keys.into_iter().map(key).collect();
        Selector { flags, offset_shift, offset_mask, offset, offset_at, hash_at, hash_mask, keys }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let input = || of("[a-z]{1,15}");
    let u32 = (classes(), selectors(), of(any::<u32>()), of(any::<(u32, u32)>()), input(), 0_u32..4, actions())
        .prop_map(|(class, selector, link, mark, input, flags, actions)| U32 {
            class,
            selector,
            link,
            mark,
            input,
            flags,
            actions,
        });
    let matchall =
        (classes(), 0_u32..4, actions()).prop_map(|(class, flags, actions)| Matchall { class, flags, actions });
    let fw = (classes(), of(any::<u32>()), input(), actions()).prop_map(|(class, mask, input, actions)| Fw {
        class,
        mask,
        input,
        actions,
    });
    prop_oneof![
        u32.prop_map(Kind::U32),
        matchall.prop_map(Kind::Matchall),
        fw.prop_map(Kind::Fw),
        any::<u32>().prop_map(|buckets| Kind::U32Table { buckets }),
        vec(any::<u8>(), 0..40).prop_map(|options| Kind::Other { name: "tt-filter".into(), options }),
    ]
}

prop_compose! {
    fn filters()(numbers in any::<[u32; 2]>(), priority: u16, protocol: u16, handle in any::<NonZeroU32>(), kind in kinds()) -> NewFilter {
        let [interface, parent] = numbers;
        NewFilter { interface, parent: Handle(parent), priority, protocol, handle, kind }
    }
}

fn bytes(new: &NewFilter) -> Vec<u8> {
    new.add().unwrap().body.finish().unwrap()
}

proptest! {
    #[test]
    fn what_is_asked_is_what_is_read(new in filters()) {
        let shown = read(&bytes(&new)).unwrap();
        prop_assert_eq!(NewFilter::of(&shown), Some(new.clone()));
        prop_assert_eq!(shown.kind.differs(&new.kind), Vec::<&str>::new());
        prop_assert_eq!(NewFilter::of(&Filter { chain: 1, ..shown.clone() }), None);
        prop_assert_eq!(NewFilter::of(&Filter { handle: 0, ..shown }), None);
    }

    #[test]
    fn any_bytes_are_survived(body in vec(any::<u8>(), 0..200), name in prop::sample::select(vec!["u32", "fw", "matchall"]), options in vec(any::<u8>(), 0..120)) {
        let _ = read(&body);
        let mut body = head(7);
        body.text(is::KIND, name).attribute(is::OPTIONS, &options);
        let _ = Change::read(&message(number::DELETE_FILTER, &body.finish().unwrap()));
    }

    #[test]
    fn damaged_messages_are_survived(body in filters().prop_flat_map(|new| damaged(vec![bytes(&new)]))) {
        let _ = read(&body);
    }

    #[test]
    fn handles_of_u32_are_read_as_tc_writes_them(table: u16, bucket: u8, node: u16) {
        let handle = U32::handle(table, bucket, node);
        let fits = table < 0x1000 && (1..0x1000).contains(&node);
        prop_assert_eq!(handle.is_some(), fits);
        if let Some(handle) = handle {
            let handle = handle.get();
            prop_assert_eq!((handle >> 20, handle >> 12 & 0xff, handle & 0xfff), (table.into(), bucket.into(), node.into()));
        }
    }
}

fn head(handle: u32) -> Writer {
    Header { interface: 5, handle, parent: Handle::CLSACT_EGRESS, info: Handle::new(10, IPV4.to_be()).0 }.writer()
}

#[test]
fn what_filters_have_in_common_is_told_apart() {
    let shown = |handle, name: &str| {
        let mut body = head(handle);
        body.text(is::KIND, name).u32(is::CHAIN, 3);
        read(&body.finish().unwrap()).unwrap()
    };
    let one = shown(0, "u32");
    assert_eq!(one.kind, Kind::Head { name: "u32".into() });
    assert_eq!((one.parent, one.priority, one.protocol, one.chain), (Handle::CLSACT_EGRESS, 10, IPV4, 3));
    // A filter that does nothing but find has nothing to say.
    assert_eq!(shown(9, "fw").kind, Kind::Fw(Fw::default()));
}

#[test]
fn a_filter_without_a_selector_is_an_error() {
    let mut body = head(1);
    body.text(is::KIND, "u32").nest(is::OPTIONS, |_| ());
    assert_eq!(read(&body.finish().unwrap()), Err(Malformed::Missing { what: "TCA_U32_SEL" }));
    let mut body = head(1);
    body.text(is::KIND, "u32").nest(is::OPTIONS, |options| {
        // One key, which is not there.
        options.attribute(5, &[1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    });
    let error = read(&body.finish().unwrap()).unwrap_err().to_string();
    assert!(error.contains("16 bytes where struct tc_u32_sel were expected"), "{error}");
}

#[test]
fn a_name_with_a_nul_is_not_taken_for_what_stands_before_it() {
    let new = |kind| NewFilter {
        interface: 5,
        parent: Handle::ROOT,
        priority: 1,
        protocol: 3,
        handle: NonZeroU32::MIN,
        kind,
    };
    let other = Kind::Other { name: "u32\0".into(), options: Vec::new() };
    let input = Kind::Fw(Fw { input: Some("eth0\0".into()), ..Fw::default() });
    for new in [new(other.clone()), new(input)] {
        assert!(matches!(new.add(), Err(Error::NoName { .. })));
    }
    assert!(matches!(delete(&new(other)), Err(Error::NoName { .. })));
}

#[test]
fn every_part_that_is_not_as_asked_is_named() {
    let shown = U32 { selector: Selector::of(vec![Key::at(16, 0x0a00_0000, 0xff00_0000)]), ..U32::default() };
    // What is outside the mask does not count.
    let same = U32 { selector: Selector::of(vec![Key::at(16, 0x0a01_0203, 0xff00_0000)]), ..U32::default() };
    assert!(shown.differs(&same).is_empty());
    let other = U32 {
        class: Some(Handle::new(1, 1)),
        selector: Selector::default(),
        link: Some(1),
        mark: Some((1, 1)),
        input: Some("lo".into()),
        flags: 1,
        actions: vec![Action::drop()],
    };
    assert_eq!(shown.differs(&other), ["class", "selector", "link", "mark", "input", "flags", "actions"]);
    let fw = Fw { mask: Some(u32::MAX), ..Fw::default() };
    assert!(fw.differs(&Fw::default()).is_empty());
    assert_eq!(Kind::Fw(fw).differs(&Kind::U32(shown)), ["kind"]);
}
