//! Filters at a root: which packets go into which of its classes.
//!
//! A rule is a child `filter 1` of the root, its number its turn: the first that finds a packet decides. It has no parts, and no two
//! of its scalars are left open: one without a port finds packets of every port. What of the kernel's filters is no such rule was
//! hung there by somebody else, and is shown as [`UNKNOWN`].

use std::collections::BTreeSet;

use super::qdiscs;
use super::qdiscs::Opt;
use super::qdiscs::Qdisc;
use super::scalar;
use super::scalar::Shape;
use crate::policy::Scalar;
use crate::prefix::Prefix;
use crate::prefix::Version;
use crate::tree::Tree;

/// The word of a rule, before its number.
pub const FILTER: &str = "filter";
/// The scalar of what nobody here could have asked for: the priority that it has.
pub const UNKNOWN: &str = "unknown";
/// The last number: each takes two of the kernel's priorities, one for each version of IP.
pub const MOST: u16 = u16::MAX / 2;

/// Most filters that the ports of one rule may become: each packet is compared with all of them.
const MOST_PARTS: usize = 256;

/// What a rule may say.
pub const RULE: Qdisc = Qdisc {
    kind: FILTER,
    meaning: "Which packets go into a class: those of which all that it says holds.",
    changes: false,
    options: &[
        Opt::new("class", Shape::Minor, "The class that they go into."),
        Opt::new("mark", Shape::Mark, "Their mark, as a firewall set it; of a mask after a slash only its bits."),
        Opt::new("dscp", Shape::Dscp, "The class of service in their header: ef, af41, cs1 or 0 to 63."),
        Opt::new("protocol", Shape::Protocol, "What they carry: tcp, udp or the number of a protocol."),
        Opt::new("src", Shape::Prefix, "The prefix that they come from."),
        Opt::new("dst", Shape::Prefix, "The prefix that they go to."),
        Opt::new("sport", Shape::Ports, "The port that they come from, or a range; with protocol."),
        Opt::new("dport", Shape::Ports, "The port that they go to, or a range; with protocol."),
    ],
};

/// The word of the rule of this number.
pub fn word(number: u16) -> String {
    format!("{FILTER} {number}")
}

/// The number of a rule by its word; nothing of another word.
pub fn number_of(word: &str) -> Option<u16> {
    word.strip_prefix(FILTER)?.strip_prefix(' ')?.parse().ok()
}

/// Whether the classes of a kind can be chosen by filters.
pub fn leads(kind: &str) -> bool {
    matches!(kind, "htb" | "prio")
}

/// The version of IP that a rule is about, if it is about one.
///
/// # Errors
/// If it is about both at once.
pub fn version(rule: &Tree) -> Result<Option<Version>, String> {
    let of = |name: &str| rule.text(name).and_then(|text| text.parse::<Prefix>().ok()).map(|prefix| prefix.version());
    let said = match rule.text("protocol") {
        Some("icmp") => Some(Version::V4),
        Some("icmpv6") => Some(Version::V6),
        Some(_) | None => None,
    };
    let versions: BTreeSet<Version> = [of("src"), of("dst"), said].into_iter().flatten().collect();
    match versions.len() {
        0 | 1 => Ok(versions.first().copied()),
        _ => Err("no packet is of IPv4 and IPv6 at once".to_owned()),
    }
}

/// Protocols that have ports where TCP has them.
const WITH_PORTS: [&str; 4] = ["tcp", "udp", "sctp", "udplite"];

/// Whether a rule makes sense by itself, its scalars being in their one spelling.
///
/// # Errors
/// Why not.
pub fn check(rule: &Tree) -> Result<(), String> {
    if !rule.scalars.contains_key("class") {
        return Err("it names no class".to_owned());
    }
    let has_ports = rule.scalars.contains_key("sport") || rule.scalars.contains_key("dport");
    let protocol = rule.text("protocol");
    if has_ports && !protocol.is_some_and(|protocol| WITH_PORTS.contains(&protocol)) {
        return Err(format!(
            "ports are of a protocol: say protocol = {:?}, or one of {}",
            "tcp",
            WITH_PORTS.join(", ")
        ));
    }
    let parts = |name: &str| ports_of(rule, name).map_or(1, |range| blocks(range).len());
    let parts = parts("sport").saturating_mul(parts("dport"));
    if parts > MOST_PARTS {
        return Err(format!(
            "its ranges of ports take {parts} filters, more than {MOST_PARTS}: make one of them rounder"
        ));
    }
    version(rule).map(drop)
}

/// A range of ports as masks and values, the fewest there are.
pub fn blocks((first, last): (u16, u16)) -> Vec<(u16, u16)> {
    let (mut next, last) = (u32::from(first), u32::from(last));
    let mut all = Vec::new();
    while next <= last {
        let mut size = 1_u32 << next.trailing_zeros().min(16);
        while next.saturating_add(size).saturating_sub(1) > last {
            size >>= 1;
        }
        let low = |number: u32| u16::try_from(number & 0xffff).unwrap_or_default();
        all.push((low(!size.wrapping_sub(1)), low(next)));
        next = next.saturating_add(size);
    }
    all
}

/// Whether every rule of a root leads into a class where packets can wait.
///
/// # Errors
/// The first that does not, and why.
pub fn check_all(root: &Tree) -> Result<(), String> {
    for rule in root.children.iter().filter(|child| number_of(&child.word).is_some()) {
        let told = |why: String| format!("{}: {why}", rule.word);
        check(rule).map_err(told)?;
        let Some(minor) = rule.scalars.get("class").and_then(scalar::as_minor) else { continue };
        if let Some(why) = no_leaf(root, minor) {
            return Err(told(format!("it leads to class {minor:x}, which {why}")));
        }
    }
    Ok(())
}

