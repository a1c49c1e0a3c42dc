//! Trees as people see them: drawn with their shape, what differs marked.
//!
//! What the words mean is not known here. What a node that is wanted leaves out is left open, so only what it names can
//! differ; a child that is not in it is to go.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use super::paint::Paint;
use super::paint::Tone;
use crate::tree::Tree;
use crate::value::Value;

/// Of more siblings in a row of which the same is said, the first are drawn and the rest counted.
const MOST_IN_A_ROW: usize = 12;
/// So many that stay as they are need not be seen at all.
const FEW: usize = 3;

/// The one line for each of two values: of two trees no more than their roots, and of two roots of one word no more than
/// what differs.
pub fn heads(from: &Value, to: &Value) -> (String, String) {
    let (Value::Tree(from), Value::Tree(to)) = (from, to) else { return (head(from), head(to)) };
    if from.word != to.word {
        return (from.to_string(), to.line());
    }
    let differing = |name: &str| to.scalars.get(name).is_some_and(|scalar| from.scalars.get(name) != Some(scalar));
    let only = |tree: &Tree| {
        let scalars = tree.scalars.iter().filter(|(name, _)| differing(name));
        let scalars = scalars.map(|(name, scalar)| (name.clone(), scalar.clone())).collect();
        Tree { scalars, ..Tree::new(tree.word.clone()) }.line()
    };
    (only(from), only(to))
}

fn head(value: &Value) -> String {
    value.as_tree().map_or_else(|| value.to_string(), Tree::line)
}

/// The lines below these heads, each ended: nothing where the heads say all.
pub fn below(from: &Value, to: &Value, paint: Paint) -> String {
    let from = from.as_tree();
    match to.as_tree() {
        Some(to) => match from.filter(|from| from.word == to.word) {
            Some(from) if from.children.is_empty() && to.children.is_empty() => String::new(),
            Some(from) => drawn(&compared(from, to), paint),
            None if to.children.is_empty() => String::new(),
            None => drawn(&whole(to, Mark::Same), paint),
        },
        None => String::new(),
    }
}

/// The lines that draw a value by itself, below its head.
pub fn shape(value: &Value, paint: Paint) -> String {
    match value.as_tree().filter(|tree| !tree.children.is_empty()) {
        Some(tree) => drawn(&whole(tree, Mark::Same), paint),
        None => String::new(),
    }
}

/// Whether one tree takes the place of another that is not its like.
pub fn is_another(from: &Value, to: &Value) -> bool {
    from.as_tree().zip(to.as_tree()).is_some_and(|(from, to)| from.word != to.word)
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Same,
    Changed,
    Added,
    Removed,
}

/// A node with what becomes of it.
struct Drawn {
    mark: Mark,
    text: String,
    children: Vec<Drawn>,
}

impl Drawn {
    /// Whether nothing differs here and below.
    fn stays(&self) -> bool {
        self.mark == Mark::Same && self.children.iter().all(Drawn::stays)
    }

    fn count(&self) -> usize {
        self.children.iter().map(Drawn::count).sum::<usize>().saturating_add(1)
    }
}

/// All of a tree under one mark.
fn whole(tree: &Tree, mark: Mark) -> Drawn {
    Drawn { mark, text: tree.line(), children: tree.children.iter().map(|child| whole(child, mark)).collect() }
}

/// Two nodes of one word.
fn compared(from: &Tree, to: &Tree) -> Drawn {
    let mut text = to.word.clone();
    let mut mark = Mark::Same;
    for (name, wanted) in &to.scalars {
        let found = from.scalars.get(name);
        let differs = found != Some(wanted);
        let words = match found {
            Some(found) if differs => format!(" {name} {found} -> {wanted}"),
            Some(_) => format!(" {name} {wanted}"),
            None => format!(" {name} -> {wanted}"),
        };
        if differs {
            mark = Mark::Changed;
        }
        text.push_str(&words);
    }
    Drawn { mark, text, children: children(&from.children, &to.children) }
}

