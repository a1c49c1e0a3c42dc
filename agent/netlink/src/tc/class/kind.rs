//! What a class is.

use super::HtbClass;
use crate::tc::number::attribute;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::NESTED;
use crate::wire::Writer;

/// A kind of class: that of the queueing discipline which it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Of `htb`.
    Htb(HtbClass),
    /// Of a discipline that makes its classes by itself and gives them no parameters: `prio`, `mq`, `tbf`. It is a place for
    /// another discipline.
    Implied {
        /// The kind of that discipline.
        qdisc: String,
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
            Kind::Htb(_) => "htb",
            Kind::Implied { qdisc: name } | Kind::Other { name, .. } => name,
        }
    }

    /// Names of the parameters that were asked for and are not what is shown here; `kind` if that is another.
    #[must_use]
    pub fn differs(&self, asked: &Kind) -> Vec<&'static str> {
        match (self, asked) {
            (Kind::Htb(shown), Kind::Htb(asked)) => shown.differs(asked),
            (Kind::Other { name, options: shown }, Kind::Other { name: asked_name, options: asked })
                if name == asked_name && shown != asked =>
            {
                vec!["options"]
            }
            (Kind::Htb(_) | Kind::Implied { .. } | Kind::Other { .. }, _) => {
                if self == asked {
                    Vec::new()
                } else {
                    vec!["kind"]
                }
            }
        }
    }

    /// Reads `TCA_OPTIONS`.
    pub(super) fn read(name: &str, options: Option<Attribute<'_>>) -> Result<Kind, Malformed> {
        let name = || name.to_owned();
        Ok(match (name().as_str(), options) {
            ("htb", Some(options)) => Kind::Htb(HtbClass::read(options.nested())?),
            ("htb", None) => return Err(Malformed::Missing { what: "TCA_OPTIONS" }),
            (_, None) => Kind::Implied { qdisc: name() },
            (_, Some(options)) => Kind::Other { name: name(), options: options.payload.to_vec() },
        })
    }

    /// Writes `TCA_KIND` and `TCA_OPTIONS`.
    pub(super) fn write(&self, body: &mut Writer) {
        body.text(attribute::KIND, self.name());
        match self {
            Kind::Htb(htb) => {
                body.nest(attribute::OPTIONS, |options| htb.write(options));
            }
            Kind::Implied { .. } => (),
            Kind::Other { options, .. } => {
                body.attribute(attribute::OPTIONS | NESTED, options);
            }
        }
    }
}
