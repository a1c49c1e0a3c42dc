//! Questions and settings.

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use super::Protocol;
use super::ack;
use super::ack::Ack;
use super::descriptor::Descriptor;
use super::descriptor::is_overrun;
use crate::error::Error;
use crate::wire::Header;
use crate::wire::Malformed;
use crate::wire::Message;
use crate::wire::Messages;
use crate::wire::Writer;

/// How often a dump is begun anew because something changed meanwhile.
const TRIES: u32 = 5;

/// A message to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked, and of what, for errors: `eth0: set channels`.
    pub what: Cow<'static, str>,
    /// `nlmsg_type`
    pub kind: u16,
    /// Flags beyond those that the kind of question needs: [`Header::CREATE`], say.
    pub flags: u16,
    /// The body.
    pub body: Writer,
}

impl Request {
    /// A request without flags of its own.
    pub fn new(what: impl Into<Cow<'static, str>>, kind: u16, body: Writer) -> Request {
        Request { what: what.into(), kind, flags: 0, body }
    }

    /// The request with these flags too.
    #[must_use]
    pub fn with_flags(self, flags: u16) -> Request {
        Request { flags: self.flags | flags, ..self }
    }

    fn malformed(&self, source: Malformed) -> Error {
        Error::Malformed { request: self.what.clone(), source }
    }
}

/// What to do after a message.
enum Step {
    Next,
    End(Ack),
}

/// A socket for requests, which have answers. It never waits: the kernel works on a request while it is being sent.
///
/// Extended acknowledgements are on, and strict checking on [`Protocol::Route`]. Answers are taken from the kernel only,
/// and only if they carry the port of this socket and the number of the request.
#[derive(Debug)]
pub struct RequestSocket {
    pub(super) descriptor: Descriptor,
    pub(super) sequence: u32,
}

impl RequestSocket {
    /// Opens a socket in the network namespace of the calling thread, to which it belongs from then on.
    ///
    /// # Errors
    /// [`Error::Io`] if the kernel gives none.
    pub fn open(protocol: Protocol) -> Result<RequestSocket, Error> {
        Ok(RequestSocket { descriptor: Descriptor::open(protocol)?, sequence: 0 })
    }

    /// The port of this socket: the [`Header::port`] of notifications that its own requests caused, where the protocol
    /// tells it.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.descriptor.port()
    }

    /// Sends a request to do something, and hears whether it was done.
    ///
    /// # Errors
    /// [`Error::Refused`] above all.
    pub fn acknowledged(&mut self, request: Request) -> Result<Ack, Error> {
        self.exchange(request, |_| Ok(()))
    }

    /// Sends a request for one thing.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::NoAnswer`] if there is an acknowledgement and no reply.
    pub fn one<T>(
        &mut self,
        request: Request,
        mut decode: impl FnMut(&Message<'_>) -> Result<T, Malformed>,
    ) -> Result<(T, Ack), Error> {
        let what = request.what.clone();
        let mut reply = None;
        let ack = self.exchange(request, |message| {
            reply = Some(decode(message)?);
            Ok(())
        })?;
        reply.map(|reply| (reply, ack)).ok_or(Error::NoAnswer { request: what })
    }

    /// Sends a request to do something, takes each reply, and ends with the acknowledgement. A reply that cannot be
    /// decoded is an error after the request was carried out: read what it left.
    ///
    /// # Errors
    /// [`Error::Refused`] above all.
    pub fn exchange(
        &mut self,
        request: Request,
        mut reply: impl FnMut(&Message<'_>) -> Result<(), Malformed>,
    ) -> Result<Ack, Error> {
        let request = self.send(request, Header::REQUEST | Header::ACK)?;
        self.receive(&request, |message| match message.header.kind {
            Header::ERROR => end(&request, message),
            _ => reply(message).map(|()| Step::Next).map_err(|source| request.malformed(source)),
        })
    }

    /// Sends a request for all there are, in one go. What `decode` has no interest in it answers with `None`. If something
    /// changes meanwhile the dump is begun anew, some times.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Interrupted`] if something changed each time.
    pub fn dump<T>(
        &mut self,
        request: Request,
        mut decode: impl FnMut(&Message<'_>) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, Error> {
        let what = request.what.clone();
        for _ in 0..TRIES {
            let request = self.send(request.clone(), Header::REQUEST | Header::DUMP)?;
            let mut all = Vec::new();
            let mut interrupted = false;
            self.receive(&request, |message| {
                interrupted |= message.header.flags & Header::DUMP_INTERRUPTED != 0;
                match message.header.kind {
                    Header::ERROR | Header::DONE => end(&request, message),
                    _ => {
                        all.extend(decode(message).map_err(|source| request.malformed(source))?);
                        Ok(Step::Next)
                    }
                }
            })?;
            if !interrupted {
                return Ok(all);
            }
        }
        Err(Error::Interrupted { request: what, tries: TRIES })
    }

    /// What is left of the request once its body was sent.
    fn send(&mut self, request: Request, flags: u16) -> Result<Request, Error> {
        let Request { what, kind, flags: more, body } = request;
        let body = body.finish().map_err(|source| Error::Oversize { request: what.clone(), source })?;
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            // The kernel's own limit is the send buffer, some 200 KiB.
            length: u32::try_from(Header::LENGTH.saturating_add(body.len())).unwrap_or(u32::MAX),
            kind,
            flags: flags | more,
            sequence: self.sequence,
            port: 0,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(body);
        self.descriptor.send(&bytes).map_err(Error::io(what.clone()))?;
        Ok(Request { what, kind, flags: more, body: Writer::new() })
    }

    /// Takes the messages that answer the last request, up to its end. After an error nothing of the answer is left.
    fn receive(
        &mut self,
        request: &Request,
        mut step: impl FnMut(&Message<'_>) -> Result<Step, Error>,
    ) -> Result<Ack, Error> {
        let mut receive = || {
            let (port, sequence) = (self.descriptor.port(), self.sequence);
            loop {
                let received = self.descriptor.receive().map_err(|error| failed(request, error))?;
                let received = received.ok_or_else(|| Error::NoAnswer { request: request.what.clone() })?;
                for message in Messages::new(received) {
                    let message = message.map_err(|source| request.malformed(source))?;
                    let header = message.header;
                    if header.sequence != sequence || header.port != port || header.kind == Header::NOOP {
                        continue;
                    }
                    if let Step::End(ack) = step(&message)? {
                        return Ok(ack);
                    }
                }
            }
        };
        let received = receive();
        if received.is_err() {
            self.descriptor.drain();
        }
        received
    }
}

fn end(request: &Request, message: &Message<'_>) -> Result<Step, Error> {
    let said = ack::read(message, request.what.clone()).map_err(|source| request.malformed(source))?;
    Ok(Step::End(said?))
}

fn failed(request: &Request, error: io::Error) -> Error {
    if is_overrun(&error) {
        return Error::Overrun { request: request.what.clone() };
    }
    Error::Io { action: request.what.clone(), source: error }
}

impl AsFd for RequestSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
