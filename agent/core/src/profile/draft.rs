//! Policies as written, with formulas not yet evaluated, and their evaluation on one host.

use std::collections::BTreeMap;

use crate::desired::Want;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::expr::Expression;
use crate::expr::Outcome;
use crate::expr::Scope;
use crate::facts::FactValue;
use crate::facts::Facts;
use crate::policy::Element;
use crate::policy::OnDrift;
use crate::policy::Policy;
use crate::policy::Scalar;
use crate::policy::Wanted;
use crate::tree::Tree;

/// One leaf of a profile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub(super) policy: DraftPolicy,
    pub(super) on_drift: Option<OnDrift>,
    pub(super) reason: Option<String>,
    pub(super) overrides: bool,
    /// Fine where this kernel or device has no such thing.
    pub(super) if_supported: bool,
    /// Whether the module that brings the key is to be loaded, if that is said.
    pub(super) load_module: Option<bool>,
}

/// A [`Policy`] whose scalars may be formulas.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DraftPolicy {
    Value(DraftWanted),
    AtLeast(DraftWanted),
    AtMost(DraftWanted),
    Between(DraftWanted, DraftWanted),
    OneOf(Vec<DraftWanted>),
    Prefer(Vec<DraftWanted>),
    Includes(Vec<Term>),
}

/// A [`Wanted`] whose scalars may be formulas.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DraftWanted {
    One(Term),
    Many(Vec<DraftElement>),
    Tree(Box<Tree<Term>>),
}

/// An [`Element`] that may be a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DraftElement {
    Keep,
    Is(Term),
}

/// One scalar, or the formula for one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Plain(Scalar),
    Formula(Formula),
}

/// A formula and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    pub(super) expression: Expression,
    pub(super) place: Place,
    /// Where the text itself begins, if the string has no escapes: then an offset in it is a place in the file.
    pub(super) verbatim_from: Option<usize>,
}

impl Formula {
    /// The place of a byte of the formula, or of the whole string.
    pub(super) fn place_of(&self, offset: Option<usize>) -> Place {
        formula_place(&self.place, self.verbatim_from, offset)
    }
}

/// The place of a byte of a formula that stands at `whole`, its text beginning at `verbatim_from`.
pub(super) fn formula_place(whole: &Place, verbatim_from: Option<usize>, offset: Option<usize>) -> Place {
    let inside = verbatim_from.zip(offset).map(|(from, offset)| from.saturating_add(offset));
    match inside {
        Some(at) if whole.span.contains(&at) => Place { source: whole.source, span: at..at.saturating_add(1) },
        Some(_) | None => whole.clone(),
    }
}

impl DraftPolicy {
    /// Every tree that may be wanted.
    pub(super) fn trees(&self) -> impl Iterator<Item = &Tree<Term>> {
        let all: &[DraftWanted] = match self {
            DraftPolicy::Value(wanted) => std::slice::from_ref(wanted),
            DraftPolicy::Prefer(all) => all,
            DraftPolicy::AtLeast(_)
            | DraftPolicy::AtMost(_)
            | DraftPolicy::Between(_, _)
            | DraftPolicy::OneOf(_)
            | DraftPolicy::Includes(_) => &[],
        };
        all.iter().filter_map(|wanted| match wanted {
            DraftWanted::Tree(tree) => Some(&**tree),
            DraftWanted::One(_) | DraftWanted::Many(_) => None,
        })
    }

    /// Every formula in it.
    pub(super) fn formulas(&self) -> Vec<&Formula> {
        let mut terms: Vec<&Term> = Vec::new();
        match self {
            DraftPolicy::Value(wanted) | DraftPolicy::AtLeast(wanted) | DraftPolicy::AtMost(wanted) => {
                wanted.collect(&mut terms);
            }
            DraftPolicy::Between(low, high) => {
                low.collect(&mut terms);
                high.collect(&mut terms);
            }
            DraftPolicy::OneOf(all) | DraftPolicy::Prefer(all) => {
                for wanted in all {
                    wanted.collect(&mut terms);
                }
            }
            DraftPolicy::Includes(members) => terms.extend(members),
        }
        terms
            .into_iter()
            .filter_map(|term| match term {
                Term::Plain(_) => None,
                Term::Formula(formula) => Some(formula),
            })
            .collect()
    }
}

impl DraftWanted {
    fn collect<'a>(&'a self, terms: &mut Vec<&'a Term>) {
        match self {
            DraftWanted::One(term) => terms.push(term),
            DraftWanted::Many(elements) => terms.extend(elements.iter().filter_map(|element| match element {
                DraftElement::Keep => None,
                DraftElement::Is(term) => Some(term),
            })),
            DraftWanted::Tree(tree) => terms.extend(tree.every_scalar()),
        }
    }
}

/// What formulas are evaluated for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) facts: &'a Facts,
    pub(super) params: &'a BTreeMap<String, FactValue>,
    pub(super) link: Option<&'a str>,
}

