//! The state on disk: the journal and what it adds up to, `applied`, `unconfirmed`.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tracing::warn;
use trimtab_core::address::Address;
use trimtab_core::host::HostId;
use trimtab_core::journal;
use trimtab_core::journal::Held;
use trimtab_core::journal::History;
use trimtab_core::journal::JournalError;
use trimtab_core::journal::Record;
use trimtab_core::state;
use trimtab_core::state::Applied;
use trimtab_core::state::GaveWay;
use trimtab_core::state::StateError;
use trimtab_core::state::Unconfirmed;
use trimtab_core::state::Versioned;
use trimtab_kernel::file::FileError;
use trimtab_kernel::state::StateDir;
use trimtab_kernel::state::Sync;

/// From this many ended transactions on the journal is rewritten to what still matters: each command reads it whole.
const COMPACT_AFTER: u64 = 4;

/// Why the state on disk cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal is damaged or newer.
    #[error(
        "{path}: {cause}; nothing was written. Without it trimtab cannot tell what to undo: {}, or move it away to give up the undo of this boot",
        remedy(self)
    )]
    Journal {
        /// The journal.
        path: String,
        /// What is wrong with it.
        cause: JournalError,
    },
    /// Another state file is damaged or newer.
    #[error("{path}: {cause}; nothing was written: {}, or move it away to go on without it", remedy(self))]
    State {
        /// Which one.
        kind: StateFile,
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: StateError,
    },
}

/// The files of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateFile {
    /// What was changed in this boot and what was there before.
    Journal,
    /// What is in force.
    Applied,
    /// What nobody has confirmed.
    Unconfirmed,
}

impl StateFile {
    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            StateFile::Journal => "journal",
            StateFile::Applied => "applied",
            StateFile::Unconfirmed => "unconfirmed",
        }
    }

    /// The version of the file that this trimtab writes, and the newest it knows.
    pub fn version(self) -> u32 {
        match self {
            StateFile::Journal => journal::record::VERSION,
            StateFile::Applied | StateFile::Unconfirmed => state::VERSION,
        }
    }
}

impl StoreError {
    /// The file that is there and cannot be relied upon, and the version it says to be of if it is too new.
    pub fn unreliable(&self) -> Option<(StateFile, Option<u32>)> {
        match self {
            StoreError::File(_) => None,
            StoreError::Journal { path: _, cause } => Some((
                StateFile::Journal,
                match cause {
                    JournalError::Newer { found } => Some(*found),
                    JournalError::Damaged { .. } => None,
                },
            )),
            StoreError::State { kind, path: _, cause } => Some((
                *kind,
                match cause {
                    StateError::Newer(found) => Some(*found),
                    StateError::Malformed(_) => None,
                },
            )),
        }
    }
}

/// What to do about a file that cannot be relied upon, other than to give it up.
fn remedy(error: &StoreError) -> &'static str {
    match error.unreliable() {
        Some((_, Some(_))) => "use the trimtab that wrote it",
        Some((_, None)) | None => "restore it",
    }
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
    /// What of it gave way to the settings of other interfaces as it was followed. Not on disk: to be told.
    pub gave_way: Vec<GaveWay>,
    /// A set that was never confirmed, in whichever boot.
    pub unconfirmed: Option<Unconfirmed>,
    good_bytes: u64,
    total_bytes: u64,
    other_boot: bool,
    had_journal: bool,
    /// Whether interfaces were followed to names that the journal on disk does not know.
    has_followed: bool,
}

