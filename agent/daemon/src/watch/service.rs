//! What the service manager is told (sd_notify(3)); nothing where there is none.

use std::env;
use std::fmt::Write;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sd_notify::NotifyState;

/// How long a message may wait for a manager that reads none: no more than net.unix.max_dgram_qlen of them fit, mostly ten.
const PATIENCE: Duration = Duration::from_secs(1);

/// The roles are in force, or all was done that could be.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What there is to say.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The roles are being applied anew.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // Since systemd 253 the one must come with the other.
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the service manager is not told"),
    }
}

/// The loop goes round.
pub fn alive() {
    if watchdog().is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

/// It ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often it wants to hear from the loop: half of the time after which it would take it for dead.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = send(state) {
        tracing::debug!(%error, "the service manager is not told");
    }
}

/// As `sd_notify::notify`, which waits for ever.
fn send(state: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(place) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&place)?,
    };
    let mut message = String::new();
    for state in state {
        writeln!(message, "{state}").map_err(io::Error::other)?;
    }
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}
