//! Expressions of any kind, by name.

use super::Bitwise;
use super::Byteorder;
use super::Cmp;
use super::Counter;
use super::Data;
use super::Exthdr;
use super::Immediate;
use super::Lookup;
use super::Meta;
use super::Payload;
use super::Range;
use super::Rt;
use super::found::Found;
use crate::netfilter::nftables::number;
use crate::netfilter::nftables::number::expression as is;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::NESTED;
use crate::wire::Writer;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `meta`: what is known of a packet beside its bytes.
    Meta(Meta),
    /// `payload`: bytes of a packet.
    Payload(Payload),
    /// `cmp`: a comparison; what does not hold ends the rule.
    Cmp(Cmp),
    /// `range`: whether a value lies between two others.
    Range(Range),
    /// `bitwise`: some bits of a value.
    Bitwise(Bitwise),
    /// `byteorder`: a value with its bytes turned around.
    Byteorder(Byteorder),
    /// `lookup`: whether a value is in a set.
    Lookup(Lookup),
    /// `immediate`: a value, or a verdict.
    Immediate(Immediate),
    /// `notrack`: the connection of the packet is not tracked.
    Notrack,
    /// `exthdr`: an option of TCP, or a header behind that of IP.
    Exthdr(Exthdr),
    /// `rt`: what the route of a packet says.
    Rt(Rt),
    /// `counter`: packets and bytes that came so far in the rule.
    Counter(Counter),
    /// One, or a use of one, that is not in this list.
    Other {
        /// Its name.
        name: String,
        /// Its `NFTA_EXPR_DATA`, as it travels.
        data: Vec<u8>,
    },
}

impl Expression {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Expression::Meta(_) => "meta",
            Expression::Payload(_) => "payload",
            Expression::Cmp(_) => "cmp",
            Expression::Range(_) => "range",
            Expression::Bitwise(_) => "bitwise",
            Expression::Byteorder(_) => "byteorder",
            Expression::Lookup(_) => "lookup",
            Expression::Immediate(_) => "immediate",
            Expression::Notrack => "notrack",
            Expression::Exthdr(_) => "exthdr",
            Expression::Rt(_) => "rt",
            Expression::Counter(_) => "counter",
            Expression::Other { name, .. } => name,
        }
    }

    /// Whether it does the same, whatever it has counted. Names of sets count: what the kernel calls one without a name is for the
    /// caller to look behind.
    #[must_use]
    pub fn is_as(&self, asked: &Expression) -> bool {
        matches!((self, asked), (Expression::Counter(_), Expression::Counter(_))) || self == asked
    }

    /// The names of other things in it.
    pub(in crate::netfilter::nftables) fn names(&self) -> impl Iterator<Item = &str> {
        let inner = match self {
            Expression::Lookup(lookup) => Some(lookup.set.as_str()),
            Expression::Immediate(Immediate { data: Data::Verdict(verdict), .. }) => verdict.chain(),
            Expression::Immediate(_)
            | Expression::Meta(_)
            | Expression::Payload(_)
            | Expression::Cmp(_)
            | Expression::Range(_)
            | Expression::Bitwise(_)
            | Expression::Byteorder(_)
            | Expression::Notrack
            | Expression::Exthdr(_)
            | Expression::Rt(_)
            | Expression::Counter(_)
            | Expression::Other { .. } => None,
        };
        [Some(self.name()), inner].into_iter().flatten()
    }

    /// Reads one element of the list.
    fn read(attribute: &Attribute<'_>) -> Result<Expression, Malformed> {
        let (mut name, mut data) = (None, None);
        for attribute in attribute.nested() {
            let attribute = attribute?;
            match attribute.kind {
                is::NAME => name = Some(attribute.text()?),
                is::DATA => data = Some(attribute),
                _ => (),
            }
        }
        let name = name.ok_or(Malformed::Missing { what: "NFTA_EXPR_NAME" })?;
        let known = match data {
            Some(data) => {
                let found = || Found::of(data.nested());
                match name {
                    "meta" => Meta::read(&found()?)?.map(Expression::Meta),
                    "payload" => Payload::read(&found()?)?.map(Expression::Payload),
                    "cmp" => Cmp::read(&found()?)?.map(Expression::Cmp),
                    "range" => Range::read(&found()?)?.map(Expression::Range),
                    "bitwise" => Bitwise::read(&found()?)?.map(Expression::Bitwise),
                    "byteorder" => Byteorder::read(&found()?)?.map(Expression::Byteorder),
                    "lookup" => Lookup::read(&found()?)?.map(Expression::Lookup),
                    "immediate" => Immediate::read(&found()?)?.map(Expression::Immediate),
                    "notrack" => Some(Expression::Notrack),
                    "exthdr" => Exthdr::read(&found()?)?.map(Expression::Exthdr),
                    "rt" => Rt::read(&found()?)?.map(Expression::Rt),
                    "counter" => Some(Expression::Counter(Counter::read(&found()?)?)),
                    _ => None,
                }
            }
            None if name == "notrack" => Some(Expression::Notrack),
            None => None,
        };
        Ok(known.unwrap_or_else(|| Expression::Other {
            name: name.to_owned(),
            data: data.map(|data| data.payload.to_vec()).unwrap_or_default(),
        }))
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(is::NAME, self.name());
        let mut nest = |write: &dyn Fn(&mut Writer)| {
            writer.nest(is::DATA, |data| write(data));
        };
        match self {
            Expression::Meta(one) => nest(&|data| one.write(data)),
            Expression::Payload(one) => nest(&|data| one.write(data)),
            Expression::Cmp(one) => nest(&|data| one.write(data)),
            Expression::Range(one) => nest(&|data| one.write(data)),
            Expression::Bitwise(one) => nest(&|data| one.write(data)),
            Expression::Byteorder(one) => nest(&|data| one.write(data)),
            Expression::Lookup(one) => nest(&|data| one.write(data)),
            Expression::Immediate(one) => nest(&|data| one.write(data)),
            Expression::Notrack => (),
            Expression::Exthdr(one) => nest(&|data| one.write(data)),
            Expression::Rt(one) => nest(&|data| one.write(data)),
            Expression::Counter(one) => nest(&|data| one.write(data)),
            Expression::Other { data, .. } => {
                writer.attribute(is::DATA | NESTED, data);
            }
        }
    }
}

/// The expressions of a rule, in their order.
pub(in crate::netfilter::nftables) fn read_all(attribute: &Attribute<'_>) -> Result<Vec<Expression>, Malformed> {
    attribute.nested().map(|element| Expression::read(&element?)).collect()
}

pub(in crate::netfilter::nftables) fn write_all(kind: u16, expressions: &[Expression], writer: &mut Writer) {
    writer.nest(kind, |list| {
        for expression in expressions {
            list.nest(number::LIST_ELEMENT, |inside| expression.write(inside));
        }
    });
}
