//! What a queueing discipline does, and its parameters.

use super::Cake;
use super::Fifo;
use super::Fq;
use super::FqCodel;
use super::Htb;
use super::Netem;
use super::Prio;
use super::Sfq;
use super::Tbf;
use crate::tc::number::attribute;
use crate::wire::Attribute;
use crate::wire::Malformed;
use crate::wire::NESTED;
use crate::wire::Writer;

/// A kind of queueing discipline. What a kernel has differs: it refuses one that it has not, in its own words, and cannot be
/// asked without making one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One queue, counted in packets.
    Pfifo(Fifo),
    /// One queue, counted in bytes.
    Bfifo(Fifo),
    /// Three queues by priority: the default of most interfaces, without parameters.
    PfifoFast,
    /// One discipline for each transmit queue, at the classes `:1`, `:2` and so on. Interfaces with several queues have it
    /// by default.
    Mq,
    /// None at all: what comes goes out at once. Virtual interfaces have it by default.
    Noqueue,
    /// Flows in turn, each paced by its socket.
    Fq(Fq),
    /// Flows in turn, each kept short.
    FqCodel(FqCodel),
    /// Shaper, flows and priorities in one.
    Cake(Cake),
    /// One rate for all.
    Tbf(Tbf),
    /// A tree of classes.
    Htb(Htb),
    /// Bands, each of which waits for all before it.
    Prio(Prio),
    /// Flows in turn, as a hash tells them apart.
    Sfq(Sfq),
    /// The misfortunes of a network.
    Netem(Box<Netem>),
    /// A place for filters of what comes in.
    Ingress,
    /// Places for filters of what comes in and what goes out.
    Clsact,
    /// A kind that is not in this list.
    Other {
        /// Its name.
        name: String,
        /// Its `TCA_OPTIONS`, as they travel; none if it has none.
        options: Option<Vec<u8>>,
    },
}

