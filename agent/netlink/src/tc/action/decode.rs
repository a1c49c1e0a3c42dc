//! Actions, read and written.

use super::Mirred;
use super::Police;
use super::Verdict;
use super::verdict;
use crate::tc::Statistics;
use crate::tc::fixed::Fields;
use crate::wire::Attribute;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::NESTED;
use crate::wire::Writer;

/// `TCA_ACT_*`
mod number {
    pub(super) const KIND: u16 = 1;
    pub(super) const OPTIONS: u16 = 2;
    pub(super) const STATISTICS: u16 = 4;

    /// `TCA_GACT_*`
    pub(super) const GACT_PARAMETERS: u16 = 2;
    pub(super) const GACT_PROBABILITY: u16 = 3;
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub kind: Kind,
    /// As an answer: its number among those of its kind in the namespace. In a request it is not looked at.
    pub index: u32,
    /// What it has counted.
    pub statistics: Statistics,
}

/// A kind of action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `gact`: no more than a verdict.
    Gact(Verdict),
    /// Packets go to another interface.
    Mirred(Mirred),
    /// What comes faster than a rate is dropped, or something else.
    Police(Police),
    /// A kind, or a use of one, that is not in this list.
    Other {
        /// Its name.
        name: String,
        /// Its `TCA_ACT_OPTIONS`, as they travel.
        options: Vec<u8>,
    },
}

impl Action {
    /// A new one.
    #[must_use]
    pub fn new(kind: Kind) -> Action {
        Action { kind, index: 0, statistics: Statistics::default() }
    }

    /// One that drops all packets.
    #[must_use]
    pub fn drop() -> Action {
        Action::new(Kind::Gact(Verdict::Drop))
    }

    /// One that lets all packets pass, into the class of the filter.
    #[must_use]
    pub fn pass() -> Action {
        Action::new(Kind::Gact(Verdict::Ok))
    }

    /// One that sends all packets out of another interface instead.
    #[must_use]
    pub fn redirect(interface: u32) -> Action {
        Action::new(Kind::Mirred(Mirred::redirect(interface)))
    }

    /// One that drops what exceeds a rate.
    #[must_use]
    pub fn police(police: Police) -> Action {
        Action::new(Kind::Police(police))
    }
}

impl Kind {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Kind::Gact(_) => "gact",
            Kind::Mirred(_) => "mirred",
            Kind::Police(_) => "police",
            Kind::Other { name, .. } => name,
        }
    }

    /// Whether it does what was asked, rounding apart.
    #[must_use]
    pub fn is_as(&self, asked: &Kind) -> bool {
        match (self, asked) {
            (Kind::Police(shown), Kind::Police(asked)) => shown.differs(asked).is_empty(),
            (Kind::Gact(_) | Kind::Mirred(_) | Kind::Police(_) | Kind::Other { .. }, _) => self == asked,
        }
    }

    fn read(name: &str, options: Attribute<'_>) -> Result<(Kind, u32), Malformed> {
        let other = || Kind::Other { name: name.to_owned(), options: options.payload.to_vec() };
        let inside = || options.nested();
        Ok(match name {
            "gact" => gact(inside())?.map_or_else(|| (other(), 0), |(verdict, index)| (Kind::Gact(verdict), index)),
            "mirred" => {
                Mirred::read(inside())?.map_or_else(|| (other(), 0), |(mirred, index)| (Kind::Mirred(mirred), index))
            }
            "police" => Police::read(inside()).map(|(police, index)| (Kind::Police(police), index))?,
            _ => (other(), 0),
        })
    }
}

/// The verdict and its index; none if it falls by chance, which is not known here.
fn gact(attributes: Attributes<'_>) -> Result<Option<(Verdict, u32)>, Malformed> {
    if attributes.clone().find_kind(number::GACT_PROBABILITY)?.is_some() {
        return Ok(None);
    }
    let parameters = attributes.find_kind(number::GACT_PARAMETERS)?;
    let parameters = parameters.ok_or(Malformed::Missing { what: "TCA_GACT_PARMS" })?;
    let mut fields = Fields::of(&parameters, "struct tc_gact");
    let (index, _capab, verdict) = (fields.u32()?, fields.u32()?, fields.i32()?);
    Ok(Some((Verdict::of(verdict), index)))
}

/// The actions of a filter, in their order.
pub(in crate::tc) fn read_all(attribute: &Attribute<'_>) -> Result<Vec<Action>, Malformed> {
    let mut actions = Vec::new();
    for action in attribute.nested() {
        let (mut name, mut options, mut statistics) = (None, None, Statistics::default());
        for attribute in action?.nested() {
            let attribute = attribute?;
            match attribute.kind {
                number::KIND => name = Some(attribute.text()?),
                number::OPTIONS => options = Some(attribute),
                number::STATISTICS => statistics = Statistics::read(&attribute)?,
                _ => (),
            }
        }
        let name = name.ok_or(Malformed::Missing { what: "TCA_ACT_KIND" })?;
        let options = options.ok_or(Malformed::Missing { what: "TCA_ACT_OPTIONS" })?;
        let (kind, index) = Kind::read(name, options)?;
        actions.push(Action { kind, index, statistics });
    }
    Ok(actions)
}

/// A policer of the old form, which tc(8) makes in filters of kind u32: options without a name.
pub(in crate::tc) fn read_police(attribute: &Attribute<'_>) -> Result<Action, Malformed> {
    let (kind, index) = Kind::read("police", *attribute)?;
    Ok(Action { kind, index, statistics: Statistics::default() })
}

pub(in crate::tc) fn write_all(kind: u16, actions: &[Action], writer: &mut Writer) {
    if actions.is_empty() {
        return;
    }
    writer.nest(kind, |list| {
        // Numbered from 1; the kernel refuses more than 32.
        for (number, action) in (1..=u16::MAX).zip(actions) {
            let Action { kind, index: _, statistics: _ } = action;
            list.nest(number, |inside| {
                inside.text(number::KIND, kind.name());
                let mut nest = |write: &dyn Fn(&mut Writer)| {
                    inside.nest(number::OPTIONS, |options| write(options));
                };
                match kind {
                    Kind::Gact(verdict) => nest(&|options| {
                        options.attribute(number::GACT_PARAMETERS, &verdict::parameters(*verdict));
                    }),
                    Kind::Mirred(mirred) => nest(&|options| mirred.write(options)),
                    Kind::Police(police) => nest(&|options| police.write(options)),
                    Kind::Other { options, .. } => {
                        inside.attribute(number::OPTIONS | NESTED, options);
                    }
                }
            });
        }
    });
}
