//! bpf(2) and the memory that a ring buffer shares with the kernel: the second fence around unsafe code.
//!
//! Layouts are those of include/uapi/linux/bpf.h. The kernel takes as much of an attribute as it is told the length of, and
//! takes the rest for zero.

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::ptr;
use std::ptr::NonNull;
use std::sync::atomic;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const MAP_CREATE: libc::c_int = 0;
const MAP_LOOKUP: libc::c_int = 1;
const PROGRAM_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;

/// `BPF_MAP_TYPE_ARRAY`
pub(crate) const ARRAY: u32 = 2;
/// `BPF_MAP_TYPE_RINGBUF`
pub(crate) const RING: u32 = 27;

/// `struct bpf_insn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    /// `code`
    pub(crate) code: u8,
    /// `dst_reg` and `src_reg`, four bits each.
    pub(crate) registers: u8,
    /// `off`
    pub(crate) offset: i16,
    /// `imm`
    pub(crate) immediate: i32,
}

const _: () = assert!(mem::size_of::<Instruction>() == 8);

/// A map, and what is needed to look into it safely.
#[derive(Debug)]
pub(crate) struct Map {
    descriptor: OwnedFd,
    value_size: usize,
    entries: u32,
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Map {
    /// An array of numbers of 64 bits.
    ///
    /// # Errors
    /// bpf(2).
    pub(crate) fn array(entries: u32) -> io::Result<Map> {
        Map::create(ARRAY, 4, 8, entries)
    }

    /// A ring buffer of so many bytes: a power of two, and whole pages.
    ///
    /// # Errors
    /// bpf(2).
    pub(crate) fn ring(bytes: u32) -> io::Result<Map> {
        Map::create(RING, 0, 0, bytes)
    }

    fn create(kind: u32, key_size: u32, value_size: u32, entries: u32) -> io::Result<Map> {
        #[repr(C)]
        struct Attribute {
            kind: u32,
            key_size: u32,
            value_size: u32,
            entries: u32,
            flags: u32,
        }
        let attribute = Attribute { kind, key_size, value_size, entries, flags: 0 };
        // SAFETY: the attribute is that of the command and holds no pointer; the answer is a new descriptor.
        let descriptor = unsafe { call_for_descriptor(MAP_CREATE, &attribute)? };
        Ok(Map { descriptor, value_size: value_size as usize, entries })
    }

    /// A number of an [`array`](Map::array).
    ///
    /// # Errors
    /// bpf(2); `EINVAL` for another kind of map.
    pub(crate) fn number(&self, index: u32) -> io::Result<u64> {
        #[repr(C)]
        struct Attribute {
            map: u32,
            padding: u32,
            key: u64,
            value: u64,
            flags: u64,
        }
        if self.value_size != mem::size_of::<u64>() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let mut number: u64 = 0;
        let attribute = Attribute {
            map: self.descriptor.as_raw_fd().unsigned_abs(),
            padding: 0,
            key: ptr::from_ref(&index) as u64,
            value: (&raw mut number) as u64,
            flags: 0,
        };
        // SAFETY: the key has the 4 bytes and the value the 8 that this map was made with, and both are live.
        unsafe { call(MAP_LOOKUP, &attribute)? };
        Ok(number)
    }
}

/// What a program is to be loaded as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProgramKind {
    /// `BPF_PROG_TYPE_*`
    pub(crate) program: u32,
    /// `BPF_*` of `enum bpf_attach_type`
    pub(crate) attach: u32,
}

/// Why a program was not loaded.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// The system's reason.
    pub(crate) source: io::Error,
    /// What the verifier said; empty if it was not asked.
    pub(crate) log: String,
}

/// Loads a program. If the kernel does not take it, it is asked once more, for its reasons.
///
/// # Errors
/// [`Rejected`].
pub(crate) fn load(kind: ProgramKind, code: &[Instruction], name: &str) -> Result<OwnedFd, Rejected> {
    const LOG: usize = 256 << 10;
    match load_once(kind, code, name, &mut []) {
        Ok(descriptor) => Ok(descriptor),
        // No right to load anything: the verifier has not seen it.
        Err(source) if source.raw_os_error() == Some(libc::EPERM) => Err(Rejected { source, log: String::new() }),
        Err(_) => {
            let mut log = vec![0; LOG];
            load_once(kind, code, name, &mut log).map_err(|source| {
                let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
                Rejected { source, log: String::from_utf8_lossy(log.get(..end).unwrap_or_default()).into_owned() }
            })
        }
    }
}

fn load_once(kind: ProgramKind, code: &[Instruction], name: &str, log: &mut [u8]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attribute {
        program: u32,
        count: u32,
        code: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log: u64,
        kernel: u32,
        flags: u32,
        name: [u8; 16],
        interface: u32,
        attach: u32,
    }
    const _: () = assert!(mem::size_of::<Attribute>() == 72);
    // What decides whether helpers for GPL programs may be called; this project is under MIT or Apache-2.0.
    let license = c"Dual MIT/GPL";
    let mut short = [0; 16];
    // The last byte stays 0.
    for (slot, byte) in short.iter_mut().take(15).zip(name.bytes()) {
        *slot = byte;
    }
    let attribute = Attribute {
        program: kind.program,
        count: u32::try_from(code.len()).unwrap_or(u32::MAX),
        code: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: u32::try_from(log.len()).unwrap_or(u32::MAX),
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        kernel: 0,
        flags: 0,
        name: short,
        interface: 0,
        attach: kind.attach,
    };
    // SAFETY: code, license and log are live and as long as is said; the kernel writes to the log only.
    unsafe { call_for_descriptor(PROGRAM_LOAD, &attribute) }
}

