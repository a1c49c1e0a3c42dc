//! The engine: the apply protocol over any kernel.
//!
//! It takes no decision about values: a [`trimtab_core::plan::Plan`] says what to do at each turn. The engine keeps the
//! protocol: journal first, one write, read back, record; and everything back if anything fails. [`store`] is the
//! state on disk, [`mod@follow`] what interfaces are called by now, [`execute`] one run through a plan, [`undo`] the way back, [`pause`] what a revert means to the daemon, [`lease`] what is tuned by hand, [`transaction`] their order.

pub mod execute;
pub mod follow;
pub mod lease;
pub mod observe;
pub mod pause;
pub mod store;
pub mod transaction;
pub mod undo;

pub use observe::Host;
pub use store::Store;
pub use store::StoreError;
