//! Traffic control (rtnetlink(7), tc(8)): how packets wait to go out and which of them may come in.
//!
//! | module | what it is |
//! |---|---|
//! | [`qdisc`] | queueing disciplines: shown, made, changed, deleted |
//! | [`class`] | the classes of disciplines, those of `htb` above all |
//! | [`filter`] | which packets go into which class: `u32`, `matchall`, `fw` |
//! | [`action`] | what else becomes of packets: `police`, `mirred`, `gact` |
//!
//! Rates are bytes per second, of 64 bits; times and sizes have the units that their documentation says; the ticks that the
//! kernel works in do not show. What a kind is asked for and what the kernel shows of it afterwards are of the same type, and `differs`
//! names what is not as it was asked, rounding apart.
//!
//! Requests are values, so that they can be sent one by one or many at once:
//!
//! ```no_run
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//! use trimtab_netlink::tc::qdisc::{self, Fifo, Kind, NewQdisc};
//! use trimtab_netlink::tc::Handle;
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! let asked = NewQdisc::at(2, Handle::ROOT, Handle::new(1, 0), Kind::Pfifo(Fifo { limit: Some(50) }));
//! socket.acknowledged(asked.replace()?)?;
//! for shown in qdisc::dump(&mut socket)? {
//!     if shown.interface == 2 && shown.parent == Handle::ROOT {
//!         assert!(shown.kind.differs(&asked.kind).is_empty());
//!     }
//! }
//! socket.acknowledged(qdisc::delete(2, Handle::ROOT, asked.handle))?;
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

pub mod action;
pub mod class;
pub mod filter;
mod fixed;
mod handle;
mod header;
mod news;
mod number;
mod options;
pub mod qdisc;
mod rate;
mod statistics;

pub use handle::Handle;
pub use handle::NoHandle;
pub use news::Change;
pub use rate::LinkLayer;
pub use rate::Rate;
pub use statistics::Statistics;

/// Names of what is not the same.
fn those_that_are_not(same: &[(&'static str, bool)]) -> Vec<&'static str> {
    same.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect()
}
