//! Fights, retries and what is told of them; and any history against a model that only counts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::desired::Layer;
use crate::desired::Origin;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

const MINUTE: Duration = Duration::from_secs(60);
const BREAKER: Breaker = Breaker { reverts: 3, within: Duration::from_secs(600) };
const A: &str = "sysctl:net.core.somaxconn";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn seen(found: i64, on_drift: OnDrift, disrupts: Option<&str>) -> Event {
    let mismatch = Mismatch {
        address: address(A),
        policy: Policy::Value(Wanted::One(Scalar::Int(8192))),
        wanted: Value::Int(8192),
        found: Value::Int(found),
        origin: Origin { layer: Layer::Profile, file: "p.toml".into(), line: 1, written_as: None },
    };
    let seen = Seen { mismatch, on_drift, disrupts: disrupts.map(str::to_owned), writer: None, written_at: None };
    Event::Looked { seen: BTreeMap::from([(address(A), seen)]), holds: BTreeSet::new(), attempts: Vec::new() }
}

fn holds() -> Event {
    Event::Looked { seen: BTreeMap::new(), holds: BTreeSet::from([address(A)]), attempts: Vec::new() }
}

fn put_back() -> Event {
    Event::PutBack(BTreeSet::from([address(A)]))
}

/// What is told, and `+` for a put-back.
fn words(actions: &[Action]) -> Vec<String> {
    let word = |action: &Action| match action {
        Action::PutBack(_) => "+".to_owned(),
        Action::Tell(told) => format!("{:?}", told.what),
    };
    actions.iter().map(word).collect()
}

fn at(state: &mut State, event: Event, minutes: u32) -> Vec<String> {
    words(&step(state, event, Some(&BREAKER), MINUTE * minutes))
}

#[test]
fn a_drift_is_put_back_and_told_once() {
    let mut state = State::default();
    assert_eq!(at(&mut state, seen(1, OnDrift::Revert, None), 0), ["Drifted", "+"]);
    assert_eq!(at(&mut state, put_back(), 0), ["PutBack"]);
    assert!(at(&mut state, holds(), 1).is_empty());
    assert!(at(&mut state, holds(), 20).is_empty());
    assert_eq!(state, State::default(), "nothing is kept of it for ever");
}

#[test]
fn what_is_only_reported_is_told_again_only_when_it_changes() {
    let mut state = State::default();
    assert_eq!(at(&mut state, seen(1, OnDrift::Report, None), 0), ["Reported"]);
    assert!(at(&mut state, seen(1, OnDrift::Report, None), 1).is_empty());
    assert_eq!(at(&mut state, seen(2, OnDrift::Report, None), 2), ["Reported"]);
    assert_eq!(at(&mut state, holds(), 3), ["HoldsAgain"]);
    assert_eq!(at(&mut state, seen(2, OnDrift::Report, None), 3), ["Reported"]);
    let gone = Event::Looked { seen: BTreeMap::new(), holds: BTreeSet::new(), attempts: Vec::new() };
    assert!(at(&mut state, gone, 3).is_empty(), "what is not there does not hold");
    assert!(at(&mut state, seen(1, OnDrift::Ignore, None), 4).is_empty());
}

