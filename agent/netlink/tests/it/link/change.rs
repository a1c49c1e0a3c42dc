use trimtab_netlink::Error;
use trimtab_netlink::link::HardwareAddress;
use trimtab_netlink::link::Kind;
use trimtab_netlink::link::NewLink;
use trimtab_netlink::link::Settings;
use trimtab_netlink::link::add;
use trimtab_netlink::link::delete;
use trimtab_netlink::link::get;
use trimtab_netlink::link::get_by_name;
use trimtab_netlink::link::set;

use super::judge;
use super::make;
use super::open;
use super::veth;
use crate::namespace::in_new_netns;

#[test]
fn what_we_set_ip_sees() {
    in_new_netns("what_we_set_ip_sees", || {
        let mut socket = open();
        let [veth, _] = veth(&mut socket);
        let bridge = make(&mut socket, "tt-bridge", Kind::Bridge { vlan_filtering: false });
        let address = HardwareAddress::from_bytes(&[2, 0, 0, 0, 0, 0x77]).unwrap();
        let settings = Settings {
            mtu: Some(4000),
            txqueuelen: Some(55),
            gso_max_size: Some(20_000),
            gso_max_segs: Some(22),
            gro_max_size: Some(25_000),
            up: Some(true),
            master: Some(bridge.index),
            address: Some(address),
            alias: Some("what for".into()),
            group: Some(9),
            gso_ipv4_max_size: veth.gso_ipv4_max_size.map(|_| 21_000),
            gro_ipv4_max_size: veth.gro_ipv4_max_size.map(|_| 26_000),
            name: None,
        };
        set(&mut socket, veth.index, &settings).unwrap();
        let said = judge("tt-a");
        let numbers = ["mtu", "txqlen", "gso_max_size", "gso_max_segs", "gro_max_size"].map(|field| &said[field]);
        assert_eq!(numbers, [4000, 55, 20_000, 22, 25_000]);
        assert_eq!([&said["master"], &said["ifalias"], &said["group"]], ["tt-bridge", "what for", "9"]);
        assert_eq!(said["address"], "02:00:00:00:00:77");
        assert!(said["flags"].as_array().unwrap().contains(&"UP".into()));
        let now = get(&mut socket, veth.index).unwrap();
        let ipv4 = (now.gso_ipv4_max_size, now.gro_ipv4_max_size);
        assert_eq!(ipv4, (settings.gso_ipv4_max_size, settings.gro_ipv4_max_size));
        // And back; what is not named stays.
        let back = Settings { up: Some(false), master: Some(0), alias: Some(String::new()), ..Settings::default() };
        set(&mut socket, veth.index, &back).unwrap();
        // Before Linux 6.2 the kernel renames nothing that is up.
        set(&mut socket, veth.index, &Settings { name: Some("tt-z".to_owned()), ..Settings::default() }).unwrap();
        let said = judge("tt-z");
        assert!(said["master"].is_null() && said["ifalias"].is_null(), "{said}");
        assert!(!said["flags"].as_array().unwrap().contains(&"UP".into()));
        assert_eq!([&said["mtu"], &said["txqlen"]], [4000, 55]);
        assert_eq!(get_by_name(&mut socket, "tt-z").unwrap().index, veth.index);
    });
}

#[test]
fn what_is_made_with_settings_has_them() {
    in_new_netns("what_is_made_with_settings_has_them", || {
        let mut socket = open();
        let settings = Settings { mtu: Some(9000), up: Some(true), group: Some(3), ..Settings::default() };
        let kind = Kind::Veth { peer: "tt-b" };
        let new = NewLink { num_rx_queues: Some(3), num_tx_queues: Some(4), settings, ..NewLink::named("tt-a", kind) };
        add(&mut socket, &new).unwrap();
        let said = judge("tt-a");
        let numbers = ["mtu", "num_rx_queues", "num_tx_queues"].map(|field| &said[field]);
        assert_eq!(numbers, [9000, 3, 4]);
        assert!(said["flags"].as_array().unwrap().contains(&"UP".into()));
        assert_eq!([&judge("tt-b")["num_rx_queues"], &judge("tt-b")["num_tx_queues"]], [3, 4]);
        let taken = add(&mut socket, &NewLink::named("tt-b", kind)).unwrap_err();
        assert_eq!(taken.to_string(), "tt-b: make: File exists (os error 17)");
        let unknown = add(&mut socket, &NewLink::named("tt-c", Kind::Other("tt-none"))).unwrap_err();
        assert!(unknown.is_unsupported() && unknown.to_string().contains("Unknown device type"), "{unknown}");
        let peer = &"x".repeat(70_000);
        let long = add(&mut socket, &NewLink::named("tt-c", Kind::Veth { peer })).unwrap_err();
        assert!(matches!(long, Error::Oversize { .. }), "{long:?}");
        let index = get_by_name(&mut socket, "tt-a").unwrap().index;
        delete(&mut socket, index).unwrap();
        assert!(get(&mut socket, index).unwrap_err().is_gone() && delete(&mut socket, index).unwrap_err().is_gone());
        assert!(delete(&mut socket, 1).unwrap_err().is_unsupported());
    });
}

#[test]
fn refusals_are_in_the_kernels_words() {
    in_new_netns("refusals_are_in_the_kernels_words", || {
        let mut socket = open();
        let [veth, _] = veth(&mut socket);
        let refused = |socket: &mut _, settings| set(socket, veth.index, &settings).unwrap_err().to_string();
        let over = veth.max_mtu.unwrap() + 1;
        let error = refused(&mut socket, Settings { mtu: Some(over), ..Settings::default() });
        let index = veth.index;
        let words = format!("interface {index}: set: mtu greater than device maximum: Invalid argument (os error 22)");
        assert_eq!(error, words);
        let error = refused(&mut socket, Settings { mtu: Some(1), ..Settings::default() });
        assert!(error.contains("mtu less than device minimum"), "{error}");
        let error = refused(&mut socket, Settings { gso_max_size: Some(u32::MAX), ..Settings::default() });
        // Linux 6.1 has no words for it.
        let bare = format!("interface {index}: set: Invalid argument (os error 22)");
        assert!(error.contains("gso_max_size") || error == bare, "{error}");
        // What came before the refused one is done.
        let settings = Settings { master: Some(4000), mtu: Some(1400), ..Settings::default() };
        refused(&mut socket, settings);
        assert_eq!(get(&mut socket, index).unwrap().mtu, 1400);
    });
}

#[test]
fn a_name_with_a_nul_is_not_taken_for_what_stands_before_it() {
    in_new_netns("a_name_with_a_nul_is_not_taken_for_what_stands_before_it", || {
        let mut socket = open();
        veth(&mut socket);
        let text = |error: Error| error.to_string();
        let error = text(get_by_name(&mut socket, "tt-a\0b").unwrap_err());
        assert_eq!(error, "tt-a\\0b: look up: there is no `tt-a\\0b`");
        let named = |name| Settings { name: Some(name), ..Settings::default() };
        let error = text(set(&mut socket, 2, &named("tt-c\0".to_owned())).unwrap_err());
        assert_eq!(error, "interface 2: set: there is no `tt-c\\0`");
        let peer = "tt-d\0";
        let error = text(add(&mut socket, &NewLink::named("tt-c", Kind::Veth { peer })).unwrap_err());
        assert_eq!(error, "tt-c: make: there is no `tt-d\\0`");
        assert!(add(&mut socket, &NewLink::named("tt-c\0", Kind::Dummy)).is_err());
        assert!(get_by_name(&mut socket, "tt-c").unwrap_err().is_gone());
    });
}
