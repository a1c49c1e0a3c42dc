//! A netlink socket of neli, and what neli does not offer: who sent a message, how long it truly is, the size of the
//! receive buffer beyond the limit for ordinary users.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use neli::consts::socket::Msg;
use neli::socket::NlSocket;
use neli::utils::Groups;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::net::netlink::SocketAddrNetlink;

use super::Protocol;
use crate::error::Error;
use crate::sys;

/// As much as the kernel puts into one message of a dump if the reader has room (net/netlink/af_netlink.c
/// `netlink_recvmsg`): few and large messages mean few system calls.
const ROOM: usize = 32 * 1024;

/// An open socket.
pub(super) struct Descriptor {
    neli: NlSocket,
    port: u32,
    buffer: Vec<u8>,
}

impl Descriptor {
    /// Opens a socket in the network namespace of the calling thread.
    pub(super) fn open(protocol: Protocol) -> Result<Descriptor, Error> {
        let open = || {
            let neli = NlSocket::connect(protocol.family(), None, Groups::empty())?;
            neli.nonblock()?;
            neli.enable_ext_ack(true)?;
            match protocol {
                // Requests that say something that the kernel does not understand are refused instead of half obeyed.
                Protocol::Route => neli.enable_strict_checking(true)?,
                Protocol::Generic | Protocol::Netfilter | Protocol::SocketDiag => (),
            }
            let port = neli.pid()?;
            Ok(Descriptor { neli, port, buffer: vec![0; ROOM] })
        };
        open().map_err(Error::io("open a netlink socket"))
    }

    /// The port that the kernel gave this socket: unique in its namespace and protocol.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let sent = retry(|| self.neli.send(bytes, Msg::empty()))?;
        if sent == bytes.len() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::WriteZero, format!("{sent} of {} bytes went", bytes.len())))
    }

    /// The next datagram from the kernel, none if there is none now. What others send is dropped.
    pub(super) fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        let length = loop {
            // A datagram that does not fit is cut, and the rest is gone: so look how long it is before taking it.
            let peek = RecvFlags::PEEK | RecvFlags::TRUNC;
            let Some((length, _)) = self.receive_into(peek, 0)? else { return Ok(None) };
            if length > self.buffer.len() {
                self.buffer.resize(length, 0);
            }
            let Some((length, from_kernel)) = self.receive_into(RecvFlags::empty(), usize::MAX)? else {
                return Ok(None);
            };
            if from_kernel {
                break length;
            }
        };
        Ok(Some(self.buffer.get(..length).unwrap_or_default()))
    }

    /// Length of the datagram, and whether the kernel is its sender.
    fn receive_into(&mut self, flags: RecvFlags, room: usize) -> io::Result<Option<(usize, bool)>> {
        let room = room.min(self.buffer.len());
        let buffer = self.buffer.get_mut(..room).unwrap_or_default();
        match rustix::io::retry_on_intr(|| rustix::net::recvfrom(sys::descriptor(&self.neli), &mut *buffer, flags)) {
            Ok((_, length, sender)) => {
                let sender = sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok());
                Ok(Some((length, sender.is_some_and(|sender| sender.pid() == 0))))
            }
            Err(Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Throws away what waits, and what is left of a dump.
    pub(super) fn drain(&mut self) {
        loop {
            match self.receive() {
                Ok(Some(_)) => (),
                // Told once and then forgotten by the kernel; any other error would come for ever.
                Err(error) if is_overrun(&error) => (),
                Ok(None) | Err(_) => return,
            }
        }
    }

    pub(super) fn join(&self, group: u32) -> io::Result<()> {
        self.neli.add_mcast_membership(Groups::new_groups(&[group]))
    }

    pub(super) fn leave(&self, group: u32) -> io::Result<()> {
        self.neli.drop_mcast_membership(Groups::new_groups(&[group]))
    }

    /// Bytes for messages that wait to be read, socket(7) `SO_RCVBUFFORCE`; without `CAP_NET_ADMIN` `SO_RCVBUF`, which
    /// goes no further than net.core.rmem_max.
    pub(super) fn set_buffer(&self, bytes: usize) -> io::Result<()> {
        match rustix::net::sockopt::set_socket_recv_buffer_size_force(self, bytes) {
            Err(Errno::PERM) => Ok(rustix::net::sockopt::set_socket_recv_buffer_size(self, bytes)?),
            other => Ok(other?),
        }
    }

    /// Bytes that may be sent at once (net/netlink/af_netlink.c `netlink_sendmsg`).
    pub(super) fn send_room(&self) -> io::Result<usize> {
        Ok(rustix::net::sockopt::socket_send_buffer_size(self)?.saturating_sub(32))
    }

    /// Makes room for so many bytes to be sent at once, if there is not: socket(7) `SO_SNDBUFFORCE`; without `CAP_NET_ADMIN` `SO_SNDBUF`,
    /// which goes no further than net.core.wmem_max.
    pub(super) fn make_send_room(&self, bytes: usize) -> io::Result<()> {
        if self.send_room()? >= bytes {
            return Ok(());
        }
        // The kernel doubles what it is told.
        match rustix::net::sockopt::set_socket_send_buffer_size_force(self, bytes) {
            Err(Errno::PERM) => Ok(rustix::net::sockopt::set_socket_send_buffer_size(self, bytes)?),
            other => Ok(other?),
        }
    }

    /// Bytes that may wait to be read, the kernel's book-keeping included.
    pub(super) fn receive_room(&self) -> io::Result<usize> {
        Ok(rustix::net::sockopt::socket_recv_buffer_size(self)?)
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::descriptor(&self.neli)
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor")
            .field("descriptor", &self.as_fd())
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// `ENOBUFS`
pub(super) fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error())
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            other => return other,
        }
    }
}
