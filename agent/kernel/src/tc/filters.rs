//! Rules as the kernel's filters, and filters as rules.
//!
//! All are of `u32`, the one kind that every kernel with filters has: it compares 32 bits of a header at a time, so a rule is as
//! many filters as its ranges of ports have blocks, for each version of IP. The priorities of rule N are 2N-1 and 2N.
//! Filters are rules if what the rule would be made into is what is there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use trimtab_core::kind::tc::filters as rules;
use trimtab_core::kind::tc::qdiscs::minor_of;
use trimtab_core::kind::tc::scalar;
use trimtab_core::policy::Scalar;
use trimtab_core::prefix::Prefix;
use trimtab_core::prefix::Version;
use trimtab_core::tree::Tree;
use trimtab_netlink::tc::Handle;
use trimtab_netlink::tc::filter::ANY_PROTOCOL;
use trimtab_netlink::tc::filter::Filter;
use trimtab_netlink::tc::filter::IPV4;
use trimtab_netlink::tc::filter::IPV6;
use trimtab_netlink::tc::filter::Key;
use trimtab_netlink::tc::filter::Kind;
use trimtab_netlink::tc::filter::NewFilter;
use trimtab_netlink::tc::filter::Selector;
use trimtab_netlink::tc::filter::U32;

use super::make::Unsendable;

/// Where things lie in a header of IP.
struct Layout {
    protocol: u16,
    /// The bits of the class of service in the first word.
    dscp_shift: u32,
    /// The word of the protocol, and its bits there.
    carries: (i32, u32),
    src: i32,
    dst: i32,
    /// The first word behind a header without options.
    ports: i32,
}

const V4: Layout = Layout { protocol: IPV4, dscp_shift: 18, carries: (8, 16), src: 12, dst: 16, ports: 20 };
const V6: Layout = Layout { protocol: IPV6, dscp_shift: 22, carries: (4, 8), src: 8, dst: 24, ports: 40 };

/// A filter but for its handle: what of it says which packets it finds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    priority: u16,
    protocol: u16,
    mark: Option<(u32, u32)>,
    /// Mask and value by place.
    keys: BTreeMap<i32, (u32, u32)>,
}

/// The priorities that the filters of a rule have, those of somebody else included.
pub(super) fn priorities(rule: &Tree) -> Result<BTreeSet<u16>, Unsendable> {
    match rule.scalars.get(rules::UNKNOWN) {
        Some(all) => {
            let all = scalar::as_numbers(all).ok_or("the priorities of a filter are no numbers")?;
            all.into_iter().map(|one| u16::try_from(one).map_err(|_| "a priority has more than 16 bits")).collect()
        }
        None => Ok(compiled(rule)?.into_iter().map(|one| one.priority).collect()),
    }
}

/// The filters that a rule becomes.
pub(super) fn filters(rule: &Tree, interface: u32, root: Handle) -> Result<Vec<NewFilter>, Unsendable> {
    let class = rule.scalars.get("class").and_then(scalar::as_minor).ok_or("a filter names no class")?;
    let mut numbers: BTreeMap<u16, u16> = BTreeMap::new();
    let mut all = Vec::new();
    for Found { priority, protocol, mark, keys } in compiled(rule)? {
        let number = numbers.entry(priority).or_default();
        *number = number.saturating_add(1);
        let handle: NonZeroU32 = U32::handle(0, 0, *number).ok_or("a filter has too many parts")?;
        let keys = keys.into_iter().map(|(at, (mask, value))| Key::at(at, value, mask)).collect();
        let class = Some(Handle::new(root.major(), class));
        let kind = Kind::U32(U32 { class, selector: Selector::of(keys), mark, ..U32::default() });
        all.push(NewFilter { interface, parent: root, priority, protocol, handle, kind });
    }
    Ok(all)
}

fn compiled(rule: &Tree) -> Result<Vec<Found>, Unsendable> {
    let number = rules::number_of(&rule.word).filter(|number| (1..=rules::MOST).contains(number));
    let second = number.ok_or("a filter has no number")?.saturating_mul(2);
    let first = second.saturating_sub(1);
    let mark = rules::mark_of(rule);
    let is_any =
        !["dscp", "protocol", "src", "dst", "sport", "dport"].iter().any(|name| rule.scalars.contains_key(*name));
    if is_any {
        return Ok(vec![Found { priority: first, protocol: ANY_PROTOCOL, mark, keys: BTreeMap::new() }]);
    }
    let version = rules::version(rule).map_err(|_| "a filter is of two versions of IP")?;
    let mut all = Vec::new();
    if version != Some(Version::V6) {
        all.extend(of_version(rule, &V4, first, mark));
    }
    if version != Some(Version::V4) {
        all.extend(of_version(rule, &V6, second, mark));
    }
    Ok(all)
}

