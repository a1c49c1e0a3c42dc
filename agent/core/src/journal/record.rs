//! The vocabulary of the journal.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::host::HostId;
use crate::interface_id::InterfaceId;
use crate::value::Value;

/// The version of the records in this module. A journal of a newer one is shown, never acted upon.
pub const VERSION: u32 = 1;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Record {
    /// The first line: which boot and namespace the rest is about.
    Opened {
        /// The version of the records.
        #[schemars(extend("const" = VERSION))]
        version: u32,
        /// The host, boot and namespace.
        host: HostId,
    },
    /// One original carried over when the journal was rewritten.
    Holds {
        /// The address.
        address: Address,
        /// What trimtab holds of it.
        held: Held,
        /// Whether its interface was not there, and may come back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        away: bool,
    },
    /// What the last undo left alone, carried over when the journal was rewritten.
    Left {
        /// Addresses that hold somebody else's value.
        addresses: Vec<Address>,
    },
    /// The write-ahead record: everything that is to change or may move. Synced to disk before the first write.
    Begin(Begin),
    /// Changes were made and read back. It follows the last of them, or the first that is not as it was to be: until then
    /// the intent says all that an undo needs.
    Wrote {
        /// The transaction.
        id: String,
        /// What was written, and what was read back there.
        found: Vec<(Address, Value)>,
    },
    /// All changes are in force; they are undone at the deadline unless they are confirmed.
    Awaiting {
        /// The transaction.
        id: String,
        /// Effects that did move, with their values after the last write.
        moved: Vec<(Address, Value)>,
    },
    /// The transaction is over.
    Done {
        /// The transaction.
        id: String,
        /// How it ended.
        outcome: Outcome,
    },
}

/// The start of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
// Beside a reference its fields would be unknown to the record that holds them.
#[schemars(inline)]
pub struct Begin {
    /// The transaction, unique in this journal.
    pub id: String,
    /// Seconds since 1970 on the wall clock, for people.
    pub at: u64,
    /// `apply` or `revert`.
    pub verb: String,
    /// Who ran it.
    pub caller: Caller,
    /// Milliseconds on CLOCK_BOOTTIME after which an unconfirmed transaction is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_by: Option<u64>,
    /// What is to change and what may move, in the order of the plan.
    pub entries: Vec<Entry>,
}

/// One address in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The address.
    pub address: Address,
    /// Its part in the transaction.
    pub role: Role,
    /// The value at the start of the transaction.
    pub before: Value,
    /// The value before trimtab's first write of this boot.
    pub original: Value,
    /// The values the plan may leave there; empty where the kernel chooses.
    pub wanted: Vec<Value>,
    /// For one that is written itself: whether an earlier write of the transaction lets the kernel choose what is found here
    /// until then. Whatever differs from before is then the transaction's doing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unforeseen: bool,
    /// For one that is written itself: another address whose way back would move it. As long as that one is held, this
    /// one's original must not be forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_by: Option<Address>,
    /// The interface it belongs to, if it belongs to one, whatever that is called later. Of one that was made anew the
    /// values are nobody's yet.
    #[serde(default, alias = "ifindex", skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceId>,
}

/// The part of an address in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is written to put a wanted value in force.
    Set,
    /// It is written to return it to its original.
    Return,
    /// It moves, or may move, because of a write to another address.
    Effect {
        /// The address whose write moves it.
        cause: Address,
    },
    /// It holds already what the cause would move it to, and so stays. Only when the cause is taken back would it move,
    /// and must then be put back: e.g. an interface that forwarded by itself before `ip_forward` was set.
    Guard {
        /// The address whose way back would move it.
        cause: Address,
    },
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Outcome {
    /// In force. `moved` holds the effects whose value changed, as read back at the end.
    Committed {
        /// Effects that did move, with their values after the last write.
        moved: Vec<(Address, Value)>,
    },
    /// Everything is as it was before.
    Undone,
    /// Undone but for these: somebody else's value is there now, or the kernel refused the old one.
    Incomplete {
        /// Addresses whose value is still ours; a later revert tries them again.
        kept: Vec<Address>,
        /// Addresses that hold somebody else's value, which stays.
        #[serde(default)]
        left: Vec<Address>,
    },
}

/// Who ran a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// The user id of the process.
    pub uid: u32,
    /// The login uid (`/proc/self/loginuid`), unless none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The user name `sudo` was called by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// The terminal, e.g. `/dev/pts/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// The process id.
    pub pid: u32,
    /// The name of the parent process, e.g. `bash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// What trimtab holds of an address it has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The value before trimtab's first write of this boot.
    pub original: Value,
    /// The value that trimtab left there last, as read back; the original itself, where it is only guarded.
    pub ours: Value,
    /// For an effect: the address whose write moved it. For a guarded value: the address whose way back would move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Address>,
    /// The interface it belongs to, if it belongs to one.
    #[serde(default, alias = "ifindex", skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceId>,
}
