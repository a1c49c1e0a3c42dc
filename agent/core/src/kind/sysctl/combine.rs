//! How `conf.all.X` and `conf.IFACE.X` combine when the kernel uses them.
//!
//! A value can be stored as wanted and yet be void, because the kernel looks at the combination. The macros are in
//! include/linux/inetdevice.h: `IN_DEV_MAXCONF`, `IN_DEV_ORCONF`, `IN_DEV_ANDCONF`.

use crate::address::Address;
use crate::address::SysctlKey;
use crate::kind::Remark;
use crate::kind::World;

/// How the two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logic {
    Max,
    Or,
    And,
}

impl Logic {
    fn word(self) -> &'static str {
        match self {
            Logic::Max => "the greater of",
            Logic::Or => "either of",
            Logic::And => "both of",
        }
    }

    fn combine(self, all: i64, own: i64) -> i64 {
        match self {
            Logic::Max => all.max(own),
            Logic::Or => i64::from(all != 0 || own != 0),
            Logic::And => i64::from(all != 0 && own != 0),
        }
    }
}

const MAX: &[&str] = &["rp_filter", "arp_announce", "arp_ignore", "arp_notify", "arp_accept"];
const OR: &[&str] = &[
    "send_redirects",
    "secure_redirects",
    "shared_media",
    "log_martians",
    "proxy_arp",
    "proxy_arp_pvlan",
    "accept_local",
    "route_localnet",
    "src_valid_mark",
    "arp_filter",
    "promote_secondaries",
    "ignore_routes_with_linkdown",
];
const AND: &[&str] = &["accept_source_route", "mc_forwarding", "bc_forwarding", "bootp_relay", "arp_evict_nocarrier"];

fn logic(name: &str, forwarding: bool) -> Option<Logic> {
    if name == "accept_redirects" {
        // Not a fixed rule: a router needs both, a host either (IN_DEV_RX_REDIRECTS).
        return Some(if forwarding { Logic::And } else { Logic::Or });
    }
    [(MAX, Logic::Max), (OR, Logic::Or), (AND, Logic::And)]
        .into_iter()
        .find_map(|(names, logic)| names.contains(&name).then_some(logic))
}

/// The `conf.all` twin that decides over this interface's value too, if there is one.
pub fn decider(key: &SysctlKey) -> Option<SysctlKey> {
    let (interface, name) = combined(key)?;
    logic(name, false)?;
    if interface == "all" || interface == "default" { None } else { key.with_interface("all") }
}

/// Whether an interface forwards decides how redirects combine.
pub fn forwarding_of(key: &SysctlKey) -> Option<SysctlKey> {
    let (interface, name) = combined(key)?;
    if name != "accept_redirects" || interface == "all" || interface == "default" {
        return None;
    }
    SysctlKey::from_segments(["net", "ipv4", "conf", interface, "forwarding"]).ok()
}

fn combined(key: &SysctlKey) -> Option<(&str, &str)> {
    let is_conf = key.path().starts_with("net/ipv4/conf/");
    is_conf.then(|| key.interface()).flatten().map(|interface| (interface, key.name()))
}

/// What to say of a wanted interface value that the combination makes void.
pub fn remark(key: &SysctlKey, world: &World) -> Option<Remark> {
    let (_, name) = combined(key)?;
    let all = decider(key)?;
    let number = |key: &SysctlKey| world.likely(&Address::sysctl(key.clone()))?.as_int();
    let forwards = forwarding_of(key).and_then(|key| number(&key)).is_some_and(|on| on != 0);
    let logic = logic(name, forwards)?;
    let (own, general) = (number(key)?, number(&all)?);
    let effective = logic.combine(general, own);
    // Equal as the kernel uses them: as numbers for the greater of two, as switches otherwise.
    let void = match logic {
        Logic::Max => effective != own,
        Logic::Or | Logic::And => effective != i64::from(own != 0),
    };
    void.then(|| Remark {
        code: "void",
        // Without the interface's name: what holds for many of them is then told once.
        message: format!(
            "{name} = {own} is void: the kernel uses {} {all} = {general} and this, which is {effective}",
            logic.word()
        ),
        advice: Some(format!("set {all} too")),
    })
}
