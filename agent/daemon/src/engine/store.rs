//! The state on disk: the journal and what it adds up to, `applied`, `unconfirmed`.

use thiserror::Error;
use trimtab_core::address::Address;
use trimtab_core::host::HostId;
use trimtab_core::journal;
use trimtab_core::journal::History;
use trimtab_core::journal::JournalError;
use trimtab_core::journal::Record;
use trimtab_core::state;
use trimtab_core::state::Applied;
use trimtab_core::state::StateError;
use trimtab_core::state::Unconfirmed;
use trimtab_kernel::file::FileError;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::state::Sync;

const APPLIED: &str = "applied";
const UNCONFIRMED: &str = "unconfirmed";

/// Past this many ended transactions the journal is rewritten to what still matters.
const COMPACT_AFTER: u64 = 64;

/// Why the state on disk cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal is damaged or newer.
    #[error(
        "{path}: {cause}; nothing was written. Without it trimtab cannot tell what to undo: restore it, or move it away to give up the undo of this boot"
    )]
    Journal {
        /// The journal.
        path: String,
        /// What is wrong with it.
        cause: JournalError,
    },
    /// Another state file is damaged or newer.
    #[error("{path}: {cause}; nothing was written. Move it away to go on without it")]
    State {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: StateError,
    },
}

/// The state of one namespace.
#[derive(Debug)]
pub struct Store {
    dir: StateDir,
    host: HostId,
    /// What the journal of this boot adds up to.
    pub history: History,
    /// The set last put in force, in whichever boot.
    pub applied: Option<Applied>,
    /// A set that was never confirmed, in whichever boot.
    pub unconfirmed: Option<Unconfirmed>,
    good_bytes: u64,
    total_bytes: u64,
    other_boot: bool,
}

impl Store {
    /// Reads the state; nothing is changed and nothing need be there.
    ///
    /// # Errors
    /// [`StoreError`] if a file is there that cannot be relied upon.
    pub fn read(dir: StateDir, host: &HostId) -> Result<Store, StoreError> {
        let bytes = dir.read_journal()?;
        let of_other_boot = journal::opened_for(&bytes).is_some_and(|other| !other.same_boot_and_netns(host));
        let (history, good) = if of_other_boot {
            // The kernel's values went with that boot, and so did everything there was to undo.
            (History::default(), 0)
        } else {
            let (records, good) = journal::parse(&bytes).map_err(|cause| StoreError::Journal {
                path: dir.path().join("journal").display().to_string(),
                cause,
            })?;
            (journal::replay(&records), good)
        };
        let applied = read_state(&dir, APPLIED)?;
        let unconfirmed = read_state(&dir, UNCONFIRMED)?;
        Ok(Store {
            dir,
            host: host.clone(),
            history,
            applied,
            unconfirmed,
            good_bytes: good as u64,
            total_bytes: bytes.len() as u64,
            other_boot: of_other_boot,
        })
    }

    /// The set in force in this boot, if there is one: a set of another boot is history.
    pub fn in_force(&self) -> Option<&Applied> {
        self.applied.as_ref().filter(|applied| applied.host.same_boot_and_netns(&self.host))
    }

