//! News.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::RawFd;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::io::Errno;

use super::Protocol;
use super::descriptor::Descriptor;
use super::descriptor::is_overrun;
use crate::error::Error;
use crate::wire::Messages;

/// What an [`EventSocket`] has to tell.
#[derive(Debug)]
pub enum Event<'a> {
    /// Nothing now.
    Idle,
    /// The buffer was full and the kernel dropped messages (`ENOBUFS`). Nobody can say which: read everything anew that
    /// these events are about. Messages that came through before the loss may still follow.
    Overrun,
    /// Messages from the kernel.
    Messages(Messages<'a>),
}

/// A socket that listens to multicast groups. Only what the kernel sends is heard: another process with the right to
/// could send to the groups as well.
#[derive(Debug)]
pub struct EventSocket {
    descriptor: Descriptor,
}

impl EventSocket {
    /// Opens a socket in the network namespace of the calling thread, to which it belongs from then on. `buffer` is how
    /// many bytes of messages may wait to be read, the kernel's book-keeping included, which for small messages is most of
    /// it; without `CAP_NET_ADMIN` no more than net.core.rmem_max.
    ///
    /// # Errors
    /// [`Error::Io`] if the kernel gives none.
    pub fn open(protocol: Protocol, buffer: usize) -> Result<EventSocket, Error> {
        let descriptor = Descriptor::open(protocol)?;
        descriptor.set_buffer(buffer).map_err(Error::io("set the receive buffer of a netlink socket"))?;
        Ok(EventSocket { descriptor })
    }

    /// Listens to a group too, by its number; also to those above 32, which bind(2) cannot express.
    ///
    /// # Errors
    /// [`Error::Io`]: `ENOENT` if there is no such group, `EPERM` if it is not for everybody.
    pub fn join(&self, group: u32) -> Result<(), Error> {
        self.descriptor.join(group).map_err(Error::io(format!("join multicast group {group}")))
    }

    /// Listens to a group no longer.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn leave(&self, group: u32) -> Result<(), Error> {
        self.descriptor.leave(group).map_err(Error::io(format!("leave multicast group {group}")))
    }

    /// What has come, without waiting. Call it until it is [`Event::Idle`] before waiting again.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn read(&mut self) -> Result<Event<'_>, Error> {
        match self.descriptor.receive() {
            Ok(Some(bytes)) => Ok(Event::Messages(Messages::new(bytes))),
            Ok(None) => Ok(Event::Idle),
            Err(error) if is_overrun(&error) => Ok(Event::Overrun),
            Err(error) => Err(Error::io("read from a netlink socket")(error)),
        }
    }

    /// Waits until something has come, or for so long; whether something has.
    ///
    /// # Errors
    /// [`Error::Io`]
    pub fn wait(&self, limit: Duration) -> Result<bool, Error> {
        let limit = Timespec::try_from(limit).ok();
        let mut wanted = [PollFd::new(self, PollFlags::IN)];
        match rustix::event::poll(&mut wanted, limit.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            // A signal: the caller may want to see to that first.
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Error::io("wait for a netlink socket")(error.into())),
        }
    }
}

impl AsFd for EventSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsRawFd for EventSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_fd().as_raw_fd()
    }
}
