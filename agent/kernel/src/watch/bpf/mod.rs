//! The event source that names who writes sysctls: a BPF program on the hook `cgroup/sysctl`, put together here and loaded through
//! bpf(2).
//!
//! It sees every write below /proc/sys of the processes in a cgroup, through whichever procfs and whichever network namespace,
//! containers included, before the kernel acts on it. It only looks: it never refuses a write and never changes one. What it
//! does not see: changes by netlink and ioctl, what a write moves besides, what the kernel does itself
//! (Documentation/bpf/prog_cgroup_sysctl.rst).
//!
//! Linux 5.14 or newer with `CONFIG_CGROUP_BPF` and a cgroup2 tree, mounted anywhere; `CAP_BPF`, `CAP_PERFMON` and
//! `CAP_NET_ADMIN`, or `CAP_SYS_ADMIN`. Tried on 6.1, 6.12 and 6.18. What a kernel does not tell such a program is left out, see
//! [`SysctlWatch::lacks`]: without `CAP_PERFMON` the network namespace and, on 6.18, the name of the thread.

mod assembler;
mod btf;
mod program;
mod record;
mod ring;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use thiserror::Error;

pub use program::Part;
pub use record::SysctlWrite;
pub use record::Written;

use btf::Offsets;
use program::Maps;
use ring::Ring;

use super::cgroup;
use crate::sys::bpf;
use crate::sys::bpf::Map;
use crate::sys::bpf::Rejected;

/// Room for some 2000 writes that nobody has taken yet.
pub const DEFAULT_RING: u32 = 1 << 20;

/// Why there is no watch.
#[derive(Debug, Error)]
pub enum WatchError {
    /// No cgroup2 tree is mounted.
    #[error("cannot find the root of the cgroup2 tree: {0}")]
    NoCgroup(#[source] io::Error),
    /// A map could not be made.
    #[error("bpf(2): cannot make {what}: {source}")]
    Map {
        /// Which.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel did not take the program.
    #[error("bpf(2): the kernel refuses the program: {source}{}", last_lines(log))]
    Refused {
        /// The system's reason.
        source: io::Error,
        /// What the verifier said.
        log: String,
    },
    /// The program could not be attached.
    #[error("bpf(2): cannot attach the program to the cgroup: {0}")]
    Attach(#[source] io::Error),
    /// The program is too long for its jumps: ours to mend.
    #[error("the program cannot be put together")]
    Unfinished,
}

/// The end of a verifier's log says what is wrong.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(8);
    lines.get(from..).unwrap_or_default().iter().map(|line| format!("\n    {line}")).collect()
}

/// Writes to sysctls, as they are attempted. The program goes when this is dropped.
///
/// It can be waited for by any event loop: the descriptor is readable while there is something to [`drain`](SysctlWatch::drain).
#[derive(Debug)]
pub struct SysctlWatch {
    ring: Ring,
    lost: Map,
    /// As many losses have been told.
    told: u64,
    lacks: BTreeSet<Part>,
    /// Held open: the program is attached as long as it is.
    _link: OwnedFd,
}

/// What has come since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// The writes, in the order of their coming.
    pub writes: Vec<SysctlWrite>,
    /// How many more there were that nobody will ever tell: read everything anew.
    pub lost: u64,
}

impl SysctlWatch {
    /// Watches every process of the host, with a ring of [`DEFAULT_RING`].
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn on_host() -> Result<SysctlWatch, WatchError> {
        let root = cgroup::root().map_err(WatchError::NoCgroup)?;
        SysctlWatch::on(root.as_fd(), DEFAULT_RING)
    }

    /// Watches the processes in a cgroup and below, with a ring of so many bytes: a power of two, and whole pages.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn on(cgroup: BorrowedFd<'_>, ring: u32) -> Result<SysctlWatch, WatchError> {
        let ring = Map::ring(ring).map_err(|source| WatchError::Map { what: "the ring buffer", source })?;
        let lost = Map::array(1).map_err(|source| WatchError::Map { what: "the counter", source })?;
        let maps = Maps { ring: &ring, lost: &lost };
        let (program, parts) = load(&maps, &Offsets::of_this_kernel())?;
        let link = bpf::attach(program.as_fd(), cgroup, program::KIND.attach).map_err(WatchError::Attach)?;
        let lacks = Part::ALL.into_iter().filter(|part| !parts.contains(part)).collect();
        let ring = Ring::of(ring).map_err(|source| WatchError::Map { what: "a view of the ring buffer", source })?;
        Ok(SysctlWatch { ring, lost, told: 0, lacks, _link: link })
    }

    /// What this kernel does not tell of a write.
    pub fn lacks(&self) -> &BTreeSet<Part> {
        &self.lacks
    }

    /// Takes all that is there, and never waits. What is written meanwhile is for the next time.
    ///
    /// # Errors
    /// bpf(2), of the count of what was lost; writes are then told the next time.
    pub fn drain(&mut self) -> io::Result<Drained> {
        // Before the records: what is lost while they are taken is counted the next time.
        let total = self.lost.number(0)?;
        let mut drained = Drained { writes: Vec::new(), lost: total.wrapping_sub(self.told) };
        self.told = total;
        self.ring.drain(|bytes| match SysctlWrite::parse(bytes) {
            Some(write) => drained.writes.push(write),
            // Nobody else writes there.
            None => drained.lost += 1,
        });
        Ok(drained)
    }
}

impl AsFd for SysctlWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// Loads the program with as many parts as this kernel takes.
fn load(maps: &Maps<'_>, offsets: &Offsets) -> Result<(OwnedFd, BTreeSet<Part>), WatchError> {
    let mut parts = BTreeSet::from(Part::ALL);
    if *offsets == Offsets::default() {
        parts.remove(&Part::Task);
    }
    loop {
        let code = program::program(maps, &parts, offsets).ok_or(WatchError::Unfinished)?;
        let Rejected { source, log } = match bpf::load(program::KIND, &code, "trimtab_sysctl") {
            Ok(program) => return Ok((program, parts)),
            Err(rejected) => rejected,
        };
        // Without a reason that can be told, the part goes first that asks most of the kernel.
        let next = refused_part(&log).filter(|part| parts.contains(part)).or_else(|| parts.last().copied());
        match next.filter(|_| !log.is_empty()) {
            Some(part) => {
                tracing::debug!(part = part.word(), "the kernel does not tell this of writes to sysctls");
                parts.remove(&part);
            }
            None => return Err(WatchError::Refused { source, log }),
        }
    }
}

/// The part whose helper the verifier refuses: `unknown func bpf_x#N`, since Linux 6.10 `program of this type cannot use helper
/// bpf_x#N` (kernel/bpf/verifier.c `check_helper_call`).
fn refused_part(log: &str) -> Option<Part> {
    let line = log.lines().rev().find(|line| line.contains("unknown func") || line.contains("cannot use helper"))?;
    let digits = line.rsplit_once('#')?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    Part::of_helper(digits.get(..end)?.parse().ok()?)
}
