//! How much of a processor others can make the daemon use: all of it for a moment, a tenth in the long run.

use std::time::Duration;

use tokio::time::Instant;

/// What may be spent at once: some thousand looks.
const BURST: Duration = Duration::from_secs(3);

/// One part in so many of the time that goes by is free to be spent.
const ONE_IN: u32 = 10;

/// What was spent of late.
#[derive(Debug)]
pub struct Pace {
    spent: Duration,
    as_of: Instant,
    /// All that was ever spent, then.
    total: Duration,
}

impl Pace {
    /// Nothing is spent but `total`.
    pub fn new(now: Instant, total: Duration) -> Pace {
        Pace { spent: Duration::ZERO, as_of: now, total }
    }

    /// So much time of processors was ever spent by now.
    pub fn spend(&mut self, now: Instant, total: Duration) {
        let free = now.saturating_duration_since(self.as_of) / ONE_IN;
        self.spent = self.spent.saturating_sub(free) + total.saturating_sub(self.total);
        (self.as_of, self.total) = (now, total);
    }

    /// From when on something may be done because others want it: mostly a time that has gone by.
    pub fn free_from(&self) -> Instant {
        self.as_of + self.spent.saturating_sub(BURST) * ONE_IN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_gets_a_tenth_of_a_processor() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::ZERO);
        let (mut now, mut busy) = (start, Duration::ZERO);
        while now < start + Duration::from_secs(1000) {
            now = now.max(pace.free_from());
            now += Duration::from_millis(2);
            busy += Duration::from_millis(2);
            pace.spend(now, busy);
        }
        assert!((Duration::from_secs(100)..Duration::from_secs(105)).contains(&busy), "{busy:?}");
        // Behind a quiet time everything is at once again.
        now += Duration::from_secs(60);
        pace.spend(now, busy + Duration::from_secs(1));
        assert!(pace.free_from() <= now);
    }
}
