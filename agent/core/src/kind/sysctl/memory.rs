//! What the tables of connection tracking cost: a number that decides over memory is shown with the bytes it stands for.

use crate::address::Address;
use crate::address::SysctlKey;
use crate::facts::FactValue;
use crate::facts::Unit;
use crate::kind::Remark;
use crate::kind::World;
use crate::units;
use crate::value::Value;

/// A connection: 256 bytes in the slab `nf_conntrack` (measured on 6.18), and extensions for NAT, accounting, labels or
/// helpers, at most 160 more.
const ENTRY: i64 = 320;
/// A list head of the hash table (`struct hlist_nulls_head`), on every 64-bit host.
const BUCKET: i64 = 8;

/// The cost of a number that a plan changes.
pub fn remark(key: &SysctlKey, world: &World) -> Option<Remark> {
    let address = Address::sysctl(key.clone());
    let Some(Value::Int(number)) = world.likely(&address) else { return None };
    if world.read(&address).value() == Some(&Value::Int(*number)) {
        return None;
    }
    let message = match key.name() {
        "nf_conntrack_max" => {
            let bytes = number.checked_mul(ENTRY)?;
            format!(
                "{number} connections take up to {}{}, at about {ENTRY} bytes each, in every network namespace that tracks as \
                 many",
                shown(bytes),
                share(bytes, world),
            )
        }
        "nf_conntrack_buckets" => {
            let bytes = number.checked_mul(BUCKET)?;
            format!("{number} buckets take {}{} for good, at {BUCKET} bytes each", shown(bytes), share(bytes, world))
        }
        _ => return None,
    };
    Some(Remark { code: "memory", message, advice: None })
}

fn shown(bytes: i64) -> String {
    const MEBIBYTE: i64 = 1 << 20;
    // Nobody reads a dozen digits.
    let rounded = if bytes >= 16 * MEBIBYTE { bytes / MEBIBYTE * MEBIBYTE } else { bytes };
    units::describe(&FactValue::Int(rounded), Unit::Bytes)
}

fn share(bytes: i64, world: &World) -> String {
    let Some(memory) = world.facts.int("host.memory").filter(|memory| *memory > 0) else { return String::new() };
    let thousandths = i128::from(bytes) * 1000 / i128::from(memory);
    match thousandths {
        0 => " of memory".to_owned(),
        _ => format!(" of memory ({}.{} %)", thousandths / 10, thousandths % 10),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::Facts;
    use crate::host::HostId;
    use crate::host::NetnsId;
    use crate::observed::Observed;

    /// What is said of a key that held `from` and is given `to`.
    fn said(name: &str, from: i64, to: i64, memory: Option<i64>) -> Option<String> {
        let host = HostId {
            name: "edge".into(),
            kernel: "6.12.8".into(),
            boot_id: "0".into(),
            netns: NetnsId { cookie: 1, name: None, initial: true },
        };
        let mut facts = Facts::default();
        if let Some(memory) = memory {
            facts.insert("host.memory", FactValue::Int(memory), "test");
        }
        let key: SysctlKey = name.parse().unwrap();
        let address = Address::sysctl(key.clone());
        let value = |number| Observed::Value { value: Value::Int(number), writable: true };
        let observed = BTreeMap::from([(address.clone(), value(from))]);
        let (interfaces, addressed) = (BTreeSet::new(), BTreeSet::new());
        let mut world = World::new(&host, &facts, &interfaces, &addressed, &observed);
        world.write(&address, Value::Int(to));
        remark(&key, &world).map(|remark| remark.message)
    }

    #[test]
    fn a_table_that_grows_says_what_it_takes() {
        assert_eq!(
            said("net.netfilter.nf_conntrack_max", 65_536, 262_144, Some(8 << 30)).unwrap(),
            "262144 connections take up to 80 MiB of memory (0.9 %), at about 320 bytes each, in every network namespace \
             that tracks as many"
        );
        assert_eq!(
            said("net.netfilter.nf_conntrack_buckets", 65_536, 262_144, None).unwrap(),
            "262144 buckets take 2 MiB for good, at 8 bytes each"
        );
        let odd = said("net.netfilter.nf_conntrack_max", 1, 1_000_003, None).unwrap();
        assert!(odd.starts_with("1000003 connections take up to 305 MiB, "), "{odd}");
    }

    #[test]
    fn what_stays_or_is_no_table_says_nothing() {
        assert_eq!(said("net.netfilter.nf_conntrack_max", 262_144, 262_144, Some(8 << 30)), None);
        assert_eq!(said("net.core.somaxconn", 128, 4096, Some(8 << 30)), None);
        assert_eq!(said("net.netfilter.nf_conntrack_max", 1, i64::MAX, Some(0)), None, "no number of bytes");
    }
}
