//! Reading the ring buffer that a BPF program writes (kernel/bpf/ringbuf.c): positions only ever grow, records are whole.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use crate::sys::bpf::Map;
use crate::sys::bpf::RingPages;

/// `BPF_RINGBUF_BUSY_BIT`: it is still being written, and nothing behind it can be read yet.
const BUSY: u32 = 1 << 31;
/// `BPF_RINGBUF_DISCARD_BIT`: its writer thought otherwise.
const DISCARDED: u32 = 1 << 30;
/// `BPF_RINGBUF_HDR_SZ`
const HEADER: u64 = 8;

/// A ring of which this process is the only reader.
#[derive(Debug)]
pub(super) struct Ring {
    map: Map,
    pages: RingPages,
}

impl Ring {
    pub(super) fn of(map: Map) -> io::Result<Ring> {
        let pages = RingPages::of(&map)?;
        Ok(Ring { map, pages })
    }

    /// Hands over each record that is there now, and gives its room back.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        let end = self.pages.written_up_to();
        let mut place = self.pages.read_up_to();
        let mut bytes = Vec::new();
        while place < end {
            let Some(step) = self.record(place, &mut bytes) else { return };
            if step.is_there {
                each(&bytes);
            }
            place = place.saturating_add(step.length);
            // After each: a writer that finds the reader at its record wakes it up, and only then.
            self.pages.give_back(place);
        }
    }

    /// The record at a position; nothing if it is not finished.
    fn record(&self, place: u64, bytes: &mut Vec<u8>) -> Option<Step> {
        let data = self.pages.data();
        // A length that is a power of two.
        let start = usize::try_from(place & u64::try_from(data).ok()?.checked_sub(1)?).ok()?;
        let header = self.pages.word(start)?;
        if header & BUSY != 0 {
            return None;
        }
        let length = header & !(BUSY | DISCARDED);
        let step = u64::from(length).checked_add(HEADER)?.next_multiple_of(HEADER);
        let is_there = header & DISCARDED == 0;
        if is_there {
            bytes.resize(usize::try_from(length).ok()?.min(data), 0);
            if !self.pages.copy(start.checked_add(usize::try_from(HEADER).ok()?)?, bytes) {
                return None;
            }
        }
        Some(Step { length: step, is_there })
    }
}

/// One record further.
struct Step {
    length: u64,
    is_there: bool,
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
