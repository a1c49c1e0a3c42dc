//! Why a value of a link cannot be had or written, told apart so that each tells the user what to do.

use super::queues;
use crate::address::LinkKey;
use crate::address::link::Direction;
use crate::address::link::FeatureName;
use crate::address::link::LinkAttribute;
use crate::address::link::Queue;
use crate::address::link::feature;
use crate::diagnostic::suggest;
use crate::features;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::World;
use crate::observed::Observed;

/// `ENODEV`: the device went away while it was read.
const ENODEV: i32 = 19;
/// `ENETDOWN` of include/uapi/asm-generic/errno.h: some drivers only answer while the link is up.
const ENETDOWN: i32 = 100;

/// The obstacle, if there is one.
pub fn obstacle(key: &LinkKey, observed: &Observed, world: &World) -> Option<Obstacle> {
    let interface = key.interface();
    match observed {
        Observed::Value { writable: true, .. } => leaving(key, world),
        Observed::Value { writable: false, .. } => Some(match key.attribute() {
            LinkAttribute::Feature(_) => lacking("fixed", "the driver cannot change it"),
            attribute if attribute.is_read_only() => blocked("read-only", "it only tells, and cannot be set"),
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_) => lacking("fixed", "the device lets nobody change it"),
        }),
        Observed::Absent if !world.interfaces.contains(interface) => Some(gone(interface)),
        Observed::Absent => absent(key, world),
        Observed::Unsupported if sends_from_one(key) => {
            Some(lacking("single-queue", "the device sends from one queue, so there is nothing to choose"))
        }
        Observed::Unsupported => Some(lacking("unsupported", "the driver does not support it")),
        Observed::Denied => Some(Obstacle {
            advice: Some("run as root, or with CAP_NET_ADMIN".to_owned()),
            ..blocked("permission", "this user may not read it")
        }),
        Observed::Failed { errno: ENETDOWN } => Some(Obstacle {
            advice: Some(format!("bring {interface} up, then apply again")),
            ..pending("needs-link-up", "the driver tells it only while the link is up")
        }),
        Observed::Failed { errno: ENODEV } => Some(gone(interface)),
        Observed::Failed { errno } => Some(blocked(
            "unreadable",
            format!("reading it fails with errno {errno}; without its value nothing can be undone"),
        )),
        Observed::WriteOnly | Observed::Withheld => Some(blocked("unreadable", "it cannot be read")),
    }
}

/// Of a device with one queue, XPS is there and has no value (net/core/net-sysfs.c `xps_cpus_show`).
fn sends_from_one(key: &LinkKey) -> bool {
    matches!(key.attribute(), LinkAttribute::Queue(queue) if queue.attribute.direction() == Direction::Tx)
}

/// A queue that goes with this plan.
pub fn leaving(key: &LinkKey, world: &World) -> Option<Obstacle> {
    let LinkAttribute::Queue(queue) = key.attribute() else { return None };
    let count = queues::planned(key, queue.attribute.direction(), world)?;
    (i64::from(queue.index) >= count).then(|| no_queue(key, *queue, &format!("will have {count}")))
}

fn absent(key: &LinkKey, world: &World) -> Option<Obstacle> {
    match key.attribute() {
        LinkAttribute::Queue(queue) if queues::appears(key, *queue, world).is_some() => None,
        LinkAttribute::Queue(queue) => Some(no_queue(key, *queue, "does not have it now")),
        LinkAttribute::Feature(name) => Some(unknown_feature(name)),
        LinkAttribute::Device(_)
        | LinkAttribute::Channel(_)
        | LinkAttribute::Ring(_)
        | LinkAttribute::Coalesce(_)
        | LinkAttribute::Pause(_) => Some(lacking("newer-kernel", "this kernel has no such value")),
    }
}

fn no_queue(key: &LinkKey, queue: Queue, why: &str) -> Obstacle {
    let direction = queue.attribute.direction().word();
    let message = format!("there is no queue {direction}-{}: {} {why}", queue.index, key.interface());
    Obstacle {
        advice: Some("the number of queues is channels.combined, or channels.rx and channels.tx".to_owned()),
        ..pending("no-queue", message)
    }
}

fn unknown_feature(name: &FeatureName) -> Obstacle {
    if name.meaning().is_some() || features::is_known(name.as_str()) {
        return lacking("newer-kernel", "this kernel has no such feature");
    }
    let near = suggest(name.as_str(), feature::KNOWN.iter().map(|(known, _)| *known));
    Obstacle {
        advice: near.map(|near| format!("did you mean {near}?")),
        ..lacking("unknown-feature", "no feature of this kernel has that name")
    }
}

fn gone(interface: &str) -> Obstacle {
    pending("no-interface", format!("there is no interface {interface}"))
}

fn pending(code: &'static str, message: impl Into<String>) -> Obstacle {
    new(ObstacleClass::Pending, code, message)
}

fn blocked(code: &'static str, message: impl Into<String>) -> Obstacle {
    new(ObstacleClass::Blocked, code, message)
}

/// This kernel or device will never have it.
fn lacking(code: &'static str, message: impl Into<String>) -> Obstacle {
    new(ObstacleClass::Lacking, code, message)
}

fn new(class: ObstacleClass, code: &'static str, message: impl Into<String>) -> Obstacle {
    Obstacle { class, code, message: message.into(), advice: None, module: None }
}
