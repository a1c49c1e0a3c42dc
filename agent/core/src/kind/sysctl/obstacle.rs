//! Why a sysctl cannot be had or written here, told apart so that each tells the user what to do.

use crate::address::SysctlKey;
use crate::catalogue;
use crate::catalogue::Scope;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::World;
use crate::observed::Observed;

/// The obstacle, if there is one.
pub fn obstacle(key: &SysctlKey, observed: &Observed, world: &World) -> Option<Obstacle> {
    match observed {
        Observed::Value { writable: true, .. } => None,
        Observed::Value { value: _, writable: false } => Some(read_only(key, world)),
        Observed::Absent => Some(absent(key, world)),
        Observed::Unsupported => Some(lacking("absent-key", "this kernel was built without it")),
        Observed::Denied => Some(Obstacle {
            class: ObstacleClass::Blocked,
            code: "permission",
            message: "this user may not read it".to_owned(),
            advice: Some("run as root, or with CAP_NET_ADMIN".to_owned()),
            module: None,
        }),
        Observed::WriteOnly => Some(blocked("write-only", "writing it is an action and leaves no state to compare")),
        Observed::Withheld => Some(blocked("secret", "it is a secret: trimtab neither reads nor writes it")),
        Observed::Failed { errno } => Some(blocked(
            "unreadable",
            &format!("reading it fails with errno {errno}; without its value nothing can be undone"),
        )),
    }
}

/// This kernel will never have it.
fn lacking(code: &'static str, message: &str) -> Obstacle {
    Obstacle { class: ObstacleClass::Lacking, ..blocked(code, message) }
}

fn blocked(code: &'static str, message: &str) -> Obstacle {
    Obstacle { class: ObstacleClass::Blocked, code, message: message.to_owned(), advice: None, module: None }
}

fn read_only(key: &SysctlKey, world: &World) -> Obstacle {
    if catalogue::scope(key) == Scope::GlobalReadOnly && !world.host.netns.initial {
        return global_only("one value for the whole host, read-only in this namespace");
    }
    blocked("read-only", "it cannot be written here: its mode lets nobody, or /proc/sys is mounted read-only")
}

fn global_only(message: &str) -> Obstacle {
    Obstacle {
        class: ObstacleClass::Note,
        code: "global-only",
        message: message.to_owned(),
        advice: Some("set it in the initial namespace".to_owned()),
        module: None,
    }
}

fn absent(key: &SysctlKey, world: &World) -> Obstacle {
    if let Some(interface) = key.interface()
        && interface != "all"
        && interface != "default"
    {
        return absent_on_interface(key, interface, world);
    }
    if !world.host.netns.initial && catalogue::scope(key) == Scope::Global {
        return global_only("lives in the initial namespace only");
    }
    let Some(entry) = catalogue::find(key) else {
        let near = catalogue::suggest(key).map(|near| format!("did you mean {near}?"));
        return Obstacle { advice: near, ..lacking("unknown-key", "this kernel has no such key") };
    };
    if let Some((major, minor)) = entry.removed
        && !world.kernel_before(i64::from(major), i64::from(minor))
    {
        return Obstacle {
            advice: entry.advice.map(str::to_owned),
            ..lacking("removed-key", &format!("Linux {major}.{minor} removed it"))
        };
    }
    if let Some((major, minor)) = entry.since
        && world.kernel_before(i64::from(major), i64::from(minor))
    {
        return lacking("newer-kernel", &format!("it exists since Linux {major}.{minor}"));
    }
    if let Some(module) = entry.module {
        return Obstacle {
            class: ObstacleClass::Pending,
            code: "module-not-loaded",
            message: format!("{module} is not loaded"),
            advice: Some(format!(
                "load it now with `modprobe {module}`, at boot with a line in /etc/modules-load.d, or say load-module = true"
            )),
            module: Some(module),
        };
    }
    lacking("absent-key", "this kernel was built without it")
}

fn absent_on_interface(key: &SysctlKey, interface: &str, world: &World) -> Obstacle {
    if !world.interfaces.contains(interface) {
        return Obstacle {
            class: ObstacleClass::Pending,
            code: "no-interface",
            message: format!("there is no interface {interface}"),
            advice: None,
            module: None,
        };
    }
    let ipv6 = key.segments().nth(1) == Some("ipv6");
    let is_known = catalogue::find(key).is_some();
    if ipv6 && is_known {
        return Obstacle {
            class: ObstacleClass::Pending,
            code: "no-ipv6",
            message: format!("{interface} has no IPv6 here, e.g. because its MTU is below 1280"),
            advice: None,
            module: None,
        };
    }
    // A key that is spelt right needs no suggestion.
    let near = if is_known { None } else { catalogue::suggest(key) };
    let near = near.map(|near| format!("did you mean {near}?"));
    Obstacle { advice: near, ..lacking("absent-key", "this kernel has no such key for an interface") }
}
