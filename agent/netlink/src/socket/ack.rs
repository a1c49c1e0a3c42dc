//! `NLMSG_ERROR` and the end of a dump: what the kernel says of a request.

use std::borrow::Cow;

use crate::error::Refusal;
use crate::wire::Attributes;
use crate::wire::Header;
use crate::wire::Malformed;
use crate::wire::Message;

/// include/uapi/linux/netlink.h `enum nlmsgerr_attrs`
mod said {
    pub(super) const MESSAGE: u16 = 1;
    pub(super) const OFFSET: u16 = 2;
    pub(super) const MISSING_KIND: u16 = 5;
    pub(super) const MISSING_NEST: u16 = 6;
}

/// The kernel did what it was asked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ack {
    /// What it says although it did: an offload that a driver did not take, say.
    pub warning: Option<String>,
}

/// Reads an acknowledgement: the errno, unless it is 0, with what is said of it.
pub(crate) fn read(message: &Message<'_>, request: Cow<'static, str>) -> Result<Result<Ack, Refusal>, Malformed> {
    let (errno, _) = message.split::<4>()?;
    let said_at = match message.header.kind {
        // After the errno, the header of the request, and its body too unless the kernel says that it left it out.
        Header::ERROR if message.header.flags & Header::CAPPED != 0 => 4 + Header::LENGTH,
        Header::ERROR => {
            let length = message.body.get(4..8).and_then(|bytes| bytes.first_chunk().copied());
            let length = length.map_or(Header::LENGTH, |bytes| u32::from_ne_bytes(bytes) as usize);
            length.saturating_add(4).checked_next_multiple_of(4).unwrap_or(usize::MAX)
        }
        _ => 4,
    };
    let said = match message.body.get(said_at..) {
        Some(said) if message.header.flags & Header::ACK_ATTRIBUTES != 0 => said,
        Some(_) | None => &[],
    };
    let mut refusal = Refusal {
        request,
        errno: i32::from_ne_bytes(*errno).saturating_neg(),
        message: None,
        offset: None,
        missing: None,
        missing_in: None,
    };
    for attribute in Attributes::at(said, Header::LENGTH.saturating_add(said_at)) {
        let attribute = attribute?;
        match attribute.kind {
            // A driver writes these words, not always in full sentences, and sometimes ends a line.
            said::MESSAGE => refusal.message = Some(attribute.text_lossy().trim().to_owned()),
            said::OFFSET => refusal.offset = Some(attribute.u32()?),
            said::MISSING_KIND => refusal.missing = Some(attribute.u32()?),
            said::MISSING_NEST => refusal.missing_in = Some(attribute.u32()?),
            _ => (),
        }
    }
    // The end of a dump says how much of the last message was filled, or nothing: only a negative number is an error.
    if refusal.errno > 0 { Ok(Err(refusal)) } else { Ok(Ok(Ack { warning: refusal.message })) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::Writer;

    fn ack(errno: i32, capped: bool, echoed: &[u8], said: Writer) -> Result<Ack, Refusal> {
        let mut body = errno.to_ne_bytes().to_vec();
        let length = 16 + echoed.len() as u32;
        body.extend(Header { length, kind: 20, flags: 5, sequence: 1, port: 2 }.to_bytes());
        if !capped {
            body.extend(echoed);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend(said.finish().unwrap());
        let flags = Header::ACK_ATTRIBUTES | if capped { Header::CAPPED } else { 0 };
        let header = Header { length: 16 + body.len() as u32, kind: Header::ERROR, flags, sequence: 1, port: 2 };
        read(&Message { header, body: &body }, "eth0: set".into()).unwrap()
    }

    #[test]
    fn a_refusal_says_all_that_the_kernel_said() {
        for capped in [false, true] {
            let mut said = Writer::new();
            said.text(said::MESSAGE, "no such thing\n").u32(said::OFFSET, 32);
            said.u32(said::MISSING_KIND, 7).u32(said::MISSING_NEST, 20);
            let refusal = ack(-22, capped, &[1; 13], said).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                "eth0: set: no such thing: Invalid argument (os error 22), at byte 32 of the request, \
                 attribute 7 is missing in the one at byte 20"
            );
        }
    }

    #[test]
    fn a_warning_with_success_is_kept() {
        let mut said = Writer::new();
        said.text(said::MESSAGE, "not offloaded");
        assert_eq!(ack(0, true, &[], said), Ok(Ack { warning: Some("not offloaded".into()) }));
        assert_eq!(ack(0, true, &[], Writer::new()), Ok(Ack::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..200), flags: u16, kind in 1_u16..4) {
            let header = Header { length: 0, kind, flags, sequence: 0, port: 0 };
            let _ = read(&Message { header, body: &body }, "any".into());
        }
    }
}
