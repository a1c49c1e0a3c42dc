//! How the daemon is spoken to: a socket of its namespace that only root may open.
//!
//! The socket is `RUNTIME-DIR/NAMESPACE.sock`, e.g. `/run/trimtab/initial.sock`, beside the lock of the namespace. A client
//! sends one line and hears one or two; [`protocol`] is what they say, [`server`] the daemon's side of it, and [`client`]
//! that of the command line. [`http`]
//! serves metrics. Nothing is decided here.

use std::path::Path;
use std::path::PathBuf;

use trimtab_core::host::NetnsId;
use trimtab_kernel::state;

pub mod client;
pub mod http;
pub mod protocol;
pub mod server;
pub mod stream;

/// Where the daemon of a namespace is spoken to.
pub fn place(runtime_dir: &Path, netns: &NetnsId) -> PathBuf {
    runtime_dir.join(format!("{}.sock", state::namespace(netns)))
}
