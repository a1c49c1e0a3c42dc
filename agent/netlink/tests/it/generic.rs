use trimtab_netlink::Error;
use trimtab_netlink::generic::Family;
use trimtab_netlink::socket::Protocol;
use trimtab_netlink::socket::RequestSocket;

#[test]
fn finds_families_by_name() {
    let mut socket = RequestSocket::open(Protocol::Generic).unwrap();
    let controller = Family::resolve(&mut socket, "nlctrl").unwrap();
    assert_eq!((controller.id, controller.name.as_str()), (16, "nlctrl"));
    assert!(controller.has(3) && !controller.has(200));
    assert!(controller.group("notify").unwrap() > 0);
    let missing = controller.group("monitor").unwrap_err();
    assert_eq!(missing.to_string(), "the netlink family `nlctrl` has no multicast group `monitor`");
}

#[test]
fn a_family_that_is_not_there_is_told_by_name() {
    let mut socket = RequestSocket::open(Protocol::Generic).unwrap();
    let error = Family::resolve(&mut socket, "tt_none").unwrap_err();
    assert!(matches!(&error, Error::NoFamily { family } if family == "tt_none"), "{error:?}");
    assert!(error.is_unsupported());
    // Longer than GENL_NAMSIZ: the kernel's policy refuses it, and says where.
    let error = Family::resolve(&mut socket, "a_name_longer_than_sixteen_bytes").unwrap_err();
    let Error::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!(refusal.offset, Some(20));
    assert!(error.to_string().contains("Attribute failed policy validation"), "{error}");
    // The socket is none the worse for it.
    assert_eq!(Family::resolve(&mut socket, "nlctrl").unwrap().id, 16);
}
