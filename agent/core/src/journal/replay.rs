//! What a journal adds up to: the originals that trimtab holds, and the transaction that is still open.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::address::Address;
use crate::host::HostId;
use crate::journal::record::Begin;
use crate::journal::record::Entry;
use crate::journal::record::Held;
use crate::journal::record::Outcome;
use crate::journal::record::Record;
use crate::journal::record::Role;
use crate::value::Value;

/// The state that a journal describes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The boot and namespace it is about; `None` for an empty journal.
    pub host: Option<HostId>,
    /// Every address that trimtab has changed in this boot and not put back.
    pub held: BTreeMap<Address, Held>,
    /// What it has changed of hardware that is not there now, by the names of then. It is held again once it is back.
    pub away: Vec<(Address, Held)>,
    /// What was forgotten with its interface since the journal was read. Not on disk: to be told when it is gone from there.
    pub forgotten: Vec<(Address, Held)>,
    /// The transaction without an end.
    pub open: Option<Transaction>,
    /// What the last undo met with somebody else's value and left alone, until the next transaction begins.
    pub left: Vec<Address>,
    /// The number of records: the number of the next one.
    pub records: u64,
    /// Transactions that have ended, for the decision to compact.
    pub ended: u64,
}

/// A transaction that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// How it began.
    pub begin: Begin,
    /// What was read back behind each change so far.
    pub wrote: BTreeMap<Address, Value>,
    /// The effects that did move, once all its changes are in force and only the confirmation is missing.
    pub awaiting: Option<Vec<(Address, Value)>>,
}

impl History {
    /// What is held of an address on interfaces that are not there now: of several, if one name was several's.
    pub fn away_of(&self, address: &Address) -> impl Iterator<Item = &Held> {
        self.away.iter().filter(move |(then, _)| then == address).map(|(_, held)| held)
    }
}

impl Transaction {
    /// The values at an address that are this transaction's doing.
    pub fn ours(&self, address: &Address, wanted: &[Value]) -> Vec<Value> {
        let mut ours = wanted.to_vec();
        ours.extend(self.wrote.get(address).cloned());
        let moved = self.awaiting.iter().flatten().filter(|(other, _)| other == address);
        ours.extend(moved.map(|(_, value)| value.clone()));
        ours
    }
}

/// Adds up the records.
pub fn replay<I: IntoIterator<Item = Record>>(records: I) -> History {
    let mut history = History::default();
    for record in records {
        step(&mut history, record);
    }
    history
}

/// Takes one more record into account.
pub fn step(history: &mut History, record: Record) {
    history.records += 1;
    match record {
        Record::Opened { version: _, host } => history.host = Some(host),
        Record::Holds { address, held, away: true } => history.away.push((address, held)),
        Record::Holds { address, held, away: false } => {
            history.held.insert(address, held);
        }
        Record::Left { addresses } => history.left = addresses,
        Record::Begin(begin) => {
            history.left.clear();
            history.open = Some(Transaction { begin, wrote: BTreeMap::new(), awaiting: None });
        }
        Record::Wrote { id, found } => {
            if let Some(open) = open_of(history, &id) {
                open.wrote.extend(found);
            }
        }
        Record::Awaiting { id, moved } => {
            if let Some(open) = open_of(history, &id) {
                open.awaiting = Some(moved);
            }
        }
        Record::Done { id, outcome } => {
            if history.open.as_ref().is_some_and(|open| open.begin.id == id)
                && let Some(open) = history.open.take()
            {
                history.ended += 1;
                if let Outcome::Incomplete { kept: _, left } = &outcome {
                    history.left.clone_from(left);
                }
                close(&mut history.held, &open, &outcome);
            }
        }
    }
}

fn open_of<'a>(history: &'a mut History, id: &str) -> Option<&'a mut Transaction> {
    history.open.as_mut().filter(|open| open.begin.id == id)
}