#[test]
fn traffic_is_disturbed_only_where_a_profile_says_so() {
    let mut state = State::default();
    let disrupts = Some("resets the link");
    let actions = step(&mut state, seen(1, OnDrift::RevertUnlessDisruptive, disrupts), Some(&BREAKER), MINUTE);
    let [Action::Tell(told)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((told.what, told.disrupts.as_deref()), (What::Reported, disrupts));
    assert_eq!(at(&mut state, seen(1, OnDrift::Revert, disrupts), 2), ["Drifted", "+"]);
    assert_eq!(at(&mut state, seen(1, OnDrift::RevertUnlessDisruptive, None), 3), ["Drifted", "+"]);
}

#[test]
fn a_fight_ends_contended_and_is_tried_again_ever_more_seldom() {
    let mut state = State::default();
    let mut pauses = Vec::new();
    let mut tried = Vec::new();
    for minute in 0..400 {
        for action in step(&mut state, seen(i64::from(minute), OnDrift::Revert, None), Some(&BREAKER), MINUTE * minute)
        {
            match action {
                Action::PutBack(_) => tried.push(minute),
                Action::Tell(told) => pauses.extend(told.retry_in.map(|left| (minute, left / 60))),
            }
        }
        step(&mut state, put_back(), Some(&BREAKER), MINUTE * minute);
    }
    assert_eq!(tried, [0, 1, 2, 13, 34, 75, 156, 317]);
    assert_eq!(pauses, [(3, 10), (14, 20), (35, 40), (76, 80), (157, 160), (318, 320)]);
    let left: Vec<Duration> = state.contended(MINUTE * 400).map(|(_, left)| left).collect();
    assert_eq!(left, [MINUTE * 238]);
    assert_eq!(state.next_retry(), Some(MINUTE * 638));
}

#[test]
fn who_gives_in_is_forgiven() {
    let mut state = State::default();
    for minute in 0..5 {
        at(&mut state, seen(1, OnDrift::Revert, None), minute);
    }
    assert_eq!(at(&mut state, holds(), 6), ["HoldsAgain"]);
    assert_eq!((state.contended(MINUTE * 6).count(), state.next_retry()), (0, None));
    assert!(at(&mut state, holds(), 30).is_empty());
    assert_eq!(state, State::default());
    assert_eq!(at(&mut state, seen(1, OnDrift::Revert, None), 31), ["Drifted", "+"]);
}

#[test]
fn without_a_breaker_every_drift_is_put_back() {
    let mut state = State::default();
    for second in 0..1000 {
        let actions = step(&mut state, seen(1, OnDrift::Revert, None), None, Duration::from_secs(second));
        assert_eq!(words(&actions), ["Drifted", "+"]);
    }
}

#[test]
fn what_cannot_be_put_back_is_not_tried_for_ever() {
    let mut state = State::default();
    let failed = || Event::NotPutBack(BTreeSet::from([address(A)]));
    let mut tried = 0;
    for minute in 0..10 {
        let actions = step(&mut state, seen(1, OnDrift::Revert, None), Some(&BREAKER), MINUTE * minute);
        if actions.contains(&Action::PutBack(BTreeSet::from([address(A)]))) {
            tried += 1;
            assert_eq!(at(&mut state, failed(), minute), ["NotPutBack"]);
        }
    }
    assert_eq!(tried, 3);
}

#[test]
fn writes_in_vain_are_told_apart_and_not_each_of_a_storm() {
    let attempt = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Attempt::of(&address(A), &texts, &Value::Int(8192), &Writer::default(), &Facts::default())
    };
    let what = |texts: &[&str]| attempt(texts).map(|attempt| (attempt.what, attempt.wrote.unwrap()));
    // The same in other words is nothing to speak of.
    assert_eq!(what(&["8192", "0x2000"]), None);
    assert_eq!(what(&[]), None);
    assert_eq!(what(&["abc"]), Some((What::Attempted, "abc".to_owned())));
    assert_eq!(what(&["8192", "1", "8192"]), Some((What::Transient, "1".to_owned())));
    assert_eq!(what(&["8192", "1"]), Some((What::Attempted, "1".to_owned())));
    let mut state = State::default();
    let event = || Event::Looked {
        seen: BTreeMap::new(),
        holds: BTreeSet::from([address(A)]),
        attempts: Vec::from_iter(attempt(&["1"])),
    };
    let mut at = |seconds| words(&step(&mut state, event(), Some(&BREAKER), Duration::from_secs(seconds)));
    assert_eq!((at(100), at(159)), (vec!["Attempted".to_owned()], Vec::new()));
    assert_eq!(at(160), ["Attempted"]);
    assert!(words(&step(&mut state, holds(), Some(&BREAKER), Duration::from_secs(400))).is_empty());
    assert_eq!(state, State::default(), "nothing is kept of it for ever");
}

#[test]
fn how_long_it_took_is_told_where_the_write_was_heard_of() {
    let mut state = State::default();
    let Event::Looked { mut seen, holds, attempts } = seen(1, OnDrift::Revert, None) else { panic!() };
    seen.values_mut().for_each(|seen| seen.written_at = Some(Duration::from_micros(500)));
    step(&mut state, Event::Looked { seen, holds, attempts }, None, Duration::from_micros(700));
    let actions = step(&mut state, put_back(), None, Duration::from_micros(1500));
    let [Action::Tell(told)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!(told.after_us, Some(1000));
}

proptest! {
    /// However an address drifts: never more attempts than the breaker allows in its time, but for one behind each pause; a
    /// pause is told with its end; and whoever drifts for the first time in long is put back at once.
    #[test]
    fn no_history_leads_to_an_endless_fight(looks in prop::collection::vec((1u64..400, any::<bool>()), 1..300)) {
        let mut state = State::default();
        let mut now = Duration::ZERO;
        let mut tried: Vec<Duration> = Vec::new();
        let mut quiet_since = Some(Duration::ZERO);
        for (wait, drifted) in looks {
            now += Duration::from_secs(wait);
            let event = if drifted { seen(1, OnDrift::Revert, None) } else { holds() };
            let actions = step(&mut state, event, Some(&BREAKER), now);
            let puts_back = actions.iter().any(|action| matches!(action, Action::PutBack(_)));
            prop_assert!(!puts_back || drifted);
            if puts_back {
                tried.push(now);
                step(&mut state, put_back(), Some(&BREAKER), now);
            }
            if drifted && !puts_back {
                prop_assert_eq!(state.contended(now).count(), 1);
                prop_assert!(state.next_retry().is_some_and(|retry| retry > now));
                prop_assert!(!tried.is_empty());
            }
            let recent = tried.iter().filter(|at| now - **at < BREAKER.within).count();
            prop_assert!(recent <= 4, "{recent} attempts within the time of the breaker");
            if drifted {
                // After a day of quiet nothing is held against it.
                if let Some(since) = quiet_since && now - since > Duration::from_secs(24 * 3600) {
                    prop_assert!(puts_back);
                }
                quiet_since = None;
            } else {
                quiet_since = quiet_since.or(Some(now));
            }
        }
    }
}
