//! Why the kernel would refuse a value, found out before anything is written.

use super::features;
use super::limit;
use super::mtu;
use super::queues;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Device;
use crate::address::link::LinkAttribute;
use crate::kind::World;
use crate::value::Value;

/// The refusal in words, if this value would be refused in this world.
pub fn refusal(key: &LinkKey, to: &Value, world: &World) -> Option<String> {
    match (key.attribute(), to) {
        (attribute, Value::Int(to)) => bounds(key, *to, world).or_else(|| match attribute {
            LinkAttribute::Device(Device::Mtu) => mtu::refusal(key, *to, world),
            LinkAttribute::Channel(channel) if *to == 0 => {
                let other = queues::alternative(*channel)?;
                let none = world.likely(&Address::link(key.with(LinkAttribute::Channel(other))));
                matches!(none, None | Some(Value::Int(0)))
                    .then(|| "the device would have no queue to receive or to send".to_owned())
            }
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_) => None,
        }),
        (LinkAttribute::Feature(name), to) => features::refusal(key, name.as_str(), to, world),
        (LinkAttribute::Queue(_), Value::Cpus(cpus)) => {
            let possible = world.facts.int("host.cpus_possible")?;
            let last = cpus.ranges().last().map(|(_, high)| i64::from(*high))?;
            (last >= possible).then(|| format!("this host has no CPU {last}"))
        }
        (
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_),
            _,
        ) => None,
    }
}

/// What lies outside of what the device takes. Everything that is counted is counted from 0 in 32 bits.
fn bounds(key: &LinkKey, to: i64, world: &World) -> Option<String> {
    if let Some(most) = limit::most(key, world).filter(|most| to > *most) {
        return Some(match most {
            0 => "the device has none".to_owned(),
            most => format!("the device takes at most {most}"),
        });
    }
    if let Some(least) = limit::least(key, world).filter(|least| to < *least) {
        return Some(format!("the device takes at least {least}"));
    }
    (!(0..=i64::from(u32::MAX)).contains(&to)).then(|| "it is a number of 32 bits, from 0".to_owned())
}