fn of_version(rule: &Tree, layout: &Layout, priority: u16, mark: Option<(u32, u32)>) -> Vec<Found> {
    let mut keys: BTreeMap<i32, (u32, u32)> = BTreeMap::new();
    let mut key = |at: i32, mask: u32, value: u32| {
        let word = keys.entry(at).or_default();
        *word = (word.0 | mask, word.1 | (value & mask));
    };
    if let Some(dscp) = rules::dscp_of(rule) {
        key(0, 0x3f << layout.dscp_shift, u32::from(dscp) << layout.dscp_shift);
    }
    if let Some(protocol) = rules::protocol_of(rule) {
        let (at, shift) = layout.carries;
        key(at, 0xff << shift, u32::from(protocol) << shift);
    }
    for (name, at) in [("src", layout.src), ("dst", layout.dst)] {
        for (at, mask, value) in rules::prefix_of(rule, name).into_iter().flat_map(|prefix| words(prefix, at)) {
            key(at, mask, value);
        }
    }
    let blocks = |name: &str| rules::ports_of(rule, name).map_or_else(|| vec![(0, 0)], rules::blocks);
    let (sports, dports) = (blocks("sport"), blocks("dport"));
    let has_ports = rule.scalars.contains_key("sport") || rule.scalars.contains_key("dport");
    if has_ports && layout.protocol == IPV4 {
        // Of a header with options, and of all but the first fragment, something else lies there.
        key(0, 0x0f00_0000, 0x0500_0000);
        key(4, 0x0000_1fff, 0);
    }
    let mut all = Vec::new();
    for (sport_mask, sport) in sports {
        for (dport_mask, dport) in &dports {
            let mut keys = keys.clone();
            if has_ports {
                let both = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
                keys.insert(layout.ports, (both(sport_mask, *dport_mask), both(sport, *dport)));
            }
            all.push(Found { priority, protocol: layout.protocol, mark, keys });
        }
    }
    all
}

/// The words of a prefix from a place on: where, which bits, and what they are.
fn words(prefix: Prefix, at: i32) -> Vec<(i32, u32, u32)> {
    let (bytes, mut left) = match prefix.first() {
        IpAddr::V4(address) => (address.octets().to_vec(), u32::from(prefix.length())),
        IpAddr::V6(address) => (address.octets().to_vec(), u32::from(prefix.length())),
    };
    let mut all = Vec::new();
    for (at, word) in (at..).step_by(4).zip(bytes.chunks(4)) {
        let bits = left.min(32);
        left = left.saturating_sub(bits);
        let value = word.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
        if mask != 0 {
            all.push((at, mask, value));
        }
    }
    all
}

/// The rules that filters at a root are, in order.
pub(super) fn shown(filters: &[Filter], root: Handle) -> Vec<Tree> {
    let mut by_rule: BTreeMap<u16, Vec<&Filter>> = BTreeMap::new();
    for filter in filters {
        let number = (filter.priority.saturating_add(1) / 2).max(1);
        by_rule.entry(number).or_default().push(filter);
    }
    let one = |(number, filters): (u16, Vec<&Filter>)| {
        rule(number, &filters, root)
            .unwrap_or_else(|| rules::unknown(number, &filters.iter().map(|filter| filter.priority).collect()))
    };
    by_rule.into_iter().map(one).collect()
}