/// Why no packet can wait in a class.
fn no_leaf(root: &Tree, minor: u16) -> Option<&'static str> {
    if root.word == "prio" {
        let bands = root.int("bands").unwrap_or(3);
        return (!(1..=bands).contains(&i64::from(minor))).then_some("is not there");
    }
    match find(&root.children, &qdiscs::class_word(minor)) {
        None => Some("is not there"),
        // It would go where packets go that no filter finds (net/sched/sch_htb.c `htb_classify`).
        Some(class) if class.children.iter().any(|child| qdiscs::minor_of(&child.word).is_some()) => {
            Some("has classes below it")
        }
        Some(_) => None,
    }
}

fn find<'a>(trees: &'a [Tree], word: &str) -> Option<&'a Tree> {
    let here = trees.iter().find(|tree| tree.word == word);
    here.or_else(|| trees.iter().find_map(|tree| find(&tree.children, word)))
}

/// The value of a scalar of a rule, as the bits of a packet have it.
pub fn dscp_of(rule: &Tree) -> Option<u8> {
    rule.scalars.get("dscp").and_then(scalar::as_dscp)
}

/// The number of the protocol.
pub fn protocol_of(rule: &Tree) -> Option<u8> {
    rule.scalars.get("protocol").and_then(scalar::as_protocol)
}

/// The prefix of this name.
pub fn prefix_of(rule: &Tree, name: &str) -> Option<Prefix> {
    rule.text(name)?.parse().ok()
}

/// The first and the last port.
pub fn ports_of(rule: &Tree, name: &str) -> Option<(u16, u16)> {
    rule.scalars.get(name).and_then(scalar::as_ports)
}

/// The mark and its mask.
pub fn mark_of(rule: &Tree) -> Option<(u32, u32)> {
    rule.scalars.get("mark").and_then(scalar::as_mark)
}

/// A rule that leads into this class and says nothing more.
pub fn rule(number: u16, class: u16) -> Tree {
    let mut tree = Tree::new(word(number));
    tree.scalars.insert("class".to_owned(), scalar::of_minor(class));
    tree
}

/// What somebody else hung there.
pub fn unknown(number: u16, priorities: &BTreeSet<u16>) -> Tree {
    let mut tree = Tree::new(word(number));
    let priorities: Vec<i64> = priorities.iter().copied().map(i64::from).collect();
    tree.scalars.insert(
        UNKNOWN.to_owned(),
        match priorities.as_slice() {
            [one] => Scalar::Int(*one),
            all => scalar::of_numbers(all),
        },
    );
    tree
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(word: &str, scalars: &[(&str, &str)], children: Vec<Tree>) -> Tree {
        let scalars =
            scalars.iter().map(|(name, text)| ((*name).to_owned(), Scalar::Text((*text).to_owned()))).collect();
        Tree { scalars, children, ..Tree::new(word) }
    }

    #[test]
    fn rules_that_no_packet_could_meet_are_refused() {
        let classes = || vec![tree("class 1", &[], vec![tree("class 2", &[], vec![])])];
        for (scalars, why) in [
            (vec![("class", "2")], None),
            (vec![("class", "2"), ("protocol", "udp"), ("dport", "53")], None),
            (vec![("class", "2"), ("src", "10.0.0.0/8"), ("dst", "10.0.0.0/8")], None),
            (vec![("dscp", "ef")], Some("filter 1: it names no class")),
            (vec![("class", "3")], Some("filter 1: it leads to class 3, which is not there")),
            (vec![("class", "1")], Some("filter 1: it leads to class 1, which has classes below it")),
            (vec![("class", "2"), ("dport", "53")], Some("filter 1: ports are of a protocol")),
            (vec![("class", "2"), ("dport", "53"), ("protocol", "icmp")], Some("filter 1: ports are of a protocol")),
            (vec![("class", "2"), ("src", "10.0.0.0/8"), ("dst", "fe80::/10")], Some("filter 1: no packet is of IPv4")),
            (vec![("class", "2"), ("src", "10.0.0.0/8"), ("protocol", "icmpv6")], Some("filter 1: no packet is of")),
        ] {
            let mut root = tree("htb", &[], classes());
            root.children.push(tree("filter 1", &scalars, vec![]));
            match (check_all(&root), why) {
                (Ok(()), None) => {}
                (Err(told), Some(why)) => assert!(told.starts_with(why), "{told}"),
                (told, why) => panic!("{scalars:?}: {told:?} {why:?}"),
            }
        }
        let of_prio = |class| tree("prio", &[], vec![tree("filter 1", &[("class", class)], vec![])]);
        assert_eq!(check_all(&of_prio("3")), Ok(()));
        assert!(check_all(&of_prio("4")).is_err());
    }

    proptest! {
        #[test]
        fn blocks_are_the_range_and_nothing_else(first in 1_u16.., more in 0_u16..5000, port: u16) {
            let last = first.saturating_add(more);
            let blocks = blocks((first, last));
            let found = blocks.iter().filter(|(mask, value)| port & mask == *value).count();
            prop_assert_eq!(found, usize::from((first..=last).contains(&port)));
            prop_assert!(blocks.len() <= 30);
        }
    }

    #[test]
    fn a_word_says_its_number() {
        assert_eq!((number_of("filter 12"), number_of("filter"), number_of("class 1")), (Some(12), None, None));
        assert_eq!(number_of(&word(MOST)), Some(MOST));
    }
}
