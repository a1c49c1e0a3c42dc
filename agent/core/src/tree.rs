//! Trees: what has a shape of its own, e.g. a queueing discipline with its classes or a chain with its rules.
//!
//! A node is a word, named scalars and children in order. What the words mean, which order is the canonical one and when
//! two trees are the same is a matter of the kind (`kind`); this module only knows the shape. A tree of formulas, one of
//! what is wanted and one of what was read differ in their scalars only.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::policy::Scalar;

/// More nodes than these are counted, not named, in the one line of [`Display`](fmt::Display).
const MOST_SHOWN: usize = 6;

/// A node with all that is below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Tree<T = Scalar> {
    /// What it is, and which of its kind where there are several: `htb`, `class 1:10`.
    pub word: String,
    /// Its scalars by name.
    #[serde(default = "BTreeMap::<String, T>::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub scalars: BTreeMap<String, T>,
    /// What is below it, in order.
    #[serde(default = "Vec::<Tree<T>>::new", skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Tree<T>>,
}

impl<T> Tree<T> {
    /// A node with nothing but its word.
    pub fn new(word: impl Into<String>) -> Tree<T> {
        Tree { word: word.into(), scalars: BTreeMap::new(), children: Vec::new() }
    }

    /// The same tree of other scalars, each made by `turn`.
    ///
    /// # Errors
    /// The first of `turn`.
    pub fn try_map<U, E>(&self, turn: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Tree<U>, E> {
        let mut turned = Tree::new(self.word.clone());
        for (name, scalar) in &self.scalars {
            turned.scalars.insert(name.clone(), turn(scalar)?);
        }
        for child in &self.children {
            turned.children.push(child.try_map(turn)?);
        }
        Ok(turned)
    }

    /// Every scalar, those of a node before those of its children.
    pub fn every_scalar(&self) -> Vec<&T> {
        let below = self.children.iter().flat_map(Tree::every_scalar);
        self.scalars.values().chain(below).collect()
    }

    /// How many nodes it has, itself included.
    pub fn count(&self) -> usize {
        self.children.iter().map(Tree::count).sum::<usize>().saturating_add(1)
    }
}

/// The word of a tree that says that there is nothing.
const NONE: &str = "none";

impl Tree {
    /// That there is nothing.
    pub fn none() -> Tree {
        Tree::new(NONE)
    }

    /// Whether it says that there is nothing.
    pub fn is_none(&self) -> bool {
        *self == Tree::none()
    }

    /// The number of this name, if there is one.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.scalars.get(name)? {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(_) => None,
        }
    }

    /// The text of this name, if there is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.scalars.get(name)? {
            Scalar::Int(_) => None,
            Scalar::Text(text) => Some(text),
        }
    }

    /// The node without its children, in one line: `class 1:10 ceil 1gbit rate 600mbit`.
    pub fn line(&self) -> String {
        let mut line = self.word.clone();
        for (name, scalar) in &self.scalars {
            line.push(' ');
            line.push_str(name);
            line.push(' ');
            line.push_str(&scalar.to_string());
        }
        line
    }

    fn show(&self, out: &mut String, left: &mut usize) {
        out.push_str(&self.line());
        *left = left.saturating_sub(1);
        let mut shown = 0;
        for child in &self.children {
            if *left == 0 {
                break;
            }
            out.push_str(if shown == 0 { " (" } else { ", " });
            child.show(out, left);
            shown += 1;
        }
        let more: usize = self.children.iter().skip(shown).map(Tree::count).sum();
        match (shown, more) {
            (0, 0) => {}
            (0, more) => out.push_str(&format!(" ({more} more)")),
            (_, 0) => out.push(')'),
            (_, more) => out.push_str(&format!(", {more} more)")),
        }
    }
}

/// One line, children in parentheses; of many, the first ones and how many more there are.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut out, mut left) = (String::new(), MOST_SHOWN);
        self.show(&mut out, &mut left);
        f.pad(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, rate: i64) -> Tree {
        Tree { scalars: BTreeMap::from([("rate".to_owned(), Scalar::Int(rate))]), ..Tree::new(name) }
    }

    #[test]
    fn one_line_says_the_shape_and_counts_what_is_left() {
        let mut root = Tree::new("htb");
        assert_eq!(root.to_string(), "htb");
        root.children.push(Tree { children: vec![class("class 3", 3)], ..class("class 1", 4) });
        root.children.push(class("class 2", 9));
        assert_eq!(root.to_string(), "htb (class 1 rate 4 (class 3 rate 3), class 2 rate 9)");
        root.children.extend((10..20).map(|rate| class("class x", rate)));
        let line = "htb (class 1 rate 4 (class 3 rate 3), class 2 rate 9, class x rate 10, class x rate 11, 8 more)";
        assert_eq!(root.to_string(), line);
        assert_eq!(root.count(), 14);
    }

    #[test]
    fn a_failure_in_the_depth_comes_out() {
        let root = Tree { children: vec![class("a", 1), class("b", 2)], ..class("htb", 0) };
        let refused = root.try_map(&mut |scalar| match scalar {
            Scalar::Int(2) => Err("two"),
            Scalar::Int(_) | Scalar::Text(_) => Ok(scalar.clone()),
        });
        assert_eq!(refused, Err("two"));
        assert_eq!(root.try_map(&mut |scalar| Ok::<_, ()>(scalar.clone())), Ok(root.clone()));
        assert_eq!(root.every_scalar(), [&Scalar::Int(0), &Scalar::Int(1), &Scalar::Int(2)]);
    }
}
