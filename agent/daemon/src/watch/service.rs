//! What the service manager is told (sd_notify(3)); nothing where there is none.

use std::time::Duration;

use sd_notify::NotifyState;

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
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager is not told");
    }
}
