//! News, decoded: what monitors have in common.

use super::Event;
use super::EventSocket;
use crate::error::Error;
use crate::wire::Malformed;
use crate::wire::Message;

/// What a monitor has to tell.
#[derive(Debug)]
pub enum News<C> {
    /// Nothing now.
    Idle,
    /// Changes were lost: read everything anew.
    Overrun,
    /// Changes, in their order. One that cannot be read is an error, and those after it are there all the same.
    Changes(Vec<Result<C, Malformed>>),
}

impl EventSocket {
    /// As [`EventSocket::read`], with each message decoded. To what it has no interest in `decode` answers with `None`.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn news<C>(
        &mut self,
        mut decode: impl FnMut(&Message<'_>) -> Result<Option<C>, Malformed>,
    ) -> Result<News<C>, Error> {
        Ok(match self.read()? {
            Event::Idle => News::Idle,
            Event::Overrun => News::Overrun,
            Event::Messages(messages) => News::Changes(
                messages.filter_map(|message| message.and_then(|message| decode(&message)).transpose()).collect(),
            ),
        })
    }
}

/// Lets whoever holds a monitor, whose socket is its field `socket`, wait for news.
macro_rules! waits {
    ($monitor:ident) => {
        impl $monitor {
            /// Waits until something has come, or for so long; whether something has.
            ///
            /// # Errors
            /// [`Error::Io`](crate::Error::Io)
            pub fn wait(&self, limit: std::time::Duration) -> Result<bool, $crate::Error> {
                self.socket.wait(limit)
            }
        }

        impl std::os::fd::AsFd for $monitor {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.socket.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $monitor {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.socket.as_raw_fd()
            }
        }
    };
}

pub(crate) use waits;
