//! Classes: what a queueing discipline puts packets into. Those of `htb` are made one by one; `prio`, `mq` and others come with theirs.
//!
//! ```no_run
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//! use trimtab_netlink::tc::class::{self, HtbClass, NewClass};
//! use trimtab_netlink::tc::{Handle, Rate};
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! let htb = HtbClass { ceil: Rate::bytes(12_500_000), ..HtbClass::with(Rate::bytes(1_250_000), 16_000) };
//! let asked = NewClass::htb(2, Handle::new(1, 0), Handle::new(1, 0x10), htb);
//! socket.acknowledged(asked.add()?)?;
//! for shown in class::dump(&mut socket, 2)? {
//!     println!("{} below {}: {} bytes", shown.handle, shown.parent, shown.statistics.bytes);
//! }
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

mod decode;
mod htb;
mod kind;
mod request;
#[cfg(test)]
mod tests;

pub use decode::Change;
pub use decode::Class;
pub use htb::HtbClass;
pub use kind::Kind;
pub use request::NewClass;
pub use request::delete;
pub use request::dump;
