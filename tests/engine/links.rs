//! Links under the apply protocol: messages of several values, what moves along, drivers that round or lie, devices that go,
//! come back or change their names.

use std::time::Duration;

use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Recovered;
use trimtab::engine::transaction::Trials;
use trimtab_core::desired::Desired;
use trimtab_core::plan::Class;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;
use trimtab_kernel::fake::Device;
use trimtab_kernel::fake::Event;
use trimtab_kernel::fake::FakeKernel;
use trimtab_kernel::fake::Fault;
use trimtab_kernel::fake::Rounding;
use trimtab_kernel::timer::Armed;

use super::bench::Bench;
use super::bench::Values;
use super::bench::address;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::key;
use super::bench::link;
use super::bench::values;

fn bench(devices: &[(&str, Device)]) -> Bench {
    let mut kernel = FakeKernel::new();
    for (name, device) in devices {
        kernel.add_device(name, device.clone());
    }
    Bench::with(kernel)
}

fn card() -> Bench {
    bench(&[("eth0", Device::physical("igb"))])
}

fn cpus(text: &str) -> Value {
    Value::Cpus(Ports::parse(text).unwrap())
}

fn on(wanted: bool) -> Value {
    Value::switch(wanted)
}

/// Applied, found good at once, and taken back: everything is as it was.
#[track_caller]
fn comes_and_goes(bench: &mut Bench, set: &Desired) {
    let before = values(&bench.kernel);
    bench.put_in_force(set);
    holds(bench, set);
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

/// A second apply writes nothing.
#[track_caller]
fn holds(bench: &mut Bench, set: &Desired) {
    let (writes, now) = (bench.kernel.writes(), values(&bench.kernel));
    let finished = bench.apply(set);
    assert!(matches!(finished, Finished::Nothing), "{finished:?}");
    assert_eq!((bench.kernel.writes(), values(&bench.kernel)), (writes, now));
}

#[track_caller]
fn is_undone(finished: &Finished, bench: &Bench, before: &Values) {
    assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
    assert_eq!(differences(before, &values(&bench.kernel)), []);
}

#[test]
fn all_values_of_a_kind_and_device_are_one_message() {
    let mut bench = bench(&[("eth0", Device::physical("igb")), ("eth1", Device::physical("igb"))]);
    let set = desired([
        ("link:eth0/ring/rx", is("1024")),
        ("link:eth0/ring/tx", is("2048")),
        ("link:eth1/ring/rx", is("1024")),
        ("link:eth0/coalesce/rx-usecs", is("50")),
        ("link:eth0/coalesce/tx-usecs", is("60")),
        ("link:eth0/pause/autoneg", is("off")),
        ("link:eth0/pause/rx", is("off")),
        ("link:eth0/feature/rx-gro", is("off")),
        ("link:eth0/feature/rx-hashing", is("off")),
        ("link:eth0/mtu", is("9000")),
        ("link:eth0/channel/combined", is("8")),
    ]);
    let before = values(&bench.kernel);
    bench.put_in_force(&set);
    let sent = bench.sent();
    let words: Vec<Vec<&str>> = sent.iter().map(|message| message.iter().map(String::as_str).collect()).collect();
    assert_eq!(
        words,
        [
            vec!["eth0/mtu = 9000"],
            vec!["eth0/channel/combined = 8"],
            vec!["eth0/ring/rx = 1024", "eth0/ring/tx = 2048"],
            vec!["eth0/feature/rx-gro = off", "eth0/feature/rx-hashing = off"],
            vec!["eth0/coalesce/rx-usecs = 50", "eth0/coalesce/tx-usecs = 60"],
            vec!["eth0/pause/autoneg = off", "eth0/pause/rx = off"],
            vec!["eth1/ring/rx = 1024"],
        ]
    );
    assert_eq!(bench.kernel.writes(), 7);
    holds(&mut bench, &set);
    bench.take_back();
    assert_eq!(bench.kernel.writes(), 14);
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn features_that_fall_with_another_rise_with_it_again() {
    let mut bench = bench(&[("v0", Device::veth(1))]);
    comes_and_goes(&mut bench, &desired([("link:v0/feature/tx-scatter-gather", is("off"))]));
    comes_and_goes(
        &mut bench,
        &desired([
            ("link:v0/feature/tx-checksum-ip-generic", is("off")),
            ("link:v0/feature/tx-tcp-segmentation", is("off")),
            ("link:v0/feature/rx-gro", is("on")),
        ]),
    );
    // What was asked for and could not be had is asked for again.
    bench.kernel.set_link(&link("v0/feature/tx-scatter-gather"), on(false));
    let asked = Value::Switch { wanted: true, active: false };
    assert_eq!(bench.link("v0/feature/tx-tcp-segmentation"), asked);
    comes_and_goes(
        &mut bench,
        &desired([("link:v0/feature/tx-scatter-gather", is("on")), ("link:v0/feature/tx-tcp-segmentation", is("off"))]),
    );
    assert_eq!(bench.link("v0/feature/tx-tcp-segmentation"), asked);
}

#[test]
fn queues_that_go_have_their_steering_back_when_they_return() {
    let mut bench = bench(&[("v0", Device::veth(4))]);
    for (name, set) in [("rx-0/rps-cpus", "0"), ("rx-3/rps-cpus", "1-2"), ("tx-3/xps-cpus", "3")] {
        bench.kernel.set_link(&link(&format!("v0/queue/{name}")), cpus(set));
    }
    bench.kernel.set_link(&link("v0/queue/rx-2/rps-flow-cnt"), Value::Int(4096));
    comes_and_goes(&mut bench, &desired([("link:v0/channel/rx", is("2")), ("link:v0/channel/tx", is("1"))]));
    comes_and_goes(&mut bench, &desired([("link:v0/channel/rx", is("2")), ("link:v0/queue/rx-1/rps-cpus", is("0-3"))]));
}

#[test]
fn queues_that_come_with_a_plan_are_steered_by_it() {
    let mut bench = card();
    let set = desired([
        ("link:eth0/channel/combined", is("8")),
        ("link:eth0/queue/rx-7/rps-cpus", is("0-3")),
        ("link:eth0/queue/rx-0/rps-flow-cnt", is("1000")),
    ]);
    let before = values(&bench.kernel);
    bench.put_in_force(&set);
    assert_eq!(bench.link("eth0/queue/rx-7/rps-cpus"), cpus("0-3"));
    assert_eq!(bench.link("eth0/queue/rx-0/rps-flow-cnt"), Value::Int(1024));
    holds(&mut bench, &set);
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn what_the_driver_sets_along_is_taken_back() {
    let mut bench = bench(&[("eth0", Device::virtio())]);
    bench.kernel.set_link(&link("eth0/queue/tx-0/xps-cpus"), cpus("0-3"));
    comes_and_goes(&mut bench, &desired([("link:eth0/channel/combined", is("2"))]));
    comes_and_goes(
        &mut bench,
        &desired([("link:eth0/channel/combined", is("max")), ("link:eth0/queue/tx-0/xps-cpus", is("1"))]),
    );
}

#[test]
fn an_mtu_that_cuts_back_what_lies_above_gives_it_back() {
    let mut bench = bench(&[
        ("bond0", Device::bond()),
        ("eth0", Device::physical("igb").member_of("bond0")),
        ("eth1", Device::physical("igb").member_of("bond0")),
        ("bond0.5", Device::vlan_on("bond0")),
    ]);
    comes_and_goes(&mut bench, &desired([("link:bond0/mtu", is("1400"))]));
    comes_and_goes(&mut bench, &desired([("link:bond0/mtu", is("9000")), ("link:bond0.5/mtu", is("9000"))]));
    // Down again from what is high.
    for name in ["bond0/mtu", "bond0.5/mtu"] {
        bench.foreign_link(name, Value::Int(9000));
    }
    comes_and_goes(&mut bench, &desired([("link:bond0/mtu", is("1500"))]));
    comes_and_goes(&mut bench, &desired([("link:bond0/mtu", is("4000")), ("link:bond0.5/mtu", is("1500"))]));
}

#[test]
fn sizes_that_ipv4_follows_go_back_together() {
    let mut bench = card();
    bench.kernel.set_link(&link("eth0/gso-ipv4-max-size"), Value::Int(20_000));
    bench.kernel.set_link(&link("eth0/gro-max-size"), Value::Int(200_000));
    comes_and_goes(&mut bench, &desired([("link:eth0/gso-max-size", is("32768"))]));
    comes_and_goes(&mut bench, &desired([("link:eth0/gro-max-size", is("65536"))]));
    comes_and_goes(
        &mut bench,
        &desired([("link:eth0/gso-max-size", is("40000")), ("link:eth0/gso-ipv4-max-size", is("30000"))]),
    );
}

#[test]
fn what_merges_and_is_to_forward_has_both_back() {
    let mut bench = bench(&[("eth0", Device::physical("ixgbe"))]);
    let set = desired([("net.ipv4.ip_forward", is("1")), ("link:eth0/feature/rx-lro", is("off"))]);
    comes_and_goes(&mut bench, &set);
    assert_eq!(bench.link("eth0/feature/rx-lro"), on(true));
}

#[test]
fn a_refused_message_undoes_all_before_it() {
    let set = desired([
        ("link:eth0/mtu", is("9000")),
        ("net.core.somaxconn", is("8192")),
        ("link:eth0/channel/combined", is("8")),
        ("link:eth0/ring/rx", is("1024")),
        ("link:eth0/feature/rx-checksum", is("off")),
    ]);
    for nth in 1..=5 {
        for fault in [Fault::Fail(libc::EBUSY), Fault::Ignore] {
            let mut bench = card();
            let before = values(&bench.kernel);
            bench.kernel.fault_at_write(nth, fault);
            let finished = bench.apply(&set);
            is_undone(&finished, &bench, &before);
            bench.put_in_force(&set);
            bench.take_back();
            assert_eq!(differences(&before, &values(&bench.kernel)), []);
        }
    }
}

/// The value was taken, and the device is down for good: the next member of the bond is not touched, and the first goes back.
#[test]
fn a_member_of_a_bond_that_does_not_come_back_costs_no_other() {
    let member = || Device::physical("igb").member_of("bond0");
    let mut bench = bench(&[("bond0", Device::bond()), ("eth0", member()), ("eth1", member())]);
    let before = values(&bench.kernel);
    bench.kernel.lose_carrier(&link("eth0/ring/rx"));
    let set = desired([("link:eth0/ring/rx", is("1024")), ("link:eth1/ring/rx", is("1024"))]);
    let finished = bench.apply(&set);
    let Finished::Undone(failure) = &finished else { panic!("{finished:?}") };
    assert_eq!(failure.to_string(), "link:eth0/ring/rx: `1024` was taken, but after 20 s the link has not come back");
    is_undone(&finished, &bench, &before);
    assert_eq!(bench.sent(), [["eth0/ring/rx = 1024"], ["eth0/ring/rx = 512"]]);
    comes_and_goes(&mut bench, &set);
}

#[test]
fn a_driver_that_takes_a_value_and_holds_another_is_found_out() {
    let mut bench = card();
    let before = values(&bench.kernel);
    bench.kernel.fault_at_write(1, Fault::Store("700".into()));
    let finished = bench.apply(&desired([("link:eth0/ring/rx", is("2048"))]));
    let Finished::Undone(failure) = &finished else { panic!("{finished:?}") };
    assert_eq!(failure.to_string(), "link:eth0/ring/rx: the kernel accepted 2048 but holds 704");
    is_undone(&finished, &bench, &before);
}

#[test]
fn what_a_driver_rounds_is_as_wanted_and_goes_back() {
    for (driver, rounding, told, held) in [
        ("igb", Rounding::Up { step: 8, least: 80 }, "1001", 1008),
        ("ice", Rounding::Up { step: 32, least: 64 }, "1001", 1024),
        ("mlx5_core", Rounding::UpToPower, "1001", 1024),
        ("ena", Rounding::DownToPower, "1001", 512),
        ("vmxnet3", Rounding::Buffers, "1001", 1024),
        ("nobody_knows", Rounding::UpToPower, "1001", 1024),
    ] {
        let mut bench = bench(&[("eth0", Device::physical(driver).rounding(rounding))]);
        let set = desired([("link:eth0/ring/rx", is(told)), ("link:eth0/ring/tx", is("4096"))]);
        let before = values(&bench.kernel);
        bench.put_in_force(&set);
        assert_eq!(bench.link("eth0/ring/rx"), Value::Int(held), "{driver}");
        holds(&mut bench, &set);
        bench.take_back();
        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{driver}");
    }
}

/// Large packets take several buffers each, so the driver rounds otherwise, and rounds what it has with whatever is set.
#[test]
fn rings_that_fit_the_mtu_are_as_wanted_and_go_back() {
    for (settings, held) in [
        (vec![("link:eth0/mtu", "9000"), ("link:eth0/ring/rx", "2000")], 2016),
        (vec![("link:eth0/mtu", "9000"), ("link:eth0/ring/rx", "max")], 4032),
        (vec![("link:eth0/mtu", "9000"), ("link:eth0/ring/rx", "2000"), ("link:eth0/ring/tx", "1000")], 2016),
        (vec![("link:eth0/mtu", "9000"), ("link:eth0/ring/tx", "1000")], 576),
        (vec![("link:eth0/mtu", "9000")], 512),
        (vec![("link:eth0/ring/tx", "1000")], 512),
    ] {
        let set = desired(settings.iter().map(|(name, value)| (*name, is(value))));
        let mut bench = bench(&[("eth0", Device::physical("vmxnet3"))]);
        comes_and_goes(&mut bench, &set);
        bench.put_in_force(&set);
        assert_eq!(bench.link("eth0/ring/rx"), Value::Int(held), "{settings:?}");
    }
}

/// A device that was brought up with another MTU still rounds for that one: what it made then is no reason to set it again.
#[test]
fn a_ring_that_fits_another_mtu_is_as_wanted() {
    let mut bench = bench(&[("eth0", Device::physical("vmxnet3"))]);
    bench.kernel.set_link(&link("eth0/ring/rx"), Value::Int(576));
    let finished = bench.apply(&desired([("link:eth0/ring/rx", is("512")), ("link:eth0/ring/tx", is("512"))]));
    assert!(matches!(finished, Finished::Nothing), "{finished:?}");
}

#[test]
fn a_rounded_value_is_ours_though_the_run_died_before_it_was_read_back() {
    let mut bench = card();
    let before = values(&bench.kernel);
    for nth in 0.. {
        let died = bench.die_applying(&desired([("link:eth0/ring/rx", is("1001"))]), nth).is_none();
        bench.recover(Trials::Respect).unwrap();
        if !died {
            break;
        }
        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{nth}");
    }
    bench.take_back();
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn somebody_elses_value_between_plan_and_turn_makes_it_stale() {
    let mut bench = card();
    let set = desired([("link:eth0/mtu", is("9000")), ("link:eth0/ring/rx", is("1024"))]);
    // After the plan has read it, when the first is written.
    bench.kernel.before_write(1, Event::Link(link("eth0/ring/rx"), Value::Int(2048)));
    let finished = bench.apply(&set);
    let Finished::Undone(failure) = &finished else { panic!("{finished:?}") };
    assert!(failure.to_string().contains("stale"), "{failure}");
    assert_eq!(bench.link("eth0/ring/rx"), Value::Int(2048));
    assert_eq!(bench.link("eth0/mtu"), Value::Int(1500));
}

#[test]
fn somebody_elses_value_after_an_apply_is_a_conflict_and_stays() {
    let mut bench = card();
    bench.put_in_force(&desired([
        ("link:eth0/mtu", is("9000")),
        ("link:eth0/feature/rx-gro", is("off")),
        ("link:eth0/ring/rx", is("1001")),
    ]));
    bench.foreign_link("eth0/feature/rx-gro", on(true));
    bench.foreign_link("eth0/ring/rx", Value::Int(2048));
    bench.foreign_link("eth0/mtu", Value::Int(4000));
    let (plan, _) = bench.revert();
    let conflicts: Vec<String> = plan
        .findings
        .iter()
        .filter(|finding| finding.class == Class::Conflict)
        .filter_map(|finding| Some(finding.address.as_ref()?.local_name()))
        .collect();
    // What is back by itself is nobody's.
    assert_eq!(conflicts, ["eth0/mtu", "eth0/ring/rx"]);
    assert_eq!(bench.link("eth0/mtu"), Value::Int(4000));
    assert_eq!(bench.link("eth0/ring/rx"), Value::Int(2048));
}

#[test]
fn a_device_that_vanishes_before_its_turn_stops_the_apply() {
    for nth in 1..=2 {
        let mut bench = bench(&[("eth0", Device::physical("igb")), ("eth1", Device::physical("igb"))]);
        bench.kernel.before_write(nth, Event::Vanish("eth1".into()));
        let finished = bench.apply(&desired([("link:eth0/mtu", is("9000")), ("link:eth1/mtu", is("9000"))]));
        assert!(matches!(finished, Finished::Undone(_) | Finished::Incomplete(..)), "{finished:?}");
        assert_eq!(bench.link("eth0/mtu"), Value::Int(1500), "{nth}");
        assert!(bench.store().history.open.is_none());
        bench.take_back();
    }
}

#[test]
fn a_device_that_is_gone_is_pending_and_holds_nothing_up() {
    let mut bench = card();
    let set = desired([("link:eth0/mtu", is("9000")), ("link:eth9/mtu", is("9000"))]);
    let plan = bench.plan(&set);
    assert_eq!(plan.count(Class::Pending), 1);
    bench.put_in_force(&set);
    assert_eq!(bench.link("eth0/mtu"), Value::Int(9000));
}

#[test]
fn a_device_that_vanished_after_the_apply_keeps_no_revert_from_its_end() {
    let mut bench = bench(&[("eth0", Device::physical("igb")), ("eth1", Device::physical("igb"))]);
    bench.put_in_force(&desired([("link:eth0/ring/rx", is("1024")), ("link:eth1/mtu", is("9000"))]));
    bench.kernel.happen(Event::Vanish("eth0".into()));
    bench.take_back();
    assert_eq!(bench.link("eth1/mtu"), Value::Int(1500));
}

#[test]
fn a_device_is_followed_to_its_new_name() {
    let mut bench = card();
    let before = values(&bench.kernel);
    bench.put_in_force(&desired([
        ("link:eth0/ring/rx", is("1024")),
        ("link:eth0/feature/rx-gro", is("off")),
        ("net.ipv4.conf.eth0.rp_filter", is("2")),
    ]));
    bench.kernel.happen(Event::Rename("eth0".into(), "lan0".into()));
    bench.take_back();
    assert_eq!(bench.link("lan0/ring/rx"), Value::Int(512));
    bench.kernel.happen(Event::Rename("lan0".into(), "eth0".into()));
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_device_that_was_renamed_while_the_apply_was_dead_is_followed() {
    let set = desired([("link:eth0/mtu", is("9000")), ("link:eth0/ring/rx", is("1024"))]);
    for nth in 0.. {
        let mut bench = card();
        let before = values(&bench.kernel);
        let died = bench.die_applying(&set, nth).is_none();
        bench.kernel.happen(Event::Rename("eth0".into(), "lan0".into()));
        bench.recover(Trials::Respect).unwrap();
        if !died {
            bench.take_back();
        }
        bench.kernel.happen(Event::Rename("lan0".into(), "eth0".into()));
        assert_eq!(differences(&before, &values(&bench.kernel)), [], "{nth}");
        if !died {
            break;
        }
    }
}

#[test]
fn a_device_made_anew_under_an_old_name_owes_nothing() {
    let mut bench = card();
    let set = desired([("link:eth0/mtu", is("9000"))]);
    bench.put_in_force(&set);
    bench.kernel.happen(Event::Vanish("eth0".into()));
    bench.kernel.add_device("eth0", Device::physical("igb"));
    // By chance it has what trimtab gave to the other.
    bench.foreign_link("eth0/mtu", Value::Int(9000));
    bench.take_back();
    assert_eq!(bench.link("eth0/mtu"), Value::Int(9000));
}

#[test]
fn a_trial_of_links_ends_where_it_began() {
    let mut bench = bench(&[("v0", Device::veth(4))]);
    bench.kernel.set_link(&link("v0/queue/rx-3/rps-cpus"), cpus("0-3"));
    let before = values(&bench.kernel);
    let set = desired([
        ("link:v0/channel/rx", is("1")),
        ("link:v0/feature/tx-scatter-gather", is("off")),
        ("link:v0/mtu", is("1400")),
    ]);
    let finished =
        bench.try_out(&set, Duration::from_secs(60), &mut || Ok(Armed::Unit("trial.service".to_owned()))).unwrap();
    assert!(matches!(finished, Finished::Awaiting { writes: 3, .. }), "{finished:?}");
    assert!(matches!(bench.recover(Trials::Respect).unwrap(), Recovered::Awaiting { .. }));
    bench.kernel.happen(Event::Rename("v0".into(), "lan0".into()));
    bench.boottime += Duration::from_secs(61);
    let Recovered::Undone(undone) = bench.recover(Trials::Respect).unwrap() else { panic!() };
    assert!(undone.is_complete(), "{undone:?}");
    bench.kernel.happen(Event::Rename("lan0".into(), "v0".into()));
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
}

#[test]
fn a_setting_that_leaves_returns_and_one_that_stays_is_not_touched() {
    let mut bench = card();
    let kept = || ("link:eth0/ring/tx", is("1024"));
    bench.put_in_force(&desired([kept(), ("link:eth0/ring/rx", is("1001")), ("link:eth0/feature/rx-gro", is("off"))]));
    let sent = bench.sent().len();
    bench.put_in_force(&desired([kept()]));
    assert_eq!(bench.link("eth0/ring/rx"), Value::Int(512));
    assert_eq!(bench.link("eth0/feature/rx-gro"), on(true));
    let returned: Vec<String> = bench.sent().split_off(sent).concat();
    assert_eq!(returned, ["eth0/ring/rx = 512", "eth0/feature/rx-gro = on"]);
    assert_eq!(bench.store().history.held.keys().collect::<Vec<_>>(), [&address("link:eth0/ring/tx")]);
}

#[test]
fn ipv6_that_a_small_mtu_took_is_not_missed_at_the_revert() {
    let mut bench = bench(&[("eth0", Device::physical("igb"))]);
    bench.put_in_force(&desired([("net.ipv6.conf.eth0.accept_ra", is("2"))]));
    bench.put_in_force(&desired([("net.ipv6.conf.eth0.accept_ra", is("2")), ("net.core.somaxconn", is("5000"))]));
    bench.foreign_link("eth0/mtu", Value::Int(1000));
    assert_eq!(bench.kernel.text(&key("net.ipv6.conf.eth0.accept_ra")), None);
    bench.take_back();
    assert_eq!(bench.text("net.core.somaxconn"), "4096");
}

#[test]
fn one_switch_for_the_tags_of_both_directions_goes_back() {
    for before in [true, false] {
        let mut bench = card();
        bench.foreign_link("eth0/feature/rx-vlan-hw-parse", on(before));
        let all = values(&bench.kernel);
        let set = desired([("link:eth0/feature/rx-vlan-hw-parse", is(if before { "off" } else { "on" }))]);
        comes_and_goes(&mut bench, &set);
        bench.put_in_force(&set);
        bench.put_in_force(&Desired::default());
        assert_eq!(differences(&all, &values(&bench.kernel)), []);
        assert!(bench.store().history.held.is_empty());
    }
}

#[test]
fn a_death_between_a_change_of_queues_and_what_it_took_is_undone() {
    let fewer = desired([("link:eth0/channel/combined", is("1")), ("link:eth0/queue/tx-0/xps-cpus", is("1"))]);
    dies_everywhere("igb", None, &fewer);
    // This driver sets XPS anew whenever the number changes, to values that nobody foretells.
    let set =
        |count, cpus| desired([("link:eth0/channel/combined", is(count)), ("link:eth0/queue/tx-1/xps-cpus", is(cpus))]);
    for (count, cpus) in [("4", "0"), ("8", "none"), ("3", "none"), ("1", "0")] {
        dies_everywhere("virtio_net", Some(2), &set(count, cpus));
    }
}

#[track_caller]
fn dies_everywhere(driver: &'static str, channels: Option<i64>, set: &Desired) {
    let mut deaths = 0;
    for touch in 0..40 {
        for again in [0, 3, 6, 9, 12, 15, 30] {
            let device = if driver == "virtio_net" { Device::virtio() } else { Device::physical(driver) };
            let mut bench = bench(&[("eth0", device)]);
            match channels {
                Some(count) => bench.foreign_link("eth0/channel/combined", Value::Int(count)),
                None => bench.kernel.set_link(&link("eth0/queue/tx-0/xps-cpus"), cpus("2-3")),
            }
            let before = values(&bench.kernel);
            if bench.die_applying(set, touch).is_some() {
                continue;
            }
            deaths += 1;
            bench.die_recovering(again);
            bench.recover(Trials::Respect).unwrap();
            assert_eq!(differences(&before, &values(&bench.kernel)), [], "{touch} {again}");
        }
    }
    assert!(deaths > 20, "{deaths}");
}
