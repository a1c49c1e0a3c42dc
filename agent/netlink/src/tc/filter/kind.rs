//! How a filter finds packets.

use std::num::NonZeroU32;

use super::Fw;
use super::Matchall;
use super::U32;
use crate::tc::number::attribute;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::NESTED;
use crate::wire::Writer;

/// `TCA_U32_DIVISOR`
const DIVISOR: u16 = 4;

/// A kind of filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// By words of the packets' headers.
    U32(U32),
    /// All packets.
    Matchall(Matchall),
    /// By the packets' marks.
    Fw(Fw),
    /// As an answer: what filters of a kind, parent, priority and protocol have in common, with handle 0. It comes with the
    /// first of them and goes with the last.
    Head {
        /// The name of the kind.
        name: String,
    },
    /// A hash table of `u32`. The one of each priority that filters are in by default comes by itself.
    U32Table {
        /// How many buckets it has, a power of two, at most 256.
        buckets: u32,
    },
    /// A kind that is not in this list.
    Other {
        /// Its name.
        name: String,
        /// Its `TCA_OPTIONS`, as they travel.
        options: Vec<u8>,
    },
}

impl Kind {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Kind::U32(_) | Kind::U32Table { .. } => "u32",
            Kind::Matchall(_) => "matchall",
            Kind::Fw(_) => "fw",
            Kind::Head { name } | Kind::Other { name, .. } => name,
        }
    }

    /// Names of what was asked for and is not what is shown here; `kind` if that is another.
    #[must_use]
    pub fn differs(&self, asked: &Kind) -> Vec<&'static str> {
        match (self, asked) {
            (Kind::U32(shown), Kind::U32(asked)) => shown.differs(asked),
            (Kind::Matchall(shown), Kind::Matchall(asked)) => shown.differs(asked),
            (Kind::Fw(shown), Kind::Fw(asked)) => shown.differs(asked),
            (Kind::U32Table { buckets: shown }, Kind::U32Table { buckets: asked }) if shown != asked => vec!["buckets"],
            (Kind::Other { name, options: shown }, Kind::Other { name: asked_name, options: asked })
                if name == asked_name && shown != asked =>
            {
                vec!["options"]
            }
            (
                Kind::U32(_)
                | Kind::Matchall(_)
                | Kind::Fw(_)
                | Kind::Head { .. }
                | Kind::U32Table { .. }
                | Kind::Other { .. },
                _,
            ) => {
                if self == asked {
                    Vec::new()
                } else {
                    vec!["kind"]
                }
            }
        }
    }

    /// Reads `TCA_OPTIONS`.
    pub(super) fn read(name: &str, handle: u32, options: Option<Attribute<'_>>) -> Result<Kind, Malformed> {
        let name_owned = || name.to_owned();
        let Some(options) = options else {
            // One of `fw` that does nothing but find has no options, either.
            let is_fw = name == "fw" && handle != 0;
            return Ok(if is_fw { Kind::Fw(Fw::default()) } else { Kind::Head { name: name_owned() } });
        };
        let inside = options.nested();
        Ok(match name {
            "u32" => match inside.clone().find_kind(DIVISOR)? {
                Some(divisor) => Kind::U32Table { buckets: divisor.u32()? },
                None => Kind::U32(U32::read(inside)?),
            },
            "matchall" => Kind::Matchall(Matchall::read(inside)?),
            "fw" => Kind::Fw(Fw::read(inside)?),
            _ => Kind::Other { name: name_owned(), options: options.payload.to_vec() },
        })
    }

    /// Writes `TCA_KIND` and `TCA_OPTIONS`.
    pub(super) fn write(&self, handle: NonZeroU32, body: &mut Writer) {
        body.text(attribute::KIND, self.name());
        let mut nest = |write: &dyn Fn(&mut Writer)| {
            body.nest(attribute::OPTIONS, |options| write(options));
        };
        match self {
            Kind::U32(filter) => nest(&|options| filter.write(handle, options)),
            Kind::Matchall(matchall) => nest(&|options| matchall.write(options)),
            Kind::Fw(fw) => nest(&|options| fw.write(options)),
            Kind::Head { .. } => (),
            Kind::U32Table { buckets } => nest(&|options| {
                options.u32(DIVISOR, *buckets);
            }),
            Kind::Other { options, .. } => {
                body.attribute(attribute::OPTIONS | NESTED, options);
            }
        }
    }
}
