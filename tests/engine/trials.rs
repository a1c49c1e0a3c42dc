//! Trials: in force for a while, and for good only if somebody says so.

use std::io;
use std::time::Duration;

use trimtab::engine::transaction;
use trimtab::engine::transaction::BeginError;
use trimtab::engine::transaction::Finished;
use trimtab::engine::transaction::Recovered;
use trimtab::engine::transaction::Trials;
use trimtab_core::desired::Desired;
use trimtab_kernel::Kernel;
use trimtab_kernel::fake::Fault;
use trimtab_kernel::timer::Armed;

use super::bench::Bench;
use super::bench::desired;
use super::bench::differences;
use super::bench::is;
use super::bench::values;

const SOMAXCONN: &str = "net.core.somaxconn";
const FORWARD: &str = "net.ipv4.ip_forward";
const WITHIN: Duration = Duration::from_secs(60);

fn old() -> Desired {
    desired([(SOMAXCONN, is("5000"))])
}

fn new() -> Desired {
    desired([(SOMAXCONN, is("8192")), (FORWARD, is("1"))])
}

fn tried() -> Bench {
    let mut bench = Bench::new();
    bench.put_in_force(&old());
    let finished = bench.try_out(&new(), WITHIN, &mut || Ok(Armed::Process { pid: 4711 })).unwrap();
    assert!(matches!(finished, Finished::Awaiting { writes: 2, confirm_by: 160_000 }), "{finished:?}");
    bench
}

#[test]
fn a_trial_is_left_alone_until_its_time_is_up() {
    let mut bench = tried();
    bench.boottime += Duration::from_millis(59_999);
    assert!(matches!(bench.recover(Trials::Respect).unwrap(), Recovered::Awaiting { confirm_by: 160_000 }));
    assert_eq!(bench.text(SOMAXCONN), "8192");
    assert_eq!(bench.store().applied.unwrap().desired, new());
    bench.boottime += Duration::from_millis(1);
    assert!(matches!(bench.recover(Trials::Respect).unwrap(), Recovered::Undone(_)));
    assert_eq!((bench.text(SOMAXCONN), bench.text(FORWARD)), ("5000", "0"));
    let store = bench.store();
    assert_eq!(store.applied.unwrap().desired, old());
    // The next boot is to know.
    assert_eq!(store.unconfirmed.unwrap().previous.unwrap().desired, old());
}

#[test]
fn a_confirmed_trial_stays_and_goes_back_to_the_originals() {
    let mut bench = tried();
    let mut store = bench.store();
    let mut ended = None;
    transaction::confirm(&mut store, &mut |trial| ended = trial.timer_pid).unwrap().unwrap();
    assert_eq!(ended, Some(4711));
    bench.boottime += 2 * WITHIN;
    assert!(matches!(bench.recover(Trials::End).unwrap(), Recovered::Nothing));
    let store = bench.store();
    assert!(store.unconfirmed.is_none());
    assert_eq!(store.applied.unwrap().desired, new());
    assert_eq!(bench.text(SOMAXCONN), "8192");
    bench.take_back();
    assert_eq!((bench.text(SOMAXCONN), bench.text(FORWARD)), ("4096", "0"));
}

#[test]
fn a_confirmation_knows_the_unit_that_keeps_the_time() {
    let mut bench = Bench::new();
    let unit = "trimtab-trial-1.service";
    bench.try_out(&new(), WITHIN, &mut || Ok(Armed::Unit(unit.to_owned()))).unwrap();
    let mut ended = None;
    transaction::confirm(&mut bench.store(), &mut |trial| ended = Some(trial.clone())).unwrap().unwrap();
    let ended = ended.unwrap();
    assert_eq!((ended.timer_unit.as_deref(), ended.timer_pid), (Some(unit), None));
}

#[test]
fn a_trial_that_ends_leaves_what_others_changed() {
    let mut bench = tried();
    bench.foreign(SOMAXCONN, "77");
    let Recovered::Undone(undone) = bench.recover(Trials::End).unwrap() else { panic!() };
    assert_eq!(undone.conflicts.len(), 1);
    assert_eq!((bench.text(SOMAXCONN), bench.text(FORWARD)), ("77", "0"));
    assert_eq!(bench.store().applied.unwrap().desired, old());
}

#[test]
fn a_timer_that_cannot_be_armed_stops_the_trial_before_its_first_write() {
    let mut bench = Bench::new();
    let before = values(&bench.kernel);
    let refused = bench.try_out(&new(), WITHIN, &mut || Err(io::Error::from_raw_os_error(libc::EAGAIN)));
    assert!(matches!(refused, Err(BeginError::Arm(_))), "{refused:?}");
    assert_eq!(differences(&before, &values(&bench.kernel)), []);
    let store = bench.store();
    assert!(store.history.open.is_none() && store.unconfirmed.is_none() && store.applied.is_none());
}

#[test]
fn a_trial_that_cannot_be_armed_does_not_hide_the_refused_one_before_it() {
    let mut bench = tried();
    bench.recover(Trials::End).unwrap();
    let refused = bench.store().unconfirmed.unwrap();
    let other = desired([(SOMAXCONN, is("6000"))]);
    bench.try_out(&other, WITHIN, &mut || Err(io::Error::from_raw_os_error(libc::EAGAIN))).unwrap_err();
    assert_eq!(bench.store().unconfirmed, Some(refused));
}

#[test]
fn a_trial_whose_write_fails_is_over_at_once() {
    let mut bench = Bench::new();
    bench.put_in_force(&old());
    bench.kernel.fault_at_write(3, Fault::Fail(libc::EIO));
    let finished = bench.try_out(&new(), WITHIN, &mut || Ok(Armed::Unit("trial.service".to_owned()))).unwrap();
    assert!(matches!(finished, Finished::Undone(_)), "{finished:?}");
    assert_eq!((bench.text(SOMAXCONN), bench.text(FORWARD)), ("5000", "0"));
    let store = bench.store();
    assert!(store.history.open.is_none());
    assert_eq!(store.applied.unwrap().desired, old());
}

#[test]
fn nothing_to_change_is_no_trial() {
    let mut bench = Bench::new();
    bench.put_in_force(&new());
    let finished = bench.try_out(&new(), WITHIN, &mut || panic!("armed")).unwrap();
    assert!(matches!(finished, Finished::Nothing), "{finished:?}");
}

#[test]
fn a_trial_open_at_a_reboot_is_known_to_the_next_boot_and_has_nothing_to_undo() {
    let mut bench = tried();
    // The same host after a power loss: the kernel's values are as at boot.
    let folder = bench.folder().to_owned();
    let mut next = Bench::new();
    next.move_state_to(&folder);
    let mut identity = next.kernel.identity().clone();
    identity.boot_id = "00000000-0000-4000-8000-000000000002".into();
    next.kernel.set_identity(identity);
    bench.move_state_to(std::path::Path::new("/nonexistent"));
    let store = next.store();
    assert!(store.in_force().is_none() && store.history.open.is_none() && store.history.held.is_empty());
    let trial = store.unconfirmed.unwrap();
    assert_eq!(trial.set.settings, trimtab_core::plan::saved::digest_of(&new()));
    assert_eq!(trial.previous.unwrap().desired, old());
    assert!(matches!(next.recover(Trials::Respect).unwrap(), Recovered::Nothing));
    assert_eq!(next.kernel.writes(), 0);
    // What is applied in this boot has originals of this boot.
    next.set(SOMAXCONN, "4000");
    next.put_in_force(&old());
    next.take_back();
    assert_eq!(next.text(SOMAXCONN), "4000");
}
