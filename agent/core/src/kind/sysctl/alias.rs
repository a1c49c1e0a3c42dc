//! Other names of the same kernel variable, and their units.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::policy::Element;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;

use super::canonical::number_of;

/// The canonical key of a setting and its policy in that key's unit: `neigh.eth0.base_reachable_time = 30` (seconds)
/// becomes `base_reachable_time_ms = 30000`.
///
/// # Errors
/// A value that is no integer or too big for the other unit, in words.
pub fn fold(key: &SysctlKey, policy: &Policy) -> Result<(SysctlKey, Policy), String> {
    let Some((canonical, factor)) = catalogue::alias(key) else { return Ok((key.clone(), policy.clone())) };
    if factor == 1 {
        return Ok((canonical, policy.clone()));
    }
    let one = |scalar: &Scalar| {
        let number = number_of(scalar).ok_or_else(|| format!("{key} takes an integer"))?;
        let scaled = number.checked_mul(factor).ok_or_else(|| format!("{key}: {number} is too big"))?;
        Ok(Scalar::Int(scaled))
    };
    let scaled = match policy {
        Policy::Value(wanted) => Policy::Value(each(wanted, &one)?),
        Policy::AtLeast(wanted) => Policy::AtLeast(each(wanted, &one)?),
        Policy::AtMost(wanted) => Policy::AtMost(each(wanted, &one)?),
        Policy::Between(low, high) => Policy::Between(each(low, &one)?, each(high, &one)?),
        Policy::OneOf(many) => Policy::OneOf(many.iter().map(|wanted| each(wanted, &one)).collect::<Result<_, _>>()?),
        Policy::Prefer(many) => Policy::Prefer(many.iter().map(|wanted| each(wanted, &one)).collect::<Result<_, _>>()?),
        Policy::Includes(members) => Policy::Includes(members.iter().map(one).collect::<Result<_, _>>()?),
    };
    Ok((canonical, scaled))
}

fn each(wanted: &Wanted, one: &dyn Fn(&Scalar) -> Result<Scalar, String>) -> Result<Wanted, String> {
    Ok(match wanted {
        Wanted::One(scalar) => Wanted::One(one(scalar)?),
        Wanted::Many(elements) => Wanted::Many(
            elements
                .iter()
                .map(|element| {
                    Ok(match element {
                        Element::Keep => Element::Keep,
                        Element::Is(scalar) => Element::Is(one(scalar)?),
                    })
                })
                .collect::<Result<_, String>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SysctlKey {
        text.parse().unwrap()
    }

    fn int(number: i64) -> Policy {
        Policy::Value(Wanted::One(Scalar::Int(number)))
    }

    #[test]
    fn a_twin_in_another_unit_takes_its_value_along() {
        assert_eq!(
            fold(&key("net.ipv4.neigh.eth0/100.base_reachable_time"), &int(30)).unwrap(),
            (key("net.ipv4.neigh.eth0/100.base_reachable_time_ms"), int(30_000))
        );
        assert_eq!(
            fold(&key("net.ipv4.neigh.lo.retrans_time"), &int(100)).unwrap(),
            (key("net.ipv4.neigh.lo.retrans_time_ms"), int(1000))
        );
        let floor = Policy::AtLeast(Wanted::One(Scalar::Text("0x10".into())));
        let folded = Policy::AtLeast(Wanted::One(Scalar::Int(16_000)));
        assert_eq!(fold(&key("net.ipv6.route.gc_min_interval"), &floor).unwrap().1, folded);
    }

    #[test]
    fn another_name_keeps_its_value_and_a_plain_key_everything() {
        assert_eq!(fold(&key("net.ipv4.conf.all.forwarding"), &int(1)).unwrap(), (key("net.ipv4.ip_forward"), int(1)));
        assert_eq!(fold(&key("net.core.somaxconn"), &int(1)).unwrap(), (key("net.core.somaxconn"), int(1)));
    }

    #[test]
    fn what_cannot_be_converted_is_an_error() {
        let neigh = key("net.ipv4.neigh.lo.base_reachable_time");
        assert!(fold(&neigh, &int(i64::MAX)).is_err());
        assert!(fold(&neigh, &Policy::Value(Wanted::One(Scalar::Text("soon".into())))).is_err());
    }
}
