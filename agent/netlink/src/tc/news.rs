//! News of traffic control.

use super::class;
use super::qdisc;
use crate::wire::Malformed;
use crate::wire::Message;

/// News of traffic control. They come with the [port](crate::monitor::Heard::requester) of who asked for the change. They say that something
/// has changed, and with the same message what it was or is; what goes along with it is not told, so read anew what hangs below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Of a queueing discipline.
    Qdisc(qdisc::Change),
    /// Of a class.
    Class(class::Change),
}

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        Ok(match qdisc::Change::read(message)? {
            Some(change) => Some(Change::Qdisc(change)),
            None => class::Change::read(message)?.map(Change::Class),
        })
    }
}