impl Store {
    /// Reads the state; nothing is changed and nothing need be there.
    ///
    /// # Errors
    /// [`StoreError`] if a file is there that cannot be relied upon.
    pub fn read(dir: StateDir, host: &HostId) -> Result<Store, StoreError> {
        let (store, unreliable) = Store::look(dir, host)?;
        match unreliable.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(store),
        }
    }

    /// The state as far as it can be relied upon, and what is wrong with the rest of it: to be shown, never to be acted
    /// upon.
    ///
    /// # Errors
    /// If a file cannot be read at all.
    pub fn look(dir: StateDir, host: &HostId) -> Result<(Store, Vec<StoreError>), StoreError> {
        let mut unreliable = Vec::new();
        let bytes = dir.read_journal()?;
        let of_other_boot = journal::opened_elsewhere(&bytes, host);
        let (history, good) = if of_other_boot {
            // The kernel's values went with that boot, and so did everything there was to undo.
            (History::default(), 0)
        } else {
            let (records, good) = journal::parse(&bytes).unwrap_or_else(|cause| {
                unreliable.push(StoreError::Journal { path: path_of(&dir, StateFile::Journal), cause });
                Default::default()
            });
            (journal::replay(records), good)
        };
        let applied = read_state(&dir, StateFile::Applied, &mut unreliable)?;
        let unconfirmed = read_state(&dir, StateFile::Unconfirmed, &mut unreliable)?;
        let had_journal = history.host.is_some();
        let store = Store {
            had_journal,
            has_followed: false,
            dir,
            host: host.clone(),
            history,
            applied,
            gave_way: Vec::new(),
            unconfirmed,
            good_bytes: good as u64,
            total_bytes: bytes.len() as u64,
            other_boot: of_other_boot,
        };
        Ok((store, unreliable))
    }

    /// Every address that the state speaks of.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let open = self.history.open.iter().flat_map(|open| &open.begin.entries).map(|entry| &entry.address);
        let applied = self.applied.iter().flat_map(|applied| applied.desired.settings.keys());
        self.history.held.keys().chain(open).chain(applied)
    }

    /// Whether anything in it depends on which interfaces there are. A set of another boot is history, its interfaces too.
    pub fn speaks_of_links(&self) -> bool {
        self.history.speaks_of_links() || self.in_force().is_some_and(|applied| !applied.links.is_empty())
    }

    /// What the history says of interfaces is not what the journal on disk says.
    pub fn mark_followed(&mut self) {
        self.has_followed = true;
    }

    /// Rewrites the journal if interfaces were followed since it was read: what is appended from here on speaks of the names
    /// of now.
    ///
    /// # Errors
    /// If the disk does not take it; the journal is then as it was.
    pub fn keep_followed(&mut self) -> Result<(), StoreError> {
        if self.has_followed { self.compact() } else { Ok(()) }
    }

    /// The set in force in this boot, if there is one: a set of another boot is history.
    pub fn in_force(&self) -> Option<&Applied> {
        self.applied.as_ref().filter(|applied| applied.host.same_boot_and_netns(&self.host))
    }

    /// Whether something is in force in this boot and its journal is not there: what it held is not known any more.
    pub fn journal_is_lost(&self) -> bool {
        self.in_force().is_some_and(|applied| !applied.desired.settings.is_empty()) && !self.had_journal
    }

    /// Makes the journal ready to be appended to: a torn tail or another boot's journal goes, a long one is compacted.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn prepare(&mut self) -> Result<(), StoreError> {
        self.dir.sweep()?;
        let compactable = self.history.open.is_none() && self.history.ended >= COMPACT_AFTER;
        if self.other_boot || compactable || self.has_followed {
            let history = self.history.clone();
            self.rewrite(&history)?;
            self.other_boot = false;
        } else if self.good_bytes < self.total_bytes {
            self.dir.cut_journal(self.good_bytes)?;
        }
        self.total_bytes = self.good_bytes;
        if self.history.host.is_none() {
            let opened = Record::Opened { version: journal::record::VERSION, host: self.host.clone() };
            self.append(opened, Sync::No)?;
        }
        Ok(())
    }

    /// Appends a record and takes it into account.
    ///
    /// # Errors
    /// If the disk does not take it; the journal is then as it was.
    pub fn append(&mut self, record: Record, sync: Sync) -> Result<(), StoreError> {
        let line = journal::encode(self.history.records, &record);
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

    /// Rewrites the journal to what it adds up to now.
    ///
    /// # Errors
    /// If the disk does not take it; the journal is then as it was.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        let history = self.history.clone();
        self.rewrite(&history)
    }

    fn rewrite(&mut self, history: &History) -> Result<(), StoreError> {
        let records = journal::compact(history, &self.host);
        let text: String =
            records.iter().enumerate().map(|(seq, record)| journal::encode(seq as u64, record)).collect();
        self.dir.replace_journal(text.as_bytes())?;
        for (address, Held { original, ours, cause: _, interface: _ }) in &history.forgotten {
            // It may be in another namespace: software's devices cannot be told from others once they are back.
            warn!(%address, %original, left = %ours, "its interface is gone, and what it was before trimtab is forgotten");
        }
        self.history = journal::replay(records);
        self.has_followed = false;
        self.good_bytes = text.len() as u64;
        self.total_bytes = self.good_bytes;
        Ok(())
    }

    /// Replaces `applied`. After power loss nothing of it is in force, whether the old file is found or the new one.
    ///
    /// # Errors
    /// If the disk does not take it; the old file is then still there.
    pub fn put_applied(&mut self, applied: Option<Applied>) -> Result<(), StoreError> {
        match &applied {
            Some(applied) => self.dir.replace(StateFile::Applied.name(), &state::encode(applied), Sync::No)?,
            None => self.dir.remove(StateFile::Applied.name())?,
        }
        self.applied = applied;
        self.gave_way.clear();
        Ok(())
    }

    /// Replaces `unconfirmed`.
    ///
    /// # Errors
    /// If the disk does not take it; the old file is then still there.
    pub fn put_unconfirmed(&mut self, unconfirmed: Option<Unconfirmed>) -> Result<(), StoreError> {
        match &unconfirmed {
            Some(unconfirmed) => {
                self.dir.replace(StateFile::Unconfirmed.name(), &state::encode(unconfirmed), Sync::Yes)?
            }
            None => self.dir.remove(StateFile::Unconfirmed.name())?,
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

fn path_of(dir: &StateDir, kind: StateFile) -> String {
    dir.path().join(kind.name()).display().to_string()
}

fn read_state<T: DeserializeOwned + Versioned>(
    dir: &StateDir,
    kind: StateFile,
    unreliable: &mut Vec<StoreError>,
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = dir.read(kind.name())? else { return Ok(None) };
    match state::parse(&bytes) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(cause) => {
            unreliable.push(StoreError::State { kind, path: path_of(dir, kind), cause });
            Ok(None)
        }
    }
}