/// The rule of which these filters are all; nothing if there is none.
fn rule(number: u16, filters: &[&Filter], root: Handle) -> Option<Tree> {
    let mut found = BTreeSet::new();
    let mut class = None;
    for filter in filters.iter().filter(|filter| filter.chain == 0) {
        match &filter.kind {
            // What comes with the first filter of a priority.
            Kind::Head { .. } | Kind::U32Table { .. } => {}
            Kind::U32(u32) => {
                let U32 { class: into, selector, link: None, mark, input: None, flags, actions } = u32 else {
                    return None;
                };
                let into = into.filter(|into| into.qdisc() == root.qdisc())?;
                let keys: BTreeMap<i32, (u32, u32)> =
                    selector.keys.iter().map(|key| (key.at, (key.mask, key.value))).collect();
                let plain = Selector::of(selector.keys.clone());
                let is_plain =
                    *selector == plain && keys.len() == selector.keys.len() && actions.is_empty() && *flags & 3 == 0;
                if !is_plain || class.is_some_and(|class| class != into) {
                    return None;
                }
                class = Some(into);
                found.insert(Found { priority: filter.priority, protocol: filter.protocol, mark: *mark, keys });
            }
            Kind::Matchall(_) | Kind::Fw(_) | Kind::Other { .. } => return None,
        }
    }
    if filters.iter().any(|filter| filter.chain != 0) {
        return None;
    }
    let rule = guessed(number, class?.minor(), &found)?;
    let made: BTreeSet<Found> = compiled(&rule).ok()?.into_iter().collect();
    (made == found).then_some(rule)
}

/// The only rule that could be what was found.
fn guessed(number: u16, class: u16, found: &BTreeSet<Found>) -> Option<Tree> {
    let mut rule = rules::rule(number, class);
    let first = found.first()?;
    if let Some((value, mask)) = first.mark {
        rule.scalars.insert("mark".to_owned(), scalar::of_mark(value, mask));
    }
    let layout = match first.protocol {
        IPV4 => &V4,
        IPV6 => &V6,
        _ => return Some(rule),
    };
    let word = |at: i32| first.keys.get(&at).copied().unwrap_or_default();
    let byte = |value: u32| u8::try_from(value & 0xff).unwrap_or_default();
    if word(0).0 & (0x3f << layout.dscp_shift) != 0 {
        rule.scalars.insert("dscp".to_owned(), scalar::of_dscp(byte(word(0).1 >> layout.dscp_shift) & 0x3f));
    }
    let (at, shift) = layout.carries;
    if word(at).0 & (0xff << shift) != 0 {
        rule.scalars.insert("protocol".to_owned(), scalar::of_protocol(byte(word(at).1 >> shift)));
    }
    for (name, at) in [("src", layout.src), ("dst", layout.dst)] {
        let count: i32 = if layout.protocol == IPV4 { 1 } else { 4 };
        let all: Vec<(u32, u32)> = (at..).step_by(4).take(usize::try_from(count).ok()?).map(word).collect();
        let length: u32 = all.iter().map(|(mask, _)| mask.leading_ones()).sum();
        let bytes: Vec<u8> = all.iter().flat_map(|(_, value)| value.to_be_bytes()).collect();
        let address: IpAddr = match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(four) => four.into(),
            Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok()?.into(),
        };
        if length > 0 {
            let prefix = Prefix::around(address, u8::try_from(length).ok()?);
            rule.scalars.insert(name.to_owned(), Scalar::Text(prefix.to_string()));
        }
    }
    for (name, shift) in [("sport", 16), ("dport", 0)] {
        let of = |one: &Found| {
            let (mask, value) = one.keys.get(&layout.ports).copied()?;
            let half = |number: u32| u16::try_from(number >> shift & 0xffff).unwrap_or_default();
            Some((half(mask), half(value))).filter(|(mask, _)| *mask != 0)
        };
        let blocks: Vec<(u16, u16)> =
            found.iter().filter(|one| one.protocol == layout.protocol).filter_map(of).collect();
        let first = blocks.iter().map(|(_, value)| *value).min();
        let last = blocks.iter().map(|(mask, value)| value | !mask).max();
        if let (Some(first), Some(last)) = (first, last) {
            rule.scalars.insert(name.to_owned(), scalar::of_ports(first, last));
        }
    }
    Some(rule)
}

/// What of the filters of a root goes and what comes.
pub(super) struct Changes {
    /// Priorities of which all goes.
    pub(super) gone: BTreeSet<u16>,
    pub(super) come: Vec<NewFilter>,
}

impl Changes {
    /// From the children of one root to those of another. `leads_away` tells of classes that do not stay, so that
    /// what leads into them cannot, either.
    pub(super) fn between(
        now: &[Tree],
        to: &[Tree],
        interface: u32,
        root: Handle,
        leads_away: impl Fn(u16) -> bool,
    ) -> Result<Changes, Unsendable> {
        let rules_of = |trees: &[Tree]| -> BTreeMap<u16, Tree> {
            trees.iter().filter_map(|tree| Some((rules::number_of(&tree.word)?, tree.clone()))).collect()
        };
        let (now, to) = (rules_of(now), rules_of(to));
        let mut changes = Changes { gone: BTreeSet::new(), come: Vec::new() };
        let moves = |rule: &Tree| rule.scalars.get("class").and_then(scalar::as_minor).is_some_and(&leads_away);
        for (number, rule) in &now {
            if to.get(number) != Some(rule) || moves(rule) {
                changes.gone.extend(priorities(rule)?);
            }
        }
        for (number, rule) in &to {
            if now.get(number) != Some(rule) || moves(rule) {
                changes.come.extend(filters(rule, interface, root)?);
            }
        }
        Ok(changes)
    }
}

