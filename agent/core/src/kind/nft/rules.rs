//! The rules of this kind, as the engine asks for them.

use super::rule::Action;
use super::rule::Rule;
use super::rule::Side;
use super::table;
use crate::address::Address;
use crate::address::Object;
use crate::address::nft::NftKey;
use crate::facts::Facts;
use crate::kind::Decision;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::Remark;
use crate::kind::Rules;
use crate::kind::TakeBack;
use crate::kind::World;
use crate::observed::Observed;
use crate::policy::Policy;
use crate::policy::Wanted;
use crate::value::Value;

/// Behind all that they depend on: modules, interfaces, sysctls, queues.
const RANK: u16 = 900;

/// [`Rules`] for rules of packets.
pub struct NftRules;

/// The key of an address of this kind. Of another kind there is nothing to say here, and nobody asks.
fn key(address: &Address) -> Option<NftKey> {
    match &address.object {
        Object::Nft(key) => Some(*key),
        Object::Sysctl(_) | Object::Link(_) | Object::Tc(_) => None,
    }
}

/// What is wanted, whatever the policy: a list of rules is wanted as it stands.
fn wanted(policy: &Policy) -> Option<Value> {
    match policy {
        Policy::Value(Wanted::Tree(tree)) => Some(Value::Tree(tree.clone())),
        Policy::Value(_)
        | Policy::AtLeast(_)
        | Policy::AtMost(_)
        | Policy::Between(_, _)
        | Policy::OneOf(_)
        | Policy::Prefer(_)
        | Policy::Includes(_) => None,
    }
}

impl Rules for NftRules {
    fn decide(&self, address: &Address, policy: &Policy, current: &Value, _world: &World) -> Decision {
        let sound = |value: &Value| key(address).is_some_and(|key| table::parse(key, value).is_some());
        match wanted(policy) {
            Some(value) if value == *current => Decision::Satisfied,
            // A saved plan or a state file may say anything.
            Some(value) if sound(&value) => Decision::Write(value),
            Some(value) => Decision::Blocked(format!("{value} are no rules that trimtab makes")),
            None => Decision::Blocked("rules are wanted as they stand, without a policy".to_owned()),
        }
    }

    fn equivalent(&self, _address: &Address, left: &Value, right: &Value, _facts: &Facts) -> bool {
        left == right
    }

    /// Whatever is in the table that bears trimtab's mark is trimtab's, be it changed by somebody: so it says itself.
    fn take_back(&self, address: &Address, before: &Value, _ours: &[Value], now: &Value, _facts: &Facts) -> TakeBack {
        if before == now {
            return TakeBack::Done;
        }
        if table::is_foreign(now) {
            return TakeBack::Foreign;
        }
        // What was there may hold what trimtab cannot make, left in its table by somebody else.
        let can_be = key(address).is_some_and(|key| table::parse(key, before).is_some());
        let back = if can_be { before.clone() } else { table::none() };
        if back == *now { TakeBack::Done } else { TakeBack::Write(back) }
    }

    /// All of the table is one batch.
    fn object(&self, address: &Address) -> String {
        key(address).map_or_else(String::new, |_| crate::address::nft::TABLE.to_owned())
    }

    fn rank(&self, _address: &Address, _facts: &Facts) -> u16 {
        RANK
    }

    fn disrupts(&self, address: &Address, from: &Value, to: &Value, _facts: &Facts) -> Option<String> {
        let has_rules = |value: &Value| *value != table::none() && !table::is_foreign(value);
        match key(address)? {
            NftKey::Notrack if has_rules(to) => Some(
                "what matches is in no `ct state`, and NAT passes it over: filters must let it pass both ways"
                    .to_owned(),
            ),
            NftKey::Notrack if has_rules(from) => Some("what matched is tracked again".to_owned()),
            NftKey::Notrack | NftKey::MssClamp => None,
        }
    }

    fn obstacle(&self, _address: &Address, observed: &Observed, _world: &World) -> Option<Obstacle> {
        // The kernel loads nf_tables itself to answer, if there is such a module.
        let blocked = |code, message: String| Obstacle {
            class: ObstacleClass::Blocked,
            code,
            message,
            advice: None,
            module: None,
        };
        match observed {
            Observed::Value { writable: true, .. } => None,
            Observed::Value { writable: false, .. } => Some(Obstacle {
                advice: Some(
                    "give that table another name, or delete it with `nft delete table inet trimtab`".to_owned(),
                ),
                ..blocked("foreign-table", "somebody else has a table `inet trimtab`, and it is left alone".to_owned())
            }),
            Observed::Absent => Some(Obstacle {
                class: ObstacleClass::Pending,
                ..blocked("not-in-snapshot", "what was remembered of this host says nothing of its rules".to_owned())
            }),
            Observed::Unsupported => Some(Obstacle {
                class: ObstacleClass::Lacking,
                advice: Some("it is a module of most distributions' kernels: modprobe nf_tables".to_owned()),
                ..blocked("no-nf-tables", "this kernel has no nf_tables".to_owned())
            }),
            Observed::Denied => Some(Obstacle {
                advice: Some("run as root, or with CAP_NET_ADMIN".to_owned()),
                ..blocked("permission", "this user may not read it".to_owned())
            }),
            Observed::Failed { errno } => Some(blocked(
                "unreadable",
                format!("reading it fails with errno {errno}; without it nothing can be undone"),
            )),
            Observed::WriteOnly | Observed::Withheld => Some(blocked("unreadable", "it cannot be read".to_owned())),
        }
    }

    fn meaning(&self, address: &Address) -> Option<&'static str> {
        Some(match key(address)? {
            NftKey::Notrack => {
                "packets whose connections are not tracked, so that they need no entry and pass a full table"
            }
            NftKey::MssClamp => {
                "the largest segment that TCP connections through this host ask for, so that they get through \
                 paths whose ICMP is blocked"
            }
        })
    }

    fn remarks(&self, address: &Address, policy: &Policy, _world: &World) -> Vec<Remark> {
        let Some((NftKey::MssClamp, value)) = key(address).zip(wanted(policy)) else { return Vec::new() };
        let chains = table::parse(NftKey::MssClamp, &value).unwrap_or_default();
        let rules: Vec<&Rule> = chains.iter().flat_map(|chain| &chain.rules).collect();
        let named = |side: Side| rules.iter().any(|rule| matches!(&rule.interface, Some((own, _)) if *own == side));
        let clamps = rules.iter().any(|rule| matches!(rule.action, Action::Clamp(_)));
        if clamps && named(Side::Out) != named(Side::In) {
            let (way, other) = if named(Side::Out) { ("out of", "in") } else { ("in by", "out") };
            return vec![Remark {
                code: "one-direction",
                message: format!(
                    "only what opens a connection {way} these interfaces is clamped, and not what answers it"
                ),
                advice: Some(format!("name the interfaces under `{other}` as well, or leave both out")),
            }];
        }
        Vec::new()
    }
}
