//! Rules about classes of queueing disciplines.
//!
//! Source: tc-htb(8): a class is given its rate whatever its parent has, so children that have more together share nothing
//! fairly and go beyond what is above them.

use super::Lint;
use super::View;
use crate::address::Address;
use crate::address::Object;
use crate::desired::Want;
use crate::kind::tc::qdiscs;
use crate::kind::tc::scalar;
use crate::policy::Policy;
use crate::policy::Wanted;
use crate::tree::Tree;

/// Advice on all wanted roots.
pub(super) fn check(view: &View<'_>, lints: &mut Vec<Lint>) {
    for (address, setting) in &view.desired.settings {
        let (Object::Tc(_), Want::Decided(policy)) = (&address.object, &setting.want) else { continue };
        let all: &[Wanted] = match policy {
            Policy::Value(wanted) => std::slice::from_ref(wanted),
            Policy::Prefer(all) | Policy::OneOf(all) => all,
            Policy::AtLeast(_) | Policy::AtMost(_) | Policy::Between(_, _) | Policy::Includes(_) => &[],
        };
        for wanted in all {
            if let Wanted::Tree(tree) = wanted {
                node(address, tree, lints);
            }
        }
    }
}

fn node(address: &Address, tree: &Tree, lints: &mut Vec<Lint>) {
    let rate = |tree: &Tree| tree.scalars.get("rate").and_then(scalar::as_rate);
    let is_class = |tree: &&Tree| qdiscs::minor_of(&tree.word).is_some();
    let together: u64 = tree.children.iter().filter(is_class).filter_map(rate).fold(0, u64::saturating_add);
    if let Some(own) = rate(tree).filter(|own| together > *own && is_class(&tree)) {
        lints.push(Lint {
            code: "classes-exceed-parent",
            address: address.clone(),
            message: format!(
                "the classes below {} are promised {} together, and it has {}",
                tree.word,
                scalar::of_rate(together),
                scalar::of_rate(own)
            ),
            advice: "lower their rates; with a ceil they may borrow what others leave".to_owned(),
        });
    }
    for child in &tree.children {
        node(address, child, lints);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Scalar;

    fn class(minor: u16, rate: &str, children: Vec<Tree>) -> Tree {
        let scalars = [("rate".to_owned(), Scalar::Text(rate.to_owned()))].into();
        Tree { word: qdiscs::class_word(minor), scalars, children }
    }

    #[test]
    fn children_that_are_promised_more_than_their_parent_has_are_told() {
        let said = |first: &str| {
            let inner = class(2, first, vec![class(3, "1mbit", Vec::new())]);
            let top = class(1, "10mbit", vec![inner, class(4, "6mbit", Vec::new())]);
            let tree = Tree { children: vec![top], ..Tree::new("htb") };
            let mut lints = Vec::new();
            node(&"tc:eth0/root".parse().unwrap(), &tree, &mut lints);
            lints.into_iter().map(|lint| lint.message).collect::<Vec<_>>()
        };
        assert_eq!(said("4mbit"), [""; 0]);
        assert_eq!(said("5mbit"), ["the classes below class 1 are promised 11mbit together, and it has 10mbit"]);
        assert_eq!(said("500kbit").len(), 1);
    }
}
