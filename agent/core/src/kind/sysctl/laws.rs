//! Laws that hold for every key of the catalogue, on an idealised kernel: one that reads what [`encode`] gives, keeps
//! what [`stored`] says, and prints it as its handlers do.

use proptest::prelude::*;

use super::*;
use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Entry;
use crate::catalogue::ValueKind;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::observed::Reading;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::value::Ports;
use crate::value::Value;

/// What the kernel prints: vectors with tabs, everything else as it is written.
fn print(value: &Value) -> String {
    match value {
        Value::Ints(numbers) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join("\t"),
        Value::Words(words) => words.iter().rev().cloned().collect::<Vec<_>>().join(" "),
        Value::Int(_)
        | Value::Ports(_)
        | Value::Text(_)
        | Value::Switch { .. }
        | Value::Cpus(_)
        | Value::Tree(_)
        | Value::Secret => encode(&any_key(), value).trim_end_matches('\n').to_owned(),
    }
}

fn any_key() -> SysctlKey {
    "net.core.somaxconn".parse().unwrap()
}

fn read(key: &SysctlKey, text: String, facts: &Facts) -> Value {
    let observed = observe(key, &Reading::Text { text, writable: true }, facts);
    observed.value().cloned().unwrap_or_else(|| panic!("{observed:?}"))
}

fn key_of(entry: &Entry) -> SysctlKey {
    entry.pattern.replace('*', "eth0/100").parse().unwrap()
}

fn facts() -> impl Strategy<Value = Facts> {
    prop_oneof![Just(None), Just(Some(100)), Just(Some(250)), Just(Some(300)), Just(Some(1000))].prop_map(|hz| {
        let mut facts = Facts::default();
        if let Some(hz) = hz {
            facts.insert("host.hz", FactValue::Int(hz), "test");
        }
        facts
    })
}

fn numbers() -> impl Strategy<Value = Vec<i64>> {
    let one = prop_oneof![0..20_i64, 0..100_000_i64, 0..i64::from(u32::MAX), any::<i64>()];
    proptest::collection::vec(one, 3)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z][a-z0-9_]{0,5}", 1..4)
}

/// A value of the entry's kind.
fn value_of(entry: &Entry, numbers: &[i64], names: &[String]) -> Option<Value> {
    let key = key_of(entry);
    Some(match entry.kind {
        ValueKind::Int | ValueKind::Bool | ValueKind::Jiffies | ValueKind::Ms | ValueKind::UserHz => {
            Value::Int(numbers[0])
        }
        ValueKind::Vector(1) | ValueKind::UlongVector(1) => Value::Int(numbers[0]),
        ValueKind::Vector(n) | ValueKind::UlongVector(n) => Value::Ints(numbers[..n].to_vec()),
        ValueKind::Ports => Value::Ports(Ports::from_ranges(numbers.iter().map(|number| {
            let low = u16::try_from(number.rem_euclid(65_536)).unwrap();
            (low, low.saturating_add(u16::try_from(number.rem_euclid(7)).unwrap()))
        }))),
        ValueKind::Word | ValueKind::Text => Value::Text(names[0].clone()),
        ValueKind::Words => parse_wanted(&key, &Scalar::Text(names.join(" "))).unwrap(),
        ValueKind::CpuMask => parse_wanted(&key, &Scalar::Int(numbers[0].checked_abs().unwrap_or(0))).unwrap(),
        ValueKind::Secret | ValueKind::Action => return None,
    })
}

fn entry() -> impl Strategy<Value = &'static Entry> {
    (0..catalogue::entries().len()).prop_map(|index| &catalogue::entries()[index])
}

fn elements(entry: &Entry, numbers: &[i64], keep: u8) -> Option<Wanted> {
    let arity = entry.kind.arity()?;
    let element =
        |index: usize| if keep & (1 << index) == 0 { Element::Is(Scalar::Int(numbers[index])) } else { Element::Keep };
    Some(Wanted::Many((0..arity).map(element).collect()))
}

