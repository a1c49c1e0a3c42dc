//! Taking back what was written, element by element, so that what others changed meanwhile stays. For every kind alike.

use super::TakeBack;
use crate::value::Ports;
use crate::value::Value;

/// What to write so that `now` loses what `ours` changed of `before`. `same` tells whether its second value is what the
/// kernel holds once the first was written.
pub fn take_back(before: &Value, ours: &[Value], now: &Value, same: &dyn Fn(&Value, &Value) -> bool) -> TakeBack {
    if same(before, now) {
        return TakeBack::Done;
    }
    if ours.iter().any(|value| same(value, now)) {
        return TakeBack::Write(before.clone());
    }
    match (before, now) {
        (Value::Ints(before), Value::Ints(now)) => vector(before, ours, now),
        (Value::Ports(before), Value::Ports(now)) => set(before, ours, now, Value::Ports),
        (Value::Cpus(before), Value::Cpus(now)) => set(before, ours, now, Value::Cpus),
        _ => TakeBack::Foreign,
    }
}

/// A vector write is not atomic and may stop half-way, and `keep` never touched its elements: each element that is
/// ours goes back, each that is not stays, and one that is neither ours nor the old one is somebody else's.
fn vector(before: &[i64], ours: &[Value], now: &[i64]) -> TakeBack {
    let wrote: Vec<&Vec<i64>> = ours
        .iter()
        .filter_map(|value| match value {
            Value::Ints(numbers) if numbers.len() == before.len() => Some(numbers),
            Value::Ints(_)
            | Value::Int(_)
            | Value::Ports(_)
            | Value::Words(_)
            | Value::Text(_)
            | Value::Switch { .. }
            | Value::Cpus(_)
            | Value::Tree(_)
            | Value::Secret => None,
        })
        .collect();
    if now.len() != before.len() || wrote.is_empty() {
        return TakeBack::Foreign;
    }
    let mut back = Vec::with_capacity(now.len());
    for (index, (old, current)) in before.iter().zip(now).enumerate() {
        let candidates: Vec<i64> = wrote.iter().filter_map(|numbers| numbers.get(index).copied()).collect();
        if current == old || candidates.iter().all(|number| number == old) {
            // Not ours to move: back already, or never written with another value.
            back.push(*current);
        } else if candidates.contains(current) {
            back.push(*old);
        } else {
            return TakeBack::Foreign;
        }
    }
    if back == now { TakeBack::Done } else { TakeBack::Write(Value::Ints(back)) }
}

/// A set goes back by members: those we added leave, those we removed return, those others added stay.
fn set(before: &Ports, ours: &[Value], now: &Ports, whole: fn(Ports) -> Value) -> TakeBack {
    let Some(wrote) = ours.iter().find_map(|value| match value {
        Value::Ports(set) | Value::Cpus(set) => Some(set),
        Value::Int(_)
        | Value::Ints(_)
        | Value::Words(_)
        | Value::Text(_)
        | Value::Switch { .. }
        | Value::Tree(_)
        | Value::Secret => None,
    }) else {
        return TakeBack::Foreign;
    };
    let added = wrote.minus(before);
    let removed = before.minus(wrote);
    let back = now.minus(&added).union(&removed);
    if back == *now { TakeBack::Done } else { TakeBack::Write(whole(back)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(before: Value, ours: Value, now: Value) -> TakeBack {
        take_back(&before, &[ours], &now, &|left, right| left == right)
    }

    fn ints(numbers: &[i64]) -> Value {
        Value::Ints(numbers.to_vec())
    }

    fn set(text: &str) -> Value {
        Value::Ports(Ports::parse(text).unwrap())
    }

    #[test]
    fn a_scalar_goes_back_only_if_it_is_ours() {
        assert_eq!(back(Value::Int(1), Value::Int(2), Value::Int(2)), TakeBack::Write(Value::Int(1)));
        assert_eq!(back(Value::Int(1), Value::Int(2), Value::Int(1)), TakeBack::Done);
        assert_eq!(back(Value::Int(1), Value::Int(2), Value::Int(3)), TakeBack::Foreign);
    }

    #[test]
    fn a_half_written_vector_goes_back_whole() {
        assert_eq!(back(ints(&[1, 2, 3]), ints(&[7, 8, 9]), ints(&[7, 8, 3])), TakeBack::Write(ints(&[1, 2, 3])));
    }

    #[test]
    fn an_element_we_kept_stays_as_others_left_it() {
        assert_eq!(back(ints(&[1, 2, 3]), ints(&[1, 2, 9]), ints(&[5, 2, 9])), TakeBack::Write(ints(&[5, 2, 3])));
    }

    #[test]
    fn a_foreign_value_in_an_element_of_ours_is_a_conflict() {
        assert_eq!(back(ints(&[1, 2, 3]), ints(&[1, 2, 9]), ints(&[1, 2, 8])), TakeBack::Foreign);
    }

    #[test]
    fn cpus_others_added_stay() {
        let cpus = |text| Value::Cpus(Ports::parse(text).unwrap());
        assert_eq!(back(cpus("0"), cpus("0-3"), cpus("0-3,7")), TakeBack::Write(cpus("0,7")));
        assert_eq!(back(cpus(""), cpus("0-3"), cpus("0-3")), TakeBack::Write(cpus("")));
    }

    #[test]
    fn ports_others_added_stay() {
        assert_eq!(back(set("80"), set("80,8080"), set("80,443,8080")), TakeBack::Write(set("80,443")));
        assert_eq!(back(set("80,81"), set("81"), set("81,99")), TakeBack::Write(set("80,81,99")));
    }
}
