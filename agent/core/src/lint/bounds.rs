//! What a policy lets a number be.

use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

/// The least that a policy demands of an element, if it demands anything.
pub(super) fn least(policy: &Policy, index: usize) -> Option<i64> {
    match policy {
        Policy::Value(wanted) | Policy::AtLeast(wanted) | Policy::Between(wanted, _) => element(wanted, index),
        Policy::OneOf(all) | Policy::Prefer(all) => all.iter().filter_map(|wanted| element(wanted, index)).min(),
        Policy::AtMost(_) | Policy::Includes(_) => None,
    }
}

/// The most that a policy allows an element, if it sets a limit: what may lower a live value.
pub(super) fn most(policy: &Policy, index: usize) -> Option<i64> {
    match policy {
        Policy::Value(wanted) | Policy::AtMost(wanted) | Policy::Between(_, wanted) => element(wanted, index),
        Policy::OneOf(all) | Policy::Prefer(all) => all.iter().filter_map(|wanted| element(wanted, index)).max(),
        Policy::AtLeast(_) | Policy::Includes(_) => None,
    }
}

/// Whether every way to satisfy a policy makes its first element one of these numbers.
pub(super) fn only(policy: &Policy, numbers: &[i64]) -> bool {
    let is_one = |wanted: &Wanted| element(wanted, 0).is_some_and(|number| numbers.contains(&number));
    match policy {
        Policy::Value(wanted) => is_one(wanted),
        Policy::OneOf(all) | Policy::Prefer(all) => !all.is_empty() && all.iter().all(is_one),
        Policy::Between(low, high) => low == high && is_one(low),
        Policy::AtLeast(_) | Policy::AtMost(_) | Policy::Includes(_) => false,
    }
}

/// What the first element will be, given what it is; unknown if the policy depends on the live value and that is not
/// known.
pub(super) fn settles_at(policy: &Policy, live: Option<i64>) -> Option<i64> {
    match policy {
        Policy::Value(wanted) => element(wanted, 0),
        Policy::AtLeast(wanted) => Some(live?.max(element(wanted, 0)?)),
        Policy::AtMost(wanted) => Some(live?.min(element(wanted, 0)?)),
        Policy::Between(low, high) => Some(live?.max(element(low, 0)?).min(element(high, 0)?)),
        Policy::OneOf(all) => {
            let live = live?;
            let numbers: Vec<i64> = all.iter().filter_map(|wanted| element(wanted, 0)).collect();
            if numbers.contains(&live) { Some(live) } else { numbers.first().copied() }
        }
        Policy::Prefer(all) => all.first().and_then(|wanted| element(wanted, 0)),
        Policy::Includes(_) => None,
    }
}

/// One number of a wanted value; a text may hold several, as in sysctl.conf.
fn element(wanted: &Wanted, index: usize) -> Option<i64> {
    match wanted {
        Wanted::One(Scalar::Int(number)) => (index == 0).then_some(*number),
        Wanted::One(Scalar::Text(text)) => text.split_ascii_whitespace().nth(index)?.parse().ok(),
        Wanted::Many(elements) => match elements.get(index)? {
            Element::Is(Scalar::Int(number)) => Some(*number),
            Element::Is(Scalar::Text(text)) => text.trim().parse().ok(),
            Element::Keep => None,
        },
        Wanted::Tree(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(number: i64) -> Wanted {
        Wanted::One(Scalar::Int(number))
    }

    #[test]
    fn a_floor_demands_and_a_ceiling_allows() {
        assert_eq!((least(&Policy::AtLeast(one(5)), 0), most(&Policy::AtLeast(one(5)), 0)), (Some(5), None));
        assert_eq!((least(&Policy::AtMost(one(5)), 0), most(&Policy::AtMost(one(5)), 0)), (None, Some(5)));
        let between = Policy::Between(one(1), one(3));
        assert_eq!((least(&between, 0), most(&between, 0)), (Some(1), Some(3)));
        let some = Policy::OneOf(vec![one(2), one(0)]);
        assert_eq!((least(&some, 0), most(&some, 0)), (Some(0), Some(2)));
    }

    #[test]
    fn elements_are_found_in_texts_and_kept_ones_are_not() {
        let text = Policy::Value(Wanted::One(Scalar::Text("4096 131072\t6291456".into())));
        assert_eq!(most(&text, 2), Some(6_291_456));
        assert_eq!(most(&text, 3), None);
        let kept = Policy::Value(Wanted::Many(vec![Element::Keep, Element::Is(Scalar::Int(7))]));
        assert_eq!((most(&kept, 0), most(&kept, 1)), (None, Some(7)));
    }

    #[test]
    fn what_a_policy_settles_at_depends_on_what_is_there() {
        assert_eq!(settles_at(&Policy::Value(one(5)), None), Some(5));
        assert_eq!(settles_at(&Policy::AtLeast(one(5)), Some(7)), Some(7));
        assert_eq!(settles_at(&Policy::AtLeast(one(5)), None), None);
        assert_eq!(settles_at(&Policy::OneOf(vec![one(2), one(0)]), Some(0)), Some(0));
        assert_eq!(settles_at(&Policy::OneOf(vec![one(2), one(0)]), Some(1)), Some(2));
        assert_eq!(settles_at(&Policy::Between(one(1), one(3)), Some(9)), Some(3));
    }
}