/// Why there is no policy.
#[derive(Debug)]
enum Stop {
    Unknown { fact: String, expression: String },
    Failed(Box<Diagnostic>),
}

/// The policy on one host, or the first fact that it lacks.
///
/// # Errors
/// The diagnostic of the first formula that fails.
pub(super) fn evaluate(policy: &DraftPolicy, context: &Context<'_>) -> Result<Want, Box<Diagnostic>> {
    match decide(policy, context) {
        Ok(policy) => Ok(Want::Decided(policy)),
        Err(Stop::Unknown { fact, expression }) => Ok(Want::Undecided { fact, expression }),
        Err(Stop::Failed(diagnostic)) => Err(diagnostic),
    }
}

fn decide(policy: &DraftPolicy, context: &Context<'_>) -> Result<Policy, Stop> {
    let wanted = |draft: &DraftWanted| draft.decide(context);
    let all = |drafts: &[DraftWanted]| drafts.iter().map(wanted).collect::<Result<Vec<Wanted>, Stop>>();
    Ok(match policy {
        DraftPolicy::Value(draft) => Policy::Value(wanted(draft)?),
        DraftPolicy::AtLeast(draft) => Policy::AtLeast(wanted(draft)?),
        DraftPolicy::AtMost(draft) => Policy::AtMost(wanted(draft)?),
        DraftPolicy::Between(low, high) => Policy::Between(wanted(low)?, wanted(high)?),
        DraftPolicy::OneOf(drafts) => Policy::OneOf(all(drafts)?),
        DraftPolicy::Prefer(drafts) => Policy::Prefer(all(drafts)?),
        DraftPolicy::Includes(members) => {
            Policy::Includes(members.iter().map(|term| term.decide(context)).collect::<Result<_, _>>()?)
        }
    })
}

impl DraftWanted {
    fn decide(&self, context: &Context<'_>) -> Result<Wanted, Stop> {
        match self {
            DraftWanted::One(term) => Ok(Wanted::One(term.decide(context)?)),
            DraftWanted::Many(elements) => elements
                .iter()
                .map(|element| match element {
                    DraftElement::Keep => Ok(Element::Keep),
                    DraftElement::Is(term) => term.decide(context).map(Element::Is),
                })
                .collect::<Result<_, _>>()
                .map(Wanted::Many),
            DraftWanted::Tree(tree) => {
                tree.try_map(&mut |term: &Term| term.decide_exactly(context)).map(|tree| Wanted::Tree(Box::new(tree)))
            }
        }
    }
}

impl Term {
    fn decide(&self, context: &Context<'_>) -> Result<Scalar, Stop> {
        match self {
            Term::Plain(scalar) => Ok(scalar.clone()),
            Term::Formula(formula) => formula.decide(context, scalar),
        }
    }

    /// As [`Term::decide`], fractions as they are: there are times among the scalars of a tree.
    fn decide_exactly(&self, context: &Context<'_>) -> Result<Scalar, Stop> {
        match self {
            Term::Plain(scalar) => Ok(scalar.clone()),
            Term::Formula(formula) => formula.decide(context, exact),
        }
    }
}

impl Formula {
    fn decide(&self, context: &Context<'_>, scalar: fn(FactValue) -> Result<Scalar, String>) -> Result<Scalar, Stop> {
        let scope = Scope { facts: context.facts, link: context.link, params: context.params };
        match self.expression.evaluate(&scope) {
            Ok(Outcome::Known(value)) => scalar(value).map_err(|problem| {
                Stop::Failed(Box::new(Diagnostic::error("expression", problem, self.place_of(None))))
            }),
            Ok(Outcome::Unknown { fact }) => Err(Stop::Unknown { fact, expression: self.expression.text().to_owned() }),
            Err(error) => {
                Err(Stop::Failed(Box::new(Diagnostic::error("expression", error.message, self.place_of(error.offset)))))
            }
        }
    }
}

/// A formula's result as the kernel holds it: booleans are 1 and 0, fractions are rounded up.
fn scalar(value: FactValue) -> Result<Scalar, String> {
    match value {
        FactValue::Bool(yes) => Ok(Scalar::Int(i64::from(yes))),
        FactValue::Int(number) => Ok(Scalar::Int(number)),
        FactValue::Text(text) => Ok(Scalar::Text(text)),
        FactValue::Float(number) => whole(number.ceil())
            .map(Scalar::Int)
            .ok_or_else(|| format!("the expression gives {number}, which no 64-bit integer holds")),
    }
}

/// A formula's result with its fraction: nine digits of it, the finest that quantities have.
fn exact(value: FactValue) -> Result<Scalar, String> {
    match value {
        FactValue::Float(number) if number.fract() != 0.0 && number.is_finite() => {
            Ok(Scalar::Text(format!("{number:.9}")))
        }
        FactValue::Bool(_) | FactValue::Int(_) | FactValue::Float(_) | FactValue::Text(_) => scalar(value),
    }
}

