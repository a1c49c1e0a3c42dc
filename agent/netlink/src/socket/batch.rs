//! Many requests at once.

use std::borrow::Cow;
use std::io;

use super::Ack;
use super::Request;
use super::RequestSocket;
use super::ack;
use super::descriptor::is_overrun;
use crate::error::Error;
use crate::wire::Header;
use crate::wire::Messages;

/// Most bytes of requests that go in one sendmsg(2), if the send buffer has room for them. More gain nothing.
const MOST_BYTES: usize = 32 * 1024;

/// Requests that go together.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    /// Number of the first; the others have those that follow.
    first: u32,
    /// Place of the first among all.
    place: usize,
    /// What each asks, for errors.
    asked: Vec<Cow<'static, str>>,
    /// What the answers may take in the receive buffer.
    answers: usize,
}

impl RequestSocket {
    /// Sends requests to do something, as many in one go as the buffers of the socket allow, and hears of each whether it was
    /// done: as many answers as requests, in their order.
    ///
    /// Each request is tried whatever became of those before it, as if it had been sent alone: the kernel goes on after a refusal
    /// (net/netlink/af_netlink.c `netlink_rcv_skb`). Replies other than acknowledgements are passed over.
    ///
    /// ```no_run
    /// use trimtab_netlink::socket::{Protocol, RequestSocket};
    /// use trimtab_netlink::tc::class::{HtbClass, NewClass};
    /// use trimtab_netlink::tc::{Handle, Rate};
    ///
    /// let mut socket = RequestSocket::open(Protocol::Route)?;
    /// let htb = HtbClass::with(Rate::bytes(1_250_000), 16_000);
    /// let class = |minor| NewClass::htb(2, Handle::new(1, 0), Handle::new(1, minor), htb).add();
    /// let requests = (1..=1000).map(class).collect::<Result<Vec<_>, _>>()?;
    /// for refused in socket.batch(requests).into_iter().filter_map(Result::err) {
    ///     println!("{refused}");
    /// }
    /// # Ok::<(), trimtab_netlink::Error>(())
    /// ```
    pub fn batch(&mut self, requests: Vec<Request>) -> Vec<Result<Ack, Error>> {
        let most_bytes = self.descriptor.send_room().map_or(0, |room| room.min(MOST_BYTES));
        let most_answers = self.descriptor.receive_room().unwrap_or(0);
        let mut answers: Vec<Option<Result<Ack, Error>>> = Vec::new();
        answers.resize_with(requests.len(), || None);
        let mut part = Part::default();
        for (place, request) in requests.into_iter().enumerate() {
            let Request { what, kind, flags, body } = request;
            let body = match body.finish() {
                Ok(body) => body,
                Err(source) => {
                    tell(&mut answers, place, Err(Error::Oversize { request: what, source }));
                    continue;
                }
            };
            let length = Header::LENGTH.saturating_add(body.len());
            let answer = room_of_answer(length);
            let is_full = part.bytes.len().saturating_add(length) > most_bytes
                || part.answers.saturating_add(answer) > most_answers;
            // Numbers and places of a part are in a row, which they are not where a request could not be written.
            let is_apart = part.place.saturating_add(part.asked.len()) != place;
            if is_full || is_apart {
                self.send_part(std::mem::take(&mut part), &mut answers);
            }
            self.sequence = self.sequence.wrapping_add(1);
            if part.asked.is_empty() {
                (part.first, part.place) = (self.sequence, place);
            }
            let header = Header {
                length: u32::try_from(length).unwrap_or(u32::MAX),
                kind,
                flags: flags | Header::REQUEST | Header::ACK,
                sequence: self.sequence,
                port: 0,
            };
            part.bytes.extend(header.to_bytes());
            part.bytes.extend(body);
            part.asked.push(what);
            part.answers = part.answers.saturating_add(answer);
        }
        self.send_part(part, &mut answers);
        // Each has been told something.
        answers.into_iter().flatten().collect()
    }

