//! The program: for each write below /proc/sys a record in the ring, and the write goes on.
//!
//! It runs before the kernel has read the value (kernel/bpf/cgroup.c `__cgroup_bpf_run_filter_sysctl`), in the process that
//! writes, through whichever procfs. It always answers 1, "go on": it never denies anything and never changes a value.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;

use super::assembler::Assembler;
use super::assembler::Register;
use super::assembler::Size;
use super::btf::Offsets;
use super::record;
use super::record::at;
use super::record::known;
use crate::sys::bpf::Instruction;
use crate::sys::bpf::Map;
use crate::sys::bpf::ProgramKind;

/// `BPF_PROG_TYPE_CGROUP_SYSCTL`, `BPF_CGROUP_SYSCTL`
pub(super) const KIND: ProgramKind = ProgramKind { program: 23, attach: 18 };

/// Helpers of the kernel (include/uapi/linux/bpf.h `___BPF_FUNC_MAPPER`).
mod helper {
    pub(super) const MAP_LOOKUP: i32 = 1;
    pub(super) const PID_TGID: i32 = 14;
    pub(super) const UID_GID: i32 = 15;
    pub(super) const COMM: i32 = 16;
    pub(super) const CGROUP_ID: i32 = 80;
    pub(super) const SYSCTL_NAME: i32 = 101;
    pub(super) const SYSCTL_NEW_VALUE: i32 = 103;
    pub(super) const BOOT_TIME: i32 = 125;
    pub(super) const RING_RESERVE: i32 = 131;
    pub(super) const RING_SUBMIT: i32 = 132;
    pub(super) const TASK: i32 = 158;
}

/// Something that is worth knowing and that not every kernel tells such a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// When it was written.
    Time,
    /// The cgroup of the writer.
    Cgroup,
    /// Process and thread.
    Process,
    /// User and group.
    User,
    /// The name of the thread.
    Comm,
    /// The network namespace, and who logged in: fields of the kernel's own structures, found by its description of them.
    Task,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 6] = [Part::Time, Part::Cgroup, Part::Process, Part::User, Part::Comm, Part::Task];

    /// The part that asks for a helper of the kernel.
    pub(super) fn of_helper(number: i32) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.helper() == number)
    }

    fn helper(self) -> i32 {
        match self {
            Part::Time => helper::BOOT_TIME,
            Part::Cgroup => helper::CGROUP_ID,
            Part::Process => helper::PID_TGID,
            Part::User => helper::UID_GID,
            Part::Comm => helper::COMM,
            Part::Task => helper::TASK,
        }
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Part::Time => "time",
            Part::Cgroup => "cgroup",
            Part::Process => "process",
            Part::User => "user",
            Part::Comm => "comm",
            Part::Task => "namespace",
        }
    }
}

/// The two maps of the program.
pub(super) struct Maps<'a> {
    /// Where records go.
    pub(super) ring: &'a Map,
    /// How many found no room, at index 0.
    pub(super) lost: &'a Map,
}

use Register::*;
use Size::*;

/// The program with these parts; nothing if it cannot be written down.
pub(super) fn program(maps: &Maps<'_>, parts: &BTreeSet<Part>, offsets: &Offsets) -> Option<Vec<Instruction>> {
    let mut asm = Assembler::default();
    let (lost, end) = (asm.label(), asm.label());
    // struct bpf_sysctl: write, file_pos
    asm.copy(R6, R1);
    asm.load(Word, R0, R6, 0);
    asm.jump_if_zero(R0, end);
    asm.map(R1, maps.ring.as_fd().as_raw_fd());
    asm.set(R2, i32::try_from(record::LENGTH).ok()?);
    asm.set(R3, 0);
    asm.call(helper::RING_RESERVE);
    asm.jump_if_zero(R0, lost);
    asm.copy(R7, R0);
    let mut filled = 0;
    for (part, place, bit) in [
        (Part::Time, at::TIME, known::TIME),
        (Part::Cgroup, at::CGROUP, known::CGROUP),
        (Part::Process, at::TASK, known::TASK),
        (Part::User, at::USER, known::USER),
    ] {
        if parts.contains(&part) {
            asm.call(part.helper());
            asm.store(Double, R7, place, R0);
            filled |= bit;
        }
    }
    if parts.contains(&Part::Comm) {
        buffer(&mut asm, R1, R2, at::COMM, record::COMM)?;
        asm.call(helper::COMM);
        filled |= known::COMM;
    }
    if parts.contains(&Part::Task) {
        filled |= task(&mut asm, offsets);
    }
    asm.load(Word, R0, R6, 4);
    asm.store(Word, R7, at::POSITION, R0);
    asm.copy(R1, R6);
    buffer(&mut asm, R2, R3, at::NAME, record::NAME)?;
    asm.set(R4, 0);
    asm.call(helper::SYSCTL_NAME);
    asm.store(Word, R7, at::NAME_ANSWER, R0);
    asm.copy(R1, R6);
    buffer(&mut asm, R2, R3, at::VALUE, record::VALUE)?;
    asm.call(helper::SYSCTL_NEW_VALUE);
    asm.store(Word, R7, at::VALUE_ANSWER, R0);
    asm.store_number(Word, R7, at::KNOWN, i32::try_from(filled).ok()?);
    asm.copy(R1, R7);
    asm.set(R2, 0);
    asm.call(helper::RING_SUBMIT);
    asm.jump(end);

    asm.here(lost);
    asm.store_number(Word, R10, -4, 0);
    asm.copy(R2, R10);
    asm.add(R2, -4);
    asm.map(R1, maps.lost.as_fd().as_raw_fd());
    asm.call(helper::MAP_LOOKUP);
    asm.jump_if_zero(R0, end);
    asm.set(R1, 1);
    asm.atomic_add(R0, 0, R1);

    asm.here(end);
    asm.set(R0, 1);
    asm.exit();
    asm.finish()
}

/// A field of the record and its length, as two arguments.
fn buffer(asm: &mut Assembler, pointer: Register, size: Register, place: i16, length: usize) -> Option<()> {
    asm.copy(pointer, R7);
    asm.add(pointer, i32::from(place));
    asm.set(size, i32::try_from(length).ok()?);
    Some(())
}

/// What is read of the task itself. The verifier checks each step against the kernel's description of its types; a pointer
/// that is null gives zeroes.
fn task(asm: &mut Assembler, offsets: &Offsets) -> u32 {
    let mut filled = 0;
    asm.call(helper::TASK);
    asm.copy(R8, R0);
    if let Some(login) = offsets.login_uid {
        asm.load(Word, R0, R8, login);
        asm.store(Word, R7, at::LOGIN, R0);
        filled |= known::LOGIN;
    }
    if let (Some(namespaces), Some(network)) = (offsets.namespaces, offsets.network) {
        asm.load(Double, R8, R8, namespaces);
        asm.load(Double, R8, R8, network);
        if let Some(inode) = offsets.inode {
            asm.load(Word, R0, R8, inode);
            asm.store(Word, R7, at::INODE, R0);
            filled |= known::INODE;
        }
        if let Some(cookie) = offsets.cookie {
            asm.load(Double, R0, R8, cookie);
            asm.store(Double, R7, at::COOKIE, R0);
            filled |= known::COOKIE;
        }
    }
    filled
}