fn close(held: &mut BTreeMap<Address, Held>, open: &Transaction, outcome: &Outcome) {
    match outcome {
        Outcome::Undone => {}
        Outcome::Committed { moved } => {
            for entry in &open.begin.entries {
                commit(held, entry, open, moved);
            }
            // A guard whose cause is back has nothing to guard against.
            let is_ours = |entry: &Held| entry.ours != entry.original;
            let is_guard = |entry: &Held| !is_ours(entry) && entry.cause.is_some();
            let causes: BTreeSet<Address> = if held.values().any(is_guard) {
                held.iter().filter(|(_, entry)| is_ours(entry)).map(|(address, _)| address.clone()).collect()
            } else {
                BTreeSet::new()
            };
            let is_needed = |entry: &Held| entry.cause.as_ref().is_some_and(|cause| causes.contains(cause));
            held.retain(|_, entry| is_ours(entry) || is_needed(entry));
        }
        Outcome::Incomplete { kept, left: _ } => {
            let kept: BTreeSet<&Address> = kept.iter().collect();
            for entry in open.begin.entries.iter().filter(|entry| kept.contains(&entry.address)) {
                let Some(found) = open.wrote.get(&entry.address).or(entry.wanted.first()) else { continue };
                if found == &entry.original {
                    held.remove(&entry.address);
                } else {
                    let ours = held_of(entry, found, None);
                    held.insert(entry.address.clone(), ours);
                }
            }
        }
    }
}

fn commit(held: &mut BTreeMap<Address, Held>, entry: &Entry, open: &Transaction, moved: &[(Address, Value)]) {
    let moved = || moved.iter().find(|(address, _)| *address == entry.address).map(|(_, value)| value);
    let (found, cause) = match &entry.role {
        // One that an effect had brought at its turn was not written, and is ours all the same.
        Role::Set => (open.wrote.get(&entry.address).or_else(moved), None),
        // If it is not the original, what differs is somebody else's: a member or an element that stayed.
        Role::Return => (open.wrote.get(&entry.address).or_else(moved).and(Some(&entry.original)), None),
        Role::Effect { cause } => (moved(), Some(cause)),
        Role::Guard { cause } => {
            let can_move = held.get(cause).is_some_and(|cause| cause.ours != cause.original);
            (can_move.then_some(&entry.before), Some(cause))
        }
    };
    // What neither a write nor an effect has changed was good enough: there is nothing to hold.
    let Some(found) = found else { return };
    // Back at its original it is held as a guard only, if anything could still move it.
    let cause = if found == &entry.original { cause.or(entry.moved_by.as_ref()) } else { cause };
    let ours = held_of(entry, found, cause);
    held.insert(entry.address.clone(), ours);
}

pub(super) fn held_of(entry: &Entry, found: &Value, cause: Option<&Address>) -> Held {
    Held {
        original: entry.original.clone(),
        ours: found.clone(),
        cause: cause.cloned(),
        interface: entry.interface.clone(),
    }
}

