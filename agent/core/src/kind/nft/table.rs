//! The table as a tree: the chains of one key, and what else a value can be.

use std::collections::BTreeMap;

use super::rule::Rule;
use crate::address::nft::NftKey;
use crate::address::nft::TABLE;
use crate::policy::Scalar;
use crate::tree::Tree;
use crate::value::Value;

/// The word where somebody else has a table of that name.
const FOREIGN: &str = "somebody else's table";

/// A chain with its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Where packets come by it.
    pub hook: Hook,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// Where packets come by a chain of trimtab's, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// What comes in, before it is tracked.
    Prerouting,
    /// What this host sends, before it is tracked.
    Output,
    /// What is forwarded.
    Forward,
}

impl Hook {
    /// The name of the hook, as nft(8) has it.
    pub fn word(self) -> &'static str {
        match self {
            Hook::Prerouting => "prerouting",
            Hook::Output => "output",
            Hook::Forward => "forward",
        }
    }

    /// The name of its priority, as nft(8) has it.
    pub fn priority(self) -> &'static str {
        match self {
            Hook::Prerouting | Hook::Output => "raw",
            Hook::Forward => "mangle",
        }
    }

    /// The name of trimtab's chain there.
    pub fn chain(self) -> &'static str {
        match self {
            Hook::Prerouting => "notrack-prerouting",
            Hook::Output => "notrack-output",
            Hook::Forward => "mss-clamp",
        }
    }
}

/// The chains that a key may have, in order.
pub fn chains_of(key: NftKey) -> &'static [Hook] {
    match key {
        NftKey::Notrack => &[Hook::Prerouting, Hook::Output],
        NftKey::MssClamp => &[Hook::Forward],
    }
}

/// That there are no rules.
pub fn none() -> Value {
    Value::Tree(Box::new(Tree::none()))
}

/// That somebody else has a table of that name.
pub fn foreign() -> Value {
    Value::Tree(Box::new(Tree::new(FOREIGN)))
}

/// Whether it is somebody else's.
pub fn is_foreign(value: &Value) -> bool {
    value.as_tree().is_some_and(|tree| tree.word == FOREIGN)
}

/// The value of these chains.
pub fn shown(chains: &[Chain]) -> Value {
    let nodes = chains.iter().map(|Chain { hook, rules }| Tree {
        children: rules.iter().map(Rule::to_tree).collect(),
        ..head(hook.chain(), hook.word(), hook.priority())
    });
    of_nodes(nodes.collect())
}

/// The value of nodes that stand for chains.
pub fn of_nodes(nodes: Vec<Tree>) -> Value {
    if nodes.is_empty() {
        return none();
    }
    Value::Tree(Box::new(Tree { children: nodes, ..Tree::new(format!("table inet {TABLE}")) }))
}

/// A chain without its rules.
pub fn head(name: &str, hook: &str, priority: &str) -> Tree {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let scalars = BTreeMap::from([("hook".to_owned(), text(hook)), ("priority".to_owned(), text(priority))]);
    Tree { scalars, ..Tree::new(format!("chain {name}")) }
}

/// The chains of a value; none if something of it is not of trimtab's making.
pub fn parse(key: NftKey, value: &Value) -> Option<Vec<Chain>> {
    let tree = value.as_tree()?;
    if *value == none() {
        return Some(Vec::new());
    }
    let chain = |node: &Tree| {
        let hook = *chains_of(key).iter().find(|hook| node.word == format!("chain {}", hook.chain()))?;
        let rules = node.children.iter().map(Rule::of_tree).collect::<Option<Vec<Rule>>>()?;
        Some(Chain { hook, rules })
    };
    let chains = tree.children.iter().map(chain).collect::<Option<Vec<Chain>>>()?;
    (shown(&chains) == *value).then_some(chains)
}
