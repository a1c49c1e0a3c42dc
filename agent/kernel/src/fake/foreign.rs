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
