//! Writes to sysctls, as they are attempted: a look comes at once, and whoever wrote is named.
//!
//! A write is told before it is done, and may fail or change nothing: what it has come to is found out by looking, at once
//! and once more a moment later.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;
use tokio::time::sleep_until;
use trimtab_core::address::Address;
use trimtab_core::drift::Writer;
use trimtab_core::kind::rules_of;
use trimtab_kernel::watch::bpf::Drained;
use trimtab_kernel::watch::bpf::SysctlWatch;
use trimtab_kernel::watch::bpf::SysctlWrite;
use trimtab_kernel::watch::bpf::WatchError;
use trimtab_kernel::watch::bpf::Written;
use trimtab_kernel::watch::writer::Writers;

/// As many texts are kept of what was written to one address between two looks.
const MOST_TEXTS: usize = 8;

/// The inode of the initial pid namespace (include/linux/proc_ns.h `PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Hears of writes of every process of the host.
pub struct Writes {
    source: AsyncFd<Source>,
    writers: Writers,
    /// Whether this process knows the number that it has for the program. It does not in a pid namespace: there its own writes
    /// are heard of as others', and are none that changes anything.
    knows_own: bool,
}

/// What tokio can wait for.
struct Source(SysctlWatch);

impl AsRawFd for Source {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// What others wrote to one address since it was looked at.
#[derive(Debug, Clone)]
pub struct Write {
    /// Who wrote last.
    pub writer: Writer,
    /// When it was written to first, on CLOCK_BOOTTIME.
    pub at: Option<Duration>,
    /// What was written, the last one last; not all if it was much.
    pub texts: Vec<String>,
    /// Whether something was found to have drifted by it.
    pub has_told: bool,
}

impl Writes {
    /// Begins to listen.
    ///
    /// # Errors
    /// Without the right or the kernel for it.
    pub fn open() -> Result<Writes, WatchError> {
        let watch = SysctlWatch::on_host()?;
        #[expect(
            deprecated,
            reason = "its heir is unsafe, for types whose descriptor changes; a ring keeps its own for life"
        )]
        let source = AsyncFd::with_interest(Source(watch), Interest::READABLE).map_err(WatchError::Attach)?;
        let knows_own = std::fs::metadata("/proc/self/ns/pid").is_ok_and(|found| found.ino() == FIRST_PID_NAMESPACE);
        Ok(Writes { source, writers: Writers::new(), knows_own })
    }

    /// What this kernel does not tell of a write, in words.
    pub fn lacks(&self) -> Option<String> {
        let lacks = self.source.get_ref().0.lacks();
        let words: Vec<&str> = lacks.iter().map(|part| part.word()).collect();
        (!words.is_empty()).then(|| format!("not told of a write: {}", words.join(", ")))
    }

    /// What has come, without waiting.
    ///
    /// # Errors
    /// If none can be heard of any more.
    pub fn drain(&mut self) -> io::Result<Drained> {
        self.source.get_mut().0.drain()
    }

    /// Of these writes, those by others in the namespace of this cookie to addresses of interest, or to any.
    pub fn foreign(
        &self,
        drained: Drained,
        netns: u64,
        of_interest: Option<&BTreeSet<Address>>,
    ) -> BTreeMap<Address, Vec<SysctlWrite>> {
        let mut foreign: BTreeMap<Address, Vec<SysctlWrite>> = BTreeMap::new();
        for write in drained.writes {
            let is_here = write.netns_cookie.is_none_or(|cookie| cookie == netns);
            if !is_here || (self.knows_own && write.is_own()) {
                continue;
            }
            let Some(address) = write.key().map(Address::sysctl) else { continue };
            let address = rules_of(&address).canonical(&address);
            if of_interest.is_none_or(|of_interest| of_interest.contains(&address)) {
                foreign.entry(address).or_default().push(write);
            }
        }
        foreign
    }

    /// Adds writes to one address to what was heard of it before. Whoever wrote last is asked after, no other: that costs more
    /// than to be told.
    pub fn add(&mut self, writes: &[SysctlWrite], before: Option<Write>) -> Option<Write> {
        let last = writes.last()?;
        let before = before.filter(|before| !before.has_told);
        let (at, mut texts) = before.map_or((None, Vec::new()), |before| (before.at, before.texts));
        for write in writes {
            let Written::Text(text) = &write.value else { continue };
            if texts.last() == Some(text) {
                continue;
            }
            if texts.len() >= MOST_TEXTS {
                texts.pop();
            }
            texts.push(text.clone());
        }
        let at = at.or_else(|| writes.first()?.at);
        Some(Write { writer: self.writer(last), at, texts, has_told: false })
    }

    fn writer(&mut self, write: &SysctlWrite) -> Writer {
        let of = self.writers.of(write);
        Writer {
            pid: of.process,
            comm: of.comm,
            exe: of.exe.map(|path| path.display().to_string()),
            uid: of.uid,
            user: of.user,
            login_user: of.login_user,
            cgroup: of.cgroup,
            unit: of.unit,
            container: of.container,
            pod: of.pod,
        }
    }
}

/// Waits for writes, not before that moment, and takes those that have come; for ever where none are heard of.
///
/// # Errors
/// If none can be heard of any more.
pub async fn heard(writes: &mut Option<Writes>, not_before: Instant) -> io::Result<Drained> {
    let Some(writes) = writes else { return std::future::pending().await };
    if not_before > Instant::now() {
        sleep_until(not_before).await;
    }
    loop {
        let mut ready = writes.source.readable_mut().await?;
        let drained = ready.get_inner_mut().0.drain()?;
        if drained != Drained::default() {
            return Ok(drained);
        }
        // Not before nothing was there: a writer wakes only a reader who has caught up (kernel/bpf/ringbuf.c
        // `bpf_ringbuf_commit`), and one write may come while another is taken.
        ready.clear_ready();
    }
}