/// Every class below a node, by its minor number, with those above it: it goes when one of them does.
pub(super) fn classes(trees: &[Tree], above: &[u16], all: &mut BTreeMap<u16, Vec<u16>>) {
    for tree in trees {
        if let Some(minor) = minor_of(&tree.word) {
            all.insert(minor, above.to_vec());
            let above: Vec<u16> = above.iter().copied().chain([minor]).collect();
            classes(&tree.children, &above, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule_of(scalars: &[(&str, Scalar)]) -> Tree {
        let mut rule = rules::rule(3, 0x10);
        rule.scalars.extend(scalars.iter().map(|(name, scalar)| ((*name).to_owned(), scalar.clone())));
        rule
    }

    fn as_shown(new: NewFilter) -> Filter {
        let NewFilter { interface, parent, priority, protocol, handle, kind } = new;
        Filter { interface, parent, priority, protocol, chain: 0, handle: handle.get(), kind }
    }

    fn prefixes() -> impl Strategy<Value = Option<Scalar>> {
        let four = (any::<u32>(), 1_u8..=32).prop_map(|(bits, length)| (IpAddr::from(bits.to_be_bytes()), length));
        let six = (any::<u128>(), 1_u8..=128).prop_map(|(bits, length)| (IpAddr::from(bits.to_be_bytes()), length));
        let one = prop_oneof![four, six];
        prop::option::of(one.prop_map(|(address, length)| Scalar::Text(Prefix::around(address, length).to_string())))
    }

    fn ranges() -> impl Strategy<Value = Option<Scalar>> {
        prop::option::of(
            (1_u16.., 0_u16..3000).prop_map(|(first, more)| scalar::of_ports(first, first.saturating_add(more))),
        )
    }

    proptest! {
        #[test]
        fn any_rule_is_read_as_it_was_made(
            src in prefixes(), dst in prefixes(), sport in ranges(), dport in ranges(),
            dscp in prop::option::of(0_u8..64), protocol in prop::option::of(prop::sample::select(vec![1_u8, 6, 17, 58, 89])),
            mark in prop::option::of((any::<u32>(), 1_u32..)),
        ) {
            let mut rule = rule_of(&[]);
            let mut put = |name: &str, scalar: Option<Scalar>| rule.scalars.extend(scalar.map(|scalar| (name.to_owned(), scalar)));
            put("src", src);
            put("dst", dst);
            put("protocol", protocol.map(scalar::of_protocol));
            if matches!(protocol, Some(6 | 17)) {
                put("sport", sport);
                put("dport", dport);
            }
            put("dscp", dscp.map(scalar::of_dscp));
            put("mark", mark.map(|(value, mask)| scalar::of_mark(value & mask, mask)));
            prop_assume!(rules::check(&rule).is_ok());
            let root = Handle::new(0x7474, 0);
            let Ok(made) = filters(&rule, 3, root) else { return Ok(()) };
            let shown = shown(&made.into_iter().map(as_shown).collect::<Vec<_>>(), root);
            prop_assert_eq!(shown, vec![rule]);
        }
    }

    #[test]
    fn what_no_rule_becomes_is_told_by_its_priorities() {
        let root = Handle::new(0x7474, 0);
        let mut one = as_shown(filters(&rule_of(&[("dscp", scalar::of_dscp(46))]), 3, root).unwrap().remove(0));
        one.protocol = IPV6;
        assert_eq!(shown(&[one.clone()], root)[0].to_string(), "filter 3 unknown 5");
        one.kind = Kind::Fw(trimtab_netlink::tc::filter::Fw::default());
        one.priority = 49152;
        let shown = shown(&[one], root);
        assert_eq!(shown[0].to_string(), "filter 24576 unknown 49152");
        assert_eq!(priorities(&shown[0]).unwrap(), BTreeSet::from([49152]));
    }
}
