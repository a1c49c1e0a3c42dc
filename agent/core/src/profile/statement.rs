//! One thing that a file says: what it is about, what is wanted of it, and where that is written.

use std::sync::Arc;

use super::draft::Draft;
use super::glob::Glob;
use super::link::LinkTarget;
use super::link::Matcher;
use crate::address::NftKey;
use crate::address::SysctlKey;
use crate::address::tc::Hook;
use crate::desired::Origin;
use crate::diagnostic::Place;

/// One leaf, or one of the settings that a leaf stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) target: Target,
    pub(super) draft: Draft,
    pub(super) origin: Origin,
    pub(super) key_place: Place,
    pub(super) value_place: Place,
}

/// What a statement is about, before it is known which interfaces there are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Sysctl(SysctlTarget),
    Link(LinkTarget),
    Nft(NftKey),
    Tc(TcTarget),
}

/// What is attached to the interfaces that match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TcTarget {
    /// Shared by all settings of a section.
    pub(super) matcher: Arc<Matcher>,
    pub(super) hook: Hook,
}

/// A key or a pattern of keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SysctlTarget {
    /// The key; in the place of the interface stands the glob as written, if it is one.
    pub(super) key: SysctlKey,
    /// The interfaces it is about.
    pub(super) glob: Option<Glob>,
}
