//! The breaker: how often one address may be put back, and how long it is left alone then.

use std::collections::VecDeque;
use std::time::Duration;

use crate::profile::Breaker;

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// The attempts to put one address back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// When, within the time of the breaker.
    recent: VecDeque<Duration>,
    /// When it was tried again behind a pause.
    retried: Option<Duration>,
    /// Pauses in a row: each is twice as long as the one before.
    pauses: u32,
    paused_until: Option<Duration>,
}

impl Attempts {
    /// Whether it may be put back now. If so, that is taken for an attempt; if not, a pause has begun or goes on.
    pub(super) fn may(&mut self, breaker: Option<&Breaker>, now: Duration) -> bool {
        let Some(Breaker { reverts, within }) = breaker.copied() else {
            *self = Attempts::default();
            return true;
        };
        self.forget(within, now);
        if let Some(until) = self.paused_until {
            if now < until {
                return false;
            }
            // One attempt; if it does not hold, the next pause is longer.
            self.paused_until = None;
            self.retried = Some(now);
            return true;
        }
        if self.retried.is_none() && self.recent.len() < usize::try_from(reverts).unwrap_or(usize::MAX) {
            self.recent.push_back(now);
            return true;
        }
        let pause =
            within.saturating_mul(1_u32.checked_shl(self.pauses).unwrap_or(u32::MAX)).min(LONGEST_PAUSE.max(within));
        self.pauses = self.pauses.saturating_add(1);
        self.retried = None;
        self.paused_until = Some(now.saturating_add(pause));
        false
    }

    pub(super) fn paused_until(&self) -> Option<Duration> {
        self.paused_until
    }

    pub(super) fn pause_left(&self, now: Duration) -> Option<Duration> {
        self.paused_until.and_then(|until| until.checked_sub(now)).filter(|left| !left.is_zero())
    }

    /// Whether anything of it still matters to a later attempt.
    pub(super) fn are_of_late(&mut self, breaker: Option<&Breaker>, now: Duration) -> bool {
        let Some(breaker) = breaker else { return false };
        self.forget(breaker.within, now);
        !self.recent.is_empty() || self.paused_until.is_some() || self.retried.is_some()
    }

    fn forget(&mut self, within: Duration, now: Duration) {
        while self.recent.front().is_some_and(|at| now.saturating_sub(*at) >= within) {
            self.recent.pop_front();
        }
        let is_past = |at: Option<Duration>| at.is_none_or(|at| now >= at.saturating_add(within));
        if self.recent.is_empty() && is_past(self.paused_until) && is_past(self.retried) {
            // It held for as long as the breaker looks back.
            *self = Attempts::default();
        }
    }
}
