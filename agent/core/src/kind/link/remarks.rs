//! What is worth saying of a wanted value in the final world.

use super::effects;
use super::features;
use super::queues;
use crate::address::Address;
use crate::address::LinkKey;
use crate::address::link::Direction;
use crate::address::link::LinkAttribute;
use crate::address::link::QueueAttribute;
use crate::kind::Remark;
use crate::kind::World;
use crate::value::Ports;
use crate::value::Value;

/// The remarks on one value.
pub fn remarks(key: &LinkKey, world: &World) -> Vec<Remark> {
    let Some(value) = world.likely(&Address::link(key.clone())) else { return Vec::new() };
    let remark = match (key.attribute(), value) {
        (LinkAttribute::Feature(name), Value::Switch { active: true, .. }) if name.as_str() == features::LRO => {
            merged_and_forwarded(key, world)
        }
        (LinkAttribute::Queue(queue), Value::Cpus(cpus)) if !cpus.ranges().is_empty() => match queue.attribute {
            QueueAttribute::RpsCpus => needless_steering(key, world).or_else(|| offline(cpus, world)),
            QueueAttribute::XpsCpus => offline(cpus, world),
            QueueAttribute::RpsFlowCnt | QueueAttribute::XpsRxqs => None,
        },
        (
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_),
            _,
        ) => None,
    };
    remark.into_iter().collect()
}

/// Merged packets cannot be sent on as they came (Documentation/networking/netdev-features.rst).
fn merged_and_forwarded(key: &LinkKey, world: &World) -> Option<Remark> {
    let forwards = world.likely(&effects::forwarding(key.interface())?)?.as_int()? != 0;
    forwards.then(|| Remark {
        code: "lro-and-forwarding",
        message: "packets that the device merges cannot be forwarded, and this interface forwards".to_owned(),
        advice: Some("set rx-lro = false; rx-gro does the same in a way that can be undone".to_owned()),
    })
}

/// Documentation/networking/scaling.rst: "For a multi-queue system, if RSS is configured so that a hardware receive queue
/// is mapped to each CPU, then RPS is probably redundant and unnecessary."
fn needless_steering(key: &LinkKey, world: &World) -> Option<Remark> {
    let queues = queues::now(key, Direction::Rx, world)?;
    let cpus = world.facts.int("host.cpus")?;
    (queues >= cpus && cpus > 1).then(|| Remark {
        code: "needless-rps",
        message: format!("it receives on {queues} queues and {cpus} CPUs are online: steering in software adds work"),
        advice: None,
    })
}

fn offline(cpus: &Ports, world: &World) -> Option<Remark> {
    let online = world.facts.int("host.cpus")?;
    let last = cpus.ranges().last().map(|(_, high)| i64::from(*high))?;
    (last >= online).then(|| Remark {
        code: "cpu-offline",
        message: format!("it names CPU {last}, and {online} CPUs are online"),
        advice: None,
    })
}
