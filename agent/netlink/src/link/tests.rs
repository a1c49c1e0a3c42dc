use proptest::collection::vec;
use proptest::prelude::*;

use super::decode;
use super::header::Header;
use super::number::attribute as is;
use super::number::info;
use super::*;
use crate::testing::damaged;
use crate::testing::dumped;
use crate::testing::message;
use crate::wire::Malformed;
use crate::wire::Writer;

fn read(body: &[u8]) -> Result<Link, Malformed> {
    decode::link(&message(number::NEW, body))
}

/// What every kernel says.
fn least() -> Writer {
    let mut body = Header { device_type: 1, flags: 3, ..Header::of(5) }.writer();
    body.text(is::NAME, "tt-a").u32(is::MTU, 1500).u32(is::TX_QUEUE_LENGTH, 1000);
    body
}

#[test]
fn what_an_older_kernel_does_not_say_is_none() {
    let link = read(&least().finish().unwrap()).unwrap();
    let name = "tt-a".to_owned();
    let (flags, txqueuelen) = (Flags(3), 1000);
    let known = Link { index: 5, name, device_type: 1, flags, mtu: 1500, txqueuelen, ..Link::default() };
    assert_eq!(link, known);
    let mut nameless = Header::of(5).writer();
    nameless.u32(is::MTU, 1500);
    assert_eq!(read(&nameless.finish().unwrap()), Err(Malformed::Missing { what: "IFLA_IFNAME" }));
}

#[test]
fn attributes_that_nobody_knows_are_skipped() {
    let mut body = least();
    body.u64(0x3fff, 7).text(999, "new").nest(is::LINK_INFO, |inside| {
        inside.u32(77, 7).text(info::KIND, "tt-kind").text(info::SLAVE_KIND, "bond");
    });
    let link = read(&body.finish().unwrap()).unwrap();
    assert_eq!((link.kind.as_deref(), link.slave_kind.as_deref()), (Some("tt-kind"), Some("bond")));
}

#[test]
fn what_users_name_need_not_be_utf8() {
    let mut body = Header::of(5).writer();
    body.attribute(is::NAME, b"a\xff\0").u32(is::MTU, 1).u32(is::TX_QUEUE_LENGTH, 1).attribute(is::ALIAS, b"\xff");
    let link = read(&body.finish().unwrap()).unwrap();
    assert_eq!((link.name.as_str(), link.alias), ("a\u{fffd}", None));
}

#[test]
fn an_address_that_is_too_long_is_an_error() {
    let mut body = least();
    body.attribute(is::ADDRESS, &[1; 33]);
    let error = read(&body.finish().unwrap()).unwrap_err();
    assert!(error.to_string().contains("33 bytes where at most 32 were expected"), "{error}");
}

#[test]
fn headers_are_read_as_written() {
    let header = Header { family: 7, device_type: 772, index: 0x0102_0304, flags: 0x1_0003, changed: u32::MAX };
    assert_eq!(Header::split(&message(number::NEW, &header.to_bytes())).unwrap().0, header);
}

#[test]
fn what_bridges_tell_of_their_ports_is_no_news_of_an_interface() {
    let news = |header: Header, kind| {
        let mut body = header.writer();
        body.text(is::NAME, "tt-a").u32(is::MTU, 1500).u32(is::TX_QUEUE_LENGTH, 1000);
        Change::read(&message(kind, &body.finish().unwrap())).unwrap()
    };
    // A port that leaves its bridge is "deleted".
    assert_eq!(news(Header { family: 7, ..Header::of(5) }, number::DELETE), None);
    assert!(matches!(news(Header::of(5), number::DELETE), Some(Change::Gone(link)) if link.index == 5));
    assert!(matches!(news(Header::of(5), number::NEW), Some(Change::Changed { cause: None, .. })));
    assert!(matches!(news(Header { changed: u32::MAX, ..Header::of(5) }, number::NEW), Some(Change::New(_))));
    assert_eq!(news(Header::of(5), number::SET), None);
    let mut wireless = Header::of(5).writer();
    wireless.attribute(is::WIRELESS, &[1, 2, 3]);
    assert_eq!(Change::read(&message(number::NEW, &wireless.finish().unwrap())), Ok(None));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
    }

    #[test]
    fn damaged_messages_are_survived(body in damaged(dumped(number::GET, Header::of(0).writer()))) {
        let _ = read(&body);
        let _ = Change::read(&message(number::DELETE, &body));
    }
}