/// Attaches a program to a cgroup, for as long as the answer is open.
///
/// # Errors
/// bpf(2).
pub(crate) fn attach(program: BorrowedFd<'_>, cgroup: BorrowedFd<'_>, attach: u32) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attribute {
        program: u32,
        target: u32,
        attach: u32,
        flags: u32,
    }
    let attribute = Attribute {
        program: program.as_raw_fd().unsigned_abs(),
        target: cgroup.as_raw_fd().unsigned_abs(),
        attach,
        flags: 0,
    };
    // SAFETY: the attribute is that of the command and holds no pointer; the answer is a new descriptor.
    unsafe { call_for_descriptor(LINK_CREATE, &attribute) }
}

/// # Safety
/// The attribute is that of the command, and its pointers lead to as much memory as the command takes for granted.
unsafe fn call<T>(command: libc::c_int, attribute: &T) -> io::Result<libc::c_long> {
    // SAFETY: the attribute is live and as long as is said; the caller answers for what is in it.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, ptr::from_ref(attribute), mem::size_of::<T>()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// # Safety
/// As [`call`], and the command answers with a new descriptor.
unsafe fn call_for_descriptor<T>(command: libc::c_int, attribute: &T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's.
    let answer = unsafe { call(command, attribute)? };
    let number = libc::c_int::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it for us alone, closed on exec as all of bpf(2).
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The pages of a ring buffer in this process: one that says up to where we have read, one up to where the kernel has
/// written, and the data twice in a row, so that no record is ever cut (kernel/bpf/ringbuf.c).
#[derive(Debug)]
pub(crate) struct RingPages {
    consumer: Pages,
    producer: Pages,
    page: usize,
    data: usize,
}

impl RingPages {
    /// Maps a [`Map::ring`].
    ///
    /// # Errors
    /// mmap(2).
    pub(crate) fn of(map: &Map) -> io::Result<RingPages> {
        let page = rustix::param::page_size();
        let data = map.entries as usize;
        let consumer = Pages::map(map.as_fd(), 0, page, libc::PROT_READ | libc::PROT_WRITE)?;
        let producer = Pages::map(map.as_fd(), page, page.saturating_add(data.saturating_mul(2)), libc::PROT_READ)?;
        Ok(RingPages { consumer, producer, page, data })
    }

    /// How many bytes of data there are.
    pub(crate) fn data(&self) -> usize {
        self.data
    }

    /// Up to where we have read.
    pub(crate) fn read_up_to(&self) -> u64 {
        self.position(&self.consumer).load(Ordering::Relaxed)
    }

    /// Up to where the kernel has written, in front of what it may still be writing.
    pub(crate) fn written_up_to(&self) -> u64 {
        self.position(&self.producer).load(Ordering::Acquire)
    }

    /// Gives all before this position back to the kernel.
    pub(crate) fn give_back(&mut self, position: u64) {
        self.position(&self.consumer).store(position, Ordering::Release);
        // Before anything behind it is read: the writer of what is not there yet sees that the reader has caught up, and wakes it.
        atomic::fence(Ordering::SeqCst);
    }

    fn position(&self, pages: &Pages) -> &AtomicU64 {
        // SAFETY: a page is longer than a number and aligned for it, stays mapped as long as `self` is borrowed, and the kernel
        // too goes at it with single loads and stores. The producer's is never stored to: only `give_back` stores.
        unsafe { AtomicU64::from_ptr(pages.start.cast().as_ptr()) }
    }

    /// The word of 32 bits at a place of the data, or nothing past its end.
    pub(crate) fn word(&self, place: usize) -> Option<u32> {
        let fits = place.is_multiple_of(4) && place.checked_add(4)? <= self.data.checked_mul(2)?;
        // SAFETY: the place is aligned and within the mapping, which holds the data twice behind its first page.
        fits.then(|| unsafe {
            AtomicU32::from_ptr(self.producer.start.as_ptr().add(self.page).add(place).cast()).load(Ordering::Acquire)
        })
    }

    /// Copies bytes of the data that the kernel has handed over; false if they are not within it.
    pub(crate) fn copy(&self, place: usize, into: &mut [u8]) -> bool {
        let end = place.checked_add(into.len());
        if end.is_none_or(|end| end > self.data.saturating_mul(2)) {
            return false;
        }
        // SAFETY: both are live, apart from each other and as long as is said. The kernel writes no more to what it has handed
        // over, until it is given back.
        unsafe {
            let from = self.producer.start.as_ptr().add(self.page).add(place);
            ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len());
        }
        true
    }
}

/// A mapping of our own.
#[derive(Debug)]
struct Pages {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: it is memory of the process, no thread's own.
unsafe impl Send for Pages {}

impl Pages {
    fn map(descriptor: BorrowedFd<'_>, offset: usize, length: usize, protection: libc::c_int) -> io::Result<Pages> {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: a new mapping at a place of the kernel's choice touches nothing that is there.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, descriptor.as_raw_fd(), offset)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Pages { start, length }),
            Some(_) | None => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone, and nobody borrows of it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