    fn send_part(&mut self, part: Part, answers: &mut [Option<Result<Ack, Error>>]) {
        let Part { bytes, first, place, asked, answers: _ } = part;
        if asked.is_empty() {
            return;
        }
        let mut why = self.descriptor.send(&bytes).err();
        let port = self.descriptor.port();
        let mut left = if why.is_some() { 0 } else { asked.len() };
        while left > 0 {
            match self.descriptor.receive() {
                Ok(Some(received)) => {
                    for message in Messages::new(received).map_while(Result::ok) {
                        let number = message.header.sequence.wrapping_sub(first);
                        let Some((number, what)) = usize::try_from(number)
                            .ok()
                            .and_then(|number| asked.get(number).map(|what| (number, what)))
                            .filter(|_| message.header.kind == Header::ERROR && message.header.port == port)
                        else {
                            continue;
                        };
                        let answer = match ack::read(&message, what.clone()) {
                            Ok(answer) => answer.map_err(Error::Refused),
                            Err(source) => Err(Error::Malformed { request: what.clone(), source }),
                        };
                        tell(answers, place.saturating_add(number), answer);
                        left = left.saturating_sub(1);
                    }
                }
                // The kernel has worked on all of them by now.
                Ok(None) => break,
                Err(error) => {
                    let is_over = !is_overrun(&error);
                    why = Some(error);
                    if is_over {
                        break;
                    }
                }
            }
        }
        for (number, what) in asked.into_iter().enumerate() {
            let error = match &why {
                None => Error::NoAnswer { request: what },
                Some(error) if is_overrun(error) => Error::Overrun { request: what },
                Some(error) => Error::Io { action: what, source: same(error) },
            };
            tell(answers, place.saturating_add(number), Err(error));
        }
    }
}

/// Only what is told first counts.
fn tell(answers: &mut [Option<Result<Ack, Error>>], place: usize, answer: Result<Ack, Error>) {
    if let Some(slot) = answers.get_mut(place) {
        slot.get_or_insert(answer);
    }
}

fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

/// What the acknowledgement of a request takes in the receive buffer at most: a refusal repeats the request, and says why; the
/// kernel allocates by powers of two, and counts what it needs to keep the book, too.
fn room_of_answer(length: usize) -> usize {
    length.saturating_add(512).checked_next_power_of_two().unwrap_or(usize::MAX).saturating_add(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::Protocol;
    use crate::wire::Writer;

    /// A request that the kernel refuses to everybody.
    fn refused(number: usize) -> Request {
        let mut body = Writer::with_header(&[0; 16]);
        body.attribute(3, &[7; 200]);
        Request::new(format!("request {number}"), 17, body)
    }

    fn named(answers: &[Result<Ack, Error>]) {
        for (number, answer) in answers.iter().enumerate() {
            let error = answer.as_ref().unwrap_err();
            assert!(error.to_string().starts_with(&format!("request {number}: ")), "{error}");
            assert!(matches!(error, Error::Refused(_)), "{error}");
        }
    }

    #[test]
    fn every_request_has_its_answer_however_small_the_buffers_are() {
        for buffer in [None, Some(1), Some(5000), Some(20_000)] {
            let mut socket = RequestSocket::open(Protocol::Route).unwrap();
            if let Some(buffer) = buffer {
                socket.descriptor.set_buffer(buffer).unwrap();
            }
            let answers = socket.batch((0..2000).map(refused).collect());
            assert_eq!(answers.len(), 2000);
            named(&answers);
            // And the socket goes on.
            named(&[socket.acknowledged(refused(0))]);
        }
    }

    #[test]
    fn one_that_cannot_be_sent_is_told_in_its_place() {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        assert!(socket.batch(Vec::new()).is_empty());
        let mut long = Writer::new();
        long.attribute(1, &[0; 70_000]);
        let mut requests: Vec<_> = (0..5).map(refused).collect();
        requests[2] = Request::new("request 2", 17, long);
        let mut answers = socket.batch(requests);
        assert!(matches!(&answers[2], Err(Error::Oversize { request, .. }) if request == "request 2"));
        answers[2] = socket.batch(vec![refused(2)]).remove(0);
        named(&answers);
    }

    #[test]
    fn one_that_is_longer_than_all_buffers_goes_alone() {
        let mut socket = RequestSocket::open(Protocol::Route).unwrap();
        let mut body = Writer::with_header(&[0; 16]);
        for _ in 0..3 {
            body.attribute(3, &[7; 60_000]);
        }
        let long = Request::new("request 1", 17, body);
        named(&socket.batch(vec![refused(0), long, refused(2)]));
    }
}
