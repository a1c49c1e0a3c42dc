//! Which version of the rules there is, and who made it.

use super::number;
use super::number::generation as is;
use crate::error::Error;
use crate::netfilter::header::Header;
use crate::socket::Request;
use crate::socket::RequestSocket;
use crate::wire::Malformed;
use crate::wire::Message;

/// A version of all rules of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number: it grows by one with each batch.
    pub id: u32,
    /// In news, the thread that changed the rules; as an answer, the one that asks. Of a process with one thread it is the process, too
    /// (net/netfilter/nf_tables_api.c `nf_tables_fill_gen_info`).
    pub thread: Option<u32>,
    /// The name of that thread, cut after 15 bytes.
    pub thread_name: Option<String>,
}

/// The version that there is.
///
/// # Errors
/// [`Error::NoFamily`] if the kernel has no nftables; [`Error::Refused`]: `EPERM` without `CAP_NET_ADMIN`.
pub fn get(socket: &mut RequestSocket) -> Result<Generation, Error> {
    let request = Request::new("read the generation of nftables", number::GET_GENERATION, Header::of(0).writer());
    match socket.one(request, generation) {
        Ok((generation, _)) => Ok(generation),
        // A part of netfilter that is neither built in nor a module that can be loaded (net/netfilter/nfnetlink.c `nfnetlink_rcv_msg`).
        Err(error) if error.refusal_errno() == Some(rustix::io::Errno::INVAL.raw_os_error()) => {
            Err(Error::NoFamily { family: "nf_tables".to_owned() })
        }
        Err(error) => Err(error),
    }
}

pub(super) fn generation(message: &Message<'_>) -> Result<Generation, Malformed> {
    let (_, attributes) = Header::split(message)?;
    let (mut id, mut thread, mut thread_name) = (None, None, None);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            is::ID => id = Some(attribute.be32()?),
            is::PROCESS => thread = Some(attribute.be32()?),
            is::PROCESS_NAME => thread_name = Some(attribute.text_lossy().into_owned()),
            _ => (),
        }
    }
    Ok(Generation { id: id.ok_or(Malformed::Missing { what: "NFTA_GEN_ID" })?, thread, thread_name })
}