impl Kind {
    /// Its name in the kernel.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Kind::Pfifo(_) => "pfifo",
            Kind::Bfifo(_) => "bfifo",
            Kind::PfifoFast => "pfifo_fast",
            Kind::Mq => "mq",
            Kind::Noqueue => "noqueue",
            Kind::Fq(_) => "fq",
            Kind::FqCodel(_) => "fq_codel",
            Kind::Cake(_) => "cake",
            Kind::Tbf(_) => "tbf",
            Kind::Htb(_) => "htb",
            Kind::Prio(_) => "prio",
            Kind::Sfq(_) => "sfq",
            Kind::Netem(_) => "netem",
            Kind::Ingress => "ingress",
            Kind::Clsact => "clsact",
            Kind::Other { name, .. } => name,
        }
    }

    /// Whether the kernel can change one of this kind in place, or only make it anew, which throws away what waits and all
    /// classes (net/sched/sch_api.c `qdisc_change`). Of a kind without parameters there is nothing to change, and the kernel
    /// agrees. None of a kind that is not known.
    #[must_use]
    pub fn can_change(&self) -> Option<bool> {
        match self {
            Kind::Htb(_) | Kind::Sfq(_) => Some(false),
            Kind::Pfifo(_)
            | Kind::Bfifo(_)
            | Kind::PfifoFast
            | Kind::Mq
            | Kind::Noqueue
            | Kind::Fq(_)
            | Kind::FqCodel(_)
            | Kind::Cake(_)
            | Kind::Tbf(_)
            | Kind::Prio(_)
            | Kind::Netem(_)
            | Kind::Ingress
            | Kind::Clsact => Some(true),
            Kind::Other { .. } => None,
        }
    }

    /// Names of the parameters that were asked for and are not what is shown here; `kind` if that is another. What was not
    /// asked for may be anything; times and bursts are compared as the kernel rounds them.
    #[must_use]
    pub fn differs(&self, asked: &Kind) -> Vec<&'static str> {
        match (self, asked) {
            (Kind::Pfifo(shown), Kind::Pfifo(asked)) | (Kind::Bfifo(shown), Kind::Bfifo(asked)) => shown.differs(asked),
            (Kind::Fq(shown), Kind::Fq(asked)) => shown.differs(asked),
            (Kind::FqCodel(shown), Kind::FqCodel(asked)) => shown.differs(asked),
            (Kind::Cake(shown), Kind::Cake(asked)) => shown.differs(asked),
            (Kind::Tbf(shown), Kind::Tbf(asked)) => shown.differs(asked),
            (Kind::Htb(shown), Kind::Htb(asked)) => shown.differs(asked),
            (Kind::Prio(shown), Kind::Prio(asked)) => shown.differs(asked),
            (Kind::Sfq(shown), Kind::Sfq(asked)) => shown.differs(asked),
            (Kind::Netem(shown), Kind::Netem(asked)) => shown.differs(asked),
            (Kind::Other { name, options: shown }, Kind::Other { name: asked_name, options: asked })
                if name == asked_name && shown != asked =>
            {
                vec!["options"]
            }
            (
                Kind::Pfifo(_)
                | Kind::Bfifo(_)
                | Kind::PfifoFast
                | Kind::Mq
                | Kind::Noqueue
                | Kind::Fq(_)
                | Kind::FqCodel(_)
                | Kind::Cake(_)
                | Kind::Tbf(_)
                | Kind::Htb(_)
                | Kind::Prio(_)
                | Kind::Sfq(_)
                | Kind::Netem(_)
                | Kind::Ingress
                | Kind::Clsact
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
    pub(super) fn read(name: &str, options: Option<Attribute<'_>>) -> Result<Kind, Malformed> {
        let there = || options.ok_or(Malformed::Missing { what: "TCA_OPTIONS" });
        let nested = || there().map(|options| options.nested());
        Ok(match name {
            "pfifo" => Kind::Pfifo(Fifo::read(&there()?)?),
            "bfifo" => Kind::Bfifo(Fifo::read(&there()?)?),
            "pfifo_fast" => Kind::PfifoFast,
            "mq" => Kind::Mq,
            "noqueue" => Kind::Noqueue,
            "fq" => Kind::Fq(Fq::read(nested()?)?),
            "fq_codel" => Kind::FqCodel(FqCodel::read(nested()?)?),
            "cake" => Kind::Cake(Cake::read(nested()?)?),
            "tbf" => Kind::Tbf(Tbf::read(nested()?)?),
            "htb" => Kind::Htb(Htb::read(nested()?)?),
            "prio" => Kind::Prio(Prio::read(&there()?)?),
            "sfq" => Kind::Sfq(Sfq::read(&there()?)?),
            "netem" => Kind::Netem(Box::new(Netem::read(&there()?)?)),
            "ingress" => Kind::Ingress,
            "clsact" => Kind::Clsact,
            other => Kind::Other { name: other.to_owned(), options: options.map(|options| options.payload.to_vec()) },
        })
    }

    /// Writes `TCA_KIND` and `TCA_OPTIONS`.
    pub(super) fn write(&self, body: &mut Writer) {
        body.text(attribute::KIND, self.name());
        match self {
            Kind::Pfifo(Fifo { limit: Some(limit) }) | Kind::Bfifo(Fifo { limit: Some(limit) }) => {
                body.u32(attribute::OPTIONS, *limit);
            }
            // The kernel counts by the interface only where there is no attribute at all.
            Kind::Pfifo(Fifo { limit: None }) | Kind::Bfifo(Fifo { limit: None }) => (),
            Kind::PfifoFast | Kind::Mq | Kind::Noqueue | Kind::Ingress | Kind::Clsact => (),
            Kind::Fq(fq) => {
                body.nest(attribute::OPTIONS, |options| fq.write(options));
            }
            Kind::FqCodel(fq_codel) => {
                body.nest(attribute::OPTIONS, |options| fq_codel.write(options));
            }
            Kind::Cake(cake) => {
                body.nest(attribute::OPTIONS, |options| cake.write(options));
            }
            Kind::Tbf(tbf) => {
                body.nest(attribute::OPTIONS, |options| tbf.write(options));
            }
            Kind::Htb(htb) => {
                body.nest(attribute::OPTIONS, |options| htb.write(options));
            }
            Kind::Prio(prio) => {
                body.attribute(attribute::OPTIONS, &prio.to_bytes());
            }
            Kind::Sfq(sfq) => {
                body.attribute(attribute::OPTIONS, &sfq.to_bytes());
            }
            Kind::Netem(netem) => {
                body.nest(attribute::OPTIONS, |options| netem.write(options));
            }
            Kind::Other { options: Some(options), .. } => {
                body.attribute(attribute::OPTIONS | NESTED, options);
            }
            Kind::Other { options: None, .. } => (),
        }
    }
}
