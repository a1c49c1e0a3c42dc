//! What was heard of writes to sysctls since they were looked at, and when to look because of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use tokio::time::Instant;
use trimtab_core::address::Address;
use trimtab_core::drift::State;
use trimtab_kernel::timer;
use trimtab_kernel::watch::bpf::Drained;

use super::sources::Source;
use super::sources::Sources;
use super::writes;
use super::writes::Write;
use super::writes::Writes;

/// A write is told before it is done, and its writer may have to wait for a processor in between: when to look behind it. With
/// the last of them it is done or never will be.
const BEHIND_A_WRITE: [Duration; 4] =
    [Duration::from_millis(1), Duration::from_millis(10), Duration::from_millis(100), Duration::from_secs(1)];

/// Losses that are no further apart are told once.
const GUSTS: Duration = Duration::from_secs(10);

/// What was heard.
pub struct Hearing {
    writes: Option<Writes>,
    /// What others wrote, by where, until it is certain what came of it.
    pub heard: BTreeMap<Address, Write>,
    heard_at: Option<Instant>,
    lost_at: Option<Instant>,
    /// The sysctls that have a say in what is in force; none as long as nobody has looked at what is.
    pub of_interest: Option<BTreeSet<Address>>,
}

/// As many addresses are kept in mind before it is known which of them are of interest.
const MOST_HEARD: usize = 1000;

impl Hearing {
    /// Begins to listen; why it cannot is told.
    pub fn open(sources: &mut Sources) -> Hearing {
        let writes = match Writes::open() {
            Ok(writes) => {
                sources.on(Source::Bpf, writes.lacks());
                Some(writes)
            }
            Err(error) => {
                let what = "writes to sysctls are not heard of: a drift is found by the next look, and nobody named";
                tracing::warn!(%error, "{what}");
                sources.off(Source::Bpf, error.to_string());
                None
            }
        };
        Hearing { writes, heard: BTreeMap::new(), heard_at: None, lost_at: None, of_interest: None }
    }

    /// Waits for writes, not before that moment, and gives those that have come.
    ///
    /// # Errors
    /// If none can be heard of any more.
    pub async fn wait(&mut self, not_before: Instant) -> io::Result<Drained> {
        writes::heard(&mut self.writes, not_before).await
    }

    /// Takes in what has come by now. A value that was read before this is of a write that this tells of, if of any.
    pub fn catch_up(&mut self, netns: u64, drift: &State, sources: &mut Sources) {
        if let Some(writes) = &mut self.writes {
            let drained = writes.drain();
            self.take(drained, netns, drift, sources);
        }
    }

    /// Takes in what was written; whether that is a reason to look.
    pub fn take(&mut self, drained: io::Result<Drained>, netns: u64, drift: &State, sources: &mut Sources) -> bool {
        let began = Instant::now();
        let drained = match drained {
            Ok(drained) => drained,
            Err(error) => {
                tracing::warn!(%error, "writes to sysctls are not heard of any more");
                sources.off(Source::Bpf, error.to_string());
                self.writes = None;
                return true;
            }
        };
        let Some(writes) = &mut self.writes else { return true };
        let mut is_news = drained.lost > 0;
        sources.seen(Source::Bpf, drained.writes.len().try_into().unwrap_or(u64::MAX));
        if is_news {
            sources.lost(Source::Bpf, drained.lost);
            // A storm is told once, not with each gust.
            if self.lost_at.is_none_or(|at| began >= at + GUSTS) {
                tracing::warn!(lost = drained.lost, "writes to sysctls were not heard of; everything is looked at");
            }
            self.lost_at = Some(began);
        }
        let foreign = writes.foreign(drained, netns, self.of_interest.as_ref());
        if foreign.is_empty() {
            return is_news;
        }
        // Who fights goes on writing, and is left alone.
        let contended: BTreeSet<&Address> =
            drift.contended(timer::now_boottime()).map(|(address, _)| address).collect();
        for (address, new) in foreign.iter().filter(|(address, _)| !contended.contains(address)) {
            if self.heard.len() >= MOST_HEARD && !self.heard.contains_key(address) {
                continue;
            }
            if let Some(write) = writes.add(new, self.heard.remove(address)) {
                self.heard.insert(address.clone(), write);
                self.heard_at = Some(began);
                is_news = true;
            }
        }
        is_news
    }

    /// Whether all was done that was heard to be written when a look began then.
    pub fn settled(&self, began: Instant) -> bool {
        self.later(began).is_none()
    }

    /// When to look once more, behind a look that began then.
    pub fn later(&self, began: Instant) -> Option<Instant> {
        let at = self.heard_at.filter(|_| !self.heard.is_empty())?;
        BEHIND_A_WRITE.map(|wait| at + wait).into_iter().find(|later| *later > began)
    }
}
