//! What news say became of an object.

use crate::wire::Malformed;
use crate::wire::Message;

/// What became of one object: a queueing discipline, say, or a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became<T> {
    /// It is there as this, new or changed.
    Set(Box<T>),
    /// It was deleted, or another took its place.
    Gone(Box<T>),
}

impl<T> Became<T> {
    /// The object, there or gone.
    pub fn object(&self) -> &T {
        match self {
            Became::Set(object) | Became::Gone(object) => object,
        }
    }

    /// What a message says, if it is of one of these types.
    pub(crate) fn of(
        message: &Message<'_>,
        [new, deleted]: [u16; 2],
        read: impl FnOnce(&Message<'_>) -> Result<T, Malformed>,
    ) -> Result<Option<Became<T>>, Malformed> {
        let became: fn(Box<T>) -> Became<T> = match message.header.kind {
            kind if kind == new => Became::Set,
            kind if kind == deleted => Became::Gone,
            _ => return Ok(None),
        };
        read(message).map(|object| Some(became(Box::new(object))))
    }
}
