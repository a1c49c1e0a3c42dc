//! One kill at each fault point in turn, then a second one during the recovery.

use crate::bench::End;
use crate::bench::Values;
use crate::bench::is_as;
use crate::bench::is_open;
use crate::bench::killed;
use crate::bench::router;
use crate::bench::status;
use crate::bench::values;
use crate::bench::with_fault;
use crate::world::World;

/// Kills a command at each of its fault points; after each kill status must tell the truth, and `after` runs. Gives how
/// many points there were.
fn each_point(world: &World, what: &[&str], prepare: &dyn Fn(), after: &dyn Fn(&str)) -> u32 {
    for hit in 1.. {
        prepare();
        let point = format!("{} killed at *:{hit}", what[0]);
        let end = with_fault(world, &format!("*:{hit}"), what);
        let told = status(world);
        let on_trial = !told["trial"].is_null();
        assert_eq!(told["unfinished"].as_bool().unwrap() || on_trial, is_open(world), "{point}: {told:#}");
        after(&point);
        if let End::Told(told) = end {
            assert!(matches!(told.code, 0 | 5), "{told:?}");
            return hit - 1;
        }
    }
    0
}

fn reverts(world: &World, before: &Values, point: &str) {
    world.trimtab(&["revert"]).exits(0);
    is_as(world, before, point);
    let told = status(world);
    assert!(told["in_force"].is_null() && told["unfinished"] == false && told["held"] == 0, "{point}: {told:#}");
}

#[test]
fn an_apply_killed_anywhere_is_reverted_whole() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let points = each_point(&world, &["apply", "wide"], &|| {}, &|point: &str| reverts(&world, &before, point));
    // Two for each write, and more around them.
    assert!(points > 30, "only {points} points");
}

#[test]
fn an_apply_killed_anywhere_is_applied_again_with_the_right_originals() {
    let Some(world) = router() else { return };
    let before = values(&world);
    world.trimtab(&["apply", "narrow"]).exits(0);
    let wanted = values(&world);
    world.trimtab(&["revert"]).exits(0);
    each_point(&world, &["apply", "narrow"], &|| {}, &|point: &str| {
        world.trimtab(&["apply", "narrow"]).exits(0);
        is_as(&world, &wanted, point);
        world.trimtab(&["apply", "narrow"]).exits(0).says(&["nothing written"]);
        reverts(&world, &before, point);
    });
}

#[test]
fn a_change_of_roles_killed_anywhere_is_reverted_whole() {
    let Some(world) = router() else { return };
    let before = values(&world);
    // What is wanted by both stays, what only one wants comes or goes.
    world.profile("other", "[sysctl]\nnet.ipv4.conf.all.forwarding = 1\nnet.ipv4.tcp_fin_timeout = 30\n");
    let prepare = || {
        world.trimtab(&["apply", "narrow"]).exits(0);
    };
    each_point(&world, &["apply", "other"], &prepare, &|point: &str| reverts(&world, &before, point));
}

#[test]
fn a_revert_killed_anywhere_is_reverted_whole() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let prepare = || {
        world.trimtab(&["apply", "wide"]).exits(0);
    };
    let points = each_point(&world, &["revert"], &prepare, &|point: &str| reverts(&world, &before, point));
    assert!(points > 30, "only {points} points");
}

#[test]
fn a_trial_killed_anywhere_is_reverted_whole() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let trial = ["apply", "narrow", "--confirm-within", "3s"];
    each_point(&world, &trial, &|| {}, &|point: &str| reverts(&world, &before, point));
    crate::timers::none_is_left(&world);
    is_as(&world, &before, "when every timer has run out");
}

#[test]
fn a_confirmation_killed_anywhere_can_be_given_again() {
    let Some(world) = router() else { return };
    let before = values(&world);
    let prepare = || {
        world.trimtab(&["apply", "narrow", "--confirm-within", "1m"]).exits(5);
    };
    let points = each_point(&world, &["confirm"], &prepare, &|point: &str| {
        if is_open(&world) {
            world.trimtab(&["confirm"]).exits(0);
        } else {
            // The journal has it: nothing awaits a confirmation any more.
            world.trimtab(&["confirm"]).exits(1);
        }
        let told = status(&world);
        assert!(told["trial"].is_null() && told["unconfirmed"].is_null(), "{point}: {told:#}");
        assert_eq!(told["in_force"]["roles"][0], "narrow", "{point}");
        world.trimtab(&["verify"]).exits(0);
        reverts(&world, &before, point);
    });
    assert!(points > 3, "only {points} points");
    crate::timers::none_is_left(&world);
}

#[test]
fn a_recovery_killed_anywhere_is_recovered_from() {
    let Some(world) = router() else { return };
    let before = values(&world);
    // From nothing written yet to all of it.
    for (first, verb) in [
        ("begun:1", &["revert"][..]),
        ("written:1", &["apply", "narrow"]),
        ("written:2", &["revert"]),
        ("settled:1", &["apply", "narrow"]),
        ("in-force:1", &["revert"]),
    ] {
        let prepare = || killed(&world, first, &["apply", "narrow"]);
        each_point(&world, verb, &prepare, &|point: &str| {
            reverts(&world, &before, &format!("apply killed at {first}, then {point}"));
        });
    }
}
