//! The rules of each kind of address: canonical form, comparison, effects, order.
//!
//! The planner, the apply protocol, the journal and the renderers know no kind. What they need to know of one they ask
//! its [`Rules`]; adding a kind is adding an implementation here and an adapter in trimtab-kernel.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::address::Kind;
use crate::facts::Facts;
use crate::observed::Observed;
use crate::observed::Reading;
use crate::policy::Policy;
use crate::value::Value;

pub mod link;
pub mod nft;
pub mod sysctl;
mod take_back;
pub mod tc;
pub mod world;

pub use world::World;

/// What the engine asks of a kind. Everything here is pure. What a kind says nothing of is the plain case: a value that the
/// kernel gives as it is, under one name, and that stands alone.
pub trait Rules: Sync {
    /// The one address under which a value is compared and undone, whichever of its names was used.
    fn canonical(&self, address: &Address) -> Address {
        address.clone()
    }

    /// The canonical form of a reading.
    fn observe(&self, _address: &Address, reading: &Reading, _facts: &Facts) -> Observed {
        reading.as_given()
    }

    /// Whether a policy holds for one possible live value and, if it does not, what to write.
    fn decide(&self, address: &Address, policy: &Policy, current: &Value, world: &World) -> Decision;

    /// Whether the kernel, told `left`, would hold `right`: the same, or the same once it has rounded it.
    fn equivalent(&self, address: &Address, left: &Value, right: &Value, facts: &Facts) -> bool;

    /// How to take back `ours` where `now` is found: by element, so that what others changed stays.
    fn take_back(&self, address: &Address, before: &Value, ours: &[Value], now: &Value, facts: &Facts) -> TakeBack;

    /// The kernel object that is written for this address. Changes with the same rank and object are one write.
    fn object(&self, address: &Address) -> String;

    /// The place in the order of writes: lower first; equal ranks go by address.
    fn rank(&self, address: &Address, facts: &Facts) -> u16;

    /// The other address of a pair that the kernel checks against each other, if it has one.
    fn partner(&self, _address: &Address) -> Option<Address> {
        None
    }

    /// Why the kernel would refuse this value in this world, e.g. a pair out of order or a range.
    fn refusal(&self, _address: &Address, _to: &Value, _world: &World) -> Option<String> {
        None
    }

    /// Every other address that must be read before anything can be decided here. What may be moved besides
    /// ([`reach`](Rules::reach)) is read too, once it is known that something is written here; a kind may name it here all the
    /// same.
    fn closure(&self, _address: &Address, _around: &Surroundings) -> Vec<Address> {
        Vec::new()
    }

    /// Every other address that some write here may move.
    fn reach(&self, _address: &Address, _around: &Surroundings) -> Vec<Address> {
        Vec::new()
    }

    /// Whether its rules ask for the facts of interfaces ([`Facts::links`]): which lies above which, who drives them.
    fn needs_link_facts(&self) -> bool {
        false
    }

    /// What a write moves besides itself.
    fn effects(&self, _address: &Address, _to: &Value, _world: &World) -> Effects {
        Effects::default()
    }

    /// What the write does to traffic, if it does anything.
    fn disrupts(&self, address: &Address, from: &Value, to: &Value, facts: &Facts) -> Option<String>;

    /// What will be found where nothing is now, if a write of this plan lets it appear.
    fn appears(&self, _address: &Address, _world: &World) -> Option<Value> {
        None
    }

    /// Whether what is here now goes away with a write of this plan.
    fn vanishes(&self, _address: &Address, _world: &World) -> bool {
        false
    }

    /// The most that can be written here, where the kernel tells.
    fn most(&self, _address: &Address, _world: &World) -> Option<i64> {
        None
    }

    /// Why a value cannot be had or written here at all.
    fn obstacle(&self, address: &Address, observed: &Observed, world: &World) -> Option<Obstacle>;

    /// What the value means, in a sentence.
    fn meaning(&self, address: &Address) -> Option<&'static str>;

    /// Something worth saying of a wanted address in the final world, e.g. that a combination makes it void.
    fn remarks(&self, _address: &Address, _policy: &Policy, _world: &World) -> Vec<Remark> {
        Vec::new()
    }
}

/// The rules of a kind.
pub fn rules(kind: Kind) -> &'static dyn Rules {
    match kind {
        Kind::Sysctl => &sysctl::SysctlRules,
        Kind::Link => &link::LinkRules,
        Kind::Tc => &tc::TcRules,
        Kind::Nft => &nft::NftRules,
    }
}

/// The rules of the kind of an address.
pub fn rules_of(address: &Address) -> &'static dyn Rules {
    rules(address.kind())
}

/// What is known of a namespace before any value of it is read.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Its interfaces.
    pub interfaces: &'a BTreeSet<String>,
    /// What is known of the host and, where a kind asks for it, of the interfaces.
    pub facts: &'a Facts,
}

/// What a policy asks for, given one live value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The live value is good enough.
    Satisfied,
    /// This is to be written.
    Write(Value),
    /// Nothing that this kernel could do would satisfy it; the reason in words.
    Blocked(String),
    /// This kernel has no such thing and never will: blocked, unless the setting says `if-supported`.
    Lacking(String),
    /// Somebody else's is there, and nobody has allowed that it be replaced; the words for that.
    Conflict(String),
}

/// How to take back a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeBack {
    /// It is back already.
    Done,
    /// Write this.
    Write(Value),
    /// Somebody else's value is there.
    Foreign,
}

/// What a write moves besides itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Values that move or may move.
    pub moves: Vec<Effect>,
    /// Addresses that look as if they would move and certainly stay.
    pub stays: Vec<Address>,
}

/// One value that a write to another address moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// What moves.
    pub address: Address,
    /// Its value before.
    pub from: Value,
    /// Its value after; nothing where the kernel chooses.
    pub to: Option<Value>,
    /// How sure that is.
    pub certainty: Certainty,
}

/// Whether an effect can be foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The kernel does it always.
    Moves,
    /// It depends on something the kernel does not show, e.g. whether a key was ever set.
    MayMove,
}

/// Why a value cannot be had or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Whether it may pass, stays, or does not matter.
    pub class: ObstacleClass,
    /// A stable code, e.g. `module-not-loaded`.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// What the user can do.
    pub advice: Option<String>,
    /// The module that would bring what is absent.
    pub module: Option<&'static str>,
}

/// The weight of an obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObstacleClass {
    /// It may pass: the object may appear.
    Pending,
    /// This kernel or privilege refuses.
    Blocked,
    /// This kernel or device has no such thing and never will: blocked, unless the setting says `if-supported`.
    Lacking,
    /// It is as it should be here; worth a note.
    Note,
}

/// Something worth saying that changes no exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A stable code, e.g. `void`.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// What the user can do.
    pub advice: Option<String>,
}
