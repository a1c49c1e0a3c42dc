//! Queueing disciplines: what becomes of packets that wait to go out, and the hook for those that come in.

mod cake;
mod decode;
mod fifo;
mod fq;
mod fq_codel;
mod htb;
mod kind;
mod netem;
mod prio;
mod request;
mod sfq;
mod tbf;
#[cfg(test)]
mod tests;

pub use cake::Cake;
pub use cake::CakeAckFilter;
pub use cake::CakeAtm;
pub use cake::CakeDiffserv;
pub use cake::CakeFlows;
pub use decode::Change;
pub use decode::Qdisc;
pub use fifo::Fifo;
pub use fq::Fq;
pub use fq_codel::FqCodel;
pub use htb::Htb;
pub use kind::Kind;
pub use netem::Chance;
pub use netem::LossModel;
pub use netem::Netem;
pub use netem::Slot;
pub use prio::Prio;
pub use request::NewQdisc;
pub use request::delete;
pub use request::dump;
pub use request::get;
pub use sfq::Sfq;
pub use sfq::SfqRed;
pub use tbf::Tbf;
pub use tbf::TbfPeak;

use super::those_that_are_not;
