//! What a comparison has to say of interfaces that are not those any more that a set was put in force on.

use super::Applied;
use super::GaveWay;
use crate::address::Address;
use crate::interface_id::InterfaceId;
use crate::interface_id::InterfaceIds;
use crate::plan::Class;
use crate::plan::Finding;
use crate::plan::compare::Comparison;

/// The code of what the rules of each kind find where an interface is not there.
const NO_INTERFACE: &str = "no-interface";
/// It was there when the set was put in force.
const DEVICE_GONE: &str = "device-gone";
/// Something else is called so now.
const OTHER_DEVICE: &str = "another-device";

/// Tells of each setting whose interface was there when the set was put in force whether it is gone, and of each value that does
/// not hold whether that is another interface's. `now` are the interfaces that the set was followed to, `gave_way` what that
/// left behind.
pub fn tell_gone(comparison: &mut Comparison, applied: &Applied, gave_way: &[GaveWay], now: &InterfaceIds) {
    for finding in comparison.findings.iter_mut().filter(|finding| finding.code == NO_INTERFACE) {
        if let Some((name, id)) = finding.address.as_ref().and_then(|address| then(applied, address)) {
            finding.code = DEVICE_GONE.to_owned();
            finding.message = gone(name, id);
        }
    }
    for GaveWay { address, setting, of } in gave_way {
        let message = gone(address.interface().unwrap_or_default(), of);
        let finding = Finding::about(Class::Pending, DEVICE_GONE, address, message);
        comparison.findings.push(finding.with_origin(Some(&setting.origin)));
    }
    for mismatch in &comparison.mismatches {
        let Some((name, id)) = then(applied, &mismatch.address) else { continue };
        if now.get(name).is_some_and(|there| !id.is_no_other_than(there)) {
            let message = format!("this {name} is not the one that it was put in force on");
            comparison.findings.push(Finding::about(Class::Note, OTHER_DEVICE, &mismatch.address, message));
        }
    }
}

/// The interface of an address as the set was put in force on it.
fn then<'a>(applied: &'a Applied, address: &'a Address) -> Option<(&'a str, &'a InterfaceId)> {
    let name = address.interface()?;
    Some((name, applied.links.get(name)?))
}

fn gone(name: &str, id: &InterfaceId) -> String {
    match &id.permanent_address {
        Some(address) => {
            format!("the {name} that it was put in force on is not here; its permanent address is {address}")
        }
        None => format!("the {name} that it was put in force on is gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::applied;
    use super::super::tests::card;
    use super::super::tests::links;
    use super::super::tests::veth;
    use super::*;
    use crate::desired::Layer;
    use crate::desired::Origin;
    use crate::plan::compare::Mismatch;
    use crate::policy::Policy;
    use crate::policy::Scalar;
    use crate::policy::Wanted;
    use crate::value::Value;

    fn not_there(address: &str) -> Finding {
        Finding::about(Class::Pending, NO_INTERFACE, &address.parse().unwrap(), "there is no interface")
    }

    fn mismatch(address: &str) -> Mismatch {
        Mismatch {
            address: address.parse().unwrap(),
            policy: Policy::Value(Wanted::One(Scalar::Int(1400))),
            wanted: Value::Int(1400),
            found: Value::Int(1500),
            origin: Origin { layer: Layer::Profile, file: "p.toml".into(), line: 1, written_as: None },
        }
    }

    fn told(comparison: &Comparison) -> Vec<String> {
        let one = |finding: &Finding| {
            let address = finding.address.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {address}: {}", finding.class.word(), finding.code, finding.message)
        };
        comparison.findings.iter().map(one).collect()
    }

    #[test]
    fn who_went_is_told_from_who_was_never_there() {
        let set = applied(
            [("link:v0/mtu", 1400), ("link:eth0/mtu", 9000), ("link:v9/mtu", 1)],
            [("v0", veth(7)), ("eth0", card(2, 70))],
        );
        let findings = ["link:v0/mtu", "link:eth0/mtu", "link:v9/mtu"].map(not_there).to_vec();
        let mut comparison = Comparison { findings, ..Comparison::default() };
        tell_gone(&mut comparison, &set, &[], &links([]));
        assert_eq!(
            told(&comparison),
            [
                "pending device-gone link:v0/mtu: the v0 that it was put in force on is gone",
                "pending device-gone link:eth0/mtu: the eth0 that it was put in force on is not here; its permanent address is 52:54:00:00:00:01",
                "pending no-interface link:v9/mtu: there is no interface",
            ]
        );
    }

    #[test]
    fn what_gave_way_to_another_of_its_name_is_told() {
        let mut set =
            applied([("link:eth0/mtu", 9000), ("link:v1/mtu", 1300)], [("eth0", card(2, 70)), ("v1", veth(8))]);
        let now = links([("eth0", veth(8))]);
        let gave_way = set.follow(&now);
        let mut comparison = Comparison::default();
        tell_gone(&mut comparison, &set, &gave_way, &now);
        let said = told(&comparison);
        assert!(said.len() == 1 && said[0].starts_with("pending device-gone link:eth0/mtu: "), "{said:?}");
    }

    #[test]
    fn a_value_that_another_of_the_name_never_had_is_told_as_such() {
        let set = applied([("link:v0/mtu", 1400)], [("v0", veth(7))]);
        for (there, notes) in [(7, 0), (9, 1)] {
            let mut comparison = Comparison { mismatches: vec![mismatch("link:v0/mtu")], ..Comparison::default() };
            tell_gone(&mut comparison, &set, &[], &links([("v0", veth(there))]));
            assert_eq!(comparison.findings.len(), notes, "{:?}", told(&comparison));
        }
    }
}
