//! Handles: how a queueing discipline is called, and whose it is by that.

use crate::policy::Scalar;
use crate::tree::Tree;

/// The name of the scalar.
pub const HANDLE: &str = "handle";

/// The handles of what trimtab attaches at a root: `tt` in ASCII, and the next. There are two because the kernel refuses to put
/// another kind under the handle of one that is there (net/sched/sch_api.c `tc_modify_qdisc`), and to delete that one first
/// would leave a moment without any. The kernel itself gives handles from `8000:` on (`qdisc_alloc_handle`).
pub const OURS: [&str; 2] = ["7474:", "7475:"];

/// The handle of a tree; nothing if the kernel attached it by itself.
pub fn of(tree: &Tree) -> Option<&str> {
    tree.text(HANDLE)
}

/// Whether the kernel attached it by itself, with all that is below it.
pub fn is_default(tree: &Tree) -> bool {
    of(tree).is_none() && tree.children.is_empty()
}

/// Whether trimtab attached it.
pub fn is_ours(tree: &Tree) -> bool {
    of(tree).is_some_and(|handle| OURS.contains(&handle))
}

/// The tree under this handle.
pub fn under(mut tree: Tree, handle: &str) -> Tree {
    tree.scalars.insert(HANDLE.to_owned(), Scalar::Text(handle.to_owned()));
    tree
}

/// A handle of ours that is not that of `now`.
pub fn another(now: &Tree) -> &'static str {
    let [first, second] = OURS;
    if of(now) == Some(first) { second } else { first }
}
