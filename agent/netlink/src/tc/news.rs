//! News of traffic control.

use super::class;
use super::filter;
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
    /// Of a filter.
    Filter(filter::Change),
}

impl Change {
    /// The news that a message holds; none if it is of another kind.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn read(message: &Message<'_>) -> Result<Option<Change>, Malformed> {
        if let Some(change) = qdisc::Change::read(message)? {
            return Ok(Some(Change::Qdisc(change)));
        }
        if let Some(change) = class::Change::read(message)? {
            return Ok(Some(Change::Class(change)));
        }
        Ok(filter::Change::read(message)?.map(Change::Filter))
    }
}
