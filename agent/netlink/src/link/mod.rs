//! Network interfaces (rtnetlink(7) `RTM_*LINK`): read all at once or one by one, changed, made, moved and deleted. News of
//! them come from a [`Monitor`](crate::monitor::Monitor).
//!
//! ```no_run
//! use trimtab_netlink::link;
//! use trimtab_netlink::socket::{Protocol, RequestSocket};
//!
//! let mut socket = RequestSocket::open(Protocol::Route)?;
//! for interface in link::dump(&mut socket)? {
//!     println!("{} {}: mtu {} of at most {:?}", interface.index, interface.name, interface.mtu, interface.max_mtu);
//! }
//! # Ok::<(), trimtab_netlink::Error>(())
//! ```

mod change;
mod create;
mod decode;
mod hardware_address;
mod header;
mod interface;
mod news;
mod number;
mod read;
#[cfg(test)]
mod tests;

pub use change::Settings;
pub use change::delete;
pub use change::move_to;
pub use change::set;
pub use create::BondMode;
pub use create::Kind;
pub use create::MacvlanMode;
pub use create::NewLink;
pub use create::add;
#[cfg(any(test, feature = "decoders"))]
pub(crate) use decode::link as decode;
pub use hardware_address::HardwareAddress;
pub use interface::Flags;
pub use interface::Link;
pub use interface::Lower;
pub use interface::OperState;
pub use news::Cause;
pub use news::Change;
pub use read::dump;
pub use read::get;
pub use read::get_by_name;