/// The records of a journal that says the same as this history and nothing more, under the names of now: what a compaction
/// writes, and what is written once interfaces were followed.
pub fn compact(history: &History, host: &HostId) -> Vec<Record> {
    let mut records = vec![Record::Opened { version: super::record::VERSION, host: host.clone() }];
    let holds = |(address, held): (&Address, &Held), away| {
        let (address, held) = (address.clone(), held.clone());
        Record::Holds { address, held, away }
    };
    records.extend(history.held.iter().map(|entry| holds(entry, false)));
    records.extend(history.away.iter().map(|(address, held)| holds((address, held), true)));
    if !history.left.is_empty() {
        records.push(Record::Left { addresses: history.left.clone() });
    }
    if let Some(Transaction { begin, wrote, awaiting }) = &history.open {
        let id = || begin.id.clone();
        records.push(Record::Begin(begin.clone()));
        if !wrote.is_empty() {
            let found = wrote.iter().map(|(address, value)| (address.clone(), value.clone())).collect();
            records.push(Record::Wrote { id: id(), found });
        }
        records.extend(awaiting.iter().map(|moved| Record::Awaiting { id: id(), moved: moved.clone() }));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NetnsId;
    use crate::journal::record::Caller;

    fn host() -> HostId {
        HostId {
            name: "h".into(),
            kernel: "6.12".into(),
            boot_id: "b".into(),
            netns: NetnsId { cookie: 7, name: None, initial: true },
        }
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn begin(id: &str, entries: Vec<Entry>) -> Record {
        Record::Begin(Begin {
            id: id.into(),
            at: 1,
            verb: "apply".into(),
            caller: Caller::default(),
            confirm_by: None,
            entries,
        })
    }

    fn set(name: &str, before: i64, original: i64, wanted: i64) -> Entry {
        Entry {
            address: address(name),
            role: Role::Set,
            before: Value::Int(before),
            original: Value::Int(original),
            unforeseen: false,
            wanted: vec![Value::Int(wanted)],
            moved_by: None,
            interface: None,
        }
    }

    const A: &str = "sysctl:net.core.somaxconn";
    const B: &str = "sysctl:net.ipv4.ip_forward";
    const C: &str = "sysctl:net.ipv4.conf.eth0.forwarding";

    fn committed() -> Vec<Record> {
        let effect = Entry { role: Role::Effect { cause: address(B) }, ..set(C, 0, 0, 1) };
        vec![
            Record::Opened { version: 1, host: host() },
            begin("1", vec![set(A, 10, 10, 20), set(B, 0, 0, 1), effect]),
            Record::Wrote { id: "1".into(), found: vec![(address(A), Value::Int(20)), (address(B), Value::Int(1))] },
            Record::Done { id: "1".into(), outcome: Outcome::Committed { moved: vec![(address(C), Value::Int(1))] } },
        ]
    }

    #[test]
    fn commit_holds_what_was_written_and_what_moved() {
        let history = replay(committed());
        assert!(history.open.is_none());
        assert_eq!(history.held.len(), 3);
        assert_eq!(history.held[&address(C)].cause, Some(address(B)));
        assert_eq!(history.held[&address(A)].original, Value::Int(10));
    }

    #[test]
    fn every_prefix_replays_and_keeps_the_open_transaction() {
        let records = committed();
        for length in 0..records.len() {
            let history = replay(records[..length].to_vec());
            assert_eq!(history.open.is_some(), length >= 2, "prefix of {length}");
            assert!(history.held.is_empty());
        }
    }

    #[test]
    fn an_undone_transaction_holds_nothing_new() {
        let mut records = committed();
        records.pop();
        records.push(Record::Done { id: "1".into(), outcome: Outcome::Undone });
        assert!(replay(records).held.is_empty());
    }

    #[test]
    fn returning_to_the_original_lets_go() {
        let mut records = committed();
        records.push(begin("2", vec![Entry { role: Role::Return, ..set(A, 20, 10, 10) }]));
        records.push(Record::Wrote { id: "2".into(), found: vec![(address(A), Value::Int(10))] });
        records.push(Record::Done { id: "2".into(), outcome: Outcome::Committed { moved: vec![] } });
        let history = replay(records);
        assert!(!history.held.contains_key(&address(A)));
        assert_eq!(history.held.len(), 2);
    }

    #[test]
    fn a_wanted_value_that_an_effect_brought_is_held() {
        let mut records = committed();
        let id = "e".to_owned();
        records.push(begin(&id, vec![set("sysctl:net.a.c", 1, 1, 0), set("sysctl:net.a.d", 1, 1, 0)]));
        let moved = vec![(address("sysctl:net.a.d"), Value::Int(0))];
        records.push(Record::Done { id, outcome: Outcome::Committed { moved } });
        let held = replay(records).held;
        assert!(!held.contains_key(&address("sysctl:net.a.c")), "it was as wanted all the time");
        let expected = Held { original: Value::Int(1), ours: Value::Int(0), cause: None, interface: None };
        assert_eq!(held.get(&address("sysctl:net.a.d")), Some(&expected));
    }

    #[test]
    fn an_open_transaction_stays_open_through_a_compaction() {
        let mut records = committed();
        records.push(begin("2", vec![Entry { role: Role::Return, ..set(A, 20, 10, 10) }]));
        records.push(Record::Wrote { id: "2".into(), found: vec![(address(A), Value::Int(10))] });
        records.push(Record::Awaiting { id: "2".into(), moved: vec![(address(C), Value::Int(0))] });
        for length in 4..=records.len() {
            let history = replay(records[..length].to_vec());
            let again = replay(compact(&history, &host()));
            assert_eq!((again.held, again.open), (history.held, history.open), "prefix of {length}");
        }
    }

    #[test]
    fn compaction_says_the_same() {
        let history = replay(committed());
        let again = replay(compact(&history, &host()));
        assert_eq!(again.held, history.held);
        assert_eq!(again.host, history.host);
    }

    #[test]
    fn what_was_left_alone_is_told_until_the_next_transaction_also_by_a_rewritten_journal() {
        let mut records = committed();
        records.push(begin("2", vec![Entry { role: Role::Return, ..set(A, 20, 10, 10) }]));
        let outcome = Outcome::Incomplete { kept: vec![], left: vec![address(A)] };
        records.push(Record::Done { id: "2".into(), outcome });
        let mut rewritten = compact(&replay(records), &host());
        assert_eq!(replay(rewritten.clone()).left, [address(A)]);
        rewritten.push(begin("3", vec![set(A, 30, 30, 40)]));
        let open = replay(rewritten);
        assert_eq!(open.left, [] as [Address; 0]);
        assert_eq!(replay(compact(&open, &host())).left, [] as [Address; 0]);
    }
}