    /// Makes the journal ready to be appended to: a torn tail or another boot's journal goes, a long one is compacted.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn prepare(&mut self) -> Result<(), StoreError> {
        self.dir.sweep()?;
        let compactable = self.history.open.is_none() && self.history.ended >= COMPACT_AFTER;
        if self.other_boot || compactable {
            let history = self.history.clone();
            self.rewrite(&history)?;
            self.other_boot = false;
        } else if self.good_bytes < self.total_bytes {
            self.dir.cut_journal(self.good_bytes)?;
        }
        self.total_bytes = self.good_bytes;
        if self.history.host.is_none() {
            let opened = Record::Opened { version: journal::record::VERSION, host: self.host.clone() };
            self.append(&opened, Sync::No)?;
        }
        Ok(())
    }

    /// Appends a record and takes it into account.
    ///
    /// # Errors
    /// If the disk does not take it; the journal is then as it was.
    pub fn append(&mut self, record: &Record, sync: Sync) -> Result<(), StoreError> {
        let line = journal::encode(self.history.records, record);
        self.dir.append(line.as_bytes(), sync)?;
        journal::replay::step(&mut self.history, record);
        Ok(())
    }

    /// Lets go of addresses whose value is not ours any more, by rewriting the journal without them.
    ///
    /// # Errors
    /// If the disk does not take it; the journal is then as it was.
    pub fn let_go(&mut self, addresses: &[Address]) -> Result<(), StoreError> {
        if addresses.is_empty() || self.history.open.is_some() {
            return Ok(());
        }
        let mut history = self.history.clone();
        history.held.retain(|address, _| !addresses.contains(address));
        self.rewrite(&history)
    }

    fn rewrite(&mut self, history: &History) -> Result<(), StoreError> {
        let records = journal::compact(history, &self.host);
        let text: String =
            records.iter().enumerate().map(|(seq, record)| journal::encode(seq as u64, record)).collect();
        self.dir.replace_journal(text.as_bytes())?;
        self.history = journal::replay(&records);
        Ok(())
    }

    /// Replaces `applied`.
    ///
    /// # Errors
    /// If the disk does not take it; the old file is then still there.
    pub fn put_applied(&mut self, applied: Option<Applied>) -> Result<(), StoreError> {
        match &applied {
            Some(applied) => self.dir.replace(APPLIED, &state::encode(applied))?,
            None => self.dir.remove(APPLIED)?,
        }
        self.applied = applied;
        Ok(())
    }

    /// Replaces `unconfirmed`.
    ///
    /// # Errors
    /// If the disk does not take it; the old file is then still there.
    pub fn put_unconfirmed(&mut self, unconfirmed: Option<Unconfirmed>) -> Result<(), StoreError> {
        match &unconfirmed {
            Some(unconfirmed) => self.dir.replace(UNCONFIRMED, &state::encode(unconfirmed))?,
            None => self.dir.remove(UNCONFIRMED)?,
        }
        self.unconfirmed = unconfirmed;
        Ok(())
    }
}

impl Store {
    /// A trial that ends gives `applied` back to the set before it. `unconfirmed` stays, so that the next boot knows.
    /// Must come before the end in the journal: from there on nobody looks at the trial again.
    ///
    /// # Errors
    /// If the disk does not take it; the trial must then stay open.
    pub fn give_back_applied(&mut self, transaction: &str) -> Result<(), StoreError> {
        let Some(trial) = self.unconfirmed.clone().filter(|trial| trial.transaction == transaction) else {
            return Ok(());
        };
        if self.applied.as_ref().is_some_and(|applied| applied.transaction == transaction) {
            self.put_applied(trial.previous)?;
        }
        Ok(())
    }

    /// A trial that was confirmed in the journal is none any more, even if its confirmation was killed right there. It is
    /// known by `applied`, which a trial that ends otherwise gives back before its end.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn forget_confirmed(&mut self) -> Result<(), StoreError> {
        let Some(trial) = &self.unconfirmed else { return Ok(()) };
        let is_over = self.history.host.is_some() && self.history.open.is_none();
        let in_force = self.in_force().is_some_and(|applied| applied.transaction == trial.transaction);
        if is_over && in_force && trial.boot_id == self.host.boot_id {
            self.put_unconfirmed(None)?;
        }
        Ok(())
    }
}

fn read_state<T: serde::de::DeserializeOwned>(dir: &StateDir, name: &str) -> Result<Option<T>, StoreError> {
    let Some(bytes) = dir.read(name)? else { return Ok(None) };
    let parsed = state::parse(&bytes)
        .map_err(|cause| StoreError::State { path: dir.path().join(name).display().to_string(), cause })?;
    Ok(Some(parsed))
}