/// The integer of a float without fraction, if 64 bits hold it.
fn whole(number: f64) -> Option<i64> {
    // Through the text, because a cast would clamp silently.
    if number.is_finite() { format!("{number:.0}").parse().ok() } else { None }
}

/// The policy with every number multiplied, for a key that is another unit of its canonical one; `None` if a number
/// leaves 64 bits or is none.
pub(super) fn scaled(policy: Policy, scale: i64) -> Option<Policy> {
    if scale == 1 {
        return Some(policy);
    }
    let one = |scalar: Scalar| -> Option<Scalar> {
        let number = match scalar {
            Scalar::Int(number) => number,
            Scalar::Text(text) => text.trim().parse().ok()?,
        };
        number.checked_mul(scale).map(Scalar::Int)
    };
    let wanted = |wanted: Wanted| -> Option<Wanted> {
        Some(match wanted {
            Wanted::One(scalar) => Wanted::One(one(scalar)?),
            Wanted::Many(elements) => Wanted::Many(
                elements
                    .into_iter()
                    .map(|element| match element {
                        Element::Keep => Some(Element::Keep),
                        Element::Is(scalar) => one(scalar).map(Element::Is),
                    })
                    .collect::<Option<_>>()?,
            ),
            // Which of its numbers would be meant only its kind could say, and none has such aliases.
            Wanted::Tree(_) => return None,
        })
    };
    Some(match policy {
        Policy::Value(draft) => Policy::Value(wanted(draft)?),
        Policy::AtLeast(draft) => Policy::AtLeast(wanted(draft)?),
        Policy::AtMost(draft) => Policy::AtMost(wanted(draft)?),
        Policy::Between(low, high) => Policy::Between(wanted(low)?, wanted(high)?),
        Policy::OneOf(all) => Policy::OneOf(all.into_iter().map(wanted).collect::<Option<_>>()?),
        Policy::Prefer(all) => Policy::Prefer(all.into_iter().map(wanted).collect::<Option<_>>()?),
        Policy::Includes(all) => Policy::Includes(all.into_iter().map(one).collect::<Option<_>>()?),
    })
}

/// What a policy wants, as a person would write it: `1`, `at-least 8192`, `prefer bbr, cubic`.
pub(super) fn show(want: &Want) -> String {
    match want {
        Want::Undecided { fact, expression } => format!("`{expression}` ({fact} is not known)"),
        Want::Decided(Policy::Value(wanted)) => format!("`{}`", show_wanted(wanted)),
        Want::Decided(policy) => {
            let what = match policy {
                Policy::Value(wanted) | Policy::AtLeast(wanted) | Policy::AtMost(wanted) => show_wanted(wanted),
                Policy::Between(low, high) => format!("{} and {}", show_wanted(low), show_wanted(high)),
                Policy::OneOf(all) | Policy::Prefer(all) => all.iter().map(show_wanted).collect::<Vec<_>>().join(", "),
                Policy::Includes(members) => members.iter().map(Scalar::to_string).collect::<Vec<_>>().join(", "),
            };
            format!("{} `{what}`", policy.word())
        }
    }
}

fn show_wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::One(scalar) => scalar.to_string(),
        Wanted::Many(elements) => elements
            .iter()
            .map(|element| match element {
                Element::Keep => "keep".to_owned(),
                Element::Is(scalar) => scalar.to_string(),
            })
            .collect::<Vec<_>>()
            .join(" "),
        Wanted::Tree(tree) => tree.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceId;

    fn formula(text: &str) -> Term {
        let expression = crate::expr::compile(text).unwrap();
        Term::Formula(Formula {
            expression,
            place: Place { source: SourceId(0), span: 0..text.len() },
            verbatim_from: Some(0),
        })
    }

    fn evaluated(rate: Term) -> Result<Want, Box<Diagnostic>> {
        let class = Tree { scalars: BTreeMap::from([("rate".to_owned(), rate)]), ..Tree::new("class 1") };
        let tree = Tree { children: vec![class], ..Tree::new("htb") };
        let mut facts = Facts::default();
        let fact = crate::facts::Fact { value: FactValue::Int(1000), source: "test".into() };
        facts.values.insert("uplink.speed".to_owned(), fact);
        let context = Context { facts: &facts, params: &BTreeMap::new(), link: None };
        evaluate(&DraftPolicy::Value(DraftWanted::Tree(Box::new(tree))), &context)
    }

    #[test]
    fn formulas_anywhere_in_a_tree_are_evaluated() {
        let Ok(Want::Decided(Policy::Value(Wanted::Tree(tree)))) = evaluated(formula("uplink.speed / 2")) else {
            panic!("no tree")
        };
        assert_eq!(tree.to_string(), "htb (class 1 rate 500)");
        let unknown = Want::Undecided { fact: "uplink.mtu".to_owned(), expression: "uplink.mtu".to_owned() };
        assert_eq!(evaluated(formula("uplink.mtu")).unwrap(), unknown);
        assert!(evaluated(formula("1 / 0")).is_err());
    }
}
