//! What somebody else does to a fake kernel, and when.

use trimtab_core::address::LinkKey;
use trimtab_core::address::SysctlKey;
use trimtab_core::value::Value;

use super::FakeKernel;
use super::Message;
use super::Written;

/// Something that somebody else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Writes a key.
    Key(SysctlKey, String),
    /// Writes a value of a device.
    Link(LinkKey, Value),
    /// Takes an interface away.
    Vanish(String),
    /// Gives an interface another name.
    Rename(String, String),
    /// Moves an interface to another namespace.
    Leave(String),
    /// Brings the one that left last back, under this name and number.
    Return(String, u32),
}

impl FakeKernel {
    /// Has something happen just before the Nth read from the beginning, counted from 1.
    pub fn before_read(&mut self, nth: usize, event: Event) {
        self.before_reads.entry(nth).or_default().push(event);
    }

    /// Has something happen just before the Nth write from the beginning, counted from 1.
    pub fn before_write(&mut self, nth: usize, event: Event) {
        self.before_writes.entry(nth).or_default().push(event);
    }

    /// Has something happen just before the interfaces are told apart for the Nth time, counted from 1.
    pub fn before_dump(&mut self, nth: usize, event: Event) {
        self.before_dumps.entry(nth).or_default().push(event);
    }

    /// What was to happen and has not yet happens no more.
    pub fn call_off(&mut self) {
        self.before_reads.clear();
        self.before_writes.clear();
        self.before_dumps.clear();
    }

    /// Has somebody else write a key just before the Nth read.
    pub fn foreign_before_read(&mut self, nth: usize, key: &SysctlKey, text: &str) {
        self.before_read(nth, Event::Key(key.clone(), text.to_owned()));
    }

    /// Has somebody else write a key just before the Nth write.
    pub fn foreign_before_write(&mut self, nth: usize, key: &SysctlKey, text: &str) {
        self.before_write(nth, Event::Key(key.clone(), text.to_owned()));
    }

    /// It happens, now. What the kernel refuses has not happened.
    pub fn happen(&mut self, event: Event) {
        match event {
            Event::Key(key, text) => drop(self.foreign_write(&key, &text)),
            Event::Link(key, value) => drop(self.foreign_link_write(&key, value)),
            Event::Vanish(name) => self.remove_interface(&name),
            Event::Rename(old, new) => self.rename_interface(&old, &new),
            Event::Leave(name) => self.move_away(&name),
            Event::Return(name, number) => self.come_back(&name, number),
        }
    }

    /// Somebody else writes a key, now.
    ///
    /// # Errors
    /// The errno of the kernel.
    pub fn foreign_write(&mut self, key: &SysctlKey, text: &str) -> Result<usize, i32> {
        let outcome = self.obey(key, text);
        self.log.push(Written { key: key.clone(), text: text.to_owned(), outcome, foreign: true });
        outcome
    }

    /// Somebody else writes a value of a device, now; whether the kernel took it.
    pub fn foreign_link_write(&mut self, key: &LinkKey, value: Value) -> bool {
        let cells = vec![(key.clone(), value)];
        let taken = self.send(&cells).is_ok();
        self.messages.push(Message { cells, taken, foreign: true });
        taken
    }
}