/// The children of both in the order of those that are wanted, those to go behind the ones that stood before them.
fn children(from: &[Tree], to: &[Tree]) -> Vec<Drawn> {
    let partners = partners(from, to);
    let mut drawn: Vec<Drawn> = Vec::with_capacity(to.len());
    let mut next = 0;
    let kept = |index: usize| partners.contains_key(&index);
    let mut gone = |drawn: &mut Vec<Drawn>, until: usize| {
        while next < until {
            drawn.extend(from.get(next).filter(|_| !kept(next)).map(|tree| whole(tree, Mark::Removed)));
            next += 1;
        }
    };
    let by_wanted: BTreeMap<usize, usize> = partners.iter().map(|(from, to)| (*to, *from)).collect();
    for (index, wanted) in to.iter().enumerate() {
        match by_wanted.get(&index).and_then(|partner| Some((partner, from.get(*partner)?))) {
            Some((partner, found)) => {
                gone(&mut drawn, *partner);
                drawn.push(compared(found, wanted));
            }
            None => drawn.push(whole(wanted, Mark::Added)),
        }
    }
    gone(&mut drawn, from.len());
    drawn
}

/// Which of `from` becomes which of `to`: the same ones first, then those of one word in their order.
fn partners(from: &[Tree], to: &[Tree]) -> BTreeMap<usize, usize> {
    let mut partners = BTreeMap::new();
    let mut taken = vec![false; to.len()];
    for same in [true, false] {
        let mut open: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
        for (index, tree) in from.iter().enumerate().filter(|(index, _)| !partners.contains_key(index)) {
            open.entry(&tree.word).or_default().push_back(index);
        }
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (index, wanted) in to.iter().enumerate() {
            if taken.get(index) != Some(&false) {
                continue;
            }
            let Some(candidates) = open.get_mut(wanted.word.as_str()) else { continue };
            let at = match same {
                true => candidates.iter().position(|candidate| from.get(*candidate) == Some(wanted)),
                false => (!candidates.is_empty()).then_some(0),
            };
            if let Some(partner) = at.and_then(|at| candidates.remove(at)) {
                found.push((partner, index));
            }
        }
        for (partner, index) in found {
            partners.insert(partner, index);
            if let Some(slot) = taken.get_mut(index) {
                *slot = true;
            }
        }
    }
    partners
}

fn drawn(root: &Drawn, paint: Paint) -> String {
    let mut out = String::new();
    line(&mut out, root.mark, "", &root.text, paint);
    siblings(&mut out, &root.children, "", paint);
    out
}

fn line(out: &mut String, mark: Mark, stem: &str, text: &str, paint: Paint) {
    let (sigil, tone) = match mark {
        Mark::Same => (" ", None),
        Mark::Changed => ("~", Some(Tone::Change)),
        Mark::Added => ("+", Some(Tone::Change)),
        Mark::Removed => ("-", Some(Tone::Return)),
    };
    let painted = |text: &str| tone.map_or_else(|| text.to_owned(), |tone| paint.tone(tone, text));
    out.push_str("      ");
    out.push_str(&painted(sigil));
    out.push(' ');
    out.push_str(stem);
    out.push_str(&painted(text));
    out.push('\n');
}

