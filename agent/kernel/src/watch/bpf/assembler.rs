//! Instructions of BPF, as far as they are needed here, and jumps by label.
//!
//! The encoding is that of Documentation/bpf/standardization/instruction-set.rst.

use crate::sys::bpf::Instruction;

/// A register. `R10` is the stack, which grows downwards and cannot be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Register {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R4 = 4,
    R6 = 6,
    R7 = 7,
    R8 = 8,
    R10 = 10,
}

/// How many bytes are read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Word,
    Double,
}

impl Size {
    fn bits(self) -> u8 {
        match self {
            Size::Word => 0x00,
            Size::Double => 0x18,
        }
    }
}

/// A place to jump to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A program as it is written down.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Vec<Instruction>,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    /// A place that is still to be named with [`here`](Assembler::here).
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The next instruction is where the label leads.
    pub(super) fn here(&mut self, label: Label) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = Some(self.code.len());
        }
    }

    /// `to = from`
    pub(super) fn copy(&mut self, to: Register, from: Register) {
        self.push(0xbf, to as u8, from as u8, 0, 0);
    }

    /// `to = number`
    pub(super) fn set(&mut self, to: Register, number: i32) {
        self.push(0xb7, to as u8, 0, 0, number);
    }

    /// `to += number`
    pub(super) fn add(&mut self, to: Register, number: i32) {
        self.push(0x07, to as u8, 0, 0, number);
    }

    /// `to = a map`, by its descriptor, which the kernel looks up when it loads the program.
    pub(super) fn map(&mut self, to: Register, descriptor: i32) {
        const PSEUDO_MAP: u8 = 1;
        self.push(0x18, to as u8, PSEUDO_MAP, 0, descriptor);
        self.push(0, 0, 0, 0, 0);
    }

    /// `to = *(from + offset)`
    pub(super) fn load(&mut self, size: Size, to: Register, from: Register, offset: i16) {
        self.push(0x61 | size.bits(), to as u8, from as u8, offset, 0);
    }

    /// `*(to + offset) = from`
    pub(super) fn store(&mut self, size: Size, to: Register, offset: i16, from: Register) {
        self.push(0x63 | size.bits(), to as u8, from as u8, offset, 0);
    }

    /// `*(to + offset) = number`
    pub(super) fn store_number(&mut self, size: Size, to: Register, offset: i16, number: i32) {
        self.push(0x62 | size.bits(), to as u8, 0, offset, number);
    }

    /// `*(to + offset) += from`, at once for all CPUs
    pub(super) fn atomic_add(&mut self, to: Register, offset: i16, from: Register) {
        self.push(0xdb, to as u8, from as u8, offset, 0);
    }

    /// Jumps if the register is 0.
    pub(super) fn jump_if_zero(&mut self, register: Register, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.push(0x15, register as u8, 0, 0, 0);
    }

    /// Jumps.
    pub(super) fn jump(&mut self, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.push(0x05, 0, 0, 0, 0);
    }

    /// Calls a helper of the kernel: arguments in `R1` and on, its answer in `R0`; `R1` to `R5` are lost.
    pub(super) fn call(&mut self, helper: i32) {
        self.push(0x85, 0, 0, 0, helper);
    }

    /// Ends with `R0`.
    pub(super) fn exit(&mut self) {
        self.push(0x95, 0, 0, 0, 0);
    }

    fn push(&mut self, code: u8, to: u8, from: u8, offset: i16, immediate: i32) {
        let registers = if cfg!(target_endian = "little") { to | from << 4 } else { to << 4 | from };
        self.code.push(Instruction { code, registers, offset, immediate });
    }

    /// The instructions; nothing if a label leads nowhere.
    pub(super) fn finish(self) -> Option<Vec<Instruction>> {
        let Assembler { mut code, labels, jumps } = self;
        for (from, label) in jumps {
            let to = (*labels.get(label.0)?)?;
            // Counted from the instruction behind the jump.
            let distance = i64::try_from(to).ok()? - i64::try_from(from).ok()? - 1;
            code.get_mut(from)?.offset = i16::try_from(distance).ok()?;
        }
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `llvm-objdump` and the tables of the instruction set have them.
    #[test]
    fn instructions_are_encoded_as_the_standard_says() {
        let mut asm = Assembler::default();
        let end = asm.label();
        asm.copy(Register::R6, Register::R1);
        asm.load(Size::Word, Register::R0, Register::R6, 4);
        asm.jump_if_zero(Register::R0, end);
        asm.map(Register::R1, 5);
        asm.store(Size::Double, Register::R7, 24, Register::R0);
        asm.store_number(Size::Word, Register::R10, -4, 0);
        asm.atomic_add(Register::R0, 0, Register::R1);
        asm.add(Register::R2, -4);
        asm.call(131);
        asm.jump(end);
        asm.here(end);
        asm.set(Register::R0, 1);
        asm.exit();
        let bytes: Vec<String> = asm
            .finish()
            .unwrap()
            .iter()
            .map(|one| format!("{:02x} {:02x} {:04x} {:08x}", one.code, one.registers, one.offset, one.immediate))
            .collect();
        assert_eq!(
            bytes,
            [
                "bf 16 0000 00000000",
                "61 60 0004 00000000",
                "15 00 0008 00000000",
                "18 11 0000 00000005",
                "00 00 0000 00000000",
                "7b 07 0018 00000000",
                "62 0a fffc 00000000",
                "db 10 0000 00000000",
                "07 02 0000 fffffffc",
                "85 00 0000 00000083",
                "05 00 0000 00000000",
                "b7 00 0000 00000001",
                "95 00 0000 00000000",
            ]
        );
    }

    #[test]
    fn a_label_that_leads_nowhere_makes_no_program() {
        let mut asm = Assembler::default();
        let nowhere = asm.label();
        asm.jump(nowhere);
        assert_eq!(asm.finish(), None);
    }
}
