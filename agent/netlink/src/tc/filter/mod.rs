//! Filters: which packets go into which class, and what else becomes of them.
//!
//! A filter has a name of four parts, and all of them are given here: where it hangs, its priority, its protocol, and its handle
//! among those. Left to the kernel a handle is a trap: `u32` puts another filter of the same words behind the first at each `replace`
//! (net/sched/cls_u32.c `u32_change`).
//!
//! ```no_run
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//! use trimtab_netlink::tc::action::Action;
//! use trimtab_netlink::tc::filter::{self, ANY_PROTOCOL, Kind, Matchall, NewFilter};
//! use trimtab_netlink::tc::Handle;
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! let all = Matchall { actions: vec![Action::redirect(7)], ..Matchall::default() };
//! let asked = NewFilter {
//!     interface: 2,
//!     parent: Handle::INGRESS_QDISC,
//!     priority: 10,
//!     protocol: ANY_PROTOCOL,
//!     handle: std::num::NonZeroU32::MIN,
//!     kind: Kind::Matchall(all),
//! };
//! socket.acknowledged(asked.replace()?)?;
//! println!("{:?}", filter::dump(&mut socket, 2, Handle::INGRESS_QDISC)?);
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

mod decode;
mod fw;
mod kind;
mod matchall;
mod request;
#[cfg(test)]
mod tests;
mod u32;

pub use decode::Change;
pub use decode::Filter;
pub use fw::Fw;
pub use kind::Kind;
pub use matchall::Matchall;
pub use request::NewFilter;
pub use request::delete;
pub use request::delete_all;
pub use request::delete_priority;
pub use request::dump;
pub use u32::Key;
pub use u32::Selector;
pub use u32::U32;

/// `ETH_P_ALL`: packets of all protocols.
pub const ANY_PROTOCOL: u16 = 0x0003;
/// `ETH_P_IP`
pub const IPV4: u16 = 0x0800;
/// `ETH_P_IPV6`
pub const IPV6: u16 = 0x86dd;

use super::action::Action;

/// Whether actions do what was asked, one by one and in the same order.
fn same_actions(shown: &[Action], asked: &[Action]) -> bool {
    shown.len() == asked.len() && shown.iter().zip(asked).all(|(shown, asked)| shown.kind.is_as(&asked.kind))
}