fn siblings(out: &mut String, all: &[Drawn], stem: &str, paint: Paint) {
    // Whether something differs among them: else all of it is there to be seen.
    let differs = !all.iter().all(Drawn::stays);
    let mut rest = all;
    while let Some(first) = rest.first() {
        let alike = |drawn: &&Drawn| drawn.mark == first.mark && drawn.stays() == first.stays();
        let run = rest.iter().take_while(alike).count();
        let shown = match first.stays() && differs && run > FEW {
            true => 0,
            false if run > MOST_IN_A_ROW => MOST_IN_A_ROW.saturating_sub(1),
            false => run,
        };
        let (row, behind) = rest.split_at(run);
        let last_run = behind.is_empty();
        for (index, drawn) in row.iter().take(shown).enumerate() {
            let last = last_run && index + 1 == run;
            line(out, drawn.mark, &format!("{stem}{}", if last { "└─ " } else { "├─ " }), &drawn.text, paint);
            siblings(out, &drawn.children, &format!("{stem}{}", if last { "   " } else { "│  " }), paint);
        }
        if shown < run {
            let more: usize = row.iter().skip(shown).map(Drawn::count).sum();
            let words = if first.stays() && differs { "as they are" } else { "more" };
            let corner = if last_run { "└─ " } else { "├─ " };
            line(out, first.mark, &format!("{stem}{corner}"), &format!("… {more} {words}"), paint);
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Scalar;

    fn node(word: &str, scalars: &[(&str, i64)], children: Vec<Tree>) -> Tree {
        let scalars = scalars.iter().map(|(name, number)| ((*name).to_owned(), Scalar::Int(*number))).collect();
        Tree { word: word.to_owned(), scalars, children }
    }

    fn value(tree: Tree) -> Value {
        Value::Tree(Box::new(tree))
    }

    fn class(minor: u32, rate: i64) -> Tree {
        node(&format!("class 1:{minor}"), &[("rate", rate)], Vec::new())
    }

    #[test]
    fn heads_of_one_word_say_only_what_differs() {
        let from = value(node("fq", &[("limit", 10), ("quantum", 3), ("refill", 1)], vec![]));
        let to = value(node("fq", &[("limit", 20), ("quantum", 3)], vec![]));
        assert_eq!(heads(&from, &to), ("fq limit 10".to_owned(), "fq limit 20".to_owned()));
        let other = value(node("mq", &[], vec![node("fq", &[], vec![])]));
        assert_eq!(heads(&other, &to), ("mq (fq)".to_owned(), "fq limit 20 quantum 3".to_owned()));
        assert_eq!(below(&from, &to, Paint::Plain), "");
        assert_eq!(below(&other, &to, Paint::Plain), "");
    }

    #[test]
    fn the_shape_is_drawn_and_only_what_differs_stands_out() {
        let leaf = |word| node(word, &[], vec![]);
        let inner = |rate| Tree { children: vec![class(10, rate), class(20, 5)], ..class(1, 9) };
        let from = node("htb", &[("default", 1)], vec![inner(3), class(2, 7), class(3, 7)]);
        let to = node(
            "htb",
            &[("default", 1)],
            vec![inner(4), class(3, 7), Tree { children: vec![leaf("fq")], ..class(4, 1) }],
        );
        let drawn = below(&value(from), &value(to), Paint::Plain);
        let wanted = [
            "        htb default 1",
            "        ├─ class 1:1 rate 9",
            "      ~ │  ├─ class 1:10 rate 3 -> 4",
            "        │  └─ class 1:20 rate 5",
            "      - ├─ class 1:2 rate 7",
            "        ├─ class 1:3 rate 7",
            "      + └─ class 1:4 rate 1",
            "      +    └─ fq",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_rule_put_between_two_others_is_the_only_one_that_is_new() {
        let rule = |number| node("rule", &[("number", number)], vec![]);
        let from = node("chain", &[], vec![rule(1), rule(2)]);
        let to = node("chain", &[], vec![rule(1), rule(7), rule(2)]);
        let drawn = below(&value(from), &value(to), Paint::Plain);
        assert_eq!(drawn.lines().filter(|line| line.contains('+')).count(), 1, "{drawn}");
        assert!(drawn.contains("+ ├─ rule number 7"), "{drawn}");
        assert!(!drawn.contains('~'), "{drawn}");
    }

    #[test]
    fn of_many_alike_the_rest_is_counted() {
        let many =
            |last| node("htb", &[], (0..1000).map(|minor| class(minor, if minor == 999 { last } else { 1 })).collect());
        let drawn = below(&value(many(1)), &value(many(2)), Paint::Plain);
        let wanted = ["        htb", "        ├─ … 999 as they are", "      ~ └─ class 1:999 rate 1 -> 2"];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), wanted);
        let alone = shape(&value(many(1)), Paint::Plain);
        assert_eq!(alone.lines().count(), 13, "{alone}");
        assert!(alone.ends_with("        └─ … 989 more\n"), "{alone}");
    }
}
