//! Requests that the kernel carries out together or not at all, as nfnetlink has them.

use super::Request;
use super::RequestSocket;
use super::ack;
use super::descriptor::is_overrun;
use crate::error::Error;
use crate::wire::Header;
use crate::wire::Messages;

impl RequestSocket {
    /// Sends requests between two that mark the beginning and the end of a batch (net/netfilter/nfnetlink.c `nfnetlink_rcv_batch`), in one
    /// sendmsg(2), as the kernel wants them. Only the last of them asks for an acknowledgement: refusals come unasked, and a batch
    /// of which none is refused was carried out.
    ///
    /// # Errors
    /// [`Error::Refused`] of the first in their order that is refused; the beginning of the batch stands for all of it.
    pub(crate) fn atomic(&mut self, begin: Request, requests: Vec<Request>, end: Request) -> Result<(), Error> {
        let whole = begin.what.clone();
        let last = requests.len();
        let first = self.sequence.wrapping_add(1);
        let mut asked = Vec::new();
        let mut bytes = Vec::new();
        for (place, request) in std::iter::once(begin).chain(requests).chain([end]).enumerate() {
            let Request { what, kind, flags, body } = request;
            let body = body.finish().map_err(|source| Error::Oversize { request: what.clone(), source })?;
            self.sequence = self.sequence.wrapping_add(1);
            let header = Header {
                length: u32::try_from(Header::LENGTH.saturating_add(body.len())).unwrap_or(u32::MAX),
                kind,
                flags: flags | Header::REQUEST | if place == last { Header::ACK } else { 0 },
                sequence: self.sequence,
                port: 0,
            };
            bytes.extend(header.to_bytes());
            bytes.extend(body);
            asked.push(what);
        }
        self.descriptor.make_send_room(bytes.len()).map_err(Error::io(whole.clone()))?;
        self.descriptor.send(&bytes).map_err(Error::io(whole.clone()))?;
        let port = self.descriptor.port();
        let mut refused: Option<(usize, Error)> = None;
        let (mut is_done, mut is_overrunning) = (false, false);
        // The kernel has worked on all of it by now, and what it has to say waits to be read.
        loop {
            let received = match self.descriptor.receive() {
                Ok(Some(received)) => received,
                Ok(None) => break,
                Err(error) if is_overrun(&error) => {
                    is_overrunning = true;
                    continue;
                }
                Err(error) => return Err(Error::io(whole)(error)),
            };
            for message in Messages::new(received).map_while(Result::ok) {
                let place = usize::try_from(message.header.sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                let Some(what) = asked.get(place) else { continue };
                if message.header.kind != Header::ERROR || message.header.port != port {
                    continue;
                }
                let answer = ack::read(&message, what.clone())
                    .map_err(|source| Error::Malformed { request: what.clone(), source })?;
                match answer {
                    Ok(_) => is_done |= place == last,
                    Err(refusal) => {
                        // What is said of the whole, without words of its own, comes after what is said of one.
                        let rank = if place == 0 { usize::MAX } else { place };
                        if refused.as_ref().is_none_or(|(before, _)| rank < *before) {
                            refused = Some((rank, Error::Refused(refusal)));
                        }
                    }
                }
            }
        }
        match refused {
            Some((_, error)) => Err(error),
            None if is_overrunning => Err(Error::Overrun { request: whole }),
            None if is_done => Ok(()),
            None => Err(Error::NoAnswer { request: whole }),
        }
    }
}
