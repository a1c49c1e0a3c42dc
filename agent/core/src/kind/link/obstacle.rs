//! Why a value of a link cannot be had or written, told apart so that each tells the user what to do.

use crate::address::LinkKey;
use crate::address::link::LinkAttribute;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::World;
use crate::observed::Observed;

/// `ENETDOWN` of include/uapi/asm-generic/errno.h: some drivers only answer while the link is up.
const ENETDOWN: i32 = 100;

/// The obstacle, if there is one.
pub fn obstacle(key: &LinkKey, observed: &Observed, world: &World) -> Option<Obstacle> {
    let interface = key.interface();
    match observed {
        Observed::Value { writable: true, .. } => None,
        Observed::Value { writable: false, .. } => Some(match key.attribute() {
            LinkAttribute::Feature(_) => {
                new(ObstacleClass::Lacking, "fixed", format!("the driver of {interface} cannot change it"))
            }
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_)
            | LinkAttribute::Queue(_) => new(ObstacleClass::Blocked, "read-only", "it only tells, and cannot be set"),
        }),
        Observed::Absent if !world.interfaces.contains(interface) => {
            Some(new(ObstacleClass::Pending, "no-interface", format!("there is no interface {interface}")))
        }
        Observed::Absent => Some(match key.attribute() {
            LinkAttribute::Queue(_) => {
                new(ObstacleClass::Pending, "no-queue", format!("{interface} has no such queue now"))
            }
            LinkAttribute::Device(_)
            | LinkAttribute::Channel(_)
            | LinkAttribute::Ring(_)
            | LinkAttribute::Feature(_)
            | LinkAttribute::Coalesce(_)
            | LinkAttribute::Pause(_) => new(ObstacleClass::Lacking, "newer-kernel", "this kernel has no such value"),
        }),
        Observed::Unsupported => {
            Some(new(ObstacleClass::Lacking, "unsupported", format!("the driver of {interface} does not support it")))
        }
        Observed::Denied => Some(Obstacle {
            advice: Some("run as root, or with CAP_NET_ADMIN".to_owned()),
            ..new(ObstacleClass::Blocked, "permission", "this user may not read it")
        }),
        Observed::Failed { errno: ENETDOWN } => Some(Obstacle {
            advice: Some(format!("it is set as soon as {interface} is up")),
            ..new(ObstacleClass::Pending, "needs-link-up", "the driver tells it only while the link is up")
        }),
        Observed::Failed { errno } => Some(new(
            ObstacleClass::Blocked,
            "unreadable",
            format!("reading it fails with errno {errno}; without its value nothing can be undone"),
        )),
        Observed::WriteOnly | Observed::Withheld => {
            Some(new(ObstacleClass::Blocked, "unreadable", "it cannot be read"))
        }
    }
}

fn new(class: ObstacleClass, code: &'static str, message: impl Into<String>) -> Obstacle {
    Obstacle { class, code, message: message.into(), advice: None }
}