fn policies(entry: &Entry, numbers: &[i64], names: &[String], keep: u8) -> Vec<Policy> {
    let mut policies = Vec::new();
    if let Some(wanted) = elements(entry, numbers, keep) {
        let rotated: Vec<i64> = numbers.iter().map(|number| number.saturating_add(1000)).collect();
        let higher = elements(entry, &rotated, keep).unwrap();
        policies.push(Policy::Value(wanted.clone()));
        policies.push(Policy::AtLeast(wanted.clone()));
        policies.push(Policy::AtMost(wanted.clone()));
        policies.push(Policy::OneOf(vec![wanted.clone(), higher.clone()]));
        policies.push(Policy::Prefer(vec![higher.clone(), wanted.clone()]));
        policies.push(Policy::Between(wanted, higher));
    } else {
        let words: Vec<Wanted> = names.iter().map(|name| Wanted::One(Scalar::Text(name.clone()))).collect();
        policies.push(Policy::Value(words[0].clone()));
        policies.push(Policy::OneOf(words.clone()));
        policies.push(Policy::Prefer(words));
        policies.push(Policy::Includes(names.iter().cloned().map(Scalar::Text).collect()));
        policies.push(Policy::Includes(vec![Scalar::Int(numbers[0].rem_euclid(65_536))]));
    }
    policies
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_as_stored(entry in entry(), numbers in numbers(), names in names(), facts in facts()) {
        let key = key_of(entry);
        let Some(value) = value_of(entry, &numbers, &names) else { return Ok(()) };
        let text = encode(&key, &value);
        prop_assert!(!text.is_empty());
        let taken = parse_wanted(&key, &Scalar::Text(text)).unwrap();
        prop_assert_eq!(&taken, &value);
        let kept = stored(&key, &taken, &facts);
        let found = read(&key, print(&kept), &facts);
        prop_assert_eq!(&found, &kept);
        prop_assert!(equivalent(&key, &value, &found, &facts), "{} wanted {} found {}", key, value, found);
    }

    #[test]
    fn shown_values_are_read_as_written(entry in entry(), numbers in numbers(), names in names()) {
        let key = key_of(entry);
        let Some(value) = value_of(entry, &numbers, &names) else { return Ok(()) };
        prop_assert_eq!(parse_wanted(&key, &Scalar::Text(value.to_string())).unwrap(), value);
    }

    #[test]
    fn deciding_after_the_write_is_satisfied(
        entry in entry(), numbers in numbers(), live in numbers(), names in names(), others in names(), keep in 0..8_u8,
        facts in facts(),
    ) {
        let key = key_of(entry);
        let ctx = DecideContext { facts: &facts, kernel_version: None, available: Some(&names) };
        let current = value_of(entry, &live, &others).map(|value| stored(&key, &value, &facts));
        for policy in policies(entry, &numbers, &names, keep) {
            if let Decision::Write(value) = decide(&key, &policy, current.as_ref(), &ctx) {
                let kept = stored(&key, &value, &facts);
                // A range of groups that is none stands for nobody, and the element that was to be kept is gone with it.
                if key.is("net.ipv4.ping_group_range") && kept != value && keep != 0 {
                    continue;
                }
                let again = decide(&key, &policy, Some(&kept), &ctx);
                prop_assert_eq!(again, Decision::Satisfied, "{} {:?} wrote {} kept {}", key, policy, value, kept);
            }
        }
    }

    #[test]
    fn a_floor_never_lowers_and_a_ceiling_never_raises(
        entry in entry(), numbers in numbers(), live in numbers(), names in names(), keep in 0..8_u8, facts in facts(),
    ) {
        let key = key_of(entry);
        let ctx = DecideContext { facts: &facts, kernel_version: None, available: None };
        let (Some(current), Some(wanted)) = (value_of(entry, &live, &names), elements(entry, &numbers, keep)) else {
            return Ok(());
        };
        let list = |value: &Value| match value {
            Value::Int(number) => vec![*number],
            Value::Ints(numbers) => numbers.clone(),
            Value::Ports(_) | Value::Words(_) | Value::Text(_) | Value::Switch { .. } | Value::Cpus(_) | Value::Tree(_) | Value::Secret => panic!("{value}"),
        };
        let rank = |number: &i64| if entry.zero_is_unlimited && *number == 0 { i64::MAX } else { *number };
        for (policy, sign) in [(Policy::AtLeast(wanted.clone()), 1), (Policy::AtMost(wanted), -1)] {
            if let Decision::Write(value) = decide(&key, &policy, Some(&current), &ctx) {
                for (before, after) in list(&current).iter().zip(&list(&value)) {
                    let order = rank(after).cmp(&rank(before)) as i32;
                    prop_assert!(order * sign >= 0, "{} {:?}: {} became {}", key, policy, before, after);
                }
            }
        }
    }

}

proptest! {
    // Each case tries many policies; a suggestion measures the distance to every key.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(entry in entry(), text in ".{0,40}", other in "[ \t0-9a-fx,-]{0,30}", numbers in numbers()) {
        let facts = Facts::default();
        let ctx = DecideContext { facts: &facts, kernel_version: Some((6, 18)), available: None };
        let unknown: Option<SysctlKey> = text.parse().ok();
        for key in [Some(key_of(entry)), unknown, "net.vendor.x".parse().ok()].into_iter().flatten() {
            let _ = catalogue::suggest(&key);
            let _ = catalogue::canonical_key(&key);
            for text in [&text, &other] {
                let live = read(&key, text.clone(), &facts);
                let _ = encode(&key, &live);
                let _ = stored(&key, &live, &facts);
                let scalar = Scalar::Text(text.clone());
                let many = Wanted::Many(vec![Element::Is(scalar.clone()), Element::Keep, Element::Is(Scalar::Int(numbers[0]))]);
                for wanted in [Wanted::One(scalar.clone()), many, Wanted::Many(vec![])] {
                    for policy in [
                        Policy::Value(wanted.clone()),
                        Policy::AtLeast(wanted.clone()),
                        Policy::Between(wanted.clone(), Wanted::One(Scalar::Int(numbers[1]))),
                        Policy::Prefer(vec![wanted]),
                        Policy::Includes(vec![scalar.clone()]),
                    ] {
                        let _ = check(&key, &policy);
                        let _ = decide(&key, &policy, Some(&live), &ctx);
                    }
                }
            }
        }
    }
}
