//! trimtab: the command line and the apply protocol.
//!
//! [`cli`] is what can be asked, [`verbs`] what happens then, [`session`] what every verb begins with, [`engine`] the
//! protocol by which anything is written, [`watch`] the daemon, [`control`] how it is spoken to. Decisions about values are made in trimtab-core.

pub mod cli;
pub mod control;
pub mod engine;
pub mod events;
pub mod exit;
pub mod failure;
pub mod library;
pub mod output;
pub mod run;
pub mod session;
pub mod snapshot_kernel;
pub mod verbs;
pub mod watch;
